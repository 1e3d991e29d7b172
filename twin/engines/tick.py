"""One tick of physics as one kernel: traffic decides, everybody moves, bodies touch; and the hash of the result.

The order: traffic gives set-points on the snapshot; whoever is not the ego moves to the end of the tick; the ego moves
in substeps, by its dynamics where its driver holds the axes and by set-points where the story does; at every substep
bodies that touch for the first time leave a contact, others' poses being interpolated in between.

From its first contact on an actor brakes as hard as it can on a straight or held course, whoever held its axes; it
stops at once at a fixed box of the map. No momentum is exchanged: what counts is that and how they met.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from twin.collision import Box, box_of, corner, meets_box, overlap, point_distance, same_height
from twin.dynamics import ActuatorFaults, Actuators, Plant, actuate, drive_on, slow_down, wrap
from twin.kernel import kernel
from twin.motion import move, settle, wanted_speed
from twin.road.arrays import RoadArrays, RouteTables
from twin.state import (
    AX,
    AY,
    BRAKE,
    CENTER_X,
    DRIVE,
    EGO,
    F_ROWS,
    FRICTION,
    HIT,
    KIND,
    LATERAL_BY,
    LENGTH,
    MAX_DECEL,
    OBJECT,
    PITCH,
    PRESENT,
    ROLL,
    SP_SPEED,
    SPEED_BY,
    SPEED_MODE,
    SPEED_SET,
    STEER,
    STORY,
    TR_AX,
    TR_AY,
    TR_PITCH,
    TR_ROLL,
    TR_ROWS,
    TR_STEER,
    TR_VX,
    TR_VY,
    TR_X,
    TR_Y,
    TR_YAW,
    TR_YAW_RATE,
    TR_Z,
    VX,
    VY,
    WIDTH,
    YAW,
    YAW_RATE,
    Floats,
    Ints,
    World,
    X,
    Y,
    Z,
)
from twin.traffic import Entries, Lines, decide, leave
from twin.vehicle import GRAVITY

_NEAR: Final = 2.0  # reserve of the search for bodies that may touch within the tick [m]
_CRASH_DECEL: Final = 6.0  # of a body that names no braking [m/s^2]


class Walls(NamedTuple):
    """The fixed boxes of the map, sorted by x."""

    boxes: Floats  # (O, 7)
    number: Ints  # (O,) row in the map
    reach: float  # half diagonal of the largest


class Contacts(NamedTuple):
    """First touches of the tick; `walls` remembers who has touched which fixed box."""

    used: Ints  # (1,)
    who: Ints  # (room, 3) substep, a, b
    values: Floats  # (room, 5) speed of a, speed of b, closing speed, x, y
    walls: Ints  # (actors, O)


class Scratch(NamedTuple):
    """What a tick needs beside the state."""

    start: Floats  # (F_ROWS, actors) at the start of the tick
    pairs: Ints  # (room, 2) bodies that may touch
    trail: Floats  # (substeps + 1, TR_ROWS) of the ego


def walls_of(road: RoadArrays) -> Walls:
    """Return the fixed boxes of a road."""
    order = np.argsort(road.boxes[:, 0], kind="stable").astype(np.int64)
    boxes = np.ascontiguousarray(road.boxes[order])
    reach = 0.5 * float(np.hypot(boxes[:, 4], boxes[:, 5]).max()) if len(boxes) else 0.0
    return Walls(boxes, order, reach)


def contacts_of(actors: int, walls: Walls) -> Contacts:
    """Return room for the contacts of one tick."""
    room = 4 * actors + 16
    return Contacts(
        np.zeros(1, np.int64),
        np.zeros((room, 3), np.int64),
        np.zeros((room, 5)),
        np.zeros((actors, len(walls.boxes)), np.int64),
    )


def scratch_of(actors: int, substeps: int) -> Scratch:
    """Return the scratch of one rollout."""
    return Scratch(
        np.zeros((F_ROWS, actors)),
        np.zeros((max(1, actors * (actors - 1) // 2), 2), np.int64),
        np.zeros((substeps + 1, TR_ROWS)),
    )


@kernel
def tick(
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    lines: Lines,
    entries: Entries,
    plant: Plant,
    actuators: Actuators,
    faults: ActuatorFaults,
    walls: Walls,
    contacts: Contacts,
    scratch: Scratch,
    accel: float,
    steer: float,
    k: int,
) -> None:
    """Advance the world from snapshot k by one tick of physics."""
    f, n = world.f, world.n
    substeps = scratch.trail.shape[0] - 1
    dt = plant.dt * substeps
    contacts.used[0] = 0
    decide(world, road, routes, lines, entries, dt, k)
    copy_into(scratch.start, f)
    for i in range(1, n.shape[1]):
        if n[PRESENT, i] == 1:
            _move_other(world, road, routes, i, dt)
    pairs = _near_pairs(world, scratch, dt)
    trail_row(scratch.trail, 0, f)
    for step in range(substeps):
        if n[PRESENT, EGO] == 1:
            _move_ego(world, road, routes, plant, actuators, faults, accel, steer, substeps - step)
        trail_row(scratch.trail, step + 1, f)
        _touch_all(world, walls, contacts, scratch, pairs, step + 1, substeps)
    if n[PRESENT, EGO] == 1 and not _by_story(world):
        settle(f, n, road, routes, EGO)
    _level(scratch.trail, f)
    leave(world, road, routes)


@kernel
def _by_story(world: World) -> bool:
    return bool(world.n[LATERAL_BY, EGO] == STORY and world.n[HIT, EGO] == 0)


@kernel
def _move_other(world: World, road: RoadArrays, routes: RouteTables, i: int, dt: float) -> None:
    speed = wanted_speed(world, i, 1.0)
    if world.n[HIT, i] == 1:
        speed = _braked(world, i, dt)
    move(world, road, routes, i, dt, 1.0, speed)


@kernel
def _braked(world: World, i: int, dt: float) -> float:
    decel = world.p[MAX_DECEL, i]
    decel = min(decel if decel > 0.0 else _CRASH_DECEL, world.environment[FRICTION] * GRAVITY)
    speed = world.f[VX, i]
    return math.copysign(max(0.0, abs(speed) - decel * dt), speed)


@kernel
def _move_ego(
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    plant: Plant,
    actuators: Actuators,
    faults: ActuatorFaults,
    accel: float,
    steer: float,
    left: int,
) -> None:
    f, n = world.f, world.n
    hit = n[HIT, EGO] == 1
    story_speed = n[SPEED_BY, EGO] == STORY and not hit
    if hit:
        accel, steer = -plant.max_decel, f[STEER, EGO]
    delivered = actuate(plant, actuators, faults, world.severity, f, accel, steer)
    share = 1.0 / left
    if _by_story(world):
        speed = wanted_speed(world, EGO, share) if story_speed else slow_down(plant, f, world.environment, delivered)
        move(world, road, routes, EGO, plant.dt, share, speed)
    elif story_speed:
        forced = (wanted_speed(world, EGO, share) - f[VX, EGO]) / plant.dt
        drive_on(plant, f, world.environment, delivered, forced)
        if left == 1 and n[SPEED_MODE, EGO] == SPEED_SET:
            f[VX, EGO] = world.sp[SP_SPEED, EGO]
    else:
        drive_on(plant, f, world.environment, delivered, math.nan)
    if story_speed:
        f[DRIVE, EGO], f[BRAKE, EGO] = max(0.0, f[AX, EGO]), max(0.0, -f[AX, EGO])


@kernel
def trail_row(trail: Floats, row: int, f: Floats) -> None:
    """Write the ego of now into one row of a trail."""
    trail[row, TR_X], trail[row, TR_Y], trail[row, TR_Z] = f[X, EGO], f[Y, EGO], f[Z, EGO]
    trail[row, TR_YAW], trail[row, TR_PITCH], trail[row, TR_ROLL] = f[YAW, EGO], f[PITCH, EGO], f[ROLL, EGO]
    trail[row, TR_VX], trail[row, TR_VY], trail[row, TR_YAW_RATE] = f[VX, EGO], f[VY, EGO], f[YAW_RATE, EGO]
    trail[row, TR_AX], trail[row, TR_AY], trail[row, TR_STEER] = f[AX, EGO], f[AY, EGO], f[STEER, EGO]


@kernel
def _level(trail: Floats, f: Floats) -> None:
    """Spread the change of height, pitch and roll, known at both ends of the tick, evenly over it."""
    last = trail.shape[0] - 1
    for row in range(1, last + 1):
        u = row / last
        trail[row, TR_Z] = trail[0, TR_Z] + u * (f[Z, EGO] - trail[0, TR_Z])
        trail[row, TR_PITCH] = trail[0, TR_PITCH] + u * (f[PITCH, EGO] - trail[0, TR_PITCH])
        trail[row, TR_ROLL] = trail[0, TR_ROLL] + u * (f[ROLL, EGO] - trail[0, TR_ROLL])


@kernel
def _near_pairs(world: World, scratch: Scratch, dt: float) -> int:
    """Collect the pairs of bodies that may touch within the tick and return their number."""
    n, p, f = world.n, world.p, scratch.start
    count = 0
    actors = n.shape[1]
    for a in range(actors):
        if n[PRESENT, a] == 0:
            continue
        for b in range(a + 1, actors):
            if n[PRESENT, b] == 0 or world.touch[a, b] == 1:
                continue
            dx, dy = f[X, b] - f[X, a], f[Y, b] - f[Y, a]
            reach = 2.0 * dt * (abs(f[VX, a]) + abs(f[VX, b])) + _size(p, a) + _size(p, b) + _NEAR
            if dx * dx + dy * dy > reach * reach or (p[KIND, a] == OBJECT and p[KIND, b] == OBJECT):
                continue
            scratch.pairs[count, 0], scratch.pairs[count, 1] = a, b
            count += 1
    return count


@kernel
def _size(p: Floats, i: int) -> float:
    """Return a bound of the distance from the reference point to any corner [m]."""
    return float(abs(p[CENTER_X, i]) + 0.5 * (p[LENGTH, i] + p[WIDTH, i]))


@kernel
def _touch_all(
    world: World, walls: Walls, contacts: Contacts, scratch: Scratch, pairs: int, step: int, substeps: int
) -> None:
    u = step / substeps
    for k in range(pairs):
        a, b = scratch.pairs[k, 0], scratch.pairs[k, 1]
        if world.touch[a, b] == 1 or not same_height(world.f, world.p, a, b):
            continue
        box_a, box_b = _box_at(world, scratch, a, u), _box_at(world, scratch, b, u)
        if overlap(box_a, box_b) and _note(world, contacts, scratch, step, u, a, b, box_a, box_b):
            world.touch[a, b] = world.touch[b, a] = 1
            world.n[HIT, a] = world.n[HIT, b] = 1
    for a in range(world.n.shape[1]):
        if a == EGO or step == substeps:
            _touch_walls(world, walls, contacts, scratch, step, a)


@kernel
def _touch_walls(world: World, walls: Walls, contacts: Contacts, scratch: Scratch, step: int, a: int) -> None:
    f, boxes = world.f, walls.boxes
    if len(boxes) == 0 or world.n[PRESENT, a] == 0 or (f[VX, a] == 0.0 and f[VY, a] == 0.0):
        return
    reach = walls.reach + _size(world.p, a)
    row = np.searchsorted(boxes[:, 0], f[X, a] - reach)
    while row < len(boxes) and boxes[row, 0] <= f[X, a] + reach:
        if abs(boxes[row, 1] - f[Y, a]) <= reach and meets_box(f, world.p, a, boxes, row):
            if contacts.walls[a, row] == 0:
                box_a = box_of(f, world.p, a)
                fixed = (boxes[row, 0], boxes[row, 1], boxes[row, 3], 0.5 * boxes[row, 4], 0.5 * boxes[row, 5])
                number = -1 - walls.number[row]
                if _note(world, contacts, scratch, step, 1.0, a, number, box_a, fixed):
                    contacts.walls[a, row] = 1
                    world.n[HIT, a] = 1
            if contacts.walls[a, row] == 1:
                f[VX, a], f[VY, a], f[YAW_RATE, a] = 0.0, 0.0, 0.0
        row += 1


@kernel
def _box_at(world: World, scratch: Scratch, i: int, u: float) -> Box:
    """Return the box of an actor at the share u of the tick; the ego's is the one of now."""
    f, start = world.f, scratch.start
    if i == EGO or u >= 1.0:
        return box_of(f, world.p, i)
    yaw = start[YAW, i] + u * wrap(f[YAW, i] - start[YAW, i])
    x = start[X, i] + u * (f[X, i] - start[X, i]) + world.p[CENTER_X, i] * math.cos(yaw)
    y = start[Y, i] + u * (f[Y, i] - start[Y, i]) + world.p[CENTER_X, i] * math.sin(yaw)
    return x, y, yaw, 0.5 * world.p[LENGTH, i], 0.5 * world.p[WIDTH, i]


@kernel
def _velocity(world: World, scratch: Scratch, i: int, u: float) -> tuple[float, float]:
    """Return the velocity of an actor over ground in world axes at the share u of the tick; a fixed box stands."""
    if i < 0:
        return 0.0, 0.0
    f, start = world.f, scratch.start
    w = 1.0 if i == EGO else u
    vx, vy = start[VX, i] + w * (f[VX, i] - start[VX, i]), start[VY, i] + w * (f[VY, i] - start[VY, i])
    cos, sin = math.cos(f[YAW, i]), math.sin(f[YAW, i])
    return vx * cos - vy * sin, vx * sin + vy * cos


@kernel
def _note(
    world: World,
    contacts: Contacts,
    scratch: Scratch,
    step: int,
    u: float,
    a: int,
    b: int,
    box_a: Box,
    box_b: Box,
) -> bool:
    """Write one contact; returns False when the tick holds no more, so that it is found again in the next."""
    k = contacts.used[0]
    if k >= len(contacts.who):
        return False
    x, y = _place(box_a, box_b)
    ax, ay = _velocity(world, scratch, a, u)
    bx, by = _velocity(world, scratch, b, u)
    contacts.who[k, 0], contacts.who[k, 1], contacts.who[k, 2] = step, a, b
    contacts.values[k, 0], contacts.values[k, 1] = math.hypot(ax, ay), math.hypot(bx, by)
    contacts.values[k, 2] = math.hypot(ax - bx, ay - by)
    contacts.values[k, 3], contacts.values[k, 4] = x, y
    contacts.used[0] = k + 1
    return True


@kernel
def _place(a: Box, b: Box) -> tuple[float, float]:
    """Return where two overlapping boxes meet: the mean of the corners inside the other, else between the centres."""
    x, y, count = 0.0, 0.0, 0
    for i in range(4):
        cx, cy = corner(a, i)
        if point_distance(b, cx, cy) == 0.0:
            x, y, count = x + cx, y + cy, count + 1
        cx, cy = corner(b, i)
        if point_distance(a, cx, cy) == 0.0:
            x, y, count = x + cx, y + cy, count + 1
    if count == 0:
        return 0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])
    return x / count, y / count


@kernel
def copy_into(to: Floats, block: Floats) -> None:
    """Copy one block into another of its shape."""
    for row in range(block.shape[0]):
        for i in range(block.shape[1]):
            to[row, i] = block[row, i]


@kernel
def touch_now(world: World, walls: Walls, contacts: Contacts, scratch: Scratch) -> None:
    """Find who touches before anything has moved."""
    contacts.used[0] = 0
    copy_into(scratch.start, world.f)
    pairs = _near_pairs(world, scratch, 0.0)
    _touch_all(world, walls, contacts, scratch, pairs, 1, 1)


@kernel
def mix(state: np.uint64, word: np.uint64) -> np.uint64:
    """Fold one word into a hash (the finaliser of SplitMix64; Steele, Lea, Flood, OOPSLA 2014)."""
    z = (state ^ word) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def digest(state: np.uint64, world: World) -> np.uint64:
    """Return the rolling hash after one more snapshot: every bit of every block that changes."""
    state = _mix_floats(state, world.f)
    state = _mix_floats(state, world.sp)
    for value in world.environment.view(np.uint64):
        state = mix(state, value)
    for value in world.severity.view(np.uint64):
        state = mix(state, value)
    state = _mix_ints(state, world.n)
    state = _mix_ints(state, world.touch)
    for number in world.lamps:
        state = mix(state, np.uint64(number))
    for number in world.events:
        state = mix(state, np.uint64(number))
    return state


@kernel
def _mix_floats(state: np.uint64, block: Floats) -> np.uint64:
    for value in block.reshape(block.size).view(np.uint64):
        state = mix(state, value)
    return state


@kernel
def _mix_ints(state: np.uint64, block: Ints) -> np.uint64:
    for value in block.reshape(block.size):
        state = mix(state, np.uint64(value))
    return state
