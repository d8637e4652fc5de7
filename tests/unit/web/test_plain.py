"""Text of others goes out in one line, with an end, and names no folder of this machine."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from liveopt.portfolio.queue.files import is_printable
from liveopt.web.plain import LENGTH_MAX, plain

ROOT = Path("/srv/desk")


@given(st.text(st.characters(), max_size=3 * LENGTH_MAX))
def test_any_text_is_one_line_that_can_be_printed_and_has_an_end(text: str) -> None:
    found = plain(text, ROOT)
    assert is_printable(found)
    assert len(found) <= LENGTH_MAX
    found.encode()


def test_where_the_share_is_is_nobodys_business() -> None:
    assert plain("no room in /srv/desk/output", ROOT) == "no room in the share/output"
    assert plain("/srv/desk" * LENGTH_MAX, ROOT).startswith("the sharethe share")
    assert plain("a/b", Path("/")) == "a/b"
