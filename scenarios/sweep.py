"""One execution of a suite or a scenario over many cases: deal out, keep, merge, and record what is telling.

The records are made last, by running the chosen cases again: which cases are chosen (and fit the disk budget) is then
the same for any number of workers, after any interruption.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from reports.verdict import Verdict
from scenarios.bench import Bench, Outcome, lost
from scenarios.choice import fitting, telling
from scenarios.dispatch import Dispatch
from scenarios.ledger import UNFINISHED, Ledger, Row
from scenarios.planning import Job, Plan
from scenarios.pools import Pool, pool
from scenarios.settings import Settings
from scenarios.warm import warm
from twin.clock import seconds
from twin.files import write_whole

Seen = Callable[[Row, int, int], None]
Keep = Callable[[Sequence[Outcome]], None]


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep left: its rows in the order of the plan, and whether it came to its end.

    `unsteady` are cases that went another way when they were run again for their record.
    """

    folder: Path
    rows: tuple[Row, ...]
    complete: bool
    interrupted: bool = False
    records: tuple[Path, ...] = ()
    unsteady: tuple[str, ...] = ()


def sweep(plan: Plan, folder: Path, settings: Settings, seen: Seen = lambda *_: None) -> Swept:
    """Run what has not finished yet and merge; `seen(row, done, total)` is told of every case.

    An interruption stops it cleanly: what has finished is merged, and the next call goes on. Raises
    InfrastructureError, and InputError when the folder belongs to another sweep.
    """
    order = [job.id for job in plan.jobs]
    with Ledger(folder, _about(plan, settings)) as ledger:
        crew = _Crew(plan, settings)
        try:
            _finish(crew, ledger, plan, seen)
            rows = ledger.merge(order)
            if len(rows) < len(order):
                return Swept(folder, tuple(rows), False)
            records, unsteady = _record(crew, ledger, plan, rows, settings)
            return Swept(folder, tuple(rows), True, False, records, unsteady)
        except KeyboardInterrupt:
            return Swept(folder, tuple(ledger.merge(order)), False, True)
        finally:
            crew.close()


def workers_of(settings: Settings) -> int:
    """Return how many workers a sweep gets: what was asked for, or one per usable core."""
    return int(settings.workers) if settings.workers != "auto" else len(os.sched_getaffinity(0))


class _Crew:
    """The workers of a sweep. They start with the first job: a sweep with nothing left to do starts none."""

    def __init__(self, plan: Plan, settings: Settings) -> None:
        self._plan = plan
        self._settings = settings
        self._pool: Pool[Job, Outcome] | None = None
        budget = settings.suite.budget
        self._until = math.inf if budget is None else time.monotonic() + seconds(budget)

    def work_off(self, jobs: Sequence[Job], keep: Keep) -> None:
        if not jobs:
            return
        settings = self._settings
        if self._pool is None:
            warm()
            make = partial(Bench, self._plan.scenarios, settings)
            self._pool = pool(make, min(workers_of(settings), len(jobs)), settings.ray.address)
        limit_s = seconds(settings.engine.run_budget)
        dealer = Dispatch(self._pool, seconds(settings.batch), limit_s, settings.tries)
        dealer.run(jobs, keep, self._give_up, stop=lambda: time.monotonic() > self._until)

    def _give_up(self, job: Job, why: str, overdue: bool) -> Outcome:
        name = self._plan.scenarios[job.scenario].name
        return lost(job, name, Verdict.TIMEOUT if overdue else Verdict.ERROR, why)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()


def _finish(crew: _Crew, ledger: Ledger, plan: Plan, seen: Seen) -> None:
    """Run every case that has no outcome yet; what the machine spoilt last time is tried again."""
    before = {case: row for case, row in ledger.finished().items() if row["verdict"] not in UNFINISHED}
    done, total = 0, len(plan.jobs)

    def tell(row: Row) -> None:
        nonlocal done
        done += 1
        seen(row, done, total)

    def keep(outcomes: Sequence[Outcome]) -> None:
        ledger.append([outcome.row for outcome in outcomes])
        for outcome in outcomes:
            tell(outcome.row)

    for job in plan.jobs:
        if job.id in before:
            tell(before[job.id])
    crew.work_off([job for job in plan.jobs if job.id not in before], keep)


def _record(
    crew: _Crew, ledger: Ledger, plan: Plan, rows: Sequence[Row], settings: Settings
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Write records, most telling first, until their count or their bytes are used up."""
    hashes = {row["case_id"]: row["hash"] for row in rows}
    order = list(telling(rows)) if settings.record != "none" else []
    if settings.record == "interesting":
        order = order[: settings.records.count]
    jobs = {job.id: replace(job, record=True) for job in plan.jobs}
    sizes: dict[str, int] = {}
    unsteady: list[str] = []

    def keep(outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            case = outcome.job.id
            if outcome.record is not None and outcome.row["hash"] == hashes[case]:
                write_whole(ledger.record(case), outcome.record)
                sizes[case] = len(outcome.record)
            else:
                unsteady.append(case)

    left = deque(order)
    while left and sum(sizes.values()) <= settings.records.size:
        wave = [left.popleft() for _ in range(min(len(left), 4 * max(1, workers_of(settings))))]
        there = {case for case in wave if ledger.record(case).is_file()}
        sizes.update({case: ledger.record(case).stat().st_size for case in there})
        crew.work_off([jobs[case] for case in wave if case not in there], keep)
    kept = fitting([case for case in order if case in sizes], sizes, settings.records.size)
    for case in jobs.keys() - set(kept):
        ledger.record(case).unlink(missing_ok=True)
    return tuple(ledger.record(case) for case in kept), tuple(sorted(unsteady))


def _about(plan: Plan, settings: Settings) -> dict[str, Any]:
    return {
        "name": plan.name,
        "about": plan.about,
        "target": plan.target,
        "cases": len(plan.jobs),
        "identity": plan.identity,
        "files": {written.name: written.path for written in plan.scenarios},
        "rejected": dict(plan.rejected),
        "gates": plan.gates.model_dump(),
        "settings": settings.model_dump(mode="json"),
    }
