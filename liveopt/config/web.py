"""What may be set of the dashboard and the API."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from liveopt.config.section import Section


def _ip(text: str) -> str:
    ipaddress.ip_address(text)
    return text


HOST_MAX = 253
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
"""RFC 1035, 2.3.4, as getaddrinfo's own encoding has it; underscores are seen in private nets."""
Address = Annotated[str, AfterValidator(_ip)]
Host = Annotated[
    str,
    StringConstraints(
        pattern=r"^(https?://)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$", max_length=268
    ),
]


def _reachable(text: str) -> str:
    """As the program that sends there will read it; who cannot be looked up is found out now."""
    from yarl import URL  # takes its time, and only who has an address needs it

    found = URL(text)
    name = found.raw_host or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        *_, last = labels = name.removesuffix(".").split(".")
        if len(name) > HOST_MAX or last.isdigit() or not all(map(LABEL.fullmatch, labels)):
            raise ValueError("no host has such a name") from None
    if not found.port:
        raise ValueError("its port is 1 to 65535")
    return text


Hook = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s@#]+$", max_length=2048),
    AfterValidator(_reachable),
]


class Web(Section):
    """The dashboard and the API: who is let in, and where. A run goes on without them."""

    enabled: bool = Field(
        True, description="true or false; with false a run has no dashboard and no API."
    )
    host: Address = Field(
        "127.0.0.1",
        description="The IP address that is listened on. One that is not of this machine alone asks"
        " for expose, a certificate and an API key.",
    )
    port: int = Field(
        8787, ge=0, le=65_535, description="Its port, 0 to 65535; 0 takes a free one."
    )
    expose: bool = Field(
        False, description="true or false; with true, host may be an address of the network."
    )
    names: tuple[Host, ...] = Field(
        (),
        max_length=16,
        description="Under which names it is asked for beside its address: host, host:port or,"
        ' where a proxy ends TLS, as a browser shows it, such as "https://desk.example"; then'
        " pages of no other scheme are heard there, and cookies are for TLS alone.",
    )  # fmt: skip
    certificate: str = Field(
        "",
        max_length=4096,
        description="File with the certificate for TLS, and those between it and the root (PEM);"
        ' "" speaks plain HTTP.',
    )
    certificate_key: str = Field(
        "",
        max_length=4096,
        description='File with the certificate\'s key (PEM); "" if it is in the same file.',
    )

    webhooks: tuple[Hook, ...] = Field(
        (),
        max_length=16,
        description="Addresses, 0 to 16, to which every alert is sent as JSON when it rises"
        " (active: true) and when it falls (active: false): http(s)://host/path. Whoever knows one"
        " can write there, so keep this file private.",
    )

    requests_an_hour: int = Field(
        100,
        ge=1,
        le=1_000_000_000,
        description="How many requests of no other kind an API key may make in an hour, 1 to"
        " 1000000000; an emergency stop is not counted.",
    )
    searches_an_hour: int = Field(
        10,
        ge=1,
        le=1_000_000_000,
        description="How many searches an API key may submit in an hour, 1 to 1000000000. Their"
        " candles lie in the folder data of journal.folder, as ASSET-TIMEFRAME.csv, .parquet or"
        " .feather: logs/data/XBTUSDTM-1m.parquet.",
    )
    searches_waiting: int = Field(
        100, ge=1, le=100_000, description="How many searches may wait for their turn, 1 to 100000."
    )
    data_an_hour: int = Field(
        1_000,
        ge=1,
        le=1_000_000_000,
        description="How often an API key may ask for trades and signals in an hour, 1 to"
        " 1000000000.",
    )
    exports_an_hour: int = Field(
        50,
        ge=1,
        le=1_000_000_000,
        description="How many files an API key may have made in an hour, 1 to 1000000000.",
    )

    @model_validator(mode="after")
    def _known_to_be_open(self) -> "Web":
        if ipaddress.ip_address(self.host).is_loopback:
            return self
        if not self.expose:
            raise ValueError(
                f"host={self.host} can be reached from the network; set expose = true as well, or"
                ' host = "127.0.0.1"'
            )
        if not self.certificate:
            raise ValueError(
                f"host={self.host} is reached over the network, so it takes TLS; name a certificate"
            )
        return self
