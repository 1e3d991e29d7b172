"""What is wrong with scenario files, all of it at once, before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from scenarios.assemble import assemble
from scenarios.catalogued import catalogue_problems, map_problems
from scenarios.fields import NOWHERE
from scenarios.names import name_problems, names_of
from scenarios.references import reference_problems
from scenarios.sampling import nominal, plan
from scenarios.schema import Recovered, Scenario, in_order, recover
from twin.authored import MAX_PROBLEMS, AuthoredError, Document, Problem, read
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
    read_so_far = recover(document)
    scenario, problems = read_so_far.scenario, read_so_far.problems
    if scenario is None:
        return None, list(problems)
    found = _without_echoes(_found(scenario), read_so_far)
    if not found and not problems:
        found = list(islice(_satisfiable(scenario), MAX_PROBLEMS))
    return scenario, list(in_order([*problems, *found]))


def problems_of(document: Document) -> list[Problem]:
    """Return everything that is wrong with a scenario; one without static problems is also placed on its map."""
    scenario, problems = examine(document)
    if scenario is None:
        return problems
    if problems:
        return list(in_order([*problems, *(p for p in map_problems(scenario) if p.line != NOWHERE)]))
    return placed(scenario)


def check(paths: Iterable[str | Path]) -> list[Problem]:
    """Return every problem of every file, file by file."""
    out: list[Problem] = []
    for path in paths:
        try:
            out += problems_of(read(path))
        except AuthoredError as error:
            out += error.problems
    return out


def _without_echoes(found: Iterable[Problem], read_so_far: Recovered) -> list[Problem]:
    """Return what is wrong in its own right: not at a stand-in, not told already, not about a name that was lost."""
    told = {(p.line, p.col) for p in read_so_far.problems}

    def echo(p: Problem) -> bool:
        name = re.match(r"\$?(\w+)", p.excerpt[max(p.col - 1, 0) :])
        return p.line == NOWHERE or (p.line, p.col) in told or (name is not None and name[1] in read_so_far.lost)

    return list(islice((p for p in found if not echo(p)), MAX_PROBLEMS))


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
