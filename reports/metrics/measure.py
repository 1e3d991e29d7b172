"""A metric: a name, a unit, what its values mean, and the function that makes them from a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.run import Run, Series
from twin.state import Floats

Bools = NDArray[np.bool_]
Values = tuple[Floats, Bools]

YES_NO: Final = "bool"  # the unit of a metric that holds (1) or does not (0)


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the catalogue, callable as `twin.ports.Metric`.

    `absent` stands for the value where the metric does not apply, when a formula asks for it: inf for a time to
    collision with nobody in the way, 0 for the braking that nobody asks for; nan says that nothing can be concluded.
    """

    name: str
    unit: str
    better: str  # "higher", "lower" or ""
    about: str
    of: Callable[[Run], Values]
    absent: float = math.nan

    @property
    def yes_no(self) -> bool:
        """Tell whether the metric holds or not, so that `metric: true` can be asked of it."""
        return self.unit == YES_NO

    def __call__(self, run: Run) -> Series:
        values, valid = self.of(run)
        return Series(self.name, self.unit, run.t_ns, np.where(valid, values, np.nan), valid, self.better)


def always_valid(values: Floats) -> Values:
    """Return a metric's values that apply at every tick."""
    return np.asarray(values, np.float64), np.ones(len(values), np.bool_)
