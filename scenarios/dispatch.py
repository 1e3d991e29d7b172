"""Deal jobs out in batches, and lose none: a dead worker's batch is tried again one job at a time.

A batch grows until it is worth its journey. A job that alone outlives its limit, or alone kills its worker again and
again, is given up; the others of its batch are not.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from scenarios.pools import Done, Lost, Pool

J = TypeVar("J")
R = TypeVar("R")

_LARGEST = 2000  # jobs in a batch
_GRACE_S = 300.0  # for loading and compiling, on top of the limits of the jobs


class Dispatch(Generic[J, R]):
    """One pass over many jobs. `limit_s` is the wall clock a job may take, `batch_s` what a batch should take."""

    def __init__(self, pool: Pool[J, R], batch_s: float, limit_s: float, tries: int) -> None:
        self._pool = pool
        self._batch_s = batch_s
        self._limit_s = limit_s
        self._tries = tries
        self._cost_s: float | None = None
        self._sent: dict[int, float] = {}
        self._alone: deque[tuple[J, int]] = deque()

    def run(
        self,
        jobs: Iterable[J],
        keep: Callable[[Sequence[R]], None],
        give_up: Callable[[J, str, bool], R],
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Work until every job is kept, or until `stop` says so and what is under way has come back.

        `give_up(job, why, overdue)` makes the result of a job that cannot be done.
        """
        todo = deque(jobs)
        under_way = 0
        tried: dict[int, tuple[J, int]] = {}
        while True:
            while self._pool.idle and (todo or self._alone) and not stop():
                batch = self._next_batch(todo, tried)
                self._sent[id(batch)] = time.monotonic()
                self._pool.submit(batch, _GRACE_S + self._limit_s * len(batch))
                under_way += 1
            if not under_way:
                return
            back = self._pool.next()
            if back is None:
                continue
            under_way -= 1
            began = self._sent.pop(id(back.batch))
            before = tried.pop(id(back.batch), None)
            if isinstance(back, Done):
                self._learn(time.monotonic() - began, len(back.batch))
                keep(back.results)
            else:
                self._lost(back, before[1] if before else 0, keep, give_up)

    def _next_batch(self, todo: deque[J], tried: dict[int, tuple[J, int]]) -> Sequence[J]:
        if self._alone:
            job, times = self._alone.popleft()
            batch = [job]
            tried[id(batch)] = (job, times)
            return batch
        return [todo.popleft() for _ in range(min(len(todo), self._size(len(todo))))]

    def _size(self, left: int) -> int:
        if self._cost_s is None:
            return 1
        worth = math.ceil(self._batch_s / max(self._cost_s, 1e-9))
        share = math.ceil(left / (2 * self._pool.size))
        return max(1, min(worth, share, _LARGEST))

    def _learn(self, wall_s: float, jobs: int) -> None:
        cost = wall_s / jobs
        self._cost_s = cost if self._cost_s is None else 0.5 * (self._cost_s + cost)

    def _lost(
        self,
        back: Lost[J],
        times: int,
        keep: Callable[[Sequence[R]], None],
        give_up: Callable[[J, str, bool], R],
    ) -> None:
        times += 1
        if len(back.batch) == 1 and (back.overdue or times >= self._tries):
            again = f" ({times} times)" if times > 1 else ""
            keep([give_up(back.batch[0], f"{back.why}{again}", back.overdue)])
            return
        count = times if len(back.batch) == 1 else 0
        self._alone.extend((job, count) for job in back.batch)
