"""Confirmed refreshes: accepted by one row before the ack, and played behind it, once, by whichever process."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NoAccessError, NotAllowedError, NotFoundError, UnavailableError
from jobs.refresh.ask import LeftOut, Outcome, Place, Scope, TriggerKey
from jobs.refresh.service import RefreshService
from storage.facts.clicks import Click
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor
from storage.records import clicks, organizations
from storage.sessions import ConflictError, Session

_MOST_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a click: an outcome, or why nothing was started."""

    #: who clicked, as known when it was played
    actor: Actor
    outcome: Outcome | None
    refused: NotAllowedError | NoAccessError | NotFoundError | None


class ClickService:
    """Accepts clicks and plays them."""

    def __init__(self, desk: Desk, clock: Clock, refresh: RefreshService, checkpoint: Callable[[str], None]) -> None:
        self._desk = desk
        self._clock = clock
        self._refresh = refresh
        self._checkpoint = checkpoint

    async def accept(
        self, actor: Actor, scope: Scope, trigger: TriggerKey, place: Place, request: Mapping[str, object]
    ) -> Click | None:
        """Write the click down; the refresh was requested when this returns. UnavailableError: nothing was written.

        `request` is what another process needs to answer; nothing secret, for it is kept as it is.
        The role is read again when the click is played. None: a click on the same card waits to be played and told.
        """
        member = authorize(actor, Action.START_REFRESH)
        click = Click(
            trigger.team_id,
            trigger.trigger_id,
            member.organization_id,
            actor.identity,
            place.channel_id,
            None if scope.everything else scope.source_ids,
            scope.only_stale,
            self._clock.now(),
            json.dumps(request),
        )
        return click if await self._written(click) else None

    async def play(self, click: Click) -> Played | None:
        """Give the click its effect; None when another process has. UnavailableError: try again.

        What started nothing stays until `settle`: no card will tell the person, so it is told again after a crash.
        """
        self._checkpoint("click.accepted")
        try:
            played = await self._desk.write_behind(lambda session: self._play(session, click))
        except ConflictError as error:
            # A run ended, or a clock started one, in that very moment.
            raise UnavailableError(str(error)) from error
        self._checkpoint("click.played")
        return played

    async def settle(self, click: Click) -> None:
        """Forget a click that started nothing, once the person knows."""
        await self._desk.write_behind(lambda session: clicks.take(session, click))

    async def waiting(self, longer_than: timedelta) -> list[Click]:
        """Return what was accepted that long ago and not played yet."""
        before = self._clock.now() - longer_than
        return await self._desk.read(lambda session: clicks.waiting(session, before, _MOST_AT_ONCE))

    async def _written(self, click: Click) -> bool:
        return await self._desk.accept(lambda session: clicks.accept(session, click))

    def _play(self, session: Session, click: Click) -> Played | None:
        if not clicks.take(session, click):
            return None
        member = organizations.member_by_identity(session, click.identity)
        if member is not None and member.organization_id != click.organization_id:
            member = None
        actor = Actor(click.identity, member)
        everything = click.source_ids is None
        scope = Scope(everything=everything, source_ids=click.source_ids or (), only_stale=click.only_stale)
        trigger, place = TriggerKey(*click.key), Place(click.team_id, click.channel_id)
        try:
            member = authorize(actor, Action.START_REFRESH)
            outcome = self._refresh.effect(session, member, scope, trigger, place, asked_at=click.at)
        except (NotAllowedError, NoAccessError, NotFoundError) as refused:
            clicks.accept(session, click)
            return Played(actor, None, refused)
        if isinstance(outcome, LeftOut):
            clicks.accept(session, click)
        return Played(actor, outcome, None)
