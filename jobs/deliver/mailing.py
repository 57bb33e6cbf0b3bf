"""E-mail deliveries: the words in the reader's zone, and what to do when nobody can tell whether a mail arrived."""

import asyncio
from collections.abc import Callable, Mapping

from jobs.deliver.again import Again, look_again
from jobs.deliver.mail import MailSender
from jobs.deliver.posting import Prepared, Settle, Words
from jobs.deliver.results import Refused, Result
from jobs.deliver.words import message_for
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.records import deliveries, organizations, workspaces
from storage.sessions import Database, Session
from templates import mail as letters
from templates.mail import UnsafeHeader
from templates.notices.install import only_by_mail

#: One repetition, where Slack never confirmed: a reader sees it twice at most, under one Message-ID.
_MOST_DOUBTS = 1
_WAITING = frozenset({DeliveryState.PENDING, DeliveryState.SENDING})


class Mailing:
    """Everything about an e-mail delivery but its state."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sender: MailSender,
        *,
        own_words: Mapping[str, Words] | None = None,
        choice_of: Callable[[Session, Delivery], letters.Choice | None] = lambda _session, _delivery: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sender = sender
        #: by kind: words that are not about a refresh
        self._own_words = dict(own_words or {})
        #: how the reader turns off such mails
        self._choice_of = choice_of

    async def prepare(self, delivery: Delivery) -> Prepared | Refused:
        """Write the mail; what is returned sends it."""
        if not self._sender.configured:
            return Refused("no mail server is configured (SMTP_URL)", final=True)
        try:
            letter = await self._database.reading(lambda session: self._letter(session, delivery))
        except UnsafeHeader as error:
            return Refused(f"the mail was not safe to send: {error}", final=True)

        if letter.charts:
            # Drawing is work for a processor: not on the loop, and not inside a transaction.
            letter = await asyncio.to_thread(letters.with_pictures, letter)

        async def call() -> Result:
            return await self._sender.send(delivery.destination, letter, delivery.id, delivery.created_at)

        return call

    async def after_doubt(self, delivery: Delivery, settle: Settle) -> Again | None:
        """Send again only where Slack never confirmed: mail cannot be looked up, and a second one confuses people."""
        states = await self._database.reading(lambda session: _slack_states(session, delivery))
        if delivery.doubts >= _MOST_DOUBTS:
            await settle(delivery, DeliveryState.UNCONFIRMED, reason="the mail server never confirmed it")
            return Again(0)
        if DeliveryState.SENT in states:
            reason = "the mail server did not confirm it; Slack confirmed the same message, so it was not sent again"
            await settle(delivery, DeliveryState.UNCONFIRMED, reason=reason)
            return Again(0)
        if _WAITING & states:
            since = delivery.intent_at or delivery.created_at
            return look_again(delivery.id, since, self._clock.now())
        await self._database.writing(lambda session: deliveries.doubt(session, delivery.id))
        return None

    def _letter(self, session: Session, delivery: Delivery) -> letters.Mail:
        zone, choice = _zone(session, delivery), self._choice_of(session, delivery)
        own = self._own_words.get(delivery.kind)
        if own is not None:
            return letters.render(own(session, delivery, self._clock.now()), zone=zone, choice=choice)
        message = message_for(session, delivery.kind, delivery.subject, self._clock.now())
        left = _left(session, delivery)
        message = only_by_mail(message, left) if left is not None else message
        return letters.render(message, zone=zone, choice=choice)


def _slack_states(session: Session, delivery: Delivery) -> set[DeliveryState]:
    """Return how the same message to the same person stands on Slack; a DM with somebody else tells them nothing."""
    reader = organizations.member(session, delivery.member_id) if delivery.member_id else None
    own = f"{reader.team_id}/{reader.user_id}" if reader else None
    return {
        other.state
        for other in deliveries.of_subject(session, delivery.subject)
        if other.channel is Channel.SLACK
        and _tells_the_same(other, delivery)
        and (own is None or other.destination == own or not _is_direct(other.destination))
    }


def _is_direct(destination: str) -> bool:
    return destination.split("/")[1].startswith(("U", "W"))


def _tells_the_same(slack: Delivery, mail: Delivery) -> bool:
    return slack.kind == mail.kind or {slack.kind, mail.kind} == {"escalation_card", "escalation_mail"}


def _left(session: Session, delivery: Delivery) -> str | None:
    """Return the workspace of the reader where it was closed, so that nothing was said in Slack."""
    if delivery.member_id is None:
        return None
    reader = organizations.member(session, delivery.member_id)
    workspace = workspaces.find(session, reader.team_id)
    return workspace.name if workspace is not None and workspace.closed_at is not None else None


def _zone(session: Session, delivery: Delivery) -> str:
    if delivery.member_id is not None:
        return organizations.member(session, delivery.member_id).timezone
    return organizations.organization(session, delivery.organization_id).timezone
