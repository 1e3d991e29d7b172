"""What a trigger can ask about actors and places, as kernels on one snapshot.

Ways along the road run along lanes, whatever way the other actor faces; where the two share no lane thread they are
measured along the asking actor's body. Undefined (an absent actor) is nan, which makes every comparison false.
"""

from __future__ import annotations

import math

from twin.collision import between, box_of, point_distance
from twin.kernel import kernel
from twin.road.arrays import RoadArrays, RouteTables
from twin.road.kernels import advance, beside, lane_pose, project_global, way_between
from twin.state import (
    AX,
    AY,
    CENTER_X,
    HIT,
    LANE,
    LENGTH,
    PRESENT,
    ROUTE,
    TRAVELLED,
    VX,
    VY,
    WIDTH,
    YAW,
    D,
    Floats,
    S,
    World,
    X,
    Y,
    Z,
)
from twin.story.tables import (
    AHEAD_BY,
    ALONG_LANE,
    ALONG_ROAD,
    AXES,
    BY_BODY,
    BY_LANE,
    CLEARANCE,
    CLOSING,
    COLLIDED_WITH,
    DISTANCE,
    GAP,
    HEADWAY,
    IN_BODY,
    IN_WORLD,
    PL_ACTOR,
    PL_FLAGS,
    PL_KIND,
    PL_LANE,
    PL_POINT,
    PL_SHIFT,
    PLACE_BEHIND,
    PLACE_BUMPERS,
    PLACE_LANE_AXES,
    PLACE_TIME,
    PLACE_WORLD,
    POINT_CENTRE,
    POINT_FRONT,
    PV_AWAY,
    PV_D,
    PV_DX,
    PV_DY,
    PV_S,
    PV_TURN,
    PV_X,
    PV_Y,
    PV_YAW,
    PV_Z,
    SIDE_GAP,
    SIG_ACCEL,
    SIG_AT_ROAD_END,
    SIG_COLLIDED,
    SIG_HEADING,
    SIG_LANE,
    SIG_LANE_OFFSET,
    SIG_LAT_ACCEL,
    SIG_LAT_SPEED,
    SIG_LENGTH,
    SIG_OFFROAD,
    SIG_PRESENT,
    SIG_ROAD,
    SIG_S,
    SIG_SPEED,
    SIG_STOPPED,
    SIG_TRAVELLED,
    SIG_WIDTH,
    SIG_X,
    SIG_Y,
    SIG_Z,
    SPACING,
    StoryTables,
)

HORIZON_M = 2000.0
STANDING_MPS = 0.1

Pose = tuple[float, float, float, float, int, float, float]


@kernel
def wrap(angle: float) -> float:
    """Return the angle in (-pi, pi]."""
    return angle - 2.0 * math.pi * math.ceil((angle - math.pi) / (2.0 * math.pi))


@kernel
def front_of(world: World, actor: int) -> float:
    """Return the way from the reference point to the front bumper [m]."""
    return float(world.p[CENTER_X, actor] + 0.5 * world.p[LENGTH, actor])


@kernel
def rear_of(world: World, actor: int) -> float:
    """Return the way from the reference point back to the rear bumper [m]."""
    return float(0.5 * world.p[LENGTH, actor] - world.p[CENTER_X, actor])


@kernel
def speed_of(world: World, actor: int) -> float:
    """Return the speed over ground of the reference point [m/s]."""
    return math.sqrt(world.f[VX, actor] ** 2 + world.f[VY, actor] ** 2)


@kernel
def lead_of(world: World, actor: int, point: int) -> float:
    """Return how far ahead of an actor's reference point its rear axle (0), centre (1) or front (2) lies [m]."""
    if point == POINT_FRONT:
        return front_of(world, actor)
    if point == POINT_CENTRE:
        return float(world.p[CENTER_X, actor])
    return 0.0


@kernel
def place_pose(
    tables: StoryTables, world: World, road: RoadArrays, routes: RouteTables, place: int, actor: int
) -> Pose:
    """Return where the reference point of `actor` would be at a place: x, y, z, yaw, lane, s, offset.

    The lane is -1 off the road, and -2 where the place does not exist (no lane on that side).
    """
    row = tables.places[place]
    value = tables.place_values[place]
    flags = row[PL_FLAGS]
    lead = lead_of(world, actor, row[PL_POINT])
    if row[PL_KIND] == BY_LANE:
        return _by_lane(world, road, routes, row[PL_ACTOR], row[PL_SHIFT], flags, value, lead, actor)
    if row[PL_KIND] == BY_BODY:
        other = row[PL_ACTOR]
        axis = world.f[YAW, other]
        if flags & PLACE_LANE_AXES and world.n[LANE, other] >= 0:
            axis = lane_pose(road, world.n[LANE, other], world.f[S, other], 0.0)[3]
        elif flags & PLACE_WORLD:
            axis = 0.0
        x = world.f[X, other] + value[PV_DX] * math.cos(axis) - value[PV_DY] * math.sin(axis)
        y = world.f[Y, other] + value[PV_DX] * math.sin(axis) + value[PV_DY] * math.cos(axis)
        yaw = wrap(world.f[YAW, other] + value[PV_TURN])
        if flags & PLACE_WORLD:
            yaw = wrap(value[PV_TURN])
        return x - lead * math.cos(yaw), y - lead * math.sin(yaw), world.f[Z, other], yaw, -1, 0.0, 0.0
    x = value[PV_X] - lead * math.cos(value[PV_YAW])
    y = value[PV_Y] - lead * math.sin(value[PV_YAW])
    return x, y, value[PV_Z], value[PV_YAW], row[PL_LANE], value[PV_S] - lead, value[PV_D]


@kernel
def _by_lane(
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    other: int,
    shift: int,
    flags: int,
    value: Floats,
    lead: float,
    actor: int,
) -> Pose:
    lane = world.n[LANE, other]
    s = world.f[S, other]
    for _ in range(abs(shift)):
        if lane >= 0:
            lane, s = beside(road, lane, s, 1 if shift > 0 else -1)
    if lane < 0:
        return 0.0, 0.0, 0.0, 0.0, -2, 0.0, 0.0
    away = value[PV_AWAY]
    if flags & PLACE_TIME:
        away = away * speed_of(world, other)
    if flags & PLACE_BUMPERS:
        if flags & PLACE_BEHIND:
            away = away + rear_of(world, other) + front_of(world, actor)
        else:
            away = away + front_of(world, other) + rear_of(world, actor)
    if flags & PLACE_BEHIND:
        away = -away
    lane, s, left = advance(road, routes, world.n[ROUTE, other], lane, s, away - lead)
    d = value[PV_D]
    x, y, z, heading, _, _ = lane_pose(road, lane, s + left, d)
    return x, y, z, wrap(heading + value[PV_TURN]), lane, s + left, d


@kernel
def way_to(world: World, road: RoadArrays, a: int, lane: int, s: float, x: float, y: float) -> float:
    """Return the signed way from actor a along the road to a spot, nan where no lane leads there [m]."""
    if world.n[LANE, a] < 0:
        return math.nan
    if lane >= 0:
        return way_between(road, world.n[LANE, a], world.f[S, a], lane, s, HORIZON_M)
    along, _ = project_global(road, world.n[LANE, a], x, y)
    return float(along - world.f[S, a])


@kernel
def _in_body(world: World, a: int, x: float, y: float) -> tuple[float, float]:
    dx, dy = x - world.f[X, a], y - world.f[Y, a]
    c, s = math.cos(world.f[YAW, a]), math.sin(world.f[YAW, a])
    return dx * c + dy * s, dy * c - dx * s


@kernel
def _along(world: World, road: RoadArrays, a: int, lane: int, s: float, x: float, y: float, axes: int) -> float:
    forward, _ = _in_body(world, a, x, y)
    if axes == IN_BODY:
        return forward
    if axes == IN_WORLD:
        straight = math.sqrt((x - world.f[X, a]) ** 2 + (y - world.f[Y, a]) ** 2)
        return straight if forward >= 0.0 else -straight
    if axes == ALONG_ROAD and lane >= 0 and world.n[LANE, a] >= 0 and road.road[lane] == road.road[world.n[LANE, a]]:
        away = road_s_at(road, lane, s) - road_s_at(road, world.n[LANE, a], world.f[S, a])
        return away * road_sense(road, world.n[LANE, a])
    way = way_to(world, road, a, lane, s, x, y)
    return forward if math.isnan(way) else way


@kernel
def road_s_at(road: RoadArrays, lane: int, s: float) -> float:
    """Return the OpenDRIVE s of the road's reference line at arc length s of a lane [m]."""
    first = road.first[lane]
    last = road.first[lane + 1] - 1
    at = min(max(s / road.step[lane], 0.0), float(last - first))
    i = min(int(at), max(last - first - 1, 0))
    part = at - i
    j = min(first + i + 1, last)
    return float(road.road_s[first + i] * (1.0 - part) + road.road_s[j] * part)


@kernel
def road_sense(road: RoadArrays, lane: int) -> float:
    """Return +1 where a lane's travel follows the road's reference line, -1 where it runs against it."""
    first = road.first[lane]
    last = road.first[lane + 1] - 1
    return 1.0 if road.road_s[last] >= road.road_s[first] else -1.0


@kernel
def _speed_along(world: World, road: RoadArrays, actor: int) -> float:
    f = world.f
    vx = f[VX, actor] * math.cos(f[YAW, actor]) - f[VY, actor] * math.sin(f[YAW, actor])
    vy = f[VX, actor] * math.sin(f[YAW, actor]) + f[VY, actor] * math.cos(f[YAW, actor])
    lane = world.n[LANE, actor]
    heading = f[YAW, actor]
    if lane >= 0:
        heading = lane_pose(road, lane, f[S, actor], 0.0)[3]
    return float(vx * math.cos(heading) + vy * math.sin(heading))


@kernel
def _closing_on_spot(world: World, a: int, x: float, y: float, vx: float, vy: float) -> float:
    f = world.f
    ax = f[VX, a] * math.cos(f[YAW, a]) - f[VY, a] * math.sin(f[YAW, a])
    ay = f[VX, a] * math.sin(f[YAW, a]) + f[VY, a] * math.cos(f[YAW, a])
    dx, dy = x - f[X, a], y - f[Y, a]
    away = math.sqrt(dx * dx + dy * dy)
    if away == 0.0:
        return 0.0
    return float(-((vx - ax) * dx + (vy - ay) * dy) / away)


@kernel
def relation(world: World, road: RoadArrays, a: int, b: int, code: int) -> float:
    """Return how actor a stands towards actor b; `code` is relation * AXES + axes."""
    what, axes = code // AXES, code % AXES
    f, n, p = world.f, world.n, world.p
    if what == COLLIDED_WITH:
        return float(world.touch[a, b])
    if n[PRESENT, a] == 0 or n[PRESENT, b] == 0:
        return math.nan
    if what == CLEARANCE:
        return between(f, p, a, b)
    if what == DISTANCE:
        return math.sqrt((f[X, a] - f[X, b]) ** 2 + (f[Y, a] - f[Y, b]) ** 2 + (f[Z, a] - f[Z, b]) ** 2)
    if what == SIDE_GAP:
        return _side_gap(world, road, a, b, axes)
    way = _along(world, road, a, n[LANE, b], f[S, b], f[X, b], f[Y, b], axes)
    if what == SPACING:
        return abs(way)
    if what == AHEAD_BY:
        return -way
    gap = _gap(world, a, b, way, axes)
    if what == GAP:
        return gap
    if what == HEADWAY:
        speed = speed_of(world, a)
        return gap / speed if speed > 0.0 else math.inf
    closing = 0.0
    if axes in (ALONG_LANE, ALONG_ROAD):
        related = n[LANE, b] >= 0 and not math.isnan(way_to(world, road, a, n[LANE, b], f[S, b], f[X, b], f[Y, b]))
        turn = f[YAW, b] - f[YAW, a]
        other = _speed_along(world, road, b) if related else f[VX, b] * math.cos(turn) - f[VY, b] * math.sin(turn)
        closing = _speed_along(world, road, a) - other
        if way < 0.0:
            closing = -closing
    else:
        vx = f[VX, b] * math.cos(f[YAW, b]) - f[VY, b] * math.sin(f[YAW, b])
        vy = f[VX, b] * math.sin(f[YAW, b]) + f[VY, b] * math.cos(f[YAW, b])
        closing = _closing_on_spot(world, a, f[X, b], f[Y, b], vx, vy)
    if what == CLOSING:
        return closing
    return gap / closing if closing > 0.0 else math.inf


@kernel
def _gap(world: World, a: int, b: int, way: float, axes: int) -> float:
    if axes == IN_WORLD:
        return between(world.f, world.p, a, b)
    if axes == IN_BODY:
        box = box_of(world.f, world.p, b)
        forward, _ = _in_body(world, a, box[0], box[1])
        turn = box[2] - world.f[YAW, a]
        reach = abs(math.cos(turn)) * box[3] + abs(math.sin(turn)) * box[4]
        return float(max(0.0, abs(forward - world.p[CENTER_X, a]) - 0.5 * world.p[LENGTH, a] - reach))
    if way >= 0.0:
        return max(0.0, way - front_of(world, a) - rear_of(world, b))
    return max(0.0, -way - rear_of(world, a) - front_of(world, b))


@kernel
def _side_gap(world: World, road: RoadArrays, a: int, b: int, axes: int) -> float:
    box_a = box_of(world.f, world.p, a)
    box_b = box_of(world.f, world.p, b)
    axis = world.f[YAW, a]
    away = 0.0
    lane = world.n[LANE, a]
    if (axes in (ALONG_LANE, ALONG_ROAD)) and lane >= 0:
        s, d_a = project_global(road, lane, box_a[0], box_a[1])
        _, d_b = project_global(road, lane, box_b[0], box_b[1])
        axis = lane_pose(road, lane, s, 0.0)[3]
        away = abs(d_b - d_a)
    else:
        away = abs((box_b[1] - box_a[1]) * math.cos(axis) - (box_b[0] - box_a[0]) * math.sin(axis))
    reach_a = abs(math.sin(box_a[2] - axis)) * box_a[3] + abs(math.cos(box_a[2] - axis)) * box_a[4]
    reach_b = abs(math.sin(box_b[2] - axis)) * box_b[3] + abs(math.cos(box_b[2] - axis)) * box_b[4]
    return max(0.0, away - reach_a - reach_b)


@kernel
def relation_to_place(
    tables: StoryTables, world: World, road: RoadArrays, routes: RouteTables, a: int, place: int, code: int
) -> float:
    """Return how actor a stands towards a place; `code` is relation * AXES + axes."""
    what, axes = code // AXES, code % AXES
    if world.n[PRESENT, a] == 0:
        return math.nan
    x, y, z, _, lane, s, _ = place_pose(tables, world, road, routes, place, a)
    if lane == -2:
        return math.nan
    f = world.f
    if what == DISTANCE:
        return math.sqrt((f[X, a] - x) ** 2 + (f[Y, a] - y) ** 2 + (f[Z, a] - z) ** 2)
    if what == CLEARANCE:
        return point_distance(box_of(f, world.p, a), x, y)
    if what == SIDE_GAP:
        _forward, left = _in_body(world, a, x, y)
        if axes != IN_BODY and world.n[LANE, a] >= 0:
            left = project_global(road, world.n[LANE, a], x, y)[1] - f[D, a]
        return float(max(0.0, abs(left) - 0.5 * world.p[WIDTH, a]))
    way = _along(world, road, a, lane, s, x, y, axes)
    if what == SPACING:
        return abs(way)
    if what == AHEAD_BY:
        return -way
    gap = max(0.0, way - front_of(world, a)) if way >= 0.0 else max(0.0, -way - rear_of(world, a))
    if what == GAP:
        return gap
    if what == HEADWAY:
        speed = speed_of(world, a)
        return gap / speed if speed > 0.0 else math.inf
    closing = _closing_on_spot(world, a, x, y, 0.0, 0.0)
    if axes in (ALONG_LANE, ALONG_ROAD):
        closing = _speed_along(world, road, a) if way >= 0.0 else -_speed_along(world, road, a)
    if what == CLOSING:
        return closing
    return gap / closing if closing > 0.0 else math.inf


@kernel
def _lateral_speed(world: World, road: RoadArrays, actor: int) -> float:
    f = world.f
    lane = world.n[LANE, actor]
    if lane < 0:
        return float(f[VY, actor])
    turn = f[YAW, actor] - lane_pose(road, lane, f[S, actor], 0.0)[3]
    return float(f[VX, actor] * math.sin(turn) + f[VY, actor] * math.cos(turn))


@kernel
def _at_road_end(world: World, road: RoadArrays, actor: int) -> bool:
    lane = world.n[LANE, actor]
    if lane < 0 or road.succ_first[lane + 1] > road.succ_first[lane]:
        return False
    return bool(road.length[lane] - world.f[S, actor] <= max(1.0, front_of(world, actor)))


@kernel
def signal_of(world: World, road: RoadArrays, actor: int, what: int) -> float:
    """Return one signal of an actor; lanes are rows of the lane arrays, roads rows of the road's names."""
    f, n = world.f, world.n
    if what == SIG_PRESENT:
        return float(n[PRESENT, actor])
    if what == SIG_COLLIDED:
        return float(n[HIT, actor])
    if what == SIG_WIDTH:
        return float(world.p[WIDTH, actor])
    if what == SIG_LENGTH:
        return float(world.p[LENGTH, actor])
    if n[PRESENT, actor] == 0:
        return math.nan
    if what == SIG_X:
        return float(f[X, actor])
    if what == SIG_Y:
        return float(f[Y, actor])
    if what == SIG_Z:
        return float(f[Z, actor])
    if what == SIG_HEADING:
        return float(f[YAW, actor])
    if what == SIG_SPEED:
        return speed_of(world, actor)
    if what == SIG_ACCEL:
        return float(f[AX, actor])
    if what == SIG_LAT_SPEED:
        return _lateral_speed(world, road, actor)
    if what == SIG_LAT_ACCEL:
        return float(f[AY, actor])
    if what == SIG_TRAVELLED:
        return float(f[TRAVELLED, actor])
    if what == SIG_STOPPED:
        return 1.0 if speed_of(world, actor) < STANDING_MPS else 0.0
    lane = n[LANE, actor]
    if what == SIG_LANE:
        return float(lane)
    if what == SIG_OFFROAD:
        return 1.0 if lane < 0 else 0.0
    if lane < 0:
        return 0.0 if what == SIG_AT_ROAD_END else math.nan
    if what == SIG_LANE_OFFSET:
        return float(f[D, actor])
    if what == SIG_ROAD:
        return float(road.road[lane])
    if what == SIG_S:
        return float(f[S, actor])
    if what == SIG_AT_ROAD_END:
        return 1.0 if _at_road_end(world, road, actor) else 0.0
    return math.nan
