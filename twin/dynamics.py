"""How the ego moves under its driver: actuators with delay and lag, and a dynamic single track.

Model: single track with linear axles saturated by friction, referred to the rear axle (Mitschke, Wallentowitz: "Dynamik
der Kraftfahrzeuge"; checks of ISO 4138 and ISO 7401). States: vx, vy at the rear axle, yaw rate r, road wheel angle,
delivered drive and brake. Longitudinal force acts on both axles in proportion to their loads, so braking is balanced;
load transfer by the longitudinal acceleration moves the friction limits; the friction circle of each axle leaves to the
lateral force what the longitudinal one does not use; anti-lock brakes and traction control use at most 98 % of it.

Actuators: delay (whole substeps) -> first-order lag, exactly discretised -> rate and angle limit (steering only).
Drive is limited by power above `power_speed`. Air drag (with head wind), rolling resistance and grade act in addition:
a demand of 0 coasts. The car holds itself at standstill and never rolls back; there is no reverse gear.

Validity: up to the friction limit; spins are plausible, not accurate; no roll, no individual wheels. Below 1 m/s the
kinematic single track takes over, blended up to 2 m/s, where the tyre equations become singular. Speeds are horizontal.
Velocities are integrated by Runge-Kutta 4 in substeps of at most 5 ms, the pose as an arc.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from twin.clock import seconds
from twin.errors import InputError
from twin.faults import Fault, fault_kind
from twin.kernel import kernel
from twin.state import (
    AX,
    AY,
    BRAKE,
    DRIVE,
    EGO,
    FRICTION,
    PITCH,
    STEER,
    TRAVELLED,
    VX,
    VY,
    WIND,
    WIND_DIRECTION,
    YAW,
    YAW_RATE,
    Floats,
    Ints,
    X,
    Y,
)
from twin.vehicle import GRAVITY, VehicleParams

LONGEST_SUBSTEP_NS: Final = 5_000_000
_AIR: Final = 1.225  # [kg/m^3]
_ABS: Final = 0.98  # share of friction that controlled wheels use
_KINEMATIC, _DYNAMIC = 1.0, 2.0  # blend between the two models [m/s]

NO_FAULT, BRAKE_LOSS, BRAKE_FADE, BRAKE_STUCK_ON, DRIVE_LOSS, DRIVE_STUCK, STEER_LOSS, STEER_STUCK, STEER_BIAS = range(
    9
)
_FAULT_CODES: Final = {
    ("brake", "loss"): (BRAKE_LOSS, ""),
    ("brake", "fade"): (BRAKE_FADE, "share"),
    ("brake", "stuck_on"): (BRAKE_STUCK_ON, "decel"),
    ("drive", "loss"): (DRIVE_LOSS, ""),
    ("drive", "stuck"): (DRIVE_STUCK, ""),
    ("steer", "loss"): (STEER_LOSS, ""),
    ("steer", "stuck"): (STEER_STUCK, ""),
    ("steer", "bias"): (STEER_BIAS, "angle"),
}


Delivered = tuple[float, float, float]  # drive [m/s^2], brake [m/s^2], road wheel angle [rad]


class Plant(NamedTuple):
    """A vehicle ready for the kernels: SI, delays in substeps, lags as the share closed in one substep of dt [s]."""

    dt: float
    mass: float
    yaw_inertia: float
    front: float  # centre of gravity to front axle [m]
    rear: float
    height: float  # of the centre of gravity [m]
    cornering_front: float
    cornering_rear: float
    max_steer: float
    steer_slew: float  # most change in one substep [rad]
    steer_delay: int
    steer_share: float
    max_accel: float
    power_speed: float
    max_speed: float
    drive_delay: int
    drive_share: float
    max_decel: float
    brake_delay: int
    brake_share: float
    drag: float  # rho C_d A / (2 m) [1/m]
    rolling: float  # [m/s^2]


class ActuatorFaults(NamedTuple):
    """What each channel of the fault schedule does to the ego's actuators; kind NO_FAULT for all other channels."""

    kind: Ints  # (channels,)
    value: Floats  # (channels,)


class Actuators(NamedTuple):
    """Memory of the ego's actuators: commands on their way, and what a stuck one delivered when it stuck."""

    line: Floats  # (3, slots) demanded drive, brake and steer of the last substeps
    at: Ints  # (1,) slot written last
    held: Floats  # (2,) drive and steer, nan while free


def plant_of(vehicle: VehicleParams, substep_ns: int) -> Plant:
    """Return the kernels' form of a vehicle. Raises InputError for substeps that the model cannot integrate."""
    if not 0 < substep_ns <= LONGEST_SUBSTEP_NS:
        raise InputError(f"physics substeps must last at most 5 ms, got {substep_ns / 1e6:g} ms; raise `substeps`")
    dt = seconds(substep_ns)
    return Plant(
        dt=dt,
        mass=vehicle.mass,
        yaw_inertia=vehicle.yaw_inertia,
        front=vehicle.front_axle,
        rear=vehicle.rear_axle,
        height=vehicle.cog_height,
        cornering_front=vehicle.cornering_front,
        cornering_rear=vehicle.cornering_rear,
        max_steer=vehicle.max_steer,
        steer_slew=vehicle.max_steer_rate * dt,
        steer_delay=_slots(vehicle.steer_delay_s, substep_ns),
        steer_share=_share(vehicle.steer_tau_s, dt),
        max_accel=vehicle.max_accel,
        power_speed=vehicle.power_speed,
        max_speed=vehicle.max_speed,
        drive_delay=_slots(vehicle.drive_delay_s, substep_ns),
        drive_share=_share(vehicle.drive_tau_s, dt),
        max_decel=vehicle.max_decel,
        brake_delay=_slots(vehicle.brake_delay_s, substep_ns),
        brake_share=_share(vehicle.brake_tau_s, dt),
        drag=0.5 * _AIR * vehicle.drag_area / vehicle.mass,
        rolling=vehicle.rolling_resistance * GRAVITY,
    )


def actuators_of(plant: Plant) -> Actuators:
    """Return the memory of actuators at rest."""
    slots = 1 + max(plant.steer_delay, plant.drive_delay, plant.brake_delay)
    return Actuators(np.zeros((3, slots)), np.zeros(1, np.int64), np.full(2, np.nan))


def actuator_faults(faults: Sequence[Fault], ego: str) -> ActuatorFaults:
    """Return what the schedule does to the ego's actuators. Raises UnknownName or InputError for a wrong fault."""
    kind = np.zeros(len(faults), np.int64)
    value = np.zeros(len(faults))
    for i, fault in enumerate(faults):
        actor, _, part = fault.component.partition(".")
        if actor != ego or part not in ("brake", "drive", "steer"):
            continue
        parameters = fault_kind(fault.name, part).values(fault.parameters)
        kind[i], parameter = _FAULT_CODES[part, fault.name]
        value[i] = parameters[parameter] if parameter else 0.0
    return ActuatorFaults(kind, value)


def _slots(delay_s: float, substep_ns: int) -> int:
    return max(0, round(delay_s * 1e9 / substep_ns))


def _share(tau_s: float, dt: float) -> float:
    return 1.0 if tau_s <= 0.0 else -math.expm1(-dt / tau_s)


@kernel
def actuate(
    plant: Plant,
    actuators: Actuators,
    faults: ActuatorFaults,
    severity: Floats,
    f: Floats,
    accel: float,
    steer: float,
) -> Delivered:
    """Let the ego's actuators follow a demand for one substep: updates DRIVE, BRAKE and STEER.

    Returns what they deliver on the mean of the substep.
    """
    line, slots = actuators.line, actuators.line.shape[1]
    at = (actuators.at[0] + 1) % slots
    actuators.at[0] = at
    line[0, at] = max(0.0, accel)
    line[1, at] = max(0.0, -accel)
    line[2, at] = steer
    speed = max(f[VX, EGO], plant.power_speed)
    most = plant.max_accel * plant.power_speed / speed if f[VX, EGO] < plant.max_speed else 0.0
    drive = min(line[0, (at - plant.drive_delay) % slots], most)
    brake = min(line[1, (at - plant.brake_delay) % slots], plant.max_decel)
    angle = max(-plant.max_steer, min(plant.max_steer, line[2, (at - plant.steer_delay) % slots]))
    drive_stuck, steer_stuck = 0.0, 0.0
    for c in range(len(faults.kind)):
        kind, hard = faults.kind[c], severity[c]
        if kind == NO_FAULT or hard <= 0.0:
            continue
        if kind == BRAKE_LOSS:
            brake *= 1.0 - hard
        elif kind == BRAKE_FADE:
            brake *= 1.0 - hard * (1.0 - faults.value[c])
        elif kind == BRAKE_STUCK_ON:
            brake = max(brake, hard * faults.value[c])
        elif kind == DRIVE_LOSS:
            drive *= 1.0 - hard
        elif kind == DRIVE_STUCK:
            drive_stuck = max(drive_stuck, hard)
        elif kind == STEER_LOSS:
            angle *= 1.0 - hard
        elif kind == STEER_STUCK:
            steer_stuck = max(steer_stuck, hard)
        elif kind == STEER_BIAS:
            angle += hard * faults.value[c]
    drive = _stick(actuators.held, 0, drive_stuck, f[DRIVE, EGO], drive)
    angle = _stick(actuators.held, 1, steer_stuck, f[STEER, EGO], angle)
    before = f[DRIVE, EGO], f[BRAKE, EGO], f[STEER, EGO]
    f[DRIVE, EGO] += (drive - f[DRIVE, EGO]) * plant.drive_share
    f[BRAKE, EGO] += (brake - f[BRAKE, EGO]) * plant.brake_share
    turn = (angle - f[STEER, EGO]) * plant.steer_share
    turned = f[STEER, EGO] + max(-plant.steer_slew, min(plant.steer_slew, turn))
    f[STEER, EGO] = max(-plant.max_steer, min(plant.max_steer, turned))
    return 0.5 * (before[0] + f[DRIVE, EGO]), 0.5 * (before[1] + f[BRAKE, EGO]), 0.5 * (before[2] + f[STEER, EGO])


@kernel
def _stick(held: Floats, slot: int, hard: float, now: float, wanted: float) -> float:
    if hard <= 0.0:
        held[slot] = math.nan
        return wanted
    if math.isnan(held[slot]):
        held[slot] = now
    return float(wanted + hard * (held[slot] - wanted))


@kernel
def longitudinal(plant: Plant, f: Floats, environment: Floats, delivered: Delivered) -> tuple[float, float]:
    """Return the acceleration of the ego by its tyres and the one by air, rolling and grade [m/s^2]."""
    grip = _ABS * environment[FRICTION] * GRAVITY
    speed = f[VX, EGO]
    way = -1.0 if speed < 0.0 else 1.0
    tyres = max(-grip, min(grip, delivered[0] - way * delivered[1]))
    wind = environment[WIND]
    air = speed
    if wind != 0.0:
        air -= wind * math.cos(environment[WIND_DIRECTION] - f[YAW, EGO])
    return tyres, -plant.drag * air * abs(air) - way * plant.rolling + GRAVITY * math.sin(f[PITCH, EGO])


@kernel
def slow_down(plant: Plant, f: Floats, environment: Floats, delivered: Delivered) -> float:
    """Return the ego's speed one substep later when only its longitudinal motion is its driver's [m/s]."""
    tyres, rest = longitudinal(plant, f, environment, delivered)
    speed = f[VX, EGO] + (tyres + rest) * plant.dt
    return float(max(0.0, speed))


@kernel
def axle_force(stiffness: float, slip: float, load: float, friction: float, used: float) -> float:
    """Return the lateral force of an axle: linear in slip, saturated by what the friction circle leaves [N].

    `used` is the longitudinal force over the load, in units of friction.
    """
    cap = load * math.sqrt(max(0.0, friction * friction - used * used))
    return max(-cap, min(cap, stiffness * slip))


@kernel
def velocity_rates(
    plant: Plant, friction: float, steer: float, tyres: float, rest: float, vx: float, vy: float, r: float
) -> tuple[float, float, float]:
    """Return the derivatives of vx, vy (rear axle, body frame) and yaw rate.

    `tyres` and `rest` are the accelerations of `longitudinal`. Axle coefficients at static load.
    """
    base = plant.front + plant.rear
    forward = max(abs(vx), _KINEMATIC)
    slip_front = steer - math.atan2(vy + base * r, forward)
    slip_rear = -math.atan2(vy, forward)
    shift = tyres * plant.height
    load_front = max(0.0, plant.mass * (GRAVITY * plant.rear - shift) / base)
    load_rear = max(0.0, plant.mass * (GRAVITY * plant.front + shift) / base)
    used = tyres / GRAVITY
    front = axle_force(plant.cornering_front, slip_front, load_front, friction, used)
    rear = axle_force(plant.cornering_rear, slip_rear, load_rear, friction, used)
    across = front * math.cos(steer)
    vy_cog = vy + plant.rear * r
    spin = (plant.front * across - plant.rear * rear) / plant.yaw_inertia
    ax = tyres + rest - front * math.sin(steer) / plant.mass + vy_cog * r
    ay_cog = (across + rear) / plant.mass - vx * r
    return ax, ay_cog - plant.rear * spin, spin


@kernel
def drive_on(plant: Plant, f: Floats, environment: Floats, delivered: Delivered, forced: float) -> None:
    """Move the ego by one substep under what its actuators deliver; a finite `forced` acceleration ahead wins."""
    dt = plant.dt
    base = plant.front + plant.rear
    vx, vy, r = f[VX, EGO], f[VY, EGO], f[YAW_RATE, EGO]
    steer, friction = delivered[2], environment[FRICTION]
    tyres, rest = longitudinal(plant, f, environment, delivered)
    if not math.isnan(forced):
        tyres, rest = 0.0, forced
    slow = math.hypot(vx, vy)
    blend = max(0.0, min(1.0, (slow - _KINEMATIC) / (_DYNAMIC - _KINEMATIC)))
    vx1 = vx + dt * (tyres + rest)
    vy1, r1 = 0.0, 0.0
    if blend > 0.0:
        a1, b1, c1 = velocity_rates(plant, friction, steer, tyres, rest, vx, vy, r)
        h = 0.5 * dt
        a2, b2, c2 = velocity_rates(plant, friction, steer, tyres, rest, vx + h * a1, vy + h * b1, r + h * c1)
        a3, b3, c3 = velocity_rates(plant, friction, steer, tyres, rest, vx + h * a2, vy + h * b2, r + h * c2)
        a4, b4, c4 = velocity_rates(plant, friction, steer, tyres, rest, vx + dt * a3, vy + dt * b3, r + dt * c3)
        if math.isnan(forced):
            vx1 += blend * (vx + dt / 6.0 * (a1 + 2.0 * a2 + 2.0 * a3 + a4) - vx1)
        vy1 = blend * (vy + dt / 6.0 * (b1 + 2.0 * b2 + 2.0 * b3 + b4))
        r1 = blend * (r + dt / 6.0 * (c1 + 2.0 * c2 + 2.0 * c3 + c4))
    if blend < 1.0:
        vx1 = max(0.0, vx1)
        r1 += (1.0 - blend) * vx1 * math.tan(f[STEER, EGO]) / base
    place(f, EGO, vx1, vy1, r1, dt)


@kernel
def place(f: Floats, actor: int, vx1: float, vy1: float, r1: float, dt: float) -> None:
    """Give an actor its velocities of dt later and move its pose along the arc between."""
    vx, vy, r = f[VX, actor], f[VY, actor], f[YAW_RATE, actor]
    turn = 0.5 * (r + r1) * dt
    middle = f[YAW, actor] + 0.5 * turn
    half = 0.5 * turn
    chord = dt * (1.0 - half * half / 6.0 + half * half * half * half / 120.0)
    forward, left = 0.5 * (vx + vx1) * chord, 0.5 * (vy + vy1) * chord
    f[X, actor] += forward * math.cos(middle) - left * math.sin(middle)
    f[Y, actor] += forward * math.sin(middle) + left * math.cos(middle)
    f[YAW, actor] = wrap(f[YAW, actor] + turn)
    f[AX, actor] = (vx1 - vx) / dt - 0.5 * (vy * r + vy1 * r1)
    f[AY, actor] = (vy1 - vy) / dt + 0.5 * (vx * r + vx1 * r1)
    f[VX, actor], f[VY, actor], f[YAW_RATE, actor] = vx1, vy1, r1
    f[TRAVELLED, actor] += math.hypot(forward, left)


@kernel
def wrap(angle: float) -> float:
    """Return the angle in (-pi, pi]."""
    if -math.pi < angle <= math.pi:
        return angle
    turned = angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi))
    return math.pi if turned <= -math.pi else turned
