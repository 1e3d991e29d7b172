"""A run as a scene: what the browser gets is what happened, to the centimetre and the tick."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.synthetic import case_of, drawn_road, run_of, touched
from twin.run import Series
from twin.state import PRESENT, VX, YAW, X, Y
from twin.view import Mark, encode
from twin.view.ground import BROKEN, NO_LINE, SOLID, simplify
from twin.view.scene import optional, states, track


def unrolled(steps: list[int], ticks: int) -> list[int]:
    return np.cumsum(np.pad(np.array(steps), (0, ticks - len(steps)))).tolist()


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e5, 1e5)))
def test_a_track_gives_back_every_value_to_half_a_step(values: Any) -> None:
    back = np.array(unrolled(track(values, 100.0), len(values))) / 100.0
    assert np.abs(back - values).max() <= 0.005 + 1e-9


def test_a_track_of_somebody_who_stands_is_one_number() -> None:
    assert track(np.full(400, 12.34), 100.0) == [1234]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_states_give_back_every_tick(values: list[int]) -> None:
    changes = states(np.array(values))
    back = [next(v for k, v in reversed(changes) if k <= tick) for tick in range(len(values))]
    assert back == values
    assert all(a[1] != b[1] for a, b in pairwise(changes))


def test_what_is_not_finite_is_none_and_not_zero() -> None:
    assert optional(np.array([1.0, np.nan, np.inf, 0.0]), 100.0) == [100, None, None, 0]


def test_poses_and_speeds_come_back_at_any_tick() -> None:
    run = run_of()
    scene = encode(run)
    for i, actor in enumerate(scene["actors"]):
        for name, row, scale in (("x", X, 100), ("y", Y, 100), ("yaw", YAW, 1000), ("speed", VX, 100)):
            back = np.array(unrolled(actor[name], scene["ticks"])) / scale
            offset = {"x": scene["origin"][0], "y": scene["origin"][1]}.get(name, 0.0)
            assert np.abs(back + offset - run.f[:, row, i]).max() <= 0.5 / scale + 1e-9


def test_an_actor_that_never_was_in_the_world_is_left_out() -> None:
    run = run_of(case_of(("ego", "ghost", "cutter")))
    n = run.n.copy()
    n[:, PRESENT, 1] = 0
    assert [a["name"] for a in encode(replace(run, n=n))["actors"]] == ["ego", "cutter"]


def test_marks_tell_story_faults_driver_and_contact_with_their_times() -> None:
    marks = encode(touched(run_of()), marks=[Mark(1_000_000_000, "finding", "ttc")])["marks"]
    told = [(m["kind"], m["text"], round(m["t"], 6), m["end"]) for m in marks]
    assert told == [
        ("finding", "ttc", 1.0, None),
        ("story", "cut_in", 2.0, 5.0),
        ("fault", "blackout on ego.lidar_front", 3.0, 5.0),
        ("driver", "takeover request (perception)", 10.0, 20.0),
        ("contact", "ego touches cutter at 11 km/h", 15.0, None),
    ]


def test_a_contact_with_the_map_names_the_object() -> None:
    run = touched(run_of())
    hit = replace(run.contacts[0], b=-1)
    marks = encode(replace(run, contacts=(hit,)))["marks"]
    assert [m["text"] for m in marks if m["kind"] == "contact"] == ["ego touches map object 0 at 11 km/h"]


def test_a_stack_failure_is_a_mark_and_a_line() -> None:
    scene = encode(replace(run_of(), failure_kind="StackCrash", failure="boom", stopped="stack"))
    assert scene["failure"] == "StackCrash: boom"
    assert scene["marks"][-1]["text"] == "StackCrash: boom"


def test_series_are_drawn_only_where_they_apply() -> None:
    run = run_of(ticks=3)
    series = Series("ttc", "s", run.t_ns, np.array([1.0, 2.0, 3.0]), np.array([True, False, True]))
    (strip,) = encode(run, [series])["series"]
    assert (strip["name"], strip["unit"], strip["scale"], strip["values"]) == ("ttc", "s", 100, [100, None, 300])


def test_a_time_to_something_far_off_is_a_gap_that_says_so() -> None:
    run = run_of(ticks=4)
    series = Series("ttc", "s", run.t_ns, np.array([9.0, 10.5, 1e32, 10.0]), np.ones(4, np.bool_))
    (strip,) = encode(run, [series])["series"]
    assert (strip["cap"], strip["values"], strip["beyond"]) == (10.0, [900, None, None, 1000], [[0, 0], [1, 1], [3, 0]])


def test_what_is_no_time_has_no_cap() -> None:
    run = run_of(ticks=2)
    series = Series("progress", "m", run.t_ns, np.array([9.0, 1000.0]), np.ones(2, np.bool_))
    (strip,) = encode(run, [series])["series"]
    assert (strip["cap"], strip["values"], strip["beyond"]) == (None, [900, 100000], [])


def test_a_scheduled_fault_is_told_once() -> None:
    run = run_of(case_of(event_names=("fault blackout on ego.lidar_front",)))
    told = [m["text"] for m in encode(run)["marks"] if "blackout" in m["text"]]
    assert told == ["blackout on ego.lidar_front"]


def test_long_runs_are_thinned_without_losing_their_length() -> None:
    scene = encode(run_of(ticks=9000))
    assert scene["ticks"] == 3000
    assert scene["step_s"] == pytest.approx(0.15)


def test_a_run_without_a_tick_is_a_scene_too() -> None:
    scene = encode(replace(run_of(ticks=0), failure_kind="StackCrash", failure="no start"))
    assert (scene["ticks"], scene["actors"], scene["failure"]) == (0, [], "StackCrash: no start")
    json.dumps(scene, allow_nan=False)


def test_a_scene_of_twenty_seconds_and_ten_actors_is_below_two_hundred_kilobytes() -> None:
    scene = encode(run_of(case_of(("ego", *(f"car_{k}" for k in range(9)))), noise=0.01))
    assert len(json.dumps(scene, separators=(",", ":"))) < 200_000


def test_lanes_near_the_action_keep_their_borders_and_lines() -> None:
    lanes = encode(run_of())["ground"]["lanes"]
    assert [lane["right"][1] for lane in lanes] == [-175, 175, 525]
    assert [lane["left"][1] for lane in lanes] == [175, 525, 875]
    assert [(lane["right_line"], lane["left_line"]) for lane in lanes] == [
        (SOLID, BROKEN),
        (NO_LINE, BROKEN),
        (NO_LINE, SOLID),
    ]


def test_the_ground_ends_where_nobody_goes() -> None:
    run = run_of(ticks=2)
    right = encode(run)["ground"]["lanes"][0]["right"]
    assert 8_000 <= max(right[0::2]) - max(0, run.f[:, X].max() * 100) <= 13_000


def test_stop_lines_cross_their_lane_and_name_their_signal() -> None:
    stops = encode(run_of())["ground"]["stops"]
    assert stops[0] == {"signal": 0, "line": [20000, 175, 20000, -175]}


def test_simplified_borders_stay_within_five_centimetres_of_the_arc() -> None:
    road = drawn_road(lanes=1, radius=100.0)
    points = np.stack([road.arrays.x, road.arrays.y], axis=1)
    kept = simplify(points)
    assert len(kept) < len(points) / 4
    t = np.linspace(0, 1, 200)[:, None]
    along = np.concatenate([a + t * (b - a) for a, b in pairwise(kept)])
    away = np.abs(np.hypot(along[:, 0], along[:, 1] - 100.0) - 100.0)
    assert away.max() < 0.055


@given(arrays(np.float64, st.tuples(st.integers(2, 30), st.just(2)), elements=st.floats(-100, 100)))
def test_simplifying_keeps_both_ends_and_only_given_points(points: Any) -> None:
    kept = simplify(points)
    assert (kept[0] == points[0]).all()
    assert (kept[-1] == points[-1]).all()
    assert {tuple(p) for p in kept} <= {tuple(p) for p in points}
