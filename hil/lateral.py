"""Staying on the way, with the understeer of the car taken into account.

Models. Without a map, pure pursuit: the arc through the rear axle and a point ahead has curvature 2 sin(alpha) / l_d
(Coulter, CMU-RI-TR-92-01, 1992). With one, the curvature of the way, and errors that die out like a critically damped
oscillator: for small angles d'' = v^2 (kappa - kappa_way), so kappa = kappa_way - d / l^2 - 2 psi / l with l = v T.
A single-track car needs delta = atan(L kappa) + K_us v^2 kappa for a curvature, K_us = m / L (b / C_f - a / C_r) in
rad s^2/m.
"""

from __future__ import annotations

import math
from typing import Final

from twin.kernel import kernel
from twin.vehicle import VehicleParams

SETTLE_S: Final = 0.8  # T
SETTLE_M: Final = 4.0  # l is at least this long


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
    return road_wheel(2.0 * y / distance2, v, wheelbase, k_us)


@kernel
def hold(d: float, psi: float, curvature: float, v: float) -> float:
    """Return the curvature [1/m] that settles an offset d (left +) and a heading error psi on a way of `curvature`."""
    way = max(v * SETTLE_S, SETTLE_M)
    return curvature - d / (way * way) - 2.0 * math.sin(psi) / way


@kernel
def road_wheel(curvature: float, v: float, wheelbase: float, k_us: float) -> float:
    """Return the road wheel angle that drives a curvature at speed v [rad]."""
    return math.atan(wheelbase * curvature) + k_us * v * v * curvature
