"""The folder of a sweep: whole parts, merging in the plan's order, one writer, full and read-only disks."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from scenarios.ledger import Ledger
from twin.errors import InputError, RecordError

ABOUT = {"name": "cut_in"}


def row(case: str, verdict: str = "PASS", **more: object) -> dict[str, object]:
    return {"case_id": case, "verdict": verdict, **more}


def test_rows_are_merged_in_the_order_of_the_plan(tmp_path: Path) -> None:
    with Ledger(tmp_path, ABOUT) as ledger:
        ledger.append([row("c"), row("a")])
        ledger.append([row("b")])
        merged = ledger.merge(["a", "b", "c", "d"])
    assert [r["case_id"] for r in merged] == ["a", "b", "c"]
    assert pq.read_table(tmp_path / "results.parquet")["case_id"].to_pylist() == ["a", "b", "c"]


def test_the_order_of_arrival_and_the_size_of_batches_change_no_byte(tmp_path: Path) -> None:
    rows = [row(f"{i:03}", ttc=None if i % 3 else float(i), hits=i, note="x" if i else None) for i in range(40)]
    order = [str(r["case_id"]) for r in rows]
    with Ledger(tmp_path / "a", ABOUT) as ledger:
        for r in reversed(rows):
            ledger.append([r])
        ledger.merge(order)
    with Ledger(tmp_path / "b", ABOUT) as ledger:
        ledger.append(rows[:7])
        ledger.append(rows[7:])
        ledger.merge(order)
    assert (tmp_path / "a/results.parquet").read_bytes() == (tmp_path / "b/results.parquet").read_bytes()


def test_columns_of_different_scenarios_stand_side_by_side(tmp_path: Path) -> None:
    with Ledger(tmp_path, ABOUT) as ledger:
        ledger.append([row("a", gap=3.0), row("b", gap="left")])
        ledger.append([row("c", speed=1)])
        ledger.merge("abc")
    table = pq.read_table(tmp_path / "results.parquet").to_pydict()
    assert table["gap"] == ["3.0", "left", None]
    assert table["speed"] == [None, None, 1]


def test_errors_of_the_machine_are_tried_again_and_a_later_result_replaces_them(tmp_path: Path) -> None:
    with Ledger(tmp_path, ABOUT) as ledger:
        ledger.append([row("a", "ERROR"), row("b", "FAIL")])
        assert ledger.finished()["a"]["verdict"] == "ERROR"
        ledger.append([row("a", "PASS")])
        assert ledger.finished()["a"]["verdict"] == "PASS"


def test_a_damaged_part_counts_as_not_run(tmp_path: Path) -> None:
    with Ledger(tmp_path, ABOUT) as ledger:
        ledger.append([row("a")])
        (ledger.parts / "0.parquet").write_bytes(b"PAR1 but not really")
        assert list(ledger.finished()) == ["a"]


def test_a_second_sweep_into_the_same_folder_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    with Ledger(tmp_path, ABOUT), pytest.raises(InputError, match="another sweep is writing"):
        Ledger(tmp_path, ABOUT)
    Ledger(tmp_path, ABOUT).close()


def test_a_folder_of_another_sweep_is_left_alone(tmp_path: Path) -> None:
    Ledger(tmp_path, ABOUT).close()
    with pytest.raises(InputError, match="holds the sweep 'cut_in', not 'merge'"):
        Ledger(tmp_path, {"name": "merge"})


def test_a_folder_that_cannot_be_made_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(RecordError, match="name another folder"):
        Ledger(tmp_path / "file" / "sweep", ABOUT)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(RecordError, match="name another folder"):
            Ledger(tmp_path / "sweep", ABOUT)
    finally:
        tmp_path.chmod(0o700)


FILL = """
import resource, signal, sys
from pathlib import Path
from scenarios.ledger import Ledger
from twin.errors import RecordError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Ledger(Path(sys.argv[1]), {"name": "cut_in"}) as ledger:
    ledger.append([{"case_id": "a", "verdict": "PASS"}])
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
    try:
        ledger.append([{"case_id": "b", "verdict": "PASS", "why": "x" * 5000}])
    except RecordError as error:
        print(error)
"""


def test_a_full_disk_is_told_and_leaves_only_whole_parts(tmp_path: Path) -> None:
    folder = tmp_path / "größe (1)"
    told = subprocess.run([sys.executable, "-c", FILL, str(folder)], capture_output=True, text=True, check=True).stdout
    assert "cannot be written" in told
    with Ledger(folder, ABOUT) as ledger:
        assert list(ledger.finished()) == ["a"]
        assert [p.suffix for p in ledger.parts.iterdir()] == [".parquet"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 200
