"""Small cases for tests: a road, actors on it, an empty story unless one is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twin.case import Case, DriverSpec, SensorSpec
from twin.environment import environment
from twin.faults import Fault
from twin.road import Road, RouteTables
from twin.road.build import straight_road
from twin.road.kernels import lane_pose
from twin.signals import Programmes
from twin.state import (
    AIM_LANE,
    F_ROWS,
    LANE,
    N_ROWS,
    PITCH,
    PRESENT,
    TRAFFIC,
    VISIBLE,
    VX,
    YAW,
    D,
    Floats,
    Ints,
    S,
    X,
    Y,
    Z,
)
from twin.story import StoryTables
from twin.syntax import Criterion
from twin.vehicle import body, params


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor of a test: on a lane at (s, d), or anywhere at (x, y) when lane is -1."""

    name: str = "ego"
    body: str = "mid_sedan"
    lane: int = 0
    s: float = 50.0
    d: float = 0.0
    speed: float = 0.0
    turned: float = 0.0  # relative to the lane, absolute off lanes [rad]
    traffic: bool = False
    x: float = 0.0
    y: float = 0.0


def straight_on(road: Road) -> RouteTables:
    """Return route tables with the row 0 alone: straight on, no goal."""
    lanes = len(road.arrays.length)
    return RouteTables(
        next=road.arrays.straight.reshape(1, lanes).copy(),
        side=np.zeros((1, lanes), np.int64),
        rest=np.full((1, lanes), np.inf),
    )


def no_lights(road: Road) -> Programmes:
    """Return programmes without phases: every lamp stays off."""
    signals = len(road.signal_names)
    empty = np.zeros(0, np.int64)
    return Programmes(np.zeros(signals + 1, np.int64), empty, empty, np.zeros(signals, np.int64))


def blocks(road: Road, actors: Sequence[Actor]) -> tuple[Floats, Ints, Floats]:
    """Return f, n and p of actors at t = 0."""
    f = np.zeros((F_ROWS, len(actors)))
    n = np.zeros((N_ROWS, len(actors)), np.int64)
    p = np.stack([body(a.body) for a in actors], axis=1)
    for i, a in enumerate(actors):
        x, y, z, heading, pitch = a.x, a.y, 0.0, 0.0, 0.0
        if a.lane >= 0:
            x, y, z, heading, pitch, _ = lane_pose(road.arrays, a.lane, a.s, a.d)
            f[S, i], f[D, i] = a.s, a.d
        f[X, i], f[Y, i], f[Z, i] = x, y, z
        f[YAW, i] = (heading + a.turned + np.pi) % (2 * np.pi) - np.pi
        f[PITCH, i], f[VX, i] = pitch, a.speed
        n[LANE, i] = n[AIM_LANE, i] = a.lane
        n[PRESENT, i], n[VISIBLE, i] = 1, 7
        p[TRAFFIC, i] = float(a.traffic)
    return f, n, p


def make_case(
    road: Road | None = None,
    actors: Sequence[Actor] = (Actor(),),
    story: StoryTables | None = None,
    *,
    seed: int = 1,
    step_ns: int = 50_000_000,
    substeps: int = 10,
    after_s: float = 60.0,
    routes: RouteTables | None = None,
    programmes: Programmes | None = None,
    weather: Floats | None = None,
    faults: tuple[Fault, ...] = (),
    rig: tuple[SensorSpec, ...] = (),
    driver: str = "reference.acc",
    criteria: tuple[Criterion, ...] = (),
    **changed: Any,
) -> Case:
    """Return a case; `changed` overrides any other field of Case."""
    road = straight_road(3, 1000.0) if road is None else road
    f0, n0, p = blocks(road, actors)
    fields: dict[str, Any] = {
        "scenario": "test",
        "seed": seed,
        "values": {},
        "step_ns": step_ns,
        "substeps": substeps,
        "after_ns": round(after_s * 1e9),
        "road": road,
        "actors": tuple(a.name for a in actors),
        "f0": f0,
        "n0": n0,
        "p": p,
        "ego": params(actors[0].body),
        "ego_route": np.array([max(actors[0].lane, 0)], np.int64),
        "goal_s": float("inf"),
        "routes": straight_on(road) if routes is None else routes,
        "story": StoryTables.empty(len(faults)) if story is None else story,
        "programmes": no_lights(road) if programmes is None else programmes,
        "environment": environment() if weather is None else weather,
        "faults": faults,
        "rig": rig,
        "driver": DriverSpec(driver),
        "criteria": criteria,
        "odd": None,
        "must_start": (),
    }
    return Case(**(fields | changed))
