"""The gate's loops as one text: everything in it, compiled once."""

import numpy as np

from liveopt.engine.kernels import is_compiled, text_of
from liveopt.promotion.compiled import kernels, text


def test_the_text_is_the_arithmetic_and_then_the_loops() -> None:
    plain, loops = text_of("stats.arithmetic"), text_of("promotion.kernels")
    assert text() == plain + loops
    assert "def tilted" in plain
    assert "def turn" in loops


def test_it_is_loaded_once_and_from_its_own_text() -> None:
    found = kernels()
    assert kernels() is found
    assert is_compiled(text())
    assert found.__file__ is not None
    with open(found.__file__, encoding="utf-8") as file:
        assert file.read() == text()


def test_the_compiled_loops_say_what_the_same_lines_say_uncompiled() -> None:
    loops = kernels()
    rng = np.random.default_rng(3)
    compiled, plain = np.zeros((6, 4)), np.zeros((6, 4))
    seen, found = np.empty(4), np.empty(4)
    for _ in range(40):
        row, there = rng.normal(0.0, 0.01, 4), rng.random(4) < 0.8
        loops.tally(row, there, 1.3, compiled, seen)
        loops.tally.py_func(row, there, 1.3, plain, found)
        assert seen.tobytes() == found.tobytes()
    assert compiled.tobytes() == plain.tobytes()
