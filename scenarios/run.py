"""One run of one case: the engine, the rig and the driver that the case names, the loop, the recorder, the judge."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from hil.drivers import make
from reports.verdict import Judgement, judge
from sensors.rig import Rig
from twin.case import Case
from twin.command import Command
from twin.engines import ENGINES
from twin.errors import StackError
from twin.loop import Watcher, simulate
from twin.ports import Driver, Engine
from twin.record import Recorder
from twin.run import Run
from twin.samples import Sample, Seen
from twin.state import WorldState


@dataclass(frozen=True, slots=True)
class Finished:
    """A run with what its sensors said and what it was worth."""

    run: Run
    samples: tuple[Sample, ...]
    judgement: Judgement


class Patience:
    """A watcher that ends a run once it has taken `budget_s` of wall clock. Judged as TIMEOUT, never as a result."""

    def __init__(self, budget_s: float) -> None:
        self._until = time.monotonic() + budget_s

    def see(self, state: WorldState, seen: Seen, command: Command | None) -> str | None:
        del state, seen, command
        return "budget" if time.monotonic() > self._until else None


def run_case(
    case: Case, engine: str, budget_s: float, meta: Mapping[str, object], watchers: tuple[Watcher, ...] = ()
) -> Finished:
    """Run one case on the engine of that name and judge it.

    What the stack does wrong is part of the run; InputError (an unknown engine, driver or sensor) and
    InfrastructureError come out.
    """
    made: Engine = ENGINES.get(engine)()
    rig = Rig(case.rig)
    driver = make(case.driver)
    recorder = Recorder(case, meta)
    failure: StackError | None = None
    try:
        failure = simulate(made, rig, driver, case, (recorder, Patience(budget_s), *watchers))
    finally:
        failure = _closed(driver, failure)
    run = recorder.run(failure)
    return Finished(run, tuple(recorder.samples), judge(run))


def _closed(driver: Driver, failure: StackError | None) -> StackError | None:
    """Close the driver; what it does wrong now counts unless something came before."""
    try:
        driver.close()
    except StackError as error:
        return failure or error
    return failure
