"""The table of studies is what the documents promise."""

from liveopt.optimize.gate_study.plan import SUITE, Plan


def test_the_table_has_the_runs_that_its_bounds_were_stated_for() -> None:
    nulls = {plan.variants: plan.nulls for plan in SUITE.values() if not (plan.crash or plan.ar)}
    for variants, least in ((100, 0), (1_000, 0), (10_000, 200)):
        assert nulls[variants] >= least
    plain = [p for p in SUITE.values() if p.nulls and not (p.crash or p.ar or p.turnover)]
    assert {(p.variants, p.nulls) for p in plain} == {(100, 1_000), (1_000, 1_000), (10_000, 200)}
    assert all(plan.rhos == (0.3, 0.5, 0.9) and plan.df == 3.0 for plan in plain)


def test_work_is_counted_in_variant_bars() -> None:
    assert Plan(variants=10, bars=1_000, nulls=2, edges=3, lives=4).variant_bars() == 130_000
