"""`map=` puts scenarios that ask for places by topology on maps that nobody here wrote: real-world material."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from scenarios.run import Finished, run_case
from scenarios.sampling import nominal
from scenarios.settings import compose
from scenarios.written import read
from twin.authored import AuthoredError

LIBRARY = Path(__file__).resolve().parent.parent.parent / "scenarios" / "library"
ALKS = "osc-alks/logical_scenarios/concrete_scenarios/road_networks/alks_road_{}.xodr"
TOWNS = {
    "Town01": "carla-towns-2019/Town01.xodr",
    "Town03": "carla-towns-2019/Town03.xodr",
    "Town01_with_signals": "scenic-maps-carla/Town01.xodr",
    "Town10HD": "scenic-maps-carla/Town10HD.xodr",
}


@cache
def drive(name: str, map_file: Path) -> Finished:
    written = read(LIBRARY / f"{name}.yaml")
    case = written.case(nominal(written.scenario), 1, compose([f"map={map_file}"]))
    return run_case(case, "embedded", 600.0, {})


def verdict_of(done: Finished, criterion: str) -> str:
    return next(str(f.verdict) for f in done.judgement.findings if f.criterion == criterion)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["motorway_cut_in", "cut_out_to_stopped_car", "lead_brakes_hard", "jammed_traffic"])
@pytest.mark.parametrize("road", ["straight", "right_radius_1000m"])
def test_motorway_scenarios_move_to_the_alks_roads(shared_data: Path, name: str, road: str) -> None:
    done = drive(name, shared_data / ALKS.format(road))
    assert str(done.judgement.verdict) == "PASS", done.judgement.why
    assert done.run.case.road.name == f"alks_road_{road}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "town"),
    [
        ("cyclist_crossing", "Town01"),
        ("cyclist_crossing", "Town03"),
        ("red_light_runner", "Town10HD"),
        ("pedestrian_from_behind_parked_car", "Town10HD"),
    ],
)
def test_town_scenarios_move_to_other_towns(shared_data: Path, name: str, town: str) -> None:
    done = drive(name, shared_data / TOWNS[town])
    assert str(done.judgement.verdict) == "PASS", done.judgement.why


@pytest.mark.slow
@pytest.mark.parametrize("town", ["Town01_with_signals", "Town10HD"])
def test_the_ego_stops_at_red_wherever_there_are_signals(shared_data: Path, town: str) -> None:
    done = drive("stop_at_red_light", shared_data / TOWNS[town])
    assert verdict_of(done, "red_light") == "PASS"
    assert verdict_of(done, "progress") == "PASS"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "town", "clause"),
    [
        ("red_light_runner", "Town01", "signalised: true"),
        ("red_light_runner", "Town01_with_signals", "arms: 4; there are some with 3"),
        ("stop_at_red_light", "Town03", "signalised: true"),
        ("cut_out_to_stopped_car", "Town01", "length: 700 m"),
        ("roundabout_entry", "Town03", "from_left_of"),
        ("motorway_cut_in", "Town01", "there is no lane 2"),
    ],
)
def test_a_map_without_such_a_place_names_the_clause(shared_data: Path, name: str, town: str, clause: str) -> None:
    with pytest.raises(AuthoredError) as caught:
        drive(name, shared_data / TOWNS[town])
    problem = caught.value.problems[0]
    assert clause in problem.message
    assert problem.line > 0
