"""The plain language: what it lowers to, what it folds away, what it refuses and where."""

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from liveopt.core.account import Rule
from liveopt.core.strategy import Knob, Strategy
from liveopt.engine.lower import (
    LOG,
    Known,
    Lowering,
    NotPlain,
    Record,
    is_boolean,
    needed,
    pruned,
    reads,
    writes,
)
from liveopt.engine.program import Program, build

RATE = 0.5
LIMITS = SimpleNamespace(top=3.0)
WORD = "a word"


def lowered(function: Callable[..., Any], **arguments: Any) -> tuple[str, str | None]:
    """The statements and the result of a function over one record `a`, as text."""
    body, result = Lowering().inline(function, {"a": Record("a")} | arguments)
    text = "\n".join(ast.unparse(ast.fix_missing_locations(s)) for s in body)
    return text, None if result is None else ast.unparse(result)


def same(function: Callable[..., Any], **fields: float) -> dict[str, float]:
    """Fields after the function as Python and after what it was lowered to; they must agree."""
    record = SimpleNamespace(**fields)
    function(record)
    text, _ = lowered(function)
    names: dict[str, Any] = {f"a_{name}": value for name, value in fields.items()}
    exec(text, {}, names)
    found = {name: float(names[f"a_{name}"]) for name in fields}
    assert found == vars(record)
    return found


# what is accepted -----------------------------------------------------------------------------


def half(value: float) -> float:
    """A helper with a docstring."""
    return value * RATE


def bump(a: Any) -> float:
    a.x = a.x + 1.0
    return a.x  # type: ignore[no-any-return]


def twice(a: Any) -> None:
    bump(a)
    bump(a)


def arithmetic(a: Any) -> None:
    """All four operations, a sign, constants of the module and of an object."""
    if a.x > 100.0:
        pass
    y: float = (a.x + 2) * a.y - a.x / 4.0
    a.y = -y if y > 0.0 else half(y)
    a.x += LIMITS.top
    a.x *= 2.0


def comparisons(a: Any) -> None:
    both = (a.x < 2.0) & (a.y >= 1.0)
    either = (a.x == 2.0) | (a.y != 1.0)
    a.x = 1.0 if both else 0.0
    a.y = 1.0 if either else 0.0


def branches(a: Any) -> None:
    if a.x > 1.0:
        level = a.y
        a.y = 5.0
    elif a.x > 0.0:
        level = 2.0
    else:
        level = 3.0
    a.x = level


@pytest.mark.parametrize("x", [-1.0, 0.5, 2.0])
@pytest.mark.parametrize("function", [arithmetic, comparisons, branches, twice])
def test_a_plain_function_means_what_it_means_in_python(
    function: Callable[..., Any], x: float
) -> None:
    same(function, x=x, y=1.0)


def test_a_call_is_inlined_and_its_result_is_a_local_name() -> None:
    def calls(a: Any) -> float:
        return half(a.x) + half(a.y)

    text, result = lowered(calls)
    assert "half" not in text
    assert text.count("* 0.5") == 2
    assert result is not None
    assert set(result.split(" + ")) <= writes(ast.parse(text).body)


def test_whole_numbers_become_floats() -> None:
    def one(a: Any) -> None:
        a.x = 1

    assert lowered(one) == ("a_x = 1.0", None)


def test_a_trade_is_noted_by_a_marker() -> None:
    def closes(a: Any, book: Any) -> None:
        a.x = 0.0
        book.note(a)

    assert lowered(closes, book=Record(""))[0] == f"a_x = 0.0\n{LOG}()"


# values stay what they were ---------------------------------------------------------------------


def raise_then_use(a: Any, before: float) -> None:
    a.x = a.x + 10.0
    a.y = before


def passes_a_field(a: Any) -> None:
    raise_then_use(a, a.x)


def remembers(a: Any) -> None:
    before = a.x
    a.x = 9.0
    a.y = before


def left_before_right(a: Any) -> None:
    a.y = a.x + bump(a)


def left_before_right_compared(a: Any) -> None:
    a.y = 1.0 if a.x < bump(a) else 0.0


def left_before_right_of_or(a: Any) -> None:
    low = a.x
    a.y = 1.0 if (a.x > 2.0) | (bump(a) > low + 5.0) else 0.0


def clipped(value: float) -> float:
    if value > 1.0:
        value = 1.0
    return value


def clips(a: Any) -> None:
    a.y = clipped(a.x)


def grows(a: Any) -> None:
    total = a.x
    total += bump(a)
    a.y = total


@pytest.mark.parametrize("x", [0.25, 2.0, 7.0])
@pytest.mark.parametrize(
    "function",
    [
        passes_a_field,
        remembers,
        left_before_right,
        left_before_right_compared,
        left_before_right_of_or,
        clips,
        grows,
    ],
)
def test_a_value_is_the_one_at_the_time_it_was_read(function: Callable[..., Any], x: float) -> None:
    same(function, x=x, y=0.0)


def test_an_argument_assigned_on_one_branch_keeps_its_value_on_the_other() -> None:
    """It used to be a name that only the branch set: garbage from the variant before."""
    text, _ = lowered(clips)
    first = text.splitlines()[0]
    assert first.endswith("= a_x")
    assert same(clips, x=0.25, y=0.0)["y"] == 0.25


def test_locals_are_called_like_no_field() -> None:
    """A field may end in a number and a local may be called like a record."""

    def awkward(a: Any) -> None:
        a_1 = a.x_1
        x = a.y
        bar_range = a_1 - x
        a.y = bar_range

    text, _ = lowered(awkward)
    fields = {"a_x_1", "a_y"}
    names = reads(ast.parse(text)) | writes(ast.parse(text).body)
    assert fields < names
    assert all(name[0] == "v" for name in names - fields)


# what is known when compiling -------------------------------------------------------------------


def optional(a: Any, term: Any) -> None:
    if term.rule.stop:
        a.x = 1.0
    if term.rule.market == "spot":
        a.y = 2.0
    else:
        a.y = 3.0
    chosen = a.x if term.rule.take else a.y
    limit = (a.x > 0.0) & term.rule.stop | term.rule.take
    a.z = chosen if limit else 0.0


def test_known_flags_are_folded_away() -> None:
    def text(rule: Rule) -> str:
        return lowered(optional, term=Record("term", {"rule": rule}))[0]

    bare = text(Rule())
    assert "if" not in bare.splitlines()[0]
    assert "a_x = 1.0" not in bare
    assert "a_y = 2.0" in bare
    assert "= a_y" in bare
    full = text(Rule("perpetual", stop=True, take=True))
    assert "a_x = 1.0" in full
    assert "a_y = 3.0" in full
    assert "= a_x" in full
    assert "rule" not in bare + full


def test_a_side_of_a_truth_that_is_known_falls_away() -> None:
    def truths(a: Any, term: Any) -> None:
        a.x = 1.0 if (a.x > 0.0) & term.on else 0.0
        a.y = 1.0 if term.on & (a.y > 0.0) else 0.0
        a.z = 1.0 if (a.z > 0.0) | term.on else 0.0

    on = lowered(truths, term=Record("term", {"on": True}))[0]
    off = lowered(truths, term=Record("term", {"on": False}))[0]
    assert on.splitlines() == [
        "a_x = 1.0 if a_x > 0.0 else 0.0",
        "a_y = 1.0 if a_y > 0.0 else 0.0",
        "a_z = 1.0",
    ]
    assert off.splitlines() == [
        "a_x = 0.0",
        "a_y = 0.0",
        "a_z = 1.0 if a_z > 0.0 else 0.0",
    ]


def test_a_function_of_a_known_object_is_called_through_it() -> None:
    def through(a: Any, strategy: Any) -> None:
        a.x = strategy.step(a.x)

    text, _ = lowered(through, strategy=Known(SimpleNamespace(step=half)))
    assert text.splitlines()[:2] == ["v1_v = a_x", "v2_v = v1_v * 0.5"]


def test_a_known_object_may_be_handed_on() -> None:
    def inner(a: Any, limits: Any) -> None:
        a.x = limits.top

    def outer(a: Any) -> None:
        passed(a, LIMITS)

    passed = inner
    inner.__globals__["passed"] = passed
    assert lowered(outer)[0] == "a_x = 3.0"


# what is refused --------------------------------------------------------------------------------


def loops(a: Any) -> None:
    for _ in range(3):
        a.x = 1.0


def repeats(a: Any) -> None:
    while a.x > 0.0:
        a.x = 0.0


def raises_to_a_power(a: Any) -> None:
    a.x = a.x**2.0


def raises_itself_to_a_power(a: Any) -> None:
    a.x **= 2.0


def divides_whole(a: Any) -> None:
    a.x //= 2.0


def says_and(a: Any) -> None:
    a.x = 1.0 if a.x > 0.0 and a.y > 0.0 else 0.0


def says_not(a: Any) -> None:
    a.x = 1.0 if not a.x > 0.0 else 0.0


def compares_twice(a: Any) -> None:
    a.x = 1.0 if 0.0 < a.x < 1.0 else 0.0


def compares_identity(a: Any) -> None:
    a.x = 1.0 if a.x is a.y else 0.0


def takes_the_greater(a: Any) -> None:
    a.x = max(a.x, 0.0)


def takes_a_logarithm(a: Any) -> None:
    a.x = np.log(a.x)


def names_its_arguments(a: Any) -> None:
    a.x = half(value=a.x)


def forgets_an_argument(a: Any) -> None:
    a.x = half()  # type: ignore[call-arg]


def returns_early(a: Any) -> float:
    if a.x > 0.0:
        return 1.0
    return 0.0


def goes_on_after_return(a: Any) -> float:  # noqa: RET503
    return 1.0
    a.x = 2.0  # type: ignore[unreachable]


def returns_nothing(a: Any) -> None:
    a.x = 1.0
    return


def uses_the_unknown(a: Any) -> None:
    a.x = nobody + 1.0  # type: ignore[name-defined]  # noqa: F821


def changes_the_unknown(a: Any) -> None:
    nobody.x += 1.0  # type: ignore[name-defined]  # noqa: F821


def sets_an_item(a: Any) -> None:
    a[0] = 1.0


def sets_two(a: Any) -> None:
    a.x, a.y = 1.0, 2.0


def uses_a_word(a: Any) -> None:
    a.x = WORD


def declares_only(a: Any) -> None:
    x: float  # noqa: F842
    a.x = 1.0


def sets_on_one_branch(a: Any) -> None:
    if a.x > 0.0:
        level = 1.0
    a.y = level  # type: ignore[possibly-undefined]


def changes_a_record_in_a_choice(a: Any) -> None:
    a.y = bump(a) if a.x > 0.0 else 0.0


def calls_what_returns_nothing(a: Any) -> None:
    a.y = twice(a)  # type: ignore[func-returns-value]


REFUSED = [
    (loops, 1, "For is not in the plain language"),
    (repeats, 1, "While is not in the plain language"),
    (raises_to_a_power, 1, "'a.x ** 2.0' is not in the plain language"),
    (raises_itself_to_a_power, 1, "'a.x ** 2.0' is not in the plain language"),
    (divides_whole, 1, "'a.x // 2.0' is not in the plain language"),
    (says_and, 1, "'a.x > 0.0 and a.y > 0.0' is not in the plain language"),
    (says_not, 1, "'not a.x > 0.0' is not in the plain language"),
    (compares_twice, 1, "'0.0 < a.x < 1.0' is not in the plain language"),
    (compares_identity, 1, "'a.x is a.y' is not in the plain language"),
    (takes_the_greater, 1, "max cannot be called in the plain language"),
    (takes_a_logarithm, 1, "np.log cannot be called in the plain language"),
    (names_its_arguments, 1, "half cannot be called in the plain language"),
    (forgets_an_argument, 1, "half takes 1 arguments, each given"),
    (returns_early, 1, "return stands at the end of a function, not inside an if"),
    (goes_on_after_return, 2, "nothing may follow a return"),
    (returns_nothing, 2, "Return is not in the plain language"),
    (uses_the_unknown, 1, "'nobody' is not in the plain language"),
    (changes_the_unknown, 1, "'nobody.x' is not in the plain language"),
    (sets_an_item, 1, "assign to a name or to a field of a record"),
    (sets_two, 1, "'(1.0, 2.0)' is not in the plain language"),
    (uses_a_word, 1, "WORD is not a number"),
    (declares_only, 1, "AnnAssign is not in the plain language"),
    (sets_on_one_branch, 3, "'level' is set on one branch only"),
    (changes_a_record_in_a_choice, 1, "a call that changes a record needs an if"),
    (calls_what_returns_nothing, 1, "'twice(a)' is not in the plain language"),
]


@pytest.mark.parametrize(
    ("function", "line", "why"), REFUSED, ids=lambda x: getattr(x, "__name__", "")
)
def test_a_refusal_names_file_line_and_function(
    function: Callable[..., Any], line: int, why: str
) -> None:
    _, first = inspect.getsourcelines(function)
    with pytest.raises(NotPlain) as refused:
        lowered(function)
    place = f"{inspect.getsourcefile(function)}:{first + line} in {function.__name__}: "
    assert str(refused.value).startswith(place)
    assert why in str(refused.value)


def test_a_refusal_deep_inside_names_the_function_where_it_stands() -> None:
    def outer(a: Any) -> None:
        loops(a)

    with pytest.raises(NotPlain, match=r"test_lower\.py:\d+ in loops: For is not"):
        lowered(outer)


def test_only_a_function_written_in_python_can_be_lowered() -> None:
    with pytest.raises(AssertionError, match="is not a plain function"):
        Lowering().inline(max, {})


# reading the flat program -----------------------------------------------------------------------

FLAT = """
a_x = a_y + 1.0
if a_z > 0.0:
    a_w = a_x
else:
    a_v = 2.0
a_u = 3.0
LOG()
"""


def test_what_reaches_a_name_is_needed_and_the_conditions_with_it() -> None:
    body = ast.parse(FLAT).body
    assert needed([body], {"a_w"}) == {"a_w", "a_x", "a_y", "a_z"}
    assert needed([body], {"a_v"}) == {"a_v", "a_z"}
    assert needed([body], {"a_u"}) == {"a_u"}


def test_what_is_not_needed_is_pruned_with_its_empty_branches() -> None:
    def left(*keep: str, log: bool = False) -> list[str]:
        body = pruned(ast.parse(FLAT).body, set(keep), log)
        return [ast.unparse(ast.fix_missing_locations(s)) for s in body]

    assert left("a_u") == ["a_u = 3.0"]
    assert left("a_u", log=True) == ["a_u = 3.0", "LOG()"]
    assert left("a_v") == ["if a_z > 0.0:\n    pass\nelse:\n    a_v = 2.0"]
    assert left("a_w") == ["if a_z > 0.0:\n    a_w = a_x"]


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("x > 1.0", True),
        ("True", True),
        ("1.0", False),
        ("flag", True),
        ("other", False),
        ("flag & other", True),
        ("flag if x > 1.0 else flag", True),
        ("1.0 if flag else 0.0", False),
        ("x + 1.0", False),
    ],
)
def test_a_truth_is_told_from_a_number(text: str, truth: bool) -> None:
    assert is_boolean(ast.parse(text, mode="eval").body, {"flag"}) is truth


# programs -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Memory:
    target: float = 0.0
    last_1: float = 7.0
    unused: float = 0.0


def follow(bar: Any, k: Any, x: Any, m: Any) -> float:
    m.unused = bar.obv
    risen = bar.close > m.last_1 + k.step_1
    m.last_1 = bar.close
    return 1.0 if risen else -1.0


STRATEGY = Strategy(
    "", follow, Memory, {"step_1": Knob(0.0, 1.0, 0.5, "")}, lambda k: k["step_1"] + 2.0, name="t"
)


def program(rule: Rule, log: bool = False, pessimistic: bool = False) -> Program:
    return build(STRATEGY, rule, {}, pessimistic, log)


def test_features_that_are_off_vanish_from_the_program() -> None:
    bare, full = program(Rule()), program(Rule("perpetual", stop=True, trail=True, funding=True))
    assert {"a_stop", "a_liquidation", "a_best", "a_funded", "a_reason"}.isdisjoint(bare.names)
    assert {"k_stop", "k_leverage", "k_trail", "k_max_hold"}.isdisjoint(bare.params)
    assert {"fine_high", "fine_low", "fine_funding", "term_maintenance"}.isdisjoint(bare.names)
    assert {"k_stop", "k_trail", "k_leverage"} <= set(full.params)
    assert {"a_low_exit", "a_best", "a_liquidation"} <= set(full.state)
    assert "k_max_hold" not in full.params


def test_terms_that_are_zero_are_not_compiled() -> None:
    rounded = program(Rule())
    smooth = build(STRATEGY, Rule(), {}, zero=frozenset({"tick", "lot", "slippage"}))
    assert {"term_tick", "term_lot", "term_slippage", "term_taker_fee"} <= rounded.names
    assert {"term_tick", "term_lot", "term_slippage"}.isdisjoint(smooth.names)
    assert "term_taker_fee" in smooth.names


def test_a_combination_is_lowered_once() -> None:
    assert program(Rule()) is program(Rule())
    assert program(Rule()) is not program(Rule(), log=True)


def test_a_column_nobody_reads_is_not_derived() -> None:
    shared = set(program(Rule()).shared)
    assert {"bar_close", "bar_n"} <= shared
    assert {"bar_obv", "bar_atr", "bar_typical", "bar_gain"}.isdisjoint(shared)
    assert "m_unused" not in program(Rule()).state
    assert "bar_atr" in program(Rule(sizing="volatility")).shared


def test_the_log_keeps_what_it_writes_down() -> None:
    assert "a_reason" not in program(Rule()).state
    logged = program(Rule(), log=True)
    assert {"a_reason", "a_leave", "a_since_s"} <= set(logged.state)
    assert any(isinstance(s, ast.Expr) for s in ast.walk(ast.Module(logged.accounts[0].act, [])))


def test_the_pessimist_has_an_account_of_its_own() -> None:
    both = program(Rule(), pessimistic=True)
    assert len(both.accounts) == 2
    assert {"a_cash", "b_cash", "b_queue", "p_equity", "q_equity"} <= set(both.state)
    assert "a_queue" not in both.state
    assert both.bytes_per_variant > program(Rule()).bytes_per_variant


def test_cells_begin_as_the_records_do() -> None:
    found = program(Rule(stop=True))
    assert found.start["m_last_1"] == 7.0
    assert found.start["bar_last_day"] == -1.0
    assert found.start["a_low_exit"] == -np.inf
    assert "a_side" not in found.start


def test_a_block_begins_on_a_cache_line() -> None:
    found = program(Rule())
    assert found.cells == (*found.state, *found.params, *found.inputs)
    assert found.tail == 64 * len(found.cells)
    assert found.width % 8 == 0
    assert found.width >= found.tail + len(found.shared)
    assert found.params == ("k_fraction", "k_step_1", "k_warmup")
    assert "m_last_1" in found.state
