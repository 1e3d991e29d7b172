"""Keep any driver to its contract: a budget for every call, and an answer that is a finite command."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable
from typing import TypeVar

from hil.deadline import DeadlinePassed, deadline
from twin.case import DriverSpec
from twin.command import Command
from twin.errors import StackCrash, StackError, StackGarbage, StackTimeout
from twin.ports import Brief, Driver
from twin.samples import Seen

T = TypeVar("T")


class Hosted:
    """A driver behind the contract. What it does wrong comes out as StackError, whatever it raised."""

    def __init__(self, driver: Driver, spec: DriverSpec) -> None:
        self._driver = driver
        self._spec = spec

    def start(self, brief: Brief) -> None:
        self._call("start", self._spec.start_budget_s, lambda: self._driver.start(brief))

    def act(self, seen: Seen) -> Command:
        return checked(self._call("act", self._spec.step_budget_s, lambda: self._driver.act(seen)))

    def close(self) -> None:
        self._call("close", self._spec.start_budget_s, self._driver.close)

    def _call(self, method: str, budget_s: float, call: Callable[[], T]) -> T:
        who = f"driver '{self._spec.name}', {method}()"
        try:
            with deadline(budget_s):
                return call()
        except DeadlinePassed as error:
            raise StackTimeout(f"{who} ran past its budget of {budget_s:g} s") from error
        except StackError:
            raise
        except (Exception, SystemExit) as error:
            raise StackCrash(f"{who} raised {type(error).__name__}: {error}{_where(error)}") from error


def checked(answer: object) -> Command:
    """Return `answer` if it is a usable command. Raises StackGarbage saying what is wrong with it."""
    if not isinstance(answer, Command):
        raise StackGarbage(f"the driver answered {type(answer).__name__}, not a Command")
    for name in ("accel_mps2", "steer_rad"):
        value = getattr(answer, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise StackGarbage(f"the driver answered {name} = {value!r}, not a finite number")
    return answer


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
