"""Laws of speed: car following, stopping, and when to brake hard.

Inputs are gaps [m] from the ego's front to the obstacle's near end, speeds along the ego's way [m/s]; results are
longitudinal accelerations [m/s^2].
"""

from __future__ import annotations

import math

from twin.kernel import kernel


@kernel
def idm(
    v: float, v_set: float, gap: float, v_lead: float, headway: float, standstill: float, accel: float, decel: float
) -> float:
    """Return the intelligent driver model's acceleration (Treiber, Hennecke and Helbing, Phys. Rev. E 62, 2000).

    `gap` may be inf for a free road.
    """
    free = 1.0 - (v / max(v_set, 0.1)) ** 4
    if v > v_set:
        free = -(v - v_set) / max(v_set, 0.1) * 4.0
    if math.isinf(gap):
        return max(accel * free, -decel)
    wish = standstill + max(0.0, v * headway + v * (v - v_lead) / (2.0 * math.sqrt(accel * decel)))
    return accel * (min(free, 1.0) - (wish / max(gap, 0.1)) ** 2)


@kernel
def cool(
    v: float, v_set: float, gap: float, v_lead: float, headway: float, standstill: float, accel: float, decel: float
) -> float:
    """Return the acceleration of an adaptive cruise control that does not overreact to whoever cuts in.

    The intelligent driver model, softened where a leader that keeps its speed calls for less (Kesting, Treiber and
    Helbing, Phil. Trans. R. Soc. A 368, 2010, with all its coolness and a leader taken not to accelerate). The softness
    ends as braking becomes needed: a leader that brakes shows first in its speed.
    """
    wanted = idm(v, v_set, gap, v_lead, headway, standstill, accel, decel)
    least = -braking_needed(v, gap, v_lead)
    if wanted >= least:
        return wanted
    firm = decel * (1.0 - 1.5 * least)
    return least + firm * math.tanh((wanted - least) / firm)


@kernel
def braking_needed(v: float, gap: float, v_lead: float) -> float:
    """Return the constant deceleration that just avoids touching a leader that keeps v_lead."""
    if v <= v_lead:
        return 0.0
    return (v - v_lead) ** 2 / (2.0 * max(gap, 0.1))
