"""What the machine can do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scenarios import doctor


def look(folder: Path) -> dict[str, doctor.Check]:
    return {check.what: check for check in doctor.examine(folder)}


def test_everything_needed_is_here_when_the_tests_run(tmp_path: Path) -> None:
    checks = look(tmp_path)
    assert checks["python"].ok
    assert checks["carla"].ok
    assert checks["ray"].ok
    assert str(len(os.sched_getaffinity(0))) in checks["cores"].found


def test_a_folder_that_does_not_exist_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    assert str(tmp_path) in look(tmp_path / "not" / "yet")["disk"].found


def test_a_missing_package_says_what_it_is_for_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise doctor.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", missing)
    check = look(Path())["ray"]
    assert (check.ok, check.needed, check.found) == (False, True, "not installed")
    assert "make env" in check.advice


def test_a_full_disk_is_bad_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: doctor.shutil._ntuple_diskusage(10, 10, 5))
    check = look(tmp_path)["disk"]
    assert not check.ok
    assert "free some space" in check.advice


def test_looking_leaves_the_scheduling_policy_as_it_was(tmp_path: Path) -> None:
    before = os.sched_getscheduler(0)
    doctor.examine(tmp_path)
    assert os.sched_getscheduler(0) == before
