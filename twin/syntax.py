"""The tree of an expression, as the one grammar yields it. Every node knows where it stands in its text.

Numbers are SI; a duration also keeps its exact nanoseconds. `twin.expression` parses, checks dimensions and
substitutes; `twin.story` compiles triggers to tables; `reports` evaluates criteria over a run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

CompareOp = Literal["==", "!=", "<=", ">=", "<", ">"]
TemporalOp = Literal["always", "eventually", "historically", "once"]


@dataclass(frozen=True, slots=True)
class Number:
    """A quantity in SI. `dimension` is the SI base string of the unit ("m", "m/s", "rad", "1", ...); None = bare."""

    value: float
    dimension: str | None
    t_ns: int | None = None  # exact, when the dimension is time
    pos: int = 0
    exact: Fraction | None = field(default=None, compare=False, repr=False)  # SI, of a literal as it was written


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string."""

    value: str
    pos: int = 0


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    value: bool
    pos: int = 0


@dataclass(frozen=True, slots=True)
class Parameter:
    """$name"""

    name: str
    pos: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """A bare word, a dotted signal or a function.

    `ego.gap_to(cutter).body` has path ("ego", "gap_to"), args (cutter,) and suffix "body".
    """

    path: tuple[str, ...]
    args: tuple[Expr, ...] | None = None  # None: written without brackets
    suffix: str | None = None
    pos: int = 0


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x` or `not x`."""

    op: Literal["-", "not"]
    operand: Expr
    pos: int = 0


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic, `and`, `or`, `->`."""

    op: Literal["+", "-", "*", "/", "^", "and", "or", "->"]
    left: Expr
    right: Expr
    pos: int = 0


@dataclass(frozen=True, slots=True)
class Compare:
    """A chain: `85 deg < a < 95 deg` has three operands and two operators."""

    operands: tuple[Expr, ...]
    ops: tuple[CompareOp, ...]
    pos: int = 0


@dataclass(frozen=True, slots=True)
class After:
    """`d after x`: the value of x, d ago."""

    delay: Expr
    operand: Expr
    pos: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """`x for d`: true throughout the last d."""

    operand: Expr
    duration: Expr
    pos: int = 0


@dataclass(frozen=True, slots=True)
class Temporal:
    """`always[a, b](x)` and its kin; window None = to the end (or from the start)."""

    op: TemporalOp
    window: tuple[Expr, Expr] | None
    operand: Expr
    pos: int = 0


@dataclass(frozen=True, slots=True)
class Until:
    """`x until[a, b] y`."""

    left: Expr
    right: Expr
    window: tuple[Expr, Expr] | None
    pos: int = 0


Expr = Number | Text | Flag | Parameter | Signal | Unary | Binary | Compare | After | Held | Temporal | Until


@dataclass(frozen=True, slots=True)
class Draw:
    """`uniform(60 km/h, 130 km/h) within (..) default ..`: the value of a parameter before it is drawn."""

    dist: str
    args: tuple[Expr, ...]
    unit: str | None
    weights: tuple[Expr, ...] | None
    within: tuple[Expr, Expr] | None
    default: Expr | None
    pos: int = 0


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of `criteria:`. Either a metric with a threshold on an aggregate, a metric that must hold, or a formula.

    `ttc: min >= 1.0 s` -> metric "ttc", aggregate "min", op ">=", limit; `no_collision: true` -> metric, holds True;
    `response: always(...)` -> formula.
    """

    name: str
    text: str
    metric: str | None = None
    aggregate: str | None = None  # min max mean final count integral p95
    op: CompareOp | None = None
    limit: Number | None = None
    holds: bool | None = None
    formula: Expr | None = None
