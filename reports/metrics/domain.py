"""Whether the conditions of the run were those that the driver is made for."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from reports.metrics.measure import YES_NO, Measure, Values
from twin.conditions import measure
from twin.odd import IN, UNKNOWN, UNKNOWN_NS, Evaluation, evaluate
from twin.run import Run


def evaluation(run: Run) -> Evaluation | None:
    """Return the domain's truth over the run, None when the case has none."""
    case = run.case
    if case.odd is None:
        return None
    return evaluate(case.odd, measure(case.road, run.f, run.n, case.p, run.environment))


def _in_odd(run: Run) -> Values:
    found = evaluation(run)
    if found is None:
        return np.zeros(len(run.t_ns)), np.zeros(len(run.t_ns), np.bool_)
    lost = _lost(found, run)
    return (found.truth == IN).astype(np.float64), (found.truth != UNKNOWN) | lost


def _lost(found: Evaluation, run: Run) -> NDArray[np.bool_]:
    """Return where the conditions have been unknown for so long that this counts as out."""
    known = np.where(found.truth != UNKNOWN, np.arange(len(run.t_ns)), -1)
    newest = np.maximum.accumulate(known)
    since = run.t_ns[np.minimum(newest + 1, len(run.t_ns) - 1)]
    return np.asarray((found.truth == UNKNOWN) & (run.t_ns - since >= UNKNOWN_NS))


IN_ODD: Final = Measure("in_odd", YES_NO, "higher", "the conditions lie in the driver's ODD", _in_odd)
