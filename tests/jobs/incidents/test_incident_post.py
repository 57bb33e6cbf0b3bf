"""The post about an incident lives for days: it is edited when what it says changes, and not for its age."""

from datetime import timedelta

import pytest

from jobs.deliver.cards import CardEditor
from jobs.incidents.noticing import lost
from jobs.notify.kinds import INCIDENT_CARD
from storage.facts.incidents import IncidentKind
from storage.facts.sources import Provider
from storage.records import cards, organizations
from storage.sessions import Database, Session
from tests.jobs.incidents.test_fleet_post import Sender
from tests.jobs.incidents.troubled import Company


@pytest.mark.parametrize("kind", [IncidentKind.LATE, IncidentKind.DISCONNECTED])
async def test_the_post_is_edited_for_what_changes_alone(sqlite_database: Database, kind: IncidentKind) -> None:
    company = Company(sqlite_database)
    (source,) = company.founded("acme", Provider.SHOPIFY)
    company.ready(source)

    def lose(session: Session) -> None:
        organizations.lock(session, source.organization_id)
        lost(session, source.id, "the provider refuses it", company.at, company.notifier)

    if kind is IncidentKind.DISCONNECTED:
        sqlite_database.in_write(lose)
    else:
        await company.passes(minutes=70)
    incident = company.told(INCIDENT_CARD)[0][0]

    def posted(session: Session) -> None:
        for number, card in enumerate(cards.of_subject(session, INCIDENT_CARD, incident)):
            cards.posted(session, card.id, card.channel_id, f"1.{number}", None, company.at)

    sqlite_database.in_write(posted)
    sender = Sender(company)
    editor = CardEditor(sqlite_database, company.clock, sender, may_act=lambda: True)
    await editor.sweep()
    shown = len(sender.edits)
    assert shown
    for _ in range(40):
        company.at += timedelta(seconds=50)
        await editor.sweep()
    assert len(sender.edits) == shown
    company.ready(company.source(source.id))
    if kind is IncidentKind.LATE:
        await editor.sweep()
        assert len(sender.edits) == 2 * shown


async def test_an_open_incident_is_looked_at_once_a_minute(sqlite_database: Database) -> None:
    """Hundreds are open for weeks at once: looked at as often as a refresh, they would be all that a core does."""
    company = Company(sqlite_database)
    (source,) = company.founded("acme", Provider.SHOPIFY)
    company.ready(source)
    await company.passes(minutes=70)
    incident = company.told(INCIDENT_CARD)[0][0]

    def posted(session: Session) -> None:
        for number, card in enumerate(cards.of_subject(session, INCIDENT_CARD, incident)):
            cards.posted(session, card.id, card.channel_id, f"1.{number}", None, company.at)

    sqlite_database.in_write(posted)
    editor = CardEditor(sqlite_database, company.clock, Sender(company), may_act=lambda: True)
    await editor.sweep()
    assert not sqlite_database.in_read(lambda session: cards.due(session, company.at + timedelta(seconds=59)))
    assert sqlite_database.in_read(lambda session: cards.due(session, company.at + timedelta(seconds=60)))
