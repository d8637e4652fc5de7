"""Prints a program as the loop one would write first: one variant after another, in registers.

The engine's measure, not its path: `liveopt bench engine` runs it beside the blocked kernel.
"""

import ast

from liveopt.engine.emit_numba import HEADER
from liveopt.engine.kernels import text_of
from liveopt.engine.lower import writes
from liveopt.engine.program import (
    FINE,
    FINE_ROW,
    LANES,
    SIGNAL,
    SIGNAL_ROW,
    TERM_FIELDS,
    Body,
    Program,
    used_by,
)


def source(program: Program) -> str:
    """The text of the module, with the same entry as the blocked one; it keeps no log."""
    rows = {name: i for i, name in enumerate(program.cells)}
    used = program.names
    out: list[tuple[int, str]] = []
    for which, prefix in enumerate(("term", "late")[: len(program.accounts)]):
        out += [
            (1, f"{prefix}_{name} = terms[{which}, {i}]")
            for i, name in enumerate(TERM_FIELDS)
            if f"{prefix}_{name}" in used
        ]
    hot = program.hot
    kept = [n for n in program.state + program.params if n in hot]
    out += [(1, f"for lane in range(first_block * {LANES}, last_block * {LANES}):")]
    out += [(2, f"s = blocks[lane // {LANES}]"), (2, f"v = lane % {LANES}")]
    out += [(2, f"places = index[lane // {LANES}]"), (2, "signal = 0")]
    out += [(2, f"{n} = s[{rows[n] * LANES} + v]") for n in kept]
    out += [(2, f"{n} = market[{i}]") for i, n in enumerate(program.shared)]
    out += [(2, "for t in range(row_count):"), (3, "kind = kinds[t]"), (3, f"if kind & {FINE}:")]
    out += [(4, f"{n} = rows[t, {i}]") for i, n in enumerate(FINE_ROW) if n in used]
    for phase in program.accounts:
        cold = [n for n in program.cells if n in used_by(phase.act) - hot]
        out += [*_code(4, phase.due), (4, f"if {ast.unparse(phase.flag)}:")]
        out += [(5, f"{n} = s[{rows[n] * LANES} + v]") for n in cold]
        out += _code(5, phase.act)
        out += [(5, f"s[{rows[n] * LANES} + v] = {n}") for n in cold if n in writes(phase.act)]
        out += _code(4, phase.mark)
    out += [(3, f"if kind & {SIGNAL}:")]
    out += [
        (4, f"{n} = rows[t, {len(FINE_ROW) + i}]")
        for i, n in enumerate(SIGNAL_ROW)
        if n in program.shared
    ]
    out += _code(4, program.observe)
    for i, name in enumerate(program.inputs):
        place = f"u8(offsets[{i}] + signal * strides[{i}]) + places[{i * LANES} + v]"
        out += [(4, f"{name} = tape[{place}]")]
    out += [*_code(4, program.decide), (4, "signal += 1")]
    out += [(2, f"s[{rows[n] * LANES} + v] = {n}") for n in kept if n in program.state]
    out += [(2, f"s[{program.tail + i}] = {n}") for i, n in enumerate(program.shared)]
    out += [(1, "return signal")]
    start = f"    market = blocks[first_block, {program.tail}:].copy()\n"
    lines = "\n".join("    " * depth + line for depth, line in out)
    return text_of("engine.lanes") + HEADER.format(name=program.name) + start + lines + "\n"


def _code(depth: int, body: Body) -> list[tuple[int, str]]:
    lines = [
        (depth, line)
        for statement in body
        for line in ast.unparse(ast.fix_missing_locations(statement)).splitlines()
    ]
    return lines or [(depth, "pass")]
