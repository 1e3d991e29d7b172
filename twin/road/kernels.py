"""Questions about places on lanes, as kernels.

Model: a lane's centre line is a chain of arcs over equally spaced points; between two points the position bulges off
the chord by curvature / 2 * (way to either end), heading, curvature, width and height are linear. Beyond its ends a
lane goes on straight. s [m] is the planar way along the centre in the direction of travel, d [m] the offset to the
left, headings are ENU angles [rad]. A lane of -1 means none. Cross-sections are flat (no superelevation).
"""

from __future__ import annotations

import math

from twin.kernel import kernel
from twin.road.arrays import RoadArrays, RouteTables
from twin.state import Ints

DRIVING_ONLY = 1  # kind mask: 1 << DRIVING
ANY_KIND = 63

_DRIVING = 0
_ON_THE_LINE = 1e-6  # what still counts as on a lane beyond its edge or its end [m]
_HOPS = 256  # lanes that one walk crosses at most


@kernel
def turn_between(a: float, b: float) -> float:
    """Return the angle from heading a to heading b in [-pi, pi)."""
    return (b - a + math.pi) % (2.0 * math.pi) - math.pi


@kernel
def _before(road: RoadArrays, lane: int, s: float) -> tuple[int, float]:
    """Return the point at or before s and the fraction of the way to the next one, within the lane."""
    first = road.first[lane]
    last = road.first[lane + 1] - 2
    if s <= 0.0:
        return first, 0.0
    if s >= road.length[lane]:
        return last, 1.0
    u = s / road.step[lane]
    i = min(first + int(u), last)
    return i, u - (i - first)


@kernel
def lane_pose(road: RoadArrays, lane: int, s: float, d: float) -> tuple[float, float, float, float, float, float]:
    """Return (x, y, z, heading, pitch, curvature) at s along and d left of `lane`; straight on beyond its ends.

    heading is unwrapped within a lane; pitch is nose down + (ISO 8855).
    """
    i, part = _before(road, lane, s)
    j = i + 1
    dx = road.x[j] - road.x[i]
    dy = road.y[j] - road.y[i]
    heading = road.heading[i] + part * (road.heading[j] - road.heading[i])
    pitch = road.pitch[i] + part * (road.pitch[j] - road.pitch[i])
    curvature = road.curvature[i] + part * (road.curvature[j] - road.curvature[i])
    bulge = 0.25 * (road.curvature[i] + road.curvature[j]) * part * (1.0 - part) * road.step[lane]
    x = road.x[i] + part * dx + dy * bulge
    y = road.y[i] + part * dy - dx * bulge
    z = road.z[i] + part * (road.z[j] - road.z[i])
    over = 0.0
    if s < 0.0:
        over = s
    elif s > road.length[lane]:
        over = s - road.length[lane]
    cos = math.cos(heading)
    sin = math.sin(heading)
    if over != 0.0:
        z -= over * math.tan(pitch)
        curvature = 0.0
    return x + over * cos - d * sin, y + over * sin + d * cos, z, heading, pitch, curvature


@kernel
def lane_width(road: RoadArrays, lane: int, s: float) -> float:
    """Return the width [m] at s, that of the nearer end beyond the ends."""
    i, part = _before(road, lane, s)
    return float(road.width[i] + part * (road.width[i + 1] - road.width[i]))


@kernel
def project(road: RoadArrays, lane: int, x: float, y: float, s_hint: float) -> tuple[float, float]:
    """Return (s, d) of the foot of the perpendicular nearest to s_hint, by Newton's method.

    s may lie below 0 or above the length: step on to the neighbour there.
    """
    s = s_hint
    d = 0.0
    for _ in range(32):
        cx, cy, _, heading, _, curvature = lane_pose(road, lane, s, 0.0)
        cos = math.cos(heading)
        sin = math.sin(heading)
        along = (x - cx) * cos + (y - cy) * sin
        d = (y - cy) * cos - (x - cx) * sin
        ds = along / max(0.3, 1.0 - curvature * d)
        ds = min(20.0, max(-20.0, ds))
        s += ds
        if abs(ds) < 1e-9:
            break
    return s, d


@kernel
def project_global(road: RoadArrays, lane: int, x: float, y: float) -> tuple[float, float]:
    """Return (s, d) of the nearest foot on the whole lane."""
    first = road.first[lane]
    best = first
    least = math.inf
    for i in range(first, road.first[lane + 1]):
        square = (road.x[i] - x) ** 2 + (road.y[i] - y) ** 2
        if square < least:
            least = square
            best = i
    return project(road, lane, x, y, (best - first) * road.step[lane])


@kernel
def contains(road: RoadArrays, lane: int, s: float, d: float) -> bool:
    """Return whether (s, d) lies on the lane's surface."""
    on_length = -_ON_THE_LINE <= s <= road.length[lane] + _ON_THE_LINE
    return bool(on_length and abs(d) <= 0.5 * lane_width(road, lane, s) + _ON_THE_LINE)


@kernel
def _find(
    road: RoadArrays, x: float, y: float, heading: float, use_heading: bool, kinds: int
) -> tuple[int, float, float]:
    column = math.floor((x - road.grid_x) / road.cell)
    row = math.floor((y - road.grid_y) / road.cell)
    if column < 0 or row < 0 or column >= road.grid_nx or row >= road.grid_ny:
        return -1, 0.0, 0.0
    cell = int(row) * road.grid_nx + int(column)
    best = -1
    best_s = 0.0
    best_d = 0.0
    best_score = -math.inf
    for k in range(road.grid_first[cell], road.grid_first[cell + 1]):
        lane = road.grid_lane[k]
        if (kinds >> road.kind[lane]) & 1 == 0:
            continue
        hint = (road.grid_point[k] - road.first[lane]) * road.step[lane]
        s, d = project(road, lane, x, y, hint)
        if not contains(road, lane, s, d):
            continue
        score = -abs(d) / (lane_width(road, lane, s) + 1e-9)
        if use_heading:
            i, part = _before(road, lane, s)
            along = road.heading[i] + part * (road.heading[i + 1] - road.heading[i])
            score = 0.05 * score + math.cos(heading - along)
        if score > best_score:
            best, best_s, best_d, best_score = lane, s, d, score
    return best, best_s, best_d


@kernel
def locate(road: RoadArrays, x: float, y: float, heading: float) -> tuple[int, float, float]:
    """Return (lane, s, d) of the driving lane that holds the point and agrees best with heading, (-1, 0, 0) if none."""
    return _find(road, x, y, heading, True, DRIVING_ONLY)


@kernel
def locate_kind(road: RoadArrays, x: float, y: float, kinds: int) -> tuple[int, float, float]:
    """Return (lane, s, d) of the lane that holds the point, nearest to its centre; kinds is the sum of 1 << kind."""
    return _find(road, x, y, 0.0, False, kinds)


@kernel
def onward(road: RoadArrays, routes: RouteTables, route: int, lane: int) -> int:
    """Return the lane after `lane` on the route: its next, else the straightest, -1 at a dead end."""
    after = routes.next[route, lane]
    return int(after) if after >= 0 else int(road.straight[lane])


@kernel
def across(road: RoadArrays, lane: int, s: float, to_lane: int) -> float:
    """Return the s of to_lane in the same cross-section; both lanes lie in one section of one road."""
    i, part = _before(road, lane, s)
    at = road.road_s[i] + part * (road.road_s[i + 1] - road.road_s[i])
    first = road.first[to_lane]
    last = road.first[to_lane + 1] - 1
    sign = 1.0 if road.road_s[last] >= road.road_s[first] else -1.0
    low = first
    high = last
    while high - low > 1:
        middle = (low + high) // 2
        if sign * (road.road_s[middle] - at) <= 0.0:
            low = middle
        else:
            high = middle
    gap = road.road_s[high] - road.road_s[low]
    rest = (at - road.road_s[low]) / gap if gap != 0.0 else 0.0
    there = (low - first + min(1.0, max(0.0, rest))) * road.step[to_lane]
    over = min(s, 0.0) + max(s - road.length[lane], 0.0)
    here_sign = 1.0 if road.road_s[road.first[lane + 1] - 1] >= road.road_s[road.first[lane]] else -1.0
    return float(there + over * here_sign * sign)


@kernel
def beside(road: RoadArrays, lane: int, s: float, side: int) -> tuple[int, float]:
    """Return the neighbour in the same direction (+1 left, -1 right) and its s in the cross-section, or (-1, 0)."""
    neighbour = road.left[lane] if side > 0 else road.right[lane]
    if neighbour < 0:
        return -1, 0.0
    return int(neighbour), across(road, lane, s, neighbour)


@kernel
def same_thread(road: RoadArrays, lane_a: int, lane_b: int) -> bool:
    """Return whether both lanes are joined one to one along the road."""
    return bool(lane_a >= 0 and lane_b >= 0 and road.thread[lane_a] == road.thread[lane_b])


@kernel
def _least_off(road: RoadArrays, first: Ints, lanes: Ints, lane: int, x: float, y: float, at_end: bool) -> int:
    best = -1
    least = math.inf
    for k in range(first[lane], first[lane + 1]):
        other = lanes[k]
        _, d = project(road, other, x, y, road.length[other] if at_end else 0.0)
        if abs(d) < least:
            least = abs(d)
            best = other
    return best


@kernel
def track(
    road: RoadArrays, routes: RouteTables, route: int, lane: int, s: float, x: float, y: float, heading: float
) -> tuple[int, float, float]:
    """Return (lane, s, d) of a point that was at (lane, s) a moment ago.

    Past an end it takes the route's lane if that holds the point, else the branch it is nearest to; past an edge the
    neighbour or the oncoming lane; else whatever lane is there: driving first, then any kind, else -1.
    """
    if lane < 0:
        return _anywhere(road, x, y, heading)
    s, d = project(road, lane, x, y, s)
    for _ in range(_HOPS):
        if s > road.length[lane] + _ON_THE_LINE:
            after = onward(road, routes, route, lane)
            if after < 0:
                return _anywhere(road, x, y, heading)
            start, off = project(road, after, x, y, s - road.length[lane])
            if abs(off) > 0.5 * lane_width(road, after, start):
                after = _least_off(road, road.succ_first, road.succ, lane, x, y, False)
                start, off = project(road, after, x, y, s - road.length[lane])
            if start < 0.0:
                start = 0.0
            lane, s, d = after, start, off
        elif s < -_ON_THE_LINE:
            before = road.back[lane]
            if before < 0:
                return _anywhere(road, x, y, heading)
            end, off = project(road, before, x, y, road.length[before] + s)
            if abs(off) > 0.5 * lane_width(road, before, end):
                before = _least_off(road, road.pred_first, road.pred, lane, x, y, True)
                end, off = project(road, before, x, y, road.length[before] + s)
            if end > road.length[before]:
                end = road.length[before]
            lane, s, d = before, end, off
        else:
            break
    for _ in range(16):
        if contains(road, lane, s, d):
            return lane, s, d
        if road.kind[lane] != _DRIVING:
            break
        neighbour = road.left[lane] if d > 0.0 else road.right[lane]
        if neighbour < 0:
            neighbour = road.oncoming[lane]
        if neighbour < 0:
            break
        near, off = project(road, neighbour, x, y, across(road, lane, s, neighbour))
        if abs(off) >= abs(d) or near < -1.0 or near > road.length[neighbour] + 1.0:
            break
        lane, d = neighbour, off
        s = min(road.length[lane], max(0.0, near))
    return _anywhere(road, x, y, heading)


@kernel
def _anywhere(road: RoadArrays, x: float, y: float, heading: float) -> tuple[int, float, float]:
    lane, s, d = locate(road, x, y, heading)
    if lane >= 0:
        return lane, s, d
    return locate_kind(road, x, y, ANY_KIND)


@kernel
def advance(
    road: RoadArrays, routes: RouteTables, route: int, lane: int, s: float, ds: float
) -> tuple[int, float, float]:
    """Return (lane, s, left over) after ds along the route; negative ds goes back along the straightest way.

    left over is what could not be gone at a dead end, with the sign of ds; s then is that end.
    """
    s += ds
    for _ in range(_HOPS):
        if s > road.length[lane]:
            after = onward(road, routes, route, lane)
            if after < 0:
                return lane, float(road.length[lane]), s - road.length[lane]
            s -= road.length[lane]
            lane = after
        elif s < 0.0:
            before = road.back[lane]
            if before < 0:
                return lane, 0.0, s
            lane = int(before)
            s += road.length[lane]
        else:
            return lane, s, 0.0
    end = min(road.length[lane], max(0.0, s))
    return lane, end, s - end


@kernel
def way_ahead(
    road: RoadArrays,
    routes: RouteTables,
    route: int,
    lane: int,
    s: float,
    to_lane: int,
    to_s: float,
    horizon: float,
) -> float:
    """Return the way along the route from (lane, s) to (to_lane, to_s) [m], inf where it is not met within horizon."""
    if to_lane < 0 or lane < 0:
        return math.inf
    if to_lane == lane and to_s >= s:
        return to_s - s if to_s - s <= horizon else math.inf
    way = -s
    for _ in range(_HOPS):
        way += road.length[lane]
        lane = onward(road, routes, route, lane)
        if lane < 0 or way > horizon:
            return math.inf
        if lane == to_lane:
            return way + to_s if way + to_s <= horizon else math.inf
    return math.inf


@kernel
def _same_section(road: RoadArrays, a: int, b: int) -> bool:
    return bool(a == b or (road.road[a] == road.road[b] and road.section[a] == road.section[b]))


@kernel
def _way_on(road: RoadArrays, lane: int, s: float, to_lane: int, to_s: float, horizon: float) -> float:
    """Follow the straightest way on from (lane, s) until beside to_lane; inf if that is not met."""
    way = -s
    for _ in range(_HOPS):
        way += road.length[lane]
        lane = road.straight[lane]
        if lane < 0 or way > horizon:
            return math.inf
        if _same_section(road, lane, to_lane):
            return float(way + across(road, to_lane, to_s, lane))
    return math.inf


@kernel
def _way_back(road: RoadArrays, lane: int, s: float, to_lane: int, to_s: float, horizon: float) -> float:
    """Follow the straightest way back from (lane, s) until beside to_lane; inf if that is not met."""
    way = s
    for _ in range(_HOPS):
        lane = road.back[lane]
        if lane < 0 or way > horizon:
            return math.inf
        if _same_section(road, lane, to_lane):
            return float(way + road.length[lane] - across(road, to_lane, to_s, lane))
        way += road.length[lane]
    return math.inf


@kernel
def way_between(road: RoadArrays, lane_a: int, s_a: float, lane_b: int, s_b: float, horizon: float) -> float:
    """Return how far b is ahead of a along the lanes of a [m], negative behind, nan where they are not related.

    Related: b is in the cross-section of a lane that the straightest way on or back from a meets within horizon, or
    the same with a and b changed. b counts whatever lane of the cross-section it is on, oncoming ones included.
    """
    if lane_a < 0 or lane_b < 0:
        return math.nan
    if lane_a == lane_b:
        way = s_b - s_a
        return way if abs(way) <= horizon else math.nan
    if _same_section(road, lane_a, lane_b):
        way = across(road, lane_b, s_b, lane_a) - s_a
        return way if abs(way) <= horizon else math.nan
    ahead = min(_way_on(road, lane_a, s_a, lane_b, s_b, horizon), _way_back(road, lane_b, s_b, lane_a, s_a, horizon))
    behind = min(_way_on(road, lane_b, s_b, lane_a, s_a, horizon), _way_back(road, lane_a, s_a, lane_b, s_b, horizon))
    if min(ahead, behind) > horizon:
        return math.nan
    return ahead if ahead <= behind else -behind
