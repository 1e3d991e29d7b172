"""Compile what every run needs, once per machine: later runs and all workers of a sweep find it on disk."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from scenarios.run import run_case
from scenarios.settings import compose
from scenarios.written import Written
from twin.clock import seconds
from twin.kernel import KERNEL_CACHE, KERNELS_HASH

_SCENARIO: Final = """
scenario: warm_up
map: motorway_3_lanes
odd: motorway
ego: {vehicle: mid_sedan, start: {lane: 2, s: 100 m, speed: 20 m/s}, driver: reference.fsm, rig: full}
actors:
  lead: {vehicle: van, start: {ahead_of: ego, gap: 25 m, speed: 15 m/s}, driver: traffic}
story:
  - {when: ego.gap_to(lead) < 30 m, do: {lead: {change_lane: {to: left}}}}
criteria: {no_collision: true, ttc: min >= 0 s}
end: {after: 1 s}
"""


def is_warm() -> bool:
    """Return whether the kernels of these sources lie compiled on disk."""
    return _marker().is_file()


def warm() -> None:
    """Compile unless that has been done; of several processes at once, one compiles and the others wait."""
    if is_warm():
        return
    _marker().parent.mkdir(parents=True, exist_ok=True)
    with _marker().with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_warm():
            return
        settings = compose([])
        case = Written("warm_up.yaml", _SCENARIO).case({}, 1, settings)
        run_case(case, settings.engine.name, seconds(settings.engine.run_budget), {})
        _marker().touch()


def _marker() -> Path:
    return Path(os.environ.get("NUMBA_CACHE_DIR", KERNEL_CACHE)) / f"warm-{KERNELS_HASH}"
