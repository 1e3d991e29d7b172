"""The driver that does nothing: no acceleration, straight on. A baseline, and the null object of tests."""

from __future__ import annotations

from twin.command import Command
from twin.ports import Brief
from twin.samples import Seen


class Hold:
    """Answer zero acceleration and zero steering at every tick."""

    def start(self, brief: Brief) -> None:
        del brief

    def act(self, seen: Seen) -> Command:
        del seen
        return Command(0.0, 0.0)

    def close(self) -> None:
        return None
