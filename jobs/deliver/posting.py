"""Slack deliveries: where a post goes, in which thread, with which blocks, and whether it is there already."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from jobs.deliver.again import Again, look_again
from jobs.deliver.fates import WORKSPACE_CLOSED
from jobs.deliver.places import Places
from jobs.deliver.results import Accepted, Refused, Result
from jobs.deliver.slack import CannotLookError, LookLaterError, SlackSender
from jobs.deliver.words import message_for
from jobs.expectations.missed_view import MISSED_REPORT
from jobs.notify.kinds import (
    ACCESS_ASKED,
    ESCALATION_AGAIN,
    ESCALATION_CARD,
    FLEET_ALARM,
    INCIDENT_CARD,
    INCIDENT_NOTE,
    REFRESH_BEAT,
    REFRESH_CARD,
)
from storage.facts.clock import Clock
from storage.facts.deliveries import Delivery, DeliveryState
from storage.facts.messages import Message
from storage.records import cards, deliveries, organizations
from storage.records.cards import Card
from storage.sessions import Database, Session
from templates import slack as blocks

_CARD_KINDS = frozenset({REFRESH_CARD, ESCALATION_CARD, INCIDENT_CARD, ACCESS_ASKED, FLEET_ALARM, MISSED_REPORT})
_CARD_LOOK_SECONDS = 0.5
#: So long before its last attempt what is in doubt may have arrived by another one.
_EARLIER = timedelta(hours=1)
#: Blocks that a workspace does not know yet are refused with one of these.
UNKNOWN_BLOCKS = ("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long")


class Settle(Protocol):
    """Records the outcome of a delivery."""

    def __call__(
        self, delivery: Delivery, state: DeliveryState, *, reason: str | None = None, accepted: Accepted | None = None
    ) -> Awaitable[None]:
        """Record it."""
        ...


#: What is said below another post than the card of a refresh; its subject begins with the subject of that post.
_BELOW = {REFRESH_BEAT: REFRESH_CARD, INCIDENT_NOTE: INCIDENT_CARD, ESCALATION_AGAIN: ESCALATION_CARD}

Prepared = Callable[[], Awaitable[Result]]
#: Puts together what one delivery says.
Words = Callable[[Session, Delivery, datetime], Message]


def shown_hash(message: Message) -> str:
    """Hash what a message shows, so that it is edited only when that changes."""
    plain = blocks.render(message, revision=0)
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


class Posting:
    """Everything about a Slack delivery but its state."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sender: SlackSender,
        *,
        own_words: Mapping[str, Words] | None = None,
        places: Places | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sender = sender
        #: by kind: words that are not about a refresh
        self._own_words = dict(own_words or {})
        self._places = places

    async def thread_of(
        self, delivery: Delivery, attempt: Callable[[str], Awaitable[Again | None]]
    ) -> str | Again | None:
        """Return the ts of the card under which this is posted; the card is posted first where it is not there yet."""
        if delivery.kind in _CARD_KINDS:
            return None
        card = await self._card_at(delivery)
        if card is None:
            return None
        wait = _CARD_LOOK_SECONDS
        if card.ts is None:
            again = await attempt(card.delivery_id)
            wait = max(wait, again.seconds) if again else wait
            card = await self._card_at(delivery)
        if card is not None and card.ts is not None:
            return card.ts
        settled = await self._database.reading(lambda session: _is_settled(session, card))
        return None if settled else Again(wait)

    async def prepare(self, delivery: Delivery, thread_ts: str | None) -> Prepared | Refused:
        """Resolve the place and put the words together; what is returned makes the call."""
        team_id, channel_id = delivery.destination.split("/")
        if self._places is not None:
            refusal = await self._places.refusal(delivery.organization_id, team_id, channel_id)
            if refusal is not None:
                return refusal
        place = await self._resolved(team_id, channel_id)
        if isinstance(place, Refused):
            return place
        message, rung = await self._database.reading(lambda session: self._words(session, delivery, team_id))

        async def call() -> Result:
            return await self._post(team_id, place, message, rung, delivery.id, thread_ts)

        return call

    async def after_doubt(self, delivery: Delivery, settle: Settle) -> Again | None:
        """Look for the post; found or unreadable settles it (Again(0)), absent means send it (None)."""
        team_id, channel_id = delivery.destination.split("/")
        place = await self._resolved(team_id, channel_id)
        if isinstance(place, Refused) and place.reason == WORKSPACE_CLOSED:
            await settle(delivery, DeliveryState.UNCONFIRMED, reason=f"cannot look: {place.reason}")
            return Again(0)
        since = delivery.intent_at or delivery.created_at
        if isinstance(place, Refused):
            return look_again(delivery.id, since, self._clock.now(), place.after or 0.0)
        card = None if delivery.kind in _CARD_KINDS else await self._card_at(delivery)
        try:
            # An earlier attempt may have arrived, too, and the clock may have been set back since the first one.
            looked_from = since if delivery.attempts == 1 else since - _EARLIER
            ts = await self._sender.find(team_id, place, delivery.id, looked_from, card.ts if card else None)
        except CannotLookError as error:
            await settle(delivery, DeliveryState.UNCONFIRMED, reason=f"cannot look: {error}")
            return Again(0)
        except LookLaterError as error:
            return look_again(delivery.id, since, self._clock.now(), error.after)
        if ts is None:
            return None
        await settle(delivery, DeliveryState.SENT, accepted=Accepted(ts, place))
        return Again(0)

    def note_posted(self, session: Session, delivery: Delivery, accepted: Accepted, now: datetime) -> None:
        """Remember where the card is, in the transaction that settles its delivery."""
        card = cards.of_delivery(session, delivery.id)
        if card is not None and accepted.place is not None:
            cards.posted(session, card.id, accepted.place, accepted.external_id, accepted.shown, now)

    async def _post(
        self, team_id: str, place: str, message: Message, rung: blocks.Rung, delivery_id: str, thread_ts: str | None
    ) -> Result:
        rung = blocks.newest(message, rung)
        tried: blocks.Rung | None = rung
        while tried is not None:
            result = await self._sender.post(
                team_id, place, dict(blocks.render(message, rung=tried, team_id=team_id)), delivery_id, thread_ts
            )
            if not (isinstance(result, Refused) and result.final and result.reason.startswith(UNKNOWN_BLOCKS)):
                await self._remember(team_id, rung, tried)
                return replace(result, shown=shown_hash(message)) if isinstance(result, Accepted) else result
            tried = tried.next()
        text: dict[str, Any] = {"text": blocks.render(message)["text"]}
        return await self._sender.post(team_id, place, text, delivery_id, thread_ts)

    async def _remember(self, team_id: str, first: blocks.Rung, worked: blocks.Rung) -> None:
        if worked is not first:
            await self._database.writing(
                lambda session: organizations.remember_table_rung(session, team_id, worked.value)
            )

    async def _resolved(self, team_id: str, channel_id: str) -> str | Refused:
        if channel_id.startswith(("U", "W")):
            return await self._sender.direct_channel(team_id, channel_id)
        return channel_id

    async def _card_at(self, delivery: Delivery) -> Card | None:
        team_id, channel_id = delivery.destination.split("/")
        kind, subject = _BELOW.get(delivery.kind, REFRESH_CARD), delivery.subject
        if delivery.kind in _BELOW:
            subject = subject.partition(".")[0]

        def read(session: Session) -> Card | None:
            found = cards.of_subject(session, kind, subject)
            return next((card for card in found if (card.team_id, card.channel_id) == (team_id, channel_id)), None)

        return await self._database.reading(read)

    def _words(self, session: Session, delivery: Delivery, team_id: str) -> tuple[Message, blocks.Rung]:
        own = self._own_words.get(delivery.kind)
        if own is not None:
            return own(session, delivery, self._clock.now()), rung_of(session, team_id)
        in_channel = not delivery.destination.split("/")[1].startswith(("U", "W"))
        # A channel that chose to be told is told of the company's data, and not of who asked.
        named = delivery.member_id is not None or not in_channel
        message = message_for(
            session, delivery.kind, delivery.subject, self._clock.now(), in_channel=in_channel and named, named=named
        )
        return message, rung_of(session, team_id)


def rung_of(session: Session, team_id: str) -> blocks.Rung:
    """Return the highest rung of the ladder that the workspace may accept."""
    known = organizations.table_rung(session, team_id)
    return blocks.Rung(known) if known else blocks.Rung.THUMBS


def _is_settled(session: Session, card: Card | None) -> bool:
    if card is None:
        return True
    state = deliveries.delivery(session, card.delivery_id).state
    return state not in {DeliveryState.PENDING, DeliveryState.SENDING}
