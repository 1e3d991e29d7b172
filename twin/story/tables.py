"""The flat form of a story: one row per condition node, event, action, place and path; and its memory.

A story is data. Every expression is a run of nodes in postfix order (operands before their operator), every trigger a
row that names its expressions, every action a row that names the axes it holds. Rows stand in the order of the file,
which is the order of everything.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from twin.state import E_ROWS, Floats, Ints

# --- columns of `nodes`: operator, up to three operands, history length -------------------------------------------
OP, ARG_A, ARG_B, ARG_C, RING, RING_FIRST = range(6)
NODE_COLUMNS: Final = 6

# --- operators ----------------------------------------------------------------------------------------------------
CONSTANT = 0
(ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, MINIMUM, MAXIMUM) = range(1, 8)
(EQUAL, UNEQUAL, AT_MOST, AT_LEAST, BELOW, ABOVE, AND, OR, IMPLIES, ATAN2) = range(8, 18)
(NEGATE, NOT, ABS, SQRT, SIN, COS, TAN, ACOS, ATAN, SIGN, FLOOR) = range(18, 29)
(BECOMES, CEASES, CHANGES, EVER, AFTER, HELD) = range(29, 35)
(TIME, VARIABLE, WEATHER, LAMP, EVENT) = range(35, 40)
(SAME_THREAD, LANE_NUMBER, LANE_SHIFT, LANE_NUMBERED, LANE_THREAD) = range(40, 45)
ACTOR = 45  # ARG_A actor, ARG_B one of the signals below
TOWARDS_ACTOR, TOWARDS_PLACE = 46, 47  # ARG_A actor, ARG_B actor or place, ARG_C relation * AXES + axes

# --- signals of an actor ------------------------------------------------------------------------------------------
(
    SIG_X,
    SIG_Y,
    SIG_Z,
    SIG_HEADING,
    SIG_SPEED,
    SIG_ACCEL,
    SIG_LAT_SPEED,
    SIG_LAT_ACCEL,
    SIG_LANE,
    SIG_LANE_OFFSET,
    SIG_ROAD,
    SIG_S,
    SIG_TRAVELLED,
    SIG_STOPPED,
    SIG_OFFROAD,
    SIG_AT_ROAD_END,
    SIG_COLLIDED,
    SIG_PRESENT,
    SIG_WIDTH,
    SIG_LENGTH,
) = range(20)

# --- relations towards an actor or a place, and the axes they are measured in -------------------------------------
(GAP, SPACING, AHEAD_BY, SIDE_GAP, CLEARANCE, DISTANCE, HEADWAY, TTC, CLOSING, COLLIDED_WITH) = range(10)
ALONG_LANE, ALONG_ROAD, IN_BODY, IN_WORLD = range(4)
AXES: Final = 4

# --- story signals, rows of StoryMemory.seen ----------------------------------------------------------------------
STARTS, IS_RUNNING, ENDS, STOPS, SKIPS, IS_DONE = range(6)
STORY_SIGNALS: Final = 6

# --- columns of `events` ------------------------------------------------------------------------------------------
(
    EV_KIND,
    EV_PARENT,  # row of the phase it stands in, -1 none
    EV_WHEN,  # expression, -1: at once
    EV_UNTIL,  # expression, -1: never cut short
    EV_WHENEVER,  # 1: each time the condition turns true anew
    EV_TIMES,  # runs allowed, -1 any number
    EV_BUSY,
    EV_OPTIONAL,
    EV_ACTION,  # first row of its actions
    EV_ACTION_END,
    EV_STEPS,
) = range(11)
EVENT_COLUMNS: Final = 11
PLAIN, PHASE = 0, 1
JOIN, REPLACE, SKIP = 0, 1, 2

# --- columns of `actions` -----------------------------------------------------------------------------------------
(
    AC_VERB,
    AC_EVENT,
    AC_STEP,
    AC_ACTOR,
    AC_AXIS_A,  # axis it holds, -1 none
    AC_AXIS_B,
    AC_TARGET,  # expression of its goal, -1 none
    AC_GUARD,  # node that must be true for the action to start, -1 none
    AC_SHAPE,
    AC_PACE,
    AC_HOLD,
    AC_OTHER,  # actor, place, path, profile, signal or variable, as the verb has it
    AC_PLACE,  # place at which something else is due
    AC_FLAGS,
    AC_NS,  # a duration of the verb [ns]
    AC_HOLD_NS,
    AC_PACE_NS,
    AC_AS,  # arrive: the other actor
) = range(18)
ACTION_COLUMNS: Final = 18

# --- columns of `action_values` -----------------------------------------------------------------------------------
(
    AV_PACE,  # duration [s], way [m] or rate
    AV_HOLD,  # way held before ending [m]
    AV_LIMIT_SPEED,  # nan = none
    AV_LIMIT_ACCEL,
    AV_LIMIT_DECEL,
    AV_LIMIT_JERK,
    AV_LIMIT_LATERAL,
    AV_A,  # a number of the verb
    AV_B,
) = range(9)
ACTION_VALUES: Final = 9

(
    DO_SPEED,
    DO_BRAKE,
    DO_TRACK_SPEED,
    DO_PROFILE,
    DO_KEEP_GAP,
    DO_ARRIVE,
    DO_CHANGE_LANE,
    DO_OFFSET,
    DO_TRACK_OFFSET,
    DO_FOLLOW,
    DO_ROUTE,
    DO_TELEPORT,
    DO_APPEAR,
    DO_VANISH,
    DO_CONTROL,
    DO_ENVIRONMENT,
    DO_SIGNAL,
    DO_SET,
    DO_FAULT,
    DO_NOTE,
    DO_WAIT,
) = range(21)

LINEAR, SMOOTH, CUBIC = 0, 1, 2
PACE_COMFORT, PACE_TIME, PACE_WAY, PACE_RATE, PACE_INSTANT = range(5)
HOLD_NONE, HOLD_TIME, HOLD_WAY = range(3)

FLAG_AHEAD = 1  # keep_gap: in front of the other instead of behind
FLAG_TIME_GAP = 2  # keep_gap: the gap is a time
FLAG_CENTRE = 4  # keep_gap: between reference points
FLAG_ONCE = 8  # keep_gap: over when reached
FLAG_EXACTLY = 16  # follow: on the path at once
FLAG_CLOCK = 32  # follow: the path's own times also rule the speed
FLAG_SPEED = 64  # control: the speed axis goes to the story; arrive: a speed is due
FLAG_LATERAL = 128  # control: the lateral axis goes to the story
FLAG_TAKES_SPEED = 256  # control: names the speed axis
FLAG_TAKES_LATERAL = 512  # control: names the lateral axis

# --- places: columns of `places` and `place_values` ---------------------------------------------------------------
PL_KIND, PL_LANE, PL_PATH, PL_ACTOR, PL_SHIFT, PL_POINT, PL_FLAGS = range(7)
PLACE_COLUMNS: Final = 7
PV_X, PV_Y, PV_Z, PV_YAW, PV_S, PV_D, PV_AWAY, PV_TURN, PV_DX, PV_DY = range(10)
PLACE_VALUES: Final = 10
FIXED, BY_LANE, BY_BODY = 0, 1, 2  # somewhere; along the lane of an actor; beside an actor
POINT_REAR, POINT_CENTRE, POINT_FRONT = 0, 1, 2
PLACE_BUMPERS = 1  # PV_AWAY counts from bumper to bumper
PLACE_TIME = 2  # PV_AWAY is a time
PLACE_BEHIND = 4
PLACE_WORLD = 8  # PV_DX, PV_DY along world axes; PV_TURN absolute
PLACE_LANE_AXES = 16  # PV_DX, PV_DY along the lane's direction

# --- points of paths ----------------------------------------------------------------------------------------------
PT_X, PT_Y, PT_Z, PT_S = range(4)
POINT_COLUMNS: Final = 4


class StoryTables(NamedTuple):
    """Compiled story of one case."""

    nodes: Ints  # (N, NODE_COLUMNS)
    constants: Floats  # (N,)
    expressions: Ints  # (X, 2) first node, end of nodes; the last node is the root
    events: Ints  # (events, EVENT_COLUMNS)
    actions: Ints  # (A, ACTION_COLUMNS)
    action_values: Floats  # (A, ACTION_VALUES)
    places: Ints  # (places, PLACE_COLUMNS)
    place_values: Floats  # (places, PLACE_VALUES)
    paths: Ints  # (paths + 1,) first point
    points: Floats  # (points, POINT_COLUMNS)
    point_ns: Ints  # (points,) time of each point since the path's start, -1 none
    profiles: Ints  # (profiles + 1,) first entry
    profile_ns: Ints  # (entries,)
    profile_speed: Floats  # (entries,)
    variables: Floats  # (variables,) at the start
    end: int  # expression of the scenario's end, -1: only its longest time
    signals: int
    faults: int
    clock_runs: int  # 1: the time of day goes on during the run
    given_weather: int  # bits of environment rows that the author fixed, so that nothing derives them anew

    @classmethod
    def empty(cls, faults: int = 0, signals: int = 0) -> StoryTables:
        """Return a story in which nothing happens, with `faults` channels at severity 0."""
        return cls(
            nodes=np.zeros((0, NODE_COLUMNS), np.int64),
            constants=np.zeros(0),
            expressions=np.zeros((0, 2), np.int64),
            events=np.zeros((0, EVENT_COLUMNS), np.int64),
            actions=np.zeros((0, ACTION_COLUMNS), np.int64),
            action_values=np.zeros((0, ACTION_VALUES)),
            places=np.zeros((0, PLACE_COLUMNS), np.int64),
            place_values=np.zeros((0, PLACE_VALUES)),
            paths=np.zeros(1, np.int64),
            points=np.zeros((0, POINT_COLUMNS)),
            point_ns=np.zeros(0, np.int64),
            profiles=np.zeros(1, np.int64),
            profile_ns=np.zeros(0, np.int64),
            profile_speed=np.zeros(0),
            variables=np.zeros(0),
            end=-1,
            signals=signals,
            faults=faults,
            clock_runs=0,
            given_weather=0,
        )


# --- columns of StoryMemory.event ---------------------------------------------------------------------------------
(EM_RUNS, EM_STEP, EM_FIRE, EM_CUT, EM_NEXT, EM_BEFORE, EM_STARTED, EM_STOPPED, EM_SKIPPED) = range(9)
EVENT_MEMORY: Final = 9

# --- columns of StoryMemory.action and action_values --------------------------------------------------------------
AM_STATE, AM_HELD, AM_START_NS, AM_RAMP_NS, AM_LANE, AM_GOAL_NS, AM_FRESH = range(7)
ACTION_MEMORY: Final = 7
IDLE, ACTIVE, OVER = 0, 1, 2
MV_FROM, MV_TO, MV_WAY, MV_S, MV_D, MV_NOW, MV_EXTRA = range(7)
ACTION_MEMORY_VALUES: Final = 7

# --- axes: two of each actor, then weather, signals, fault channels -----------------------------------------------
SPEED_AXIS, LATERAL_AXIS = 0, 1


def axis_of_actor(actor: int, axis: int) -> int:
    """Return the number of the speed (0) or lateral (1) axis of an actor."""
    return 2 * actor + axis


def axis_of_weather(actors: int, row: int) -> int:
    """Return the number of the axis of one environment row."""
    return 2 * actors + row


def axis_of_signal(actors: int, signal: int) -> int:
    """Return the number of the axis of one traffic light."""
    return 2 * actors + E_ROWS + signal


def axis_of_fault(actors: int, signals: int, channel: int) -> int:
    """Return the number of the axis of one fault channel."""
    return 2 * actors + E_ROWS + signals + channel


class StoryMemory(NamedTuple):
    """What a story remembers between two ticks: a fixed block per rollout, changed in place by `evaluate`."""

    node_ns: Ints  # (N,) since when a node is true, or how often it was asked
    node_seen: Ints  # (N,) 1 once asked, latches
    node_before: Floats  # (N,)
    node: Floats  # (N,) value of every node when it was last asked
    history: Floats  # rings of `d after x`
    seen: Ints  # (STORY_SIGNALS, events) as every trigger of this tick sees them
    event: Ints  # (events, EVENT_MEMORY)
    status: Ints  # (events,)
    action: Ints  # (A, ACTION_MEMORY)
    action_values: Floats  # (A, ACTION_MEMORY_VALUES)
    target: Floats  # (A,) what the goal of an action came to when it was last asked
    owner: Ints  # (axes,) action that holds the axis, -1 none
    control: Ints  # (2 * actors,) who holds an axis that no action holds
    jump: Floats  # (actors,) speed to take on at once, nan none
    override: Ints  # (signals,) lamp shown against the programme, -1 none
    variables: Floats
    staged: Floats  # variables as of the next tick
    base_time_of_day: Floats  # (1,) [s]
    ended: Ints  # (1,) 1 when the scenario's end holds


def memory_of(tables: StoryTables, actors: int) -> StoryMemory:
    """Return the memory of a story that has not begun."""
    nodes, events, actions = len(tables.nodes), len(tables.events), len(tables.actions)
    axes = axis_of_fault(actors, tables.signals, tables.faults)
    return StoryMemory(
        node_ns=np.full(nodes, -1, np.int64),
        node_seen=np.zeros(nodes, np.int64),
        node_before=np.zeros(nodes),
        node=np.zeros(nodes),
        history=np.zeros(int(tables.nodes[:, RING].sum())),
        seen=np.zeros((STORY_SIGNALS, events), np.int64),
        event=np.zeros((events, EVENT_MEMORY), np.int64),
        status=np.zeros(events, np.int64),
        action=np.zeros((actions, ACTION_MEMORY), np.int64),
        action_values=np.zeros((actions, ACTION_MEMORY_VALUES)),
        target=np.full(actions, np.nan),
        owner=np.full(axes, -1, np.int64),
        control=np.zeros(2 * actors, np.int64),
        jump=np.full(actors, np.nan),
        override=np.full(tables.signals, -1, np.int64),
        variables=tables.variables.copy(),
        staged=tables.variables.copy(),
        base_time_of_day=np.zeros(1),
        ended=np.zeros(1, np.int64),
    )
