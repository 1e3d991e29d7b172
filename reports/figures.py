"""The key figures of a run: one number each, nan where it does not apply."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from reports.criteria import SeriesOf, aggregated
from reports.metrics.collision import at_fault, contacts_of_ego, fault_of
from twin.run import Run, Series

TTC_CRITICAL_S: Final = 3.0  # below it time counts as exposed, the usual threshold of time exposed TTC

_AGGREGATES: Final = {
    "min_ttc_s": ("ttc", "min"),
    "min_ttc_2d_s": ("ttc_2d", "min"),
    "min_headway_s": ("headway", "min"),
    "min_gap_m": ("min_gap", "min"),
    "min_clearance_m": ("clearance", "min"),
    "min_pet_s": ("pet", "min"),
    "max_drac_mps2": ("drac", "max"),
    "max_brake_threat": ("brake_threat", "max"),
    "mean_speed_mps": ("speed", "mean"),
    "max_speed_mps": ("speed", "max"),
    "max_decel_mps2": ("decel", "max"),
    "progress_m": ("progress", "final"),
    "route_progress": ("route_progress", "final"),
    "red_lights": ("red_light", "count"),
    "dangerous_s": ("dangerous", "integral"),
    "max_overspeed_mps": ("overspeed", "max"),
    "max_localisation_error_m": ("localisation_error", "max"),
}

NAMES: Final = (
    *("collisions", "at_fault_collisions", "impact_speed_mps", *_AGGREGATES, "max_lat_accel_mps2", "max_jerk_mps3"),
    *("comfort_share", "offroad_s", "odd_out_s", "tet_s"),
)


def figures(run: Run, series: SeriesOf) -> Mapping[str, float]:
    """Return every key figure by name, always the same names in the same order; the unit is the name's last word."""
    if len(run.t_ns) == 0:
        return dict.fromkeys(NAMES, math.nan)
    step_ns = run.case.step_ns
    out = _collisions(run)
    for name, (metric, aggregate) in _AGGREGATES.items():
        measured = series(metric)
        out[name] = aggregated(measured, aggregate, step_ns)[0] if measured.valid.any() else math.nan
    out["max_lat_accel_mps2"] = _largest(series("lat_accel"))
    out["max_jerk_mps3"] = _largest(series("jerk"))
    out["comfort_share"] = _share(series("comfort"))
    out["offroad_s"] = _seconds(series("on_road"), step_ns, lambda v: v == 0.0)
    out["odd_out_s"] = _seconds(series("in_odd"), step_ns, lambda v: v == 0.0)
    out["tet_s"] = _seconds(series("ttc"), step_ns, lambda v: v < TTC_CRITICAL_S)
    return out


def _collisions(run: Run) -> dict[str, float]:
    touches = contacts_of_ego(run)
    return {
        "collisions": float(len(touches)),
        "at_fault_collisions": float(sum(at_fault(fault_of(run, c)) for c in touches)),
        "impact_speed_mps": max((abs(c.closing_mps) for c in touches), default=math.nan),
    }


def _largest(series: Series) -> float:
    return float(np.abs(series.values[series.valid]).max()) if series.valid.any() else math.nan


def _share(series: Series) -> float:
    return float(series.values[series.valid].mean()) if series.valid.any() else math.nan


def _seconds(series: Series, step_ns: int, chosen: Callable[[np.ndarray], np.ndarray]) -> float:
    if not series.valid.any():
        return math.nan if series.name != "ttc" else 0.0
    return float(chosen(series.values[series.valid]).sum() * step_ns * 1e-9)
