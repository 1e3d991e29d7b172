"""The catalogue of drivers, and how a name becomes one that keeps its contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.host import Hosted
from twin.case import DriverSpec
from twin.catalog import Catalog, resolve
from twin.errors import InputError
from twin.ports import Driver

DRIVERS = Catalog(
    "driver",
    "drivers",
    {
        "reference.fsm": "hil.reference:fsm",
        "reference.aeb": "hil.reference:aeb",
        "reference.acc": "hil.reference:acc",
        "reference.hold": "hil.hold:Hold",
    },
)


def make(spec: DriverSpec) -> Driver:
    """Build the driver that `spec` names: a row of the catalogue or `module:Class`.

    Raises UnknownName, or InputError when its parameters do not fit.
    """
    factory: Any = resolve(spec.name) if ":" in spec.name else DRIVERS.get(spec.name)
    return Hosted(_build(spec.name, factory, spec.parameters), spec)


def _build(name: str, factory: Any, parameters: Mapping[str, object]) -> Driver:
    try:
        driver: Driver = factory(**parameters)
    except TypeError as error:
        raise InputError(f"driver '{name}' does not take these parameters: {error}") from error
    for method in ("start", "act", "close"):
        if not callable(getattr(driver, method, None)):
            raise InputError(f"driver '{name}' has no method '{method}'; a driver is start(brief), act(seen), close()")
    return driver
