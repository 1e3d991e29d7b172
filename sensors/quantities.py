"""Quantities in a rig file: text with a unit on the way in, SI inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator, Field

from twin.errors import InputError
from twin.expression import parse_expr
from twin.folding import duration_ns, fold, scalar


def si(text: str, dimension: str) -> float:
    """Read a quantity. Raises ValueError (which pydantic reports at the key) saying what was expected."""
    try:
        return float(scalar(fold(parse_expr(text), {}), dimension))
    except InputError as error:
        raise ValueError(str(error)) from error


def _ns(value: object) -> object:
    if isinstance(value, str):
        try:
            return duration_ns(fold(parse_expr(value), {}))
        except InputError as error:
            raise ValueError(str(error)) from error
    return value


def _reader(dimension: str) -> Callable[[object], object]:
    def read(value: object) -> object:
        return si(value, dimension) if isinstance(value, str) else value

    return read


def _flag(value: object) -> object:
    words = {"true": True, "false": False}
    return words.get(value, value) if isinstance(value, str) else value


Metres = Annotated[float, BeforeValidator(_reader("m")), Field(allow_inf_nan=False)]
Distance = Annotated[Metres, Field(ge=0.0)]
Radians = Annotated[float, BeforeValidator(_reader("rad")), Field(allow_inf_nan=False)]
Spread = Annotated[Radians, Field(ge=0.0)]
Seconds = Annotated[float, BeforeValidator(_reader("s")), Field(ge=0.0, allow_inf_nan=False)]
Offset = Annotated[float, BeforeValidator(_reader("s")), Field(allow_inf_nan=False)]
Hertz = Annotated[float, BeforeValidator(_reader("1/s")), Field(gt=0.0, le=10_000.0)]
PerSecond = Annotated[float, BeforeValidator(_reader("1/s")), Field(ge=0.0, allow_inf_nan=False)]
Speed = Annotated[float, BeforeValidator(_reader("m/s")), Field(ge=0.0, allow_inf_nan=False)]
Acceleration = Annotated[float, BeforeValidator(_reader("m/s^2")), Field(ge=0.0, allow_inf_nan=False)]
TurnRate = Annotated[float, BeforeValidator(_reader("rad/s")), Field(ge=0.0, allow_inf_nan=False)]
Curvature = Annotated[float, BeforeValidator(_reader("1/m")), Field(ge=0.0, allow_inf_nan=False)]
Ratio = Annotated[float, BeforeValidator(_reader("1")), Field(allow_inf_nan=False)]
Share = Annotated[Ratio, Field(ge=0.0, le=1.0)]
Positive = Annotated[Ratio, Field(gt=0.0)]
Count = Annotated[int, BeforeValidator(_reader("1")), Field(ge=0)]
Nanoseconds = Annotated[int, BeforeValidator(_ns), Field(ge=0)]
Flag = Annotated[bool, BeforeValidator(_flag)]
