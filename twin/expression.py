"""Text to expression tree: the one grammar of triggers, criteria, derived values, quantities and draws.

Nothing authored is executed: a LALR grammar with a fixed vocabulary, bounded in length and depth, reads numbers from
their digits and units from a closed list. `twin.vocabulary` checks dimensions, `twin.folding` computes constants.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError

from twin.clock import to_ns
from twin.errors import ExpressionError, InputError, nearest
from twin.folding import LARGEST, check, duration_ns, fold, scalar
from twin.syntax import (
    After,
    Binary,
    Compare,
    CompareOp,
    Criterion,
    Draw,
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
from twin.units import FOREIGN, UNITS, unit_pattern
from twin.vocabulary import SIGNALS, Scope, dimension_of

__all__ = [
    "SIGNALS",
    "ExpressionError",
    "Scope",
    "check",
    "dimension_of",
    "duration_ns",
    "fold",
    "parse_criterion",
    "parse_expr",
    "parse_value",
    "quantity",
    "scalar",
]

MAX_CHARS: Final = 2000
MAX_DEPTH: Final = 60

DRAW_ARGUMENTS: Final[dict[str, tuple[int, int]]] = {
    "uniform": (2, 2),
    "normal": (2, 2),
    "lognormal": (2, 2),
    "pareto": (2, 2),
    "exponential": (1, 1),
    "triangular": (3, 3),
    "beta": (2, 2),
    "choice": (1, 200),
    "steps": (3, 3),
    "csv": (2, 2),
}

DISTRIBUTIONS: Final = {
    "uniform": "uniform(least, most)",
    "normal": "normal(mean, standard deviation)",
    "lognormal": "lognormal(median, sigma of the logarithm)",
    "pareto": "pareto(scale, alpha)",
    "exponential": "exponential(mean)",
    "triangular": "triangular(least, mode, most)",
    "beta": "beta(a, b)",
    "choice": "choice(a, b, ..)",
    "steps": "steps(first, last, step)",
    "csv": 'csv("file", "column")',
}

AGGREGATES: Final = ("min", "max", "mean", "final", "count", "integral", "p95")


def parse_expr(text: str) -> Expr:
    """Read one expression. Raises ExpressionError."""
    return cast(Expr, _parse("expr", text))


def parse_value(text: str) -> Draw | Expr:
    """Read the value of a parameter: a draw or a constant expression. Raises ExpressionError."""
    return cast("Draw | Expr", _parse("value", text))


def parse_criterion(name: str, text: str, values: Mapping[str, Expr] | None = None) -> Criterion:
    """Read one line of `criteria:` with the given parameter values folded in. Raises ExpressionError."""
    aggregate, op, body = parse_threshold(text)
    folded = fold(body, values) if values is not None else body
    if aggregate is not None:
        limit = folded if isinstance(folded, Number) else fold(folded, {})
        if not isinstance(limit, Number):
            raise ExpressionError("a limit must be known before the run", body.pos, "a quantity, e.g. 1.0 s")
        return Criterion(name, text, metric=name, aggregate=aggregate, op=op, limit=limit)
    if isinstance(folded, Flag):
        return Criterion(name, text, metric=name, holds=folded.value)
    return Criterion(name, text, formula=folded)


def parse_threshold(text: str) -> tuple[str | None, CompareOp | None, Expr]:
    """Split a criterion into aggregate, operator and limit, or (None, None, formula). Raises ExpressionError."""
    return cast("tuple[str | None, CompareOp | None, Expr]", _parse("criterion", text))


def quantity(digits: str, unit: str | None, pos: int = 0) -> Number:
    """Return the number that digits and a unit spell, in SI, correctly rounded. Raises ExpressionError."""
    factor, dimension = UNITS[unit] if unit else (Fraction(1), None)
    written = Fraction(Decimal(digits))
    exact = written * factor if isinstance(factor, Fraction) else None
    value = float(written) * factor if exact is None else float(exact)
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise ExpressionError("this number is too large", pos, f"at most {LARGEST:g}")
    if dimension != "s":
        return Number(value, dimension, None, pos, exact)
    try:
        return Number(value, dimension, to_ns(digits, cast(str, unit)), pos, exact)
    except InputError as error:
        raise ExpressionError(str(error), pos, "a duration of at most 10^9") from error


def _parse(start: str, text: str) -> object:
    if len(text) > MAX_CHARS:
        raise ExpressionError(f"{len(text)} characters are too many", 0, f"at most {MAX_CHARS}")
    plain = _plain(text)
    if not plain.strip():
        raise ExpressionError("nothing is written here", 0, "an expression or a quantity")
    try:
        tree = _grammar().parse(plain, start=start)
    except UnexpectedInput as error:
        raise _explain(plain, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, ExpressionError):
            raise error.orig_exc from None
        raise
    _refuse_depth(tree)
    return tree


def _refuse_depth(tree: object) -> None:
    level = [tree]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ExpressionError("the expression is nested too deeply", 0, f"at most {MAX_DEPTH} operators in a row")
        level = [child for node in level for child in _children(node)]


def _children(node: object) -> Iterable[object]:
    match node:
        case tuple():
            return node
        case Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Compare():
            return node.operands
        case After():
            return (node.delay, node.operand)
        case Held():
            return (node.operand, node.duration)
        case Temporal():
            return (node.operand, *(node.window or ()))
        case Until():
            return (node.left, node.right, *(node.window or ()))
        case Signal():
            return node.args or ()
        case Draw():
            return (*node.args, *(node.weights or ()), *(node.within or ()), *([node.default] if node.default else []))
        case _:
            return ()


_LOOKALIKES: Final = {
    "–": ("a dash", "-"),
    "—": ("a long dash", "-"),
    "−": ("a typographic minus", "-"),
    "“": ("a curly quote", '"'),
    "”": ("a curly quote", '"'),
    "„": ("a curly quote", '"'),
    "‘": ("a curly quote", "'"),
    "’": ("a curly quote", "'"),
    "≤": ("a typographic comparison", "<="),
    "≥": ("a typographic comparison", ">="),
    "≠": ("a typographic comparison", "!="),
    "→": ("a typographic arrow", "->"),
    "×": ("a multiplication sign", "*"),
    "·": ("a multiplication dot", "*"),
    "÷": ("a division sign", "/"),
    "°": ("a degree sign", "deg"),
    "²": ("a raised two", "^2"),
    "³": ("a raised three", "^3"),
    "µ": ("a micro sign", "u"),
}


def _plain(text: str) -> str:
    for i, c in enumerate(text):
        if c in _LOOKALIKES:
            name, instead = _LOOKALIKES[c]
            raise ExpressionError(f"{name} '{c}' (U+{ord(c):04X})", i, f"'{instead}'", instead)
        if ord(c) > 126 and not c.isspace():
            raise ExpressionError(f"the character {c!r} (U+{ord(c):04X})", i, "plain ASCII")
    return "".join(" " if c.isspace() else c for c in text)


@cache
def _grammar() -> Lark:
    text = Path(__file__).with_suffix(".lark").read_text(encoding="utf-8").replace("__UNITS__", unit_pattern())
    starts = ["value", "expr", "criterion"]
    return Lark(text, parser="lalr", transformer=_Builder(), start=starts, maybe_placeholders=True)


_TERMS: Final = {
    "NUMBER": "a number",
    "NAME": "a name",
    "PARAMETER": "$parameter",
    "UNIT": "a unit",
    "COMPARE": "a comparison",
    "PLUS_MINUS": "+ or -",
    "TIMES_OVER": "* or /",
    "_RPAR": "')'",
    "_LPAR": "'('",
    "_RSQB": "']'",
    "_LSQB": "'['",
    "_COMMA": "','",
    "_AND": "and",
    "_OR": "or",
    "_WITHIN": "within",
    "_DEFAULT": "default",
    "$END": "the end",
}

_ORDER: Final = tuple(_TERMS)


def _explain(text: str, error: UnexpectedInput) -> ExpressionError:
    found_at: int | None = getattr(error, "pos_in_stream", None)
    offset = len(text.rstrip()) if found_at is None or found_at < 0 else found_at
    rest = text[offset:]
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        offset, rest = len(text.rstrip()), ""
    for trap in (_hash, _dollar, _power, _equals, _ampersand, _grouped_digits, _unit):
        found = trap(text, offset, rest)
        if found:
            return found
    accepts = getattr(error, "accepts", None) or getattr(error, "allowed", None) or set()
    names = [_TERMS[t] for t in _ORDER if t in accepts]
    expected = " or ".join(names[:4])
    if not rest:
        return ExpressionError("the expression ends too early", offset, expected)
    word = re.match(r"[A-Za-z0-9_.]+|\S", rest)
    return ExpressionError(f"'{word.group() if word else rest[:1]}' does not belong here", offset, expected)


def _hash(text: str, offset: int, rest: str) -> ExpressionError | None:
    return (
        ExpressionError("'#' is no part of the language", offset, "a lane number without '#'")
        if rest[:1] == "#"
        else None
    )


def _dollar(text: str, offset: int, rest: str) -> ExpressionError | None:
    found = re.match(r"\$\{?\s*([A-Za-z]\w*)?", rest)
    if not found:
        return None
    name = found.group(1) or "name"
    return ExpressionError("a parameter is written with a plain dollar sign", offset, f"${name}", f"${name}")


def _power(text: str, offset: int, rest: str) -> ExpressionError | None:
    stars = "**" in (rest[:2], text[max(offset - 1, 0) : offset + 1])
    return ExpressionError("'**' is no operator here", offset, "^ with a small whole number", "^") if stars else None


def _equals(text: str, offset: int, rest: str) -> ExpressionError | None:
    if re.match(r"=(?!=)", rest):
        return ExpressionError("'=' compares nothing", offset, "== to compare", "==")
    if re.match(r"!(?!=)", rest):
        return ExpressionError("'!' is no operator here", offset, "not", "not")
    return None


def _ampersand(text: str, offset: int, rest: str) -> ExpressionError | None:
    for sign, word in (("&", "and"), ("|", "or"), ("?", "a -> b, and parentheses"), (":", "no ':' in an expression")):
        if rest.startswith(sign):
            return ExpressionError(f"'{sign}' is no operator here", offset, word, word if len(word) < 4 else "")
    return None


def _grouped_digits(text: str, offset: int, rest: str) -> ExpressionError | None:
    found = re.match(r"[0-9][0-9_]*_[0-9_]*", rest)
    if found:
        plain = found.group().replace("_", "")
        return ExpressionError("digits are not grouped by '_'", offset, f"{plain}", plain)
    found = re.match(r"0[xob][0-9A-Fa-f]+", rest)
    if found:
        return ExpressionError("numbers are decimal", offset, "decimal digits")
    if re.match(r"[0-9]{31,}|[0-9]+\.[0-9]{31,}|[0-9.]+[eE][+-]?[0-9]{3,}", rest):
        return ExpressionError("this number has too many digits", offset, "at most 30 digits")
    return None


_KEYWORDS: Final = frozenset({"after", "for", "and", "or", "not", "until", "within", "default", "weights"})


def _unit(text: str, offset: int, rest: str) -> ExpressionError | None:
    before = re.search(r"[0-9.)]\s*$", text[:offset])
    word = re.match(r"[A-Za-zµ][A-Za-z0-9_^]*(/[A-Za-z0-9_^]+)*|1/[A-Za-z][A-Za-z0-9_^]*", rest)
    if not before or not word or word.group() in _KEYWORDS:
        return None
    name = word.group()
    if re.search(r"(^|[^0-9.])0$", text[:offset]) and name[0] in "xXoObB":
        return ExpressionError("numbers are decimal", offset - 1, "decimal digits")
    close = FOREIGN.get(name) or FOREIGN.get(name.lower()) or nearest(name, UNITS)
    return ExpressionError(f"no unit is called '{name}'", offset, "a listed unit: " + " ".join(UNITS), close or "")


class _Builder(Transformer):  # type: ignore[type-arg]
    """Builds the tree while the parser reduces, so that no recursion depends on the input."""

    def value(self, c: list[Any]) -> Any:
        return c[0]

    def draw(self, c: list[Any]) -> Draw:
        dist, *args, unit, weights, within, default = c
        return _draw(dist, args, unit, weights, within, default)

    def weights(self, c: list[Any]) -> tuple[Expr, ...]:
        return tuple(c)

    def within(self, c: list[Any]) -> tuple[Expr, Expr]:
        return (c[0], c[1])

    def default(self, c: list[Any]) -> Expr:
        return cast(Expr, c[0])

    def threshold(self, c: list[Any]) -> Any:
        return str(c[0]), str(c[1]), c[2]

    def formula(self, c: list[Any]) -> Any:
        return None, None, c[0]

    def implies(self, c: list[Any]) -> Expr:
        return Binary("->", c[0], c[1], c[0].pos)

    def until(self, c: list[Any]) -> Expr:
        if len(c) == 1:
            return cast(Expr, c[0])
        return Until(c[0], c[2], c[1], c[0].pos)

    def either(self, c: list[Any]) -> Expr:
        return _chain("or", c)

    def both(self, c: list[Any]) -> Expr:
        return _chain("and", c)

    def negation(self, c: list[Any]) -> Expr:
        return Unary("not", c[1], c[0].start_pos)

    def after(self, c: list[Any]) -> Expr:
        return After(c[0], c[1], c[0].pos)

    def held(self, c: list[Any]) -> Expr:
        return Held(c[0], c[1], c[0].pos)

    def compare(self, c: list[Any]) -> Expr:
        ops = cast("tuple[CompareOp, ...]", tuple(str(t) for t in c[1::2]))
        return Compare(tuple(c[::2]), ops, c[0].pos)

    def sum(self, c: list[Any]) -> Expr:
        return _operators(c)

    def product(self, c: list[Any]) -> Expr:
        return _operators(c)

    def sign(self, c: list[Any]) -> Expr:
        if c[0] == "+":
            raise ExpressionError("a leading '+' means nothing", c[0].start_pos, "the number alone")
        return Unary("-", c[1], c[0].start_pos)

    def power(self, c: list[Any]) -> Expr:
        return Binary("^", c[0], c[1], c[0].pos)

    def number(self, c: list[Any]) -> Expr:
        return quantity(str(c[0]), None if c[1] is None else str(c[1]), c[0].start_pos)

    def clock(self, c: list[Any]) -> Expr:
        hours, minutes, seconds = ([int(p) for p in c[0].split(":")] + [0])[:3]
        if hours > 24 or minutes > 59 or seconds > 59:
            raise ExpressionError("no such time of day", c[0].start_pos, "hours:minutes, from 0:00 to 24:00")
        whole = hours * 3600 + minutes * 60 + seconds
        return Number(float(whole), "s", whole * 1_000_000_000, c[0].start_pos)

    def string(self, c: list[Any]) -> Expr:
        return Text(c[0][1:-1], c[0].start_pos)

    def parameter(self, c: list[Any]) -> Expr:
        return Parameter(c[0][1:], c[0].start_pos)

    def truth(self, c: list[Any]) -> Expr:
        return Flag(c[0] == "true", c[0].start_pos)

    def temporal(self, c: list[Any]) -> Expr:
        return Temporal(str(c[0]), c[1], c[2], c[0].start_pos)  # type: ignore[arg-type]

    def window(self, c: list[Any]) -> tuple[Expr, Expr]:
        return (c[0], c[1])

    def args(self, c: list[Any]) -> tuple[Expr, ...]:
        return tuple(a for a in c if a is not None)

    def suffix(self, c: list[Any]) -> Token:
        return cast(Token, c[0])

    def signal(self, c: list[Any]) -> Expr:
        *names, args, suffix = c
        return Signal(tuple(str(n) for n in names), args, None if suffix is None else str(suffix), names[0].start_pos)


def _operators(c: list[Any]) -> Expr:
    tree: Expr = c[0]
    for op, right in zip(c[1::2], c[2::2]):
        tree = Binary(str(op), tree, right, tree.pos)  # type: ignore[arg-type]
    return tree


def _chain(op: str, c: list[Any]) -> Expr:
    tree: Expr = c[0]
    for right in c[1:]:
        tree = Binary(op, tree, right, tree.pos)  # type: ignore[arg-type]
    return tree


_UNITLESS_FROM: Final = {"lognormal": 1, "pareto": 1, "beta": 0}


def _draw(
    dist: Token,
    args: list[Expr],
    unit: Token | None,
    weights: tuple[Expr, ...] | None,
    within: tuple[Expr, Expr] | None,
    default: Expr | None,
) -> Draw:
    name = str(dist)
    pos = cast(int, dist.start_pos)
    least, most = DRAW_ARGUMENTS[name]
    if not least <= len(args) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise ExpressionError(f"'{name}' takes {wanted} argument(s), got {len(args)}", pos, DISTRIBUTIONS[name])
    if weights is not None:
        if name != "choice":
            raise ExpressionError("only a choice has weights", pos, "choice(a, b) weights (2, 1)")
        if len(weights) != len(args):
            raise ExpressionError(f"{len(weights)} weights for {len(args)} choices", pos, f"{len(args)} weights")
    if unit is not None:
        dimensioned = _UNITLESS_FROM.get(name, len(args)) if name != "csv" else 0
        args = [_with_unit(a, str(unit)) if i < dimensioned else a for i, a in enumerate(args)]
    return Draw(name, tuple(args), None if unit is None else str(unit), weights, within, default, pos)


def _with_unit(arg: Expr, unit: str) -> Expr:
    if isinstance(arg, Unary) and arg.op == "-":
        return Unary("-", _with_unit(arg.operand, unit), arg.pos)
    if not isinstance(arg, Number) or arg.dimension is not None:
        raise ExpressionError("a unit after the bracket wants plain numbers inside", arg.pos, "numbers without a unit")
    return quantity(repr(arg.value), unit, arg.pos)
