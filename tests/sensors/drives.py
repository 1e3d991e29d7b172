"""Worlds for sensor tests: exact motion without an engine, rays answered by the real caster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from sensors.rig import Rig
from tests.cases import Actor, make_case
from twin.case import Case, SensorSpec
from twin.caster import bodies_of, cast
from twin.faults import Fault
from twin.ports import Hits, Probe, Rays
from twin.road import Road
from twin.road.build import straight_road
from twin.samples import Sample
from twin.scene import scene_of
from twin.state import (
    AY,
    EGO,
    LAMP_RED,
    TR_AY,
    TR_ROWS,
    TR_VX,
    TR_X,
    TR_Y,
    TR_YAW,
    TR_YAW_RATE,
    TR_Z,
    VX,
    YAW,
    YAW_RATE,
    S,
    WorldState,
    X,
    Y,
)  # fmt: skip

STEP_NS = 50_000_000
SUBSTEPS = 10


@cache
def road() -> Road:
    """Two lanes, 2 km, a traffic light on the right one at 150 m."""
    plain = straight_road(2, 2000.0)
    lights = {"stop_signal": np.array([0]), "stop_lane": np.array([0]), "stop_s": np.array([150.0])}
    return replace(plain, arrays=plain.arrays._replace(**lights), signal_names=("light",))


def a_case(
    rig: Sequence[SensorSpec] = (),
    faults: Sequence[Fault] = (),
    actors: Sequence[Actor] = (Actor(speed=15.0), Actor("lead", s=90.0, speed=15.0)),
    seed: int = 7,
) -> Case:
    case = make_case(road(), list(actors))
    return replace(case, rig=tuple(rig), faults=tuple(faults), seed=seed, step_ns=STEP_NS)


def states(
    case: Case, ticks: int, severity: Sequence[Sequence[float]] | None = None, turn: float = 0.0
) -> Iterator[WorldState]:
    """Every body keeps its speed; the ego turns at `turn` rad/s. severity[tick] are those of the channels."""
    f0 = case.f0
    start = f0[[X, Y, YAW], EGO].copy()
    v = f0[VX, EGO]
    for tick in range(ticks):
        t_ns = tick * STEP_NS
        times = np.array([0]) if tick == 0 else np.linspace(t_ns - STEP_NS, t_ns, SUBSTEPS + 1).astype(np.int64)
        trail = np.zeros((len(times), TR_ROWS))
        for row, t in zip(trail, times * 1e-9):
            yaw = start[2] + turn * t
            way = v * t if turn == 0.0 else v / turn * np.sin(turn * t)
            side = 0.0 if turn == 0.0 else v / turn * (1.0 - np.cos(turn * t))
            row[TR_X] = start[0] + np.cos(start[2]) * way - np.sin(start[2]) * side
            row[TR_Y] = start[1] + np.sin(start[2]) * way + np.cos(start[2]) * side
            row[TR_YAW], row[TR_VX], row[TR_YAW_RATE], row[TR_AY], row[TR_Z] = yaw, v, turn, v * turn, 0.0
        f = f0.copy()
        t = t_ns * 1e-9
        f[X] += f[VX] * np.cos(f[YAW]) * t
        f[Y] += f[VX] * np.sin(f[YAW]) * t
        f[S] += f[VX] * t
        f[[X, Y, YAW], EGO] = trail[-1, [TR_X, TR_Y, TR_YAW]]
        f[YAW_RATE, EGO], f[AY, EGO] = turn, v * turn
        hard = np.zeros(len(case.faults)) if severity is None else np.asarray(severity[tick], float)
        yield WorldState(
            t_ns, f, case.n0.copy(), trail, times, case.environment, np.array([LAMP_RED]), hard, np.zeros(0, np.int64),
            (), False, 0,
        )  # fmt: skip


def prober(case: Case, before: WorldState | None, now: WorldState) -> Probe:
    def probe(requests: Sequence[Rays]) -> list[Hits]:
        frames = [now] if before is None else [before, now]
        times = np.array([s.t_ns for s in frames])
        bodies = bodies_of(times, np.stack([s.f for s in frames]), now.n, case.p)
        return [cast(scene_of(case.road), bodies, r) for r in requests]

    return probe


def sense(
    case: Case,
    ticks: int,
    severity: Sequence[Sequence[float]] | None = None,
    turn: float = 0.0,
    read: frozenset[str] | None = None,
) -> list[Sample]:
    """Return all samples of a drive."""
    rig = Rig(case.rig, read)
    rig.reset(case)
    samples: list[Sample] = []
    before = None
    for state in states(case, ticks, severity, turn):
        samples += rig.sense(state, prober(case, before, state)).samples
        before = state
    return samples


def digest(samples: Sequence[Sample], sensor: str | None = None) -> list[tuple[object, ...]]:
    """Return samples as bytes that can be compared."""
    out: list[tuple[object, ...]] = []
    for s in samples:
        if sensor is None or s.sensor == sensor:
            fields = [getattr(s.data, name) for name in type(s.data).__slots__]
            out.append(
                (s.sensor, s.t_meas_ns, s.t_stamp_ns, s.t_arrival_ns, *(np.asarray(v).tobytes() for v in fields))
            )
    return out
