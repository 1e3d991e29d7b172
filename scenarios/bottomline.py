"""What a sweep came to: counts, rates with their intervals, gates, and the exit code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from reports.summary import Outcome, by_scenario, outcome, proportion
from reports.table import exit_code
from reports.verdict import Verdict
from scenarios.planning import Plan
from scenarios.suite import Gates
from scenarios.sweep import Swept

_NOT_FINISHED = 3


def bottom_line(plan: Plan, swept: Swept, papers: Mapping[str, Path]) -> dict[str, Any]:
    """Return the result of a sweep as plain data."""
    rows = pd.DataFrame(swept.rows, columns=None if swept.rows else ["scenario", "verdict"])
    groups = by_scenario(rows)
    total = outcome("all", rows) if swept.rows else None
    return {
        "sweep": plan.name,
        "planned": len(plan.jobs),
        "done": len(swept.rows),
        "complete": swept.complete,
        "verdicts": [v.value for v in Verdict if total is not None and v.value in total.counts],
        "scenarios": [_line(group) for group in ([*groups, total] if len(groups) > 1 and total else groups)],
        "gates": _gates(plan.gates, total) if total else [],
        "rejected": dict(plan.rejected),
        "unsteady": list(swept.unsteady),
        "results": str(swept.folder / "results.parquet"),
        "records": str(swept.folder / "records") if swept.records else None,
        "record_files": [str(path) for path in swept.records],
        "report": _text(papers.get("report")),
        "junit": _text(papers.get("junit")),
    }


def exit_code_of(result: Mapping[str, Any]) -> int:
    """Return 1 for any FAIL or fallen gate, 3 for what is unfinished or does not count, else 0."""
    verdicts = [word for line in result["scenarios"][-1:] for word in line["counts"]]
    code = exit_code(verdicts)
    if code == 1 or any(not gate["holds"] for gate in result["gates"]):
        return 1
    return code if result["complete"] else _NOT_FINISHED


def _line(group: Outcome) -> dict[str, Any]:
    rate = group.passing
    known = math.isfinite(rate.value)
    return {
        "scenario": group.name,
        "cases": group.cases,
        "counts": dict(group.counts),
        "missing": group.missing,
        "pass_rate": rate.value if known else None,
        "low": rate.low if known else None,
        "high": rate.high if known else None,
        "km": group.km,
    }


def _gates(gates: Gates, total: Outcome) -> list[dict[str, Any]]:
    """Judge the gates: one falls only when the whole interval lies on its wrong side, or when nothing was judged."""
    judged = []
    if gates.pass_rate is not None:
        rate = total.passing
        measured = f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%})" if rate.of else "nothing was judged"
        holds = rate.of > 0 and rate.high >= gates.pass_rate
        judged.append({"gate": "pass_rate", "asked": f">= {gates.pass_rate:.1%}", "measured": measured, "holds": holds})
    if gates.missing is not None:
        share = proportion(total.missing, total.cases)
        measured = f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"
        holds = share.low <= gates.missing
        judged.append({"gate": "missing", "asked": f"<= {gates.missing:.1%}", "measured": measured, "holds": holds})
    return judged


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
