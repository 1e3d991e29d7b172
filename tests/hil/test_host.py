"""A driver that breaks its contract is named, and never takes the run down with it."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

import pytest

from hil.drivers import DRIVERS, make
from hil.host import Hosted, checked
from twin.case import DriverSpec
from twin.command import Command
from twin.errors import InputError, StackCrash, StackGarbage, StackTimeout, UnknownName
from twin.ports import Brief
from twin.samples import Seen

SEEN = Seen(0, ())


class Scripted:
    """Answer whatever the test says."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    def start(self, brief: Brief) -> None:
        del brief

    def act(self, seen: Seen) -> Any:
        return self.answer(seen) if callable(self.answer) else self.answer

    def close(self) -> None:
        return None


def hosted(answer: Any, budget_s: float = 5.0) -> Hosted:
    return Hosted(Scripted(answer), DriverSpec("scripted", step_budget_s=budget_s))


def test_a_good_answer_passes_through() -> None:
    command = Command(1.0, -0.1)
    assert hosted(command).act(SEEN) is command


@pytest.mark.parametrize(
    "answer",
    [None, 3.0, (1.0, 0.0), Command(math.nan, 0.0), Command(0.0, math.inf), Command("1", 0.0), Command(True, 0.0)],  # type: ignore[arg-type]
)
def test_an_answer_that_is_no_finite_command_is_garbage(answer: Any) -> None:
    with pytest.raises(StackGarbage):
        hosted(answer).act(SEEN)


def test_a_driver_that_raises_is_a_crash_that_names_its_place() -> None:
    def broken(_seen: Seen) -> Command:
        raise KeyError("lane")

    with pytest.raises(StackCrash, match=r"KeyError.*test_host\.py"):
        hosted(broken).act(SEEN)


def test_a_driver_that_exits_is_a_crash() -> None:
    def leaver(_seen: Seen) -> Command:
        raise SystemExit(3)

    with pytest.raises(StackCrash):
        hosted(leaver).act(SEEN)


def spin(_seen: Seen) -> Command:
    while True:
        try:
            time.sleep(0)
        except Exception:
            continue


def sleep(_seen: Seen) -> Command:
    time.sleep(60.0)
    return Command(0.0, 0.0)


@pytest.mark.parametrize("hang", [spin, sleep])
def test_a_driver_that_hangs_is_interrupted_on_the_main_thread(hang: Any) -> None:
    with pytest.raises(StackTimeout, match=r"budget of 0\.05 s"):
        hosted(hang, budget_s=0.05).act(SEEN)
    time.sleep(0.25)  # no late alarm may follow


def test_a_driver_that_hangs_is_interrupted_on_another_thread() -> None:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            hosted(spin, budget_s=0.05).act(SEEN)
        except StackTimeout as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=10.0)
    assert len(caught) == 1


def test_a_numpy_float_is_a_number() -> None:
    import numpy as np

    command = Command(np.float64(0.5), 0.0)
    assert checked(command) is command


def test_an_unknown_driver_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"reference\.fsn.*did you mean 'reference\.fsm'"):
        make(DriverSpec("reference.fsn"))


def test_a_driver_of_an_unknown_module_says_so() -> None:
    with pytest.raises(InputError, match="no_such_module"):
        make(DriverSpec("no_such_module:Driver"))


def test_wrong_parameters_are_an_input_error() -> None:
    with pytest.raises(InputError, match="headwy_s"):
        make(DriverSpec("reference.fsm", {"headwy_s": 2.0}))


def test_a_class_without_the_methods_is_refused() -> None:
    with pytest.raises(InputError, match="no method 'start'"):
        make(DriverSpec("collections:OrderedDict"))


@pytest.mark.parametrize("name", list(DRIVERS))
def test_every_row_of_the_catalogue_can_be_built(name: str) -> None:
    assert callable(make(DriverSpec(name)).act)
