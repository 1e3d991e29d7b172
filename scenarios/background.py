"""Background traffic around an actor: where the others are at t = 0, drawn from the seed.

Slots lie every `SPACING_M` along the lanes of both directions within the radius, in the order of the lane arrays; the
seed shuffles them, and each that is free takes the next vehicle until enough are there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scenarios.placing import Began, Found
from scenarios.schema import Traffic
from twin.collision import clearance
from twin.draw import key_of, uniform, uniforms
from twin.errors import UnknownName, nearest
from twin.road import Road
from twin.road.arrays import DRIVING
from twin.road.kernels import lane_pose
from twin.state import CENTER_X, LENGTH, TRAFFIC, WIDTH, Floats
from twin.story.measure import wrap
from twin.syntax import Expr
from twin.vehicle import body

SPACING_M = 25.0
CLEAR_M = 8.0
URBAN_MPS = 50.0 / 3.6
MOST = 200

Box = tuple[float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Extra:
    """One vehicle of the background."""

    name: str
    column: Floats  # (P_ROWS,)
    at: Found
    speed: float


def around(
    item: Traffic,
    number: int,
    road: Road,
    centre: Began,
    taken: Sequence[Box],
    values: Mapping[str, Expr],
    seed: int,
) -> list[Extra]:
    """Return the vehicles of one traffic item, clear of the boxes that are taken. Raises AuthoredError."""
    radius = item.radius.number(values)
    count = item.count.integer(values, 0)
    if not 0.0 < radius <= 5000.0:
        raise item.radius.error(f"{radius:g} m is no radius for traffic", "up to 5 km")
    if count > MOST:
        raise item.count.error(f"{count} are too many", f"at most {MOST}")
    mix = _mix(item, values)
    key = key_of(seed, f"traffic {number}", "slots")
    kinds = key_of(seed, f"traffic {number}", "kinds")
    slots = _slots(road, centre, radius)
    order = np.argsort(uniforms(key, 0, len(slots)), kind="stable")
    boxes = list(taken)
    out: list[Extra] = []
    for i in order:
        if len(out) == count:
            break
        lane, s = slots[int(i)]
        column = body(_pick(mix, uniform(kinds, len(out))))
        column[TRAFFIC] = 1.0
        at = _on(road, lane, s)
        box = _box(at, column)
        if any(clearance(box, other) < CLEAR_M for other in boxes):
            continue
        boxes.append(box)
        limit = float(road.arrays.speed_limit[lane])
        speed = min(limit if math.isfinite(limit) else URBAN_MPS, _speed_for_bends(road, lane, s))
        same = abs(wrap(at.yaw - centre.at.yaw)) < math.pi / 2
        out.append(Extra(f"traffic_{number}_{len(out)}", column, at, min(speed, centre.speed) if same else speed))
    if len(out) < count:
        raise item.count.error(f"only {len(out)} fit within {radius:g} m", "fewer, or a larger radius")
    return out


def _slots(road: Road, centre: Began, radius: float) -> list[tuple[int, float]]:
    arrays = road.arrays
    out = []
    for lane in range(len(arrays.kind)):
        if arrays.kind[lane] != DRIVING or arrays.junction[lane] >= 0:
            continue
        for s in np.arange(0.5 * SPACING_M, float(arrays.length[lane]) - 0.25 * SPACING_M, SPACING_M):
            x, y = lane_pose(arrays, lane, float(s), 0.0)[:2]
            if math.hypot(x - centre.at.x, y - centre.at.y) <= radius:
                out.append((lane, float(s)))
    return out


def _speed_for_bends(road: Road, lane: int, s: float) -> float:
    curvature = abs(float(lane_pose(road.arrays, lane, s, 0.0)[5]))
    return math.sqrt(2.0 / curvature) if curvature > 1e-6 else math.inf


def _on(road: Road, lane: int, s: float) -> Found:
    x, y, z, heading, _, _ = lane_pose(road.arrays, lane, s, 0.0)
    return Found(x, y, z, wrap(heading), lane, s, 0.0)


def _box(at: Found, column: Floats) -> Box:
    forward = float(column[CENTER_X])
    x, y = at.x + forward * math.cos(at.yaw), at.y + forward * math.sin(at.yaw)
    return x, y, at.yaw, 0.5 * float(column[LENGTH]), 0.5 * float(column[WIDTH])


def _mix(item: Traffic, values: Mapping[str, Expr]) -> list[tuple[str, float]]:
    if not item.mix:
        return [("mid_sedan", 1.0)]
    shares = []
    for name, leaf in item.mix.items():
        try:
            body(name)
        except UnknownName as error:
            hint = nearest(name, error.known) or ""
            raise leaf.error(f"no vehicle is called '{name}'", ", ".join(error.known), hint) from error
        share = leaf.number(values)
        if share < 0.0:
            raise leaf.error("a share cannot be negative", "0 or more")
        shares.append((name, share))
    total = sum(share for _, share in shares)
    if total <= 0.0:
        raise item.error("the shares of a mix add up to nothing", "a share above 0", key="mix")
    return [(name, share / total) for name, share in shares]


def _pick(mix: Sequence[tuple[str, float]], u: float) -> str:
    for name, share in mix:
        if u < share:
            return name
        u -= share
    return mix[-1][0]
