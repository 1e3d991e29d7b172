"""A sweep over many cases: nothing lost, nothing twice, the same bytes for any workers and after any interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import pyarrow.parquet as pq
import pytest

from scenarios import sweep as sweeping
from scenarios.bench import Outcome
from scenarios.ledger import Row
from scenarios.planning import Job, Plan, plan
from scenarios.settings import Settings, compose
from scenarios.suite import Gates
from scenarios.sweep import Swept, sweep

HERE = Path(__file__).resolve().parent
CUT_IN = HERE / "data" / "brake.yaml"


class Fake:
    """A bench that makes rows up: verdicts by number, a record of as many bytes as the number."""

    ran: ClassVar[list[str]] = []
    stop_after = 10**9
    drift = 0

    def __init__(self, *_: object) -> None: ...

    def __call__(self, batch: Sequence[Job]) -> list[Outcome]:
        return [self.run(job) for job in batch]

    def run(self, job: Job) -> Outcome:
        if len(Fake.ran) >= Fake.stop_after:
            raise KeyboardInterrupt
        Fake.ran.append(job.id)
        row: Row = {
            "case_id": job.id,
            "scenario": "a",
            "seed": job.seed,
            "verdict": ("PASS", "FAIL", "INVALID", "PASS")[job.seed % 4],
            "disengagements": "[]",
            "f.min_ttc_s": float(job.seed),
            "hash": str(job.seed + (Fake.drift if job.record else 0)),
        }
        return Outcome(job, row, b"x" * job.seed if job.record else None)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    monkeypatch.setattr(sweeping, "Bench", Fake)
    monkeypatch.setattr(Fake, "ran", [])
    monkeypatch.setattr(Fake, "stop_after", 10**9)
    monkeypatch.setattr(Fake, "drift", 0)
    return Fake


def planned(count: int = 20) -> Plan:
    jobs = tuple(Job(f"case{i:03}", 0, {}, i) for i in range(count))
    return Plan("night", "", "night.yaml", (), jobs, Gates(), {}, "0")


def settings(*overrides: str) -> Settings:
    return compose(["workers=0", *overrides])


def ids(swept: Swept) -> list[str]:
    return [row["case_id"] for row in swept.rows]


def records(folder: Path) -> list[str]:
    return sorted(path.stem for path in (folder / "records").glob("*.mcap"))


def test_rows_come_in_the_order_of_the_plan_and_every_case_is_told_once(fake: type[Fake], tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    swept = sweep(planned(), tmp_path, settings("record=none"), lambda row, n, of: told.append((row["case_id"], n, of)))
    assert ids(swept) == [job.id for job in planned().jobs]
    assert swept.complete
    assert [n for _, n, _ in told] == list(range(1, 21))
    assert {case for case, _, _ in told} == set(ids(swept))


def test_the_same_again_runs_nothing(fake: type[Fake], tmp_path: Path) -> None:
    sweep(planned(), tmp_path, settings())
    before = (tmp_path / "results.parquet").read_bytes(), records(tmp_path)
    fake.ran.clear()
    assert sweep(planned(), tmp_path, settings()).complete
    assert fake.ran == []
    assert ((tmp_path / "results.parquet").read_bytes(), records(tmp_path)) == before


def test_an_interrupted_sweep_keeps_what_is_done_and_goes_on(fake: type[Fake], tmp_path: Path) -> None:
    sweep(planned(), tmp_path / "whole", settings())
    fake.ran.clear()
    fake.stop_after = 7
    first = sweep(planned(), tmp_path / "cut", settings())
    assert first.interrupted
    assert not first.complete
    kept = ids(first)
    fake.stop_after = 10**9
    fake.ran.clear()
    assert sweep(planned(), tmp_path / "cut", settings("record=none")).complete
    assert not set(kept) & set(fake.ran)
    assert sweep(planned(), tmp_path / "cut", settings()).complete
    assert (tmp_path / "cut/results.parquet").read_bytes() == (tmp_path / "whole/results.parquet").read_bytes()
    assert records(tmp_path / "cut") == records(tmp_path / "whole")


def test_a_changed_plan_runs_only_what_is_new(fake: type[Fake], tmp_path: Path) -> None:
    sweep(planned(10), tmp_path, settings("record=none"))
    fake.ran.clear()
    assert len(sweep(planned(15), tmp_path, settings("record=none")).rows) == 15
    assert fake.ran == [f"case{i:03}" for i in range(10, 15)]
    assert len(sweep(planned(5), tmp_path, settings("record=none")).rows) == 5


def test_records_are_those_of_the_most_telling_runs_within_their_count(fake: type[Fake], tmp_path: Path) -> None:
    swept = sweep(planned(), tmp_path, settings("records.count=7"))
    assert [path.stem for path in swept.records] == [f"case{i:03}" for i in (1, 5, 9, 13, 17, 2, 6)]
    assert records(tmp_path) == sorted(path.stem for path in swept.records)


def test_records_stop_where_their_bytes_are_used_up(fake: type[Fake], tmp_path: Path) -> None:
    sweep(planned(), tmp_path, settings("record=all", "records.size=29 B"))
    assert records(tmp_path) == ["case001", "case005", "case009", "case013"]
    sweep(planned(), tmp_path, settings("record=all", "records.size=6 B"))
    assert records(tmp_path) == ["case001", "case005"]
    sweep(planned(), tmp_path, settings("record=none"))
    assert records(tmp_path) == []


def test_all_records_fit_a_large_budget(fake: type[Fake], tmp_path: Path) -> None:
    assert len(sweep(planned(), tmp_path, settings("record=all")).records) == 20


def test_a_run_that_goes_another_way_the_second_time_is_named_and_not_recorded(
    fake: type[Fake], tmp_path: Path
) -> None:
    fake.drift = 1
    swept = sweep(planned(4), tmp_path, settings())
    assert swept.unsteady == ("case000", "case001", "case002", "case003")
    assert records(tmp_path) == []


def test_a_spent_budget_leaves_the_sweep_unfinished(fake: type[Fake], tmp_path: Path) -> None:
    swept = sweep(planned(), tmp_path, settings("suite.budget=1 ns"))
    assert not swept.complete
    assert not swept.interrupted
    assert sweep(planned(), tmp_path, settings()).complete


def test_the_folder_says_what_was_run(fake: type[Fake], tmp_path: Path) -> None:
    sweep(planned(), tmp_path, settings("record=none"))
    about = json.loads((tmp_path / "sweep.json").read_text(encoding="utf-8"))
    assert (about["name"], about["cases"], about["target"]) == ("night", 20, "night.yaml")


def real(folder: Path, workers: int, *more: str) -> Swept:
    chosen = compose(["samples=10", "records.count=2", f"workers={workers}", *more])
    return sweep(plan(CUT_IN, chosen), folder, chosen)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in [folder / "results.parquet", *folder.glob("records/*.mcap")]}


@pytest.mark.slow
def test_workers_and_a_killed_one_change_no_byte(tmp_path: Path) -> None:
    alone = real(tmp_path / "alone", 0)
    assert alone.complete
    assert len(alone.records) == 2
    seen: list[str] = []
    swept = _killing(tmp_path / "killed", seen)
    assert swept.complete
    assert bytes_of(tmp_path / "killed") == bytes_of(tmp_path / "alone")


def _killing(folder: Path, seen: list[str]) -> Swept:
    """Sweep on two workers and kill one of them when the first case comes back."""
    chosen = compose(["samples=10", "records.count=2", "workers=2", "batch=1 ms"])

    def look(row: Row, _done: int, _total: int) -> None:
        if not seen:
            os.kill(_a_worker(), signal.SIGKILL)
        seen.append(row["case_id"])

    return sweep(plan(CUT_IN, chosen), folder, chosen, look)


def _a_worker() -> int:
    """Return the process id of a Ray actor below this process."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    mine = [line.split(None, 1) for line in listed.splitlines()]
    return next(int(pid) for pid, args in mine if "ray::_Worker" in args)


SWEEP = "from scenarios.cli import main; main()"


@pytest.mark.slow
def test_a_killed_sweep_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    real(tmp_path / "whole", 0)
    command = [sys.executable, "-c", SWEEP, "sweep", str(CUT_IN), "samples=10", "records.count=2", "workers=0"]
    command += ["batch=1 ms", "--out", str(tmp_path / "cut")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        _until(lambda: len(list((tmp_path / "cut/parts").glob("*.parquet"))) >= 3)
        running.kill()
    assert not (tmp_path / "cut/results.parquet").exists()
    assert real(tmp_path / "cut", 0).complete
    assert bytes_of(tmp_path / "cut") == bytes_of(tmp_path / "whole")


@pytest.mark.slow
def test_an_interrupt_merges_and_leaves_130(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SWEEP, "sweep", str(CUT_IN), "samples=200", "workers=0", "batch=1 ms"]
    command += ["--out", str(tmp_path / "cut"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        _until(lambda: len(list((tmp_path / "cut/parts").glob("*.parquet"))) >= 2)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    told = json.loads(out)
    assert not told["complete"]
    assert pq.read_metadata(tmp_path / "cut/results.parquet").num_rows == told["done"] >= 2
    assert "Traceback" not in err


def _until(holds: Callable[[], bool], limit_s: float = 120.0) -> None:
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
