"""Robust temporal logic: hand-computed margins, honest ends, and a definition-by-definition oracle."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.signals import Signals
from reports.stl import evaluate, show
from reports.verdict import measuring
from tests.cases import Actor, make_case
from tests.reports.runs import changed, coasting
from twin.errors import InputError
from twin.expression import parse_expr
from twin.run import Run
from twin.state import AX, DONE, EGO, LANE, RUNNING, VX, D
from twin.syntax import Binary, Expr, Temporal, Unary

CASE = make_case(actors=(Actor(lane=1, speed=10.0), Actor("other", lane=1, s=100.0, speed=10.0)), step_ns=1_000_000_000)


def run_of(speeds: Sequence[float], accels: Sequence[float] | None = None, **fields: object) -> Run:
    """Return a run of one tick per second with these speeds and accelerations of the ego."""
    run = coasting(CASE, len(speeds))
    f = run.f.copy()
    f[:, VX, EGO] = speeds
    f[:, AX, EGO] = np.zeros(len(speeds)) if accels is None else accels
    return changed(run, f=f, **fields)


def outcome(run: Run, text: str, complete: bool = True) -> tuple[bool | None, float, int, str]:
    found = evaluate(parse_expr(text), Signals(run, measuring(run)), complete)
    return found.truth, found.robustness, found.tick, found.predicate


def test_always_takes_the_worst_tick() -> None:
    assert outcome(run_of([5, 9, 3, 8]), "always(speed >= 2 m/s)") == (True, 1.0, 2, "speed >= 2 m/s")


def test_a_bounded_always_looks_no_further() -> None:
    assert outcome(run_of([5, 9, 3, 1]), "always[0 s, 2 s](speed >= 2 m/s)")[:2] == (True, 1.0)
    assert outcome(run_of([5, 9, 3, 1]), "always[0 s, 3 s](speed >= 2 m/s)")[:3] == (False, -1.0, 3)


def test_eventually_takes_the_best_tick() -> None:
    assert outcome(run_of([5, 9, 3, 8]), "eventually[1 s, 2 s](speed >= 8 m/s)")[:3] == (True, 1.0, 1)


def test_zero_margin_passes_only_where_equality_is_allowed() -> None:
    run = run_of([2, 2])
    assert outcome(run, "always(speed >= 2 m/s)")[:2] == (True, 0.0)
    assert outcome(run, "always(speed > 2 m/s)")[0] is False
    assert outcome(run, "not (speed >= 2 m/s)")[0] is False
    assert outcome(run, "speed == 2 m/s")[0] is True
    assert outcome(run, "speed != 2 m/s")[0] is False


def test_angles_are_scaled_against_metres_and_seconds() -> None:
    # 0.05 rad of margin are half a scale of 0.1 rad: tighter than 0.8 m/s
    found = outcome(run_of([2.8]), "speed >= 2 m/s and heading >= -0.05 rad")
    assert found == (True, pytest.approx(0.5), 0, "heading >= -0.05 rad")


def test_an_obligation_open_at_the_end_is_undecided() -> None:
    run = run_of([1, 1, 1])
    assert outcome(run, "eventually[0 s, 5 s](speed >= 2 m/s)")[0] is None
    assert outcome(run, "always[0 s, 5 s](speed >= 0.5 m/s)")[0] is None


def test_a_window_behind_the_end_is_never_a_vacuous_pass() -> None:
    assert outcome(run_of([1, 1]), "always[10 s, 20 s](speed >= 5 m/s)")[0] is None
    assert outcome(run_of([1, 1]), "eventually[10 s, 20 s](speed >= 5 m/s)")[0] is None


def test_what_was_seen_decides_though_the_window_is_open() -> None:
    run = run_of([1, 3, 1])
    assert outcome(run, "eventually[0 s, 9 s](speed >= 2 m/s)")[:3] == (True, 1.0, 1)
    assert outcome(run, "always[0 s, 9 s](speed <= 2 m/s)")[:3] == (False, -1.0, 1)


def test_an_implication_is_open_only_where_it_was_triggered() -> None:
    calm = "always(speed > 5 m/s -> eventually[0 s, 2 s](decel >= 4 m/s^2))"
    assert outcome(run_of([1, 6, 6, 1, 1], [0, 0, -4, -4, 0]), calm)[0] is True
    assert outcome(run_of([1, 6, 1, 1, 1], [0, 0, 0, 0, 0]), calm)[0] is False
    assert outcome(run_of([1, 1, 1, 1, 6], [0, 0, 0, 0, 0]), calm)[0] is None


def test_a_run_cut_short_has_no_end_of_its_own() -> None:
    run = run_of([3, 3])
    assert outcome(run, "always(speed >= 2 m/s)", complete=False)[0] is None
    assert outcome(run, "eventually(speed >= 5 m/s)", complete=False)[0] is None
    assert outcome(run, "always(speed >= 4 m/s)", complete=False)[0] is False
    assert outcome(run, "eventually(speed >= 5 m/s)")[0] is False


def test_until_needs_the_left_side_up_to_the_right_one() -> None:
    assert outcome(run_of([5, 4, 1]), "(speed >= 2 m/s) until (speed <= 1.5 m/s)")[:2] == (True, 0.5)
    assert outcome(run_of([5, 1.8, 1]), "(speed >= 2 m/s) until (speed <= 1.5 m/s)")[0] is False
    assert outcome(run_of([5, 4, 4]), "(speed >= 2 m/s) until (speed <= 1.5 m/s)")[0] is False
    assert outcome(run_of([5, 4, 4]), "(speed >= 2 m/s) until[0 s, 9 s] (speed <= 1.5 m/s)")[0] is None


def test_past_operators_see_nothing_before_the_start() -> None:
    assert outcome(run_of([5, 1, 5]), "always(speed >= 4 m/s -> once[0 s, 1 s](speed >= 5 m/s))")[0] is True
    assert outcome(run_of([1, 5]), "historically(speed >= 4 m/s)")[0] is False
    assert outcome(run_of([5, 5]), "always(historically(speed >= 4 m/s))")[0] is True


def test_held_for_asks_for_the_whole_duration() -> None:
    assert outcome(run_of([0, 0, 5]), "eventually(stopped for 1 s)")[0] is True
    assert outcome(run_of([0, 5, 0]), "eventually(stopped for 1 s)")[0] is False


def test_delay_edges_and_latches() -> None:
    run = run_of([1, 5, 1, 1])
    assert outcome(run, "eventually(becomes(speed > 4 m/s))")[2] == 1
    assert outcome(run_of([5, 5]), "eventually(becomes(speed > 4 m/s))")[0] is False
    assert outcome(run, "always[3 s, 3 s](ever(speed > 4 m/s))")[0] is True
    assert outcome(run, "always[3 s, 3 s](2 s after (speed > 4 m/s))")[0] is True


def test_lanes_compare_by_thread_between_actors_and_by_number_otherwise() -> None:
    run = run_of([1, 1])
    n = run.n.copy()
    n[1, LANE, EGO] = 0
    run = changed(run, n=n)
    assert outcome(run, "ego.lane == other.lane")[0] is True
    assert outcome(run, "always(ego.lane == other.lane)")[0] is False
    assert outcome(run, "ego.lane == 2")[0] is True
    assert outcome(run, "always[1 s, 1 s](ego.lane == other.lane + 1)")[0] is True


def test_ways_between_actors_are_those_of_the_story() -> None:
    # reference points 50 m apart, two equal cars: the bumper gap is 50 m less one length
    length = float(CASE.p[1, EGO])
    assert outcome(run_of([10]), "ego.gap_to(other) >= 40 m")[1] == pytest.approx(50.0 - length - 40.0)
    assert outcome(run_of([10]), "other.ahead_by(ego) >= 49 m")[1] == pytest.approx(1.0)


def test_nobody_in_the_way_satisfies_a_bound_on_ttc_without_a_margin() -> None:
    found = outcome(run_of([10, 10]), "always(ttc >= 1 s)")
    assert found[0] is True
    assert math.isinf(found[1])


def test_events_of_the_story_can_be_asked() -> None:
    run = coasting(make_case(event_names=("cut_in",), step_ns=1_000_000_000), 4)
    status = np.array([[0], [RUNNING], [RUNNING], [DONE]])
    run = changed(run, story=status)
    assert outcome(run, "eventually(cut_in.starts)")[2] == 1
    assert outcome(run, "eventually(cut_in.ends)")[2] == 3
    assert outcome(run, "cut_in.done")[0] is False


def test_what_cannot_be_asked_says_so() -> None:
    with pytest.raises(InputError, match="no metric or signal is called 'sped'; did you mean 'speed'"):
        outcome(run_of([1]), "sped > 1 m/s")
    with pytest.raises(InputError, match="holds no tick"):
        outcome(run_of([1, 1]), "always[0.1 s, 0.2 s](speed > 0 m/s)")


@pytest.mark.parametrize(
    "text",
    [
        "always[0 s, 2 s](speed >= 2 m/s)",
        "eventually(ttc < 1 s)",
        "x > 1 m",
        "ego.gap_to(other).body > 3 m",
    ],
)
def test_a_formula_written_back_reads_the_same(text: str) -> None:
    assert show(parse_expr(text)) == text


Bounds = tuple[float, float, float]


def by_definition(e: Expr, run: Run, t: int) -> Bounds:
    """Return truth and bounds of the robustness at tick t, straight from the definitions."""
    ticks = len(run.t_ns)
    match e:
        case Unary():
            truth, low, high = by_definition(e.operand, run, t)
            return 1.0 - truth, -high, -low
        case Binary():
            a, b = by_definition(e.left, run, t), by_definition(e.right, run, t)
            if e.op == "->":
                a = (1.0 - a[0], -a[2], -a[1])
            pick = min if e.op == "and" else max
            return pick(a[0], b[0]), pick(a[1], b[1]), pick(a[2], b[2])
        case Temporal():
            least = e.op in ("always", "historically")
            pick = min if least else max
            empty = (1.0, math.inf, math.inf) if least else (0.0, -math.inf, -math.inf)
            first, last = (0, ticks) if e.window is None else (int(w.value) for w in e.window)  # type: ignore[union-attr]
            seen = [empty]
            for k in range(first, last + 1):
                u = t + k if e.op in ("always", "eventually") else t - k
                if 0 <= u < ticks:
                    seen.append(by_definition(e.operand, run, u))
                elif u >= ticks and e.window is not None:
                    seen.append((0.5, -math.inf, math.inf))
            return pick(s[0] for s in seen), pick(s[1] for s in seen), pick(s[2] for s in seen)
        case _:
            value = float(run.f[t, VX, EGO]) - 2.0
            return float(value >= 0.0), value, value


formulas = st.recursive(
    st.just("speed >= 2 m/s"),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or", "->"]), inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        inner.map(lambda p: f"not ({p})"),
        st.tuples(
            st.sampled_from(["always", "eventually", "once", "historically"]),
            st.one_of(
                st.just(""), st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda w: f"[{w[0]} s, {sum(w)} s]")
            ),
            inner,
        ).map(lambda p: f"{p[0]}{p[1]}({p[2]})"),
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(formulas, st.lists(st.integers(0, 5), min_size=1, max_size=7))
def test_every_formula_agrees_with_its_definition(text: str, speeds: list[int]) -> None:
    run = run_of([float(v) for v in speeds])
    truth, low, high = by_definition(parse_expr(text), run, 0)
    found = evaluate(parse_expr(text), Signals(run, measuring(run)))
    assert found.truth == {1.0: True, 0.0: False, 0.5: None}[truth]
    if found.truth is not None:
        assert found.robustness == (low if found.truth else high)
        assert (found.robustness >= 0.0) == found.truth or found.robustness == 0.0


def test_lane_offset_is_the_egos() -> None:
    run = run_of([1, 1])
    f = run.f.copy()
    f[:, D, EGO] = [0.2, -0.4]
    assert outcome(changed(run, f=f), "always(abs(lane_offset) <= 0.5 m)")[1:3] == (pytest.approx(0.1), 1)
