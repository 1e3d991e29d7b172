"""What happens inside a tick: the order of the passes, who wins an axis, edges, delays and phases."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cases import Actor
from tests.twin.story.stage import Stage, builder, expression
from twin.state import DONE, RUNNING, SKIPPED, VX, WAITING, D
from twin.story import tables as t
from twin.story.compile import Action, Builder, Event
from twin.story.tables import StoryTables


def speed(b: Builder, to: float, actor: int = 1, **more: object) -> Action:
    given = {"pace": t.PACE_INSTANT, **more}
    return Action(t.DO_SPEED, actor, (2 * actor,), target=b.constant(to), **given)  # type: ignore[arg-type]


def test_an_empty_story_changes_nothing() -> None:
    stage = Stage(StoryTables.empty(2))
    before = stage.world.f.copy()
    stage.look()
    assert np.array_equal(stage.world.f, before)
    assert not stage.over
    assert stage.world.severity.tolist() == [0.0, 0.0]


def test_an_event_fires_on_the_first_tick_its_condition_holds() -> None:
    b = builder()
    b.event(Event(when=expression(b, "time >= 0.15 s"), actions=(speed(b, 3.0, pace=t.PACE_RATE, pace_value=2.0),)))
    stage = Stage(b.tables()).until(0.10)
    assert stage.world.events[0] == WAITING
    stage.step()
    assert stage.world.events[0] == RUNNING


def test_what_waits_for_an_end_starts_on_the_tick_of_that_end() -> None:
    b = builder(events={"first": 0, "second": 1})
    hold = {"hold": t.HOLD_TIME, "hold_ns": 200_000_000}
    b.event(Event(actions=(speed(b, 5.0, **hold),)))
    b.event(Event(when=expression(b, "first.ends"), actions=(speed(b, 7.0),)))
    stage = Stage(b.tables()).until(0.15)
    assert list(stage.world.events) == [RUNNING, WAITING]
    stage.step()
    assert list(stage.world.events) == [DONE, RUNNING]


def test_the_later_in_the_file_wins_an_axis_in_one_tick_and_the_loser_stops() -> None:
    b = builder(events={"first": 0, "second": 1, "third": 2})
    slow = {"pace": t.PACE_TIME, "pace_ns": 1_000_000_000}
    b.event(Event(actions=(speed(b, 5.0, **slow),)))
    b.event(Event(actions=(speed(b, 20.0, **slow),)))
    b.event(Event(when=expression(b, "first.stops"), actions=()))
    stage = Stage(b.tables())
    assert list(stage.world.events) == [DONE, RUNNING, WAITING]
    stage.step()
    assert stage.world.events[2] == RUNNING
    assert stage.until(1.0).world.f[VX, 1] == 20.0


def test_a_loser_keeps_its_other_axis() -> None:
    b = builder()
    aside = Action(t.DO_OFFSET, 1, (3,), target=b.constant(0.5), pace=t.PACE_TIME, pace_ns=2_000_000_000)
    both = (speed(b, 5.0, pace=t.PACE_TIME, pace_ns=4_000_000_000), aside)
    b.event(Event(actions=both))
    b.event(Event(when=expression(b, "time >= 1 s"), actions=(speed(b, 12.0),)))
    stage = Stage(b.tables()).until(1.5)
    assert stage.world.events[0] == RUNNING
    stage.until(2.0)
    assert stage.world.f[D, 1] == 0.5
    assert stage.world.events[0] == DONE


def test_an_instant_action_lasts_one_tick() -> None:
    b = builder(events={"jump": 0})
    b.event(Event(actions=(speed(b, 3.0),)))
    stage = Stage(b.tables())
    assert stage.world.events[0] == RUNNING
    assert stage.world.f[VX, 1] == 3.0
    assert stage.step().world.events[0] == DONE


def test_becomes_needs_a_look_at_the_other_side_first() -> None:
    b = builder()
    b.event(Event(when=expression(b, "becomes(time >= 0 s)"), actions=(speed(b, 3.0),)))
    b.event(Event(when=expression(b, "becomes(time >= 0.1 s)"), actions=(speed(b, 3.0),)))
    stage = Stage(b.tables()).until(1.0)
    assert list(stage.world.events) == [WAITING, DONE]


def test_a_delay_sees_a_pulse_once_and_late() -> None:
    b = builder(events={"jump": 0})
    b.event(Event(when=expression(b, "time >= 0.2 s"), actions=(speed(b, 3.0),)))
    b.event(Event(when=expression(b, "0.5 s after jump.ends"), actions=(speed(b, 4.0),), times=-1))
    stage = Stage(b.tables())
    seen = []
    for _ in range(40):
        if stage.world.events[1] == RUNNING:
            seen.append(stage.t)
        stage.step()
    assert seen == pytest.approx([0.75])


def test_for_holds_only_after_the_whole_time_without_a_gap() -> None:
    b = builder(variables={"on": 0})
    b.event(Event(when=expression(b, "on > 0 for 0.3 s"), actions=(speed(b, 4.0),)))
    for at, value in ((0.1, 1.0), (0.3, 0.0), (0.4, 1.0)):
        set_it = Action(t.DO_SET, other=0, target=b.constant(value))
        b.event(Event(when=expression(b, f"time >= {at} s"), actions=(set_it,)))
    stage = Stage(b.tables(variables=(0.0,)))
    while stage.world.events[0] == WAITING:
        stage.step()
    assert stage.t == pytest.approx(0.75)  # set in tick 0.40 s, seen true from 0.45 s, held until 0.75 s


def test_ever_latches() -> None:
    b = builder()
    b.event(Event(when=expression(b, "ever(0.1 s < time < 0.2 s) and time > 0.5 s"), actions=(speed(b, 4.0),)))
    stage = Stage(b.tables()).until(0.5)
    assert stage.world.events[0] == WAITING
    assert stage.step().world.events[0] == RUNNING


def test_whenever_runs_each_time_its_condition_turns_true_anew() -> None:
    b = builder()
    b.event(Event(when=expression(b, "sin(rad(time * 1 Hz) * 6.2832) > 0"), whenever=True, times=-1, actions=()))
    tables = b.tables()
    stage = Stage(tables)
    starts = 0
    for _ in range(80):  # 4 periods
        starts += int(stage.world.events[0] == RUNNING)
        stage.step()
    assert starts == 4


def test_skip_waits_until_the_others_are_over() -> None:
    b = builder()
    hold = {"hold": t.HOLD_TIME, "hold_ns": 300_000_000}
    b.event(Event(actions=(speed(b, 5.0, **hold),)))
    b.event(Event(when=expression(b, "time >= 0.1 s"), busy=t.SKIP, actions=(speed(b, 9.0),)))
    stage = Stage(b.tables()).until(0.25)
    assert list(stage.world.events) == [RUNNING, WAITING]
    assert list(stage.step().world.events) == [DONE, RUNNING]


def test_replace_stops_what_runs_in_the_same_phase() -> None:
    b = builder()
    endless = Action(t.DO_TRACK_SPEED, 0, (0,), target=b.constant(5.0))
    b.event(Event(actions=(endless,)))
    b.event(Event(when=expression(b, "time >= 0.1 s"), busy=t.REPLACE, actions=(speed(b, 9.0),)))
    stage = Stage(b.tables()).until(0.1)
    assert list(stage.world.events) == [DONE, RUNNING]


def test_until_cuts_an_event_short() -> None:
    b = builder()
    endless = Action(t.DO_TRACK_SPEED, 1, (2,), target=b.constant(5.0))
    b.event(Event(actions=(endless,), until=expression(b, "time >= 0.2 s")))
    stage = Stage(b.tables()).until(0.15)
    assert stage.world.events[0] == RUNNING
    assert stage.step().world.events[0] == DONE


def test_events_of_a_phase_are_armed_only_while_it_runs() -> None:
    b = builder(events={"part": 0})
    start, until = expression(b, "time >= 0.2 s"), expression(b, "time >= 0.4 s")
    b.event(Event(t.PHASE, when=start, until=until))
    b.event(Event(parent=0, when=expression(b, "time >= 0.1 s"), actions=(speed(b, 5.0),)))
    b.event(Event(parent=0, when=expression(b, "time >= 9 s"), actions=(speed(b, 6.0),)))
    stage = Stage(b.tables()).until(0.15)
    assert list(stage.world.events) == [WAITING, WAITING, WAITING]
    assert list(stage.step().world.events) == [RUNNING, RUNNING, WAITING]
    assert list(stage.until(0.4).world.events) == [DONE, DONE, SKIPPED]


def test_a_phase_is_done_when_all_in_it_is_done() -> None:
    b = builder(events={"part": 0})
    b.event(Event(t.PHASE))
    b.event(Event(parent=0, actions=(speed(b, 5.0),)))
    b.event(Event(parent=0, when=expression(b, "time >= 9 s"), optional=True, actions=(speed(b, 6.0),)))
    stage = Stage(b.tables(end=expression(b, "part.done")))
    assert not stage.over
    assert stage.step().over
    assert list(stage.world.events) == [DONE, DONE, SKIPPED]


def test_steps_of_a_sequence_follow_one_another_on_the_tick_of_the_end() -> None:
    b = builder()
    steps = (
        speed(b, 5.0, hold=t.HOLD_TIME, hold_ns=100_000_000),
        Action(t.DO_WAIT, step=1, ns=100_000_000),
        speed(b, 8.0, step=2),
    )
    b.event(Event(actions=steps))
    stage = Stage(b.tables()).until(0.15)
    assert stage.world.f[VX, 1] == 5.0
    assert stage.step().world.f[VX, 1] == 8.0  # 0.20 s
    assert stage.step().world.events[0] == DONE


def test_a_wait_for_a_condition_ends_on_the_tick_it_holds() -> None:
    b = builder()
    wait = Action(t.DO_WAIT, target=expression(b, "time >= 0.3 s"))
    b.event(Event(actions=(wait, speed(b, 8.0, step=1))))
    stage = Stage(b.tables()).until(0.25)
    assert stage.world.f[VX, 1] == 10.0
    assert stage.step().world.f[VX, 1] == 8.0


def test_a_lane_change_without_a_lane_skips_its_event() -> None:
    b = builder()
    away = Action(t.DO_CHANGE_LANE, 1, (3,), target=b.lane_beside(1, 1), shape=t.SMOOTH, a=0.0)
    b.event(Event(actions=(away,)))
    lanes = 1
    assert Stage(b.tables(), lanes=lanes).world.events[0] == SKIPPED


def test_the_same_story_gives_the_same_bytes() -> None:
    def run() -> bytes:
        b = builder()
        b.event(Event(when=expression(b, "ego.gap_to(a) > 46 m"), actions=(speed(b, 3.0, pace=t.PACE_COMFORT),)))
        stage = Stage(b.tables(), [Actor(speed=5.0), Actor(name="a", s=100.0, speed=10.0)]).until(3.0)
        return stage.world.f.tobytes() + stage.world.events.tobytes()

    assert run() == run()


def test_a_fault_is_on_for_its_time_and_ramps() -> None:
    b = builder()
    axis = t.axis_of_fault(2, 0, 0)
    fault = Action(t.DO_FAULT, axes=(axis,), a=0.8, pace_ns=200_000_000, hold=t.HOLD_TIME, hold_ns=400_000_000)
    b.event(Event(when=expression(b, "time >= 0.1 s"), actions=(fault,)))
    stage = Stage(b.tables(faults=1))
    seen = []
    for _ in range(12):
        seen.append(float(stage.world.severity[0]))
        stage.step()
    assert seen == pytest.approx([0, 0, 0, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0, 0])


def test_them_are_the_members_that_made_it_true() -> None:
    b = builder(("ego", "a", "b"), groups={"pair": ("a", "b")})
    when = expression(b, "any(pair.speed > 15 m/s)")
    guards = dict(b.guards["pair"])
    actions = [speed(b, 1.0, actor, guard=guards[name]) for actor, name in ((1, "a"), (2, "b"))]
    b.event(Event(when=when, actions=tuple(actions)))
    stage = Stage(b.tables(), [Actor(), Actor(name="a", s=100.0, speed=10.0), Actor(name="b", s=200.0, speed=20.0)])
    assert stage.world.f[VX].tolist() == [0.0, 10.0, 1.0]
