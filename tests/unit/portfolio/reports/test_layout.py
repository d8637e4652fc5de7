"""Tables of text."""

from liveopt.portfolio.reports.layout import (
    WIDTH,
    file,
    grid,
    pairs,
    paragraph,
    points,
    section,
    table,
)  # fmt: skip


def test_columns_stand_one_under_the_other() -> None:
    assert table(["Name", "Profit"], [["a", "1.00"], ["long one", "12,345.00"]]) == [
        "  Name         Profit",
        "  --------  ---------",
        "  a              1.00",
        "  long one  12,345.00",
    ]


def test_pairs_say_what_a_value_means() -> None:
    assert pairs([["a", "1", "one"], ["bb", "22"]]) == ["  a    1  one", "  bb  22"]


def test_prose_keeps_within_the_width() -> None:
    words = "word " * 100
    assert all(len(one) <= WIDTH for one in [*paragraph(words), *points([words, words])])
    assert " ".join(paragraph(words)).split() == words.split()


def test_a_section_without_content_has_no_headline() -> None:
    assert section("Nothing", [], []) == []
    assert section("A", ["x"], ["y"]) == ["", "A", "=", "x", "", "y"]


def test_a_markdown_table_has_its_marks() -> None:
    assert grid(["A", "B"], [["x", "1"]]) == ["| A | B |", "| --- | ---: |", "| x | 1 |"]


def test_a_file_ends_with_a_line_end_and_holds_any_text() -> None:
    assert file(["a", "\ud800"]) == b"a\n\\ud800\n"
