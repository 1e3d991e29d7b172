"""Long-lived Ray actors, on this machine or on a cluster. Ray lives in this file alone."""

from __future__ import annotations

import logging
import os
import pickle
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from scenarios.pools import Done, J, Lost, R, Work
from twin.errors import InfrastructureError

_START_S = 300.0  # longest time that workers may take to start
_REACH_S = 5.0  # longest time that a cluster may take to answer a knock
_LOOK_S = 0.2  # how often a waiting pool looks up


class _Worker:
    """One Ray actor: builds its work once and keeps it."""

    def __init__(self, pickled: bytes, path: list[str], folder: str) -> None:
        sys.path.extend(p for p in path if p not in sys.path)
        if os.path.isdir(folder):
            os.chdir(folder)
        self._work: Work[Any, Any] = pickle.loads(pickled)()

    def ready(self) -> int:
        return os.getpid()

    def run(self, batch: Sequence[Any]) -> list[Any]:
        return self._work(batch)


@dataclass(slots=True)
class _Busy:
    actor: Any
    batch: Sequence[Any]
    until: float


class OnRay(Generic[J, R]):
    """Ray actors on this machine, or on the cluster at `address`."""

    def __init__(self, make: Callable[[], Work[J, R]], workers: int, address: str | None = None) -> None:
        self.size = workers
        self._started = _start(workers, address)
        try:
            self._make = ray.put(ray.cloudpickle.dumps(make))  # type: ignore[no-untyped-call]
            self._idle = [self._hire() for _ in range(workers)]
            self.pids: list[int] = ray.get([actor.ready.remote() for actor in self._idle], timeout=_START_S)
        except (RayError, TimeoutError) as error:
            self._stop()
            raise InfrastructureError(f"the workers did not start: {_brief(error)}") from error
        self._busy: dict[Any, _Busy] = {}

    @property
    def idle(self) -> int:
        return len(self._idle)

    def submit(self, batch: Sequence[J], limit_s: float) -> None:
        actor = self._idle.pop()
        self._busy[actor.run.remote(batch)] = _Busy(actor, batch, time.monotonic() + limit_s)

    def next(self) -> Done[J, R] | Lost[J] | None:
        if not self._busy:
            return None
        ready, _ = ray.wait(list(self._busy), num_returns=1, timeout=_LOOK_S)
        if ready:
            return self._collect(ready[0])
        now = time.monotonic()
        late = next((ref for ref, busy in self._busy.items() if now > busy.until), None)
        return None if late is None else self._end(late)

    def close(self) -> None:
        for busy in self._busy.values():
            ray.kill(busy.actor)
        for actor in self._idle:
            ray.kill(actor)
        self._busy.clear()
        self._idle.clear()
        self._stop()

    def _hire(self) -> Any:
        return ray.remote(num_cpus=1, max_restarts=0)(_Worker).remote(self._make, sys.path, os.getcwd())

    def _collect(self, ref: Any) -> Done[J, R] | Lost[J]:
        busy = self._busy.pop(ref)
        try:
            results: list[R] = ray.get(ref)
        except RayTaskError as error:
            self._idle.append(busy.actor)
            raise InfrastructureError(f"a worker failed: {_brief(error)}") from error
        except RayActorError:
            self._idle.append(self._hire())
            return Lost(busy.batch, "the worker died")
        self._idle.append(busy.actor)
        return Done(busy.batch, results)

    def _end(self, ref: Any) -> Lost[J]:
        busy = self._busy.pop(ref)
        ray.kill(busy.actor)
        self._idle.append(self._hire())
        return Lost(busy.batch, "the worker did not answer in time", overdue=True)

    def _stop(self) -> None:
        if self._started:
            ray.shutdown()


def _refuse_unreachable(address: str) -> None:
    """Raise InfrastructureError when nobody listens at host:port; Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_REACH_S).close()
    except (OSError, OverflowError) as error:
        raise InfrastructureError(
            f"nobody answers at ray.address={address}: {error}; start a cluster there, or leave it out"
        ) from error


def _start(workers: int, address: str | None) -> bool:
    """Start Ray, or attach to the cluster at `address`; return whether it is ours to stop."""
    if ray.is_initialized():
        return False
    try:
        if address:
            _refuse_unreachable(address)
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        else:
            ray.init(
                address="local",
                num_cpus=workers,
                include_dashboard=False,
                object_store_memory=100_000_000,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
    except (RayError, OSError, ValueError, RuntimeError) as error:
        where = f"the cluster at '{address}' cannot be reached" if address else "Ray did not start"
        raise InfrastructureError(f"{where}: {_brief(error)}; workers=0 works without it") from error
    return True


def _brief(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
