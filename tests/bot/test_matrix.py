"""Who may what, written down by hand: 6 roles x every listener and action x own, foreign, guest, deactivated, elsewhere.

The registry is `bot.dispatch.table`: whatever Slack brings of a person goes through it. What is in the registry and not
in this table (or the other way round) fails here, so that nobody adds a button without deciding who may press it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel, or_, select

from bot import installed, values
from bot.case import Case
from bot.dispatch import Entry, table
from bot.front import Front
from bot.interaction import Interaction, Kind
from bot.reply import NOTHING, Reply
from jobs.manifest import manifest
from jobs.people import profile_from
from jobs.refresh.ask import Scope
from jobs.refresh.rereading import Wanted
from storage.facts.people import Actor, Role, SlackIdentity
from storage.facts.status import SourceStatus
from storage.sessions import Database, Session
from storage.tables import (
    ConnectionRow,
    DeliveryRow,
    EndpointRow,
    IncidentRow,
    MemberRow,
    OrganizationRow,
    ReceiptRow,
    RefreshRow,
    RefreshRunRow,
    RunRow,
    SourceRow,
)
from tests.bot.twins.services import TwinServices
from tests.bot.twins.world import member
from tests.jobs.stage import Stage, staged

#: The least role for each thing that can be asked for; "support" is for listed support people and nobody else.
WHO: Mapping[str, tuple[str, ...]] = {
    "viewer": (
        *("say:question", "say:status", "say:history", "say:help", "say:receipt", "say:deliveries", "say:notify"),
        *("click:feedback_up", "click:feedback_down", "submit:feedback_down"),
        *("say:landed", "say:why", "say:members", "say:channel", "say:schedule", "say:promise", "say:metrics"),
        *("say:metric", "say:mute", "say:unknown", "open:home", "open:talk"),
        *("say:exchange", "click:exchange_map", "click:exchange_show"),
        *("click:mapping_show", "click:mapping_versions"),
        *("click:refresh_dismiss", "click:access_ask", "click:email_yes", "click:email_no", "click:connection_help"),
        *("click:connection_test", "click:connection_ticket", "click:deliveries", "click:again_mail"),
        *("click:again_slack", "click:notify_form", "click:notify_about", "click:notify_test", "click:why"),
        *("click:receipt_show", "click:home_show", "click:source_more", "click:history", "click:schedule"),
        *(
            "click:metric_file",
            "click:metric_list",
            "click:metric_show",
            "click:page_link",
            "click:metric_why",
            "click:help",
            "click:share",
            "click:open_link",
            "submit:notify_form",
            "shortcut:explain_this",
        ),
    ),
    "refresher": (
        *("say:refresh", "click:refresh_ask", "click:refresh_confirm", "click:refresh_stale", "click:refresh_cancel"),
        *("click:missing_retry", "shortcut:refresh_data", "search:refresh_sources"),
        *("click:refresh_form", "submit:refresh_form"),
    ),
    "manager": (
        *("say:snooze", "say:reread", "click:held_ask", "click:held_load", "click:metric_make", "click:promise_set"),
        *("click:schedule_set", "click:reread_start", "click:incident_acknowledge", "click:incident_snooze_ask"),
        *("click:incident_snooze", "click:mute_set", "click:mute"),
        *("click:metric_form", "click:metric_change", "click:metric_turn", "click:metric_more", "click:metric_delete"),
        *("submit:metric_form", "submit:metric_save", "search:metric_search"),
        *("click:exchange_start", "click:exchange_dry", "click:exchange_pause", "click:exchange_resume"),
        *("click:exchange_release", "click:exchange_discard", "click:exchange_versions", "click:exchange_restore"),
        *("click:exchange_schedule", "click:exchange_order_again"),
        *("click:exchange_replay", "click:exchange_resend"),
    ),
    "admin": (
        *("click:exchange_on", "click:exchange_off", "click:exchange_allow", "click:exchange_forbid"),
        "click:exchange_company",
        *("click:mapping_form", "submit:mapping_form", "submit:mapping_save"),
        *("click:mapping_look", "click:mapping_set"),
        *("say:connect", "say:reconnect", "say:disconnect", "say:audit", "say:webhooks", "say:api", "say:escalation"),
        *("click:policy_set", "click:connect_ask", "click:connect", "click:reconnect", "click:disconnect"),
        *("click:disconnect_form", "submit:disconnect_form", "shortcut:connect_source"),
    ),
    "support": (
        *("click:access_approve", "click:access_decline", "click:escalation_acknowledge", "click:escalation_retry"),
        "click:escalation_cancel",
    ),
}
LEAST = {name: least for least, names in WHO.items() for name in names}
#: viewer < refresher < manager < admin; nobody has no role, support none of them
ROLES = ("nobody", "viewer", "refresher", "manager", "admin", "support")
ACCOUNTS: Mapping[str, Mapping[str, Any]] = {
    "own": {},
    "guest": {"is_restricted": True},
    "deactivated": {"deleted": True},
    "other workspace": {"team_id": "T0OUTSIDE"},
}
#: What Slack itself says about the app or about a profile: no person asks for anything with it.
BY_SLACK = installed.REMOVED | installed.CHANGED | {"user_change"}
BY_EVENT = {"app_home_opened": Kind.HOME, "app_mention": Kind.MENTION, "message.im": Kind.DIRECT}
HERE = "T0TEMERITY"


@dataclass(frozen=True, slots=True)
class Person:
    """One role in one kind of account."""

    role: str
    account: str

    @property
    def identity(self) -> SlackIdentity:
        """Who Slack says it is."""
        team = "T0OUTSIDE" if self.account == "other workspace" else HERE
        return SlackIdentity(team, f"U0{self.role}{self.account}".upper().replace(" ", ""))

    @property
    def actor(self) -> Actor:
        """Who this is to us: the role counts for a full member of the workspace alone."""
        user = {"id": self.identity.user_id, "team_id": HERE, **ACCOUNTS[self.account]}
        if not profile_from(user, HERE).full_member:
            return Actor(self.identity, None)
        has = self.role in set(Role)
        found = member(self.identity.user_id, self.role, Role(self.role)) if has else None
        return Actor(self.identity, found, support=self.role == "support")


PEOPLE = [Person(role, account) for role, account in product(ROLES, ACCOUNTS)]


def asked(name: str, identity: SlackIdentity, value: str = "{}", number: int = 0) -> list[Interaction]:
    """Return what asks for that entry, on every surface of it."""
    kind, _, what = name.partition(":")
    common: dict[str, Any] = {
        "identity": identity,
        "team_id": HERE,
        "channel_id": "C0FINANCE",
        "trigger": f"1.{number}",
    }
    match kind:
        case "click":
            return [Interaction(Kind.ACTION, **common, name=what, value=value)]
        case "submit":
            return [Interaction(Kind.SUBMIT, **common, name=what, value=value)]
        case "shortcut":
            chosen = Interaction(Kind.SHORTCUT, **common, name=what, value=value)
            return [chosen] if manifest().shortcuts[what] == "message" else [replace(chosen, channel_id="")]
        case "search":
            return [Interaction(Kind.SEARCH, **{**common, "channel_id": ""}, name=what, value=value, view="modal")]
        case "open":
            return [Interaction(Kind(what), **common)]
    if what == "question":
        words = "is it fresh?"
        return [Interaction(kind, **common, words=words) for kind in (Kind.COMMAND, Kind.MENTION, Kind.DIRECT)]
    words = "statsu" if what == "unknown" else f"{what} {value if value != '{}' else ''}"
    return [Interaction(Kind.COMMAND, **common, words=words)]


def may(person: Person, name: str) -> bool:
    """Whether the table above lets that person do it."""
    if person.account != "own" or person.role == "nobody":
        return False
    least = LEAST[name]
    if "support" in (least, person.role):
        return least == person.role
    return Role(person.role).includes(Role(least))


async def reached(entries: Mapping[str, Entry]) -> dict[tuple[str, Person], bool]:
    """Ask for everything as everybody, and return what reached its handler."""
    let_in: list[str] = []

    async def handler(case: Case) -> Reply:
        let_in.append(case.request.trigger)
        return NOTHING

    services = TwinServices()
    services.people.known = {person.identity: person.actor for person in PEOPLE}
    front = Front(services, {name: replace(entry, handler=handler) for name, entry in entries.items()})
    found = {}
    for number, (name, person) in enumerate(product(entries, PEOPLE)):
        requests = [replace(one, trigger=f"{one.kind}.{number}") for one in asked(name, person.identity)]
        for request in requests:
            await front.answer(request)
        passed = {one.trigger for one in requests} & set(let_in[-len(requests) :])
        assert len(passed) in (0, len(requests)), f"{name}: not the same on every surface"
        found[name, person] = bool(passed)
    return found


async def holes(entries: Mapping[str, Entry]) -> list[str]:
    """Return where the gate and the table above do not agree."""
    found = await reached(entries)
    return [f"{name} by {who.role}, {who.account}" for (name, who), seen in found.items() if seen != may(who, name)]


def test_everything_that_can_be_asked_for_is_in_the_table() -> None:
    assert set(table()) == set(LEAST)
    assert sum(map(len, WHO.values())) == len(LEAST)


def test_every_event_that_is_subscribed_to_is_an_entry_or_comes_from_slack_itself() -> None:
    assert {f"shortcut:{one}" for one in manifest().shortcuts} == {one for one in table() if one.startswith("short")}
    assert manifest().events == BY_SLACK | set(BY_EVENT)
    kinds = {kind for entry in table().values() for kind in entry.surfaces}
    assert kinds >= set(BY_EVENT.values())
    assert set(Kind) - kinds == {Kind.PROFILE}


async def test_everybody_reaches_exactly_what_the_table_says() -> None:
    assert await holes(table()) == []


@pytest.mark.parametrize("name", ["click:refresh_confirm", "click:escalation_cancel", "submit:disconnect_form"])
async def test_the_matrix_catches_a_right_that_is_too_small(name: str) -> None:
    """Broken twins: one entry that needs no more than to see how it stands."""
    entries = {one: entry for one, entry in table().items() if one in (name, "say:status")}
    entries[name] = replace(entries[name], needs=entries["say:status"].needs)
    found = await holes(entries)
    assert f"{name} by viewer, own" in found
    assert not [hole for hole in found if hole.startswith("say:status")]


#: What the other organization has: an object of each kind that a button or a command can name.
THEIRS = {
    "source": "src_rival",
    "member": "mem_rival",
    "refresh": "rfr_rival",
    "run": "run_rival",
    "incident": "inc_rival",
    "delivery": "dlv_rival",
    "receipt": "rcp_rival",
    "endpoint": "hook_rival",
    "metric": "met_rival",
}


def plant(session: Session, now: datetime) -> None:
    """Add another organization with one object of each kind."""
    ours = session.exec(select(OrganizationRow)).one()
    session.add(OrganizationRow(**ours.model_dump() | {"id": "org_rival", "name": "Rival Traders"}))
    session.flush()
    org: dict[str, Any] = {"organization_id": "org_rival"}
    source = session.exec(select(SourceRow).where(SourceRow.provider == "shopify")).one()
    theirs = {"id": "src_rival", "account": "rival.example", "label": "rival.example", "company": "Rival Traders"}
    session.add(SourceRow(**source.model_dump() | org | theirs))
    member = session.exec(select(MemberRow).where(MemberRow.user_id == "U0MAYA")).one()
    session.add(MemberRow(**member.model_dump() | org | {"id": "mem_rival", "user_id": "U0RIVAL"}))
    session.flush()
    connection = session.get_one(ConnectionRow, source.id)
    session.add(ConnectionRow(**connection.model_dump() | {"source_id": "src_rival"}))
    session.add(RefreshRow(id="rfr_rival", **org, requested_by="mem_rival", requested_at=now, everything=False))
    session.add(RunRow(id="run_rival", **org, source_id="src_rival", trigger="request", slot_key="rfr_rival",
                       state="parked", requested_at=now, result="held"))  # fmt: skip
    session.add(IncidentRow(id="inc_rival", **org, source_id="src_rival", kind="late", reason="late", opened_at=now,
                            told_at=now))  # fmt: skip
    session.add(EndpointRow(id="hook_rival", **org, url="https://hooks.example.com", events=[], secret=b"x",
                            created_by="mem_rival", created_at=now))  # fmt: skip
    session.add(DeliveryRow(id="dlv_rival", **org, kind="refresh_finished", subject="rfr_rival", channel="email",
                            destination="rival@rival.example", member_id="mem_rival", state="failed", created_at=now,
                            expires_at=now + timedelta(days=1)))  # fmt: skip
    session.flush()
    session.add(ReceiptRow(id="rcp_rival", run_id="run_rival", **org, source_id="src_rival", sequence=1, body="{}",
                           previous_hash="", hash="", created_at=now))  # fmt: skip
    session.flush()
    session.add(RefreshRunRow(refresh_id="rfr_rival", run_id="run_rival"))


def kept(session: Session) -> dict[str, list[str]]:
    """Return everything that is kept about the other organization."""
    found = {}
    for table_ in SQLModel.metadata.sorted_tables:
        whose = [table_.c[name] for name in ("organization_id", "source_id", "refresh_id") if name in table_.c]
        if whose:
            theirs = or_(*(column.in_(["org_rival", *THEIRS.values()]) for column in whose))
            found[table_.name] = sorted(str(row) for row in session.execute(table_.select().where(theirs)))
    return found


def named(name: str) -> list[str]:
    """Return what a button or a command says to name the other organization's objects."""
    if not name.startswith(("click:", "submit:", "shortcut:", "search:")):
        return [*THEIRS.values(), "rival.example"]
    source, card = THEIRS["source"], "card_1"
    return [
        *THEIRS.values(),
        values.pack(card, Scope(everything=False, source_ids=(source,))),
        values.pack_held(card, THEIRS["run"]),
        values.pack_schedule(card, source, "every 30 minutes", 1),
        values.pack_promise(card, source, "warn 26h overdue 50h", 1),
        values.pack_parting(source, "mark", only_data=False),
        values.pack_reread(card, Wanted(source, "orders", None)),
    ]


async def said(front: Front, request: Interaction) -> str:
    """Ask, and return everything that is answered."""
    reply, words = await front.answer(request), []
    while True:
        words += [str(reply.message), str(reply.form), str(reply.errors), str(reply.options)]
        if reply.then is None:
            return " ".join(words)
        reply = await front.follow(reply, request)


async def leaks(stage: Stage, services: Any, entries: Mapping[str, Entry]) -> list[str]:
    """Name the other organization's objects in everything, as our admin; return what was told or done."""
    front, found = Front(services), []
    before = stage.database.in_read(kept)
    admin = stage.member("U0DANIEL")
    assert admin.role is Role.ADMIN
    await stage.actor("U0DANIEL")
    identity = SlackIdentity(admin.team_id, admin.user_id)
    for number, name in enumerate(entries):
        for at, value in enumerate(named(name)):
            for request in asked(name, identity, value, number):
                words = await said(front, replace(request, trigger=f"{number}.{at}"))
                typed = request.kind is Kind.COMMAND
                if "Rival Traders" in words or ("rival.example" in words and not typed):
                    found.append(f"{name} told with {value}")
    await front.plays.sweep(_nowhere)
    after = stage.database.in_read(kept)
    return found + [f"{name} changed" for name in before if before[name] != after[name]]


async def _nowhere(_reply: Reply, _request: Interaction) -> None:
    """Whatever a click comes to is not looked at here."""


async def test_what_belongs_to_another_organization_is_neither_told_nor_touched(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, swept=False, orders=1, invoices=1) as stage:
        stage.database.in_write(lambda session: plant(session, stage.clock.now()))
        assert await leaks(stage, stage.jobs.services, table()) == []
        # What is kept from others is there for its own: the message names its source to them.
        explain, admin = stage.jobs.services.explain, await stage.actor("U0DANIEL")
        assert admin.member is not None
        theirs = Actor(admin.identity, replace(admin.member, organization_id="org_rival"))
        told = [await explain.about(who, THEIRS["delivery"]) for who in (admin, theirs)]
        assert told == [[], [THEIRS["source"]]]


class _Careless:
    """A twin of the services that tells how any source stands, whoever asks."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.status = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage.jobs.services, name)

    async def one(self, actor: Actor, source_id: str) -> SourceStatus:
        """Look as somebody who may."""
        assert actor.member is not None
        owner = "org_rival" if source_id == THEIRS["source"] else actor.member.organization_id
        may_look = Actor(actor.identity, replace(actor.member, organization_id=owner))
        return await self._stage.jobs.services.status.one(may_look, source_id)


async def test_the_matrix_catches_a_service_that_does_not_look_whose_it_is(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, swept=False, orders=1, invoices=1) as stage:
        stage.database.in_write(lambda session: plant(session, stage.clock.now()))
        entries = {name: table()[name] for name in ("say:receipt", "click:source_more")}
        assert await leaks(stage, _Careless(stage), entries) == ["click:source_more told with src_rival"]
