"""A camera, radar or LiDAR at object level: it looks, an object list that names it as a source says what it saw.

It sends nothing itself and casts no rays. Its blackout takes away what only it sees; a lost sector likewise.
"""

from __future__ import annotations

import math

from sensors.config import DeviceConfig
from sensors.coverage import TECHNOLOGIES, Coverage, Technology
from sensors.device import Kind
from sensors.quantities import Distance, Spread


class Config(DeviceConfig):
    """`field_of_view` is the full horizontal angle around the mount's yaw."""

    technology: Technology = "lidar"
    range: Distance = 120.0
    field_of_view: Spread = 2.0 * math.pi

    @property
    def coverage(self) -> Coverage:
        """Return where it looks."""
        m = self.mount
        return Coverage(m.x, m.y, m.z, m.yaw, self.range, self.field_of_view, TECHNOLOGIES.index(self.technology))


KIND = Kind(Config, None, "a camera, radar or LiDAR at object level, a source of an object list")
