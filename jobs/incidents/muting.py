"""Muting alarms of a kind about a source: shown before it is saved, always to an end, said when it is over.

A muted alarm is noticed and written down as ever, and status, `why` and the history say it; only nobody is called.
When the mute ends, what is not over by then is told. No escalation and no lost connection is ever muted.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.incidents.until import EndRefusedError, read_until
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import TriggerKey
from storage.facts.clock import Clock
from storage.facts.incidents import Incident, IncidentKind
from storage.facts.messages import Message
from storage.facts.mutes import LONGEST, MUTABLE, Mute, holding, mutes_text
from storage.facts.people import Action, Actor, Member
from storage.facts.sources import Source
from storage.records import audit, deadlines, grouping, incidents, organizations, sources, triggers
from storage.sessions import Session
from templates.notices.mutes import mute_over

#: The deadline at which the next mute of a source ends; its subject is the source.
MUTE_ENDS = "mute_ends"
#: Where no end is named.
USUAL = "3 days"
#: What was told lately says what a mute would hide.
LATELY = timedelta(days=30)
Kinds = Sequence[IncidentKind]


@dataclass(frozen=True, slots=True)
class Muting:
    """What a mute would hide, or what was muted or lifted."""

    source: Source
    kinds: tuple[IncidentKind, ...]
    #: None: nothing of that is muted
    until: datetime | None
    #: of these kinds, as far as they are not over
    open: tuple[Incident, ...]
    #: alarms of these kinds that were told lately
    lately: int
    #: a number of what was muted before; another one was muted meanwhile if it is another
    seen: int


class MuteService:
    """Previews, sets and lifts mutes."""

    def __init__(self, desk: Desk, clock: Clock, notifier: Notifier) -> None:
        self._desk = desk
        self._clock = clock
        self._notifier = notifier

    async def preview(self, actor: Actor, source_id: str, kinds: Kinds, words: str) -> Muting | None:
        """Return what it would hide; None for words that mean no end. Changes nothing (EndRefusedError)."""
        member = authorize(actor, Action.MUTE_ALARMS)
        until = read_until(words or USUAL, self._clock.now(), member.timezone, longest=LONGEST)
        if until is None:
            return None
        return await self._desk.read(lambda session: self._muting(session, member, source_id, kinds, until))

    async def mute(
        self, actor: Actor, source_id: str, kinds: Kinds, until: datetime, seen: int, trigger: TriggerKey
    ) -> Muting:
        """Mute until then; again with the same trigger changes nothing more.

        TooLateError when something else was muted or lifted since the preview; EndRefusedError for an end that is no
        end.
        """
        now = self._clock.now()
        if until <= now:
            raise EndRefusedError("past")
        if until - now > LONGEST:
            raise EndRefusedError("long")
        return await self._desk.write(
            lambda session: self._change(session, actor, source_id, kinds, until, seen, trigger)
        )

    async def lift(self, actor: Actor, source_id: str, kinds: Kinds, trigger: TriggerKey) -> Muting:
        """Lift it: what is not over is told within a minute. The same trigger changes once."""
        return await self._desk.write(
            lambda session: self._change(session, actor, source_id, kinds, None, None, trigger)
        )

    def _change(
        self,
        session: Session,
        actor: Actor,
        source_id: str,
        kinds: Kinds,
        until: datetime | None,
        seen: int | None,
        trigger: TriggerKey,
    ) -> Muting:
        member = authorize(actor, Action.MUTE_ALARMS)
        organizations.lock(session, member.organization_id)
        # The role is read again, in the transaction of its effect.
        again = organizations.member_by_identity(session, actor.identity)
        member = authorize(Actor(actor.identity, again), Action.MUTE_ALARMS)
        found = self._muting(session, member, source_id, kinds, until)
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
            return found
        if seen is not None and found.seen != seen:
            raise TooLateError("something else was muted or lifted meanwhile; look again with /data mute")
        self._set(session, member, found, trigger)
        return found

    def _set(self, session: Session, member: Member, found: Muting, trigger: TriggerKey) -> None:
        now, source, until = self._clock.now(), found.source, found.until
        kept = [one for one in holding(source.mutes, now) if one.kind not in found.kinds]
        if until is not None:
            kept += [Mute(kind, member.id, member.name, now, until) for kind in found.kinds]
        sources.set_mutes(session, source.id, kept, now)
        _watch(session, source, kept, now)
        for one in found.open:
            if one.held_by is None:
                incidents.put_off(session, one.id, _told_again_at(one, until, now))
        triggers.remember(session, trigger.team_id, trigger.trigger_id, source.id, now)
        detail: dict[str, object] = {
            "account": source.label,
            "alarms": sorted(found.kinds),
            "until": until.isoformat() if until else "lifted",
        }
        audit.record(session, member.organization_id, member.id, Action.MUTE_ALARMS, source.id, now, detail)

    def _muting(self, session: Session, member: Member, source_id: str, kinds: Kinds, until: datetime | None) -> Muting:
        source = sources.visible(session, member.organization_id, source_id)
        if source is None or not kinds or not set(kinds) <= set(MUTABLE):
            raise NotFoundError
        now = self._clock.now()
        return Muting(
            source,
            tuple(kinds),
            until,
            tuple(grouping.open_of(session, source.id, kinds)),
            incidents.count_told(session, source.id, kinds, now - LATELY),
            zlib.crc32((mutes_text(holding(source.mutes, now)) or "").encode()),
        )


def _told_again_at(one: Incident, until: datetime | None, now: datetime) -> datetime | None:
    """Return when an open alarm is told (again) by itself: at the end of what hides it, if anything does."""
    if until is None and one.told_at is None:
        return now
    ends = [end for end in (until, one.snoozed_until, one.acknowledged_until) if end is not None and end > now]
    return max(ends, default=None)


def _watch(session: Session, source: Source, mutes: Sequence[Mute], now: datetime) -> None:
    if mutes:
        deadlines.rearm(session, source.organization_id, MUTE_ENDS, source.id, min(one.until for one in mutes))
    else:
        deadlines.close(session, MUTE_ENDS, source.id, now)


def ended(session: Session, deadline: deadlines.Deadline, now: datetime, notifier: Notifier) -> None:
    """Take away what is over of a source's mutes, and say so. Under the organization's lock."""
    if not deadlines.fire(session, deadline.id, now):
        return
    source = sources.source(session, deadline.subject)
    over = [one for one in source.mutes if one.until <= now]
    still = holding(source.mutes, now)
    sources.set_mutes(session, source.id, still, now)
    _watch(session, source, still, now)
    for member_id in sorted({one.member_id for one in over}):
        kinds = sorted(one.kind for one in over if one.member_id == member_id)
        subject = f"{source.id}.{int(deadline.due_at.timestamp())}.{'-'.join(kinds)}"
        notifier.mute_over(session, subject, member_id, source, now)


def over_message(session: Session, subject: str, _now: datetime) -> Message:
    """Return the word that a mute is over; `subject` is the source, when it was, and the kinds."""
    source_id, _, kinds = subject.split(".")
    chosen = [IncidentKind(kind) for kind in kinds.split("-")]
    source = sources.source(session, source_id)
    return mute_over(source, chosen, open_now=bool(grouping.open_of(session, source_id, chosen)))
