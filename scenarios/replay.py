"""A record run again: assemble its case anew, run it, and name the first tick and field that differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scenarios.run import run_case
from scenarios.settings import Settings
from scenarios.written import Written
from twin.case import Case
from twin.clock import seconds
from twin.errors import RecordError
from twin.record import Divergence, Recorded, first_divergence, read, versions


@dataclass(frozen=True, slots=True)
class Replayed:
    """What running a record again showed. `changed`: name -> (then, now) of versions that differ."""

    scenario: str
    ticks: int
    actors: tuple[str, ...]
    divergence: Divergence | None
    changed: Mapping[str, tuple[str, str]]

    @property
    def identical(self) -> bool:
        return self.divergence is None

    def told(self) -> str:
        """Return where and how the runs part, in one line."""
        d = self.divergence
        if d is None:
            return "identical"
        who = f" of {self.actors[d.actor]}" if 0 <= d.actor < len(self.actors) else ""
        return f"first at tick {d.tick} ({d.t_s:.3f} s): {d.field}{who} was {d.a}, is {d.b}"

    def as_json(self) -> dict[str, Any]:
        d = self.divergence
        first = None if d is None else {n: getattr(d, n) for n in ("tick", "t_s", "field", "actor", "a", "b")}
        return {
            "scenario": self.scenario,
            "identical": self.identical,
            "ticks": self.ticks,
            "first": first,
            "changed": {name: {"then": then, "now": now} for name, (then, now) in self.changed.items()},
        }


def replay(path: Path) -> Replayed:
    """Run the case of a record again and compare. Raises RecordError, InputError when it cannot be assembled."""
    recorded = read(path)
    settings = settings_of(recorded)
    case = case_of(recorded, settings)
    again = run_case(case, settings.engine.name, seconds(settings.engine.run_budget), {}).run
    now = versions()
    changed = {
        name: (recorded.versions.get(name, "none"), now.get(name, "none"))
        for name in sorted({*recorded.versions, *now})
        if recorded.versions.get(name) != now.get(name)
    }
    if case.road.digest != recorded.map_digest:
        changed["map"] = (recorded.map_digest, case.road.digest)
    return Replayed(recorded.scenario, len(recorded.t_ns), recorded.actors, first_divergence(recorded, again), changed)


def settings_of(recorded: Recorded) -> Settings:
    """Return the settings that a run was made with. Raises RecordError."""
    try:
        return Settings.model_validate(recorded.meta["settings"])
    except (KeyError, ValidationError) as error:
        raise RecordError("the record does not say with which settings it was run; it cannot be run again") from error


def case_of(recorded: Recorded, settings: Settings) -> Case:
    """Assemble the case of a record anew. Raises AuthoredError and InputError."""
    written = Written(str(recorded.meta.get("path", "scenario.yaml")), recorded.text)
    return written.case(recorded.values, recorded.seed, settings)
