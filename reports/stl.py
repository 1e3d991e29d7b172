"""Signal temporal logic over a finished run: does a formula hold, by which margin, and what decides it.

Semantics: quantitative robustness of Donze and Maler ("Robust satisfaction of temporal logic over real-valued signals",
FORMATS 2010) on ticks. Predicates are divided by a scale of their dimension before minima and maxima are taken, so that
metres do not beat seconds. Every node keeps bounds of its robustness (Deshmukh et al., "Robust online monitoring of
signal temporal logic", FMSD 2017): what lies behind the end of the trace is unknown, so a window that outran the trace
is neither satisfied nor violated unless what was seen decides it. Beside the robustness goes the plain truth (1, 0, or
1/2 unknown), which tells < from <=. Windows are closed and in whole nanoseconds; past operators see nothing before the
start. Unbounded operators end with the trace when the run came to its own end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from reports.signals import Column, Signals, lamp_named
from twin.errors import InputError
from twin.expression import duration_ns
from twin.kernel import kernel
from twin.road.arrays import RoadArrays
from twin.state import Floats
from twin.syntax import (
    After,
    Binary,
    Compare,
    Expr,
    Flag,
    Held,
    Number,
    Parameter,
    Signal,
    Temporal,
    Text,
    Unary,
    Until,
)
from twin.units import combine

SCALES: Final = {"rad": 0.1, "rad/s": 0.1, "1/m": 0.01}
"""The unit of robustness for a dimension; 1 in SI for all others."""

UNKNOWN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Robust:
    """A formula over the run. `truth` is 1, 0 or UNKNOWN; low <= robustness <= high. `spread` says where each tick of
    a temporal operator looks: first and last tick relative to its own, None = to the end (or from the start)."""

    expr: Expr
    truth: Floats  # (T,)
    low: Floats  # (T,)
    high: Floats  # (T,)
    parts: tuple[Robust, ...] = ()
    spread: tuple[int | None, int | None] = (0, 0)
    choose: Literal["", "least", "most"] = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a formula says of a whole run. `truth` is True, False or None; `tick` and `predicate` decide it.

    `robustness` is the bound that was reached: the low one of what holds, the high one of what does not, nan unknown.
    """

    truth: bool | None
    robustness: float
    tick: int
    predicate: str


def evaluate(formula: Expr, signals: Signals, complete: bool = True) -> Outcome:
    """Evaluate a formula at the first tick. `complete` False: the run was cut short, so it has no end of its own.

    Raises InputError for what cannot be asked of a run.
    """
    root = _Evaluator(signals, complete).condition(formula)
    truth = root.truth[0]
    tick, predicate = decisive(root, 0)
    if truth == UNKNOWN:
        return Outcome(None, math.nan, tick, predicate)
    return Outcome(bool(truth == 1.0), float(root.low[0] if truth == 1.0 else root.high[0]), tick, predicate)


def decisive(node: Robust, tick: int) -> tuple[int, str]:
    """Return the tick and the predicate that a node's robustness at `tick` comes from."""
    if not node.parts:
        return tick, show(node.expr)
    first, last = node.spread
    ticks = len(node.truth)
    low = 0 if first is None else max(0, tick + first)
    high = ticks - 1 if last is None else min(ticks - 1, tick + last)
    if low > high:
        return min(max(tick, 0), ticks - 1), show(node.expr)
    best: tuple[float, float, int, int] | None = None
    sign = -1.0 if node.choose == "most" else 1.0
    for i, part in enumerate(node.parts):
        window = sign * part.truth[low : high + 1]
        margin = sign * np.where(np.isfinite(part.low), part.low, part.high)[low : high + 1]
        at = int(np.lexsort((margin, window))[0])
        key = (float(window[at]), float(margin[at]), i, low + at)
        best = key if best is None else min(best, key)
    assert best is not None
    return decisive(node.parts[best[2]], best[3])


@kernel
def _sliding_least(values: Floats, first: int, last: int, outside_before: float, outside_after: float) -> Floats:
    """Return the least of values[t + first .. t + last] for every t, with what stands outside, by a monotonic queue."""
    ticks = len(values)
    out = np.empty(ticks)
    queue = np.empty(ticks + last - first + 2, np.int64)
    held = np.empty(ticks + last - first + 2)
    head, tail = 0, 0
    for i in range(first, ticks + last):
        value = outside_before if i < 0 else outside_after if i >= ticks else values[i]
        while tail > head and held[tail - 1] >= value:
            tail -= 1
        queue[tail], held[tail] = i, value
        tail += 1
        t = i - last
        if t >= 0:
            while queue[head] < t + first:
                head += 1
            out[t] = held[head]
    return out


class _Evaluator:
    def __init__(self, signals: Signals, complete: bool) -> None:
        self.signals = signals
        self.complete = complete
        self.ticks = len(signals.run.t_ns)
        self.step_ns = signals.run.case.step_ns
        self.road: RoadArrays = signals.run.case.road.arrays

    # --- conditions ---------------------------------------------------------------------------------------------

    def condition(self, e: Expr) -> Robust:
        match e:
            case Flag():
                return self._plain(e, np.full(self.ticks, float(e.value)))
            case Signal():
                return self._signal(e)
            case Unary() if e.op == "not":
                return _not(e, self.condition(e.operand))
            case Binary() if e.op in ("and", "or"):
                return _least_or_most(e, (self.condition(e.left), self.condition(e.right)), e.op == "and")
            case Binary() if e.op == "->":
                left = self.condition(e.left)
                return _least_or_most(e, (_not(e.left, left), self.condition(e.right)), False)
            case Compare():
                pairs = zip(e.operands, e.ops, e.operands[1:])
                links = tuple(self._compare(Compare((a, b), (op,), e.pos)) for a, op, b in pairs)
                return links[0] if len(links) == 1 else _least_or_most(e, links, True)
            case After():
                return self._late(e, self.condition(e.operand), self._ticks(e.delay))
            case Held():
                return self._slide(e, self.condition(e.operand), -self._ticks(e.duration), 0, True, before=0.0)
            case Temporal():
                return self._temporal(e)
            case Until():
                return self._until(e)
            case _:
                raise InputError(f"'{show(e)}' is not a condition")

    def _plain(self, e: Expr, holds: Floats) -> Robust:
        truth = np.where(np.isnan(holds), UNKNOWN, (holds != 0.0).astype(np.float64))
        known = truth != UNKNOWN
        margin = 2.0 * truth - 1.0
        return Robust(e, truth, np.where(known, margin, -np.inf), np.where(known, margin, np.inf))

    def _signal(self, e: Signal) -> Robust:
        name = e.path[0]
        args = e.args or ()
        if len(e.path) == 1 and len(args) == 1:
            if name == "ever":
                return self._slide(e, self.condition(args[0]), None, 0, False)
            if name in ("becomes", "ceases"):
                now = self.condition(args[0])
                now = now if name == "becomes" else _not(args[0], now)
                return _least_or_most(e, (now, _not(e, self._late(e, now, 1, before=1.0))), True)
            if name == "changes":
                values = self._changing(args[0])
                return self._plain(e, np.concatenate(([0.0], (values[1:] != values[:-1]).astype(np.float64))))
            if name in ("any", "all"):
                raise InputError(f"'{name}(...)' over a group cannot be asked of a finished run")
        column = self.signals.read(e)
        if column.kind != "bool":
            raise InputError(f"'{show(e)}' is not a condition")
        return self._plain(e, column.values)

    def _changing(self, e: Expr) -> Floats:
        try:
            return self.number(e).values
        except InputError:
            return self.condition(e).truth

    def _compare(self, e: Compare) -> Robust:
        left, right = self._sides(e)
        op = e.ops[0]
        if left.kind == "bool" or right.kind == "bool" or "lane" in (left.kind, right.kind) or left.kind == "lamp":
            return self._same(e, left, right)
        scale = SCALES.get(left.unit if left.unit not in ("", "1") else right.unit, 1.0)
        a, b = left.values, right.values
        with np.errstate(invalid="ignore"):
            margin = np.where(a == b, 0.0, (a - b) / scale)
        if op in ("<", "<="):
            margin = -margin
        elif op == "==":
            margin = -np.abs(margin)
        elif op == "!=":
            margin = np.abs(margin)
        known = ~np.isnan(margin)
        truth = np.where(known, _COMPARE[op](a, b).astype(np.float64), UNKNOWN)
        return Robust(e, truth, np.where(known, margin, -np.inf), np.where(known, margin, np.inf))

    def _same(self, e: Compare, left: Column, right: Column) -> Robust:
        op = e.ops[0]
        if op not in ("==", "!="):
            if "lane" in (left.kind, right.kind):
                a, b = self._lane_number(left), self._lane_number(right)
                holds = np.where(np.isnan(a) | np.isnan(b), np.nan, _COMPARE[op](a, b).astype(np.float64))
                return self._plain(e, holds)
            raise InputError(f"'{op}' cannot order words or conditions")
        a, b = left.values, right.values
        if left.kind == "lane" and right.kind == "lane":
            a, b = self._thread(a), self._thread(b)
        elif left.kind == "lane" or right.kind == "lane":
            a, b = self._lane_number(left), self._lane_number(right)
        unknown = np.isnan(a) | np.isnan(b)
        return self._plain(e, np.where(unknown, np.nan, ((a == b) == (op == "==")).astype(np.float64)))

    def _thread(self, lanes: Floats) -> Floats:
        rows = np.nan_to_num(lanes, nan=-1.0).astype(np.int64)
        return np.where(rows >= 0, self.road.thread[rows].astype(np.float64), np.nan)

    def _lane_number(self, column: Column) -> Floats:
        if column.kind != "lane":
            return column.values
        rows = np.nan_to_num(column.values, nan=-1.0).astype(np.int64)
        return np.where(rows >= 0, self.road.number[rows].astype(np.float64), np.nan)

    def _sides(self, e: Compare) -> tuple[Column, Column]:
        left, right = e.operands
        for side, other, flip in ((left, right, False), (right, left, True)):
            if isinstance(side, Signal) and side.path[0] == "signal" and side.args is not None:
                word = other.value if isinstance(other, Text) else ".".join(getattr(other, "path", ("?",)))
                pair = (self.signals.read(side), Column(np.full(self.ticks, lamp_named(word)), "lamp", "text"))
                return (pair[1], pair[0]) if flip else pair
        return self._side(left), self._side(right)

    def _side(self, e: Expr) -> Column:
        if isinstance(e, Signal):
            return self._value(e)
        if isinstance(e, Flag | Compare | Temporal | Until | Held) or (isinstance(e, Unary) and e.op == "not"):
            truth = self.condition(e).truth
            return Column(np.where(truth == UNKNOWN, np.nan, truth), "bool", "bool")
        return self.number(e)

    def _temporal(self, e: Temporal) -> Robust:
        part = self.condition(e.operand)
        first, last = self._window(e.window)
        least = e.op in ("always", "historically")
        if e.op in ("always", "eventually"):
            return self._slide(e, part, first, last, least)
        return self._slide(e, part, None if last is None else -last, -first, least)

    def _until(self, e: Until) -> Robust:
        """x until y: y within the window, and x at every tick before it."""
        left, right = self.condition(e.left), self.condition(e.right)
        first, last = self._window(e.window)
        columns = []
        for lefts, rights, after in (
            (left.truth, right.truth, 0.0 if last is None and self.complete else UNKNOWN),
            (left.low, right.low, -np.inf),
            (left.high, right.high, -np.inf if last is None and self.complete else np.inf),
        ):
            columns.append(_until_most(lefts, rights, first, self.ticks if last is None else last, after))
        spread = (first, last)
        return Robust(e, columns[0], columns[1], columns[2], (right,), spread, "most")

    def _slide(
        self, e: Expr, part: Robust, first: int | None, last: int | None, least: bool, before: float | None = None
    ) -> Robust:
        empty = 1.0 if least else 0.0
        bound = np.inf if least else -np.inf
        old = empty if before is None else before
        old_bound = bound if before is None else (np.inf if before == 1.0 else -np.inf)
        unknown_after = last is not None or not self.complete
        low_tick = -self.ticks if first is None else first
        high_tick = self.ticks if last is None else last
        sign = 1.0 if least else -1.0

        def over(values: Floats, outside_before: float, outside_after: float) -> Floats:
            found = _sliding_least(sign * values, low_tick, high_tick, sign * outside_before, sign * outside_after)
            return sign * np.asarray(found)

        truth = over(part.truth, old, UNKNOWN if unknown_after else empty)
        low = over(part.low, old_bound, -np.inf if unknown_after else bound)
        high = over(part.high, old_bound, np.inf if unknown_after else bound)
        return Robust(e, truth, low, high, (part,), (first, last), "least" if least else "most")

    def _late(self, e: Expr, part: Robust, by: int, before: float = 0.0) -> Robust:
        keep = max(0, self.ticks - by)
        bound = np.inf if before == 1.0 else -np.inf
        pad = self.ticks - keep
        truth = np.concatenate((np.full(pad, before), part.truth[:keep]))
        low = np.concatenate((np.full(pad, bound), part.low[:keep]))
        high = np.concatenate((np.full(pad, bound), part.high[:keep]))
        return Robust(e, truth, low, high, (part,), (-by, -by), "least")

    def _window(self, window: tuple[Expr, Expr] | None) -> tuple[int, int | None]:
        if window is None:
            return 0, None
        start, end = duration_ns(window[0]), duration_ns(window[1])
        first, last = -(-start // self.step_ns), end // self.step_ns
        if start < 0 or first > last:
            raise InputError(f"the window [{start * 1e-9:g} s, {end * 1e-9:g} s] holds no tick")
        return first, last

    def _ticks(self, duration: Expr) -> int:
        return max(0, -(-duration_ns(duration) // self.step_ns))

    # --- numbers ------------------------------------------------------------------------------------------------

    def number(self, e: Expr) -> Column:
        match e:
            case Number():
                return Column(np.full(self.ticks, e.value), "number", e.dimension or "1")
            case Signal():
                column = self._value(e)
                if column.kind == "bool":
                    raise InputError(f"'{show(e)}' is a condition, not a number")
                return column
            case Unary() if e.op == "-":
                inner = self.number(e.operand)
                return Column(-inner.values, inner.kind, inner.unit)
            case Binary() if e.op in ("+", "-", "*", "/", "^"):
                return self._arithmetic(e)
            case After():
                inner = self.number(e.operand)
                by = min(self._ticks(e.delay), self.ticks)
                late = np.concatenate((np.full(by, np.nan), inner.values[: self.ticks - by]))
                return Column(late, inner.kind, inner.unit)
            case Parameter():
                raise InputError(f"${e.name} has no value")
            case _:
                raise InputError(f"'{show(e)}' is not a number")

    def _arithmetic(self, e: Binary) -> Column:
        left, right = self.number(e.left), self.number(e.right)
        if left.kind == "lane":
            return self._shifted(left, right, e.op)
        with np.errstate(all="ignore"):
            values = _ARITHMETIC[e.op](left.values, right.values)
        unit = left.unit if left.unit != "1" else right.unit
        if e.op in ("*", "/") and "any" not in (left.unit, right.unit):
            unit = combine(left.unit, right.unit, 1 if e.op == "*" else -1)
        elif e.op == "^":
            unit = "any"
        return Column(np.asarray(values, np.float64), "number", unit)

    def _shifted(self, lanes: Column, by: Column, op: str) -> Column:
        """Return the lanes so many to the left."""
        rows = np.nan_to_num(lanes.values, nan=-1.0).astype(np.int64)
        count = int(by.values[0]) * (1 if op == "+" else -1)
        side = self.road.left if count > 0 else self.road.right
        for _ in range(abs(count)):
            rows = np.where(rows >= 0, side[rows], -1)
        return Column(np.where(rows >= 0, rows.astype(np.float64), np.nan), "lane", "lane")

    def _value(self, e: Signal) -> Column:
        name, args = e.path[0], e.args
        if len(e.path) > 1 or args is None or name == "signal":
            return self.signals.read(e)
        if name not in _FUNCTIONS:
            truth = self.condition(e).truth
            return Column(np.where(truth == UNKNOWN, np.nan, truth), "bool", "bool")
        given = [self.number(a) for a in args]
        with np.errstate(all="ignore"):
            values = _FUNCTIONS[name](*(g.values for g in given))
        unit = _UNITS.get(name, given[0].unit)
        return Column(np.asarray(values, np.float64), "number", unit)


def _least(*values: Floats) -> Floats:
    return np.asarray(np.minimum.reduce(values), np.float64)


def _most(*values: Floats) -> Floats:
    return np.asarray(np.maximum.reduce(values), np.float64)


def _arc_tangent(y: Floats, x: Floats | None = None) -> Floats:
    return np.arctan(y) if x is None else np.arctan2(y, x)


_COMPARE: Final[dict[str, Callable[[Floats, Floats], np.ndarray]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_ARITHMETIC: Final[dict[str, Callable[[Floats, Floats], Floats]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}
_FUNCTIONS: Final[dict[str, Callable[..., Floats]]] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "sign": np.sign,
    "floor": np.floor,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "acos": np.arccos,
    "atan": _arc_tangent,
    "rad": np.positive,
    "min": _least,
    "max": _most,
}
_UNITS: Final = {
    "sqrt": "any",
    "sign": "1",
    "sin": "1",
    "cos": "1",
    "tan": "1",
    "acos": "rad",
    "atan": "rad",
    "rad": "rad",
}


def _not(e: Expr, part: Robust) -> Robust:
    return Robust(e, 1.0 - part.truth, -part.high, -part.low, (part,), (0, 0), "least")


def _least_or_most(e: Expr, parts: tuple[Robust, ...], least: bool) -> Robust:
    pick = np.minimum.reduce if least else np.maximum.reduce
    truth = np.asarray(pick([p.truth for p in parts]))
    low = np.asarray(pick([p.low for p in parts]))
    high = np.asarray(pick([p.high for p in parts]))
    return Robust(e, truth, low, high, parts, (0, 0), "least" if least else "most")


@kernel
def _until_most(lefts: Floats, rights: Floats, first: int, last: int, after: float) -> Floats:
    """Return max over t' in [t + first, t + last] of min(rights[t'], least of lefts[t .. t' - 1])."""
    ticks = len(lefts)
    out = np.empty(ticks)
    for t in range(ticks):
        best = -math.inf
        least = math.inf
        for u in range(t, t + last + 1):
            if u >= ticks:
                best = max(best, min(after, least))
                break
            if u >= t + first:
                best = max(best, min(rights[u], least))
            least = min(least, lefts[u])
        out[t] = best
    return out


def show(e: Expr) -> str:
    """Write an expression back as text, in SI."""
    match e:
        case Number():
            unit = f" {e.dimension}" if e.dimension not in (None, "1") else ""
            return f"{e.value:g}{unit}"
        case Text():
            return f'"{e.value}"'
        case Flag():
            return "true" if e.value else "false"
        case Parameter():
            return f"${e.name}"
        case Signal():
            args = "" if e.args is None else f"({', '.join(show(a) for a in e.args)})"
            return ".".join(e.path) + args + (f".{e.suffix}" if e.suffix else "")
        case Unary():
            return f"{'not ' if e.op == 'not' else '-'}{_inner(e.operand)}"
        case Binary():
            return f"{_inner(e.left)} {e.op} {_inner(e.right)}"
        case Compare():
            return _inner(e.operands[0]) + "".join(f" {op} {_inner(x)}" for op, x in zip(e.ops, e.operands[1:]))
        case After():
            return f"{show(e.delay)} after {_inner(e.operand)}"
        case Held():
            return f"{_inner(e.operand)} for {show(e.duration)}"
        case Temporal():
            return f"{e.op}{_shown(e.window)}({show(e.operand)})"
        case Until():
            return f"{_inner(e.left)} until{_shown(e.window)} {_inner(e.right)}"


def _inner(e: Expr) -> str:
    return f"({show(e)})" if isinstance(e, Binary | Compare | After | Held | Until) else show(e)


def _shown(window: tuple[Expr, Expr] | None) -> str:
    return "" if window is None else f"[{show(window[0])}, {show(window[1])}]"
