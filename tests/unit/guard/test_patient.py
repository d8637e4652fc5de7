"""Whoever reads the streams of a run, or does not, the run goes on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from time import monotonic
from typing import TextIO

import pytest

from liveopt.guard.patient import TEXTS_MAX, Patient


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        yield reading, stream


def test_what_is_said_is_written_in_order(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    patient = Patient(stream)
    for number in range(100):
        patient.write(f"{number} ü\n")
    assert patient.settle(5.0)
    said = os.read(reading, 65_536).decode()
    assert said.splitlines() == [f"{number} ü" for number in range(100)]
    os.close(reading)


def test_a_pipe_that_nobody_reads_holds_nobody_up(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    patient = Patient(stream)
    began_s = monotonic()
    for _ in range(2 * TEXTS_MAX):
        assert patient.write("x" * 1_000) == 1_000
    assert monotonic() - began_s < 2.0
    assert not patient.settle(0.05)
    os.close(reading)  # the thread that waits in the write gets an error, and goes on
    assert patient.settle(5.0)


def test_a_reader_that_is_gone_costs_lines_only(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    os.close(reading)
    patient = Patient(stream)
    for _ in range(10):
        patient.write("a line\n")
        patient.flush()
    assert patient.settle(5.0)


def test_a_stream_that_is_closed_or_was_never_there_costs_lines_only(
    pipe: tuple[int, TextIO],
) -> None:
    reading, stream = pipe
    stream.close()
    for lost in (stream, None):
        patient = Patient(lost)
        assert patient.write("a line\n") == 7
        assert patient.settle(5.0)
        assert not patient.isatty()
    os.close(reading)


PROGRAM = """
import sys, typer, structlog
from liveopt import logs
from liveopt.guard import patient
logs.setup()
patient.install()
for number in range(5000):
    typer.echo("x" * 100)
    typer.echo("y" * 100, err=True)
    structlog.get_logger().warning("z" * 100)
sys.exit(3)
"""


@pytest.mark.slow
def test_a_process_ends_with_its_own_code_though_nobody_reads() -> None:
    for closed in (False, True):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        if closed:
            process.stdout.close()
            process.stderr.close()
        assert process.wait(30.0) == 3
        process.stdout.close()
        process.stderr.close()
