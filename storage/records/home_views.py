"""App Homes that are open: who opened one lately, what they look at, and whether it must be drawn again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import Update, bindparam, delete, func, update
from sqlmodel import Session, col, select

from storage.facts.people import SlackIdentity
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import HomeViewRow, IncidentRow, RunRow, SourceRow
from storage.tables.columns import Instant

#: Whoever has not opened it for that long does not look any more.
LOOKS = timedelta(days=1)
#: One person's is drawn at most once in that time.
PAUSE = timedelta(seconds=5)
#: Whoever takes one to draw it has so long; after that it is anybody's again.
LEASE = timedelta(minutes=2)
#: Drawings of one workspace in a minute: Slack takes a hundred, and those whom people ask for come first.
_MOST, _MINUTE = 60, timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class HomeView:
    """A Home that is open, and has changed."""

    identity: SlackIdentity
    #: filter and page
    showing: str
    #: since when it waits; of one that was taken, the end of its taker's time
    changed_at: datetime


def opened(session: Session, organization_id: str, identity: SlackIdentity, showing: str, now: datetime) -> None:
    """Write down that somebody looks at it now."""
    values = {"organization_id": organization_id, "showing": showing, "opened_at": now, "drawn_at": now}
    statement = update(HomeViewRow).where(*_of(identity)).values(**values, changed_at=None)
    if not won(session, statement):
        insert_new(session, HomeViewRow, team_id=identity.team_id, user_id=identity.user_id, **values)


def changed(session: Session, organization_id: str, now: datetime) -> None:
    """Let the organization's open Homes be drawn again; in the transaction of the change."""
    session.connection().execute(_changed("organization"), {"value": organization_id, "now": now})


def changed_for(session: Session, team_id: str, user_id: str, now: datetime) -> None:
    """As `changed`, for one person's own part of it."""
    mine = (*_of(SlackIdentity(team_id, user_id)), _settled(now))
    won(session, update(HomeViewRow).where(*mine).values(changed_at=now))


def changed_by_source(session: Session, source_id: str, now: datetime) -> None:
    """As `changed`, for the organization of a source."""
    session.connection().execute(_changed("source"), {"value": source_id, "now": now})


def changed_by_run(session: Session, run_id: str, now: datetime) -> None:
    """As `changed`, for the organization of a run."""
    session.connection().execute(_changed("run"), {"value": run_id, "now": now})


def changed_by_incident(session: Session, incident_id: str, now: datetime) -> None:
    """As `changed`, for the organization of an incident."""
    session.connection().execute(_changed("incident"), {"value": incident_id, "now": now})


@cache
def _changed(what: str) -> Update:
    value: sqlalchemy.BindParameter[str] = bindparam("value")
    now: sqlalchemy.BindParameter[datetime] = bindparam("now", type_=Instant())
    tables = {"source": SourceRow, "run": RunRow, "incident": IncidentRow}
    owner: sqlalchemy.ColumnElement[str] = value
    if what in tables:
        columns = tables[what].__table__.c  # type: ignore[attr-defined]  # SQLModel's declared table
        owner = sqlalchemy.select(columns.organization_id).where(columns.id == value).scalar_subquery()
    return (
        update(HomeViewRow)
        .where(col(HomeViewRow.organization_id) == owner, _settled(now))
        .values(changed_at=now)
        .execution_options(synchronize_session=False)
    )


def _settled(now: Any) -> sqlalchemy.ColumnElement[bool]:
    """Return the condition that it does not wait: drawn, being drawn now, or refused by Slack and tried again later."""
    return sqlalchemy.or_(col(HomeViewRow.changed_at).is_(None), col(HomeViewRow.changed_at) > now)


def due(session: Session, now: datetime, limit: int = 50) -> list[HomeView]:
    """Return the open Homes that have changed, the longest waiting first; of each workspace only what Slack takes."""
    statement = (
        select(HomeViewRow.team_id, HomeViewRow.user_id, HomeViewRow.showing, HomeViewRow.changed_at)
        .where(
            col(HomeViewRow.changed_at) <= now,
            col(HomeViewRow.opened_at) > now - LOOKS,
            col(HomeViewRow.drawn_at) <= now - PAUSE,
        )
        .order_by(col(HomeViewRow.changed_at))
        .limit(limit)
    )
    left: dict[str, int] = {}
    found = []
    for team_id, user_id, showing, at in session.exec(statement).all():
        if team_id not in left:
            left[team_id] = _MOST - _drawn(session, team_id, now - _MINUTE)
        left[team_id] -= 1
        if left[team_id] >= 0 and at is not None:
            found.append(HomeView(SlackIdentity(team_id, user_id), showing, at))
    return found


def _drawn(session: Session, team_id: str, since: datetime) -> int:
    lately = (HomeViewRow.team_id == team_id, col(HomeViewRow.drawn_at) > since)
    return int(session.exec(select(func.count()).select_from(HomeViewRow).where(*lately)).one())


def claim(session: Session, view: HomeView, now: datetime) -> HomeView | None:
    """Take it to draw it; None where another one did. What changes from now on is another change."""
    taken = replace(view, changed_at=now + LEASE)
    values = {"changed_at": taken.changed_at, "drawn_at": now}
    return taken if won(session, update(HomeViewRow).where(*_still(view)).values(**values)) else None


def settle(session: Session, taken: HomeView, again_at: datetime | None) -> None:
    """Say what came of drawing one that was taken: done, or to be drawn again then. Another change since then stays."""
    won(session, update(HomeViewRow).where(*_still(taken)).values(changed_at=again_at))


def forget(session: Session, now: datetime) -> None:
    """Forget whoever does not look any more."""
    session.flush()
    session.connection().execute(delete(HomeViewRow).where(col(HomeViewRow.opened_at) <= now - LOOKS))


def _still(view: HomeView) -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    return (*_of(view.identity), col(HomeViewRow.changed_at) == view.changed_at)


def _of(identity: SlackIdentity) -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    return col(HomeViewRow.team_id) == identity.team_id, col(HomeViewRow.user_id) == identity.user_id
