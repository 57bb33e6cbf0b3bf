"""Disconnecting a source on purpose: what it affects, and the one transaction that does it.

In that transaction the grant leaves the connection, so that neither a late save nor a late read of a token finds it,
and whatever works on the source loses the right to write. What takes time (giving the grant up at the provider, erasing
the data) is durable work, see `jobs.connecting.severing`.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from jobs import dependents
from jobs.authorize import authorize
from jobs.connecting import telling
from jobs.connecting.means import Means
from jobs.connecting.views import Parted, Parting
from jobs.errors import NotFoundError, TooLateError, WrongNameError
from jobs.exchange import pairs
from jobs.incidents.noticing import back
from jobs.outgoing import events
from jobs.refresh.ask import TriggerKey
from jobs.refresh.ending import after_run
from jobs.schedule import STALLED
from jobs.status import statuses
from jobs.work import Work
from storage.credentials import Leaving, Place, open_credentials, seal_credentials
from storage.facts.disconnects import Disconnect, GrantEnd
from storage.facts.ids import new_id
from storage.facts.incidents import Resolution
from storage.facts.people import Action, Actor, Member
from storage.facts.sources import Source
from storage.records import audit, deadlines, disconnects, last_runs, organizations, refreshes, runs, sources, triggers
from storage.records.disconnects import Standing
from storage.seal import SealError
from storage.sessions import ConflictError, Session
from templates import times

#: A minute less than what is promised, for the sweep that sees to it.
TOKENS_LIVE = timedelta(minutes=14)
_TRIES = 3
CHANGED = "this source changed meanwhile; open the question again"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What an admin confirmed."""

    source_id: str
    #: as it was typed
    typed: str
    erase: bool
    #: `Parting.mark` of what was shown
    seen: str


class DisconnectService:
    """Shows what disconnecting affects, and does it once."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def preview(self, actor: Actor, source_id: str) -> Parting:
        """Return what disconnecting affects; changes nothing. TooLateError where nothing is left to disconnect."""
        member = authorize(actor, Action.DISCONNECT)

        def work(session: Session) -> Parting:
            source = _visible(session, member, source_id)
            return self._parting(session, source, disconnects.standing(session, source.id))

        return await self._means.desk.read(work)

    async def disconnect(self, actor: Actor, confirmed: Confirmation, trigger: TriggerKey) -> Parted:
        """Disconnect; the same trigger again gives what it gave first.

        WrongNameError: something else was typed. TooLateError: the source changed since it was shown.
        """
        authorize(actor, Action.DISCONNECT)
        for attempt in range(1, _TRIES + 1):
            try:
                parted = await self._means.desk.write(
                    lambda session: self._disconnected(session, actor, confirmed, trigger)
                )
            except ConflictError:
                # A worker renewed the tokens, or a twin of this was as quick: look again.
                if attempt == _TRIES:
                    raise
            else:
                self._means.checkpoint("disconnect.cut")
                return parted
        raise AssertionError("unreachable: the last try raises")

    def _disconnected(self, session: Session, actor: Actor, confirmed: Confirmation, trigger: TriggerKey) -> Parted:
        member = organizations.member_by_identity(session, actor.identity)
        member = authorize(Actor(actor.identity, member), Action.DISCONNECT)
        organizations.lock(session, member.organization_id)
        first = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
        if first is not None:
            return self._again(session, member, first)
        source = _visible(session, member, confirmed.source_id)
        stands = disconnects.standing(session, source.id, lock=True)
        parting = self._parting(session, source, stands)
        if parting.mark != confirmed.seen or (parting.only_data and not confirmed.erase):
            raise TooLateError(CHANGED)
        if _plain(confirmed.typed) not in map(_plain, parting.names):
            raise WrongNameError(parting.names)
        disconnect = self._cut(session, member, source, stands, erase=confirmed.erase)
        still = dependents.freeze(session, source, _why(session, disconnect), disconnect.at)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, disconnect.id, disconnect.at)
        stopped = self._stop(session, source, disconnect.at)
        if not source.mode.collects:
            pairs.gone(session, source.id, disconnect.at)
        frozen = parting.status.last_data_refresh
        detail: dict[str, object] = {
            "disconnect": disconnect.id,
            "source": source.id,
            "provider": source.provider,
            "account": source.account,
            "erase_data": disconnect.erase_data,
            "stopped_run": stopped,
            "data_as_of": frozen.isoformat() if frozen else None,
            "frozen": dependents.said(still),
        }
        audit.record(session, source.organization_id, member.id, Action.DISCONNECT, source.id, disconnect.at, detail)
        telling.tell_disconnected(session, disconnect, source, frozen, still, self._means.enqueue)
        events.source_disconnected(session, source, disconnect.id, "disconnected by a member", disconnect.at)
        self._means.enqueue(session, severing_work(disconnect))
        self._means.checkpoint("disconnect.cutting")
        now = sources.source(session, source.id)
        return Parted(disconnect.id, now, disconnect.erase_data, frozen, tuple(still))

    def _cut(self, session: Session, member: Member, source: Source, stands: Standing, *, erase: bool) -> Disconnect:
        """Take the grant out of the connection and keep it, sealed anew, for being given up alone."""
        now = self._means.clock.now()
        disconnect_id = new_id("dis")
        grant, outcome = self._moved(source, stands, disconnect_id)
        disconnect = Disconnect(
            id=disconnect_id,
            organization_id=source.organization_id,
            source_id=source.id,
            member_id=member.id,
            at=now,
            version=stands.version + 1,
            erase_data=erase,
            region=stands.region,
            environment=stands.environment,
            tokens_due_at=now + TOKENS_LIVE,
            attempt=1,
            next_at=now,
            outcome=outcome,
            settled_at=now if outcome else None,
            data_erased_at=None,
            ended_at=None,
        )
        disconnects.add(session, disconnect, grant)
        if not disconnects.cut(session, disconnect, _why(session, disconnect), stands.version):
            raise ConflictError("the tokens were renewed a moment ago")
        return disconnect

    def _moved(self, source: Source, stands: Standing, disconnect_id: str) -> tuple[bytes | None, GrantEnd | None]:
        if stands.credentials is None:
            return None, GrantEnd.NONE
        seal = self._means.seal
        place = Place(source.organization_id, source.provider, source.account, stands.version)
        try:
            credentials = open_credentials(seal, place, stands.credentials)
        except SealError:
            log.warning("grant_unreadable", source=source.id, provider=source.provider)
            return None, GrantEnd.UNREADABLE
        return seal_credentials(seal, Leaving(disconnect_id), credentials), None

    def _stop(self, session: Session, source: Source, now: datetime) -> str | None:
        """End the run that is queued or under way, and what was said about the connection; whoever waits is told."""
        active = runs.active_of(session, [source.id]).get(source.id)
        back(session, source.id, Resolution.DISCONNECTED_BY_PERSON, now, self._means.notifier)
        if active is None or not runs.stop(session, active.id, now):
            return None
        deadlines.close(session, STALLED, active.id, now)
        after_run(session, active.id, now, self._means.notifier)
        return active.id

    def _parting(self, session: Session, source: Source, stands: Standing) -> Parting:
        if stands.unfinished:
            raise TooLateError("it is being disconnected right now")
        status = statuses(session, [source], self._means.clock.now(), budget=self._means.read_budget)[0]
        only_data = stands.disconnected_by is not None
        if only_data and last_runs.newest_loaded(session, source.id) is None:
            raise TooLateError("it is disconnected already, and nothing of its data is left")
        waiting = len(refreshes.waiting_for_run(session, status.active.id)) if status.active else 0
        still = tuple(dependents.dependents_of(session, source))
        return Parting(status, f"{stands.state}:{stands.since.isoformat()}", waiting, only_data, still)

    def _again(self, session: Session, member: Member, disconnect_id: str) -> Parted:
        found = disconnects.find(session, disconnect_id)
        if found is None or found.organization_id != member.organization_id:
            raise NotFoundError
        last = last_runs.ready_of(session, [found.source_id]).get(found.source_id)
        frozen = last.clocks.source_as_of if last else None
        source = sources.source(session, found.source_id)
        still = tuple(dependents.dependents_of(session, source))
        return Parted(found.id, source, found.erase_data, frozen, still)


def severing_work(disconnect: Disconnect, attempt: int = 1, delay: timedelta | None = None) -> Work:
    """Return the engine's work for one attempt to do what is left."""
    return Work("disconnect", disconnect.id, attempt=attempt, queue="notify", delay=delay)


def said(session: Session, disconnect: Disconnect, rest: str) -> str:
    """Return why the source is disconnected, in words that say who, when, and what of the data."""
    zone = organizations.organization(session, disconnect.organization_id).timezone
    who = organizations.member(session, disconnect.member_id).name
    return f"{who} disconnected it on {times.absolute(disconnect.at, zone)}; {rest}"


def _why(session: Session, disconnect: Disconnect) -> str:
    return said(session, disconnect, "its data is being erased" if disconnect.erase_data else "its data is kept")


def _visible(session: Session, member: Member, source_id: str) -> Source:
    source = sources.visible_connection(session, member.organization_id, source_id)
    if source is None:
        raise NotFoundError
    return source


def _plain(name: str) -> str:
    """Return a name without what people do not see or type: case, forms of letters, spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
