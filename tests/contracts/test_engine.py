"""What every engine promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.cases import Actor, make_case
from twin.case import Case
from twin.command import Command
from twin.engines import ENGINES
from twin.engines.embedded import Embedded
from twin.engines.replay import Replay
from twin.errors import InputError, UnknownName
from twin.faults import Fault
from twin.ports import Engine, Rays
from twin.run import Run
from twin.state import WorldState

TICKS = 12


def commands() -> list[Command]:
    return [Command(1.0 - 0.3 * k, 0.01 * (k % 3)) for k in range(TICKS)]


def case(**changed: object) -> Case:
    actors = [
        Actor(speed=15.0),
        Actor("lead", lane=0, s=75.0, speed=12.0, traffic=True),
        Actor("left", "truck", lane=1, s=60.0, speed=14.0),
        Actor("walker", "adult", lane=-1, x=100.0, y=-20.0, turned=1.5, speed=1.2),
    ]
    return make_case(actors=actors, **changed)  # type: ignore[arg-type]


def play(engine: Engine, of: Case) -> list[WorldState]:
    return [engine.reset(of), *(engine.step(c) for c in commands())]


def recorded(of: Case) -> Run:
    states = play(Embedded(), of)
    ticks = len(states)
    return Run(
        case=of,
        t_ns=np.array([s.t_ns for s in states]),
        f=np.stack([s.f for s in states]),
        n=np.stack([s.n for s in states]),
        environment=np.stack([s.environment for s in states]),
        lamps=np.stack([s.lamps for s in states]),
        severity=np.stack([s.severity for s in states]),
        story=np.stack([s.story for s in states]),
        command=np.zeros((ticks, 2)),
        mode=np.zeros(ticks, np.int64),
        cause=("none",) * ticks,
        estimate=np.full((ticks, 5), np.nan),
        contacts=(),
        hashes=np.array([s.hash for s in states], np.uint64),
        failure_kind="",
        failure="",
        stopped="after",
    )


@pytest.fixture(params=["embedded", "replay"])
def make(request: pytest.FixtureRequest) -> Callable[[Case], Engine]:
    kind = ENGINES.get(request.param)
    if request.param == "replay":
        return lambda of: Replay(recorded(of))
    return lambda of: kind()


def test_the_same_case_and_commands_give_the_same_bytes(make: Callable[[Case], Engine]) -> None:
    a, b = play(make(case()), case()), play(make(case()), case())
    assert [s.hash for s in a] == [s.hash for s in b]
    assert all(x.f.tobytes() == y.f.tobytes() and x.n.tobytes() == y.n.tobytes() for x, y in zip(a, b, strict=True))


def test_another_seed_has_another_hash() -> None:
    a, b = play(Embedded(), case(seed=1)), play(Embedded(), case(seed=2))
    assert a[0].hash != b[0].hash
    assert a[-1].hash != b[-1].hash


def test_another_command_changes_the_hash_from_its_tick_on() -> None:
    one, other = Embedded(), Embedded()
    assert one.reset(case()).hash == other.reset(case()).hash
    assert one.step(Command(1.0, 0.0)).hash == other.step(Command(1.0, 0.0)).hash
    for _ in range(3):
        a, b = one.step(Command(1.0, 0.0)), other.step(Command(-5.0, 0.0))
    assert a.hash != b.hash


def test_reset_starts_the_same_run_again(make: Callable[[Case], Engine]) -> None:
    engine = make(case())
    assert [s.hash for s in play(engine, case())] == [s.hash for s in play(engine, case())]


def test_states_never_change_after_they_were_given(make: Callable[[Case], Engine]) -> None:
    engine = make(case())
    first = engine.reset(case())
    kept = first.f.copy(), first.n.copy(), first.trail.copy(), first.environment.copy()
    for c in commands():
        engine.step(c)
    assert np.array_equal(first.f, kept[0], equal_nan=True)
    assert np.array_equal(first.n, kept[1])
    assert np.array_equal(first.trail, kept[2])
    assert np.array_equal(first.environment, kept[3], equal_nan=True)


def test_time_advances_by_whole_steps(make: Callable[[Case], Engine]) -> None:
    states = play(make(case()), case())
    assert [s.t_ns for s in states] == [k * 50_000_000 for k in range(TICKS + 1)]


def test_the_trail_leads_from_the_last_state_to_this_one(make: Callable[[Case], Engine]) -> None:
    states = play(make(case()), case())
    for before, now in pairwise(states):
        assert now.trail_t_ns[0] == before.t_ns
        assert now.trail_t_ns[-1] == now.t_ns
        assert np.all(np.diff(now.trail_t_ns) > 0)
        assert np.allclose(now.trail[0, :4], before.f[:4, 0], atol=1e-12)
        assert np.allclose(now.trail[-1, :6], now.f[:6, 0], atol=1e-12)


def test_a_step_after_the_end_is_refused(make: Callable[[Case], Engine]) -> None:
    of = case(after_s=0.05 * TICKS)
    engine = make(of)
    assert play(engine, of)[-1].over
    with pytest.raises(InputError, match="over"):
        engine.step(Command(0.0, 0.0))


def test_a_step_before_reset_is_refused(make: Callable[[Case], Engine]) -> None:
    engine = make(case())
    with pytest.raises(InputError, match="reset"):
        engine.step(Command(0.0, 0.0))


def test_a_command_that_is_no_number_is_refused() -> None:
    engine = Embedded()
    engine.reset(case())
    with pytest.raises(InputError, match="finite"):
        engine.step(Command(float("nan"), 0.0))


def test_a_fault_of_severity_zero_changes_no_byte() -> None:
    faults = (
        Fault("ego.brake", "loss"),
        Fault("ego.brake", "fade"),
        Fault("ego.brake", "stuck_on"),
        Fault("ego.drive", "loss"),
        Fault("ego.drive", "stuck"),
        Fault("ego.steer", "loss"),
        Fault("ego.steer", "stuck"),
        Fault("ego.steer", "bias"),
    )
    healthy, nominal = play(Embedded(), case()), play(Embedded(), case(faults=faults))
    assert all(a.f.tobytes() == b.f.tobytes() for a, b in zip(healthy, nominal, strict=True))


def test_a_probe_answers_each_request_ray_by_ray_and_always_the_same(make: Callable[[Case], Engine]) -> None:
    engine = make(case())
    state = play(engine, case())[-1]
    origin = state.f[:3, 0] + (0.0, 0.0, 1.0)
    angles = np.linspace(-0.5, 0.5, 41)
    directions = np.stack((np.cos(angles), np.sin(angles), np.zeros(41)), axis=1)
    rays = Rays(np.tile(origin, (41, 1)), directions, np.full(41, state.t_ns), 100.0)
    down = Rays(origin[None], np.array([[0.0, 0.0, -1.0]]), np.array([state.t_ns]), 50.0)
    first, second = engine.probe([rays, down]), engine.probe([rays, down])
    assert len(first) == 2
    assert first[0].range_m.shape == first[0].actor.shape == (41,)
    assert first[0].range_m.tobytes() == second[0].range_m.tobytes()
    assert 1 in first[0].actor
    assert first[1].actor[0] == -1
    assert first[1].range_m[0] == pytest.approx(1.0, abs=1e-6)


def test_replay_gives_back_what_was_recorded() -> None:
    of = case()
    truth, again = play(Embedded(), of), play(Replay(recorded(of)), of)
    assert [s.hash for s in truth] == [s.hash for s in again]
    assert all(a.f.tobytes() == b.f.tobytes() for a, b in zip(truth, again, strict=True))


def test_replay_refuses_another_case() -> None:
    with pytest.raises(InputError, match="no states"):
        Replay(recorded(case())).reset(replace(case(), actors=("ego",)))


def test_an_unknown_engine_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="embedded"):
        ENGINES.get("embeded")
