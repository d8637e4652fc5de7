"""What a study found, for the eye: both samples side by side, and the verdict."""

from collections.abc import Mapping
from typing import Any, Final

from liveopt.cli.show import note, rounded, table

SHOWN: Final = ("roi", "bar_sharpe", "max_drawdown", "trades", "win_rate", "profit_factor")
HEAD: Final = ("part", "in sample", "out of sample", "decay", *(f"{n} (out)" for n in SHOWN))


def show(found: Mapping[str, Any]) -> None:
    """No figure in sample without the one out of sample beside it; what fails is called so."""
    best, walk = found["best"], found["walk_forward"]
    what = f"{found['strategy']} by {found['algorithm']}, {found['evaluated']} trials"
    note(f"{found['study']}: {what}")
    note(f"best of the last fold: {_words(best['parameters'])}")
    lines = [_line(f"fold {one['fold']}", one, "metrics") for one in walk["folds"]]
    lines += [_line("all tests", walk, "metrics"), _line("pessimistic", walk, "pessimistic")]
    table(HEAD, lines)
    if "front" in found:
        _front(found["front"])
    ratio = rounded(_number(best["deflated_sharpe"]))
    note(f"trials ever on these data: {best['trials']}; deflated Sharpe ratio {ratio}")
    note("PASSES" if found["passes"] else "FAILS: " + "; ".join(found["fails"]))
    note(f"again: {found['reproduce']}")


def _line(part: str, one: Mapping[str, Any], account: str) -> tuple[object, ...]:
    out = one["out_of_sample"]
    figures = (one["in_sample"]["objective"], out["objective"], one["decay"])
    return part, *map(_number, (*figures, *(out[account][n] for n in SHOWN)))


def _front(front: list[Mapping[str, Any]]) -> None:
    names = list(front[0]["in_sample"]["objectives"])
    samples = [(n, s) for n in names for s in ("in_sample", "out_of_sample")]
    head = [f"{n} {'in' if s == 'in_sample' else 'out'}" for n, s in samples]
    lines = [
        (*(_number(one[s]["objectives"][n]) for n, s in samples), _words(one["parameters"]))
        for one in front
    ]
    table((*head, "parameters"), lines, "Pareto front of the last fold")


def _words(parameters: Mapping[str, Any]) -> str:
    return " ".join(f"{n}={rounded(v)}" for n, v in parameters.items())


def _number(value: Any) -> Any:
    return float("nan") if value is None else value
