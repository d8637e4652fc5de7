"""Kernels are kept whole, once, and under the hash of all that is compiled."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from liveopt.engine import kernels
from liveopt.engine.kernels import cache_folder, load_kernel, text_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVEOPT_CACHE", str(tmp_path))
    return tmp_path / "liveopt"


def test_another_text_is_another_module_and_the_same_text_the_same(folder: Path) -> None:
    one = load_kernel("NUMBER = 101\n")
    assert one.NUMBER == 101
    assert load_kernel("NUMBER = 102\n").NUMBER == 102
    assert load_kernel("NUMBER = 101\n") is one
    assert len(list(folder.glob("*.py"))) == 2


def test_many_threads_may_ask_at_once(folder: Path) -> None:
    texts = [f"NUMBER = {n % 10 + 1000}\n" for n in range(80)]
    with ThreadPoolExecutor(4) as pool:
        found = [module.NUMBER for module in pool.map(load_kernel, texts)]
    assert found == [n % 10 + 1000 for n in range(80)]
    assert len(list(folder.glob("*.py"))) == 10
    assert list(folder.glob("*.part")) == []


def test_the_machine_instructions_are_part_of_the_text() -> None:
    assert "def first_bit" in text_of("engine.lanes")


def test_without_a_place_to_write_a_process_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("LIVEOPT_CACHE", str(blocked))
    assert cache_folder() == cache_folder()
    assert os.access(cache_folder(), os.W_OK)


@pytest.mark.parametrize("left", [b"", b"\0" * 64], ids=["empty", "zeros"])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_machine_code_that_was_damaged_is_compiled_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, left: bytes
) -> None:
    monkeypatch.setenv("LIVEOPT_CACHE", str(tmp_path))
    text = (
        "from numba import njit\n"
        '@njit("float64(float64)", cache=True)\n'
        "def twice(x):\n    return 2.0 * x\n"
    )
    monkeypatch.setattr(kernels, "_LOADED", {})
    assert load_kernel(text).twice(2.0) == 4.0
    (found,) = (cache_folder() / "__pycache__").glob(f"*.{kind}")
    found.write_bytes(left)
    monkeypatch.setattr(kernels, "_LOADED", {})
    assert load_kernel(text).twice(3.0) == 6.0
    assert found.read_bytes() != left
