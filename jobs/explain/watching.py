"""Changes that people wait to see: told by DM, once, when they land, or after a week that they did not."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from jobs.asks import Enqueue
from jobs.deliver.posting import Words
from jobs.explain.landing import hits, look, standings
from jobs.ground import Warehouses
from jobs.notify.adding import add_message
from jobs.threads import in_thread
from storage.facts.clock import Clock
from storage.facts.deliveries import Delivery
from storage.facts.landed import Hit, LandedAnswer, Row, Sought, SoughtKind, Watch
from storage.facts.messages import Message
from storage.facts.people import Role
from storage.records import deliveries, organizations, sources, watching
from storage.sessions import Database, Session
from templates.notices.landed import landed, watch_expired

LANDED = "landed"
#: Nobody waits longer than that.
WATCHED_FOR = timedelta(days=7)
#: Questions that one person may have open.
MOST_WATCHES = 20
LOOK_EVERY = 10.0


def watch_sweep(
    database: Database, clock: Clock, warehouses: Warehouses, enqueue: Enqueue
) -> Callable[[], Awaitable[None]]:
    """Return the sweep that looks where a run became ready since the last look, and nowhere else."""

    def settle(session: Session, watch: Watch, found: Mapping[str, list[Row]], looked_at: datetime) -> None:
        source = sources.source(session, watch.source_id)
        there = [hit for hit in hits(session, [source], watch.wanted, found) if hit.ready]
        if not there and watch.expires_at > looked_at:
            watching.looked(session, watch.id, looked_at)
        elif watching.answer(session, watch.ask_id) and watching.still_here(session, watch.member_id):
            _tell(session, watch, there[0] if there else None, looked_at, enqueue)

    async def sweep() -> None:
        # Taken before the lake is read: what becomes ready meanwhile is looked at again.
        now = clock.now()
        for watch in await database.reading(lambda session: watching.due(session, now)):
            source = await database.reading(lambda session, at=watch: sources.source(session, at.source_id))  # type: ignore[misc]  # a default keeps the loop's value
            found = await in_thread(partial(look, warehouses, [source], watch.wanted))
            await database.writing(partial(settle, watch=watch, found=found, looked_at=now))

    return sweep


def _tell(session: Session, watch: Watch, hit: Hit | None, now: datetime, enqueue: Enqueue) -> None:
    member = organizations.member(session, watch.member_id)
    add_message(
        session,
        enqueue,
        organization_id=watch.organization_id,
        kind=LANDED,
        subject=watch.ask_id,
        destination=f"{member.team_id}/{member.user_id}",
        member_id=member.id,
        now=now,
        facts=_facts(watch, hit),
    )


def _facts(watch: Watch, hit: Hit | None) -> dict[str, object]:
    facts: dict[str, object] = {
        "source": watch.source_id, "kind": watch.wanted.kind.value, "wanted": watch.wanted.text,
        "asked": watch.asked_at.isoformat(), "landed": hit is not None,
    }  # fmt: skip
    if hit is not None:
        facts |= {"as_of": hit.as_of.isoformat() if hit.as_of else None, "receipt": hit.receipt}
    if hit is not None and hit.row is not None:
        row = hit.row
        amount = str(row.amount) if row.amount is not None else None
        facts |= {"noun": row.noun, "number": row.number, "amount": amount, "currency": row.currency}
    return facts


def landed_words() -> Mapping[str, Words]:
    """Return the words of what is told."""

    def told(session: Session, delivery: Delivery, now: datetime) -> Message:
        facts = deliveries.facts_of(session, delivery.id)
        source = sources.source(session, str(facts["source"]))
        wanted = Sought(SoughtKind(str(facts["kind"])), str(facts["wanted"]))
        member = organizations.member(session, delivery.member_id or "")
        organization = organizations.organization(session, delivery.organization_id).name
        if not facts["landed"]:
            return watch_expired(
                organization, wanted, standings(session, [source], now), datetime.fromisoformat(str(facts["asked"])),
                now, zone=member.timezone,
            )  # fmt: skip
        as_of = datetime.fromisoformat(str(facts["as_of"])) if facts.get("as_of") else None
        hit = Hit(source, _row(facts), as_of, facts.get("receipt"))
        amounts = member.role.includes(Role.REFRESHER)
        answer = LandedAnswer(wanted, (hit,), (), None, amounts=amounts)
        return landed(organization, answer, now, zone=member.timezone, watched=True)

    return {LANDED: told}


def _row(facts: Mapping[str, object]) -> Row | None:
    if "noun" not in facts:
        return None
    amount, currency = facts.get("amount"), facts.get("currency")
    exact = Decimal(str(amount)) if amount is not None else None
    return Row(str(facts["noun"]), str(facts["number"]), exact, str(currency) if currency else None, None, "")
