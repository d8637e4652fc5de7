"""Bullet tokens."""

from urllib.parse import quote

from liveopt.exchange_sim.tokens import Token, Tokens


def test_a_token_opens_its_venue_until_it_expires_and_is_then_forgotten() -> None:
    tokens = Tokens(1)
    token = tokens.give("spot", "me", (100.0, 5.0), unsafe=False)
    assert tokens.check("spot", token.text, 104.9) == Token(token.text, "spot", "me", 105.0)
    assert tokens.check("futures", token.text, 101.0) == "token is invalid"
    assert tokens.check("spot", token.text, 105.0) == "token is expired"
    assert tokens.check("spot", "made up", 101.0) == "token is invalid"
    tokens.give("spot", "me", (1000.0, 5.0), unsafe=False)
    assert tokens.check("spot", token.text, 1000.0) == "token is invalid"


def test_tokens_look_like_the_exchange_s_and_come_from_the_seed() -> None:
    tokens = Tokens(1)
    first = tokens.give("spot", "", (0.0, 1.0), unsafe=False).text
    assert first == Tokens(1).give("spot", "", (0.0, 1.0), unsafe=False).text
    assert first != tokens.give("spot", "", (0.0, 1.0), unsafe=False).text
    assert "=." in first
    assert first.endswith("==")
    assert quote(first) != first


def test_unsafe_tokens_change_in_a_url_that_does_not_escape_them() -> None:
    text = Tokens(1).give("spot", "", (0.0, 1.0), unsafe=True).text
    assert {"+", "/", "&"} <= set(text)
