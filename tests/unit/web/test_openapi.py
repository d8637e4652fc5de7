"""The description leads on: its links name what there is, and answers have the parts they use."""

from pathlib import Path
from typing import Any

import msgspec

from liveopt.web import openapi
from liveopt.web.openapi import EXAMPLES, FOLLOWS
from liveopt.web.routes import ROUTES
from tests.unit.web.house import house

KNOWN = {f"{route.method} {route.path}": route for route in ROUTES}


def described() -> dict[str, Any]:
    """As a client reads it."""
    found: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(openapi.document(ROUTES, "1.0"))
    )
    return found


def operations() -> dict[str, dict[str, Any]]:
    """By their ids."""
    paths = described()["paths"]
    return {one["operationId"]: one for own in paths.values() for one in own.values()}


def test_a_link_names_an_operation_and_a_parameter_that_it_has() -> None:
    known, count = operations(), 0
    for one in known.values():
        for answer in one["responses"].values():
            for name, link in answer.get("links", {}).items():
                count += 1
                target = known[link["operationId"]]
                assert name == link["operationId"]
                assert set(link["parameters"]) <= {p["name"] for p in target["parameters"]}
    assert count == sum(len(follow.targets) for follow in FOLLOWS)


def test_every_link_is_of_a_route_that_there_is() -> None:
    for follow in FOLLOWS:
        assert {follow.route, *follow.targets} <= set(KNOWN)


def test_an_example_is_a_body_that_the_route_takes() -> None:
    for route, example in EXAMPLES.items():
        msgspec.convert(example, KNOWN[route].body, strict=True)
        method, _, path = route.partition(" ")
        content = described()["paths"][path][method.lower()]["requestBody"]["content"]
        assert content["application/json"]["example"] == example


def test_a_stop_takes_any_body() -> None:
    said = described()["paths"]["/api/optimizer/stop"]["post"]["requestBody"]
    assert {} in said["content"]["application/json"]["schema"]["anyOf"]
    assert said["required"] is False


async def test_what_a_link_points_to_is_in_the_answer_and_leads_on(tmp_path: Path) -> None:
    async with house(tmp_path, moves=300) as home:
        name = next(one.id for one in home.service.picture.who if not one.champion)
        await home.ask("POST", "/api/optimizer/promote", {"variantId": name})
        await home.until(lambda: home.service.tail.rulings.all)
        await home.ask("POST", "/api/optimizer/stop")
        await home.until(lambda: "emergency_stop" in home.service.alerts.lines)
        followed = 0
        for follow in FOLLOWS:
            method, path = follow.route.split(" ")
            if method != "GET" or "/jobs" in path:
                continue
            found: Any = (await home.ask(method, path)).body
            for part in follow.part.strip("/").split("/"):
                found = found[int(part)] if isinstance(found, list) else found[part]
            for target in follow.targets:
                verb, place = target.split(" ")
                if verb == "GET":
                    asked = place.replace("{id}", str(found))
                    asked += "" if asked != place else f"?{follow.name}={found}"
                    assert (await home.ask("GET", asked)).status == 200, asked
                    followed += 1
        assert followed >= 6
