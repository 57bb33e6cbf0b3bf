"""Where QuickBooks Desktop's Web Connector calls: `/web-connector/<registration>`, and the file that tells it so.

It carries no cookie and no header of ours: a password, then a ticket. Whatever is no call of its ends in a fault.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot import soap
from bot.api import Pace
from bot.pages.edge import Told, in_words, told_of
from bot.pages.ticket import link_over, ticket_of
from bot.raw import Limits, Refused, read_body, single
from bot.soap import Call, SoapRefusedError
from jobs.errors import UnavailableError
from jobs.exchange.desktop.qwc import CALLED, PATH
from jobs.exchange.desktop.registering import QwcFile
from jobs.exchange.desktop.safe_xml import MOST_BYTES
from jobs.exchange.desktop.sessions import Asked, TicketGoneError
from storage.facts.clock import Clock
from storage.facts.ids import new_id
from storage.facts.secret import Secret

_ID = re.compile(r"qbd_[a-z0-9]{1,64}", re.ASCII)
_LIMITS = Limits(most_bytes=MOST_BYTES)
#: bytes of a body at an address that nobody has; a password takes some hundred
MOST_OF_STRANGERS = 10_000
_SMALL = Limits(most_bytes=MOST_OF_STRANGERS)
_DIGITS = 10
#: calls of one registration in a minute, by each process: a thousand orders are four thousand calls
MOST_A_MINUTE = 6_000
#: passwords in a minute, for one registration, and for all that there are none of: each costs the processor some 50 ms
MOST_PASSWORDS = 20
MOST_PASSWORDS_OF_ALL = 120
_LONGEST = 300
_LOOK = "ask for another one in Slack: /data exchange desktop."
_OVER = "the visit is over: begin a new one"

log = structlog.get_logger("bot.web_connector")


class Sessions(Protocol):
    """What a Web Connector calls."""

    async def authenticate(self, registration_id: str, user_name: str, password: Secret) -> tuple[str, ...]:
        """Return a ticket and whether there is work."""
        ...

    async def registered(self, registration_id: str) -> bool:
        """Whether anybody may call there."""
        ...

    async def send(self, registration_id: str, asked: Asked) -> str:
        """Return the next message."""
        ...

    async def receive(self, registration_id: str, ticket: str, response: str, hresult: str) -> int:
        """Take an answer."""
        ...

    async def connection_error(self, registration_id: str, ticket: str, hresult: str) -> str:
        """Take the news that QuickBooks cannot be reached."""
        ...

    async def last_error(self, registration_id: str, ticket: str) -> str:
        """Return what went wrong."""
        ...

    async def close(self, registration_id: str, ticket: str) -> str:
        """End a visit."""
        ...


class Files(Protocol):
    """The files that set a Web Connector up."""

    async def file(self, ticket: str) -> QwcFile | None:
        """Return the file of a link."""
        ...


class WebConnectorPages:
    """Answers Web Connectors, and hands over their files.

    `most_passwords_of_all`: passwords in a minute for all registrations that there are none of.
    """

    def __init__(
        self,
        sessions: Sessions,
        files: Files,
        clock: Clock,
        public_url: str,
        *,
        most_passwords_of_all: int = MOST_PASSWORDS_OF_ALL,
    ) -> None:
        self._sessions = sessions
        self._files = files
        self._public_url = public_url
        self._calls = Pace(clock, MOST_A_MINUTE)
        self._passwords = Pace(clock, MOST_PASSWORDS)
        self._all_passwords = Pace(clock, most_passwords_of_all)

    def routes(self) -> list[BaseRoute]:
        """Return the addresses."""
        where = f"{CALLED}/{{registration}}"
        return [
            Route(where, self._called, methods=["POST"]),
            Route(where, self._shown, methods=["GET"]),
            Route(PATH, in_words(self._file, _told), methods=["GET"]),
        ]

    async def _called(self, request: Request) -> Response:
        registration = request.path_params["registration"]
        try:
            call = await self._read(request, registration)
            return _xml(soap.answer(call.method, await self._answered(registration, call)))
        except Exception as error:  # noqa: BLE001 - the edge of the process: what is not known is logged below
            refused = _refusal(error)
            log.info("web_connector_call_refused", status=refused.status, reason=refused.words)
            return _xml(soap.fault(refused.words, ours=refused.ours), refused.status)

    async def _read(self, request: Request, registration: str) -> Call:
        if _ID.fullmatch(registration) is None:
            raise SoapRefusedError(404, "there is nothing at this address")
        if self._calls.wait(registration):
            raise SoapRefusedError(429, "too many calls in a minute: come back later")
        header = single(request.scope["headers"])
        if not soap.is_xml(header(b"content-type").decode("latin-1")) or header(b"content-encoding"):
            raise SoapRefusedError(415, "send text/xml in UTF-8, not packed")
        action, announced = header(b"soapaction").decode("latin-1"), header(b"content-length")
        size = int(announced) if announced.isdigit() and len(announced) < _DIGITS else None
        if size is not None and size <= MOST_OF_STRANGERS:
            body = await read_body(request.scope, request.receive, _SMALL, too_slow=408)
            return soap.read_call(body, action)
        if (size or 0) > MOST_BYTES or not await self.may_be_large(registration):
            raise SoapRefusedError(413, "it is too large")
        body = await read_body(request.scope, request.receive, _LIMITS, too_slow=408)
        # A quarter of a second of the processor, for the most that one may hold: not on the loop.
        return await asyncio.to_thread(soap.read_call, body, action)

    async def may_be_large(self, registration: str) -> bool:
        """Whether a long body is read there: who asks is known by what is in it, and nobody else needs one."""
        return await self._sessions.registered(registration)

    async def _answered(self, registration: str, call: Call) -> str | int | Sequence[str]:
        said, sessions = call.said, self._sessions
        if any(len(text) > _LONGEST for name, text in said.items() if name in _SHORT):
            raise SoapRefusedError(400, "an argument is too long")
        ticket = said.get("ticket", "")
        work: Mapping[str, Callable[[], Awaitable[str | int | Sequence[str]]]] = {
            "authenticate": lambda: self._authenticated(registration, said),
            "sendRequestXML": lambda: sessions.send(registration, _asked(said)),
            "receiveResponseXML": lambda: sessions.receive(registration, ticket, said["response"], said["hresult"]),
            "connectionError": lambda: sessions.connection_error(registration, ticket, said["hresult"]),
            "getLastError": lambda: sessions.last_error(registration, ticket),
            "closeConnection": lambda: sessions.close(registration, ticket),
        }
        if call.method in work:
            return await work[call.method]()
        # There is nothing to be done in a browser, and any version will do.
        return "Tidings" if call.method == "serverVersion" else ""

    async def _authenticated(self, registration: str, said: Mapping[str, str]) -> Sequence[str]:
        many = self._passwords.wait(registration) > 0
        if not many and self._all_passwords.wait(""):
            # Whoever tries addresses at random keeps nobody out who has one.
            many = not await self._sessions.registered(registration)
        if many:
            raise SoapRefusedError(429, "too many passwords in a minute: come back later")
        return await self._sessions.authenticate(registration, said["strUserName"], Secret(said["strPassword"]))

    async def _shown(self, request: Request) -> Response:
        """Say the same of every address, whether anybody is registered there or not."""
        registration = request.path_params["registration"]
        if _ID.fullmatch(registration) is None:
            return PlainTextResponse("not found", status_code=404)
        if request.url.query.casefold() == "wsdl":
            return _xml(soap.wsdl(f"{self._public_url}{CALLED}/{registration}"))
        return PlainTextResponse("QuickBooks Desktop's Web Connector calls here. For help, ask in Slack: /data help")

    async def _file(self, request: Request) -> Response:
        ticket = ticket_of(request)
        found = await self._files.file(ticket) if ticket is not None else None
        if found is None:
            return link_over(_LOOK)
        headers = {"content-disposition": f'attachment; filename="{found.name}"'}
        return Response(found.content, media_type="application/xml", headers=headers)


_SHORT = frozenset({"strUserName", "strPassword", "ticket", "hresult", "qbXMLCountry", "strVersion"})


def _asked(said: Mapping[str, str]) -> Asked:
    return Asked(
        said["ticket"],
        said["strHCPResponse"],
        said["strCompanyFileName"],
        said["qbXMLMajorVers"].strip(),
        said["qbXMLMinorVers"].strip(),
    )


def _refusal(error: Exception) -> SoapRefusedError:
    match error:
        case SoapRefusedError():
            return error
        case Refused():
            return SoapRefusedError(400 if error.status == 401 else error.status, f"the request is odd: {error.reason}")
        case TicketGoneError():
            return SoapRefusedError(400, _OVER)
        case UnavailableError():
            return SoapRefusedError(503, "try again in a moment", ours=True)
        case _:
            reference = new_id("err")
            log.error("web_connector_failed", reference=reference, exc_info=error)
            return SoapRefusedError(503, f"something went wrong on our side, reference {reference}", ours=True)


def _xml(content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type="text/xml; charset=utf-8")


def _told(error: Exception) -> Told:
    return told_of(error, _LOOK)
