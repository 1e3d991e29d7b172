"""What a driver answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Mode(Enum):
    """What the stack says it is doing."""

    ENGAGED = "engaged"
    TAKEOVER_REQUEST = "takeover_request"
    MINIMAL_RISK = "minimal_risk"


class Cause(Enum):
    """Why a stack gives up driving; the vocabulary of disengagement reports."""

    NONE = "none"
    ODD_EXIT_PLANNED = "odd_exit_planned"
    ODD_EXIT_UNPLANNED = "odd_exit_unplanned"
    PERCEPTION = "perception"
    LOCALISATION = "localisation"
    PLANNING = "planning"
    CONTROL = "control"
    SAFETY_MONITOR = "safety_monitor"
    SW = "sw"
    HW = "hw"
    COMMS = "comms"
    DRIVER_PRECAUTION = "driver_precaution"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Command:
    """Ackermann controls with the driver's mode.

    accel_mps2: demanded longitudinal acceleration, negative brakes. steer_rad: demanded road wheel angle, left +.
    """

    accel_mps2: float
    steer_rad: float
    mode: Mode = Mode.ENGAGED
    cause: Cause = Cause.NONE
    note: str = ""
