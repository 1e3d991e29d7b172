"""How authored nodes become fields: the base of every model of the language, and its leaf types.

A map arrives as `Mapped` (a dict that knows its node), a list as a list, text as its `Node`; so every error keeps its
place and every model can point at what it was read from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, PrivateAttr, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from twin.authored import AuthoredError, Node, Problem
from twin.errors import ExpressionError, nearest
from twin.expression import parse_expr, parse_threshold, parse_value
from twin.leaf import CriterionLeaf, Leaf, Of, ValueLeaf, Word
from twin.syntax import Number

SCALAR: Final = ["string", "number", "boolean"]


class Mapped(dict[str, Any]):
    """A map of an authored file; `model` is the class that last read it."""

    node: Node
    model: type[Model] | None = None


def tree(node: Node) -> Any:
    """Return a node as what models read: Mapped, list, or the text node itself."""
    if node.kind == "list":
        return [tree(n) for n in node.items]
    if node.kind == "map":
        out = Mapped({key: tree(value) for key, (_, value) in node.entries.items()})
        out.node = node
        return out
    return node


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
    def _remember(cls, data: Any, handler: Callable[[Any], Self]) -> Self:
        if isinstance(data, Node):
            data = cls._from_text(data)
        if not isinstance(data, Mapped):
            raise fault("a list cannot stand here", "a map: key: value")
        data.model = cls
        for keys in cls.alternatives:
            _count_of(data, keys, least=1)
        for keys in cls.at_most_one:
            _count_of(data, keys, least=0)
        self = handler(data)
        self._node = data.node
        self._order = tuple(data)
        return self

    @classmethod
    def _from_text(cls, node: Node) -> Mapped:
        if cls.short is None:
            found = f"'{node.text}'" if node.text else "nothing"
            raise fault(f"{found} stands where a map is due", "a map: " + ", ".join(keys_of(cls)))
        out = Mapped({cls.short: node})
        out.node = node
        return out

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


def _count_of(data: Mapped, keys: tuple[str, ...], least: int) -> None:
    there = [k for k in keys if k in data]
    if len(there) > 1:
        raise fault(f"'{there[0]}' and '{there[1]}' exclude each other", "one of " + ", ".join(keys))
    if len(there) < least:
        raise fault("one key is missing", "one of " + ", ".join(keys))


class _Reads:
    """A leaf type: how it is read from a node, and what an editor is told about it."""

    def __init__(self, read: Callable[[Node, Any], Any], description: str, words: tuple[str, ...] = ()) -> None:
        self._read = read
        self._description = description
        self._words = words

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        out: JsonSchemaValue = {"type": SCALAR, "description": self._description}
        return {**out, "examples": list(self._words)} if self._words else out

    def _validate(self, value: Any, info: core_schema.ValidationInfo[Any]) -> Any:
        if not isinstance(value, Node):
            kind = "list" if isinstance(value, list) else "map"
            raise fault(f"a {kind} cannot stand here", self._description)
        if value.text.strip() == "":
            raise fault("nothing is written here", self._description)
        return self._read(value, info.context)


def _leaf(*dimensions: str, words: tuple[str, ...] = ()) -> _Reads:
    of = Of(dimensions, words)

    def read(node: Node, problems: Any) -> Leaf:
        expr = _parsed(node, parse_expr, problems)
        return Leaf(node, _NOTHING, of, sound=False) if expr is None else Leaf(node, expr, of)

    return _Reads(read, of.expected, words)


def _word(what: str, words: tuple[str, ...] = ()) -> _Reads:
    def read(node: Node, problems: Any) -> Word:
        if words and not node.text.startswith("$") and node.text not in words:
            raise fault(f"'{node.text}' is no {what}", "one of " + ", ".join(words), nearest(node.text, words) or "")
        return Word.at(node)

    return _Reads(read, what, words)


def _parsed(node: Node, parse: Callable[[str], Any], problems: Any) -> Any:
    """Return what the text spells, or None after noting why it spells nothing, so that the reading goes on."""
    try:
        return parse(node.text)
    except ExpressionError as error:
        if problems is None:
            raise fault(error.message, error.expected, error.suggestion, error.offset) from error
        problems.append(node.problem(error.message, error.expected, error.suggestion, error.offset))
        return None


def _read_value(node: Node, problems: Any) -> ValueLeaf:
    value = _parsed(node, parse_value, problems)
    return ValueLeaf(node, _NOTHING, sound=False) if value is None else ValueLeaf(node, value)


def _read_criterion(node: Node, problems: Any) -> CriterionLeaf:
    found = _parsed(node, parse_threshold, problems)
    return CriterionLeaf(node, None, None, _NOTHING, sound=False) if found is None else CriterionLeaf(node, *found)


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
Value = Annotated[ValueLeaf, _Reads(_read_value, "a value, a quantity, or a draw: uniform(60 km/h, 130 km/h)")]
CriterionText = Annotated[CriterionLeaf, _Reads(_read_criterion, "min >= 1.0 s, true, or a formula")]

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
