"""Signed events of providers: kept once, acted on, and remembered for as long as they could come again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from storage.facts.sources import Provider, Source
from storage.facts.webhooks import Event, Webhook
from storage.records.frozen import nothing_left
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.records.sources import as_source
from storage.tables import ConnectionRow, OrganizationRow, SourceRow, WebhookRow


def add(
    session: Session, provider: Provider, event: Event, now: datetime, *, body: bytes | None, outcome: str | None = None
) -> bool:
    """Keep the event, settled at once where there is an outcome; return whether it is new."""
    return insert_new(
        session,
        WebhookRow,
        provider=provider,
        event_id=event.id,
        topic=event.topic,
        account=event.account,
        at=now,
        body=body,
        settled_at=now if outcome else None,
        outcome=outcome,
    )


def find(session: Session, provider: Provider, event_id: str) -> Webhook | None:
    """Return the event as it is now."""
    statement = (
        select(WebhookRow)
        .where(WebhookRow.provider == provider, WebhookRow.event_id == event_id)
        .execution_options(populate_existing=True)
    )
    row = session.exec(statement).first()
    return _as_webhook(row) if row else None


def settle(session: Session, webhook: Webhook, outcome: str, now: datetime) -> bool:
    """Say what was done, and forget the body; return whether this one settled it."""
    statement = (
        update(WebhookRow)
        .where(
            col(WebhookRow.provider) == webhook.provider,
            col(WebhookRow.event_id) == webhook.event_id,
            col(WebhookRow.settled_at).is_(None),
        )
        .values(settled_at=now, outcome=outcome, body=None)
    )
    return won(session, statement)


def one_waits(session: Session, provider: Provider, account: str, topics: Collection[str]) -> bool:
    """Whether an event of these topics about the account was kept and not acted on yet."""
    statement = select(WebhookRow.event_id).where(
        WebhookRow.provider == provider,
        WebhookRow.account == account,
        col(WebhookRow.topic).in_(topics),
        col(WebhookRow.settled_at).is_(None),
    )
    return session.exec(statement.limit(1)).first() is not None


def unsettled(session: Session, before: datetime, limit: int = 500) -> list[Webhook]:
    """Return the events that came before that instant and were not acted on yet."""
    statement = (
        select(WebhookRow)
        .where(col(WebhookRow.settled_at).is_(None), col(WebhookRow.at) < before)
        .order_by(col(WebhookRow.at))
        .limit(limit)
    )
    return [_as_webhook(row) for row in session.exec(statement)]


def newest(session: Session, found: Sequence[Source]) -> Mapping[str, datetime]:
    """Return when the last event about each source came, by source id; sources without one are left out."""
    accounts = {(source.provider.value, source.account): source.id for source in found}
    if not accounts:
        return {}
    statement = (
        select(WebhookRow.provider, WebhookRow.account, func.max(WebhookRow.at))
        .where(
            col(WebhookRow.provider).in_({provider for provider, _ in accounts}),
            col(WebhookRow.account).in_({account for _, account in accounts}),
        )
        .group_by(WebhookRow.provider, WebhookRow.account)
    )
    rows = session.exec(statement)
    return {accounts[provider, account]: at for provider, account, at in rows if (provider, account) in accounts}


def forget_before(session: Session, instant: datetime) -> int:
    """Delete events that were acted on and came before that instant; return how many."""
    statement = delete(WebhookRow).where(col(WebhookRow.at) < instant, col(WebhookRow.settled_at).is_not(None))
    return session.connection().execute(statement).rowcount


def sources_named(session: Session, provider: Provider, account: str) -> list[Source]:
    """Return every source of that account, whichever organization's; for events that name nothing else."""
    statement = (
        select(SourceRow, ConnectionRow, OrganizationRow.timezone)
        .join(ConnectionRow, col(ConnectionRow.source_id) == col(SourceRow.id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(SourceRow.organization_id))
        .where(SourceRow.provider == provider, SourceRow.account == account)
        .order_by(col(SourceRow.id))
        .execution_options(populate_existing=True)
    )
    return [as_source(*found) for found in session.exec(statement)]


def forget_account(session: Session, source_id: str, now: datetime) -> None:
    """Forget the grant of a source and say that its data was erased; the source itself stays, for its history."""
    grant = update(ConnectionRow).where(col(ConnectionRow.source_id) == source_id)
    won(session, grant.values(credentials=None, version=ConnectionRow.version + 1))
    won(session, update(SourceRow).where(col(SourceRow.id) == source_id).values(data_erased_at=now, updated_at=now))
    nothing_left(session, source_id)


def _as_webhook(row: WebhookRow) -> Webhook:
    return Webhook(
        provider=Provider(row.provider),
        event_id=row.event_id,
        topic=row.topic,
        account=row.account,
        at=row.at,
        body=row.body,
        settled_at=row.settled_at,
        outcome=row.outcome,
    )
