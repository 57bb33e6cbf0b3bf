"""The NetSuite connector: files of saved searches that are delivered to a folder or a bucket, or mailed."""

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from connectors.apart import Aside, alone, refuse_nothing
from connectors.base import Access, Collected, Company, Progress, Session, Sink
from connectors.errors import Broken, ConnectorError, Retry
from connectors.files.session import FileSession, opened
from connectors.files.store import FolderStore, Found, Store
from connectors.files.wrong import FileError, file_broken
from connectors.intake import Intake
from connectors.netsuite.choose import Dated, dated, standing
from connectors.netsuite.feeds import Feed, Grant, read_grant
from connectors.netsuite.ledger import Kept, Ledger, is_seen, read_ledger
from connectors.netsuite.looking import Looked, look
from connectors.netsuite.mailbox import mailbox
from connectors.netsuite.reading import FeedReader
from connectors.netsuite.records import check_columns, prefix_of
from connectors.netsuite.shapes import FILES, FILLED
from connectors.netsuite.tables import READY
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import Stream


class NetSuiteSession(FileSession[Grant]):
    """An open place of delivery."""

    @property
    def grant(self) -> Grant:
        """What is declared of it."""
        return self.declared


class NetSuiteConnector:
    """Delivered to us: the clock looks whether new files have come."""

    provider = Provider.NETSUITE
    mode = CollectMode.PUSH
    label = "NetSuite"
    streams: tuple[Stream, ...] = (*(shape.stream for shape in FILLED.values()), FILES.stream)
    ready: tuple[ReadyTable, ...] = READY
    #: reads the files of one feed
    reader = FeedReader

    def session(self, access: Access) -> contextlib.AbstractAsyncContextManager[Session]:
        """Read the declaration; nothing is looked at yet."""
        return _session(access)

    async def probe(self, session: Session) -> Company:
        """Look whether the folder can be read."""
        place = opened(session, Grant)
        await place.store.look()
        return Company(place.access.account, place.declared.company or place.access.account)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read the files that came since; a feed that cannot be read is put aside, and as-of is that of the others."""
        place = opened(session, Grant)
        access, feeds = place.access, place.declared.feeds
        ledger = read_ledger(cursors.get(FILES.name))
        found = await look(place.store, place.declared, ledger, access.clock.now())
        intakes = {name: Intake(shape, sink, progress) for name, shape in FILLED.items()}
        turn = _Turn(self.reader, found, ledger, access, intakes, remade=_undeclared(feeds, ledger))
        wanted = [feed for feed in feeds if access.wants(part_of(feed))]
        aside = [one for feed in wanted if (one := await turn.read(feed)) is not None]
        lost = {name for one in aside for name in one.streams}
        good = [feed for feed in wanted if part_of(feed) not in lost]
        reached = [newest for feed in good if (newest := ledger.of(feed).newest) is not None]
        refuse_nothing(reached, aside, access.only)
        if not reached and not aside and not access.only:
            raise Broken("no file has come yet for any feed", code="nothing_delivered")
        await turn.forget()
        for name in _undeclared(feeds, ledger):
            del ledger.feeds[name]
        await Intake(FILES, sink, progress).take([found.listed])
        if ledger.waiting:
            found.notes.append(f"{len(ledger.waiting)} files are not read yet: they may still grow")
        return Collected(
            source_as_of=min([until, *reached]),
            cursors={FILES.name: str(ledger)},
            reads=0,
            keep_cursors=(FILES.name,),
            notes=tuple(dict.fromkeys(found.notes)),
            aside=tuple(aside),
            unknown={name: tuple(sorted(labels)) for name, labels in turn.unknown.items() if labels},
            parts={part_of(feed): label_of(feed) for feed in feeds},
        )


@dataclass
class _Turn:
    """Takes one feed after the other."""

    reader: type[FeedReader]
    found: Looked
    ledger: Ledger
    access: Access
    intakes: Mapping[str, Intake]
    #: feeds whose keys were made by a declaration that no longer holds -> the keys that they have now
    remade: dict[str, set[str]]
    #: stream -> columns that are new
    unknown: dict[str, set[str]] = field(default_factory=dict)

    async def read(self, feed: Feed) -> Aside | None:
        """Read one feed; return what stands against it when that is its own."""
        ledger, before = self.ledger, self.ledger.feeds.get(feed.name)
        read = await alone((part_of(feed),), self._read(feed))
        if not isinstance(read, Aside):
            return None
        if before is not None and ledger.of(feed).newest is None:
            # What was read by an earlier declaration is still what is held.
            ledger.feeds[feed.name] = before
        kept = ledger.feeds.get(feed.name)
        return replace(read, label=label_of(feed), whole=False, as_of=kept.newest if kept else None)

    async def _read(self, feed: Feed) -> None:
        found, ledger, now = self.found, self.ledger, self.access.clock.now()
        if (spoilt := found.stops(feed)) is not None:
            raise spoilt
        kept = ledger.of(feed)
        still = standing(feed, found.files[feed.name], found.there, kept, ledger, now)
        reader = self.reader(feed, found.store, self.access.held, kept, self.intakes[feed.into], found.there)
        with contextlib.closing(reader):
            try:
                await reader.take(_dated(feed, still, kept, now))
            except ConnectorError as error:
                if reader.handing:
                    # Some of it is on its way already, beside that of other feeds.
                    raise Broken(error.detail, code="handing_failed") from error
                raise
            finally:
                found.listed += reader.listed
        found.notes += reader.notes
        self.unknown.setdefault(feed.into, set()).update(reader.unknown)
        if reader.anew and kept.newest is not None:
            self.remade[feed.name] = reader.wrote
        if kept.newest is None and not feed.optional:
            raise _nothing(feed, ledger, found)

    async def forget(self) -> None:
        """Take away what was read by a declaration that no longer holds: it would stand beside the new rows."""
        for name, intake in self.intakes.items():
            if self.remade and await self.access.held.count(name):
                await _forget(intake, await self.access.held.keys(name), self.remade)


@contextlib.asynccontextmanager
async def _session(access: Access) -> AsyncIterator[Session]:
    grant = read_grant((await access.tokens.load()).access)
    for feed in grant.feeds:
        check_columns(feed)
    async with contextlib.AsyncExitStack() as stack:
        yield NetSuiteSession(access, await _store(access, grant, stack), grant)


async def _store(access: Access, grant: Grant, stack: contextlib.AsyncExitStack) -> Store:
    if grant.store == "folder":
        return FolderStore(access.settings.api_url, access.organization, grant.prefix)
    if grant.store == "imap":
        return await stack.enter_async_context(mailbox(grant, access.settings, access.clock))
    from connectors.netsuite.bucket import bucket_store

    return bucket_store(grant, access.settings.endpoints)


def _dated(feed: Feed, files: list[Found], kept: Kept, now: datetime) -> list[Dated]:
    """Return the files with the instants of their data, which is never after we first read it, whatever they say.

    A file of the day after tomorrow would else make its source look fresh until then, and each real one come late.
    """
    found = []
    for one in files:
        told = dated(feed, one)
        if told is None:
            raise file_broken(one.path, FileError("tells no date in its name, as its feed declares"))
        latest = kept.files[one.path].as_of if is_seen(kept, one) else now
        found.append(Dated(one, min(told.as_of, latest)))
    return found


async def _forget(intake: Intake, held: Collection[str], remade: Mapping[str, set[str]]) -> None:
    """Take away what was read by a declaration that no longer holds: it would stand beside the new rows."""
    gone = {
        key for name, wrote in remade.items() for key in held if key.startswith(prefix_of(name)) and key not in wrote
    }
    await intake.drop(gone)


def part_of(feed: Feed) -> str:
    """Return the name by which a feed is read alone: feeds share streams, so that no stream's name would do."""
    return f"feed {feed.name}"


def label_of(feed: Feed) -> str:
    """Return what people read."""
    return f"Files of {feed.name}"


def _undeclared(feeds: Collection[Feed], ledger: Ledger) -> dict[str, set[str]]:
    return {name: set() for name in ledger.feeds.keys() - {feed.name for feed in feeds}}


def _nothing(feed: Feed, ledger: Ledger, found: Looked) -> ConnectorError:
    """Say why a feed has reached no instant: it never delivered."""
    others = {one.path for name, files in found.files.items() if name != feed.name for one in files}
    if ledger.waiting.keys() - others:
        return Retry(60, "the first files are not read yet: they may still grow", code="file_growing")
    words = f"no file has come yet for {feed.name}"
    if found.against:
        return Broken(f"{words}, and mails were put aside: {', '.join(found.against)}", code="mails_put_aside")
    return Broken(words, code="nothing_delivered")
