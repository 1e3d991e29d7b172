"""What a formula can ask of a run: metrics by name, signals of actors and of the world, each over all ticks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from reports.metrics import METRICS, YES_NO
from twin.errors import InputError, UnknownName
from twin.kernel import kernel
from twin.road.arrays import RoadArrays
from twin.run import Run, Series
from twin.state import (
    DONE,
    EGO,
    LAMP_NAMES,
    RUNNING,
    SKIPPED,
    TIME_OF_DAY,
    Floats,
    Ints,
    World,
)
from twin.story import tables as story
from twin.story.measure import relation, signal_of
from twin.syntax import Expr, Signal, Text
from twin.vocabulary import ACTOR_SIGNALS

Kind = Literal["number", "bool", "lane", "lamp"]


@dataclass(frozen=True, slots=True)
class Column:
    """Values over the run: numbers, conditions (1, 0), rows of lanes (-1 none) or lamps. nan means unknown."""

    values: Floats  # (T,)
    kind: Kind
    unit: str


_PLAIN: Final = {
    "x": story.SIG_X,
    "y": story.SIG_Y,
    "z": story.SIG_Z,
    "heading": story.SIG_HEADING,
    "speed": story.SIG_SPEED,
    "accel": story.SIG_ACCEL,
    "decel": story.SIG_ACCEL,
    "lat_speed": story.SIG_LAT_SPEED,
    "lat_accel": story.SIG_LAT_ACCEL,
    "lane": story.SIG_LANE,
    "lane_offset": story.SIG_LANE_OFFSET,
    "road": story.SIG_ROAD,
    "s": story.SIG_S,
    "travelled": story.SIG_TRAVELLED,
    "stopped": story.SIG_STOPPED,
    "offroad": story.SIG_OFFROAD,
    "at_road_end": story.SIG_AT_ROAD_END,
    "collided": story.SIG_COLLIDED,
    "present": story.SIG_PRESENT,
    "width": story.SIG_WIDTH,
    "length": story.SIG_LENGTH,
}
_TOWARDS: Final = {
    "gap_to": story.GAP,
    "spacing_to": story.SPACING,
    "ahead_by": story.AHEAD_BY,
    "side_gap_to": story.SIDE_GAP,
    "clearance_to": story.CLEARANCE,
    "distance_to": story.DISTANCE,
    "headway_to": story.HEADWAY,
    "ttc_to": story.TTC,
    "closing_on": story.CLOSING,
}
_FAR: Final = {
    **dict.fromkeys(("gap_to", "spacing_to", "side_gap_to", "clearance_to", "distance_to"), math.inf),
    **dict.fromkeys(("headway_to", "ttc_to"), math.inf),
    "closing_on": -math.inf,
}
"""What stands for a relation to somebody who is not there; others are unknown then."""

_AXES: Final = {
    "lane": story.ALONG_LANE,
    "road": story.ALONG_ROAD,
    "body": story.IN_BODY,
    "world": story.IN_WORLD,
}


@kernel
def _world(f: Floats, n: Ints, p: Floats, touch: Ints) -> World:
    none, nothing = np.zeros(0), np.zeros(0, np.int64)
    return World(f, n, p, np.zeros((1, 1)), none, nothing, none, touch, nothing)


@kernel
def _signal(f: Floats, n: Ints, p: Floats, touch: Ints, road: RoadArrays, actor: int, what: int) -> Floats:
    out = np.empty(f.shape[0])
    for t in range(f.shape[0]):
        out[t] = signal_of(_world(f[t], n[t], p, touch), road, actor, what)
    return out


@kernel
def _relation(f: Floats, n: Ints, p: Floats, touch: Ints, road: RoadArrays, a: int, b: int, code: int) -> Floats:
    out = np.empty(f.shape[0])
    for t in range(f.shape[0]):
        out[t] = relation(_world(f[t], n[t], p, touch), road, a, b, code)
    return out


class Signals:
    """Reads a run by name. Metrics come from `series`, so that whoever judges measures each only once."""

    def __init__(self, run: Run, series: Callable[[str], Series]) -> None:
        self.run = run
        self._series = series
        self._touch = np.zeros((len(run.case.actors),) * 2, np.int64)

    def read(self, signal: Signal) -> Column:
        """Return the column of a signal. Raises InputError saying what cannot be read from a run."""
        name = signal.path[0]
        if len(signal.path) == 1 and signal.args is None:
            return self._bare(name)
        if len(signal.path) == 1 and name == "signal":
            return self._lamp(self._word(signal.args, name))
        if len(signal.path) == 2 and name in self.run.case.actors:
            return self._of_actor(signal, self.run.case.actors.index(name), signal.path[1])
        if len(signal.path) == 2 and name in self.run.case.event_names and signal.args is None:
            return self._of_event(self.run.case.event_names.index(name), signal.path[1])
        raise InputError(f"'{'.'.join(signal.path)}' cannot be asked of a finished run")

    def _bare(self, name: str) -> Column:
        if name in METRICS:
            return self._metric(name)
        if name == "time":
            return Column(np.asarray(self.run.t_ns * 1e-9, np.float64), "number", "s")
        if name == "time_of_day":
            return Column(self.run.environment[:, TIME_OF_DAY], "number", "s")
        if name in _PLAIN:
            return self._plain(EGO, name)
        raise UnknownName("metric or signal", name, [*METRICS, *_PLAIN])

    def _metric(self, name: str) -> Column:
        series = self._series(name)
        absent = getattr(METRICS.get(name), "absent", math.nan)
        values = np.where(series.valid, series.values, absent)
        return Column(values, "bool" if series.unit == YES_NO else "number", series.unit)

    def _plain(self, actor: int, name: str) -> Column:
        run = self.run
        values = np.asarray(
            _signal(run.f, run.n, run.case.p, self._touch, run.case.road.arrays, actor, _PLAIN[name]), np.float64
        )
        word = ACTOR_SIGNALS[name].dimension
        kind: Kind = "bool" if word == "bool" else "lane" if word == "lane" else "number"
        return Column(-values if name == "decel" else values, kind, word)

    def _of_actor(self, signal: Signal, actor: int, name: str) -> Column:
        if name in _PLAIN:
            return self._plain(actor, name)
        if name not in _TOWARDS and name != "collided_with":
            raise UnknownName("signal", name, [*_PLAIN, *_TOWARDS, "collided_with"])
        other = self._word(signal.args, name)
        if other not in self.run.case.actors:
            raise InputError(f"'{name}({other})': only ways to actors can be asked of a finished run, not to places")
        b = self.run.case.actors.index(other)
        if name == "collided_with":
            return self._touched(actor, b)
        if signal.suffix is not None and signal.suffix not in _AXES:
            raise InputError(f"axes '{signal.suffix}' cannot be asked of a finished run")
        run, axes = self.run, _AXES[signal.suffix or "lane"]
        code = _TOWARDS[name] * story.AXES + axes
        values = np.asarray(_relation(run.f, run.n, run.case.p, self._touch, run.case.road.arrays, actor, b, code))
        far = np.where(np.isnan(values), _FAR.get(name, math.nan), values)
        return Column(far, "number", ACTOR_SIGNALS[name].dimension)

    def _touched(self, a: int, b: int) -> Column:
        first = min((c.t_ns for c in self.run.contacts if {c.a, c.b} == {a, b}), default=None)
        after = np.zeros(len(self.run.t_ns)) if first is None else (self.run.t_ns >= first).astype(np.float64)
        return Column(after, "bool", YES_NO)

    def _lamp(self, name: str) -> Column:
        names = self.run.case.road.signal_names
        if name not in names:
            raise UnknownName("signal of the map", name, names)
        return Column(self.run.lamps[:, names.index(name)].astype(np.float64), "lamp", "text")

    def _of_event(self, event: int, what: str) -> Column:
        status = self.run.story[:, event]
        before = np.concatenate(([-1], status[:-1]))
        if what == "running":
            holds = status == RUNNING
        elif what == "done":
            holds = (status == DONE) | (status == SKIPPED)
        elif what == "starts":
            holds = (status == RUNNING) & (before != RUNNING)
        elif what == "ends":
            holds = (status == DONE) & (before == RUNNING)
        elif what == "skips":
            holds = (status == SKIPPED) & (before != SKIPPED)
        else:
            raise UnknownName("signal of an event", what, ("running", "done", "starts", "ends", "skips"))
        return Column(holds.astype(np.float64), "bool", YES_NO)

    def _word(self, args: tuple[Expr, ...] | None, name: str) -> str:
        word = args[0] if args else None
        if isinstance(word, Text):
            return word.value
        if isinstance(word, Signal) and word.args is None:
            return ".".join(word.path)
        raise InputError(f"'{name}' needs a name in brackets")


def lamp_named(word: str) -> float:
    """Return the row of a lamp's name. Raises UnknownName."""
    if word not in LAMP_NAMES:
        raise UnknownName("lamp", word, LAMP_NAMES)
    return float(LAMP_NAMES.index(word))
