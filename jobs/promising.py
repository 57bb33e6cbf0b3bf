"""How fresh a source must be: shown before it is saved, changed by managers, written down in the audit."""

import zlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.incidents.lateness import watch
from jobs.promise_words import PromiseRefusedError, read_words
from jobs.promises import is_working_day, turns, zone_of
from jobs.refresh.ask import TriggerKey
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor, Member
from storage.facts.promises import Promise
from storage.facts.sources import Source
from storage.records import audit, last_runs, organizations, sources, triggers
from storage.sessions import Session

#: Days off during the week that are shown, and how far ahead they are looked for.
_DAYS_SHOWN, _AHEAD = 5, 120
_FRIDAY = 5


@dataclass(frozen=True, slots=True)
class Promised:
    """A source with a promise, and what follows from it for data of an instant."""

    #: with the promise, saved or not
    source: Source
    #: with the promise before it
    before: Source
    #: the data that is judged: its as-of, or now where there is none yet
    as_of: datetime
    #: from when that data is late and overdue with this promise, and with the one before
    late_at: datetime | None
    overdue_at: datetime | None
    late_before: datetime | None
    #: the next weekdays that do not count
    days_off: tuple[date, ...]
    #: the promise as it can be typed; ``default`` for none of its own
    words: str
    zone: str

    @property
    def seen(self) -> int:
        """A number of the promise that this was shown beside; another one was set meanwhile if it is another."""
        return fingerprint(self.before.promise)


def fingerprint(promise: Promise | None) -> int:
    """Return a number that tells promises apart."""
    return zlib.crc32(str(promise or "default").encode())


class PromiseService:
    """Previews and sets promises."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def preview(self, actor: Actor, source_id: str, words: str) -> Promised | None:
        """Return what the promise would mean; None for words that are none. Changes nothing (PromiseRefusedError)."""
        member = authorize(actor, Action.CHANGE_PROMISE)

        def work(session: Session) -> Promised | None:
            promise = read_words(words)
            return None if promise is None else self._promised(session, member, source_id, promise)

        return await self._desk.read(work)

    async def change(self, actor: Actor, source_id: str, words: str, seen: int, trigger: TriggerKey) -> Promised:
        """Set the promise; again with the same trigger changes nothing more.

        TooLateError when another one was set since the preview; PromiseRefusedError as there.
        """
        member = authorize(actor, Action.CHANGE_PROMISE)

        def work(session: Session) -> Promised:
            organizations.lock(session, member.organization_id)
            authorize(
                Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), Action.CHANGE_PROMISE
            )
            promise = read_words(words)
            if promise is None:
                raise NotFoundError
            promised = self._promised(session, member, source_id, promise)
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
                return promised
            if promised.seen != seen:
                raise TooLateError("its promise was changed meanwhile; look again with /data promise")
            self._set(session, member, promised, trigger)
            return promised

        return await self._desk.write(work)

    def _set(self, session: Session, member: Member, promised: Promised, trigger: TriggerKey) -> None:
        now, source = self._clock.now(), promised.source
        sources.set_promise(session, source.id, source.promise, now)
        # What is said about the source follows within a second.
        watch(session, source, now, now)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, source.id, now)
        was = str(promised.before.promise or "default")
        detail: dict[str, object] = {"account": source.label, "before": was, "now": promised.words}
        audit.record(session, member.organization_id, member.id, Action.CHANGE_PROMISE, source.id, now, detail)

    def _promised(self, session: Session, member: Member, source_id: str, wanted: Promise | str) -> Promised:
        before = sources.visible(session, member.organization_id, source_id)
        if before is None:
            raise NotFoundError
        promise = wanted if isinstance(wanted, Promise) else None
        if promise is not None and promise.calendar is not None and promise.warn_minutes is None and before.rule:
            raise PromiseRefusedError("limits")
        zone = organizations.organization(session, member.organization_id).timezone
        source = replace(before, promise=promise, zone=zone if promise or before.rule else "UTC")
        now = self._clock.now()
        last = last_runs.ready_of(session, [source_id]).get(source_id)
        as_of = (last.clocks.source_as_of if last else None) or now
        late_at, overdue_at = turns(source, as_of)
        words = str(promise) if promise is not None else "default"
        return Promised(
            source, before, as_of, late_at, overdue_at, turns(before, as_of)[0], _days_off(source, now), words, zone
        )


def _days_off(source: Source, now: datetime) -> tuple[date, ...]:
    """Return the next days from Monday to Friday that do not count."""
    calendar = source.promise.calendar if source.promise else None
    if calendar is None:
        return ()
    first = now.astimezone(zone_of(source)).date()
    ahead = (first + timedelta(days=number) for number in range(_AHEAD))
    off = [
        day
        for day in ahead
        if day.isoweekday() <= _FRIDAY and day.isoweekday() in calendar.days and not is_working_day(calendar, day)
    ]
    return tuple(off[:_DAYS_SHOWN])
