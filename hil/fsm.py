"""The fuzzy safety model: how hard to brake for the vehicle ahead.

Model: proactive (PFS) and critical (CFS) fuzzy surrogate safety metrics of Mattas et al., "Fuzzy Surrogate Safety
Metrics for real-time assessment of rear-end collision risk", Accident Analysis & Prevention 148 (2020), with the
parameters used for UN R157 cut-in assessment. Inputs: gap d [m] bumper to bumper, speeds of the follower u_r and the
leader u_l [m/s], the follower's acceleration a_r [m/s^2]. Output: demanded deceleration [m/s^2], 0 when safe.
"""

from __future__ import annotations

from typing import Final

from twin.kernel import kernel

TAU: Final = 0.75  # reaction time [s]
B_MIN: Final = 4.0  # comfortable braking of the follower [m/s^2]
B_MAX: Final = 6.0  # hardest braking of the follower [m/s^2]
B_LEAD: Final = 7.0  # hardest braking expected of the leader [m/s^2]
MARGIN: Final = 2.0  # wanted distance at standstill; PFS keeps it twice [m]


@kernel
def pfs(d: float, u_r: float, u_l: float) -> float:
    """Return how unsafe the gap would be if the leader braked hard now: 0 safe .. 1 unsafe."""
    gap = d - MARGIN
    lead = u_l * u_l / (2.0 * B_LEAD)
    safe = u_r * TAU + u_r * u_r / (2.0 * B_MIN) - lead + MARGIN
    unsafe = u_r * TAU + u_r * u_r / (2.0 * B_MAX) - lead
    return _between(gap, unsafe, safe)


@kernel
def cfs(d: float, u_r: float, u_l: float, a_r: float) -> float:
    """Return how unsafe the gap is if the leader keeps its speed: 0 safe .. 1 unsafe."""
    if u_r <= u_l:
        return 0.0
    a = max(a_r, -B_MIN)
    u_n = u_r + a * TAU
    if u_n < u_l:
        return 1.0 if d < (u_r - u_l) ** 2 / (2.0 * abs(a)) else 0.0
    reach = (0.5 * (u_r + u_n) - u_l) * TAU
    safe = reach + (u_n - u_l) ** 2 / (2.0 * B_MIN)
    unsafe = reach + (u_n - u_l) ** 2 / (2.0 * B_MAX)
    return _between(d, unsafe, safe)


@kernel
def demand(d: float, u_r: float, u_l: float, a_r: float) -> float:
    """Return the deceleration that the model asks for [m/s^2]."""
    critical = cfs(d, u_r, u_l, a_r)
    if critical > 0.0:
        return B_MIN + critical * (B_MAX - B_MIN)
    return pfs(d, u_r, u_l) * B_MIN


@kernel
def _between(value: float, unsafe: float, safe: float) -> float:
    if value < unsafe:
        return 1.0
    if value > safe:
        return 0.0
    if safe - unsafe < 1e-9:
        return 0.0
    return (value - safe) / (unsafe - safe)
