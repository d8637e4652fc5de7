"""OpenAPI 3.1 of the table, and a page of it for people that needs no script and no other site."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec

from liveopt.web.call import Route
from liveopt.web.errors import ErrorBody

TEMPLATE: Final = "#/components/schemas/{name}"
PARAMETER: Final = re.compile(r"\{(\w+)\}")
SECURITY: Final[list[dict[str, list[str]]]] = [
    {"bearer": []}, {"apiKey": []}, {"session": [], "page": []}
]  # fmt: skip
Json = dict[str, Any]


class Follow(NamedTuple):
    """What an answer gives to ask on with: a part of it, and where that is a parameter."""

    route: str
    part: str
    """A JSON pointer into the answer's body."""
    name: str
    targets: tuple[str, ...]


_JOB: Final = (
    "GET /api/v1/optimize/status/{id}", "GET /api/v1/optimize/results/{id}",
    "DELETE /api/v1/optimize/cancel/{id}", "GET /api/v1/jobs/{id}",
)  # fmt: skip
_VARIANT: Final = (
    "GET /api/v1/variants/{id}", "POST /api/v1/variants/{id}/pause",
    "POST /api/v1/variants/{id}/resume", "POST /api/v1/variants/{id}/retire",
)  # fmt: skip
_HISTORY: Final = ("GET /api/signals/history", "GET /api/trades/experimental")
FOLLOWS: Final = (
    Follow("POST /api/v1/optimize/single", "/job_id", "id", _JOB),
    Follow("POST /api/v1/optimize/batch", "/job_ids/0", "id", _JOB),
    Follow("GET /api/v1/jobs", "/jobs/0/id", "id", _JOB),
    Follow("GET /api/v1/optimize/jobs", "/jobs/0/id", "id", _JOB),
    Follow("GET /api/v1/variants", "/variants/0/id", "id", _VARIANT),
    Follow("GET /api/v1/variants", "/variants/0/id", "variant", ("GET /api/v1/trades",)),
    Follow("GET /api/optimizer/results", "/results/0/id", "variantId", _HISTORY),
    Follow(
        "GET /api/v1/promotions", "/promotions/0/id", "id", ("GET /api/v1/promotions/{id}",)
    ),
    Follow("GET /api/v1/alerts", "/alerts/0/id", "id", ("POST /api/v1/alerts/{id}/acknowledge",)),
    Follow(
        "GET /api/v1/strategies", "/strategies/0/name", "id",
        ("GET /api/v1/strategies/{id}", "POST /api/v1/strategies/{id}/validate"),
    ),
)  # fmt: skip
_SEARCH: Final = {
    "strategy_name": "ma_crossover", "asset": "XBTUSDTM", "timeframe": "1m",
    "optimization_config": {"max_evals": 10, "algorithm": "random"},
}  # fmt: skip
EXAMPLES: Final[Mapping[str, Json]] = {
    "POST /api/v1/optimize/single": _SEARCH,
    "POST /api/v1/optimize/batch": {"requests": [_SEARCH]},
    "POST /api/v1/strategies/{id}/validate": {"parameters": {"fast": 5, "slow": 20}},
    "POST /api/optimizer/stop": {"mode": "halt", "reason": "a drill"},
    "POST /api/optimizer/resume": {"reason": "the drill is over"},
}
"""Bodies that show what is meant."""

STYLE: Final = b"""
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
summary { cursor: pointer; padding: 0.3rem 0; }
details { border-bottom: 1px solid #8886; }
pre { overflow-x: auto; padding: 0.6rem; border: 1px solid #8886; }
table { border-collapse: collapse; } td, th { text-align: left; padding: 0.1rem 1rem 0.1rem 0; }
"""


def document(routes: Sequence[Route], version: str) -> Json:
    """The whole description."""
    kinds = [kind for route in routes for kind in _kinds(route)]
    kinds.append(ErrorBody)
    unique = list({id(kind): kind for kind in kinds}.values())
    schemas, components = msgspec.json.schema_components(unique, ref_template=TEMPLATE)
    found = {id(kind): schema for kind, schema in zip(unique, schemas, strict=True)}
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, found)
    return {
        "openapi": "3.1.0",
        "info": {"title": "liveopt", "version": version, "description": ABOUT},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "lo_<id>_<secret>"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "liveopt_8787",
                    "description": "Named after the port; opens nothing without `page`.",
                },
                "page": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Liveopt",
                    "description": "The secret that POST /api/session gave, beside the cookie.",
                },
            },
        },
    }


ABOUT: Final = (
    "Paper trading of many variants, their contest, and searches for better ones. Keys are made"
    " with `liveopt keys create`. A POST may carry an Idempotency-Key: repeated, it is done once."
    " Answers say what is left of a limit in X-RateLimit-Limit, -Remaining and -Reset (seconds)."
)


def _kinds(route: Route) -> Iterator[Any]:
    if not isinstance(route.answer, str):
        yield route.answer
    if route.body is not None:
        yield route.body
    if route.query is not None:
        yield route.query


def _operation(route: Route, found: dict[int, Json]) -> Json:
    said: Json = {
        "operationId": _name(route.method, route.path),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": list(_parameters(route)),
        "responses": _responses(route, found),
        "x-scope": route.scope,
        "x-rate-class": route.kind,
    }
    if route.scope is not None:
        said["security"] = SECURITY
    if route.body is not None:
        required = bool(_required(route.body)) and not route.lenient
        content: Json = {"schema": found[id(route.body)]}
        if route.lenient:  # nothing that is said is refused
            content = {"schema": {"anyOf": [content["schema"], {}]}}
        if (example := EXAMPLES.get(_key(route))) is not None:
            content["example"] = example
        said["requestBody"] = {"required": required, "content": {"application/json": content}}
    links = dict(_links(route))
    if links:
        said["responses"][str(route.status)]["links"] = links
    return said


def _key(route: Route) -> str:
    return f"{route.method} {route.path}"


def _name(method: str, path: str) -> str:
    return "_".join([method.lower(), *re.findall(r"\w+", path)])


def _links(route: Route) -> Iterator[tuple[str, Json]]:
    """What can be asked next."""
    for follow in FOLLOWS:
        if follow.route == _key(route):
            for target in follow.targets:
                operation = _name(*target.split(" "))
                parameters = {follow.name: f"$response.body#{follow.part}"}
                yield operation, {"operationId": operation, "parameters": parameters}


def _required(kind: Any) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(kind) if field.required]


def _parameters(route: Route) -> Iterator[Json]:
    for name in PARAMETER.findall(route.path):
        text = {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": text}
    if route.query is None:
        return
    schema: Json = msgspec.json.schema(route.query)
    own = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    for name, kind in own["properties"].items():
        required = name in own.get("required", ())
        yield {"name": name, "in": "query", "required": required, "schema": kind}


def _responses(route: Route, found: dict[int, Json]) -> Json:
    if isinstance(route.answer, str):
        content: Json = {route.answer: {"schema": {"type": "string"}}}
    else:
        content = {"application/json": {"schema": found[id(route.answer)]}}
    said: Json = {}
    for status in (route.status, *route.others):
        said[str(status)] = {"description": _phrase(status), "content": content}
        if status == HTTPStatus.SWITCHING_PROTOCOLS:
            said[str(status)].pop("content")
    for status in sorted(_refusals(route)):
        refusal = {"application/json": {"schema": found[id(ErrorBody)]}}
        if str(status) in said:
            both = [found[id(ErrorBody)], found[id(route.answer)]]
            refusal = {"application/json": {"schema": {"anyOf": both}}}
        said[str(status)] = {"description": _phrase(status), "content": refusal}
    return said


def _refusals(route: Route) -> set[int]:
    """What the service itself refuses, and what the handler does."""
    found = {400, 403, 405, 415, *route.errors}
    if route.scope is not None:
        found |= {401, 429}
    if route.mutates:
        found |= {408, 413, 422}
    if 409 in route.others:
        found.add(409)
    return found


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def page(description: Json) -> bytes:
    """The description as one page."""
    info = description["info"]
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'><title>liveopt API</title>",
        "<link rel=stylesheet href=/api/docs.css></head><body>",
        f"<h1>liveopt API {escape(info['version'])}</h1><p>{escape(info['description'])}</p>",
        "<p>For programs: <a href=/api/openapi.json>/api/openapi.json</a></p>",
    ]
    for path, operations in description["paths"].items():
        for method, one in operations.items():
            parts.append(_section(method, path, one))
    schemas = description["components"]["schemas"]
    parts.append("<h2>Schemas</h2>")
    parts += [_schema(name, schema) for name, schema in sorted(schemas.items())]
    return "".join([*parts, "</body></html>"]).encode()


def _section(method: str, path: str, one: Json) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code><td>{escape(p['in'])}"
        f"<td><code>{escape(_json(p['schema']))}</code></tr>"
        for p in one["parameters"]
    )
    answers = ", ".join(
        f"{code} {escape(a['description'])}" for code, a in one["responses"].items()
    )
    body = ""
    if "requestBody" in one:
        schema = one["requestBody"]["content"]["application/json"]["schema"]
        body = f"<p>Body: <code>{escape(_json(schema))}</code></p>"
    return (
        f"<details><summary><code>{method.upper()} {escape(path)}</code> {escape(one['summary'])}"
        f"</summary><p>Scope: <code>{escape(str(one['x-scope']))}</code>, limit:"
        f" <code>{escape(one['x-rate-class'])}</code></p><table>{rows}</table>{body}"
        f"<p>Answers: {answers}</p></details>"
    )


def _schema(name: str, schema: Json) -> str:
    text = escape(msgspec.json.format(msgspec.json.encode(schema), indent=2).decode())
    return f"<details><summary><code>{escape(name)}</code></summary><pre>{text}</pre></details>"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
