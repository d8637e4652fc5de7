"""Compiled kernels and where they are kept.

A kernel is a module's whole text: what the emitters print, with the instructions of `lanes.py` in
front. Its file is named by the hash of that text, so a change in any station makes another file
and what numba has compiled can not be stale.
"""

import hashlib
import importlib.util
import os
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from threading import Lock
from types import ModuleType
from typing import Any

_LOADING = Lock()
_LOADED: dict[str, ModuleType] = {}


@lru_cache(maxsize=8)
def text_of(module: str) -> str:
    """The source of a module of this program that is compiled as it stands."""
    spec = importlib.util.find_spec(f"liveopt.{module}")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def load_kernel(text: str) -> ModuleType:
    """The module of a text, compiled now or by an earlier run; safe from several threads."""
    name = _name(text)
    with _LOADING:
        if name not in _LOADED:
            _use_full_width()
            _LOADED[name] = _import(name, _kept(name, text))
        return _LOADED[name]


def is_compiled(text: str) -> bool:
    """Whether an earlier run has left the machine code of a text: then loading it is quick."""
    name = _name(text)
    return name in _LOADED or any((cache_folder() / "__pycache__").glob(f"{name}.*.nbi"))


def _name(text: str) -> str:
    return f"liveopt_kernel_{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _kept(name: str, text: str) -> Path:
    """The file of a text, written whole or not at all, and never twice."""
    path = cache_folder() / f"{name}.py"
    if not path.exists():
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8"
        ) as part:
            part.write(text)
        Path(part.name).replace(path)
    return path


def _import(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # numba looks a cached function's module up by its name
    try:
        spec.loader.exec_module(module)
    except (EOFError, UnpicklingError):  # what a machine that lost its power left of a file
        for damaged in (cache_folder() / "__pycache__").glob(f"{name}.*.nb[ci]"):
            damaged.unlink(missing_ok=True)
        spec.loader.exec_module(module)
    return module


def _use_full_width() -> None:
    """Let LLVM use 512-bit vectors where there are any; for some CPUs it prefers half of them."""
    import llvmlite.binding as llvm
    import numba.core.config as module

    config: Any = module
    if config.CPU_FEATURES is None and llvm.get_host_cpu_features().get("avx512f"):
        config.CPU_FEATURES = llvm.get_host_cpu_features().flatten() + ",-prefer-256-bit"


def cache_folder() -> Path:
    """Where kernels are kept: $LIVEOPT_CACHE, else the user's cache, else this process's own."""
    base = os.environ.get("LIVEOPT_CACHE") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(base).expanduser() / "liveopt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return _own_folder()
    return folder if os.access(folder, os.W_OK) else _own_folder()


@lru_cache(maxsize=1)
def _own_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="liveopt-"))
