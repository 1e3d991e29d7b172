"""Shared fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real-world material, or skip saying so."""
    if not SHARED.is_dir():
        pytest.skip(f"real-world material is not at {SHARED}")
    return SHARED
