"""One case from a scenario file: nominal values unless set, run, judged, recorded, and drawn for the browser."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.metrics import METRICS
from reports.verdict import Finding, Judgement
from scenarios.assignments import chosen
from scenarios.console import Ride
from scenarios.run import Finished, run_case
from scenarios.settings import Settings
from scenarios.written import read
from twin.clock import seconds
from twin.record import write as write_record
from twin.run import Run, Series
from twin.view import Mark, Scene, encode, write_page


@dataclass(frozen=True, slots=True)
class Single:
    """What one run came to, and where it lies."""

    scenario: str
    case_id: str
    seed: int
    values: Mapping[str, float | str]
    judgement: Judgement
    record: Path
    replay: Path

    @property
    def verdict(self) -> str:
        return str(self.judgement.verdict)

    @property
    def why(self) -> str:
        return self.judgement.why

    @property
    def findings(self) -> Sequence[Finding]:
        return self.judgement.findings

    @property
    def figures(self) -> Mapping[str, float]:
        return self.judgement.figures

    def as_json(self) -> dict[str, Any]:
        """Return the result as plain data; what is not finite is null."""
        return {
            "scenario": self.scenario,
            "case_id": self.case_id,
            "seed": self.seed,
            "values": dict(self.values),
            "verdict": self.verdict,
            "cause": self.judgement.cause,
            "why": self.why,
            "findings": [
                {
                    "criterion": f.criterion,
                    "text": f.text,
                    "verdict": str(f.verdict),
                    "value": finite(f.value),
                    "unit": f.unit,
                    "t_s": finite(f.t_s),
                    "why": f.why,
                }
                for f in self.findings
            ],
            "figures": {name: finite(value) for name, value in self.figures.items()},
            "record": str(self.record),
            "replay": str(self.replay),
        }


def finite(value: float) -> float | None:
    """Return a number that JSON knows, or None."""
    return value if math.isfinite(value) else None


def run_single(file: Path, assignments: Sequence[str], settings: Settings, folder: Path | None, ride: Ride) -> Single:
    """Run one case of a scenario file.

    Raises AuthoredError, InputError (an unknown parameter, engine or driver), InfrastructureError.
    """
    written = read(file)
    values = chosen(written.scenario, assignments)
    made_of = written.made_of(settings)
    case_id = written.case_id(values, settings.seed, made_of)
    case = written.case(values, settings.seed, settings)
    home = folder or Path("runs") / f"{written.name}-{case_id}"
    meta = written.meta(settings, case_id)
    ride.begin(case)
    finished = run_case(case, settings.engine.name, seconds(settings.engine.run_budget), meta, (ride,))
    record, replay = home / f"{case_id}.mcap", home / f"{case_id}.html"
    write_record(record, finished.run, finished.samples, meta)
    write_page(replay, [scene_of(finished)], f"{written.name}, seed {settings.seed}")
    return Single(written.name, case_id, settings.seed, values, finished.judgement, record, replay)


def scene_of(finished: Finished) -> Scene:
    """Return a run as the browser draws it: with its speed, its time to collision and its disengagements."""
    return scene(finished.run, finished.judgement)


def scene(run: Run, judgement: Judgement) -> Scene:
    marks = [Mark(round(d.t_s * 1e9), "driver", f"disengagement: {d.cause}") for d in judgement.disengagements]
    return encode(run, _strips(run), marks, f"{judgement.verdict}")


def _strips(run: Run) -> list[Series]:
    return [METRICS.get(name)(run) for name in ("speed", "ttc")] if len(run.t_ns) else []
