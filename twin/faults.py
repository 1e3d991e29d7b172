"""The fault schedule: what can be injected where, and how hard it is on at a tick.

A channel is one entry of a scenario's `faults:` (or one `fault:` action of its story); its severity per tick is written
by the story and read by the device that the fault sits on. Severity 0 is bit-identical to no fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """One channel of the schedule. `component` reads actor.part ("ego.lidar_front", "ego.brake"); parameters in SI."""

    component: str
    name: str
    parameters: Mapping[str, float] = field(default_factory=dict)
