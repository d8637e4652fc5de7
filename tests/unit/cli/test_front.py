"""Where the dashboard is: whose port is taken, who may be reached from where, what is printed."""

import ipaddress
import os
import re
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from liveopt.cli import front
from liveopt.config import ConfigError, Control, Settings, Web
from liveopt.guard.clock import WALL
from liveopt.guard.web import TOKEN
from liveopt.web.keys import Keys

LOOPBACK = "127.0.0.1"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate of this machine's own, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)  # noqa: TID251  a certificate is of now
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path / "mine.pem"
    own = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none)
    file.write_bytes(own + made.public_bytes(pem))
    return file


def taken() -> tuple[socket.socket, int]:
    found = socket.create_server((LOOPBACK, 0))
    return found, found.getsockname()[1]


def test_it_listens_before_anything_runs() -> None:
    with front.listening(Settings(web=Web(port=0)), fallback=False) as listening:
        where = listening.getsockname()
        assert where[0] == LOOPBACK
        with socket.create_connection(where, 5.0):
            pass


def test_a_port_that_is_taken_is_refused_with_the_mend() -> None:
    other, port = taken()
    with other, pytest.raises(ConfigError, match=rf"port {port} .*LIVEOPT__WEB__PORT=0"):
        front.listening(Settings(web=Web(port=port)), fallback=False)


def test_the_next_free_port_is_taken_where_any_will_do() -> None:
    other, port = taken()
    with other, front.listening(Settings(web=Web(port=port)), fallback=True) as listening:
        assert listening.getsockname()[1] != port
        assert listening.getsockname()[1] <= port + front.NEIGHBOURS


def test_the_port_of_the_door_is_left_to_it() -> None:
    other, port = taken()
    wanted = Settings(web=Web(port=port), control=Control(port=port + 1))
    with other, front.listening(wanted, fallback=True) as listening:
        assert listening.getsockname()[1] not in {port, port + 1}


def test_an_address_that_is_not_this_machines_is_refused_with_the_mend() -> None:
    other = Web(host="192.0.2.1", expose=True, certificate="x.pem")  # of documents, nobody's
    with pytest.raises(ConfigError, match=r"web\.host: 192\.0\.2\.1.*web\.enabled = false"):
        front.listening(Settings(web=other), fallback=True)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (Web(), "http://127.0.0.1:8787"),
        (Web(host="::1"), "http://[::1]:8787"),
        (Web(names=("desk.example:443",)), "http://desk.example:443"),
        (Web(certificate="x.pem"), "https://127.0.0.1:8787"),
        (Web(host="0.0.0.0", expose=True, certificate="x.pem"), "https://127.0.0.1:8787"),
        (Web(host="::", expose=True, certificate="x.pem"), "https://[::1]:8787"),
        (Web(host="10.1.2.3", expose=True, certificate="x.pem"), "https://10.1.2.3:8787"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(wanted: Web, text: str) -> None:
    assert front.address(wanted, 8787) == text


def test_each_link_is_another_and_is_left_for_the_web_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    links = {front.link() for _ in range(100)}
    assert len(links) == 100
    assert os.environ[TOKEN] in links
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", link) for link in links)


def test_what_the_network_reaches_needs_a_key_that_lives(certificate: Path, tmp_path: Path) -> None:
    wanted = Web(host="0.0.0.0", expose=True, certificate=str(certificate))
    keys = Keys(tmp_path)
    with pytest.raises(ConfigError, match="liveopt keys create"):
        front.refuse_open_doors(wanted, tmp_path)
    text = keys.create("desk", ["read"], WALL())
    front.refuse_open_doors(wanted, tmp_path)
    keys.revoke(text.split("_")[1], WALL())
    with pytest.raises(ConfigError, match="liveopt keys create"):
        front.refuse_open_doors(wanted, tmp_path)
    front.refuse_open_doors(Web(certificate=str(certificate)), tmp_path)


def test_a_certificate_is_read_before_anything_runs(certificate: Path, tmp_path: Path) -> None:
    assert front.tls(Web()) is None
    assert isinstance(front.tls(Web(certificate=str(certificate))), ssl.SSLContext)
    whole = certificate.read_text()
    key, rest = (tmp_path / "key.pem"), (tmp_path / "rest.pem")
    at = whole.index("-----BEGIN CERTIFICATE")
    key.write_text(whole[:at])
    rest.write_text(whole[at:])
    assert front.tls(Web(certificate=str(rest), certificate_key=str(key))) is not None
    for name, own in (("gone.pem", ""), (str(rest), ""), (str(key), ""), (str(rest), "gone.pem")):
        with pytest.raises(ConfigError, match=r"web\.certificate"):
            front.tls(Web(certificate=name, certificate_key=own))


def test_every_loopback_address_takes_no_key(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "127.1.2.3", "::1"):
        assert ipaddress.ip_address(host).is_loopback
        front.refuse_open_doors(Web(host=host), tmp_path)
