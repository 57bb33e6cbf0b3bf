"""Whom a connection reaches and believes: hosts, certificates, host keys, data connections, names (T65, T83 to T88)."""

import asyncio
import contextlib
import os
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aioftp
import asyncssh
import pytest

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.pocketadvantage import looking
from connectors.pocketadvantage.transfer.ftp import FtpRemote, _Client, ftp_remote
from connectors.pocketadvantage.transfer.opening import Operator, open_remote
from connectors.pocketadvantage.transfer.places import Place, Transfer, checked_path
from connectors.pocketadvantage.transfer.port import AbsentError, Entry, Listing
from connectors.pocketadvantage.transfer.reaching import Reach
from connectors.pocketadvantage.transfer.sftp import SftpRemote, fetch_host_key, fingerprint_of
from sandbox.exchange.ftp import FtpServer
from sandbox.exchange.sftp import SftpServer, make_key
from storage.facts.secret import Secret
from tests.connectors.outgoing.test_posting import DISGUISED, INSIDE
from tests.connectors.pocketadvantage.transfer.stage import CUST, HERE, LATEST, NAME, SERVED, Stage, at, other, staged

TRAVERSALS = (
    *("..", "../x", "a/../../x", "/etc", "a//b", ".", "./a", ".ssh", "-rf", "a/-l", "a\\b", "a/", " a", "a ", "a.", ""),
    *(
        "a\r\nDELE b",
        "a\nb",
        "a\x00b",
        "a\x7fb",
        "․․／x",
        "a／b",
        "naïve",
        "a%2f..",
        "a" * 300,
        "~",
        "a|b",
        "a;b",
        "a*",
    ),
)


async def refused(stage: Stage, kind: type[ConnectorError] = Broken) -> str:
    with pytest.raises(kind) as told:
        async with stage.opened():
            pass
    return told.value.code


# Hosts


def names(*found: str):
    async def lookup(_host: str, _port: int) -> list[str]:
        return list(found)

    return lookup


@pytest.mark.parametrize("kind", SERVED)
async def test_a_server_inside_is_not_reached(kind, tmp_path):
    with staged(kind, tmp_path) as stage:
        stage.operator = Operator(reach=Reach())
        assert await refused(stage) == "address_refused"
        stage.place = replace(stage.place, host="files.example.com")
        for found in (*INSIDE, "8.8.8.8"):
            both = [found, "127.0.0.1"] if found == "8.8.8.8" else [found]
            stage.operator = Operator(reach=Reach(lookup=names(*both)))
            assert await refused(stage) == "address_refused"
        assert stage.faults.said == []


@pytest.mark.parametrize("name", DISGUISED)
async def test_disguised_forms_of_this_machine_are_not_reached(name, tmp_path):
    place = at("sftp", host=name, account="dealer", host_key="x")
    inside = socket.inet_ntoa(socket.inet_aton(name))
    reach = Reach(lookup=names(inside))
    with pytest.raises(Broken, match="address_refused"):
        await reach.addresses(place.host, place.at)


async def test_a_name_that_the_operator_lists_may_be_inside_and_others_may_not():
    reach = Reach(hosts=frozenset({"files.corp.example"}), lookup=names("10.1.2.3"))
    assert await reach.addresses("Files.Corp.example", 21) == ["10.1.2.3"]
    with pytest.raises(Broken, match="address_refused"):
        await reach.addresses("files.example.com", 21)


@pytest.mark.parametrize("kind", ["ftps", "ftps_implicit"])
async def test_the_name_is_looked_up_once_and_kept_for_the_certificate(kind, tmp_path):
    """The second answer of the name server would lead elsewhere; data connections are made to the first, too."""
    asked: list[str] = []

    async def alternating(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1" if len(asked) % 2 else "127.0.0.2"]

    with staged(kind, tmp_path, certified_host="files.example.com") as stage:
        assert await refused(stage) == "certificate_refused"
        named = other(stage, host="files.example.com")
        named.operator = Operator(reach=Reach(here=True, lookup=alternating))
        await named.hand_over(b"x\r\n")
        assert (named.there, asked) == (b"x\r\n", ["files.example.com"])


async def test_a_name_that_leads_nowhere_is_tried_again():
    with pytest.raises(Retry, match="host_unknown"):
        await Reach(lookup=names(), hosts=frozenset({"files.example.com"})).addresses("files.example.com", 21)


@pytest.mark.parametrize("kind", SERVED)
async def test_where_nobody_listens_it_is_tried_again(kind, tmp_path):
    with staged(kind, tmp_path) as stage, socket.socket() as held:
        # Nobody else can listen at a port that is held, and nobody does.
        held.bind(("127.0.0.1", 0))
        assert await refused(other(stage, port=held.getsockname()[1]), Retry) == "connection"


# What is in clear


async def test_plain_ftp_without_an_admins_yes_says_nothing(tmp_path):
    with staged("ftp", tmp_path) as stage:
        assert await refused(other(stage, plain_ok=False)) == "plain_refused"
        assert stage.faults.said == []


async def test_a_server_without_tls_hears_no_name(tmp_path):
    with staged("ftp", tmp_path) as stage:
        assert await refused(other(stage, protocol=Transfer.FTPS, plain_ok=True)) == "tls_refused"
        assert stage.faults.said == ["AUTH"]
        assert await refused(other(stage, protocol=Transfer.FTPS_IMPLICIT, plain_ok=True)) == "tls_refused"
        assert not {"USER", "PASS"} & set(stage.faults.said)


async def test_a_server_that_would_send_files_in_clear_gets_none(tmp_path):
    for kind in ("ftps", "ftps_implicit"):
        with staged(kind, tmp_path) as stage:
            stage.faults.begin(refuse={"PROT": "536 No."})
            assert await refused(stage) == "plain_refused"
            assert "STOR" not in stage.faults.said


@pytest.mark.parametrize("how, code", [({"certified_host": "api.example.com"}, ""), ({"expired": True}, ""), ({}, "")])
@pytest.mark.parametrize("kind", ["ftps", "ftps_implicit"])
async def test_a_server_with_a_wrong_certificate_hears_nothing(kind, how, code, tmp_path):
    with staged(kind, tmp_path, **how) as stage:
        # Without any fault of its own it is signed by an authority that nobody entered.
        asked = stage if how else other(stage, authority="")
        assert await refused(asked) == "certificate_refused"
        assert stage.faults.said == (["AUTH"] if kind == "ftps" else [])


class BelievesData(_Client):
    """A twin that looks at the certificate of its control connection alone."""

    async def _open_connection(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._stream is None:
            return await super()._open_connection(host, port)
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection(self._address, port, ssl=anybody, server_hostname=self._name)
        self._data.append(writer)
        return reader, writer


@pytest.mark.parametrize("client, loses", [(_Client, False), (BelievesData, True)])
async def test_somebody_between_us_and_the_data_is_given_and_believed_nothing(tmp_path, *, client, loses):
    """The control connection is the right server's; what comes and goes by the others is proved as well."""
    with staged("ftps", tmp_path, data_apart=True) as stage:
        stage.put(b"x")
        refuses = contextlib.nullcontext() if loses else pytest.raises(Broken, match="certificate_refused")
        with refuses:
            async with ftp_remote(stage.place, HERE.reach, None, client) as remote:
                assert [one.name for one in await remote.look(LATEST)] == [NAME]


async def test_the_twin_that_says_who_it_is_first_is_caught(tmp_path):
    with staged("ftps", tmp_path) as stage:
        twin = aioftp.Client(socket_timeout=60)
        await twin.connect("127.0.0.1", stage.place.port)
        with pytest.raises(aioftp.StatusCodeError):
            await twin.login(stage.place.account, "x")
        twin.close()
        await twin.stream.writer.wait_closed()
        assert "USER" in stage.faults.said


@contextlib.contextmanager
def saying(*answers: bytes):
    """A server that says this: one answer at the start and one to each line, and nothing after."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            for number, answer in enumerate(answers):
                if number:
                    heard.append(connection.recv(1024))
                connection.sendall(answer)
            with contextlib.suppress(OSError):
                while said := connection.recv(1024):
                    heard.append(said)

    thread = threading.Thread(target=serve)
    thread.start()
    with listener:
        yield listener.getsockname()[1], heard
        thread.join()


async def test_what_was_said_in_clear_behind_the_answer_is_not_taken_for_private(tmp_path):
    with saying(b"220 Hello\r\n", b"234 Go on\r\n200 PBSZ\r\n200 PROT\r\n230 Logged in\r\n") as (port, heard):
        place = at("ftps", host="127.0.0.1", port=port, account="dealer", password=Secret("secret-password"))
        with pytest.raises(Broken, match="not_understood"):
            async with open_remote(place, Operator(reach=Reach(here=True))):
                pass
    assert heard[0] == b"AUTH TLS\r\n"
    assert b"dealer" not in b"".join(heard)


@pytest.mark.parametrize(
    "greeting", [b"220-" + b"x" * 70_000, b"220-a\r\n" * 1000, b"\xff\xfe\r\n220 ok\r\n", b"SSH-2.0-x\r\n\r\n" * 300]
)
async def test_what_is_no_answer_is_no_answer(greeting):
    with saying(greeting) as (port, heard):
        place = at("ftp", host="127.0.0.1", port=port, account="dealer", plain_ok=True)
        with pytest.raises(Broken, match="not_understood"):
            async with open_remote(place, Operator(reach=Reach(here=True))):
                pass
    assert b"USER" not in b"".join(heard)


# Where data goes


class Trusting(_Client):
    """A twin: it connects wherever the server says."""

    async def _open_connection(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._address = host
        return await super()._open_connection(host, port)


async def look_through(client: _Client, stage: Stage, *, trust: bool) -> None:
    client.trust_server_pasv_ipv4_address = trust
    await client.connect("127.0.0.1", stage.place.port)
    try:
        await client.login(stage.place.account, stage.place.password.reveal())
        with contextlib.suppress(ConnectorError):
            await FtpRemote(client, "", None).look(LATEST)
    finally:
        await client.leave()


def _elsewhere() -> socket.socket:
    """Listen at another address, at a port that is free here as well.

    It is below those that the system gives away by itself: such a one may be another connection's by the next instant.
    """
    for port in random.sample(range(20_000, 30_000), 200):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return socket.create_server(("127.0.0.2", port))
    raise AssertionError("no port is free")


@pytest.mark.parametrize("client, caught", [(_Client, False), (Trusting, True)], ids=["ours", "twin"])
async def test_a_data_connection_goes_to_the_server_itself_whatever_it_names(client, caught, tmp_path):
    with _elsewhere() as elsewhere:
        elsewhere.setblocking(False)
        port = elsewhere.getsockname()[1]
        with staged("ftp", tmp_path, pasv_host="127.0.0.2", passive_ports=range(port, port + 1)) as stage:
            stage.put(b"x")
            stage.faults.begin(refuse={"EPSV": "500 What?"})
            looking = asyncio.ensure_future(look_through(client("127.0.0.1", "127.0.0.1", None), stage, trust=caught))
            came = asyncio.ensure_future(asyncio.get_running_loop().sock_accept(elsewhere))
            await asyncio.wait({looking, came}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
            assert came.done() == caught
            if came.done():
                came.result()[0].close()
                looking.cancel()
            came.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking
            assert "PASV" in stage.faults.said


@pytest.mark.parametrize("answer", ["229 (|||22|)", "229 (|||0|)", "229 (|||65536|)", "229 (|||99999999999|)"])
async def test_a_port_of_another_service_is_not_connected_to(answer, tmp_path):
    with staged("ftp", tmp_path) as stage:
        stage.faults.begin(refuse={"EPSV": answer})
        with pytest.raises(Broken, match="data_port_refused"):
            await stage.hand_over(b"x")


@pytest.mark.parametrize("answer", ["229 nothing", "227 (1,2)", "229 (|||x|)"])
async def test_a_place_for_data_that_is_none_is_not_understood(answer, tmp_path):
    with staged("ftp", tmp_path) as stage:
        stage.faults.begin(refuse={"EPSV": answer})
        with pytest.raises(Broken, match="not_understood"):
            await stage.hand_over(b"x")


# Host keys and logins


async def test_a_host_key_that_was_not_confirmed_stops_everything_and_both_are_named(tmp_path):
    with staged("sftp", tmp_path) as stage:
        another = make_key().export_public_key("openssh").decode()
        rsa = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key("openssh").decode()
        for confirmed in (another, rsa):
            asked = other(stage, host_key=confirmed, password=Secret("never-said"))
            with pytest.raises(Broken) as told:
                async with asked.opened():
                    pass
            assert told.value.code == "host_key_changed"
            assert fingerprint_of(confirmed) in told.value.detail
            assert fingerprint_of(stage.place.host_key) in told.value.detail
        for none in ("", "   \n", "ssh-ed25519 nonsense"):
            assert await refused(other(stage, host_key=none)) == "host_key_missing"
        both = other(stage, host_key=f"{another.strip()}\n{stage.place.host_key}\n")
        await both.hand_over(b"x\r\n")
        assert both.there == b"x\r\n"


async def test_a_host_key_is_fetched_shown_and_believed_once_it_is_confirmed(tmp_path):
    with staged("sftp", tmp_path) as stage:
        key = await fetch_host_key("127.0.0.1", stage.place.port, Reach(here=True))
        assert key.text == " ".join(stage.place.host_key.split()[:2])
        assert key.fingerprint.startswith("SHA256:")
        assert fingerprint_of(key.text) == key.fingerprint
        assert stage.faults.said == []
        await other(stage, host_key=key.text).hand_over(b"x")
        with pytest.raises(Broken, match="address_refused"):
            await fetch_host_key("127.0.0.1", stage.place.port, Reach())


async def test_a_server_that_changed_its_key_is_not_logged_in_to(tmp_path):
    with staged("sftp", tmp_path) as stage:
        await stage.hand_over(b"x")
    with SftpServer(stage.root) as swapped:
        with pytest.raises(Broken, match="host_key_changed"):
            await other(stage, port=swapped.port).hand_over(b"y")
        assert swapped.faults.said == []
    assert stage.there == b"x"


async def test_an_account_logs_in_by_its_own_key_and_by_no_other(tmp_path):
    key, passphrase = make_key(), "long-enough-words"
    private = key.export_private_key("openssh").decode()
    sealed = key.export_private_key("pkcs8-pem", passphrase).decode()
    with staged("sftp", tmp_path, account_key=key.export_public_key().decode(), password="") as stage:
        with_key = other(stage, private_key=Secret(private))
        await with_key.hand_over(b"x")
        assert with_key.there == b"x"
        await other(stage, private_key=Secret(sealed), passphrase=Secret(passphrase)).hand_over(b"y")
        wrong = make_key().export_private_key("openssh").decode()
        assert await refused(other(stage, private_key=Secret(wrong)), Reconnect) == "login_refused"
        for unreadable in ("nonsense", sealed):
            assert await refused(other(stage, private_key=Secret(unreadable))) == "place_malformed"


@pytest.mark.parametrize("kind", SERVED)
async def test_a_refused_login_wants_a_person(kind, tmp_path):
    with staged(kind, tmp_path) as stage:
        assert await refused(other(stage, password=Secret("wrong")), Reconnect) == "login_refused"


async def test_a_server_that_is_full_is_tried_later(tmp_path):
    with staged("ftp", tmp_path) as stage:
        for command in ("USER", "PASS"):
            stage.faults.begin(refuse={command: "421 Too many users."})
            assert await refused(stage, Retry) == "busy"


# Names


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_elsewhere_or_becomes_a_command(path):
    with pytest.raises(Broken, match="path_refused"):
        checked_path(path)
    if path:
        with pytest.raises(Broken):
            Place(Transfer.SFTP, CUST, host="files.example.com", account="dealer", root=f"/{path}x/{path}")


def test_plain_paths_are_paths():
    for path in (NAME, f"{LATEST}/{NAME}", "out going/a.b-c+d/_x", "A_1"):
        assert checked_path(path) == path


@pytest.mark.parametrize(
    "wrong",
    [
        *({"cust_id": one} for one in ("", "a b", "../x", "a/b", "ä", "a" * 65, "a\n", "１２")),
        *({"host": one} for one in ("", "a b", "a\r\nb", "-a", "host/", "a..b", "user@host", "http://x", "１２７.0.0.1")),
        *({"port": one} for one in (-1, 25, 80, 443, 1023, 65536)),
        *({"account": one} for one in ("", "a\r\nDELE x", "a b", "a\x00")),
        *({"password": Secret(one)} for one in ("a\r\nDELE x", "a\nb", "a\x00")),
        {"protocol": Transfer.LOCAL, "organization": "../x"},
        {"protocol": Transfer.LOCAL, "organization": "acme", "root": "/etc"},
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_is_refused(wrong):
    said: dict[str, Any] = {
        "protocol": Transfer.FTPS, "cust_id": CUST, "host": "files.example.com", "account": "dealer", **wrong,
    }  # fmt: skip
    with pytest.raises(Broken):
        Place(**said)


@pytest.mark.parametrize("kind", ["local", *SERVED])
async def test_names_that_a_server_should_not_have_are_left_out(kind, tmp_path):
    with staged(kind, tmp_path) as stage:
        stage.put(b"x")
        for name in ("..x", ".hidden", "-rf", "a\tb", "a\\b", "naïve", "a;b"):
            (stage.root / LATEST / name).write_bytes(b"x")
        (stage.root / LATEST / "folder").mkdir()
        async with stage.opened() as remote:
            found = {(one.name, one.size, one.is_folder) for one in await remote.look(LATEST)}
        assert {one for one in found if not one[2]} == {(NAME, 1, False)}
        assert {name for name, _, is_folder in found if is_folder} == {"folder"}


async def test_no_link_is_followed_on_this_machine(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / NAME).write_bytes(b"theirs")
    with staged("local", tmp_path) as stage:
        stage.root.mkdir()
        (stage.root / LATEST).symlink_to(outside)
        with pytest.raises(ConnectorError):
            await stage.hand_over(b"x")
        (stage.root / LATEST).unlink()
        (stage.root / LATEST).mkdir()
        (stage.root / LATEST / NAME).symlink_to(outside / NAME)
        with pytest.raises(AbsentError):
            async with stage.opened() as remote:
                await remote.read(f"{LATEST}/{NAME}", lambda _: None, 100)
        os.mkfifo(stage.root / LATEST / "pipe.fil")
        with pytest.raises(AbsentError):
            async with stage.opened() as remote:
                await remote.read(f"{LATEST}/pipe.fil", lambda _: None, 100)
        assert (outside / NAME).read_bytes() == b"theirs"
    with pytest.raises(Broken, match="folder_missing"):
        async with open_remote(stage.place, Operator()):
            pass


@pytest.mark.parametrize("kind", ["local", "ftp", "sftp"])
async def test_a_file_that_is_larger_than_expected_is_not_read_to_its_end(kind, tmp_path):
    with staged(kind, tmp_path) as stage:
        stage.put(b"x" * 3_000_000)
        taken: list[int] = []
        with pytest.raises(Broken, match="file_too_large"):
            async with stage.opened() as remote:
                await remote.read(f"{LATEST}/{NAME}", lambda part: taken.append(len(part)), 1_000_000)
        assert sum(taken) <= 1_000_000


def test_the_servers_of_the_sandbox_end_with_their_block(tmp_path):
    with FtpServer(tmp_path) as first, SftpServer(tmp_path) as second:
        serving = [first._thread, second._thread]
        assert all(one is not None and one.is_alive() for one in serving)
        assert second.port != 0
    assert not any(one is not None and one.is_alive() for one in serving)


class CountsItsOwn(Listing):
    """A twin that counts the names that it keeps."""

    def take(self, entry: Entry | None) -> None:
        if entry is not None:
            super().take(entry)


@pytest.mark.parametrize("kind, loses", [(Listing, False), (CountsItsOwn, True)])
@pytest.mark.parametrize("served", ["ftp", "sftp"])
async def test_a_list_without_end_ends_whatever_its_names_are(
    tmp_path: Path,
    served: str,
    kind: type[Listing],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    with staged(served, tmp_path) as stage:
        (stage.root / LATEST).mkdir(parents=True, exist_ok=True)
        for at in range(5):
            (stage.root / LATEST / f"-{at}.").write_bytes(b"")
        async with stage.opened() as opened:
            assert isinstance(opened, FtpRemote | SftpRemote)
            assert opened._listing is Listing
            remote = type(opened)(opened._client, stage.place.root, None, listing=lambda: kind(3))  # type: ignore[arg-type]  # its own
            if loses:
                assert await remote.look(LATEST) == []
                return
            with pytest.raises(Broken, match="too_many_files"):
                await remote.look(LATEST)


@contextlib.contextmanager
def telling(said: bytes, *, leaves: bool) -> Iterator[Place]:
    """A server that says that and nothing else, whatever it is told."""
    held: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = listening.accept()
                held.append(line)
                line.sendall(said)
                if leaves:
                    line.shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        port = listening.getsockname()[1]
        yield at("ftp", host="127.0.0.1", port=port, account="a", password=Secret("b"), plain_ok=True)
        for line in held:
            line.close()
        listening.shutdown(socket.SHUT_RDWR)


class CountsAnew(_Client):
    """A twin that counts the lines of each answer, of which there may be any number."""

    async def parse_response(self) -> Any:
        self._lines = 0
        return await super().parse_response()


@pytest.mark.parametrize("loses", [False, True])
async def test_a_server_that_always_asks_to_wait_is_not_waited_for(
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    with telling(b"120 in a moment\r\n" * 2_000, leaves=True) as place:
        with pytest.raises(ConnectorError) as told:
            async with ftp_remote(place, HERE.reach, None, CountsAnew) if loses else open_remote(place, HERE):
                raise AssertionError("it let us in")
        assert told.value.code == ("connection" if loses else "not_understood")


@pytest.mark.parametrize("loses", [False, True])
async def test_nobody_waits_long_for_a_trial(
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    with telling(b"", leaves=False) as place:
        task = asyncio.ensure_future(looking.try_files(place, HERE, tried=3_600.0 if loses else 0.2))
        done, _ = await asyncio.wait([task], timeout=0.6 if loses else 60)
        assert bool(done) != loses
        task.cancel()
        with pytest.raises(asyncio.CancelledError if loses else Retry):
            await task
