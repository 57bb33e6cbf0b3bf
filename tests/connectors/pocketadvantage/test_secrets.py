"""What opens a customer's servers stands in no line of a log and in no error, whatever goes wrong on the way."""

import contextlib
import io
import logging
import socket
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from bot.logs import configure_logging
from connectors.errors import ConnectorError
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace, Engine, Tls
from connectors.pocketadvantage.orders.reader import probe
from connectors.pocketadvantage.transfer.opening import open_remote
from connectors.pocketadvantage.transfer.places import Place, Transfer
from connectors.pocketadvantage.transfer.reaching import Reach
from storage.facts.secret import Secret
from tests.bot.cli.conftest import logs_restored
from tests.connectors.pocketadvantage.transfer.stage import CUST, HERE, LATEST, staged

__all__ = ["logs_restored"]

WRONG, PASSPHRASE, DATABASE = "Wrong-Horse-77", "Omega-Phrase-9", "Zulu-Kilo-42"


@contextlib.contextmanager
def echoing() -> Iterator[int]:
    """A server that says whatever it is told, which is how some of them refuse."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = listening.accept()
                with line:
                    line.sendall(b"220 hello\r\n")
                    line.recv(200)
                    line.sendall(b"331 go on\r\n")
                    line.sendall(b"530 not with " + line.recv(200) + b"\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


async def _refused(place: Place) -> str:
    """Return everything that can be said of what went wrong."""
    with pytest.raises(ConnectorError) as told:
        async with open_remote(place, HERE) as remote:
            await remote.look(LATEST)
    return "".join(traceback.format_exception(told.value)) + repr(told.value)


@pytest.mark.parametrize("loses", [False, True])
async def test_no_secret_is_in_a_log_or_an_error(
    tmp_path: Path,
    logs_restored: None,
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    log = io.StringIO()
    configure_logging("DEBUG", log)
    if loses:
        # A twin that lets the library say what it says.
        logging.getLogger("aioftp").setLevel(logging.DEBUG)
    said: list[str] = []
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key("pkcs8-pem", passphrase=PASSPHRASE).decode()
    secrets = {WRONG, PASSPHRASE, DATABASE, key.splitlines()[1]}
    for kind in ("ftps", "sftp"):
        with staged(kind, tmp_path) as stage:
            secrets.add(stage.place.password.reveal())
            said.append(await _refused(stage.place))
            said.append(await _refused(replace(stage.place, password=Secret(WRONG))))
            if kind == "sftp":
                for text, opens in ((key, PASSPHRASE), (key, WRONG), (key[:90], PASSPHRASE), (WRONG, PASSPHRASE)):
                    said.append(
                        await _refused(replace(stage.place, private_key=Secret(text), passphrase=Secret(opens)))
                    )
    with echoing() as port:
        plain = Place(
            Transfer.FTP, CUST, host="127.0.0.1", port=port, account="a", password=Secret(WRONG), plain_ok=True
        )
        said.append(await _refused(plain))
        place = DatabasePlace(
            Engine.POSTGRESQL, "orders", CUST, host="127.0.0.1", port=port, user="reader", secret=Secret(DATABASE),
            tls=Tls.NONE,
        )  # fmt: skip
        with pytest.raises(ConnectorError) as told:
            await probe(place, Allowed(Reach(here=True)))
        said.append("".join(traceback.format_exception(told.value)) + repr(told.value))
    found = {secret for secret in secrets for text in (*said, log.getvalue()) if secret in text}
    assert found == ({WRONG} if loses else set())
    assert len(said) == 10
