"""Roads compiled to lane arrays, and the questions asked of them."""

from twin.road.arrays import Road, RoadArrays, RouteTables
from twin.road.library import load, map_names

__all__ = ["Road", "RoadArrays", "RouteTables", "load", "map_names"]
