"""The order of a tick. Nothing else runs a run."""

from __future__ import annotations

from typing import Protocol

from twin.case import Case
from twin.command import Command
from twin.errors import StackError
from twin.ports import Driver, Engine, Rig
from twin.samples import Seen
from twin.state import WorldState


class Watcher(Protocol):
    """Whoever looks on: the recorder, monitors, a progress bar. Returns a reason to stop, or None."""

    def see(self, state: WorldState, seen: Seen, command: Command | None) -> str | None: ...


def simulate(
    engine: Engine, rig: Rig, driver: Driver, case: Case, watchers: tuple[Watcher, ...] = ()
) -> StackError | None:
    """Run one case to its end and return what the stack did wrong, or None.

    A StackError of the driver ends the run: the tick it happened in is shown to the watchers without a command.
    """
    state = engine.reset(case)
    rig.reset(case)
    try:
        driver.start(case.brief())
    except StackError as error:
        for watcher in watchers:
            watcher.see(state, Seen(state.t_ns, ()), None)
        return error
    while True:
        seen = rig.sense(state, engine.probe)
        failure, command = _ask(driver, seen)
        reasons = [w.see(state, seen, command) for w in watchers]
        if command is None:
            return failure
        if state.over or any(reasons):
            return None
        state = engine.step(command)


def _ask(driver: Driver, seen: Seen) -> tuple[StackError | None, Command | None]:
    try:
        return None, driver.act(seen)
    except StackError as error:
        return error, None
