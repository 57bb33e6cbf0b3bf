"""One's own messages from the form: saved together, once for a form, and as the words would save them."""

from datetime import time

import pytest

from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.refresh.ask import TriggerKey
from jobs.subscriptions.digests import DigestService
from jobs.subscriptions.own import OwnChanges, OwnMessages
from jobs.subscriptions.quieting import QuietService
from jobs.subscriptions.service import SubscriptionService
from storage.facts.people import Action
from storage.facts.quiet import Quiet, Rhythm
from storage.facts.subscriptions import BOTH, MAIL, Topic
from storage.sessions import Database
from tests.jobs.subscriptions.test_rooms import TEAM, Table, entries

NIGHT, MORNING = Quiet(time(20), time(7, 30)), Rhythm(time(8, 30))


async def test_all_of_it_is_saved_once_or_nothing_is(sqlite_database: Database) -> None:
    table, desk = Table(sqlite_database), Desk(sqlite_database.url)
    try:
        clock, reader = table.clock, table.actor(table.reader)
        choices, quiet, digests = (
            SubscriptionService(desk, clock),
            QuietService(desk, clock),
            DigestService(desk, clock),
        )
        own = OwnMessages(desk, clock, choices, quiet, digests)
        wanted = OwnChanges("src_1", {Topic.LATE: MAIL}, frozenset({Topic.FAILED}), (NIGHT,), ((MORNING, BOTH),))
        foreign = OwnChanges("src_2", wanted.ways, wanted.in_digest, wanted.quiet, wanted.digest)
        with pytest.raises(NotFoundError):
            await own.save(reader, foreign, TriggerKey(TEAM, "form:V0"))
        before = await own.mine(reader)
        assert (before.choices.choices, before.quiet.quiet, before.digest) == ((), None, None)

        for changes in (wanted, OwnChanges(quiet=(None,), digest=(None,))):
            # The second is the same form once more: it changes nothing.
            kept = await own.save(reader, changes, TriggerKey(TEAM, "form:V1"))
            assert {one.topic: (one.ways, one.digest) for one in kept.choices.choices} == {
                Topic.LATE: (MAIL, False),
                Topic.FAILED: (frozenset(), True),
            }
            assert kept.quiet.quiet == NIGHT
            assert kept.digest is not None
            assert kept.digest.rhythm == MORNING
        assert entries(sqlite_database, table.reader.id, Action.CHOOSE_MESSAGES) == 2
        assert entries(sqlite_database, "src_1", Action.CHOOSE_MESSAGES) == 2

        # What the words say and what the form shows is the same; without a digest nothing is told in it.
        await choices.choose(reader, "src_1", frozenset({Topic.LATE}), None, TriggerKey(TEAM, "trg_1"))
        kept = await own.save(reader, OwnChanges(quiet=(None,), digest=(None,)), TriggerKey(TEAM, "form:V2"))
        assert (kept.choices.choices, kept.quiet.quiet, kept.digest) == ((), None, None)
    finally:
        desk.close()
