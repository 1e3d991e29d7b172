"""When and why the driving was given up: one typed event per episode.

An episode starts when the stack asks for a takeover or starts a minimal-risk manoeuvre, when it fails, or when a
monitor sees what should have made it ask: the operational design domain was left, the localisation claims less than it
must, control lets go, RSS stays dangerous without braking. Episodes of one cause are one event while they follow each
other within 5 s or 50 m (California's reports count episodes, not frames); a monitor's event within that reach of one
by the stack is the same episode, and then counts as the stack's.

Lead time of a request is the time until the domain was left: at 10 s (the transition demand of UN R157) and more it was
planned, below unplanned. Sources of causes: CA DMV section 227.50, SAE J3016, UN R157.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reports.metrics.domain import evaluation
from reports.metrics.formulas import FOLLOWING
from twin.clock import seconds
from twin.command import Cause
from twin.odd import IN, OUT, UNKNOWN, Evaluation, Exit, exits
from twin.run import MODES, Run, Series
from twin.state import EGO, LANE, TRAVELLED, VX, VY, D

DEBOUNCE_NS: Final = 5_000_000_000
DEBOUNCE_M: Final = 50.0
PLANNED_S: Final = 10.0
MAX_STD_M: Final = 0.3  # claimed 1-sigma of a localisation that can hold a lane
MAX_OFFSET_M: Final = 0.4  # lateral error of control while it keeps its lane
HOLD_NS: Final = 500_000_000
CHANGING_NS: Final = 4_000_000_000  # before and after the border is crossed, a lane change is no control error
CREEPING_MPS: Final = 1.0  # slower, RSS has nothing to respond to
ENGAGED: Final = MODES.index("engaged")

_WORDS: Final = {IN: "IN", OUT: "OUT", UNKNOWN: "UNKNOWN"}


@dataclass(frozen=True, slots=True)
class Disengagement:
    """One episode. `who` gave up ("stack", "monitor") for which `cause` (the values of `twin.command.Cause`).

    `odd` is IN, OUT or UNKNOWN at that moment, NONE without a domain; `lead_s` the time from the event to the exit from
    the domain that it anticipates, 0 when it came at the exit or after; nan when there is no limit to anticipate.
    """

    t_s: float
    who: str
    cause: str
    odd: str
    lead_s: float
    speed_mps: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Alarm:
    tick: int
    who: str
    cause: Cause
    note: str


def disengagements(run: Run, series: Callable[[str], Series]) -> tuple[Disengagement, ...]:
    """Return the episodes of a run in order of time."""
    domain = evaluation(run)
    left = exits(domain, run.t_ns) if domain is not None else ()
    alarms = [*_by_stack(run), *_by_monitors(run, series, left)]
    alarms.sort(key=lambda a: (a.tick, a.who != "stack"))
    return tuple(_event(run, a, domain, left) for a in _episodes(run, alarms))


def _by_stack(run: Run) -> list[_Alarm]:
    """Return each tick at which the mode leaves engaged, or names another cause while it is not; and the failure."""
    found = []
    before, why = ENGAGED, Cause.NONE.value
    for k, mode in enumerate(run.mode.tolist()):
        cause = run.cause[k]
        if mode != ENGAGED and (before == ENGAGED or cause != why):
            found.append(_Alarm(k, "stack", Cause(cause), MODES[mode].replace("_", " ")))
        before, why = mode, cause
    if run.failure_kind:
        found.append(_Alarm(len(run.t_ns) - 1, "stack", Cause.SW, run.failure_kind))
    return found


def _by_monitors(run: Run, series: Callable[[str], Series], left: tuple[Exit, ...]) -> list[_Alarm]:
    engaged = run.mode == ENGAGED
    ticks = [(e, int(np.searchsorted(run.t_ns, e.t_ns))) for e in left]
    cause = Cause.ODD_EXIT_UNPLANNED
    found = [_Alarm(k, "monitor", cause, ", ".join(e.attributes)) for e, k in ticks if engaged[k]]
    std = series("localisation_std")
    unsure = std.valid & (std.values > MAX_STD_M) & engaged
    found += [_Alarm(k, "monitor", Cause.LOCALISATION, f"claims {std.values[k]:.2f} m") for k in _held(run, unsure)]
    found += [_Alarm(k, "monitor", Cause.CONTROL, "off the lane's centre") for k in _held(run, _adrift(run) & engaged)]
    response = int(FOLLOWING.response * 1e9)
    careless = (series("dangerous").values > 0.0) & (series("decel").values < FOLLOWING.brake_min / 2.0)
    careless &= engaged & (series("speed").values > CREEPING_MPS)
    note = "RSS dangerous without braking"
    found += [_Alarm(k, "monitor", Cause.SAFETY_MONITOR, note) for k in _held(run, careless, response)]
    return found


def _adrift(run: Run) -> NDArray[np.bool_]:
    """Return where the ego is off its lane's centre and not on its way back, lane changes left out."""
    lane = run.n[:, LANE, EGO]
    thread = np.where(lane >= 0, run.case.road.arrays.thread[lane], -1)
    offset = np.abs(run.f[:, D, EGO])
    growing = np.concatenate(([False], offset[1:] >= offset[:-1]))
    changing = np.zeros(len(lane), np.bool_)
    around = CHANGING_NS // run.case.step_ns
    for k in np.flatnonzero((thread[1:] != thread[:-1]) & (thread[1:] >= 0) & (thread[:-1] >= 0)):
        changing[max(0, k - around) : k + around + 1] = True
    return np.asarray((lane >= 0) & ~changing & growing & (offset > MAX_OFFSET_M))


def _held(run: Run, condition: NDArray[np.bool_], for_ns: int = HOLD_NS) -> list[int]:
    """Return the ticks at which a condition has held for so long, once per stretch."""
    found = []
    since: int | None = None
    reported = False
    for k, holds in enumerate(condition.tolist()):
        if not holds:
            since, reported = None, False
            continue
        since = k if since is None else since
        if not reported and run.t_ns[k] - run.t_ns[since] >= for_ns:
            found.append(k)
            reported = True
    return found


def _episodes(run: Run, alarms: list[_Alarm]) -> list[_Alarm]:
    """Return the first alarm of each episode, the stack's where both the stack and a monitor gave the same cause."""
    found: list[_Alarm] = []
    newest: list[int] = []
    for alarm in alarms:
        at = next(
            (
                i
                for i in range(len(found) - 1, -1, -1)
                if _within_reach(run, newest[i], alarm.tick)
                and (_kind(found[i]) == _kind(alarm) or (alarm.who == "monitor" and found[i].who == "stack"))
            ),
            None,
        )
        if at is None:
            found.append(alarm)
            newest.append(alarm.tick)
            continue
        newest[at] = alarm.tick
        if alarm.who == "stack" and found[at].who == "monitor":
            found[at] = _Alarm(found[at].tick, "stack", alarm.cause, alarm.note)
    return found


def _kind(alarm: _Alarm) -> Cause:
    return Cause.ODD_EXIT_UNPLANNED if alarm.cause == Cause.ODD_EXIT_PLANNED else alarm.cause


def _within_reach(run: Run, earlier: int, later: int) -> bool:
    way = run.f[later, TRAVELLED, EGO] - run.f[earlier, TRAVELLED, EGO]
    return bool(run.t_ns[later] - run.t_ns[earlier] <= DEBOUNCE_NS or way <= DEBOUNCE_M)


def _event(run: Run, alarm: _Alarm, domain: Evaluation | None, left: tuple[Exit, ...]) -> Disengagement:
    t_ns = int(run.t_ns[alarm.tick])
    cause = alarm.cause
    lead = math.nan
    if cause in (Cause.ODD_EXIT_PLANNED, Cause.ODD_EXIT_UNPLANNED):
        ahead = [e.t_ns - t_ns for e in left if e.t_ns >= t_ns]
        lead = seconds(min(ahead)) if ahead else 0.0
        cause = Cause.ODD_EXIT_PLANNED if lead >= PLANNED_S else Cause.ODD_EXIT_UNPLANNED
    return Disengagement(
        t_s=seconds(t_ns),
        who=alarm.who,
        cause=cause.value,
        odd=_WORDS[float(domain.truth[alarm.tick])] if domain is not None else "NONE",
        lead_s=lead,
        speed_mps=float(np.hypot(run.f[alarm.tick, VX, EGO], run.f[alarm.tick, VY, EGO])),
        note=alarm.note,
    )
