"""Where actions put the actors, by hand-computed numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.cases import Actor
from tests.twin.story.stage import Stage, builder, expression
from twin.state import (
    AIM_LANE,
    DONE,
    FRICTION,
    LANE,
    PRESENT,
    RAIN,
    RUNNING,
    SP_OFFSET,
    SP_SPEED,
    TRAVELLED,
    VX,
    D,
    S,
    X,
    Y,
)
from twin.story import tables as t
from twin.story.actions import time_for_change, time_for_rate, weight
from twin.story.compile import Action, Builder, Event, Limits, Place

CAST = [Actor(lane=2), Actor(name="a", lane=2, s=100.0, speed=10.0)]


def run(b: Builder, *actions: Action, when: str = "time >= 0 s") -> Stage:
    b.event(Event(when=expression(b, when), actions=actions))
    return Stage(b.tables(), CAST)


@pytest.mark.parametrize(
    ("shape", "at_quarter"), [(t.LINEAR, 0.25), (t.SMOOTH, 0.5 * (1 - math.sqrt(0.5))), (t.CUBIC, 0.15625)]
)
def test_shapes_start_at_zero_end_at_one_and_are_half_way_in_the_middle(shape: int, at_quarter: float) -> None:
    assert weight(shape, 0.0) == 0.0
    assert weight(shape, 1.0) == 1.0
    assert weight(shape, 0.5) == pytest.approx(0.5)
    assert weight(shape, 0.25) == pytest.approx(at_quarter)


@pytest.mark.parametrize(("shape", "seconds"), [(t.LINEAR, 2.0), (t.SMOOTH, math.pi), (t.CUBIC, 3.0)])
def test_a_rate_is_the_peak_and_its_sign_is_ignored(shape: int, seconds: float) -> None:
    assert time_for_rate(shape, -8.0, 4.0) == pytest.approx(seconds)
    assert time_for_rate(shape, 8.0, -4.0) == pytest.approx(seconds)
    ts = np.linspace(0.0, 1.0, 20001)
    rates = np.diff([8.0 * weight(shape, u) for u in ts]) / (seconds / 20000)
    assert rates.max() == pytest.approx(4.0, rel=1e-6)


def test_a_rate_of_zero_ends_at_once() -> None:
    assert time_for_rate(t.LINEAR, 5.0, 0.0) == 0.0


@pytest.mark.parametrize("shape", [t.SMOOTH, t.CUBIC])
def test_a_limit_of_the_second_derivative_is_its_peak(shape: int) -> None:
    seconds = time_for_change(shape, 3.0, 0.3)
    dt = seconds / 4000
    y = np.array([3.0 * weight(shape, u) for u in np.linspace(0.0, 1.0, 4001)])
    assert np.abs(np.diff(y, 2)).max() / dt**2 == pytest.approx(0.3, rel=2e-3)


def test_a_linear_speed_change_is_exact_at_every_tick() -> None:
    b = builder()
    stage = run(b, Action(t.DO_SPEED, 1, (2,), target=b.constant(20.0), pace=t.PACE_RATE, pace_value=4.0))
    assert stage.world.sp[SP_SPEED, 1] == pytest.approx(10.2)
    assert stage.until(1.0).world.f[VX, 1] == pytest.approx(14.0)
    assert stage.until(2.5).world.f[VX, 1] == 20.0
    assert stage.world.events[0] == DONE


def test_a_speed_change_over_a_way_needs_that_way() -> None:
    b = builder()
    stage = run(b, Action(t.DO_SPEED, 1, (2,), target=b.constant(20.0), pace=t.PACE_WAY, pace_value=30.0))
    stage.until(2.0)  # mean 15 m/s over 30 m
    assert stage.world.f[VX, 1] == 20.0
    assert stage.world.f[TRAVELLED, 1] == pytest.approx(30.0)
    assert stage.world.events[0] == DONE


def test_an_instant_speed_held_for_a_way_lasts_that_way() -> None:
    b = builder()
    stage = run(
        b, Action(t.DO_SPEED, 1, (2,), target=b.constant(10.0), pace=t.PACE_INSTANT, hold=t.HOLD_WAY, hold_m=1.5)
    )
    stage.step(2)
    assert stage.world.events[0] == RUNNING
    assert stage.step().world.events[0] == DONE
    assert stage.world.f[TRAVELLED, 1] == pytest.approx(1.5)


def test_braking_never_accelerates() -> None:
    b = builder()
    stage = run(b, Action(t.DO_BRAKE, 1, (2,), target=b.constant(25.0), pace=t.PACE_RATE, pace_value=4.0))
    assert stage.until(1.0).world.f[VX, 1] == 10.0


def test_a_profile_is_linear_between_its_points() -> None:
    b = builder()
    profile = b.profile([(1_000_000_000, 14.0), (3_000_000_000, 4.0)])
    stage = run(b, Action(t.DO_PROFILE, 1, (2,), other=profile))
    stage.step()
    start = stage.memory.action_values[0, t.MV_FROM]
    assert stage.until(1.0).world.f[VX, 1] == pytest.approx(14.0)
    assert start == 10.0
    assert stage.until(2.0).world.f[VX, 1] == pytest.approx(9.0)
    assert stage.until(3.0).world.f[VX, 1] == pytest.approx(4.0)
    assert stage.world.events[0] == DONE


def test_a_lane_change_is_a_half_cosine_with_the_asked_peak_and_ends_exactly_on_the_centre() -> None:
    b = builder()
    change = Action(
        t.DO_CHANGE_LANE,
        1,
        (3,),
        target=b.lane_beside(1, 1),
        shape=t.SMOOTH,
        pace=t.PACE_RATE,
        pace_value=1.0,
        a=0.0,
    )
    stage = run(b, change)
    left = stage.road.arrays.left[2]
    seconds = math.pi * 3.5 / 2.0
    assert stage.world.n[AIM_LANE, 1] == left
    stage.step(55)
    expected = -3.5 * (1.0 - 0.5 * (1.0 - math.cos(math.pi * 2.75 / seconds)))
    assert stage.world.f[D, 1] == pytest.approx(expected, abs=1e-9)
    stage.until(math.ceil(seconds * 20) / 20)
    assert stage.world.sp[SP_OFFSET, 1] == 0.0
    assert stage.world.n[LANE, 1] == left
    assert stage.world.f[D, 1] == 0.0
    assert stage.world.events[0] == DONE


def test_an_offset_keeps_within_its_lateral_acceleration() -> None:
    b = builder()
    limits = Limits(lat_accel=0.3)
    stage = run(b, Action(t.DO_OFFSET, 1, (3,), target=b.constant(1.5), shape=t.SMOOTH, limits=limits))
    seconds = math.pi * math.sqrt(1.5 / 0.6)
    assert stage.until(math.floor(seconds * 20) / 20).world.events[0] == RUNNING
    assert stage.step().world.events[0] == DONE
    assert stage.world.f[D, 1] == 1.5


def test_following_a_path_exactly_moves_along_it_by_the_own_speed() -> None:
    b = builder()
    path = b.path(np.array([[100.0, 0.0, 0.0], [105.0, 0.0, 0.0], [105.0, 10.0, 0.0]]))
    stage = run(b, Action(t.DO_FOLLOW, 1, (3,), other=path, flags=t.FLAG_EXACTLY, a=0.0)).until(1.0)
    assert stage.world.f[[X, Y], 1] == pytest.approx([105.0, 5.0])
    assert stage.until(1.5).world.events[0] == DONE
    assert stage.world.f[[X, Y], 1] == pytest.approx([105.0, 10.0])


def test_a_path_with_its_own_clock_rules_the_speed() -> None:
    b = builder()
    path = b.path(np.array([[100.0, 0.0, 0.0], [110.0, 0.0, 0.0], [110.0, 4.0, 0.0]]), (0, 2 * 10**9, 4 * 10**9))
    flags = t.FLAG_EXACTLY | t.FLAG_CLOCK
    stage = run(b, Action(t.DO_FOLLOW, 1, (2, 3), other=path, flags=flags, a=0.0)).until(1.0)
    assert stage.world.f[[X, Y, VX], 1] == pytest.approx([105.0, 0.0, 5.0])
    assert stage.until(3.0).world.f[[X, Y, VX], 1] == pytest.approx([110.0, 2.0, 2.0])
    assert stage.until(4.0).world.events[0] == DONE


def test_arriving_meets_the_other_at_the_moment_and_speed_asked_for() -> None:
    b = builder()
    mine, its = b.place(Place(lane=0, x=180.0, s=180.0)), b.place(Place(lane=0, x=150.0, s=150.0))
    arrive = Action(t.DO_ARRIVE, 1, (2,), other=mine, place=its, partner=0, target=b.constant(6.0), a=0.0)
    b.event(Event(actions=(arrive,)))
    stage = Stage(b.tables(), [Actor(s=50.0, speed=10.0), Actor(name="a", s=100.0, speed=10.0)])
    stage.until(10.0)
    assert stage.world.f[S, 0] == pytest.approx(150.0)
    assert stage.world.f[S, 1] == pytest.approx(180.0, abs=0.1)
    assert stage.world.f[VX, 1] == pytest.approx(6.0, abs=0.1)


def test_a_gap_is_reached_and_kept() -> None:
    b = builder()
    keep = Action(t.DO_KEEP_GAP, 1, (2,), other=0, a=20.0)
    b.event(Event(actions=(keep,)))
    stage = Stage(b.tables(), [Actor(s=200.0, speed=15.0), Actor(name="a", s=100.0, speed=15.0)]).until(60.0)
    gap = stage.world.f[S, 0] - stage.world.f[S, 1] - stage.world.p[1, 0]
    assert gap == pytest.approx(20.0, abs=0.05)
    assert stage.world.f[VX, 1] == pytest.approx(15.0, abs=0.01)


def test_a_teleport_keeps_the_speed_and_ends_motion() -> None:
    b = builder()
    there = b.place(Place(lane=2, x=400.0, y=-8.75, s=400.0))
    b.event(Event(actions=(Action(t.DO_TRACK_SPEED, 1, (2,), target=b.constant(10.0)),)))
    jump = Action(t.DO_TELEPORT, 1, (2, 3), place=there)
    stage = run(b, jump, when="time >= 0.5 s").until(0.5)
    assert stage.world.f[[X, S, VX], 1] == pytest.approx([400.0, 400.0, 10.0])
    assert stage.world.events[0] == DONE


def test_an_actor_appears_ahead_of_another_bumper_to_bumper_and_vanishes() -> None:
    b = builder()
    place = b.place(Place(t.BY_LANE, actor=0, flags=t.PLACE_BUMPERS, away=25.0))
    b.event(Event(when=expression(b, "time >= 0.1 s"), actions=(Action(t.DO_VANISH, 1, (2, 3)),)))
    b.event(Event(when=expression(b, "time >= 0.3 s"), actions=(Action(t.DO_APPEAR, 1, place=place, a=7.0),)))
    stage = Stage(b.tables(), CAST).until(0.1)
    assert stage.world.n[PRESENT, 1] == 0
    stage.until(0.3)
    assert stage.world.n[PRESENT, 1] == 1
    assert stage.world.f[VX, 1] == 7.0
    assert stage.world.f[S, 1] - stage.world.f[S, 0] == pytest.approx(25.0 + stage.world.p[1, 0])


def test_weather_ramps_and_the_road_gets_wet_with_it() -> None:
    b = builder()
    rain = Action(t.DO_ENVIRONMENT, axes=(t.axis_of_weather(2, RAIN),), other=RAIN, target=b.constant(10.0))
    stage = run(b, Action(**{**_fields(rain), "pace": t.PACE_TIME, "pace_ns": 2_000_000_000}))
    assert stage.until(1.0).world.environment[RAIN] == pytest.approx(5.0)
    assert stage.until(2.0).world.environment[RAIN] == 10.0
    assert stage.world.environment[FRICTION] == pytest.approx(0.7)
    assert stage.until(3.0).world.environment[RAIN] == 10.0


def _fields(action: Action) -> dict[str, object]:
    return {name: getattr(action, name) for name in Action.__slots__}
