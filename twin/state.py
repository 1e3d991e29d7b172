"""The state of the world as struct of arrays, and how Python sees one tick of it.

One rollout is two blocks: `f` float64 (rows, actors) and `n` int64 (rows, actors); a batch adds a leading axis.
Kernels take the blocks of one rollout and index rows by the names below. Actor 0 is always the ego.

Reference point of an actor: the rear axle's centre on the ground for vehicles, the box's centre on the ground for all
others. World frame ENU, body frame x forward, y left, z up (ISO 8855); SI units, radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EGO: Final = 0

# --- rows of the moving block f ------------------------------------------------------------------------------------
X, Y, Z, YAW, PITCH, ROLL = 0, 1, 2, 3, 4, 5  # pose of the reference point [m, rad]; yaw in (-pi, pi]
VX, VY, YAW_RATE = 6, 7, 8  # velocity of the reference point in the body frame [m/s], [rad/s]
AX, AY = 9, 10  # acceleration felt at the reference point in the body frame, without gravity [m/s^2]
STEER = 11  # road wheel angle [rad]
S, D = 12, 13  # along and across the lane of row LANE: arc length in travel direction, offset left + [m]
TRAVELLED = 14  # way driven since the start [m]
DRIVE, BRAKE = 15, 16  # what the actuators deliver now: longitudinal acceleration >= 0, deceleration >= 0 [m/s^2]
FREE_0, FREE_1, FREE_2, FREE_3, FREE_4, FREE_5, FREE_6, FREE_7 = range(17, 25)  # the engine's own memory
F_ROWS: Final = 25
F_NAMES: Final = (
    *("x", "y", "z", "yaw", "pitch", "roll", "vx", "vy", "yaw_rate", "ax", "ay", "steer", "s", "d", "travelled"),
    *("drive", "brake", "free_0", "free_1", "free_2", "free_3", "free_4", "free_5", "free_6", "free_7"),
)

# --- rows of the integer block n -----------------------------------------------------------------------------------
LANE = 0  # row of the lane arrays the reference point is on, -1 off every lane
PRESENT = 1  # 1 in the world, 0 not (yet, or any more)
HIT = 2  # 1 once the actor has collided (stays)
ROUTE = 3  # row of the route tables, 0 = straight on
SPEED_BY, LATERAL_BY = 4, 5  # who holds the axis: DRIVER or STORY
SPEED_MODE, LATERAL_MODE = 6, 7  # what the story asks of the axis, see below
AIM_LANE = 8  # lane that SP_OFFSET counts from
VISIBLE = 9  # bits 1 image, 2 sensors, 4 traffic
N_FREE_0, N_FREE_1, N_FREE_2, N_FREE_3 = 10, 11, 12, 13  # the engine's own memory
N_ROWS: Final = 14
N_NAMES: Final = (
    *("lane", "present", "hit", "route", "speed_by", "lateral_by", "speed_mode", "lateral_mode", "aim_lane", "visible"),
    *("n_free_0", "n_free_1", "n_free_2", "n_free_3"),
)

DRIVER, STORY = 0, 1

# --- set-points: what the story asks of each actor for the END of the coming tick; block sp (rows, actors) -----------
SP_SPEED = 0  # [m/s] with SPEED_MODE = SPEED_SET
SP_OFFSET = 1  # [m] from the centre of AIM_LANE, left +, with LATERAL_MODE = OFFSET_SET
SP_X, SP_Y, SP_Z, SP_YAW = 2, 3, 4, 5  # pose with LATERAL_MODE = POSE_SET
SP_ROWS: Final = 6

SPEED_HOLD, SPEED_SET = 0, 1  # hold: keep the speed of now
OFFSET_HOLD, OFFSET_SET, POSE_SET = 0, 1, 2  # hold: keep the lane and the offset of now

# --- rows of the fixed block p (rows, actors): what an actor is ------------------------------------------------------
KIND = 0  # one of the kinds below
LENGTH, WIDTH, HEIGHT = 1, 2, 3  # box [m]
CENTER_X = 4  # from the reference point forward to the box's centre [m]
WHEELBASE = 5  # [m], 0 for what does not steer
MAX_ACCEL, MAX_DECEL, MAX_SPEED = 6, 7, 8  # comfort-free limits [m/s^2], [m/s]
COMFORT_ACCEL, COMFORT_DECEL, COMFORT_LATERAL = 9, 10, 11  # [m/s^2], [m/s^2], lateral speed [m/s]
DESIRED_SPEED = 12  # of the built-in traffic driver [m/s]; nan = the speed limit
TRAFFIC = 13  # 1: driven by the built-in traffic model (IDM + MOBIL), 0: holds what it has
REFLECTIVITY = 14  # of its surface at 905 nm [-]
P_ROWS: Final = 15

VEHICLE, TRUCK, BUS, MOTORCYCLE, BICYCLE, PEDESTRIAN, OBJECT = range(7)
KIND_NAMES: Final = ("car", "truck", "bus", "motorcycle", "bicycle", "pedestrian", "object")

# --- rows of the environment vector ---------------------------------------------------------------------------------
(
    TIME_OF_DAY,  # [s] since midnight
    RAIN,  # [mm/h]
    SNOW,  # water equivalent [mm/h]
    VISIBILITY,  # meteorological optical range [m], inf in clear air
    CLOUDS,  # cover 0..1
    WIND,  # [m/s]
    WIND_DIRECTION,  # where it blows to, ENU angle [rad]
    FRICTION,  # tyre-road coefficient, dry asphalt 1.0 [-]
    TEMPERATURE,  # [K]
    SUN_ELEVATION,  # [rad]
    SUN_AZIMUTH,  # ENU angle [rad]
    ILLUMINANCE,  # [lx]
) = range(12)
E_ROWS: Final = 12
E_NAMES: Final = (
    *("time_of_day", "rain", "snow", "visibility", "clouds", "wind", "wind_direction", "friction", "temperature"),
    *("sun_elevation", "sun_azimuth", "illuminance"),
)

# --- columns of the ego's trail within a tick -------------------------------------------------------------------------
(
    TR_X,
    TR_Y,
    TR_Z,
    TR_YAW,
    TR_PITCH,
    TR_ROLL,
    TR_VX,
    TR_VY,
    TR_YAW_RATE,
    TR_AX,
    TR_AY,
    TR_STEER,
) = range(12)
TR_ROWS: Final = 12

# --- lamps of a traffic light --------------------------------------------------------------------------------------
LAMP_OFF, LAMP_GREEN, LAMP_YELLOW, LAMP_RED, LAMP_RED_YELLOW = range(5)
LAMP_NAMES: Final = ("off", "green", "yellow", "red", "red_yellow")

# --- how far an event of the story has come ---------------------------------------------------------------------------
WAITING, RUNNING, DONE, SKIPPED = range(4)


class World(NamedTuple):
    """The live arrays of one rollout, changed in place by the engine and the story; kernels pass it around."""

    f: Floats  # (F_ROWS, actors)
    n: Ints  # (N_ROWS, actors)
    p: Floats  # (P_ROWS, actors)
    sp: Floats  # (SP_ROWS, actors)
    environment: Floats  # (E_ROWS,)
    lamps: Ints  # (signals,)
    severity: Floats  # (channels,)
    touch: Ints  # (actors, actors) 1 once the two have collided (stays), symmetric
    events: Ints  # (events,) WAITING, RUNNING, DONE or SKIPPED


@dataclass(frozen=True, slots=True)
class Contact:
    """The first touch of two bodies: who, when, how fast. `b` < 0 is map object -1 - b."""

    t_ns: int
    a: int
    b: int
    speed_a_mps: float
    speed_b_mps: float
    closing_mps: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class WorldState:
    """Truth at one tick. Arrays are copies that nobody changes.

    `trail` is (substeps + 1, TR_ROWS): the ego at the physics substeps of the tick that led here, first row = the tick
    before, last row = now, at `trail_t_ns`. At t = 0 it has one row.
    """

    t_ns: int
    f: Floats  # (F_ROWS, actors)
    n: Ints  # (N_ROWS, actors)
    trail: Floats
    trail_t_ns: Ints
    environment: Floats  # (E_ROWS,)
    lamps: Ints  # (signals,)
    severity: Floats  # (channels,) 0 nominal .. 1 full, for each entry of Case.faults
    story: Ints  # (events,) WAITING, RUNNING, DONE or SKIPPED
    contacts: tuple[Contact, ...]  # new in this tick
    over: bool  # the scenario's `end` holds: this tick is the last
    hash: int  # rolling 64-bit hash of every state block since the start
