"""The built-in traffic driver: follows, changes lanes, stops where it must. It gives set-points; `motion` moves.

Following: IDM (Treiber, Hennecke, Helbing: "Congested traffic states in empirical observations and microscopic
simulations", Phys. Rev. E 62, 2000), time gap 1.5 s, standstill gap 2 m, braking bounded by the vehicle and friction.
Lane changes: MOBIL (Kesting, Treiber, Helbing: "General lane-changing model MOBIL", TRR 1999, 2007), politeness 0.2,
threshold 0.2 m/s^2, bias 0.2 m/s^2 to the right, safe braking 3 m/s^2; a route that needs another lane overrules the
incentive, never the safety. A change takes a half cosine at the vehicle's comfortable lateral speed.

Beyond the papers: red lights and yellow ones that can be obeyed comfortably are standing leaders at their line; curves
are taken at 2 m/s^2; lower limits and the end of a lane are anticipated; whoever stands in the lane or is about to
enter it (a pedestrian's place 1 s and 2 s ahead) is a leader. At junctions whoever arrives first goes first, turning
counts as 2 s later, ties by actor number, and nobody enters while a conflicting lane is taken: collision-avoiding, no
rule of priority roads. At the edge of the map a vehicle leaves the world.

All decide on the same snapshot. Entries (who is on which lane where) stay sorted from tick to tick, so a tick costs the
same per vehicle whatever their number.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from twin.kernel import kernel
from twin.motion import in_frame
from twin.road.arrays import DRIVING, RoadArrays, RouteTables
from twin.road.kernels import beside, lane_pose, lane_width, locate, onward
from twin.state import (
    AIM_LANE,
    CENTER_X,
    COMFORT_ACCEL,
    COMFORT_DECEL,
    COMFORT_LATERAL,
    DESIRED_SPEED,
    DRIVER,
    FREE_0,
    FREE_1,
    FRICTION,
    HIT,
    KIND,
    LAMP_RED,
    LAMP_RED_YELLOW,
    LAMP_YELLOW,
    LANE,
    LATERAL_BY,
    LATERAL_MODE,
    LENGTH,
    MAX_DECEL,
    MAX_SPEED,
    N_FREE_0,
    OFFSET_HOLD,
    OFFSET_SET,
    PEDESTRIAN,
    PRESENT,
    ROUTE,
    SP_OFFSET,
    SP_SPEED,
    SPEED_BY,
    SPEED_MODE,
    SPEED_SET,
    TRAFFIC,
    VISIBLE,
    VX,
    WIDTH,
    YAW,
    D,
    Floats,
    Ints,
    S,
    World,
    X,
    Y,
)
from twin.vehicle import GRAVITY

TIME_GAP: Final = 1.5  # [s]
STANDSTILL_GAP: Final = 2.0  # [m]
POLITENESS: Final = 0.2
THRESHOLD: Final = 0.2  # [m/s^2]
KEEP_RIGHT: Final = 0.2  # [m/s^2]
SAFE_DECEL: Final = 3.0  # [m/s^2]
CURVE_ACCEL: Final = 2.0  # [m/s^2]
UNLIMITED: Final = 130.0 / 3.6  # where the map names no limit [m/s]
_MANDATORY: Final = 3.0  # incentive of a route's lane [m/s^2]
_RETHINK_S: Final = 0.5  # time between two thoughts about a lane change
_HORIZON: Final = 200.0  # [m]
_SEES_TRAFFIC: Final = 4  # bit of VISIBLE
_FREE: Final = 1e9


class Lines(NamedTuple):
    """What the road asks of traffic: stop lines by lane, and lanes of a junction that cross or merge."""

    stop_first: Ints  # (L + 1,)
    stop_signal: Ints
    stop_s: Floats
    conflict_first: Ints  # (L + 1,)
    conflict: Ints


class Entries(NamedTuple):
    """Who is on which lane: sorted by (lane, s, actor). An actor has one to five; scratch but for `line`."""

    line: Ints  # (actors,) actors in the order of the last tick
    actor: Ints  # (E,)
    lane: Ints
    s: Floats
    speed: Floats  # along the lane [m/s]
    front: Floats  # from s to its foremost point [m]
    rear: Floats  # from s to its rearmost point [m]
    order: Ints
    first: Ints  # (L,) range of each lane in `order`
    last: Ints
    used: Ints  # (1,)


def entries_of(road: RoadArrays, actors: int) -> Entries:
    """Return empty entries for a road and a number of actors."""
    lanes, room = len(road.length), 5 * actors
    ints, floats = [np.zeros(room, np.int64) for _ in range(3)], [np.zeros(room) for _ in range(4)]
    line = np.arange(actors, dtype=np.int64)
    first, last = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    count = np.zeros(1, np.int64)
    return Entries(line, ints[0], ints[1], floats[0], floats[1], floats[2], floats[3], ints[2], first, last, count)


def lines_of(road: RoadArrays) -> Lines:
    """Return the stop lines and conflicts of a road. Lanes conflict whose centres come within 2 m of each other."""
    lanes = len(road.length)
    order = np.lexsort((road.stop_s, road.stop_lane))
    stop_first = np.searchsorted(road.stop_lane[order], np.arange(lanes + 1)).astype(np.int64)
    pairs = _conflicts(road)
    first = np.zeros(lanes + 1, np.int64)
    for lane, _ in pairs:
        first[lane + 1] += 1
    return Lines(
        stop_first,
        road.stop_signal[order],
        road.stop_s[order],
        np.cumsum(first),
        np.array([other for _, other in pairs], np.int64),
    )


def _conflicts(road: RoadArrays, near: float = 2.0) -> list[tuple[int, int]]:
    inner = [int(lane) for lane in np.flatnonzero((road.junction >= 0) & (road.kind == DRIVING))]
    points = {a: np.stack((road.x, road.y), 1)[road.first[a] : road.first[a + 1] : 2] for a in inner}
    before = {a: set(road.pred[road.pred_first[a] : road.pred_first[a + 1]].tolist()) for a in inner}
    found = []
    for a in inner:
        for b in inner:
            if a >= b or road.junction[a] != road.junction[b] or before[a] & before[b]:
                continue
            gap = points[a][:, None, :] - points[b][None, :, :]
            if (gap * gap).sum(2).min() < near * near:
                found += [(a, b), (b, a)]
    return sorted(found)


@kernel
def decide(
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    lines: Lines,
    entries: Entries,
    dt: float,
    k: int,
) -> None:
    """Give every traffic vehicle its set-points for the coming tick, on the axes that its driver holds."""
    n, p = world.n, world.p
    busy = False
    for i in range(n.shape[1]):
        if n[PRESENT, i] == 1 and p[TRAFFIC, i] == 1.0:
            busy = True
    if not busy:
        return
    _enter_all(world, road, entries)
    every = max(1, int(_RETHINK_S / dt + 0.5))
    for i in range(n.shape[1]):
        if n[PRESENT, i] == 0 or p[TRAFFIC, i] != 1.0 or n[HIT, i] == 1 or n[LANE, i] < 0:
            continue
        if n[LATERAL_BY, i] == DRIVER:
            _steer(world, road, routes, entries, lines, i, dt, (k + i) % every == 0)
        else:
            n[N_FREE_0, i] = 0
        if n[SPEED_BY, i] == DRIVER:
            accel = following(world, road, routes, lines, entries, i, n[LANE, i], world.f[S, i])
            if n[N_FREE_0, i] == 1 and n[AIM_LANE, i] != n[LANE, i]:
                s, _ = in_frame(road, routes, world.f, n, i, n[AIM_LANE, i])
                accel = min(accel, following(world, road, routes, lines, entries, i, n[AIM_LANE, i], s))
            world.sp[SP_SPEED, i] = max(0.0, world.f[VX, i] + accel * dt)
            n[SPEED_MODE, i] = SPEED_SET


@kernel
def leave(world: World, road: RoadArrays, routes: RouteTables) -> None:
    """Take traffic that has come to the edge of the map out of the world."""
    n = world.n
    for i in range(1, n.shape[1]):
        if n[PRESENT, i] == 0 or world.p[TRAFFIC, i] != 1.0 or n[LANE, i] < 0:
            continue
        lane = n[LANE, i]
        at_end = world.f[S, i] >= road.length[lane] - 1e-6
        if at_end and onward(road, routes, n[ROUTE, i], lane) < 0 and not goes_on_beside(road, lane):
            n[PRESENT, i] = 0


@kernel
def goes_on_beside(road: RoadArrays, lane: int) -> bool:
    """Return whether a neighbour of an ending lane continues, so that the end is a lane drop, not the map's edge."""
    for side in (1, -1):
        other = lane
        for _ in range(8):
            other = road.left[other] if side == 1 else road.right[other]
            if other < 0 or road.kind[other] != DRIVING:
                break
            if road.straight[other] >= 0:
                return True
    return False


@kernel
def idm(speed: float, desired: float, gap: float, lead_speed: float, accel: float, decel: float) -> float:
    """Return the acceleration of the Intelligent Driver Model [m/s^2]; above the desired speed it eases off gently."""
    free = accel * (1.0 - (speed / max(desired, 0.1)) ** 4) if speed <= desired else -min(decel, speed - desired)
    if gap >= _FREE:
        return free
    wish = STANDSTILL_GAP + max(0.0, speed * TIME_GAP + speed * (speed - lead_speed) / (2.0 * math.sqrt(accel * decel)))
    near = wish / max(gap, 0.1)
    return free - accel * near * near


@kernel
def following(
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    lines: Lines,
    entries: Entries,
    i: int,
    lane: int,
    s: float,
) -> float:
    """Return the acceleration that an actor would choose at s of a lane: leaders, limits, curves, lights, junctions."""
    f, p = world.f, world.p
    accel = _behind_leader(world, road, routes, entries, i, lane, s)
    accel = min(accel, _obey(world, road, routes, lines, entries, i, lane, s))
    hardest = min(p[MAX_DECEL, i], world.environment[FRICTION] * GRAVITY)
    return max(-hardest, accel) if f[VX, i] > 0.0 else max(0.0, accel)


@kernel
def desired_speed(world: World, road: RoadArrays, i: int, lane: int) -> float:
    """Return the speed an actor wants on a lane: its own wish, else the limit, else 130 km/h, never above its most."""
    wish = world.p[DESIRED_SPEED, i]
    if math.isnan(wish):
        wish = road.speed_limit[lane]
    if math.isnan(wish):
        wish = UNLIMITED
    return float(min(wish, world.p[MAX_SPEED, i]))


@kernel
def _behind_leader(
    world: World, road: RoadArrays, routes: RouteTables, entries: Entries, i: int, lane: int, s: float
) -> float:
    gap, entry = ahead(road, routes, entries, world.n[ROUTE, i], lane, s, i, world.n[LANE, i] == lane)
    speed, desired = world.f[VX, i], desired_speed(world, road, i, lane)
    accel, decel = world.p[COMFORT_ACCEL, i], world.p[COMFORT_DECEL, i]
    if entry < 0:
        return idm(speed, desired, _FREE, 0.0, accel, decel)
    gap -= front_of(world.p, i) + entries.rear[entry]
    return idm(speed, desired, gap, entries.speed[entry], accel, decel)


@kernel
def front_of(p: Floats, i: int) -> float:
    """Return the way from the reference point of an actor to its front [m]."""
    return float(p[CENTER_X, i] + 0.5 * p[LENGTH, i])


@kernel
def ahead(
    road: RoadArrays, routes: RouteTables, entries: Entries, route: int, lane: int, s: float, i: int, mine: bool
) -> tuple[float, int]:
    """Return the way to the next entry along the route and its number, (inf, -1) within the horizon when there is none.

    `mine`: the actor itself is on the lane, so of those at the same s the ones of higher number are ahead.
    """
    way = -s
    place = _first_beyond(entries, lane, s, i if mine else -1)
    for _ in range(64):
        while place < entries.last[lane]:
            entry = entries.order[place]
            if entries.actor[entry] != i:
                return way + entries.s[entry], entry
            place += 1
        way += road.length[lane]
        if way > _HORIZON:
            break
        lane = onward(road, routes, route, lane)
        if lane < 0:
            break
        place = entries.first[lane]
    return math.inf, -1


@kernel
def behind(road: RoadArrays, entries: Entries, lane: int, s: float, i: int, mine: bool) -> tuple[float, int]:
    """Return the way back to the next moving entry along the straightest way and its number, (inf, -1) for none."""
    way = s
    place = _first_beyond(entries, lane, s, i if mine else -1) - 1
    for _ in range(64):
        while place >= entries.first[lane]:
            entry = entries.order[place]
            if entries.actor[entry] != i and entries.speed[entry] >= 0.0:
                return way - entries.s[entry], entry
            place -= 1
        lane = road.back[lane]
        if lane < 0 or way > _HORIZON:
            break
        way += road.length[lane]
        place = entries.last[lane] - 1
    return math.inf, -1


@kernel
def _first_beyond(entries: Entries, lane: int, s: float, i: int) -> int:
    low, high = entries.first[lane], entries.last[lane]
    while low < high:
        middle = (low + high) // 2
        entry = entries.order[middle]
        if entries.s[entry] < s or (entries.s[entry] == s and entries.actor[entry] <= i):
            low = middle + 1
        else:
            high = middle
    return int(low)


@kernel
def _obey(
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    lines: Lines,
    entries: Entries,
    i: int,
    lane: int,
    s: float,
) -> float:
    speed = world.f[VX, i]
    decel, route, front = world.p[COMFORT_DECEL, i], world.n[ROUTE, i], front_of(world.p, i)
    reach = min(_HORIZON, 15.0 + front + 2.0 * speed + speed * speed / (2.0 * decel))
    accel = _FREE
    way = -s
    here = lane
    stride = max(3.0, reach / 16.0)
    for _ in range(32):
        at = max(s if lane == here else 0.0, -way)
        while at <= road.length[lane] and way + at <= reach:
            _, _, _, _, _, curvature = lane_pose(road, lane, at, 0.0)
            if abs(curvature) > 1e-4:
                accel = min(accel, _slow_to(speed, math.sqrt(CURVE_ACCEL / abs(curvature)), way + at, decel))
            at += stride
        if lane != here:
            accel = min(accel, _slow_to(speed, desired_speed(world, road, i, lane), way, decel))
        for line in range(lines.stop_first[lane], lines.stop_first[lane + 1]):
            rest = way + lines.stop_s[line] - front
            if rest > -0.5 and _must_stop(world.lamps[lines.stop_signal[line]], speed, rest):
                accel = min(accel, _halt(world, i, rest))
        rest = way + road.length[lane] - front
        after = onward(road, routes, route, lane)
        if rest > reach:
            break
        if after < 0:
            if goes_on_beside(road, lane):
                accel = min(accel, _halt(world, i, rest))
            break
        entering = road.junction[after] >= 0 and road.junction[lane] < 0
        if entering and rest > -0.5 and speed * speed / (2.0 * max(rest, 0.1)) < 2.0 * decel:
            if must_wait(world, road, routes, lines, entries, i, after, rest):
                accel = min(accel, _halt(world, i, rest))
            break
        way += road.length[lane]
        lane = after
    return accel


@kernel
def _slow_to(speed: float, goal: float, way: float, decel: float) -> float:
    """Return the deceleration due now to have `goal` after `way`; free while less than comfortable would do."""
    if speed <= goal:
        return _FREE
    due = (goal * goal - speed * speed) / (2.0 * max(way, 1.0))
    return due if due < -0.6 * decel else _FREE


@kernel
def _must_stop(lamp: int, speed: float, rest: float) -> bool:
    if lamp in (LAMP_RED, LAMP_RED_YELLOW):
        return True
    return bool(lamp == LAMP_YELLOW and speed * speed / (2.0 * max(rest, 0.1)) < SAFE_DECEL)


@kernel
def _halt(world: World, i: int, rest: float) -> float:
    """Return the acceleration towards a standing line `rest` ahead of the bumper, which is approached to 0.5 m."""
    accel, decel = world.p[COMFORT_ACCEL, i], world.p[COMFORT_DECEL, i]
    return idm(world.f[VX, i], _FREE, rest + STANDSTILL_GAP - 0.5, 0.0, accel, decel)


@kernel
def must_wait(
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    lines: Lines,
    entries: Entries,
    i: int,
    lane: int,
    rest: float,
) -> bool:
    """Return whether somebody else is on, or sooner at, a junction lane that conflicts with the one to be entered."""
    mine = rest / max(world.f[VX, i], 2.0) + _turning(road, lane)
    for c in range(lines.conflict_first[lane], lines.conflict_first[lane + 1]):
        other = lines.conflict[c]
        if entries.last[other] > entries.first[other]:
            return True
        for b in range(road.pred_first[other], road.pred_first[other + 1]):
            lead = road.pred[b]
            for place in range(entries.first[lead], entries.last[lead]):
                entry = entries.order[place]
                j = entries.actor[entry]
                if j == i or onward(road, routes, world.n[ROUTE, j], lead) != other:
                    continue
                left = road.length[lead] - entries.s[entry] - entries.front[entry]
                theirs = left / max(entries.speed[entry], 2.0) + _turning(road, other)
                held = False
                for line in range(lines.stop_first[lead], lines.stop_first[lead + 1]):
                    lamp = world.lamps[lines.stop_signal[line]]
                    held = held or lamp in (LAMP_RED, LAMP_RED_YELLOW)
                for line in range(lines.stop_first[other], lines.stop_first[other + 1]):
                    lamp = world.lamps[lines.stop_signal[line]]
                    held = held or lamp in (LAMP_RED, LAMP_RED_YELLOW)
                if not held and (theirs < mine or (theirs == mine and j < i)) and theirs < 6.0:
                    return True
    return False


@kernel
def _turning(road: RoadArrays, lane: int) -> float:
    turn = road.heading[road.first[lane + 1] - 1] - road.heading[road.first[lane]]
    return 2.0 if abs(turn) > 0.5 else 0.0


@kernel
def _steer(
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    entries: Entries,
    lines: Lines,
    i: int,
    dt: float,
    think: bool,
) -> None:
    f, n = world.f, world.n
    if n[N_FREE_0, i] == 0:
        n[LATERAL_MODE, i] = OFFSET_HOLD
        if think:
            side = _better_side(world, road, routes, lines, entries, i)
            if side != 0:
                aim, _ = beside(road, n[LANE, i], f[S, i], side)
                _begin(world, road, routes, i, aim)
        if n[N_FREE_0, i] == 0 and abs(f[D, i]) > 0.05:
            _begin(world, road, routes, i, n[LANE, i])
        if n[N_FREE_0, i] == 0:
            return
    takes = 0.5 * math.pi * abs(f[FREE_0, i]) / world.p[COMFORT_LATERAL, i]
    f[FREE_1, i] += dt * min(1.0, f[VX, i] / 3.0)
    done = min(1.0, f[FREE_1, i] / takes)
    world.sp[SP_OFFSET, i] = 0.0 if done >= 1.0 else 0.5 * f[FREE_0, i] * (1.0 + math.cos(math.pi * done))
    n[LATERAL_MODE, i] = OFFSET_SET
    if done >= 1.0:
        n[N_FREE_0, i] = 0


@kernel
def _begin(world: World, road: RoadArrays, routes: RouteTables, i: int, aim: int) -> None:
    _, d = in_frame(road, routes, world.f, world.n, i, aim)
    world.n[AIM_LANE, i] = aim
    world.n[N_FREE_0, i] = 1
    world.f[FREE_0, i] = d
    world.f[FREE_1, i] = 0.0


@kernel
def _better_side(world: World, road: RoadArrays, routes: RouteTables, lines: Lines, entries: Entries, i: int) -> int:
    """Return +1 or -1 for the neighbour that is worth and safe to change to, else 0."""
    f, n = world.f, world.n
    lane, s = n[LANE, i], f[S, i]
    if road.junction[lane] >= 0 or f[VX, i] < 1.0:
        return 0
    asked = routes.side[n[ROUTE, i], lane]
    now = following(world, road, routes, lines, entries, i, lane, s)
    _, follower = behind(road, entries, lane, s, i, True)
    relief = 0.0
    if follower >= 0:
        relief = _without(world, road, routes, entries, i, follower) - _with(world, road, entries, i, follower, lane, s)
    best, side = THRESHOLD, 0
    for turn in (-1, 1):
        to, to_s = beside(road, lane, s, turn)
        if to < 0 or road.kind[to] != DRIVING or road.junction[to] >= 0:
            continue
        if asked != 0 and turn != asked:
            continue
        then = following(world, road, routes, lines, entries, i, to, to_s)
        _, leader = ahead(road, routes, entries, n[ROUTE, i], to, to_s, i, False)
        if leader >= 0 and not _clear(world, entries, i, leader, road, routes, to, to_s):
            continue
        burden = 0.0
        back, behind_there = behind(road, entries, to, to_s, i, False)
        if behind_there >= 0:
            gap = back - entries.front[behind_there] - _rear_of(world.p, i)
            theirs = _with(world, road, entries, i, behind_there, to, to_s)
            if gap < STANDSTILL_GAP or theirs < -SAFE_DECEL:
                continue
            burden = theirs - _without(world, road, routes, entries, i, behind_there)
        if then < -SAFE_DECEL:
            continue
        gain = then - now + POLITENESS * (burden + relief) - turn * KEEP_RIGHT
        if asked == turn:
            gain += _MANDATORY
        if gain > best:
            best, side = gain, turn
    return side


@kernel
def _rear_of(p: Floats, i: int) -> float:
    return float(0.5 * p[LENGTH, i] - p[CENTER_X, i])


@kernel
def _clear(
    world: World, entries: Entries, i: int, leader: int, road: RoadArrays, routes: RouteTables, to: int, s: float
) -> bool:
    way, _ = ahead(road, routes, entries, world.n[ROUTE, i], to, s, i, False)
    return bool(way - front_of(world.p, i) - entries.rear[leader] > STANDSTILL_GAP)


@kernel
def _with(world: World, road: RoadArrays, entries: Entries, i: int, follower: int, lane: int, s: float) -> float:
    """Return the acceleration of a follower behind actor i at s of a lane, whatever is between."""
    j = entries.actor[follower]
    back, _ = behind(road, entries, lane, s, i, world.n[LANE, i] == lane)
    gap = back - entries.front[follower] - _rear_of(world.p, i)
    accel, decel = max(0.5, world.p[COMFORT_ACCEL, j]), max(1.0, world.p[COMFORT_DECEL, j])
    wish = desired_speed(world, road, j, entries.lane[follower])
    return idm(entries.speed[follower], wish, gap, world.f[VX, i], accel, decel)


@kernel
def _without(world: World, road: RoadArrays, routes: RouteTables, entries: Entries, i: int, follower: int) -> float:
    """Return the acceleration of a follower when actor i were not there."""
    j = entries.actor[follower]
    accel, decel = max(0.5, world.p[COMFORT_ACCEL, j]), max(1.0, world.p[COMFORT_DECEL, j])
    lane, s = entries.lane[follower], entries.s[follower]
    wish = desired_speed(world, road, j, lane)
    way, entry = ahead(road, routes, entries, world.n[ROUTE, j], lane, s, j, True)
    if entry >= 0 and entries.actor[entry] == i:
        more, entry = ahead(road, routes, entries, world.n[ROUTE, j], entries.lane[entry], entries.s[entry], i, True)
        way += more
    if entry < 0:
        return idm(entries.speed[follower], wish, _FREE, 0.0, accel, decel)
    gap = way - entries.front[follower] - entries.rear[entry]
    return idm(entries.speed[follower], wish, gap, entries.speed[entry], accel, decel)


@kernel
def _enter_all(world: World, road: RoadArrays, entries: Entries) -> None:
    """Write who is on which lane, in order."""
    n, f, p = world.n, world.f, world.p
    for e in range(entries.used[0]):
        lane = entries.lane[e]
        entries.first[lane], entries.last[lane] = 0, 0
    entries.used[0] = 0
    for place in range(len(entries.line)):
        i = entries.line[place]
        if n[PRESENT, i] == 0 or n[VISIBLE, i] & _SEES_TRAFFIC == 0:
            continue
        lane = n[LANE, i]
        if lane >= 0:
            heading = _enter(world, road, entries, i, lane, f[S, i])
            across = 0.5 * (
                abs(math.cos(f[YAW, i] - heading)) * p[WIDTH, i] + abs(math.sin(f[YAW, i] - heading)) * p[LENGTH, i]
            )
            edge = 0.5 * lane_width(road, lane, f[S, i])
            for side in (1, -1):
                if side * f[D, i] + across > edge + 0.1:
                    other, s = beside(road, lane, f[S, i], side)
                    if other >= 0:
                        _enter(world, road, entries, i, other, s)
        if p[KIND, i] >= PEDESTRIAN and f[VX, i] > 0.3:
            _enter_soon(world, road, entries, i, 1.0)
            _enter_soon(world, road, entries, i, 2.0)
    _sort(entries)


@kernel
def _enter(world: World, road: RoadArrays, entries: Entries, i: int, lane: int, s: float) -> float:
    f, p = world.f, world.p
    _, _, _, heading, _, _ = lane_pose(road, lane, s, 0.0)
    cos, sin = math.cos(f[YAW, i] - heading), math.sin(f[YAW, i] - heading)
    half = 0.5 * (abs(cos) * p[LENGTH, i] + abs(sin) * p[WIDTH, i])
    e = entries.used[0]
    entries.actor[e], entries.lane[e], entries.s[e] = i, lane, s
    entries.speed[e] = f[VX, i] * cos
    entries.front[e], entries.rear[e] = half + p[CENTER_X, i] * cos, half - p[CENTER_X, i] * cos
    entries.order[e] = e
    entries.used[0] = e + 1
    return heading


@kernel
def _enter_soon(world: World, road: RoadArrays, entries: Entries, i: int, after: float) -> None:
    f = world.f
    x = f[X, i] + after * f[VX, i] * math.cos(f[YAW, i])
    y = f[Y, i] + after * f[VX, i] * math.sin(f[YAW, i])
    lane, s, _ = locate(road, x, y, f[YAW, i])
    if lane >= 0 and lane != world.n[LANE, i]:
        _enter(world, road, entries, i, lane, s)


@kernel
def _sort(entries: Entries) -> None:
    order = entries.order
    for a in range(1, entries.used[0]):
        e = order[a]
        b = a - 1
        while b >= 0 and _after(entries, order[b], e):
            order[b + 1] = order[b]
            b -= 1
        order[b + 1] = e
    for place in range(entries.used[0]):
        lane = entries.lane[order[place]]
        if place == 0 or entries.lane[order[place - 1]] != lane:
            entries.first[lane] = place
        entries.last[lane] = place + 1
    _remember(entries)


@kernel
def _after(entries: Entries, a: int, b: int) -> bool:
    if entries.lane[a] != entries.lane[b]:
        return bool(entries.lane[a] > entries.lane[b])
    if entries.s[a] != entries.s[b]:
        return bool(entries.s[a] > entries.s[b])
    return bool(entries.actor[a] > entries.actor[b])


@kernel
def _remember(entries: Entries) -> None:
    """Keep the order of actors for the next tick, by the first entry of each."""
    count = len(entries.line)
    seen = np.zeros(count, np.bool_)
    place = 0
    old = entries.line.copy()
    for k in range(entries.used[0]):
        i = entries.actor[entries.order[k]]
        if not seen[i]:
            seen[i] = True
            entries.line[place] = i
            place += 1
    for i in old:
        if not seen[i]:
            entries.line[place] = i
            place += 1
