"""Watches a run and keeps what it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from twin.case import Case
from twin.command import Cause, Command, Mode
from twin.errors import StackError
from twin.run import MODES, Run
from twin.samples import PointCloud, PoseEstimate, Sample, Seen
from twin.state import E_ROWS, F_ROWS, N_ROWS, Contact, WorldState

_UNKNOWN_POSE = (np.nan,) * 5
_NO_COMMAND = (np.nan, np.nan)


class Recorder:
    """A watcher of the loop: keeps every tick in memory and makes the finished run of it.

    `meta` is what it takes to run the case again (see `twin.record.write`). Point clouds are kept only if `clouds`.
    """

    def __init__(self, case: Case, meta: Mapping[str, object] | None = None, clouds: bool = False) -> None:
        self.case = case
        self.meta = dict(meta or {})
        self.samples: list[Sample] = []
        self._clouds = clouds
        self._states: list[WorldState] = []
        self._commands: list[tuple[float, float]] = []
        self._modes: list[int] = []
        self._causes: list[str] = []
        self._estimates: list[tuple[float, ...]] = []

    def see(self, state: WorldState, seen: Seen, command: Command | None) -> str | None:
        """Keep one tick; a tick without a command is the one in which the stack failed."""
        self._states.append(state)
        self.samples += [s for s in seen.samples if self._clouds or not isinstance(s.data, PointCloud)]
        self._estimates.append(self._newest_estimate(seen))
        if command is None:
            self._commands.append(_NO_COMMAND)
            self._modes.append(self._modes[-1] if self._modes else MODES.index(Mode.ENGAGED.value))
            self._causes.append(Cause.SW.value)
        else:
            self._commands.append((command.accel_mps2, command.steer_rad))
            self._modes.append(MODES.index(command.mode.value))
            self._causes.append(command.cause.value)
        return None

    def _newest_estimate(self, seen: Seen) -> tuple[float, ...]:
        for sample in reversed(seen.samples):
            if isinstance(sample.data, PoseEstimate):
                e = sample.data
                return (e.x, e.y, e.yaw, e.speed_mps, e.std_xy)
        return self._estimates[-1] if self._estimates else _UNKNOWN_POSE

    def run(self, failure: StackError | None = None, stopped: str | None = None) -> Run:
        """Return the run seen so far. `stopped` left out is read from the last tick: see `twin.run.Run.stopped`."""
        states = self._states
        case = self.case
        ticks, actors = len(states), len(case.actors)
        lamps, channels, events = (
            (len(states[0].lamps), len(states[0].severity), len(states[0].story)) if states else (0, 0, 0)
        )
        contacts: tuple[Contact, ...] = tuple(c for s in states for c in s.contacts)
        return Run(
            case=case,
            t_ns=np.array([s.t_ns for s in states], dtype=np.int64),
            f=np.array([s.f for s in states], dtype=np.float64).reshape(ticks, F_ROWS, actors),
            n=np.array([s.n for s in states], dtype=np.int64).reshape(ticks, N_ROWS, actors),
            environment=np.array([s.environment for s in states], dtype=np.float64).reshape(ticks, E_ROWS),
            lamps=np.array([s.lamps for s in states], dtype=np.int64).reshape(ticks, lamps),
            severity=np.array([s.severity for s in states], dtype=np.float64).reshape(ticks, channels),
            story=np.array([s.story for s in states], dtype=np.int64).reshape(ticks, events),
            command=np.array(self._commands, dtype=np.float64).reshape(ticks, 2),
            mode=np.array(self._modes, dtype=np.int64),
            cause=tuple(self._causes),
            estimate=np.array(self._estimates, dtype=np.float64).reshape(ticks, 5),
            contacts=contacts,
            hashes=np.array([s.hash for s in states], dtype=np.uint64),
            failure_kind=type(failure).__name__ if failure else "",
            failure=str(failure) if failure else "",
            stopped=stopped or self._why_stopped(failure),
        )

    def _why_stopped(self, failure: StackError | None) -> str:
        if failure is not None:
            return "stack"
        if self._states and self._states[-1].over:
            return "after" if self._states[-1].t_ns >= self.case.after_ns else "end"
        return "budget"
