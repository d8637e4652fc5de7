"""The gate's loops as one text: everything in it, compiled once."""

import ast
from pathlib import Path

import numpy as np

from liveopt.engine.kernels import is_compiled, text_of
from liveopt.promotion.compiled import kernels, text


def imported(module: str) -> set[str]:
    """What a module of this program takes from others of it."""
    nodes = ast.walk(ast.parse(text_of(module)))
    names = {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}
    return {name.removeprefix("liveopt.") for name in names if name.startswith("liveopt.")}


def test_all_that_the_loops_rest_on_is_in_the_text_and_before_them() -> None:
    whole = text()
    assert whole.endswith(text_of("promotion.kernels"))
    waiting, seen = ["promotion.kernels"], set()
    while waiting:
        module = waiting.pop()
        assert text_of(module) in whole
        seen.add(module)
        waiting += imported(module) - seen
    assert "stats.arithmetic" in seen


def test_it_is_loaded_once_and_from_its_own_text() -> None:
    found = kernels()
    assert kernels() is found
    assert is_compiled(text())
    assert found.__file__ is not None
    assert Path(found.__file__).read_text("utf-8") == text()


def test_the_compiled_loops_say_what_the_same_lines_say_uncompiled() -> None:
    loops = kernels()
    rng = np.random.default_rng(3)
    compiled, plain = np.zeros((7, 4)), np.zeros((7, 4))
    least = np.array([0.0, 0.02, 0.005, 1.0])
    seen, found = np.empty(4), np.empty(4)
    for _ in range(40):
        row, there = rng.normal(0.0, 0.01, 4), rng.random(4) < 0.8
        loops.tally(row, there, 1.3, least, compiled, seen)
        loops.tally.py_func(row, there, 1.3, least, plain, found)
        assert seen.tobytes() == found.tobytes()
    assert compiled.tobytes() == plain.tobytes()
