"""The life of a report: ask, wait, open, fetch. Nothing about it is stored here: Amazon's own list says what was asked.

A run that was stopped finds in that list what it asked for before and goes on waiting for it, so a report is made once.
CANCELLED means "there is no data" when Amazon had begun to work on it; when it had not, somebody or something cancelled
it, and no data is concluded from that. FATAL is a failure of Amazon's, which a later attempt may not have.
"""

import asyncio
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from connectors.amazon.calls import Calls, unreadable
from connectors.amazon.document import Text, text_of
from connectors.amazon.download import download
from connectors.backoff import pause
from connectors.base import ProviderSettings, Session
from connectors.errors import THROTTLED, Broken, Retry
from connectors.limits import tidy_wait
from connectors.wire import Answer
from storage.facts.secret import Secret

#: The operation that decides how long many reports take.
ASKED = "create report"
_PATH = "/reports/2021-06-30/reports"
#: A report that was asked for so recently serves another run; Amazon refuses to make the same one twice in this time.
REUSED_FOR = timedelta(minutes=30)
_OPEN = frozenset({"IN_QUEUE", "IN_PROGRESS"})
_FETCHES = 3
_PAGES = 50
T = TypeVar("T")


class Report(msgspec.Struct, rename="camel", frozen=True):
    """A report as Amazon describes it."""

    report_id: str
    report_type: str
    processing_status: str
    created_time: datetime
    marketplace_ids: tuple[str, ...] | None = None
    data_start_time: datetime | None = None
    data_end_time: datetime | None = None
    processing_start_time: datetime | None = None
    report_document_id: str | None = None

    @property
    def empty(self) -> bool:
        """Whether Amazon ended it because there is no data: it had begun to make it."""
        return self.processing_status == "CANCELLED" and self.processing_start_time is not None


class _Created(msgspec.Struct, rename="camel"):
    report_id: str


class _Listed(msgspec.Struct, rename="camel"):
    reports: list[Report]
    next_token: str | None = None


class _Document(msgspec.Struct, rename="camel"):
    report_document_id: str
    url: str
    compression_algorithm: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report that is needed."""

    type: str
    #: what people read: "Orders"
    label: str
    marketplaces: tuple[str, ...]
    start: datetime
    end: datetime
    options: Mapping[str, str] = field(default_factory=dict)
    #: the earliest end of data that will do; None: exactly `end`
    least_end: datetime | None = None
    #: a report made before this instant may lack changes that nothing else brings
    made_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long to wait between looks at a report, in seconds; the last one is repeated."""

    steps: tuple[float, ...] = (0.2, 1.0, 3.0, 5.0, 10.0, 15.0)
    #: all waiting of one collection; less than what makes a run look as if it hung
    patience: float = 480.0


class Reports:
    """Makes and fetches the reports of one collection."""

    def __init__(self, session: Session, calls: Calls, waiting: Waiting) -> None:
        self._session = session
        self._calls = calls
        self._waiting = waiting
        self._clock = session.access.clock
        self._ends = self._clock.now() + timedelta(seconds=waiting.patience)
        self._known: list[Report] = []

    async def look(self, types: Collection[str]) -> None:
        """Learn what was asked for of late."""
        since = self._clock.now() - REUSED_FOR
        found = await self.listed(types, since, statuses=("IN_QUEUE", "IN_PROGRESS", "DONE", "CANCELLED"))
        self._known = [report for report in found if report.processing_status != "CANCELLED" or report.empty]

    async def listed(self, types: Collection[str], since: datetime, *, statuses: Collection[str]) -> list[Report]:
        """List reports made since an instant, the newest first."""
        params = {
            "reportTypes": ",".join(types), "processingStatuses": ",".join(statuses), "pageSize": "100",
            "createdSince": written(since),
        }  # fmt: skip
        found: list[Report] = []
        asked: set[str] = set()
        while True:
            answer = await self._patient("list reports", _PATH, params)
            page = _read(answer, _Listed, "a list of reports")
            found += [report for report in page.reports if report.report_type in types]
            if not page.next_token:
                return sorted(found, key=lambda report: report.created_time, reverse=True)
            if page.next_token in asked or len(asked) > _PAGES:
                raise Broken("Amazon's list of reports does not end", code="paging_stuck")
            asked.add(page.next_token)
            params = {"nextToken": page.next_token}

    async def made(self, wanted: Wanted) -> Report:
        """Return a finished report; one that is `empty` has no document, since Amazon has no data for it."""
        for _ in range(2):
            report = await self._finished(self._reusable(wanted) or await self._create(wanted), wanted.label)
            if report.processing_status == "DONE":
                return report
            if report.processing_status == "FATAL":
                words = f"{wanted.label}: Amazon could not make its report; it is asked for again later"
                raise Retry(900, words, code="report_fatal")
            if report in self._known:
                return report
            twin = await self._twin(wanted, report)
            if twin is not None:
                self._known.append(twin)
            elif report.empty:
                return report
        words = f"{wanted.label}: Amazon cancelled its report before it began to make it"
        raise Retry(REUSED_FOR.total_seconds(), words, code="report_cancelled")

    async def read(self, report: Report, label: str) -> Text:
        """Fetch a finished report's text, which is to be closed; its link is asked for again when it has ended."""
        if not report.report_document_id:
            raise Broken(f"{label}: Amazon finished a report without a document", code="page_unreadable")
        for attempt in range(1, _FETCHES + 1):
            path = f"/reports/2021-06-30/documents/{report.report_document_id}"
            document = _read(await self._patient("open document", path), _Document, "a report's document")
            try:
                return await self._fetched(document)
            except Retry as problem:
                if attempt == _FETCHES or problem.code != "document_expired":
                    raise
        raise Retry(60, f"{label}: the report could not be fetched", code="document_expired")

    async def _fetched(self, document: _Document) -> Text:
        settings = self._session.access.settings.at(self._session.access.region)
        for attempt in range(1, settings.limits.attempts + 1):
            try:
                return await self._opened(document, settings)
            except Retry as problem:
                if attempt == settings.limits.attempts or problem.code == "document_expired":
                    raise
                await self._clock.sleep(tidy_wait(pause(attempt)))
        raise Retry(60, "a report could not be fetched", code="unavailable")

    async def _opened(self, document: _Document, settings: ProviderSettings) -> Text:
        japanese = self._session.access.region == "fe"
        with tempfile.TemporaryFile() as packed:
            answer = await download(Secret(document.url), packed, home=settings.api_url, limits=settings.limits)
            kind = answer.headers.get("content-type", "")
            return await asyncio.to_thread(text_of, packed, document.compression_algorithm, kind, japanese=japanese)

    def _reusable(self, wanted: Wanted) -> Report | None:
        return next((report for report in self._known if _serves(report, wanted)), None)

    async def _create(self, wanted: Wanted) -> Report:
        body: dict[str, object] = {
            "reportType": wanted.type, "marketplaceIds": list(wanted.marketplaces),
            "dataStartTime": written(wanted.start), "dataEndTime": written(wanted.end),
        }  # fmt: skip
        if wanted.options:
            body["reportOptions"] = dict(wanted.options)
        answer = await self._patient(ASKED, _PATH, body=body)
        made = _read(answer, _Created, "a new report").report_id
        return Report(
            made, wanted.type, "IN_QUEUE", self._clock.now(), wanted.marketplaces, wanted.start, wanted.end
        )  # fmt: skip

    async def _finished(self, report: Report, label: str) -> Report:
        """Look until the report is finished; Retry when that takes longer than a run should stand still."""
        looks = 0
        while report.processing_status in _OPEN:
            step = self._waiting.steps[min(looks, len(self._waiting.steps) - 1)]
            if self._clock.now() + timedelta(seconds=step) > self._ends:
                raise Retry(60, f"{label}: Amazon is still making its report", code="report_pending")
            await self._clock.sleep(step)
            looks += 1
            found = _read(await self._patient("look at report", f"{_PATH}/{report.report_id}"), Report, "a report")
            if found.report_id != report.report_id or found.report_type != report.report_type:
                raise Broken(f"{label}: Amazon described another report than was asked for", code="page_unreadable")
            report = found
        if report.processing_status not in {"DONE", "CANCELLED", "FATAL"}:
            raise Broken(f"{label}: its report is in a state that is not known", code="page_unreadable")
        return report

    async def _twin(self, wanted: Wanted, cancelled: Report) -> Report | None:
        """Find the report because of which Amazon cancelled ours: the same one, asked for a moment before."""
        since = self._clock.now() - REUSED_FOR
        found = await self.listed((wanted.type,), since, statuses=("IN_QUEUE", "IN_PROGRESS", "DONE"))
        others = (report for report in found if report.report_id != cancelled.report_id)
        return next((report for report in others if _serves(report, wanted)), None)

    async def _patient(
        self, operation: str, path: str, params: Mapping[str, str] | None = None, *, body: object = None
    ) -> Answer:
        """Send, and wait for the operation's bucket as long as this collection may wait."""
        while True:
            try:
                return await self._calls.send(operation, path, params, body=body)
            except Retry as problem:
                after = problem.after or 0.0
                if problem.code != THROTTLED or self._clock.now() + timedelta(seconds=after) > self._ends or not after:
                    raise
                await self._clock.sleep(tidy_wait(after))


def _serves(report: Report, wanted: Wanted) -> bool:
    """Say whether a report holds what is wanted."""
    start, end = report.data_start_time, report.data_end_time
    if report.report_type != wanted.type or start is None or end is None:
        return False
    if set(report.marketplace_ids or ()) != set(wanted.marketplaces) or start > wanted.start:
        return False
    if wanted.made_since is not None and report.created_time < wanted.made_since:
        return False
    return (wanted.least_end or wanted.end) <= end <= wanted.end


def _read(answer: Answer, shape: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except msgspec.MsgspecError as error:
        raise unreadable(what, answer) from error


def written(moment: datetime) -> str:
    """Return an instant as Amazon wants it: whole seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
