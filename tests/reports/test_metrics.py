"""Metrics on runs made by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from reports.metrics import METRICS
from reports.metrics.collision import at_fault, fault_of
from reports.metrics.conflict import following
from reports.metrics.motion import smooth
from tests.cases import Actor, make_case
from tests.reports.runs import changed, coasting
from twin.errors import UnknownName
from twin.road import Road, load
from twin.road.build import straight_road
from twin.run import Run, Series
from twin.state import (
    AX,
    CENTER_X,
    EGO,
    LAMP_GREEN,
    LAMP_RED,
    LANE,
    LENGTH,
    PRESENT,
    WIDTH,
    YAW_RATE,
    Contact,
    X,
    Y,
)

ROAD = straight_road(3, 1000.0, speed_limit=20.0)


def measured(name: str, run: Run) -> Series:
    series: Series = METRICS.get(name)(run)
    return series


def behind(gap_m: float, v1: float, v2: float, ticks: int = 3, **lead: float) -> Run:
    """Return a run with a car this bumper gap ahead on the ego's lane."""
    case = make_case(ROAD, (Actor(lane=1, s=50.0, speed=v1), Actor("lead", lane=1, s=50.0, speed=v2)))
    length = float(case.p[LENGTH, EGO])
    actors = (
        Actor(lane=1, s=50.0, speed=v1),
        Actor("lead", **({"lane": 1, "s": 50.0 + length + gap_m, "speed": v2} | lead)),  # type: ignore[arg-type]
    )
    return coasting(make_case(ROAD, actors), ticks)


def test_every_metric_of_the_catalogue_measures_an_empty_road() -> None:
    run = coasting(make_case(ROAD, (Actor(lane=1, speed=10.0),)), 40)
    for name in METRICS:
        series = measured(name, run)
        assert series.name == name
        assert series.values.shape == series.valid.shape == (40,)
        assert np.isnan(series.values[~series.valid]).all()
        assert not np.isnan(series.values[series.valid]).any()


def test_an_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'headway'"):
        METRICS.get("hedway")


def test_following_at_20_m_closing_at_5_mps() -> None:
    run = behind(20.0, 15.0, 10.0)
    assert measured("min_gap", run).values[0] == pytest.approx(20.0)
    assert measured("ttc", run).values[0] == pytest.approx(4.0)
    assert measured("headway", run).values[0] == pytest.approx(4.0 / 3.0)
    assert measured("drac", run).values[0] == pytest.approx(0.625)


def test_time_to_collision_falls_as_time_passes() -> None:
    ttc = measured("ttc", behind(20.0, 15.0, 10.0, 21))
    assert ttc.values[20] == pytest.approx(4.0 - 20 * 0.05)


def test_nobody_closing_leaves_ttc_without_value_but_drac_at_0() -> None:
    run = behind(20.0, 10.0, 10.0)
    assert not measured("ttc", run).valid.any()
    assert (measured("drac", run).values == 0.0).all()
    assert measured("headway", run).valid.all()


def test_a_car_on_the_next_lane_is_no_leader_until_its_body_reaches_into_the_path() -> None:
    width = float(make_case(ROAD).p[WIDTH, EGO])
    assert not measured("min_gap", behind(20.0, 15.0, 10.0, lane=0)).valid.any()
    assert not measured("min_gap", behind(20.0, 15.0, 10.0, d=width + 0.01)).valid.any()
    assert measured("min_gap", behind(20.0, 15.0, 10.0, d=width - 0.01)).valid.all()


def test_a_turned_box_reaches_further_along_and_less_far_across() -> None:
    straight, across = behind(20.0, 15.0, 0.0), behind(20.0, 15.0, 0.0, turned=math.pi / 2)
    case = straight.case
    length, width, center = (float(case.p[row, EGO]) for row in (LENGTH, WIDTH, CENTER_X))
    assert following(across).gap[0] == pytest.approx(20.0 + length / 2 - width / 2 - center, abs=1e-6)


def test_who_is_gone_is_no_leader() -> None:
    run = behind(20.0, 15.0, 10.0)
    n = run.n.copy()
    n[1:, PRESENT, 1] = 0
    assert measured("min_gap", changed(run, n=n)).valid.tolist() == [True, False, False]


def test_off_the_road_the_path_is_straight_ahead() -> None:
    run = behind(20.0, 15.0, 10.0)
    n = run.n.copy()
    n[:, LANE, EGO] = -1
    assert measured("ttc", changed(run, n=n)).values[0] == pytest.approx(4.0)


def test_an_oncoming_car_beside_the_path_is_dangerous_for_nobody() -> None:
    road = straight_road(2, 1000.0, two_way=True)
    oncoming = Actor("oncoming", lane=-1, x=130.0, y=1.75, turned=math.pi, speed=20.0)
    run = coasting(make_case(road, (Actor(lane=0, s=50.0, speed=20.0), oncoming)), 3)
    assert (measured("dangerous", run).values == 0.0).all()
    head_on = coasting(
        make_case(
            road, (Actor(lane=0, s=50.0, speed=20.0), Actor("o", lane=-1, x=130.0, y=-1.75, turned=math.pi, speed=20.0))
        ),
        3,
    )
    assert (measured("dangerous", head_on).values == 1.0).all()


def test_rss_calls_a_gap_dangerous_just_below_its_safe_distance() -> None:
    # at 60 km/h both, 0.75 s, 3 and 6 m/s^2: 20.015625 m
    v = 60.0 / 3.6
    assert (measured("dangerous", behind(20.02, v, v)).values == 0.0).all()
    assert (measured("dangerous", behind(20.01, v, v)).values == 1.0).all()
    assert (measured("dangerous", behind(5.0, v, v, lane=0)).values == 0.0).all()


def test_two_dimensional_ttc_sees_crossing_traffic() -> None:
    case = make_case(ROAD)
    front = float(case.p[CENTER_X, EGO] + case.p[LENGTH, EGO] / 2)
    # a pedestrian 10 m ahead of the bumper, stepping in from the side
    walker = Actor(
        "walker", body="adult", lane=-1, x=50.0 + front + 10.0, y=-1.75 - 5.25 - 2.0, turned=math.pi / 2, speed=1.5
    )
    run = coasting(make_case(ROAD, (Actor(lane=1, s=50.0, speed=8.0), walker)), 2)
    arrives = measured("ttc_2d", run)
    assert not arrives.valid.any() or arrives.values[0] > 1.0
    near = Actor("walker", body="adult", lane=-1, x=50.0 + front + 10.0, y=-5.25 - 1.9, turned=math.pi / 2, speed=1.0)
    run = coasting(make_case(ROAD, (Actor(lane=1, s=50.0, speed=8.0), near)), 2)
    # 10 m at 8 m/s are 1.25 s, his half depth earlier: in steps of 0.1 s the boxes meet at 1.2 or 1.3 s
    assert 1.0 <= measured("ttc_2d", run).values[0] <= 1.4


def test_encroachment_is_the_time_between_leaving_and_reaching_a_spot() -> None:
    case = make_case(ROAD)
    length, width, center = (float(case.p[row, EGO]) for row in (LENGTH, WIDTH, CENTER_X))
    # a car crosses x = 100 from the right at 10 m/s and clears the ego's lane before the ego comes
    crosser = Actor("crosser", lane=-1, x=100.0, y=-30.0, turned=math.pi / 2, speed=10.0)
    run = coasting(make_case(ROAD, (Actor(lane=1, s=50.0, speed=10.0), crosser)), 200)
    lane_y = float(run.f[0, Y, EGO])
    rear_clears = (lane_y + width / 2 + 30.0 + length / 2 - center) / 10.0
    front_reaches = (100.0 - width / 2 - 50.0 - center - length / 2) / 10.0
    pet = measured("pet", run)
    assert pet.values[pet.valid].min() == pytest.approx(front_reaches - rear_clears, abs=0.1)


def test_following_is_no_encroachment() -> None:
    assert not measured("pet", behind(5.0, 10.0, 10.0, 60)).valid.any()


def test_a_collision_ends_no_collision_from_its_tick_on() -> None:
    run = behind(20.0, 15.0, 10.0, 4)
    contact = Contact(100_000_000, EGO, 1, 15.0, 10.0, 5.0, 0.0, 0.0)
    assert measured("no_collision", changed(run, contacts=(contact,))).values.tolist() == [1.0, 1.0, 0.0, 0.0]
    others = Contact(100_000_000, 1, 2, 15.0, 10.0, 5.0, 0.0, 0.0)
    assert measured("no_collision", changed(run, contacts=(others,))).values.all()


@pytest.mark.parametrize(
    ("ahead", "left", "ego", "other", "name", "blamed"),
    [
        (1.0, 0.2, 10.0, 5.0, "active_front", True),
        (-1.0, 0.2, 10.0, 15.0, "active_rear", False),
        (0.2, 1.0, 10.0, 10.0, "active_lateral", False),
        (1.0, 0.0, 10.0, 0.0, "stopped_track", True),
        (-1.0, 0.0, 0.0, 10.0, "stopped_ego", False),
    ],
)
def test_who_is_to_blame(ahead: float, left: float, ego: float, other: float, name: str, blamed: bool) -> None:
    run = behind(20.0, ego, other)
    p = run.case.p[:, EGO]
    x = run.f[0, X, EGO] + p[CENTER_X] + ahead * p[LENGTH] / 2
    y = run.f[0, Y, EGO] + left * p[WIDTH] / 2
    contact = Contact(0, EGO, 1, ego, other, abs(ego - other), float(x), float(y))
    assert fault_of(run, contact) == name
    assert at_fault(name) == blamed


def test_jerk_of_a_ramp_is_its_slope_and_noise_is_smoothed() -> None:
    run = coasting(make_case(ROAD, (Actor(lane=1, speed=10.0),)), 101)
    f = run.f.copy()
    f[:, AX, EGO] = 0.5 * run.t_ns * 1e-9
    assert measured("jerk", changed(run, f=f)).values == pytest.approx(np.full(101, 0.5))
    noise = 0.1 * np.where(np.arange(101) % 2, 1.0, -1.0)
    assert np.abs(smooth(noise, 50_000_000, 1)).max() < 0.3  # the raw difference is 4 m/s^3


def test_a_run_shorter_than_the_filter_has_no_jerk() -> None:
    assert not measured("jerk", behind(20.0, 15.0, 10.0)).valid.any()


@pytest.mark.parametrize(("row", "value", "comfortable"), [(AX, -4.0, True), (AX, -4.1, False), (YAW_RATE, 1.0, False)])
def test_comfort_has_published_bounds(row: int, value: float, comfortable: bool) -> None:
    run = coasting(make_case(ROAD, (Actor(lane=1, speed=10.0),)), 40)
    f = run.f.copy()
    f[:, row, EGO] = value
    assert bool(measured("comfort", changed(run, f=f)).values.all()) == comfortable


def test_the_box_leaves_its_lane_before_the_centre_does() -> None:
    run = coasting(make_case(ROAD, (Actor(lane=1, speed=10.0),)), 3)
    room = (3.5 - float(run.case.p[WIDTH, EGO])) / 2
    for offset, inside in ((room - 0.01, 1.0), (room + 0.01, 0.0), (-room - 0.01, 0.0)):
        run = coasting(make_case(ROAD, (Actor(lane=1, speed=10.0, d=offset),)), 3)
        assert (measured("in_lane", run).values == inside).all()
        assert measured("lane_offset", run).values[0] == pytest.approx(offset)


def test_off_the_road_counts_from_30_cm() -> None:
    half = float(make_case(ROAD).p[WIDTH, EGO]) / 2
    for left, on in ((-half + 0.29, 1.0), (-half + 0.31, 0.0)):
        run = coasting(make_case(ROAD, (Actor(lane=0, speed=10.0, d=1.75 + left),)), 2)
        assert (measured("on_road", run).values == on).all()


def test_speed_limits_have_a_tolerance_and_may_be_missing() -> None:
    fast = coasting(make_case(ROAD, (Actor(lane=1, speed=20.6),)), 2)
    assert (measured("speed_limit", fast).values == 0.0).all()
    assert measured("overspeed", fast).values[0] == pytest.approx(0.6)
    assert measured("speed_limit", coasting(make_case(ROAD, (Actor(lane=1, speed=20.4),)), 2)).values.all()
    unlimited = straight_road(1, 500.0)
    assert not measured("speed_limit", coasting(make_case(unlimited, (Actor(speed=90.0),)), 2)).valid.any()


def with_a_signal(s: float) -> Road:
    """Return the road with a signal whose stop line crosses lane 1 at s."""
    arrays = ROAD.arrays._replace(
        stop_signal=np.zeros(1, np.int64), stop_lane=np.ones(1, np.int64), stop_s=np.array([s])
    )
    return Road(
        ROAD.name, ROAD.digest, arrays, ROAD.road_names, ROAD.junction_names, ("1",), {}, {}, (), None, (0.0, 0.0, 0.0)
    )


@pytest.mark.parametrize(("lamp", "lane", "crossings"), [(LAMP_RED, 1, 1), (LAMP_GREEN, 1, 0), (LAMP_RED, 0, 0)])
def test_red_lights_count_where_the_bumper_crosses_its_own_line(lamp: int, lane: int, crossings: int) -> None:
    road = with_a_signal(60.0)
    run = coasting(make_case(road, (Actor(lane=lane, s=50.0, speed=10.0),)), 40)
    series = measured("red_light", changed(run, lamps=np.full((40, 1), lamp)))
    front = 50.0 + float(run.case.p[CENTER_X, EGO] + run.case.p[LENGTH, EGO] / 2)
    assert series.values.sum() == crossings
    if crossings:
        assert np.argmax(series.values) == math.ceil((60.0 - front) / 0.5)


def test_a_light_that_turns_red_under_the_bumper_is_not_run() -> None:
    run = coasting(make_case(with_a_signal(60.0), (Actor(lane=1, s=50.0, speed=10.0),)), 40)
    front = 50.0 + float(run.case.p[CENTER_X, EGO] + run.case.p[LENGTH, EGO] / 2)
    crossed = math.ceil((60.0 - front) / 0.5)
    lamps = np.full((40, 1), LAMP_GREEN)
    lamps[crossed:] = LAMP_RED
    assert measured("red_light", changed(run, lamps=lamps)).values.sum() == 0.0


def test_standing_at_the_line_is_no_crossing() -> None:
    run = coasting(make_case(with_a_signal(60.0), (Actor(lane=1, s=50.0),)), 5)
    assert measured("red_light", changed(run, lamps=np.full((5, 1), LAMP_RED))).values.sum() == 0.0


def test_route_progress_is_the_share_of_the_way_to_the_goal() -> None:
    case = make_case(ROAD, (Actor(lane=1, s=100.0, speed=20.0),), goal_s=300.0, ego_route=np.array([1]))
    series = measured("route_progress", coasting(case, 101))
    assert series.values[[0, 50, 100]] == pytest.approx([0.0, 0.25, 0.5])
    assert not measured("route_progress", coasting(make_case(ROAD), 3)).valid.any()


def test_localisation_error_is_in_the_plane_and_waits_for_the_first_estimate() -> None:
    run = behind(20.0, 10.0, 10.0)
    estimate = run.estimate.copy()
    estimate[0] = np.nan
    estimate[1:, 0] += 3.0
    estimate[1:, 1] += 4.0
    series = measured("localisation_error", changed(run, estimate=estimate))
    assert series.valid.tolist() == [False, True, True]
    assert series.values[1:] == pytest.approx([5.0, 5.0])


def test_the_leader_is_found_across_the_borders_of_lanes() -> None:
    road = load("urban_grid")
    arrays = road.arrays
    straight = np.array([abs(arrays.curvature[a:b]).max() < 1e-6 for a, b in pairwise(arrays.first)])
    after = arrays.straight
    lane = next(
        i for i in np.flatnonzero(straight & (after >= 0)) if straight[after[i]] and arrays.length[after[i]] > 25.0
    )
    ego = Actor(lane=int(lane), s=float(arrays.length[lane]) - 2.0, speed=15.0)
    lead = Actor("lead", lane=int(after[lane]), s=20.0, speed=10.0)
    case = make_case(road, (ego, lead))
    series = measured("min_gap", coasting(case, 1))
    assert series.values[0] == pytest.approx(22.0 - float(case.p[LENGTH, EGO]), abs=1e-3)
