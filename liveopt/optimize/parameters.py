"""From words to variants: fixed values, grids and random draws over a strategy's parameters.

A strategy's parameters are its knobs, its choices and the ways to risk money that every strategy
has. Naming a risk parameter switches its feature on: `stop=0.02` is a run with stops.
"""

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.core.account import RISK, Rule, featured
from liveopt.core.strategy import Knob, Strategy

Array = npt.NDArray[np.float64]

GRID_MAX: Final = 2_000_000
"""Most variants of one sweep: the parameters and metrics of all of them are held at once."""
BARREN_MAX: Final = 100
"""Batches of draws in a row without a valid one, after which a random search gives up."""
BATCHES_MAX: Final = 1_000
"""Batches of draws in all, after which it gives up even if now and then one is valid."""
BARREN_DRAWS: Final = 65_536
"""Most draws of a batch that follows a barren one."""


class BadParameter(ValueError):
    """A parameter that the strategy does not have, or a value that it does not take."""


@dataclass(frozen=True, slots=True)
class Variants:
    """Variants that share their choices: one column a knob or risk parameter."""

    choices: Mapping[str, str]
    knobs: Mapping[str, Array]
    risk: Mapping[str, Array]
    invalid: int
    """Combinations left out because the strategy's own rule forbids them."""

    def __len__(self) -> int:
        """How many variants."""
        return len(next(iter(self.knobs.values())))

    def parameters(self, variant: int) -> dict[str, float | str]:
        """One variant's parameters by name."""
        numbers = {**self.knobs, **self.risk}
        return {**self.choices, **{n: float(v[variant]) for n, v in numbers.items()}}


def parse_fixed(strategy: Strategy, texts: list[str]) -> dict[str, float | str]:
    """`name=value` texts as parameters, each checked against its range."""
    fixed: dict[str, float | str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise BadParameter(f"{text!r} is not name=value, such as fast=12")
        if name.strip() in fixed:
            raise BadParameter(f"{name.strip()} is set twice; keep one")
        fixed[name.strip()] = _value(strategy, name.strip(), value.strip())
    return fixed


def parse_grid(strategy: Strategy, text: str) -> dict[str, list[float | str]]:
    """`fast=5:50:5,slow=20:200:10,kind=ema|sma` as lists; ranges include their end."""
    grid: dict[str, list[float | str]] = {}
    for piece in filter(None, (p.strip() for p in text.split(","))):
        name, equals, values = (p.strip() for p in piece.partition("="))
        if not equals:
            raise BadParameter(f"{piece!r} is not name=start:end:step, such as fast=5:50:5")
        if name in grid:
            raise BadParameter(f"{name} stands twice in the grid")
        if ":" in values:
            grid[name] = [_value(strategy, name, repr(v)) for v in _range(name, values)]
        else:
            grid[name] = [_value(strategy, name, v.strip()) for v in values.split("|")]
        _refuse_twice(name, grid[name])
    if not grid:
        raise BadParameter("the grid is empty; give it one range at least, such as fast=5:50:5")
    return grid


def grid_variants(
    strategy: Strategy, grid: Mapping[str, list[float | str]], fixed: Mapping[str, float | str]
) -> Iterator[Variants]:
    """Every combination of a grid, one batch for each combination of choices."""
    if both := sorted(grid.keys() & fixed.keys()):
        raise BadParameter(f"{both[0]} is both fixed and in the grid")
    size = math.prod(len(values) for values in grid.values())
    if size > GRID_MAX:
        raise BadParameter(
            f"a grid of {size:,} combinations is more than {GRID_MAX:,}; widen the steps,"
            " or draw with --random"
        )
    numbers = {n: np.array(v, float) for n, v in grid.items() if n not in strategy.choices}
    axes = np.meshgrid(*numbers.values(), indexing="ij") if numbers else []
    columns = {n: axis.ravel() for n, axis in zip(numbers, axes, strict=True)}
    for choices in _choices(strategy, grid, fixed):
        yield _variants(strategy, choices, columns, fixed)


def random_variants(
    strategy: Strategy, count: int, seed: int, fixed: Mapping[str, float | str]
) -> Iterator[Variants]:
    """`count` combinations drawn evenly over the ranges of all knobs that are not fixed.

    Draws that the strategy's rule forbids are drawn anew, so that `count` variants come out.
    """
    if count > GRID_MAX:
        raise BadParameter(f"{count:,} draws are more than {GRID_MAX:,}; draw fewer")
    free: dict[str, list[float | str]] = {
        n: list(c.options) for n, c in strategy.choices.items() if n not in fixed
    }
    if not free and strategy.knobs.keys() <= fixed.keys():
        raise BadParameter("every knob and choice is fixed, so nothing is left to draw; fix fewer")
    rng = np.random.default_rng(seed)
    every = list(_choices(strategy, free, fixed))
    for number, choices in enumerate(every):
        wanted = count // len(every) + (number < count % len(every))
        if wanted:
            yield _drawn(strategy, (choices, fixed), wanted, rng)


def _drawn(
    strategy: Strategy,
    given: tuple[dict[str, str], Mapping[str, float | str]],
    wanted: int,
    rng: np.random.Generator,
) -> Variants:
    """So many valid draws; batches without a valid one grow, and after enough of them it ends."""
    choices, fixed = given
    kept: list[dict[str, Array]] = []
    size, invalid, found, batches, barren = wanted, 0, 0, 0, 0
    while found < wanted:
        draw = {n: _draw(k, size, rng) for n, k in strategy.knobs.items() if n not in fixed}
        batch = _variants(strategy, choices, draw, fixed)
        kept.append({n: v[: wanted - found] for n, v in {**batch.knobs, **batch.risk}.items()})
        invalid += batch.invalid
        found += len(kept[-1][next(iter(strategy.knobs))])
        batches, barren = batches + 1, 0 if len(batch) else barren + 1
        size = min(2 * size, max(wanted, BARREN_DRAWS)) if barren else wanted
        if barren >= BARREN_MAX or (batches >= BATCHES_MAX and found < wanted):
            few = "no draw satisfies" if found == 0 else "too few draws satisfy"
            raise BadParameter(f"{few} {strategy.rule}; fix fewer knobs, or fix them otherwise")
    merged = {n: np.concatenate([k[n] for k in kept]) for n in kept[0]}
    return Variants(
        choices,
        {n: v for n, v in merged.items() if n in strategy.knobs},
        {n: v for n, v in merged.items() if n not in strategy.knobs},
        invalid,
    )


def single(strategy: Strategy, fixed: Mapping[str, float | str]) -> Variants:
    """One variant: what is fixed, and the usual value of everything else."""
    one = next(grid_variants(strategy, {}, fixed))
    if not len(one):
        raise BadParameter(f"{strategy.name} needs {strategy.rule}")
    return one


def features(rule: Rule, named: set[str]) -> Rule:
    """The rule with the features of the named risk parameters on."""
    if "arm" in named and "trail" not in named:
        raise BadParameter("arm says where a trailing stop begins; give trail as well")
    return featured(rule, named)


def _variants(
    strategy: Strategy,
    choices: dict[str, str],
    columns: Mapping[str, Array],
    fixed: Mapping[str, float | str],
) -> Variants:
    size = len(next(iter(columns.values()))) if columns else 1
    standard = {n: k.default for n, k in strategy.knobs.items()}
    numbers = standard | {n: float(v) for n, v in fixed.items() if n not in strategy.choices}
    full = {n: np.full(size, v) for n, v in numbers.items()} | dict(columns)
    knobs = {n: full[n] for n in strategy.knobs}
    valid = np.broadcast_to(np.asarray(strategy.valid(knobs), bool), (size,))
    return Variants(
        choices,
        {n: v[valid] for n, v in knobs.items()},
        {n: v[valid] for n, v in full.items() if n not in strategy.knobs},
        int(size - np.count_nonzero(valid)),
    )


def _choices(
    strategy: Strategy, grid: Mapping[str, list[float | str]], fixed: Mapping[str, float | str]
) -> Iterator[dict[str, str]]:
    found: list[dict[str, str]] = [{}]
    for name, choice in strategy.choices.items():
        options = grid.get(name) or [fixed.get(name, choice.default)]
        found = [{**one, name: str(option)} for one in found for option in options]
    yield from found


def _draw(knob: Knob, count: int, rng: np.random.Generator) -> Array:
    if knob.whole:
        return rng.integers(int(knob.low), int(knob.high) + 1, count).astype(float)
    return rng.uniform(knob.low, knob.high, count)


def _range(name: str, text: str) -> list[float]:
    parts = text.split(":")
    try:
        start, end, step = (float(p) for p in (*parts, "1")[:3])
        steps = round((end - start) / step, 9)
    except (ValueError, ZeroDivisionError) as error:
        raise BadParameter(f"{name}={text} is not start:end:step, such as {name}=5:50:5") from error
    if len(parts) > 3 or not 0 <= steps <= GRID_MAX:
        raise BadParameter(f"{name}={text} does not lead from start to end in steps")
    return [round(start + i * step, 12) for i in range(math.floor(steps) + 1)]


def _refuse_twice(name: str, values: list[float | str]) -> None:
    seen: set[float | str] = set()
    for value in values:
        if value in seen:
            shown = f"{value:g}" if isinstance(value, float) else value
            raise BadParameter(f"{name}={shown} stands twice in the grid")
        seen.add(value)


def _value(strategy: Strategy, name: str, text: str) -> float | str:
    known = {**RISK, **strategy.knobs, **strategy.choices}
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
        raise BadParameter(f"{strategy.name} has no parameter {name!r}; {hint}")
    if choice := strategy.choices.get(name):
        if text not in choice.options:
            raise BadParameter(f"{name} is one of {', '.join(choice.options)}, not {text!r}")
        return text
    knob = strategy.knobs.get(name) or RISK[name]
    try:
        number = float(text)
    except ValueError as error:
        raise BadParameter(f"{name}={text} is not a number") from error
    if not knob.low <= number <= knob.high:
        raise BadParameter(f"{name}={number:g} is outside its range {knob.low:g} to {knob.high:g}")
    if knob.whole and number != math.floor(number):
        raise BadParameter(f"{name}={number:g} must be a whole number")
    return number
