"""What every driver of the catalogue keeps to. A new driver passes this suite, or is no driver."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hil.drivers import DRIVERS, make
from tests.cases import Actor, make_case
from twin.case import DriverSpec
from twin.clock import NS_PER_MS
from twin.command import Command
from twin.ports import Brief, Driver
from twin.samples import ObjectList, PoseEstimate, Sample, Seen


@pytest.fixture
def brief() -> Brief:
    return make_case(actors=(Actor(speed=20.0, lane=1),)).brief()


@pytest.fixture(params=list(DRIVERS))
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    made = make(DriverSpec(request.param))
    yield made
    made.close()


def moment(k: int, brief: Brief, gap: float = 40.0) -> Seen:
    """The ego 5 cm beside its lane's centre at 20 m/s, a slower car ahead."""
    t_ns = k * 50 * NS_PER_MS
    lane = int(brief.route[0])
    i = int(brief.road.arrays.first[lane])
    pose = PoseEstimate(50.0 + k, float(brief.road.arrays.y[i]) + 0.05, 0.0, 20.0, 0.0, 0.0, 0.05)
    one = np.array([1])
    car = ObjectList(
        one, one * 0, np.array([[6.0 + gap, 0.0]]), np.array([[12.0, 0.0]]), np.zeros(1), np.array([[4.5, 1.8]]),
        np.ones(1), one,
    )  # fmt: skip
    data = {"pose": pose, "objects": car}
    return Seen(t_ns, tuple(Sample(name, t_ns, t_ns, t_ns, payload) for name, payload in data.items()))


def test_it_answers_commands_even_when_it_sees_nothing(driver: Driver, brief: Brief) -> None:
    driver.start(brief)
    for k in range(60):
        assert isinstance(driver.act(Seen(k * 50 * NS_PER_MS, ())), Command)


def test_it_answers_the_same_to_the_same_after_a_fresh_start(driver: Driver, brief: Brief) -> None:
    answers = []
    for _ in range(2):
        driver.start(brief)
        answers.append([driver.act(moment(k, brief)) for k in range(40)])
    assert answers[0] == answers[1]


def test_it_keeps_within_what_the_car_can_do(driver: Driver, brief: Brief) -> None:
    driver.start(brief)
    for k in range(80):
        command = driver.act(moment(k, brief, gap=max(0.0, 40.0 - k)))
        assert abs(command.steer_rad) <= brief.vehicle.max_steer
        assert -brief.vehicle.max_decel <= command.accel_mps2 <= brief.vehicle.max_accel


def test_it_may_be_closed_twice(driver: Driver, brief: Brief) -> None:
    driver.start(brief)
    driver.close()
    driver.close()
