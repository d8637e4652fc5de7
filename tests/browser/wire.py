"""The wire between a page and the service: what the service says may be changed or lost on it."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocketRoute

Message = dict[str, Any]
Change = Callable[[Message], Message | None]


class Wire:
    """Everything comes from the real service; `change` sees each message, None loses it."""

    def __init__(self, page: "Page", change: Change) -> None:
        self._change = change
        self.asked: list[Message] = []
        """What the page has sent."""
        self._routes: list[WebSocketRoute] = []
        page.route_web_socket("**/ws", self._joined)

    def _joined(self, route: "WebSocketRoute") -> None:
        server = route.connect_to_server()
        self._routes.append(route)

        def down(text: str | bytes) -> None:
            said = self._change(json.loads(text))
            if said is not None:
                route.send(json.dumps(said))

        def up(text: str | bytes) -> None:
            self.asked.append(json.loads(text))
            server.send(text)

        server.on_message(down)
        route.on_message(up)

    def cut(self) -> None:
        """End the connection; the page may make another."""
        self._routes[-1].close(code=1001)
