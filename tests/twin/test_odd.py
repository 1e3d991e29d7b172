"""Operational design domains: reading, three-valued evaluation, exits without chatter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cases import Actor, make_case
from twin.authored import AuthoredError
from twin.conditions import CONDITIONS, measure
from twin.environment import environment
from twin.odd import IN, OUT, UNKNOWN, Evaluation, Every, Negated, Odd, Some, Within, evaluate, exits, read
from twin.road.build import straight_road
from twin.state import Floats

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "scenarios" / "odd").glob("*.yaml"))

ROOT = """
ODD:
  mine:
    TITLE: A small domain
    INCLUDE_AND:
"""


def odd_of(tmp_path: Path, text: str, name: str = "mine.yaml") -> Odd:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read(path)


def include(tmp_path: Path, *lines: str) -> Odd:
    return odd_of(tmp_path, ROOT + "".join(f"      {line}\n" for line in lines))


def given(**values: list[float] | float) -> dict[str, Floats]:
    ticks = max(len(v) if isinstance(v, list) else 1 for v in values.values())
    unknown = {name: np.full(ticks, np.nan) for name in CONDITIONS}
    return unknown | {name: np.broadcast_to(np.asarray(v, float), (ticks,)) for name, v in values.items()}


def truth(odd: Odd, **values: list[float] | float) -> list[float]:
    return evaluate(odd, given(**values)).truth.tolist()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_domains_read_and_measure_all_they_ask_for(path: Path) -> None:
    odd = read(path)
    assert odd.name == path.stem
    assert odd.title
    assert not odd.unmeasured
    assert all(cells for cells in odd.cells.values())


def test_there_is_a_domain_for_each_kind_of_road() -> None:
    assert [p.stem for p in SHIPPED] == ["motorway", "rural", "urban"]


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ('"[2.5 .. 7.6] mm/h"', [2.5, 7.6], [2.49, 7.61]),
        ('"[2.5, 7.6] mm/h"', [2.5, 7.6], [2.49, 7.61]),
        ('"[2.5 .. 7.6) mm/h"', [2.5], [7.6]),
        ('"< 7.6 mm/h"', [0.0, 7.59], [7.6]),
        ('"<= 7.6 mm/h"', [7.6], [7.61]),
        ('"> 7.6 mm/h"', [7.61], [7.6]),
        ('"0 mm/h"', [0.0], [0.1]),
        ("heavy_rain", [7.6, 49.9], [7.5, 50.0]),
        ("[light_rain, heavy_rain]", [1.0, 10.0], [5.0]),
    ],
)
def test_ranges_bounds_and_classes(tmp_path: Path, text: str, inside: list[float], outside: list[float]) -> None:
    odd = include(tmp_path, f"rainfall_rate: {text}")
    assert truth(odd, rainfall_rate=inside) == [IN] * len(inside)
    assert truth(odd, rainfall_rate=outside) == [OUT] * len(outside)


def test_units_are_converted_to_those_of_the_condition(tmp_path: Path) -> None:
    odd = include(tmp_path, 'subject_vehicle_speed: "<= 10 m/s"', 'visibility: ">= 0.5 km"', 'gradient: "<= 0.04"')
    assert truth(odd, subject_vehicle_speed=[36.0, 36.1], visibility=500.0, gradient=4.0) == [IN, OUT]


@pytest.mark.parametrize(
    ("name", "value", "cell"),
    [
        ("rainfall_rate", 2.5, "moderate rain"),
        ("rainfall_rate", 7.6, "heavy rain"),
        ("rainfall_rate", 50.0, "violent rain"),
        ("illuminance", 1.0, "low light"),
        ("illuminance", 2000.0, "day"),
        ("illuminance", 0.99, "night"),
        ("wind_speed", 32.6, "hurricane"),
    ],
)
def test_a_value_on_a_border_belongs_to_the_class_above(name: str, value: float, cell: str) -> None:
    holding = [c.name for c in CONDITIONS[name].cells if c.low <= value < c.high]
    assert holding == [cell]


@pytest.mark.parametrize("a", [IN, OUT, UNKNOWN])
@pytest.mark.parametrize("b", [IN, OUT, UNKNOWN])
def test_three_valued_and_or_not(a: float, b: float) -> None:
    values = {IN: 1.0, OUT: 0.0, UNKNOWN: np.nan}
    one = Within("visibility", 1.0, 1.0)
    two = Within("friction", 1.0, 1.0)
    seen = given(visibility=values[a], friction=values[b])
    kleene_and = OUT if OUT in (a, b) else UNKNOWN if UNKNOWN in (a, b) else IN
    kleene_or = IN if IN in (a, b) else UNKNOWN if UNKNOWN in (a, b) else OUT
    assert Every((one, two)).truth(seen).tolist() == [kleene_and]
    assert Some((one, two)).truth(seen).tolist() == [kleene_or]
    assert Negated(one).truth(seen).tolist() == [{IN: OUT, OUT: IN, UNKNOWN: UNKNOWN}[a]]


def test_each_attribute_has_its_own_truth(tmp_path: Path) -> None:
    odd = include(tmp_path, 'rainfall_rate: "< 1 mm/h"', 'visibility: ">= 100 m"', "junction: no_junction")
    found = evaluate(odd, given(rainfall_rate=[0.0, 5.0], visibility=50.0))
    assert {k: v.tolist() for k, v in found.attributes.items()} == {
        "rainfall_rate": [IN, OUT],
        "visibility": [OUT, OUT],
        "junction": [UNKNOWN, UNKNOWN],
    }
    assert found.truth.tolist() == [OUT, OUT]


def test_modules_labels_and_exclusions(tmp_path: Path) -> None:
    odd = odd_of(
        tmp_path,
        """
ODD:
  mine:
    INCLUDE_AND:
      roads: true
    EXCLUDE_OR:
      bad_weather: true
MODULES:
  roads:
    INCLUDE_OR:
      road_type: motorway
      AND:
        road_type: primary
        lane_count: ">= 2"
  storm:
    LABEL: bad_weather
    INCLUDE_AND:
      wind_speed: "> 20 m/s"
  downpour:
    LABEL: bad_weather
    INCLUDE_AND:
      rainfall_rate: "> 50 mm/h"
  asleep:
    ACTIVE: false
    INCLUDE_AND:
      visibility: "> 1 km"
""",
    )
    calm = {"wind_speed": 0.0, "rainfall_rate": 0.0}
    assert truth(odd, road_type=0.0, lane_count=1.0, **calm) == [IN]
    assert truth(odd, road_type=1.0, lane_count=[1.0, 2.0], **calm) == [OUT, IN]
    assert truth(odd, road_type=0.0, lane_count=1.0, wind_speed=[20.0, 21.0], rainfall_rate=0.0) == [IN, OUT]
    assert truth(odd, road_type=0.0, lane_count=1.0, wind_speed=0.0, rainfall_rate=51.0) == [OUT]


def test_literals_defined_by_ranges_in_an_imported_taxonomy(tmp_path: Path) -> None:
    (tmp_path / "words.yaml").write_text(
        """
TAXONOMY:
  environment:
    rainfall_level:
      drizzle:
        rainfall_rate: "[0.1 .. 1] mm/h"
      shower:
        rainfall_rate: "[1 .. 8] mm/h"
    fog:
      thin: "[200 .. 1000] m"
""",
        encoding="utf-8",
    )
    odd = odd_of(tmp_path, "IMPORT:\n  - words.yaml\n" + ROOT + "      rainfall_level: [drizzle, shower]\n")
    assert truth(odd, rainfall_rate=[0.0, 0.5, 8.0, 9.0]) == [OUT, IN, IN, OUT]


def test_what_nothing_measures_is_named_and_does_not_decide(tmp_path: Path) -> None:
    odd = include(tmp_path, "positioning: galileo", 'rainfall_rate: "< 1 mm/h"')
    assert odd.unmeasured == ("positioning",)
    assert truth(odd, rainfall_rate=0.0) == [IN]


def test_unknown_can_be_excluded(tmp_path: Path) -> None:
    odd = odd_of(tmp_path, ROOT.replace("INCLUDE_AND", "EXCLUDE_OR") + "      visibility: unknown\n")
    assert truth(odd, visibility=[100.0, np.nan]) == [IN, OUT]


def test_every_problem_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(AuthoredError) as caught:
        include(
            tmp_path,
            "road_surface_condition: wett",
            'rainfall_rate: "[1 .. 2] km"',
            'wind_speed: "[9 .. 2] m/s"',
            "visibility: far",
        )
    problems = caught.value.problems
    assert [p.line for p in problems] == [6, 7, 8, 9]
    assert problems[0].suggestion == "wet"
    assert "not measured in 'km'" in problems[1].message
    assert "empty" in problems[2].message
    assert "mine.yaml:6:31" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "this is no map"),
        ("something: else\n", "this is no OpenODD file"),
        ("IMPORT:\n  - mine.yaml\n", "comes back to itself"),
        ("IMPORT:\n  - ../other.yaml\n", "only files beside this one"),
        ("IMPORT:\n  - missing.yaml\n", "no such file"),
        (
            "ODD:\n  a:\n    INCLUDE_AND:\n      b: true\nMODULES:\n  b:\n    INCLUDE_AND:\n      b: true\n",
            "refers to itself",
        ),
    ],
)
def test_files_that_cannot_be_used_say_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AuthoredError, match=message):
        odd_of(tmp_path, text)


def test_cells_are_those_that_the_domain_leaves_open(tmp_path: Path) -> None:
    odd = include(tmp_path, 'rainfall_rate: "< 7.6 mm/h"', "road_surface_condition: [dry, wet]")
    assert [c.name for c in odd.cells["rainfall_rate"]] == ["no rain", "light rain", "moderate rain"]
    assert [c.name for c in odd.cells["road_surface_condition"]] == ["dry", "wet"]


TICKS = np.arange(0, 60_000_000_000, 50_000_000, dtype=np.int64)


def exits_of(truths: Floats) -> tuple[tuple[float, float | None], ...]:
    found = exits(Evaluation(truths, {"x": truths}), TICKS)
    return tuple((e.t_ns / 1e9, None if e.back_ns is None else e.back_ns / 1e9) for e in found)


def test_out_is_an_exit_after_half_a_second_and_dates_from_its_first_tick() -> None:
    truths = np.full(len(TICKS), IN)
    truths[200:210] = OUT  # 0.45 s between the first and the last
    assert exits_of(truths) == ()
    truths[200:211] = OUT
    assert exits_of(truths) == ((10.0, pytest.approx(10.55)),)


def test_unknown_counts_as_out_after_one_second() -> None:
    truths = np.full(len(TICKS), IN)
    truths[200:220] = UNKNOWN
    assert exits_of(truths) == ()
    truths[200:221] = UNKNOWN
    assert exits_of(truths) == ((10.0, pytest.approx(11.05)),)


def test_noise_around_a_limit_is_one_exit(tmp_path: Path) -> None:
    odd = include(tmp_path, 'rainfall_rate: "< 7.6 mm/h"')
    noise = np.random.default_rng(7).uniform(-0.01, 0.01, len(TICKS))
    found = evaluate(odd, given(rainfall_rate=(7.6 * (1.0 + noise)).tolist()))
    assert 400 < int((found.truth == OUT).sum()) < 800
    assert len(exits(found, TICKS)) == 1


def test_coming_back_for_less_than_two_seconds_does_not_end_an_exit() -> None:
    truths = np.full(len(TICKS), OUT)
    truths[300:340] = IN  # 1.95 s
    assert exits_of(truths) == ((0.0, None),)
    truths[300:341] = IN
    assert exits_of(truths) == ((0.0, 15.0), (pytest.approx(17.05), None))


def test_conditions_are_measured_from_the_world() -> None:
    road = straight_road(3, 1000.0, lane_width=3.6, speed_limit=130.0 / 3.6)
    actors = (Actor(lane=1, s=50.0, speed=20.0), Actor("walker", body="adult", lane=-1, x=100.0, y=5.0))
    case = make_case(road, actors, weather=environment("heavy_rain"))
    found = measure(road, case.f0[None], case.n0[None], case.p, case.environment[None])
    words = {n: CONDITIONS[n].words[int(v[0])] for n, v in found.items() if CONDITIONS[n].words}
    numbers = {n: float(v[0]) for n, v in found.items() if not CONDITIONS[n].words}
    assert words["road_type"] == "motorway"
    assert words["junction"] == "no_junction"
    assert words["road_surface_condition"] == "wet"
    assert words["vulnerable_road_users"] == "true"
    assert words["motor_vehicles"] == "false"
    assert numbers["lane_width"] == pytest.approx(3.6)
    assert numbers["lane_count"] == 3.0
    assert numbers["speed_limit"] == pytest.approx(130.0)
    assert numbers["subject_vehicle_speed"] == pytest.approx(72.0)
    assert numbers["rainfall_rate"] == 25.0
    assert numbers["curve_radius"] == np.inf
    assert set(found) == set(CONDITIONS)


def test_off_the_road_its_conditions_are_unknown() -> None:
    case = make_case(actors=(Actor(lane=-1, y=50.0),))
    found = measure(case.road, case.f0[None], case.n0[None], case.p, case.environment[None])
    assert np.isnan([found[n][0] for n in ("lane_width", "lane_count", "road_type", "junction", "gradient")]).all()
