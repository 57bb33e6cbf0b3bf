"""A provider or a mail server that cannot prove who it is gets nothing: no token, no password, no mail."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiosmtplib
import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from connectors.errors import Broken, Retry
from connectors.reads import Call
from connectors.wire import HttpLimits, Wire, _tls, pinned
from jobs.deliver.mail import MailSender
from jobs.deliver.results import Accepted, Refused, Result
from storage.facts.secret import Secret
from templates.mail import Mail
from tests.connectors.certificates import EXPIRED, OTHER_HOST, RIGHT, SELF_SIGNED, authority, server_side

LIMITS = HttpLimits(connect=3, read=3, total=5, body=1 << 20, connections=1)
WRONG = [EXPIRED, OTHER_HOST, SELF_SIGNED]
TOKEN, PASSWORD = "access-token-4711", "smtp-password-4711"


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trust the test's authority in this process, so that each wrong certificate is wrong in one way only."""
    path = tmp_path / "authority.pem"
    path.write_text(authority())
    # Where OpenSSL looks, for the mail sender.
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    _tls.cache_clear()
    _tls().load_verify_locations(cadata=authority())
    yield
    _tls.cache_clear()


class Listener:
    """A server that remembers every byte that came through its TLS."""

    def __init__(self) -> None:
        self.port = 0
        self.heard = bytearray()

    @contextlib.asynccontextmanager
    async def serve(self, context: ssl.SSLContext | None, answers: list[bytes]) -> AsyncIterator["Listener"]:
        """Answer each line or request that comes with the next of the answers; the first one goes out first."""
        open_ones: set[asyncio.StreamWriter] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            open_ones.add(writer)
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                for answer in answers:
                    writer.write(answer)
                    await writer.drain()
                    heard = await reader.read(65536)
                    self.heard += heard
                    if not heard:
                        break
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            for writer in open_ones:
                writer.close()
            server.close()
            await asyncio.sleep(0)


ANSWERED = [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]
SMTP = [b"220 here\r\n", b"250-here\r\n250 AUTH PLAIN LOGIN\r\n", b"235 ok\r\n", b"250 ok\r\n", b"250 ok\r\n",
        b"354 go\r\n", b"250 ok\r\n", b"221 bye\r\n"]  # fmt: skip


class Lenient(Wire):
    """A twin that takes any certificate."""

    def __init__(self, base: str, *, limits: HttpLimits) -> None:
        super().__init__(base, limits=limits)
        self._client = httpx.AsyncClient(transport=AiohttpTransport(verify=False), trust_env=False)


async def _asked(kind: str, folder: Path, wire: type[Wire] = Wire) -> tuple[int | None, bytes]:
    async with (
        Listener().serve(server_side(kind, folder), ANSWERED) as server,
        wire(f"https://127.0.0.1:{server.port}", limits=LIMITS) as client,
    ):
        request = client.request(Call("GET", "/v3", "x"), {"authorization": f"Bearer {TOKEN}"})
        try:
            return (await client.exchange(request)).status, bytes(server.heard)
        except Retry:
            return None, bytes(server.heard)


async def test_a_provider_that_proves_itself_is_asked(trusted: None, tmp_path: Path) -> None:
    status, heard = await _asked(RIGHT, tmp_path)
    assert status == 200
    assert TOKEN.encode() in heard


@pytest.mark.parametrize("kind", WRONG)
async def test_a_provider_with_a_wrong_certificate_gets_no_token(trusted: None, tmp_path: Path, kind: str) -> None:
    assert await _asked(kind, tmp_path) == (None, b"")
    # The twin shows that the certificate was the one thing wrong.
    status, heard = await _asked(kind, tmp_path, Lenient)
    assert status == 200
    assert TOKEN.encode() in heard


async def test_without_tls_a_provider_is_not_asked_at_all() -> None:
    with pytest.raises(Broken, match="https"):
        pinned("http://api.example.com")


async def _mailed(scheme: str, context: ssl.SSLContext | None) -> tuple[Result, bytes]:
    async with Listener().serve(context, SMTP) as server:
        url = Secret(f"{scheme}://user:{PASSWORD}@127.0.0.1:{server.port}")
        sender = MailSender(url, "tidings@tidings.example", seconds=3)
        mail = Mail(subject="Ready", text="The data is ready.", html="<p>The data is ready.</p>")
        sent = await sender.send("maya@temeritygoods.example", mail, "dlv_1", datetime(2026, 1, 2, tzinfo=UTC))
        return sent, bytes(server.heard)


async def test_a_mail_server_that_proves_itself_is_given_mail(trusted: None, tmp_path: Path) -> None:
    sent, heard = await _mailed("smtps", server_side(RIGHT, tmp_path))
    assert isinstance(sent, Accepted), sent
    assert b"The data is ready." in heard


@pytest.mark.parametrize("kind", WRONG)
async def test_a_mail_server_with_a_wrong_certificate_gets_nothing(trusted: None, tmp_path: Path, kind: str) -> None:
    sent, heard = await _mailed("smtps", server_side(kind, tmp_path))
    assert isinstance(sent, Refused)
    assert not sent.final
    assert heard == b""


async def test_a_mail_server_that_offers_no_tls_is_told_no_password(trusted: None) -> None:
    sent, heard = await _mailed("smtp+starttls", None)
    assert isinstance(sent, Refused)
    assert heard.upper().startswith((b"EHLO", b"HELO"))
    assert all(word not in heard for word in (b"AUTH", b"MAIL", PASSWORD.encode()))


async def test_the_twin_that_takes_what_comes_tells_the_password(tmp_path: Path) -> None:
    async with Listener().serve(server_side(SELF_SIGNED, tmp_path), SMTP) as server:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=server.port, use_tls=True, validate_certs=False, timeout=60)
        await client.connect()
        await client.login("user", PASSWORD)
        client.close()
        assert b"AUTH" in server.heard
