"""The address that Web Connectors call: what is no call of theirs ends in a fault; the file, and who may have it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from bot import soap
from bot.api import Pace
from bot.soap import METHODS, SoapRefusedError, read_call
from bot.web import build_web
from bot.web_connector import MOST_OF_STRANGERS, MOST_PASSWORDS, WebConnectorPages
from jobs.errors import NotAllowedError, NotFoundError, TooLateError, UnavailableError
from jobs.exchange.desktop.qwc import CALLED, PATH, Claim, QwcLinks, content, may_be_called
from jobs.exchange.desktop.sessions import TicketGoneError
from sandbox.exchange.web_connector import NAMESPACE, headers, request
from storage.facts.clock import OffsetClock
from storage.facts.people import Action, Role
from storage.facts.secret import Secret
from storage.facts.web_connector import WebConnector
from storage.records import audit
from storage.sessions import Database
from storage.tables import MemberRow, OrganizationRow
from tests.jobs.exchange.desktop.stage import Stage, staged
from tests.jobs.exchange.desktop.test_qbxml import HOSTILE

WHERE = f"{CALLED}/qbd_0"
ENVELOPE = ('<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{}</soap:Body>'
            "</soap:Envelope>")  # fmt: skip


class Asked:
    """What stands behind the address, in a test that asks nothing of it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.calls: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        async def called(*said: Any) -> Any:
            self.calls.append((name, *said))
            await asyncio.sleep(0)
            if self.error is not None:
                raise self.error
            return {"authenticate": ("ticket", "none"), "receive": 100, "file": None}.get(name, "said <&> \x00")

        return called


def client(asked: Asked, kind: type[WebConnectorPages] = WebConnectorPages, **more: int) -> httpx.AsyncClient:
    """Return a client of the whole application."""

    async def ready() -> bool:
        return True

    pages = kind(asked, asked, OffsetClock(), "https://tidings.example", **more)
    app = build_web(None, None, ready, pages=pages.routes())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://tidings.example")


def fault(answer: httpx.Response) -> tuple[int, str, str]:
    """Return the fault in an answer, with its status."""
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    found = ET.fromstring(answer.content).find(".//{http://schemas.xmlsoap.org/soap/envelope/}Fault")
    assert found is not None
    return answer.status_code, found.findtext("faultcode", ""), found.findtext("faultstring", "")


async def test_every_method_is_answered() -> None:
    asked = Asked()
    async with client(asked) as http:
        for method, (names, _) in METHODS.items():
            said = {name: f"{name} <&>" for name in names if name not in ("qbXMLMajorVers", "qbXMLMinorVers")}
            answer = await http.post(WHERE, content=request(method, said), headers=headers(method))
            assert answer.status_code == 200, method
            ET.fromstring(answer.content)
            assert f"<{method}Result" in answer.text
    assert [call[0] for call in asked.calls] == ["authenticate", "send", "receive", "connection_error", "last_error",
                                                 "close"]  # fmt: skip
    assert asked.calls[0][1:] == ("qbd_0", "strUserName <&>", Secret("strPassword <&>"))


def wrapped(inside: str) -> bytes:
    return ENVELOPE.format(inside).encode()


CLOSE = f'<closeConnection xmlns="{NAMESPACE}"><ticket>t</ticket></closeConnection>'
NO_CALLS: dict[str, bytes] = {
    **{name: text.encode("utf-8", "surrogatepass") for name, text in HOSTILE.items()},
    "deep, inside": wrapped(HOSTILE["deep"]),
    "bomb before it": HOSTILE["billion laughs"].encode().replace(b"<QBXML>&i;</QBXML>", wrapped(CLOSE)),
    "no envelope": CLOSE.encode(),
    "SOAP 1.2": wrapped(CLOSE).replace(b"schemas.xmlsoap.org/soap/envelope/", b"www.w3.org/2003/05/soap-envelope"),
    "no body": ENVELOPE.replace("<soap:Body>{}</soap:Body>", "").encode(),
    "empty body": wrapped(""),
    "two calls": wrapped(CLOSE + CLOSE),
    "no namespace": wrapped(CLOSE.replace(f' xmlns="{NAMESPACE}"', "")),
    "another namespace": wrapped(CLOSE.replace("intuit", "other")),
    "no such method": wrapped(CLOSE.replace("closeConnection", "__init__")),
    "argument twice": wrapped(CLOSE.replace("<ticket>t</ticket>", "<ticket>t</ticket><ticket>u</ticket>")),
    "argument with parts": wrapped(CLOSE.replace("<ticket>t</ticket>", "<ticket><b/></ticket>")),
    "long ticket": wrapped(CLOSE.replace(">t<", f">{'t' * 301}<")),
    "latin-1": wrapped(CLOSE.replace(">t<", ">é<")).decode().encode("latin-1"),
    "utf-16": wrapped(CLOSE).decode().encode("utf-16"),
}


@pytest.mark.parametrize("name", NO_CALLS)
async def test_what_is_no_call_ends_in_a_fault(name: str) -> None:
    asked = Asked()
    async with client(asked) as http:
        answer = await http.post(WHERE, content=NO_CALLS[name], headers=headers("closeConnection"))
        status, code, words = fault(answer)
        assert status in (400, 413)
        assert code == "soap:Client"
        assert words
    assert [call for call in asked.calls if call[0] != "registered"] == []


class Generous(WebConnectorPages):
    """Twin: reads whatever anybody sends."""

    async def may_be_large(self, registration: str) -> bool:
        assert registration
        return True


class Nobody(Asked):
    """There is no such registration."""

    async def registered(self, _: str) -> bool:
        await asyncio.sleep(0)
        return False


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in pieces"])
@pytest.mark.parametrize("kind", [WebConnectorPages, Generous])
async def test_at_an_address_that_nobody_has_nothing_long_is_read(
    kind: type[WebConnectorPages], *, announced: bool
) -> None:
    """To read a megabyte of parts takes a quarter of a second of the processor, and who sends it is not known before."""
    long = wrapped("<a/>" * (MOST_OF_STRANGERS // 4))

    async def pieces() -> AsyncIterator[bytes]:
        yield long

    for asked, refused in ((Nobody(), kind is WebConnectorPages), (Asked(), False)):
        async with client(asked, kind) as http:
            sent = long if announced else pieces()
            status, _, words = fault(await http.post(WHERE, content=sent, headers=headers("closeConnection")))
            assert (status, "too large" in words) == ((413, True) if refused else (400, False))
            # What is short is answered the same everywhere.
            assert (
                await http.post(WHERE, content=wrapped(CLOSE), headers=headers("closeConnection"))
            ).status_code == 200


#: header changes, and the status that comes of them
ODD: list[tuple[dict[str, str], int]] = [
    ({"content-type": "application/x-www-form-urlencoded"}, 415),
    ({"content-type": "text/plain"}, 415),
    ({"content-type": "multipart/form-data; boundary=x"}, 415),
    ({"content-type": "application/soap+xml"}, 415),
    ({"content-type": "text/xml; charset=utf-16"}, 415),
    ({"content-type": ""}, 415),
    ({"content-encoding": "gzip"}, 415),
    ({"soapaction": f'"{NAMESPACE}authenticate"'}, 400),
    ({"content-length": "99999999"}, 413),
]


@pytest.mark.parametrize("changed, status", ODD)
async def test_odd_requests_end_before_they_are_read(changed: dict[str, str], status: int) -> None:
    """No form of a browser can send what is taken here: it would have to ask first, and nobody answers that."""
    asked = Asked()
    async with client(asked) as http:
        answer = await http.post(WHERE, content=wrapped(CLOSE), headers=headers("closeConnection") | changed)
        assert fault(answer)[0] == status
        good = await http.post(WHERE, content=wrapped(CLOSE), headers={"content-type": "text/xml"})
        assert good.status_code == 200
    assert len(asked.calls) == 1


async def test_other_methods_and_addresses_are_not_there() -> None:
    asked = Asked()
    async with client(asked) as http:
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
            assert (await http.request(method, WHERE, content=wrapped(CLOSE))).status_code == 404
        for path in (f"{CALLED}/../healthz/x", f"{CALLED}/QBD_0", f"{CALLED}/qbd_{'0' * 65}", f"{CALLED}/src_1"):
            assert (await http.post(path, content=wrapped(CLOSE), headers=headers("x"))).status_code == 404
            assert (await http.get(path)).status_code == 404
        shown = await http.get(WHERE)
        assert (shown.status_code, shown.headers["x-frame-options"]) == (200, "DENY")
        described = await http.get(f"{WHERE}?wsdl")
        names = [
            one.get("name")
            for one in ET.fromstring(described.content).iter("{http://schemas.xmlsoap.org/wsdl/}operation")
        ]
        assert names[: len(METHODS)] == list(METHODS)
        assert f'location="https://tidings.example{WHERE}"' in described.text
    assert asked.calls == []


@pytest.mark.parametrize(
    "error, status, code, words",
    [
        (TicketGoneError(), 400, "soap:Client", "the visit is over"),
        (UnavailableError("busy"), 503, "soap:Server", "try again"),
        (RuntimeError("secret of ours"), 503, "soap:Server", "reference err_"),
        (ValueError("secret of ours"), 503, "soap:Server", "reference err_"),
    ],
)
async def test_what_goes_wrong_behind_it_is_a_fault_without_its_cause(
    error: Exception, status: int, code: str, words: str
) -> None:
    async with client(Asked(error)) as http:
        found = fault(await http.post(WHERE, content=wrapped(CLOSE), headers=headers("closeConnection")))
        assert found[:2] == (status, code)
        assert words in found[2]
        assert "secret" not in found[2]


async def test_passwords_are_paced_for_everybody_together() -> None:
    asked = Asked()
    async with client(asked) as http:
        body = request("authenticate", {"strUserName": "u", "strPassword": "p"})
        seen = []
        for at in range(MOST_PASSWORDS + 2):
            seen.append((await http.post(WHERE, content=body, headers=headers("authenticate"))).status_code)
            assert at < MOST_PASSWORDS or seen[-1] == 429
        assert seen.count(200) == MOST_PASSWORDS
        other = await http.post(f"{CALLED}/qbd_1", content=body, headers=headers("authenticate"))
        assert other.status_code == 200
        closing = await http.post(WHERE, content=wrapped(CLOSE), headers=headers("closeConnection"))
        assert closing.status_code == 200
    assert Pace(OffsetClock(), 1).wait("x") == 0


class KnowsOne(Asked):
    """One is registered."""

    async def registered(self, registration_id: str) -> bool:
        return registration_id == "qbd_real"


class KnowsNone(Asked):
    """A twin for which all that call are one crowd."""

    async def registered(self, registration_id: str) -> bool:
        return registration_id == ""


@pytest.mark.parametrize("kind, loses", [(KnowsOne, False), (KnowsNone, True)])
async def test_whoever_tries_addresses_keeps_nobody_out(
    kind: type[Asked],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    body = request("authenticate", {"strUserName": "u", "strPassword": "p"})
    async with client(kind(), most_passwords_of_all=3) as http:

        async def tried(name: str) -> int:
            return (await http.post(f"{CALLED}/{name}", content=body, headers=headers("authenticate"))).status_code

        assert [await tried(f"qbd_{at}") for at in range(5)] == [200, 200, 200, 429, 429]
        assert await tried("qbd_real") == (429 if loses else 200)
        assert await tried("qbd_5") == 429


def test_no_bytes_make_the_reader_stumble() -> None:
    """A call with some bytes changed, cut out or doubled is a call, or refused: nothing else."""
    whole, chance, read = wrapped(CLOSE), random.Random(8), 0
    statuses: set[int] = set()
    for _ in range(2_000):
        spoilt = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(spoilt))
            spoilt[at : at + chance.randint(0, 3)] = bytes(
                chance.choices(b"<>&;'\"\x00\xff!?/: ", k=chance.randint(0, 3))
            )
        try:
            read += read_call(bytes(spoilt), "").method == "closeConnection"
        except SoapRefusedError as refused:
            statuses.add(refused.status)
    assert statuses == {400}
    assert 0 < read < 2_000


def test_answers_hold_any_text() -> None:
    nasty = "<![CDATA[&]]> \x00\x08\ud800 \N{LINE SEPARATOR}\U0001f600 \ufffe"
    for content_ in (soap.answer("getLastError", nasty), soap.answer("authenticate", [nasty, ""])):
        assert content_.isascii()
        assert "<![CDATA[&]]>" in "".join(ET.fromstring(content_).itertext())
    assert "\U0001f600" in "".join(ET.fromstring(soap.fault(nasty, ours=False)).itertext())


# The file, and who may have it.


async def test_the_file_says_what_a_web_connector_needs_and_no_password(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        await stage.registered()
        assert stage.handed is not None
        assert stage.handed.password is not None
        url = stage.handed.url.removeprefix("https://tidings.example")
        async with httpx.AsyncClient(base_url=stage.base) as http:
            answer = await http.get(url)
            assert answer.headers["content-disposition"].endswith('.qwc"')
            assert stage.handed.password.reveal() not in answer.text
            said = {one.tag: one.text or "" for one in ET.fromstring(answer.content).iter()}
            made = stage.handed.connector
            assert [one.tag for one in ET.fromstring(answer.content)] == [
                "AppName", "AppID", "AppURL", "AppDescription", "AppSupport", "UserName", "OwnerID", "FileID", "QBType",
                "Scheduler", "IsReadOnly",
            ]  # fmt: skip
            assert said["AppURL"] == said["AppSupport"] == f"https://tidings.example{CALLED}/{made.id}"
            assert (said["QBType"], said["RunEveryNMinutes"], said["IsReadOnly"]) == ("QBFS", "15", "false")
            assert (said["UserName"], said["OwnerID"]) == (made.user_name, f"{{{made.owner_id}}}")
            for spoilt in (url[:-1], url + "x", f"{url}&ticket=x", PATH, url.replace("mem_", "mem_x")):
                assert (await http.get(spoilt)).status_code == 410, spoilt
            stage.later(timedelta(minutes=15))
            assert (await http.get(url)).status_code == 410


async def test_a_link_is_good_while_its_person_is_an_admin(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        await stage.registered()
        assert stage.handed is not None
        ticket = stage.handed.url.partition("ticket=")[2]
        assert await stage.registering.file(ticket) is not None
        member = stage.actor().member
        assert member is not None

        def demoted(session: Any) -> None:
            session.get(MemberRow, member.id).role = Role.MANAGER.value

        stage.database.in_write(demoted)
        with pytest.raises(NotAllowedError):
            await stage.registering.file(ticket)
        # A link of another installation, or signed with another key, is none of ours.
        claim = Claim(stage.handed.connector.id, member.id, 9_999_999_999)
        for links in (
            QwcLinks([Secret("x" * 44)], "https://tidings.example"),
            QwcLinks([Secret("k" * 44)], "https://b"),
        ):
            assert await stage.registering.file(links.link(claim).partition("ticket=")[2]) is None


ASKED: dict[str, Callable[[Stage, str], Any]] = {
    "renew": lambda stage, one: stage.registering.renew(stage.actor(), one, stage.trigger()),
    "link": lambda stage, one: stage.registering.link(stage.actor(), one),
    "agree": lambda stage, one: stage.registering.agree(stage.actor(), one, stage.trigger()),
    "withdraw": lambda stage, one: stage.registering.withdraw(stage.actor(), one, stage.trigger()),
}


@pytest.mark.parametrize("name", ASKED)
async def test_somebody_elses_registration_reads_as_missing(sqlite_database: Database, name: str) -> None:
    async with staged(sqlite_database) as stage:
        await stage.registered()
        assert stage.handed is not None
        made = stage.handed.connector.id

        def moved(session: Any) -> None:
            ours = session.get(OrganizationRow, stage.handed.connector.organization_id)  # type: ignore[union-attr]
            session.add(OrganizationRow(**ours.model_dump() | {"id": "org_rival", "name": "Rival"}))
            session.flush()
            session.connection().exec_driver_sql("UPDATE web_connectors SET organization_id = 'org_rival'")

        stage.database.in_write(moved)
        for one in (made, "qbd_none"):
            with pytest.raises(NotFoundError):
                await ASKED[name](stage, one)
        assert await stage.registering.all(stage.actor()) == []


async def test_registering_happens_once_and_is_written_down(database: Database) -> None:
    async with staged(database) as stage:
        trigger = stage.trigger()
        stage.handed = await stage.registering.new(stage.actor(), trigger)
        made = stage.handed.connector
        with pytest.raises(TooLateError, match="done already"):
            await stage.registering.new(stage.actor(), trigger)
        with pytest.raises(TooLateError, match="registered already"):
            await stage.registering.new(stage.actor(), stage.trigger())
        with pytest.raises(TooLateError, match="no other company file"):
            await stage.registering.agree(stage.actor(), made.id, stage.trigger())
        for user in ("U0MAYA", "U0PRIYA"):
            for work in (stage.registering.all(stage.actor(user)), stage.registering.link(stage.actor(user), made.id)):
                with pytest.raises(NotAllowedError):
                    await work
        await stage.registering.withdraw(stage.actor(), made.id, stage.trigger())
        with pytest.raises(NotFoundError):
            await stage.registering.renew(stage.actor(), made.id, stage.trigger())
        entries = stage.database.in_read(lambda session: audit.newest(session, made.organization_id, 5))
        kept = [one.detail for one in entries if one.action == Action.MANAGE_DESKTOP]
        assert [one["what"] for one in kept] == ["withdrawn", "made"]


async def test_an_address_without_a_certificate_is_registered_nowhere(sqlite_database: Database) -> None:
    async with staged(sqlite_database, public_url="http://tidings.example") as stage:
        with pytest.raises(TooLateError, match="https addresses only"):
            await stage.registered()
    assert [may_be_called(one) for one in ("https://a.example", "http://localhost:8080", "http://127.0.0.1", "http://a",
                                           "ftp://localhost", "http://localhost.a.example")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_nothing_in_a_file_is_markup() -> None:
    odd = WebConnector("qbd_0", "org", "src", "mem", "<&>", "o", "f", OffsetClock().now())
    found = ET.fromstring(content(odd, "https://a.example/?x=<&>"))
    assert found.findtext("UserName") == "<&>"
