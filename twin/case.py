"""One concrete scenario: all values chosen, one seed, everything resolved to numbers. What engines run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from twin.faults import Fault
from twin.ports import Brief
from twin.road import Road, RouteTables
from twin.signals import Programmes
from twin.state import EGO, VX, Floats, Ints
from twin.story import StoryTables
from twin.syntax import Criterion
from twin.vehicle import VehicleParams

if TYPE_CHECKING:
    from twin.odd import Odd


@dataclass(frozen=True, slots=True)
class SensorSpec:
    """One device of the rig: its kind in the catalogue, where it sits, and its parameters in SI."""

    name: str
    kind: str
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DriverSpec:
    """Who drives the ego: a name of the catalogue or module:Class, with its parameters and its budgets."""

    name: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    step_budget_s: float = 5.0
    start_budget_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Case:
    """A concrete scenario. Arrays follow `twin.state`; actor 0 is the ego."""

    scenario: str
    seed: int
    values: Mapping[str, float | str]  # of the parameters, SI
    step_ns: int
    substeps: int  # physics steps a tick
    after_ns: int  # longest run
    road: Road
    actors: tuple[str, ...]  # names
    f0: Floats  # (F_ROWS, actors) at t = 0
    n0: Ints  # (N_ROWS, actors)
    p: Floats  # (P_ROWS, actors)
    ego: VehicleParams
    ego_route: NDArray[np.int64]  # lanes, for the brief and for route progress
    goal_s: float
    routes: RouteTables
    story: StoryTables
    programmes: Programmes
    environment: Floats  # (E_ROWS,)
    faults: tuple[Fault, ...]
    rig: tuple[SensorSpec, ...]
    driver: DriverSpec
    criteria: tuple[Criterion, ...]
    odd: Odd | None
    must_start: tuple[int, ...]  # events that have to start, or the run is INVALID
    event_names: tuple[str, ...] = ()  # of the story's events in table order, "" = unnamed; for people
    requirements: tuple[str, ...] = ()  # ids that the scenario covers
    about: str = ""  # the scenario in one sentence

    def brief(self) -> Brief:
        """Return what the driver may know."""
        return Brief(
            seed=self.seed,
            step_ns=self.step_ns,
            vehicle=self.ego,
            road=self.road,
            route=self.ego_route,
            goal_s=self.goal_s,
            start_speed_mps=float(self.f0[VX, EGO]),
            sensors=tuple(s.name for s in self.rig),
        )
