"""Names and numbers as reports have them."""

import csv
import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.portfolio.reports.words import DASH, cell, code, line, number, plural, span, uncell

FORMULA = tuple("=+-@\t\r\n\"'\uff1d\uff0b\uff0d\uff20")
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.text(
    st.sampled_from("=+-@;'\"\t\r\n|`\\ a1"), max_size=12
)


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (float("nan"), "money", DASH),
        (float("inf"), "ratio", "infinite"),
        (float("-inf"), "share", "minus infinite"),
        (1234567.891, "money", "1,234,567.89"),
        (-0.000123456, "money", "-0.000123"),
        (0.00001234, "money", "1.234e-05"),
        (0.0, "money", "0.00"),
        (-0.0, "ratio", "0.0000"),
        (12.34567, "ratio", "12.3457"),
        (0.62195, "share", "62.20%"),
        (-0.00012, "share", "-0.0120%"),
        (25544.0, "count", "25,544"),
        (3e18, "money", "3e+18"),
    ],
)
def test_a_number_has_the_digits_it_needs(value: float, kind: str, said: str) -> None:
    assert number(value, kind) == said  # type: ignore[arg-type]


@given(st.floats(-999_999.0, 999_999.0).filter(lambda x: x == 0.0 or abs(x) >= 1e-4))
def test_a_number_says_what_it_is_to_four_digits_after_the_point(value: float) -> None:
    assert float(number(value).replace(",", "")) == pytest.approx(value, abs=5.1e-5)


@given(st.floats(1e6, 1e14), st.sampled_from([1.0, -1.0]))
def test_a_ratio_of_millions_has_no_digits_after_the_point(size: float, sign: float) -> None:
    told = number(sign * size)
    assert "." not in told
    assert float(told.replace(",", "")) == pytest.approx(sign * size, rel=0.0, abs=0.5)


@given(names)
def test_a_name_in_csv_comes_back(name: str) -> None:
    file = io.StringIO()
    csv.writer(file).writerow([1, cell(name), 2])
    ((_, told, _),) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert uncell(told) == name


@given(names)
def test_no_name_in_csv_begins_as_a_formula(name: str) -> None:
    told = cell(name)
    assert told == "" or told[0] == "'" or told[0] not in FORMULA
    for part in told.split(";")[1:]:  # where a ; separates, each part is a cell
        assert part == "" or part[0] == "'" or part[0] not in FORMULA


@given(names, st.integers(8, 80))
def test_a_name_in_a_text_is_one_line_that_moves_no_cursor(name: str, most: int) -> None:
    told = line(name, most)
    assert told.isprintable()
    assert 0 < len(told) <= max(most, len("(no name)"))


def test_a_long_name_keeps_its_end_which_tells_variants_apart() -> None:
    assert line("a" * 100 + "SL31%TP57%", 40).endswith("SL31%TP57%")


def cells_of(row: str) -> list[str]:
    """As GFM splits a row: at bars that no backslash stands before."""
    found, now, escaped = [], "", False
    for c in row:
        if c == "|" and not escaped:
            found.append(now)
            now = ""
        else:
            now += c
        escaped = c == "\\" and not escaped
    return [*found, now]


@given(names)
def test_a_name_in_a_markdown_table_stays_in_its_cell_and_is_code(name: str) -> None:
    told = code(name)
    assert len(cells_of(told)) == 1
    fence = len(told) - len(told.lstrip("`"))
    inner = told[fence:-fence]
    assert fence > max((len(run) for run in re.findall("`+", inner)), default=0)
    assert "\n" not in told
    assert "\r" not in told


def test_words_for_counts_and_dates() -> None:
    assert plural(1, "strategy") == "1 strategy"
    assert plural(25544, "strategy") == "25,544 strategies"
    assert plural(2, "day") == "2 days"
    dates = np.array(["2024-01-02", "2024-01-01"], "datetime64[D]")
    assert span(dates) == "2024-01-01 to 2024-01-02"
    assert span(dates[:1]) == "2024-01-02"
    assert span(dates[:0]) == "no dates"
