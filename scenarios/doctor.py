"""What this machine can do: one line per thing that a run, a sweep or a bench may want."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from scenarios.warm import is_warm
from twin.errors import InfrastructureError
from twin.kernel import KERNEL_CACHE, cache_root

_GB = 1e9
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `needed`: nothing works without it; otherwise it only widens what can be done."""

    what: str
    ok: bool
    found: str
    advice: str = ""
    needed: bool = True


def examine(folder: Path) -> list[Check]:
    """Look at the machine; `folder` is where results would be written."""
    looks: tuple[Callable[[], Check], ...] = (
        _python,
        _cores,
        _memory,
        lambda: _disk(folder),
        lambda: _package("carla", "reads OpenDRIVE maps"),
        lambda: _package("ray", "runs sweeps"),
        _kernels,
        _maps,
        _browser,
        _real_time,
    )
    return [look() for look in looks]


def _python() -> Check:
    good = (3, 11) <= sys.version_info < (3, 13)
    return Check("python", good, platform.python_version(), "" if good else "use Python 3.11 or 3.12")


def _cores() -> Check:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check("cores", True, f"{count}; a sweep takes as many workers unless told otherwise")


def _memory() -> Check:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB
    limits = [int(text) / _GB for text in _first_lines() if text.isdecimal()]
    usable = min([total, *limits])
    enough = usable >= 3.0
    advice = "" if enough else "sweeps on Ray want 3 GB; use workers=0"
    return Check("memory", enough, f"{usable:.1f} GB", advice, False)


def _first_lines() -> Iterator[str]:
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            yield Path(name).read_text(encoding="ascii").strip()
        except OSError:
            continue


def _disk(folder: Path) -> Check:
    there = next(p for p in (folder.resolve(), *folder.resolve().parents) if p.exists())
    free = shutil.disk_usage(there).free / _GB
    writable = os.access(there, os.W_OK)
    advice = "" if writable else f"'{there}' is read-only; name another folder with --out"
    if writable and free < 1.0:
        advice = "free some space, or lower records.size"
    return Check("disk", writable and free >= 1.0, f"{free:.1f} GB free at {there}", advice)


def _package(name: str, use: str) -> Check:
    try:
        return Check(name, True, f"{version(name)}; {use}")
    except PackageNotFoundError:
        return Check(name, False, "not installed", f"{name} {use}; make env installs it")


def _kernels() -> Check:
    if is_warm():
        return Check("kernels", True, f"compiled, in {KERNEL_CACHE}")
    return Check(
        "kernels", True, "not compiled yet", "the first run compiles them; so does twin doctor --compile", False
    )


def _maps() -> Check:
    folder = cache_root() / "maps"
    count = len(list(folder.iterdir())) if folder.is_dir() else 0
    return Check("map cache", True, f"{count} compiled maps in {folder}")


def _browser() -> Check:
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    advice = "" if found else "only a test of the report wants it"
    return Check("browser", found is not None, found or "no chromium found", advice, False)


def _real_time() -> Check:
    """Ask for a real-time priority as a bench would, and give it back."""
    if not hasattr(os, "sched_setscheduler"):
        return Check("real time", False, "not on this system", "benches need Linux", False)
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError as error:
        return Check("real time", False, f"SCHED_FIFO refused ({error.strerror})", "benches want CAP_SYS_NICE", False)
    try:
        os.sched_setscheduler(0, *before)
    except OSError as error:
        raise InfrastructureError(f"the scheduling policy could not be restored: {error}") from error
    return Check("real time", True, "SCHED_FIFO allowed", "", False)
