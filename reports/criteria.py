"""One criterion judged on one run: a metric with a threshold, a metric that must hold, or a formula.

A metric that raises or answers nan is INCONCLUSIVE with its reason, never a silent pass. A criterion whose metric never
applied (no conflict ever: no TTC) passes and says so, unless the metric has no value for "nothing there".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from reports.finding import Finding, Verdict
from reports.finding import measured as in_words
from reports.metrics import METRICS, YES_NO
from reports.signals import Signals
from reports.stl import SCALES, evaluate
from twin.clock import seconds
from twin.errors import InputError
from twin.run import Run, Series
from twin.state import Floats
from twin.syntax import Criterion

SeriesOf = Callable[[str], Series]

_NEVER: Final = "never applied in this run"
_FINAL_WORD: Final = {
    "min": (">", ">="),
    "max": ("<", "<="),
    "count": ("<", "<=", "=="),
}
"""Aggregates and operators whose violation stays, however the run goes on."""


def assess(run: Run, criterion: Criterion, series: SeriesOf, complete: bool = True) -> Finding:
    """Judge one criterion. With `complete` False only what no further tick could change is PASS or FAIL."""
    try:
        if criterion.formula is not None:
            return _formula(run, criterion, series, complete)
        if criterion.metric is None:
            raise InputError("this criterion names no metric and no formula")
        measured = series(criterion.metric)
        if np.isnan(measured.values[measured.valid]).any():
            raise InputError(f"metric '{criterion.metric}' answered nan")
        if criterion.holds is not None:
            return _holding(criterion, measured, complete)
        return _threshold(run, criterion, measured, complete)
    # Metrics come from anybody: whatever one raises makes the criterion inconclusive, and the reason is kept.
    except Exception as error:
        why = f"{type(error).__name__}: {error}" if not isinstance(error, InputError) else str(error)
        return Finding(criterion.name, criterion.text, Verdict.INCONCLUSIVE, math.nan, "", math.nan, math.nan, why)


def _formula(run: Run, criterion: Criterion, series: SeriesOf, complete: bool) -> Finding:
    assert criterion.formula is not None
    outcome = evaluate(criterion.formula, Signals(run, series), complete)
    t_s = seconds(int(run.t_ns[outcome.tick]))
    if outcome.truth is None:
        verdict, why = Verdict.INCONCLUSIVE, f"undecided when the run ended: {outcome.predicate} at {t_s:.2f} s"
    elif outcome.truth:
        verdict = Verdict.PASS
        why = _NEVER if math.isinf(outcome.robustness) else f"tightest at {t_s:.2f} s: {outcome.predicate}"
    else:
        verdict, why = Verdict.FAIL, f"broken at {t_s:.2f} s: {outcome.predicate}"
    return Finding(criterion.name, criterion.text, verdict, outcome.robustness, "", outcome.robustness, t_s, why)


def _absent(criterion: Criterion) -> float:
    return float(getattr(METRICS.get(criterion.metric or ""), "absent", math.nan))


def _holding(criterion: Criterion, measured: Series, complete: bool) -> Finding:
    if measured.unit != YES_NO:
        raise InputError(f"'{criterion.metric}' is measured in {measured.unit}: give it a threshold")
    wanted = 1.0 if criterion.holds else 0.0
    if not measured.valid.any():
        return _vacuous(criterion, measured, (_absent(criterion) == wanted))
    broken = measured.valid & ((measured.values != 0.0) != bool(criterion.holds))
    if not broken.any():
        verdict = Verdict.PASS if complete else Verdict.INCONCLUSIVE
        return Finding(criterion.name, criterion.text, verdict, wanted, YES_NO, 1.0, math.nan, "held throughout")
    t_s = seconds(int(measured.t_ns[int(np.argmax(broken))]))
    share = float(broken.sum() / measured.valid.sum())
    why = f"broken first at {t_s:.2f} s, in {share:.1%} of the ticks"
    return Finding(criterion.name, criterion.text, Verdict.FAIL, 1.0 - wanted, YES_NO, -1.0, t_s, why)


def _vacuous(criterion: Criterion, measured: Series, passes: bool) -> Finding:
    absent = _absent(criterion)
    if math.isnan(absent):
        raise InputError(f"metric '{criterion.metric}' {_NEVER}")
    verdict = Verdict.PASS if passes else Verdict.FAIL
    return Finding(criterion.name, criterion.text, verdict, absent, measured.unit, math.nan, math.nan, _NEVER)


def _threshold(run: Run, criterion: Criterion, measured: Series, complete: bool) -> Finding:
    aggregate, op, limit = criterion.aggregate, criterion.op, criterion.limit
    if aggregate is None or op is None or limit is None:
        raise InputError("this criterion has no aggregate, operator or limit")
    additive = aggregate in ("count", "integral")
    if not measured.valid.any() and (not additive or math.isnan(_absent(criterion))):
        return _vacuous(criterion, measured, _compare(_absent(criterion), op, limit.value))
    value, tick = aggregated(measured, aggregate, run.case.step_ns)
    unit = {"count": "1", "integral": f"{measured.unit} s" if measured.unit != YES_NO else "s"}.get(
        aggregate, measured.unit
    )
    holds = _compare(value, op, limit.value)
    scale = SCALES.get(limit.dimension or "1", 1.0)
    away = value - limit.value
    margin = away if op in (">", ">=") else -away if op in ("<", "<=") else -abs(away) if op == "==" else abs(away)
    verdict = Verdict.PASS if holds else Verdict.FAIL
    settled = not holds and op in _FINAL_WORD.get(aggregate, ())
    if not complete and not settled:
        verdict = Verdict.INCONCLUSIVE
    t_s = seconds(int(measured.t_ns[tick])) if tick >= 0 else math.nan
    where = f" at {t_s:.2f} s" if tick >= 0 else ""
    why = f"{aggregate} {criterion.metric} is {in_words(value, unit)}{where}"
    return Finding(criterion.name, criterion.text, verdict, value, unit, margin / scale, t_s, why)


def aggregated(series: Series, aggregate: str, step_ns: int) -> tuple[float, int]:
    """Return an aggregate over the ticks where the metric applies, and the tick it stands for (-1: no single one).

    count: how often the value turns from 0, or from not applying, to anything else. integral: over time, [unit s].
    """
    ticks = np.flatnonzero(series.valid)
    values: Floats = series.values[ticks]
    if aggregate == "min":
        at = int(np.argmin(values))
        return float(values[at]), int(ticks[at])
    if aggregate == "max":
        at = int(np.argmax(values))
        return float(values[at]), int(ticks[at])
    if aggregate == "final":
        return float(values[-1]), int(ticks[-1])
    if aggregate == "mean":
        return float(values.mean()), -1
    if aggregate == "p95":
        return float(np.percentile(values, 95.0)), -1
    if aggregate == "integral":
        return float(values.sum() * step_ns * 1e-9), -1
    if aggregate == "count":
        on = series.valid & (np.nan_to_num(series.values) != 0.0)
        starts = np.flatnonzero(on & ~np.concatenate(([False], on[:-1])))
        return float(len(starts)), int(starts[0]) if len(starts) else -1
    raise InputError(f"no aggregate is called '{aggregate}'; known: min max mean final count integral p95")


def _compare(value: float, op: str, limit: float) -> bool:
    return {
        "==": value == limit,
        "!=": value != limit,
        "<=": value <= limit,
        ">=": value >= limit,
        "<": value < limit,
        ">": value > limit,
    }[op]
