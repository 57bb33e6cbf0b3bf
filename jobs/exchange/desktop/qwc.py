"""The file that an admin opens with the Web Connector, and the link to it: signed, for one person, for 15 minutes.

The file holds no password: that is shown once in Slack, and typed into the Web Connector.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from jobs.exchange.desktop.xml_out import leaf, node
from jobs.signing import Signing
from storage.facts.secret import Secret
from storage.facts.web_connector import WebConnector

#: Where the files are, and where the Web Connector calls.
PATH = "/files/web-connector"
CALLED = "/web-connector"
VALID = timedelta(minutes=15)
#: How often it calls by itself.
EVERY_MINUTES = 15
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_NAME = "Tidings"
_TICKET = re.compile(
    r"(?P<registration>qbd_[a-z0-9]{1,64})\.(?P<member>mem_[a-z0-9_]{1,64})\.(?P<until>[0-9]{10})"
    r"\.(?P<mark>[A-Za-z0-9_-]{43})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link says of itself; nothing of it is true before `QwcLinks.made` says so."""

    registration_id: str
    member_id: str
    until: int
    mark: str = ""


class QwcLinks:
    """Makes and checks links. Keys are those of SECRET_KEYS: links from before a rotation still count."""

    def __init__(self, keys: Sequence[Secret], public_url: str) -> None:
        self._signing = Signing("web connector", keys)
        self.public_url = public_url

    def link(self, claim: Claim) -> str:
        """Return the address of a file."""
        said = f"{claim.registration_id}.{claim.member_id}.{claim.until}"
        return f"{self.public_url}{PATH}?ticket={said}.{self._signing.mark(*self._parts(claim))}"

    def made(self, claim: Claim, now: datetime) -> bool:
        """Whether the link was made here for that registration and person, and is young enough."""
        return self._signing.made(claim.mark, *self._parts(claim)) and now.timestamp() < claim.until

    def _parts(self, claim: Claim) -> tuple[str, ...]:
        return self.public_url, claim.registration_id, claim.member_id, str(claim.until)


def read_ticket(text: str) -> Claim | None:
    """Return what a link claims; None for what no link of ours says."""
    found = _TICKET.fullmatch(text)
    return Claim(found["registration"], found["member"], int(found["until"]), found["mark"]) if found else None


def may_be_called(public_url: str) -> bool:
    """Whether a Web Connector calls such an address: it insists on https, but for its own machine."""
    parts = urlsplit(public_url)
    return parts.scheme == "https" or (parts.scheme == "http" and (parts.hostname or "") in _LOCAL)


def content(registration: WebConnector, public_url: str) -> bytes:
    """Return the file."""
    address = f"{public_url}{CALLED}/{registration.id}"
    inside = (
        leaf("AppName", _NAME),
        leaf("AppID", ""),
        leaf("AppURL", address),
        leaf("AppDescription", "Sales orders from PocketAdvantage"),
        # It must be of the same host as the address above.
        leaf("AppSupport", address),
        leaf("UserName", registration.user_name),
        leaf("OwnerID", f"{{{registration.owner_id}}}"),
        leaf("FileID", f"{{{registration.file_id}}}"),
        leaf("QBType", "QBFS"),
        node("Scheduler", leaf("RunEveryNMinutes", str(EVERY_MINUTES))),
        leaf("IsReadOnly", "false"),
    )
    return f'<?xml version="1.0"?>\n{node("QBWCXML", "".join(inside))}\n'.encode("ascii")
