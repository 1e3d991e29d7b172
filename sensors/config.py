"""What every device of a rig has: a rate, a mount, a link and a clock. Fields read as in the rig file; SI inside."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from sensors.quantities import Count, Hertz, Metres, Nanoseconds, Offset, Positive, Radians, Ratio, Seconds, Share


class Part(BaseModel):
    """A piece of a rig file: unknown keys are errors, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Mount(Part):
    """Pose of the device in the ego's body frame (origin: rear axle's centre on the ground)."""

    x: Metres = 0.0
    y: Metres = 0.0
    z: Metres = 0.0
    yaw: Radians = 0.0
    pitch: Radians = 0.0
    roll: Radians = 0.0


class Link(Part):
    """Latency: a fixed part and a lognormal part of mean `jitter`; `loss` is the share lost, in bursts.

    `jitter_p99` 0 means 2.5 times the mean. `queue` keeps only the newest samples of a tick, 0 all.
    """

    latency: Seconds = 0.0
    jitter: Seconds = 0.0
    jitter_p99: Seconds = 0.0
    loss: Share = 0.0
    burst: Positive = 4.0
    order: Literal["fifo", "any"] = "fifo"
    queue: Count = 0


class Clock(Part):
    """Stamp = t (1 + drift) + offset + white noise."""

    offset: Offset = 0.0
    drift: Ratio = 0.0
    noise: Seconds = 0.0


class DeviceConfig(Part):
    """The part of a sensor's settings that the device wrapper uses."""

    rate: Hertz = 10.0
    phase: Nanoseconds = 0
    mount: Mount = Mount()
    link: Link = Link()
    clock: Clock = Clock()
