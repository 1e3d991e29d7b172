"""What a run was worth: one verdict, the findings it rests on, and the figures that go into every table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reports.disengagement import Disengagement
from twin.run import Run


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


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that a report needs to know of a run.

    `odd` holds seconds spent in each cell: attribute -> value or range -> seconds. `extrapolated` names the models that
    were used outside their validity.
    """

    verdict: Verdict
    cause: str
    why: str
    findings: tuple[Finding, ...]
    figures: Mapping[str, float]
    disengagements: tuple[Disengagement, ...]
    exposure_km: float
    exposure_h: float
    odd: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    extrapolated: tuple[str, ...] = ()


def judge(run: Run) -> Judgement:
    """Judge a finished run by its case's criteria."""
    raise NotImplementedError
