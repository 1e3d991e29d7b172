"""The compiled road network: plain arrays that kernels read.

A lane row is one driving-direction lane of one OpenDRIVE lane section; its arc length s runs in the direction of
travel, starting at 0. Its centre line is sampled at equal spacing `step[l]` <= 1 m, first and last point included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.state import Floats, Ints

DRIVING, SHOULDER, SIDEWALK, PARKING, BIKING, OTHER = range(6)
LANE_KIND_NAMES = ("driving", "shoulder", "sidewalk", "parking", "biking", "other")


class RoadArrays(NamedTuple):
    """All lanes (L), their points (P), their successors and predecessors as flat lists, and a grid to find them."""

    # lanes
    first: Ints  # (L + 1,) first point of each lane
    step: Floats  # (L,) spacing of its points [m]
    length: Floats  # (L,)
    kind: Ints  # (L,) DRIVING, SIDEWALK, ...
    road: Ints  # (L,) OpenDRIVE road id as a row of Road.road_names
    section: Ints  # (L,)
    lane_id: Ints  # (L,) OpenDRIVE lane id, signed
    junction: Ints  # (L,) row of Road.junction_names, -1 outside
    left: Ints  # (L,) neighbour in the same direction of travel, -1 none
    right: Ints  # (L,)
    oncoming: Ints  # (L,) nearest oncoming driving lane (on the left where one drives on the right), -1 none
    number: Ints  # (L,) 1 = rightmost driving lane in the direction of travel, counting left; 0 not driving
    thread: Ints  # (L,) lanes joined one to one along the road share it
    speed_limit: Floats  # (L,) [m/s], nan where the map says nothing
    straight: Ints  # (L,) successor that bends least, -1 at a dead end
    back: Ints  # (L,) predecessor that bends least, -1 where the lane begins
    succ_first: Ints  # (L + 1,)
    succ: Ints
    pred_first: Ints  # (L + 1,)
    pred: Ints
    # points
    x: Floats  # (P,)
    y: Floats
    z: Floats
    heading: Floats  # (P,) of travel, unwrapped within a lane [rad]
    pitch: Floats  # (P,) nose down + (ISO 8855: rotation about +y) [rad]
    curvature: Floats  # (P,) left + [1/m]
    width: Floats  # (P,)
    road_s: Floats  # (P,) OpenDRIVE s of the road at this point
    road_t: Floats  # (P,) OpenDRIVE t of this point: left + of the reference line, seen along the road's s [m]
    # stop lines of signals
    stop_signal: Ints  # (K,) row of Road.signal_names
    stop_lane: Ints  # (K,)
    stop_s: Floats  # (K,) where the line is, or the lane's end before a junction
    # grid over the points
    cell: float
    grid_x: float
    grid_y: float
    grid_nx: int
    grid_ny: int
    grid_first: Ints  # (nx * ny + 1,)
    grid_lane: Ints  # lane row, once per lane and cell
    grid_point: Ints  # its point nearest to the middle of the cell
    # obstacles of the map, boxes: columns x y z yaw length width height
    boxes: Floats  # (O, 7) centre of the ground face


class RouteTables(NamedTuple):
    """For each route (row 0 = straight on, no goal) and lane: how to get on towards the goal from anywhere.

    `next` is the successor to take (-1 none), `side` the neighbour to move to (+1 left, -1 right, 0 stay),
    `rest` the way left to the goal from the lane's start [m], inf where the goal cannot be reached.
    """

    next: Ints  # (R, L)
    side: Ints  # (R, L)
    rest: Floats  # (R, L)


@dataclass(frozen=True, slots=True)
class Road:
    """A road network with its names. `digest` is the content hash of the OpenDRIVE text it was compiled from."""

    name: str
    digest: str
    arrays: RoadArrays
    road_names: tuple[str, ...]
    junction_names: tuple[str, ...]
    signal_names: tuple[str, ...]  # OpenDRIVE signal ids of dynamic signals
    controllers: Mapping[str, tuple[str, ...]]  # controller id -> signal ids that show the same
    junction_controllers: Mapping[str, tuple[str, ...]]  # junction name -> controller ids
    crossings: tuple[NDArray[np.float64], ...]  # polygons (k, 2) of pedestrian crossings
    geo_reference: str | None
    geo_offset: tuple[float, float, float]  # header offset x, y, z [m]
