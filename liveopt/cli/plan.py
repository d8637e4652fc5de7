"""What a new run begins with: terms, symbols, champion and variants, from settings."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from msgspec import structs

import liveopt
from liveopt.config import Settings
from liveopt.core.account import RISK
from liveopt.core.bars import interval_ns
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import BadKnobs, Strategy
from liveopt.kucoin.listings import Listing
from liveopt.kucoin.words import venue_of
from liveopt.optimize.generate import RISK_SPANS, generate, generate_mixed
from liveopt.optimize.parameters import BadParameter, parse_fixed
from liveopt.promotion.terms import GateTerms, worlds_for
from liveopt.slow.words import Loaded
from liveopt.walk.events import Begin, Listed, Terms
from liveopt.walk.told import TOLD
from liveopt.walk.variant import Variant, check_variant

SLOW_EACH = 8
"""Variants of a slow strategy and symbol."""
DECIDING_SECTIONS = ("account", "costs", "gate", "live")
"""Of the settings: what a run does follows from these."""
NOT_DECIDING = ("feed", "enabled", "slow_budget_ms")
"""Of the live settings, those from which nothing follows that the journals do not tell."""
DECIDING: Sequence[str] = ("core", "engine", "promotion", "stats", "strategies", "walk")
"""Of the packages: what follows from an input."""
MAIN = "main"
"""The champion's name; with several symbols, each has one."""


def begin(
    settings: Settings,
    strategies: Mapping[str, Strategy],
    listings: Mapping[str, Listing],
    run: tuple[str, int],
) -> Begin:
    """The first event of a run (its name, its time)."""
    live = settings.live
    terms = Terms(
        settings.account.capital,
        live.loss_limit,
        live.drawdown_limit,
        interval_ns(live.signal),
        live.variants_max,
        live.rotate_bars,
        live.history_bars,
        gate_terms(settings),
    )
    listed = tuple(
        Listed(symbol, instrument_of(settings, symbol, listings), champion)
        for symbol, champion in zip(live.symbols, champions(settings, strategies), strict=True)
    )
    return Begin(run[1], run[0], terms, listed)


def gate_terms(settings: Settings) -> GateTerms | None:
    """What it takes to become champion."""
    gate, live = settings.gate, settings.live
    if not gate.enabled:
        return None
    return GateTerms(
        seed=live.seed,
        bars=gate.evidence_bars,
        look_every=gate.look_every,
        season=gate.season,
        new_seasons=gate.new_seasons,
        worlds=gate.worlds or worlds_for(min(live.variants, live.variants_max)),
        cooldown=gate.cooldown,
        trades_min=gate.trades,
        confidence_min=gate.confidence,
        sharpe_min=gate.sharpe,
        score_min=gate.score or None,
        win_rate_min=gate.win_rate or None,
        roi_min=None if gate.roi == -1.0 else gate.roi,
        auto=live.auto_promote,
    )


def instrument_of(settings: Settings, symbol: str, listings: Mapping[str, Listing]) -> Instrument:
    """As the exchange lists it, with our slippage; a file's is made of settings alone."""
    costs = settings.costs
    if symbol in listings:
        found = listings[symbol].instrument
        if found is None:
            kind = listings[symbol].kind
            raise BadParameter(f"{symbol} is an {kind} contract, which liveopt does not trade")
        return replace(found, slippage=costs.slippage)
    return Instrument(
        "spot" if venue_of(symbol) == "spot" else "perpetual",
        taker_fee=costs.taker_fee,
        maker_fee=costs.maker_fee,
        slippage=costs.slippage,
    )


def champions(settings: Settings, strategies: Mapping[str, Strategy]) -> list[Variant]:
    """The main strategy on every symbol, at its usual values and with the usual ways to risk."""
    live = settings.live
    strategy = known(strategies, live.champion)
    fixed = parse_fixed(strategy, list(live.champion_set))
    found = []
    for number, symbol in enumerate(live.symbols):
        spot = venue_of(symbol) == "spot"
        account = settings.account
        parameters: dict[str, float | str] = {
            n: float(k.default) for n, k in {**strategy.knobs, **RISK_SPANS}.items()
        }
        parameters |= {n: c.default for n, c in strategy.choices.items()}
        parameters |= {"fraction": account.fraction, "leverage": 1.0 if spot else account.leverage}
        parameters |= {"trail": 0.5 * RISK_SPANS["arm"].default} | fixed
        name = MAIN if number == 0 else f"{MAIN}-{symbol}"
        champion = Variant(name, strategy.name, symbol, parameters, "main")
        try:
            check_variant(champion, strategy)
        except BadKnobs as error:
            raise BadParameter(f"live.champion_set: {error}") from error
        found.append(champion)
    return found


def variants(settings: Settings, strategies: Mapping[str, Strategy]) -> list[Variant]:
    """All that are wanted, shared out evenly over symbols and strategies."""
    live = settings.live
    chosen = [known(strategies, name) for name in live.strategies]
    fixed: dict[str, float | str] = {}
    for text in live.set:
        for strategy in chosen:
            if text.partition("=")[0].strip() in _names(strategy):
                fixed |= parse_fixed(strategy, [text])
    found: list[Variant] = []
    for number, symbol in enumerate(live.symbols):
        share = live.variants // len(live.symbols) + (number < live.variants % len(live.symbols))
        if share:
            seed = live.seed + number
            found += generate_mixed(chosen, live.generate, share, seed, fixed, symbol)
    return found


def slow_variants(settings: Settings, loaded: Iterable[Loaded]) -> list[Variant]:
    """Some variants of each strategy of the slow lane, drawn from its knobs."""
    live = settings.live
    found: list[Variant] = []
    for one in loaded:
        stand_in = replace(TOLD, name=one.name, knobs=one.knobs, choices=one.choices)
        for number, symbol in enumerate(live.symbols):
            try:
                drawn = generate(stand_in, "random", SLOW_EACH, live.seed + number, {}, symbol)
            except BadParameter as error:
                raise BadParameter(f"live.slow: {one.name}: {error}") from error
            found += [structs.replace(variant, lane="slow") for variant in drawn]
    return found


def known(strategies: Mapping[str, Strategy], name: str) -> Strategy:
    """The strategy of this name."""
    if name not in strategies:
        raise BadParameter(f"no strategy {name!r}; there are {', '.join(sorted(strategies))}")
    return strategies[name]


def genesis(settings: Settings, seed: int) -> dict[str, object]:
    """What every segment of a run says of the program that wrote it."""
    return {
        "liveopt": liveopt.__version__,
        "code": code_hash(),
        "config": config_hash(settings),
        "feed": settings.live.feed,
        "numpy": np.__version__,
        "seed": seed,
    }


def config_hash(settings: Settings) -> str:
    """Of the settings that decide what a run does, not of where it listens and writes."""
    parts = {name: getattr(settings, name).model_dump(mode="json") for name in DECIDING_SECTIONS}
    for name in NOT_DECIDING:
        parts["live"].pop(name, None)
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_hash() -> str:
    """Of the sources that decide what follows from an input."""
    digest = hashlib.sha256()
    root = Path(liveopt.__file__).parent
    for folder in DECIDING:
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _names(strategy: Strategy) -> set[str]:
    return {*strategy.knobs, *strategy.choices, *RISK}
