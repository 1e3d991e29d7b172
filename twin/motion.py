"""How actors move by set-points: along their lane, along a given offset, from pose to pose, or straight ahead.

Model: kinematic. Speed is linear within the step, so the way is the mean speed times its length; the offset is reached
exactly at the end of the step; the heading is the tangent of the way gone. Within 60 deg of its lane (in either
direction) an actor follows it; pedestrians, objects and whoever crosses or is on no lane go straight along their yaw.
At a dead end an actor stops.
"""

from __future__ import annotations

import math
from typing import Final

from twin.dynamics import wrap
from twin.kernel import kernel
from twin.road.arrays import RoadArrays, RouteTables
from twin.road.kernels import across, advance, contains, lane_pose, onward, project, project_global, track
from twin.state import (
    AIM_LANE,
    AX,
    AY,
    KIND,
    LANE,
    LATERAL_MODE,
    OFFSET_SET,
    PEDESTRIAN,
    PITCH,
    POSE_SET,
    ROLL,
    ROUTE,
    SP_OFFSET,
    SP_SPEED,
    SP_X,
    SP_Y,
    SP_YAW,
    SP_Z,
    SPEED_MODE,
    SPEED_SET,
    STEER,
    TRAVELLED,
    VX,
    VY,
    WHEELBASE,
    YAW,
    YAW_RATE,
    D,
    Floats,
    Ints,
    S,
    World,
    X,
    Y,
    Z,
)

_ALONG: Final = 0.5  # cosine up to which an actor belongs to its lane
_MOST_DRIFT: Final = 0.8  # heading off the lane while it changes its offset [rad]
_MOST_STEER: Final = 0.8  # [rad]
_SLOW: Final = 0.5  # below it no wheel angle can be told from the way gone [m/s]


@kernel
def wanted_speed(world: World, actor: int, share: float) -> float:
    """Return the speed at the end of a step that is `share` of the time left to the set-point [m/s]."""
    speed = world.f[VX, actor]
    if world.n[SPEED_MODE, actor] != SPEED_SET:
        return float(speed)
    if share >= 1.0:
        return float(world.sp[SP_SPEED, actor])
    return float(speed + (world.sp[SP_SPEED, actor] - speed) * share)


@kernel
def move(
    world: World, road: RoadArrays, routes: RouteTables, actor: int, dt: float, share: float, speed: float
) -> None:
    """Move one actor for dt so that it ends with `speed` and `share` of the way to its lateral set-point done."""
    f, n, sp = world.f, world.n, world.sp
    mode = n[LATERAL_MODE, actor]
    if mode == POSE_SET:
        _to_pose(f, n, sp, road, routes, actor, dt, share)
        return
    if mode == OFFSET_SET and n[AIM_LANE, actor] >= 0:
        aim = n[AIM_LANE, actor]
        s, d = in_frame(road, routes, f, n, actor, aim)
        offset = sp[SP_OFFSET, actor] if share >= 1.0 else d + (sp[SP_OFFSET, actor] - d) * share
        _along(f, n, road, routes, world.p, actor, dt, speed, aim, s, d, offset)
        return
    lane = n[LANE, actor]
    if lane >= 0 and world.p[KIND, actor] < PEDESTRIAN:
        _, _, _, heading, _, _ = lane_pose(road, lane, f[S, actor], 0.0)
        if abs(math.cos(f[YAW, actor] - heading)) > _ALONG:
            _along(f, n, road, routes, world.p, actor, dt, speed, lane, f[S, actor], f[D, actor], f[D, actor])
            return
    _straight(f, n, road, routes, actor, dt, speed)


@kernel
def in_frame(road: RoadArrays, routes: RouteTables, f: Floats, n: Ints, actor: int, aim: int) -> tuple[float, float]:
    """Return where an actor is in the frame of lane `aim` (s, d); exact when it is its own lane."""
    lane = n[LANE, actor]
    if lane == aim:
        return f[S, actor], f[D, actor]
    x, y = f[X, actor], f[Y, actor]
    if lane >= 0:
        if road.road[lane] == road.road[aim] and road.section[lane] == road.section[aim]:
            return project(road, aim, x, y, across(road, lane, f[S, actor], aim))
        if onward(road, routes, n[ROUTE, actor], lane) == aim:
            return project(road, aim, x, y, f[S, actor] - road.length[lane])
        if onward(road, routes, n[ROUTE, actor], aim) == lane:
            return project(road, aim, x, y, f[S, actor] + road.length[aim])
    return project_global(road, aim, x, y)


@kernel
def settle(f: Floats, n: Ints, road: RoadArrays, routes: RouteTables, actor: int) -> None:
    """Find the lane of an actor that moved freely, and put it on the surface."""
    yaw = f[YAW, actor]
    lane, s, d = track(road, routes, n[ROUTE, actor], n[LANE, actor], f[S, actor], f[X, actor], f[Y, actor], yaw)
    n[LANE, actor] = lane
    if lane < 0:
        f[S, actor], f[D, actor] = 0.0, 0.0
        return
    f[S, actor], f[D, actor] = s, d
    _, _, z, heading, pitch, _ = lane_pose(road, lane, s, d)
    stand(f, actor, z, heading, pitch)


@kernel
def stand(f: Floats, actor: int, z: float, heading: float, pitch: float) -> None:
    """Put an actor on a surface that falls by `pitch` along `heading`."""
    f[Z, actor] = z
    f[PITCH, actor] = pitch * math.cos(f[YAW, actor] - heading)
    f[ROLL, actor] = pitch * math.sin(f[YAW, actor] - heading)


@kernel
def _along(
    f: Floats,
    n: Ints,
    road: RoadArrays,
    routes: RouteTables,
    p: Floats,
    actor: int,
    dt: float,
    speed: float,
    aim: int,
    s: float,
    d: float,
    offset: float,
) -> None:
    _, _, _, heading, _, curvature = lane_pose(road, aim, s, 0.0)
    way = 1.0 if math.cos(f[YAW, actor] - heading) >= 0.0 else -1.0
    gone = 0.5 * (f[VX, actor] + speed) * dt
    aside = offset - d
    forward = math.copysign(math.sqrt(max(0.0, gone * gone - aside * aside)), gone)
    stretch = max(0.2, 1.0 - curvature * 0.5 * (d + offset))
    lane, s1, left = advance(road, routes, n[ROUTE, actor], aim, s, way * forward / stretch)
    if left != 0.0:
        forward -= way * left * stretch
        speed = 0.0
    x, y, z, heading, pitch, _ = lane_pose(road, lane, s1, offset)
    drift = math.atan2(aside, abs(forward)) if aside != 0.0 and forward != 0.0 else 0.0
    drift = max(-_MOST_DRIFT, min(_MOST_DRIFT, drift))
    yaw = wrap(heading + drift if way > 0.0 else heading + math.pi - drift)
    _arrive(f, p, actor, dt, speed, x, y, yaw, math.hypot(forward, aside))
    stand(f, actor, z, heading, pitch)
    n[AIM_LANE, actor] = lane
    if contains(road, lane, s1, offset):
        n[LANE, actor] = lane
        f[S, actor], f[D, actor] = s1, offset
    else:
        settle(f, n, road, routes, actor)


@kernel
def _straight(f: Floats, n: Ints, road: RoadArrays, routes: RouteTables, actor: int, dt: float, speed: float) -> None:
    yaw = f[YAW, actor]
    gone = 0.5 * (f[VX, actor] + speed) * dt
    f[X, actor] += gone * math.cos(yaw)
    f[Y, actor] += gone * math.sin(yaw)
    f[AX, actor] = (speed - f[VX, actor]) / dt
    f[AY, actor], f[VY, actor], f[YAW_RATE, actor], f[STEER, actor] = 0.0, 0.0, 0.0, 0.0
    f[VX, actor] = speed
    f[TRAVELLED, actor] += abs(gone)
    if gone != 0.0:
        settle(f, n, road, routes, actor)


@kernel
def _to_pose(
    f: Floats, n: Ints, sp: Floats, road: RoadArrays, routes: RouteTables, actor: int, dt: float, share: float
) -> None:
    share = min(1.0, share)
    yaw = f[YAW, actor]
    turn = wrap(sp[SP_YAW, actor] - yaw) * share
    dx, dy = (sp[SP_X, actor] - f[X, actor]) * share, (sp[SP_Y, actor] - f[Y, actor]) * share
    middle = yaw + 0.5 * turn
    vx = (dx * math.cos(middle) + dy * math.sin(middle)) / dt
    vy = (dy * math.cos(middle) - dx * math.sin(middle)) / dt
    f[AX, actor] = (vx - f[VX, actor]) / dt - vy * turn / dt
    f[AY, actor] = (vy - f[VY, actor]) / dt + vx * turn / dt
    f[VX, actor], f[VY, actor], f[YAW_RATE, actor] = vx, vy, turn / dt
    f[X, actor] += dx
    f[Y, actor] += dy
    f[YAW, actor] = wrap(yaw + turn)
    if share >= 1.0:
        f[X, actor], f[Y, actor], f[YAW, actor] = sp[SP_X, actor], sp[SP_Y, actor], wrap(sp[SP_YAW, actor])
    z = f[Z, actor] + (sp[SP_Z, actor] - f[Z, actor]) * share
    f[TRAVELLED, actor] += math.hypot(dx, dy)
    settle(f, n, road, routes, actor)
    f[Z, actor] = z


@kernel
def _arrive(
    f: Floats, p: Floats, actor: int, dt: float, speed: float, x: float, y: float, yaw: float, gone: float
) -> None:
    rate = wrap(yaw - f[YAW, actor]) / dt
    mean = 0.5 * (f[VX, actor] + speed)
    f[AX, actor] = (speed - f[VX, actor]) / dt
    f[AY, actor] = mean * rate
    f[STEER, actor] = 0.0
    if mean > _SLOW and p[WHEELBASE, actor] > 0.0:
        f[STEER, actor] = max(-_MOST_STEER, min(_MOST_STEER, math.atan(p[WHEELBASE, actor] * rate / mean)))
    f[X, actor], f[Y, actor], f[YAW, actor] = x, y, yaw
    f[VX, actor], f[VY, actor], f[YAW_RATE, actor] = speed, 0.0, rate
    f[TRAVELLED, actor] += gone
