"""Traffic light programmes: which lamp is lit when."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.kernel import kernel
from twin.state import Ints


class Programmes(NamedTuple):
    """Fixed-time programmes of all signals, phases in one flat list. `first` is (signals + 1,).

    A signal without phases stays off. The cycle starts `offset_ns` before t = 0.
    """

    first: Ints
    lamp: Ints  # (phases,)
    duration_ns: Ints  # (phases,)
    offset_ns: Ints  # (signals,)


@kernel
def lamp_at(programmes: Programmes, signal: int, t_ns: int) -> int:
    """Return the lamp of one signal at t_ns."""
    first = programmes.first[signal]
    last = programmes.first[signal + 1]
    cycle = np.int64(0)
    for i in range(first, last):
        cycle += programmes.duration_ns[i]
    if cycle <= 0:
        return 0
    t = (t_ns + programmes.offset_ns[signal]) % cycle
    for i in range(first, last):
        if t < programmes.duration_ns[i]:
            return int(programmes.lamp[i])
        t -= programmes.duration_ns[i]
    return int(programmes.lamp[last - 1])
