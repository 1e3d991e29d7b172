"""Which cases a sweep consists of: those of a suite or of one scenario, drawn, named and without doubles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scenarios import sampling, suite
from scenarios.identity import digest
from scenarios.settings import Settings
from scenarios.suite import Entry, Gates
from scenarios.written import Written, read


@dataclass(frozen=True, slots=True)
class Job:
    """One case to run: its name, the number of its scenario, the chosen values, its seed."""

    id: str
    scenario: int
    values: Mapping[str, float | str]
    seed: int
    record: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All cases of a sweep, in order. `rejected` counts drawn combinations by the constraint that refused them."""

    name: str
    about: str
    target: str
    scenarios: tuple[Written, ...]
    jobs: tuple[Job, ...]
    gates: Gates
    rejected: Mapping[str, int]
    identity: str


def plan(target: Path, settings: Settings) -> Plan:
    """Draw the cases of a suite or scenario file. Raises AuthoredError and InputError."""
    if suite.is_suite(target):
        made = suite.load(target)
        files = [suite.beside(target, entry.scenario) for entry in made.scenarios]
    else:
        entry = Entry(scenario=str(target), sampler=settings.sampler or "sobol", samples=settings.samples or 100)
        made = suite.Suite(suite=target.stem, scenarios=(entry,))
        files = [target]
    scenarios = tuple(read(file) for file in files)
    jobs: dict[str, Job] = {}
    rejected: Counter[str] = Counter()
    for number, (written, entry) in enumerate(zip(scenarios, made.scenarios, strict=True)):
        drawn = sampling.plan(
            written.scenario,
            settings.sampler or entry.sampler,
            max(1, round((settings.samples or entry.samples) * settings.suite.scale)),
            settings.seed + made.seed,
        )
        rejected.update(drawn.rejected)
        made_of = written.made_of(settings)
        for case in drawn.cases:
            name = written.case_id(case.values, case.seed, made_of)
            jobs.setdefault(name, Job(name, number, case.values, case.seed))
    return Plan(
        name=made.suite,
        about=made.about,
        target=str(target),
        scenarios=scenarios,
        jobs=tuple(jobs.values()),
        gates=made.gates,
        rejected=rejected,
        identity=digest([made.suite, list(jobs)], 4),
    )
