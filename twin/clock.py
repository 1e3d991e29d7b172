"""Time as integer nanoseconds: no float ever holds an instant."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from twin.errors import InputError

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000

_SCALE: Final = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_LONG: Final = {"min": 60 * NS_PER_S, "h": 3600 * NS_PER_S}


def to_ns(digits: str, unit: str) -> int:
    """Read a decimal number of `unit` (s, ms, us, ns, min, h) from its digits, exactly, rounding half to even.

    Raises InputError for an unknown unit or a number that is not finite.
    """
    try:
        value = Decimal(digits)
    except ArithmeticError as error:
        raise InputError(f"'{digits}' is not a number") from error
    if not value.is_finite() or abs(value) > Decimal(10) ** 9:
        raise InputError(f"'{digits} {unit}' is not a usable duration")
    if unit in _LONG:
        return int((value * _LONG[unit]).to_integral_value())
    if unit not in _SCALE:
        raise InputError(f"'{unit}' is not a unit of time")
    return int((value * (Decimal(10) ** _SCALE[unit])).to_integral_value())


def seconds(t_ns: int) -> float:
    """Return an instant or duration in seconds, for formulas and people; never feed it back into a clock."""
    return t_ns / NS_PER_S


def period_ns(rate_hz: float) -> int:
    """Return the period of a rate, rounded to whole nanoseconds.

    Raises InputError when the rate is not positive.
    """
    if not rate_hz > 0.0:
        raise InputError(f"a rate must be above 0 Hz, got {rate_hz}")
    return round(NS_PER_S / rate_hz)
