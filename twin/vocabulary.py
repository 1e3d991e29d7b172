"""Every word that an expression may use, what it takes and what it yields; and the dimension of a whole expression.

A dimension is a canonical unit string ("m/s"), or "bool", "text" (an enum word), "lane" (a lane thread that also
compares with lane numbers), or "any" (cannot be told without names that this place does not know).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from twin.errors import ExpressionError, nearest
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
from twin.units import combine, describe, raise_to, root_of

MAX_EXPONENT: Final = 4

Taken = Literal["actor", "place", "actor or place", "signal", "junction", "condition", "expression", "group condition"]


@dataclass(frozen=True, slots=True)
class Word:
    """One signal or function: what it yields, what it takes, and whether a suffix picks its axes."""

    dimension: str
    takes: tuple[Taken, ...] = ()
    suffixes: tuple[str, ...] = ()
    fixed: bool = False  # known before the run starts


AXES: Final = ("lane", "road", "body", "route", "world")

ACTOR_SIGNALS: Final[dict[str, Word]] = {
    "x": Word("m"),
    "y": Word("m"),
    "z": Word("m"),
    "heading": Word("rad"),
    "speed": Word("m/s"),
    "accel": Word("m/s^2"),
    "decel": Word("m/s^2"),
    "lat_speed": Word("m/s"),
    "lat_accel": Word("m/s^2"),
    "lane": Word("lane"),
    "lane_offset": Word("m"),
    "road": Word("1"),
    "s": Word("m"),
    "travelled": Word("m"),
    "stopped": Word("bool"),
    "offroad": Word("bool"),
    "at_road_end": Word("bool"),
    "collided": Word("bool"),
    "present": Word("bool"),
    "width": Word("m", fixed=True),
    "length": Word("m", fixed=True),
    "gap_to": Word("m", ("actor or place",), AXES),
    "spacing_to": Word("m", ("actor or place",), AXES),
    "ahead_by": Word("m", ("actor or place",), AXES),
    "side_gap_to": Word("m", ("actor or place",), AXES),
    "clearance_to": Word("m", ("actor or place",)),
    "distance_to": Word("m", ("actor or place",)),
    "headway_to": Word("s", ("actor or place",), AXES),
    "ttc_to": Word("s", ("actor or place",), AXES),
    "closing_on": Word("m/s", ("actor or place",), AXES),
    "collided_with": Word("bool", ("actor",)),
}

WORLD_SIGNALS: Final[dict[str, Word]] = {
    "time": Word("s"),
    "time_of_day": Word("s"),
    "signal": Word("text", ("signal",)),
    "phase_of": Word("text", ("junction",)),
}

STORY_SIGNALS: Final = ("starts", "running", "ends", "stops", "skips", "done")

MEMORY: Final[dict[str, Word]] = {
    "becomes": Word("bool", ("condition",)),
    "ceases": Word("bool", ("condition",)),
    "ever": Word("bool", ("condition",)),
    "changes": Word("bool", ("expression",)),
    "any": Word("bool", ("group condition",)),
    "all": Word("bool", ("group condition",)),
}

FUNCTIONS: Final[dict[str, tuple[int, int]]] = {
    "abs": (1, 1),
    "sqrt": (1, 1),
    "sign": (1, 1),
    "floor": (1, 1),
    "sin": (1, 1),
    "cos": (1, 1),
    "tan": (1, 1),
    "acos": (1, 1),
    "atan": (1, 2),
    "rad": (1, 1),
    "min": (2, 8),
    "max": (2, 8),
}
"""Functions of numbers: how many arguments at least and at most."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use where it stands. `parameters` maps to dimensions ("any" = not told).

    `words` are the enum words of the place; `bare` are words that stand alone there: metrics and the ego's signals in
    criteria, parameters in constraints. `open` takes every unknown name as "any".
    """

    actors: Collection[str] = ()
    groups: Collection[str] = ()
    places: Collection[str] = ()
    events: Collection[str] = ()
    signals: Collection[str] | None = None  # None: the map knows them
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    bare: Mapping[str, str] = field(default_factory=dict)
    words: Collection[str] = ()
    open: bool = False


OPEN: Final = Scope(open=True)


def dimension_of(expr: Expr, scope: Scope = OPEN) -> str:
    """Return the dimension of an expression. Raises ExpressionError at the first part that does not fit."""
    dimension, errors = survey(expr, scope)
    if errors:
        raise errors[0]
    return dimension


def survey(expr: Expr, scope: Scope = OPEN) -> tuple[str, list[ExpressionError]]:
    """Return the dimension of an expression, "any" where it cannot be told, and everything in it that does not fit."""
    reader = _Reader(scope, (), [])
    return reader.read(expr), reader.errors


def fits(expr: Expr, dimension: str, wanted: str) -> bool:
    """Tell whether an expression of `dimension` may stand where `wanted` is due; a bare 0 has every unit."""
    if "any" in (dimension, wanted) or dimension == wanted:
        return True
    return (is_zero(expr) and wanted not in ("bool", "text", "lane")) or (wanted == "lane" and dimension == "1")


def is_zero(expr: Expr) -> bool:
    """Tell whether this is a literal 0 without a unit."""
    if isinstance(expr, Unary) and expr.op == "-":
        return is_zero(expr.operand)
    return isinstance(expr, Number) and expr.dimension is None and expr.value == 0.0


def unfit(expr: Expr, dimension: str, wanted: str) -> ExpressionError:
    """Return the error of an expression that has the wrong dimension."""
    if isinstance(expr, Number) and expr.dimension is None and wanted not in ("bool", "text", "lane", "1"):
        return ExpressionError("a number without a unit", expr.pos, describe(wanted))
    return ExpressionError(f"this is {describe(dimension)}", expr.pos, describe(wanted))


class _Reader:
    """Walks a tree, past what does not fit; `members` are the groups whose name may stand for one member here."""

    def __init__(self, scope: Scope, members: tuple[str, ...], errors: list[ExpressionError]) -> None:
        self.scope = scope
        self.members = members
        self.errors = errors

    def read(self, e: Expr) -> str:
        """Return the dimension of a part, "any" after noting why it has none."""
        try:
            return self._read(e)
        except ExpressionError as error:
            self.errors.append(error)
            return "any"

    def _read(self, e: Expr) -> str:
        match e:
            case Number():
                return e.dimension or "1"
            case Text():
                return "text"
            case Flag():
                return "bool"
            case Parameter():
                return self._named(e.name, self.scope.parameters, "parameter", e.pos)
            case Signal():
                return self._signal(e)
            case Unary():
                self._sort(e.operand, "bool") if e.op == "not" else None
                return "bool" if e.op == "not" else self._number(e.operand)
            case Binary():
                return self._binary(e)
            case Compare():
                return self._compare(e)
            case After():
                self._sort(e.delay, "s")
                return self.read(e.operand)
            case Held():
                self._sort(e.operand, "bool")
                return self._sort(e.duration, "s", "bool")
            case Temporal():
                for bound in e.window or ():
                    self._sort(bound, "s")
                return self._sort(e.operand, "bool")
            case Until():
                for bound in e.window or ():
                    self._sort(bound, "s")
                self._sort(e.left, "bool")
                return self._sort(e.right, "bool")

    def _sort(self, e: Expr, wanted: str, result: str | None = None) -> str:
        got = self.read(e)
        if not fits(e, got, wanted):
            self.errors.append(unfit(e, got, wanted))
        return result or wanted

    def _number(self, e: Expr) -> str:
        got = self.read(e)
        if got in ("bool", "text"):
            self.errors.append(ExpressionError(f"this is {describe(got)}", e.pos, "a number or a quantity"))
            return "any"
        return got

    def _same(self, e: Expr, left: str, right_expr: Expr, right: str) -> str:
        if left == "lane" or right == "lane":
            return "lane"
        if fits(right_expr, right, left):
            return right if left == "any" or is_zero(e) else left
        if fits(e, left, right):
            return right
        self.errors.append(unfit(right_expr, right, left))
        return "any"

    def _binary(self, e: Binary) -> str:
        if e.op in ("and", "or", "->"):
            self._sort(e.left, "bool")
            return self._sort(e.right, "bool")
        left, right = self._number(e.left), self._number(e.right)
        if e.op in ("+", "-"):
            if "lane" in (left, right) and "1" not in (left, right) and "any" not in (left, right):
                raise ExpressionError("lanes can only be moved by a whole number", e.right.pos, "a number of lanes")
            return self._same(e.left, left, e.right, right)
        if "lane" in (left, right):
            raise ExpressionError("a lane cannot be multiplied or divided", e.pos, "a quantity")
        if e.op == "^":
            n = _small_integer(e.right)
            return "any" if left == "any" else raise_to(left, n)
        if "any" in (left, right):
            return "any"
        return combine(left, right, 1 if e.op == "*" else -1)

    def _compare(self, e: Compare) -> str:
        kinds = self._sides(e.operands)
        for (left, a), op, (right, b) in zip(kinds, e.ops, kinds[1:]):
            if "text" in (a, b) or "bool" in (a, b):
                if op not in ("==", "!="):
                    self.errors.append(ExpressionError(f"'{op}' cannot order words", left.pos, "== or !="))
                elif not (fits(left, a, b) or fits(right, b, a)):
                    self.errors.append(unfit(right, b, a))
            else:
                self._same(left, a, right, b)
        return "bool"

    def _sides(self, operands: tuple[Expr, ...]) -> list[tuple[Expr, str]]:
        """Return the operands of a comparison with their dimensions; an unknown word beside a text is an enum word."""
        strange = [isinstance(e, Signal) and _is_word(e) and not self._known(e.path[0]) for e in operands]
        kinds = ["" if odd else self.read(e) for e, odd in zip(operands, strange)]
        for i, e in enumerate(operands):
            if strange[i]:
                beside = [j for j in (i - 1, i + 1) if 0 <= j < len(operands) and not _is_word(operands[j])]
                kinds[i] = "text" if any(kinds[j] in ("text", "any") for j in beside) else self.read(e)
        return list(zip(operands, kinds))

    def _known(self, name: str) -> bool:
        s = self.scope
        return name in s.bare or name in s.variables or name in WORLD_SIGNALS

    def _named(self, name: str, table: Mapping[str, str], what: str, pos: int) -> str:
        if name in table:
            return table[name]
        if self.scope.open:
            return "any"
        raise unknown(what, name, table, pos)

    def _signal(self, e: Signal) -> str:
        name = e.path[0]
        if len(e.path) == 1:
            return self._call(e, name) if e.args is not None else self._bare(e, name)
        if len(e.path) == 2:
            return self._dotted(e)
        if self.scope.open:
            return "any"
        raise ExpressionError(f"'{'.'.join(e.path)}' has too many dots", e.pos, "actor.signal")

    def _bare(self, e: Signal, name: str) -> str:
        s = self.scope
        if name in s.bare:
            return s.bare[name]
        if name in s.variables:
            return s.variables[name]
        if name in WORLD_SIGNALS and not WORLD_SIGNALS[name].takes:
            return WORLD_SIGNALS[name].dimension
        if s.open:
            return "any"
        if name in s.words:
            return "text"
        if name in s.parameters:
            raise ExpressionError(f"'{name}' is a parameter", e.pos, f"${name}", f"${name}")
        if name in ACTOR_SIGNALS:
            raise ExpressionError(
                f"'{name}' of whom?", e.pos, f"an actor and its signal, e.g. ego.{name}", f"ego.{name}"
            )
        known = [*s.words, *s.variables, *s.bare, *(w for w, k in WORLD_SIGNALS.items() if not k.takes)]
        raise unknown("word", name, known, e.pos)

    def _call(self, e: Signal, name: str) -> str:
        args = e.args or ()
        if name in FUNCTIONS:
            return self._function(e, name, args)
        if name in MEMORY:
            return self._memory(e, name, args)
        if name in WORLD_SIGNALS and WORLD_SIGNALS[name].takes:
            self._count(e, name, args, 1, 1)
            self._name_in(args[0], self.scope.signals, "signal")
            return WORLD_SIGNALS[name].dimension
        if name in ("distance", "gap", "ttc", "headway"):
            better = f"{name}_to"
            raise ExpressionError(f"no function '{name}'", e.pos, f"subject first: ego.{better}(x)", f"ego.{better}")
        known = [*FUNCTIONS, *MEMORY, *(w for w, k in WORLD_SIGNALS.items() if k.takes)]
        raise unknown("function", name, known, e.pos)

    def _memory(self, e: Signal, name: str, args: tuple[Expr, ...]) -> str:
        self._count(e, name, args, 1, 1)
        if name in ("any", "all"):
            groups = tuple(self.scope.groups)
            _Reader(self.scope, groups, self.errors)._sort(args[0], "bool")
        elif name == "changes":
            self.read(args[0])
        else:
            self._sort(args[0], "bool")
        return "bool"

    def _function(self, e: Signal, name: str, args: tuple[Expr, ...]) -> str:
        least, most = FUNCTIONS[name]
        self._count(e, name, args, least, most)
        if name in ("sin", "cos", "tan"):
            return self._sort(args[0], "rad", "1")
        if name in ("rad", "acos"):
            return self._sort(args[0], "1", "rad")
        if name == "sign":
            self._number(args[0])
            return "1"
        dimension = self._number(args[0])
        for arg in args[1:]:
            dimension = self._same(args[0], dimension, arg, self._number(arg))
        if name == "atan":
            return "rad" if len(args) == 2 else self._sort(args[0], "1", "rad")
        if name == "sqrt" and dimension != "any":
            root = root_of(dimension)
            if root is None:
                raise ExpressionError(f"no square root of {describe(dimension)}", args[0].pos, "a square, e.g. m^2/s^2")
            return root
        return dimension

    def _dotted(self, e: Signal) -> str:
        who, what = e.path
        s = self.scope
        if e.args is None and what in STORY_SIGNALS and (who in s.events or who not in s.actors):
            if who in s.events or s.open:
                return "bool"
            raise unknown("event", who, s.events, e.pos)
        if who not in s.actors and who not in self.members and not s.open:
            if who in s.groups:
                raise ExpressionError(f"'{who}' is a group", e.pos, f"any({who}.{what} ...) or all({who}.{what} ...)")
            if what not in ACTOR_SIGNALS:
                raise unknown("actor", who, [*s.actors, *s.events], e.pos)
            self.errors.append(unknown("actor", who, [*s.actors, *s.events], e.pos))
        if what not in ACTOR_SIGNALS:
            if s.open and e.args is None:
                return "any"
            raise unknown("signal", what, ACTOR_SIGNALS, e.pos + len(who) + 1)
        word = ACTOR_SIGNALS[what]
        args = e.args or ()
        if word.takes and e.args is None:
            raise ExpressionError(f"'{what}' of {who} towards whom?", e.pos, f"{who}.{what}(other)")
        self._count(e, what, args, len(word.takes), len(word.takes))
        for arg, takes in zip(args, word.takes):
            known = [*s.actors, *s.groups] if takes == "actor" else [*s.actors, *s.groups, *s.places]
            self._name_in(arg, known, takes)
        if e.suffix is not None and e.suffix not in word.suffixes:
            raise unknown("axes", e.suffix, word.suffixes, e.pos)
        return word.dimension

    def _name_in(self, arg: Expr, known: Collection[str] | None, what: str) -> None:
        if isinstance(arg, Text):
            name = arg.value
        elif isinstance(arg, Signal) and arg.args is None and len(arg.path) == 1:
            name = arg.path[0]
        else:
            self.errors.append(ExpressionError("not a name", arg.pos, f"the name of a {what}"))
            return
        if known is not None and name not in known and not self.scope.open:
            self.errors.append(unknown(what, name, known, arg.pos))

    def _count(self, e: Signal, name: str, args: tuple[Expr, ...], least: int, most: int) -> None:
        if not least <= len(args) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise ExpressionError(f"'{name}' takes {wanted} argument(s), got {len(args)}", e.pos, wanted)


def unknown(what: str, name: str, known: Collection[str], pos: int) -> ExpressionError:
    """Return the error of a name that nothing here has, listing what there is."""
    names = sorted(known)
    shown = ", ".join(names[:24]) + (", ..." if len(names) > 24 else "")
    close = nearest(name, names)
    return ExpressionError(
        f"no {what} is called '{name}'",
        pos,
        f"one of {shown}" if names else f"a {what}; none is defined here",
        close or "",
    )


def _is_word(e: Expr) -> bool:
    return isinstance(e, Signal) and e.args is None and len(e.path) == 1


def _small_integer(e: Expr) -> int:
    sign = 1
    inner: Expr = e
    while isinstance(inner, Unary) and inner.op == "-":
        sign, inner = -sign, inner.operand
    if isinstance(inner, Number) and inner.dimension is None:
        value = sign * inner.value
        if value.is_integer() and abs(value) <= MAX_EXPONENT:
            return int(value)
    raise ExpressionError("this exponent is refused", e.pos, f"a whole number from -{MAX_EXPONENT} to {MAX_EXPONENT}")


exponent_of: Callable[[Expr], int] = _small_integer

SIGNALS: Final = {**{f"actor.{k}": v for k, v in ACTOR_SIGNALS.items()}, **WORLD_SIGNALS}
