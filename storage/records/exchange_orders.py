"""Orders from PocketAdvantage as we keep them: each revision once, moved by guarded updates alone.

The cursor passes only what is settled: an order that is new, on its way or waiting is read again with each turn until
it is, so that nothing depends on our copy of it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, or_, select

from storage.facts.exchange_orders import (
    DUE_STATES,
    ESTIMATE,
    OPEN_STATES,
    Into,
    KeptOrder,
    Order,
    OrderRead,
    OrderState,
    Wish,
    Written,
    order_text,
    read_order,
)
from storage.facts.ids import derived_id, new_id
from storage.facts.sources import Source
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import ExchangePairRow
from storage.tables.exchange_orders import ExchangeOrderCursorRow, ExchangeOrderRow

CHANGED_QUIETLY = (
    "PocketAdvantage changed it without a new revision, so QuickBooks has it as it was: raise its revision there to"
    " send the change."
)
#: Those that a later revision takes the place of: nothing of them is on its way.
_REPLACEABLE = (OrderState.NEW, OrderState.BLOCKED, OrderState.FAILED)
#: QuickBooks Desktop has not asked for it yet, or nobody wants it any more.
_NOT_AGAIN = (OrderState.WAITING.value, OrderState.CANCELLED.value)
_DONE = (OrderState.CONFIRMED, OrderState.SUPERSEDED, OrderState.CANCELLED)


@dataclass(frozen=True, slots=True)
class KeptCounts:
    """What a page of orders came to."""

    #: orders that were not there before, in this revision
    new: int = 0
    #: orders that were put right since
    revived: int = 0
    #: number and reason of those that could not be read
    unread: tuple[tuple[str, str], ...] = ()


def keep(session: Session, source: Source, found: Iterable[OrderRead], now: datetime) -> KeptCounts:
    """Keep what was read; what we have already changes nothing, a later revision takes the place of earlier ones."""
    reads = {one.key: one for one in found}
    there = _there(session, source.id, {one.order_no for one in reads.values()})
    new, revived = 0, 0
    unread: list[tuple[str, str]] = []
    latest: dict[tuple[str, str], int] = {}
    for cust_id, order_no, revision in (*there, *reads):
        latest[cust_id, order_no] = max(revision, latest.get((cust_id, order_no), -1))
    for key, one in reads.items():
        if key not in there:
            # A twin may have kept it since we looked.
            mine = insert_new(session, ExchangeOrderRow, **_row(source, one, now, over=latest[key[:2]] > one.revision))
            new += mine
        elif there[key].fingerprint != one.fingerprint:
            mine = _put_right(session, there[key], one, now)
            revived += mine
        else:
            continue
        if mine and one.problem and latest[key[:2]] == one.revision:
            unread.append((one.order_no, _unread(one.problem)))
    session.expire_all()
    for row in there.values():
        if latest[row.cust_id, row.order_no] > row.revision and row.state in _REPLACEABLE:
            _supersede(session, row.id, now)
    return KeptCounts(new, revived, tuple(unread))


def _there(session: Session, source_id: str, numbers: Collection[str]) -> dict[tuple[str, str, int], ExchangeOrderRow]:
    found = {}
    listed = sorted(numbers)
    for start in range(0, len(listed), 500):
        statement = select(ExchangeOrderRow).where(
            ExchangeOrderRow.source_id == source_id,
            col(ExchangeOrderRow.order_no).in_(listed[start : start + 500]),
        )
        for row in session.exec(statement):
            session.expunge(row)
            found[row.cust_id, row.order_no, row.revision] = row
    return found


def _row(source: Source, one: OrderRead, now: datetime, *, over: bool) -> dict[str, Any]:
    state = OrderState.SUPERSEDED if over else OrderState.BLOCKED if one.problem else OrderState.NEW
    return {
        "id": new_id("ord"),
        "organization_id": source.organization_id,
        "source_id": source.id,
        "cust_id": one.cust_id,
        "order_no": one.order_no,
        "revision": one.revision,
        "wish": one.wish.value,
        "state": state.value,
        "position": one.position,
        "fingerprint": one.fingerprint,
        "content": None if over or one.order is None else order_text(one.order),
        "request_id": request_id(source.id, one.key, 0),
        "reason": "" if over else _unread(one.problem),
        "read_at": now,
        "settled_at": now if over else None,
        "named": one.named,
    }


def _unread(problem: str) -> str:
    return f"It cannot be read: {problem}. Put that right in PocketAdvantage." if problem else ""


def _put_right(session: Session, row: ExchangeOrderRow, one: OrderRead, now: datetime) -> bool:
    """Take an order that is another than it was under the same revision; return whether it is looked at anew."""
    mine = update(ExchangeOrderRow).where(col(ExchangeOrderRow.id) == row.id, col(ExchangeOrderRow.state) == row.state)
    if row.state in _REPLACEABLE:
        # Another content is another request: QuickBooks may remember what it answered to the former.
        number = row.replays + 1
        return won(session, mine.values(
            replays=number,
            request_id=request_id(row.source_id, one.key, number),
            state=(OrderState.BLOCKED if one.problem else OrderState.NEW).value,
            wish=one.wish.value,
            content=None if one.order is None else order_text(one.order),
            fingerprint=one.fingerprint,
            position=one.position,
            reason=_unread(one.problem),
            next_at=None,
            settled_at=None,
            written_back_at=None,
            read_at=now,
            # Whoever looked at the former content may not send it under the new request.
            attempts=row.attempts + 1,
        ))  # fmt: skip
    if row.state == OrderState.CONFIRMED:
        won(session, mine.values(fingerprint=one.fingerprint, reason=CHANGED_QUIETLY, written_back_at=None))
    return False


def _supersede(session: Session, order_id: str, now: datetime) -> None:
    mine = update(ExchangeOrderRow).where(
        col(ExchangeOrderRow.id) == order_id, col(ExchangeOrderRow.state).in_(_values(_REPLACEABLE))
    )
    over = {"state": OrderState.SUPERSEDED.value, "settled_at": now, "content": None, "reason": ""}
    won(session, mine.values(**over, next_at=None, written_back_at=None))


def request_id(source_id: str, key: tuple[str, str, int], replays: int) -> str:
    """Return under which id one revision is sent: the same from each process and with each try."""
    return derived_id("po", source_id, key[0], key[1], str(key[2]), str(replays))


def empty(session: Session, source_id: str, now: datetime, limit: int) -> list[KeptOrder]:
    """Return what is taken again, and of which nothing is kept but what became of it."""
    row = ExchangeOrderRow
    statement = select(row).where(
        row.source_id == source_id,
        row.state == OrderState.SENDING.value,
        row.wish == Wish.READY.value,
        col(row.content).is_(None),
        or_(col(row.next_at).is_(None), col(row.next_at) <= now),
    )
    ordered = statement.order_by(col(row.position), col(row.order_no), col(row.revision)).limit(limit)
    return [as_kept(one) for one in session.exec(ordered.execution_options(populate_existing=True))]


def due(session: Session, source_id: str, now: datetime, limit: int) -> list[KeptOrder]:
    """Return what is to be looked at, in the order in which it changed; an order's revisions one after another.

    While an earlier revision is on its way nobody knows what stands in QuickBooks, so the later one waits for it.
    """
    earlier = aliased(ExchangeOrderRow)
    flying = exists().where(
        col(earlier.source_id) == source_id,
        col(earlier.cust_id) == ExchangeOrderRow.cust_id,
        col(earlier.order_no) == ExchangeOrderRow.order_no,
        col(earlier.revision) < ExchangeOrderRow.revision,
        col(earlier.state).in_([OrderState.SENDING.value, OrderState.WAITING.value]),
    )
    wanted = (
        select(ExchangeOrderRow)
        .where(
            ExchangeOrderRow.source_id == source_id,
            col(ExchangeOrderRow.state).in_(_values(DUE_STATES)),
            or_(col(ExchangeOrderRow.next_at).is_(None), col(ExchangeOrderRow.next_at) <= now),
            # Here and not afterwards: whoever waits takes no place of those that may go.
            ~flying,
        )
        .order_by(col(ExchangeOrderRow.position), col(ExchangeOrderRow.order_no), col(ExchangeOrderRow.revision))
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [as_kept(row) for row in session.exec(wanted)]


def taken_elsewhere(session: Session, found: Sequence[KeptOrder], into: Into) -> set[str]:
    """Return the numbers of these that another connection has sent, or is sending, to where these go.

    They are orders of one connection.
    """
    if not found:
        return set()
    source_id = found[0].source_id
    books = select(ExchangePairRow.books_id).where(ExchangePairRow.source_id == source_id)
    others = select(ExchangePairRow.source_id).where(
        col(ExchangePairRow.books_id).in_(books), ExchangePairRow.source_id != source_id
    )
    statement = select(ExchangeOrderRow.order_no).where(
        col(ExchangeOrderRow.source_id).in_(others),
        col(ExchangeOrderRow.order_no).in_([one.order_no for one in found]),
        # An estimate's number is none of a sales order's, and none of another company's.
        ExchangeOrderRow.target == into.target,
        ExchangeOrderRow.books_id == into.books_id,
        or_(
            ExchangeOrderRow.target_id != "",
            col(ExchangeOrderRow.state).in_([OrderState.SENDING.value, OrderState.WAITING.value]),
        ),
    )
    return set(session.exec(statement))


def next_due(session: Session, source_id: str) -> datetime | None:
    """Return when something is to be tried again by itself; None: nothing is."""
    statement = select(func.min(ExchangeOrderRow.next_at)).where(
        ExchangeOrderRow.source_id == source_id, col(ExchangeOrderRow.state).in_(_values(DUE_STATES))
    )
    found = session.connection().execute(statement).scalar()
    return found if isinstance(found, datetime) or found is None else datetime.fromisoformat(found)


def claim(session: Session, one: KeptOrder, into: Into, now: datetime, until: datetime) -> bool:
    """Say that an order is being sent from now on; return whether this one may send it.

    Until `until` nobody else does, and after that nobody without having looked first. What it became elsewhere is
    forgotten: there may be something else under that id.
    """
    mine = update(ExchangeOrderRow).where(
        col(ExchangeOrderRow.id) == one.id,
        col(ExchangeOrderRow.state) == one.state.value,
        col(ExchangeOrderRow.attempts) == one.attempts,
    )
    values: dict[str, Any] = {"state": OrderState.SENDING.value, "attempts": one.attempts + 1, **asdict(into)}
    if into != Into(one.target, one.books_id):
        values |= {"target_id": "", "target_number": "", "target_version": ""}
    return won(session, mine.values(**values, sent_at=now, next_at=until))


def move(
    session: Session,
    one: KeptOrder,
    state: OrderState,
    now: datetime,
    *,
    written: Written | None = None,
    reason: str = "",
    next_at: datetime | None = None,
) -> bool:
    """Let a claimed order stand elsewhere; return whether it was still this one's. A new answer is told anew."""
    flying = OrderState.WAITING if one.state is OrderState.WAITING else OrderState.SENDING
    mine = update(ExchangeOrderRow).where(
        col(ExchangeOrderRow.id) == one.id,
        col(ExchangeOrderRow.state) == flying.value,
        col(ExchangeOrderRow.attempts) == one.attempts,
    )
    settled = not state.open
    values: dict[str, Any] = {"state": state.value, "reason": reason, "next_at": next_at, "written_back_at": None}
    values["settled_at"] = now if settled else None
    if state in _DONE:
        values["content"] = None
    if written is not None:
        values |= {"target_id": written.target_id, "target_number": written.number, "target_version": written.version}
    moved = won(session, mine.values(**values))
    if moved and state is OrderState.CONFIRMED:
        _outdated(session, one, now)
    return moved


def _outdated(session: Session, one: KeptOrder, now: datetime) -> None:
    """What earlier revisions became is what this one became: they stay for who looks them up."""
    earlier = update(ExchangeOrderRow).where(
        col(ExchangeOrderRow.source_id) == one.source_id,
        col(ExchangeOrderRow.cust_id) == one.cust_id,
        col(ExchangeOrderRow.order_no) == one.order_no,
        col(ExchangeOrderRow.revision) < one.revision,
        col(ExchangeOrderRow.state) == OrderState.CONFIRMED.value,
    )
    won(session, earlier.values(state=OrderState.SUPERSEDED.value, settled_at=now))


def block(session: Session, one: KeptOrder, reason: str) -> bool:
    """Say what stands against sending an order; return whether that is news."""
    mine = update(ExchangeOrderRow).where(
        col(ExchangeOrderRow.id) == one.id,
        col(ExchangeOrderRow.state) == one.state.value,
        col(ExchangeOrderRow.attempts) == one.attempts,
    )
    if one.state is OrderState.BLOCKED and one.reason == reason:
        return False
    blocked = {"state": OrderState.BLOCKED.value, "reason": reason, "next_at": None, "written_back_at": None}
    return won(session, mine.values(**blocked))


def before(session: Session, one: KeptOrder, into: Into) -> Written | None:
    """Return what an earlier revision of the order became there, if any did."""
    statement = (
        select(ExchangeOrderRow)
        .where(
            ExchangeOrderRow.source_id == one.source_id,
            ExchangeOrderRow.cust_id == one.cust_id,
            ExchangeOrderRow.order_no == one.order_no,
            ExchangeOrderRow.revision < one.revision,
            ExchangeOrderRow.target_id != "",
            ExchangeOrderRow.target == into.target,
            ExchangeOrderRow.books_id == into.books_id,
        )
        .order_by(col(ExchangeOrderRow.revision).desc())
        .limit(1)
    )
    row = session.exec(statement).first()
    return _written(row) if row else None


def has_later(session: Session, one: KeptOrder) -> bool:
    """Whether a later revision of the order is there."""
    statement = select(ExchangeOrderRow.id).where(
        ExchangeOrderRow.source_id == one.source_id,
        ExchangeOrderRow.cust_id == one.cust_id,
        ExchangeOrderRow.order_no == one.order_no,
        ExchangeOrderRow.revision > one.revision,
    )
    return session.exec(statement.limit(1)).first() is not None


def unanswered(session: Session, source_id: str, limit: int) -> list[KeptOrder]:
    """Return orders of which PocketAdvantage does not know yet what became of them."""
    statement = (
        select(ExchangeOrderRow)
        .where(
            ExchangeOrderRow.source_id == source_id,
            col(ExchangeOrderRow.written_back_at).is_(None),
            col(ExchangeOrderRow.state).not_in([OrderState.NEW.value, OrderState.SENDING.value]),
            col(ExchangeOrderRow.named).is_(True),
        )
        .order_by(col(ExchangeOrderRow.position), col(ExchangeOrderRow.order_no), col(ExchangeOrderRow.revision))
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [as_kept(row) for row in session.exec(statement)]


def answered(session: Session, found: Sequence[KeptOrder], now: datetime) -> None:
    """Note that these were told; one that moved meanwhile is told again."""
    for one in found:
        mine = update(ExchangeOrderRow).where(
            col(ExchangeOrderRow.id) == one.id,
            col(ExchangeOrderRow.state) == one.state.value,
            col(ExchangeOrderRow.reason) == one.reason,
        )
        session.connection().execute(mine.values(written_back_at=now))
    session.expire_all()


def cursor(session: Session, source_id: str, place: str) -> str:
    """Return up to where that view was read; empty: it never was, whatever was read elsewhere before."""
    row = session.get(ExchangeOrderCursorRow, source_id, populate_existing=True)
    return row.position if row is not None and row.place in {place, ""} else ""


def advance(session: Session, source_id: str, place: str, upto: str, now: datetime) -> str:
    """Move the cursor to what was read there, and never beyond an order that is not settled; return where it is.

    What was read where changes are known by something else (a number, not a time) holds it nowhere.
    """
    waits = select(func.min(ExchangeOrderRow.position)).where(
        ExchangeOrderRow.source_id == source_id,
        col(ExchangeOrderRow.position).startswith(upto[:1]),
        ExchangeOrderRow.position != "",
        col(ExchangeOrderRow.state).in_(_values(OPEN_STATES)),
    )
    earliest = session.exec(waits).one()
    position = min(upto, earliest) if earliest else upto
    insert_new(session, ExchangeOrderCursorRow, source_id=source_id, position=position, read_at=now)
    mine = update(ExchangeOrderCursorRow).where(col(ExchangeOrderCursorRow.source_id) == source_id)
    won(session, mine.values(place=place, position=position, read_at=now))
    return position


def find(session: Session, order_id: str) -> KeptOrder | None:
    """Return an order as it is now."""
    statement = select(ExchangeOrderRow).where(ExchangeOrderRow.id == order_id)
    row = session.exec(statement.execution_options(populate_existing=True)).first()
    return as_kept(row) if row else None


def revisions(session: Session, source_id: str, order_no: str) -> list[KeptOrder]:
    """Return all revisions of an order, the last first."""
    statement = (
        select(ExchangeOrderRow)
        .where(ExchangeOrderRow.source_id == source_id, ExchangeOrderRow.order_no == order_no)
        .order_by(col(ExchangeOrderRow.revision).desc())
        .execution_options(populate_existing=True)
    )
    return [as_kept(row) for row in session.exec(statement)]


def of_turn(session: Session, source_id: str, since: datetime, until: datetime) -> list[str]:
    """Return the numbers of the orders that a turn between these read or sent, in their order."""
    return sorted(session.exec(_of_turn(source_id, since, until)))


def went(session: Session, source_id: str, since: datetime) -> tuple[list[str], list[str], list[str]]:
    """Return the numbers of the Estimates that became something new, something else, or off since then.

    What QuickBooks Desktop answered is told when it does.
    """
    row = ExchangeOrderRow
    over = (OrderState.CONFIRMED.value, OrderState.CANCELLED.value)
    mine = (row.source_id == source_id, row.target == ESTIMATE, row.replays == 0)
    statement = select(row).where(*mine, col(row.settled_at) >= since, col(row.state).in_(over))
    found = [as_kept(one) for one in session.exec(statement.order_by(col(row.order_no)))]
    off = [one.order_no for one in found if one.state is OrderState.CANCELLED]
    made = [one for one in found if one.state is OrderState.CONFIRMED]
    changed = {one.order_no for one in made if before(session, one, Into(one.target, one.books_id)) is not None}
    added = [one.order_no for one in made if one.order_no not in changed]
    return added, sorted(changed), off


def can_be_again(session: Session, source_id: str, since: datetime, until: datetime) -> int:
    """Return how many of these can be taken again: those of which the last revision waits for nobody, nor is off."""
    row = ExchangeOrderRow
    statement = select(row.order_no, row.revision, row.state).where(
        row.source_id == source_id, col(row.order_no).in_(_of_turn(source_id, since, until))
    )
    last: dict[str, tuple[int, str]] = {}
    for number, revision, state in session.exec(statement):
        last[number] = max((revision, state), last.get(number, (-1, "")))
    return sum(state not in _NOT_AGAIN for _, state in last.values())


def _of_turn(source_id: str, since: datetime, until: datetime) -> Any:
    row = ExchangeOrderRow
    within = or_(
        and_(col(row.read_at) >= since, col(row.read_at) <= until),
        and_(col(row.sent_at) >= since, col(row.sent_at) <= until),
    )
    return select(row.order_no).where(row.source_id == source_id, within, col(row.named).is_(True)).distinct()


def again(session: Session, one: KeptOrder, now: datetime) -> bool:
    """Let an order that was settled be looked at again, under a request id that was never used."""
    number = session.get_one(ExchangeOrderRow, one.id).replays + 1
    mine = update(ExchangeOrderRow).where(
        col(ExchangeOrderRow.id) == one.id,
        col(ExchangeOrderRow.state) == one.state.value,
        col(ExchangeOrderRow.attempts) == one.attempts,
    )
    # As one that is on its way: whoever takes it looks first whether QuickBooks has it.
    return won(session, mine.values(
        state=OrderState.SENDING.value,
        next_at=now,
        replays=number,
        request_id=request_id(one.source_id, (one.cust_id, one.order_no, one.revision), number),
        attempts=one.attempts + 1,
        settled_at=None,
        written_back_at=None,
        reason="",
    ))  # fmt: skip


def fill(session: Session, one: KeptOrder, order: Order) -> None:
    """Give an order that is looked at again what stands in the view now."""
    mine = update(ExchangeOrderRow).where(col(ExchangeOrderRow.id) == one.id)
    won(session, mine.values(content=order_text(order)))


def by_order(session: Session, organization_id: str, order_no: str, limit: int = 20) -> list[KeptOrder]:
    """Return what is known of an order by PocketAdvantage's number, the last revision first."""
    return _listed(session, organization_id, limit, ExchangeOrderRow.order_no == order_no)


def by_target(session: Session, organization_id: str, text: str, limit: int = 20) -> list[KeptOrder]:
    """Return the orders behind what stands in QuickBooks, by its id or its number."""
    named = or_(col(ExchangeOrderRow.target_id) == text, col(ExchangeOrderRow.target_number) == text)
    return _listed(session, organization_id, limit, named)


def unread(session: Session, source_id: str, problem: str, limit: int) -> list[KeptOrder]:
    """Return orders that could not be read for that reason."""
    row = ExchangeOrderRow
    statement = select(row).where(
        row.source_id == source_id, row.state == OrderState.BLOCKED.value, row.reason == _unread(problem)
    )
    return [as_kept(one) for one in session.exec(statement.order_by(col(row.position)).limit(limit))]


def problems(session: Session, source_id: str, limit: int = 20) -> list[KeptOrder]:
    """Return orders for which a person has to do something, the newest first."""
    statement = (
        select(ExchangeOrderRow)
        .where(
            ExchangeOrderRow.source_id == source_id,
            col(ExchangeOrderRow.state).in_([OrderState.BLOCKED.value, OrderState.FAILED.value]),
        )
        .order_by(col(ExchangeOrderRow.position).desc())
        .limit(limit)
    )
    return [as_kept(row) for row in session.exec(statement)]


def waiting(session: Session, source_id: str, limit: int = 100) -> list[KeptOrder]:
    """Return orders that wait until QuickBooks Desktop asks for work, the oldest first."""
    statement = (
        select(ExchangeOrderRow)
        .where(ExchangeOrderRow.source_id == source_id, ExchangeOrderRow.state == OrderState.WAITING.value)
        .order_by(col(ExchangeOrderRow.position), col(ExchangeOrderRow.order_no), col(ExchangeOrderRow.revision))
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [as_kept(row) for row in session.exec(statement)]


def counts(session: Session, source_id: str) -> dict[OrderState, int]:
    """Return how many orders stand where."""
    statement = (
        select(ExchangeOrderRow.state, func.count())
        .where(ExchangeOrderRow.source_id == source_id)
        .group_by(col(ExchangeOrderRow.state))
    )
    return {OrderState(state): number for state, number in session.exec(statement)}


def forget(session: Session, source_id: str) -> None:
    """Delete everything about the orders of a connection."""
    session.connection().execute(delete(ExchangeOrderRow).where(col(ExchangeOrderRow.source_id) == source_id))
    cursors = delete(ExchangeOrderCursorRow).where(col(ExchangeOrderCursorRow.source_id) == source_id)
    session.connection().execute(cursors)
    session.expire_all()


def forget_before(session: Session, instant: datetime, limit: int = 1000) -> int:
    """Delete settled orders that are older than that; return how many."""
    old = (
        select(ExchangeOrderRow.id)
        .where(
            col(ExchangeOrderRow.settled_at) < instant,
            col(ExchangeOrderRow.state).in_(_values((*_DONE, OrderState.FAILED))),
        )
        .limit(limit)
    )
    found = list(session.exec(old))
    if found:
        session.connection().execute(delete(ExchangeOrderRow).where(col(ExchangeOrderRow.id).in_(found)))
    return len(found)


def _listed(session: Session, organization_id: str, limit: int, which: Any) -> list[KeptOrder]:
    statement = (
        select(ExchangeOrderRow)
        .where(ExchangeOrderRow.organization_id == organization_id, which)
        .order_by(col(ExchangeOrderRow.revision).desc(), col(ExchangeOrderRow.read_at).desc())
        .limit(limit)
    )
    return [as_kept(row) for row in session.exec(statement)]


def _values(states: Iterable[OrderState]) -> list[str]:
    return [state.value for state in states]


def _written(row: ExchangeOrderRow) -> Written | None:
    return Written(row.target_id, row.target_number, row.target_version) if row.target_id else None


def as_kept(row: ExchangeOrderRow) -> KeptOrder:
    """Turn a row into a fact."""
    return KeptOrder(
        id=row.id,
        organization_id=row.organization_id,
        source_id=row.source_id,
        cust_id=row.cust_id,
        order_no=row.order_no,
        revision=row.revision,
        wish=Wish(row.wish),
        state=OrderState(row.state),
        position=row.position,
        fingerprint=row.fingerprint,
        order=read_order(row.content) if row.content else None,
        request_id=row.request_id,
        target=row.target,
        written=_written(row),
        reason=row.reason,
        attempts=row.attempts,
        read_at=row.read_at,
        sent_at=row.sent_at,
        next_at=row.next_at,
        settled_at=row.settled_at,
        written_back_at=row.written_back_at,
        named=row.named,
        books_id=row.books_id,
    )
