"""Kernels: what Python calls is whole, what kernels call is linked in, and the disk keeps only the whole."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numba.core.errors import NumbaError

from twin.kernel import kernel
from twin.state import Floats

ROOT = Path(__file__).resolve().parents[2]


class Pair(NamedTuple):
    left: Floats
    right: Floats


@kernel
def _scaled(pair: Pair, i: int, by: float = 2.0) -> float:
    return float(by * pair.left[i] + pair.right[i])


@kernel
def _total(pair: Pair) -> float:
    total = 0.0
    for i in range(pair.left.size):
        total += _scaled(pair, i)
    return total


@kernel
def _twice(pair: Pair) -> float:
    return _total(pair) + _total(pair)


@kernel
def _made(n: int) -> Floats:
    out = np.empty(n)
    for i in range(n):
        out[i] = i * 0.5
    return out


@kernel
def _last_of_made(n: int) -> float:
    return float(_made(n)[n - 1])


@kernel
def _refuses(x: float) -> float:
    if x < 0.0:
        raise ValueError("below zero")
    return math.sqrt(x)


@kernel
def _passes_on(x: float) -> float:
    return _refuses(x) + 1.0


@kernel
def _down(n: int) -> int:
    if n <= 0:
        return 0
    return _down(n - 1) + 1


PAIR = Pair(np.array([1.0, 2.0]), np.array([10.0, 20.0]))


def test_a_kernel_gives_what_the_kernels_it_calls_give() -> None:
    assert _twice(PAIR) == 2.0 * (2.0 * 1.0 + 10.0 + 2.0 * 2.0 + 20.0)


def test_a_kernel_that_others_call_can_be_called_from_python_before_and_after() -> None:
    assert _scaled(PAIR, 1, 3.0) == 26.0
    assert _total(PAIR) == 36.0
    assert _scaled(PAIR, 1) == 24.0
    assert _total(PAIR) == 36.0


def test_one_kernel_serves_many_types() -> None:
    whole = Pair(np.array([1, 2]), np.array([10, 20]))
    assert _scaled(whole, 0) == 12.0
    assert _total(whole) == _total(PAIR)


def test_arrays_made_by_an_inner_kernel_live_as_long_as_they_are_held() -> None:
    first = _made(3)
    for _ in range(100):
        _last_of_made(1000)
    assert first.tolist() == [0.0, 0.5, 1.0]
    assert _last_of_made(5) == 2.0


def test_an_error_raised_in_an_inner_kernel_reaches_python_with_its_words() -> None:
    with pytest.raises(ValueError, match="below zero"):
        _passes_on(-1.0)
    assert _passes_on(4.0) == 3.0


def test_a_kernel_that_calls_itself_is_refused() -> None:
    with pytest.raises(NumbaError, match="re-entrant"):
        _down(3)


def test_a_kernel_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(_total))(PAIR) == 36.0


PROGRAM = """
import math
from twin.kernel import kernel

@kernel
def leaf(x):
    return math.sin(x) * 3.0

@kernel
def branch(x):
    return leaf(x) + leaf(x + 1.0)

@kernel
def trunk(x):
    if x > 100.0:
        raise ValueError("too far")
    return branch(x) + leaf(2.0 * x)

def show():
    print(trunk(0.5).hex(), leaf(0.5).hex(), sum(trunk.stats.cache_hits.values()), sum(leaf.stats.cache_hits.values()))
    try:
        trunk(101.0)
    except ValueError as error:
        print(error)
"""


def _start(folder: Path) -> subprocess.Popen[str]:
    environment = dict(os.environ, NUMBA_CACHE_DIR=str(folder / "cache"), PYTHONPATH=f"{ROOT}:{folder}")
    command = [sys.executable, "-c", "import program; program.show()"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _end(process: subprocess.Popen[str]) -> list[str]:
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return out.split("\n")


def test_processes_that_compile_at_once_agree_and_leave_a_cache_that_the_next_one_uses(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    leaf = math.sin(0.5) * 3.0
    trunk = leaf + math.sin(1.5) * 3.0 + math.sin(1.0) * 3.0
    both = [_start(tmp_path), _start(tmp_path)]
    for lines in map(_end, both):
        assert lines[0].split()[:2] == [trunk.hex(), leaf.hex()]
        assert lines[1] == "too far"
    assert _end(_start(tmp_path)) == [f"{trunk.hex()} {leaf.hex()} 1 1", "too far", ""]


def test_the_disk_keeps_only_what_python_called(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    _end(_start(tmp_path))
    kept = {path.name.split("-")[0] for path in (tmp_path / "cache").rglob("*.nbc")}
    assert kept == {"program.trunk", "program.leaf"}
