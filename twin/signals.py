"""Traffic light programmes: which lamp is lit when."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from twin.kernel import kernel
from twin.road.arrays import Road
from twin.state import LAMP_GREEN, LAMP_RED, LAMP_RED_YELLOW, LAMP_YELLOW, Ints

GREEN_NS = 20_000_000_000
YELLOW_NS = 3_000_000_000  # 3 s at 50 km/h (RiLSA 2015, table 4)
CLEARING_NS = 2_000_000_000  # all red between two stages
RED_YELLOW_NS = 1_000_000_000


class Programmes(NamedTuple):
    """Fixed-time programmes of all signals, phases in one flat list. `first` is (signals + 1,).

    A signal without phases stays off. The cycle starts `offset_ns` before t = 0.
    """

    first: Ints
    lamp: Ints  # (phases,)
    duration_ns: Ints  # (phases,)
    offset_ns: Ints  # (signals,)


@kernel
def lamp_at(programmes: Programmes, signal: int, t_ns: int) -> int:
    """Return the lamp of one signal at t_ns."""
    first = programmes.first[signal]
    last = programmes.first[signal + 1]
    cycle = np.int64(0)
    for i in range(first, last):
        cycle += programmes.duration_ns[i]
    if cycle <= 0:
        return 0
    t = (t_ns + programmes.offset_ns[signal]) % cycle
    for i in range(first, last):
        if t < programmes.duration_ns[i]:
            return int(programmes.lamp[i])
        t -= programmes.duration_ns[i]
    return int(programmes.lamp[last - 1])


def default_programmes(road: Road) -> Programmes:
    """Return a fixed-time programme for every signal of a map, in the order of Road.signal_names.

    The signals of a junction take turns in stages: one stage per controller of the junction; signals without one
    share a stage with those whose approach has the same axis (opposite approaches go together). Each stage is red and
    yellow, green, yellow, then all red; the others stay red. All junctions start with their first stage at t = 0.
    """
    stage_of = np.zeros(len(road.signal_names), dtype=np.int64)
    stages_of = np.ones(len(road.signal_names), dtype=np.int64)
    for stages in _stages(road):
        for stage, signals in enumerate(stages):
            stage_of[list(signals)] = stage
            stages_of[list(signals)] = len(stages)
    first, lamp, duration = [0], [], []
    turn = RED_YELLOW_NS + GREEN_NS + YELLOW_NS + CLEARING_NS
    for stage, count in zip(stage_of.tolist(), stages_of.tolist()):
        before, after = stage * turn, (count - stage - 1) * turn
        phases = [
            (LAMP_RED, before),
            (LAMP_RED_YELLOW, RED_YELLOW_NS),
            (LAMP_GREEN, GREEN_NS),
            (LAMP_YELLOW, YELLOW_NS),
            (LAMP_RED, CLEARING_NS + (after if count > 1 else turn)),
        ]
        kept = [(shown, ns) for shown, ns in phases if ns > 0]
        lamp += [shown for shown, _ in kept]
        duration += [ns for _, ns in kept]
        first.append(len(lamp))
    return Programmes(
        first=np.array(first, dtype=np.int64),
        lamp=np.array(lamp, dtype=np.int64),
        duration_ns=np.array(duration, dtype=np.int64),
        offset_ns=np.zeros(len(road.signal_names), dtype=np.int64),
    )


def _stages(road: Road) -> list[list[set[int]]]:
    """Return, for each junction with signals, the sets of signals that show green together, in order."""
    rows = {name: row for row, name in enumerate(road.signal_names)}
    controller_of = {
        rows[signal]: controller
        for controller, signals in sorted(road.controllers.items())
        for signal in signals
        if signal in rows
    }
    home_of = {c: junction for junction, ids in sorted(road.junction_controllers.items()) for c in ids}
    junctions: dict[str, dict[tuple[int, str], set[int]]] = {}
    for signal in range(len(road.signal_names)):
        controller = controller_of.get(signal)
        axis, junction = _approach(road, signal)
        home = home_of.get(controller, junction) if controller is not None else junction
        key = (0, controller) if controller is not None else (1, str(axis))
        junctions.setdefault(home, {}).setdefault(key, set()).add(signal)
    return [[stages[key] for key in sorted(stages)] for _, stages in sorted(junctions.items())]


def _approach(road: Road, signal: int) -> tuple[int, str]:
    """Return the axis of the approach (quarters of a turn modulo half a turn) and the junction a signal guards."""
    a = road.arrays
    for k in np.flatnonzero(a.stop_signal == signal):
        lane = int(a.stop_lane[k])
        inside = a.junction[lane] >= 0
        guarded = lane if inside else int(a.straight[lane])
        heading = float(a.heading[a.first[lane]] if inside else a.heading[a.first[lane + 1] - 1])
        junction = int(a.junction[guarded]) if guarded >= 0 else -1
        name = road.junction_names[junction] if junction >= 0 else f"alone {signal}"
        return round(heading / (math.pi / 2)) % 2, name
    return 0, f"alone {signal}"
