"""Interrupt Python code that runs past its budget.

On a process's main thread an interval timer raises in the running code, which also wakes sleeps and waits; on another
thread the exception is planted and is raised at that thread's next bytecode. Neither breaks into a call of compiled
code that never comes back: whoever must survive that runs the stack in a process of its own.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_REPEAT_S = 0.2  # code that swallows the first interruption meets the next


class DeadlinePassed(BaseException):
    """Raised inside the code that ran too long; not an Exception, so that `except Exception` lets it through."""


@contextmanager
def deadline(budget_s: float) -> Iterator[None]:
    """Raise DeadlinePassed in the body once it has run for `budget_s` of wall clock."""
    if threading.current_thread() is threading.main_thread():
        with _alarm(budget_s):
            yield
    else:
        with _planted(budget_s):
            yield


@contextmanager
def _alarm(budget_s: float) -> Iterator[None]:
    armed = True

    def ring(_signal: int, _frame: FrameType | None) -> None:
        if armed:
            raise DeadlinePassed

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, budget_s, _REPEAT_S)
    try:
        try:
            yield
        finally:
            armed = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _planted(budget_s: float) -> Iterator[None]:
    target = ctypes.c_ulong(threading.get_ident())
    plant = ctypes.pythonapi.PyThreadState_SetAsyncExc
    done = threading.Event()

    def ring() -> None:
        if not done.wait(budget_s):
            plant(target, ctypes.py_object(DeadlinePassed))

    watch = threading.Thread(target=ring, daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()
