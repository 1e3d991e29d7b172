"""A scenario as its text: what workers are sent, what records keep, and what a case is assembled from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from scenarios.assemble import assemble
from scenarios.check import load
from scenarios.identity import case_id, content, digest, engine_version
from scenarios.schema import Scenario, read_scenario
from scenarios.settings import Settings
from twin.authored import decode, parse
from twin.case import Case


@dataclass(frozen=True, slots=True)
class Written:
    """A scenario file: its path as it was named, and its text."""

    path: str
    text: str

    @property
    def scenario(self) -> Scenario:
        """The scenario that the text says. Raises AuthoredError."""
        return _scenario(self.path, self.text)

    @property
    def name(self) -> str:
        return str(self.scenario.scenario)

    def driver(self, settings: Settings) -> str:
        """Return who drives the ego."""
        if settings.driver.name:
            return settings.driver.name
        use = self.scenario.ego.driver
        return str(use.use) if use else ""

    def made_of(self, settings: Settings) -> str:
        """Return the digest of everything but values and seed that decides a case's bytes."""
        return digest([engine_version(), self.text, content(settings, self.driver(settings), self._files())])

    def case_id(self, values: Mapping[str, float | str], seed: int, made_of: str) -> str:
        return case_id(made_of, values, seed)

    def case(self, values: Mapping[str, float | str], seed: int, settings: Settings) -> Case:
        """Return the concrete scenario. Raises AuthoredError and InputError."""
        return assemble(self.scenario, values, seed, settings)

    @property
    def folder(self) -> Path:
        return Path(self.path).resolve().parent

    def meta(self, settings: Settings, case: str) -> dict[str, Any]:
        """Return what a record keeps to run the case again."""
        return {
            "text": self.text,
            "path": str(Path(self.path).resolve()),
            "case_id": case,
            "settings": settings.model_dump(mode="json", include={"map", "rig", "engine", "driver"}),
        }

    def _files(self) -> tuple[Path, ...]:
        near = self.folder / str(self.scenario.map)
        return (near,) if near.is_file() else ()


def read(path: Path) -> Written:
    """Read a scenario file and refuse one with problems. Raises AuthoredError with all of them."""
    load(path)
    return Written(str(path), decode(path.read_bytes(), str(path)))


@lru_cache(maxsize=64)
def _scenario(path: str, text: str) -> Scenario:
    return read_scenario(parse(text, path))
