"""What is measured on a run: one row per metric, found by name."""

from __future__ import annotations

from typing import Final

from reports.metrics.measure import YES_NO, Measure
from twin.catalog import Catalog

__all__ = ["METRICS", "YES_NO", "Measure"]

METRICS: Final = Catalog(
    "metric",
    "metrics",
    {
        "no_collision": "reports.metrics.collision:NO_COLLISION",
        "clearance": "reports.metrics.collision:CLEARANCE",
        "pet": "reports.metrics.collision:PET",
        "ttc_2d": "reports.metrics.collision:TTC_2D",
        "ttc": "reports.metrics.conflict:TTC",
        "mttc": "reports.metrics.conflict:MTTC",
        "headway": "reports.metrics.conflict:HEADWAY",
        "min_gap": "reports.metrics.conflict:GAP",
        "drac": "reports.metrics.conflict:DRAC",
        "brake_threat": "reports.metrics.conflict:BRAKE_THREAT",
        "dangerous": "reports.metrics.rss:DANGEROUS",
        "speed": "reports.metrics.motion:SPEED",
        "accel": "reports.metrics.motion:ACCEL",
        "decel": "reports.metrics.motion:DECEL",
        "lat_accel": "reports.metrics.motion:LAT_ACCEL",
        "jerk": "reports.metrics.motion:JERK",
        "comfort": "reports.metrics.motion:COMFORT",
        "progress": "reports.metrics.motion:PROGRESS",
        "route_progress": "reports.metrics.lane:ROUTE_PROGRESS",
        "lane_offset": "reports.metrics.lane:LANE_OFFSET",
        "in_lane": "reports.metrics.lane:IN_LANE",
        "on_road": "reports.metrics.lane:ON_ROAD",
        "speed_limit": "reports.metrics.rules:SPEED_LIMIT",
        "overspeed": "reports.metrics.rules:OVERSPEED",
        "red_light": "reports.metrics.rules:RED_LIGHT",
        "localisation_error": "reports.metrics.localisation:ERROR",
        "localisation_std": "reports.metrics.localisation:STD",
        "in_odd": "reports.metrics.domain:IN_ODD",
    },
)
