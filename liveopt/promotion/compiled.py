"""The gate's compiled loops, loaded when they are first needed."""

from types import ModuleType

from liveopt.engine.kernels import load_kernel, text_of


def text() -> str:
    """What is compiled, whole."""
    return text_of("stats.arithmetic") + text_of("promotion.kernels")


def kernels() -> ModuleType:
    """The loops; the first time on a machine this takes some seconds."""
    return load_kernel(text())
