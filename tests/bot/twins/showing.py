"""Twins of what is shown: how fresh the data is, what happened, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from jobs.authorize import authorize
from jobs.channels import ChannelRefusedError
from jobs.errors import NotFoundError, UnavailableError
from jobs.explain.chain import explain_metric
from jobs.explain.tree import explain
from jobs.pages.service import PageLink
from jobs.refresh.ask import Place, TriggerKey
from jobs.timelines import SentAgain
from storage.facts.audit import AuditPage
from storage.facts.begun import Asker, Begun
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.estimates import Calibration
from storage.facts.explain import Evidence, Explanation
from storage.facts.feedback import Feedback, Given, Verdict
from storage.facts.home import Administration, Index
from storage.facts.landed import LandedAnswer, Sought, Standing
from storage.facts.metric_why import MetricEvidence, MetricWhy
from storage.facts.metrics import Dataset, Definition, Metric, MetricState, Selection, Shown
from storage.facts.people import Action, Actor, Role, SlackIdentity
from storage.facts.receipts import ReceiptPage
from storage.facts.runs import Run
from storage.facts.shared import Answer
from storage.facts.sources import Organization, Source
from storage.facts.status import SourceStatus
from storage.facts.talk import Conversation
from storage.facts.timelines import Reader as TimelineReader
from storage.facts.timelines import Timeline, Told
from tests.bot.twins.world import AT, OTHERS, QBO, SHOP, run_of, status_of


@dataclass
class TwinStatus:
    """The state of every source; the others' are there, too, and must not be seen."""

    everything: list[Source] = field(default_factory=lambda: [QBO, SHOP, OTHERS])
    slow: bool = False

    async def sources(self, actor: Actor) -> list[Source]:
        if self.slow:
            raise UnavailableError("busy")
        who = authorize(actor, Action.SEE_STATUS)
        return [one for one in self.everything if one.organization_id == who.organization_id]

    async def connections(self, actor: Actor) -> list[Source]:
        return await self.sources(actor)

    async def all(self, actor: Actor, *, with_durations: bool = False) -> list[SourceStatus]:
        return [status_of(one) for one in await self.sources(actor)]

    async def begun(self, actor: Actor, source_ids: Sequence[str], limit: int = 50) -> list[Begun]:
        authorize(actor, Action.SEE_HISTORY)
        known = [one for one in await self.sources(actor) if one.id in source_ids]
        return [Begun(run_of(one), (Asker("Maya Ortiz", "U0MAYA"),)) for one in known][:limit]

    async def one(self, actor: Actor, source_id: str) -> SourceStatus:
        for found in await self.all(actor):
            if found.source.id == source_id:
                return found
        raise NotFoundError

    async def history(self, actor: Actor, source_id: str | None, limit: int = 10) -> tuple[list[Run], dict[str, str]]:
        authorize(actor, Action.SEE_HISTORY)
        known = [one for one in await self.sources(actor) if source_id in (None, one.id)]
        if not known:
            raise NotFoundError
        return [run_of(one) for one in known][:limit], {}

    async def calibration(self, actor: Actor, source_id: str) -> Calibration | None:
        authorize(actor, Action.SEE_AUDIT)
        return Calibration(48, 0.5, 0.91)


@dataclass(frozen=True)
class OpenTwin:
    identity: SlackIdentity
    showing: str


@dataclass
class TwinHome:
    """The index of the same sources; how the organization is set up for admins alone."""

    status: TwinStatus
    open: list[tuple[SlackIdentity, str]] = field(default_factory=list)
    changed: list[OpenTwin] = field(default_factory=list)
    #: who was drawn, and who could not be
    settled: list[tuple[SlackIdentity, bool]] = field(default_factory=list)

    async def opened(self, actor: Actor, showing: str) -> None:
        self.open.append((actor.identity, showing))

    async def take_changed(self) -> list[OpenTwin]:
        found, self.changed = self.changed, []
        return found

    async def drawn(self, view: OpenTwin) -> None:
        self.settled.append((view.identity, True))

    async def refused(self, view: OpenTwin) -> bool:
        self.settled.append((view.identity, False))
        return True

    async def index(self, actor: Actor) -> Index:
        who = authorize(actor, Action.SEE_STATUS)
        found = tuple(await self.status.all(actor))
        company = Organization(
            who.organization_id, "Temerity Goods", "America/New_York", "help@tidings.example", None, "Sam Ode"
        )
        settings = Administration({Role.ADMIN: 1, Role.REFRESHER: 2, Role.VIEWER: 1}, webhooks=1)
        return Index(company, found, {QBO.id: "Daniel Kim"}, settings if who.role is Role.ADMIN else None)


class TwinPages:
    """A link to the page of every source of one's own."""

    async def link(self, actor: Actor, about: str) -> PageLink:
        member = authorize(actor, Action.SEE_HISTORY)
        found = [one for one in (QBO, SHOP, OTHERS) if (one.id, one.organization_id) == (about, member.organization_id)]
        if not found:
            raise NotFoundError
        url = f"https://tidings.example/page?ticket={about}"
        return PageLink(found[0], url, datetime(2026, 11, 23, 14, tzinfo=UTC))


@dataclass
class TwinTimelines:
    """One result, mailed and lost; every sending written down once."""

    sent: dict[tuple[str, str], tuple[str, Channel]] = field(default_factory=dict)
    tests: set[str] = field(default_factory=set)

    async def of(self, actor: Actor, named: str) -> Timeline:
        who = authorize(actor, Action.SEE_HISTORY)
        if not named.startswith(("last", "rfr_", "tst_")):
            raise NotFoundError
        one = Delivery("dlv_" + "1" * 22, "org_temerity", "refresh_finished", "rfr_1", Channel.EMAIL, "maya@example.com",
                       who.id, DeliveryState.FAILED, 1, 0, AT, None, None, "550 no such mailbox", AT, AT)  # fmt: skip
        return Timeline("rfr_1", (Told(one, TimelineReader.YOU, who.name, one.kind),), one.id, by_mail=True)

    async def again(self, actor: Actor, delivery_id: str, channel: Channel, trigger: TriggerKey) -> SentAgain:
        authorize(actor, Action.SEND_AGAIN)
        self.sent[trigger.team_id, trigger.trigger_id] = (delivery_id, channel)
        return SentAgain("dlv_" + "2" * 22, channel)

    async def missed(self, _actor: Actor) -> bool:
        return True

    async def test(self, actor: Actor, trigger: TriggerKey) -> str:
        authorize(actor, Action.SEND_TEST)
        self.tests.add(trigger.trigger_id)
        return "tst_" + "1" * 22


class TwinAudit:
    """Has nothing to tell."""

    async def newest(self, actor: Actor, limit: int = 20) -> AuditPage:
        authorize(actor, Action.SEE_AUDIT)
        return AuditPage((), 0, ())


class TwinLandings:
    """Finds nothing, and watches."""

    async def landed(
        self, actor: Actor, wanted: Sought, _source_ids: Sequence[str], _trigger: TriggerKey
    ) -> LandedAnswer:
        authorize(actor, Action.SEE_STATUS)
        return LandedAnswer(wanted, (), (Standing(SHOP, AT, AT + timedelta(hours=1), running=False),), AT)


def why_of_fees() -> MetricWhy:
    """Return why a metric is as it is: its records are not imported yet."""
    metric = Metric("met_1", "org_1", QBO.id, "1", "Fees", Definition(Selection(Dataset.REVENUE)), 1, "mem_1", "", AT,
                    MetricState.CALCULATING, "", None, "", None, 0)  # fmt: skip
    source = explain(Evidence(AT, status_of(QBO), Role.VIEWER))
    shown = Shown(metric, MetricState.CALCULATING, "Temerity Goods")
    return explain_metric(MetricEvidence(AT, shown, source, ["general_ledger"], "general_ledger", None, AT, ""))


class TwinExplain:
    """Explains what it sees itself: all is well; every message is about the shop."""

    async def about(self, actor: Actor, delivery_id: str) -> list[str]:
        authorize(actor, Action.SEE_STATUS)
        return [SHOP.id] if delivery_id == "dlv_shop" else []

    async def metric(self, actor: Actor, words: str) -> MetricWhy | None:
        authorize(actor, Action.SEE_STATUS)
        return why_of_fees() if "fees" in words.casefold() else None

    async def metric_of(self, actor: Actor, metric_id: str) -> MetricWhy:
        authorize(actor, Action.SEE_STATUS)
        if metric_id != "met_1":
            raise NotFoundError
        return why_of_fees()

    async def why(self, actor: Actor, source_id: str, *, asks_mail: bool = False) -> Explanation:
        who = authorize(actor, Action.SEE_STATUS)
        found = next((one for one in (QBO, SHOP, OTHERS) if one.id == source_id), None)
        if found is None or found.organization_id != who.organization_id:
            raise NotFoundError
        return explain(Evidence(AT, status_of(found), who.role, asks_mail=asks_mail))


class TwinReceipts:
    """Has none."""

    async def one(self, actor: Actor, _receipt_id: str) -> ReceiptPage:
        authorize(actor, Action.SEE_HISTORY)
        raise NotFoundError


@dataclass
class TwinFeedback:
    """Keeps verdicts in memory."""

    given: dict[tuple[str, str | Given], tuple[Verdict, str]] = field(default_factory=dict)

    async def give(self, actor: Actor, of: str | Given, verdict: Verdict, words: str = "") -> None:
        who = authorize(actor, Action.SEE_STATUS)
        if isinstance(of, str) and of != "rfr_1":
            raise NotFoundError
        was, written = self.given.get((who.user_id, of), (verdict, ""))
        self.given[who.user_id, of] = (verdict, words or (written if was is verdict else ""))

    async def told(self, actor: Actor, source_id: str | None = None) -> list[Feedback]:
        authorize(actor, Action.SEE_AUDIT)
        return [Feedback(by, verdict, AT, words) for (by, _), (verdict, words) in self.given.items()]


@dataclass
class TwinTalk:
    """Keeps what was asked last, for any number of fronts."""

    kept: dict[tuple[SlackIdentity, Conversation], str | None] = field(default_factory=dict)

    async def last(self, actor: Actor, where: Conversation) -> str | None:
        authorize(actor, Action.SEE_STATUS)
        return self.kept.get((actor.identity, where))

    async def keep(self, actor: Actor, where: Conversation, asked: str | None) -> None:
        authorize(actor, Action.SEE_STATUS)
        self.kept[(actor.identity, where)] = asked


@dataclass
class TwinSharing:
    """Shares in one channel, once for a card."""

    done: dict[str, tuple[str, Answer]] = field(default_factory=dict)

    async def share(self, actor: Actor, place: Place, card: str, wanted: Answer) -> str:
        authorize(actor, Action.SHARE_ANSWER)
        if place.channel_id != "C0FINANCE":
            raise ChannelRefusedError("shared")
        self.done.setdefault(card, (place.channel_id, wanted))
        return "finance"
