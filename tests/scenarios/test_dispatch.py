"""Batches and lost workers, on a pool that dies by plan and on a real one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from scenarios.dispatch import Dispatch
from scenarios.pools import Done, Inline, Lost, pool
from twin.errors import InfrastructureError


class Mortal:
    """A pool whose worker dies on every batch that holds a poisoned job, and on the first `killed` batches."""

    size = 2

    def __init__(self, poison: frozenset[int] = frozenset(), killed: int = 0, hangs: frozenset[int] = frozenset()):
        self.poison, self.killed, self.hangs = poison, killed, hangs
        self.batches: list[list[int]] = []
        self._waiting: deque[Sequence[int]] = deque()

    @property
    def idle(self) -> int:
        return self.size - len(self._waiting)

    def submit(self, batch: Sequence[int], limit_s: float) -> None:
        assert limit_s > 0
        self.batches.append(list(batch))
        self._waiting.append(batch)

    def next(self) -> Done[int, int] | Lost[int]:
        batch = self._waiting.pop()
        if self.hangs.intersection(batch):
            return Lost(batch, "no answer", overdue=True)
        if self.killed > 0 or self.poison.intersection(batch):
            self.killed -= 1
            return Lost(batch, "died")
        return Done(batch, [j * j for j in batch])

    def close(self) -> None:
        self._waiting.clear()


def work_off(mortal: Mortal, jobs: int, tries: int = 3) -> tuple[list[int], list[tuple[int, str, bool]]]:
    kept: list[int] = []
    lost: list[tuple[int, str, bool]] = []

    def give_up(job: int, why: str, overdue: bool) -> int:
        lost.append((job, why, overdue))
        return -job

    Dispatch(mortal, 1.0, 1.0, tries).run(range(1, jobs + 1), kept.extend, give_up)
    return sorted(kept), lost


def test_every_job_is_kept_once() -> None:
    assert work_off(Mortal(), 100) == ([i * i for i in range(1, 101)], [])


def test_batches_grow_and_the_end_is_shared() -> None:
    mortal = Mortal()
    work_off(mortal, 100)
    sizes = [len(b) for b in mortal.batches]
    assert sizes[0] == 1
    assert max(sizes) == 25
    assert sizes[-1] == 1


def test_a_dead_worker_loses_nothing() -> None:
    assert work_off(Mortal(killed=2), 50) == ([i * i for i in range(1, 51)], [])


def test_a_poisoned_job_alone_is_given_up_after_its_tries() -> None:
    mortal = Mortal(poison=frozenset({30}))
    kept, lost = work_off(mortal, 60)
    assert kept == sorted([-30] + [i * i for i in range(1, 61) if i != 30])
    assert lost == [(30, "died (3 times)", False)]
    assert mortal.batches.count([30]) == 3


def test_a_job_that_hangs_alone_is_given_up_at_once_as_overdue() -> None:
    kept, lost = work_off(Mortal(hangs=frozenset({1})), 3)
    assert lost == [(1, "no answer", True)]
    assert kept == [-1, 4, 9]


def test_a_stop_lets_what_is_under_way_come_back_and_starts_no_more() -> None:
    kept: list[int] = []
    Dispatch(Mortal(), 1.0, 1.0, 3).run(range(1, 100), kept.extend, lambda *_: 0, stop=lambda: len(kept) >= 5)
    assert 5 <= len(kept) < 99


def test_workers_0_work_in_this_process() -> None:
    def make() -> Callable[[Sequence[int]], list[int]]:
        return lambda batch: [os.getpid() for _ in batch]

    inline = pool(make, 0)
    assert isinstance(inline, Inline)
    kept: list[int] = []
    Dispatch(inline, 1.0, 1.0, 3).run(range(3), kept.extend, lambda *_: 0)
    assert set(kept) == {os.getpid()}


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "ray://127.0.0.1:1", "no.such.host.invalid:6379", "127.0.0.1:99999"]
)
def test_a_cluster_that_nobody_answers_for_is_told_soon(address: str) -> None:
    began = time.monotonic()
    with pytest.raises(InfrastructureError, match=r"nobody answers at ray\.address="):
        pool(lambda: list, 2, address)
    assert time.monotonic() - began < 30.0


def squares(folder: str) -> Callable[[Sequence[int]], list[int]]:
    """Make work that leaves its process id behind and is slow enough to be killed in the middle."""
    (Path(folder) / str(os.getpid())).touch()

    def work(batch: Sequence[int]) -> list[int]:
        time.sleep(0.05 * len(batch))
        if 13 in batch:
            os._exit(1)
        return [j * j for j in batch]

    return work


@pytest.mark.slow
def test_on_ray_a_killed_worker_and_a_deadly_job_cost_only_the_job(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = pool(lambda: squares(str(tmp_path)), 2)
    kept: list[int] = []
    given_up: list[int] = []

    def keep(results: Sequence[int]) -> None:
        if not kept:
            os.kill(int(next(tmp_path.iterdir()).name), signal.SIGKILL)
        kept.extend(results)

    def give_up(job: int, why: str, overdue: bool) -> int:
        assert "died" in why
        assert not overdue
        given_up.append(job)
        return -1

    try:
        Dispatch(made, 0.3, 5.0, 2).run(range(30), keep, give_up)
    finally:
        made.close()
    assert given_up == [13]
    assert sorted(kept) == sorted([-1] + [j * j for j in range(30) if j != 13])
    assert len(list(tmp_path.iterdir())) >= 4
    assert capfd.readouterr().out == ""


def listening(above: int) -> set[str]:
    """Return the addresses, in the kernel's hexadecimal, on which processes below `above` wait for connections."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    below = {above}
    while grown := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= grown
    sockets = set()
    for pid in below:
        with suppress(OSError):
            sockets |= {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


@pytest.mark.slow
def test_ray_listens_on_the_loopback_alone() -> None:
    code = (
        "import sys, time; from scenarios.pools import pool\n"
        "made = pool(lambda: list, 1); print('up', flush=True); sys.stdin.read(); made.close()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        found = listening(running.pid)
        running.communicate(timeout=60)
    assert found
    assert found <= {"0100007F", "0000000000000000FFFF00000100007F"}
