"""Keys: what is kept of them, who they let in, and for how long."""

import resource
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.web.keys import FILE, PEPPER, Keys, NoKey, Unreadable

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


def test_whether_a_key_still_opens_anything_is_known_by_its_name(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    short, long = (keys.create(n, ["read"], 0, days) for n, days in (("s", 1.0), ("l", 0.0)))
    ids = [key.split("_")[1] for key in (short, long)]
    assert [keys.alive(id_, 0.0, DAY_NS - 1) for id_ in ids] == [True, True]
    assert [keys.alive(id_, 0.0, DAY_NS) for id_ in ids] == [False, True]
    Keys(tmp_path).revoke(ids[1], 5)
    assert not keys.alive(ids[1], 0.5, 6)
    assert not keys.alive("00000000", 0.5, 6)
    assert keys.uses.taken() == {}, "to look whether it lives is no use of it"


def test_what_cannot_be_a_key_is_refused(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    for name, scopes in (("", ["read"]), ("x" * 65, ["read"]), ("a\nb", ["read"]), ("a", []),
                         ("a", ["read", "everything"])):  # fmt: skip
        with pytest.raises(NoKey):
            keys.create(name, scopes, 0)
    assert keys.all() == []


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_list_that_is_cut_keeps_those_in_who_were_and_says_what_is_wrong(
    tmp_path: Path, share: float
) -> None:
    keys = Keys(tmp_path)
    text, gone = keys.create("a", ["stop"], 1), keys.create("b", ["read"], 1, days=1.0)
    assert keys.find(text.encode(), 0.0, 2)
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[: int(share * len(whole))])
    assert keys.find(text.encode(), 1.0, 2), "whoever may stop the run still may"
    assert keys.trouble
    assert keys.find(gone.encode(), 1.1, DAY_NS + 1) is None, "who has come to an end has"
    assert Keys(tmp_path).find(text.encode(), 0.0, 2) is None, "who never read it knows nobody"
    for act in (keys.all, lambda: keys.create("c", ["read"], 1), lambda: keys.revoke("a", 1)):
        with pytest.raises(Unreadable, match="Put back copies"):
            act()
    assert (tmp_path / FILE).read_bytes() == whole[: int(share * len(whole))], "nothing is lost"
    (tmp_path / FILE).write_bytes(whole)
    Keys(tmp_path).revoke(text.split("_")[1], 3)
    assert keys.find(text.encode(), 2.0, 4) is None, "a good one is heeded again"
    assert keys.trouble == ""


@pytest.mark.parametrize("content", [b"", b"another pepper", None])
def test_a_pepper_that_is_not_the_one_is_trouble_and_never_made_anew(
    tmp_path: Path, content: bytes | None
) -> None:
    keys = Keys(tmp_path)
    text = keys.create("a", ["read"], 1)
    (tmp_path / PEPPER).unlink()
    if content is not None:
        (tmp_path / PEPPER).write_bytes(content)
    assert keys.find(text.encode(), 0.0, 2) is None
    assert keys.trouble
    with pytest.raises(Unreadable):
        keys.create("b", ["read"], 1)
    found = (tmp_path / PEPPER).read_bytes() if content is not None else None
    assert found == content


def test_a_list_that_was_removed_lets_nobody_in_and_is_no_trouble(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    text = keys.create("a", ["read"], 1)
    assert keys.find(text.encode(), 0.0, 2)
    (tmp_path / FILE).unlink()
    assert keys.find(text.encode(), 1.0, 2) is None
    assert keys.trouble == ""


def test_a_list_that_is_none_to_read_is_trouble(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    text = keys.create("a", ["read"], 1)
    assert keys.find(text.encode(), 0.0, 2)
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()  # refused by the kernel whoever asks, root as well
    assert keys.find(text.encode(), 1.0, 2)
    assert keys.trouble == "Is a directory"


def test_a_full_disk_takes_a_key_whole_or_not_at_all(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.create("a", ["read"], 1)
    before = (tmp_path / FILE).read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limit[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            keys.create("b", ["read"], 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, heard)
    assert (tmp_path / FILE).read_bytes() == before
    assert keys.create("b", ["read"], 1)
    assert [key.name for key in keys.all()] == ["a", "b"]


@given(st.binary(max_size=80))
def test_no_bytes_are_a_key_by_chance(
    tmp_path_factory: pytest.TempPathFactory, said: bytes
) -> None:
    keys = Keys(tmp_path_factory.getbasetemp() / "chance")
    if not keys.all():
        keys.create("a", ["read"], 1)
    assert keys.find(said, 0.0, 2) is None
