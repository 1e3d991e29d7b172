"""The distribution of one parameter: quantiles, log density, grid values and nominal value.

All draws are given by their inverse distribution function, so that any design in the unit cube becomes values. `within`
truncates and renormalises: x = Q(F(a) + u (F(b) - F(a))), density f(x) / (F(b) - F(a)).
Formulas: Johnson, Kotz, Balakrishnan, "Continuous univariate distributions", 2nd ed.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scipy import special

from twin.errors import ExpressionError, nearest
from twin.expression import quantity
from twin.folding import fold
from twin.leaf import ValueLeaf, located
from twin.syntax import Draw, Expr, Flag, Number, Parameter, Signal, Text
from twin.units import UNITS, describe
from twin.vocabulary import is_zero

MAX_STEPS: Final = 100_000
_CSV_BYTES: Final = 1 << 24
_LEAST_MASS: Final = 1e-12

Value = float | str


@dataclass(frozen=True, slots=True)
class Law:
    """A continuous distribution by its three functions."""

    quantile: Callable[[float], float]
    cumulative: Callable[[float], float]
    log_density: Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Marginal:
    """One parameter (or table of joint columns). Discrete when `choices` is not empty, else `law` between low and high.

    Each choice is a tuple with one value per name.
    """

    names: tuple[str, ...]
    dimension: str
    nominal: tuple[Value, ...]
    choices: tuple[tuple[Value, ...], ...] = ()
    probabilities: tuple[float, ...] = ()
    law: Law | None = None
    low: float = -math.inf
    high: float = math.inf
    fixed: bool = False

    @property
    def discrete(self) -> bool:
        """Tell whether the values can be listed."""
        return bool(self.choices)

    def at(self, u: float) -> tuple[tuple[Value, ...], float]:
        """Return the value at quantile u of [0, 1) and its log density (log probability when discrete)."""
        if self.discrete:
            total = 0.0
            for choice, p in zip(self.choices, self.probabilities):
                total += p
                if u < total:
                    return choice, math.log(p)
            last = max(i for i, p in enumerate(self.probabilities) if p > 0.0)
            return self.choices[last], math.log(self.probabilities[last])
        assert self.law is not None
        below, mass = self._mass()
        x = self.law.quantile(min(max(below + u * mass, 0.0), 1.0))
        x = min(max(x, self.low), self.high)
        return (x,), self.law.log_density(x) - math.log(mass)

    def _mass(self) -> tuple[float, float]:
        assert self.law is not None
        below = self.law.cumulative(self.low) if self.low > -math.inf else 0.0
        above = self.law.cumulative(self.high) if self.high < math.inf else 1.0
        return below, above - below


def marginal_of(name: str, leaf: ValueLeaf, folder: Path | None = None) -> Marginal:
    """Return the distribution of one parameter. Raises AuthoredError at what is impossible about it."""
    try:
        return _marginal(name, leaf.value, folder)
    except ExpressionError as error:
        raise located(leaf.node, error) from error


def joint(names: tuple[str, ...], rows: tuple[tuple[Value, ...], ...], dimension: str = "any") -> Marginal:
    """Return the distribution of values that are chosen jointly, each row as likely as the others."""
    share = 1.0 / len(rows)
    return Marginal(names, dimension, rows[0], rows, tuple(share for _ in rows))


def constant_of(value: Expr) -> tuple[Value, str]:
    """Return a constant and its dimension ("text" for words). Raises ExpressionError for anything else."""
    folded = value if isinstance(value, Parameter) else fold(value, {})
    if isinstance(folded, Number):
        return folded.value, "zero" if is_zero(folded) else folded.dimension or "1"
    if isinstance(folded, Text):
        return folded.value, "text"
    if isinstance(folded, Signal) and folded.args is None:
        return ".".join(folded.path), "text"
    if isinstance(folded, Flag):
        return "true" if folded.value else "false", "text"
    raise ExpressionError(
        "this is not known before the run", value.pos, "a constant; what depends on others is derived:"
    )


def _marginal(name: str, value: Draw | Expr, folder: Path | None) -> Marginal:
    if not isinstance(value, Draw):
        constant, dimension = constant_of(value)
        choice = (constant,)
        return Marginal((name,), _plain(dimension), choice, (choice,), (1.0,), fixed=True)
    if value.dist in ("choice", "steps", "csv"):
        return _listed(name, value, folder)
    return _continuous(name, value)


def _plain(dimension: str) -> str:
    return "1" if dimension == "zero" else dimension


def _numbers(draw: Draw, args: tuple[Expr, ...]) -> tuple[list[Number], str]:
    out: list[Number] = []
    dimension = "zero"
    for arg in args:
        folded = arg if isinstance(arg, Parameter) else fold(arg, {})
        if not isinstance(folded, Number):
            raise ExpressionError("a draw takes constants", arg.pos, "a quantity; what depends on others is derived:")
        own = "zero" if is_zero(folded) else folded.dimension or "1"
        if dimension == "zero":
            dimension = own
        elif own not in (dimension, "zero"):
            raise ExpressionError(f"this is {describe(own)}", arg.pos, describe(dimension))
        out.append(folded)
    return out, _plain(dimension)


def _bounds(draw: Draw, dimension: str) -> tuple[float, float]:
    if draw.within is None:
        return -math.inf, math.inf
    (low, high), own = _numbers(draw, draw.within)
    if own != dimension and not (is_zero(low) and is_zero(high)):
        raise ExpressionError(f"this is {describe(own)}", draw.within[0].pos, describe(dimension))
    if not low.value < high.value:
        raise ExpressionError("nothing lies within these bounds", draw.within[0].pos, "the smaller bound first")
    return low.value, high.value


def _default(draw: Draw, dimension: str, low: float, high: float) -> float | None:
    if draw.default is None:
        return None
    (number,), own = _numbers(draw, (draw.default,))
    if own != dimension and not is_zero(number):
        raise ExpressionError(f"this is {describe(own)}", draw.default.pos, describe(dimension))
    if not low <= number.value <= high:
        raise ExpressionError("the default lies outside the bounds", draw.default.pos, "a value that can be drawn")
    return number.value


def _continuous(name: str, draw: Draw) -> Marginal:
    law, dimension, low, high = _law(draw)
    bound_low, bound_high = _bounds(draw, dimension)
    low, high = max(low, bound_low), min(high, bound_high)
    marginal = Marginal((name,), dimension, (), law=law, low=low, high=high)
    if not low < high or not marginal._mass()[1] > _LEAST_MASS:
        raise ExpressionError("nothing can be drawn within these bounds", _pos(draw), "bounds around likely values")
    default = _default(draw, dimension, low, high)
    nominal = (default,) if default is not None else marginal.at(0.5)[0]
    return Marginal((name,), dimension, nominal, law=law, low=low, high=high)


def _pos(draw: Draw) -> int:
    return draw.within[0].pos if draw.within else draw.pos


def _law(draw: Draw) -> tuple[Law, str, float, float]:
    split = {"lognormal": 1, "pareto": 1, "beta": 0}.get(draw.dist, len(draw.args))
    with_unit, dimension = _numbers(draw, draw.args[:split])
    shapes, kind = _numbers(draw, draw.args[split:])
    if kind != "1":
        raise ExpressionError(f"this is {describe(kind)}", draw.args[split].pos, describe("1"))
    a = [n.value for n in (*with_unit, *shapes)]
    at = [arg.pos for arg in draw.args]
    match draw.dist:
        case "uniform":
            _ordered(a[0], a[1], at[1])
            return _uniform(a[0], a[1]), dimension, a[0], a[1]
        case "normal":
            _positive(a[1], at[1], "standard deviation")
            return _normal(a[0], a[1]), dimension, -math.inf, math.inf
        case "lognormal":
            _positive(a[0], at[0], "median")
            _positive(a[1], at[1], "sigma")
            return _lognormal(a[0], a[1]), dimension, 0.0, math.inf
        case "pareto":
            _positive(a[0], at[0], "scale")
            _positive(a[1], at[1], "alpha")
            return _pareto(a[0], a[1]), dimension, a[0], math.inf
        case "exponential":
            _positive(a[0], at[0], "mean")
            return _exponential(a[0]), dimension, 0.0, math.inf
        case "triangular":
            _ordered(a[0], a[2], at[2])
            if not a[0] <= a[1] <= a[2]:
                raise ExpressionError("the mode lies outside", at[1], "triangular(least, mode, most)")
            return _triangular(a[0], a[1], a[2]), dimension, a[0], a[2]
        case _:
            _positive(a[0], at[0], "a")
            _positive(a[1], at[1], "b")
            factor, unit_dimension = UNITS[draw.unit] if draw.unit else (1.0, "1")
            return _beta(a[0], a[1], float(factor)), unit_dimension, 0.0, float(factor)


def _ordered(low: float, high: float, pos: int) -> None:
    if not low < high:
        raise ExpressionError("this range is empty", pos, "the smaller bound first")


def _positive(value: float, pos: int, what: str) -> None:
    if not value > 0.0:
        raise ExpressionError(f"the {what} must be above 0", pos, "a positive value")


def _log(x: float) -> float:
    return math.log(x) if x > 0.0 else -math.inf


def _uniform(a: float, b: float) -> Law:
    return Law(
        lambda u: a + u * (b - a),
        lambda x: min(max((x - a) / (b - a), 0.0), 1.0),
        lambda x: -math.log(b - a) if a <= x <= b else -math.inf,
    )


def _normal(mean: float, sd: float) -> Law:
    return Law(
        lambda u: mean + sd * float(special.ndtri(u)),
        lambda x: float(special.ndtr((x - mean) / sd)),
        lambda x: -0.5 * ((x - mean) / sd) ** 2 - math.log(sd) - 0.5 * math.log(2.0 * math.pi),
    )


def _lognormal(median: float, sigma: float) -> Law:
    inner = _normal(math.log(median), sigma)
    return Law(
        lambda u: math.exp(inner.quantile(u)) if u > 0.0 else 0.0,
        lambda x: inner.cumulative(math.log(x)) if x > 0.0 else 0.0,
        lambda x: inner.log_density(math.log(x)) - math.log(x) if x > 0.0 else -math.inf,
    )


def _pareto(scale: float, alpha: float) -> Law:
    return Law(
        lambda u: scale * (1.0 - u) ** (-1.0 / alpha) if u < 1.0 else math.inf,
        lambda x: 1.0 - (scale / x) ** alpha if x > scale else 0.0,
        lambda x: math.log(alpha) + alpha * math.log(scale) - (alpha + 1.0) * math.log(x) if x >= scale else -math.inf,
    )


def _exponential(mean: float) -> Law:
    return Law(
        lambda u: -mean * math.log1p(-u) if u < 1.0 else math.inf,
        lambda x: -math.expm1(-x / mean) if x > 0.0 else 0.0,
        lambda x: -x / mean - math.log(mean) if x >= 0.0 else -math.inf,
    )


def _triangular(a: float, mode: float, b: float) -> Law:
    width = b - a
    split = (mode - a) / width

    def quantile(u: float) -> float:
        if u <= split:
            return a + math.sqrt(u * width * (mode - a))
        return b - math.sqrt((1.0 - u) * width * (b - mode))

    def cumulative(x: float) -> float:
        if x <= a:
            return 0.0
        if x >= b:
            return 1.0
        return (
            (x - a) ** 2 / (width * (mode - a)) if x <= mode and mode > a else 1.0 - (b - x) ** 2 / (width * (b - mode))
        )

    def log_density(x: float) -> float:
        if not a <= x <= b:
            return -math.inf
        if x < mode:
            return _log(2.0 * (x - a) / (width * (mode - a)))
        return _log(2.0 * (b - x) / (width * (b - mode))) if mode < b else _log(2.0 * (x - a) / (width * (mode - a)))

    return Law(quantile, cumulative, log_density)


def _beta(a: float, b: float, factor: float) -> Law:
    return Law(
        lambda u: factor * float(special.betaincinv(a, b, u)),
        lambda x: float(special.betainc(a, b, min(max(x / factor, 0.0), 1.0))),
        lambda x: (
            float(special.xlogy(a - 1.0, x / factor) + special.xlog1py(b - 1.0, -x / factor) - special.betaln(a, b))
            - math.log(factor)
        ),
    )


def _listed(name: str, draw: Draw, folder: Path | None) -> Marginal:
    if draw.dist == "csv":
        values, dimension = _column(draw, folder)
    elif draw.dist == "steps":
        values, dimension = _steps(draw)
    else:
        values, dimension = _choices(draw)
    weights = _weights(draw, len(values))
    if draw.within is not None:
        low, high = _bounds(draw, dimension)
        kept = [(v, w) for v, w in zip(values, weights) if isinstance(v, float) and low <= v <= high]
        values, weights = [v for v, _ in kept], [w for _, w in kept]
    total = sum(weights)
    if not values or not total > 0.0:
        raise ExpressionError("nothing can be drawn within these bounds", _pos(draw), "bounds around listed values")
    nominal = _listed_default(draw, values, dimension)
    return Marginal((name,), dimension, (nominal,), tuple((v,) for v in values), tuple(w / total for w in weights))


def _listed_default(draw: Draw, values: list[Value], dimension: str) -> Value:
    if draw.default is None:
        return values[0] if draw.dist == "choice" else values[(len(values) - 1) // 2]
    default, own = constant_of(draw.default)
    close = [v for v in values if v == default or _near(v, default)]
    if not close or (own != dimension and own != "zero"):
        shown = [v for v in values if isinstance(v, str)]
        close_word = nearest(default, shown) if isinstance(default, str) else None
        raise ExpressionError("the default is not among the values", draw.default.pos, "one of them", close_word or "")
    return close[0]


def _near(a: Value, b: Value) -> bool:
    return isinstance(a, float) and isinstance(b, float) and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def _choices(draw: Draw) -> tuple[list[Value], str]:
    pairs = [constant_of(a) for a in draw.args]
    kinds = [k for _, k in pairs if k != "zero"] or ["1"]
    for (_, kind), arg in zip(pairs, draw.args):
        if kind not in (kinds[0], "zero"):
            raise ExpressionError(f"this is {describe(kind)}", arg.pos, describe(kinds[0]))
    values = [v for v, _ in pairs]
    for i, value in enumerate(values):
        if value in values[:i]:
            raise ExpressionError("this choice is listed twice", draw.args[i].pos, "each choice once; weights for more")
    return values, kinds[0]


def _steps(draw: Draw) -> tuple[list[Value], str]:
    (first, last, step), dimension = _numbers(draw, draw.args)
    if not step.value > 0.0:
        raise ExpressionError("the step must be above 0", draw.args[2].pos, "a positive step")
    if last.value < first.value:
        raise ExpressionError("this range is empty", draw.args[1].pos, "the smaller bound first")
    ratio = (last.value - first.value) / step.value
    if ratio > MAX_STEPS:
        raise ExpressionError(f"more than {MAX_STEPS} steps", draw.args[2].pos, "a larger step")
    count = round(ratio)
    if abs(ratio - count) > 1e-6:
        raise ExpressionError(
            "the last step misses the end", draw.args[1].pos, "an end that is a whole number of steps away"
        )
    a, d = first.exact, step.exact
    if a is not None and d is not None:
        return [float(a + i * d) for i in range(count + 1)], dimension
    return [first.value + i * step.value for i in range(count + 1)], dimension


def _weights(draw: Draw, count: int) -> list[float]:
    if draw.weights is None:
        return [1.0] * count
    numbers, kind = _numbers(draw, draw.weights)
    if kind != "1" or any(n.value < 0.0 for n in numbers) or not sum(n.value for n in numbers) > 0.0:
        raise ExpressionError("weights must be plain numbers from 0, not all 0", draw.weights[0].pos, "weights (2, 1)")
    return [n.value for n in numbers]


def _column(draw: Draw, folder: Path | None) -> tuple[list[Value], str]:
    file, column = draw.args
    if not (isinstance(file, Text) and isinstance(column, Text)):
        raise ExpressionError("csv wants two quoted texts", draw.pos, 'csv("file.csv", "column") km/h')
    dimension = UNITS[draw.unit][1] if draw.unit else "1"
    path = (folder or Path()) / file.value
    try:
        if path.stat().st_size > _CSV_BYTES:
            raise ExpressionError("this file is too large", file.pos, f"at most {_CSV_BYTES >> 20} MiB")
        with open(path, newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            if column.value not in (reader.fieldnames or ()):
                known = list(reader.fieldnames or ())
                raise ExpressionError(
                    f"no column is called '{column.value}'",
                    column.pos,
                    ", ".join(known),
                    nearest(column.value, known) or "",
                )
            cells = [row[column.value] for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise ExpressionError(f"'{file.value}' cannot be read", file.pos, "a CSV file beside the scenario") from error
    values: list[Value] = []
    for line, cell in enumerate(cells, 2):
        text = (cell or "").strip()
        try:
            sign = -1.0 if text.startswith("-") else 1.0
            values.append(sign * quantity(str(abs(float(text))), draw.unit).value)
        except (ValueError, ArithmeticError, ExpressionError) as error:
            raise ExpressionError(f"line {line} of '{file.value}' is no number", file.pos, "numbers only") from error
    if not values:
        raise ExpressionError(f"'{file.value}' has no rows", file.pos, "at least one row")
    return values, dimension
