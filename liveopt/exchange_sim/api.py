"""REST in words without HTTP: what a call is, what answers it, what refuses it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Pool = Literal["public", "spot", "futures", "management"]
Method = Literal["GET", "POST", "DELETE"]


class ApiError(Exception):
    """The exchange says no: `{"code": code, "msg": text}` with this HTTP status (often 200)."""

    def __init__(self, code: str, text: str, status: int = 200) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One request, parsed: names in the path, the query, the JSON body ({} where there is none)."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    user: str = ""
    """The account that signed it; empty for public calls."""

    def need(self, name: str) -> str:
        """A query parameter that must be there."""
        value = self.query.get(name, "")
        if not value:
            raise ApiError("400100", f"{name} is required", 400)
        return value


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: its template (`/api/v1/orders/{orderId}`), its cost, and what answers it.

    The answer is the `data` of the reply. Signed routes get `Call.user`.
    """

    method: Method
    template: str
    answer: Callable[[Call], Any]
    weight: int = 3
    pool: Pool = "public"
    signed: bool = False
