"""Whether it still matters to a variant how many signal bars it has seen.

A mean begins as a plain average of what there is, and a warm-up has its length; after that most
strategies never ask for the number of bars again. This module proves it for a program and its
parameters: the step is run over intervals [least, greatest], with the number of bars anywhere from
now on. Where every comparison with it has but one outcome, nothing a variant keeps depends on it,
and variants of different ages may share the market's cells. (Interval arithmetic: Moore, Interval
Analysis, 1966; a rounded sum or product is monotone, so the rounded ends are the ends.)
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from liveopt.engine.program import Body, Program, used_by

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
COUNT: Final = "bar_n"
"""The cell that counts signal bars."""
MOST: Final = 2.0**52
"""Signal bars that no run lives to see; to here, adding one is exact."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a value may be, and whether it is for the number of bars that it may be several.

    Of what does not depend on that number nothing need be known. A truth is 0 or 1.
    """

    low: Any
    high: Any
    aged: Any = False


ANY: Final = Span(-np.inf, np.inf)
Known = dict[str, Span]


def ageless(program: Program, params: Mapping[str, Array], seen: Array) -> tuple[Flags, set[str]]:
    """For each variant whether, having seen so many bars, it never needs their number again.

    Also which of the market's cells depend on the number for one of those; the others do not.
    """
    size = len(seen)
    known = {name: Span(values, values) for name, values in params.items()}
    aged = {COUNT: np.ones(size, np.bool_)}
    while True:
        known |= {name: Span(-np.inf, np.inf, flags) for name, flags in aged.items()}
        known[COUNT] = Span(seen, np.full(size, MOST), aged[COUNT])
        after = _stepped(program, known)
        more = {
            n: f | aged.get(n, False) for n in program.shared if (f := _aged(after, n, size)).any()
        }
        more[COUNT] = aged[COUNT]
        if all(np.array_equal(flags, aged.get(name, False)) for name, flags in more.items()):
            break
        aged = more
    good = np.ones(size, np.bool_)
    for name in program.state:
        good &= ~_aged(after, name, size)
    for phase in program.accounts:  # on fine bars nothing may ask at all
        for name in aged.keys() & (used_by(phase.due) | used_by(phase.act) | used_by(phase.mark)):
            good &= ~aged[name]
    return good, {name for name, flags in aged.items() if (flags & good).any()} | {COUNT}


def _stepped(program: Program, known: Known) -> Known:
    """One signal bar later."""
    after = dict(known)
    with np.errstate(all="ignore"):
        _run(program.observe, after)
        _run(program.decide, after)
    return after


def _aged(known: Known, name: str, size: int) -> Flags:
    return np.broadcast_to(known.get(name, ANY).aged, (size,))


def _run(body: Body, known: Known) -> None:
    """The statements over spans."""
    for statement in body:
        match statement:
            case ast.Assign([ast.Name(name)], value):
                known[name] = _value(value, known)
            case ast.If(test, then, other):
                asked = _value(test, known)
                yes, no = dict(known), dict(known)
                _run(then, yes)
                _run(other, no)
                for name in yes.keys() | no.keys():
                    one, two = yes.get(name, ANY), no.get(name, ANY)
                    known[name] = one if one is two else _either(asked, one, two)
            case _:  # a note in the log, or nothing
                pass


def _value(node: ast.expr, known: Known) -> Span:
    match node:
        case ast.Constant(int() | float() as value):
            return Span(float(value), float(value))
        case ast.Name(name):
            return known.get(name, ANY)
        case ast.UnaryOp(ast.USub(), operand):
            inner = _value(operand, known)
            return Span(-inner.high, -inner.low, inner.aged)
        case ast.IfExp(test, body, orelse):
            return _either(_value(test, known), _value(body, known), _value(orelse, known))
        case ast.Compare(left, [sign], [right]):
            return _compared(type(sign), _value(left, known), _value(right, known))
        case ast.BinOp(left, sign, right):
            return _OPERATIONS[type(sign)](_value(left, known), _value(right, known))
        case _:
            raise AssertionError(f"{ast.unparse(node)} is not in the plain language")


def _either(asked: Span, yes: Span, no: Span) -> Span:
    """The one or the other, or where both may be, anything between them."""
    always, never = asked.low == 1.0, asked.high == 0.0

    def chosen(one: Any, two: Any, both: Any) -> Any:
        return np.where(always, one, np.where(never, two, both))

    return Span(
        chosen(yes.low, no.low, np.minimum(yes.low, no.low)),
        chosen(yes.high, no.high, np.maximum(yes.high, no.high)),
        chosen(yes.aged, no.aged, np.asarray(asked.aged) | yes.aged | no.aged),
    )


def _compared(sign: type[ast.cmpop], one: Span, two: Span) -> Span:
    """A comparison; one that has a single outcome depends on nothing."""
    match sign:
        case ast.Lt:
            yes, no = one.high < two.low, one.low >= two.high
        case ast.LtE:
            yes, no = one.high <= two.low, one.low > two.high
        case ast.Gt | ast.GtE:
            turned = ast.Lt if sign is ast.Gt else ast.LtE
            return _compared(turned, two, one)
        case _:
            apart = np.asarray(one.high < two.low) | (one.low > two.high)
            alike = np.asarray(one.low == one.high) & (two.low == two.high) & (one.low == two.low)
            yes, no = (alike, apart) if sign is ast.Eq else (apart, alike)
    return _truth(np.where(yes, 1.0, 0.0), np.where(no, 0.0, 1.0), one, two)


def _truth(low: Array, high: Array, one: Span, two: Span) -> Span:
    return Span(low, high, (np.asarray(one.aged) | two.aged) & (low != high))


def _and(one: Span, two: Span) -> Span:
    return _truth(np.minimum(one.low, two.low), np.minimum(one.high, two.high), one, two)


def _or(one: Span, two: Span) -> Span:
    return _truth(np.maximum(one.low, two.low), np.maximum(one.high, two.high), one, two)


def _sum(one: Span, two: Span) -> Span:
    return _ends([one.low + two.low, one.high + two.high], one, two)


def _difference(one: Span, two: Span) -> Span:
    return _ends([one.low - two.high, one.high - two.low], one, two)


def _product(one: Span, two: Span) -> Span:
    ends = [a * b for a in (one.low, one.high) for b in (two.low, two.high)]
    return _ends(ends, one, two)


def _quotient(one: Span, two: Span) -> Span:
    ends = [np.divide(a, b) for a in (one.low, one.high) for b in (two.low, two.high)]
    around = np.asarray(two.low <= 0.0) & (two.high >= 0.0)
    return _ends([np.where(around, np.nan, end) for end in ends], one, two)


def _ends(ends: list[Any], one: Span, two: Span) -> Span:
    """From the least to the greatest of these; anything, where one of them is no number."""
    low, high = ends[0], ends[0]
    for end in ends[1:]:
        low, high = np.minimum(low, end), np.maximum(high, end)
    odd = np.isnan(low)
    aged = np.asarray(one.aged) | two.aged
    return Span(np.where(odd, -np.inf, low), np.where(odd, np.inf, high), aged)


_OPERATIONS: Final[dict[type[ast.operator], Callable[[Span, Span], Span]]] = {
    ast.Add: _sum,
    ast.Sub: _difference,
    ast.Mult: _product,
    ast.Div: _quotient,
    ast.BitAnd: _and,
    ast.BitOr: _or,
}
