"""First reads of large streams by a bulk operation: Shopify writes a file, which costs no points of the bucket.

The same `Intake` gets the same records as from pages. What changed since the operation began is then read by pages, so
the file need not be a set of one instant. Wherever a bulk operation is not to be had (not enabled for the app, another
one running, failed, canceled, a file that lacks lines) the pages are read instead: they always work.

An operation goes on when we die or have waited for it long enough: the next collection finds it by its query, which
says the period that it is for, and does not begin another. Nothing about it is stored here: Shopify's own list is.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

import msgspec
import structlog

from connectors.errors import Broken, Reconnect, Retry
from connectors.intake import Intake
from connectors.limits import tidy_wait
from connectors.past import ALWAYS, Span
from connectors.reads import BULK_RUN
from connectors.shopify.bulk_documents import BULK_RECENT, BULK_STATUS, Bulk
from connectors.shopify.bulk_file import BulkUnusable, Promised, Sorting, fetch, records
from connectors.shopify.connection import Root
from connectors.shopify.graph import Graph
from connectors.shopify.lists import Parts
from connectors.shopify.past import PAGED, period, within
from connectors.wire import HttpLimits
from storage.facts.secret import Secret

log = structlog.get_logger()
_Kind = TypeVar("_Kind")

#: Streams of fewer records are read by pages: an operation takes a while to begin.
BULK_FROM = 10_000
#: A finished operation of an earlier collection is used for so long; what changed since it began is read in any case.
REUSED = timedelta(hours=1)
#: So long an operation may take before the pages are read instead: this, and a second for so many records.
PATIENCE, PATIENCE_FOR = timedelta(minutes=30), 50
#: So long one collection waits for an operation; what else it reads is not held up by it any longer.
WAITS = timedelta(minutes=4)
_RECENT = 20
_FETCHES = 3
_LONGEST_PAUSE = 10.0
_DIGITS = 18
#: Records that are completed and decoded together.
_BATCH = 500
_UNDER_WAY = frozenset({"CREATED", "RUNNING"})


class Operation(msgspec.Struct, rename="camel"):
    """A bulk operation as Shopify tells it."""

    id: str
    status: str
    created_at: datetime
    query: str = ""
    error_code: str | None = None
    completed_at: datetime | None = None
    object_count: str = "0"
    root_object_count: str = "0"
    file_size: str | None = None
    url: str | None = None

    def __repr__(self) -> str:
        return f"Operation({self.status})"

    @property
    def promised(self) -> Promised | None:
        """Its file; None where it found nothing."""
        objects, roots = _number(self.object_count), _number(self.root_object_count)
        if not self.url:
            if objects:
                raise BulkUnusable("finished without a file")
            return None
        return Promised(Secret(self.url), objects, roots, _number(self.file_size or "0"))

    @property
    def under_way(self) -> bool:
        """Whether Shopify works on it."""
        return self.status in _UNDER_WAY

    def serves(self, now: datetime, since: datetime | None) -> bool:
        """Say whether it can be waited for or fetched, where nothing older than `since` will do."""
        if since is not None and self.created_at < since:
            return False
        done = self.status == "COMPLETED" and self.completed_at is not None and now - self.completed_at < REUSED
        return done or self.under_way


@dataclass(frozen=True, slots=True)
class BulkSettings:
    """What a bulk read is given about the connection."""

    #: the shop's own address: files on this machine are only taken from a shop on this machine
    home: str
    limits: HttpLimits
    #: streams of fewer records are read by pages
    least: int = BULK_FROM
    #: an operation that began before, by Shopify's clock, is not used: what is read again is read anew
    since: datetime | None = None


#: Code of an operation that is still under way.
PENDING = "bulk_pending"


class BulkReader:
    """Reads one root field by a bulk operation."""

    def __init__(self, graph: Graph, root: Root, bulk: Bulk, settings: BulkSettings) -> None:
        self._graph = graph
        self._root = root
        self._bulk = bulk
        self._settings = settings

    async def begun(self, end: date | None) -> Span | None:
        """Return the period with that end for which an earlier collection began an operation; None where none did."""
        try:
            spans = [self._span(one) for one in await self._ours()]
        except BulkUnusable:
            return None
        return next((span for span in spans if span is not None and span.end == end and span.start is not None), None)

    async def read(self, intake: Intake, span: Span = ALWAYS) -> datetime | None:
        """Read all of it, or a period, and return when the operation began; None where pages are to be read instead.

        Retry while Shopify is still writing its file after some minutes.
        """
        least = self._settings.least
        # Pages take longer for a period than an operation begins with.
        if (intake.expected or 0) < (least if span == ALWAYS else min(least, PAGED)):
            return None
        try:
            operation = await self._finished(await self._operation(span), intake)
            with ExitStack() as stack:
                await self._emit(await self._sorted(operation, stack), intake)
        except BulkUnusable as reason:
            log.info("bulk_not_used", stream=self._root.shape.name, reason=str(reason))
            return None
        log.info("bulk_read", stream=self._root.shape.name, records=intake.rows)
        return operation.created_at

    async def _ours(self) -> list[Operation]:
        """Return the operations of this root that can be waited for or fetched, the newest first."""
        now, since = self._graph.clock.now(), self._settings.since
        data = await self._asked("BulkRecent", BULK_RECENT, {"first": _RECENT})
        recent = _decoded(data, dict[str, dict[str, list[Operation]]])["bulkOperations"]["nodes"]
        ours = [one for one in recent if self._span(one) is not None and one.serves(now, since)]
        return sorted(ours, key=lambda one: one.created_at, reverse=True)

    def _span(self, operation: Operation) -> Span | None:
        terms = self._bulk.terms_of(operation.query)
        return None if terms is None else period(self._root.dated, terms)

    async def _operation(self, span: Span) -> str:
        """Return the operation to wait for: one that an earlier collection began, or a new one."""
        for one in await self._ours():
            if self._span(one) == span:
                return one.id
        query = self._bulk.within(within(self._root.dated, span))
        begun = _decoded(await self._asked("BulkRun", BULK_RUN, {"query": query}), _Run)
        if begun.bulk_operation_run_query.bulk_operation is None:
            codes = sorted({error.code or "" for error in begun.bulk_operation_run_query.user_errors})
            raise BulkUnusable(f"refused: {', '.join(codes)}")
        return begun.bulk_operation_run_query.bulk_operation.id

    async def _asked(self, name: str, document: str, variables: dict[str, object]) -> msgspec.Raw:
        try:
            return await self._graph.ask(name, document, variables)
        except Reconnect as refusal:
            if refusal.code != "scope_missing":
                raise
            raise BulkUnusable("not allowed for this app") from refusal

    async def _finished(self, key: str, intake: Intake) -> Operation:
        clock, pause = self._graph.clock, 0.5
        until, read = clock.now() + WAITS, intake.rows
        patience = PATIENCE + timedelta(seconds=(intake.expected or 0) // PATIENCE_FOR)
        while True:
            operation = await self._status(key)
            if operation.status == "COMPLETED":
                return operation
            if operation.status not in _UNDER_WAY:
                raise BulkUnusable(f"{operation.status} {operation.error_code or ''}".strip())
            if clock.now() - operation.created_at > patience:
                raise BulkUnusable("takes too long")
            intake.progress(intake.shape.name, read + _number(operation.root_object_count), intake.expected)
            if clock.now() > until:
                detail = f"Shopify is still writing down {intake.shape.label.lower()}; they follow by themselves"
                raise Retry(60, detail, code=PENDING)
            await clock.sleep(tidy_wait(pause))
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _status(self, key: str) -> Operation:
        found = _decoded(await self._asked("BulkStatus", BULK_STATUS, {"id": key}), dict[str, Operation | None])
        operation = found["bulkOperation"]
        if operation is None:
            raise BulkUnusable("gone")
        return operation

    async def _sorted(self, operation: Operation, stack: ExitStack) -> Sorting | None:
        """Fetch the file whole; a cut one is fetched again, and so is one whose link has ended."""
        for attempt in range(1, _FETCHES + 1):
            promised = operation.promised
            if promised is None:
                return None
            sorting = Sorting(promised, stack)
            try:
                await fetch(promised, sorting, home=self._settings.home, limits=self._settings.limits)
            except (Retry, BulkUnusable) as trouble:
                if attempt == _FETCHES:
                    raise BulkUnusable(f"the file did not come whole: {trouble}") from trouble
                await self._graph.clock.sleep(tidy_wait(float(attempt)))
                operation = await self._status(operation.id)
            else:
                return sorting
        raise BulkUnusable("the file did not come whole")

    async def _emit(self, sorting: Sorting | None, intake: Intake) -> None:
        for part in sorting.parts if sorting else ():
            waiting: list[Parts] = []
            for record in records(part, self._bulk):
                waiting.append(record)
                if len(waiting) == _BATCH:
                    await self._take(waiting, intake)
                    waiting = []
            await self._take(waiting, intake)

    async def _take(self, found: Sequence[Parts], intake: Intake) -> None:
        if self._root.beside is not None:
            await self._root.beside(self._graph, found)
        await intake.take([[msgspec.json.encode(record) for record in found]])


class _Begun(msgspec.Struct):
    id: str


class _Error(msgspec.Struct):
    code: str | None = None


class _Payload(msgspec.Struct, rename="camel"):
    user_errors: list[_Error]
    bulk_operation: _Begun | None = None


class _Run(msgspec.Struct, rename="camel"):
    bulk_operation_run_query: _Payload


def _number(said: str) -> int:
    """Read a count that Shopify tells as text."""
    if not (said.isascii() and said.isdecimal() and len(said) <= _DIGITS):
        raise BulkUnusable("told an unreadable number")
    return int(said)


def _decoded(data: msgspec.Raw, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise Broken("Shopify told a bulk operation in an unknown shape", code="page_unreadable") from error
