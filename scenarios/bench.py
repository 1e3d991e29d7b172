"""The work of one worker: runs batches of cases, and turns whatever happens into a row."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from reports.table import error_row, row
from reports.verdict import Verdict
from scenarios.ledger import Row
from scenarios.planning import Job
from scenarios.run import Finished, run_case
from scenarios.settings import Settings
from scenarios.written import Written
from twin.clock import seconds
from twin.errors import InputError, TwinError
from twin.record import write


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker gives back: the row of a case and, when it was asked for, the bytes of its record."""

    job: Job
    row: Row
    record: bytes | None = None


class Bench:
    """Keeps its scenarios, and with them compiled kernels and maps, between batches."""

    def __init__(self, scenarios: tuple[Written, ...], settings: Settings) -> None:
        self._scenarios = scenarios
        self._settings = settings

    def __call__(self, batch: Sequence[Job]) -> list[Outcome]:
        return [self._run(job) for job in batch]

    def _run(self, job: Job) -> Outcome:
        """Run one case. What goes wrong outside the stack is an ERROR with its place, and the sweep goes on."""
        written, settings = self._scenarios[job.scenario], self._settings
        meta = written.meta(settings, job.id)
        try:
            case = written.case(job.values, job.seed, settings)
        except InputError as error:
            return lost(job, written.name, Verdict.INVALID, f"this case cannot be set up: {error}")
        except Exception as error:
            return lost(job, written.name, Verdict.ERROR, _say(error))
        try:
            finished = run_case(case, settings.engine.name, seconds(settings.engine.run_budget), meta)
            made = {**row(job.id, finished.run, finished.judgement), "hash": _hash(finished)}
            return Outcome(job, made, _bytes(finished, meta) if job.record else None)
        except Exception as error:
            return lost(job, written.name, Verdict.ERROR, _say(error))


def lost(job: Job, scenario: str, verdict: Verdict, why: str) -> Outcome:
    """Return the outcome of a case that has no run."""
    return Outcome(job, {**error_row(job.id, scenario, job.seed, job.values, verdict, why), "hash": ""})


def _hash(finished: Finished) -> str:
    hashes = finished.run.hashes
    return f"{int(hashes[-1]):016x}" if len(hashes) else ""


def _bytes(finished: Finished, meta: dict[str, object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.mcap"
        write(path, finished.run, finished.samples, meta)
        return path.read_bytes()


def _say(error: Exception) -> str:
    if isinstance(error, TwinError):
        return str(error)
    return f"{type(error).__name__}: {error}{_where(error.__traceback__)}"


def _where(trace: TracebackType | None) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace else ""
