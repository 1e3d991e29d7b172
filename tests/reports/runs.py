"""Runs made by hand: everybody goes on as in the case's first tick, unless a test says otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from twin.case import Case
from twin.run import Run
from twin.state import TRAVELLED, VX, VY, YAW, S, X, Y


def coasting(case: Case, ticks: int, **changed: Any) -> Run:
    """Return a run in which every actor keeps its velocity; lanes must be straight."""
    t_ns = np.arange(ticks, dtype=np.int64) * case.step_ns
    t = t_ns * 1e-9
    f = np.repeat(case.f0[None], ticks, axis=0)
    c, s = np.cos(case.f0[YAW]), np.sin(case.f0[YAW])
    vx, vy = case.f0[VX] * c - case.f0[VY] * s, case.f0[VX] * s + case.f0[VY] * c
    f[:, X] += t[:, None] * vx
    f[:, Y] += t[:, None] * vy
    f[:, S] += t[:, None] * vx
    f[:, TRAVELLED] += t[:, None] * np.hypot(vx, vy)
    fields: dict[str, Any] = {
        "case": case,
        "t_ns": t_ns,
        "f": f,
        "n": np.repeat(case.n0[None], ticks, axis=0),
        "environment": np.repeat(case.environment[None], ticks, axis=0),
        "lamps": np.zeros((ticks, len(case.road.signal_names)), np.int64),
        "severity": np.zeros((ticks, len(case.faults))),
        "story": np.zeros((ticks, max(len(case.event_names), 1)), np.int64),
        "command": np.zeros((ticks, 2)),
        "mode": np.zeros(ticks, np.int64),
        "cause": ("none",) * ticks,
        "estimate": np.stack([f[:, X, 0], f[:, Y, 0], f[:, YAW, 0], f[:, VX, 0], np.full(ticks, 0.05)], axis=1),
        "contacts": (),
        "hashes": np.zeros(ticks, np.uint64),
        "failure_kind": "",
        "failure": "",
        "stopped": "after",
    }
    return Run(**(fields | changed))


def changed(run: Run, **fields: Any) -> Run:
    """Return the run with other fields."""
    return replace(run, **fields)
