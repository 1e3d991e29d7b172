"""A run as a scene that a browser can draw: the road near the action, everybody's way, and what happened when.

The scene is plain JSON. Lengths are whole centimetres from `origin`, angles milliradians, speeds cm/s. A track is a
list of differences from tick to tick that ends with its last change; a state is a list of [tick, value] changes. The
seed is text: it may have more digits than a browser's numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.clock import seconds
from twin.run import MODES, Run, Series
from twin.state import (
    AX,
    CENTER_X,
    DONE,
    EGO,
    KIND,
    KIND_NAMES,
    LAMP_NAMES,
    LENGTH,
    PRESENT,
    RUNNING,
    VX,
    VY,
    WIDTH,
    YAW,
    Contact,
    Floats,
    Ints,
    X,
    Y,
)
from twin.view.ground import ground

Scene = dict[str, Any]

VERSION: Final = 1
_MAX_TICKS: Final = 4000
_CM: Final = 100.0
_MRAD: Final = 1000.0
_LONGEST_S: Final = 10.0  # a time to something that is further off says nothing about a conflict


@dataclass(frozen=True, slots=True)
class Mark:
    """Something worth a flag on the timeline, from `t_ns` to `end_ns` (None = an instant)."""

    t_ns: int
    kind: str  # story, fault, driver, contact, disengagement, finding
    text: str
    end_ns: int | None = None


def encode(run: Run, series: Sequence[Series] = (), marks: Iterable[Mark] = (), title: str = "") -> Scene:
    """Return the scene of a run. `series` become strip charts below the speed, which is always there; `marks` join the
    run's own events. A strip in seconds ends at 10 s: what lies beyond is left out and marked so.

    Runs of more than 4000 ticks are thinned to every second, third, ... tick.
    """
    stride = max(1, -(-len(run.t_ns) // _MAX_TICKS))
    keep = np.arange(0, len(run.t_ns), stride)
    actors = [i for i in range(len(run.case.actors)) if run.n[:, PRESENT, i].any()]
    f = run.f[keep]
    origin = np.floor(f[0, [X, Y], EGO]) if len(keep) else np.zeros(2)
    ways = f[:, [X, Y], :][:, :, actors].transpose(0, 2, 1).reshape(-1, 2)
    present = run.n[keep][:, PRESENT, :][:, actors].astype(bool).reshape(-1)
    road = run.case.road
    return {
        "version": VERSION,
        "title": title or run.case.scenario,
        "about": run.case.about,
        "scenario": run.case.scenario,
        "seed": str(run.case.seed),
        "driver": run.case.driver.name,
        "map": road.name,
        "values": {k: _value(v) for k, v in run.case.values.items()},
        "ticks": len(keep),
        "step_s": seconds(run.case.step_ns) * stride,
        "origin": origin.tolist(),
        "stopped": run.stopped,
        "failure": f"{run.failure_kind}: {run.failure}" if run.failure_kind else "",
        "ground": ground(road, ways[present], origin),
        "lamp_names": list(LAMP_NAMES),
        "lamps": [states(run.lamps[keep, k]) for k in range(run.lamps.shape[1])],
        "modes": list(MODES),
        "mode": states(run.mode[keep]),
        "command": {
            "accel": optional(run.command[keep, 0], _CM),
            "steer": optional(run.command[keep, 1], _MRAD),
        },
        "estimate": {
            "x": optional(run.estimate[keep, 0] - origin[0], _CM),
            "y": optional(run.estimate[keep, 1] - origin[1], _CM),
            "yaw": optional(run.estimate[keep, 2], _MRAD),
        },
        "actors": [_actor(run, keep, i, origin) for i in actors],
        "faults": [
            {"name": f"{c.component}: {c.name}", "on": states((run.severity[keep, k] * 100).round().astype(np.int64))}
            for k, c in enumerate(run.case.faults[: run.severity.shape[1]])
        ],
        "series": [_strip(s, keep) for s in series if s.name != "speed"],
        "contacts": [_touch(c, origin) for c in run.contacts],
        "marks": [
            {"t": m.t_ns / 1e9, "end": None if m.end_ns is None else m.end_ns / 1e9, "kind": m.kind, "text": m.text}
            for m in sorted([*_own_marks(run), *marks], key=lambda m: m.t_ns)
        ],
    }


def track(values: Floats, scale: float) -> list[int]:
    """Return whole steps of 1 / scale as first value and differences, without the zeros at the end."""
    if len(values) == 0:
        return []
    whole = np.rint(np.nan_to_num(values, posinf=0.0, neginf=0.0) * scale).astype(np.int64)
    steps = np.diff(whole, prepend=np.int64(0))
    last = np.flatnonzero(steps)
    return [int(v) for v in steps[: int(last[-1]) + 1 if len(last) else 1]]


def optional(values: Floats, scale: float) -> list[int | None]:
    """Return whole steps of 1 / scale, None where a value is not finite."""
    return [round(v * scale) if np.isfinite(v) else None for v in values.tolist()]


def states(values: Ints) -> list[list[int]]:
    """Return the changes of a state as [tick, new value]."""
    if len(values) == 0:
        return []
    at = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    return [[int(k), int(values[k])] for k in at]


def _actor(run: Run, keep: NDArray[np.int64], i: int, origin: Floats) -> Scene:
    f, p = run.f[keep][:, :, i], run.case.p[:, i]
    return {
        "name": run.case.actors[i],
        "kind": KIND_NAMES[int(p[KIND])],
        "box": [round(float(p[LENGTH]) * _CM), round(float(p[WIDTH]) * _CM), round(float(p[CENTER_X]) * _CM)],
        "x": track(f[:, X] - origin[0], _CM),
        "y": track(f[:, Y] - origin[1], _CM),
        "yaw": track(np.unwrap(f[:, YAW]), _MRAD),
        "speed": track(np.copysign(np.hypot(f[:, VX], f[:, VY]), f[:, VX]), _CM),
        "accel": track(f[:, AX], _CM),
        "present": states(run.n[keep, PRESENT, i]),
    }


def _strip(series: Series, keep: NDArray[np.int64]) -> Scene:
    values = np.where(series.valid, series.values, np.nan)[keep]
    cap = _LONGEST_S if series.unit == "s" else None
    if cap is not None:
        values = np.where(values > cap, np.inf, values)
    return {
        "name": series.name,
        "unit": series.unit,
        "scale": 100,
        "cap": cap,
        "beyond": [] if cap is None else states((values > cap).astype(np.int64)),
        "values": optional(values, 100.0),
    }


def _touch(contact: Contact, origin: Floats) -> Scene:
    return {
        "t": seconds(contact.t_ns),
        "x": round((contact.x - float(origin[0])) * _CM),
        "y": round((contact.y - float(origin[1])) * _CM),
        "closing": round(contact.closing_mps, 2),
    }


def _own_marks(run: Run) -> list[Mark]:
    faults = _fault_marks(run)
    told = {f"fault {m.text}" for m in faults}
    story = [m for m in _story_marks(run) if m.text not in told]
    return [*story, *faults, *_driver_marks(run), *_contact_marks(run)]


def _story_marks(run: Run) -> list[Mark]:
    out = []
    for k in range(run.story.shape[1]):
        named = run.case.event_names[k] if k < len(run.case.event_names) else ""
        for a, b in _spans(run.story[:, k] == RUNNING, run.t_ns):
            out.append(Mark(a, "story", named or f"event {k + 1}", b))
        at = np.flatnonzero((run.story[1:, k] == DONE) & (run.story[:-1, k] != DONE) & (run.story[:-1, k] != RUNNING))
        out += [Mark(int(run.t_ns[i + 1]), "story", named or f"event {k + 1}") for i in at]
    return out


def _fault_marks(run: Run) -> list[Mark]:
    return [
        Mark(a, "fault", f"{fault.name} on {fault.component}", b)
        for k, fault in enumerate(run.case.faults[: run.severity.shape[1]])
        for a, b in _spans(run.severity[:, k] > 0.0, run.t_ns)
    ]


def _driver_marks(run: Run) -> list[Mark]:
    out = []
    for index, name in enumerate(MODES[1:], start=1):
        for a, b in _spans(run.mode == index, run.t_ns):
            cause = run.cause[int(np.searchsorted(run.t_ns, a))]
            out.append(Mark(a, "driver", f"{name.replace('_', ' ')} ({cause})", b))
    if run.failure_kind and len(run.t_ns):
        out.append(Mark(int(run.t_ns[-1]), "driver", f"{run.failure_kind}: {run.failure}"))
    return out


def _contact_marks(run: Run) -> list[Mark]:
    def who(number: int) -> str:
        return run.case.actors[number] if number >= 0 else f"map object {-1 - number}"

    return [
        Mark(c.t_ns, "contact", f"{who(c.a)} touches {who(c.b)} at {c.closing_mps * 3.6:.0f} km/h")
        for c in run.contacts
    ]


def _spans(on: NDArray[np.bool_], t_ns: Ints) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], on, [False])).astype(np.int8)))
    last = len(t_ns) - 1
    return [(int(t_ns[a]), int(t_ns[min(b, last)])) for a, b in edges.reshape(-1, 2)]


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
