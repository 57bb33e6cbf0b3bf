"""Accepted clicks: one plain row each, written before the ack and deleted by the transaction that plays it."""

import json
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Delete, Row, Select, bindparam, delete, select
from sqlmodel import Session, col

from storage.facts.clicks import Click
from storage.facts.people import SlackIdentity
from storage.records.inserts import insert_new
from storage.records.lookups import first, look
from storage.tables import ClickRow


def accept(session: Session, click: Click) -> bool:
    """Write the click down; return whether it is the first one on its card that waits."""
    return insert_new(
        session,
        ClickRow,
        team_id=click.team_id,
        trigger_id=click.trigger_id,
        organization_id=click.organization_id,
        user_team_id=click.identity.team_id,
        user_id=click.identity.user_id,
        channel_id=click.channel_id,
        sources=json.dumps(True if click.source_ids is None else click.source_ids),
        only_stale=click.only_stale,
        at=click.at,
        request=click.request,
    )


def take(session: Session, click: Click) -> bool:
    """Delete the click in the transaction of its effect; False when another process was faster."""
    return bool(look(session, _delete(), team=click.team_id, trigger=click.trigger_id).rowcount)


def find(session: Session, team_id: str, trigger_id: str) -> Click | None:
    """Return the click that waits on a card."""
    row = first(session, ClickRow, team_id=team_id, trigger_id=trigger_id)
    return _click(row) if row else None


def waiting(session: Session, before: datetime, limit: int) -> list[Click]:
    """Return what was accepted before that instant and not played yet, oldest first."""
    return [_click(row) for row in look(session, _waiting(), before=before, most=limit)]


def _click(row: Row[Any]) -> Click:
    named = json.loads(row.sources)
    return Click(
        row.team_id,
        row.trigger_id,
        row.organization_id,
        SlackIdentity(row.user_team_id, row.user_id),
        row.channel_id,
        None if named is True else tuple(named),
        row.only_stale,
        row.at,
        row.request,
    )


@cache
def _delete() -> Delete:
    return delete(ClickRow).where(
        col(ClickRow.team_id) == bindparam("team"), col(ClickRow.trigger_id) == bindparam("trigger")
    )


@cache
def _waiting() -> Select[Any]:
    rows = ClickRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table
    return select(*rows.c).where(rows.c.at < bindparam("before")).order_by(rows.c.at).limit(bindparam("most"))
