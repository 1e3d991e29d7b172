"""The fault schedule: what can be injected where, and how hard it is on at a tick.

A channel is one entry of a scenario's `faults:` (or one `fault:` action of its story); its severity per tick is written
by the story and read by the device that the fault sits on. Severity 0 is bit-identical to no fault.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from twin.errors import InputError, UnknownName, suggest


@dataclass(frozen=True, slots=True)
class Fault:
    """One channel of the schedule. `component` reads actor.part ("ego.lidar_front", "ego.brake"); parameters in SI."""

    component: str
    name: str
    parameters: Mapping[str, float] = field(default_factory=dict)


class FaultParameter(NamedTuple):
    """What severity 1 means: the dimension as an SI unit string, and the value when the author gives none."""

    dimension: str
    default: float


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the catalogue.

    `applies_to` names kinds of component: a sensor's kind, or "brake", "steer", "drive". `standard` says which list of
    failure modes or triggering conditions it comes from. With `axes`, a parameter written sets all unwritten to 0.
    """

    name: str
    applies_to: frozenset[str]
    parameters: Mapping[str, FaultParameter]
    standard: str
    about: str
    axes: bool = False

    def values(self, given: Mapping[str, float]) -> dict[str, float]:
        """Return every parameter: as given, else its default. Raises InputError for a name it does not have."""
        for name in given:
            if name not in self.parameters:
                known = ", ".join(sorted(self.parameters)) or "none"
                hint = suggest(name, self.parameters)
                raise InputError(f"fault '{self.name}' has no parameter '{name}'{hint}. Known: {known}.")
        bare = self.axes and len(given) > 0
        return {k: float(given.get(k, 0.0 if bare else p.default)) for k, p in self.parameters.items()}


SENDING: Final = frozenset(
    {"objects", "lanes", "gnss", "imu", "wheels", "localiser", "lidar", "lights", "ground_truth"}
)
SENSING: Final = SENDING | {"detector"}
ACTUATORS: Final = frozenset({"brake", "steer", "drive"})

_DEG = math.pi / 180.0
_ISO26262_5 = "ISO 26262-5 annex D"
_ISO26262_6 = "ISO 26262-6 annex D"
_ISO21448 = "ISO 21448 7.3.3"
_ISO21434 = "ISO/SAE 21434"
_E2E = "AUTOSAR E2E"


def _row(
    name: str, applies_to: frozenset[str], standard: str, about: str, axes: bool = False, **parameters: FaultParameter
) -> FaultKind:
    return FaultKind(name, applies_to, MappingProxyType(parameters), standard, about, axes)


def _on(*kinds: str) -> frozenset[str]:
    return frozenset(kinds)


P = FaultParameter

_ROWS: Final = (
    _row("blackout", SENSING, f"{_ISO26262_5}; {_E2E} loss", "Nothing is sent any more."),
    _row(
        "freeze",
        SENDING,
        f"{_ISO26262_5} stuck in range; {_E2E} repetition",
        "The last value repeats, with its old stamp, or with a fresh one that defeats an age check.",
        new_stamp=P("1", 0.0),
    ),
    _row(
        "bias",
        SENDING | {"steer"},
        f"{_ISO26262_5} offset",
        "A constant is added along the axes that the device has.",
        axes=True,
        x=P("m", 1.0),
        y=P("m", 1.0),
        z=P("m", 0.0),
        yaw=P("rad", 0.0),
        range=P("m", 0.5),
        speed=P("m/s", 0.5),
        accel=P("m/s^2", 0.5),
        rate=P("rad/s", 1.0 * _DEG),
        angle=P("rad", 2.0 * _DEG),
    ),
    _row("delay", SENDING, f"{_E2E} delay", "Every sample arrives later.", by=P("s", 0.5)),
    _row(
        "drop",
        SENDING,
        f"{_E2E} loss",
        "Each sample is lost on its own with this probability.",
        probability=P("1", 0.5),
    ),
    _row("clock_offset", SENDING, f"{_ISO26262_5} clock", "Stamps are late by a constant.", by=P("s", 0.2)),
    _row(
        "dropout",
        _on("gnss"),
        f"{_ISO26262_5}; {_ISO21448}",
        "No fix; afterwards the receiver needs its time to find one again.",
    ),
    _row(
        "spoof_drift",
        _on("gnss"),
        _ISO21434,
        "A carry-off: the position walks away from the truth while quality stays good. "
        "The direction counts from the heading at the start of the attack, left +.",
        rate=P("m/s", 1.0),
        direction=P("rad", 90.0 * _DEG),
    ),
    _row(
        "spoof_jump",
        _on("gnss"),
        _ISO21434,
        "The position jumps while quality stays good; direction as for spoof_drift.",
        distance=P("m", 50.0),
        direction=P("rad", 90.0 * _DEG),
    ),
    _row(
        "miss",
        _on("objects"),
        _ISO21448,
        "Objects are missed in bursts.",
        probability=P("1", 0.5),
        burst=P("s", 0.25),
    ),
    _row(
        "ghost", _on("objects"), _ISO21448, "Objects appear that are not there.", rate=P("1/s", 1.0), life=P("s", 1.0)
    ),
    _row(
        "sector_loss",
        _on("lidar", "detector"),
        _ISO26262_5,
        "A sector around `azimuth` (left +) sees nothing; severity scales its width.",
        width=P("rad", 60.0 * _DEG),
        azimuth=P("rad", 0.0),
    ),
    _row("rand_drop", _on("lidar"), _ISO26262_5, "Each return is lost on its own.", probability=P("1", 0.8)),
    _row(
        "bias_step",
        _on("imu"),
        _ISO26262_5,
        "All axes of the gyroscope and the accelerometer gain an offset.",
        axes=True,
        rate=P("rad/s", 1.0 * _DEG),
        accel=P("m/s^2", 0.5),
    ),
    _row("stuck_zero", _on("wheels"), _ISO26262_5, "A locked or unread wheel sensor: all wheels read 0."),
    _row("radius", _on("wheels"), _ISO26262_5, "The tyres roll on another radius than assumed.", error=P("1", 0.05)),
    _row("lane_drop", _on("lanes"), _ISO21448, "Borders are not found.", probability=P("1", 1.0)),
    _row("lane_offset", _on("lanes"), _ISO21448, "Both borders are seen further left.", offset=P("m", 0.8)),
    _row("loss", ACTUATORS, f"{_ISO26262_5} final element", "The actuator delivers nothing."),
    _row("stuck", _on("steer", "drive"), f"{_ISO26262_5} final element", "The actuator holds what it delivered."),
    _row(
        "fade",
        _on("brake"),
        f"{_ISO26262_5} final element",
        "Brakes deliver only a share of what is asked.",
        share=P("1", 0.5),
    ),
    _row(
        "stuck_on",
        _on("brake"),
        f"{_ISO26262_5} final element",
        "Brakes do not release below this deceleration.",
        decel=P("m/s^2", 3.0),
    ),
)

FAULTS: Final[Mapping[str, FaultKind]] = MappingProxyType({row.name: row for row in _ROWS})


def fault_kind(name: str, component_kind: str) -> FaultKind:
    """Return the catalogue row for a fault on a kind of component.

    Raises UnknownName for a name the catalogue does not hold, InputError for one that such a component cannot have.
    """
    if name not in FAULTS:
        raise UnknownName("fault", name, FAULTS)
    kind = FAULTS[name]
    if component_kind not in kind.applies_to:
        possible = ", ".join(sorted(n for n, k in FAULTS.items() if component_kind in k.applies_to)) or "none"
        raise InputError(f"fault '{name}' cannot sit on a {component_kind}. Possible there: {possible}.")
    return kind
