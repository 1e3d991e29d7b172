"""What an actor is: dimensions, dynamics and actuators of vehicles, bodies of everybody else, and the shipped ones.

The three CommonRoad sets (Althoff, Koschi, Manzinger: "CommonRoad: Composable benchmarks for motion planning on roads",
IV 2017, vehicle models documentation) are neutral steered and stiff: reference sets for tests, not the default car.
`mid_sedan` understeers by 0.98 deg/g, as production cars do. Bodies are round figures of common models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from twin.errors import InputError, UnknownName
from twin.state import (
    BICYCLE,
    BUS,
    CENTER_X,
    COMFORT_ACCEL,
    COMFORT_DECEL,
    COMFORT_LATERAL,
    DESIRED_SPEED,
    HEIGHT,
    KIND,
    LENGTH,
    MAX_ACCEL,
    MAX_DECEL,
    MAX_SPEED,
    MOTORCYCLE,
    OBJECT,
    P_ROWS,
    PEDESTRIAN,
    REFLECTIVITY,
    TRAFFIC,
    TRUCK,
    VEHICLE,
    WHEELBASE,
    WIDTH,
    Floats,
)

GRAVITY: Final = 9.81  # [m/s^2]


@dataclass(frozen=True, slots=True)
class VehicleParams:
    """A single-track vehicle with actuator lag. SI; axle coefficients in N/rad for the whole axle."""

    name: str
    length: float
    width: float
    height: float
    wheelbase: float
    rear_overhang: float  # rear axle to rear bumper [m]
    mass: float
    yaw_inertia: float
    front_axle: float  # centre of gravity to front axle, a [m]
    cog_height: float
    cornering_front: float
    cornering_rear: float
    max_steer: float
    max_steer_rate: float
    steer_delay_s: float
    steer_tau_s: float
    max_accel: float
    max_decel: float  # on dry asphalt, friction limits it further
    power_speed: float  # above it max_accel falls as power_speed / v [m/s]
    drive_delay_s: float
    drive_tau_s: float
    brake_delay_s: float
    brake_tau_s: float
    max_speed: float
    drag_area: float  # C_d A [m^2]
    rolling_resistance: float
    wheel_radius: float
    track: float

    @property
    def rear_axle(self) -> float:
        """Centre of gravity to rear axle, b [m]."""
        return self.wheelbase - self.front_axle

    @property
    def center_x(self) -> float:
        """Rear axle to the box's centre [m]."""
        return self.length / 2 - self.rear_overhang

    @property
    def understeer(self) -> float:
        """Understeer gradient K = m/L (b/C_f - a/C_r) [rad s^2/m] of ISO 4138."""
        front, rear = self.rear_axle / self.cornering_front, self.front_axle / self.cornering_rear
        return self.mass / self.wheelbase * (front - rear)


@dataclass(frozen=True, slots=True)
class Body:
    """What the world knows of any actor: its box, its limits, its manners, how its surface reflects at 905 nm."""

    kind: int
    length: float
    width: float
    height: float
    center_x: float = 0.0
    wheelbase: float = 0.0
    max_accel: float = 0.0
    max_decel: float = 0.0
    max_speed: float = 0.0
    comfort_accel: float = 0.0
    comfort_decel: float = 0.0
    comfort_lateral: float = 0.0
    reflectivity: float = 0.2

    def column(self) -> Floats:
        """Return the body as one column (P_ROWS,) of the fixed block, neither driven by traffic nor hurried."""
        p = np.zeros(P_ROWS)
        p[KIND] = self.kind
        p[LENGTH], p[WIDTH], p[HEIGHT] = self.length, self.width, self.height
        p[CENTER_X], p[WHEELBASE] = self.center_x, self.wheelbase
        p[MAX_ACCEL], p[MAX_DECEL], p[MAX_SPEED] = self.max_accel, self.max_decel, self.max_speed
        p[COMFORT_ACCEL], p[COMFORT_DECEL] = self.comfort_accel, self.comfort_decel
        p[COMFORT_LATERAL] = self.comfort_lateral
        p[DESIRED_SPEED] = np.nan
        p[TRAFFIC] = 0.0
        p[REFLECTIVITY] = self.reflectivity
        return p


def _axle_loads(mass: float, front_axle: float, wheelbase: float) -> tuple[float, float]:
    front = mass * GRAVITY * (wheelbase - front_axle) / wheelbase
    return front, mass * GRAVITY - front


MID_SEDAN: Final = VehicleParams(
    name="mid_sedan",
    length=4.70,
    width=1.83,
    height=1.45,
    wheelbase=2.80,
    rear_overhang=1.00,
    mass=1600.0,
    yaw_inertia=2700.0,
    front_axle=1.25,
    cog_height=0.55,
    cornering_front=16.5 * _axle_loads(1600.0, 1.25, 2.80)[0],
    cornering_rear=23.0 * _axle_loads(1600.0, 1.25, 2.80)[1],
    max_steer=0.61,
    max_steer_rate=0.6,
    steer_delay_s=0.03,
    steer_tau_s=0.07,
    max_accel=4.5,
    max_decel=9.0,
    power_speed=12.0,
    drive_delay_s=0.10,
    drive_tau_s=0.20,
    brake_delay_s=0.05,
    brake_tau_s=0.075,
    max_speed=55.0,
    drag_area=0.65,
    rolling_resistance=0.011,
    wheel_radius=0.33,
    track=1.55,
)


def _relative(
    name: str, mass: float, axles: tuple[float, float], box: tuple[float, float, float], **rest: float
) -> VehicleParams:
    """Return a vehicle with mid_sedan's cornering per load and inertia by mass, m a b; `axles` are (a, wheelbase)."""
    a, wheelbase = axles
    front, rear = _axle_loads(mass, a, wheelbase)
    length, width, height = box
    base = replace(
        MID_SEDAN,
        name=name,
        mass=mass,
        front_axle=a,
        wheelbase=wheelbase,
        yaw_inertia=mass * a * (wheelbase - a),
        cornering_front=16.5 * front,
        cornering_rear=23.0 * rear,
        length=length,
        width=width,
        height=height,
    )
    return replace(base, **rest)  # type: ignore[arg-type]


def _commonroad(
    name: str,
    mass: float,
    yaw_inertia: float,
    axles: tuple[float, float],
    cog_height: float,
    box: tuple[float, float, float],
    steer: tuple[float, float],
    speed: tuple[float, float],
    track: float,
) -> VehicleParams:
    """Return a CommonRoad set: cornering 21.92 per load on both axles, the box centred on the centre of gravity."""
    a, b = axles
    front, rear = _axle_loads(mass, a, a + b)
    length, width, height = box
    return replace(
        MID_SEDAN,
        name=name,
        mass=mass,
        yaw_inertia=yaw_inertia,
        front_axle=a,
        wheelbase=a + b,
        cog_height=cog_height,
        cornering_front=21.92 * front,
        cornering_rear=21.92 * rear,
        length=length,
        width=width,
        height=height,
        rear_overhang=length / 2 - b,
        max_steer=steer[0],
        max_steer_rate=steer[1],
        max_speed=speed[0],
        power_speed=speed[1],
        max_accel=11.5,
        max_decel=11.5,
        wheel_radius=0.344,
        track=track,
    )


_PARAMS: Final[Mapping[str, VehicleParams]] = {
    p.name: p
    for p in (
        MID_SEDAN,
        _relative(
            "compact_car",
            1200.0,
            (1.10, 2.50),
            (3.95, 1.73, 1.48),
            rear_overhang=0.65,
            cog_height=0.54,
            max_accel=4.0,
            power_speed=10.0,
            max_speed=50.0,
            drag_area=0.62,
            track=1.48,
            wheel_radius=0.31,
        ),
        _relative(
            "suv",
            2000.0,
            (1.35, 2.85),
            (4.75, 1.92, 1.70),
            rear_overhang=0.98,
            cog_height=0.68,
            max_accel=4.2,
            max_speed=55.0,
            drag_area=0.85,
            track=1.62,
            wheel_radius=0.36,
        ),
        _relative(
            "van",
            2500.0,
            (1.60, 3.40),
            (5.90, 2.02, 2.60),
            rear_overhang=1.50,
            cog_height=0.85,
            max_accel=3.0,
            max_decel=8.5,
            power_speed=9.0,
            max_speed=44.0,
            drag_area=1.5,
            track=1.72,
            wheel_radius=0.34,
        ),
        _relative(
            "truck",
            16000.0,
            (2.60, 5.20),
            (9.60, 2.50, 3.60),
            rear_overhang=2.90,
            cog_height=1.30,
            max_steer=0.70,
            max_accel=1.5,
            max_decel=7.0,
            power_speed=8.0,
            max_speed=25.0,
            drag_area=6.0,
            rolling_resistance=0.007,
            drive_tau_s=0.4,
            brake_delay_s=0.15,
            brake_tau_s=0.15,
            track=2.05,
            wheel_radius=0.50,
        ),
        _relative(
            "bus",
            14000.0,
            (3.60, 6.00),
            (12.00, 2.55, 3.20),
            rear_overhang=3.35,
            cog_height=1.15,
            max_steer=0.80,
            max_accel=1.6,
            max_decel=7.0,
            power_speed=8.0,
            max_speed=27.8,
            drag_area=5.0,
            rolling_resistance=0.007,
            drive_tau_s=0.4,
            brake_delay_s=0.15,
            brake_tau_s=0.15,
            track=2.05,
            wheel_radius=0.48,
        ),
        _commonroad(
            "ford_escort",
            1225.887,
            1538.853,
            (0.88392, 1.50876),
            0.557784,
            (4.298, 1.674, 1.40),
            (0.910, 0.4),
            (45.8, 4.755),
            1.40,
        ),
        _commonroad(
            "bmw_320i",
            1093.2952,
            1791.5995,
            (1.156195, 1.422717),
            0.574469,
            (4.508, 1.610, 1.42),
            (1.066, 0.4),
            (50.8, 7.319),
            1.375,
        ),
        _commonroad(
            "vw_vanagon",
            1478.898,
            2473.126,
            (1.151128, 1.321486),
            0.747522,
            (4.569, 1.844, 1.92),
            (1.023, 0.4),
            (41.7, 7.824),
            1.56,
        ),
    )
}

_KINDS: Final = {"truck": TRUCK, "bus": BUS}
_MANNERS: Final = {"truck": (0.9, 1.5, 0.8), "bus": (1.0, 1.5, 0.8)}


def _body_of(params: VehicleParams) -> Body:
    accel, decel, lateral = _MANNERS.get(params.name, (1.5, 2.0, 1.0))
    return Body(
        kind=_KINDS.get(params.name, VEHICLE),
        length=params.length,
        width=params.width,
        height=params.height,
        center_x=params.center_x,
        wheelbase=params.wheelbase,
        max_accel=params.max_accel,
        max_decel=params.max_decel,
        max_speed=params.max_speed,
        comfort_accel=accel,
        comfort_decel=decel,
        comfort_lateral=lateral,
    )


def _two_wheeler(kind: int, size: tuple[float, float, float], base: float, limits: tuple[float, float, float]) -> Body:
    accel, decel, speed = limits
    return Body(
        kind,
        *size,
        center_x=base / 2,
        wheelbase=base,
        max_accel=accel,
        max_decel=decel,
        max_speed=speed,
        comfort_accel=min(accel, 1.5),
        comfort_decel=2.0,
        comfort_lateral=1.0,
        reflectivity=0.15,
    )


def _walker(size: tuple[float, float, float], speed: float) -> Body:
    return Body(
        PEDESTRIAN,
        *size,
        max_accel=3.0,
        max_decel=5.0,
        max_speed=speed,
        comfort_accel=1.5,
        comfort_decel=2.0,
        comfort_lateral=1.0,
        reflectivity=0.15,
    )


VEHICLES: Final[Mapping[str, Body]] = MappingProxyType(
    {name: _body_of(params) for name, params in _PARAMS.items()}
    | {
        "motorcycle": _two_wheeler(MOTORCYCLE, (2.20, 0.80, 1.50), 1.45, (6.0, 8.5, 60.0)),
        "bicycle": _two_wheeler(BICYCLE, (1.80, 0.65, 1.70), 1.05, (1.5, 4.5, 12.0)),
    }
)
PEDESTRIANS: Final[Mapping[str, Body]] = MappingProxyType(
    {"adult": _walker((0.50, 0.60, 1.75), 7.0), "child": _walker((0.40, 0.45, 1.20), 6.0)}
)
OBJECTS: Final[Mapping[str, Body]] = MappingProxyType(
    {
        "box": Body(OBJECT, 1.00, 1.00, 1.00),
        "barrier": Body(OBJECT, 2.00, 0.60, 0.90, reflectivity=0.4),
        "traffic_cone": Body(OBJECT, 0.40, 0.40, 0.75, reflectivity=0.6),
        "warning_triangle": Body(OBJECT, 0.10, 0.45, 0.43, reflectivity=0.9),
        "tyre": Body(OBJECT, 0.65, 0.65, 0.22, reflectivity=0.05),
        "pallet": Body(OBJECT, 1.20, 0.80, 0.15, reflectivity=0.3),
        "stroller": Body(OBJECT, 0.90, 0.55, 1.05),
        "animal": Body(OBJECT, 1.20, 0.45, 0.90, max_accel=5.0, max_decel=5.0, max_speed=12.0, reflectivity=0.15),
        "wall": Body(OBJECT, 10.00, 0.30, 2.50, reflectivity=0.4),
    }
)
BODIES: Final[Mapping[str, Body]] = MappingProxyType({**VEHICLES, **PEDESTRIANS, **OBJECTS})


def body(name: str) -> Floats:
    """Return the fixed facts (P_ROWS,) of a shipped actor of any kind. Raises UnknownName."""
    if name not in BODIES:
        raise UnknownName("vehicle, pedestrian or object", name, BODIES)
    return BODIES[name].column()


def params(name: str) -> VehicleParams:
    """Return the dynamics of a vehicle that the ego can be. Raises UnknownName, or InputError for a two-wheeler."""
    if name in _PARAMS:
        return _PARAMS[name]
    if name in VEHICLES:
        known = ", ".join(_PARAMS)
        raise InputError(f"the ego cannot be a {name}: it has no two-track dynamics. Vehicles with: {known}.")
    raise UnknownName("vehicle", name, _PARAMS)
