"""A word in the thread while a refresh goes on: when half and nine in ten would be over, and every hour.

Nobody waits without knowing why, and nobody is pinged about what takes a minute: the card itself is edited all along,
so words begin five minutes after the request and keep five minutes apart.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from jobs.asks import Enqueue
from jobs.deliver.posting import Words
from jobs.notify.adding import add_message
from jobs.notify.kinds import REFRESH_BEAT, REFRESH_CARD
from jobs.refresh.view import refresh_status
from storage.facts.beats import Beat, BeatKind
from storage.facts.clock import Clock
from storage.facts.deliveries import Delivery
from storage.facts.messages import Message
from storage.facts.policies import read_policy
from storage.facts.runs import Duration
from storage.facts.status import RefreshStatus
from storage.records import cards, deliveries, refreshes
from storage.sessions import Database, Session
from templates.notices.beat import refresh_beat

#: how often the sweep looks
EVERY = 15.0
#: the first word, and from one to the next
APART = timedelta(minutes=5)
_HOUR = timedelta(hours=1)
#: The words would no longer be true.
_KEEP_TRYING = timedelta(minutes=10)


def beat_at(durations: Sequence[Duration], waited: timedelta) -> Beat | None:
    """Return the newest word that is due after so long; `durations` are those of the sources that are read."""
    due = None
    for beat in _kept(durations, waited):
        due = beat
    return due


def _kept(durations: Sequence[Duration], waited: timedelta) -> Iterator[Beat]:
    """Return the words that are due by then, in order, each far enough from the one before it."""
    last = timedelta()
    for beat in sorted(_all(durations, waited), key=lambda one: one.after):
        if beat.after > waited:
            return
        if beat.after - last >= APART:
            last = beat.after
            yield beat


def _all(durations: Sequence[Duration], waited: timedelta) -> Iterator[Beat]:
    if durations:
        # The slowest source says when all of it is over.
        yield Beat(BeatKind.HALF, timedelta(seconds=max(one.p50 for one in durations)))
        yield Beat(BeatKind.LONG, timedelta(seconds=max(one.p90 for one in durations)))
    for hour in range(1, int(waited / _HOUR) + 1):
        yield Beat(BeatKind.HOUR, hour * _HOUR)


def beat_sweep(database: Database, clock: Clock, enqueue: Enqueue) -> Callable[[], Awaitable[None]]:
    """Return the sweep that writes the words down which are due; several workers write each once."""

    async def sweep() -> None:
        before = clock.now() - APART
        for refresh_id in await database.reading(lambda session: cards.living(session, REFRESH_CARD, before)):
            due = await database.reading(partial(_due, refresh_id=refresh_id, now=clock.now()))
            if due is not None:
                await database.writing(partial(_write, refresh_id=refresh_id, beat=due, now=clock.now()))

    def _write(session: Session, refresh_id: str, beat: Beat, now: datetime) -> None:
        for card in cards.of_subject(session, REFRESH_CARD, refresh_id):
            if card.ts is None:
                continue
            add_message(
                session,
                enqueue,
                organization_id=card.organization_id,
                kind=REFRESH_BEAT,
                subject=f"{refresh_id}.{beat.name}",
                destination=f"{card.team_id}/{card.channel_id}",
                now=now,
                keep_trying=_KEEP_TRYING,
                facts={"kind": beat.kind.value, "after": beat.after.total_seconds()},
            )

    return sweep


def _due(session: Session, refresh_id: str, now: datetime) -> Beat | None:
    """Return the word that is due and not written down yet."""
    refresh = refresh_status(session, refresh_id, now)
    beat = None if refresh.finished_at else beat_at(_durations(refresh), now - refresh.requested_at)
    if beat is None or any(
        one.kind == REFRESH_BEAT for one in deliveries.of_subject(session, f"{refresh_id}.{beat.name}")
    ):
        return None
    return beat


def _durations(refresh: RefreshStatus) -> list[Duration]:
    found = [refresh.durations.get(source.id) for source, run in refresh.runs if run.state.active]
    return [duration for duration in found if duration is not None]


def beat_words() -> Mapping[str, Words]:
    """Return the words of the kind of delivery that is ours."""

    def said(session: Session, delivery: Delivery, now: datetime) -> Message:
        refresh_id = delivery.subject.partition(".")[0]
        facts = deliveries.facts_of(session, delivery.id)
        beat = Beat(BeatKind(str(facts["kind"])), timedelta(seconds=float(facts["after"])))
        row = refreshes.row(session, refresh_id)
        support_at = row.requested_at + read_policy(row.policy).first
        return refresh_beat(refresh_status(session, refresh_id, now), beat, support_at, now)

    return {REFRESH_BEAT: said}
