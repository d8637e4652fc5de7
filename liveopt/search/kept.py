"""A search as bytes, to go on with in another process as if nothing had happened.

The space is not in the bytes, for its rule may be any function: whoever takes the search up again
brings an equal one. Only what a search is made of is read back.
"""

import io
import pickle
from typing import Any, Final

from liveopt.search.search import Search, find
from liveopt.search.space import Space

FORM: Final = b"liveopt search 1\n"
NUMPY: Final = {
    "numpy": {"dtype", "ndarray"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "numpy.random._pickle": {"__generator_ctor", "__bit_generator_ctor"},
    "numpy.random._pcg64": {"PCG64"},
    "numpy.random.bit_generator": {"SeedSequence", "__pyx_unpickle_SeedSequence"},
}


class BadState(ValueError):
    """Bytes that are no saved search, or one of another space."""


class _Writer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, search: Search) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._search = search

    def persistent_id(self, obj: Any) -> str | None:
        """The space and the algorithm's file stay outside."""
        if obj is self._search.space:
            return "space"
        return "method" if obj is self._search.method else None


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, outside: dict[str, Any]) -> None:
        super().__init__(file)
        self._outside = outside

    def persistent_load(self, pid: str) -> Any:
        """What stayed outside."""
        return self._outside[pid]

    def find_class(self, module: str, name: str) -> Any:
        """Nothing but ours and arrays, whatever the bytes ask for."""
        if module.startswith("liveopt.search.") or name in NUMPY.get(module, ()):
            return super().find_class(module, name)
        raise BadState(f"a saved search has no {module}.{name}")


def save(search: Search) -> bytes:
    """All of it, its generator included."""
    file = io.BytesIO()
    file.write(FORM)
    _Writer(file, search).dump((search.method.name, search.space.mark))
    _Writer(file, search).dump(search)
    return file.getvalue()


def resume(space: Space, state: bytes) -> Search:
    """The search that was saved; the space must be equal to its own."""
    if not state.startswith(FORM):
        raise BadState("this is no saved search, or one of another version")
    file = io.BytesIO(state[len(FORM) :])
    try:
        name, mark = _Reader(file, {}).load()
        if mark != space.mark:
            raise BadState(f"it searches {mark}, not {space.mark}")
        found = _Reader(file, {"space": space, "method": find(name)}).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError) as error:
        raise BadState("the saved search is damaged") from error
    assert isinstance(found, Search)
    return found
