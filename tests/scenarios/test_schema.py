"""The models of the language: seven whole scenarios, field by field where it matters, and leaves that fold."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.schema import Event, Phase, Scenario, Sequence, read_scenario, recover
from scenarios.values import bind, dimensions
from twin.authored import AuthoredError, parse, read
from twin.leaf import Leaf

HERE = Path(__file__).resolve().parent / "language"
HEAD = """scenario: probe
map: motorway_3_lanes
ego: {vehicle: mid_sedan, start: {lane: 2, s: 100 m}}
end: {after: 20 s}
"""


def scenario(more: str = "") -> Scenario:
    return read_scenario(parse(HEAD + more, "probe.yaml"))


def written(name: str) -> Scenario:
    return read_scenario(read(HERE / f"{name}.yaml"))


def folded(leaf: Leaf | None, values: dict[str, float | str], of: Scenario) -> float:
    assert leaf is not None
    return leaf.number(bind(of, values))


@pytest.mark.parametrize("path", sorted(HERE.glob("*.yaml")), ids=lambda p: p.stem)
def test_whole_scenarios_are_read(path: Path) -> None:
    assert read_scenario(read(path)).scenario == path.stem


def test_the_motorway_cut_in_is_read_field_by_field() -> None:
    cut_in = written("motorway_cut_in")
    assert cut_in.tags == ("UN-R157", "cut-in", "motorway")
    assert cut_in.requirements == ("R157-5.2.5.2",)
    assert cut_in.environment is not None
    assert cut_in.environment.time_of_day is not None
    assert cut_in.environment.time_of_day.duration_ns({}) == 12 * 3600 * 10**9
    assert cut_in.exposure is not None
    assert cut_in.exposure.per_1000km is not None
    assert cut_in.exposure.per_1000km.number({}) == 12.4
    assert cut_in.exposure.source == "fleet 2026-Q3"
    assert cut_in.ego.driver is not None
    assert cut_in.ego.driver.use == "reference.fsm"
    start = cut_in.actors["cutter"].start
    assert start is not None
    assert (start.form, start.ahead_of) == ("ahead", "ego")
    assert folded(start.speed, {"ego_speed": 30.0, "slower_by": 5.0}, cut_in) == 25.0
    first = cut_in.story[0]
    assert isinstance(first, Event)
    assert first.do.actors["cutter"].verbs == ("change_lane",)
    fault = cut_in.faults[1]
    assert (fault.fault, fault.on) == ("spoof_drift", "ego.gnss")
    assert fault.__pydantic_extra__ is not None
    assert fault.__pydantic_extra__["rate"].number({}, "m/s") == 0.5
    assert list(cut_in.criteria) == ["no_collision", "ttc", "response"]


def test_sequences_and_phases_nest() -> None:
    walker = written("walker_steps_out_and_waits")
    phase = walker.story[0]
    assert isinstance(phase, Phase)
    assert phase.from_ is not None
    inner = phase.story[0]
    assert isinstance(inner, Sequence)
    assert [step.wait is not None for step in inner.do] == [False, False, True, False]


def test_verbs_keep_the_order_of_the_file() -> None:
    event = scenario(
        "actors: {a: {vehicle: van}}\n"
        "story:\n  - do:\n      a: {lane_offset: {to: 1 m}, speed: {to: 3 m/s}, control: story}\n"
        "      environment: {rain: 1 mm/h}\n"
    ).story[0]
    assert isinstance(event, Event)
    assert event.do.actors["a"].verbs == ("lane_offset", "speed", "control")
    assert event.do.written == ("a", "environment")


def test_short_forms_are_the_long_ones() -> None:
    probe = scenario(
        "places: {p: {lane: 1, s: 5 m, heading: 90 deg}, q: {before: p, by: 2 m, heading: {world: 10 deg}}}\n"
    )
    p, q = probe.places["p"], probe.places["q"]
    assert q.before is not None
    assert q.before.name == "p"
    assert p.heading is not None
    assert p.heading.turned is not None
    assert q.heading is not None
    assert q.heading.world is not None
    assert q.form == "along"


def test_derived_values_follow_parameters_and_fixed_sizes() -> None:
    child = written("child_from_behind_parked_cars")
    values: dict[str, float | str] = {
        "ego_speed": 10.0,
        "overlap": 0.5,
        "run_speed": 1.4,
        "lead_time": 6.0,
        "from_side": 4.0,
    }
    known = bind(child, values, {"ego.width": 1.8, "parked_big.width": 2.0})
    assert dimensions(child)["meet_s"] == "m"
    point = child.paths["run_out"].points[0]
    assert point.s is not None
    assert point.s.number(known) == pytest.approx(50.0 + 6.0 * 10.0)
    behind = child.actors["parked_big"].start
    assert behind is not None
    assert behind.offset is not None
    assert behind.offset.number(known) == pytest.approx(-(1.0 + 0.9 + 1.0))


def test_words_are_replaced_by_chosen_ones() -> None:
    alks = written("alks_cut_in")
    start = alks.actors["cutter"].start
    assert start is not None
    assert start.lane is not None
    assert start.lane.word(bind(alks, {"side": "left"})) == "left"


def test_a_leaf_says_where_its_value_does_not_fit() -> None:
    probe = scenario("parameters: {v: 3 m/s}\nplaces: {p: {lane: 1, s: $v * 2 s}, q: {lane: 1, s: $v}}\n")
    values = bind(probe, {"v": 3.0})
    good, bad = probe.places["p"].s, probe.places["q"].s
    assert good is not None
    assert bad is not None
    assert good.number(values) == 6.0
    with pytest.raises(AuthoredError) as caught:
        bad.number(values)
    problem = caught.value.problems[0]
    assert (problem.line, problem.expected) == (6, "a length (m, km, cm, mm)")


def test_reading_goes_on_past_leaves_that_spell_nothing() -> None:
    found = recover(parse(HEAD + "parameters:\n  a: 3 g\n  b: 4 m\nconstraints: [a < ]\n", "probe.yaml"))
    assert found.scenario is not None
    assert [p.line for p in found.problems] == [6, 8]
    assert not found.scenario.parameters["a"].sound
    assert found.scenario.parameters["b"].sound


def test_times_are_exact() -> None:
    assert scenario().end.after.duration_ns({}) == 20_000_000_000
