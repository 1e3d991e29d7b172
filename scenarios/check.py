"""What is wrong with scenario files, all of it at once, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from scenarios.assemble import assemble
from scenarios.catalogued import catalogue_problems
from scenarios.names import name_problems, names_of
from scenarios.references import reference_problems
from scenarios.sampling import nominal, plan
from scenarios.schema import Scenario, in_order, recover
from twin.authored import AuthoredError, Document, Problem, read
from twin.clock import NS_PER_MS, NS_PER_S
from twin.errors import InputError


@dataclass(frozen=True, slots=True)
class _Driver:
    """The driver that the scenario names, with its usual budgets."""

    name: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    step_budget: int = 5 * NS_PER_S
    start_budget: int = 30 * NS_PER_S


@dataclass(frozen=True, slots=True)
class _AsWritten:
    """Nothing set from outside: a scenario placed as its file says."""

    map: str | None = None
    rig: str | None = None
    driver: _Driver = _Driver()
    step_ns: int = 50 * NS_PER_MS
    substeps: int = 10


AS_WRITTEN = _AsWritten()


def load(path: str | Path) -> Scenario:
    """Read a scenario file whose names, dimensions and draws all fit. Raises AuthoredError with every problem."""
    scenario, problems = examine(read(path))
    if scenario is None or problems:
        raise AuthoredError(problems)
    return scenario


def examine(document: Document) -> tuple[Scenario | None, list[Problem]]:
    """Return a scenario as far as it could be read, and everything that is wrong apart from what only its map tells."""
    scenario, problems = recover(document)
    if scenario is None:
        return None, problems
    told = {p.line for p in problems}
    found = [p for p in _found(scenario) if p.line not in told]
    if not found and not problems:
        found = list(_satisfiable(scenario))
    return scenario, in_order([*problems, *found])


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
    """Try the constraints: on the nominal values, which a single run takes, and on a few thousand drawn ones."""
    try:
        plan(scenario, "nominal", 1, 0)
        return
    except AuthoredError as error:
        nominal = error.problems
    try:
        plan(scenario, "random", 1, 0)
    except AuthoredError as error:
        yield from error.problems
    else:
        for problem in nominal:
            yield replace(
                problem, message="the nominal values violate this constraint", expected="default values that meet it"
            )


def placed(scenario: Scenario) -> list[Problem]:
    """Return what the map says about a scenario at its nominal values."""
    try:
        assemble(scenario, nominal(scenario), 0, AS_WRITTEN)
    except AuthoredError as error:
        return list(error.problems)
    except InputError as error:
        return [scenario.map.problem(str(error))]
    return []
