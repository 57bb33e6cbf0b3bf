"""The NetSuite connector: files of saved searches that are delivered to a folder or a bucket, or mailed."""

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime

from connectors.base import Access, Collected, Company, Progress, Session, Sink
from connectors.errors import Broken, Retry
from connectors.files.session import FileSession
from connectors.files.store import FolderStore, Found, Store
from connectors.files.wrong import FileError, file_broken
from connectors.intake import Intake
from connectors.netsuite.choose import Dated, dated, standing
from connectors.netsuite.feeds import Feed, Grant, read_grant
from connectors.netsuite.ledger import Ledger, read_ledger
from connectors.netsuite.looking import look
from connectors.netsuite.mailbox import mailbox
from connectors.netsuite.reading import FeedReader
from connectors.netsuite.records import check_columns, prefix_of
from connectors.netsuite.shapes import FILES, FILLED
from connectors.netsuite.tables import READY
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import Stream


class NetSuiteSession(FileSession):
    """An open place of delivery, and what its files are."""

    grant: Grant

    def __init__(self, access: Access, store: Store, grant: Grant) -> None:
        super().__init__(access, store)
        object.__setattr__(self, "grant", grant)


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
        opened = _opened(session)
        await opened.store.look()
        return Company(opened.access.account, opened.grant.company or opened.access.account)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read the files that came since; as-of is that of the feed whose newest file is oldest."""
        opened = _opened(session)
        held, feeds = opened.access.held, opened.grant.feeds
        ledger = read_ledger(cursors.get(FILES.name))
        found = await look(opened.store, opened.grant, ledger, opened.access.clock.now())
        there, listed, notes = found.there, found.listed, found.notes
        intakes = {name: Intake(shape, sink, progress) for name, shape in FILLED.items()}
        #: feeds whose keys were made by a declaration that no longer holds -> the keys that they have now
        remade: dict[str, set[str]] = {name: set() for name in ledger.feeds.keys() - {feed.name for feed in feeds}}
        for feed in feeds:
            kept = ledger.of(feed)
            still = standing(feed, found.files[feed.name], there, kept, ledger, opened.access.clock.now())
            reader = self.reader(feed, found.store, held, kept, intakes[feed.into], listed, there, notes)
            await reader.take(_dated(feed, still))
            if reader.anew and kept.newest is not None:
                remade[feed.name] = reader.wrote
        as_of = _as_of(feeds, ledger, found.against)
        for name, intake in intakes.items():
            if remade and await held.count(name):
                await _forget(intake, await held.keys(name), remade)
        for name in remade.keys() - {feed.name for feed in feeds}:
            del ledger.feeds[name]
        await Intake(FILES, sink, progress).take([listed])
        if ledger.waiting:
            notes.append(f"{len(ledger.waiting)} files are not read yet: they may still grow")
        return Collected(
            source_as_of=min(as_of, until),
            cursors={FILES.name: str(ledger)},
            reads=0,
            keep_cursors=(FILES.name,),
            notes=tuple(dict.fromkeys(notes)),
        )


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


def _opened(session: Session) -> NetSuiteSession:
    if not isinstance(session, NetSuiteSession):
        raise TypeError("a session of another connector")
    return session


def _dated(feed: Feed, files: list[Found]) -> list[Dated]:
    found = []
    for one in files:
        told = dated(feed, one)
        if told is None:
            raise file_broken(one.path, FileError("tells no date in its name, as its feed declares"))
        found.append(told)
    return found


async def _forget(intake: Intake, held: Collection[str], remade: Mapping[str, set[str]]) -> None:
    """Take away what was read by a declaration that no longer holds: it would stand beside the new rows."""
    gone = {
        key for name, wrote in remade.items() for key in held if key.startswith(prefix_of(name)) and key not in wrote
    }
    await intake.drop(gone)


def _as_of(feeds: tuple[Feed, ...], ledger: Ledger, against: tuple[str, ...]) -> datetime:
    """Return the instant that every feed has reached; a feed that never delivered has reached none."""
    known = {feed.name: ledger.of(feed).newest for feed in feeds}
    missing = [feed.name for feed in feeds if known[feed.name] is None and not feed.optional]
    reached = [newest for newest in known.values() if newest is not None]
    if reached and not missing:
        return min(reached)
    if ledger.waiting:
        raise Retry(60, "the first files are not read yet: they may still grow", code="file_growing")
    words = f"no file has come yet for {', '.join(missing) or 'any feed'}"
    if against:
        raise Broken(f"{words}, and mails were put aside: {', '.join(against)}", code="mails_put_aside")
    raise Broken(words, code="nothing_delivered")
