"""What a story does: one model per verb, and who does it."""

from __future__ import annotations

from typing import Final

from pydantic import ConfigDict, Field

from scenarios.fields import (
    Accel,
    Angle,
    Anything,
    Duration,
    DurationOrCondition,
    Flagged,
    Jerk,
    Lane,
    Length,
    LengthOrDuration,
    Model,
    Name,
    Owner,
    Rain,
    Ratio,
    Shape,
    Speed,
    Temperature,
    Text,
)
from scenarios.spots import Spot


class Limits(Model):
    """Bounds on a movement."""

    speed: Speed | None = None
    accel: Accel | None = None
    decel: Accel | None = None
    jerk: Jerk | None = None
    lat_accel: Accel | None = None


class SpeedAction(Model):
    """Hold the speed axis: reach `to`, `track` an expression without end, or drive a `profile`."""

    alternatives = (("to", "track", "profile"),)
    at_most_one = (("over", "at", "instantly"),)

    to: Speed | None = None
    track: Speed | None = None
    profile: tuple[tuple[Duration, Speed], ...] | None = None
    over: LengthOrDuration | None = None
    at: Accel | None = None
    instantly: Flagged | None = None
    for_: LengthOrDuration | None = Field(default=None, alias="for")
    shape: Shape | None = None
    limits: Limits | None = None


class Brake(Model):
    """Slow down to `to` (0 when left out)."""

    at_most_one = (("over", "at"),)

    to: Speed | None = None
    at: Accel | None = None
    over: LengthOrDuration | None = None
    for_: LengthOrDuration | None = Field(default=None, alias="for")
    shape: Shape | None = None


class KeepGap(Model):
    """Keep a distance along the lane to another actor."""

    alternatives = (("behind", "ahead_of"), ("gap", "centre_gap"))

    behind: Name | None = None
    ahead_of: Name | None = None
    gap: LengthOrDuration | None = None
    centre_gap: LengthOrDuration | None = None
    once: Flagged | None = None
    limits: Limits | None = None


class Arrive(Model):
    """Be at a place at the moment when another actor reaches its place."""

    at: Spot
    as_: Name = Field(alias="as")
    reaches: Spot
    speed: Speed | None = None
    steady: LengthOrDuration | None = None
    tolerance: Length | None = None


class ChangeLane(Model):
    """Move to another lane."""

    alternatives = (("to", "to_id"),)
    at_most_one = (("over", "lateral_speed", "instantly"),)

    to: Lane | None = None
    to_id: Ratio | None = None
    lanes: Ratio | None = None
    of: Name | None = None
    lateral_speed: Speed | None = None
    over: LengthOrDuration | None = None
    instantly: Flagged | None = None
    shape: Shape | None = None
    limits: Limits | None = None


class LaneOffset(Model):
    """Move within the lane."""

    alternatives = (("to", "track"),)
    at_most_one = (("over", "lateral_speed", "instantly"),)

    to: Length | None = None
    track: Length | None = None
    lateral_speed: Speed | None = None
    over: LengthOrDuration | None = None
    instantly: Flagged | None = None
    for_: LengthOrDuration | None = Field(default=None, alias="for")
    shape: Shape | None = None
    limits: Limits | None = None


class Follow(Model):
    """Follow a path; `clock: own` takes the speed from the times of its points."""

    path: Name
    exactly: Flagged | None = None
    clock: Name | None = None


class Control(Model):
    """Who holds the axes: driver or story, for both or one by one."""

    short = "both"

    both: Owner | None = None
    speed: Owner | None = None
    steering: Owner | None = None


class Sun(Model):
    """Where the sun stands."""

    elevation: Angle
    azimuth: Angle | None = None


class Environment(Model):
    """Weather and light. `fog` is the visual range; rain and snow are a rate, or a share of a cloudburst (50 mm/h)."""

    time_of_day: Duration | None = None
    clock_runs: Flagged | None = None
    clouds: Ratio | None = None
    rain: Rain | None = None
    snow: Rain | None = None
    fog: Length | None = None
    wind: Speed | None = None
    wind_direction: Angle | None = None
    friction: Ratio | None = None
    temperature: Temperature | None = None
    sun: Sun | None = None


class EnvironmentChange(Environment):
    """New weather, at once or over a while."""

    over: Duration | None = None


class FaultChange(Model):
    """A fault switched on by the story; further keys are its parameters."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Anything]

    fault: Name
    on: Name
    for_: Duration | None = Field(default=None, alias="for")
    severity: Ratio | None = None
    ramp: Duration | None = None


class ActorDo(Model):
    """What one actor is to do: one entry per verb."""

    speed: SpeedAction | None = None
    brake: Brake | None = None
    keep_gap: KeepGap | None = None
    arrive: Arrive | None = None
    change_lane: ChangeLane | None = None
    lane_offset: LaneOffset | None = None
    follow: Follow | None = None
    route: Name | None = None
    go_to: Spot | None = None
    teleport: Spot | None = None
    appear: Spot | None = None
    vanish: Flagged | None = None
    control: Control | None = None

    @property
    def verbs(self) -> tuple[str, ...]:
        """Return the verbs in the order of the file."""
        return self.written


class Do(Model):
    """Who does what. Keys that are no word of the world are actors, groups or `them`."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, ActorDo]

    environment: EnvironmentChange | None = None
    signals: dict[str, Name] | None = None
    set_: dict[str, Anything] | None = Field(default=None, alias="set")
    fault: FaultChange | None = None
    note: Text | None = None

    @property
    def actors(self) -> dict[str, ActorDo]:
        """Return what each actor is to do, in the order of the file."""
        return self.__pydantic_extra__


class Step(Do):
    """One step of a sequence: actions, or a wait."""

    wait: DurationOrCondition | None = None


SPEED_VERBS: Final = frozenset({"speed", "brake", "keep_gap", "arrive"})
LATERAL_VERBS: Final = frozenset({"change_lane", "lane_offset", "follow"})
BODY_VERBS: Final = frozenset({"teleport", "appear", "vanish"})
