"""The decorator of every compiled function, and where its machine code is kept.

The cache folder is named by a hash of all kernel sources: an edited leaf would otherwise leave stale callers.

Of 290 kernels that a run needs, Python calls 50. Numba would give each of the 290 a wrapper that unpacks a road of
forty arrays, optimise it, make machine code of it, and do so again in every kernel that calls it. Here a kernel that
another calls stays an unoptimised module; the kernel that Python calls links all of them once, is optimised as a
whole, gets the only wrapper, and alone goes to disk. This leans on private parts of Numba, all of them in this file;
the version of Numba is bounded for it.
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
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags, compile_extra
from numba.core.dispatcher import _FunctionCompiler
from numba.core.errors import NumbaError
from numba.core.registry import CPUDispatcher

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
_MAKERS |= {"sort", "argsort", "unique", "cumsum", "diff", "dot", "eye", "outer", "view", "reshape"}


def kernel(function: F) -> F:
    """Compile a scalar or array function: strict floating point, no bounds surprises, cached on disk.

    Kernels take numbers, arrays and named tuples of arrays, know no Python object and do not call themselves. One that
    neither makes nor gets arrays from what it calls goes without reference counts: to hand the forty arrays of a road
    to another kernel then costs 20 ns instead of 500.
    """
    if numba_config.DISABLE_JIT:
        return function
    counted = not _MAKERS.isdisjoint(function.__code__.co_names)
    options = {"nopython": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, "_nrt": counted}
    dispatcher = _Kernel(function, targetoptions=options)
    dispatcher.enable_caching()
    return cast(F, dispatcher)


class _Part(JITCodeLibrary):  # type: ignore[misc]
    """The code of an inner kernel: a module that no machine code is made of until a whole takes it in."""

    def finalize(self) -> None:
        """Close the module."""
        self._raise_if_finalized()
        self._finalize_dynamic_globals()
        self._finalized = True


class _Whole(JITCodeLibrary):  # type: ignore[misc]
    """The code of a kernel that Python calls, with every part it needs, each linked once."""

    def add_linking_library(self, library: Any) -> None:
        """Take in a library and, of a part, all that it takes in."""
        waiting = [library]
        while waiting:
            each = waiting.pop()
            if each not in self._linking_libraries:
                super().add_linking_library(each)
                if isinstance(each, _Part):
                    waiting.extend(reversed(each._linking_libraries))


class _Compiler(_FunctionCompiler):  # type: ignore[misc]
    """Compiles one kernel into a library of its own kind."""

    library: type[JITCodeLibrary] = _Whole

    def _compile_core(self, args: Any, return_type: Any) -> Any:
        counted = self.targetoptions["_nrt"]
        try:
            result = self._compile_into_library(args, return_type)
        except NumbaError:
            if counted:
                raise
            result = None
        if not counted and (result is None or _owns_arrays(result)):
            self.targetoptions["_nrt"] = True
            result = self._compile_into_library(args, return_type)
        return result

    def _compile_into_library(self, args: Any, return_type: Any) -> Any:
        flags = Flags()
        self.targetdescr.options.parse_as_flags(flags, self.targetoptions)
        flags.no_compile = self.library is _Part
        context = self.targetdescr.target_context
        library = self.library(context.codegen(), self.py_func.__qualname__)
        library.enable_object_caching()
        typing = self.targetdescr.typing_context
        result = compile_extra(
            typing, context, self.py_func, args, return_type, flags, self.locals, library, self.pipeline_class
        )
        if self.library is _Part:
            library._ensure_finalized()
            result = result._replace(entry_point=object())
            context.insert_user_function(result.entry_point, result.fndesc, [library])
        else:
            for environment in result._find_referenced_environments():
                library.codegen.set_env(environment.env_name, environment)
        return result


class _Inner(CPUDispatcher):  # type: ignore[misc]
    """A kernel as other kernels see it. Nothing of it can be called from Python."""

    def __init__(self, py_func: Any, targetoptions: dict[str, Any]) -> None:
        options = dict(targetoptions, no_cpython_wrapper=True)
        super().__init__(py_func, targetoptions=options)
        self._compiler = _Compiler(py_func, self.targetdescr, options, self.locals, Compiler)
        self._compiler.library = _Part

    def add_overload(self, cres: Any) -> None:
        """Keep compiled code for typing and linking only: it has no wrapper."""
        self.overloads[tuple(cres.signature.args)] = cres


class _Kernel(CPUDispatcher):  # type: ignore[misc]
    """A kernel as Python sees it; to the compiler it is its inner kernel."""

    def __init__(
        self, py_func: Any, locals: Any = None, targetoptions: Any = None, pipeline_class: Any = Compiler
    ) -> None:
        self._inner = _Inner(py_func, targetoptions)
        super().__init__(py_func, locals, targetoptions, pipeline_class)
        self._compiler = _Compiler(py_func, self.targetdescr, targetoptions, self.locals, pipeline_class)

    @property
    def _type(self) -> Any:
        return self._inner._type

    @_type.setter
    def _type(self, kind: Any) -> None:
        pass

    @property
    def _numba_type_(self) -> Any:
        return self._inner._numba_type_


def _owns_arrays(result: Any) -> bool:
    """Return whether compiled code returns arrays or calls what does, so that somebody must count them."""
    made = [s.return_type for e, s in result.type_annotation.calltypes.items() if getattr(e, "op", "") == "call"]
    return any(_holds_array(t) for t in [result.signature.return_type, *made])


def _holds_array(kind: Any) -> bool:
    parts = getattr(kind, "types", (kind,))
    return any(isinstance(part, types.Array) or (part is not kind and _holds_array(part)) for part in parts)
