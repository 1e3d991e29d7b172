"""The units that authors may write, and the algebra of dimensions.

A dimension is a product of powers of base symbols, spelt canonically: "m", "m/s^2", "1/m", "kg*m/s^2"; "1" is a plain
ratio. Angles ("rad"), rain ("mm/h"), levels ("dB") and illuminance ("lx") are dimensions of their own, so that `Hz`
never passes for `rad/s` nor rain for a speed. Factors: SI brochure (9th ed.); mile and hour exact.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import cache
from typing import Final

Powers = tuple[tuple[str, int], ...]

_BASES: Final = ("kg", "m", "rad", "s", "K", "cd", "lx", "dB", "rain")
_RAIN: Final = (("rain", 1),)

_HOUR: Final = Fraction(3600)
_MILE: Final = Fraction(1609344, 1000)

UNITS: Final[dict[str, tuple[Fraction | float, str]]] = {
    "m": (Fraction(1), "m"),
    "km": (Fraction(1000), "m"),
    "cm": (Fraction(1, 100), "m"),
    "mm": (Fraction(1, 1000), "m"),
    "s": (Fraction(1), "s"),
    "ms": (Fraction(1, 1000), "s"),
    "us": (Fraction(1, 1_000_000), "s"),
    "min": (Fraction(60), "s"),
    "h": (_HOUR, "s"),
    "m/s": (Fraction(1), "m/s"),
    "km/h": (Fraction(1000) / _HOUR, "m/s"),
    "kph": (Fraction(1000) / _HOUR, "m/s"),
    "mph": (_MILE / _HOUR, "m/s"),
    "m/s^2": (Fraction(1), "m/s^2"),
    "m/s^3": (Fraction(1), "m/s^3"),
    "deg": (math.pi / 180.0, "rad"),
    "rad": (Fraction(1), "rad"),
    "deg/s": (math.pi / 180.0, "rad/s"),
    "rad/s": (Fraction(1), "rad/s"),
    "1/m": (Fraction(1), "1/m"),
    "1/m^2": (Fraction(1), "1/m^2"),
    "mm/h": (Fraction(1), "mm/h"),
    "kg": (Fraction(1), "kg"),
    "t": (Fraction(1000), "kg"),
    "N": (Fraction(1), "kg*m/s^2"),
    "kN": (Fraction(1000), "kg*m/s^2"),
    "Nm": (Fraction(1), "kg*m^2/s^2"),
    "Hz": (Fraction(1), "1/s"),
    "K": (Fraction(1), "K"),
    "lx": (Fraction(1), "lx"),
    "cd": (Fraction(1), "cd"),
    "dB": (Fraction(1), "dB"),
    "%": (Fraction(1, 100), "1"),
}

DIMENSION_WORDS: Final = {
    "m": "a length (m, km, cm, mm)",
    "s": "a duration (s, ms, min, h)",
    "m/s": "a speed (m/s, km/h, mph)",
    "m/s^2": "an acceleration (m/s^2)",
    "m/s^3": "a jerk (m/s^3)",
    "rad": "an angle (deg, rad)",
    "rad/s": "an angular rate (deg/s, rad/s)",
    "1/m": "a curvature (1/m)",
    "1/s": "a rate (Hz)",
    "mm/h": "a rain rate (mm/h)",
    "kg": "a mass (kg, t)",
    "kg*m/s^2": "a force (N, kN)",
    "lx": "an illuminance (lx)",
    "K": "a temperature (K)",
    "dB": "a level (dB)",
    "1": "a plain number or %",
    "bool": "a condition, true or false",
    "text": "a word",
    "lane": "a lane",
    "any": "a value",
}

FOREIGN: Final = {
    "g": "m/s^2",
    "kmh": "km/h",
    "kmph": "km/h",
    "km/hr": "km/h",
    "mps": "m/s",
    "m/sec": "m/s",
    "m/s2": "m/s^2",
    "m/s²": "m/s^2",
    "m/ss": "m/s^2",
    "m/s/s": "m/s^2",
    "sec": "s",
    "secs": "s",
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "minutes": "min",
    "hour": "h",
    "hours": "h",
    "meter": "m",
    "meters": "m",
    "metre": "m",
    "metres": "m",
    "degree": "deg",
    "degrees": "deg",
    "radian": "rad",
    "radians": "rad",
    "percent": "%",
    "µs": "us",
    "hz": "Hz",
    "ton": "t",
}


def unit_pattern() -> str:
    """Return the regular expression of one unit, longest first, that never stops inside a longer word."""
    names = sorted(UNITS, key=len, reverse=True)
    return "(" + "|".join(re.escape(n).replace("/", r"\/") for n in names) + r")(?![A-Za-z0-9_^])(?!\/[A-Za-z])"


@cache
def powers(dimension: str) -> Powers:
    """Return the base powers of a canonical dimension."""
    if dimension in ("1", ""):
        return ()
    if dimension == "mm/h":
        return _RAIN
    out: dict[str, int] = {}
    for sign, part in zip((1, -1), [*dimension.split("/", 1), ""]):
        for factor in part.split("*"):
            base, _, exponent = factor.partition("^")
            if base not in ("", "1"):
                out[base] = out.get(base, 0) + sign * int(exponent or 1)
    return tuple((b, out[b]) for b in _BASES if out.get(b))


@cache
def spell(power: Powers) -> str:
    """Return the canonical spelling of base powers."""
    if power in ((), _RAIN):
        return "mm/h" if power else "1"
    above = "*".join(b if e == 1 else f"{b}^{e}" for b, e in power if e > 0)
    below = "*".join(b if e == -1 else f"{b}^{-e}" for b, e in power if e < 0)
    return f"{above or '1'}/{below}" if below else above


def combine(left: str, right: str, sign: int) -> str:
    """Return the dimension of left * right (sign +1) or left / right (sign -1)."""
    total = dict(powers(left))
    for base, exponent in powers(right):
        total[base] = total.get(base, 0) + sign * exponent
    return spell(tuple((b, total[b]) for b in _BASES if total.get(b)))


def raise_to(dimension: str, exponent: int) -> str:
    """Return dimension ^ exponent."""
    return spell(tuple((b, e * exponent) for b, e in powers(dimension) if e * exponent))


def root_of(dimension: str) -> str | None:
    """Return the dimension whose square this is, or None."""
    power = powers(dimension)
    if any(e % 2 for _, e in power):
        return None
    return spell(tuple((b, e // 2) for b, e in power))


def describe(dimension: str) -> str:
    """Say a dimension to a person."""
    return DIMENSION_WORDS.get(dimension, f"a quantity in {dimension}")
