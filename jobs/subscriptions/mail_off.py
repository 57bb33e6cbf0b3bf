"""Mails that follow a choice carry a link that turns them off; here is what it does, once, and what it never does.

It takes mail away from one person and one topic and nothing else: no other person, topic or way, and nobody's Slack.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jobs.deliver.posting import Words
from jobs.desk import Desk
from jobs.exchange.alerting import EXCHANGE_ALERT, EXCHANGE_NIGHT
from jobs.notify.kinds import EXPIRY_WARNING, INCIDENT_MAIL, INCIDENT_REMINDER, MAIL_OFF, REFRESH_FINISHED, RUN_READY
from jobs.notify.notifier import Notifier
from jobs.subscriptions.links import MailLinks, read_ticket
from jobs.subscriptions.topics import of_incident, of_result
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel, Delivery
from storage.facts.messages import Message
from storage.facts.people import Action, Member
from storage.facts.subscriptions import Topic
from storage.records import audit, deliveries, incidents, organizations, refreshes, subscriptions
from storage.sessions import Session
from templates.mail import Choice
from templates.notices.mail_off import mail_off, topic_words

#: Why such a mail came.
_BECAUSE: Mapping[str, str] = {
    REFRESH_FINISHED: "you asked for it, or chose to be told",
    RUN_READY: "you chose to be told",
    EXCHANGE_ALERT: "you are a manager or an admin, or chose to be told",
    EXCHANGE_NIGHT: "you chose to be told",
}
#: What mails of a kind are about, whatever they say.
_TOPICS: Mapping[str, Topic] = {
    RUN_READY: Topic.READY,
    INCIDENT_REMINDER: Topic.DISCONNECTED,
    EXPIRY_WARNING: Topic.DISCONNECTED,
    EXCHANGE_ALERT: Topic.EXCHANGE,
    EXCHANGE_NIGHT: Topic.SENT,
}
_LOOKS_AFTER = "you look after the source, or chose to be told"


class Standing(StrEnum):
    """What a link can still do."""

    OPEN = "open"
    #: it did what it can do
    DONE = "done"


@dataclass(frozen=True, slots=True)
class MailOff:
    """What whoever has a link may see."""

    topic: Topic
    standing: Standing


class MailOffService:
    """Shows what a link would do, and does it."""

    def __init__(self, desk: Desk, clock: Clock, notifier: Notifier, links: MailLinks) -> None:
        self._desk = desk
        self._clock = clock
        self._notifier = notifier
        self._links = links

    async def look(self, ticket: str) -> MailOff | None:
        """Return what the link is about; changes nothing. None for a link that is none (any more)."""
        return await self._desk.read(lambda session: self._look(session, ticket))

    async def stop(self, ticket: str) -> MailOff | None:
        """Turn off what the link is about, the first time; says so to the person in Slack."""
        return await self._desk.write(lambda session: self._stop(session, ticket))

    def _look(self, session: Session, ticket: str) -> MailOff | None:
        found = self._found(session, ticket)
        if found is None:
            return None
        delivery, _, topic = found
        used = any(one.kind == MAIL_OFF for one in deliveries.of_subject(session, _subject(delivery, topic)))
        return MailOff(topic, Standing.DONE if used else Standing.OPEN)

    def _stop(self, session: Session, ticket: str) -> MailOff | None:
        before = self._found(session, ticket)
        if before is None:
            return None
        organizations.lock(session, before[1].organization_id)
        # Looked at again behind the lock: a person may have left, or a twin may have been faster.
        found = self._found(session, ticket)
        if found is None:
            return None
        delivery, member, topic = found
        now = self._clock.now()
        if self._notifier.mail_off(session, _subject(delivery, topic), member, now):
            subscriptions.without_mail(session, member, topic, now)
            detail: dict[str, object] = {"topics": [topic], "how": "without mail", "by": "a link in a mail"}
            audit.record(session, member.organization_id, member.id, Action.CHOOSE_MESSAGES, delivery.id, now, detail)
        return MailOff(topic, Standing.DONE)

    def _found(self, session: Session, ticket: str) -> tuple[Delivery, Member, Topic] | None:
        """Return the mail that carried the link, who it went to, and the topic; None where anything is not so."""
        claim = read_ticket(ticket)
        if claim is None:
            return None
        try:
            delivery = deliveries.delivery(session, claim.delivery_id)
        except KeyError:
            return None
        if delivery.channel is not Channel.EMAIL or delivery.member_id is None:
            return None
        if not self._links.made(claim, delivery, self._clock.now()):
            return None
        member = organizations.still_member(session, delivery.member_id)
        if member is None or member.organization_id != delivery.organization_id:
            return None
        return delivery, member, claim.topic


class MailChoice:
    """Says which mails carry such a link, and which."""

    def __init__(self, links: MailLinks) -> None:
        self._links = links

    def of(self, session: Session, delivery: Delivery) -> Choice | None:
        """Return what the foot of the mail says; None for a mail that nobody can turn off."""
        topic = topic_of(session, delivery) if delivery.member_id is not None else None
        if topic is None:
            return None
        because = _BECAUSE.get(delivery.kind, _LOOKS_AFTER)
        return Choice(f"{because} ({topic_words(topic)})", self._links.link(delivery, topic), self._links.one_click)


def topic_of(session: Session, delivery: Delivery) -> Topic | None:
    """Return the topic by whose choice the message was sent; None for what is no choice of anybody's."""
    subject = delivery.subject.partition(".")[0]
    if delivery.kind in _TOPICS:
        return _TOPICS[delivery.kind]
    if delivery.kind == REFRESH_FINISHED:
        return of_result(run for _, run, _ in refreshes.runs_of(session, subject))
    if delivery.kind == INCIDENT_MAIL:
        found = incidents.find(session, subject)
        return of_incident(found.kind) if found else None
    return None


def mail_off_words() -> Mapping[str, Words]:
    """Return the words of the kind of delivery that is ours."""

    def told(_session: Session, delivery: Delivery, _now: datetime) -> Message:
        return mail_off(Topic(delivery.subject.partition(".")[2]))

    return {MAIL_OFF: told}


def _subject(delivery: Delivery, topic: Topic) -> str:
    return f"{delivery.id}.{topic.value}"
