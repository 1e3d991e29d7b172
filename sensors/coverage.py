"""Where a sensor looks and how the weather dims it: what an object list needs to know of its sources.

Fog and rain attenuate light by alpha = ln 20 / MOR + 3.67e-4 R^0.629 per metre (Koschmieder; Mie extinction of a
Marshall-Palmer rain of R mm/h at 905 nm), snow by the same law for its water equivalent times 4; microwaves hardly.
"""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.kernel import kernel
from twin.state import ILLUMINANCE, RAIN, SNOW, VISIBILITY

Technology = Literal["camera", "lidar", "radar", "ideal"]
TECHNOLOGIES: Final = ("camera", "lidar", "radar", "ideal")
CAMERA, LIDAR, RADAR, IDEAL = range(4)

LN20: Final = math.log(20.0)
SNOW_FACTOR: Final = 4.0
RADAR_SHARE: Final = 0.005  # of the optical attenuation
DARK_LX: Final = 10.0


class Coverage(NamedTuple):
    """What a source can see: pose in the body frame, reach, field of view (full angle) and technology."""

    x: float
    y: float
    z: float
    yaw: float
    range: float
    field_of_view: float
    technology: int


@kernel
def attenuation(environment: NDArray[np.float64]) -> float:
    """Return alpha [1/m] of the air at 905 nm; 0 in clear air without precipitation."""
    alpha = 0.0
    if environment[VISIBILITY] > 0.0 and environment[VISIBILITY] < np.inf:
        alpha += LN20 / environment[VISIBILITY]
    if environment[RAIN] > 0.0:
        alpha += 3.67e-4 * environment[RAIN] ** 0.629
    if environment[SNOW] > 0.0:
        alpha += SNOW_FACTOR * 3.67e-4 * environment[SNOW] ** 0.629
    return alpha


@kernel
def dimming(environment: NDArray[np.float64], technology: int) -> float:
    """Return the attenuation [1/m] that counts for a technology."""
    if technology == 3:
        return 0.0
    alpha = attenuation(environment)
    if technology == 2:
        return RADAR_SHARE * alpha
    return alpha


@kernel
def reach_factor(environment: NDArray[np.float64], technology: int) -> float:
    """Return how much of its range a camera has left in the dark; 1 for all others and in daylight."""
    if technology != 0:
        return 1.0
    lux = environment[ILLUMINANCE]
    return 1.0 if lux >= DARK_LX else 0.5 + 0.5 * max(lux, 0.0) / DARK_LX
