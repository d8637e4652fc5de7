"""Prints a program as C, one variant after another, or as CUDA, one variant a thread.

Both share one body: the variant's cells are local variables, the bars pass, the cells go back.
Cells that only a fill touches stay in memory, for registers are what a GPU is short of.
The market's shared cells are read from a copy made before the call, for each block's first
variant writes them back while others may not have begun.
The arrays are those of the CPU engine, so a block may move between devices as it is.
"""

import ast

from liveopt.engine.lower import assignments, is_boolean, writes
from liveopt.engine.program import (
    FINE,
    FINE_ROW,
    LANES,
    ROW_CELLS,
    SIGNAL,
    SIGNAL_ROW,
    TERM_FIELDS,
    Body,
    Program,
    used_by,
)

_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.BitAnd: "&", ast.BitOr: "|",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip

ARGUMENTS = (
    "const double *RESTRICT rows, const unsigned char *RESTRICT kinds,"
    " const double *RESTRICT terms, double *RESTRICT blocks, const double *RESTRICT tape,"
    " const long long *RESTRICT offsets, const long long *RESTRICT strides,"
    " const unsigned long long *RESTRICT places,"
    " const double *RESTRICT market, long long variants, long long row_count"
)
HOST = "#define RESTRICT restrict\n#define INF (1.0 / 0.0)\n"
DEVICE = "#define RESTRICT __restrict__\n#define INF (__longlong_as_double(0x7ff0000000000000LL))\n"


def c_source(program: Program) -> str:
    """C for the oracle of the tests: `advance(...)` over all variants."""
    return (
        f"{HOST}void advance({ARGUMENTS}) {{\n"
        f"for (long long v = 0; v < variants; ++v) {{\n{_variant(program)}}}\n}}\n"
    )


def cuda_source(program: Program, threads: int = 128, blocks_per_core: int = 4) -> str:
    """CUDA for NVRTC; compile it with --fmad=false, or it is another program."""
    return (
        f'{DEVICE}extern "C" __global__ void __launch_bounds__({threads}, {blocks_per_core}) '
        f"advance({ARGUMENTS}) {{\n"
        "const long long v = blockIdx.x * (long long)blockDim.x + threadIdx.x;\n"
        f"if (v >= variants) return;\n{_variant(program)}}}\n"
    )


def _variant(program: Program) -> str:
    used = program.names
    out = [
        f"double *s = blocks + v / {LANES} * {program.width} + v % {LANES};",
        f"double *shared = blocks + v / {LANES} * {program.width} + {program.tail};",
    ]
    for which, prefix in enumerate(("term", "late")[: len(program.accounts)]):
        for i, name in enumerate(TERM_FIELDS):
            if f"{prefix}_{name}" in used:
                out.append(f"const double {prefix}_{name} = terms[{which * len(TERM_FIELDS) + i}];")
    rows = {name: i for i, name in enumerate(program.cells)}
    hot = [n for n in program.state + program.params if n in program.hot]
    out += [f"double {n} = s[{rows[n] * LANES}];" for n in hot]
    out += [f"double {n} = market[{i}];" for i, n in enumerate(program.shared)]
    out += [f"long long at_{i} = offsets[{i}];" for i in range(len(program.inputs))]
    out += [
        f"const unsigned long long place_{i} = places[v / {LANES} * {len(program.inputs) * LANES}"
        f" + {i * LANES} + v % {LANES}];"
        for i in range(len(program.inputs))
    ]
    out += ["for (long long t = 0; t < row_count; ++t) {"]
    out += [f"const double *row = rows + t * {len(ROW_CELLS)};", "const int kind = kinds[t];"]
    out += [f"if (kind & {FINE}) {{", *_fine(program, used), "}"]
    out += [f"if (kind & {SIGNAL}) {{", *_signal(program), "}", "}"]
    out += [f"s[{rows[n] * LANES}] = {n};" for n in hot if n in program.state]
    out += [f"if (v % {LANES} == 0) {{"]
    out += [f"shared[{i}] = {n};" for i, n in enumerate(program.shared)]
    return "\n".join([*out, "}", ""])


def _fine(program: Program, used: set[str]) -> list[str]:
    out = [f"const double {n} = row[{i}];" for i, n in enumerate(FINE_ROW) if n in used]
    rows = {name: i for i, name in enumerate(program.cells)}
    hot = program.hot
    for phase in program.accounts:
        cold = [n for n in program.cells if n in used_by(phase.act) and n not in hot]
        changed = writes(phase.act)
        out += ["{", *_body(phase.due, program), f"if ({expression(phase.flag)}) {{"]
        out += [f"double {n} = s[{rows[n] * LANES}];" for n in cold]
        out += _body(phase.act, program)
        out += [f"s[{rows[n] * LANES}] = {n};" for n in cold if n in changed]
        out += ["}", *_body(phase.mark, program), "}"]
    return out


def _signal(program: Program) -> list[str]:
    out = [
        f"{n} = row[{len(FINE_ROW) + i}];" for i, n in enumerate(SIGNAL_ROW) if n in program.shared
    ]
    out += _body(program.observe, program)
    for i, name in enumerate(program.inputs):
        out += [f"const double {name} = tape[at_{i} + place_{i}];", f"at_{i} += strides[{i}];"]
    return out + _body(program.decide, program)


def _body(body: Body, program: Program) -> list[str]:
    """Statements with the declarations of the locals they introduce."""
    kept = {*program.cells, *program.shared}
    booleans: set[str] = set()
    declared: dict[str, str] = {}
    for statement in assignments(body):
        target = statement.targets[0]
        assert isinstance(target, ast.Name)
        truth = is_boolean(statement.value, booleans)
        if truth:
            booleans.add(target.id)
        if target.id not in kept:
            declared.setdefault(target.id, "int" if truth else "double")
    return [f"{kind} {name} = 0;" for name, kind in declared.items()] + _lines(body)


def _lines(body: Body) -> list[str]:
    out: list[str] = []
    for statement in body:
        match statement:
            case ast.Assign([ast.Name(name)], value):
                out.append(f"{name} = {expression(value)};")
            case ast.If(test, then, other):
                out += [f"if ({expression(test)}) {{", *_lines(then), "}"]
                if other:
                    out += ["else {", *_lines(other), "}"]
            case ast.Pass() | ast.Expr():
                pass
            case _:
                raise AssertionError(ast.dump(statement))
    return out


def expression(node: ast.expr) -> str:
    """One expression in C, fully in parentheses: the order of operations is the tree's."""
    match node:
        case ast.Name(name):
            return name
        case ast.Constant(value):
            return _number(value)
        case ast.BinOp(left, operator, right) | ast.Compare(left, [operator], [right]):
            return f"({expression(left)} {_OPERATORS[type(operator)]} {expression(right)})"
        case ast.UnaryOp(ast.USub(), operand):
            return f"(-{expression(operand)})"
        case ast.IfExp(test, body, orelse):
            return f"({expression(test)} ? {expression(body)} : {expression(orelse)})"
        case _:
            raise AssertionError(ast.dump(node))


def _number(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    assert isinstance(value, float)
    return "INF" if value == float("inf") else repr(value)
