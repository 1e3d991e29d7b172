"""When and why the driving was given up: one typed event per episode."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Disengagement:
    """One episode. `who` gave up ("stack", "monitor") for which `cause` (the values of `twin.command.Cause`).

    `odd` is IN, OUT or UNKNOWN at that moment; `lead_s` the time between the event and the limit it anticipates, 0
    when it came at the limit or after; nan when there is no limit to anticipate.
    """

    t_s: float
    who: str
    cause: str
    odd: str
    lead_s: float
    speed_mps: float
    note: str = ""
