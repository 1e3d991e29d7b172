"""Roads compiled to lane arrays, and the questions asked of them."""

from twin.road.arrays import Road, RoadArrays, RouteTables

__all__ = ["Road", "RoadArrays", "RouteTables"]
