"""What every test run shares: hypothesis profiles, and the GPU tests only where there is a GPU."""

import importlib.util
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

settings.register_profile("default", deadline=None, max_examples=50)
settings.register_profile("night", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True)
def _logs_of_its_own() -> Iterator[None]:
    """A test that sets up logs must not leave the next one a stream that is closed."""
    yield
    structlog.reset_defaults()


def _has_gpu() -> bool:
    if importlib.util.find_spec("cupy") is None:
        return False
    import cupy

    try:
        return bool(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError:
        return False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what is marked gpu on a machine without CuPy or without a device."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and not _has_gpu():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs CuPy (make gpu) and a CUDA device"))
