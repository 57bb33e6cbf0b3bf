"""Who asked for runs."""

from collections import defaultdict
from collections.abc import Sequence

from sqlmodel import Session, col, select

from storage.facts.begun import Asker
from storage.tables import MemberRow, RefreshPersonRow, RefreshRunRow


def askers_of(session: Session, run_ids: Sequence[str]) -> dict[str, tuple[Asker, ...]]:
    """Return the members who asked for or joined each of these runs, in the order in which they did; in one query."""
    statement = (
        select(RefreshRunRow.run_id, MemberRow.name, MemberRow.user_id)
        .join(RefreshPersonRow, col(RefreshRunRow.refresh_id) == col(RefreshPersonRow.refresh_id))
        .join(MemberRow, col(RefreshPersonRow.member_id) == col(MemberRow.id))
        .where(col(RefreshRunRow.run_id).in_(run_ids))
        .order_by(col(RefreshPersonRow.joined_at), col(MemberRow.id))
    )
    found: dict[str, dict[str, Asker]] = defaultdict(dict)
    for run_id, name, user_id in session.exec(statement):
        found[run_id].setdefault(user_id, Asker(name, user_id))
    return {run_id: tuple(people.values()) for run_id, people in found.items()}
