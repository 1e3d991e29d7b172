"""How well the stack knew where it was."""

from __future__ import annotations

from typing import Final

import numpy as np

from reports.metrics.measure import Measure, Values
from twin.run import Run
from twin.state import EGO, X, Y

_STD: Final = 4


def _error(run: Run) -> Values:
    away = np.hypot(run.estimate[:, 0] - run.f[:, X, EGO], run.estimate[:, 1] - run.f[:, Y, EGO])
    return away, np.isfinite(away)


def _std(run: Run) -> Values:
    claimed = run.estimate[:, _STD].copy()
    return claimed, np.isfinite(claimed)


ERROR: Final = Measure(
    "localisation_error", "m", "lower", "distance from the newest estimate to the true position, age included", _error
)
STD: Final = Measure("localisation_std", "m", "lower", "deviation that the newest estimate claims for itself", _std)
