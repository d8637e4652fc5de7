"""The simulator's own endpoints beside the exchange's: faults by hand, and how it is doing."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from liveopt.exchange_sim.faults import Active, Faults, parse_faults
from liveopt.exchange_sim.frames import encode
from liveopt.exchange_sim.kinds import BadFault


class Control:
    """`/sim/status`, `/sim/faults` and `/sim/regime`, on both hosts."""

    def __init__(
        self,
        faults: Faults,
        status: Callable[[], dict[str, Any]],
        force: Callable[[str | None], None],
    ) -> None:
        self._force = force
        self._faults = faults
        self._status = status

    def routes(self) -> list[web.RouteDef]:
        """For aiohttp."""
        return [
            web.get("/sim/status", self._get_status),
            web.get("/sim/faults", self._get),
            web.post("/sim/faults", self._post),
            web.delete("/sim/faults", self._delete),
            web.post("/sim/regime", self._post_regime),
            web.delete("/sim/regime", self._delete_regime),
        ]

    async def _get_status(self, _: web.Request) -> web.Response:
        struck = dict(self._faults.struck)
        return _answer(self._status() | {"faults": self._now(), "struck": struck})

    async def _get(self, _: web.Request) -> web.Response:
        return _answer(
            {
                "on": self._now(),
                "known": {kind.name: kind.text for kind in self._faults.kinds.values()},
            }
        )

    async def _post(self, request: web.Request) -> web.Response:
        """`{"name": "gap", "chance": 0.1}`, a list of such, or text as on the command line."""
        body = await request.read()
        try:
            for name, params in _wanted(body):
                self._faults.check(name, params)
            for name, params in _wanted(body):
                self._faults.turn_on(name, params)
        except (BadFault, msgspec.DecodeError, UnicodeDecodeError) as error:
            return _answer({"error": str(error)}, 400)
        return _answer({"on": self._now()})

    async def _delete(self, request: web.Request) -> web.Response:
        """All faults, or the one in `?name=`."""
        name = request.query.get("name")
        try:
            if name is None:
                self._faults.clear()
            else:
                self._faults.turn_off(name)
        except BadFault as error:
            return _answer({"error": str(error)}, 400)
        return _answer({"on": self._now()})

    async def _post_regime(self, request: web.Request) -> web.Response:
        """The name of the mood that all markets are in from now on, as plain text."""
        try:
            name = (await request.read()).decode().strip()
            self._force(name)
        except ValueError as error:
            return _answer({"error": str(error)}, 400)
        return _answer({"regime": name})

    async def _delete_regime(self, _: web.Request) -> web.Response:
        """Moods follow each other again."""
        self._force(None)
        return _answer({"regime": None})

    def _now(self) -> list[dict[str, Any]]:
        return [_row(active) for active in self._faults.now()]


def _wanted(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    if body.lstrip()[:1] not in {b"{", b"["}:
        return [(name, dict(params)) for name, params in parse_faults(body.decode())]
    said = msgspec.json.decode(body)
    found = []
    for row in said if isinstance(said, list) else [said]:
        if not isinstance(row, dict) or not isinstance(row.get("name"), str):
            raise BadFault('a fault is {"name": ..., parameters}')
        params = {key: value for key, value in row.items() if key != "name"}
        if any(not isinstance(value, str | int | float) for value in params.values()):
            raise BadFault(f"{row['name']}: parameters are numbers or texts")
        found.append((row["name"], params))
    return found


def _row(active: Active) -> dict[str, Any]:
    return {"name": active.kind.name, **active.params}


def _answer(said: Any, status: int = 200) -> web.Response:
    return web.Response(body=encode(said), status=status, content_type="application/json")
