"""A form that is sent twice makes one metric, and of two people who change one the second is told: with twins."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.desk import Desk
from jobs.errors import TooLateError
from jobs.metrics.choosing import Ask
from jobs.metrics.making import MetricMaking, Saved
from jobs.refresh.ask import TriggerKey
from storage.facts.clock import OffsetClock
from storage.facts.ids import new_id
from storage.facts.metric_drafts import Draft
from storage.facts.metrics import Dataset, Definition, Selection
from storage.facts.people import Actor, Member
from storage.records import metric_changes, metrics
from storage.sessions import Database, Session
from tests.jobs.metrics.standing_metrics import NOW, Company

MANAGER = "U0DANIEL"
REVENUE = Definition(Selection(Dataset.REVENUE))
EXPENSES = Definition(Selection(Dataset.EXPENSES))


class Again(MetricMaking):
    """A twin that takes each click for a form of its own, and a name that is taken for one that was not meant."""

    async def save(self, actor: Actor, draft: Draft, trigger: TriggerKey) -> Saved:
        return await super().save(actor, draft, TriggerKey(trigger.team_id, new_id("trg")))


class Late(MetricMaking):
    """A twin that saves whatever comes last."""

    def _change(self, session: Session, member: Member, draft: Draft, now: datetime) -> None:
        before = metric_changes.find(session, member.organization_id, draft.metric_id)
        assert before is not None
        assert metrics.redefine(session, before, draft.definition, member.id, now)


@asynccontextmanager
async def making(database: Database, kind: type[MetricMaking]) -> AsyncIterator[tuple[MetricMaking, Company]]:
    """Put up the forms of a company whose last run was ready; nothing is searched there."""
    company, desk, clock = Company(database), Desk(database.url), OffsetClock(base=lambda: NOW)
    company.ready(NOW)

    async def nothing(_questions: object) -> list[list[list[str]]]:
        return [[] for _ in range(8)]

    def asks(_owner: str) -> Ask:
        return nothing

    nowhere: Any = SimpleNamespace()
    forms = kind(desk, clock, nowhere, nowhere, asks)
    try:
        yield forms, company
    finally:
        await forms.close()
        desk.close()


@pytest.mark.parametrize("kind", [MetricMaking, Again])
async def test_a_form_that_is_sent_twice_does_it_once(sqlite_database: Database, kind: type[MetricMaking]) -> None:
    async with making(sqlite_database, kind) as (forms, company):
        actor = company.actor(MANAGER)
        key = TriggerKey("T0TEMERITY", "metric:card_1")
        begun = (await forms.begin(actor, "card_1")).draft
        draft = Draft(begun.card, begun.source_id, REVENUE, "Fees", owner_id=begun.owner_id)
        await forms.save(actor, draft, key)
        changed = (await forms.begin(actor, "card_2", "fees", by_name=True)).draft
        again = TriggerKey("T0TEMERITY", "metric:card_2")
        late = Draft(changed.card, changed.source_id, EXPENSES, "Costs", changed.metric_id, changed.version,
                     changed.owner_id)  # fmt: skip
        await forms.save(actor, late, again)
        if kind is Again:
            # The twin makes a second one of the name that is free by now, and calls the second click of a change late.
            await forms.save(actor, draft, key)
            assert len(_names(company)) == 2
            with pytest.raises(TooLateError):
                await forms.save(actor, late, again)
            return
        assert (await forms.save(actor, draft, key)).name == "Fees"
        assert (await forms.save(actor, late, again)).name == "Costs"
        assert _names(company) == ["Costs"]
        gone = TriggerKey("T0TEMERITY", "card_3")
        assert [(await forms.delete(actor, changed.metric_id, gone)).name for _ in range(2)] == ["Costs"] * 2
        assert _names(company) == []


@pytest.mark.parametrize("kind", [MetricMaking, Late])
async def test_of_two_who_change_one_the_second_is_told(sqlite_database: Database, kind: type[MetricMaking]) -> None:
    async with making(sqlite_database, kind) as (forms, company):
        actor, made = company.actor(MANAGER), company.make("Fees", place="", definition=REVENUE)
        first, second = [(await forms.begin(actor, f"card_{n}", made.id)).draft for n in (1, 2)]
        await forms.save(actor, _as(first, EXPENSES), TriggerKey("T0TEMERITY", "metric:card_1"))
        late = TriggerKey("T0TEMERITY", "metric:card_2")
        if kind is Late:
            await forms.save(actor, second, late)
            assert _definition(company, made.id) == REVENUE, "the twin loses the first change without a word"
            return
        with pytest.raises(TooLateError, match="meanwhile"):
            await forms.save(actor, second, late)
        assert _definition(company, made.id) == EXPENSES


def _as(draft: Draft, definition: Definition) -> Draft:
    return Draft(draft.card, draft.source_id, definition, draft.name, draft.metric_id, draft.version, draft.owner_id)


def _names(company: Company) -> list[str]:
    source = company.source
    return company.database.in_read(lambda session: [one.name for one in metrics.of_source(session, source.id)])


def _definition(company: Company, metric_id: str) -> Definition:
    source = company.source
    found = company.database.in_read(lambda session: metrics.of_source(session, source.id))
    return next(one.definition for one in found if one.id == metric_id)
