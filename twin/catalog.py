"""Lazy tables of names: name -> "module:attribute", extended by entry points, kind to a misspelt name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any

from twin.errors import InputError, UnknownName


class Catalog:
    """One table of named things. Nothing is imported until it is asked for.

    Third parties add rows by the entry point group `avtwin.<plural>`.
    """

    def __init__(self, what: str, group: str, rows: Mapping[str, str]) -> None:
        self.what = what
        self._group = f"avtwin.{group}"
        self._rows = dict(rows)
        self._extended = False

    def _table(self) -> dict[str, str]:
        if not self._extended:
            for point in entry_points(group=self._group):
                self._rows.setdefault(point.name, point.value)
            self._extended = True
        return self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._table()))

    def __contains__(self, name: object) -> bool:
        return name in self._table()

    def get(self, name: str) -> Any:
        """Return the object called `name`. Raises UnknownName."""
        table = self._table()
        if name not in table:
            raise UnknownName(self.what, name, table)
        return resolve(table[name])


def resolve(target: str) -> Any:
    """Import "module:attribute" and return the attribute. Raises InputError saying which half is missing."""
    module_name, _, attribute = target.partition(":")
    if not attribute:
        raise InputError(f"'{target}' must read module:Name")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise InputError(f"'{target}': no module called '{error.name}' can be imported") from error
        raise
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise InputError(f"'{target}': module '{module_name}' has no '{attribute}'") from error
