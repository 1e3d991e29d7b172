"""The object list: what perception makes of the bodies around, without simulating a single pixel.

Per source and body a detection happens with P = logistic(base - by_range R / R_class + by_visibility v - by_weather a
R), R the distance, v the visible fraction, a the attenuation of the air; a two-state chain makes hits and misses
persist. A track is born after `birth` frames in a row, coasts while unseen and dies after `death` such frames. Position
errors are Gauss-Markov in range and bearing, so are velocity and heading errors; size and class errors last a track.
Ghosts come as a Poisson process and live exponentially long. What no living source sees is not there.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensors.config import DeviceConfig, Link
from sensors.coverage import TECHNOLOGIES, Coverage, Technology, dimming, reach_factor
from sensors.device import Device, Effect, Effects, Kind, Setting
from sensors.noise import chain, correlated, forgetting, in_burst
from sensors.quantities import Count, Distance, Hertz, PerSecond, Ratio, Seconds, Share, Speed, Spread
from sensors.span import Span
from sensors.visibility import boxes_of, outline, visible_fraction
from twin.draw import key_of, normal, poisson, uniform
from twin.errors import InputError
from twin.kernel import kernel
from twin.samples import ObjectList, Payload
from twin.state import (
    BICYCLE,
    EGO,
    KIND,
    LENGTH,
    MOTORCYCLE,
    TRUCK,
    VEHICLE,
    VX,
    VY,
    WIDTH,
    YAW,
    YAW_RATE,
    Floats,
    Ints,
    X,
    Y,
    Z,
)

CLASS_RANGE: Final = (1.0, 1.2, 1.2, 0.8, 0.7, 0.6, 0.6)  # share of a source's range, by kind of body
MISTAKEN_FOR: Final = (TRUCK, VEHICLE, TRUCK, BICYCLE, MOTORCYCLE, BICYCLE, VEHICLE)
GHOSTS: Final = 8
DRAWS: Final = 5  # per body and frame
SOURCES: Final = 16
COLUMNS: Final = 11


class Config(DeviceConfig):
    """Without `sources` the list looks for itself with its own range, field of view and technology."""

    rate: Hertz = 20.0
    link: Link = Link(latency=0.05, jitter=0.005)
    sources: tuple[str, ...] = ()
    technology: Technology = "lidar"
    range: Distance = 120.0
    field_of_view: Spread = 2.0 * math.pi
    base: Ratio = -1.0
    by_range: Ratio = 4.8
    by_visibility: Ratio = 8.0
    by_weather: Ratio = 4.0
    least_visible: Share = 0.05
    persistence: Seconds = 0.3
    birth: Count = 2
    death: Count = 5
    range_error: Distance = 0.1
    range_error_share: Share = 0.002
    bearing_error: Spread = 0.1 * math.pi / 180.0
    velocity_error: Speed = 0.1
    heading_error: Spread = 1.0 * math.pi / 180.0
    size_error: Share = 0.03
    correlation: Seconds = 0.5
    mistaken: Share = 0.0
    ghost_rate: PerSecond = 0.0
    ghost_life: Seconds = 1.0

    @property
    def coverage(self) -> Coverage:
        """Return where it looks without sources."""
        m = self.mount
        return Coverage(m.x, m.y, m.z, m.yaw, self.range, self.field_of_view, TECHNOLOGIES.index(self.technology))


class Rules(NamedTuple):
    """The numbers of a Config that kernels read."""

    base: float
    by_range: float
    by_visibility: float
    by_weather: float
    least_visible: float
    keep: float  # forgetting of detection
    birth: int
    death: int
    range_error: float
    range_error_share: float
    bearing_error: float
    velocity_error: float
    heading_error: float
    size_error: float
    phi: float  # forgetting of errors
    mistaken: float
    dt: float


class Tracks(NamedTuple):
    """Memory of an object list of S sources and N bodies."""

    seen: Ints  # (S, N) state of the detection chain, -1 before the first look
    bursting: Ints  # (N,) state of the chain of the fault `miss`
    run: Ints  # (N,) frames in a row with a detection
    gap: Ints  # (N,) frames in a row without
    id: Ints  # (N,) 0 without a track
    error: Floats  # (N, 5) unit errors: range, bearing, velocity x and y, heading
    last: Floats  # (N, 5) last report, world: x, y, vx, vy, yaw
    next_id: Ints  # (1,)


class Keys(NamedTuple):
    detect: np.uint64
    error: np.uint64
    track: np.uint64
    miss: np.uint64


class Ghosts(NamedTuple):
    """Ghosts alive, at most GHOSTS: id 0 is a free place; x, y, vx, vy, yaw (world) and the life left [s]."""

    id: Ints  # (GHOSTS,)
    pose: Floats  # (GHOSTS, 5)
    life: Floats  # (GHOSTS,)


class Report(NamedTuple):
    """Rows of an object list being written."""

    ids: Ints
    kinds: Ints
    center: Floats
    velocity: Floats
    yaw: Floats
    size: Floats
    score: Floats
    sources: Ints


def tracks_of(sources: int, bodies: int) -> Tracks:
    """Return the memory before the first frame."""

    def ints(*shape: int) -> Ints:
        return np.zeros(shape, dtype=np.int64)

    return Tracks(
        ints(sources, bodies) - 1,
        ints(bodies),
        ints(bodies),
        ints(bodies),
        ints(bodies),
        np.zeros((bodies, 5)),
        np.zeros((bodies, 5)),
        ints(1) + 1,
    )


@kernel
def probability(rules: Rules, distance: float, reach: float, visible: float, alpha: float) -> float:
    """Return the chance that one frame of one source finds a body."""
    z = (
        rules.base
        - rules.by_range * distance / max(reach, 1.0)
        + rules.by_visibility * visible
        - rules.by_weather * alpha * distance
    )
    return 1.0 / (1.0 + math.exp(-z))


@kernel
def looks(source: NDArray[np.float64], ex: float, ey: float, yaw: float, box: NDArray[np.float64]) -> float:
    """Return the distance from a source to a box's centre, inf when it lies outside its view or in a lost sector."""
    sx = ex + math.cos(yaw) * source[0] - math.sin(yaw) * source[1]
    sy = ey + math.sin(yaw) * source[0] + math.cos(yaw) * source[1]
    dx, dy = box[0] - sx, box[1] - sy
    bearing = math.atan2(dy, dx) - yaw - source[3]
    bearing -= 2.0 * math.pi * math.floor(bearing / (2.0 * math.pi) + 0.5)
    _, low, high = outline(sx, sy, box)
    half = 0.5 * source[5]
    if half < math.pi - 1e-9 and (bearing + high < -half or bearing + low > half):
        return np.inf
    off = bearing - source[8]
    off -= 2.0 * math.pi * math.floor(off / (2.0 * math.pi) + 0.5)
    if source[9] > 0.0 and abs(off) <= source[9]:
        return np.inf
    return math.sqrt(dx * dx + dy * dy)


@kernel
def detect(
    rules: Rules,
    tracks: Tracks,
    keys: Keys,
    k: int,
    f: NDArray[np.float64],
    n: NDArray[np.int64],
    p: NDArray[np.float64],
    fixed: NDArray[np.float64],
    environment: NDArray[np.float64],
    sources: NDArray[np.float64],
    class_range: NDArray[np.float64],
    miss: float,
    miss_burst: float,
    mask: NDArray[np.int64],
    score: NDArray[np.float64],
) -> None:
    """Write for every body the mask of living sources that found it in frame k, and the chance of that."""
    boxes = boxes_of(f, n, p, fixed)
    bodies = f.shape[1]
    count = sources.shape[0]
    yaw = f[YAW, EGO]
    for i in range(1, bodies):
        mask[i] = 0
        unseen = 1.0
        kind = int(p[KIND, i])
        for s in range(count):
            technology = int(sources[s, 6])
            chance = 0.0
            if boxes[i, 7] > 0.0:
                distance = looks(sources[s], f[X, EGO], f[Y, EGO], yaw, boxes[i])
                reach = sources[s, 4] * reach_factor(environment, technology)
                if distance <= reach:
                    sx = f[X, EGO] + math.cos(yaw) * sources[s, 0] - math.sin(yaw) * sources[s, 1]
                    sy = f[Y, EGO] + math.sin(yaw) * sources[s, 0] + math.cos(yaw) * sources[s, 1]
                    visible = visible_fraction(sx, sy, f[Z, EGO] + sources[s, 2], i, EGO, boxes)
                    if visible >= rules.least_visible and visible > 0.0:
                        alpha = dimming(environment, technology)
                        chance = probability(rules, distance, reach * class_range[kind], visible, alpha)
                        if technology == 3:
                            chance = 1.0
            u = uniform(keys.detect, (k * SOURCES + s) * bodies + i)
            keep = rules.keep if tracks.seen[s, i] >= 0 and technology != 3 else 0.0
            tracks.seen[s, i] = chain(tracks.seen[s, i], chance, keep, u) if chance > 0.0 else -1
            if tracks.seen[s, i] == 1 and sources[s, 7] > 0.0:
                mask[i] |= 1 << s
                unseen *= 1.0 - chance
        score[i] = 1.0 - unseen
        if miss > 0.0:
            burst = in_burst(tracks.bursting[i], miss, miss_burst, uniform(keys.miss, k * bodies + i))
            tracks.bursting[i] = burst
            if burst == 1:
                mask[i] = 0
        else:
            tracks.bursting[i] = 0


@kernel
def report(
    rules: Rules,
    tracks: Tracks,
    keys: Keys,
    k: int,
    f: NDArray[np.float64],
    p: NDArray[np.float64],
    mount_x: float,
    mount_y: float,
    mistaken_for: NDArray[np.int64],
    mask: NDArray[np.int64],
    score: NDArray[np.float64],
    out: Report,
) -> int:
    """Advance tracks and errors by one frame and write the list; returns its length."""
    bodies = f.shape[1]
    ex, ey, yaw = f[X, EGO], f[Y, EGO], f[YAW, EGO]
    cos, sin = math.cos(yaw), math.sin(yaw)
    rows = 0
    for i in range(1, bodies):
        for a in range(5):
            w = normal(keys.error, (k * bodies + i) * DRAWS + a)
            tracks.error[i, a] = w if k == 0 else correlated(tracks.error[i, a], rules.phi, w)
        found = mask[i] != 0
        if found:
            tracks.run[i] += 1
            tracks.gap[i] = 0
            if tracks.id[i] == 0 and tracks.run[i] >= rules.birth:
                tracks.id[i] = tracks.next_id[0]
                tracks.next_id[0] += 1
        else:
            tracks.run[i] = 0
            tracks.gap[i] += 1
            if tracks.gap[i] >= rules.death:
                tracks.id[i] = 0
        if found:
            hx, hy = math.cos(f[YAW, i]), math.sin(f[YAW, i])
            ahead = p[4, i]
            dx = f[X, i] + hx * ahead - ex
            dy = f[Y, i] + hy * ahead - ey
            bx, by = cos * dx + sin * dy - mount_x, -sin * dx + cos * dy - mount_y
            distance = math.sqrt(bx * bx + by * by)
            bearing = math.atan2(by, bx) + rules.bearing_error * tracks.error[i, 1]
            distance += (rules.range_error + rules.range_error_share * distance) * tracks.error[i, 0]
            bx, by = distance * math.cos(bearing) + mount_x, distance * math.sin(bearing) + mount_y
            side = f[VY, i] + f[YAW_RATE, i] * ahead
            tracks.last[i, 0] = ex + cos * bx - sin * by
            tracks.last[i, 1] = ey + sin * bx + cos * by
            tracks.last[i, 2] = hx * f[VX, i] - hy * side + rules.velocity_error * tracks.error[i, 2]
            tracks.last[i, 3] = hy * f[VX, i] + hx * side + rules.velocity_error * tracks.error[i, 3]
            tracks.last[i, 4] = f[YAW, i] + rules.heading_error * tracks.error[i, 4]
        else:
            tracks.last[i, 0] += tracks.last[i, 2] * rules.dt
            tracks.last[i, 1] += tracks.last[i, 3] * rules.dt
        if tracks.id[i] == 0:
            continue
        track = tracks.id[i]
        kind = int(p[KIND, i])
        if uniform(keys.track, track * 4) < rules.mistaken:
            kind = mistaken_for[kind]
        _write(out, rows, track, kind, tracks.last[i], ex, ey, yaw)
        out.size[rows, 0] = p[LENGTH, i] * max(0.2, 1.0 + rules.size_error * normal(keys.track, track * 4 + 1))
        out.size[rows, 1] = p[WIDTH, i] * max(0.2, 1.0 + rules.size_error * normal(keys.track, track * 4 + 2))
        out.score[rows] = score[i] if found else 0.5 ** tracks.gap[i]
        out.sources[rows] = mask[i]
        rows += 1
    return rows


@kernel
def _write(
    out: Report, row: int, track: int, kind: int, last: NDArray[np.float64], ex: float, ey: float, yaw: float
) -> None:
    cos, sin = math.cos(yaw), math.sin(yaw)
    dx, dy = last[0] - ex, last[1] - ey
    turn = last[4] - yaw
    out.ids[row] = track
    out.kinds[row] = kind
    out.center[row, 0] = cos * dx + sin * dy
    out.center[row, 1] = -sin * dx + cos * dy
    out.velocity[row, 0] = cos * last[2] + sin * last[3]
    out.velocity[row, 1] = -sin * last[2] + cos * last[3]
    out.yaw[row] = turn - 2.0 * math.pi * math.floor(turn / (2.0 * math.pi) + 0.5)


@kernel
def haunt(
    ghosts: Ghosts,
    tracks: Tracks,
    key: np.uint64,
    k: int,
    rate: float,
    life: float,
    dt: float,
    f: NDArray[np.float64],
    sources: NDArray[np.float64],
    out: Report,
    rows: int,
) -> int:
    """Let ghosts die, be born and move by one frame, and add them to the list; returns its length."""
    for g in range(GHOSTS):
        if ghosts.id[g] != 0:
            ghosts.life[g] -= dt
            ghosts.pose[g, 0] += ghosts.pose[g, 2] * dt
            ghosts.pose[g, 1] += ghosts.pose[g, 3] * dt
            if ghosts.life[g] <= 0.0:
                ghosts.id[g] = 0
    alive = -1
    for s in range(sources.shape[0] - 1, -1, -1):
        if sources[s, 7] > 0.0:
            alive = s
    born = poisson(key, k * (4 * GHOSTS + 1), rate * dt) if rate > 0.0 else 0
    yaw = f[YAW, EGO]
    for g in range(GHOSTS):
        if born > 0 and ghosts.id[g] == 0 and alive >= 0:
            born -= 1
            at = k * (4 * GHOSTS + 1) + 1 + 4 * g
            ghosts.id[g] = tracks.next_id[0]
            tracks.next_id[0] += 1
            ghosts.life[g] = -life * math.log(1.0 - uniform(key, at))
            bearing = yaw + sources[alive, 3] + (uniform(key, at + 1) - 0.5) * sources[alive, 5]
            away = 5.0 + (sources[alive, 4] - 5.0) * uniform(key, at + 2)
            ghosts.pose[g, 0] = f[X, EGO] + away * math.cos(bearing)
            ghosts.pose[g, 1] = f[Y, EGO] + away * math.sin(bearing)
            speed = f[VX, EGO] * uniform(key, at + 3)
            ghosts.pose[g, 2] = speed * math.cos(yaw)
            ghosts.pose[g, 3] = speed * math.sin(yaw)
            ghosts.pose[g, 4] = yaw
        if ghosts.id[g] != 0 and alive >= 0:
            _write(out, rows, ghosts.id[g], VEHICLE, ghosts.pose[g], f[X, EGO], f[Y, EGO], yaw)
            out.size[rows, 0] = 4.5
            out.size[rows, 1] = 1.8
            out.score[rows] = 0.5
            out.sources[rows] = 1 << alive
            rows += 1
    return rows


class Objects:
    """Perception as a list, over the bodies of a case."""

    duration_ns = 0

    def __init__(self, setting: Setting[Config]) -> None:
        c = setting.config
        if len(c.sources) > SOURCES:
            raise InputError(f"sensor '{setting.name}' has {len(c.sources)} sources, at most {SOURCES} are possible")
        self._config = c
        self._sources = [setting.sources[s] for s in c.sources]
        views = [_coverage(d) for d in self._sources] or [c.coverage]
        self._views = np.zeros((len(views), COLUMNS))
        for i, view in enumerate(views):
            self._views[i, :7] = view
            self._views[i, 7] = 1.0
        bodies = setting.case.f0.shape[1]
        self._tracks = tracks_of(len(views), bodies)
        self._ghosts, self._injected = (
            Ghosts(np.zeros(GHOSTS, dtype=np.int64), np.zeros((GHOSTS, 5)), np.zeros(GHOSTS)) for _ in range(2)
        )
        seed, name = setting.case.seed, setting.name
        self._keys = Keys(*(key_of(seed, name, purpose) for purpose in ("detect", "error", "track", "miss")))
        self._ghost_key, self._injected_key = key_of(seed, name, "ghost"), key_of(seed, name, "fault.ghost")
        dt = setting.dt
        self._rules = Rules(
            *(c.base, c.by_range, c.by_visibility, c.by_weather, c.least_visible, forgetting(dt, c.persistence)),
            *(c.birth, c.death, c.range_error, c.range_error_share, c.bearing_error, c.velocity_error),
            *(c.heading_error, c.size_error, forgetting(dt, c.correlation), c.mistaken, dt),
        )
        self._p = setting.case.p
        self._fixed = _near_boxes(setting)
        self._class_range = np.array(CLASS_RANGE)
        self._mistaken_for = np.array(MISTAKEN_FOR)

    def observe(self, span: Span) -> None:
        pass

    def measure(self, k: int, t_ns: int, span: Span, effects: Effects) -> Payload:
        f, n = span.world_at(t_ns)
        bodies = f.shape[1]
        self._look_at_sources(span, t_ns)
        mask = np.zeros(bodies, dtype=np.int64)
        score = np.zeros(bodies)
        miss = effects.get("miss")
        share = miss.severity * miss["probability"] if miss else 0.0
        burst = miss["burst"] / self._rules.dt if miss else 1.0
        environment = span.now.environment
        detect(
            self._rules, self._tracks, self._keys, k, f, n, self._p, self._fixed, environment, self._views,
            self._class_range, share, burst, mask, score,
        )  # fmt: skip
        out = _blank(bodies + 2 * GHOSTS)
        m = self._config.mount
        rows = report(
            self._rules, self._tracks, self._keys, k, f, self._p, m.x, m.y, self._mistaken_for, mask, score, out
        )
        rows = self._haunt(
            self._ghosts, self._ghost_key, k, self._config.ghost_rate, self._config.ghost_life, f, out, rows
        )
        injected = effects.get("ghost")
        rate, life = (injected.severity * injected["rate"], injected["life"]) if injected else (0.0, 1.0)
        if not injected:
            self._injected.id[:] = 0
        rows = self._haunt(self._injected, self._injected_key, k, rate, life, f, out, rows)
        return ObjectList(
            out.ids[:rows], out.kinds[:rows], out.center[:rows], out.velocity[:rows], out.yaw[:rows], out.size[:rows],
            out.score[:rows], out.sources[:rows],
        )  # fmt: skip

    def _haunt(
        self, ghosts: Ghosts, key: np.uint64, k: int, rate: float, life: float, f: Floats, out: Report, rows: int
    ) -> int:
        if rate <= 0.0 and not ghosts.id.any():
            return rows
        return int(haunt(ghosts, self._tracks, key, k, rate, life, self._rules.dt, f, self._views, out, rows))

    def _look_at_sources(self, span: Span, t_ns: int) -> None:
        for row, device in zip(self._views, self._sources):
            effects = device.effects_at(span, t_ns)
            row[7] = 0.0 if "blackout" in effects else 1.0
            sector = effects.get("sector_loss")
            row[8] = sector["azimuth"] if sector else 0.0
            row[9] = 0.5 * sector.severity * sector["width"] if sector else 0.0

    def biased(self, data: Payload, bias: Effect) -> Payload:
        assert isinstance(data, ObjectList)
        return ObjectList(
            data.ids, data.kinds, data.center_xy + bias.severity * np.array([bias["x"], bias["y"]]), data.velocity_xy,
            data.yaw + bias.severity * bias["yaw"], data.size_lw, data.score, data.sources,
        )  # fmt: skip


def _blank(rows: int) -> Report:
    def ints() -> Ints:
        return np.zeros(rows, dtype=np.int64)

    return Report(
        ints(),
        ints(),
        np.zeros((rows, 2)),
        np.zeros((rows, 2)),
        np.zeros(rows),
        np.zeros((rows, 2)),
        np.zeros(rows),
        ints(),
    )


def _coverage(device: Device) -> Coverage:
    view = getattr(device.config, "coverage", None)
    if not isinstance(view, Coverage):
        raise InputError(f"sensor '{device.name}' cannot be a source of an object list: it has no field of view")
    return view


def _near_boxes(setting: Setting[Config]) -> Floats:
    boxes = setting.case.road.arrays.boxes
    return np.ascontiguousarray(boxes.reshape(-1, 7))


OBJECTS = Kind(Config, Objects, "tracked objects, with misses, ghosts and correlated errors")
