"""Which files are read now: those of a feed, that stand still, in the order of their data."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.errors import Broken
from connectors.files.store import Found, is_aside, is_marked
from connectors.netsuite.feeds import Feed
from connectors.netsuite.ledger import Kept, Ledger, Waiting, is_seen

#: A file counts as whole when it did not change for so long. Uploads through gateways may stand still in between;
#: what a file gains later makes it another version, which is read again.
SETTLES = timedelta(seconds=60)
_STAMP = re.compile(r"(?<![0-9])([0-9]{8})T([0-9]{6})Z", re.ASCII)
_DAY = re.compile(r"(?<![0-9])([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?![0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Dated:
    """A file with the instant that its data is of."""

    found: Found
    as_of: datetime

    @property
    def order(self) -> tuple[datetime, str]:
        """Older data first; the name decides between equals, so that every read has the same order."""
        return self.as_of, self.found.path


def by_feed(feeds: Sequence[Feed], found: Iterable[Found]) -> dict[str, list[Found]]:
    """Return the files of each feed; Broken when two feeds claim one. Beginnings, marks and hidden files are none."""
    matchers = [(feed.name, feed.matcher(), feed.subject_matcher()) for feed in feeds]
    files: dict[str, list[Found]] = {feed.name: [] for feed in feeds}
    for one in found:
        if not one.size or is_aside(one.path):
            continue
        claims = [
            feed
            for feed, matcher, subject in matchers
            if matcher.match(one.name or one.path) and subject.match(one.subject)
        ]
        if len(claims) > 1:
            raise Broken(f"feeds {claims[0]} and {claims[1]} claim the same file", code="feeds_malformed")
        if claims:
            files[claims[0]].append(one)
    return files


def standing(
    feed: Feed, files: Iterable[Found], there: Mapping[str, Found], kept: Kept, ledger: Ledger, now: datetime
) -> list[Found]:
    """Return the files that are whole; what may still grow is noted in the ledger, to be looked at again."""
    still = []
    for one in files:
        if is_seen(kept, one) or stands(one, there, ledger, now, done=feed.done):
            ledger.waiting.pop(one.path, None)
            still.append(one)
    return still


def stands(one: Found, there: Mapping[str, Found], ledger: Ledger, now: datetime, *, done: bool = False) -> bool:
    """Whether a file is whole; `done`: only the mark beside it tells. What may still grow is noted in the ledger."""
    if is_marked(one, there):
        return True
    if one.whole and not done:
        return True
    known = ledger.waiting.get(one.path)
    if known is None or (known.version, known.size) != (one.version, one.size):
        known = ledger.waiting[one.path] = Waiting(one.version, one.size, now)
    # The store's clock may be ahead of ours: then only our own two looks count.
    return not done and (now - one.modified >= SETTLES or now - known.since >= SETTLES)


def dated(feed: Feed, found: Found) -> Dated | None:
    """Return the file with the instant of its data, the earlier one where two are told; None: its name tells none.

    Nothing in a file can be newer than its last change. A day alone means its beginning. A mail tells its own date.
    """
    if found.as_of is not None:
        return Dated(found, min(found.as_of, found.modified))
    if feed.stamp == "modified":
        return Dated(found, found.modified)
    told = _told(feed, found.path.rpartition("/")[2])
    return None if told is None else Dated(found, min(told, found.modified))


def _told(feed: Feed, name: str) -> datetime | None:
    try:
        if stamps := _STAMP.findall(name):
            return datetime.strptime("".join(stamps[-1]), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        if days := _DAY.findall(name):
            year, month, day = map(int, days[-1])
            return datetime(year, month, day, tzinfo=feed.timezone).astimezone(UTC)
    except ValueError:
        return None
    return None
