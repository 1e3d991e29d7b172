"""Compiling ahead leaves a mark, and is done once."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios import warm
from scenarios.settings import compose
from scenarios.written import Written


def test_the_warm_up_scenario_can_be_assembled() -> None:
    case = Written("warm_up.yaml", warm._SCENARIO).case({}, 1, compose([]))
    assert {s.kind for s in case.rig} >= {"lidar", "objects", "lanes", "gnss", "imu", "wheels", "localiser", "lights"}


def test_it_compiles_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[object] = []
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "new"))
    monkeypatch.setattr(warm, "run_case", lambda case, *_: ran.append(case))
    assert not warm.is_warm()
    warm.warm()
    warm.warm()
    assert warm.is_warm()
    assert len(ran) == 1
