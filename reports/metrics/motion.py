"""How the ego moved: speed, acceleration, jerk and comfort.

Jerk and the bounds of comfort use accelerations smoothed by a Savitzky-Golay filter (window 0.75 s, order 2), because
the raw difference of a recorded acceleration is mostly noise. Bounds: the comfort metric of the nuPlan benchmark.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.signal import savgol_filter

from reports.metrics.measure import YES_NO, Measure, Values, always_valid
from twin.run import Run
from twin.state import AX, AY, EGO, TRAVELLED, VX, VY, YAW_RATE, Floats

WINDOW_S: Final = 0.75
ORDER: Final = 2

LON_ACCEL: Final = (-4.05, 2.40)  # [m/s^2]
LAT_ACCEL_MAX: Final = 4.89  # [m/s^2]
JERK_MAX: Final = 8.37  # of the vector in the plane [m/s^3]
LON_JERK_MAX: Final = 4.13  # [m/s^3]
YAW_ACCEL_MAX: Final = 1.93  # [rad/s^2]
YAW_RATE_MAX: Final = 0.95  # [rad/s]


def smooth(values: Floats, step_ns: int, derivative: int = 0) -> Floats:
    """Return the filtered values or their time derivative (T,); nan where the run is shorter than the least window."""
    window = max(ORDER + 1, round(WINDOW_S * 1e9 / step_ns)) | 1
    if len(values) < window:
        return np.full(len(values), np.nan)
    return np.asarray(savgol_filter(values, window, ORDER, deriv=derivative, delta=step_ns * 1e-9), np.float64)


def speed_of(run: Run) -> Floats:
    """Return the ego's speed over ground (T,) [m/s]."""
    return np.hypot(run.f[:, VX, EGO], run.f[:, VY, EGO])


def _jerk(run: Run) -> Values:
    values = smooth(run.f[:, AX, EGO], run.case.step_ns, 1)
    return values, np.isfinite(values)


def _comfort(run: Run) -> Values:
    step = run.case.step_ns
    ax, ay, rate = (run.f[:, row, EGO] for row in (AX, AY, YAW_RATE))
    lon, lat, yaw_rate = smooth(ax, step), smooth(ay, step), smooth(rate, step)
    lon_jerk, lat_jerk, yaw_accel = smooth(ax, step, 1), smooth(ay, step, 1), smooth(rate, step, 1)
    within = (
        (lon >= LON_ACCEL[0])
        & (lon <= LON_ACCEL[1])
        & (np.abs(lat) <= LAT_ACCEL_MAX)
        & (np.hypot(lon_jerk, lat_jerk) <= JERK_MAX)
        & (np.abs(lon_jerk) <= LON_JERK_MAX)
        & (np.abs(yaw_accel) <= YAW_ACCEL_MAX)
        & (np.abs(yaw_rate) <= YAW_RATE_MAX)
    )
    return within.astype(np.float64), np.isfinite(lon)


SPEED: Final = Measure("speed", "m/s", "", "speed over ground", lambda run: always_valid(speed_of(run)))
ACCEL: Final = Measure(
    "accel", "m/s^2", "", "longitudinal acceleration, braking is negative", lambda run: always_valid(run.f[:, AX, EGO])
)
DECEL: Final = Measure(
    "decel",
    "m/s^2",
    "",
    "longitudinal deceleration, braking is positive",
    lambda run: always_valid(0.0 - run.f[:, AX, EGO]),
)
LAT_ACCEL: Final = Measure(
    "lat_accel", "m/s^2", "", "lateral acceleration, left +", lambda run: always_valid(run.f[:, AY, EGO])
)
JERK: Final = Measure("jerk", "m/s^3", "", "change of the smoothed longitudinal acceleration", _jerk)
COMFORT: Final = Measure(
    "comfort", YES_NO, "higher", "smoothed accelerations, jerks and turn rates within comfortable bounds", _comfort
)
PROGRESS: Final = Measure(
    "progress", "m", "higher", "way driven since the start", lambda run: always_valid(run.f[:, TRAVELLED, EGO])
)
