"""The decorator of every compiled function, and where its machine code is kept.

The cache folder is named by a hash of all kernel sources: an edited leaf would otherwise leave stale callers.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import config as numba_config
from numba import types
from numba.core.errors import NumbaError

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


_MAKERS = frozenset({"empty", "zeros", "ones", "full", "array", "arange", "linspace", "concatenate", "stack", "append"})
_MAKERS |= {"empty_like", "zeros_like", "ones_like", "full_like", "copy", "astype", "where", "nonzero", "flatnonzero"}
_MAKERS |= {"sort", "argsort", "unique", "cumsum", "diff", "dot"}


def kernel(function: F) -> F:
    """Compile a scalar or array function: strict floating point, no bounds surprises, cached on disk.

    Kernels take numbers, arrays and named tuples of arrays, and know no Python object. One that neither makes nor gets
    arrays from what it calls goes without reference counts: to hand the forty arrays of a road to another kernel then
    costs 20 ns instead of 500.
    """
    options: dict[str, Any] = {"_nrt": not _MAKERS.isdisjoint(function.__code__.co_names)}
    dispatcher = numba.njit(cache=True, error_model="numpy", fastmath=False, nogil=True, **options)(function)
    compiler = dispatcher._compiler
    compile_once = compiler._compile_core

    def compile_core(args: Any, return_type: Any) -> Any:
        counted = compiler.targetoptions["_nrt"]
        try:
            result = compile_once(args, return_type)
        except NumbaError:
            if counted:
                raise
            result = None
        if not counted and (result is None or _owns_arrays(result)):
            compiler.targetoptions["_nrt"] = True
            result = compile_once(args, return_type)
        return result

    compiler._compile_core = compile_core
    return cast(F, dispatcher)


def _owns_arrays(result: Any) -> bool:
    """Return whether compiled code returns arrays or calls what does, so that somebody must count them."""
    made = [s.return_type for e, s in result.type_annotation.calltypes.items() if getattr(e, "op", "") == "call"]
    return any(_holds_array(t) for t in [result.signature.return_type, *made])


def _holds_array(kind: Any) -> bool:
    parts = getattr(kind, "types", (kind,))
    return any(isinstance(part, types.Array) or (part is not kind and _holds_array(part)) for part in parts)
