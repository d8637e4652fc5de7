"""Settings: which source wins, what is refused, and whether the message helps."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from liveopt.config import ConfigError, Settings, as_toml, examine, load, schema, toml_value
from liveopt.config.text import lines_of
from liveopt.core.bars import INTERVALS
from liveopt.strategies import load as load_strategies

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config" / "liveopt.toml"
OURS = re.compile(r"LIVEOPT_|OPTIMIZER_|KUCOIN_|DEMO_MODE|PORT$", re.IGNORECASE)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if OURS.match(name)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "mine.toml") -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def complaint(file: Path | None = None, *, real_orders: bool = False) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file, real_orders=real_orders)
    return str(caught.value)


def keys() -> Iterator[tuple[str, str, Any]]:
    for section, table in Settings():
        for key, value in table:
            yield section, key, value


def test_without_a_file_the_defaults_hold() -> None:
    settings = load()
    assert settings == Settings()
    assert settings.account.capital == 10_000.0
    assert settings.costs.taker_fee == 0.0006
    assert settings.engine.device == "auto"
    assert settings.live.mode == "paper"
    assert settings.control.port == 8788


def test_the_shipped_file_says_the_defaults_with_a_comment_beside_every_key() -> None:
    assert load(SHIPPED) == Settings()
    assert SHIPPED.read_text() == as_toml(Settings())


def test_the_documented_default_is_the_default() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+\.\w+)` \| (.*?) \|", text, re.MULTILINE))
    assert rows == {f"{section}.{key}": toml_value(value) for section, key, value in keys()}


def test_the_usual_strategies_and_bars_exist() -> None:
    live = Settings().live
    assert {*live.strategies, live.champion} <= load_strategies().keys()
    signal = type(live).model_fields["signal"]
    assert get_args(signal.annotation) == tuple(INTERVALS)


def test_the_file_in_this_folder_comes_before_the_one_in_config() -> None:
    write("[account]\ncapital = 500.0\n", "config/liveopt.toml")
    assert load().account.capital == 500.0
    write("[account]\ncapital = 600.0\n", "liveopt.toml")
    assert load().account.capital == 600.0


def test_only_one_file_is_read() -> None:
    write("[account]\nleverage = 5.0\n", "config/liveopt.toml")
    write("[account]\ncapital = 600.0\n", "liveopt.toml")
    assert load().account.leverage == 1.0


def test_a_variable_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[account]\ncapital = 500.0\n", "liveopt.toml")
    monkeypatch.setenv("LIVEOPT_CONFIG", str(write("[account]\ncapital = 700.0\n")))
    assert load().account.capital == 700.0


def test_an_argument_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEOPT_CONFIG", "elsewhere.toml")
    assert load(write("[account]\ncapital = 700.0\n")).account.capital == 700.0


def test_the_environment_wins_over_the_file_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("[account]\ncapital = 700.0\nleverage = 3.0\n")
    monkeypatch.setenv("LIVEOPT__ACCOUNT__CAPITAL", "900")
    monkeypatch.setenv("LIVEOPT__ENGINE__DEVICE", "cpu")
    settings = load(file)
    assert (settings.account.capital, settings.account.leverage) == (900.0, 3.0)
    assert settings.engine.device == "cpu"


def test_a_list_in_the_environment_has_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEOPT__LIVE__SYMBOLS", "XBTUSDTM, ETHUSDTM,")
    monkeypatch.setenv("LIVEOPT__LIVE__SET", "")
    settings = load(write('[live]\nset = ["stop=0.02"]\n'))
    assert settings.live.symbols == ("XBTUSDTM", "ETHUSDTM")
    assert settings.live.set == ()


def test_settings_do_not_change() -> None:
    settings = load()
    with pytest.raises(ValidationError):
        settings.account.capital = 1.0  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.account = settings.account  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            "[account]\nfraction = 1.5\n",
            2,
            ["account.fraction", "less than or equal to 1", "Share"],
        ),
        ("[account]\ncapital = 0\n", 2, ["account.capital", "greater than 0"]),
        ("[account]\n\n# mine\ncapital = nan\n", 4, ["account.capital", "finite"]),
        ("[account]\nleverage = inf\n", 2, ["account.leverage", "finite"]),
        ("[costs]\ntaker_fee = 0.06\n", 2, ["costs.taker_fee", "a fraction", "0.0006 is 0.06 %"]),
        ("[engine]\ndevice = 'tpu'\n", 2, ["engine.device", "'auto', 'cpu' or 'gpu'"]),
        ("[engine]\nthreads = 1.5\n", 2, ["engine.threads", "valid integer", "0 for all cores"]),
        ("[engine]\nmemory = 9\n", 2, ["engine.memory", "unknown", "did you mean memory_mib?"]),
        ("[engine]\nzzz = 9\n", 2, ["engine.zzz", "known: device, memory_mib, threads"]),
        ("[acount]\ncapital = 1.0\n", 1, ["acount", "unknown", "did you mean account?"]),
        ("account = 3\n", 1, ["account", "[account]"]),
        ("_env_file = 'other'\n", 1, ["_env_file", "unknown"]),
        ("[live]\nsymbols = [\n 'XBTUSDTM',\n 'btc']\n", 2, ["live.symbols", "XBTUSDTM"]),
        ("[live]\nsymbols = []\n", 2, ["live.symbols", "at least 1"]),
        ("[live]\nset = ['stop']\n", 2, ["live.set", "stop=0.02"]),
        ("[live]\nsignal = '7m'\n", 2, ["live.signal", "'1m'"]),
        ("[live]\nloss_limit = 5\n", 2, ["live.loss_limit", "0.05 is 5 %"]),
        ("[gate]\nenabled = true\nseason = 21\n", 3, ["gate", "season=21", "look_every=5"]),
        ("[gate]\nworlds = 9\n", 2, ["gate", "worlds=9", "99 to 9999"]),
        ("[web]\nport = 1\nhost = '0.0.0.0'\n", 3, ["web", "host=0.0.0.0", "expose = true"]),
        ("[control]\nport = 70000\n", 2, ["control.port", "65535"]),
        ("[kucoin]\nspot_url = 'https://me:word@host'\n", 2, ["kucoin.spot_url"]),
        ("[kucoin]\napi_secret = 'hush'\n", 2, ["kucoin.api_secret", "KUCOIN_API_KEY"]),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_a_cure(
    text: str, line: int, words: list[str]
) -> None:
    said = complaint(write(text))
    assert said.startswith(f"mine.toml:{line}: ")
    assert "hush" not in said
    assert "word" not in said
    for word in words:
        assert word in said


def test_a_file_that_is_no_toml_is_refused_with_its_line() -> None:
    said = complaint(write("[account\n"))
    assert "mine.toml: not valid TOML" in said
    assert "line 1" in said


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LIVEOPT__ACCOUNT__LEVERAGE", "500", ["account.leverage", "1 to 100"]),
        ("LIVEOPT__ACCOUNT__CAPITEL", "500", ["account.capitel", "did you mean capital?"]),
        ("LIVEOPT__COST__SLIPPAGE", "0", ["cost", "did you mean costs?"]),
        ("LIVEOPT__COSTS", "cheap", ["costs", "LIVEOPT__SECTION__KEY=value"]),
        ("LIVEOPT__LIVE__SYMBOLS", "XBTUSDTM,btc", ["live.symbols", "XBTUSDTM"]),
        ("OPTIMIZER_ENABLED", "perhaps", ["live.enabled", "true or false"]),
        ("OPTIMIZER_MODE", "demo", ["live.mode", "'paper' or 'live'"]),
        ("OPTIMIZER_MAX_VARIANTS", "0", ["live.variants", "1 to 1000000"]),
        ("OPTIMIZER_INITIAL_CAPITAL", "-5", ["account.capital", "above 0"]),
        ("OPTIMIZER_AUTO_PROMOTE", "2", ["live.auto_promote", "true or false"]),
        ("PORT", "tcp://10.0.0.1:80", ["web.port", "0 to 65535"]),
        ("LIVEOPT__WEB__HOST", "example.org", ["web.host", "IP address"]),
        ("LIVEOPT__WEB__NAMES", "http://desk.example/", ["web.names", "host:port"]),
        ("DEMO_MODE", "maybe", ["true or false"]),
    ],
)
def test_a_bad_variable_is_refused_with_its_name_and_a_cure(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: list[str]
) -> None:
    monkeypatch.setenv(name, value)
    said = complaint(write("[account]\ncapital = 5\nleverage = 2\n[live]\nvariants = 7\n"))
    assert said.startswith(f"environment {name}: ")
    for word in words:
        assert word in said


def test_every_mistake_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTIMIZER_MODE", "demo")
    monkeypatch.setenv("DEMO_MODE", "maybe")
    monkeypatch.setenv("KUCOIN_API_KEY", "half")
    file = write("[account]\ncapital = -1.0\n[engine]\nthreads = -1\n[zzz]\n")
    assert len(complaint(file).splitlines()) == 6


def test_a_named_file_must_exist() -> None:
    assert complaint(Path("gone.toml")).startswith("gone.toml: cannot be read")


def test_a_folder_in_the_place_of_the_file_is_not_passed_over() -> None:
    Path("liveopt.toml").mkdir()
    assert complaint().startswith("liveopt.toml: cannot be read")


def test_a_file_that_is_no_text_is_refused() -> None:
    file = Path("mine.toml")
    file.write_bytes(b"\xff\xfe")
    assert "not valid TOML" in complaint(file)


SEED = {
    "OPTIMIZER_ENABLED": "false",
    "OPTIMIZER_MODE": "paper",
    "OPTIMIZER_MAX_VARIANTS": "5",
    "OPTIMIZER_INITIAL_CAPITAL": "2500",
    "OPTIMIZER_AUTO_PROMOTE": "TRUE",
}


def test_the_seeds_variables_stand_above_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SEED.items():
        monkeypatch.setenv(name, value)
    settings = load(write("[live]\nvariants = 7\nseed = 3\n[account]\ncapital = 9.0\n"))
    assert not settings.live.enabled
    assert settings.live.auto_promote
    assert (settings.live.variants, settings.live.seed) == (5, 3)
    assert settings.account.capital == 2500.0


def test_the_seeds_variables_stand_below_liveopts_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTIMIZER_MAX_VARIANTS", "5")
    monkeypatch.setenv("LIVEOPT__LIVE__VARIANTS", "6")
    loaded = examine()
    assert loaded.settings.live.variants == 6
    assert loaded.origin("live", "variants") == "environment LIVEOPT__LIVE__VARIANTS"


def test_an_empty_variable_of_the_seed_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SEED, "DEMO_MODE", "KUCOIN_API_KEY", "KUCOIN_API_FILE"):
        monkeypatch.setenv(name, "")
    assert load() == Settings()


def test_demo_mode_forces_paper_and_the_exchange_in_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEMO_MODE", "true")
    monkeypatch.setenv("OPTIMIZER_MODE", "live")
    monkeypatch.setenv("LIVEOPT__LIVE__FEED", "kucoin")
    loaded = examine(write('[live]\nmode = "live"\n'))
    assert (loaded.settings.live.mode, loaded.settings.live.feed) == ("paper", "sim")
    assert loaded.origin("live", "feed") == "environment DEMO_MODE"


def test_port_moves_the_dashboard_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "3001")
    moved = {"web": {"port": 3001}}
    assert load() == Settings.model_validate(moved)
    monkeypatch.setenv("LIVEOPT__WEB__PORT", "3002")
    assert load().web.port == 3002


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1"])
def test_what_only_this_machine_reaches_takes_nothing_more(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("LIVEOPT__WEB__HOST", host)
    assert load().web.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "2001:db8::1"])
def test_what_the_network_reaches_takes_consent_and_encryption(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("LIVEOPT__WEB__HOST", host)
    assert "expose = true" in complaint()
    monkeypatch.setenv("LIVEOPT__WEB__EXPOSE", "true")
    assert "certificate" in complaint()
    monkeypatch.setenv("LIVEOPT__WEB__CERTIFICATE", "mine.pem")
    assert load().web.host == host


@pytest.mark.parametrize("switches", range(8))
def test_real_orders_are_refused_with_the_switches_that_are_missing(
    monkeypatch: pytest.MonkeyPatch, switches: int
) -> None:
    mode, word, flag = (bool(switches & bit) for bit in (1, 2, 4))
    file = write('[live]\nmode = "live"\n' if mode else "")
    if word:
        monkeypatch.setenv("LIVEOPT_REAL_ORDERS", "yes-i-may-lose-real-money")
    if not mode and not flag:
        assert load(file).live.mode == "paper"
        return
    said = complaint(file, real_orders=flag)
    assert ('live.mode = "live",' in said or 'live.mode = "live")' in said) is not mode
    assert ("LIVEOPT_REAL_ORDERS=yes" in said) is not word
    assert ("--real-orders" in said) is not flag
    assert ("all three are given" in said) is (switches == 7)
    assert "this release cannot place them" in said


@pytest.mark.parametrize("word", ["yes", "true", "", "yes-i-may-lose-real-money "])
def test_only_the_whole_word_is_a_switch(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("LIVEOPT_REAL_ORDERS", word)
    assert "LIVEOPT_REAL_ORDERS=yes" in complaint(write('[live]\nmode = "live"\n'))


KEY = {
    "KUCOIN_API_KEY": "k-hunter2",
    "KUCOIN_API_SECRET": "s-hunter2",
    "KUCOIN_API_PASSPHRASE": "p-hunter2",
}


def key_file(text: str | None = None, mode: int = 0o600) -> Path:
    file = write("\n".join(f"{n}={v}" for n, v in KEY.items()) if text is None else text, "my.key")
    file.chmod(mode)
    return file


def test_the_api_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    key = examine().api_key
    assert key is not None
    assert key.secret.get_secret_value() == "s-hunter2"
    assert key.origin == "environment"
    assert "hunter2" not in f"{key!r} {key} {key.model_dump()} {key.model_dump_json()}"


def test_the_api_key_comes_from_a_private_file(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# mine\n\n KUCOIN_API_KEY = \"k\"\nKUCOIN_API_SECRET=a=b\nKUCOIN_API_PASSPHRASE='p'\n"
    monkeypatch.setenv("KUCOIN_API_FILE", str(key_file(text)))
    key = examine().api_key
    assert key is not None
    said = [field.get_secret_value() for field in (key.key, key.secret, key.passphrase)]
    assert said == ["k", "a=b", "p"]


def test_without_a_key_there_is_none() -> None:
    assert examine().api_key is None


@pytest.mark.parametrize(
    "kept", [["KUCOIN_API_KEY"], ["KUCOIN_API_SECRET", "KUCOIN_API_PASSPHRASE"]]
)
def test_half_a_key_is_refused(monkeypatch: pytest.MonkeyPatch, kept: list[str]) -> None:
    for name in kept:
        monkeypatch.setenv(name, KEY[name])
    said = complaint()
    assert "half given" in said
    assert "hunter2" not in said
    for name in KEY:
        assert (name in said) is (name not in kept)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
def test_a_key_that_others_can_read_is_refused(monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    monkeypatch.setenv("KUCOIN_API_FILE", str(key_file(mode=mode)))
    said = complaint()
    assert "chmod 600 my.key" in said
    assert "hunter2" not in said


def test_a_key_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUCOIN_API_FILE", str(key_file()))
    monkeypatch.setenv("KUCOIN_API_KEY", "k")
    assert "given twice" in complaint()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hunter2", "my.key:1: write KUCOIN_API_KEY"),
        ("KUCOIN_API_KEY=hunter2\nKUCOIN_API_KEY=hunter2", "my.key:2: "),
        ("\nKUCOIN_API_KEE=hunter2", "my.key:2: "),
        ("KUCOIN_API_KEY=hunter2\n", "my.key: the API key is half given"),
        ("#" * 5000, "my.key: is too long"),
    ],
)
def test_a_key_file_is_read_strictly_and_never_quoted(
    monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setenv("KUCOIN_API_FILE", str(key_file(text)))
    said = complaint()
    assert words in said
    assert "hunter2" not in said


def test_a_key_file_that_is_no_text_or_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = key_file()
    file.write_bytes(b"\xff\xfe")
    monkeypatch.setenv("KUCOIN_API_FILE", str(file))
    assert "my.key: is not text" in complaint()
    file.unlink()
    assert "my.key: cannot be read" in complaint()


def test_each_value_knows_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEOPT__COSTS__SLIPPAGE", "0")
    monkeypatch.setenv("OPTIMIZER_MAX_VARIANTS", "5")
    loaded = examine(write("[account]\n# a comment\ncapital = 5.0\n\n[costs]\nslippage = 0.01\n"))
    assert loaded.origin("account", "capital") == "mine.toml:3"
    assert loaded.origin("costs", "slippage") == "environment LIVEOPT__COSTS__SLIPPAGE"
    assert loaded.origin("live", "variants") == "environment OPTIMIZER_MAX_VARIANTS"
    assert loaded.origin("live", "seed") == "default"


def test_lines_are_found_however_toml_is_written() -> None:
    text = (
        'live.seed = 1\nfeed = {settle_ms = 2.0}\n\n[account]\ncapital = """\n[costs]\n'
        'slippage = 1\n"""\n  leverage = 2\n[ costs ] # here\n"taker_fee" = [\n1,\n\n2]\n'
    )
    assert lines_of(text) == {
        ("live", ""): 1,
        ("live", "seed"): 1,
        ("feed", ""): 2,
        ("feed", "settle_ms"): 2,
        ("account", ""): 4,
        ("account", "capital"): 5,
        ("account", "leverage"): 9,
        ("costs", ""): 10,
        ("costs", "taker_fee"): 11,
    }


@given(
    st.floats(1e-6, 1e12),
    st.text(min_size=1).filter(lambda s: s.isprintable()),
    st.lists(st.sampled_from(["stop=0.02", "fast=3"])),
)
def test_settings_as_a_file_say_the_same(capital: float, feed: str, fixed: list[str]) -> None:
    said = {"account": {"capital": capital}, "live": {"feed": feed, "set": fixed}}
    settings = Settings.model_validate(said)
    assert Settings.model_validate(tomllib.loads(as_toml(settings))) == settings


def test_the_schema_knows_every_key_with_its_text_and_nothing_else() -> None:
    made = schema()
    for section, key, _ in keys():
        inner = made["$defs"][made["properties"][section]["$ref"].rpartition("/")[2]]
        assert inner["additionalProperties"] is False
        assert inner["properties"][key]["description"]


HERE = "http://127.0.0.1:9000/hook"


@pytest.mark.parametrize(
    "url",
    [
        HERE, "https://hooks.example/services/T01/word?k=1", "http://[::1]:8080/", "http://hook",
        "https://a_b.internal./x", "https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example/",
    ],
)  # fmt: skip
def test_an_address_for_alerts_that_can_be_used_is_taken(url: str) -> None:
    web = Settings.model_validate({"web": {"webhooks": [HERE, url]}}).web
    assert web.webhooks == (HERE, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks..example/x", "http://.example/x", f"http://{'a' * 64}.example/",
        f"http://{'.'.join(['a' * 50] * 6)}/", "http:///x", "http://-a.example/", "http://%/x",
        "http://1.2.3.4.5/x", "http://256.1.1.1/x", "http://hook:0/x", "http://hook:65536/x",
        "http://hook:port/x", "http://[::1/x", "http://me:word@hook/x", "ftp://hook/x", "hook",
        "http://ho ok/x", "http://hook\\evil/x", "http://\0/x",
    ],
)  # fmt: skip
def test_an_address_for_alerts_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="webhooks"):
        Settings.model_validate({"web": {"webhooks": [HERE, url]}})
