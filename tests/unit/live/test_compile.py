"""Steps are compiled by other processes, and what fails there costs time only."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from liveopt.engine import kernels
from liveopt.engine.cpu import compiled
from liveopt.engine.emit_numba import source
from liveopt.engine.kernels import is_compiled
from liveopt.engine.program import Program
from liveopt.live import compile as compiling
from liveopt.live.compile import compile_all
from liveopt.walk.group import programs
from liveopt.walk.told import TOLD
from liveopt.walk.variant import Variant
from tests.run import INSTRUMENT, SYMBOL, TERMS, strategies

pytestmark = pytest.mark.slow


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The smallest step there is, in a room where nobody has compiled it yet."""
    monkeypatch.setenv("LIVEOPT_CACHE", str(tmp_path))
    monkeypatch.setattr(kernels, "_LOADED", {})
    compiled.cache_clear()
    own: dict[str, float | str] = {"fraction": 0.1, "leverage": 2.0}
    variant = Variant("s", TOLD.name, SYMBOL, own, lane="slow")
    (found,) = programs([variant], strategies(), INSTRUMENT, TERMS)
    return found


@pytest.mark.parametrize("seconds", [120.0, 0.01])
async def test_a_single_step_too_is_compiled_elsewhere_or_at_last_here(
    program: Program, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(compiling, "COMPILE_S", seconds)
    said: list[tuple[int, int]] = []
    with capture_logs() as lines:
        await compile_all([program], lambda done, of: said.append((done, of)))
    assert is_compiled(source(program))
    assert bool(lines) == (seconds < 1.0)  # only then not by a process of its own
    missing = said[0][1]
    assert said == [(done, missing) for done in range(missing + 1)]
