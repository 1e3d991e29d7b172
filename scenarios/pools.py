"""Who does the work: this process, or workers that may die at any moment."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

J = TypeVar("J")
R = TypeVar("R")
Work = Callable[[Sequence[J]], list[R]]

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # Ray prints worker deaths on our stdout; the dispatch tells them itself
}
_ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # off: every port is bound to 127.0.0.1 alone


@dataclass(frozen=True, slots=True)
class Done(Generic[J, R]):
    """A batch with its results."""

    batch: Sequence[J]
    results: list[R]


@dataclass(frozen=True, slots=True)
class Lost(Generic[J]):
    """A batch whose worker died (or was ended because it was `overdue`) before it answered."""

    batch: Sequence[J]
    why: str
    overdue: bool = False


class Pool(Protocol[J, R]):
    """Takes batches and gives each back once, done or lost."""

    size: int

    @property
    def idle(self) -> int: ...

    def submit(self, batch: Sequence[J], limit_s: float) -> None:
        """Give a batch to an idle worker; it is lost when it has no answer after `limit_s` of wall clock."""
        ...

    def next(self) -> Done[J, R] | Lost[J] | None:
        """Return a batch that came back, or None when none did within a moment."""
        ...

    def close(self) -> None: ...


class Inline(Generic[J, R]):
    """Work in this process, one batch at a time: for debugging, tests and small sweeps."""

    size = 1

    def __init__(self, make: Callable[[], Work[J, R]]) -> None:
        self._work = make()
        self._waiting: deque[Sequence[J]] = deque()

    @property
    def idle(self) -> int:
        return 1 - len(self._waiting)

    def submit(self, batch: Sequence[J], limit_s: float) -> None:
        del limit_s
        self._waiting.append(batch)

    def next(self) -> Done[J, R] | None:
        if not self._waiting:
            return None
        batch = self._waiting.popleft()
        return Done(batch, self._work(batch))

    def close(self) -> None:
        self._waiting.clear()


def pool(make: Callable[[], Work[J, R]], workers: int, address: str | None = None) -> Pool[J, R]:
    """Return a pool: `workers` 0 works in this process, more on Ray, here or at `address`.

    Ray is imported only now: it costs half a second, and reads these variables when it is imported.
    Raises InfrastructureError.
    """
    if workers == 0:
        return Inline(make)
    os.environ.update(_QUIET)
    if address is None:
        os.environ.update(_ON_LOOPBACK)
    from scenarios.cluster import OnRay

    return OnRay(make, workers, address)
