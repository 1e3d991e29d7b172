"""World coordinates of a map to WGS 84 and back, by the projection that its OpenDRIVE header names.

A point of the map plus the header's offset is a point of the projection (ASAM OpenDRIVE 1.8, header element); PROJ
does the rest, false easting, northing and scale included.
"""

from __future__ import annotations

import warnings
from functools import lru_cache

from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from twin.errors import MapError
from twin.road.arrays import Road


def to_geodetic(road: Road, x: float, y: float, z: float = 0.0) -> tuple[float, float, float]:
    """Return latitude [deg], longitude [deg] and height [m] of a point of the world [m].

    Raises MapError when the map names no projection, or one that PROJ does not know.
    """
    dx, dy, dz = road.geo_offset
    longitude, latitude = _transformer(road).transform(x + dx, y + dy)
    return float(latitude), float(longitude), z + dz


def from_geodetic(road: Road, latitude: float, longitude: float, height: float = 0.0) -> tuple[float, float, float]:
    """Return x, y, z [m] of a point given by latitude [deg], longitude [deg] and height [m].

    Raises MapError when the map names no projection, or one that PROJ does not know, or the point has no image.
    """
    dx, dy, dz = road.geo_offset
    try:
        x, y = _transformer(road).transform(longitude, latitude, direction="INVERSE", errcheck=True)
    except ProjError as error:
        raise MapError(f"({latitude:g}, {longitude:g}) has no place on map '{road.name}': {error}") from None
    return float(x) - dx, float(y) - dy, height - dz


def _transformer(road: Road) -> Transformer:
    if road.geo_reference is None:
        raise MapError(
            f"map '{road.name}' has no <geoReference>, so nothing on it has a latitude; "
            "add one to its header, or give places as x and y"
        )
    try:
        return _projection(road.geo_reference)
    except ProjError as error:
        raise MapError(
            f"map '{road.name}': its geoReference '{road.geo_reference[:80]}' cannot be used: {error}"
        ) from None


@lru_cache(maxsize=16)
def _projection(reference: str) -> Transformer:
    """Return the way from the projection to geodetic coordinates on its own datum, longitude first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        projected = CRS.from_user_input(reference)
        geodetic = projected.geodetic_crs or CRS.from_epsg(4326)
        return Transformer.from_crs(projected.to_2d(), geodetic.to_2d(), always_xy=True)
