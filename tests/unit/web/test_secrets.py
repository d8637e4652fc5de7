"""Keys, words and tickets are in no log, no answer, no figure and no file in the clear."""

import base64
import io
import json
from pathlib import Path
from urllib.parse import quote

import structlog

from liveopt.web.routes import ROUTES
from tests.unit.web.house import TOKEN, house


def spellings(secret: str) -> list[bytes]:
    plain = secret.encode()
    return [plain, quote(secret).encode(), base64.b64encode(plain)[:-4], plain.hex().encode()]


def written(folder: Path) -> bytes:
    """All that is on the disk but the door's own word for the processes of this user."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "control.json")
    return b"".join(path.read_bytes() for path in found)


async def test_a_canary_is_found_nowhere(tmp_path: Path) -> None:
    lines = io.StringIO()
    seen: list[bytes] = []
    async with house(tmp_path, lines=lines) as home:
        key = home.key("admin")
        opened = await home.ask("POST", "/api/session", {"token": TOKEN}, scope="")
        named, _, cookie = opened.headers["Set-Cookie"].partition(";")[0].partition("=")
        secret = opened.body["secret"]
        made = (await home.ask("POST", "/api/ticket", {})).body["ticket"]
        secrets = [key, TOKEN, cookie, secret, made, "token-of-the-door"]
        odd = [
            ("GET", f"/api/v1/variants/{key}", None, {}),
            ("GET", f"/api/v1/jobs/{key}", None, {}),
            ("GET", f"/{key}", None, {}),
            ("GET", f"/api/v1/variants?sort={key}", None, {}),
            ("GET", f"/api/v1/trades?{key}=1", None, {}),
            ("POST", "/api/optimizer/promote", {"variantId": key}, {}),
            ("POST", "/api/optimizer/promote", {key: 1}, {}),
            ("POST", "/api/optimizer/stop", {"mode": key}, {}),
            ("POST", "/api/optimizer/resume", {"reason": "all is well"}, {}),
            ("POST", "/api/v1/alerts/x/acknowledge", {"by": "me"}, {"Idempotency-Key": key}),
            ("GET", "/api/v1/run", None, {"Cookie": f"{named}={cookie}"}),
            ("POST", "/api/optimizer/promote", {}, {"X-Liveopt": secret}),
            ("GET", "/api/v1/run", None, {"X-API-Key": key[:-1] + "!"}),
        ]
        for method, path, body, headers in odd:
            seen.append((await home.ask(method, path, body, headers=headers)).raw)
        for route in ROUTES:
            if route.method == "GET" and route.tag != "socket":
                path = route.path.replace("{id}", "ma_crossover")
                seen.append((await home.ask("GET", path)).raw)
    logged = lines.getvalue()
    assert [json.loads(line) for line in logged.splitlines()]
    files = written(tmp_path)
    for secret in secrets:
        for spelled in spellings(secret):
            assert spelled not in logged.encode()
            assert all(spelled not in raw for raw in seen), secret
            assert spelled not in files


async def test_a_key_in_a_body_is_refused_however_it_is_escaped(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        key = home.key("admin")
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in key)
        for spelled in (key, escaped, "\\u006c" + key[1:], key.replace("_", "\\u005F")):
            for path, body in (
                ("/api/optimizer/promote", f'{{"variantId": "x", "reason": "{spelled}"}}'),
                ("/api/optimizer/resume", f'{{"reason": "{spelled}"}}'),
                ("/api/v1/strategies/ma_crossover/validate",
                 f'{{"parameters": {{"{spelled}": 1}}}}'),
            ):  # fmt: skip
                said = await home.ask("POST", path, body.encode())
                assert (said.status, said.body["error_code"]) == (400, "INVALID_PARAMETERS")
                assert key not in said.raw.decode()
        said = await home.ask("POST", "/api/optimizer/stop", f'{{"reason": "{escaped}"}}'.encode())
        assert said.body["latched"] is True
        assert home.guard.asked == []
    assert key.encode() not in written(tmp_path)


async def test_what_the_service_comes_to_know_is_in_no_line_of_its_log(tmp_path: Path) -> None:
    """Not even where somebody logs it by mistake, under a name that says nothing."""
    lines, hook = io.StringIO(), "http://127.0.0.1:9/services/T0123456789ab/abcdefghijklmnop"
    async with house(tmp_path, lines=lines, webhooks=(hook,)) as home:
        key = home.key("admin")
        await home.ask("GET", "/api/v1/run")
        opened = await home.ask("POST", "/api/session", {"token": TOKEN}, scope="")
        cookie = opened.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
        secret = opened.body["secret"]
        pepper = (tmp_path / "keys.pepper").read_bytes()
        known = [TOKEN, key, cookie, secret, "abcdefghijklmnop", "token-of-the-door"]
        found = [spelled for secret in known for spelled in spellings(secret)]
        found += [pepper.hex().encode(), base64.b64encode(pepper)[:-4], repr(pepper)[2:-1].encode()]
        for spelled in found:
            structlog.get_logger().info("a mistake", note=f"it is {spelled.decode()}, is it?")
        told = (await home.ask("GET", "/api/v1/logs?limit=1000")).raw
    assert lines.getvalue().count('"a mistake"') == len(found)
    for spelled in found:
        assert spelled not in lines.getvalue().encode()
        assert spelled not in told


async def test_the_files_of_keys_and_sessions_are_their_owners_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.key("read")
        await home.ask("POST", "/api/session", {"token": TOKEN}, scope="")
    for name in ("keys.json", "keys.pepper", "sessions"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
