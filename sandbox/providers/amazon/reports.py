"""Amazon's reports: asked for, made after a while, kept as a document behind a signed link that ends."""

import base64
import gzip
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from storage.facts.clock import Clock

#: How long a span may be asked for, and for which types a longer one.
LONGEST = timedelta(days=31)
LONGER = {"GET_SALES_AND_TRAFFIC_REPORT": timedelta(days=731)}
_SAME_FOR = timedelta(minutes=30)
_LINK_LIVES = timedelta(minutes=5)
_STATES = ("IN_QUEUE", "IN_PROGRESS", "DONE", "CANCELLED", "FATAL")


class InvalidInputError(ValueError):
    """What was asked for cannot be; the text is Amazon's message."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What a report says: its text and how it is encoded."""

    text: str
    charset: str = "UTF-8"
    media_type: str = "text/plain"


#: Writes a report's paper: marketplaces, start, end, options; None: there is no data.
Writer = Callable[[tuple[str, ...], datetime, datetime, Mapping[str, str]], Paper | None]


@dataclass
class Made:
    """One report."""

    id: str
    type: str
    marketplaces: tuple[str, ...]
    start: datetime
    end: datetime
    options: Mapping[str, str]
    created: datetime
    #: how it will end, where that is not left to the data
    fate: str = ""
    #: the data, as soon as the report is made
    paper: Paper | None = None
    state: str = "IN_QUEUE"
    #: token of the link that was handed out last, and when it ends
    link: tuple[str, datetime] | None = None

    @property
    def document(self) -> str:
        """Amazon's name of the document."""
        return f"amzn1.spdoc.1.4.na.{self.id}"

    def told(self) -> dict[str, Any]:
        """Return what Amazon tells about it."""
        found: dict[str, Any] = {
            "reportId": self.id, "reportType": self.type, "marketplaceIds": list(self.marketplaces),
            "dataStartTime": self.start.isoformat(), "dataEndTime": self.end.isoformat(),
            "createdTime": self.created.isoformat(), "processingStatus": self.state,
        }  # fmt: skip
        if self.state != "IN_QUEUE" and self.fate != "CANCELLED":
            found["processingStartTime"] = self.created.isoformat()
        if self.state in {"DONE", "FATAL"}:
            found["reportDocumentId"] = self.document
        return found


@dataclass
class Desk:
    """The reports of one seller; every field may be changed while it runs."""

    clock: Clock
    #: report type -> who writes it; the ones that may be asked for
    writers: Mapping[str, Writer]
    #: seconds from the request until Amazon begins, and until the report is made
    queue_seconds: float = 0.0
    make_seconds: float = 0.0
    compressed: bool = True
    #: how the next reports of a type end whatever the data: FATAL, CANCELLED (before it began), EMPTY
    fates: dict[str, list[str]] = field(default_factory=dict)
    #: how the next downloads are spoiled: cut, html, charset, ragged
    spoils: list[str] = field(default_factory=list)
    made: dict[str, Made] = field(default_factory=dict)
    _number: int = 50039018869000

    def ask(self, said: Mapping[str, Any]) -> str:
        """Take a request for a report (InvalidInputError); returns its id."""
        kind, markets = said.get("reportType"), tuple(said.get("marketplaceIds") or ())
        if not isinstance(kind, str) or kind not in self.writers:
            raise InvalidInputError("Report type is invalid or may not be requested.")
        if not 0 < len(markets) <= 25:
            raise InvalidInputError("marketplaceIds must hold 1 to 25 marketplaces.")
        now = self.clock.now()
        start, end = _time(said.get("dataStartTime"), now), _time(said.get("dataEndTime"), now)
        if not timedelta(0) <= end - start <= LONGER.get(kind, LONGEST):
            raise InvalidInputError("dataStartTime and dataEndTime are invalid.")
        fate = next(iter(self.fates.get(kind, [])), "")
        if fate:
            self.fates[kind].pop(0)
        options = said.get("reportOptions") or {}
        same = (kind, markets, start, end, options)
        if any(
            (one.type, one.marketplaces, one.start, one.end, one.options) == same
            and one.state in {"IN_QUEUE", "IN_PROGRESS", "DONE"}
            and now - one.created < _SAME_FOR
            for one in self.made.values()
        ):
            fate = "CANCELLED"
        return self._put(Made(self._next(), kind, markets, start, end, options, now, fate))

    def file(
        self, kind: str, markets: tuple[str, ...], start: datetime, end: datetime, paper: Paper, created: datetime
    ) -> str:
        """Put a report there that nobody can ask for: Amazon makes it by itself."""
        return self._put(Made(self._next(), kind, markets, start, end, {}, created, "", paper, "DONE"))

    def look(self, report: str) -> Made:
        """Return a report as it is now (KeyError)."""
        one = self.made[report]
        if one.state in {"IN_QUEUE", "IN_PROGRESS"}:
            age = (self.clock.now() - one.created).total_seconds()
            if one.fate == "CANCELLED":
                one.state = "CANCELLED"
            elif age >= self.queue_seconds + self.make_seconds:
                self._make(one)
            elif age >= self.queue_seconds:
                one.state = "IN_PROGRESS"
        return one

    def listed(self, types: Iterable[str], states: Iterable[str], since: datetime) -> list[Made]:
        """Return the reports of some types and states, the newest first."""
        wanted, allowed = set(types), set(states) or set(_STATES)
        found = [self.look(one) for one in self.made]
        return [
            one for one in reversed(found)
            if one.type in wanted and one.state in allowed and one.created >= since
        ]  # fmt: skip

    def open(self, document: str, base: str) -> dict[str, str]:
        """Hand out a link to a document (KeyError)."""
        one = self._of(document)
        token = base64.b64encode(secrets.token_bytes(24)).decode() + "+/="
        one.link = (token, self.clock.now() + _LINK_LIVES)
        query = urlencode({"X-Amz-Expires": "300", "X-Amz-Credential": "AK/20261122/s3", "X-Amz-Signature": token})
        found = {"reportDocumentId": document, "url": f"{base}/_store/{document}?{query}"}
        return found | ({"compressionAlgorithm": "GZIP"} if self.compressed else {})

    def fetch(self, document: str, token: str) -> tuple[bytes, str] | None:
        """Return a document's bytes and content type; None for a link that is wrong or has ended."""
        one = self._of(document)
        if one.link is None or one.link[0] != token or self.clock.now() > one.link[1]:
            return None
        spoil = self.spoils.pop(0) if self.spoils and one.type in self.writers else ""
        paper = one.paper or Paper("The report failed for a reason that only Amazon knows.")
        text = paper.text
        if spoil == "ragged":
            head, *lines = text.split("\r\n")
            text = "\r\n".join([head, *("\t".join(line.split("\t")[:-3]) for line in lines[:1]), *lines[1:]])
        charset = "UTF-8" if spoil == "charset" or paper.charset.startswith("UTF-8") else paper.charset
        body = text.encode("cp1252" if spoil == "charset" else paper.charset, "replace")
        if spoil == "html":
            return b"<!DOCTYPE html><html><body>Be right back</body></html>", "text/html"
        if self.compressed:
            body = gzip.compress(body, mtime=0)
        if spoil == "cut":
            body = body[: len(body) * 2 // 3]
        return body, f"{paper.media_type};charset={charset}"

    def _make(self, one: Made) -> None:
        if one.fate == "FATAL":
            one.state = "FATAL"
            return
        one.paper = (
            None if one.fate == "EMPTY" else self.writers[one.type](one.marketplaces, one.start, one.end, one.options)
        )
        one.state = "DONE" if one.paper else "CANCELLED"

    def _of(self, document: str) -> Made:
        return self.made[document.rpartition(".")[2]]

    def _next(self) -> str:
        self._number += 1
        return str(self._number)

    def _put(self, one: Made) -> str:
        self.made[one.id] = one
        return one.id


def flat(columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> str | None:
    """Write a tab-separated file without any quoting; None when there is no row."""
    names = tuple(columns)
    lines = ["\t".join(row.get(name, "") for name in names) for row in rows]
    return "\r\n".join(["\t".join(names), *lines, ""]) if lines else None


def _time(said: Any, otherwise: datetime) -> datetime:
    if said is None:
        return otherwise
    try:
        found = datetime.fromisoformat(str(said))
    except ValueError as error:
        raise InvalidInputError("A time is invalid.") from error
    return found.replace(tzinfo=found.tzinfo or UTC)
