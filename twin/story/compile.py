"""From expression trees and actions to the rows of a story, in the order of the file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from twin.errors import ExpressionError, nearest
from twin.state import LAMP_NAMES, TIME_OF_DAY, Floats, Ints
from twin.story import tables as t
from twin.syntax import After, Binary, Compare, Expr, Flag, Held, Number, Parameter, Signal, Temporal, Text, Unary

MAX_HISTORY: Final = 2_000_000

_ACTOR_SIGNALS: Final = {
    "x": t.SIG_X,
    "y": t.SIG_Y,
    "z": t.SIG_Z,
    "heading": t.SIG_HEADING,
    "speed": t.SIG_SPEED,
    "accel": t.SIG_ACCEL,
    "lat_speed": t.SIG_LAT_SPEED,
    "lat_accel": t.SIG_LAT_ACCEL,
    "lane": t.SIG_LANE,
    "lane_offset": t.SIG_LANE_OFFSET,
    "road": t.SIG_ROAD,
    "s": t.SIG_S,
    "travelled": t.SIG_TRAVELLED,
    "stopped": t.SIG_STOPPED,
    "offroad": t.SIG_OFFROAD,
    "at_road_end": t.SIG_AT_ROAD_END,
    "collided": t.SIG_COLLIDED,
    "present": t.SIG_PRESENT,
    "width": t.SIG_WIDTH,
    "length": t.SIG_LENGTH,
}
_RELATIONS: Final = {
    "gap_to": t.GAP,
    "spacing_to": t.SPACING,
    "ahead_by": t.AHEAD_BY,
    "side_gap_to": t.SIDE_GAP,
    "clearance_to": t.CLEARANCE,
    "distance_to": t.DISTANCE,
    "headway_to": t.HEADWAY,
    "ttc_to": t.TTC,
    "closing_on": t.CLOSING,
    "collided_with": t.COLLIDED_WITH,
}
_AXES: Final = {
    None: t.ALONG_LANE,
    "lane": t.ALONG_LANE,
    "route": t.ALONG_LANE,
    "road": t.ALONG_ROAD,
    "body": t.IN_BODY,
    "world": t.IN_WORLD,
}
_STORY_SIGNALS: Final = {
    "starts": t.STARTS,
    "running": t.IS_RUNNING,
    "ends": t.ENDS,
    "stops": t.STOPS,
    "skips": t.SKIPS,
    "done": t.IS_DONE,
}
_BINARY: Final = {
    "+": t.ADD,
    "-": t.SUBTRACT,
    "*": t.MULTIPLY,
    "/": t.DIVIDE,
    "^": t.POWER,
    "and": t.AND,
    "or": t.OR,
    "->": t.IMPLIES,
}
_COMPARE: Final = {
    "==": t.EQUAL,
    "!=": t.UNEQUAL,
    "<=": t.AT_MOST,
    ">=": t.AT_LEAST,
    "<": t.BELOW,
    ">": t.ABOVE,
}
_UNARY: Final = {
    "abs": t.ABS,
    "sqrt": t.SQRT,
    "sin": t.SIN,
    "cos": t.COS,
    "tan": t.TAN,
    "acos": t.ACOS,
    "sign": t.SIGN,
    "floor": t.FLOOR,
}
_MEMORY: Final = {
    "becomes": t.BECOMES,
    "ceases": t.CEASES,
    "changes": t.CHANGES,
    "ever": t.EVER,
    "once": t.EVER,
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the words of a story stand for: actors and their groups, and rows of places, variables and signals."""

    actors: Mapping[str, int]
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    variables: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    signals: Mapping[str, int] = field(default_factory=dict)
    roads: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """One place: fixed on the map, or relative to an actor and found anew each time it is asked for. SI, radians."""

    kind: int = t.FIXED
    lane: int = -1
    path: int = -1
    actor: int = -1
    shift: int = 0
    point: int = t.POINT_REAR
    flags: int = 0
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    yaw: float = 0.0
    s: float = 0.0
    d: float = 0.0
    away: float = 0.0
    turn: float = 0.0
    dx: float = 0.0
    dy: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a motion, nan = none: m/s, m/s^2, m/s^3."""

    speed: float = math.nan
    accel: float = math.nan
    decel: float = math.nan
    jerk: float = math.nan
    lat_accel: float = math.nan


@dataclass(frozen=True, slots=True)
class Action:
    """One action of one actor, everything resolved; `target` and `guard` are rows of a builder."""

    verb: int
    actor: int = -1
    axes: tuple[int, ...] = ()
    step: int = 0
    target: int = -1
    guard: int = -1
    shape: int = t.LINEAR
    pace: int = t.PACE_COMFORT
    pace_value: float = 0.0
    pace_ns: int = 0
    hold: int = t.HOLD_NONE
    hold_ns: int = 0
    hold_m: float = 0.0
    other: int = -1
    place: int = -1
    partner: int = -1
    flags: int = 0
    ns: int = 0
    a: float = math.nan
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Event:
    """One event or phase; `when` and `until` are expressions of a builder, -1 for none."""

    kind: int = t.PLAIN
    parent: int = -1
    when: int = -1
    until: int = -1
    whenever: bool = False
    times: int = 1
    busy: int = t.JOIN
    optional: bool = False
    actions: tuple[Action, ...] = ()

    @property
    def steps(self) -> int:
        """Number of steps, one unless it is a sequence."""
        return 1 + max((a.step for a in self.actions), default=0)


class Builder:
    """Collects the rows of one story. Expressions come with parameters folded in; errors say where in their text."""

    def __init__(self, names: Names, step_ns: int) -> None:
        self.names = names
        self._step_ns = step_ns
        self._nodes: list[list[int]] = []
        self._constants: list[float] = []
        self._expressions: list[tuple[int, int]] = []
        self._history = 0
        self._events: list[Event] = []
        self._places: list[Place] = []
        self._paths: list[tuple[Floats, tuple[int, ...] | None]] = []
        self._profiles: list[tuple[tuple[int, float], ...]] = []
        self._member: dict[str, str] = {}
        self.guards: dict[str, dict[str, int]] = {}

    # --- rows ---------------------------------------------------------------------------------------------------

    def expression(self, expr: Expr) -> int:
        """Add an expression and return its row. Raises ExpressionError.

        `guards` then holds, for each group of an `any(..)` in it, the node of every member's own condition.
        """
        self.guards = {}
        first = len(self._nodes)
        self._value(expr)
        self._expressions.append((first, len(self._nodes)))
        return len(self._expressions) - 1

    def either(self, conditions: Sequence[Expr]) -> int:
        """Add the condition that any of `conditions` holds. Raises ExpressionError."""
        first = len(self._nodes)
        roots = [self._value(c) for c in conditions]
        self._chain(t.OR, roots)
        self._expressions.append((first, len(self._nodes)))
        return len(self._expressions) - 1

    def lane(self, expr: Expr, actor: int) -> int:
        """Add an expression that yields a lane: of an actor, or a number counted in the cross-section of `actor`."""
        first = len(self._nodes)
        if self._is_lane(expr):
            self._lane_row(expr)
        elif isinstance(expr, Number) and expr.value == int(expr.value) and expr.value >= 1:
            own = self._node(t.ACTOR, actor, t.SIG_LANE)
            self._node(t.LANE_NUMBERED, own, 0, int(expr.value))
        else:
            raise ExpressionError("this is no lane", expr.pos, "a lane number, left, right, or the lane of an actor")
        self._expressions.append((first, len(self._nodes)))
        return len(self._expressions) - 1

    def lane_beside(self, actor: int, shift: int) -> int:
        """Add the lane `shift` lanes to the left of an actor's own."""
        first = len(self._nodes)
        own = self._node(t.ACTOR, actor, t.SIG_LANE)
        self._node(t.LANE_SHIFT, own, 0, shift)
        self._expressions.append((first, len(self._nodes)))
        return len(self._expressions) - 1

    def constant(self, value: float) -> int:
        """Add an expression that is a number."""
        first = len(self._nodes)
        self._node(t.CONSTANT, constant=value)
        self._expressions.append((first, len(self._nodes)))
        return len(self._expressions) - 1

    def event(self, event: Event) -> int:
        """Add an event or phase and return its row; parents come before what is in them."""
        self._events.append(event)
        return len(self._events) - 1

    def place(self, place: Place) -> int:
        """Add a place and return its row."""
        self._places.append(place)
        return len(self._places) - 1

    def path(self, xyz: Floats, t_ns: tuple[int, ...] | None = None) -> int:
        """Add a path through points (n, 3), n >= 2, and return its row."""
        self._paths.append((xyz, t_ns))
        return len(self._paths) - 1

    def profile(self, entries: Sequence[tuple[int, float]]) -> int:
        """Add a speed profile of (time since its start [ns], speed [m/s]) and return its row."""
        self._profiles.append(tuple(entries))
        return len(self._profiles) - 1

    def tables(
        self,
        end: int = -1,
        variables: Sequence[float] = (),
        signals: int = 0,
        faults: int = 0,
        clock_runs: bool = False,
        given_weather: int = 0,
    ) -> t.StoryTables:
        """Return the finished story."""
        actions = [(row, a) for row, e in enumerate(self._events) for a in e.actions]
        return t.StoryTables(
            nodes=_block(list(self._nodes), t.NODE_COLUMNS),
            constants=np.array(self._constants, np.float64),
            expressions=_block([list(x) for x in self._expressions], 2),
            events=self._event_rows(),
            actions=_block([_action_row(row, a) for row, a in actions], t.ACTION_COLUMNS),
            action_values=_values([_action_values(a) for _, a in actions], t.ACTION_VALUES),
            places=_block(
                [[p.kind, p.lane, p.path, p.actor, p.shift, p.point, p.flags] for p in self._places], t.PLACE_COLUMNS
            ),
            place_values=_values(
                [[p.x, p.y, p.z, p.yaw, p.s, p.d, p.away, p.turn, p.dx, p.dy] for p in self._places], t.PLACE_VALUES
            ),
            paths=_starts([len(xyz) for xyz, _ in self._paths]),
            points=_values([row for xyz, _ in self._paths for row in _with_way(xyz)], t.POINT_COLUMNS),
            point_ns=np.array(
                [ns for xyz, times in self._paths for ns in (times if times is not None else [-1] * len(xyz))], np.int64
            ),
            profiles=_starts([len(p) for p in self._profiles]),
            profile_ns=np.array([ns for p in self._profiles for ns, _ in p], np.int64),
            profile_speed=np.array([v for p in self._profiles for _, v in p], np.float64),
            variables=np.array(variables, np.float64),
            end=end,
            signals=signals,
            faults=faults,
            clock_runs=int(clock_runs),
            given_weather=given_weather,
        )

    def _event_rows(self) -> Ints:
        rows: list[list[int]] = []
        first = 0
        for e in self._events:
            last = first + len(e.actions)
            flags = [int(e.whenever), e.times, e.busy, int(e.optional)]
            rows.append([e.kind, e.parent, e.when, e.until, *flags, first, last, e.steps])
            first = last
        return _block(rows, t.EVENT_COLUMNS)

    # --- expressions --------------------------------------------------------------------------------------------

    def _node(self, op: int, a: int = 0, b: int = 0, c: int = 0, constant: float = 0.0, ring: int = 0) -> int:
        self._nodes.append([op, a, b, c, ring, self._history])
        self._history += ring
        self._constants.append(constant)
        return len(self._nodes) - 1

    def _chain(self, op: int, roots: Sequence[int]) -> int:
        node = roots[0]
        for other in roots[1:]:
            node = self._node(op, node, other)
        return node

    def _value(self, e: Expr) -> int:
        match e:
            case Number():
                return self._node(t.CONSTANT, constant=e.value if e.t_ns is None else e.t_ns / 1e9)
            case Flag():
                return self._node(t.CONSTANT, constant=float(e.value))
            case Unary():
                return self._node(t.NEGATE if e.op == "-" else t.NOT, self._value(e.operand))
            case Binary():
                left = self._value(e.left)
                return self._node(_BINARY[e.op], left, self._value(e.right))
            case Compare():
                return self._compare(e)
            case After():
                delay = self._duration(e.delay)
                ring = -(-delay // self._step_ns) + 1
                if self._history + ring > MAX_HISTORY:
                    raise ExpressionError("this delay needs too much memory", e.pos, "a shorter delay or a longer step")
                return self._node(t.AFTER, self._value(e.operand), ring=ring)
            case Held():
                duration = self._duration(e.duration)
                return self._node(t.HELD, self._value(e.operand), 0, duration)
            case Signal():
                return self._signal(e)
            case Parameter():
                raise ExpressionError(f"${e.name} has no value here", e.pos, "a parameter that is folded before")
            case Text():
                raise ExpressionError("a text stands alone", e.pos, "a comparison with a signal")
            case Temporal(op="once", window=None):
                return self._node(t.EVER, self._value(e.operand))
            case _:
                raise ExpressionError(
                    "this looks at a whole run", e.pos, "a trigger: ever(..), becomes(..), x for 2 s, 2 s after x"
                )

    def _duration(self, e: Expr) -> int:
        if not isinstance(e, Number) or (e.t_ns is None and e.value != 0.0):
            raise ExpressionError("this is no fixed duration", e.pos, "a duration, e.g. 2 s")
        ns = e.t_ns or 0
        if ns < 0:
            raise ExpressionError("a duration cannot be negative", e.pos, "0 s or more")
        return ns

    def _compare(self, e: Compare) -> int:
        pairs = zip(e.operands, e.ops, e.operands[1:])
        return self._chain(t.AND, [self._pair(a, op, b) for a, op, b in pairs])

    def _pair(self, a: Expr, op: str, b: Expr) -> int:
        for this, other in ((a, b), (b, a)):
            code = self._word_of(this, other)
            if code is not None:
                return self._node(_COMPARE[op], self._value(this), self._node(t.CONSTANT, constant=code))
        if self._is_lane(a) and self._is_lane(b) and op in ("==", "!="):
            left = self._lane_row(a)
            same = self._node(t.SAME_THREAD, left, self._lane_row(b))
            return same if op == "==" else self._node(t.NOT, same)
        left = self._value(a)
        return self._node(_COMPARE[op], left, self._value(b))

    def _word_of(self, signal: Expr, word: Expr) -> float | None:
        """Return the number of a lamp or a road that `signal` is compared with, None where it is something else."""
        if not isinstance(signal, Signal):
            return None
        if signal.path == ("signal",):
            text = _text(word)
            if text not in LAMP_NAMES:
                close = nearest(text or "", LAMP_NAMES) or ""
                raise ExpressionError(f"no lamp is called '{text}'", word.pos, ", ".join(LAMP_NAMES), close)
            return float(LAMP_NAMES.index(text))
        if len(signal.path) == 2 and signal.path[1] == "road" and signal.path[0] in self._actors():
            text = str(int(word.value)) if isinstance(word, Number) else _text(word)
            if text is None:
                return None
            if text not in self.names.roads:
                raise ExpressionError(f"the map has no road '{text}'", word.pos, _listed(self.names.roads))
            return float(self.names.roads[text])
        return None

    def _actors(self) -> set[str]:
        return set(self.names.actors) | set(self._member)

    def _is_lane(self, e: Expr) -> bool:
        if isinstance(e, Signal):
            return len(e.path) == 2 and e.path[1] == "lane" and e.args is None and e.path[0] in self._actors()
        if isinstance(e, Binary) and e.op in "+-" and self._is_lane(e.left):
            return isinstance(e.right, Number) and e.right.value == int(e.right.value)
        return False

    def _lane_row(self, e: Expr) -> int:
        if isinstance(e, Signal):
            return self._node(t.ACTOR, self._actor(e.path[0], e.pos), t.SIG_LANE)
        assert isinstance(e, Binary)
        assert isinstance(e.right, Number)
        shift = int(e.right.value) if e.op == "+" else -int(e.right.value)
        return self._node(t.LANE_SHIFT, self._lane_row(e.left), 0, shift)

    def _signal(self, e: Signal) -> int:
        if e.args is not None and len(e.path) == 1:
            return self._function(e, e.args)
        if len(e.path) == 1:
            return self._bare(e)
        if len(e.path) != 2:
            raise ExpressionError(f"'{'.'.join(e.path)}' is no signal", e.pos, "actor.signal or event.signal")
        who, what = e.path
        if who in self.names.events and what in _STORY_SIGNALS:
            return self._node(t.EVENT, self.names.events[who], _STORY_SIGNALS[what])
        actor = self._actor(who, e.pos)
        if e.args is not None:
            return self._relation(e, actor, what, e.args)
        if what == "decel":
            return self._node(t.NEGATE, self._node(t.ACTOR, actor, t.SIG_ACCEL))
        if what not in _ACTOR_SIGNALS:
            raise _unknown("signal of an actor", what, {**_ACTOR_SIGNALS, **_RELATIONS}, e.pos)
        node = self._node(t.ACTOR, actor, _ACTOR_SIGNALS[what])
        return self._node(t.LANE_NUMBER, node) if what == "lane" else node

    def _bare(self, e: Signal) -> int:
        name = e.path[0]
        if name == "time":
            return self._node(t.TIME)
        if name == "time_of_day":
            return self._node(t.WEATHER, TIME_OF_DAY)
        if name in self.names.variables:
            return self._node(t.VARIABLE, self.names.variables[name])
        known = {**self.names.variables, "time": 0, "time_of_day": 0, **self.names.actors}
        raise _unknown("signal", name, known, e.pos)

    def _actor(self, name: str, pos: int) -> int:
        name = self._member.get(name, name)
        if name in self.names.actors:
            return self.names.actors[name]
        if name in self.names.groups:
            raise ExpressionError(f"'{name}' is a group", pos, f"any({name}. ..) or all({name}. ..)")
        raise _unknown("actor or event", name, {**self.names.actors, **self.names.events}, pos)

    def _relation(self, e: Signal, actor: int, what: str, args: tuple[Expr, ...]) -> int:
        if what not in _RELATIONS:
            raise _unknown("signal of an actor", what, _RELATIONS, e.pos)
        if len(args) != 1 or not isinstance(args[0], Signal) or len(args[0].path) != 1:
            raise ExpressionError(f"'{what}' takes one name", e.pos, "an actor or a place")
        if e.suffix not in _AXES:
            raise _unknown("kind of axes", e.suffix or "", {k: 0 for k in _AXES if k}, e.pos)
        code = _RELATIONS[what] * t.AXES + _AXES[e.suffix]
        other = args[0].path[0]
        if self._member.get(other, other) in self.names.actors:
            return self._node(t.TOWARDS_ACTOR, actor, self._actor(other, args[0].pos), code)
        if other in self.names.places and what != "collided_with":
            return self._node(t.TOWARDS_PLACE, actor, self.names.places[other], code)
        known = self.names.actors if what == "collided_with" else {**self.names.actors, **self.names.places}
        raise _unknown("actor or place", other, known, args[0].pos)

    def _function(self, e: Signal, args: tuple[Expr, ...]) -> int:
        name = e.path[0]
        if name in ("any", "all") and len(args) == 1:
            return self._of_group(name, args[0])
        if name == "signal" and len(args) == 1:
            text = _text(args[0])
            if text is None or text not in self.names.signals:
                raise _unknown("traffic light", text or "", self.names.signals, args[0].pos)
            return self._node(t.LAMP, self.names.signals[text])
        if name in _MEMORY and len(args) == 1:
            if name == "changes" and self._is_lane(args[0]):
                return self._node(t.CHANGES, self._node(t.LANE_THREAD, self._lane_row(args[0])))
            return self._node(_MEMORY[name], self._value(args[0]))
        values = [self._value(a) for a in args]
        if name in _UNARY and len(values) == 1:
            return self._node(_UNARY[name], values[0])
        if name in ("min", "max") and values:
            return self._chain(t.MINIMUM if name == "min" else t.MAXIMUM, values)
        if name == "atan" and len(values) <= 2:
            return self._node(t.ATAN, values[0]) if len(values) == 1 else self._node(t.ATAN2, *values)
        if name == "rad" and len(values) == 1:
            return values[0]
        raise _unknown("function", name, {**_UNARY, **_MEMORY, "min": 0, "max": 0, "any": 0, "all": 0}, e.pos)

    def _of_group(self, name: str, condition: Expr) -> int:
        group = next((g for g in self.names.groups if _mentions(condition, g)), None)
        if group is None or group in self._member:
            raise ExpressionError("no group is named here", condition.pos, f"one of {_listed(self.names.groups)}")
        roots: dict[str, int] = {}
        for member in self.names.groups[group]:
            self._member[group] = member
            roots[member] = self._value(condition)
            del self._member[group]
        if name == "any":
            self.guards[group] = roots
        return self._chain(t.OR if name == "any" else t.AND, list(roots.values()))


def _mentions(e: Expr, name: str) -> bool:
    match e:
        case Signal():
            return e.path[0] == name or any(_mentions(a, name) for a in e.args or ())
        case Unary() | Temporal():
            return _mentions(e.operand, name)
        case Binary():
            return _mentions(e.left, name) or _mentions(e.right, name)
        case Compare():
            return any(_mentions(o, name) for o in e.operands)
        case After() | Held():
            return _mentions(e.operand, name)
        case _:
            return False


def _text(e: Expr) -> str | None:
    if isinstance(e, Text):
        return e.value
    if isinstance(e, Signal) and e.args is None and len(e.path) == 1:
        return e.path[0]
    if isinstance(e, Number) and e.value == int(e.value):
        return str(int(e.value))
    return None


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "none"


def _unknown(what: str, name: str, known: Mapping[str, object], pos: int) -> ExpressionError:
    return ExpressionError(f"no {what} is called '{name}'", pos, _listed(known), nearest(name, known) or "")


def _block(rows: list[list[int]], columns: int) -> Ints:
    return np.array(rows, np.int64).reshape(len(rows), columns)


def _values(rows: Sequence[Sequence[float]], columns: int) -> Floats:
    return np.array(rows, np.float64).reshape(len(rows), columns)


def _starts(counts: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(np.array(counts, np.int64))]).astype(np.int64)


def _with_way(xyz: Floats) -> list[list[float]]:
    legs = np.hypot(np.diff(xyz[:, 0]), np.diff(xyz[:, 1]))
    way = np.concatenate([[0.0], np.cumsum(legs)])
    rows: list[list[float]] = np.column_stack([xyz, way]).tolist()
    return rows


def _action_row(event: int, a: Action) -> list[int]:
    axes = (*a.axes, -1, -1)[:2]
    what = [a.target, a.guard, a.shape, a.pace, a.hold, a.other, a.place, a.flags]
    return [a.verb, event, a.step, a.actor, *axes, *what, a.ns, a.hold_ns, a.pace_ns, a.partner]


def _action_values(a: Action) -> list[float]:
    m = a.limits
    return [a.pace_value, a.hold_m, m.speed, m.accel, m.decel, m.jerk, m.lat_accel, a.a, math.nan]
