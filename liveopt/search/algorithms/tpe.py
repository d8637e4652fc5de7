"""Tree-structured Parzen estimator, by Optuna (Bergstra et al. 2011): for expensive candidates.

Optuna is told all of the past before each batch, and draws from our generator's next number; so
what can be saved is a list of places, and a search taken up again goes on as it would have.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from liveopt.search.algorithm import Ground, Method, Unfit
from liveopt.search.fitness import finite
from liveopt.search.space import Array, Places
from liveopt.search.spaces.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    initial: int = 10
    batch: int = 1
    """Candidates chosen at a time."""
    joint: bool = True
    """Whether coordinates are looked at together (multivariate) or each alone."""
    draws: int = 24
    """Candidates compared for each that is chosen."""


class Parzen:
    """Places and fitness so far."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        assert isinstance(ground.space, Parameters)
        self._optuna()
        self._ground, self._terms, self._space = ground, terms, ground.space
        self._places = ground.space.sample(0, ground.rng)
        self._fitness = np.empty(0)
        self._bred: Places | None = None

    def breed(self) -> Places:
        """The first draws, then what Optuna suggests."""
        if not len(self._places):
            self._bred = self._ground.fresh(self._terms.initial)
            return self._bred
        optuna = self._optuna()
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=1,
            n_ei_candidates=self._terms.draws,
            seed=int(self._ground.rng.integers(2**32)),
            multivariate=self._terms.joint,
            constant_liar=self._terms.batch > 1,
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        kinds = self._kinds(optuna)
        study.add_trials(self._trials(optuna, kinds))
        rows = []
        for _ in range(self._terms.batch):
            trial = study.ask(kinds)
            rows.append([trial.params[name] for name in kinds])
        self._bred = self._from_optuna(np.array(rows, float))
        return self._bred

    def learn(self, fitness: Array) -> None:
        """Remember."""
        assert self._bred is not None
        self._places = np.concatenate([self._places, self._bred])
        self._fitness = np.concatenate([self._fitness, fitness])

    def _kinds(self, optuna: Any) -> dict[str, Any]:
        """Optuna's name for each column: the unit interval, a number of levels, words."""
        found: dict[str, Any] = {}
        table = self._space.table
        for name, levels, word in zip(table.names, table.levels, table.word, strict=True):
            if levels == 0:
                found[name] = optuna.distributions.FloatDistribution(0.0, 1.0)
            elif word:
                options = list(range(int(levels)))
                found[name] = optuna.distributions.CategoricalDistribution(options)
            else:
                found[name] = optuna.distributions.IntDistribution(0, int(levels) - 1)
        return found

    def _trials(self, optuna: Any, kinds: dict[str, Any]) -> list[Any]:
        levels = self._space.table.levels
        last = np.maximum(levels - 1, 0)
        index = np.minimum(np.floor(self._places * np.maximum(levels, 1)), last).astype(int)
        return [
            optuna.trial.create_trial(
                params={
                    name: float(place[i]) if levels[i] == 0 else int(whole[i])
                    for i, name in enumerate(kinds)
                },
                distributions=kinds,
                value=float(value),
            )
            for place, whole, value in zip(self._places, index, finite(self._fitness), strict=True)
        ]

    def _from_optuna(self, rows: Array) -> Places:
        levels = self._space.table.levels
        found: Array = np.where(levels > 0, (rows + 0.5) / np.maximum(levels, 1), rows)
        return found

    @staticmethod
    def _optuna() -> Any:
        try:
            import optuna
        except ModuleNotFoundError as error:
            raise Unfit("tpe needs Optuna: pip install 'liveopt[tpe]'") from error
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # a study for each batch is no news
        return optuna


METHOD = Method(
    "Parzen estimators, by Optuna; for a few hundred expensive candidates",
    Terms(),
    Parzen,
    spaces=(Parameters,),
)
