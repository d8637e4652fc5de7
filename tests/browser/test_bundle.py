"""What a browser has to fetch before it shows anything."""

import gzip
import re

import pytest

from liveopt.cli import front

ENTRY_BYTES = 40_000
"""Gzipped, as the facts of the dashboard ask."""


@pytest.mark.skipif(not front.is_built(), reason="the dashboard is not built: make ui")
def test_the_entry_script_is_small_and_charts_come_later() -> None:
    page = (front.STATIC / "index.html").read_text()
    scripts = re.findall(r'<script[^>]* src="/([^"]+)"', page)
    assert len(scripts) == 1
    early = scripts + re.findall(r'rel="modulepreload"[^>]* href="/([^"]+)"', page)
    size = sum(len(gzip.compress((front.STATIC / name).read_bytes(), 9, mtime=0)) for name in early)
    assert size <= ENTRY_BYTES, f"asked for: {ENTRY_BYTES} bytes gzipped; it has {size}"
    later = {path.name for path in (front.STATIC / "assets").glob("*.js")} - {
        name.rpartition("/")[2] for name in early
    }
    assert any(name.startswith("plot-") for name in later), later
    assert any(name.startswith("candles-") for name in later), later
