"""What is remembered of the files of a source between two reads: the cursor of the stream of files."""

import hashlib
from datetime import datetime

import msgspec

from connectors.files.store import Found
from connectors.mailed.inbox import Opened
from connectors.netsuite.feeds import Feed


class Seen(msgspec.Struct, array_like=True):
    """One version of a file that was dealt with."""

    version: str
    size: int
    sha256: str
    as_of: datetime
    #: loaded, same (content that was there already), late (newer data was there already)
    fate: str


class Kept(msgspec.Struct, array_like=True):
    """What is known of one feed."""

    #: digest of the declaration by which its files were read
    declared: str
    files: dict[str, Seen] = {}
    #: period -> as-of of the file that it was last taken from
    periods: dict[str, datetime] = {}
    #: as-of of its newest good file, also when that is gone from the folder by now
    newest: datetime | None = None
    #: as-of of the newest file that was read and is gone from the folder: it cannot be read again
    lost: datetime | None = None
    #: labels of the columns that its files had
    labels: list[str] = []


class Waiting(msgspec.Struct, array_like=True):
    """A file that may still grow."""

    version: str
    size: int
    since: datetime


class Ledger(msgspec.Struct, array_like=True):
    """All feeds of a source."""

    feeds: dict[str, Kept] = {}
    waiting: dict[str, Waiting] = {}
    #: mails that were looked at; None where files come without
    mails: Opened | None = None

    def of(self, feed: Feed) -> Kept:
        """Return what is known of a feed; nothing, when it is declared otherwise than it was."""
        declared = hashlib.sha256(feed.declaration.encode()).hexdigest()[:32]
        known = self.feeds.get(feed.name)
        if known is None or known.declared != declared:
            known = self.feeds[feed.name] = Kept(declared)
        return known

    def __str__(self) -> str:
        # Without mails it is what it always was, so that nobody's cursor changes for nothing.
        said = self if self.mails is not None else (self.feeds, self.waiting)
        return msgspec.json.encode(said, order="sorted").decode()


def read_ledger(cursor: str | None) -> Ledger:
    """Return the ledger of a cursor; an empty one when there is none that is ours."""
    try:
        return msgspec.json.decode(cursor or "[]", type=Ledger)
    except msgspec.MsgspecError:
        return Ledger()


def is_seen(kept: Kept, found: Found) -> bool:
    """Whether that version of a file was dealt with."""
    known = kept.files.get(found.path)
    return known is not None and (known.version, known.size) == (found.version, found.size)
