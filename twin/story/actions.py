"""What actions do: how they start, when their goal is met, and the set-points they give for the end of the coming tick.

Ramps run over time t in [0, T] by w(t / T): linear u; smooth (1 - cos(pi u)) / 2, peak rate pi delta / (2 T); cubic
3 u^2 - 2 u^3, peak rate 1.5 delta / T (the transition shapes of ASAM OpenSCENARIO XML 1.3). A rate gives T from the
peak. All three shapes have the mean (from + to) / 2, so a speed ramp over a way has T = 2 way / (from + to).
"""

from __future__ import annotations

import math

from twin.kernel import kernel
from twin.road.arrays import RoadArrays, RouteTables
from twin.road.kernels import advance, beside, locate, project, project_global, same_thread
from twin.state import (
    COMFORT_ACCEL,
    COMFORT_DECEL,
    COMFORT_LATERAL,
    LANE,
    MAX_ACCEL,
    MAX_DECEL,
    MAX_SPEED,
    PRESENT,
    ROUTE,
    TRAVELLED,
    VX,
    VY,
    YAW,
    YAW_RATE,
    D,
    S,
    World,
    X,
    Y,
    Z,
)
from twin.story.measure import (
    Pose,
    front_of,
    lead_of,
    place_pose,
    rear_of,
    speed_of,
    way_to,
    wrap,
)
from twin.story.paths import path_pose, project_on_path, s_at_time
from twin.story.tables import (
    AC_ACTOR,
    AC_AS,
    AC_FLAGS,
    AC_GUARD,
    AC_HOLD,
    AC_HOLD_NS,
    AC_NS,
    AC_OTHER,
    AC_PACE,
    AC_PACE_NS,
    AC_PLACE,
    AC_SHAPE,
    AC_TARGET,
    AC_VERB,
    AM_FRESH,
    AM_GOAL_NS,
    AM_LANE,
    AM_RAMP_NS,
    AM_START_NS,
    AV_A,
    AV_HOLD,
    AV_LIMIT_ACCEL,
    AV_LIMIT_DECEL,
    AV_LIMIT_JERK,
    AV_LIMIT_LATERAL,
    AV_LIMIT_SPEED,
    AV_PACE,
    CUBIC,
    DO_APPEAR,
    DO_ARRIVE,
    DO_BRAKE,
    DO_CHANGE_LANE,
    DO_CONTROL,
    DO_ENVIRONMENT,
    DO_FAULT,
    DO_FOLLOW,
    DO_KEEP_GAP,
    DO_OFFSET,
    DO_PROFILE,
    DO_SET,
    DO_SPEED,
    DO_TELEPORT,
    DO_TRACK_OFFSET,
    DO_TRACK_SPEED,
    DO_VANISH,
    DO_WAIT,
    FLAG_AHEAD,
    FLAG_CENTRE,
    FLAG_CLOCK,
    FLAG_EXACTLY,
    FLAG_LATERAL,
    FLAG_ONCE,
    FLAG_SPEED,
    FLAG_TAKES_LATERAL,
    FLAG_TAKES_SPEED,
    FLAG_TIME_GAP,
    HOLD_NONE,
    HOLD_TIME,
    LATERAL_AXIS,
    LINEAR,
    MV_D,
    MV_FROM,
    MV_NOW,
    MV_S,
    MV_TO,
    MV_WAY,
    PACE_INSTANT,
    PACE_RATE,
    PACE_TIME,
    PACE_WAY,
    PL_PATH,
    PL_POINT,
    PV_AWAY,
    SMOOTH,
    StoryMemory,
    StoryTables,
)

NS = 1e9
GAP_STIFFNESS = 0.25  # of keep_gap, critically damped at 0.5 rad/s [1/s^2]
GAP_DAMPING = 1.0  # [1/s]
REACHED_M = 0.1
REACHED_MPS = 0.1
LANES_AWAY = 12


@kernel
def weight(shape: int, u: float) -> float:
    """Return how much of a ramp is done at u of its time, 0..1; exactly 0 and 1 at the ends."""
    if u <= 0.0:
        return 0.0
    if u >= 1.0:
        return 1.0
    if shape == SMOOTH:
        return 0.5 * (1.0 - math.cos(math.pi * u))
    if shape == CUBIC:
        return u * u * (3.0 - 2.0 * u)
    return u


@kernel
def time_for_rate(shape: int, delta: float, rate: float) -> float:
    """Return how long a ramp over delta takes when its peak rate is `rate`; rate 0 ends at once [s]."""
    if delta == 0.0 or rate == 0.0:
        return 0.0
    peak = math.pi / 2.0 if shape == SMOOTH else (1.5 if shape == CUBIC else 1.0)
    return peak * abs(delta) / abs(rate)


@kernel
def time_for_change(shape: int, delta: float, limit: float) -> float:
    """Return how long a ramp over delta takes at least when its second derivative stays within limit [s]."""
    if math.isnan(limit) or delta == 0.0 or shape == LINEAR:
        return 0.0
    if shape == CUBIC:
        return math.sqrt(6.0 * abs(delta) / limit)
    return math.pi * math.sqrt(abs(delta) / (2.0 * limit))


@kernel
def ramp_ns(tables: StoryTables, action: int, delta: float, mean: float, comfort: float) -> int:
    """Return how long the ramp of an action takes [ns]; `mean` is the speed that turns a way into a time."""
    pace = tables.actions[action, AC_PACE]
    if pace == PACE_INSTANT:
        return 0
    if pace == PACE_TIME:
        return int(tables.actions[action, AC_PACE_NS])
    shape = tables.actions[action, AC_SHAPE]
    if pace == PACE_WAY:
        return round(tables.action_values[action, AV_PACE] / mean * NS) if mean > 0.0 else 0
    rate = tables.action_values[action, AV_PACE] if pace == PACE_RATE else comfort
    return round(time_for_rate(shape, delta, rate) * NS)


@kernel
def _limit(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value


@kernel
def feasible(tables: StoryTables, memory: StoryMemory, world: World, road: RoadArrays, action: int) -> bool:
    """Return whether an action can start: its actor is there, and so is the lane or place it asks for."""
    row = tables.actions[action]
    guard = row[AC_GUARD]
    if guard >= 0 and not (memory.node[guard] == memory.node[guard] and memory.node[guard] != 0.0):
        return False
    verb, actor = row[AC_VERB], row[AC_ACTOR]
    if verb in (DO_APPEAR, DO_TELEPORT):
        return bool(verb == DO_APPEAR or world.n[PRESENT, actor] == 1)
    arriving = memory.jump[actor] == memory.jump[actor]
    if verb <= DO_FOLLOW and world.n[PRESENT, actor] == 0 and not arriving:
        return False
    if verb == DO_CHANGE_LANE:
        target = memory.target[action]
        return target >= 0.0 and lane_beside(world, road, actor, int(target)) >= 0
    if verb in (DO_OFFSET, DO_TRACK_OFFSET):
        return bool(world.n[LANE, actor] >= 0)
    return True


@kernel
def lane_beside(world: World, road: RoadArrays, actor: int, target: int) -> int:
    """Return the lane of the target's thread at the actor's cross-section, -1 where there is none."""
    lane = world.n[LANE, actor]
    if lane < 0 or target < 0:
        return -1
    if same_thread(road, lane, target):
        return int(lane)
    for side in (1, -1):
        beyond, s = beside(road, lane, world.f[S, actor], side)
        for _ in range(LANES_AWAY):
            if beyond < 0:
                break
            if same_thread(road, beyond, target):
                return int(beyond)
            beyond, s = beside(road, beyond, s, side)
    return -1


@kernel
def begin(
    tables: StoryTables,
    memory: StoryMemory,
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    t_ns: int,
    action: int,
) -> None:
    """Freeze what an action starts from and what it aims at, on the snapshot."""
    row = tables.actions[action]
    verb, actor = row[AC_VERB], row[AC_ACTOR]
    mine = memory.action_values[action]
    memory.action[action, AM_START_NS] = t_ns
    memory.action[action, AM_RAMP_NS] = 0
    memory.action[action, AM_GOAL_NS] = -1
    memory.action[action, AM_FRESH] = 1
    if verb <= DO_FOLLOW:
        mine[MV_WAY] = world.f[TRAVELLED, actor]
        mine[MV_FROM] = world.f[VX, actor]
    if verb in (DO_SPEED, DO_BRAKE):
        goal = memory.target[action]
        _begin_speed(tables, memory, world, action, goal)
    elif verb in (DO_CHANGE_LANE, DO_OFFSET, DO_TRACK_OFFSET):
        goal = memory.target[action]
        _begin_lateral(tables, memory, world, road, action, goal)
    elif verb == DO_FOLLOW:
        _begin_follow(tables, memory, world, action)
    elif verb in (DO_TELEPORT, DO_APPEAR):
        if row[AC_PLACE] >= 0:
            _begin_placing(memory, place_pose(tables, world, road, routes, row[AC_PLACE], actor), road, action)
        if verb == DO_APPEAR:
            memory.jump[actor] = tables.action_values[action, AV_A]
    elif verb == DO_ENVIRONMENT:
        mine[MV_FROM] = world.environment[row[AC_OTHER]]
        mine[MV_TO] = memory.target[action]
        memory.action[action, AM_RAMP_NS] = row[AC_PACE_NS]
    elif verb == DO_SET:
        mine[MV_TO] = memory.target[action]
    elif verb == DO_CONTROL:
        flags = row[AC_FLAGS]
        if flags & FLAG_TAKES_SPEED:
            memory.control[2 * actor] = 1 if flags & FLAG_SPEED else 0
        if flags & FLAG_TAKES_LATERAL:
            memory.control[2 * actor + 1] = 1 if flags & FLAG_LATERAL else 0


@kernel
def _begin_speed(tables: StoryTables, memory: StoryMemory, world: World, action: int, goal: float) -> None:
    row, values = tables.actions[action], tables.action_values[action]
    actor = row[AC_ACTOR]
    now = world.f[VX, actor]
    if goal != goal:
        goal = now
    goal = min(goal, _limit(values[AV_LIMIT_SPEED], math.inf))
    if row[AC_VERB] == DO_BRAKE:
        goal = min(goal, now)
    faster = goal > now
    delta = goal - now
    bound = values[AV_LIMIT_ACCEL] if faster else values[AV_LIMIT_DECEL]
    comfort = world.p[COMFORT_ACCEL, actor] if faster else world.p[COMFORT_DECEL, actor]
    ramp = ramp_ns(tables, action, delta, 0.5 * (now + goal), comfort)
    if row[AC_PACE] != PACE_INSTANT:
        if not math.isnan(bound):
            ramp = max(ramp, round(time_for_rate(row[AC_SHAPE], delta, bound) * NS))
        ramp = max(ramp, round(time_for_change(row[AC_SHAPE], delta, values[AV_LIMIT_JERK]) * NS))
    memory.action[action, AM_RAMP_NS] = ramp
    memory.action_values[action, MV_FROM] = now
    memory.action_values[action, MV_TO] = goal


@kernel
def _begin_lateral(
    tables: StoryTables, memory: StoryMemory, world: World, road: RoadArrays, action: int, goal: float
) -> None:
    row, values = tables.actions[action], tables.action_values[action]
    actor = row[AC_ACTOR]
    mine = memory.action_values[action]
    lane = int(world.n[LANE, actor])
    s, offset = world.f[S, actor], world.f[D, actor]
    if row[AC_VERB] == DO_CHANGE_LANE:
        lane = lane_beside(world, road, actor, int(goal))
        s, offset = project_global(road, lane, world.f[X, actor], world.f[Y, actor])
        goal = values[AV_A]
    memory.action[action, AM_LANE] = lane
    mine[MV_S] = s
    mine[MV_FROM] = offset
    mine[MV_TO] = goal if goal == goal else offset
    if row[AC_VERB] == DO_TRACK_OFFSET:
        return
    delta = mine[MV_TO] - offset
    ramp = ramp_ns(tables, action, delta, speed_of(world, actor), world.p[COMFORT_LATERAL, actor])
    if row[AC_PACE] != PACE_INSTANT:
        ramp = max(ramp, round(time_for_change(row[AC_SHAPE], delta, values[AV_LIMIT_LATERAL]) * NS))
    memory.action[action, AM_RAMP_NS] = ramp


@kernel
def _begin_follow(tables: StoryTables, memory: StoryMemory, world: World, action: int) -> None:
    row, values = tables.actions[action], tables.action_values[action]
    actor, path = row[AC_ACTOR], row[AC_OTHER]
    mine = memory.action_values[action]
    mine[MV_S] = values[AV_A]
    mine[MV_D] = 0.0
    mine[MV_NOW] = 0.0
    if row[AC_FLAGS] & FLAG_EXACTLY:
        return
    s, d = project_on_path(tables, path, world.f[X, actor], world.f[Y, actor])
    mine[MV_S] = max(s, values[AV_A])
    mine[MV_D] = d
    ramp = time_for_rate(SMOOTH, d, world.p[COMFORT_LATERAL, actor])
    memory.action[action, AM_RAMP_NS] = round(ramp * NS)


@kernel
def _begin_placing(memory: StoryMemory, pose: Pose, road: RoadArrays, action: int) -> None:
    mine = memory.action_values[action]
    mine[MV_FROM], mine[MV_TO], mine[MV_WAY], mine[MV_NOW] = pose[0], pose[1], pose[2], pose[3]
    lane, s, d = pose[4], pose[5], pose[6]
    if lane == -1:
        lane, s, d = locate(road, pose[0], pose[1], pose[3])
    memory.action[action, AM_LANE] = lane
    mine[MV_S] = s
    mine[MV_D] = d


@kernel
def finished(
    tables: StoryTables,
    memory: StoryMemory,
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    t_ns: int,
    action: int,
) -> bool:
    """Return whether the goal of a running action is met in this snapshot, and held as long as it asks for."""
    row = tables.actions[action]
    verb = row[AC_VERB]
    start = memory.action[action, AM_START_NS]
    if verb == DO_WAIT:
        if row[AC_TARGET] >= 0:
            return bool(memory.action[action, AM_GOAL_NS] >= 0)
        return bool(t_ns - start >= row[AC_NS])
    if verb == DO_FAULT:
        return bool(row[AC_HOLD] == HOLD_TIME and t_ns - start >= row[AC_HOLD_NS])
    if verb > DO_FOLLOW:
        return bool(t_ns - start >= memory.action[action, AM_RAMP_NS])
    goal_ns = memory.action[action, AM_GOAL_NS]
    if goal_ns < 0:
        goal_ns = _goal_met(tables, memory, world, road, routes, t_ns, action)
        if goal_ns < 0:
            return False
        memory.action[action, AM_GOAL_NS] = goal_ns
        if goal_ns > start:
            memory.action_values[action, MV_WAY] = world.f[TRAVELLED, row[AC_ACTOR]]
    if row[AC_HOLD] == HOLD_NONE:
        return bool(verb != DO_TRACK_SPEED and verb != DO_TRACK_OFFSET)
    if row[AC_HOLD] == HOLD_TIME:
        return bool(t_ns - goal_ns >= row[AC_HOLD_NS])
    driven = world.f[TRAVELLED, row[AC_ACTOR]] - memory.action_values[action, MV_WAY]
    return bool(driven >= tables.action_values[action, AV_HOLD] - 1e-9)


@kernel
def _goal_met(
    tables: StoryTables,
    memory: StoryMemory,
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    t_ns: int,
    action: int,
) -> int:
    row = tables.actions[action]
    verb, actor = row[AC_VERB], row[AC_ACTOR]
    start = memory.action[action, AM_START_NS]
    mine = memory.action_values[action]
    if verb in (DO_TRACK_SPEED, DO_TRACK_OFFSET):
        return int(start)
    if verb in (DO_CHANGE_LANE, DO_OFFSET) and row[AC_PACE] == PACE_WAY:
        return t_ns if mine[MV_NOW] >= 1.0 else -1
    if verb in (DO_SPEED, DO_BRAKE, DO_CHANGE_LANE, DO_OFFSET):
        due = start + memory.action[action, AM_RAMP_NS]
        return int(due) if t_ns >= due else -1
    if verb == DO_PROFILE:
        due = start + tables.profile_ns[tables.profiles[row[AC_OTHER] + 1] - 1]
        return int(due) if t_ns >= due else -1
    if verb == DO_FOLLOW:
        length = tables.points[tables.paths[row[AC_OTHER] + 1] - 1, 3]
        return t_ns if mine[MV_S] >= length - 1e-9 else -1
    if verb == DO_KEEP_GAP:
        if row[AC_FLAGS] & FLAG_ONCE == 0:
            return -1
        error, closing = gap_error(tables, world, road, action)
        return t_ns if abs(error) <= REACHED_M and abs(closing) <= REACHED_MPS else -1
    if verb == DO_ARRIVE:
        left = way_left(tables, memory, world, road, routes, actor, row[AC_OTHER])
        return t_ns if left <= tables.action_values[action, AV_A] else -1
    return -1


@kernel
def gap_error(tables: StoryTables, world: World, road: RoadArrays, action: int) -> tuple[float, float]:
    """Return how much wider than asked a gap is [m], and how fast the other pulls away from the actor [m/s].

    nan where no lane leads from one to the other.
    """
    row = tables.actions[action]
    flags, actor, other = row[AC_FLAGS], row[AC_ACTOR], row[AC_OTHER]
    asked = tables.action_values[action, AV_A]
    if flags & FLAG_TIME_GAP:
        asked = asked * (speed_of(world, other) if flags & FLAG_AHEAD else speed_of(world, actor))
    way = way_to(world, road, actor, world.n[LANE, other], world.f[S, other], world.f[X, other], world.f[Y, other])
    if flags & FLAG_AHEAD:
        way = -way
    gap = way
    if flags & FLAG_CENTRE == 0:
        if flags & FLAG_AHEAD:
            gap = way - rear_of(world, actor) - front_of(world, other)
        else:
            gap = way - front_of(world, actor) - rear_of(world, other)
    return gap - asked, world.f[VX, other] - world.f[VX, actor]


@kernel
def way_left(
    tables: StoryTables,
    memory: StoryMemory,
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    actor: int,
    place: int,
) -> float:
    """Return the way an actor has left to a place: along the path it follows, else its lane, else straight [m]."""
    owner = memory.owner[2 * actor + LATERAL_AXIS]
    if owner >= 0 and tables.actions[owner, AC_VERB] == DO_FOLLOW:
        path = tables.actions[owner, AC_OTHER]
        if tables.places[place, PL_PATH] == path:
            lead = lead_of(world, actor, tables.places[place, PL_POINT])
            return float(tables.place_values[place, PV_AWAY] - lead - memory.action_values[owner, MV_S])
    x, y, _, _, lane, s, _ = place_pose(tables, world, road, routes, place, actor)
    way = way_to(world, road, actor, lane, s, x, y) if lane >= 0 else math.nan
    if not math.isnan(way):
        return way
    dx, dy = x - world.f[X, actor], y - world.f[Y, actor]
    yaw = world.f[YAW, actor]
    away = math.sqrt(dx * dx + dy * dy)
    return away if dx * math.cos(yaw) + dy * math.sin(yaw) >= 0.0 else -away


@kernel
def speed_setpoint(
    tables: StoryTables,
    memory: StoryMemory,
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    t_ns: int,
    step_ns: int,
    action: int,
) -> float:
    """Return the speed that the owner of a speed axis asks for at the end of the coming tick [m/s]."""
    row = tables.actions[action]
    verb, actor = row[AC_VERB], row[AC_ACTOR]
    since = t_ns + step_ns - memory.action[action, AM_START_NS]
    mine = memory.action_values[action]
    step = step_ns / NS
    now = world.f[VX, actor]
    if verb in (DO_SPEED, DO_BRAKE):
        ramp = memory.action[action, AM_RAMP_NS]
        if ramp <= 0:
            if memory.action[action, AM_FRESH] == 1 and row[AC_PACE] == PACE_INSTANT:
                memory.jump[actor] = mine[MV_TO]
            return float(mine[MV_TO])
        done = weight(row[AC_SHAPE], since / ramp)
        return float(mine[MV_FROM] + (mine[MV_TO] - mine[MV_FROM]) * done) if done < 1.0 else float(mine[MV_TO])
    if verb == DO_TRACK_SPEED:
        goal = memory.target[action]
        return _within_limits(tables, action, now, goal if goal == goal else now, step, math.inf, math.inf)
    if verb == DO_PROFILE:
        return _profile_speed(tables, row[AC_OTHER], mine[MV_FROM], since)
    if verb == DO_KEEP_GAP:
        error, opening = gap_error(tables, world, road, action)
        if error != error:
            return float(now)
        if row[AC_FLAGS] & FLAG_AHEAD:
            error = -error
        goal = max(0.0, now + (GAP_STIFFNESS * error + GAP_DAMPING * opening) * step)
        return _within_limits(tables, action, now, goal, step, world.p[COMFORT_ACCEL, actor], world.p[MAX_DECEL, actor])
    if verb == DO_ARRIVE:
        goal = _arrival_speed(tables, memory, world, road, routes, action)
        goal = min(max(goal, 0.0), world.p[MAX_SPEED, actor])
        return _within_limits(tables, action, now, goal, step, world.p[MAX_ACCEL, actor], world.p[MAX_DECEL, actor])
    return float(now)


@kernel
def _within_limits(
    tables: StoryTables, action: int, now: float, goal: float, step: float, accel: float, decel: float
) -> float:
    values = tables.action_values[action]
    goal = min(goal, _limit(values[AV_LIMIT_SPEED], math.inf))
    up = _limit(values[AV_LIMIT_ACCEL], accel) * step
    down = _limit(values[AV_LIMIT_DECEL], decel) * step
    return min(max(goal, now - down), now + up)


@kernel
def _profile_speed(tables: StoryTables, profile: int, start: float, since_ns: int) -> float:
    before_ns, before = 0, start
    for i in range(tables.profiles[profile], tables.profiles[profile + 1]):
        at_ns, at = tables.profile_ns[i], tables.profile_speed[i]
        if since_ns <= at_ns:
            if at_ns == before_ns:
                return float(at)
            return float(before + (at - before) * ((since_ns - before_ns) / (at_ns - before_ns)))
        before_ns, before = at_ns, at
    return before


@kernel
def _arrival_speed(
    tables: StoryTables,
    memory: StoryMemory,
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    action: int,
) -> float:
    """The speed from which an even change to the final one covers the way in the time the other needs."""
    row, values = tables.actions[action], tables.action_values[action]
    actor, other = row[AC_ACTOR], row[AC_AS]
    now = world.f[VX, actor]
    left = way_left(tables, memory, world, road, routes, actor, row[AC_OTHER])
    others_way = way_left(tables, memory, world, road, routes, other, row[AC_PLACE])
    pace = speed_of(world, other)
    if not pace > 1e-3:
        return 0.0 if row[AC_TARGET] < 0 else float(now)
    time = max(others_way, 0.0) / pace
    if row[AC_TARGET] < 0:
        return left / time if time > 1e-3 else float(now)
    final = memory.target[action]
    if final != final:
        return float(now)
    steady = values[AV_PACE]
    if row[AC_PACE] == PACE_TIME:
        steady = steady * final
    way = left - steady
    if way <= 0.0 or (final <= 0.0 and time <= 1e-3):
        return float(final)
    time = time - (steady / final if final > 0.0 else 0.0)
    if time <= 1e-3:
        return float(world.p[MAX_SPEED, actor])
    return float(2.0 * way / time - final)


@kernel
def aim(
    tables: StoryTables,
    memory: StoryMemory,
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    t_ns: int,
    step_ns: int,
    way: float,
    action: int,
) -> tuple[int, float]:
    """Return the lane and the offset from it that a lateral action asks for at the end of the coming tick.

    `way` is what the actor drives in the tick [m].
    """
    row = tables.actions[action]
    actor = row[AC_ACTOR]
    mine = memory.action_values[action]
    lane = int(memory.action[action, AM_LANE])
    s, _ = project(road, lane, world.f[X, actor], world.f[Y, actor], mine[MV_S])
    if s > road.length[lane]:
        beyond, ahead, left = advance(
            road, routes, world.n[ROUTE, actor], lane, road.length[lane], s - road.length[lane]
        )
        if beyond != lane:
            lane, s = beyond, ahead + left
            memory.action[action, AM_LANE] = lane
    mine[MV_S] = s
    if row[AC_VERB] == DO_TRACK_OFFSET:
        goal = memory.target[action]
        return lane, goal if goal == goal else float(world.f[D, actor])
    if row[AC_PACE] == PACE_WAY and tables.action_values[action, AV_PACE] > 0.0:
        driven = world.f[TRAVELLED, actor] + way - mine[MV_WAY]
        mine[MV_NOW] = driven / tables.action_values[action, AV_PACE]
        done = weight(row[AC_SHAPE], mine[MV_NOW])
    else:
        ramp = memory.action[action, AM_RAMP_NS]
        since = t_ns + step_ns - memory.action[action, AM_START_NS]
        mine[MV_NOW] = 1.0
        done = weight(row[AC_SHAPE], since / ramp) if ramp > 0 else 1.0
    offset = mine[MV_FROM] + (mine[MV_TO] - mine[MV_FROM]) * done if done < 1.0 else mine[MV_TO]
    return lane, float(offset)


@kernel
def follow_pose(
    tables: StoryTables, memory: StoryMemory, t_ns: int, step_ns: int, way: float, action: int
) -> tuple[float, float, float, float, float]:
    """Move along the path by `way` and return the pose there (x, y, z, yaw), and the way moved."""
    row = tables.actions[action]
    path = row[AC_OTHER]
    mine = memory.action_values[action]
    since = t_ns + step_ns - memory.action[action, AM_START_NS]
    length = tables.points[tables.paths[path + 1] - 1, 3]
    before = mine[MV_S]
    s = before + way
    if row[AC_FLAGS] & FLAG_CLOCK:
        s = max(s_at_time(tables, path, since), before)
    s = min(s, length)
    mine[MV_S] = s
    x, y, z, heading = path_pose(tables, path, s)
    ramp = memory.action[action, AM_RAMP_NS]
    aside = mine[MV_D] * (1.0 - weight(SMOOTH, since / ramp)) if ramp > 0 else 0.0
    x -= aside * math.sin(heading)
    y += aside * math.cos(heading)
    return x, y, z, wrap(heading), s - before


@kernel
def put(memory: StoryMemory, tables: StoryTables, world: World, action: int) -> None:
    """Carry out a teleport, an appearance or a vanishing on the actor itself."""
    row = tables.actions[action]
    actor = row[AC_ACTOR]
    mine = memory.action_values[action]
    if row[AC_VERB] == DO_VANISH:
        world.n[PRESENT, actor] = 0
        world.f[VX, actor] = 0.0
        world.f[VY, actor] = 0.0
        world.f[YAW_RATE, actor] = 0.0
        return
    if row[AC_PLACE] >= 0 and memory.action[action, AM_LANE] != -2:
        world.f[X, actor], world.f[Y, actor], world.f[Z, actor] = mine[MV_FROM], mine[MV_TO], mine[MV_WAY]
        world.f[YAW, actor] = mine[MV_NOW]
        world.n[LANE, actor] = memory.action[action, AM_LANE]
        world.f[S, actor], world.f[D, actor] = mine[MV_S], mine[MV_D]
    world.f[VY, actor] = 0.0
    world.f[YAW_RATE, actor] = 0.0
    if row[AC_VERB] == DO_APPEAR:
        world.n[PRESENT, actor] = 1


@kernel
def severity_of(tables: StoryTables, memory: StoryMemory, t_ns: int, action: int) -> float:
    """Return how hard the fault of a running action is on at t_ns, 0..1."""
    row = tables.actions[action]
    since = t_ns - memory.action[action, AM_START_NS]
    on, off = row[AC_NS], row[AC_PLACE]
    if off > 0 and since % (on + off) >= on:
        return 0.0
    full = tables.action_values[action, AV_A]
    ramp = row[AC_PACE_NS]
    return float(full * min(1.0, since / ramp) if ramp > 0 else full)
