"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.errors import RecordError
from twin.files import replacing, write_whole


def test_a_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"old")
    write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "x" / "y" / "a", b"1")
    assert (tmp_path / "x" / "y" / "a").read_bytes() == b"1"


def test_whatever_goes_wrong_inside_leaves_the_old_file_alone(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"old")

    def interrupted() -> None:
        with replacing(tmp_path / "a") as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["n" * 255, "\U0001f697" * 63])
def test_a_name_of_the_longest_length_works(tmp_path: Path, name: str) -> None:
    write_whole(tmp_path / name, b"1")
    assert (tmp_path / name).is_file()


@pytest.mark.parametrize("name", ["taken/a", "n" * 300])
def test_what_the_system_refuses_is_an_error_that_names_the_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(RecordError, match="cannot be written"):
        write_whole(tmp_path / name, b"1")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
