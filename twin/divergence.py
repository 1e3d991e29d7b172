"""Where two runs of one case first part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from twin.clock import seconds
from twin.state import E_NAMES, F_NAMES, N_NAMES, Floats, Ints


class Trace(Protocol):
    """What a `Run` and a read record have in common; leading axis = ticks."""

    @property
    def t_ns(self) -> Ints: ...
    @property
    def f(self) -> Floats: ...
    @property
    def n(self) -> Ints: ...
    @property
    def environment(self) -> Floats: ...
    @property
    def lamps(self) -> Ints: ...
    @property
    def severity(self) -> Floats: ...
    @property
    def story(self) -> Ints: ...
    @property
    def command(self) -> Floats: ...
    @property
    def mode(self) -> Ints: ...
    @property
    def estimate(self) -> Floats: ...
    @property
    def hashes(self) -> NDArray[np.uint64]: ...


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first difference: at tick `tick`, field `field` (of actor number `actor`, -1 when of none) reads a or b."""

    tick: int
    t_s: float
    field: str
    actor: int
    a: str
    b: str


_BLOCKS: tuple[tuple[str, Sequence[str] | None], ...] = (
    ("t_ns", None),
    ("f", F_NAMES),
    ("n", N_NAMES),
    ("environment", E_NAMES),
    ("lamps", None),
    ("severity", None),
    ("story", None),
    ("estimate", ("estimate.x", "estimate.y", "estimate.yaw", "estimate.speed", "estimate.std")),
    ("command", ("command.accel_mps2", "command.steer_rad")),
    ("mode", None),
    ("hashes", None),
)


def first_divergence(a: Trace, b: Trace) -> Divergence | None:
    """Return the first tick and field in which two traces differ, or None when they are the same bytes.

    Compares bit by bit: nan equals nan, 0.0 does not equal -0.0. Within a tick the order is state, world, what the
    stack saw, what it commanded; a hash that alone differs speaks of state that the record does not hold.
    """
    ticks = min(len(a.t_ns), len(b.t_ns))
    best: Divergence | None = None
    for block, names in _BLOCKS:
        found = _first(getattr(a, block)[:ticks], getattr(b, block)[:ticks], block, names)
        if found is not None and (best is None or found[0] < best.tick):
            tick, field, actor, x, y = found
            best = Divergence(tick, seconds(int(a.t_ns[tick])), field, actor, x, y)
    if best is None and len(a.t_ns) != len(b.t_ns):
        longer = a if len(a.t_ns) > len(b.t_ns) else b
        best = Divergence(
            ticks, seconds(int(longer.t_ns[ticks])), "length", -1, f"{len(a.t_ns)} ticks", f"{len(b.t_ns)} ticks"
        )
    return best


def _first(
    a: NDArray[Any], b: NDArray[Any], block: str, names: Sequence[str] | None
) -> tuple[int, str, int, str, str] | None:
    if len(a) == 0:
        return None
    if a.shape != b.shape:
        return 0, f"{block} (shape)", -1, str(a.shape[1:]), str(b.shape[1:])
    different = _differs(a, b)
    if not different.any():
        return None
    tick = int(np.argmax(different.reshape(len(a), -1).any(axis=1)))
    where = np.argwhere(different[tick])[0] if different[tick].ndim else np.empty(0, dtype=np.int64)
    at = tuple(int(i) for i in where)
    field = block if not at else (names[at[0]] if names else f"{block}[{at[0]}]")
    actor = at[1] if block in ("f", "n") else -1
    return tick, field, actor, _show(a[(tick, *at)]), _show(b[(tick, *at)])


def _differs(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    if a.dtype.kind != "f":
        return np.asarray(a != b)
    same = ((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))
    return np.asarray(~same)


def _show(value: Any) -> str:
    return repr(value.item())
