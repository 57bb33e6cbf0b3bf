"""What became of each message; whoever missed one has it sent again, to themselves alone, by the same outbox."""

from dataclasses import dataclass
from datetime import timedelta

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.notify.kinds import (
    AGAIN,
    ESCALATION_AGAIN,
    ESCALATION_CARD,
    ESCALATION_MAIL,
    OWNER_LEFT,
    REFRESH_FINISHED,
    REPEATABLE,
    TEST,
)
from jobs.notify.notifier import Notifier
from jobs.notify.writing import NO_ADDRESS
from jobs.refresh.ask import TriggerKey
from jobs.subscriptions.capping import BUNDLE
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel, Delivery
from storage.facts.ids import derived_id
from storage.facts.people import Action, Actor, Member
from storage.facts.timelines import Reader, Timeline, Told
from storage.records import audit, deliveries, escalations, members, organizations, receipts, refreshes, triggers
from storage.sessions import Session

#: How often a person may have messages sent again, or a test: enough to find a mistake, too little to flood a mailbox.
MOST_AGAIN, MOST_TESTS = 10, 5
PERIOD = timedelta(hours=1)
#: Repetitions of one message to one person.
MOST_OF_ONE = 3
_SUPPORTS = frozenset({ESCALATION_CARD, ESCALATION_MAIL, ESCALATION_AGAIN, OWNER_LEFT})
_OURS = ("rfr_", "run_", "inc_", "rcp_", "dlv_", "tst_")


@dataclass(frozen=True, slots=True)
class SentAgain:
    """What was sent again, and how."""

    delivery_id: str
    channel: Channel


class TimelineService:
    """Shows what became of messages, and sends them again."""

    def __init__(self, desk: Desk, clock: Clock, notifier: Notifier) -> None:
        self._desk = desk
        self._clock = clock
        self._notifier = notifier

    async def of(self, actor: Actor, named: str) -> Timeline:
        """Return what became of every message about a refresh, run, receipt, incident, test or delivery.

        ``last`` is what the person was told last. NotFoundError for what is not there and for somebody else's.
        """
        member = authorize(actor, Action.SEE_HISTORY)
        return await self._desk.read(lambda session: _timeline(session, member, named))

    async def again(self, actor: Actor, delivery_id: str, channel: Channel, trigger: TriggerKey) -> SentAgain:
        """Send the message to the person who asks: to their own confirmed address, or to their own direct messages.

        The same trigger sends it once. TooLateError says why it cannot be sent.
        """
        return await self._desk.write(lambda session: self._again(session, actor, delivery_id, channel, trigger))

    async def missed(self, actor: Actor) -> bool:
        """Mail the result that went by Slack alone while the person was asked for the address; whether there is one.

        Asked again, it is not mailed again.
        """
        return await self._desk.write(lambda session: self._missed(session, actor))

    async def test(self, actor: Actor, trigger: TriggerKey) -> str:
        """Send a test to the person by Slack and by mail; returns its id. The same trigger sends one."""
        return await self._desk.write(lambda session: self._test(session, actor, trigger))

    def _again(
        self, session: Session, actor: Actor, delivery_id: str, channel: Channel, trigger: TriggerKey
    ) -> SentAgain:
        member = self._member(session, actor, Action.SEND_AGAIN)
        first = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
        if first is not None:
            return SentAgain(first, channel)
        found = _own(session, member, delivery_id)
        root = _own(session, member, found.subject.partition(".")[0]) if found.kind == AGAIN else found
        if root.kind not in REPEATABLE:
            raise NotFoundError
        if channel is Channel.EMAIL and not (member.email and member.email_confirmed):
            raise TooLateError("you have no confirmed e-mail address: confirm it when a refresh asks, or take Slack")
        now = self._clock.now()
        if deliveries.count_since(session, member.id, AGAIN, now - PERIOD) >= MOST_AGAIN:
            raise TooLateError(f"that is more than {MOST_AGAIN} repetitions in an hour; nothing was sent")
        number = deliveries.repetitions(session, root.id, member.id) + 1
        if number > MOST_OF_ONE:
            raise TooLateError(f"it was sent to you {MOST_OF_ONE} times already; nothing was sent")
        sent = self._notifier.again(session, root.id, number, member, channel, now)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, sent, now)
        detail: dict[str, object] = {"about": root.subject, "by": channel.value, "delivery": sent}
        audit.record(session, member.organization_id, member.id, Action.SEND_AGAIN, root.id, now, detail)
        return SentAgain(sent, channel)

    def _missed(self, session: Session, actor: Actor) -> bool:
        member = self._member(session, actor, Action.SEND_AGAIN)
        now = self._clock.now()
        last = deliveries.newest_of(session, member.id, (REFRESH_FINISHED,))
        if not (member.email and member.email_confirmed) or last is None or last.created_at < now - PERIOD:
            return False
        told = deliveries.of_subjects(session, member.organization_id, [last.subject])
        mails = [one for one in told if one.member_id == member.id and one.channel is Channel.EMAIL]
        # Whoever turned such mails off is mailed none by saying where others may go.
        left = [one for one in mails if one.kind == REFRESH_FINISHED and one.reason == NO_ADDRESS]
        if not left or deliveries.repetitions(session, left[0].id, member.id):
            return False
        self._notifier.again(session, left[0].id, 1, member, Channel.EMAIL, now)
        detail: dict[str, object] = {"about": last.subject, "by": Channel.EMAIL.value}
        audit.record(session, member.organization_id, member.id, Action.SEND_AGAIN, left[0].id, now, detail)
        return True

    def _test(self, session: Session, actor: Actor, trigger: TriggerKey) -> str:
        member = self._member(session, actor, Action.SEND_TEST)
        first = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
        if first is not None:
            return first
        now = self._clock.now()
        # A test is two messages.
        if deliveries.count_since(session, member.id, TEST, now - PERIOD) >= 2 * MOST_TESTS:
            raise TooLateError(f"that is more than {MOST_TESTS} tests in an hour; nothing was sent")
        test_id = derived_id("tst", trigger.team_id, trigger.trigger_id)
        self._notifier.test(session, test_id, member, now)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, test_id, now)
        audit.record(session, member.organization_id, member.id, Action.SEND_TEST, test_id, now)
        return test_id

    def _member(self, session: Session, actor: Actor, action: Action) -> Member:
        """Return the person as they are now, in the transaction of the effect; one at a time per organization."""
        known = authorize(actor, action)
        organizations.lock(session, known.organization_id)
        return authorize(Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), action)


def _timeline(session: Session, member: Member, named: str) -> Timeline:
    subject, subjects = _subjects(session, member, named)
    found = deliveries.of_subjects(session, member.organization_id, subjects)
    if named.startswith("tst_"):
        found = [one for one in found if one.member_id == member.id]
    for bundle in [one for one in found if one.kind == BUNDLE]:
        facts = deliveries.facts_of(session, bundle.id)
        found += [deliveries.delivery(session, str(held)) for held in [*facts["held"], *facts.get("over", ())]]
    found += deliveries.repeated(session, [one.id for one in found])
    if not found:
        raise NotFoundError
    names = {one.id: one.name for one in members.ever(session, member.organization_id)}
    kinds = {one.id: one.kind for one in found}
    told = tuple(_told(one, member, names, kinds) for one in found)
    again = next((one.id for one in reversed(found) if one.kind in REPEATABLE), None)
    return Timeline(subject, told, again, by_mail=bool(member.email and member.email_confirmed))


def _subjects(session: Session, member: Member, named: str) -> tuple[str, list[str]]:
    """Return what is looked for, and every subject under which messages about it may stand."""
    if named == "last":
        last = deliveries.newest_of(session, member.id, REPEATABLE)
        if last is None:
            raise NotFoundError
        return last.subject, [last.subject]
    if not named.startswith(_OURS):
        raise NotFoundError
    if named.startswith("dlv_"):
        found = _own(session, member, named)
        root = _own(session, member, found.subject.partition(".")[0]) if found.kind == AGAIN else found
        return root.subject, [root.subject]
    if named.startswith("rcp_"):
        receipt = receipts.found(session, member.organization_id, named)
        if receipt is None:
            raise NotFoundError
        named = receipt[0].run_id
    if named.startswith("run_"):
        return named, [named, *refreshes.of_run(session, named)]
    if named.startswith("rfr_"):
        # Whom the company's policy called about it: a message for each step.
        called = escalations.find(session, named)
        steps = range(len(called.policy.steps)) if called is not None else ()
        return named, [named, *(f"{named}.s{number}" for number in steps)]
    return named, [named]


def _own(session: Session, member: Member, delivery_id: str) -> Delivery:
    try:
        found = deliveries.delivery(session, delivery_id)
    except KeyError:
        raise NotFoundError from None
    mine = found.organization_id == member.organization_id
    # What opens something, and tests of others, are nobody else's.
    to_all = found.kind in REPEATABLE | {AGAIN} or (found.kind == BUNDLE and found.member_id is None)
    if not mine or (not to_all and found.member_id != member.id):
        raise NotFoundError
    return found


def _told(one: Delivery, member: Member, names: dict[str, str], kinds: dict[str, str]) -> Told:
    kind = kinds.get(one.subject.partition(".")[0], one.kind) if one.kind == AGAIN else one.kind
    if one.kind in _SUPPORTS and one.member_id is None:
        return Told(one, Reader.SUPPORT, "", kind)
    channel_id = one.destination.partition("/")[2]
    if one.channel is Channel.SLACK and not channel_id.startswith(("U", "W")):
        return Told(one, Reader.CHANNEL, channel_id, kind)
    if one.member_id is None:
        return Told(one, Reader.SUPPORT, "", kind)
    reader = Reader.YOU if one.member_id == member.id else Reader.MEMBER
    return Told(one, reader, names.get(one.member_id, "a former member"), kind)
