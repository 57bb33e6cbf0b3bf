"""Mails as a place where files are delivered: whatever is attached to a mail that counts is a file of it.

It stands before another store, which holds the mails themselves (a mailbox, or a bucket of ``.eml``). A mail that does
not count is put aside: nothing of it is read but its head, and what stands against it is remembered and told.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO

import msgspec
import structlog

from connectors.errors import Broken
from connectors.files.store import Found, Store, changed, is_aside, read_whole
from connectors.files.wrong import FileError
from connectors.mailed.message import Attached, attached, plain_subject
from connectors.mailed.senders import Against, Head, Rules, judged

#: a larger one is put aside unread; NetSuite sends 15 MB at most, which are 20 as they are sent
LARGEST_MAIL = 40 << 20
MOST_MAILS = 10_000
_TOLD_SENDERS = 3
#: grows when mails are judged or taken apart otherwise than before: then all are looked at again
_EDITION = 1

log = structlog.get_logger()


class Part(msgspec.Struct, array_like=True):
    """One file that a mail brought."""

    path: str
    name: str
    size: int
    version: str


class Mail(msgspec.Struct, array_like=True):
    """What is known of a mail."""

    version: str
    size: int
    received: datetime
    #: its own date, never later than it was received
    sent: datetime | None
    #: empty where it cannot be read
    sender: str
    subject: str
    parts: list[Part]
    #: what stands against it; empty: it counts
    against: str = ""


class Opened(msgspec.Struct, array_like=True):
    """Every mail that was looked at, by its path in the store, and the rules by which it was judged."""

    rules: str = ""
    mails: dict[str, Mail] = {}


class _SpoiltError(Exception):
    """A mail that counts cannot be read."""

    def __init__(self, subject: str, error: Broken) -> None:
        super().__init__(str(error))
        self.subject, self.error = subject, error


class Inbox:
    """A store of mails, seen as a store of what is attached to them."""

    def __init__(self, store: Store, rules: Rules, opened: Opened, stands: Callable[[Found], bool]) -> None:
        self._store = store
        self._rules = rules
        self._opened = opened
        self._stands = stands
        #: mails by the path of each file
        self._bring: dict[str, Found] = {}
        #: the mail that was taken apart last: its files are often read one after the other
        self._last: tuple[Found, dict[str, Attached]] | None = None
        #: paths of mails that may still grow
        self.growing: set[str] = set()
        #: mails that this look opened for the first time
        self.new: dict[str, Mail] = {}
        #: mails of right senders that cannot be read: their subjects, and what is said about them
        self.spoilt: list[tuple[str, Broken]] = []

    async def look(self) -> list[Found]:
        """Open the mails that came; return the files of all that count, each once."""
        rules = hashlib.sha256(f"{_EDITION}{msgspec.json.encode(self._rules)!r}".encode()).hexdigest()[:32]
        if self._opened.rules != rules:
            self._opened.rules, self._opened.mails = rules, {}
        there = {one.path: one for one in await self._store.look() if one.size and not is_aside(one.path)}
        if len(there) > MOST_MAILS:
            words = (
                f"more than {MOST_MAILS} mails lie there: give the reports a folder of their own, or move old ones away"
            )
            raise Broken(words, code="too_many_files")
        for path in self._opened.mails.keys() - there.keys():
            del self._opened.mails[path]
        files: dict[str, Found] = {}
        for _, one in sorted(there.items()):
            mail = await self._mail(one)
            if mail is None:
                continue
            for part in mail.parts:
                # A mail that was delivered twice is one.
                if part.path not in files:
                    files[part.path] = _file(part, mail)
                    self._bring[part.path] = one
        return list(files.values())

    async def read(self, found: Found) -> bytes:
        """Return one small file of a mail."""
        return await read_whole(self, found)

    async def fetch(self, found: Found, into: IO[bytes]) -> None:
        """Write one file of a mail."""
        mail = self._bring[found.path]
        if self._last is None or self._last[0] != mail:
            raw = await self._store.read(mail)
            await asyncio.to_thread(self._opened_up, mail, raw, judged(raw, self._rules))
        assert self._last is not None
        held = self._last[1].get(found.path)
        if held is None or await asyncio.to_thread(_poured, held, into) != (found.version, found.size):
            raise changed()

    async def _mail(self, one: Found) -> Mail | None:
        known = self._opened.mails.get(one.path)
        if known is not None and (known.version, known.size) == (one.version, one.size):
            return known
        if not self._stands(one):
            self.growing.add(one.path)
            return None
        try:
            mail = await self._open(one)
        except _SpoiltError as spoilt:
            # It is not remembered: until it is taken away, every look says so.
            self.spoilt.append((spoilt.subject, spoilt.error))
            return None
        self._opened.mails[one.path] = self.new[one.path] = mail
        return mail

    async def _open(self, one: Found) -> Mail:
        if one.size > LARGEST_MAIL:
            return Mail(one.version, one.size, one.modified, None, "", "", [], Against.TOO_LARGE.value)
        raw = await self._store.read(one)
        head = judged(raw, self._rules)
        sent = min(head.sent, one.modified) if head.sent else None
        mail = Mail(
            one.version, one.size, one.modified, sent, head.sender, "", [], head.against.value if head.against else ""
        )
        if head.against is None:
            mail.subject = plain_subject(head.subject)
            try:
                mail.parts = await asyncio.to_thread(self._opened_up, one, raw, head)
            except Broken as error:
                raise _SpoiltError(mail.subject, error) from error
            mail.against = "" if mail.parts else Against.NOTHING_ATTACHED.value
        return mail

    def _opened_up(self, one: Found, raw: bytes, head: Head) -> list[Part]:
        try:
            files = attached(raw)
        except FileError as error:
            raise _broken(one, head, error) from error
        parts: dict[str, Part] = {}
        held: dict[str, Attached] = {}
        seen = Counter[str]()
        for file in files:
            name = file.name
            digest, size = _poured(file)
            seen[name] += 1
            # Of our own making: when and which mail, not where it lies, so that a mail that was moved is the same.
            key = hashlib.sha256(f"{head.message_id}|{digest}|{seen[name]}".encode()).hexdigest()[:16]
            stamp = (head.sent or one.modified).astimezone(UTC)
            path = f"{stamp:%Y%m%dT%H%M%SZ}-{key}/{name}"
            parts[path] = Part(path, name, size, digest)
            held[path] = file
        self._last = (one, held)
        return list(parts.values())

    def aside(self) -> list[tuple[str, Mail]]:
        """Return the mails that this look put aside, by their paths."""
        return sorted((path, mail) for path, mail in self.new.items() if mail.against)

    def told(self) -> list[str]:
        """Say what this look put aside, from whom and why; one sentence for each reason. Reasons are logged, too."""
        reasons: dict[str, list[Mail]] = {}
        for _, mail in self.aside():
            reasons.setdefault(mail.against, []).append(mail)
        if reasons:
            log.warning("mails_put_aside", mails={why: len(mails) for why, mails in reasons.items()})
        return [_sentence(why, mails, self._rules) for why, mails in sorted(reasons.items())]


def _sentence(why: str, mails: list[Mail], rules: Rules) -> str:
    newest = max(mails, key=lambda mail: mail.received)
    count = "1 mail was" if len(mails) == 1 else f"{len(mails)} mails were"
    when = f"{newest.received.astimezone(UTC):%d %b %Y %H:%M} UTC"
    return f"{count} put aside and not loaded (from {_whom(mails, rules)}; the newest came {when}): {why}"


def _whom(mails: list[Mail], rules: Rules) -> str:
    """Name senders of the domains that are on the list. Others chose their names themselves: they are not repeated."""
    ours = {sender.rpartition("@")[2] for sender in rules.known}
    counted = Counter(mail.sender if mail.sender.rpartition("@")[2] in ours else "" for mail in mails)
    strangers = counted.pop("", 0)
    named = [sender for sender, _ in counted.most_common(_TOLD_SENDERS)]
    named += ["others"] if len(counted) > _TOLD_SENDERS else []
    named += [] if not strangers else ["a stranger"] if strangers == 1 else ["strangers"]
    return " and ".join(named)


def _file(part: Part, mail: Mail) -> Found:
    as_of = mail.sent or mail.received
    return Found(part.path, part.size, part.version, mail.received, part.name, mail.subject, as_of, whole=True)


def _poured(file: Attached, into: IO[bytes] | None = None) -> tuple[str, int]:
    """Return the version and the size of a file, which is written on the way where somebody wants it."""
    digest, size = hashlib.sha256(), 0
    for part in file.parts():
        digest.update(part)
        size += len(part)
        if into is not None:
            into.write(part)
    return digest.hexdigest()[:32], size


def _broken(one: Found, head: Head, error: FileError) -> Broken:
    sent = head.sent or one.modified
    words = f"the mail of {sent.astimezone(UTC):%d %b %Y %H:%M} UTC {error}"
    return Broken(f"{words}: have it sent again, and take this one away", code="file_unreadable")
