"""A finished run as truth: its recorded states, one after another, whatever anybody commands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin.case import Case
from twin.command import Command
from twin.engines.probing import answer
from twin.errors import InputError
from twin.ports import Hits, Rays
from twin.run import Run
from twin.scene import scene_of
from twin.state import (
    AX,
    AY,
    EGO,
    PITCH,
    ROLL,
    STEER,
    TR_AX,
    TR_AY,
    TR_PITCH,
    TR_ROLL,
    TR_ROWS,
    TR_STEER,
    TR_VX,
    TR_VY,
    TR_X,
    TR_Y,
    TR_YAW,
    TR_YAW_RATE,
    TR_Z,
    VX,
    VY,
    YAW,
    YAW_RATE,
    Floats,
    Ints,
    WorldState,
    X,
    Y,
    Z,
)

_TRAIL_ROWS = {
    TR_X: X,
    TR_Y: Y,
    TR_Z: Z,
    TR_YAW: YAW,
    TR_PITCH: PITCH,
    TR_ROLL: ROLL,
    TR_VX: VX,
    TR_VY: VY,
    TR_YAW_RATE: YAW_RATE,
    TR_AX: AX,
    TR_AY: AY,
    TR_STEER: STEER,
}


class Replay:
    """Plays one run back. The trail has the two recorded ends of a tick: what lay between was not kept."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._at = -1

    def reset(self, case: Case) -> WorldState:
        """Return the first recorded state. Raises InputError for a case of other actors, road or step than the run."""
        ran = self._run.case
        same = (case.actors, case.road.digest, case.step_ns) == (ran.actors, ran.road.digest, ran.step_ns)
        if not same or len(self._run.t_ns) == 0:
            raise InputError(f"the record of '{ran.scenario}' has no states of this case of '{case.scenario}'")
        self._at = 0
        return self._state()

    def step(self, command: Command) -> WorldState:
        """Return the next recorded state; the command changes nothing. Raises InputError after the last."""
        if self._at < 0:
            raise InputError("the engine has no world yet: reset it with a case first")
        if self._at + 1 >= len(self._run.t_ns):
            raise InputError("the run is over: reset the engine before another step")
        self._at += 1
        return self._state()

    def probe(self, requests: Sequence[Rays]) -> list[Hits]:
        """Cast rays against the recorded poses, moving between the last two."""
        if self._at < 0:
            raise InputError("the engine has no world yet: reset it with a case first")
        run, now, before = self._run, self._at, max(0, self._at - 1)
        times = (int(run.t_ns[before]), int(run.t_ns[now]))
        scene = scene_of(run.case.road)
        return answer(scene, times, (run.f[before], run.f[now]), run.n[now], run.case.p, requests)

    def _state(self) -> WorldState:
        run, k = self._run, self._at
        trail, times = self._trail()
        t_ns = int(run.t_ns[k])
        after = int(run.t_ns[k - 1]) if k > 0 else -1
        return WorldState(
            t_ns=t_ns,
            f=run.f[k].copy(),
            n=run.n[k].copy(),
            trail=trail,
            trail_t_ns=times,
            environment=run.environment[k].copy(),
            lamps=run.lamps[k].copy(),
            severity=run.severity[k].copy(),
            story=run.story[k].copy(),
            contacts=tuple(c for c in run.contacts if after < c.t_ns <= t_ns),
            over=k + 1 == len(run.t_ns),
            hash=int(run.hashes[k]),
        )

    def _trail(self) -> tuple[Floats, Ints]:
        run, k = self._run, self._at
        ticks = np.arange(max(0, k - 1), k + 1)
        trail = np.zeros((len(ticks), TR_ROWS))
        for column, row in _TRAIL_ROWS.items():
            trail[:, column] = run.f[ticks, row, EGO]
        return trail, run.t_ns[ticks].astype(np.int64)
