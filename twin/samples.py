"""What sensors say: one sample, three clocks, and the payloads that drivers read.

t_meas: when it was true. t_stamp: what the device claims. t_arrival: when the stack gets it.
Positions are in the ego's body frame (origin: reference point) unless the name says otherwise; SI, radians.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.state import Floats, Ints


@dataclass(frozen=True, slots=True)
class ObjectList:
    """Tracked objects, one row each; `sources` holds a bit mask of the sensors that see the object."""

    ids: Ints  # (n,) track ids, not actor numbers
    kinds: Ints  # (n,) VEHICLE, PEDESTRIAN, ...
    center_xy: Floats  # (n, 2) box centre
    velocity_xy: Floats  # (n, 2) over ground, body axes
    yaw: Floats  # (n,) relative to the ego
    size_lw: Floats  # (n, 2)
    score: Floats  # (n,) 0..1
    sources: Ints  # (n,)


@dataclass(frozen=True, slots=True)
class LaneBoundaries:
    """The borders of the ego's lane as cubics y(x) = c0 + c1 x + c2 x^2 + c3 x^3; a lost border has valid False."""

    left: Floats  # (4,)
    right: Floats  # (4,)
    left_valid: bool
    right_valid: bool


@dataclass(frozen=True, slots=True)
class GnssFix:
    """Antenna position in the map's ENU frame with its claimed deviation.

    quality: 0 none, 1 SPS, 2 DGNSS, 4 RTK fixed, 5 RTK float.
    """

    xyz: Floats  # (3,) [m]
    velocity_enu: Floats  # (3,) [m/s]
    std_xyz: Floats  # (3,) claimed 1-sigma [m]
    quality: int


@dataclass(frozen=True, slots=True)
class ImuSample:
    """Specific force and angular rate in the sensor's frame."""

    accel_xyz: Floats  # (3,) [m/s^2], reads +g on z at rest
    gyro_xyz: Floats  # (3,) [rad/s]


@dataclass(frozen=True, slots=True)
class WheelSpeeds:
    """Speed over ground as the wheels tell it and the measured road wheel angle."""

    wheels_mps: Floats  # (4,) front left, front right, rear left, rear right
    steer_rad: float


@dataclass(frozen=True, slots=True)
class PoseEstimate:
    """Where the ego believes to be: reference point in the map's ENU frame."""

    x: float
    y: float
    yaw: float
    speed_mps: float
    yaw_rate: float
    accel_mps2: float
    std_xy: float  # claimed 1-sigma of the horizontal position [m]


@dataclass(frozen=True, slots=True)
class PointCloud:
    """One LiDAR sweep in the sensor's frame."""

    points_xyz: NDArray[np.float32]  # (n, 3) [m]
    intensity: NDArray[np.float32]  # (n,) 0..1
    t_offset_ns: NDArray[np.int32]  # (n,) since t_meas
    ring: NDArray[np.int16]  # (n,)


@dataclass(frozen=True, slots=True)
class TrafficLights:
    """What the stack sees of the signals ahead: stop line distance along the ego's route and the lamp."""

    signal: Ints  # (n,) row of the map's signals
    distance_m: Floats  # (n,)
    lamp: Ints  # (n,)


Payload = ObjectList | LaneBoundaries | GnssFix | ImuSample | WheelSpeeds | PoseEstimate | PointCloud | TrafficLights


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of one sensor. `faults` labels what was injected, for the record; the stack never sees it."""

    sensor: str
    t_meas_ns: int
    t_stamp_ns: int
    t_arrival_ns: int
    data: Payload
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the stack gets at one tick: every sample that has arrived since the last, ordered by arrival."""

    t_ns: int
    samples: tuple[Sample, ...]
