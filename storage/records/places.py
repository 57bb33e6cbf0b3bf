"""How many calls of one provider account may be under way at once, parted among those who read it now.

An account is one row: taking, keeping and giving back lock nothing else, so that nobody can wait in a circle. A holder
keeps its places until a time of the database; whoever died gives its places back by that. Who comes while all places
are taken is noted with none: those who have more than their share then keep less at their next renewal.
"""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from storage.records.inserts import insert_new
from storage.records.instants import database_now
from storage.tables import CallPlacesRow

Holders = dict[str, tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Parted:
    """What a holder has, and what it should have."""

    places: int
    share: int


def take(session: Session, account: str, holder: str, *, most: int, least: int, seconds: float) -> Parted:
    """Take or renew: up to the share of `most`; never fewer than `least` while the holder's own time is not over.

    `least` are the calls that the holder has under way, or may begin meanwhile.
    """
    row = _locked(session, account)
    now = database_now(session).timestamp()
    others = {name: (int(n), until) for name, (n, until) in row.holders.items() if until > now and name != holder}
    share = max(1, most // (len(others) + 1))
    places = max(0, min(max(share, least), most - sum(n for n, _ in others.values())))
    _write(session, row, {**others, holder: (places, now + seconds)})
    return Parted(places, share)


def give_back(session: Session, account: str, holder: str) -> None:
    """Give all places back."""
    row = _locked(session, account)
    _write(session, row, {name: held for name, held in row.holders.items() if name != holder})


def _write(session: Session, row: CallPlacesRow, holders: Holders) -> None:
    row.holders = holders
    session.add(row)
    session.flush()


def _locked(session: Session, account: str) -> CallPlacesRow:
    statement = select(CallPlacesRow).where(col(CallPlacesRow.account) == account).with_for_update()
    row = session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        insert_new(session, CallPlacesRow, account=account, holders={})
        row = session.exec(statement).one()
    return row
