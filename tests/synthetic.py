"""Runs made by hand: closed-form motion on a drawn road, no engine needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from twin.case import Case, DriverSpec
from twin.faults import Fault
from twin.road import Road, RoadArrays, RouteTables
from twin.run import Run
from twin.signals import Programmes
from twin.state import (
    AX,
    CENTER_X,
    E_ROWS,
    F_ROWS,
    KIND,
    LENGTH,
    N_ROWS,
    P_ROWS,
    PRESENT,
    VX,
    WIDTH,
    YAW,
    Contact,
    Floats,
    X,
    Y,
)
from twin.story import StoryTables
from twin.vehicle import params


def drawn_road(lanes: int = 3, length: int = 600, radius: float = np.inf, width: float = 3.5) -> Road:
    """Return lanes side by side, rightmost first, on an arc from the origin to the east; stop lines at 200 m."""
    points = length + 1
    s = np.arange(points, dtype=float)
    heading = s / radius
    base_x = s if np.isinf(radius) else radius * np.sin(heading)
    base_y = np.zeros(points) if np.isinf(radius) else radius * (1 - np.cos(heading))
    offsets = np.arange(lanes) * width

    def along(value: Floats) -> Floats:
        return np.tile(value, lanes)

    number = np.arange(lanes)
    total = lanes * points
    none = np.full(lanes, -1)
    flat = np.zeros(lanes + 1, np.int64)
    known: dict[str, Any] = {
        "first": np.arange(lanes + 1) * points,
        "step": np.ones(lanes),
        "length": np.full(lanes, float(length)),
        "kind": np.zeros(lanes, np.int64),
        "road": np.zeros(lanes, np.int64),
        "section": np.zeros(lanes, np.int64),
        "lane_id": -(lanes - number),
        "junction": none,
        "left": np.where(number + 1 < lanes, number + 1, -1),
        "right": number - 1,
        "oncoming": none,
        "number": number + 1,
        "thread": number,
        "speed_limit": np.full(lanes, np.nan),
        "straight": none,
        "succ_first": flat,
        "succ": np.zeros(0, np.int64),
        "pred_first": flat,
        "pred": np.zeros(0, np.int64),
        "x": along(base_x) - np.repeat(offsets, points) * np.sin(along(heading)),
        "y": along(base_y) + np.repeat(offsets, points) * np.cos(along(heading)),
        "z": np.zeros(total),
        "heading": along(heading),
        "pitch": np.zeros(total),
        "curvature": np.full(total, 0.0 if np.isinf(radius) else 1 / radius),
        "width": np.full(total, width),
        "road_s": along(s),
        "stop_signal": np.zeros(lanes, np.int64),
        "stop_lane": number,
        "stop_s": np.full(lanes, 200.0),
        "cell": 50.0,
        "grid_x": 0.0,
        "grid_y": 0.0,
        "grid_nx": 1,
        "grid_ny": 1,
        "grid_first": np.array([0, lanes]),
        "grid_lane": number,
        "boxes": np.array([[30.0, -6.0, 0.0, 0.1, 8.0, 2.0, 3.0]]),
    }
    unread = np.zeros(0, np.int64)
    arrays = RoadArrays(**{name: known.get(name, unread) for name in RoadArrays._fields})
    zebra = np.array([[204.0, -2.0], [208.0, -2.0], [208.0, width * lanes - 1.5], [204.0, width * lanes - 1.5]])
    return Road("drawn", "d1", arrays, ("1",), (), ("tl_1",), {}, {}, (zebra,), None, (0.0, 0.0, 0.0))


def case_of(actors: tuple[str, ...] = ("ego", "cutter"), **changed: Any) -> Case:
    """Return a case on a drawn road whose only live parts are names, boxes and faults."""
    p = np.zeros((P_ROWS, len(actors)))
    p[KIND], p[LENGTH], p[WIDTH], p[CENTER_X] = 0.0, 4.6, 1.9, 1.4
    empty = np.zeros(0, np.int64)
    road = changed.pop("road", None) or drawn_road()
    lanes = len(road.arrays.length)
    fields: dict[str, Any] = {
        "scenario": "cut_in",
        "seed": 7,
        "values": {"gap": 20.0, "lateral": "1.5"},
        "step_ns": 50_000_000,
        "substeps": 10,
        "after_ns": 20_000_000_000,
        "road": road,
        "actors": actors,
        "f0": np.zeros((F_ROWS, len(actors))),
        "n0": np.zeros((N_ROWS, len(actors)), np.int64),
        "p": p,
        "ego": params("mid_sedan"),
        "ego_route": np.array([0]),
        "goal_s": float("inf"),
        "routes": RouteTables(np.full((1, lanes), -1), np.zeros((1, lanes), np.int64), np.full((1, lanes), np.inf)),
        "story": StoryTables.empty(1),
        "programmes": Programmes(np.array([0, 0]), empty, empty, np.zeros(1, np.int64)),
        "environment": np.zeros(E_ROWS),
        "faults": (Fault("ego.lidar_front", "blackout"),),
        "rig": (),
        "driver": DriverSpec("reference.acc"),
        "criteria": (),
        "odd": None,
        "must_start": (),
        "event_names": ("cut_in",),
    }
    return Case(**(fields | changed))


def run_of(case: Case | None = None, ticks: int = 401, noise: float = 0.0) -> Run:
    """Return a run: the ego brakes from 25 m/s at 2 m/s^2 to a stand while the others cut in ahead of it.

    `noise` [m] makes every number of f irregular, as in a real run.
    """
    case = case_of() if case is None else case
    actors = len(case.actors)
    t = np.arange(ticks) * case.step_ns / 1e9
    f = np.zeros((ticks, F_ROWS, actors))
    speed = np.maximum(25.0 - 2.0 * t, 0.0)
    stop = np.minimum(t, 12.5)
    f[:, X, 0] = 25.0 * stop - stop**2
    f[:, VX, 0] = speed
    f[:, AX, 0] = np.where(t < 12.5, -2.0, 0.0)
    for i in range(1, actors):
        f[:, X, i] = 30.0 + 12.0 * i + 15.0 * t
        f[:, Y, i] = 1.75 * (1.0 - np.tanh(t - 4.0 - 0.3 * i))
        f[:, VX, i] = 15.0
        f[:, YAW, i] = np.arctan2(np.gradient(f[:, Y, i]), np.gradient(f[:, X, i])) if ticks > 1 else 0.0
    if noise:
        f += np.random.default_rng(1).normal(0.0, noise, f.shape)
    n = np.zeros((ticks, N_ROWS, actors), np.int64)
    n[:, PRESENT] = 1
    environment = np.tile(np.linspace(0.5, 2.0, E_ROWS), (ticks, 1))
    environment[:, 3] = np.inf
    estimate = np.stack([f[:, X, 0] + 0.4, f[:, Y, 0] - 0.2, f[:, YAW, 0], speed, np.full(ticks, 0.3)], axis=1)
    estimate[: min(2, ticks)] = np.nan
    channels = len(case.faults)
    return Run(
        case=case,
        t_ns=np.arange(ticks) * case.step_ns,
        f=f,
        n=n,
        environment=environment,
        lamps=np.where(t < 6.0, 1, np.where(t < 8.0, 2, 3))[:, None].astype(np.int64),
        severity=np.repeat(((t >= 3.0) & (t < 5.0)).astype(float)[:, None], channels, axis=1),
        story=np.where(t < 2.0, 0, np.where(t < 5.0, 1, 2))[:, None].astype(np.int64),
        command=np.stack([np.full(ticks, -2.0), np.zeros(ticks)], axis=1),
        mode=np.where(t < 10.0, 0, 1).astype(np.int64),
        cause=tuple("none" if v < 10.0 else "perception" for v in t),
        estimate=estimate,
        contacts=(),
        hashes=np.arange(1, ticks + 1).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15),
        failure_kind="",
        failure="",
        stopped="after",
    )


def touched(run: Run, tick: int = 300) -> Run:
    """Return the run with a contact of the first two actors at `tick`."""
    x, y = float(run.f[tick, X, 0]), float(run.f[tick, Y, 0])
    contact = Contact(int(run.t_ns[tick]), 0, min(1, len(run.case.actors) - 1), 4.0, 1.0, 3.0, x + 3.0, y)
    return replace(run, contacts=(contact,))
