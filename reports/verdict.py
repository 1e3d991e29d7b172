"""What a run was worth: one verdict, the findings it rests on, and the figures that go into every table.

The verdict of a run, first rule that applies:

1. The stack raised, hung or answered garbage: FAIL, cause SW.
2. A criterion is broken for good (whatever further ticks would bring): FAIL. A crash before the scenario's trigger, or
   before the run's budget was spent, stays a crash.
3. The run's budget was spent: TIMEOUT.
4. An event that has to start never did: INVALID, whatever else the criteria say of a run that missed its subject.
5. A criterion is not met: FAIL. 6. One is undecided: INCONCLUSIVE. 7. Else PASS.

A scenario without criteria is judged by `no_collision: true`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from reports.coverage import Situation, seconds_in_cells, situations
from reports.criteria import SeriesOf, assess
from reports.disengagement import Disengagement, disengagements
from reports.figures import figures
from reports.finding import Finding, Verdict
from reports.metrics import METRICS
from reports.metrics.collision import at_fault, contacts_of_ego, fault_of
from twin.clock import seconds
from twin.run import Run, Series
from twin.state import AX, AY, DONE, EGO, FRICTION, RUNNING, TRAVELLED
from twin.syntax import Criterion
from twin.vehicle import GRAVITY

__all__ = ["Disengagement", "Finding", "Judgement", "Verdict", "against_reference", "judge", "repeated"]

DEFAULT: Final = (Criterion("no_collision", "true", metric="no_collision", holds=True),)
GRIP_SHARE: Final = 0.8  # of the available friction; beyond it a linear tyre is no longer a model of the real one


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that a report needs to know of a run.

    `cause` of a FAIL is SW or the name of the criterion that broke first. `odd` holds seconds spent in each cell:
    attribute -> cell -> seconds, every cell of the ODD named. `extrapolated` names the models that were used outside
    their validity.
    """

    verdict: Verdict
    cause: str
    why: str
    findings: tuple[Finding, ...]
    figures: Mapping[str, float]
    disengagements: tuple[Disengagement, ...]
    exposure_km: float
    exposure_h: float
    odd: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    extrapolated: tuple[str, ...] = ()
    situations: tuple[Situation, ...] = ()


def judge(run: Run) -> Judgement:
    """Judge a finished run by its case's criteria."""
    if len(run.t_ns) == 0:
        return _never_ran(run)
    series = measuring(run)
    met = situations(run)
    criteria = run.case.criteria or DEFAULT
    complete = run.stopped != "budget"
    findings = tuple(assess(run, c, series, complete) for c in criteria)
    verdict, cause, why = _verdict(run, criteria, findings, series)
    return Judgement(
        verdict=verdict,
        cause=cause,
        why=why,
        findings=findings,
        figures=figures(run, series),
        disengagements=disengagements(run, series),
        exposure_km=float(run.f[-1, TRAVELLED, EGO] - run.f[0, TRAVELLED, EGO]) / 1000.0,
        exposure_h=float(run.t_ns[-1] - run.t_ns[0]) / 3.6e12,
        odd=seconds_in_cells(run.case.odd, met),
        situations=met,
        extrapolated=_extrapolated(run),
    )


def _never_ran(run: Run) -> Judgement:
    """Return the judgement of a run without a tick: the stack did not start, or nothing was simulated at all."""
    figures_ = figures(run, measuring(run))
    verdict, cause, why = Verdict.INCONCLUSIVE, "", "the run has no tick"
    if run.failure_kind:
        verdict, cause, why = Verdict.FAIL, "SW", f"{run.failure_kind}: {run.failure}"
    return Judgement(verdict, cause, why, (), figures_, (), 0.0, 0.0, seconds_in_cells(run.case.odd, ()))


def measuring(run: Run) -> SeriesOf:
    """Return a function that measures the run by a metric's name, each metric once."""
    known: dict[str, Series] = {}

    def series(name: str) -> Series:
        if name not in known:
            known[name] = METRICS.get(name)(run)
        return known[name]

    return series


def against_reference(judgement: Judgement, reference: Judgement) -> Judgement:
    """Return the judgement in the light of a careful and competent driver's run of the same case.

    A FAIL that is not the software's own and that the reference driver cannot avoid either is UNPREVENTABLE.
    """
    if judgement.verdict != Verdict.FAIL or judgement.cause == "SW" or reference.verdict != Verdict.FAIL:
        return judgement
    why = f"{judgement.why}; the reference driver fails as well: {reference.why}"
    return replace(judgement, verdict=Verdict.UNPREVENTABLE, why=why)


def repeated(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of one case that ran several times: FLAKY when the runs disagree."""
    different = set(verdicts)
    return different.pop() if len(different) == 1 else Verdict.FLAKY


def _verdict(
    run: Run, criteria: tuple[Criterion, ...], findings: tuple[Finding, ...], series: SeriesOf
) -> tuple[Verdict, str, str]:
    if run.failure_kind:
        return Verdict.FAIL, "SW", f"{run.failure_kind}: {run.failure}"
    missing = _never_started(run)
    if run.stopped == "budget" or missing:
        for_good = [f for f in (assess(run, c, series, False) for c in criteria) if f.verdict == Verdict.FAIL]
        if for_good:
            return _failed(run, for_good)
        if run.stopped == "budget":
            return Verdict.TIMEOUT, "", f"the run's budget was spent at {seconds(int(run.t_ns[-1])):.2f} s"
        return Verdict.INVALID, "", f"never started: {', '.join(missing)}"
    failed = [f for f in findings if f.verdict == Verdict.FAIL]
    if failed:
        return _failed(run, failed)
    open_ = [f for f in findings if f.verdict == Verdict.INCONCLUSIVE]
    if open_:
        return Verdict.INCONCLUSIVE, open_[0].criterion, "; ".join(f"{f.criterion}: {f.why}" for f in open_)
    vacuous = [f.criterion for f in findings if f.why.startswith("never applied")]
    why = f"never applied: {', '.join(vacuous)}" if vacuous else ""
    return Verdict.PASS, "", why if run.case.criteria else "no criteria written: judged by no_collision"


def _failed(run: Run, failed: list[Finding]) -> tuple[Verdict, str, str]:
    first = min(failed, key=lambda f: math.inf if math.isnan(f.t_s) else f.t_s)
    why = "; ".join(f"{f.criterion}: {f.why}" for f in failed)
    return Verdict.FAIL, first.criterion, "; ".join(filter(None, (why, _crash(run))))


def _crash(run: Run) -> str:
    touches = contacts_of_ego(run)
    if not touches:
        return ""
    contact = touches[0]
    other = contact.b if contact.a == EGO else contact.a
    name = run.case.actors[other] if other >= 0 else "an obstacle of the map"
    fault = fault_of(run, contact)
    blame = "at fault" if at_fault(fault) else "not at fault"
    return f"hit {name} at {abs(contact.closing_mps):.1f} m/s ({fault}, {blame})"


def _never_started(run: Run) -> list[str]:
    names = run.case.event_names
    begun = ((run.story == RUNNING) | (run.story == DONE)).any(axis=0)
    return [
        (names[e] if e < len(names) and names[e] else f"event {e + 1}") for e in run.case.must_start if not begun[e]
    ]


def _extrapolated(run: Run) -> tuple[str, ...]:
    felt = np.hypot(run.f[:, AX, EGO], run.f[:, AY, EGO])
    share = float((felt / (GRAVITY * np.maximum(run.environment[:, FRICTION], 0.05))).max())
    if share <= GRIP_SHARE:
        return ()
    return (f"vehicle dynamics: {share:.0%} of the available friction used, linear tyres hold to {GRIP_SHARE:.0%}",)
