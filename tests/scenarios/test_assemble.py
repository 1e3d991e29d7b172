"""What a scenario becomes: starts, routes, lights, faults and story of a case; and what cannot be placed."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenarios.assemble import DriverSetup, Setup, assemble
from scenarios.sampling import nominal
from scenarios.schema import read_scenario
from twin.authored import AuthoredError, parse
from twin.case import Case
from twin.state import DESIRED_SPEED, LANE, LENGTH, PRESENT, RAIN, ROUTE, SPEED_BY, STORY, TRAFFIC, VX, YAW, D, S, X, Y
from twin.story import tables as t

HEAD = "scenario: x\nmap: motorway_3_lanes\n"
EGO = "ego: {vehicle: mid_sedan, start: {lane: 2, s: 100 m, speed: 20 m/s}}\n"
END = "end: {after: 20 s}\n"


def case(text: str, seed: int = 1, setup: Setup | None = None) -> Case:
    scenario = read_scenario(parse(text, "x.yaml"))
    return assemble(scenario, nominal(scenario), seed, setup or Setup())


def problems(text: str) -> list[str]:
    with pytest.raises(AuthoredError) as error:
        case(text)
    return [f"{p.line}: {p.message}" for p in error.value.problems]


def test_a_gap_is_bumper_to_bumper_and_in_seconds_by_the_others_speed() -> None:
    made = case(
        HEAD + EGO + "actors: {a: {vehicle: truck, start: {ahead_of: ego, gap: 2 s, speed: ego.speed}}}\n" + END
    )
    ego, a = Front(made, 0), Front(made, 1)
    assert a.rear - ego.front == pytest.approx(40.0)
    assert made.f0[VX, 1] == 20.0
    assert made.n0[LANE, 0] == made.n0[LANE, 1]


def test_a_centre_gap_behind_on_the_left() -> None:
    start = "{lane: left, behind: ego, centre_gap: 30 m}"
    made = case(HEAD + EGO + f"actors: {{a: {{vehicle: mid_sedan, start: {start}}}}}\n" + END)
    assert made.f0[S, 1] == pytest.approx(70.0)
    assert made.road.arrays.left[made.n0[LANE, 0]] == made.n0[LANE, 1]


def test_beside_and_world_places() -> None:
    actors = (
        "actors:\n"
        "  a: {vehicle: mid_sedan, start: {beside: ego, dx: 3 m, dy: -3.75 m}}\n"
        "  b: {pedestrian: adult, start: {x: 10 m, y: 300 m, heading: 90 deg}}\n"
    )
    made = case(HEAD + EGO + actors + END)
    assert made.f0[X, 1] - made.f0[X, 0] == pytest.approx(3.0, abs=0.01)
    assert made.f0[Y, 1] - made.f0[Y, 0] == pytest.approx(-3.75, abs=0.01)
    assert made.n0[LANE, 2] == -1
    assert made.f0[YAW, 2] == pytest.approx(math.pi / 2)


def test_an_offset_far_aside_is_on_the_lane_that_is_there() -> None:
    made = case(HEAD + EGO + "actors: {a: {vehicle: suv, start: {lane: 2, s: 200 m, offset: 3.75 m}}}\n" + END)
    assert made.road.arrays.number[made.n0[LANE, 1]] == 3
    assert made.f0[D, 1] == pytest.approx(0.0, abs=0.05)


def test_an_actor_without_a_start_is_not_there() -> None:
    made = case(HEAD + EGO + "actors: {a: {vehicle: suv}}\n" + END)
    assert made.n0[PRESENT].tolist() == [1, 0]


def test_starting_inside_another_car_is_an_error_at_the_place() -> None:
    text = HEAD + EGO + "actors:\n  a: {vehicle: suv, start: {lane: 2, s: 102 m}}\n" + END
    assert problems(text) == ["5: 'a' starts inside 'ego'"]


def test_a_circle_of_starts_shows_the_circle() -> None:
    actors = (
        "actors:\n"
        "  a: {vehicle: suv, start: {ahead_of: b, gap: 5 m}}\n"
        "  b: {vehicle: suv, start: {ahead_of: a, gap: 5 m}}\n"
    )
    found = problems(HEAD + EGO + actors + END)
    assert any("a -> b -> a" in p for p in found)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("actors: {a: {vehicle: suv, start: {lane: 7, s: 10 m}}}", "lane 7"),
        ("actors: {a: {vehicle: suv, start: {lane: 1, s: 99 km}}}", "99000"),
        ("actors: {a: {vehicle: sov, start: {lane: 1, s: 10 m}}}", "no vehicle, pedestrian or object is called 'sov'"),
        ("actors: {a: {vehicle: suv, start: {lane: left, ahead_of: ego, lanes: 4, gap: 9 m}}}", "no lane on the left"),
        ("story: [{when: ego.gap_to(nobody) < 3 m, do: {ego: {route: r}}}]", "no actor or place is called 'nobody'"),
        ("faults: [{at: 1 s, on: ego.gnss, fault: blakout}]", "no fault is called 'blakout'"),
        ("story: [{do: {ego: {follow: {path: p}}}}]", "no path is called 'p'"),
    ],
)
def test_what_cannot_be_meant_is_said_at_its_line(line: str, message: str) -> None:
    found = problems(HEAD + EGO + line + "\n" + END)
    assert len(found) == 1
    assert found[0].startswith("4: ")
    assert message in found[0]


def test_control_story_gives_the_axes_to_the_story() -> None:
    made = case(HEAD + EGO.replace("start", "control: story, start") + END)
    assert made.n0[SPEED_BY, 0] == STORY


def test_faults_are_channels_in_the_order_of_the_file() -> None:
    faults = (
        "faults:\n"
        "  - {at: 3 s, for: 2 s, on: ego.lidar_front, fault: blackout}\n"
        "  - {at: 0 s, on: ego.gnss, fault: spoof_drift, rate: 0.5 m/s}\n"
    )
    made = case(HEAD + EGO + faults + END)
    assert [(f.component, f.name) for f in made.faults] == [
        ("ego.lidar_front", "blackout"),
        ("ego.gnss", "spoof_drift"),
    ]
    assert made.faults[1].parameters["rate"] == 0.5
    assert made.story.actions[0, t.AC_HOLD_NS] == 2_000_000_000
    assert made.must_start == ()


def test_named_events_must_start_unless_optional() -> None:
    story = (
        "actors: {a: {vehicle: suv, start: {ahead_of: ego, gap: 50 m, speed: 20 m/s}}}\n"
        "story:\n"
        "  - {name: one, when: time > 1 s, do: {a: {brake: {to: 0 m/s}}}}\n"
        "  - {name: two, when: time > 2 s, optional: true, do: {a: {speed: {to: 9 m/s}}}}\n"
    )
    made = case(HEAD + EGO + story + END)
    assert made.event_names == ("one", "two")
    assert made.must_start == (0,)


def test_an_approach_leads_through_its_junction() -> None:
    text = (
        "scenario: x\nmap: urban_grid\n"
        "places:\n"
        "  cross: {find: junction, signalised: true, arms: 4}\n"
        "  line: {approach: cross, turn: left}\n"
        "signals: {cross: {phases: [{name: go, show: {line: green}, for: 9 s}]}}\n"
        "ego: {vehicle: mid_sedan, start: {before: line, by: 60 m, speed: 10 m/s}}\n" + END
    )
    made = case(text)
    arrays = made.road.arrays
    inside = [lane for lane in made.ego_route if arrays.junction[lane] >= 0]
    turned = arrays.heading[arrays.first[inside[0] + 1] - 1] - arrays.heading[arrays.first[inside[0]]]
    assert turned == pytest.approx(math.pi / 2, abs=0.1)
    assert made.routes.next[made.n0[ROUTE, 0], made.n0[LANE, 0]] == inside[0]


def test_traffic_comes_from_the_seed_and_clear_of_everybody() -> None:
    traffic = "traffic: [{around: ego, radius: 300 m, count: 12, mix: {mid_sedan: 0.7, truck: 0.3}}]\n"
    made = case(HEAD + EGO + traffic + END)
    assert len(made.actors) == 13
    assert made.p[TRAFFIC, 1:].tolist() == [1.0] * 12
    assert np.array_equal(made.f0, case(HEAD + EGO + traffic + END).f0)
    assert not np.array_equal(made.f0, case(HEAD + EGO + traffic + END, seed=2).f0)
    away = np.hypot(made.f0[X] - made.f0[X, 0], made.f0[Y] - made.f0[Y, 0])[1:]
    assert away.min() > 8.0
    assert away.max() <= 300.0


def test_an_actor_with_the_traffic_driver_wants_its_speed() -> None:
    actor = "{vehicle: suv, driver: {use: traffic, speed: 25 m/s}, start: {lane: 1, s: 200 m}}"
    made = case(HEAD + EGO + f"actors: {{a: {actor}}}\n" + END)
    assert made.p[[TRAFFIC, DESIRED_SPEED], 1].tolist() == [1.0, 25.0]


def test_settings_choose_the_driver_and_the_map() -> None:
    setup = replace(Setup(), driver=DriverSetup("reference.hold", {"a": 1}, 10**9, 2 * 10**9), map="rural_curves")
    made = case(HEAD + EGO.replace("lane: 2", "lane: 1") + END, setup=setup)
    assert made.road.name == "rural_curves"
    assert (made.driver.name, made.driver.step_budget_s, made.driver.start_budget_s) == ("reference.hold", 1.0, 2.0)


def test_rain_may_be_a_share_of_a_cloudburst() -> None:
    assert case(HEAD + "environment: {rain: 20 %}\n" + EGO + END).environment[RAIN] == pytest.approx(10.0)


def test_sizes_and_parameters_reach_derived_values() -> None:
    text = HEAD + "parameters: {v: 36 km/h}\nderived: {gap: 2 s * $v + ego.length}\n" + EGO
    made = case(text + "actors: {a: {vehicle: suv, start: {ahead_of: ego, centre_gap: $gap}}}\n" + END)
    assert made.f0[S, 1] == pytest.approx(100.0 + 20.0 + made.p[LENGTH, 0])


def test_a_walker_on_a_path_follows_it_from_the_start() -> None:
    text = (
        HEAD + EGO + "paths: {over: {points: [{lane: 1, s: 150 m, offset: -4 m}, {lane: 1, s: 150 m, offset: 4 m}]}}\n"
        "actors: {w: {pedestrian: adult, start: {path: over, s: 1 m}}}\n" + END
    )
    made = case(text)
    assert made.story.actions[0, t.AC_VERB] == t.DO_FOLLOW
    assert made.story.action_values[0, t.AV_A] == 1.0
    assert made.must_start == ()


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "scenarios" / "library").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_scenario_of_the_library_assembles(path: Path) -> None:
    scenario = read_scenario(parse(path.read_text(), str(path)))
    made = assemble(scenario, nominal(scenario), 1, Setup())
    assert made.n0[PRESENT, 0] == 1
    assert len(made.ego_route) > 0


class Front:
    """Where the bumpers of an actor are along its lane."""

    def __init__(self, made: Case, actor: int) -> None:
        centre, half = made.p[4, actor], 0.5 * made.p[LENGTH, actor]
        self.front = made.f0[S, actor] + centre + half
        self.rear = made.f0[S, actor] + centre - half
