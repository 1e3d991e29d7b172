"""The one evaluator of stories, used by every engine: what happens inside one tick, in this order, in file order.

1. The snapshot is frozen: what starts below is written out at the end, so nothing sees another's effect.
2. Finish: actions whose goal is met leave their axes, events and phases whose work is done are over.
3. The scenario's end.
4. Phases, outer before inner: `until` stops what runs inside, `from` starts and arms.
5. Conditions: each armed event asks once, each running event its `until`.
6. Stop, then start. The latest start wins an axis; in one tick the later in the file wins.
7. Set-points for the end of the coming tick, severities, lamps and weather.
"""

from __future__ import annotations

from twin.environment import derive
from twin.kernel import kernel
from twin.road.arrays import RoadArrays, RouteTables
from twin.signals import Programmes, lamp_at
from twin.state import (
    AIM_LANE,
    CLOUDS,
    DONE,
    E_ROWS,
    FRICTION,
    ILLUMINANCE,
    LATERAL_BY,
    LATERAL_MODE,
    OFFSET_HOLD,
    OFFSET_SET,
    POSE_SET,
    RAIN,
    ROUTE,
    RUNNING,
    SKIPPED,
    SNOW,
    SP_OFFSET,
    SP_SPEED,
    SP_X,
    SP_Y,
    SP_YAW,
    SP_Z,
    SPEED_BY,
    SPEED_HOLD,
    SPEED_MODE,
    SPEED_SET,
    STORY,
    SUN_AZIMUTH,
    SUN_ELEVATION,
    TIME_OF_DAY,
    VX,
    WAITING,
    World,
)
from twin.story.actions import (
    aim,
    begin,
    feasible,
    finished,
    follow_pose,
    put,
    severity_of,
    speed_setpoint,
    weight,
)
from twin.story.nodes import ask, forget
from twin.story.tables import (
    AC_ACTOR,
    AC_AXIS_A,
    AC_AXIS_B,
    AC_EVENT,
    AC_FLAGS,
    AC_NS,
    AC_OTHER,
    AC_STEP,
    AC_TARGET,
    AC_VERB,
    ACTIVE,
    AM_FRESH,
    AM_GOAL_NS,
    AM_HELD,
    AM_RAMP_NS,
    AM_START_NS,
    AM_STATE,
    DO_APPEAR,
    DO_ARRIVE,
    DO_ENVIRONMENT,
    DO_FOLLOW,
    DO_ROUTE,
    DO_SET,
    DO_SIGNAL,
    DO_TELEPORT,
    DO_TRACK_OFFSET,
    DO_TRACK_SPEED,
    DO_VANISH,
    DO_WAIT,
    EM_BEFORE,
    EM_CUT,
    EM_FIRE,
    EM_NEXT,
    EM_RUNS,
    EM_SKIPPED,
    EM_STARTED,
    EM_STEP,
    EM_STOPPED,
    ENDS,
    EV_ACTION,
    EV_ACTION_END,
    EV_BUSY,
    EV_KIND,
    EV_OPTIONAL,
    EV_PARENT,
    EV_STEPS,
    EV_TIMES,
    EV_UNTIL,
    EV_WHEN,
    EV_WHENEVER,
    FLAG_CLOCK,
    IS_DONE,
    IS_RUNNING,
    LINEAR,
    MV_FROM,
    MV_TO,
    OVER,
    PHASE,
    PLAIN,
    REPLACE,
    SKIP,
    SKIPS,
    STARTS,
    STOPS,
    StoryMemory,
    StoryTables,
    memory_of,
)

__all__ = ["StoryMemory", "evaluate", "memory_of"]

DAY_S = 86400.0
ASK_WHEN, ASK_UNTIL, ASK_WAIT, ASK_GOAL, ASKED = 1, 2, 3, 4, 5
TRACKED = (DO_TRACK_SPEED, DO_TRACK_OFFSET, DO_ARRIVE)


@kernel
def evaluate(
    tables: StoryTables,
    memory: StoryMemory,
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    programmes: Programmes,
    t_ns: int,
    step_ns: int,
    k: int,
) -> bool:
    """Evaluate the story on the snapshot of tick k and write what holds for the coming tick.

    Call once per snapshot, k = 0, 1, 2.. with t_ns = k * step_ns. Returns True when the scenario's end holds.
    """
    if k == 0:
        for i in range(world.n.shape[1]):
            memory.control[2 * i] = world.n[SPEED_BY, i]
            memory.control[2 * i + 1] = world.n[LATERAL_BY, i]
        memory.base_time_of_day[0] = world.environment[TIME_OF_DAY]
    _light(memory, world, programmes, t_ns)
    if tables.clock_runs == 1:
        world.environment[TIME_OF_DAY] = (memory.base_time_of_day[0] + t_ns / 1e9) % DAY_S
        _derive_weather(tables, world)
    if len(tables.events) > 0:
        _finish(tables, memory, world, road, routes, t_ns)
    over = _look(tables, memory, world, road, routes, t_ns)
    if len(tables.events) > 0:
        if not over:
            _stop_and_start(tables, memory, world, road, routes, t_ns)
        for e in range(len(tables.events)):
            world.events[e] = memory.status[e]
    _set_points(tables, memory, world, road, routes, t_ns, step_ns)
    _effects(tables, memory, world, t_ns)
    _light(memory, world, programmes, t_ns)
    return over


@kernel
def _light(memory: StoryMemory, world: World, programmes: Programmes, t_ns: int) -> None:
    for s in range(len(world.lamps)):
        if s < len(memory.override) and memory.override[s] >= 0:
            world.lamps[s] = memory.override[s]
        else:
            world.lamps[s] = lamp_at(programmes, s, t_ns)


@kernel
def _derive_weather(tables: StoryTables, world: World) -> None:
    sky = world.environment
    friction, light = sky[FRICTION], sky[ILLUMINANCE]
    elevation, azimuth = sky[SUN_ELEVATION], sky[SUN_AZIMUTH]
    derive(sky)
    given = tables.given_weather
    if (given >> FRICTION) & 1:
        sky[FRICTION] = friction
    if (given >> ILLUMINANCE) & 1:
        sky[ILLUMINANCE] = light
    if (given >> SUN_ELEVATION) & 1:
        sky[SUN_ELEVATION] = elevation
    if (given >> SUN_AZIMUTH) & 1:
        sky[SUN_AZIMUTH] = azimuth


@kernel
def _bring_weather(tables: StoryTables, memory: StoryMemory, world: World, t_ns: int, action: int) -> None:
    """Set a row of the weather to what its change has come to at t_ns, and what follows from it."""
    row = tables.actions[action, AC_OTHER]
    ramp = memory.action[action, AM_RAMP_NS]
    done = weight(LINEAR, (t_ns - memory.action[action, AM_START_NS]) / ramp) if ramp > 0 else 1.0
    start, goal = memory.action_values[action, MV_FROM], memory.action_values[action, MV_TO]
    world.environment[row] = goal if done >= 1.0 else start + (goal - start) * done
    if row == TIME_OF_DAY:
        memory.base_time_of_day[0] = world.environment[TIME_OF_DAY] - t_ns / 1e9
    if row in (TIME_OF_DAY, RAIN, SNOW, CLOUDS):
        _derive_weather(tables, world)


# --- 2: finish ---------------------------------------------------------------------------------------------------


@kernel
def _finish(
    tables: StoryTables, memory: StoryMemory, world: World, road: RoadArrays, routes: RouteTables, t_ns: int
) -> None:
    events = len(tables.events)
    for e in range(events):
        memory.seen[ENDS, e] = 0
        if tables.events[e, EV_KIND] != PLAIN or memory.status[e] != RUNNING:
            continue
        for a in range(tables.events[e, EV_ACTION], tables.events[e, EV_ACTION_END]):
            if memory.action[a, AM_STATE] == ACTIVE and finished(tables, memory, world, road, routes, t_ns, a):
                if tables.actions[a, AC_VERB] == DO_ENVIRONMENT:
                    _bring_weather(tables, memory, world, t_ns, a)
                _leave(tables, memory, a)
        if _busy(tables, memory, e):
            continue
        if memory.event[e, EM_STEP] + 1 < tables.events[e, EV_STEPS]:
            memory.event[e, EM_NEXT] = 1
        else:
            memory.seen[ENDS, e] = 1
            _rest(tables, memory, e, DONE)
    for back in range(events):
        e = events - 1 - back
        if tables.events[e, EV_KIND] == PHASE and memory.status[e] == RUNNING and _phase_is_done(tables, memory, e):
            memory.seen[ENDS, e] = 1
            _close(tables, memory, e)
            _rest(tables, memory, e, DONE)
    for e in range(events):
        memory.seen[STARTS, e] = memory.event[e, EM_STARTED]
        memory.seen[STOPS, e] = memory.event[e, EM_STOPPED]
        memory.seen[SKIPS, e] = memory.event[e, EM_SKIPPED]
        memory.seen[IS_RUNNING, e] = 1 if memory.status[e] == RUNNING else 0
        memory.seen[IS_DONE, e] = 1 if memory.status[e] >= DONE else 0
        memory.event[e, EM_STARTED] = 0
        memory.event[e, EM_STOPPED] = 0
        memory.event[e, EM_SKIPPED] = 0


@kernel
def _busy(tables: StoryTables, memory: StoryMemory, e: int) -> bool:
    for a in range(tables.events[e, EV_ACTION], tables.events[e, EV_ACTION_END]):
        if memory.action[a, AM_STATE] == ACTIVE:
            return True
    return False


@kernel
def _leave(tables: StoryTables, memory: StoryMemory, action: int) -> None:
    memory.action[action, AM_STATE] = OVER
    memory.action[action, AM_HELD] = 0
    for column in (AC_AXIS_A, AC_AXIS_B):
        axis = tables.actions[action, column]
        if axis >= 0 and memory.owner[axis] == action:
            memory.owner[axis] = -1


@kernel
def _rest(tables: StoryTables, memory: StoryMemory, e: int, ended: int) -> None:
    """Let an event be over: armed again where runs are left."""
    memory.event[e, EM_NEXT] = 0
    memory.event[e, EM_CUT] = 0
    times = tables.events[e, EV_TIMES]
    if times >= 0 and memory.event[e, EM_RUNS] >= times:
        memory.status[e] = ended
        return
    memory.status[e] = WAITING
    if tables.events[e, EV_WHENEVER] == 0:
        forget(tables, memory, tables.events[e, EV_WHEN])


@kernel
def _phase_is_done(tables: StoryTables, memory: StoryMemory, phase: int) -> bool:
    for e in range(phase + 1, len(tables.events)):
        if tables.events[e, EV_PARENT] != phase:
            continue
        if memory.status[e] == RUNNING or (memory.status[e] == WAITING and tables.events[e, EV_OPTIONAL] == 0):
            return False
    return True


@kernel
def _inside(tables: StoryTables, e: int, phase: int) -> bool:
    parent = tables.events[e, EV_PARENT]
    while parent >= 0:
        if parent == phase:
            return True
        parent = tables.events[parent, EV_PARENT]
    return False


@kernel
def _halt(tables: StoryTables, memory: StoryMemory, e: int) -> None:
    """Cut an event short: its actions leave their axes."""
    for a in range(tables.events[e, EV_ACTION], tables.events[e, EV_ACTION_END]):
        if memory.action[a, AM_STATE] == ACTIVE:
            _leave(tables, memory, a)
    memory.event[e, EM_STOPPED] = 1
    _rest(tables, memory, e, DONE)


@kernel
def _close(tables: StoryTables, memory: StoryMemory, phase: int) -> None:
    """Stop whatever runs inside a phase and disarm the rest."""
    for e in range(phase + 1, len(tables.events)):
        if not _inside(tables, e, phase):
            continue
        if memory.status[e] == RUNNING:
            _halt(tables, memory, e)
            memory.status[e] = DONE
        elif memory.status[e] == WAITING:
            memory.status[e] = DONE if memory.event[e, EM_RUNS] > 0 else SKIPPED


# --- 3, 4, 5: end, phases, conditions --------------------------------------------------------------------------------


@kernel
def _armed(tables: StoryTables, memory: StoryMemory, e: int) -> bool:
    parent = tables.events[e, EV_PARENT]
    return bool(parent < 0 or memory.status[parent] == RUNNING)


@kernel
def _look(
    tables: StoryTables, memory: StoryMemory, world: World, road: RoadArrays, routes: RouteTables, t_ns: int
) -> bool:
    """Ask everything that this tick asks, each once, and return whether the end holds.

    A phase stands before what is in it, so one way through the file decides phases and what they arm. Expressions see
    the snapshot alone, so goals of actions that are about to start are asked here as well. There is one place that
    asks, because the compiler copies what it calls.
    """
    for row in range(-1, len(tables.events)):
        place, stage = 0, 0
        while True:
            x, place, stage = _next_question(tables, memory, row, place, stage)
            if x < 0:
                break
            _answer(tables, memory, row, place, stage, ask(tables, memory, world, road, routes, t_ns, x), t_ns)
        if row < 0 and memory.ended[0] == 1:
            return True
    return False


@kernel
def _next_question(tables: StoryTables, memory: StoryMemory, row: int, place: int, stage: int) -> tuple[int, int, int]:
    """Return the next expression to ask for a row, with the action and the stage it is for; -1 when there is none.

    Stages: the condition of a start, `until`, what steps wait for, the goals of actions.
    """
    if row < 0:
        if stage == ASKED:
            return -1, 0, ASKED
        memory.ended[0] = 0
        return int(tables.end), 0, ASKED
    event = tables.events[row]
    if stage == 0:
        memory.event[row, EM_FIRE] = 0
        if not _armed(tables, memory, row) or memory.status[row] >= DONE:
            return -1, 0, ASKED
        running = memory.status[row] == RUNNING
        if event[EV_WHENEVER] == 1 or not running:
            if event[EV_WHEN] >= 0:
                return int(event[EV_WHEN]), 0, ASK_WHEN
            _answer(tables, memory, row, 0, ASK_WHEN, 1.0, 0)
        stage = ASK_WHEN
        if event[EV_KIND] == PHASE and not running:
            return -1, 0, ASKED
    if stage == ASK_WHEN:
        if memory.status[row] == RUNNING and event[EV_UNTIL] >= 0 and memory.event[row, EM_STARTED] == 0:
            return int(event[EV_UNTIL]), 0, ASK_UNTIL
        stage = ASK_UNTIL
    if stage == ASK_UNTIL:
        place, stage = int(event[EV_ACTION]) - 1, ASK_WAIT
    if stage == ASK_WAIT:
        for a in range(place + 1, event[EV_ACTION_END]):
            waits = memory.action[a, AM_STATE] == ACTIVE and tables.actions[a, AC_VERB] == DO_WAIT
            if waits and tables.actions[a, AC_TARGET] >= 0:
                return int(tables.actions[a, AC_TARGET]), a, ASK_WAIT
        place, stage = int(event[EV_ACTION]) - 1, ASK_GOAL
    for a in range(place + 1, event[EV_ACTION_END]):
        if tables.actions[a, AC_TARGET] >= 0 and _needs_goal(tables, memory, row, a):
            return int(tables.actions[a, AC_TARGET]), a, ASK_GOAL
    return -1, 0, ASKED


@kernel
def _needs_goal(tables: StoryTables, memory: StoryMemory, row: int, action: int) -> bool:
    verb, step = tables.actions[action, AC_VERB], tables.actions[action, AC_STEP]
    if verb == DO_WAIT:
        return False
    if memory.event[row, EM_FIRE] == 1 and step == 0:
        return True
    if memory.event[row, EM_NEXT] == 1 and step == memory.event[row, EM_STEP] + 1:
        return True
    return bool(memory.action[action, AM_STATE] == ACTIVE and verb in TRACKED)


@kernel
def _answer(
    tables: StoryTables, memory: StoryMemory, row: int, action: int, stage: int, value: float, t_ns: int
) -> None:
    """Take in what a question came to; undefined counts as false."""
    true = value == value and value != 0.0
    if row < 0:
        memory.ended[0] = 1 if true else 0
    elif stage == ASK_GOAL:
        memory.target[action] = value
    elif tables.events[row, EV_KIND] == PHASE:
        if true and stage == ASK_WHEN:
            _open(tables, memory, row)
        elif true:
            _close(tables, memory, row)
            memory.event[row, EM_STOPPED] = 1
            _rest(tables, memory, row, DONE)
    elif stage == ASK_WHEN:
        if tables.events[row, EV_WHENEVER] == 1:
            memory.event[row, EM_FIRE] = 1 if true and memory.event[row, EM_BEFORE] == 0 else 0
            memory.event[row, EM_BEFORE] = 1 if true else 0
        else:
            memory.event[row, EM_FIRE] = 1 if true else 0
    elif stage == ASK_UNTIL:
        memory.event[row, EM_CUT] = 1 if true else 0
    elif true:
        memory.action[action, AM_GOAL_NS] = t_ns
        if memory.event[row, EM_STEP] + 1 < tables.events[row, EV_STEPS]:
            _leave(tables, memory, action)
            if not _busy(tables, memory, row):
                memory.event[row, EM_NEXT] = 1


@kernel
def _open(tables: StoryTables, memory: StoryMemory, phase: int) -> None:
    memory.status[phase] = RUNNING
    memory.event[phase, EM_RUNS] += 1
    memory.event[phase, EM_STARTED] = 1
    forget(tables, memory, tables.events[phase, EV_UNTIL])
    for e in range(phase + 1, len(tables.events)):
        if _inside(tables, e, phase):
            memory.status[e] = WAITING
            memory.event[e, EM_RUNS] = 0
            memory.event[e, EM_BEFORE] = 0
            forget(tables, memory, tables.events[e, EV_WHEN])


# --- 6: stop and start ---------------------------------------------------------------------------------------------


@kernel
def _stop_and_start(
    tables: StoryTables, memory: StoryMemory, world: World, road: RoadArrays, routes: RouteTables, t_ns: int
) -> None:
    for e in range(len(tables.events)):
        if memory.event[e, EM_CUT] == 1:
            memory.event[e, EM_CUT] = 0
            if memory.status[e] == RUNNING and tables.events[e, EV_KIND] == PLAIN:
                _halt(tables, memory, e)
    for e in range(len(tables.events)):
        if tables.events[e, EV_KIND] != PLAIN:
            continue
        if memory.event[e, EM_NEXT] == 1 and memory.status[e] == RUNNING:
            memory.event[e, EM_NEXT] = 0
            memory.event[e, EM_STEP] += 1
            _start_step(tables, memory, world, road, routes, t_ns, e)
        elif memory.event[e, EM_FIRE] == 1:
            _fire(tables, memory, world, road, routes, t_ns, e)


@kernel
def _fire(
    tables: StoryTables, memory: StoryMemory, world: World, road: RoadArrays, routes: RouteTables, t_ns: int, e: int
) -> None:
    row = tables.events[e]
    if row[EV_TIMES] >= 0 and memory.event[e, EM_RUNS] >= row[EV_TIMES]:
        return
    if row[EV_BUSY] == SKIP and _others_run(tables, memory, e):
        memory.event[e, EM_SKIPPED] = 1
        memory.event[e, EM_BEFORE] = 0
        return
    if row[EV_BUSY] == REPLACE:
        for other in range(len(tables.events)):
            if _rivals(tables, e, other) and memory.status[other] == RUNNING:
                _halt(tables, memory, other)
    if memory.status[e] == RUNNING:
        for a in range(row[EV_ACTION], row[EV_ACTION_END]):
            if memory.action[a, AM_STATE] == ACTIVE:
                _leave(tables, memory, a)
    memory.status[e] = RUNNING
    memory.event[e, EM_RUNS] += 1
    memory.event[e, EM_STEP] = 0
    memory.event[e, EM_NEXT] = 0
    forget(tables, memory, row[EV_UNTIL])
    missing = _start_step(tables, memory, world, road, routes, t_ns, e)
    if missing > 0 and not _busy(tables, memory, e):
        memory.event[e, EM_SKIPPED] = 1
        _rest(tables, memory, e, SKIPPED)
        return
    memory.event[e, EM_STARTED] = 1


@kernel
def _rivals(tables: StoryTables, e: int, other: int) -> bool:
    same_phase = tables.events[other, EV_PARENT] == tables.events[e, EV_PARENT]
    return bool(other != e and tables.events[other, EV_KIND] == PLAIN and same_phase)


@kernel
def _others_run(tables: StoryTables, memory: StoryMemory, e: int) -> bool:
    count = 0
    for other in range(len(tables.events)):
        if _rivals(tables, e, other) and memory.status[other] == RUNNING:
            count += 1
    return count > 0


@kernel
def _start_step(
    tables: StoryTables, memory: StoryMemory, world: World, road: RoadArrays, routes: RouteTables, t_ns: int, e: int
) -> int:
    """Start the actions of the current step and return how many could not start."""
    missing = 0
    for a in range(tables.events[e, EV_ACTION], tables.events[e, EV_ACTION_END]):
        memory.action[a, AM_STATE] = OVER
        if tables.actions[a, AC_STEP] != memory.event[e, EM_STEP]:
            continue
        if not feasible(tables, memory, world, road, a):
            missing += 1
            continue
        begin(tables, memory, world, road, routes, t_ns, a)
        if tables.actions[a, AC_VERB] == DO_WAIT:
            forget(tables, memory, tables.actions[a, AC_TARGET])
        memory.action[a, AM_STATE] = ACTIVE
        _take(tables, memory, a)
    return missing


@kernel
def _take(tables: StoryTables, memory: StoryMemory, action: int) -> None:
    held = 0
    for bit, column in ((1, AC_AXIS_A), (2, AC_AXIS_B)):
        axis = tables.actions[action, column]
        if axis < 0:
            continue
        loser = memory.owner[axis]
        if loser >= 0 and loser != action:
            _lose(tables, memory, loser, axis)
        memory.owner[axis] = action
        held |= bit
    memory.action[action, AM_HELD] = held


@kernel
def _lose(tables: StoryTables, memory: StoryMemory, loser: int, axis: int) -> None:
    bit = 1 if tables.actions[loser, AC_AXIS_A] == axis else 2
    memory.action[loser, AM_HELD] &= ~bit
    if memory.action[loser, AM_HELD] != 0:
        return
    _leave(tables, memory, loser)
    e = tables.actions[loser, AC_EVENT]
    if memory.status[e] == RUNNING and not _busy(tables, memory, e):
        memory.event[e, EM_STOPPED] = 1
        _rest(tables, memory, e, DONE)


# --- 7: set-points and effects -------------------------------------------------------------------------------------


@kernel
def _set_points(
    tables: StoryTables,
    memory: StoryMemory,
    world: World,
    road: RoadArrays,
    routes: RouteTables,
    t_ns: int,
    step_ns: int,
) -> None:
    f, n, sp = world.f, world.n, world.sp
    for i in range(n.shape[1]):
        n[SPEED_BY, i] = memory.control[2 * i]
        n[LATERAL_BY, i] = memory.control[2 * i + 1]
        n[SPEED_MODE, i] = SPEED_HOLD
        n[LATERAL_MODE, i] = OFFSET_HOLD
        now = f[VX, i]
        goal = now
        along = memory.owner[2 * i]
        if along >= 0 and tables.actions[along, AC_VERB] <= DO_FOLLOW:
            n[SPEED_BY, i] = STORY
            if tables.actions[along, AC_VERB] != DO_FOLLOW:
                goal = speed_setpoint(tables, memory, world, road, routes, t_ns, step_ns, along)
                n[SPEED_MODE, i] = SPEED_SET
                sp[SP_SPEED, i] = goal
        jump = memory.jump[i]
        if jump == jump:
            now = jump
            goal = goal if n[SPEED_MODE, i] == SPEED_SET else jump
        aside = memory.owner[2 * i + 1]
        if aside >= 0 and tables.actions[aside, AC_VERB] <= DO_FOLLOW:
            n[LATERAL_BY, i] = STORY
            way = 0.5 * (now + goal) * (step_ns / 1e9)
            if tables.actions[aside, AC_VERB] != DO_FOLLOW:
                lane, offset = aim(tables, memory, world, road, routes, t_ns, step_ns, way, aside)
                n[LATERAL_MODE, i] = OFFSET_SET
                n[AIM_LANE, i] = lane
                sp[SP_OFFSET, i] = offset
            else:
                x, y, z, yaw, moved = follow_pose(tables, memory, t_ns, step_ns, way, aside)
                n[LATERAL_MODE, i] = POSE_SET
                sp[SP_X, i], sp[SP_Y, i], sp[SP_Z, i], sp[SP_YAW, i] = x, y, z, yaw
                if along == aside and tables.actions[aside, AC_FLAGS] & FLAG_CLOCK:
                    n[SPEED_MODE, i] = SPEED_SET
                    sp[SP_SPEED, i] = moved / (step_ns / 1e9)


@kernel
def _effects(tables: StoryTables, memory: StoryMemory, world: World, t_ns: int) -> None:
    for a in range(len(tables.actions)):
        if memory.action[a, AM_STATE] != ACTIVE:
            continue
        verb, other = tables.actions[a, AC_VERB], tables.actions[a, AC_OTHER]
        if verb == DO_ENVIRONMENT:
            _bring_weather(tables, memory, world, t_ns, a)
        if memory.action[a, AM_FRESH] == 0:
            continue
        memory.action[a, AM_FRESH] = 0
        if verb in (DO_TELEPORT, DO_APPEAR, DO_VANISH):
            put(memory, tables, world, a)
        elif verb == DO_ROUTE:
            world.n[ROUTE, tables.actions[a, AC_ACTOR]] = other
        elif verb == DO_SIGNAL:
            memory.override[other] = tables.actions[a, AC_NS]
        elif verb == DO_SET:
            memory.staged[other] = memory.action_values[a, MV_TO]
    for i in range(len(memory.jump)):
        if memory.jump[i] == memory.jump[i]:
            world.f[VX, i] = memory.jump[i]
            memory.jump[i] = float("nan")
    first = 2 * world.n.shape[1] + E_ROWS + tables.signals
    for c in range(len(world.severity)):
        owner = memory.owner[first + c] if c < tables.faults else -1
        world.severity[c] = severity_of(tables, memory, t_ns, owner) if owner >= 0 else 0.0
    for v in range(len(memory.variables)):
        memory.variables[v] = memory.staged[v]
