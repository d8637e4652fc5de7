"""A secret that is known is in no text, whichever way it is written and whatever stands around."""

import random
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.logs.hidden import KNOWN_MAX, LEAST, PINNED_MAX, REDACTED, Hidden
from tests.attack.secrets_canaries import Canary, Search, exchange, spellings, word

SECRETS = st.binary(min_size=10, max_size=64)
PLAIN = st.text(st.characters(codec="utf-8"), max_size=60)


@given(SECRETS, PLAIN, PLAIN, st.binary(max_size=4), st.binary(max_size=4))
def test_a_secret_is_found_in_every_spelling(
    raw: bytes, before: str, after: str, first: bytes, last: bytes
) -> None:
    hidden = Hidden()
    hidden.add(raw)
    search = Search([Canary("secret", raw)])
    for _, spelled in spellings(raw, first, last):
        cleaned = hidden.clean(f"{before}{spelled}{after}")
        assert REDACTED in cleaned
        assert not search.look("a text", cleaned.encode("utf-8", "surrogateescape")) or (
            search.look("around it", f"{before}{after}".encode())
        )


@given(st.lists(SECRETS, max_size=5), st.text(max_size=200))
def test_what_holds_no_secret_stays_as_it_is(secrets: list[bytes], text: str) -> None:
    hidden = Hidden()
    for raw in secrets:
        hidden.add(raw)
    if hidden.clean(text) != text:
        every = [spelled for raw in secrets for _, spelled in spellings(raw)]
        assert any(spelled[:LEAST] in text for spelled in every if len(spelled) >= LEAST)


def test_of_two_secrets_the_one_inside_the_other_leaves_no_rest() -> None:
    hidden = Hidden()
    hidden.add("services/T0001/B0002/abcdefghijkl")
    hidden.add("abcdefghijkl")
    cleaned = hidden.clean("POST https://host/services/T0001/B0002/abcdefghijkl 500")
    assert cleaned == f"POST https://host/{REDACTED} 500"


def test_one_that_was_cut_off_is_hidden_and_its_beginning_is_not_a_word() -> None:
    hidden = Hidden()
    hidden.add("lo_0123abcd_" + 43 * "x")
    assert hidden.clean(f"key lo_0123abcd_{30 * 'x'}") == f"key {REDACTED}"
    assert hidden.clean(f"key lo_0123abcd_{30 * 'x'}yy") == f"key {REDACTED}yy"
    assert hidden.clean("the key lo_0123abcd_ of admin") == "the key lo_0123abcd_ of admin"


def test_one_that_begins_within_another_is_hidden_to_its_end() -> None:
    hidden = Hidden()
    hidden.add("abcdefghijkl")
    hidden.add("ghijklmnopqr")
    assert hidden.clean("<abcdefghijklmnopqr>") == f"<{REDACTED}>"
    assert hidden.clean("abcdefghijkl ghijklmnopqr") == f"{REDACTED} {REDACTED}"


@pytest.mark.parametrize("short", ["", "a", "short"])
def test_what_is_too_short_to_be_a_secret_hides_nothing(short: str) -> None:
    hidden = Hidden()
    hidden.add(short)
    assert hidden.clean("a short word") == "a short word"


def test_the_environment_tells_which_of_its_variables_hold_secrets() -> None:
    luck = random.Random(1)
    environ = exchange(luck) | {"LIVEOPT_WEB_TOKEN": word(luck), "HOME": "/home/somebody"}
    hook = f"https://hooks.example/services/{word(luck, 20)}?to={word(luck, 20)}"
    environ["LIVEOPT__WEB__WEBHOOKS"] = f"https://other.example/x, {hook}"
    hidden = Hidden()
    hidden.add_environment(environ)
    text = " ".join(environ.values())
    cleaned = hidden.clean(text)
    assert "/home/somebody" in cleaned
    assert "hooks.example" in cleaned
    for name in ("KUCOIN_API_KEY", "KUCOIN_API_SECRET", "KUCOIN_API_PASSPHRASE"):
        assert environ[name] not in cleaned
    assert environ["LIVEOPT_WEB_TOKEN"] not in cleaned
    assert "services/" not in cleaned


def test_of_an_address_every_long_part_is_a_secret_by_itself() -> None:
    hidden = Hidden()
    hidden.add_address("https://hooks.example/services/T0AAAAAAAAAAA?token=BBBBBBBBBBBBBB")
    hidden.add_address("https://hooks.example/alerts")
    assert hidden.clean("services and alerts are fine") == "services and alerts are fine"
    assert "T0AAAAAAAAAAA" not in hidden.clean("refused by /T0AAAAAAAAAAA")
    hidden.add_address("https://hooks.example?CCCCCCCCCCCCCC")
    assert "CCCCCCCCCCCCCC" not in hidden.clean("token was CCCCCCCCCCCCCC")
    assert "BBBBBBBBBBBBBB" not in hidden.clean("token was BBBBBBBBBBBBBB")


@pytest.mark.parametrize("url", ["", "x", "https://", "http://[", "https://h", "a,b", "//", "://?"])
def test_what_is_no_address_hides_nothing(url: str) -> None:
    hidden = Hidden()
    hidden.add_environment({"liveopt__web__webhooks": url})
    assert len(hidden) == 0


def test_the_oldest_of_too_many_is_forgotten_and_nothing_else() -> None:
    hidden = Hidden()
    secrets = [3 * f"{number:06d}" for number in range(KNOWN_MAX + 3)]
    for secret in secrets:
        hidden.add(secret)
        hidden.add(secret)
    assert len(hidden) == KNOWN_MAX
    assert hidden.clean(secrets[0]) == secrets[0]
    assert hidden.clean(secrets[3]) == hidden.clean(secrets[-1]) == REDACTED


def test_those_that_live_as_long_as_the_process_are_never_forgotten_for_others() -> None:
    luck = random.Random(1)
    hidden, environ = Hidden(), exchange(luck)
    pepper, token = luck.randbytes(32), word(luck)
    hook = f"https://hooks.example/services/{word(luck, 20)}"
    hidden.add(token)
    hidden.add_environment(environ | {"LIVEOPT__WEB__WEBHOOKS": hook})
    hidden.pin(pepper)
    hidden.pin(token)
    for number in range(KNOWN_MAX + 3):
        hidden.add(3 * f"{number:06d}")
    assert len(hidden) == KNOWN_MAX
    for secret in (*environ.values(), pepper.hex(), token, hook.rpartition("/")[2]):
        assert hidden.clean(secret) == REDACTED


def test_also_of_those_there_is_a_bound() -> None:
    hidden = Hidden()
    secrets = [3 * f"{number:06d}" for number in range(KNOWN_MAX + PINNED_MAX)]
    for secret in secrets:
        hidden.pin(secret)
        hidden.pin(secret)
    assert len(hidden) == KNOWN_MAX
    assert hidden.clean(secrets[0]) == secrets[0]
    assert hidden.clean(secrets[-1]) == hidden.clean(secrets[-PINNED_MAX]) == REDACTED


class Slow(dict[str, tuple[str, ...]]):
    """The first who reads it sees what is there, and is held up until the second has written."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.written = Event(), Event()

    def get(self, start: str, default: Any = ()) -> Any:
        found = super().get(start, default)
        if start == "secret" and not self.begun.is_set():
            self.begun.set()
            self.written.wait(0.3)
        return found


def test_of_two_that_begin_alike_and_are_added_at_once_neither_is_lost() -> None:
    hidden, slow = Hidden(), Slow()
    hidden._by_start = slow
    first = Thread(target=hidden.add, args=("secret-of-one",))
    first.start()
    assert slow.begun.wait(10)
    second = Thread(target=hidden.pin, args=("secret-of-another",))
    second.start()
    second.join(0.3)
    slow.written.set()
    first.join()
    second.join()
    assert hidden.clean("secret-of-one, secret-of-another") == f"{REDACTED}, {REDACTED}"
