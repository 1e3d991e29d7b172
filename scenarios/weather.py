"""The weather of a scenario as rows of the environment vector."""

from __future__ import annotations

import math
from collections.abc import Mapping

from scenarios.actions import Environment
from twin.environment import ROWS, environment
from twin.errors import InputError
from twin.leaf import Leaf
from twin.state import (
    CLOUDS,
    FRICTION,
    RAIN,
    SNOW,
    SUN_AZIMUTH,
    SUN_ELEVATION,
    TEMPERATURE,
    TIME_OF_DAY,
    VISIBILITY,
    WIND,
    WIND_DIRECTION,
    Floats,
)
from twin.syntax import Expr

CLOUDBURST_MM_H = 50.0

_KEYS = {
    "time_of_day": TIME_OF_DAY,
    "clouds": CLOUDS,
    "rain": RAIN,
    "snow": SNOW,
    "fog": VISIBILITY,
    "wind": WIND,
    "wind_direction": WIND_DIRECTION,
    "friction": FRICTION,
    "temperature": TEMPERATURE,
}


def rows_of(written: Environment, values: Mapping[str, Expr], sky: Floats | None = None) -> dict[int, float]:
    """Return the environment rows that an author names, SI and mm/h, each checked against what the models take."""
    rows: dict[int, float] = {}
    for key in written.written:
        leaf: Leaf | None = getattr(written, key, None) if key in _KEYS else None
        if leaf is not None:
            rows[_KEYS[key]] = _checked(leaf, _KEYS[key], _value(leaf, key, values))
    if written.sun is not None:
        sun = written.sun
        rows[SUN_ELEVATION] = _checked(sun.elevation, SUN_ELEVATION, sun.elevation.number(values))
        if sun.azimuth is not None:
            rows[SUN_AZIMUTH] = _checked(sun.azimuth, SUN_AZIMUTH, sun.azimuth.number(values))
    return rows


def vector_of(written: Environment | None, values: Mapping[str, Expr]) -> Floats:
    """Return the environment vector at t = 0; what the author leaves out is clear, dry noon."""
    rows = rows_of(written, values) if written is not None else {}
    names = {row: name for name, row in ROWS.items()}
    return environment("clear", **{names[row]: value for row, value in rows.items()})


def _value(leaf: Leaf, key: str, values: Mapping[str, Expr]) -> float:
    if key not in ("rain", "snow"):
        return leaf.number(values)
    given = leaf.quantity(values)
    return given.value if given.dimension == "mm/h" or given.value == 0.0 else given.value * CLOUDBURST_MM_H


def _checked(leaf: Leaf, row: int, value: float) -> float:
    name = next(n for n, r in ROWS.items() if r == row)
    try:
        environment("clear", **{name: value})
    except InputError as error:
        raise leaf.error(str(error)) from error
    if math.isnan(value):
        raise leaf.error("this is no number")
    return value
