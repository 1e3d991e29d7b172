"""What a vehicle is: dimensions, dynamics and actuators, with the catalogue of shipped ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VehicleParams:
    """A single-track vehicle with actuator lag. SI.

    Sources and checks: DESIGN's reference models, sections 1.3 to 1.5; axle coefficients in N/rad for the whole axle.
    """

    name: str
    length: float
    width: float
    height: float
    wheelbase: float
    rear_overhang: float  # rear axle to rear bumper [m]
    mass: float
    yaw_inertia: float
    front_axle: float  # centre of gravity to front axle, a [m]
    cog_height: float
    cornering_front: float
    cornering_rear: float
    max_steer: float
    max_steer_rate: float
    steer_delay_s: float
    steer_tau_s: float
    max_accel: float
    max_decel: float  # on dry asphalt, friction limits it further
    power_speed: float  # above it max_accel falls as power_speed / v [m/s]
    drive_delay_s: float
    drive_tau_s: float
    brake_delay_s: float
    brake_tau_s: float
    max_speed: float
    drag_area: float  # C_d A [m^2]
    rolling_resistance: float
    wheel_radius: float
    track: float

    @property
    def rear_axle(self) -> float:
        """Centre of gravity to rear axle, b [m]."""
        return self.wheelbase - self.front_axle

    @property
    def center_x(self) -> float:
        """Rear axle to the box's centre [m]."""
        return self.length / 2 - self.rear_overhang
