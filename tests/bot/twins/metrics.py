"""Twins of metrics."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from jobs.authorize import authorize
from jobs.channels import ChannelRefusedError
from jobs.errors import NotAllowedError, NotFoundError
from jobs.metrics.checking import MetricRefusedError
from jobs.metrics.choosing import Names, filter_of, items_of
from jobs.metrics.export import FileForm
from jobs.metrics.files import Links
from jobs.metrics.filling import complaints, filled
from jobs.metrics.fitting import BEGINS, fits
from jobs.metrics.making import Saved
from jobs.metrics.posting import Posted
from jobs.metrics.service import NotConnectedError
from jobs.refresh.ask import Place, TriggerKey
from storage.facts.metric_drafts import Desk as FormDesk
from storage.facts.metric_drafts import Draft, Filling, Pick
from storage.facts.metrics import Dataset, Definition, ItemKind, Metric, MetricState, PostTime, Selection, Shown
from storage.facts.people import Action, Actor, Role
from storage.facts.restated import Restated
from tests.bot.twins.people import TwinPeople
from tests.bot.twins.world import AT


class TwinFiles:
    """Links to whatever is wanted, but for nothing."""

    async def links(self, actor: Actor, wanted: str) -> Links:
        authorize(actor, Action.SEE_STATUS)
        if wanted == "nothing":
            raise NotFoundError
        urls = tuple((form, f"https://tidings.example/files/metric?ticket={form.value}") for form in FileForm)
        return Links(wanted, urls, datetime(2026, 11, 23, 14, tzinfo=UTC))


class TwinPosting:
    """Posts every metric wherever it is wanted."""

    def __init__(self) -> None:
        self.wanted: list[tuple[str, Place | None]] = []
        self.times: list[PostTime | None] = []
        self.refused = ""

    async def at(self, actor: Actor, place: Place, when: PostTime, trigger: TriggerKey) -> Posted:
        await self.post(actor, "", place, trigger, when)
        return Posted("", "finance", datetime(2026, 11, 27, 21, tzinfo=UTC), when)

    async def post(
        self, actor: Actor, name: str, place: Place | None, trigger: TriggerKey, when: PostTime | None = None
    ) -> Posted:
        authorize(actor, Action.CHANGE_METRICS)
        if self.refused:
            raise ChannelRefusedError(self.refused)
        if name == "nothing":
            raise NotFoundError
        self.wanted.append((name, place))
        self.times.append(when)
        assert trigger.trigger_id
        due = datetime(2026, 11, 23, 14, tzinfo=UTC) if place else None
        return Posted(name, "finance", due, when or PostTime())


@cache
def _names() -> Names:
    """Return the names of ten thousand accounts, made once: nobody writes to them."""
    rows = [(str(n), f"Expenses:Department {n}", "Expense", "Expense") for n in range(10_000)]
    return Names({"account": [("1", "Checking", "Bank", "Asset"), *rows], "class": [("7", "East", "", "")],
                  "section profit_and_loss": [("NetIncome", "NetIncome", "", "")]})  # fmt: skip


class TwinMaking:
    """Forms of metrics over a company of ten thousand accounts; what is saved is remembered."""

    def __init__(self, people: TwinPeople) -> None:
        self.people = people
        self.saved: dict[str, Draft] = {}
        self.deleted: list[str] = []
        self.connected = True
        self.refused = ""
        #: what vanished from QuickBooks of the metric that is there
        self.gone = ""
        self.let = asyncio.Event()
        self.let.set()
        self.names = _names()
        self.desk = FormDesk({"src_qbo": "Temerity Goods"}, {"mem_1": "Maya Ortiz"}, {"T/C": "#finance"}, "UTC")

    async def begin(self, actor: Actor, card: str, wanted: str = "", *, by_name: bool = False) -> Filling:
        authorize(actor, Action.CHANGE_METRICS)
        await self.let.wait()
        if not self.connected:
            raise NotConnectedError
        if wanted and wanted not in {"Fees", "met_1"}:
            raise NotFoundError
        draft = Draft(card, "src_qbo", BEGINS, owner_id="mem_1")
        if wanted:
            chosen = Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, "1", "Checking")
            left = Selection(Dataset.ACCOUNTS) if self.gone else chosen
            draft = replace(draft, name="Fees", metric_id="met_1", version=3, definition=Definition(left))
        lost = ("item",) if self.gone else ()
        return Filling(
            draft, self.desk, fits(draft.definition), bool(wanted and not self.gone), gone=self.gone, lost=lost
        )

    async def filled(self, actor: Actor, draft: Draft, fields: Mapping[str, str], *, more: bool) -> Filling:
        authorize(actor, Action.CHANGE_METRICS)
        done, wrong = filled(draft, fields, self.desk, self.names)
        return Filling(done, self.desk, fits(done.definition), more, {**complaints(done), **wrong})

    async def search(self, actor: Actor, draft: Draft, field: str, words: str) -> list[Pick] | None:
        authorize(actor, Action.CHANGE_METRICS)
        name, _, rest = field.partition(".")
        what = items_of(Dataset(rest.partition(".")[0])) if name == "item" else filter_of(name)
        return self.names.search(what, words)

    async def preview(self, actor: Actor, draft: Draft) -> Shown:
        authorize(actor, Action.CHANGE_METRICS)
        await self.let.wait()
        if self.refused:
            raise MetricRefusedError(self.refused)
        metric = Metric("met_1", "org_1", "src_qbo", "1", draft.name, draft.definition, 1, "mem_1", "", AT,
                        MetricState.CALCULATING, "", None, "", None, 0)  # fmt: skip
        return Shown(metric, MetricState.CALCULATING, "Temerity Goods")

    async def save(self, actor: Actor, draft: Draft, trigger: TriggerKey) -> Saved:
        authorize(actor, Action.CHANGE_METRICS)
        self.saved[trigger.trigger_id] = draft
        return Saved(draft.name, self.people.noun, bool(draft.metric_id))

    async def delete(self, actor: Actor, metric_id: str, trigger: TriggerKey) -> Saved:
        authorize(actor, Action.CHANGE_METRICS)
        self.deleted.append(metric_id)
        return Saved("Fees", self.people.noun, changed=True)

    async def noun(self, actor: Actor) -> str:
        authorize(actor, Action.SEE_STATUS)
        return self.people.noun

    async def name_all(self, actor: Actor, noun: str, trigger: TriggerKey) -> str:
        authorize(actor, Action.NAME_METRICS)
        self.people.noun = noun.title()
        return self.people.noun


class TwinMetrics:
    """No metrics, unless a test says which. What looks into the lake takes until it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.let.set()
        self.wished: list[str] = []
        self.demoted = False
        #: by name
        self.known: dict[str, Shown] = {}

    async def all(self, actor: Actor) -> list[Shown]:
        authorize(actor, Action.SEE_STATUS)
        return list(self.known.values())

    async def one(self, actor: Actor, name: str) -> Shown:
        authorize(actor, Action.SEE_STATUS)
        if name not in self.known:
            raise NotFoundError
        return self.known[name]

    async def restated(self, actor: Actor, name: str) -> tuple[Shown, list[Restated]]:
        return await self.one(actor, name), []

    async def preview(self, actor: Actor, words: str) -> Shown:
        authorize(actor, Action.CHANGE_METRICS)
        self.wished.append(words)
        await self.let.wait()
        if self.demoted:
            raise NotAllowedError(Action.CHANGE_METRICS, Role.MANAGER)
        raise NotConnectedError

    async def make(self, actor: Actor, words: str, trigger: TriggerKey) -> str:
        authorize(actor, Action.CHANGE_METRICS)
        await self.let.wait()
        raise NotConnectedError
