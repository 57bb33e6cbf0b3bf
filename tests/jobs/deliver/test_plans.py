"""A refresh of several sources is a plan with a task for each, where the workspace takes one; else as it ever was."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from jobs.access_policy import AccessPolicy
from jobs.deliver.cards import CardEditor
from jobs.deliver.posting import Posting
from jobs.deliver.results import Accepted, Refused, Result
from jobs.deliver.slack import SlackSender
from jobs.desk import Desk
from jobs.notify.kinds import REFRESH_CARD
from jobs.refresh.ask import Place, Scope, Started, TriggerKey
from jobs.refresh.ending import Verdict, end_run
from jobs.refresh.service import RefreshService
from storage.facts.access import RefreshAccess
from storage.facts.messages import Step, Steps, StepState
from storage.facts.people import Actor, SlackIdentity
from storage.facts.runs import Failure, FailureKind, RunState, Stage
from storage.facts.sources import Provider, Source
from storage.records import cards, deliveries, organizations, refreshes, runs
from storage.records.cards import Card
from storage.sessions import Database
from templates.slack.inline import Reader
from templates.slack.plans import plan
from templates.slack.room import Room
from tests.jobs.incidents.troubled import Company

TEAM = "T0TEMERITY"
ADA = SlackIdentity(TEAM, "U0ADMIN")


class Sender(SlackSender):
    """A workspace that takes every message without these blocks."""

    def __init__(self, *unknown: str) -> None:
        self.unknown = set(unknown)
        self.shown: list[list[dict[str, Any]]] = []
        self.refused = 0

    def _taken(self, message: Mapping[str, Any]) -> Result:
        if self.unknown & {block["type"] for block in message["blocks"]}:
            self.refused += 1
            return Refused("invalid_blocks", final=True)
        self.shown.append(message["blocks"])
        return Accepted("1.1", "C0FINANCE")

    async def post(
        self, team_id: str, channel_id: str, message: Mapping[str, Any], delivery_id: str, thread_ts: str | None = None
    ) -> Result:
        """Take it, or not."""
        assert message["text"]
        return self._taken(message)

    async def edit(self, team_id: str, channel_id: str, ts: str, message: Mapping[str, Any]) -> Result:
        """Take it, or not."""
        return self._taken(message)

    def states(self) -> list[str]:
        """Return how the tasks of the newest plan stand."""
        return [task["status"] for block in self.shown[-1] if block["type"] == "plan" for task in block["tasks"]]


class Blunt(CardEditor):
    """The broken twin: what is refused is not said in another way."""

    async def _drawn(self, card: Any, channel_id: str, message: Any, rung: Any) -> Result:
        from templates import slack

        return await self._sender.edit(TEAM, channel_id, card.ts or "", dict(slack.render(message, rung=rung)))


class Refreshing(Company):
    """A company whose admin refreshes three sources."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sources = self.founded("temerity", Provider.SHOPIFY, Provider.AMAZON, Provider.SHOPIFY)
        self.desk = Desk(self.database.url)

    async def refresh(self) -> str:
        policy = AccessPolicy(RefreshAccess.OPEN)
        service = RefreshService(self.desk, self.clock, lambda *_: None, self.notifier, read_budget=1, access=policy)
        who = Actor(ADA, self.database.in_read(lambda s: organizations.member_by_identity(s, ADA)))
        trigger, place = TriggerKey(TEAM, "t1"), Place(TEAM, "C0FINANCE")
        outcome = await service.request(who, Scope(everything=True), trigger, place)
        assert isinstance(outcome, Started)
        return outcome.refresh_id

    async def posted(self, refresh_id: str, sender: Sender) -> None:
        (card,) = self.database.in_read(lambda s: cards.of_subject(s, REFRESH_CARD, refresh_id))
        delivery = self.database.in_read(lambda s: deliveries.delivery(s, card.delivery_id))
        call = await Posting(self.database, self.clock, sender).prepare(delivery, None)
        assert not isinstance(call, Refused)
        assert isinstance(await call(), Accepted)
        self.database.in_write(lambda s: cards.posted(s, card.id, "C0FINANCE", "1.1", None, self.at))

    def moves(self, refresh_id: str, source: Source, verdict: Verdict | None) -> None:
        def write(session: Session) -> None:
            run = next(run for one, run, _ in refreshes.runs_of(session, refresh_id) if one.id == source.id)
            generation = runs.claim(session, run.id, 1, self.at)
            if verdict is not None:
                runs.advance(session, run.id, generation or 0, source_as_of=self.at, loaded_at=self.at)
                end_run(session, run.id, generation or 0, verdict, self.at, self.notifier)

        self.database.in_write(write)


@pytest.fixture
def company(sqlite_database: Database) -> Iterator[Refreshing]:
    made = Refreshing(sqlite_database)
    yield made
    made.desk.close()


FAILED = Verdict(RunState.FAILED, Failure(FailureKind.RETRY, "timeout", "no answer", Stage.COLLECTING, "ref_1"))


async def test_each_source_is_a_task_that_follows_its_run(company: Refreshing) -> None:
    sender = Sender()
    editor = CardEditor(company.database, company.clock, sender, may_act=lambda: True)
    refresh_id = await company.refresh()
    await company.posted(refresh_id, sender)
    seen = [sender.states()]
    for source, verdict in zip(company.sources, (None, Verdict(RunState.READY), FAILED), strict=True):
        company.moves(refresh_id, source, verdict)
        company.at += timedelta(seconds=5)
        await editor.sweep()
        seen.append(sender.states())
    assert [sorted(states) for states in seen] == [
        ["pending", "pending", "pending"], ["in_progress", "pending", "pending"],
        ["complete", "in_progress", "pending"], ["complete", "error", "in_progress"],
    ]  # fmt: skip
    (planned,) = [block for block in sender.shown[-1] if block["type"] == "plan"]
    assert planned["title"] == "What each source is at"
    assert sender.refused == 0


@pytest.mark.parametrize("kind", [CardEditor, Blunt])
@pytest.mark.parametrize("since", ["the beginning", "the post"])
async def test_a_workspace_without_plans_is_told_in_lines_and_asked_once(
    company: Refreshing, kind: type[CardEditor], since: str
) -> None:
    sender = Sender(*(["plan"] if since == "the beginning" else []))
    editor = kind(company.database, company.clock, sender, may_act=lambda: True)
    refresh_id = await company.refresh()
    await company.posted(refresh_id, sender)
    # A post of an older version of ours has no plan in it, and none may be edited in.
    sender.unknown = {"plan"}
    for source in company.sources:
        company.moves(refresh_id, source, Verdict(RunState.READY))
        company.at += timedelta(seconds=5)
        await editor.sweep()
    known = company.database.in_read(lambda s: organizations.table_rung(s, TEAM))
    lines = [block["text"]["text"] for block in sender.shown[-1] if block["type"] == "section"]
    # What was refused once at the post is known to every edit; the twin gives a post up that it may not edit so.
    good = since == "the beginning" or kind is CardEditor
    assert (known == "native") is good
    assert (sender.refused == 1 and any(line.count("✓") == 3 for line in lines)) is good


def test_what_does_not_fit_and_a_single_source_are_lines() -> None:
    step = Step("Shopify", StepState.STOPPED, ("x" * 900,))
    reader, room = Reader("T1", "UTC"), Room(3000, 5)
    assert plan(Steps((step,), "t"), reader, room)[0]["tasks"][0]["status"] == "error"
    assert plan(Steps((step,)), reader, room) == []
    assert plan(Steps((step,) * 4, "t"), reader, room) == []
    assert plan(Steps((Step("a", StepState.DONE),) * 51, "t"), reader, Room(10_000, 50)) == []


class Waits(CardEditor):
    """Twin: looks when it is as late again as it was."""

    def _due(self, session: Session) -> list[tuple[Card, bool]]:
        return [one for one in super()._due(session) if one[0].due_at and one[0].due_at <= self._clock.now()]


@pytest.mark.parametrize("kind", [CardEditor, Waits])
async def test_a_card_follows_also_when_the_clock_is_set_back(
    sqlite_database: Database, kind: type[CardEditor]
) -> None:
    company, sender = Refreshing(sqlite_database), Sender()
    refresh_id = await company.refresh()
    await company.posted(refresh_id, sender)
    editor = kind(sqlite_database, company.clock, sender, may_act=lambda: True)
    await editor.sweep()
    shown = len(sender.shown)
    company.at -= timedelta(hours=1)
    company.moves(refresh_id, company.sources[0], None)
    await editor.sweep()
    assert (len(sender.shown) > shown) is (kind is CardEditor)
    company.desk.close()
