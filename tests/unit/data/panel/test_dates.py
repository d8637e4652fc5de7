"""Dates of all orders and times of day; what the file cannot tell is assumed and said."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.data.panel.check import compare, fingerprint_of, fingerprint_of_csv
from liveopt.data.panel.columns import Form, Order
from liveopt.data.panel.dates import BadCells, date_form, dates_of, minutes_of
from liveopt.data.panel.read_csv import read_csv
from tests.unit.data.panel.files import put

DAYS = st.lists(st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)), min_size=1)


@pytest.mark.parametrize(
    ("form", "order"),
    [
        ("%Y-%m-%d", "auto"), ("%Y/%m/%d", "auto"), ("%Y%m%d", "auto"),
        ("%Y-%m-%d 00:00:00", "auto"), ("%Y-%m-%dT00:00:00Z", "auto"), ("%d-%m-%Y", "day"),
        ("%d.%m.%Y", "day"), ("%m/%d/%Y", "month"), ("%m-%d-%Y", "month"), ("%d/%m/%Y", "day"),
        ("%d-%m-%Y", "auto"), ("%m/%d/%Y", "auto"),
    ],
)  # fmt: skip
@given(days=DAYS)
def test_a_date_is_read_back_in_whatever_form_it_is_written(
    form: str, order: Order, days: list[dt.date]
) -> None:
    texts = [f"{day:{form}}" for day in days]
    assert dates_of(texts, date_form(texts, order)).tolist() == days


def test_a_number_above_twelve_settles_the_order_of_all() -> None:
    assert date_form(["01/02/2024", "13/02/2024"], "auto").why == "day first, as 13/02/2024 shows"
    assert date_form(["01-02-2024", "01-13-2024"], "auto").why == "month first, as 01-13-2024 shows"
    with pytest.raises(ValueError, match="13-01-2024 has the day first and 01-13-2024 the month"):
        date_form(["13-01-2024", "01-13-2024"], "auto")


def test_what_the_file_cannot_tell_is_assumed_and_said() -> None:
    dashes, slashes = (date_form([f"03{c}04{c}2024"], "auto") for c in "-/")
    assert dates_of(["03-04-2024"], dashes)[0] == np.datetime64("2024-04-03")
    assert dates_of(["03/04/2024"], slashes)[0] == np.datetime64("2024-03-04")
    assert "assumed" in dashes.why
    assert "assumed" in slashes.why
    assert "assumed" not in date_form(["2024-04-03"], "auto").why


def test_days_of_the_week_settle_the_order(tmp_path: Path) -> None:
    texts = ["01/02/2024", "02/02/2024", "05/02/2024", "06/02/2024"]
    form = date_form(texts, "auto", ["Thu", " friday", None, "TUE"])
    assert (form.day_first, form.why) == (True, "day first, as the days of the week show")
    form = date_form(texts, "auto", ["Tuesday", "Fri", "Thu", "Sun"])
    assert (form.day_first, form.why) == (False, "month first, as the days of the week show")
    for days in (["Thu", "Fri", "Mon", "Mon"], ["Do", "Fr", "Mo", "Di"], [None] * 4):
        assert "assumed" in date_form(texts, "auto", days).why
    assert "assumed" in date_form(["00/01/2024"], "auto", ["Mon"]).why
    text = "".join(f"{t},{d},1\n" for t, d in zip(texts, ["Thu", "Fri", "Mon", "Tue"], strict=True))
    path = put(tmp_path / "a.csv", "Date,Day,x\n" + text)
    panel = read_csv([path]).panel
    assert str(panel.sessions.date[0]) == "2024-02-01"
    expected = fingerprint_of_csv(path, panel.names, Form())
    assert "are the source's" in compare(path, expected, fingerprint_of(panel))


@pytest.mark.parametrize("text", ["", None, "soon", "31-02-2024", "2024-13-01", "1.2.24", "45321"])
def test_what_is_no_date_is_refused_with_its_row(text: str | None) -> None:
    texts = ["2024-01-01", text]
    with pytest.raises(BadCells, match="2024-01-31") as error:
        dates_of(texts, date_form(texts, "auto"))
    assert error.value.row == 1


def test_times_are_minutes_since_midnight() -> None:
    assert minutes_of(["09:15", "9:15", "00:00:59", "23:59", None, " "]).tolist() == [
        555, 555, 0, 1439, -1, -1,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["24:00", "12:60", "noon", "9.15", "0.5"])
def test_what_is_no_time_is_refused_with_its_first_row(text: str) -> None:
    with pytest.raises(BadCells, match="09:15") as error:
        minutes_of(["09:15", text, text])
    assert error.value.row == 1
