"""The gate's compiled loops, loaded when they are first needed."""

from types import ModuleType

from liveopt.engine.kernels import load_kernel, text_of


def text() -> str:
    """What is compiled, whole: a change in any of it makes another kernel."""
    return "".join(map(text_of, ("stats.arithmetic", "promotion.units", "promotion.kernels")))


def kernels() -> ModuleType:
    """The loops; the first time on a machine this takes some seconds."""
    return load_kernel(text())
