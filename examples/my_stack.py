"""A stack of your own: keep 2 s behind whatever is ahead, stay in the lane you see.

twin run scenarios/library/lead_brakes_hard.yaml driver=examples.my_stack:MyStack
"""

from __future__ import annotations

from twin.command import Command
from twin.ports import Brief
from twin.samples import LaneBoundaries, ObjectList, PoseEstimate, Seen


class MyStack:
    def start(self, brief: Brief) -> None:
        self.car = brief.vehicle
        self.speed = self.wanted = brief.start_speed_mps
        self.gap, self.lead_speed, self.centre = 1e9, 0.0, 0.0

    def act(self, seen: Seen) -> Command:
        for sample in seen.samples:
            match sample.data:
                case PoseEstimate(speed_mps=speed):
                    self.speed = speed
                case LaneBoundaries(left=left, right=right):
                    self.centre = 0.5 * (left[0] + right[0]) + 10.0 * (left[1] + right[1])
                case ObjectList(center_xy=xy, velocity_xy=v, size_lw=lw):
                    ahead = [i for i in range(len(xy)) if xy[i, 0] > 4.0 and abs(xy[i, 1]) < 1.8]
                    nearest = min(ahead, key=lambda i: xy[i, 0], default=None)
                    self.gap = 1e9 if nearest is None else xy[nearest, 0] - lw[nearest, 0] / 2 - 3.8
                    self.lead_speed = self.wanted if nearest is None else v[nearest, 0]
        room = self.gap - 2.0 - 2.0 * self.speed
        accel = min(0.5 * (self.wanted - self.speed), 0.3 * room + 1.2 * (self.lead_speed - self.speed))
        return Command(max(-8.0, min(2.0, accel)), 0.02 * self.centre)

    def close(self) -> None:
        return None
