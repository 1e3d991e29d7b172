"""One device: rate and phase, device faults, clock, link. What it measures is its model's business.

Order: model (geometry, physics, noise) -> device fault -> transport. The model and every random draw run for each
sample whether or not a fault is on, so the end of a fault restores the nominal bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, Protocol, TypeVar

from sensors.config import DeviceConfig
from sensors.span import Span
from sensors.transport import Parcel, Transport
from twin.case import Case
from twin.clock import NS_PER_S, period_ns
from twin.faults import fault_kind
from twin.ports import Truth
from twin.samples import Payload, Sample
from twin.state import WorldState

C = TypeVar("C", bound=DeviceConfig)


@dataclass(frozen=True, slots=True)
class Effect:
    """One fault that is on: how hard, and its parameters in SI."""

    severity: float
    values: Mapping[str, float]

    def __getitem__(self, parameter: str) -> float:
        return self.values[parameter]


Effects = Mapping[str, Effect]
NO_EFFECTS: Effects = {}


class Model(Protocol):
    """What a kind of sensor is: its measurement at an instant. Its noise memory advances once per sample."""

    @property
    def duration_ns(self) -> int:
        """How long one measurement takes from t_meas on; 0 for an instant."""
        ...

    def observe(self, span: Span) -> None:
        """Take note of a tick before its samples are measured."""
        ...

    def measure(self, k: int, t_ns: int, span: Span, effects: Effects) -> Payload | None:
        """Return sample k, taken at t_ns; None when the device has nothing to say."""
        ...

    def biased(self, data: Payload, bias: Effect) -> Payload:
        """Return the measurement with the fault `bias` added."""
        ...


@dataclass(frozen=True, slots=True)
class Setting(Generic[C]):
    """All that a model is built from."""

    name: str
    config: C
    case: Case
    period_ns: int
    sources: Mapping[str, Device]

    @property
    def dt(self) -> float:
        """Return the time between samples [s]."""
        return self.period_ns / NS_PER_S


class Silent:
    """The model of what sends nothing itself."""

    duration_ns = 0

    def observe(self, span: Span) -> None:
        pass

    def measure(self, k: int, t_ns: int, span: Span, effects: Effects) -> Payload | None:
        return None

    def biased(self, data: Payload, bias: Effect) -> Payload:
        return data


SILENT: Final = Silent()


class Device:
    """A model under the wrapper that every sensor shares; one run's memory.

    `feeds` names the devices whose samples its model reads; `sends` is False for what sends nothing itself.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        config: DeviceConfig,
        case: Case,
        model: Callable[[Setting[Any]], Model] | None,
        sources: Mapping[str, Device],
    ) -> None:
        self._name = name
        self.config = config
        self.case = case
        self.arrived: Sequence[Sample] = ()
        self.period_ns = period_ns(config.rate)
        self.channels = [
            (i, f.name, fault_kind(f.name, kind).values(f.parameters))
            for i, f in enumerate(case.faults)
            if f.component == f"ego.{name}"
        ]
        self.model = model(Setting(name, config, case, self.period_ns, sources)) if model else SILENT
        self.feeds = tuple(sources) if getattr(model, "fuses", False) else ()
        self.sends = model is not None
        self._transport = Transport(config.link, config.clock, case.seed, name)
        self._before: WorldState | None = None
        self._k = 0
        self._last: Parcel | None = None

    @property
    def name(self) -> str:
        return self._name

    def effects_at(self, span: Span, t_ns: int) -> Effects:
        """Return the faults that are on at an instant; of two of one name the harder."""
        if not self.channels:
            return NO_EFFECTS
        severity = span.severity_at(t_ns)
        effects: dict[str, Effect] = {}
        for channel, name, values in self.channels:
            hard = float(severity[channel])
            if hard > 0.0 and (name not in effects or hard > effects[name].severity):
                effects[name] = Effect(hard, values)
        return effects

    def sense(self, truth: Truth) -> Sequence[Sample]:
        """Return every sample that has left the device and reached the stack since the last call, by arrival."""
        span = Span(self._before, truth.state, truth.case, truth.probe)
        self.model.observe(span)
        duration = self.model.duration_ns
        while (t_ns := self.config.phase + self._k * self.period_ns) + duration <= span.now.t_ns:
            self._take(self._k, t_ns, duration, span)
            self._k += 1
        self._before = span.now
        self.arrived = tuple(
            Sample(self._name, p.t_meas_ns, p.t_stamp_ns, p.t_arrival_ns, p.data, p.faults)
            for p in self._transport.receive(span.now.t_ns)
        )
        return self.arrived

    def _take(self, k: int, t_ns: int, duration: int, span: Span) -> None:
        link = self._transport
        done_ns = t_ns + duration
        effects = self.effects_at(span, done_ns)
        data = self.model.measure(k, t_ns, span, effects)
        stamp = link.stamp_ns(k, t_ns)
        drop = effects.get("drop")
        lost = link.lost(k, drop.severity * drop["probability"] if drop else 0.0)
        latency = link.latency_ns(k)
        if not effects:
            if data is not None:
                self._last = Parcel(k, done_ns + latency, t_ns, stamp, data, ())
                if not lost:
                    link.send(self._last)
            return
        delay = effects.get("delay")
        if delay:
            latency += round(delay.severity * delay["by"] * NS_PER_S)
        offset = effects.get("clock_offset")
        if offset:
            stamp += round(offset.severity * offset["by"] * NS_PER_S)
        bias = effects.get("bias")
        if bias and data is not None:
            data = self.model.biased(data, bias)
        names = tuple(effects)
        arrival = done_ns + latency
        freeze = effects.get("freeze")
        parcel = None if data is None else Parcel(k, arrival, t_ns, stamp, data, names)
        if freeze:
            parcel = None
            if self._last is not None:
                old_stamp = self._last.t_stamp_ns
                parcel = replace(
                    self._last,
                    k=k,
                    t_arrival_ns=arrival,
                    t_stamp_ns=stamp if freeze["new_stamp"] > 0.0 else old_stamp,
                    faults=names,
                )
        elif parcel is not None:
            self._last = parcel
        if parcel is not None and not lost and "blackout" not in effects:
            link.send(parcel)


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the catalogue: the settings it takes, the model it builds (None: it sends nothing itself)."""

    config: type[DeviceConfig]
    model: Any  # a class built from Setting[its own config]; a type variable here would leak into every caller
    about: str
