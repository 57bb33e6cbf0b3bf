"""Change data capture: what changed in some entities since an instant, deletions too."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.values import encode, instant, now_text, stamp

if TYPE_CHECKING:
    from sandbox.providers.quickbooks.books import Books

#: Records in one answer, of all entities together; what is beyond is left out without a word.
MOST = 1000
LOOK_BACK = timedelta(days=30)
#: Entities that change data capture does not follow.
UNFOLLOWED = ("TaxAgency", "TaxCode", "TaxRate", "TimeActivity", "JournalCode")


def answer(books: "Books", parameters: Mapping[str, str]) -> bytes:
    """Return the body of an answer; raises Refusal."""
    now = books.clock.now()
    since = _since(books, parameters.get("changedSince", ""), now)
    names = [name for name in parameters.get("entities", "").split(",") if name]
    if not names:
        raise Refusal.required("entities")
    room, parts = MOST, []
    with books.lock:
        for name in names:
            found = _changed(books, name, since)[:room]
            room -= len(found)
            parts.append(_part(_known(books, name), found))
    body = b'{"CDCResponse":[{"QueryResponse":[%b]}],"time":%b}'
    return body % (b",".join(parts), encode(now_text(now, books.zone)))


def _since(books: "Books", text: str, now: datetime) -> int:
    try:
        since = instant(text.replace(" ", "+"), books.zone)
    except ValueError:
        raise Refusal.query(f"Invalid date or time value: {text}") from None
    if now.timestamp() - since > LOOK_BACK.total_seconds():
        raise Refusal.query("changedSince is more than 30 days ago")
    return since


def _known(books: "Books", name: str) -> str:
    known = next((entity for entity in books.tables if entity.lower() == name.strip().lower()), None)
    if known is None or known in UNFOLLOWED:
        raise Refusal.query(f"Entity {name} is not supported by change data capture")
    return known


def _changed(books: "Books", name: str, since: int) -> list[bytes]:
    records, gone = books.tables[_known(books, name)].changed(since)
    return [
        *records,
        *(
            encode(
                {
                    "domain": "QBO",
                    "status": "Deleted",
                    "Id": id_,
                    "MetaData": {"LastUpdatedTime": stamp(int(at.timestamp()), books.zone)},
                }
            )
            for id_, at in gone
        ),
    ]


def _part(entity: str, found: list[bytes]) -> bytes:
    if not found:
        return b"{}"
    head = (entity.encode(), b",".join(found), len(found))
    return b'{"%b":[%b],"startPosition":1,"maxResults":%d}' % head
