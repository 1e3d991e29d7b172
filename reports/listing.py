"""The rows of a sweep as a table to look things up in."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from reports.summary import number

_MAX_FIGURES: Final = 6
_NUMBERS: Final = ("seed", "distance_km", "duration_s")
_UNITS: Final = {"_km": " [km]", "_s": " [s]", "_mps": " [m/s]", "_mps2": " [m/s²]", "_mps3": " [m/s³]", "_m": " [m]"}


def table(rows: pd.DataFrame) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """Return columns (key, name, numeric) and one list of JSON values per row, parameters gathered in the last."""
    figures = [str(c) for c in figure_columns(rows)][:_MAX_FIGURES]
    keys = ["verdict", "scenario", "case_id", "seed", "cause", "why", *figures, "distance_km", "duration_s"]
    keys = [k for k in keys if k in rows]
    columns: list[dict[str, Any]] = [
        {"key": k, "name": readable(k), "numeric": k in figures or k in _NUMBERS} for k in keys
    ]
    parameters = [str(c) for c in rows.columns if str(c).startswith("p.")]
    columns.append({"key": "parameters", "name": "parameters", "numeric": False})
    table = []
    for record in rows.to_dict("records"):
        row = {str(k): v for k, v in record.items()}
        cells = [_json_number(row[c["key"]]) if c["numeric"] else _json_text(row.get(c["key"])) for c in columns[:-1]]
        shown = [(p[2:], _json_number(row[p]), row[p]) for p in parameters]
        text = ", ".join(
            f"{n} {v:.4g}" if v is not None else f"{n} {t}" for n, v, t in shown if v is not None or _json_text(t)
        )
        table.append([*cells, text])
    return columns, table


def _json_number(value: object) -> float | int | None:
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (int, np.integer)):
        return int(value) if abs(int(value)) < 2**53 else None
    found = number(value) if not isinstance(value, str) else math.nan
    return found if math.isfinite(found) else None


def _json_text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def readable(column: str) -> str:
    """Return a column's name for people, its unit in brackets."""
    for suffix, unit in _UNITS.items():
        if column.endswith(suffix):
            return column.removesuffix(suffix).replace("_", " ") + unit
    return column.replace("_", " ")


def figure_columns(rows: pd.DataFrame) -> list[str]:
    """Return the columns that hold a measured figure of at least one case."""
    taken = {"case_id", "scenario", "seed", "verdict", "cause", "why", *_NUMBERS}
    return [
        str(c)
        for c in rows.columns
        if c not in taken
        and not str(c).startswith("p.")
        and pd.api.types.is_numeric_dtype(rows[c])
        and rows[c].notna().any()
    ]
