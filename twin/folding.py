"""Constants of an expression: parameters put in, arithmetic done once, results bounded."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from twin.errors import ExpressionError
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
from twin.units import describe
from twin.vocabulary import OPEN, Scope, dimension_of, exponent_of, fits, unfit, unknown

LARGEST: Final = 1e15

Values = Mapping[str, Expr]


def fold(expr: Expr, values: Values) -> Expr:
    """Return `expr` with parameters replaced and constants computed.

    `values` maps names without `$`; a dotted name ("ego.width") replaces that signal, and a bare word that is a key
    stands for its parameter. Raises ExpressionError for a missing parameter, a wrong dimension, a division by zero,
    or a result out of bounds.
    """
    match expr:
        case Parameter():
            if expr.name not in values:
                raise unknown("parameter", expr.name, values, expr.pos)
            return _at(values[expr.name], expr.pos)
        case Signal():
            return _signal(expr, values)
        case Unary():
            return _unary(expr, fold(expr.operand, values))
        case Binary():
            return _binary(Binary(expr.op, fold(expr.left, values), fold(expr.right, values), expr.pos))
        case Compare():
            chosen = any(isinstance(e, Parameter) for e in expr.operands)
            return _compare(Compare(tuple(fold(e, values) for e in expr.operands), expr.ops, expr.pos), chosen)
        case After():
            return After(fold(expr.delay, values), fold(expr.operand, values), expr.pos)
        case Held():
            return Held(fold(expr.operand, values), fold(expr.duration, values), expr.pos)
        case Temporal():
            return Temporal(expr.op, _window(expr.window, values), fold(expr.operand, values), expr.pos)
        case Until():
            window = _window(expr.window, values)
            return Until(fold(expr.left, values), fold(expr.right, values), window, expr.pos)
        case _:
            return expr


def scalar(expr: Expr, dimension: str) -> float:
    """Return a folded constant in SI. Raises ExpressionError when it is no constant of that dimension."""
    if not isinstance(expr, Number):
        raise ExpressionError("this is not known before the run", expr.pos, f"a constant: {describe(dimension)}")
    _fit(expr, dimension)
    return expr.value


def duration_ns(expr: Expr) -> int:
    """Return a folded duration in integer nanoseconds, exact from its digits. Raises ExpressionError."""
    value = scalar(expr, "s")
    assert isinstance(expr, Number)
    return expr.t_ns if expr.t_ns is not None else to_ns(value)


def to_ns(value_s: float) -> int:
    """Return computed seconds in whole nanoseconds, from the shortest digits that spell the number."""
    return int((Decimal(repr(value_s)) * 1_000_000_000).to_integral_value())


def number(value: float, dimension: str | None, pos: int = 0) -> Number:
    """Return a bounded number; a duration gets its nanoseconds. Raises ExpressionError when out of bounds."""
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise ExpressionError("the result is too large or not a number", pos, f"at most {LARGEST:g} in size")
    return Number(value, dimension, to_ns(value) if dimension == "s" else None, pos)


def _at(value: Expr, pos: int) -> Expr:
    match value:
        case Number():
            return Number(value.value, value.dimension, value.t_ns, pos)
        case Signal():
            return Signal(value.path, value.args, value.suffix, pos)
        case Text():
            return Text(value.value, pos)
        case Flag():
            return Flag(value.value, pos)
        case _:
            return value


def _fit(e: Number, dimension: str) -> None:
    got = e.dimension or "1"
    if not fits(e, got, dimension):
        raise unfit(e, got, dimension)


def _window(window: tuple[Expr, Expr] | None, values: Values) -> tuple[Expr, Expr] | None:
    return None if window is None else (fold(window[0], values), fold(window[1], values))


def _signal(e: Signal, values: Values) -> Expr:
    if e.args is None:
        found = values.get(".".join(e.path))
        return e if found is None else _at(found, e.pos)
    args = tuple(fold(a, values) for a in e.args)
    out = Signal(e.path, args, e.suffix, e.pos)
    name = e.path[0]
    if len(e.path) > 1 or name not in _COMPUTE or not all(isinstance(a, Number) for a in args):
        return out
    dimension = dimension_of(out)
    try:
        return number(_COMPUTE[name](*(a.value for a in args if isinstance(a, Number))), dimension, e.pos)
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise ExpressionError(f"'{name}' cannot take this value", e.pos, "a value in its range") from error


_COMPUTE: Final[dict[str, Callable[..., float]]] = {
    "abs": abs,
    "sqrt": math.sqrt,
    "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
    "floor": lambda x: float(math.floor(x)),
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "acos": math.acos,
    "atan": lambda y, x=1.0: math.atan2(y, x) if x != 1.0 else math.atan(y),
    "rad": float,
    "min": min,
    "max": max,
}


def _unary(e: Unary, operand: Expr) -> Expr:
    if e.op == "not":
        return Flag(not operand.value, e.pos) if isinstance(operand, Flag) else Unary("not", operand, e.pos)
    if isinstance(operand, Number):
        t_ns = None if operand.t_ns is None else -operand.t_ns
        exact = None if operand.exact is None else -operand.exact
        return Number(-operand.value, operand.dimension, t_ns, e.pos, exact)
    return Unary("-", operand, e.pos)


def _binary(e: Binary) -> Expr:
    a, b = e.left, e.right
    if isinstance(a, Flag) and isinstance(b, Flag):
        if e.op == "->":
            return Flag(not a.value or b.value, e.pos)
        return Flag(a.value and b.value if e.op == "and" else a.value or b.value, e.pos)
    if not (isinstance(a, Number) and isinstance(b, Number)):
        return e
    dimension: str | None = dimension_of(e)
    if a.dimension is None and b.dimension is None:
        dimension = None
    if e.op in ("+", "-"):
        out = number(a.value + b.value if e.op == "+" else a.value - b.value, dimension, e.pos)
        if a.t_ns is not None and b.t_ns is not None:
            return Number(out.value, "s", a.t_ns + b.t_ns if e.op == "+" else a.t_ns - b.t_ns, e.pos)
        return out
    if e.op == "*":
        out = number(a.value * b.value, dimension, e.pos)
        return _exactly(out, a, b) if a.t_ns is not None else _exactly(out, b, a)
    if e.op == "/":
        if b.value == 0.0:
            raise ExpressionError("division by zero", b.pos, "a divisor other than 0")
        return number(a.value / b.value, dimension, e.pos)
    exponent = exponent_of(b)
    if a.value == 0.0 and exponent < 0:
        raise ExpressionError("division by zero", a.pos, "a base other than 0")
    try:
        return number(a.value**exponent, dimension, e.pos)
    except OverflowError as error:
        raise ExpressionError("the result is too large", e.pos, f"at most {LARGEST:g}") from error


def _exactly(out: Number, duration: Number, factor: Number) -> Number:
    if duration.t_ns is None or out.dimension != "s":
        return out
    t_ns = int((Decimal(repr(factor.value)) * duration.t_ns).to_integral_value())
    return Number(out.value, "s", t_ns, out.pos)


_HOLDS: Final[dict[str, Callable[[float, float], bool]]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}


def _compare(e: Compare, chosen: bool) -> Expr:
    numbers = [x for x in e.operands if isinstance(x, Number)]
    if len(numbers) == len(e.operands):
        dimension_of(e)
        pairs = zip(numbers, e.ops, numbers[1:])
        return Flag(all(_HOLDS[op](a.value, b.value) for a, op, b in pairs), e.pos)
    words = [_word(x) for x in e.operands]
    if chosen and all(w is not None for w in words) and all(op in ("==", "!=") for op in e.ops):
        pairs_w = zip(words, e.ops, words[1:])
        return Flag(all((a == b) == (op == "==") for a, op, b in pairs_w), e.pos)
    return e


def _word(e: Expr) -> str | None:
    if isinstance(e, Text):
        return e.value
    if isinstance(e, Signal) and e.args is None and len(e.path) == 1:
        return e.path[0]
    return None


def check(expr: Expr, wanted: str, scope: Scope = OPEN) -> str:
    """Return the dimension of an expression that must be `wanted`. Raises ExpressionError."""
    got = dimension_of(expr, scope)
    if not fits(expr, got, wanted):
        raise unfit(expr, got, wanted)
    return got
