"""From stations in plain Python to one flat list of statements: calls inlined, dead features gone.

What comes in are ordinary functions over records (`a.cash`) and numbers. What goes out is Python
syntax over local names (`a_cash`) alone, which the emitters print for numba, C or CUDA. A
construct outside the plain language is refused with the file and line where it stands.
"""

import ast
import inspect
import operator
import textwrap
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, NoReturn

LOG = "LOG"
"""The marker statement where a closed trade is written to the log."""


class NotPlain(SyntaxError):
    """A construct that is not part of the plain language."""


@dataclass(frozen=True)
class Record:
    """An argument whose fields become local names; `known` fields are constants when compiling."""

    prefix: str
    known: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """An argument that is an object known when compiling, such as the strategy."""

    value: Any


Binding = Record | Known | ast.expr
_UNKNOWN = object()
_ALLOWED = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.BitAnd, ast.BitOr)
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class Lowering:
    """Inlines functions into one growing program; names are unique over its life."""

    def __init__(self) -> None:
        """Start with no function seen."""
        self._names = 0
        self.locals: set[str] = set()
        self._parsed: dict[FunctionType, ast.FunctionDef] = {}

    def inline(
        self, function: Callable[..., Any], arguments: Mapping[str, Binding]
    ) -> tuple[list[ast.stmt], ast.expr | None]:
        """The statements of `function` with its arguments bound, and the expression it returns."""
        assert isinstance(function, FunctionType), f"{function} is not a plain function"
        frame = _Frame(self, function, dict(arguments))
        body = self.parsed(function).body
        frame.own_arguments(writes(body))
        frame.block(body)
        return frame.out, frame.result

    def local(self, word: str) -> str:
        """A name that nothing else has: `v7_word`, for no record is called v7."""
        self._names += 1
        name = f"v{self._names}_{word}"
        self.locals.add(name)
        return name

    def is_local(self, node: ast.expr) -> bool:
        """Whether an expression is a constant or a local name, which no callee can change."""
        return isinstance(node, ast.Constant) or (
            isinstance(node, ast.Name) and node.id in self.locals
        )

    def parsed(self, function: FunctionType) -> ast.FunctionDef:
        """The syntax of a function, with the line numbers of its file."""
        if function not in self._parsed:
            lines, first = inspect.getsourcelines(function)
            tree = ast.parse(textwrap.dedent("".join(lines)))
            ast.increment_lineno(tree, first - 1)
            definition = tree.body[0]
            assert isinstance(definition, ast.FunctionDef)
            self._parsed[function] = definition
        return self._parsed[function]


class _Frame:
    """One inlined call: where its names point and what it has written so far."""

    def __init__(self, owner: Lowering, function: FunctionType, names: dict[str, Binding]) -> None:
        self.owner = owner
        self.function = function
        self.names = names
        self.own: dict[str, str] = {}
        self.out: list[ast.stmt] = []
        self.result: ast.expr | None = None

    def own_arguments(self, assigned: set[str]) -> None:
        """Arguments that the body assigns begin as locals: an if may leave them as they came."""
        for name in sorted(assigned & self.names.keys()):
            bound = self.names[name]
            if isinstance(bound, ast.expr):
                self.own[name] = self.owner.local(name)
                self.out.append(_assignment(self.own[name], bound))
                self.names[name] = _name(self.own[name])

    # statements -----------------------------------------------------------------------------

    def block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if self.result is not None:
                self.refuse(statement, "nothing may follow a return")
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(ast.Constant()) | ast.Pass():
                return
            case ast.Expr(ast.Call() as call):
                self.call(call)
            case ast.Assign([target], value):
                self.assign(target, self.expression(value))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.assign(target, self.expression(value))
            case ast.AugAssign(target, operator, value):
                changed = ast.BinOp(_loaded(target), operator, value)
                self.assign(target, self.expression(ast.copy_location(changed, node)))
            case ast.If():
                self.branch(node)
            case ast.Return(ast.expr() as value):
                self.result = self.expression(value)
            case _:
                self.refuse(node, f"{type(node).__name__} is not in the plain language")

    def assign(self, target: ast.expr, value: ast.expr) -> None:
        match target:
            case ast.Name(name):
                local = self.own.setdefault(name, self.owner.local(name))
                self.names[name] = _name(local)
                self.out.append(_assignment(local, value))
            case ast.Attribute(ast.Name(record), name) if isinstance(
                bound := self.names.get(record), Record
            ):
                self.out.append(_assignment(f"{bound.prefix}_{name}", value))
            case _:
                self.refuse(target, "assign to a name or to a field of a record")

    def branch(self, node: ast.If) -> None:
        test = self.expression(node.test)
        if isinstance(test, ast.Constant):
            self.block(node.body if test.value else node.orelse)
            return
        outer, arms = self.out, []
        before, after = self.names, []
        for body in (node.body, node.orelse):
            self.out, self.names = [], dict(before)
            self.block(body)
            arms.append(self.out)
            after.append(self.names)
            if self.result is not None:
                self.refuse(node, "return stands at the end of a function, not inside an if")
        self.out = outer
        self.names = {name: bound for name, bound in after[0].items() if name in after[1]}
        self.out.append(ast.If(test, arms[0] or [ast.Pass()], arms[1]))

    # expressions ----------------------------------------------------------------------------

    def expression(self, node: ast.expr) -> ast.expr:
        known = self.known(node)
        if known is not _UNKNOWN:
            return self.constant(node, known)
        found = self.cell(node) or self.operation(node)
        if found is None:
            unset = isinstance(node, ast.Name) and node.id in self.own
            why = "is set on one branch only" if unset else "is not in the plain language"
            self.refuse(node, f"{ast.unparse(node)!r} {why}")
        return found

    def cell(self, node: ast.expr) -> ast.expr | None:
        """A local name, or a field of a record as one."""
        match node:
            case ast.Name(name):
                bound = self.names.get(name)
                return bound if isinstance(bound, ast.expr) else None
            case ast.Attribute(ast.Name(record), name):
                owner = self.names.get(record)
                return _name(f"{owner.prefix}_{name}") if isinstance(owner, Record) else None
            case _:
                return None

    def operation(self, node: ast.expr) -> ast.expr | None:
        """Arithmetic, comparison, choice or call over lowered operands."""
        match node:
            case ast.BinOp(left, sign, right) if isinstance(sign, _ALLOWED):
                return self.binary(sign, *self.pair(left, right))
            case ast.UnaryOp(ast.USub(), operand):
                return ast.UnaryOp(ast.USub(), self.expression(operand))
            case ast.Compare(left, [sign], [right]) if type(sign) in _COMPARISONS:
                one, other = self.pair(left, right)
                return ast.Compare(one, [sign], [other])
            case ast.IfExp(test, body, orelse):
                return self.choice(test, body, orelse)
            case ast.Call():
                return self.call(node)
            case _:
                return None

    def choice(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> ast.expr:
        asked, calls = self.expression(test), len(self.out)
        if isinstance(asked, ast.Constant):
            return self.expression(body if asked.value else orelse)
        chosen = ast.IfExp(asked, self.expression(body), self.expression(orelse))
        if not writes(self.out[calls:]) <= self.owner.locals:
            self.refuse(test, "a call that changes a record needs an if; here it always happens")
        return chosen

    def pair(self, left: ast.expr, right: ast.expr) -> tuple[ast.expr, ast.expr]:
        """Two operands; the left one is what it was before a call in the right one changed it."""
        one, calls = self.expression(left), len(self.out)
        other = self.expression(right)
        if reads(one) & writes(self.out[calls:]):
            name = self.owner.local("v")
            self.out.insert(calls, _assignment(name, one))
            one = _name(name)
        return one, other

    def binary(self, operator: ast.operator, left: ast.expr, right: ast.expr) -> ast.expr:
        """Arithmetic as it stands; `&` and `|` with a side that is already known folded away."""
        keeps = isinstance(operator, ast.BitAnd)
        for one, other in ((left, right), (right, left)):
            if isinstance(one, ast.Constant) and isinstance(one.value, bool):
                return other if one.value is keeps else one
        return ast.BinOp(left, operator, right)

    def call(self, node: ast.Call) -> ast.expr | None:
        """Inline a call; what it returns becomes a local name."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "note":
            self.out.append(ast.Expr(ast.Call(_name(LOG), [], [])))
            return None
        function = self.known(node.func)
        if not isinstance(function, FunctionType) or node.keywords:
            self.refuse(node, f"{ast.unparse(node.func)} cannot be called in the plain language")
        parameters = [a.arg for a in self.owner.parsed(function).args.args]
        if len(parameters) != len(node.args):
            self.refuse(node, f"{function.__name__} takes {len(parameters)} arguments, each given")
        bound = {p: self.argument(a) for p, a in zip(parameters, node.args, strict=True)}
        body, result = self.owner.inline(function, bound)
        self.out.extend(body)
        return None if result is None else self.kept(result)

    def argument(self, node: ast.expr) -> Binding:
        if isinstance(node, ast.Name) and isinstance(self.names.get(node.id), Record | Known):
            return self.names[node.id]
        known = self.known(node)
        if known is not _UNKNOWN and not isinstance(known, bool | int | float):
            return Known(known)
        return self.kept(self.expression(node))

    def kept(self, value: ast.expr) -> ast.expr:
        """A value that stays what it is now, whatever happens to the fields it came from."""
        if self.owner.is_local(value):
            return value
        name = self.owner.local("v")
        self.out.append(_assignment(name, value))
        return _name(name)

    # what is known when compiling -------------------------------------------------------------

    def known(self, node: ast.expr) -> Any:
        """The value of an expression made of constants, or _UNKNOWN."""
        match node:
            case ast.Constant(value):
                return value
            case ast.Name(name):
                return self.known_name(name)
            case ast.Attribute(value, name):
                return self.known_field(value, name)
            case ast.Compare(left, [sign], [right]) if type(sign) in _COMPARISONS:
                one, other = self.known(left), self.known(right)
                if one is _UNKNOWN or other is _UNKNOWN:
                    return _UNKNOWN
                return _COMPARISONS[type(sign)](one, other)
            case _:
                return _UNKNOWN

    def known_name(self, name: str) -> Any:
        if name in self.names:
            bound = self.names[name]
            return bound.value if isinstance(bound, Known | ast.Constant) else _UNKNOWN
        return self.function.__globals__.get(name, _UNKNOWN)

    def known_field(self, owner: ast.expr, name: str) -> Any:
        if isinstance(owner, ast.Name) and isinstance(bound := self.names.get(owner.id), Record):
            return bound.known.get(name, _UNKNOWN)
        value = self.known(owner)
        return _UNKNOWN if value is _UNKNOWN else getattr(value, name)

    def constant(self, node: ast.expr, value: Any) -> ast.expr:
        if not isinstance(value, int | float):
            self.refuse(node, f"{ast.unparse(node)} is not a number")
        return ast.Constant(value if isinstance(value, bool) else float(value))

    def refuse(self, node: ast.stmt | ast.expr, why: str) -> NoReturn:
        place = f"{self.function.__code__.co_filename}:{node.lineno}"
        raise NotPlain(f"{place} in {self.function.__name__}: {why}")


def _name(text: str) -> ast.Name:
    return ast.Name(text, ast.Load())


def _loaded(target: ast.Name | ast.Attribute | ast.Subscript) -> ast.expr:
    found = copy(target)
    found.ctx = ast.Load()
    return found


def _assignment(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)


# reading the flat program ---------------------------------------------------------------------


def reads(node: ast.AST) -> set[str]:
    """Names whose value a statement or expression uses."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def writes(body: list[ast.stmt]) -> set[str]:
    """Names that a list of statements sets."""
    return {
        n.id
        for s in body
        for n in ast.walk(s)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def is_boolean(node: ast.expr, booleans: set[str]) -> bool:
    """Whether an expression is a truth value, given the names that are."""
    match node:
        case ast.Compare():
            return True
        case ast.Constant(value):
            return isinstance(value, bool)
        case ast.Name(name):
            return name in booleans
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            return True
        case ast.IfExp(body=body):
            return is_boolean(body, booleans)
        case _:
            return False


def assignments(body: list[ast.stmt]) -> Iterator[ast.Assign]:
    """Every assignment, also inside branches, in order."""
    for statement in body:
        if isinstance(statement, ast.Assign):
            yield statement
        elif isinstance(statement, ast.If):
            yield from assignments(statement.body)
            yield from assignments(statement.orelse)


def needed(bodies: list[list[ast.stmt]], wanted: set[str]) -> set[str]:
    """All names whose value can reach a wanted one."""
    edges: list[tuple[str, set[str]]] = []

    def walk(body: list[ast.stmt], guard: set[str]) -> None:
        for statement in body:
            if isinstance(statement, ast.Assign):
                target = statement.targets[0]
                assert isinstance(target, ast.Name)
                edges.append((target.id, reads(statement.value) | guard))
            elif isinstance(statement, ast.If):
                inner = guard | reads(statement.test)
                walk(statement.body, inner)
                walk(statement.orelse, inner)

    for body in bodies:
        walk(body, set())
    found = set(wanted)
    while True:
        more = {name for target, used in edges if target in found for name in used} - found
        if not more:
            return found
        found |= more


def carried(body: list[ast.stmt], known: set[str]) -> tuple[set[str], set[str]]:
    """Names read before they are set, and all names set for certain; `known` are set already."""
    before: set[str] = set()
    done = set(known)
    for statement in body:
        if isinstance(statement, ast.If):
            before |= reads(statement.test) - done
            then, then_done = carried(statement.body, done)
            other, other_done = carried(statement.orelse, done)
            before |= then | other
            done |= then_done & other_done
        else:
            before |= reads(statement) - done
            done |= writes([statement])
    return before, done


def pruned(body: list[ast.stmt], keep: set[str], log: bool) -> list[ast.stmt]:
    """The statements that matter for the names in `keep` (and the log, where there is one)."""
    out: list[ast.stmt] = []
    for statement in body:
        match statement:
            case ast.Assign([ast.Name(name)], _):
                if name in keep:
                    out.append(statement)
            case ast.If(test, then, other):
                then, other = pruned(then, keep, log), pruned(other, keep, log)
                if then or other:
                    out.append(ast.If(test, then or [ast.Pass()], other))
            case _:
                if log and isinstance(statement, ast.Expr):
                    out.append(statement)
    return out
