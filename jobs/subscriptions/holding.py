"""What waits for the end of quiet hours, or because too many came: told later as things stand then, or not at all."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby

import structlog

from jobs.asks import Enqueue
from jobs.incidents.view import is_over
from jobs.notify.kinds import (
    AGAIN,
    ESCALATIONS,
    INCIDENT_CARD,
    INCIDENT_MAIL,
    INCIDENT_NOTE,
    INCIDENT_REMINDER,
    KEEP_TRYING,
    REFRESH_BEAT,
    REFRESH_CARD,
    REFRESH_FINISHED,
    RUN_READY,
    TEST,
)
from jobs.subscriptions.capping import BUNDLE, was_capped
from jobs.subscriptions.local import quiet_since_until, quiet_until
from jobs.work import Work
from storage.facts.clock import Clock
from storage.facts.deliveries import CONNECT_CODE, Channel, Delivery
from storage.facts.ids import derived_id
from storage.facts.people import Member
from storage.records import deliveries, organizations, quiet, refreshes, runs
from storage.sessions import Database, Session

EVERY = 5.0
#: Up to so many are sent one by one.
MOST_ALONE = 3
#: No notices: calls for help, what opens access, and answers to what the person just pressed.
NEVER_HELD = ESCALATIONS | {CONNECT_CODE, AGAIN, TEST, REFRESH_CARD}
#: Living messages, and words below them, stay what they are.
_ALONE = frozenset({INCIDENT_CARD, INCIDENT_NOTE})
_WARNINGS = frozenset({INCIDENT_CARD, INCIDENT_MAIL, INCIDENT_REMINDER})
#: Of several about the same, only the newest is worth saying.
_NEWEST = frozenset({INCIDENT_REMINDER, REFRESH_BEAT, RUN_READY})
_ANSWERS = frozenset({REFRESH_FINISHED, REFRESH_BEAT})
_OVER, _OVER_SOON = "it was over before the quiet hours ended", "too many came, and it was over before they were told"
_NEWER = "a newer one about the same was held as well"
_NEVER_TOLD = "it was over before anything was said about it: quiet hours"
_LEFT = "the person left the company while it was held"
_ADDRESS = "the address was no longer confirmed when the quiet hours ended"

log = structlog.get_logger()


def held_until(session: Session, delivery: Delivery, now: datetime) -> datetime | None:
    """Return until when the message has to wait; None where it is said now."""
    if delivery.member_id is None or delivery.kind in NEVER_HELD or not _is_private(delivery):
        return None
    known = quiet.hours_of(session, delivery.member_id)
    span = quiet_since_until(*known, now) if known else None
    if span is None:
        return None
    if delivery.kind in _ANSWERS:
        asked = quiet.joined_at(session, delivery.subject.partition(".")[0], delivery.member_id)
        if asked is not None and asked >= span[0]:
            # Whoever asked during the quiet hours is awake, and waits for the answer.
            return None
    return span[1]


def hold(session: Session, delivery: Delivery, until: datetime, reason: str | None = None) -> bool:
    """Let the message wait; it is worth sending for as long after that as any other. No reason: quiet hours."""
    return quiet.hold(session, delivery, until, KEEP_TRYING, reason)


def held_sweep(database: Database, clock: Clock, enqueue: Enqueue) -> Callable[[], Awaitable[None]]:
    """Return the sweep that sends what was held, once its time has come."""

    async def sweep() -> None:
        now = clock.now()
        due = await database.reading(lambda session: quiet.due(session, now))
        for _, ones in groupby(due, key=lambda one: (one.channel, one.destination)):
            await database.writing(partial(release, held=list(ones), enqueue=enqueue, now=now))

    return sweep


def release(session: Session, *, held: Sequence[Delivery], enqueue: Enqueue, now: datetime) -> None:
    """Send, drop or hold on what was held for one reader by one way. Each is taken by one worker alone.

    What was held because too many came is told in one message, however little is left of it.
    """
    member = organizations.member(session, held[0].member_id) if held[0].member_id and _is_private(held[0]) else None
    known = quiet.hours_of(session, member.id) if member else None
    again = quiet_until(*known, now) if known else None
    if again is not None:
        # They changed their hours, or their zone.
        for one in held:
            quiet.hold_on(session, one.id, again, KEEP_TRYING)
        return
    kept: list[Delivery] = []
    over: list[str] = []
    for one in held:
        reason = _moot(session, one, held, member)
        if reason is None:
            kept.append(one)
        elif quiet.drop(session, one.id, reason, now):
            over.append(one.id)
            log.info("held_message_dropped", delivery=one.id, kind=one.kind, reason=reason)
    too_many = [one for one in kept if was_capped(one)]
    together = [one for one in kept if one.kind not in _ALONE or one in too_many]
    if too_many or len(together) > MOST_ALONE:
        _bundle(session, together, enqueue, now, over=over, too_many=bool(too_many))
        kept = [one for one in kept if one not in together]
    for one in kept:
        attempt = quiet.release(session, one.id)
        if attempt is not None:
            enqueue(session, Work("delivery", one.id, attempt, queue="notify"))


def _bundle(
    session: Session, held: Sequence[Delivery], enqueue: Enqueue, now: datetime, *, over: Sequence[str], too_many: bool
) -> None:
    ids = [one.id for one in held]
    subject = derived_id("hld", *ids)
    bundle_id = derived_id("dlv", BUNDLE, subject, held[0].channel, held[0].destination)
    why = "because too many came within an hour" if too_many else "when the quiet hours were over"
    reason = f"told together with others {why}: {bundle_id}"
    taken = [one for one in ids if quiet.drop(session, one, reason, now)]
    if not taken:
        return
    deliveries.add(
        session, organization_id=held[0].organization_id, kind=BUNDLE, subject=subject, channel=held[0].channel,
        destination=held[0].destination, member_id=held[0].member_id, now=now, expires_at=now + KEEP_TRYING,
        facts={"held": taken, "over": list(over), "too_many": too_many},
    )  # fmt: skip
    enqueue(session, Work("delivery", bundle_id, queue="notify"))


def _moot(session: Session, one: Delivery, held: Sequence[Delivery], member: Member | None) -> str | None:
    """Return why a held message is not said any more; None where it is."""
    about = one.subject.partition(".")[0]
    later = held[held.index(one) + 1 :]
    over = _OVER_SOON if was_capped(one) else _OVER
    reasons: Sequence[tuple[str, Callable[[], bool]]] = (
        (_LEFT, lambda: member is not None and organizations.still_member(session, member.id) is None),
        (_ADDRESS, lambda: member is not None and one.channel is Channel.EMAIL and not _goes_to(one, member)),
        (over, lambda: one.kind in _WARNINGS and is_over(session, about)),
        (over, lambda: one.kind == REFRESH_BEAT and refreshes.row(session, about).finished_at is not None),
        (_NEWER, lambda: one.kind in _NEWEST and any(_same(session, one, other) for other in later)),
        (
            _NEVER_TOLD,
            lambda: member is not None and one.kind == INCIDENT_NOTE and _never_told(session, about, member),
        ),
    )
    return next((reason for reason, holds in reasons if holds()), None)


def _goes_to(one: Delivery, member: Member) -> bool:
    return member.email_confirmed and member.email == one.destination


def _same(session: Session, one: Delivery, other: Delivery) -> bool:
    """Whether another message makes this one old."""
    if one.kind != other.kind:
        return False
    if one.kind == RUN_READY:
        return runs.run(session, one.subject).source_id == runs.run(session, other.subject).source_id
    return one.subject.partition(".")[0] == other.subject.partition(".")[0]


def _never_told(session: Session, incident_id: str, member: Member) -> bool:
    return is_over(session, incident_id) and not quiet.was_posted(session, INCIDENT_CARD, incident_id, member.id)


def _is_private(delivery: Delivery) -> bool:
    """Whether it goes to a person alone; channels have no quiet hours."""
    return delivery.channel is Channel.EMAIL or delivery.destination.partition("/")[2].startswith(("U", "W"))
