"""Where things are: places, starts, paths and routes as authors write them."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field, ValidationInfo, model_validator

from scenarios.fields import (
    Angle,
    Anything,
    Axes,
    By,
    Curvature,
    Duration,
    Find,
    Flagged,
    Lane,
    Length,
    LengthOrDuration,
    Model,
    Name,
    Point,
    Ratio,
    Speed,
    Turn,
)

_FORMS: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "name": ("name", frozenset()),
    "find": (
        "find",
        frozenset({"length", "right_lane_for", "left_lane_for", "curvature_below", "curvature_above", "grade_above"})
        | frozenset({"speed_limit_above", "lanes_at_least", "ends", "signalised", "arms", "s"}),
    ),
    "approach": ("approach", frozenset({"turn", "from_right_of", "from_left_of", "opposite_to"})),
    "ahead_of": ("ahead", frozenset({"lane", "lanes", "gap", "centre_gap"})),
    "behind": ("ahead", frozenset({"lane", "lanes", "gap", "centre_gap"})),
    "beside": ("beside", frozenset({"lane", "lanes", "dx", "dy", "axes"})),
    "before": ("along", frozenset({"by"})),
    "after": ("along", frozenset({"by"})),
    "path": ("path", frozenset({"s"})),
    "route": ("route", frozenset({"s", "lane_id"})),
    "road": ("road", frozenset({"lane_id", "s", "t"})),
    "lat": ("geo", frozenset({"lon", "z"})),
    "x": ("xy", frozenset({"y", "z"})),
    "lane": ("lane", frozenset({"s"})),
}
_ANYWHERE: Final = frozenset({"offset", "heading", "point", "pick"})
_NEEDS: Final = {
    "xy": ("x", "y"),
    "geo": ("lat", "lon"),
    "road": ("s",),
    "lane": ("s",),
    "along": ("by",),
    "path": ("s",),
}


class Heading(Model):
    """`heading: 90 deg` turns relative to the lane, the path or the actor; `{world: 90 deg}` is absolute (ENU)."""

    short = "turned"
    alternatives = (("turned", "world"),)

    turned: Angle | None = None
    world: Angle | None = None


class Spot(Model):
    """A place. `form` says which spelling it is: name, lane, road, xy, geo, path, route, ahead, beside, along, find,
    approach."""

    short = "name"

    name: Name | None = None
    lane: Lane | None = None
    s: Length | None = None
    road: Anything | None = None
    lane_id: Ratio | None = None
    t: Length | None = None
    x: Length | None = None
    y: Length | None = None
    z: Length | None = None
    lat: Angle | None = None
    lon: Angle | None = None
    path: Name | None = None
    route: Name | None = None
    ahead_of: Name | None = None
    behind: Name | None = None
    lanes: Ratio | None = None
    gap: LengthOrDuration | None = None
    centre_gap: LengthOrDuration | None = None
    beside: Name | None = None
    dx: Length | None = None
    dy: Length | None = None
    axes: Axes | None = None
    before: Spot | None = None
    after: Spot | None = None
    by: Length | None = None
    find: Find | None = None
    length: Length | None = None
    right_lane_for: Length | None = None
    left_lane_for: Length | None = None
    curvature_below: Curvature | None = None
    curvature_above: Curvature | None = None
    grade_above: Ratio | None = None
    speed_limit_above: Speed | None = None
    lanes_at_least: Ratio | None = None
    ends: Flagged | None = None
    signalised: Flagged | None = None
    arms: Ratio | None = None
    approach: Name | None = None
    turn: Turn | None = None
    from_right_of: Spot | None = None
    from_left_of: Spot | None = None
    opposite_to: Spot | None = None
    pick: Anything | None = None
    offset: Length | None = None
    heading: Heading | None = None
    point: Point | None = None

    @property
    def form(self) -> str:
        """Return which spelling of a place this is."""
        return _FORMS[self._lead()][0]

    def _lead(self) -> str:
        given = self.model_fields_set
        return next(key for key in _FORMS if key in given)

    @model_validator(mode="after")
    def _one_form(self, info: ValidationInfo[Any]) -> Spot:
        wrong = self._misshapen()
        if wrong is not None:
            info.context.append(self.problem(*wrong))
        return self

    def _misshapen(self) -> tuple[str, str] | None:
        """Return what keeps the keys from making a place, and what would."""
        given = self.model_fields_set & Spot.model_fields.keys()
        lead = next((key for key in _FORMS if key in given), None)
        if lead is None:
            return "this is no place", "{lane, s}, {road, lane_id, s}, {x, y}, {ahead_of, gap}, {find}, or a name"
        form, allowed = _FORMS[lead]
        strange = sorted(given - allowed - _ANYWHERE - {lead})
        if strange:
            return f"'{strange[0]}' does not go with '{lead}'", ", ".join([lead, *sorted(allowed | _ANYWHERE)])
        missing = [k for k in _NEEDS.get(form, ()) if k not in given]
        if missing:
            return f"'{missing[0]}' is missing beside '{lead}'", ", ".join([lead, *sorted(allowed)])
        if form == "road" and ("lane_id" in given) == ("t" in given):
            return "a place on a road needs either a lane or a distance across", "lane_id or t"
        if form == "ahead" and "gap" in given and "centre_gap" in given:
            return "'gap' and 'centre_gap' exclude each other", "one of gap, centre_gap"
        return None


class Start(Spot):
    """Where an actor starts, and how fast."""

    speed: Speed | None = None


class PathPoint(Spot):
    """A vertex of a path; `time` makes the path hold the speed as well."""

    time: Duration | None = None


class Path(Model):
    """A line through points, to be followed exactly."""

    points: tuple[PathPoint, ...] = Field(min_length=1, max_length=2000)


class Route(Model):
    """A way through places, by lanes."""

    through: tuple[Spot, ...] = Field(min_length=1, max_length=200)
    by: By | None = None


Spot.model_rebuild()
