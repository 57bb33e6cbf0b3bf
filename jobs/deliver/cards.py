"""Living messages: edited when what they show changed, at most every three seconds, until the final state is shown."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from jobs.deliver.places import Places
from jobs.deliver.posting import UNKNOWN_BLOCKS, rung_of, shown_hash
from jobs.deliver.results import Accepted, Refused, Result
from jobs.deliver.slack import SlackSender
from jobs.deliver.words import is_final, message_for
from jobs.expectations.missed_view import MISSED_REPORT
from jobs.notify.kinds import FLEET_ALARM, INCIDENT_CARD
from storage.facts.clock import Clock
from storage.facts.messages import Message
from storage.records import buckets, cards, organizations
from storage.records.cards import Card
from storage.sessions import Database, Session
from templates import slack as blocks

EDIT_EVERY = timedelta(seconds=3)
#: What counts things that change all the time; its end is shown at once.
_COUNTING = frozenset({FLEET_ALARM, MISSED_REPORT})
FLEET_EDIT_EVERY = timedelta(minutes=1)
#: An incident is open for days, and whatever changes it wakes its post; what a run of the source is at may be as old.
INCIDENT_LOOK_EVERY = timedelta(minutes=1)
_SELDOM = frozenset({INCIDENT_CARD, MISSED_REPORT})
#: Slack allows about 50 edits a minute and workspace; some are left for others.
EDITS_PER_MINUTE = 40
_CLAIM = timedelta(seconds=30)
_REMEMBERED = 10_000

log = structlog.get_logger()


class CardEditor:
    """Edits due cards; a sweep of the clock."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sender: SlackSender,
        *,
        may_act: Callable[[], bool],
        places: Places | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sender = sender
        self._may_act = may_act
        self._places = places
        #: by card: when its next edit may be
        self._turns: dict[str, datetime] = {}
        self._seen = clock.now()

    async def sweep(self) -> None:
        """Look at every card whose time has come; final states first."""
        if not self._may_act():
            return
        now = self._clock.now()
        if now < self._seen - buckets.SKEW:
            # The clock was set back: turns that were given before would come when it is as late again.
            self._turns.clear()
        self._seen = now
        due = await self._database.reading(self._due)
        for card, _ in sorted(due, key=lambda item: not item[1]):
            await self._look(card)

    def _due(self, session: Session) -> list[tuple[Card, bool]]:
        return [(card, is_final(session, card.subject)) for card in cards.due(session, self._clock.now())]

    async def _look(self, card: Card) -> None:
        now = self._clock.now()
        until = now + _CLAIM
        if not await self._database.writing(lambda session: cards.claim(session, card, until)):
            return
        message, final, rung = await self._database.reading(lambda session: self._words(session, card, now))
        shown = shown_hash(message)
        next_look = None if final else now + (INCIDENT_LOOK_EVERY if card.kind in _SELDOM else EDIT_EVERY)
        if shown == card.shown_hash:
            await self._database.writing(
                lambda session: cards.look_later(session, card.id, claimed_until=until, next_look=next_look)
            )
            return
        wait = await self._database.writing(lambda session: self._wait(session, card, now, final=final))
        if wait > timedelta(0):
            await self._database.writing(
                lambda session: cards.look_later(session, card.id, claimed_until=until, next_look=now + wait)
            )
            return
        await self._edit(card, message, rung, shown, until, next_look)

    async def _edit(
        self, card: Card, message: Message, rung: blocks.Rung, shown: str, until: datetime, next_look: datetime | None
    ) -> None:
        channel_id = card.posted_in or card.channel_id
        result: Result | None = None
        if self._places is not None:
            result = await self._places.refusal(card.organization_id, card.team_id, channel_id)
        if result is None:
            result = await self._drawn(card, channel_id, message, blocks.newest(message, rung))
        now = self._clock.now()
        if isinstance(result, Accepted):
            await self._database.writing(
                lambda session: cards.edited(
                    session, card.id, claimed_until=until, shown_hash=shown, now=now, next_look=next_look
                )
            )
            return
        log.warning("card_not_edited", card=card.id, reason=result.reason)
        # A message that is gone cannot be edited; anything else is tried again, since an edit twice changes nothing.
        give_up = isinstance(result, Refused) and result.final
        await self._database.writing(lambda session: cards.failed(session, card.id, now=now, give_up=give_up))

    async def _drawn(self, card: Card, channel_id: str, message: Message, rung: blocks.Rung) -> Result:
        """Edit it in the newest way that the workspace takes; what it refuses is remembered."""
        tried: blocks.Rung | None = rung
        result: Result = Refused("invalid_blocks", final=True)
        while tried is not None:
            rendered = blocks.render(message, revision=card.revision + 1, rung=tried, team_id=card.team_id)
            result = await self._sender.edit(card.team_id, channel_id, card.ts or "", dict(rendered))
            if not (isinstance(result, Refused) and result.final and result.reason.startswith(UNKNOWN_BLOCKS)):
                if tried is not rung:
                    await self._database.writing(
                        partial(organizations.remember_table_rung, team_id=card.team_id, rung=tried.value)
                    )
                return result
            tried = tried.next()
        return result

    def _wait(self, session: Session, card: Card, now: datetime, *, final: bool) -> timedelta:
        every = FLEET_EDIT_EVERY if card.kind in _COUNTING and not final else EDIT_EVERY
        edited_at = card.edited_at if card.shown_hash is not None else None
        if edited_at is not None and edited_at <= now < edited_at + every:
            return edited_at + every - now
        # Final states may use the room that is kept free of the others.
        return timedelta(0) if final else self._turn(session, card, now)

    def _turn(self, session: Session, card: Card, now: datetime) -> timedelta:
        """Return how long until it is the card's turn; one that it was given is kept, and no second one is booked."""
        turn = self._turns.pop(card.id, None)
        if turn is None:
            name, rate = f"slack-edits:{card.team_id}", EDITS_PER_MINUTE / 60
            wait = buckets.reserve(session, name, per_second=rate, burst=EDITS_PER_MINUTE, cost=1, now=now)
            turn = now + timedelta(seconds=wait)
        if turn <= now:
            return timedelta(0)
        if len(self._turns) >= _REMEMBERED:
            self._turns.clear()
        self._turns[card.id] = turn
        return turn - now

    def _words(self, session: Session, card: Card, now: datetime) -> tuple[Message, bool, blocks.Rung]:
        message = message_for(session, card.kind, card.subject, now)
        return message, is_final(session, card.subject), rung_of(session, card.team_id)
