"""A real browser for pages that have to work in one, where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def dom_after_selftest(page: Path, profile: Path) -> str:
    """Return the page's elements after its script ran, or skip saying that no browser was found."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser was found (looked for {', '.join(NAMES)})")
    quiet = ("background-networking", "component-update", "sync", "quic", "gpu")
    done = subprocess.run(
        [
            found,
            "--headless",
            "--no-sandbox",
            "--no-first-run",
            *(f"--disable-{name}" for name in quiet),
            f"--user-data-dir={profile}",
            "--virtual-time-budget=8000",
            "--window-size=1280,900",
            "--dump-dom",
            f"{page.as_uri()}#selftest",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "<html" in done.stdout, done.stderr[-2000:]
    return done.stdout


def attribute(dom: str, name: str) -> list[str]:
    """Return the values of a data attribute, in the order of the page."""
    return [unescape(v) for v in re.findall(rf'data-{name}="([^"]*)"', dom)]
