"""Schemathesis against the real service: no server error, and no answer that is not described.

`python -m tests.attack.api --seconds 560` begins a demonstration with a simulated exchange and
lets schemathesis (in `.venv-fuzz`, see `make fuzz-api`) play examples, the borders of every schema,
random cases and chains of links against `/api/openapi.json`, with all its checks. Refusals that it
cannot know how to provoke are provoked by `tests.attack.api_refusals`. The service's own counts say
which routes answered with which statuses. Ends with 0 if nothing was found.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.attack.api_refusals import Asked, limited, promised, refusals
from tests.attack.api_service import ROOT, WITHOUT_LIMITS, Attacked, begun

TOOL: Final = ROOT / ".venv-fuzz" / "bin" / "schemathesis"
SETTINGS: Final = """
[generation]
with-security-parameters = false

# Wrong keys are refused by 429 as soon as there are many: api_refusals asks each route instead.
[checks.ignored_auth]
enabled = false

# "It is running already" is 400 by seed 004.
[[operations]]
include-path = "/api/optimizer/start"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 409, 429]

# A time and an objective are judged by more than a schema can say, and 100 searches may wait.
[[operations]]
include-path-regex = "^/api/v1/optimize/(single|batch)$"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 409, 429, 503]
[operations.checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]

# A GET that is no handshake of a WebSocket.
[[operations]]
include-path = "/ws"
[operations.checks.positive_data_acceptance]
expected-statuses = [400, 401, 403, 429]
"""
SAMPLE: Final = re.compile(
    r'^api_requests_total\{method="(?P<method>[^"]*)",[^}]*"(?P<route>/[^"]*)",'
    r'status="(?P<status>\d+)"\} (?P<count>\S+)$',
    re.MULTILINE,
)
PATIENT_S: Final = 120.0
SUMMARY: Final = re.compile(r"(\d+) generated")
Seen = Counter[tuple[str, str, int]]


class Found(NamedTuple):
    """What one run came to."""

    cases: int
    code: int
    said: str
    seen: Seen
    asked: list[Asked]
    trouble: list[str]


def play(service: Attacked, key: str, seconds: float, examples: int) -> tuple[int, str]:
    """Schemathesis's exit code and words."""
    settings = service.folder / "schemathesis.toml"
    settings.write_text(SETTINGS)
    words = [
        str(TOOL), "--config-file", str(settings), "run",
        f"http://127.0.0.1:{service.port}/api/openapi.json",
        "--header", f"Authorization: Bearer {key}", "--checks", "all",
        "--exclude-checks", "ignored_auth", "--continue-on-failure", "--no-color",
        "--max-examples", str(examples), "--generation-database", "none",
        *(["--max-time", str(round(seconds))] if seconds else []),
    ]  # fmt: skip
    done = subprocess.run(words, cwd=service.folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def described(service: Attacked, key: str) -> dict[str, Any]:
    """The service's own description."""
    said = service.ask("GET", "/api/openapi.json", Authorization=f"Bearer {key}")
    found: dict[str, Any] = json.loads(said.body)
    return found


def counts(service: Attacked, key: str) -> Seen:
    """How often which route answered with which status, by the service's own count."""
    text = service.ask("GET", "/metrics", Authorization=f"Bearer {key}").body.decode()
    return Counter({
        (one["method"], one["route"], int(one["status"])): round(float(one["count"]))
        for one in SAMPLE.finditer(text)
    })  # fmt: skip


def prepared(service: Attacked, key: str) -> None:
    """A change of champion, so that there is one to be read."""
    bearer = f"Bearer {key}"
    listed = json.loads(service.ask("GET", "/api/v1/variants", Authorization=bearer).body)
    name = next(one["id"] for one in listed["variants"] if not one["champion"])
    body = json.dumps({"variantId": name}).encode()
    said = service.ask(
        "POST", "/api/optimizer/promote", body, Authorization=bearer,
        Content_Type="application/json",
    )  # fmt: skip
    assert said.status == 200, said


def attack(seconds: float, examples: int) -> tuple[Found, dict[str, Any]]:
    """The whole of it, in a folder that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory() as name,
        begun(Path(name), WITHOUT_LIMITS, "demo", "--variants", "200") as service,
    ):
        key = service.key("admin")
        description = described(service, key)
        prepared(service, key)
        asked = refusals(service, description, patient=seconds >= PATIENT_S)
        code, said = play(service, key, seconds, examples)
        seen = counts(service, key)
        asked += limited(service, description)
        log = (service.folder / "err").read_text()
        guard = service.guard()
        trouble = [line for line in log.splitlines() if '"level": "error"' in line]
        for part in ("web", "engine"):
            starts = guard.get(part, {}).get("starts")
            trouble += [f"{part}: {starts} starts"] if starts != 1 else []
        generated = SUMMARY.search(said)
        cases = int(generated[1]) if generated else 0
        return Found(cases, code, said, seen, asked, trouble), description


def judged(found: Found, description: dict[str, Any]) -> dict[str, Any]:
    """What is covered, and what is wrong."""
    known = promised(description)
    routes = {(method, path) for method, path, _ in known}
    seen = {one for one in found.seen if one[:2] in routes}
    failed = Counter({one: n for one, n in found.seen.items() if one[2] >= 500})
    seen |= {(*one.route, one.status) for one in found.asked}
    return {
        "cases": found.cases,
        "requests": sum(found.seen.values()),
        "routes": f"{len({one[:2] for one in seen})}/{len(routes)}",
        "route_statuses": f"{len(seen & known)}/{len(known)}",
        "unseen": dict(sorted(Counter(status for _, _, status in known - seen).items())),
        "undescribed": sorted(seen - known),
        "server_errors": sum(failed[one] for one in failed if one not in known),
        "described_503_and_504": sum(failed[one] for one in failed if one in known),
        "not_refused_as_described": [one for one in found.asked if one.wanted != one.status],
        "refusals_of_another_shape": [one for one in found.asked if not one.shaped],
        "trouble": found.trouble[:10],
        "schemathesis": found.code,
    }


def main() -> None:
    """Attack, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=560.0, help="0 for one round.")
    parser.add_argument("--examples", type=int, default=50, help="A route and round.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not TOOL.exists():
        sys.exit("schemathesis is missing: make fuzz-api sets it up")
    began_s = time.perf_counter()
    found, description = attack(options.seconds, options.examples)
    report = judged(found, description) | {"took_s": round(time.perf_counter() - began_s)}
    if not options.json or found.code:
        print(found.said)
    print(json.dumps(report))
    wrong = (
        "undescribed", "server_errors", "not_refused_as_described", "refusals_of_another_shape",
        "trouble", "schemathesis",
    )  # fmt: skip
    sys.exit(any(report[name] for name in wrong))


if __name__ == "__main__":
    main()
