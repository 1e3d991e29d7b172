"""Which runs deserve a record."""

from __future__ import annotations

from scenarios.choice import fitting, telling


def row(
    case: str, scenario: str = "a", verdict: str = "PASS", ttc: float | None = None, **more: str
) -> dict[str, object]:
    return {"case_id": case, "scenario": scenario, "verdict": verdict, "hash": "1", "f.min_ttc_s": ttc, **more}


def test_failures_come_first_then_doubts_then_disengagements_then_close_calls() -> None:
    rows = [
        row("far", ttc=9.0),
        row("unknown"),
        row("near", ttc=1.0),
        row("gave_up", disengagements='[{"who":"stack"}]'),
        row("never", verdict="INVALID"),
        row("doubt", verdict="INCONCLUSIVE"),
        row("late", verdict="FAIL", ttc=3.0),
        row("crash", verdict="FAIL", ttc=0.1),
    ]
    assert list(telling(rows)) == ["crash", "late", "doubt", "never", "gave_up", "near", "far", "unknown"]


def test_scenarios_take_turns() -> None:
    rows = [row(f"a{i}", "a", "FAIL") for i in range(3)] + [row("b0", "b"), row("b1", "b")]
    assert list(telling(rows)) == ["a0", "b0", "a1", "b1", "a2"]


def test_a_case_without_a_run_has_nothing_to_record() -> None:
    lost = {**row("x", verdict="INVALID"), "hash": ""}
    assert list(telling([row("e", verdict="ERROR"), row("t", verdict="TIMEOUT"), lost])) == []


def test_records_stop_where_the_budget_ends() -> None:
    sizes = {"a": 40, "b": 50, "c": 20, "d": 1}
    assert fitting(["a", "b", "c", "d"], sizes, 100) == ["a", "b"]
    assert fitting(["a", "b", "c", "d"], sizes, 111) == ["a", "b", "c", "d"]
    assert fitting(["a"], sizes, 0) == []
