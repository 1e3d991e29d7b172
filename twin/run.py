"""A finished run as arrays over time, and what a metric makes of it. Reports know nothing else of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.case import Case
from twin.state import Contact, Floats, Ints

MODES = ("engaged", "takeover_request", "minimal_risk")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one case; leading axis = ticks, T of them.

    `command` holds accel_mps2 and steer_rad, nan where the driver gave none; `mode` indexes MODES; `estimate` is the
    newest localisation the stack had (x, y, yaw, speed, std; nan before the first).
    `failure` names what the stack did wrong ("" = nothing); its kind is StackCrash, StackTimeout or StackGarbage.
    `stopped` is "end" (the scenario's end held), "after" (its longest time is up), "budget" (wall clock or operator),
    or "stack" (the driver failed).
    """

    case: Case
    t_ns: Ints  # (T,)
    f: Floats  # (T, F_ROWS, actors)
    n: Ints  # (T, N_ROWS, actors)
    environment: Floats  # (T, E_ROWS)
    lamps: Ints  # (T, signals)
    severity: Floats  # (T, channels)
    story: Ints  # (T, events)
    command: Floats  # (T, 2)
    mode: Ints  # (T,)
    cause: tuple[str, ...]  # (T,) Cause values
    estimate: Floats  # (T, 5)
    contacts: tuple[Contact, ...]
    hashes: NDArray[np.uint64]  # (T,)
    failure_kind: str
    failure: str
    stopped: str


@dataclass(frozen=True, slots=True)
class Series:
    """A metric over a run. Where `valid` is False the metric does not apply: that is not zero."""

    name: str
    unit: str
    t_ns: Ints  # (T,)
    values: Floats  # (T,)
    valid: NDArray[np.bool_]  # (T,)
    better: str = ""  # "higher", "lower" or ""
