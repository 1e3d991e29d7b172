"""Shared fixtures, and how property tests search: the same examples every time, others by `make fuzz`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", print_blob=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real-world material, or skip saying so."""
    if not SHARED.is_dir():
        pytest.skip(f"real-world material is not at {SHARED}")
    return SHARED
