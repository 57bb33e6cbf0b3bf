"""A small QuickBooks Desktop for the bot's tests."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from jobs.authorize import authorize
from jobs.errors import NotFoundError, TooLateError
from jobs.exchange.desktop.registering import Handed, QwcFile, Registered
from jobs.refresh.ask import TriggerKey
from storage.facts.people import Action, Actor
from storage.facts.secret import Secret
from storage.facts.web_connector import CompanyFile, WebConnector

AT = datetime(2026, 11, 21, 19, 41, tzinfo=UTC)
URL = "https://tidings.example/files/web-connector?ticket=qbd_0"


@dataclass
class TwinDesktops:
    """Keeps what was asked of it."""

    known: dict[str, WebConnector] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def all(self, actor: Actor) -> list[Registered]:
        authorize(actor, Action.MANAGE_DESKTOP)
        return [Registered(one, 3, "pocketadvantage_1") for one in self.known.values()]

    async def new(self, actor: Actor, trigger: TriggerKey, account: str = "") -> Handed:
        member = authorize(actor, Action.MANAGE_DESKTOP)
        self.asked.append(("new", account) if account else ("new",))
        if self.known:
            raise TooLateError("a QuickBooks Desktop is registered already")
        made = WebConnector(
            "qbd_0", member.organization_id, "src_1", member.id, "tidings-0", "owner", "file", AT,
            other=CompanyFile(r"D:\Other.qbw"),
        )  # fmt: skip
        self.known[made.id] = made
        return Handed(made, URL, AT, Secret("shown-only-now"))

    async def renew(self, actor: Actor, registration_id: str, trigger: TriggerKey) -> Handed:
        return Handed(self._one(actor, "renew", registration_id), URL, AT, Secret("shown-again"))

    async def link(self, actor: Actor, registration_id: str) -> Handed:
        return Handed(self._one(actor, "link", registration_id), URL, AT)

    async def agree(self, actor: Actor, registration_id: str, trigger: TriggerKey) -> WebConnector:
        found = self._one(actor, "agree", registration_id)
        return replace(found, company=found.other)

    async def withdraw(self, actor: Actor, registration_id: str, trigger: TriggerKey) -> WebConnector:
        found = self._one(actor, "withdraw", registration_id)
        del self.known[registration_id]
        return found

    async def file(self, ticket: str) -> QwcFile | None:
        return None

    def _one(self, actor: Actor, what: str, registration_id: str) -> WebConnector:
        authorize(actor, Action.MANAGE_DESKTOP)
        self.asked.append((what, registration_id))
        if registration_id not in self.known:
            raise NotFoundError
        return self.known[registration_id]
