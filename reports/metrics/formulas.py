"""Criticality formulas of two road users on one line: scalars in, scalars out, SI.

Ego 1 follows 2 at the bumper gap d; the closing speed v is v1 - v2, the closing acceleration a is a1 - a2. Definitions
after Westhofen et al., "Criticality Metrics for Automated Driving: A Review and Suitability Analysis of the State of
the Art" (2022); RSS after Shalev-Shwartz, Shammah, Shashua, "On a Formal Model of Safe and Scalable Self-driving Cars"
(2017), equations for longitudinal, oncoming and lateral distance.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from twin.kernel import kernel


@kernel
def ttc(d: float, v: float) -> float:
    """Return the time to collision at constant speeds [s], inf while the gap does not close."""
    return d / v if v > 0.0 else math.inf


@kernel
def mttc(d: float, v: float, a: float) -> float:
    """Return the time to collision at constant accelerations [s]: the least t > 0 with a t^2 / 2 + v t = d."""
    if abs(a) < 1e-9:
        return ttc(d, v)
    root = v * v + 2.0 * a * d
    if root < 0.0:
        return math.inf
    first = (-v + math.sqrt(root)) / a
    second = (-v - math.sqrt(root)) / a
    low, high = min(first, second), max(first, second)
    if low > 0.0:
        return low
    return high if high > 0.0 else math.inf


@kernel
def headway(d: float, v1: float) -> float:
    """Return the time in which 1 gets to where 2 is now [s]."""
    return d / v1 if v1 > 0.0 else math.inf


@kernel
def drac(d: float, v: float) -> float:
    """Return the steady deceleration that just avoids the collision, seen from the other's frame [m/s^2]."""
    if v <= 0.0:
        return 0.0
    return v * v / (2.0 * d) if d > 0.0 else math.inf


@kernel
def required_decel(d: float, v1: float, v2: float, a2: float) -> float:
    """Return the steady deceleration of 1 that avoids 2, which keeps a2 and does not drive backwards [m/s^2].

    Where 2 comes to rest before both are equally fast, 1 has the gap and the way of 2 to stop in.
    """
    if d <= 0.0:
        return math.inf
    if v1 <= 0.0:
        return 0.0
    closing = v1 - v2
    relative = max(0.0, closing) ** 2 / (2.0 * d) - a2
    if a2 < 0.0:
        stop = v1 * v1 / (2.0 * (d - v2 * v2 / (2.0 * a2)))
        if closing <= 0.0 or v2 / -a2 < 2.0 * d / closing:
            return stop
    return max(0.0, relative) if closing > 0.0 else 0.0


class Rss(NamedTuple):
    """What RSS assumes of everybody: response time [s], accelerations [m/s^2], lateral margin [m].

    Every number is an assumption on reasonably foreseeable behaviour that IEEE 2846 asks to be stated.
    """

    response: float
    accel: float
    brake_min: float
    brake_max: float
    lateral_response: float
    lateral_accel: float
    lateral_brake: float
    margin: float


PAPER: Final = Rss(1.0, 3.5, 4.0, 8.0, 0.5, 0.2, 0.8, 0.1)
"""The paper's usual set, also of its open implementation; steady motorway traffic is nearly always dangerous by it."""

FOLLOWING: Final = Rss(0.75, 3.0, 6.0, 6.0, 0.5, 0.2, 0.8, 0.1)
"""The longitudinal set with which the Joint Research Centre compared RSS with the careful driver of UN R157."""


@kernel
def rss_following(v_rear: float, v_front: float, rss: Rss) -> float:
    """Return the safe bumper gap behind a car of the same direction [m]."""
    after = v_rear + rss.response * rss.accel
    way = v_rear * rss.response + 0.5 * rss.accel * rss.response**2
    return max(0.0, way + after**2 / (2.0 * rss.brake_min) - v_front * abs(v_front) / (2.0 * rss.brake_max))


@kernel
def rss_oncoming(v1: float, v2: float, rss: Rss) -> float:
    """Return the safe gap between two that drive towards each other at v1 >= 0 and |v2| [m]."""
    total = 0.0
    for v in (v1, abs(v2)):
        after = v + rss.response * rss.accel
        total += 0.5 * (v + after) * rss.response + after**2 / (2.0 * rss.brake_min)
    return total


@kernel
def rss_beside(v1: float, v2: float, rss: Rss) -> float:
    """Return the safe side gap [m]; 1 is on the right, lateral speeds count to the left."""
    t, a, b = rss.lateral_response, rss.lateral_accel, rss.lateral_brake
    after1, after2 = v1 + t * a, v2 - t * a
    way1 = 0.5 * (v1 + after1) * t + after1 * abs(after1) / (2.0 * b)
    way2 = 0.5 * (v2 + after2) * t + after2 * abs(after2) / (2.0 * b)
    return rss.margin + max(0.0, way1 - way2)
