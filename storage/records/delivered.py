"""Which places of delivery are taken: a file that two sources read would count twice, or in somebody else's books."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from storage.credentials import Place, open_credentials
from storage.facts.delivered import DeliveryPlace, place_of, place_of_account
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, Provider
from storage.records.flows import lock_account
from storage.seal import Seal, SealError
from storage.tables import ConnectionRow, SourceRow


@dataclass(frozen=True, slots=True)
class Taken:
    """A source that reads a place."""

    organization_id: str
    account: str
    label: str
    place: DeliveryPlace


def taken(session: Session, seal: Seal) -> Sequence[Taken]:
    """Return every source to which files are delivered and that holds a grant, refused ones too: they may recover."""
    statement = (
        select(SourceRow, ConnectionRow)
        .join(ConnectionRow, col(ConnectionRow.source_id) == col(SourceRow.id))
        .where(SourceRow.mode == CollectMode.PUSH, col(ConnectionRow.credentials).is_not(None))
        .where(col(ConnectionRow.erase_due_at).is_(None))
        .order_by(SourceRow.id)
        .execution_options(populate_existing=True)
    )
    found = []
    for source, connection in session.exec(statement):
        place = _opened(seal, source, connection)
        if place is not None:
            found.append(Taken(source.organization_id, source.account, source.label, place))
    return found


def in_the_way(session: Session, seal: Seal, organization_id: str, account: str, place: DeliveryPlace) -> Taken | None:
    """Return another source that reads files of that place; None when there is none, and none comes until this ends.

    One of another organization is named before one of the same. The account of an organization is one source: its own
    place is not in its way.
    """
    # One lock for each root, whichever provider's files lie there.
    lock_account(session, Provider.NETSUITE, place.root)
    others = [
        one
        for one in taken(session, seal)
        if one.place.meets(place) and (one.organization_id, one.account) != (organization_id, account)
    ]
    return next((one for one in others if one.organization_id != organization_id), others[0] if others else None)


def overlaps(session: Session, seal: Seal) -> list[tuple[Taken, Taken]]:
    """Return the pairs of sources that read the same files; there are none but from before this was looked at."""
    return [pair for pair in itertools.combinations(taken(session, seal), 2) if pair[0].place.meets(pair[1].place)]


def declared_of(session: Session, seal: Seal, source_id: str) -> Secret | None:
    """Return how the files of a source were declared when it was connected; None where nothing is kept of it."""
    source = session.get_one(SourceRow, source_id)
    statement = select(ConnectionRow).where(
        ConnectionRow.source_id == source_id,
        col(ConnectionRow.credentials).is_not(None),
        col(ConnectionRow.erase_due_at).is_(None),
    )
    found = session.exec(statement.execution_options(populate_existing=True)).first()
    if found is None or found.credentials is None:
        return None
    here = Place(source.organization_id, source.provider, source.account, found.version)
    try:
        return open_credentials(seal, here, found.credentials).access
    except SealError:
        return None


def _opened(seal: Seal, source: SourceRow, connection: ConnectionRow) -> DeliveryPlace | None:
    here = Place(source.organization_id, source.provider, source.account, connection.version)
    try:
        declared = open_credentials(seal, here, connection.credentials or b"").access
    except SealError:
        # Nobody can read with it either; what its account says still counts.
        return place_of_account(source.account)
    return place_of(Provider(source.provider), source.organization_id, source.account, declared)
