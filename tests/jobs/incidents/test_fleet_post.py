"""The post about the fleet is edited when what it says changes, and once a minute at most."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from jobs.deliver.cards import CardEditor
from jobs.deliver.results import Accepted, Result
from jobs.deliver.slack import SlackSender
from jobs.notify.kinds import FLEET_ALARM
from storage.facts.sources import Provider
from storage.records import cards
from storage.sessions import Database, Session
from tests.jobs.incidents.troubled import Company

LOOK = timedelta(seconds=15)


class Sender(SlackSender):
    """Takes note of every edit."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.edits: list[datetime] = []

    async def edit(self, team_id: str, channel_id: str, ts: str, message: Mapping[str, Any]) -> Result:
        """Accept it."""
        self.edits.append(self.company.at)
        return Accepted(ts)


async def test_the_post_is_edited_for_what_changes_and_once_a_minute_at_most(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    found = [source for number in range(12) for source in company.founded(f"c{number}", Provider.SHOPIFY)]
    for source in found:
        company.ready(source)
    await company.passes(minutes=70)
    alarm = company.told(FLEET_ALARM)[0][0]

    def posted(session: Session) -> None:
        (card,) = cards.of_subject(session, FLEET_ALARM, alarm)
        cards.posted(session, card.id, "C0SUP", "1.1", None, company.at)

    sqlite_database.in_write(posted)
    sender = Sender(company)
    editor = CardEditor(sqlite_database, company.clock, sender, may_act=lambda: True)

    async def looks(count: int) -> int:
        before = len(sender.edits)
        for _ in range(count):
            company.at += LOOK
            await company.fleet()
            await editor.sweep()
        return len(sender.edits) - before

    await looks(4)
    # Nothing changes but its age.
    assert await looks(40) == 0
    before = len(sender.edits)
    for source in found[:5]:
        company.ready(source)
        await looks(2)
    await looks(8)
    edits = sender.edits[before:]
    assert len(edits) > 1
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in pairwise(edits))
