"""What lies there now: files as they are, or the files that mails brought."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from connectors.errors import Broken
from connectors.files.store import Found, Store
from connectors.mailed.inbox import Inbox, Mail, Opened
from connectors.netsuite.choose import by_feed, stands
from connectors.netsuite.feeds import Feed, Grant
from connectors.netsuite.ledger import Ledger


@dataclass
class Looked:
    """What one look found."""

    #: where the files are read from
    store: Store
    #: every file, by path
    there: dict[str, Found]
    #: the files of each feed
    files: dict[str, list[Found]]
    #: records of mails that were put aside
    listed: list[bytes] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: why mails were put aside, for whoever waits for the first files
    against: tuple[str, ...] = ()
    #: subjects of mails that cannot be read, and what is said about them
    spoilt: list[tuple[str, Broken]] = field(default_factory=list)

    def stops(self, feed: Feed) -> Broken | None:
        """Return what stands against reading a feed: a mail that may have brought a file of its and cannot be read."""
        of_feed = feed.subject_matcher()
        return next((error for subject, error in self.spoilt if of_feed.match(subject)), None)


async def look(store: Store, grant: Grant, ledger: Ledger, now: datetime) -> Looked:
    """Look, and forget what waited and is no longer there."""
    inbox = _inbox(store, grant, ledger, now)
    place: Store = inbox or store
    there = {one.path: one for one in await place.look()}
    files = by_feed(grant.feeds, there.values())
    wanted = {one.path for of_feed in files.values() for one in of_feed} | (inbox.growing if inbox else set())
    ledger.waiting = {path: one for path, one in ledger.waiting.items() if path in wanted}
    found = Looked(place, there, files)
    if inbox:
        aside, found.spoilt = inbox.aside(), inbox.spoilt
        found.listed = [_record(path, mail) for path, mail in aside]
        found.notes = [*inbox.told(), *_unexpected(inbox.new.values(), wanted)]
    if ledger.mails:
        found.against = tuple(sorted({mail.against for mail in ledger.mails.mails.values() if mail.against}))
    return found


def _inbox(store: Store, grant: Grant, ledger: Ledger, now: datetime) -> Inbox | None:
    if grant.mail is None:
        ledger.mails = None
        return None
    if ledger.mails is None:
        ledger.mails = Opened()
    # A mail in a mailbox is there whole, or not at all.
    return Inbox(store, grant.mail, ledger.mails, lambda one: one.whole or stands(one, {}, ledger, now))


def _unexpected(mails: Iterable[Mail], wanted: Collection[str]) -> list[str]:
    strays = [part for mail in mails for part in mail.parts if part.path not in wanted]
    return [f"{len(strays)} attached files are of no feed: look at the patterns of the feeds"] if strays else []


def _record(path: str, mail: Mail) -> bytes:
    """What the table of files says about a mail that was put aside."""
    record = {
        "id": f"mail/{hashlib.sha256(path.encode()).hexdigest()[:32]}",
        "feed": None,
        "path": f"{path} from {mail.sender or 'a sender that cannot be read'}",
        "size": mail.size,
        "sha256": None,
        "data_as_of": mail.sent.isoformat() if mail.sent else None,
        "modified_at": mail.received.isoformat(),
        "row_count": None,
        "fate": f"put aside: {mail.against}",
    }
    return msgspec.json.encode(record)
