"""The rows of a sweep as a table to look things up in."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from reports.summary import number
from twin.state import Floats

_MAX_FIGURES: Final = 5
_TELLING: Final = (
    *("f.min_ttc_s", "f.min_headway_s", "f.min_clearance_m", "f.impact_speed_mps", "f.max_decel_mps2"),
    *("f.max_drac_mps2", "f.min_pet_s", "f.max_jerk_mps3", "f.max_localisation_error_m", "f.comfort_share"),
)
_NUMBERS: Final = ("distance_km", "duration_s")
_UNITS: Final = {"_km": "km", "_s": "s", "_mps": "m/s", "_mps2": "m/s²", "_mps3": "m/s³", "_m": "m", "_pct": "%"}


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
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_)):
        return str(value)
    return value if isinstance(value, str) and value else None


def readable(column: str) -> str:
    """Return a column's name for people, its unit in brackets."""
    name, unit = name_and_unit(column)
    return f"{name} [{unit}]" if unit else name


def name_and_unit(column: str) -> tuple[str, str]:
    """Split the unit off a column's name."""
    name = column.removeprefix("f.").removeprefix("p.")
    for suffix, unit in _UNITS.items():
        if name.endswith(suffix):
            return name.removesuffix(suffix).replace("_", " "), unit
    return name.replace("_", " "), ""


def figure_columns(rows: pd.DataFrame) -> list[str]:
    """Return the columns of figures that at least one case has, the most telling first."""
    columns = [str(c) for c in rows.columns if str(c).startswith("f.") and np.isfinite(numeric(rows, str(c))).any()]
    return sorted(columns, key=lambda c: _TELLING.index(c) if c in _TELLING else len(_TELLING))


def numeric(rows: pd.DataFrame, column: str) -> Floats:
    """Return a column as numbers, nan for anything else."""
    return np.asarray(pd.to_numeric(rows[column], errors="coerce"), dtype=np.float64)
