"""Results as flat rows: one per case, the same columns in the same order, scalars and compact JSON text.

| column                                     | holds                                                        |
|--------------------------------------------|--------------------------------------------------------------|
| case_id scenario seed verdict cause why    | which case, what it was worth                                |
| distance_km duration_s stopped             | exposure, and how the run ended                              |
| p.<parameter>                              | chosen values, SI                                            |
| f.<figure>                                 | key figures, null where they do not apply                    |
| findings disengagements odd extrapolated   | JSON: criteria, events, seconds per ODD cell, model limits   |
| situations requirements                    | JSON: seconds of each combination of ODD cells; covered ids  |
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from reports.finding import Verdict
from reports.verdict import Judgement
from twin.clock import seconds
from twin.errors import InputError
from twin.run import Run

Scalar = str | int | float | bool | None

RESULTS = "results.parquet"


def row(case_id: str, run: Run, judgement: Judgement) -> dict[str, Scalar]:
    """Return the row of a judged run."""
    head = _head(case_id, run.case.scenario, run.case.seed, judgement.verdict, judgement.cause, judgement.why)
    head |= {
        "distance_km": judgement.exposure_km,
        "duration_s": seconds(int(run.t_ns[-1] - run.t_ns[0])) if len(run.t_ns) else 0.0,
        "stopped": run.stopped,
        "requirements": _json(list(run.case.requirements)),
    }
    texts: dict[str, Scalar] = {
        "findings": _json([asdict(f) for f in judgement.findings]),
        "disengagements": _json([asdict(d) for d in judgement.disengagements]),
        "odd": _json(judgement.odd),
        "situations": _json([asdict(s) for s in judgement.situations]),
        "extrapolated": _json(list(judgement.extrapolated)),
    }
    return head | _parameters(run.case.values) | _figures(judgement.figures) | texts


def error_row(
    case_id: str, scenario: str, seed: int, values: Mapping[str, float | str], verdict: Verdict, why: str
) -> dict[str, Scalar]:
    """Return the row of a case that never became a run (ERROR or TIMEOUT): no exposure, no figures."""
    head = _head(case_id, scenario, seed, verdict, "", why)
    nothing: dict[str, Scalar] = {"distance_km": 0.0, "duration_s": 0.0, "stopped": "", "requirements": "[]"}
    texts: dict[str, Scalar] = {
        "findings": "[]",
        "disengagements": "[]",
        "odd": "{}",
        "situations": "[]",
        "extrapolated": "[]",
    }
    return head | nothing | _parameters(values) | texts


def read(folder: Path) -> pd.DataFrame:
    """Return the results of a sweep's folder. Raises InputError when there are none or they cannot be read."""
    path = folder / RESULTS
    try:
        rows = pd.read_parquet(path)
    except FileNotFoundError as error:
        raise InputError(f"'{folder}' holds no {RESULTS}: name the folder of a finished sweep") from error
    except (OSError, ValueError) as error:
        raise InputError(f"'{path}' cannot be read: {error}") from error
    missing = {"case_id", "scenario", "verdict"} - set(rows.columns)
    if missing:
        raise InputError(f"'{path}' is no table of results: it lacks {', '.join(sorted(missing))}")
    return rows


def exit_code(verdicts: Iterable[str]) -> int:
    """Return 1 for any FAIL, 3 for no FAIL but ERROR, TIMEOUT, INVALID, INCONCLUSIVE or nothing at all, else 0.

    FLAKY counts as FAIL: one of its runs failed, or none can be trusted.
    """
    words = {str(v) for v in verdicts}
    if words & {Verdict.FAIL, Verdict.FLAKY}:
        return 1
    missing = {Verdict.ERROR, Verdict.TIMEOUT, Verdict.INVALID, Verdict.INCONCLUSIVE}
    return 3 if words & missing or not words else 0


def _head(case_id: str, scenario: str, seed: int, verdict: Verdict, cause: str, why: str) -> dict[str, Scalar]:
    return {
        "case_id": case_id,
        "scenario": scenario,
        "seed": seed,
        "verdict": str(verdict),
        "cause": cause,
        "why": why,
    }


def _parameters(values: Mapping[str, float | str]) -> dict[str, Scalar]:
    return {f"p.{name}": value for name, value in values.items()}


def _figures(values: Mapping[str, float]) -> dict[str, Scalar]:
    return {f"f.{name}": None if math.isnan(value) else value for name, value in values.items()}


def _json(value: Any) -> str:  # anything that json can write
    return json.dumps(_without_nan(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _without_nan(value: Any) -> Any:  # the same shape, with null for what is not finite
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): _without_nan(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(v) for v in value]
    return value
