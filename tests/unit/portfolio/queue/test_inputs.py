"""Whatever a client writes, only files inside input/ are ever opened."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.portfolio.queue.inputs import Missing, Refused, find, parts_of
from liveopt.portfolio.queue.places import Places
from tests.unit.portfolio.queue.share import put, share

ROOT = Path("/srv/desk")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = share(tmp_path / "share")
    put(found, "a.csv", "1")
    (tmp_path / "secret.csv").write_text("2")
    return found


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.csv", ("a.csv",)),
        ("./a.csv", ("a.csv",)),
        ("A.CSV", ("A.CSV",)),
        ("sub/a.csv", ("sub", "a.csv")),
        (r"sub\a.csv", ("sub", "a.csv")),
        ("input/a.csv", ("a.csv",)),
        (r"Input\a.csv", ("a.csv",)),
        ("input.csv", ("input.csv",)),
        (r"Z:\input\a.csv", ("a.csv",)),
        ("z:/input/sub/a.csv", ("sub", "a.csv")),
        (r"\\server\share\input\a.csv", ("a.csv",)),
        (r"//server/share/input/a.csv", ("a.csv",)),
        (r"\\server\share\desk\input\a.csv", ("a.csv",)),
        (r"\\server\share\DESK\INPUT\a.csv", ("a.csv",)),
        ("größe é.csv", ("größe é.csv",)),
    ],
)
def test_a_name_is_understood_as_clients_spell_it(text: str, parts: tuple[str, ...]) -> None:
    assert parts_of(text, ROOT) == parts


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a.txt", "a.csv.exe", "input", "..", "../a.csv", "sub/../../a.csv", r"..\a.csv",
        "/input/a.csv", "/etc/a.csv", r"\input\a.csv", "Z:a.csv", r"Z:\a.csv", r"Z:\other\a.csv",
        r"Z:\other\input\a.csv", r"\\server\share\a.csv", r"\\server\share\other\input\a.csv",
        r"Z:\input\..\a.csv", r"\\?\Z:\input\a.csv", r"\\.\pipe\a.csv", "a.csv:stream.csv",
        "a\n.csv", "a\0.csv", "a\x1b[2J.csv", "\ud800.csv", "a\u202evsc.csv", "x" * 2000 + ".csv",
    ],
)  # fmt: skip
def test_what_leads_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        parts_of(text, ROOT)


def test_another_case_is_taken_if_only_one_file_has_it(places: Places) -> None:
    assert find(places, "A.Csv").name == "a.csv"
    put(places, "A.csv", "1")
    assert find(places, "A.csv").name == "A.csv"
    with pytest.raises(Refused, match="spell it exactly"):
        find(places, "a.CSV")


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_not(places: Places) -> None:
    (places.input / "out.csv").symlink_to(places.root.parent / "secret.csv")
    (places.input / "up").symlink_to(places.root.parent)
    (places.input / "in.csv").symlink_to(places.input / "a.csv")
    (places.input / "loop.csv").symlink_to(places.input / "loop.csv")
    assert find(places, "in.csv") == (places.input / "a.csv").resolve()
    for text in ("out.csv", "up/secret.csv", "loop.csv"):
        with pytest.raises(Refused):
            find(places, text)


def test_only_a_regular_file_will_do(places: Places) -> None:
    os.mkfifo(places.input / "pipe.csv")
    (places.input / "folder.csv").mkdir()
    for text in ("pipe.csv", "folder.csv"):
        with pytest.raises(Refused, match="no regular file"):
            find(places, text)


def test_what_is_not_there_is_missing_which_may_change(places: Places) -> None:
    for text in ("b.csv", "sub/b.csv", "a.csv/b.csv"):
        with pytest.raises(Missing, match="copy it there"):
            find(places, text)


PIECES = st.sampled_from(
    ["..", ".", "/", "\\", "input", "a.csv", "up", "Z:", "//s/t/", "\\\\s\\t\\", "secret.csv", "\0"]
)


@given(st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=7).map("".join)))
def test_nothing_outside_is_ever_found(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.getbasetemp() / "confined"
    places = Places(root / "share")
    if not places.input.exists():
        places.input.mkdir(parents=True)
        (root / "secret.csv").write_text("2")
        put(places, "a.csv", "1")
        (places.input / "up").symlink_to(root)
    try:
        found = find(places, text)
    except Refused:
        return
    assert found == (places.input / "a.csv").resolve()
