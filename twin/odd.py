"""The operational design domain: an OpenODD file read, and evaluated against the conditions of a tick."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Odd:
    """An ODD read from an OpenODD YAML file, attribute names of ISO 34503."""

    name: str
    digest: str
