"""One algorithm a file; put a file here and it exists."""

import pkgutil
from dataclasses import replace
from functools import cache
from importlib import import_module

from liveopt.search.algorithm import Method


@cache
def load() -> dict[str, Method]:
    """Every algorithm of this folder by its name, which is its file's."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__))
    return {n: replace(import_module(f"{__name__}.{n}").METHOD, name=n) for n in names}
