"""Reading again what is there already: a source, one of its streams, or what changed since a day.

It is an ordinary run from earlier cursors. What is there stays readable until that run commits, and if it never does,
or far fewer records come, everything stays as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jobs.access_policy import AccessPolicy
from jobs.asks import Enqueue
from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, RequestError, TooLateError
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import Joined, Outcome, Place, Scope, Started, TriggerKey
from jobs.refresh.view import refresh_status
from jobs.schedule import STALLED, start_run
from jobs.slots import known_zone
from storage.facts.clock import Clock
from storage.facts.ids import new_id
from storage.facts.people import Action, Actor, Member
from storage.facts.policies import read_policy, while_moving
from storage.facts.rereads import Reread
from storage.facts.runs import Trigger
from storage.facts.sources import ConnectionState, Provider, Source
from storage.records import audit, deadlines, last_runs, organizations, refreshes, rereads, runs, sources, triggers
from storage.sessions import Session

if TYPE_CHECKING:
    from connectors.base import Connector


class RereadRefusedError(RequestError):
    """That cannot be read again; nothing was started."""

    def __init__(self, reason: str, streams: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        #: stream, future
        self.reason = reason
        #: labels of the streams that there are
        self.streams = streams


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants to have read again."""

    source_id: str
    #: the stream as it is called in the code; empty: all of the source
    stream: str = ""
    #: what changed since the beginning of that day, in the organization's zone; None: everything
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be read, shown before anything starts."""

    source: Source
    wanted: Wanted
    #: what people call the stream; empty: all of them
    label: str
    #: how long the newest read of everything took; None: none is on record
    seconds: float | None


class RereadService:
    """Shows what a re-read means, and starts one."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        enqueue: Enqueue,
        notifier: Notifier,
        access: AccessPolicy,
        connector_for: "Callable[[Provider], Connector]",
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._enqueue = enqueue
        self._notifier = notifier
        self._access = access
        self._connector_for = connector_for

    def stream_named(self, provider: Provider, words: str) -> str:
        """Return the stream that the words are the name of; '' for words that are none."""
        plain = words.casefold().replace("_", " ")
        for stream in self._connector_for(provider).streams:
            if plain in {stream.name.replace("_", " "), stream.label.casefold()}:
                return stream.name
        return ""

    async def preview(self, actor: Actor, wanted: Wanted) -> Preview:
        """Return what would be read; starts nothing. RereadRefusedError where there is no such stream or day."""
        member = authorize(actor, Action.REREAD)
        return await self._desk.read(lambda session: self._allowed(session, member, wanted))

    async def start(self, actor: Actor, wanted: Wanted, trigger: TriggerKey, place: Place) -> Outcome:
        """Start it; the same trigger gives what it gave first. TooLateError while another run holds the source."""
        member = authorize(actor, Action.REREAD)
        return await self._desk.write(lambda session: self._effect(session, actor, member, wanted, trigger, place))

    def _effect(
        self, session: Session, actor: Actor, member: Member, wanted: Wanted, trigger: TriggerKey, place: Place
    ) -> Outcome:
        now = self._clock.now()
        organizations.lock(session, member.organization_id)
        first = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
        if first is not None:
            return Joined(refresh_status(session, first, now), newly=False)
        # The role is read again, in the transaction of its effect.
        authorize(Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), Action.REREAD)
        shown = self._allowed(session, member, wanted)
        if shown.source.connection is ConnectionState.DISCONNECTED:
            raise TooLateError("the source is disconnected: reconnect it first")
        if runs.active_of(session, [shown.source.id]):
            raise TooLateError("the source is being refreshed right now; ask again when that has ended")
        refresh_id = self._start(session, member, shown, now)
        self._notifier.card(session, refresh_id, member, place, now)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, refresh_id, now)
        detail: dict[str, object] = {
            "refresh": refresh_id,
            "account": shown.source.label,
            "stream": wanted.stream or "all",
            "label": shown.label,
            "since": wanted.since.isoformat() if wanted.since else "the beginning",
        }
        audit.record(session, member.organization_id, member.id, Action.REREAD, shown.source.id, now, detail)
        return Started(refresh_id, (shown.source,))

    def _allowed(self, session: Session, member: Member, wanted: Wanted) -> Preview:
        source = sources.visible(session, member.organization_id, wanted.source_id)
        if source is None:
            raise NotFoundError
        self._access.require(session, member, Scope(everything=False, source_ids=(source.id,)))
        labels = {stream.name: stream.label for stream in self._connector_for(source.provider).streams}
        if wanted.stream and wanted.stream not in labels:
            raise RereadRefusedError("stream", tuple(labels.values()))
        if wanted.since is not None and _begins(session, member, wanted.since) > self._clock.now():
            raise RereadRefusedError("future")
        return Preview(source, wanted, labels.get(wanted.stream, ""), rereads.seconds_of_whole_read(session, source.id))

    def _start(self, session: Session, member: Member, shown: Preview, now: datetime) -> str:
        refresh_id, source, wanted = new_id("rfr"), shown.source, shown.wanted
        ready = last_runs.ready_of(session, [source.id]).get(source.id)
        policy = while_moving(organizations.escalation_policy(session, member.organization_id))
        refreshes.add(session, refresh_id, member.organization_id, member.id, now, everything=False, policy=policy)
        # Also where only the timer collects: what is collected already is what is to be read again.
        run_id = start_run(session, source, Trigger.REQUEST, f"refresh:{refresh_id}", now, self._enqueue, collects=True)
        since = _begins(session, member, wanted.since) if wanted.since else None
        rereads.note(session, run_id, Reread((wanted.stream,) if wanted.stream else (), since, now))
        refreshes.wait_for(session, refresh_id, run_id, ready.clocks.source_as_of if ready else None)
        # It may take as long as it likes while it moves, as a first read may.
        deadlines.add(session, member.organization_id, STALLED, run_id, now + read_policy(policy).first)
        return refresh_id


def _begins(session: Session, member: Member, day: date) -> datetime:
    zone = organizations.zone(session, member.organization_id)
    return datetime.combine(day, time(), ZoneInfo(zone if known_zone(zone) else "UTC")).astimezone(UTC)
