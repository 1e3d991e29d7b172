"""The words of a verdict, and what one criterion says of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from reports.metrics.measure import YES_NO


class Verdict(StrEnum):
    """The outcome of a run. INVALID, INCONCLUSIVE, ERROR and TIMEOUT never enter a rate."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNPREVENTABLE = "UNPREVENTABLE"  # failed, but so would a careful and competent driver
    INVALID = "INVALID"  # what the scenario is about never started
    INCONCLUSIVE = "INCONCLUSIVE"  # a metric failed, or a formula's window outran the trace
    ERROR = "ERROR"  # ours or the machine's
    TIMEOUT = "TIMEOUT"  # the run's budget is spent
    FLAKY = "FLAKY"  # the same case gave different verdicts


@dataclass(frozen=True, slots=True)
class Finding:
    """What one criterion says of a run. `robustness` >= 0 is the margin in multiples of its unit's scale, nan unknown;
    `t_s` is the moment that decides."""

    criterion: str
    text: str
    verdict: Verdict
    value: float
    unit: str
    robustness: float
    t_s: float
    why: str


def measured(value: float, unit: str) -> str:
    """Return a measured value as people read it: yes or no for what holds or not, a count without a unit."""
    if math.isnan(value):
        return ""
    if unit == YES_NO:
        return "yes" if value else "no"
    return f"{value:.4g}" if unit in ("", "1") else f"{value:.4g} {unit}"
