"""The conditions of the moment, by the names of ISO 34503, and the cells that coverage counts them in.

Names and classes: ISO 34503:2023 (rain and snow by rate and visibility, wind by Beaufort, light in lux, clouds in
okta). Cells are [low, high): 2.5 mm/h is moderate rain, 7.6 mm/h heavy, 2000 lx day. What the map or the world cannot
tell is nan. Road types follow from what lane arrays hold: from 110 km/h with two lanes and more it is a motorway, above
60 km/h a primary, else a minor road.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from twin.kernel import kernel
from twin.road.arrays import DRIVING, Road, RoadArrays
from twin.road.kernels import lane_pose, lane_width
from twin.state import (
    BICYCLE,
    CLOUDS,
    EGO,
    FRICTION,
    ILLUMINANCE,
    KIND,
    LANE,
    MOTORCYCLE,
    OBJECT,
    PEDESTRIAN,
    PRESENT,
    RAIN,
    SNOW,
    TEMPERATURE,
    VISIBILITY,
    VX,
    VY,
    WIND,
    Floats,
    Ints,
    S,
    X,
    Y,
)

NEARBY_M: Final = 100.0


class Cell(NamedTuple):
    """One class of a condition: [low, high) of a number, or exactly one word (low = its number)."""

    name: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Condition:
    """What can be measured: a number in `unit`, or one of `words` (unit "")."""

    name: str
    unit: str
    cells: tuple[Cell, ...]
    words: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # other names it goes by


def _steps(unit: str, *edges: float, names: tuple[str, ...] = ()) -> tuple[Cell, ...]:
    """Return the cells between edges; unnamed ones are called by their limits."""
    cells = []
    for i, (low, high) in enumerate(pairwise(edges)):
        name = f"{low:g} to {high:g} {unit}"
        if math.isinf(high):
            name = f"{low:g} {unit} and more"
        elif math.isinf(low):
            name = f"below {high:g} {unit}"
        cells.append(Cell(names[i] if names else name.strip(), low, high))
    return tuple(cells)


def _words(*words: str) -> tuple[Cell, ...]:
    return tuple(Cell(word, float(i), float(i)) for i, word in enumerate(words))


def _number(name: str, unit: str, cells: tuple[Cell, ...], *also: str) -> Condition:
    return Condition(name, unit, cells, (), also)


def _word(name: str, words: tuple[str, ...], *also: str) -> Condition:
    return Condition(name, "", _words(*words), words, also)


_INF: Final = math.inf
_BEAUFORT: Final = (0.0, 0.2, 1.5, 3.3, 5.4, 7.9, 10.7, 13.8, 17.1, 20.7, 24.4, 28.4, 32.6, _INF)
_WIND: Final = (
    *("calm", "light air", "light breeze", "gentle breeze", "moderate breeze", "fresh breeze", "strong breeze"),
    *("near gale", "gale", "strong gale", "storm", "violent storm", "hurricane"),
)
_RAIN: Final = ("no rain", "light rain", "moderate rain", "heavy rain", "violent rain", "cloudburst")
_OKTA: Final = ("clear", "few clouds", "scattered clouds", "broken clouds", "overcast")
_LANE_COUNTS: Final = ("1 lane", "2 lanes", "3 lanes", "4 lanes and more")
MOTORWAY, PRIMARY, MINOR = "motorway", "primary", "minor"
NO_JUNCTION, SIGNALS, NO_SIGNALS = "no_junction", "junction_with_signals", "junction_without_signals"
DRY, WET, SNOWY, ICY = "dry", "wet", "snow", "icy"
YES_NO: Final = ("false", "true")

_ROWS: Final = (
    _number("rainfall_rate", "mm/h", _steps("mm/h", 0.0, 0.1, 2.5, 7.6, 50.0, 100.0, _INF, names=_RAIN), "rainfall"),
    _number("snowfall_rate", "mm/h", _steps("mm/h", 0.0, 0.1, 1.0, 2.5, _INF), "snowfall"),
    _number("visibility", "m", _steps("m", 0.0, 50.0, 200.0, 500.0, 1000.0, 4000.0, _INF), "meteorological_visibility"),
    _number("wind_speed", "m/s", _steps("m/s", *_BEAUFORT, names=_WIND), "wind"),
    _number("illuminance", "lx", _steps("lx", 0.0, 1.0, 2000.0, _INF, names=("night", "low light", "day"))),
    _number("cloud_cover", "okta", _steps("okta", 0.0, 1.0, 3.0, 5.0, 8.0, _INF, names=_OKTA), "cloudiness"),
    _number("ambient_temperature", "C", _steps("C", -_INF, -10.0, 0.0, 10.0, 25.0, 35.0, _INF), "temperature"),
    _number("friction", "1", _steps("", 0.0, 0.3, 0.6, 0.85, _INF)),
    _word("road_surface_condition", (DRY, WET, SNOWY, ICY), "surface_condition"),
    _number(
        "subject_vehicle_speed", "km/h", _steps("km/h", 0.0, 1.0, 30.0, 60.0, 90.0, 120.0, _INF), "ego_speed", "speed"
    ),
    _number("speed_limit", "km/h", _steps("km/h", 0.0, 31.0, 51.0, 81.0, 101.0, 131.0, _INF)),
    _word("road_type", (MOTORWAY, PRIMARY, MINOR), "drivable_area_type"),
    _number("lane_width", "m", _steps("m", 0.0, 2.75, 3.25, 3.75, _INF)),
    _number("lane_count", "count", _steps("", 1.0, 2.0, 3.0, 4.0, _INF, names=_LANE_COUNTS), "number_of_lanes"),
    _number("curve_radius", "m", _steps("m", 0.0, 30.0, 100.0, 300.0, 1000.0, _INF), "radius"),
    _number("gradient", "%", _steps("%", -_INF, -4.0, -1.0, 1.0, 4.0, _INF), "longitudinal_slope"),
    _word("junction", (NO_JUNCTION, SIGNALS, NO_SIGNALS), "junction_type"),
    _word("motor_vehicles", YES_NO),
    _word("vulnerable_road_users", YES_NO, "vru"),
)
CONDITIONS: Final[Mapping[str, Condition]] = MappingProxyType({row.name: row for row in _ROWS})
NAMES: Final[Mapping[str, str]] = MappingProxyType({n: row.name for row in _ROWS for n in (row.name, *row.also)})

_WIDTH, _CURVATURE, _SLOPE, _LANES, _JUNCTION, _LIMIT = range(6)


@kernel
def _lane_facts(f: Floats, n: Ints, road: RoadArrays) -> Floats:
    out = np.full((6, f.shape[0]), np.nan)
    for t in range(f.shape[0]):
        lane = n[t, LANE, EGO]
        if lane < 0:
            continue
        s = f[t, S, EGO]
        _, _, _, _, pitch, curvature = lane_pose(road, lane, s, 0.0)
        out[_WIDTH, t] = lane_width(road, lane, s)
        out[_CURVATURE, t] = curvature
        out[_SLOPE, t] = -math.tan(pitch)
        out[_LIMIT, t] = road.speed_limit[lane]
        out[_JUNCTION, t] = _junction(road, lane)
        count = 1
        for side in (road.left, road.right):
            beside = side[lane]
            while beside >= 0 and road.kind[beside] == DRIVING:
                count += 1
                beside = side[beside]
        out[_LANES, t] = count
    return out


@kernel
def _junction(road: RoadArrays, lane: int) -> float:
    """Return 0 outside junctions, 1 in one whose entry is signalled, 2 in another."""
    if road.junction[lane] < 0:
        return 0.0
    for k in range(len(road.stop_lane)):
        stop = road.stop_lane[k]
        if stop == lane or road.junction[stop] == road.junction[lane]:
            return 1.0
        for i in range(road.pred_first[lane], road.pred_first[lane + 1]):
            if road.pred[i] == stop:
                return 1.0
    return 2.0


def measure(road: Road, f: Floats, n: Ints, p: Floats, environment: Floats) -> dict[str, Floats]:
    """Return every condition over T ticks: numbers in their unit, words as their number in `words`, nan = unknown.

    f is (T, F_ROWS, actors), n (T, N_ROWS, actors), p (P_ROWS, actors), environment (T, E_ROWS).
    """
    lane = np.asarray(_lane_facts(f, n, road.arrays))
    e = environment.T
    limit = np.round(lane[_LIMIT] * 3.6, 6)
    fast = np.where((limit >= 110.0) & (lane[_LANES] >= 2.0), 0.0, np.where(limit > 60.0, 1.0, 2.0))
    with np.errstate(divide="ignore"):
        radius = 1.0 / np.abs(lane[_CURVATURE])
    return {
        "rainfall_rate": e[RAIN],
        "snowfall_rate": e[SNOW],
        "visibility": e[VISIBILITY],
        "wind_speed": e[WIND],
        "illuminance": e[ILLUMINANCE],
        "cloud_cover": e[CLOUDS] * 8.0,
        "ambient_temperature": np.round(e[TEMPERATURE] - 273.15, 6),
        "friction": e[FRICTION],
        "road_surface_condition": np.where(
            e[SNOW] > 0.0, 2.0, np.where(e[FRICTION] < 0.3, 3.0, np.where(e[RAIN] > 0.0, 1.0, 0.0))
        ),
        "subject_vehicle_speed": np.round(np.hypot(f[:, VX, EGO], f[:, VY, EGO]) * 3.6, 6),
        "speed_limit": limit,
        "road_type": np.where(np.isnan(limit), np.nan, fast),
        "lane_width": lane[_WIDTH],
        "lane_count": lane[_LANES],
        "curve_radius": radius,
        "gradient": lane[_SLOPE] * 100.0,
        "junction": lane[_JUNCTION],
        "motor_vehicles": _near(f, n, p, frozenset(range(MOTORCYCLE + 1))),
        "vulnerable_road_users": _near(f, n, p, frozenset((MOTORCYCLE, BICYCLE, PEDESTRIAN))),
    }


def _near(f: Floats, n: Ints, p: Floats, kinds: frozenset[int]) -> Floats:
    assert OBJECT not in kinds
    wanted = np.isin(p[KIND].astype(np.int64), sorted(kinds))
    wanted[EGO] = False
    away = np.hypot(f[:, X] - f[:, X, EGO : EGO + 1], f[:, Y] - f[:, Y, EGO : EGO + 1])
    near = (away <= NEARBY_M) & wanted & (n[:, PRESENT] == 1)
    return np.asarray(near.any(axis=1), np.float64)
