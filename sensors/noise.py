"""Noise that devices share, as kernels.

Gauss-Markov: x[k+1] = phi x[k] + sqrt(1 - phi^2) w, phi = exp(-dt / tau), exact for any dt (Maybeck, "Stochastic
models, estimation and control", 1979). Two-state chains hold a state with stationary probability p and forget with
lambda = exp(-dt / tau); a burst of the other state is geometric.
"""

from __future__ import annotations

import math

import numpy as np

from twin.draw import uniform
from twin.kernel import kernel


@kernel
def forgetting(dt: float, tau: float) -> float:
    """Return phi = exp(-dt / tau), 0 for a process without memory."""
    return math.exp(-dt / tau) if tau > 0.0 else 0.0


@kernel
def correlated(x: float, phi: float, w: float) -> float:
    """Advance a Gauss-Markov process of unit variance by one step with the standard normal number w."""
    return phi * x + math.sqrt(1.0 - phi * phi) * w


@kernel
def chain(on: int, p: float, keep: float, u: float) -> int:
    """Advance a two-state chain with stationary probability p of being on; `keep` is its forgetting factor."""
    p_on = p + (1.0 - p) * keep if on == 1 else p * (1.0 - keep)
    return 1 if u < p_on else 0


@kernel
def in_burst(bad: int, share: float, burst: float, u: float) -> int:
    """Advance a Gilbert chain that is bad for `share` of the steps, in bursts of mean length `burst` >= 1 steps.

    With share = p / (p + r) and mean burst 1 / r (Gilbert, "Capacity of a burst-noise channel", 1960).
    """
    if share >= 1.0:
        return 1
    if share <= 0.0:
        return 0
    r = 1.0 / max(burst, share / (1.0 - share), 1.0)
    p = share * r / (1.0 - share)
    return (0 if u < r else 1) if bad == 1 else (1 if u < p else 0)


@kernel
def quantised(value: float, step: float) -> float:
    """Return the value rounded to multiples of `step`; a step of 0 keeps it."""
    return math.floor(value / step + 0.5) * step if step > 0.0 else value


@kernel
def clipped(value: float, limit: float) -> float:
    """Return the value held within +-limit."""
    return min(max(value, -limit), limit)


@kernel
def chance(key: np.uint64, counter: int, probability: float) -> bool:
    """Return whether an event of this probability happens."""
    return uniform(key, counter) < probability
