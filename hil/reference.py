"""The reference driver: follows its route, keeps its lane, keeps its distance, stops for lights and in emergencies.

It works from what the sensors say and what the map knows, never from the truth. What it uses: pose estimates, object
lists, lane boundaries, traffic lights. Without a usable pose it holds the lane it sees and asks for a takeover; without
an object list, or without pose and lane, it brakes to a stop (minimal-risk manoeuvre). For the first second it keeps
its speed while it waits for what its devices have to say.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from hil import fsm as fuzzy
from hil.conflict import conflict_at
from hil.lateral import hold, look_ahead, pursue, road_wheel, understeer
from hil.longitudinal import braking_needed, cool, idm
from hil.path import bend_at, path_of, point_at, project
from hil.rehearsal import rehearse
from twin.clock import seconds
from twin.command import Cause, Command, Mode
from twin.ports import Brief
from twin.samples import LaneBoundaries, ObjectList, PoseEstimate, Sample, Seen, TrafficLights
from twin.state import BICYCLE, LAMP_GREEN, LAMP_OFF, LAMP_RED, LAMP_RED_YELLOW, OBJECT, PEDESTRIAN

Braking = Callable[[float, float, float, float], float]

_SIDE_BY_SIDE: Final = 0.92  # cosine between two courses up to which one may change into the other's lane
_FAR_M: Final = 40.0  # what is on the way farther off may come by before the ego gets there
_NEAR_M: Final = 4.0  # what is that close to the way is on it where the way comes by first
_OWN_LANE_M: Final = 1.8  # who comes up behind nearer to the way than that follows in the ego's lane
_SEEN_LANE_M: Final = 60  # how far a lane camera looks, in points of the way
_ODD_WIDTH_M: Final = 0.3  # borders that are so much farther apart than the map says are no help
_STEADY_BEND: Final = 0.001  # a cubic through a lane whose curvature varies more is off at its near end [1/m]


@dataclass(frozen=True, slots=True)
class Habits:
    """How the reference driver drives. `cruise_mps` nan: the speed it starts with, or the limit from standstill."""

    cruise_mps: float = math.nan
    headway_s: float = 1.5
    standstill_m: float = 3.0
    accel_mps2: float = 1.8
    decel_mps2: float = 2.5
    urgent_mps2: float = 4.0
    curve_mps2: float = 2.5
    comfort_jerk_mps3: float = 3.5
    jerk_mps3: float = 12.65
    urgent_jerk_mps3: float = 40.0
    lost_pose_s: float = 0.5
    lost_pose_m: float = 1.5
    lost_objects_s: float = 0.6
    minimal_risk_mps2: float = 3.5
    warm_up_s: float = 1.0


def acc(**habits: float) -> Reference:
    """Return the driver without emergency braking."""
    return _ready(Habits(**habits), _no_emergency)


def aeb(**habits: float) -> Reference:
    """Return the driver that brakes fully when a collision can hardly be avoided otherwise."""
    return _ready(Habits(**habits), _full_braking)


def fsm(**habits: float) -> Reference:
    """Return the driver that brakes by the fuzzy safety model, and fully when even that will not do."""
    return _ready(Habits(**habits), _fuzzy_braking)


def _ready(habits: Habits, emergency: Braking) -> Reference:
    _rehearsed(emergency)
    return Reference(habits, emergency)


@cache
def _rehearsed(emergency: Braking) -> None:
    rehearse(Reference(Habits(), emergency))


def _no_emergency(gap: float, v: float, v_lead: float, accel: float) -> float:
    del gap, v, v_lead, accel
    return 0.0


def _full_braking(gap: float, v: float, v_lead: float, accel: float) -> float:
    del accel
    return 9.0 if braking_needed(v, gap - 0.5, v_lead) > 4.5 else 0.0


def _fuzzy_braking(gap: float, v: float, v_lead: float, accel: float) -> float:
    return max(fuzzy.demand(gap, v, v_lead, accel), 9.0 if braking_needed(v, gap, v_lead) > 6.0 else 0.0)


class Reference:
    """See the module. One object drives one run after another."""

    def __init__(self, habits: Habits, emergency: Braking) -> None:
        self._habits = habits
        self._emergency = emergency

    def start(self, brief: Brief) -> None:
        self._brief = brief
        self._car = brief.vehicle
        self._path = path_of(brief.road.arrays, brief.route)
        self._understeer = understeer(self._car)
        self._speed_set = self._cruise(brief)
        self._pose: Sample | None = None
        self._objects: Sample | None = None
        self._lanes: Sample | None = None
        self._lights: Sample | None = None
        self._shift = 0.0  # lateral error of the pose, learnt from the lane boundaries [m]
        self._lines: dict[int, float] = {}  # where the stop lines of signals are along the way [m]
        self._index = -1
        self._accel = 0.0
        self._steer = 0.0
        self._has_objects = "objects" in brief.sensors

    def close(self) -> None:
        return None

    def act(self, seen: Seen) -> Command:
        for sample in seen.samples:
            self._take(sample)
        pose = self._pose_now(seen.t_ns)
        lanes = self._lanes_now(seen.t_ns)
        waking = seconds(seen.t_ns) < self._habits.warm_up_s
        if pose is None and lanes is None:
            if waking and self._pose is None and self._lanes is None:
                return self._answer(0.0, 0.0)
            return self._stop(seen, Cause.LOCALISATION, "neither pose nor lane")
        blind = self._has_objects and not waking and _age(self._objects, seen.t_ns) > self._habits.lost_objects_s
        if pose is None:
            assert lanes is not None
            return self._along_the_lane(seen, lanes, blind, waking and self._pose is None)
        place = self._place(pose, lanes)
        accel = self._accelerate(seen.t_ns, pose, place)
        steer = self._steer_to(pose, place)
        if blind:
            self._steer = steer
            return self._stop(seen, Cause.PERCEPTION, "no object list")
        return self._answer(accel, steer)

    # --- what it knows ------------------------------------------------------------------------------------------------

    def _cruise(self, brief: Brief) -> float:
        if not math.isnan(self._habits.cruise_mps):
            return self._habits.cruise_mps
        return brief.start_speed_mps if brief.start_speed_mps > 1.0 else math.inf

    def _take(self, sample: Sample) -> None:
        match sample.data:
            case PoseEstimate():
                self._pose = sample
            case ObjectList():
                self._objects = sample
                self._has_objects = True
            case LaneBoundaries():
                self._lanes = sample
            case TrafficLights():
                self._lights = sample
            case _:
                pass

    def _pose_now(self, t_ns: int) -> PoseEstimate | None:
        """Return the newest pose moved on to now at constant speed and yaw rate, None when it cannot be trusted."""
        age = _age(self._pose, t_ns)
        if self._pose is None or age > self._habits.lost_pose_s:
            return None
        pose = self._pose.data
        assert isinstance(pose, PoseEstimate)
        if pose.std_xy > self._habits.lost_pose_m:
            return None
        middle = pose.yaw + 0.5 * pose.yaw_rate * age
        way = pose.speed_mps * age + 0.5 * pose.accel_mps2 * age * age
        return PoseEstimate(
            x=pose.x + way * math.cos(middle),
            y=pose.y + way * math.sin(middle),
            yaw=pose.yaw + pose.yaw_rate * age,
            speed_mps=max(0.0, pose.speed_mps + pose.accel_mps2 * age),
            yaw_rate=pose.yaw_rate,
            accel_mps2=pose.accel_mps2,
            std_xy=pose.std_xy,
        )

    def _lanes_now(self, t_ns: int) -> LaneBoundaries | None:
        if self._lanes is None or _age(self._lanes, t_ns) > self._habits.lost_pose_s:
            return None
        lanes = self._lanes.data
        assert isinstance(lanes, LaneBoundaries)
        return lanes if lanes.left_valid and lanes.right_valid else None

    # --- lateral ------------------------------------------------------------------------------------------------------

    def _place(self, pose: PoseEstimate, lanes: LaneBoundaries | None) -> _Place:
        """Return where the ego is on its way, the pose corrected sideways by what the lane boundaries show."""
        path = self._path
        lo, hi = (0, len(path.s)) if self._index < 0 else (self._index - 30, self._index + 80)
        self._index, s, d = project(path, pose.x, pose.y, lo, hi)
        if lanes is not None:
            centre = 0.5 * (lanes.left[0] + lanes.right[0])
            ahead = slice(self._index, self._index + _SEEN_LANE_M)
            odd_width = abs(lanes.left[0] - lanes.right[0] - path.width[self._index]) > _ODD_WIDTH_M
            steady = float(np.ptp(path.curvature[ahead])) < _STEADY_BEND and not odd_width
            on_lane = steady and bool(path.centred[ahead].all()) and abs(d + self._shift) < 0.8
            error = float(np.clip(-centre - d, -1.5, 1.5))
            self._shift += 0.05 * (error - self._shift) if on_lane and abs(centre) < 1.2 else 0.0
        return _Place(s, d + self._shift)

    def _steer_to(self, pose: PoseEstimate, place: _Place) -> float:
        """Steer for where the ego will be once the wheels have turned."""
        v = pose.speed_mps
        lag = self._car.steer_delay_s + self._car.steer_tau_s
        _, _, heading = point_at(self._path, place.s)
        turned = pose.yaw - heading
        d = place.d + v * lag * math.sin(turned + 0.5 * pose.yaw_rate * lag)
        s = place.s + v * lag
        _, _, heading = point_at(self._path, s)
        psi = pose.yaw + pose.yaw_rate * lag - heading
        curvature = hold(d, psi, bend_at(self._path, s), v)
        return road_wheel(curvature, v, self._car.wheelbase, self._understeer)

    def _along_the_lane(self, seen: Seen, lanes: LaneBoundaries, blind: bool, waking: bool) -> Command:
        """Hold the lane that is seen; once it is awake, slow down gently and ask the human to take over."""
        v = self._speed_guess(seen.t_ns)
        x = look_ahead(v)
        centre = 0.5 * (lanes.left + lanes.right)
        y = float(centre[0] + centre[1] * x + centre[2] * x * x + centre[3] * x**3)
        steer = pursue(x, y, v, self._car.wheelbase, self._understeer)
        if blind:
            self._steer = steer
            return self._stop(seen, Cause.PERCEPTION, "neither pose nor object list")
        follow = self._follow_in_body(seen.t_ns, v, lanes)
        if waking:
            return self._answer(min(follow, 0.0), steer)
        return self._answer(
            min(follow, -0.5 if v > 8.0 else 0.0), steer, Mode.TAKEOVER_REQUEST, Cause.LOCALISATION, "pose lost"
        )

    def _speed_guess(self, t_ns: int) -> float:
        if self._pose is None:
            return self._brief.start_speed_mps
        pose = self._pose.data
        assert isinstance(pose, PoseEstimate)
        return max(0.0, pose.speed_mps + self._accel * min(_age(self._pose, t_ns), 3.0))

    # --- longitudinal -------------------------------------------------------------------------------------------------

    def _accelerate(self, t_ns: int, pose: PoseEstimate, place: _Place) -> float:
        v = pose.speed_mps
        front = place.s + self._car.wheelbase + self._front_overhang()
        accel = self._toward(v, self._speed_here(place.s, v), math.inf, v)
        for hindrance in self._obstacles(t_ns, pose, place, front):
            gap, v_lead = hindrance.gap, hindrance.speed
            if hindrance.decel > 0.0:
                accel = min(accel, -min(hindrance.decel, self._habits.decel_mps2))
                urgent = False
            elif hindrance.crosses:
                accel = min(accel, self._stop_at(v, gap))
                urgent = braking_needed(v, gap, v_lead) > self._habits.urgent_mps2
            else:
                accel = min(accel, self._toward(v, self._speed_set, gap, v_lead))
                urgent = True
            hard = self._emergency(gap, v, v_lead, pose.accel_mps2) if urgent else 0.0
            if hard > 0.0:
                accel = min(accel, -hard)
        for gap in self._stops(t_ns, place, front, v):
            accel = min(accel, self._stop_at(v, gap))
        return accel

    def _stop_at(self, v: float, gap: float) -> float:
        """Return the acceleration that brings the front to rest a metre before a point."""
        h = self._habits
        if v < 0.5 and gap < 2.0:
            return -1.0
        return idm(v, self._speed_set, gap, 0.0, 0.5 * h.headway_s, 1.0, h.accel_mps2, h.decel_mps2)

    def _toward(self, v: float, v_set: float, gap: float, v_lead: float) -> float:
        h = self._habits
        return cool(v, v_set, gap, v_lead, h.headway_s, h.standstill_m, h.accel_mps2, h.decel_mps2)

    def _front_overhang(self) -> float:
        return self._car.length - self._car.rear_overhang - self._car.wheelbase

    def _speed_here(self, s: float, v: float) -> float:
        """Return the speed to drive now for the limits and curves up to a comfortable braking way ahead."""
        path = self._path
        reach = v * v / (2.0 * self._habits.decel_mps2 * 0.7) + 20.0
        i = max(0, self._index - 1)
        j = min(len(path.s), i + int(reach) + 2)
        curve = np.sqrt(self._habits.curve_mps2 / np.maximum(np.abs(path.curvature[i:j]), 1e-6))
        allowed = np.minimum(curve, path.limit[i:j])
        away = np.maximum(path.s[i:j] - s, 0.0)
        braking = np.sqrt(allowed**2 + 2.0 * 0.7 * self._habits.decel_mps2 * away)
        here = float(np.min(braking)) if j > i else math.inf
        wish = min(self._speed_set, here)
        return wish if math.isfinite(wish) else 13.9

    def _obstacles(self, t_ns: int, pose: PoseEstimate, place: _Place, front: float) -> list[_Hindrance]:
        """Return everything that is, or is about to be, on the ego's way."""
        if self._objects is None:
            return []
        objects = self._objects.data
        assert isinstance(objects, ObjectList)
        age = max(0.0, _age(self._objects, t_ns))
        found: list[_Hindrance] = []
        half = 0.5 * self._car.width
        v = pose.speed_mps
        turned = pose.yaw_rate * age
        for i in range(len(objects.ids)):
            vx, vy = objects.velocity_xy[i]
            bx = objects.center_xy[i, 0] + (vx - v) * age
            by = objects.center_xy[i, 1] + vy * age
            yaw = pose.yaw + float(objects.yaw[i])
            c, si = math.cos(pose.yaw - turned), math.sin(pose.yaw - turned)
            x = pose.x + c * bx - si * by
            y = pose.y + si * bx + c * by
            wx, wy = c * vx - si * vy, si * vx + c * vy
            length, width = objects.size_lw[i]
            kind = int(objects.kinds[i])
            found += self._in_the_way(front, place, v, half, _Thing(x, y, yaw, wx, wy, length, width, kind))
        return found

    def _in_the_way(self, front: float, place: _Place, v: float, half: float, thing: _Thing) -> list[_Hindrance]:
        path = self._path
        index, s, d = project(path, thing.x, thing.y, self._index - 40, self._index + 260, _NEAR_M)
        d += self._shift
        heading = float(path.heading[index])
        c, si = math.cos(heading), math.sin(heading)
        along, across = c * thing.vx + si * thing.vy, c * thing.vy - si * thing.vx
        turn = thing.yaw - heading
        reach = abs(math.cos(turn)) * 0.5 * thing.length + abs(math.sin(turn)) * 0.5 * thing.width
        side = abs(math.sin(turn)) * 0.5 * thing.length + abs(math.cos(turn)) * 0.5 * thing.width
        gap = s - reach - front
        ahead: list[_Hindrance] = []
        if gap > 200.0 or abs(d) > 60.0:
            return []
        speed = math.hypot(thing.vx, thing.vy)
        same_way = math.cos(turn) > _SIDE_BY_SIDE and speed > 1.0
        behind = s < place.s if same_way else s + reach < place.s + self._car.wheelbase
        if behind and (abs(d) < _OWN_LANE_M or not same_way):
            return []
        free = abs(d) - side - half
        if free < 0.15 and not behind:
            ahead = [_Hindrance(max(gap, 0.0), max(along, 0.0) if math.cos(turn) > -0.3 else 0.0)]
            if gap < _FAR_M:
                return ahead
        closing = -across * math.copysign(1.0, d)
        if closing > 0.15 and along > 2.0 and not behind and same_way:
            t_side = free / closing
            t_rear = (gap + thing.length + self._car.length) / (v - along) + 0.1 if v > along else math.inf
            if t_side < min(2.0, t_rear) and gap > -self._car.length:
                return [_Hindrance(max(gap, 0.0), along)]
            return []
        lane_user = thing.kind not in (PEDESTRIAN, BICYCLE, OBJECT)
        course = math.atan2(thing.vy, thing.vx) if speed > 0.5 else thing.yaw
        s_meet, let_in = conflict_at(
            self._brief.road.arrays, path, max(self._index, 0), front,
            v, min(self._speed_set, 60.0), self._habits.accel_mps2, half, self._car.length,
            thing.x, thing.y, course, speed, thing.length, thing.width, lane_user,
        )  # fmt: skip
        if math.isfinite(s_meet) and s_meet - front > -1.0:
            return [*ahead, _Hindrance(max(s_meet - front - 1.0, 0.0), 0.0, crosses=True)]
        if let_in > 0.0:
            return [*ahead, _Hindrance(math.inf, along, decel=let_in)]
        return ahead

    def _stops(self, t_ns: int, place: _Place, front: float, v: float) -> list[float]:
        """Return the gaps to the lines and ends to stop at."""
        gaps = [float(self._path.s[-1]) - front]
        if self._lights is None or _age(self._lights, t_ns) > 1.0:
            return gaps
        lights = self._lights.data
        assert isinstance(lights, TrafficLights)
        moved = v * _age(self._lights, t_ns)
        for signal, distance, lamp in zip(lights.signal, lights.distance_m, lights.lamp, strict=True):
            seen = place.s + float(distance) - moved
            line = self._lines.get(int(signal), seen)
            line = self._lines[int(signal)] = line + 0.1 * (seen - line) if abs(seen - line) < 5.0 else seen
            gap = line - front
            if int(lamp) in (LAMP_OFF, LAMP_GREEN) or gap < -2.0:
                continue
            can = v * v / (2.0 * max(gap, 0.1)) < 3.5
            if can or int(lamp) in (LAMP_RED, LAMP_RED_YELLOW):
                gaps.append(max(gap, 0.0))
        return gaps

    def _follow_in_body(self, t_ns: int, v: float, lanes: LaneBoundaries) -> float:
        """Return the acceleration for what is ahead in the lane that is seen, without any pose."""
        accel = self._toward(v, min(self._speed_set, v + 0.1), math.inf, v)
        if self._objects is None:
            return accel
        objects = self._objects.data
        assert isinstance(objects, ObjectList)
        centre = 0.5 * (lanes.left + lanes.right)
        front = self._car.wheelbase + self._front_overhang()
        for i in range(len(objects.ids)):
            x, y = objects.center_xy[i]
            middle = centre[0] + centre[1] * x + centre[2] * x * x + centre[3] * x**3
            if x < front or abs(y - middle) > 0.5 * (objects.size_lw[i, 1] + self._car.width) + 0.2:
                continue
            gap = max(float(x) - 0.5 * float(objects.size_lw[i, 0]) - front, 0.0)
            v_lead = max(float(objects.velocity_xy[i, 0]), 0.0)
            accel = min(accel, self._toward(v, self._speed_set, gap, v_lead))
            hard = self._emergency(gap, v, v_lead, self._accel)
            accel = min(accel, -hard) if hard > 0.0 else accel
        del t_ns
        return accel

    # --- answers ------------------------------------------------------------------------------------------------------

    def _stop(self, seen: Seen, cause: Cause, note: str) -> Command:
        return self._answer(
            -self._habits.minimal_risk_mps2 if self._speed_guess(seen.t_ns) > 0.05 else -1.0,
            self._steer,
            Mode.MINIMAL_RISK,
            cause,
            note,
        )

    def _answer(
        self, accel: float, steer: float, mode: Mode = Mode.ENGAGED, cause: Cause = Cause.NONE, note: str = ""
    ) -> Command:
        h, step_s = self._habits, seconds(self._brief.step_ns)
        firm = accel < -h.decel_mps2 or self._accel < -h.decel_mps2
        change = (h.jerk_mps3 if firm else h.comfort_jerk_mps3) * step_s
        harder = h.urgent_jerk_mps3 * step_s if accel < -h.urgent_mps2 else change
        self._accel = float(np.clip(accel, self._accel - harder, self._accel + change))
        self._accel = float(np.clip(self._accel, -self._car.max_decel, self._car.max_accel))
        self._steer = float(np.clip(steer, -self._car.max_steer, self._car.max_steer))
        return Command(self._accel, self._steer, mode, cause, note)


@dataclass(frozen=True, slots=True)
class _Place:
    """Along and across the way [m]."""

    s: float
    d: float


@dataclass(frozen=True, slots=True)
class _Hindrance:
    """What to slow down for: the gap to it [m], its speed along the way, whether it only crosses, and how hard to
    brake [m/s^2] where a gap does not say so."""

    gap: float
    speed: float
    crosses: bool = False
    decel: float = 0.0


@dataclass(frozen=True, slots=True)
class _Thing:
    """An object in the map frame."""

    x: float
    y: float
    yaw: float
    vx: float
    vy: float
    length: float
    width: float
    kind: int


def _age(sample: Sample | None, t_ns: int) -> float:
    return math.inf if sample is None else seconds(t_ns - sample.t_stamp_ns)
