"""The decorator of every compiled function, and where its machine code is kept.

The cache folder is named by a hash of all kernel sources: an edited leaf would otherwise leave stale callers.
"""

from __future__ import annotations

import dis
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import config as numba_config

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("twin", "sensors", "hil", "reports", "scenarios")


def _sources_hash() -> str:
    digest = hashlib.blake2b(numba.__version__.encode(), digest_size=8)
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            text = path.read_bytes()
            if b"@kernel" in text or path == Path(__file__):
                digest.update(path.relative_to(_ROOT).as_posix().encode())
                digest.update(text)
    return digest.hexdigest()


def cache_root() -> Path:
    """Return the folder that holds everything derived: kernels, compiled maps, finished cases.

    `AVTWIN_CACHE` names another one; nothing in it is precious.
    """
    named = os.environ.get("AVTWIN_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(named) if named else Path(base) / "avtwin"


KERNELS_HASH = _sources_hash()
KERNEL_CACHE = cache_root() / "kernels" / KERNELS_HASH
if "NUMBA_CACHE_DIR" not in os.environ:
    vars(numba_config)["CACHE_DIR"] = str(KERNEL_CACHE)

F = TypeVar("F", bound=Callable[..., Any])


_MAKERS = frozenset(
    """
    empty zeros ones full array arange linspace empty_like zeros_like ones_like full_like concatenate stack append
    copy astype where nonzero flatnonzero sort argsort unique cumsum diff dot
    """.split()
)
_MAKING = frozenset(("BUILD_SLICE", "BINARY_SLICE", "STORE_SLICE", "BUILD_LIST", "LIST_APPEND"))


def _makes_arrays(function: Callable[..., Any]) -> bool:
    """Return whether a function calls what makes an array, or slices, which may copy."""
    called = not _MAKERS.isdisjoint(function.__code__.co_names)
    return called or any(step.opname in _MAKING for step in dis.get_instructions(function))


def kernel(function: F) -> F:
    """Compile a scalar or array function: strict floating point, no bounds surprises, cached on disk.

    Kernels take numbers, arrays and named tuples of arrays, and know no Python object. One that makes no array goes
    without reference counts: to hand the forty arrays of a road to another kernel then costs 20 ns instead of 500.
    Numba refuses a kernel that makes arrays in a way that cannot be seen by name or slice: say `np.empty` and fill it.
    """
    options: dict[str, Any] = {"_nrt": _makes_arrays(function)}
    return cast(F, numba.njit(cache=True, error_model="numpy", fastmath=False, nogil=True, **options)(function))
