"""The environment: weather, road surface and light as one vector that every model reads.

Sun: the equinox at 48 deg N, so it rises at 06:00 in the east and culminates at 12:00 at 42 deg in the south; an author
who needs another sun names it. Illuminance on the ground: clear-sky sun and sky of the IES daylight model (IESNA
Lighting Handbook, 8th ed., ch. 8), twilight by log-linear interpolation between the usual limits (3.4 lx at the end of
civil, 0.008 lx of nautical, 0.001 lx of astronomical twilight), clouds after Kasten and Czeplak (Sol. Energy 24, 1980).
Friction unless named: wet and snowy asphalt against dry = 1.0 in the ratio of common tyre measurements (0.7, 0.3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from twin.errors import InputError, UnknownName
from twin.kernel import kernel
from twin.state import (
    CLOUDS,
    E_ROWS,
    FRICTION,
    ILLUMINANCE,
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

_DAY_S: Final = 86400.0
_LATITUDE: Final = math.radians(48.0)
_DEG: Final = math.pi / 180.0

ROWS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "time_of_day": TIME_OF_DAY,
        "rain": RAIN,
        "snow": SNOW,
        "visibility": VISIBILITY,
        "clouds": CLOUDS,
        "wind": WIND,
        "wind_direction": WIND_DIRECTION,
        "friction": FRICTION,
        "temperature": TEMPERATURE,
        "sun_elevation": SUN_ELEVATION,
        "sun_azimuth": SUN_AZIMUTH,
        "illuminance": ILLUMINANCE,
    }
)
WEATHER: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "clear": {},
        "cloudy": {"clouds": 0.6},
        "overcast": {"clouds": 1.0},
        "light_rain": {"rain": 1.0, "clouds": 0.8, "visibility": 10_000.0},
        "rain": {"rain": 5.0, "clouds": 1.0, "visibility": 4_000.0},
        "heavy_rain": {"rain": 25.0, "clouds": 1.0, "visibility": 1_000.0, "wind": 8.0},
        "fog": {"visibility": 150.0, "clouds": 0.5},
        "dense_fog": {"visibility": 50.0, "clouds": 0.5},
        "snow": {"snow": 2.0, "clouds": 1.0, "visibility": 1_000.0, "temperature": 271.15},
        "night": {"time_of_day": 0.0},
    }
)


def environment(weather: str = "clear", **given: float) -> Floats:
    """Return the vector (E_ROWS,) of a named weather with single rows overridden by the names of ROWS, SI and mm/h.

    Rows that follow from others (friction, sun, illuminance) are derived unless given. Raises UnknownName, InputError.
    """
    if weather not in WEATHER:
        raise UnknownName("weather", weather, WEATHER)
    rows = {**WEATHER[weather], **given}
    for name, value in rows.items():
        if name not in ROWS:
            raise UnknownName("environment value", name, ROWS)
        _require(name, value)
    vector = np.zeros(E_ROWS)
    vector[TIME_OF_DAY] = _DAY_S / 2
    vector[VISIBILITY] = np.inf
    vector[TEMPERATURE] = 288.15
    for name, value in rows.items():
        vector[ROWS[name]] = value
    derive(vector)
    for name in ("friction", "sun_elevation", "sun_azimuth", "illuminance"):
        if name in rows:
            vector[ROWS[name]] = rows[name]
    if "sun_elevation" in rows and "illuminance" not in rows:
        vector[ILLUMINANCE] = illuminance(rows["sun_elevation"], vector[CLOUDS])
    return vector


def _require(name: str, value: float) -> None:
    limits = {
        "time_of_day": (0.0, _DAY_S),
        "clouds": (0.0, 1.0),
        "friction": (0.01, 2.0),
        "temperature": (173.15, 373.15),
        "visibility": (1.0, math.inf),
        "wind_direction": (-math.inf, math.inf),
        "sun_elevation": (-math.pi / 2, math.pi / 2),
        "sun_azimuth": (-math.inf, math.inf),
    }
    low, high = limits.get(name, (0.0, 1e6))
    if not low <= value <= high or (math.isinf(value) and name != "visibility"):
        raise InputError(
            f"environment {name} must lie in [{low:g}, {high:g}] (SI, rain and snow in mm/h), got {value:g}"
        )


@kernel
def sun(time_of_day_s: float) -> tuple[float, float]:
    """Return elevation and ENU azimuth (counter-clockwise from east) of the sun [rad]."""
    hour = 2.0 * math.pi * (time_of_day_s / _DAY_S - 0.5)
    east = -math.sin(hour)
    north = -math.sin(_LATITUDE) * math.cos(hour)
    up = math.cos(_LATITUDE) * math.cos(hour)
    return math.asin(max(-1.0, min(1.0, up))), math.atan2(north, east)


@kernel
def illuminance(sun_elevation: float, clouds: float) -> float:
    """Return the light on level ground [lx]."""
    up = math.sin(sun_elevation)
    if up > 0.0:
        direct = 127_500.0 * math.exp(-0.21 / max(up, 1e-3)) * up
        lux = direct + 800.0 + 15_500.0 * math.sqrt(up)
    else:
        down = -sun_elevation / _DEG
        if down < 6.0:
            log = math.log10(800.0) + (math.log10(3.4) - math.log10(800.0)) * down / 6.0
        elif down < 12.0:
            log = math.log10(3.4) + (math.log10(0.008) - math.log10(3.4)) * (down - 6.0) / 6.0
        else:
            log = math.log10(0.008) + (-3.0 - math.log10(0.008)) * min(1.0, (down - 12.0) / 6.0)
        lux = 10.0**log
    return float(lux * (1.0 - 0.75 * clouds**3.4))


@kernel
def surface_friction(rain: float, snow: float) -> float:
    """Return the friction of asphalt under rain and snow [mm/h], dry = 1; full effect at 1 mm/h."""
    wet = 1.0 - 0.3 * min(1.0, rain)
    return wet - (wet - 0.3) * min(1.0, snow)


@kernel
def derive(environment: Floats) -> None:
    """Fill what follows from time of day, clouds, rain and snow: sun, illuminance and friction, in place."""
    elevation, azimuth = sun(environment[TIME_OF_DAY])
    environment[SUN_ELEVATION] = elevation
    environment[SUN_AZIMUTH] = azimuth
    environment[ILLUMINANCE] = illuminance(elevation, environment[CLOUDS])
    environment[FRICTION] = surface_friction(environment[RAIN], environment[SNOW])
