"""Staying on the way: pure pursuit from the rear axle, with the understeer of the car taken into account.

Model: the arc through the rear axle and a point on the way ahead has curvature 2 sin(alpha) / l_d (Coulter,
CMU-RI-TR-92-01, 1992); a single-track car needs delta = atan(L kappa) + K_us v^2 kappa for it, with
K_us = m / L (b / C_f - a / C_r) in rad s^2/m.
"""

from __future__ import annotations

import math

from twin.kernel import kernel
from twin.vehicle import VehicleParams


def understeer(car: VehicleParams) -> float:
    """Return K_us [rad s^2/m]."""
    gradient = car.rear_axle / car.cornering_front - car.front_axle / car.cornering_rear
    return car.mass / car.wheelbase * gradient


@kernel
def look_ahead(v: float) -> float:
    """Return how far ahead to aim [m] at speed v [m/s]."""
    return min(max(1.1 * v, 5.0), 45.0)


@kernel
def pursue(x: float, y: float, v: float, wheelbase: float, k_us: float) -> float:
    """Return the road wheel angle that leads the rear axle to (x, y) in the body frame [rad]."""
    distance2 = x * x + y * y
    if distance2 < 1e-6:
        return 0.0
    curvature = 2.0 * y / distance2
    return math.atan(wheelbase * curvature) + k_us * v * v * curvature
