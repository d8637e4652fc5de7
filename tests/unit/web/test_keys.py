"""Keys: what is kept of them, who they let in, and for how long."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.web.keys import FILE, PEPPER, Keys, NoKey

DAY_NS = 86_400_000_000_000


def test_a_key_is_found_by_itself_and_by_nothing_that_is_almost_it(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    text = keys.create("a", ["read", "trade"], 1)
    found = keys.find(text.encode(), 0.0, 2)
    assert found is not None
    assert (found.name, found.scopes) == ("a", ("read", "trade"))
    for place in range(len(text)):
        other = "A" if text[place] != "A" else "B"
        assert keys.find((text[:place] + other + text[place + 1 :]).encode(), 0.0, 2) is None
    for wrong in (b"", b"lo_", text.encode()[:-1], text.encode() + b"A", b"\xff" * 55):
        assert keys.find(wrong, 0.0, 2) is None


def test_nothing_on_the_disk_opens_anything(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    text = keys.create("a", ["read"], 1)
    kept = (tmp_path / FILE).read_bytes() + (tmp_path / PEPPER).read_bytes()
    assert text.rpartition("_")[2].encode() not in kept
    assert keys.find(keys.all()[0].digest.encode(), 0.0, 2) is None
    (tmp_path / PEPPER).write_bytes(b"another pepper")
    assert Keys(tmp_path).find(text.encode(), 0.0, 2) is None, "the list alone opens nothing"


def test_a_key_ends_when_it_was_to_end_and_when_it_is_revoked(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    short, long = (keys.create(n, ["stop"], 0, days) for n, days in (("s", 1.0), ("l", 0.0)))
    assert keys.find(short.encode(), 0.0, DAY_NS - 1)
    assert keys.find(short.encode(), 0.0, DAY_NS) is None
    assert keys.find(long.encode(), 0.0, 999 * DAY_NS)
    assert Keys(tmp_path).revoke(long.split("_")[1], 5).revoked_ns == 5
    assert keys.find(long.encode(), 0.1, 6) is not None, "believed for a moment"
    assert keys.find(long.encode(), 0.5, 6) is None
    assert Keys(tmp_path).revoke(long.split("_")[1], 9).revoked_ns == 5
    with pytest.raises(NoKey):
        keys.revoke("nobody", 1)


def test_what_cannot_be_a_key_is_refused(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    for name, scopes in (("", ["read"]), ("x" * 65, ["read"]), ("a\nb", ["read"]), ("a", []),
                         ("a", ["read", "everything"])):  # fmt: skip
        with pytest.raises(NoKey):
            keys.create(name, scopes, 0)
    assert keys.all() == []


def test_a_list_that_cannot_be_read_lets_nobody_in(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    text = keys.create("a", ["read"], 1)
    assert keys.find(text.encode(), 0.0, 2)
    (tmp_path / FILE).write_text("{")
    assert keys.find(text.encode(), 1.0, 2) is None


@given(st.binary(max_size=80))
def test_no_bytes_are_a_key_by_chance(
    tmp_path_factory: pytest.TempPathFactory, said: bytes
) -> None:
    keys = Keys(tmp_path_factory.getbasetemp() / "chance")
    if not keys.all():
        keys.create("a", ["read"], 1)
    assert keys.find(said, 0.0, 2) is None
