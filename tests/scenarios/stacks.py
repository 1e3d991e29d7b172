"""Stacks that misbehave, each in one way."""

from __future__ import annotations

import os
import time

from twin.command import Command
from twin.ports import Brief
from twin.samples import Seen


class Still:
    """Holds its speed, and misbehaves from the given tick on."""

    def __init__(self, tick: int = 5) -> None:
        self.left = tick

    def start(self, brief: Brief) -> None:
        del brief

    def act(self, seen: Seen) -> Command:
        del seen
        self.left -= 1
        return Command(0.0, 0.0) if self.left >= 0 else self.misbehave()

    def misbehave(self) -> Command:
        return Command(0.0, 0.0)

    def close(self) -> None: ...


class Raises(Still):
    def misbehave(self) -> Command:
        raise RuntimeError("the planner has no plan")


class Hangs(Still):
    def misbehave(self) -> Command:
        while True:
            time.sleep(0.01)


class AnswersNan(Still):
    def misbehave(self) -> Command:
        return Command(float("nan"), 0.0)


class Dies(Still):
    def misbehave(self) -> Command:
        os._exit(9)


class NeverStarts(Still):
    def start(self, brief: Brief) -> None:
        raise ValueError("no licence")


class CannotClose(Still):
    def close(self) -> None:
        raise OSError("socket already gone")
