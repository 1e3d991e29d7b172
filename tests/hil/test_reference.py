"""The reference driver on a plain kinematic car with perfect senses: does it do what a driver does?"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from hil.reference import Reference, acc, aeb, fsm
from tests.cases import Actor, make_case
from twin.clock import NS_PER_MS
from twin.command import Cause, Command, Mode
from twin.ports import Brief
from twin.samples import LaneBoundaries, ObjectList, Payload, PoseEstimate, Sample, Seen, TrafficLights
from twin.state import LAMP_GREEN, LAMP_RED

STEP = 0.05
Things = list[tuple[float, float, float, float]]  # x, y, vx, vy in the map frame


class Drive:
    """A kinematic car under the reference driver, one tick at a time."""

    def __init__(self, driver: Reference, speed: float, d: float = 0.0) -> None:
        self.brief: Brief = make_case(actors=(Actor(speed=speed, lane=0),)).brief()
        self.driver = driver
        self.driver.start(self.brief)
        self.x, self.y0 = 50.0, float(self.brief.road.arrays.y[self.brief.road.arrays.first[0]])
        self.y, self.yaw, self.v, self.k = self.y0 + d, 0.0, speed, 0
        self.rate = self.accel = 0.0
        self.commands: list[Command] = []

    def tick(self, things: Things, extra: dict[str, Payload] | None = None, pose: bool = True) -> Command:
        data: dict[str, Payload] = {"objects": self.objects(things), **(extra or {})}
        if pose:
            data["pose"] = PoseEstimate(self.x, self.y, self.yaw, self.v, self.rate, self.accel, 0.05)
        t_ns = self.k * 50 * NS_PER_MS
        command = self.driver.act(Seen(t_ns, tuple(Sample(n, t_ns, t_ns, t_ns, p) for n, p in data.items())))
        self.commands.append(command)
        self.rate = self.v * math.tan(command.steer_rad) / self.brief.vehicle.wheelbase
        self.accel = command.accel_mps2 if self.v > 0.0 or command.accel_mps2 > 0.0 else 0.0
        self.x += self.v * math.cos(self.yaw) * STEP
        self.y += self.v * math.sin(self.yaw) * STEP
        self.yaw += self.rate * STEP
        self.v = max(0.0, self.v + self.accel * STEP)
        self.k += 1
        return command

    def objects(self, things: Things) -> ObjectList:
        n = len(things)
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        rows = np.array(things).reshape(n, 4)
        turn = np.array([[c, s], [-s, c]])
        xy = (rows[:, :2] - [self.x, self.y]) @ turn.T
        v = rows[:, 2:] @ turn.T
        yaw = np.arctan2(rows[:, 3], rows[:, 2]) - self.yaw
        return ObjectList(
            np.arange(n),
            np.zeros(n, np.int64),
            xy,
            v,
            yaw,
            np.tile([4.5, 1.8], (n, 1)),
            np.ones(n),
            np.ones(n, np.int64),
        )

    @property
    def front(self) -> float:
        car = self.brief.vehicle
        return self.x + car.length - car.rear_overhang


@pytest.mark.parametrize("d", [-0.8, 0.5])
@pytest.mark.parametrize("speed", [5.0, 15.0, 36.0])
def test_it_settles_on_the_lanes_centre(speed: float, d: float) -> None:
    drive = Drive(fsm(), speed, d)
    for _ in range(300):
        if drive.x > 900.0:
            break
        drive.tick([])
    assert abs(drive.y - drive.y0) < 0.05
    assert abs(drive.yaw) < 0.005


def test_it_follows_a_slower_car_at_its_headway() -> None:
    drive = Drive(fsm(), 25.0)
    lead = 130.0
    for _ in range(600):
        lead += 18.0 * STEP
        drive.tick([(lead, drive.y0, 18.0, 0.0)])
        assert drive.front < lead - 2.25
    assert drive.v == pytest.approx(18.0, abs=0.3)
    assert 1.3 * 18.0 < lead - 2.25 - drive.front < 2.2 * 18.0


@pytest.mark.parametrize("make", [acc, aeb, fsm])
def test_it_stops_behind_a_standing_car(make: Callable[[], Reference]) -> None:
    drive = Drive(make(), 20.0)
    for _ in range(500):
        drive.tick([(250.0, drive.y0, 0.0, 0.0)])
    assert drive.v == pytest.approx(0.0, abs=0.1)
    assert 1.0 < 250.0 - 2.25 - drive.front < 6.0


def test_emergency_braking_avoids_what_cruise_control_hits() -> None:
    gaps = {}
    for name, make in {"acc": acc, "aeb": aeb, "fsm": fsm}.items():
        drive = Drive(make(headway_s=0.5), 20.0)
        lead, v_lead = drive.front + 16.0 + 2.25, 20.0
        least = math.inf
        for _ in range(160):
            v_lead = max(0.0, v_lead - 8.0 * STEP)
            lead += v_lead * STEP
            drive.tick([(lead, drive.y0, v_lead, 0.0)])
            least = min(least, lead - 2.25 - drive.front)
        gaps[name] = least
    assert gaps["fsm"] > 0.0
    assert gaps["aeb"] > 0.0


def test_it_brakes_for_a_car_that_is_about_to_cut_in() -> None:
    drive = Drive(fsm(), 25.0)
    for k in range(40):
        drive.tick([(drive.front + 14.0, drive.y0 + 3.5 - 1.0 * k * STEP, 18.0, -1.0)])
    assert min(c.accel_mps2 for c in drive.commands) < -2.0


def test_it_ignores_a_car_that_stays_in_its_lane() -> None:
    drive = Drive(fsm(), 25.0)
    for _ in range(60):
        drive.tick([(drive.front + 14.0, drive.y0 + 3.5, 18.0, 0.0)])
    assert min(c.accel_mps2 for c in drive.commands) > -0.2


def test_it_brakes_for_someone_crossing_and_not_for_someone_walking_away() -> None:
    toward = Drive(fsm(), 12.0)
    away = Drive(fsm(), 12.0)
    for k in range(50):
        toward.tick([(90.0, toward.y0 - 4.5 + 1.4 * k * STEP, 0.0, 1.4)])
        away.tick([(90.0, away.y0 - 4.5 - 1.4 * k * STEP, 0.0, -1.4)])
    assert min(c.accel_mps2 for c in toward.commands) < -1.5
    assert min(c.accel_mps2 for c in away.commands) > -0.2


def test_it_stops_at_red_and_goes_at_green() -> None:
    drive = Drive(fsm(), 14.0)
    line = 150.0

    def lights(lamp: int) -> dict[str, Payload]:
        return {"lights": TrafficLights(np.array([0]), np.array([line - drive.x]), np.array([lamp]))}

    for _ in range(300):
        drive.tick([], lights(LAMP_RED))
    assert drive.v < 0.1
    assert line - 4.0 < drive.front < line
    for _ in range(100):
        drive.tick([], lights(LAMP_GREEN))
    assert drive.v > 5.0


def test_without_a_pose_it_keeps_the_lane_it_sees_and_asks_for_a_takeover() -> None:
    drive = Drive(fsm(), 20.0, d=0.4)
    for k in range(120):
        offset = drive.y - drive.y0
        slope = -math.tan(drive.yaw)
        lanes = LaneBoundaries(
            np.array([1.75 - offset, slope, 0.0, 0.0]), np.array([-1.75 - offset, slope, 0.0, 0.0]), True, True
        )
        command = drive.tick([], {"lanes": lanes}, pose=k < 20)
    assert command.mode is Mode.TAKEOVER_REQUEST
    assert command.cause is Cause.LOCALISATION
    assert abs(drive.y - drive.y0) < 0.15


def test_without_pose_and_lane_it_brakes_to_a_stop() -> None:
    drive = Drive(fsm(), 15.0)
    for k in range(200):
        command = drive.tick([], pose=k < 20)
    assert command.mode is Mode.MINIMAL_RISK
    assert drive.v == 0.0


def test_a_pose_that_drifts_sideways_is_corrected_by_the_lane() -> None:
    drive = Drive(fsm(), 20.0)
    for k in range(200):
        true = drive.y
        lanes = LaneBoundaries(
            np.array([1.75 - (true - drive.y0), -math.tan(drive.yaw), 0.0, 0.0]),
            np.array([-1.75 - (true - drive.y0), -math.tan(drive.yaw), 0.0, 0.0]),
            True,
            True,
        )
        drive.y = true + 0.003 * k  # what the pose says
        drive.tick([], {"lanes": lanes})
        drive.y -= 0.003 * k
    assert abs(drive.y - drive.y0) < 0.3


def test_it_keeps_its_speed_while_no_device_has_spoken_yet() -> None:
    driver = fsm()
    driver.start(make_case(actors=(Actor(speed=20.0, lane=0),)).brief())
    first = [driver.act(Seen(k * 50 * NS_PER_MS, ())) for k in range(20)]
    assert all(c.mode is Mode.ENGAGED and c.accel_mps2 == 0.0 for c in first)
    late = driver.act(Seen(1050 * NS_PER_MS, ()))
    assert (late.mode, late.cause) == (Mode.MINIMAL_RISK, Cause.LOCALISATION)


def test_it_falls_in_behind_who_joins_and_stays_calm() -> None:
    drive = Drive(fsm(), 20.0)
    ahead = drive.front + 10.0 + 2.25
    for k in range(100):
        drive.tick(
            [(ahead + 22.0 * k * STEP, drive.y0 + max(0.0, 3.5 - 1.0 * k * STEP), 22.0, -1.0 if k < 70 else 0.0)]
        )
    assert min(c.accel_mps2 for c in drive.commands) > -4.5
    assert all(c.mode is Mode.ENGAGED for c in drive.commands)
