"""What is wrong with scenario files, all of it at once, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from scenarios.catalogued import catalogue_problems
from scenarios.names import name_problems, names_of
from scenarios.references import reference_problems
from scenarios.sampling import plan
from scenarios.schema import Scenario, read_scenario
from twin.authored import AuthoredError, Problem, read


def load(path: str | Path) -> Scenario:
    """Read a scenario file whose names, dimensions and draws all fit. Raises AuthoredError with every problem."""
    scenario = read_scenario(read(path))
    problems = problems_of(scenario)
    if problems:
        raise AuthoredError(problems)
    return scenario


def problems_of(scenario: Scenario) -> list[Problem]:
    """Return everything that is wrong with a scenario, apart from what only its map can tell."""
    found = list(_found(scenario))
    if not found:
        found = list(_satisfiable(scenario))
    return sorted(dict.fromkeys(found), key=lambda p: (p.line, p.col))


def check(paths: Iterable[str | Path]) -> list[Problem]:
    """Return every problem of every file; files without static problems are also placed on their map."""
    out: list[Problem] = []
    for path in paths:
        try:
            out += placed(load(path))
        except AuthoredError as error:
            out += error.problems
    return out


def _found(scenario: Scenario) -> Iterator[Problem]:
    if scenario.version is not None and scenario.version != "1":
        yield scenario.version.problem(f"version {scenario.version} of the language is not known", "version: 1")
    names = names_of(scenario)
    yield from name_problems(scenario)
    yield from reference_problems(scenario, names)
    yield from catalogue_problems(scenario, names)


def _satisfiable(scenario: Scenario) -> Iterator[Problem]:
    """Try the constraints: on the nominal values, which `run` takes, and on a few thousand drawn ones."""
    if not scenario.constraints:
        return
    for sampler in ("nominal", "random"):
        try:
            plan(scenario, sampler, 1, 0)
        except AuthoredError as error:
            yield from error.problems
            return


def placed(scenario: Scenario) -> list[Problem]:
    """Return what the map says about a scenario at its nominal values."""
    raise NotImplementedError(scenario)
