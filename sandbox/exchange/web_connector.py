"""A stand-in for the Web Connector: calls over a real socket, in the order of the real one, and fails by script."""

import ssl
from collections import Counter
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import httpx

from sandbox.exchange.desktop import Desktop, UnreadableError

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "http://developer.intuit.com/"
_UNREADABLE = "0x80040400"


class DiedError(Exception):
    """The machine that it runs on went off; it says nothing more."""


class FaultError(Exception):
    """The other side answered with a SOAP fault."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(f"{status} {code}: {words}")
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class Cut:
    """It dies at the nth call of a method: before it is sent, or after it was answered and before it heard that."""

    method: str
    nth: int = 1
    #: "before" or "after"
    when: str = "before"


@dataclass
class Visit:
    """What one visit came to."""

    #: no_user, no_work, done, failed, died or fault
    ended: str = ""
    percents: list[int] = field(default_factory=list)
    #: what it showed to whoever sits before it
    shown: str = ""
    calls: list[str] = field(default_factory=list)
    #: seconds after which it was told to come again
    postponed: int = 0


class WebConnector:
    """One Web Connector on one machine."""

    def __init__(self, url: str, user: str, password: str, desktop: Desktop) -> None:
        self.url = url
        self.user = user
        self.password = password
        self.desktop = desktop
        self.ticket = ""

    async def run(self, *cuts: Cut, hresult: str = "") -> Visit:
        """Visit once; with `hresult` QuickBooks cannot be worked with."""
        async with _client() as http:
            visit = _Visiting(self, http, cuts, hresult)
            try:
                await visit.whole()
            except DiedError:
                visit.visit.ended = "died"
            except FaultError as error:
                visit.visit.ended, visit.visit.shown = "fault", error.words
            return visit.visit

    async def call(self, method: str, **said: str) -> list[str]:
        """Call one method by itself; FaultError for a fault."""
        async with _client() as http:
            return await called(http, self.url, method, said)


def _client() -> httpx.AsyncClient:
    # Nothing here is encrypted: the certificates of the system need not be read for each visit.
    return httpx.AsyncClient(timeout=60, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


class _Visiting:
    def __init__(self, connector: WebConnector, http: httpx.AsyncClient, cuts: tuple[Cut, ...], hresult: str) -> None:
        self._connector = connector
        self._http = http
        self._cuts = cuts
        self._hresult = hresult
        self._counts: Counter[str] = Counter()
        self.visit = Visit()

    async def whole(self) -> None:
        await self._call("serverVersion")
        await self._call("clientVersion", strVersion="2.3.0.207")
        user, password = self._connector.user, self._connector.password
        ticket, said, *more = await self._call("authenticate", strUserName=user, strPassword=password)
        self._connector.ticket = ticket
        self.visit.postponed = int(more[0]) if more else 0
        if said in ("nvu", "none"):
            self.visit.ended = "no_user" if said == "nvu" else "no_work"
            return
        if self._hresult:
            await self._call("connectionError", ticket=ticket, hresult=self._hresult, message="")
            await self._last_error(ticket)
        else:
            await self._exchange(ticket)
        goodbye = (await self._call("closeConnection", ticket=ticket))[0]
        self.visit.shown = self.visit.shown or goodbye

    async def _exchange(self, ticket: str) -> None:
        first = self._connector.desktop.host_answer
        while True:
            message = (await self._call("sendRequestXML", **self._asked(ticket, first)))[0]
            first = ""
            if not message:
                await self._last_error(ticket, "done" if self.visit.percents else "failed")
                return
            answer, hresult = self._processed(message)
            told = await self._call("receiveResponseXML", ticket=ticket, response=answer, hresult=hresult, message="")
            self.visit.percents.append(int(told[0]))
            if int(told[0]) < 0:
                await self._last_error(ticket)
                return
            if int(told[0]) == 100:
                self.visit.ended = "done"
                return

    def _asked(self, ticket: str, host_answer: str) -> dict[str, str]:
        desktop = self._connector.desktop
        return {
            "ticket": ticket,
            "strHCPResponse": host_answer,
            "strCompanyFileName": desktop.company_file,
            "qbXMLCountry": "US",
            "qbXMLMajorVers": str(desktop.version[0]),
            "qbXMLMinorVers": str(desktop.version[1]),
        }

    def _processed(self, message: str) -> tuple[str, str]:
        try:
            return self._connector.desktop.process(message), ""
        except UnreadableError:
            return "", _UNREADABLE

    async def _last_error(self, ticket: str, ended: str = "failed") -> None:
        said = (await self._call("getLastError", ticket=ticket))[0]
        self.visit.ended = ended
        self.visit.shown = said

    async def _call(self, method: str, **said: str) -> list[str]:
        self._counts[method] += 1
        here = [cut.when for cut in self._cuts if (cut.method, cut.nth) == (method, self._counts[method])]
        if "before" in here:
            raise DiedError
        self.visit.calls.append(method)
        told = await called(self._http, self._connector.url, method, said)
        if "after" in here:
            raise DiedError
        return told


async def called(http: httpx.AsyncClient, url: str, method: str, said: dict[str, str]) -> list[str]:
    """Call a method and return the texts of its answer; FaultError for a fault."""
    answer = await http.post(url, content=request(method, said), headers=headers(method))
    if answer.headers["content-type"] != "text/xml; charset=utf-8":
        raise FaultError(answer.status_code, "", answer.text)
    body = ET.fromstring(answer.text).find(f"{{{ENVELOPE}}}Body")  # noqa: S314 - what our own product answers
    assert body is not None
    fault = body.find(f"{{{ENVELOPE}}}Fault")
    if fault is not None:
        raise FaultError(answer.status_code, fault.findtext("faultcode", ""), fault.findtext("faultstring", ""))
    result = body.find(f"{{{NAMESPACE}}}{method}Response/{{{NAMESPACE}}}{method}Result")
    assert result is not None
    return [one.text or "" for one in result] if len(result) else [result.text or ""]


def request(method: str, said: dict[str, str]) -> bytes:
    """Return a call as the Web Connector writes it."""
    arguments = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in said.items())
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{ENVELOPE}" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
        f'<{method} xmlns="{NAMESPACE}">{arguments}</{method}></soap:Body></soap:Envelope>'
    ).encode()


def headers(method: str) -> dict[str, str]:
    """Return the headers of a call."""
    return {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{NAMESPACE}{method}"'}
