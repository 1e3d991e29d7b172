"""Suite files: places in messages, names of what is shipped, and gates that fall only beyond doubt."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios import suite
from twin.authored import AuthoredError
from twin.errors import UnknownName


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "night.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_suite_says_its_scenarios_samplers_and_gates(tmp_path: Path) -> None:
    made = suite.load(
        written(
            tmp_path,
            "suite: night\nscenarios:\n  - {scenario: motorway_cut_in, sampler: lhs, samples: 12}\n"
            "  - {scenario: own.yaml}\ngates: {pass_rate: 90 %}\n",
        )
    )
    assert [(e.scenario, e.sampler, e.samples) for e in made.scenarios] == [
        ("motorway_cut_in", "lhs", 12),
        ("own.yaml", "sobol", 100),
    ]
    assert made.gates.pass_rate == pytest.approx(0.9)


def test_all_mistakes_come_at_once_with_their_places(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "suite: night\nabuot: x\nscenarios:\n  - {scenario: a, smaples: 3}\n  - {sampler: halton}\n"
        "gates: {pass_rate: 0.9}\n",
    )
    with pytest.raises(AuthoredError) as caught:
        suite.load(path)
    problems = caught.value.problems
    assert [(p.line, p.col) for p in problems] == [(2, 1), (4, 19), (5, 5), (5, 15), (6, 20)]
    assert problems[0].suggestion == "about"
    assert problems[1].suggestion == "samples"
    assert "90 %" in problems[4].message


def test_a_suite_without_scenarios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuthoredError, match="without scenarios"):
        suite.load(written(tmp_path, "suite: night\nscenarios: []\n"))


def test_a_name_is_looked_up_among_what_is_shipped() -> None:
    assert suite.find("demo") == suite.SUITES / "demo.yaml"
    assert suite.find("motorway_cut_in").is_file()
    assert suite.find("nowhere/x.yaml") == Path("nowhere/x.yaml")
    with pytest.raises(UnknownName, match="did you mean 'motorway_cut_in'"):
        suite.find("motorway_cutin")


def test_a_scenario_beside_the_suite_comes_before_a_shipped_one(tmp_path: Path) -> None:
    near = tmp_path / "motorway_cut_in"
    near.write_text("scenario: mine", encoding="utf-8")
    assert suite.beside(tmp_path / "night.yaml", "motorway_cut_in") == near
    assert suite.beside(tmp_path / "night.yaml", "lead_brakes_hard") == suite.LIBRARY / "lead_brakes_hard.yaml"


@pytest.mark.parametrize("name", suite.names(suite.SUITES))
def test_the_shipped_suites_name_shipped_scenarios(name: str) -> None:
    made = suite.load(suite.SUITES / f"{name}.yaml")
    assert made.suite == name
    assert all(suite.beside(suite.SUITES, e.scenario).is_file() for e in made.scenarios)


def test_the_demo_has_at_least_a_hundred_cases() -> None:
    assert sum(e.samples for e in suite.load(suite.SUITES / "demo.yaml").scenarios) >= 100
