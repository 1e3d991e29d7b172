"""The ego against ISO manoeuvres, published step responses and hand-computed actuators."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from twin.dynamics import actuate, actuator_faults, actuators_of, drive_on, plant_of, velocity_rates, wrap
from twin.environment import environment
from twin.errors import InputError
from twin.faults import Fault
from twin.state import AX, AY, BRAKE, DRIVE, F_ROWS, PITCH, STEER, TRAVELLED, VX, VY, YAW, YAW_RATE, Floats, X, Y
from twin.vehicle import VehicleParams, params

DT = 0.005
Demand = Callable[[float], tuple[float, float]]
SEDAN = params("mid_sedan")
QUICK = {"steer_delay_s": 0.0, "steer_tau_s": 0.0, "max_steer_rate": 1e9}
FREE = {"drag_area": 0.0, "rolling_resistance": 0.0}


def drive(
    vehicle: VehicleParams,
    demand: Demand,
    seconds: float,
    speed: float = 0.0,
    faults: tuple[Fault, ...] = (),
    severity: float = 1.0,
    weather: Floats | None = None,
    start: dict[int, float] | None = None,
) -> Floats:
    """Return the ego's column after each substep, (steps, F_ROWS)."""
    plant = plant_of(vehicle, 5_000_000)
    memory, table = actuators_of(plant), actuator_faults(faults, "ego")
    f, e = np.zeros((F_ROWS, 1)), environment() if weather is None else weather
    f[VX, 0] = speed
    for row, value in (start or {}).items():
        f[row, 0] = value
    hard = np.full(len(faults), severity)
    out = []
    for k in range(round(seconds / DT)):
        drive_on(plant, f, e, actuate(plant, memory, table, hard, f, *demand(k * DT)), math.nan)
        out.append(f[:, 0].copy())
    return np.array(out)


def at_constant_speed(vehicle: VehicleParams, speed: float, steer: float, seconds: float) -> Floats:
    plant = plant_of(replace(vehicle, **QUICK), 5_000_000)
    memory, table = actuators_of(plant), actuator_faults((), "ego")
    f, e, none = np.zeros((F_ROWS, 1)), environment(), np.zeros(0)
    f[VX, 0], f[STEER, 0] = speed, steer
    out = []
    for _ in range(round(seconds / DT)):
        drive_on(plant, f, e, actuate(plant, memory, table, none, f, 0.0, steer), 0.0)
        out.append(f[:, 0].copy())
    return np.array(out)


def test_a_step_of_the_wheel_settles_at_the_yaw_rate_of_iso_4138() -> None:
    rate = at_constant_speed(SEDAN, 20.0, 0.01, 3.0)[:, YAW_RATE]
    assert rate[-1] == pytest.approx(0.05717, rel=0.001)
    assert 20.0 * 0.01 / (2.8 + SEDAN.understeer * 400.0) == pytest.approx(rate[-1], rel=0.001)
    assert math.sqrt(2.8 / SEDAN.understeer) == pytest.approx(40.0, abs=0.1)


def test_a_step_of_the_wheel_rises_and_overshoots_as_iso_7401_asks_of_this_car() -> None:
    rate = at_constant_speed(SEDAN, 20.0, 0.01, 3.0)[:, YAW_RATE]
    t90 = (np.argmax(rate >= 0.9 * rate[-1]) + 1) * DT
    assert t90 == pytest.approx(0.163, abs=DT / 2)
    assert rate.max() / rate[-1] - 1.0 == pytest.approx(0.0091, abs=0.0003)
    assert (np.argmax(rate) + 1) * DT == pytest.approx(0.369, abs=DT)


def test_the_yaw_mode_has_the_natural_frequency_and_damping_of_the_formula() -> None:
    plant = plant_of(SEDAN, 5_000_000)
    h = 1e-6
    jacobian = np.empty((2, 2))
    for column, (dv, dr) in enumerate(((h, 0.0), (0.0, h))):
        _, vy, r = velocity_rates(plant, 1.0, 0.0, 0.0, 0.0, 20.0, dv, dr)
        _, vy0, r0 = velocity_rates(plant, 1.0, 0.0, 0.0, 0.0, 20.0, -dv, -dr)
        jacobian[:, column] = (vy - vy0) / (2 * h), (r - r0) / (2 * h)
    wn = math.sqrt(np.linalg.det(jacobian))
    assert wn == pytest.approx(11.44, rel=0.002)
    assert -np.trace(jacobian) / (2 * wn) == pytest.approx(0.910, rel=0.002)


@pytest.mark.parametrize(
    ("name", "settled", "t90"),
    [("ford_escort", 0.08359, 0.205), ("bmw_320i", 0.07755, 0.215), ("vw_vanagon", 0.08091, 0.240)],
)
def test_commonroad_cars_answer_a_step_as_published(name: str, settled: float, t90: float) -> None:
    rate = at_constant_speed(params(name), 20.0, 0.01, 3.0)[:, YAW_RATE]
    assert rate[-1] == pytest.approx(settled, rel=0.001)
    assert (np.argmax(rate >= 0.9 * rate[-1]) + 1) * DT == pytest.approx(t90, abs=DT)


def test_the_rear_axle_of_a_slow_car_runs_on_a_circle() -> None:
    path = at_constant_speed(SEDAN, 0.9, 0.3, 70.0)
    radius = 2.8 / math.tan(0.3)
    off = np.hypot(path[:, X] - path[0, X], path[:, Y] - path[0, Y])
    centre = path[0, X] - radius * math.sin(path[0, YAW]), path[0, Y] + radius * math.cos(path[0, YAW])
    assert off.max() == pytest.approx(2 * radius, rel=1e-3)
    assert np.hypot(path[:, X] - centre[0], path[:, Y] - centre[1]) == pytest.approx(radius, abs=1e-6)


def test_felt_acceleration_in_a_steady_turn_is_speed_times_yaw_rate() -> None:
    end = at_constant_speed(SEDAN, 20.0, 0.01, 3.0)[-1]
    assert end[AY] == pytest.approx(20.0 * end[YAW_RATE], rel=1e-6)


@pytest.mark.parametrize(("tau", "delay", "metres"), [(0.1, 0.1, 48.41), (0.0, 0.0, 42.87)])
def test_braking_from_100_takes_the_published_way(tau: float, delay: float, metres: float) -> None:
    car = replace(SEDAN, brake_delay_s=delay, brake_tau_s=tau, max_decel=9.0, **FREE)
    end = drive(car, lambda t: (-9.0, 0.0), 5.0, speed=100 / 3.6)[-1]
    assert end[VX] == 0.0
    assert end[TRAVELLED] == pytest.approx(metres, abs=0.1)


def test_braking_on_ice_is_bounded_by_friction() -> None:
    path = drive(replace(SEDAN, **FREE), lambda t: (-9.0, 0.0), 2.0, speed=20.0, weather=environment(friction=0.1))
    assert path[-1, AX] == pytest.approx(-0.98 * 0.1 * 9.81, rel=1e-9)


def test_the_friction_circle_is_never_left() -> None:
    wet = environment(friction=0.6)
    path = drive(SEDAN, lambda t: (-4.0, 0.3 * math.sin(3.0 * t)), 3.0, speed=30.0, weather=wet)
    plant = plant_of(SEDAN, 5_000_000)
    for column in path[::7]:
        if column[VX] > 2.0:
            tyres = column[DRIVE] - column[BRAKE]
            args = (plant, 0.6, column[STEER], tyres, 0.0, column[VX], column[VY], column[YAW_RATE])
            _, ay, spin = velocity_rates(*args)
            across = ay + SEDAN.rear_axle * spin + column[VX] * column[YAW_RATE]
            assert math.hypot(across, tyres) <= 0.6 * 9.81 * 1.001


@pytest.mark.parametrize(("row", "demand", "delay", "tau"), [(DRIVE, 2.0, 0.10, 0.20), (BRAKE, -4.0, 0.05, 0.075)])
def test_drive_and_brake_reach_63_percent_after_delay_and_lag(
    row: int, demand: float, delay: float, tau: float
) -> None:
    path = drive(SEDAN, lambda t: (demand, 0.0), 2.0, speed=10.0)[:, row]
    assert np.all(path[: round(delay / DT)] == 0.0)
    reached = (np.argmax(path >= (1.0 - math.exp(-1.0)) * abs(demand)) + 1) * DT
    assert reached == pytest.approx(delay + tau, abs=DT)


def test_steering_follows_a_sine_with_the_phase_of_its_delay_and_lag() -> None:
    w = 2.0 * math.pi * 0.5
    path = drive(SEDAN, lambda t: (0.0, 0.02 * math.sin(w * t)), 8.0, speed=10.0)[:, STEER]
    t = np.arange(1, len(path) + 1) * DT
    late = slice(len(path) // 2, None)
    phase = math.atan2((path * np.cos(w * t))[late].mean(), (path * np.sin(w * t))[late].mean())
    assert math.degrees(phase) == pytest.approx(-math.degrees(w * 0.03 + math.atan(w * 0.07)), abs=2.0)


def test_steering_never_turns_faster_or_further_than_it_can() -> None:
    path = drive(SEDAN, lambda t: (0.0, 2.0 if t < 2.0 else -2.0), 5.0, speed=3.0)[:, STEER]
    assert np.abs(np.diff(path)).max() <= 0.6 * DT + 1e-12
    assert path.max() == pytest.approx(0.61, abs=1e-6)
    assert path.min() == pytest.approx(-0.61, abs=1e-6)


def test_drive_is_bounded_by_power_above_its_speed() -> None:
    path = drive(SEDAN, lambda t: (9.0, 0.0), 3.0, speed=24.0)
    assert path[-1, DRIVE] == pytest.approx(4.5 * 12.0 / path[-1, VX], rel=0.02)


def test_coasting_loses_energy_to_air_and_rolling() -> None:
    path = drive(SEDAN, lambda t: (0.0, 0.0), 1.0, speed=30.0)
    assert np.all(np.diff(path[:, VX]) < 0.0)
    expected = -0.5 * 1.225 * 0.65 * 900.0 / 1600.0 - 0.011 * 9.81
    assert path[0, AX] == pytest.approx(expected, rel=0.002)


def test_head_wind_adds_to_the_drag() -> None:
    still = drive(SEDAN, lambda t: (0.0, 0.0), 0.1, speed=30.0)[-1, AX]
    windy = environment(wind=10.0, wind_direction=math.pi)
    assert drive(SEDAN, lambda t: (0.0, 0.0), 0.1, speed=30.0, weather=windy)[-1, AX] < still


def test_a_slope_pulls_downhill_and_a_standing_car_does_not_roll_back() -> None:
    down = drive(SEDAN, lambda t: (0.0, 0.0), 1.0, start={PITCH: 0.06})[-1]
    assert down[VX] == pytest.approx((math.sin(0.06) - 0.011) * 9.81, rel=0.01)
    up = drive(SEDAN, lambda t: (0.0, 0.0), 1.0, start={PITCH: -0.06})[-1]
    assert up[VX] == 0.0
    assert up[X] == 0.0


def test_a_stopped_car_stays_where_it_is() -> None:
    path = drive(SEDAN, lambda t: (-9.0, 0.1), 6.0, speed=10.0)
    assert path[-1, VX] == path[-1, VY] == path[-1, YAW_RATE] == 0.0
    assert path[-1, X] == path[-200, X]


def test_no_brakes_no_deceleration() -> None:
    car = replace(SEDAN, **FREE)
    path = drive(car, lambda t: (-9.0, 0.0), 2.0, speed=20.0, faults=(Fault("ego.brake", "loss"),))
    assert path[-1, VX] == 20.0


def test_faded_brakes_deliver_their_share() -> None:
    faults = (Fault("ego.brake", "fade", {"share": 0.4}),)
    assert drive(SEDAN, lambda t: (-5.0, 0.0), 2.0, 30.0, faults)[-1, BRAKE] == pytest.approx(2.0)
    assert drive(SEDAN, lambda t: (-5.0, 0.0), 2.0, 30.0, faults, severity=0.5)[-1, BRAKE] == pytest.approx(3.5)


def test_stuck_brakes_drag_though_nobody_brakes() -> None:
    path = drive(SEDAN, lambda t: (0.0, 0.0), 2.0, speed=20.0, faults=(Fault("ego.brake", "stuck_on"),))
    assert path[-1, BRAKE] == pytest.approx(3.0)


def test_lost_steering_returns_to_the_middle_and_stuck_steering_stays() -> None:
    lost = drive(SEDAN, lambda t: (0.0, 0.1), 2.0, 10.0, (Fault("ego.steer", "loss"),), start={STEER: 0.1})
    assert lost[-1, STEER] == pytest.approx(0.0, abs=1e-6)
    stuck = drive(SEDAN, lambda t: (0.0, -0.1), 2.0, 10.0, (Fault("ego.steer", "stuck"),), start={STEER: 0.1})
    assert stuck[-1, STEER] == 0.1


def test_biased_steering_is_off_by_its_angle() -> None:
    path = drive(SEDAN, lambda t: (0.0, 0.05), 2.0, 10.0, (Fault("ego.steer", "bias", {"angle": 0.02}),))
    assert path[-1, STEER] == pytest.approx(0.07)


def test_a_stuck_drive_holds_what_it_delivered() -> None:
    path = drive(SEDAN, lambda t: (0.0, 0.0), 1.0, 10.0, (Fault("ego.drive", "stuck"),), start={DRIVE: 1.5})
    assert path[-1, DRIVE] == 1.5


def test_a_fault_of_another_part_or_actor_is_none_of_the_actuators() -> None:
    table = actuator_faults((Fault("ego.gnss", "blackout"), Fault("lead.brake", "loss")), "ego")
    assert table.kind.tolist() == [0, 0]


def test_a_wrong_actuator_fault_is_refused() -> None:
    with pytest.raises(InputError, match="brake"):
        actuator_faults((Fault("ego.brake", "spoof_jump"),), "ego")


def test_substeps_above_five_milliseconds_are_refused() -> None:
    with pytest.raises(InputError, match="5 ms"):
        plant_of(SEDAN, 10_000_000)


def test_steps_of_one_and_five_milliseconds_agree() -> None:
    plant, fine = plant_of(SEDAN, 5_000_000), plant_of(SEDAN, 1_000_000)
    ends = []
    for p, steps in ((plant, 400), (fine, 2000)):
        f, e, m, t = np.zeros((F_ROWS, 1)), environment(), actuators_of(p), actuator_faults((), "ego")
        f[VX, 0] = 25.0
        for _ in range(steps):
            drive_on(p, f, e, actuate(p, m, t, np.zeros(0), f, -1.0, 0.03), math.nan)
        ends.append(f[[X, Y, YAW, VX], 0])
    assert ends[0] == pytest.approx(ends[1], rel=2e-3)


@pytest.mark.parametrize(
    ("angle", "wrapped"), [(math.pi, math.pi), (-math.pi, math.pi), (7.0, 7.0 - 2 * math.pi), (0.5, 0.5)]
)
def test_angles_are_wrapped_to_half_open_pi(angle: float, wrapped: float) -> None:
    assert wrap(angle) == pytest.approx(wrapped)
