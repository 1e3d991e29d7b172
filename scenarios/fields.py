"""How authored nodes become fields: the base of every model of the language, and its leaf types.

A map arrives as `Mapped`, a list as `Listed`, text as its `Node`; so every problem keeps its place and every model can
point at what it was read from. Reading goes on past what is wrong: the problem is noted in the validation context (a
list), and a stand-in that stands nowhere takes the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PrivateAttr,
    ValidationInfo,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from twin.authored import AuthoredError, Kind, Node, Problem, Source
from twin.errors import ExpressionError, nearest
from twin.expression import parse_expr, parse_threshold, parse_value
from twin.leaf import CriterionLeaf, Leaf, Of, ValueLeaf, Word, located
from twin.syntax import Number

SCALAR: Final = ["string", "number", "boolean"]


NOWHERE: Final = 0
"""The line of a stand-in. What is found wrong at one is an echo of a problem that is already told."""


class Mapped(dict[str, Any]):
    """A map of an authored file; `model` is the class that last read it."""

    node: Node
    model: type[Model] | None = None

    @staticmethod
    def at(node: Node, entries: Mapping[str, Any]) -> Mapped:
        """Return entries as the map that stands at a node."""
        out = Mapped(entries)
        out.node = node
        return out


class Listed(list[Any]):
    """A list of an authored file."""

    node: Node

    @staticmethod
    def at(node: Node, items: Iterable[Any]) -> Listed:
        """Return items as the list that stands at a node."""
        out = Listed(items)
        out.node = node
        return out


def tree(node: Node) -> Any:
    """Return a node as what models read: Mapped, Listed, or the text node itself."""
    if node.kind == "list":
        return Listed.at(node, map(tree, node.items))
    if node.kind == "map":
        return Mapped.at(node, {key: tree(value) for key, (_, value) in node.entries.items()})
    return node


def node_of(value: Any) -> Node:
    """Return where a piece of a tree stands."""
    node: Node = value if isinstance(value, Node) else value.node
    return node


def stand_in(kind: Kind = "text") -> Any:
    """Return a piece of a tree that stands nowhere, in place of one that is missing or cannot be read."""
    return tree(Node(kind, Source("", ()), NOWHERE, 0, NOWHERE, 0))


def fault(message: str, expected: str = "", suggestion: str = "", offset: int | None = None) -> PydanticCustomError:
    """Return an error of one field in the words of the language."""
    context = {"message": message, "expected": expected, "suggestion": suggestion, "offset": offset}
    return PydanticCustomError("authored", "{message}", context)


class Model(BaseModel):
    """A frozen map of the language. `alternatives` lists groups of keys of which exactly one must be there."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, serialize_by_alias=True)

    alternatives: ClassVar[tuple[tuple[str, ...], ...]] = ()
    at_most_one: ClassVar[tuple[tuple[str, ...], ...]] = ()
    short: ClassVar[str | None] = None

    _node: Node | None = PrivateAttr(default=None)
    _order: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="wrap")
    @classmethod
    def _remember(cls, data: Any, handler: Callable[[Any], Self], info: ValidationInfo[Any]) -> Self:
        if isinstance(data, Node):
            data = cls._from_text(data)
        if not isinstance(data, Mapped):
            raise fault("a list cannot stand here", "a map: key: value")
        data.model = cls
        for keys in cls.alternatives:
            info.context.extend(_count_of(data, keys, least=1))
        for keys in cls.at_most_one:
            info.context.extend(_count_of(data, keys, least=0))
        self = handler(data)
        self._node = data.node
        self._order = tuple(data)
        return self

    @classmethod
    def _from_text(cls, node: Node) -> Mapped:
        if cls.short is None:
            found = f"'{node.text}'" if node.text else "nothing"
            raise fault(f"{found} stands where a map is due", "a map: " + ", ".join(keys_of(cls)))
        return Mapped.at(node, {cls.short: node})

    @property
    def node(self) -> Node:
        """Return where this was written."""
        assert self._node is not None
        return self._node

    @property
    def written(self) -> tuple[str, ...]:
        """Return the keys in the order of the file."""
        return self._order

    def problem(self, message: str, expected: str = "", suggestion: str = "", key: str | None = None) -> Problem:
        """Return a problem at this map, or at one of its keys."""
        node = (self.node.key(key) if key else None) or self.node
        return node.problem(message, expected, suggestion)

    def error(self, message: str, expected: str = "", suggestion: str = "", key: str | None = None) -> AuthoredError:
        """Return an error to raise at this map, or at one of its keys."""
        return AuthoredError([self.problem(message, expected, suggestion, key)])


def keys_of(model: type[Model]) -> list[str]:
    """Return the keys that a model knows, in its order."""
    return [f.alias or name for name, f in model.model_fields.items()]


def _count_of(data: Mapped, keys: tuple[str, ...], least: int) -> Iterator[Problem]:
    there = [k for k in keys if k in data]
    if len(there) > 1:
        yield data.node.problem(f"'{there[0]}' and '{there[1]}' exclude each other", "one of " + ", ".join(keys))
    if len(there) < least:
        yield data.node.problem("one key is missing", "one of " + ", ".join(keys))


class _Reads:
    """A leaf type: how it is read from a node, and what an editor is told about it."""

    def __init__(
        self, read: Callable[[Node], Any], blank: Callable[[Node], Any], description: str, words: tuple[str, ...] = ()
    ) -> None:
        self._read = read
        self._blank = blank
        self._description = description
        self._words = words

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        out: JsonSchemaValue = {"type": SCALAR, "description": self._description}
        return {**out, "examples": list(self._words)} if self._words else out

    def _validate(self, value: Any, info: ValidationInfo[Any]) -> Any:
        problem = self._unwritten(value)
        if problem is None:
            try:
                return self._read(value)
            except ExpressionError as error:
                problem = located(value, error).problems[0]
        info.context.append(problem)
        return self._blank(stand_in())

    def _unwritten(self, value: Any) -> Problem | None:
        if not isinstance(value, Node):
            kind = "list" if isinstance(value, list) else "map"
            return node_of(value).problem(f"a {kind} cannot stand here", self._description)
        if value.text.strip() == "":
            return value.problem("nothing is written here", self._description)
        return None


def _leaf(*dimensions: str, words: tuple[str, ...] = ()) -> _Reads:
    of = Of(dimensions, words)

    def read(node: Node) -> Leaf:
        return Leaf(node, parse_expr(node.text), of)

    def blank(node: Node) -> Leaf:
        return Leaf(node, _NOTHING, of, sound=False)

    return _Reads(read, blank, of.expected, words)


def _word(what: str, words: tuple[str, ...] = ()) -> _Reads:
    def read(node: Node) -> Word:
        if words and not node.text.startswith("$") and node.text not in words:
            close = nearest(node.text, words) or ""
            raise ExpressionError(f"'{node.text}' is no {what}", None, "one of " + ", ".join(words), close)
        return Word.at(node)

    return _Reads(read, Word.at, what, words)


def _read_value(node: Node) -> ValueLeaf:
    return ValueLeaf(node, parse_value(node.text))


def _no_value(node: Node) -> ValueLeaf:
    return ValueLeaf(node, _NOTHING, sound=False)


def _read_criterion(node: Node) -> CriterionLeaf:
    return CriterionLeaf(node, *parse_threshold(node.text))


def _no_criterion(node: Node) -> CriterionLeaf:
    return CriterionLeaf(node, None, None, _NOTHING, sound=False)


_NOTHING: Final = Number(0.0, None)

SHAPES: Final = ("linear", "smooth", "cubic")
SIDES: Final = ("left", "right")

Length = Annotated[Leaf, _leaf("m")]
Duration = Annotated[Leaf, _leaf("s")]
LengthOrDuration = Annotated[Leaf, _leaf("s", "m")]
Speed = Annotated[Leaf, _leaf("m/s")]
Accel = Annotated[Leaf, _leaf("m/s^2")]
Jerk = Annotated[Leaf, _leaf("m/s^3")]
Angle = Annotated[Leaf, _leaf("rad")]
Curvature = Annotated[Leaf, _leaf("1/m")]
Ratio = Annotated[Leaf, _leaf("1")]
Rain = Annotated[Leaf, _leaf("mm/h", "1")]
Temperature = Annotated[Leaf, _leaf("K")]
Flagged = Annotated[Leaf, _leaf("bool")]
Condition = Annotated[Leaf, _leaf("bool")]
DurationOrCondition = Annotated[Leaf, _leaf("s", "bool")]
Lane = Annotated[Leaf, _leaf("lane", "text", words=SIDES)]
Times = Annotated[Leaf, _leaf("1", "text", words=("any",))]
Anything = Annotated[Leaf, _leaf("any")]
Value = Annotated[
    ValueLeaf, _Reads(_read_value, _no_value, "a value, a quantity, or a draw: uniform(60 km/h, 130 km/h)")
]
CriterionText = Annotated[CriterionLeaf, _Reads(_read_criterion, _no_criterion, "min >= 1.0 s, true, or a formula")]

Text = Annotated[Word, _word("prose; quote it when it holds ': ' or ' #'")]
Name = Annotated[Word, _word("a name")]
Shape = Annotated[Word, _word("shape", SHAPES)]
Owner = Annotated[Word, _word("owner of an axis", ("driver", "story"))]
IfBusy = Annotated[Word, _word("rule for busy events", ("join", "replace", "skip"))]
Axes = Annotated[Word, _word("kind of axes", ("body", "road", "world"))]
Point = Annotated[Word, _word("point of a vehicle", ("rear_axle", "centre", "front"))]
Turn = Annotated[Word, _word("turn", ("left", "right", "straight", "any"))]
By = Annotated[Word, _word("kind of route", ("shortest", "fastest", "fewest_turns", "random"))]
Find = Annotated[Word, _word("thing to find", ("lane", "junction", "crossing"))]
Lamp = Annotated[Word, _word("lamp", ("off", "green", "yellow", "red", "red_yellow"))]
