"""The contracts. Read this page and `loop.py`, and you know the architecture.

| contract | implementations                                            | proved by                        |
|----------|------------------------------------------------------------|----------------------------------|
| Engine   | embedded, replay (carla to come)                           | tests/contracts/test_engine.py   |
| Rig      | sensors.rig.Rig over every Sensor of the catalogue         | tests/contracts/test_sensor.py   |
| Driver   | built-in reference drivers, any Python class               | tests/contracts/test_driver.py   |
| Metric   | reports.metrics                                            | hand-computed values, laws       |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from twin.command import Command
from twin.samples import Sample, Seen
from twin.state import Floats, Ints, WorldState

if TYPE_CHECKING:
    from twin.case import Case
    from twin.road import Road
    from twin.run import Run, Series
    from twin.vehicle import VehicleParams


@dataclass(frozen=True, slots=True)
class Rays:
    """A request to cast rays. Each ray starts at origins[i] and looks along directions[i] (unit), world frame.

    t_ns gives the instant of each ray (non-decreasing, within the tick just simulated) so that movement distorts the
    sweep as in a real device; the engine interpolates moving bodies between their substep poses.
    """

    origins: Floats  # (n, 3)
    directions: Floats  # (n, 3)
    t_ns: Ints  # (n,)
    max_range_m: float


@dataclass(frozen=True, slots=True)
class Hits:
    """What rays met. range is inf for a miss; actor is the actor's number, -1 static, -2 nothing."""

    range_m: Floats  # (n,)
    actor: Ints  # (n,)
    cos_incidence: Floats  # (n,)
    reflectivity: Floats  # (n,) at 905 nm


Probe = Callable[[Sequence[Rays]], list[Hits]]


class Engine(Protocol):
    """Owns the truth. Deterministic: same case and commands, same bytes."""

    def reset(self, case: Case) -> WorldState:
        """Build the world of `case` and return its state at t = 0, story evaluated once."""
        ...

    def step(self, command: Command) -> WorldState:
        """Advance by one tick under `command`: physics first, then the story on the new snapshot."""
        ...

    def probe(self, requests: Sequence[Rays]) -> list[Hits]:
        """Answer geometry questions about the tick just simulated."""
        ...


@dataclass(frozen=True, slots=True)
class Truth:
    """What a sensor may look at: the state, the fixed facts of the case, and the engine's probe."""

    state: WorldState
    case: Case
    probe: Probe


class Sensor(Protocol):
    """One device: geometry -> physics -> noise -> device fault. Rate, mount and transport are the rig's."""

    @property
    def name(self) -> str: ...

    def sense(self, truth: Truth) -> Sequence[Sample]:
        """Return every sample that has left the device and reached the stack since the last call, by arrival."""
        ...


class Rig(Protocol):
    """All sensors of the ego."""

    def reset(self, case: Case) -> None: ...

    def sense(self, state: WorldState, probe: Probe) -> Seen:
        """Return what arrived since the last tick."""
        ...


@dataclass(frozen=True, slots=True)
class Brief:
    """What a driver is told before the run: its car, its map, its way, its sensors; never the truth."""

    seed: int
    step_ns: int
    vehicle: VehicleParams
    road: Road
    route: NDArray[np.int64]  # (k,) lanes to travel, in order, as a navigator would give them
    goal_s: float  # where to stop caring on the last lane [m]; inf = drive on
    start_speed_mps: float
    sensors: tuple[str, ...]


class Driver(Protocol):
    """Turns measurements into commands; the stack under test is one."""

    def start(self, brief: Brief) -> None:
        """Get ready for one run. Raises StackError."""
        ...

    def act(self, seen: Seen) -> Command:
        """Answer one tick. Raises StackError (crash, timeout, garbage)."""
        ...

    def close(self) -> None: ...


class Metric(Protocol):
    """Measures a finished run, tick by tick."""

    def __call__(self, run: Run) -> Series: ...
