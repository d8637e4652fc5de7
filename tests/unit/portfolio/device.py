"""The device's programs without a device: as C, a thread for each of a block's."""

import ctypes
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from liveopt.engine.gpu import OPTIONS
from liveopt.portfolio.gather import text_of_device

GCC = shutil.which("gcc")
NVCC = shutil.which("nvcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="needs gcc")
needs_nvcc = pytest.mark.skipif(NVCC is None, reason="needs nvcc, of the CUDA toolkit")
LANES = (1, 3)
"""Threads of a block."""
HOST = """
#include <pthread.h>
typedef struct { long long x; } Place;
static Place blockDim;
static __thread Place blockIdx, threadIdx;
static pthread_barrier_t barrier;
double shared[65536];
#define __global__
#define __shared__
#define __syncthreads() ((void)pthread_barrier_wait(&barrier))
#define atomicAdd(at, more) ((void)__sync_fetch_and_add(at, more))
"""
"""CUDA's words in C."""
LAUNCH = """
static long long blocks;
static void *lane_of(void *at)
{
    threadIdx.x = (long long)at;
    for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++) {
        CALL;
        __syncthreads();
    }
    return 0;
}
void launch(long long count, long long lanes)
{
    pthread_t own[64];
    blocks = count;
    blockDim.x = lanes;
    pthread_barrier_init(&barrier, 0, lanes);
    for (long long i = 0; i < lanes; i++) pthread_create(&own[i], 0, lane_of, (void *)i);
    for (long long i = 0; i < lanes; i++) pthread_join(own[i], 0);
    pthread_barrier_destroy(&barrier);
}
"""


@lru_cache
def compiled(file: str, entry: str, kinds: tuple[str, ...]) -> Any:
    """A program's text as a C library; `kinds` are the types of its arguments."""
    assert GCC is not None
    folder = Path(tempfile.mkdtemp(prefix="liveopt-device-"))
    given = "".join(f"{kind} a{i};\n" for i, kind in enumerate(kinds))
    call = f"{entry}({', '.join(f'a{i}' for i in range(len(kinds)))})"
    text = HOST + text_of_device(file) + given + LAUNCH.replace("CALL", call)
    (folder / "device.c").write_text(text)
    subprocess.run(
        [GCC, "-std=gnu99", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-pthread",
         "-shared", "-fPIC", "-o", str(folder / "device.so"), str(folder / "device.c")],
        check=True,
    )  # fmt: skip
    library = ctypes.CDLL(str(folder / "device.so"))
    shutil.rmtree(folder)
    return library


KINDS: dict[str, Any] = {
    "double": ctypes.c_double,
    "long long": ctypes.c_longlong,
    "int": ctypes.c_int,
}


def launched(
    library: Any, kinds: tuple[str, ...], given: list[Any], count: int, lanes: int
) -> None:
    """Run so many blocks of so many threads; arrays are written in place."""
    for i, (kind, value) in enumerate(zip(kinds, given, strict=True)):
        if isinstance(value, np.ndarray):
            ctypes.c_void_p.in_dll(library, f"a{i}").value = value.ctypes.data
        else:
            KINDS[kind].in_dll(library, f"a{i}").value = value
    library.launch(ctypes.c_longlong(count), ctypes.c_longlong(lanes))


def has_no_fused_multiply_add(file: str, entry: str, folder: Path) -> None:
    """Neither in its text nor in what NVIDIA's compiler makes of it."""
    assert NVCC is not None
    assert "--fmad=false" in OPTIONS
    (folder / file).write_text(text_of_device(file))
    made = folder / f"{entry}.ptx"
    done = subprocess.run(
        [NVCC, "-ptx", *OPTIONS, "-arch=sm_90", "-o", str(made), str(folder / file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    text = made.read_text()
    assert f".visible .entry {entry}(" in text
    assert "add.f64" in text or "add.rn.f64" in text
    assert "fma" not in text + text_of_device(file)
