"""Whether the conditions of the run were those that the driver is made for."""

from __future__ import annotations

from typing import Final

import numpy as np

from reports.metrics.measure import YES_NO, Measure, Values
from twin.conditions import measure
from twin.odd import IN, UNKNOWN, Evaluation, evaluate
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
    return (found.truth == IN).astype(np.float64), found.truth != UNKNOWN


IN_ODD: Final = Measure("in_odd", YES_NO, "higher", "the conditions lie in the driver's ODD", _in_odd)
