"""What a study is after: objectives to be maximised, and constraints that must hold."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from liveopt.core.metrics import METRICS
from liveopt.core.score import SCORES
from liveopt.optimize.parameters import BadParameter

Array = npt.NDArray[np.float64]
Columns = Mapping[str, Array]
Value = Callable[[Columns], Array]

FORBIDDEN: Final = -1e9
"""Who breaks a constraint is below this: the more, the lower. No sound value is near it."""
EXTRA: Final = {"annual_return": "growth of the capital in a year at this pace"}
NAMES: Final = (*METRICS, *EXTRA)
FULL_SHARPE, FULL_RETURN, FULL_DRAWDOWN = 3.0, 0.5, 0.2

FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "min": np.minimum, "max": np.maximum, "abs": np.abs, "sqrt": np.sqrt, "log": np.log,
}  # fmt: skip
BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}  # fmt: skip
SIGNS: Final[dict[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip
RELATIONS: Final = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
CONSTRAINT = re.compile(r"^\s*(\w+)\s*(>=|<=|>|<)\s*(\S+)\s*$")


@dataclass(frozen=True, slots=True)
class Objective:
    """One number from the metrics; more is better, undefined is worst."""

    text: str
    of: Value


@dataclass(frozen=True, slots=True)
class Constraint:
    """A metric that must stay on one side of a limit."""

    text: str
    metric: str
    relation: str
    limit: float

    def holds(self, metrics: Columns) -> npt.NDArray[np.bool_]:
        """Where it holds; an undefined metric breaks it."""
        found: npt.NDArray[np.bool_] = RELATIONS[self.relation](metrics[self.metric], self.limit)
        return found

    def excess(self, metrics: Columns) -> Array:
        """By how much it is broken, as a share of the limit; 0 where it holds."""
        away = np.abs(metrics[self.metric] - self.limit) / max(abs(self.limit), 1e-9)
        worst = np.where(np.isnan(away), 1e3, np.minimum(away, 1e3))
        return np.where(self.holds(metrics), 0.0, worst)


def enriched(metrics: Columns, years: float) -> dict[str, Array]:
    """The metrics with what only an objective asks for: `annual_return`."""
    with np.errstate(all="ignore"):
        growth = (1.0 + np.asarray(metrics["roi"])) ** (1.0 / years) - 1.0 if years > 0 else np.nan
        annual = np.where(np.isfinite(growth), growth, np.nan) + 0.0 * metrics["roi"]
    return {**metrics, "annual_return": annual}


def parse_objective(text: str) -> Objective:
    """A score, `balanced`, or arithmetic over metrics such as `roi - fees / 1e4`."""
    if text == "balanced":
        return Objective(text, balanced)
    if text == "annual_return":
        return Objective(text, lambda m: m["annual_return"])
    if text in SCORES:
        return Objective(text, lambda m: np.asarray(SCORES[text].of(m, np)))
    return Objective(text, _expression(text))


def parse_constraint(text: str) -> Constraint:
    """`trades>=30`, `max_drawdown<=0.2`."""
    match = CONSTRAINT.match(text)
    if match is None:
        raise BadParameter(f"{text!r} is not metric, relation, number, such as trades>=30")
    metric, relation, limit = match.groups()
    if metric not in NAMES:
        raise BadParameter(f"there is no metric {metric!r}; there are {', '.join(NAMES)}")
    try:
        return Constraint(text, metric, relation, float(limit))
    except ValueError as error:
        raise BadParameter(f"{limit!r} in {text!r} is not a number") from error


def balanced(m: Columns) -> Array:
    """Sharpe ratio .4, annual return .3, drawdown -.3, each as a share of its full mark.

    The full marks: a Sharpe ratio of 3, 50 % a year, a drawdown of 20 %. Without them, the return
    of a good month at a year's pace would outweigh all else.
    """
    found: Array = (
        0.4 * np.clip(m["bar_sharpe"] / FULL_SHARPE, -1.0, 1.0)
        + 0.3 * np.clip(m["annual_return"] / FULL_RETURN, -1.0, 1.0)
        - 0.3 * np.clip(m["max_drawdown"] / FULL_DRAWDOWN, 0.0, 1.0)
    )
    return found


def fitness(
    objectives: tuple[Objective, ...], constraints: tuple[Constraint, ...], accounts: list[Columns]
) -> Array:
    """What a search maximises [N, objective]: the worst account's value.

    Who breaks a constraint on any account is worse than all who do not, and the worse the more.
    """
    with np.errstate(all="ignore"):
        values = np.stack(
            [np.min([one.of(m) for m in accounts], axis=0) for one in objectives], axis=1
        )
    if not constraints:
        return values
    excess = np.max([np.sum([c.excess(m) for c in constraints], axis=0) for m in accounts], axis=0)
    broken = FORBIDDEN * (1.0 + excess)
    return np.where(excess[:, None] > 0.0, broken[:, None], values)


def _expression(text: str) -> Value:
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise BadParameter(f"the objective {text!r} is no arithmetic over metrics") from error
    _checked(tree, text)

    def of(m: Columns) -> Array:
        size = np.zeros_like(np.asarray(m["roi"], np.float64))
        return np.asarray(_value(tree, m), np.float64) + size

    return of


def _checked(node: ast.expr, text: str) -> None:
    """Refuse what is not plain arithmetic, before anything runs."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return
        case ast.Name(id=name) if name in NAMES:
            return
        case ast.UnaryOp(op=op, operand=inner) if type(op) in SIGNS:
            _checked(inner, text)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in BINARY:
            _checked(left, text)
            _checked(right, text)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS and len(
            args
        ) == (2 if name in ("min", "max") else 1):
            for one in args:
                _checked(one, text)
        case ast.Name(id=name):
            scores = ", ".join(n for n in ("classic", "balanced", *NAMES))
            raise BadParameter(f"there is no objective or metric {name!r}; there are {scores}")
        case _:
            raise BadParameter(
                f"{ast.unparse(node)!r} in the objective {text!r}: take metrics, numbers,"
                f" + - * / ** and {', '.join(FUNCTIONS)}"
            )


def _value(node: ast.expr, m: Columns) -> Any:
    match node:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return m[name]
        case ast.UnaryOp(op=op, operand=inner):
            return SIGNS[type(op)](_value(inner, m))
        case ast.BinOp(left=left, op=sign, right=right):
            return BINARY[type(sign)](np.asarray(_value(left, m)), np.asarray(_value(right, m)))
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name](*(_value(one, m) for one in args))
        case _:
            raise AssertionError(ast.dump(node))
