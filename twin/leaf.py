"""A value as an author wrote it: its text, its place in the file, and the expression that it spells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twin.authored import AuthoredError, Node, Problem
from twin.errors import ExpressionError
from twin.expression import duration_ns, fold, parse_criterion, scalar
from twin.folding import to_ns
from twin.syntax import Criterion, Draw, Expr, Flag, Number, Signal, Text
from twin.units import describe
from twin.vocabulary import fits

Values = Mapping[str, Expr]


@dataclass(frozen=True, slots=True)
class Of:
    """What may stand in a field: dimensions, and the enum words allowed there (any word when `words` is empty)."""

    dimensions: tuple[str, ...]
    words: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """Say it to a person."""
        named = [describe(d) for d in self.dimensions if d != "text" or not self.words]
        return " or ".join([*self.words, *named])


class Word(str):
    """A name or prose in a file; a plain string that knows its place. `$x` in a name is replaced by `of(values)`."""

    __slots__ = ("node",)
    node: Node

    @staticmethod
    def at(node: Node) -> Word:
        """Return the text of a node as a word."""
        word = Word(node.text)
        word.node = node
        return word

    def problem(self, message: str, expected: str = "", suggestion: str = "") -> Problem:
        """Return a problem at this word."""
        return self.node.problem(message, expected, suggestion)

    def error(self, message: str, expected: str = "", suggestion: str = "") -> AuthoredError:
        """Return an error to raise at this word."""
        return AuthoredError([self.problem(message, expected, suggestion)])

    def of(self, values: Values) -> str:
        """Return the name, with `$x` replaced by the chosen word. Raises AuthoredError."""
        if not self.startswith("$"):
            return str(self)
        value = values.get(self[1:])
        word = _word(value) if value is not None else None
        if word is None:
            raise self.error(f"no parameter '{self}' holds a word", "a parameter drawn by choice(a, b)")
        return word


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """What an author wrote at a place of a file, and how problems there are told."""

    node: Node

    @property
    def text(self) -> str:
        """Return what was written."""
        return self.node.text

    def problem(self, message: str, expected: str = "", suggestion: str = "", offset: int | None = None) -> Problem:
        """Return a problem at this value, or at a character of it."""
        return self.node.problem(message, expected, suggestion, offset)

    def error(self, message: str, expected: str = "", suggestion: str = "", offset: int | None = None) -> AuthoredError:
        """Return an error to raise at this value."""
        return AuthoredError([self.problem(message, expected, suggestion, offset)])

    def misfit(self, error: ExpressionError) -> Problem:
        """Return what is wrong inside the expression as a problem of its file."""
        return located(self.node, error).problems[0]


@dataclass(frozen=True, slots=True, eq=False)
class Leaf(Placed):
    """An expression in a file. Everything that folds it raises AuthoredError at its place."""

    expr: Expr
    of: Of
    sound: bool = True  # False: its text could not be read; the problem is told elsewhere

    def fold(self, values: Values) -> Expr:
        """Return the expression with parameters put in and constants computed."""
        try:
            return fold(self.expr, values)
        except ExpressionError as error:
            raise located(self.node, error) from error

    def number(self, values: Values, dimension: str | None = None) -> float:
        """Return the value in SI; `dimension` defaults to the field's first."""
        try:
            return scalar(fold(self.expr, values), dimension or self.of.dimensions[0])
        except ExpressionError as error:
            raise located(self.node, error) from error

    def quantity(self, values: Values) -> Number:
        """Return the value with its dimension, where a field takes several (`over: 3 s` or `over: 30 m`)."""
        folded = self.fold(values)
        if not isinstance(folded, Number):
            raise self.error("this is not known before the run", self.of.expected)
        if not any(fits(folded, folded.dimension or "1", d) for d in self.of.dimensions):
            got = describe(folded.dimension or "1") if folded.dimension else "a number without a unit"
            raise self.error(f"this is {got}", self.of.expected)
        return folded

    def duration_ns(self, values: Values) -> int:
        """Return a duration in integer nanoseconds, exact from its digits."""
        try:
            return duration_ns(fold(self.expr, values))
        except ExpressionError as error:
            raise located(self.node, error) from error

    def integer(self, values: Values, least: int = 0) -> int:
        """Return a whole number, at least `least`."""
        value = self.number(values, "1")
        if not value.is_integer() or value < least:
            raise self.error(f"{value:g} does not fit", f"a whole number from {least}")
        return int(value)

    def flag(self, values: Values) -> bool:
        """Return true or false."""
        folded = self.fold(values)
        if not isinstance(folded, Flag):
            raise self.error("this is not known before the run", "true or false")
        return folded.value

    def word(self, values: Values) -> str:
        """Return an enum word or a name."""
        word = _word(self.fold(values))
        if word is None:
            raise self.error("this is not a word", self.of.expected)
        return word


@dataclass(frozen=True, slots=True, eq=False)
class ValueLeaf(Placed):
    """The value of a parameter: a draw or a constant."""

    value: Draw | Expr
    sound: bool = True  # False: its text could not be read; the problem is told elsewhere


@dataclass(frozen=True, slots=True, eq=False)
class CriterionLeaf(Placed):
    """One line of `criteria:`, split into aggregate, operator and limit, or a formula."""

    aggregate: str | None
    op: str | None
    body: Expr
    sound: bool = True  # False: its text could not be read; the problem is told elsewhere

    def criterion(self, name: str, values: Values) -> Criterion:
        """Return the criterion with parameters put in."""
        try:
            return parse_criterion(name, self.text, values)
        except ExpressionError as error:
            raise located(self.node, error) from error


def located(node: Node, error: ExpressionError) -> AuthoredError:
    """Return an expression's error as a problem of its file."""
    return AuthoredError([node.problem(error.message, error.expected, error.suggestion, error.offset)])


def value_of(value: float | str, dimension: str) -> Expr:
    """Return a chosen value as an expression: SI number of a dimension, or a word."""
    if isinstance(value, str):
        return Signal((value,)) if value.isidentifier() else Text(value)
    t_ns = to_ns(value) if dimension == "s" else None
    return Number(value, None if dimension in ("1", "any") else dimension, t_ns)


def _word(value: Expr) -> str | None:
    if isinstance(value, Text):
        return value.value
    if isinstance(value, Signal) and value.args is None:
        return ".".join(value.path)
    return None
