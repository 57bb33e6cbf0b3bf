"""The state that all parts of the workspace share."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.errors import Json, Refusal
from sandbox.slack.journal import Journal
from sandbox.slack.lies import Lies
from sandbox.slack.oauth import OAuth
from sandbox.slack.rates import Rates
from sandbox.slack.rooms import Rooms
from sandbox.slack.stamps import Stamps
from sandbox.slack.tabs import Tabs
from sandbox.slack.triggers import Triggers
from sandbox.slack.views import View, ViewStore
from sandbox.slack.world import Channel, Installation, Person, World
from sandbox.web.draw import undrawable
from storage.facts.clock import Clock

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Background:
    """Tasks that go on after the call that started them; none outlives the stand-in."""

    running: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it beside everything else."""
        task = asyncio.create_task(work)
        self.running.add(task)
        task.add_done_callback(self._ended)

    async def quiet(self) -> None:
        """Wait until nothing runs any more."""
        while self.running:
            await asyncio.wait(set(self.running))

    async def stop(self) -> None:
        """Cancel what still runs."""
        for task in list(self.running):
            task.cancel()
        await self.quiet()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a background task of the Slack stand-in failed", exc_info=task.exception())


class Core:
    """World, messages, views, triggers, journal, script of lies: made once, used by all."""

    def __init__(self, world: World, clock: Clock, *, rates: bool) -> None:
        self.world = world
        for person in list(world.people.values()):
            if person.team in world.app.installations and not person.bot_id:
                world.direct(person.id)
        self.clock = clock
        self.stamps = Stamps(clock)
        self.journal = Journal()
        self.rooms = Rooms(clock, self.stamps, self.journal, undrawable)
        self.views = ViewStore(self.stamps)
        self.tabs = Tabs(clock)
        self.rooms.answered = self.tabs.answered
        self.triggers = Triggers(clock)
        self.lies = Lies()
        self.rates = Rates(enabled=rates)
        self.background = Background()
        self.closing = asyncio.Event()
        #: where the stand-in is reached; known when it is served
        self.url = ""
        self.oauth = OAuth(clock)
        #: tickets of Socket Mode that were handed out; the socket server sets the address
        self.socket_url: str | None = None
        self.socket_tickets: set[str] = set()

    def person(self, user: str) -> Person:
        """Return that person (KeyError with the known names when there is none)."""
        if user not in self.world.people:
            raise KeyError(f"no such person: {user} (known: {', '.join(self.world.people)})")
        return self.world.people[user]

    def bot(self, team: str) -> Person:
        """Return the app's bot user in that team."""
        return self.world.people[self.world.app.installations[team].bot_user]

    def installation_for(self, channel: Channel) -> Installation:
        """Return the app's installation that serves this channel."""
        return self.world.app.installations[channel.team]

    def show_view(self, kind: str, view: View) -> None:
        """Write an accepted view into the journal, with what the page cannot draw."""
        found = undrawable(view.blocks, view.kind)
        self.journal.red += [f"{view.kind} {view.id}: {what}" for what in found]
        self.journal.view(kind, view.team, view.user, {"id": view.id, **view.content}, self.clock.now())

    def channel_of(self, installation: Installation, name: object, *, member: bool) -> Channel:
        """Return a channel as the app of that team sees it; a private one it is not in reads like a missing one."""
        if isinstance(name, str) and name in self.world.people and self.world.people[name].team == installation.team:
            return self.world.direct(name)
        channel = self.world.channels.get(name) if isinstance(name, str) else None
        if channel is None or installation.team not in {channel.team, *channel.shared_with}:
            raise Refusal("channel_not_found")
        inside = installation.bot_user in channel.people
        if not inside and (channel.is_private or channel.is_im):
            raise Refusal("channel_not_found")
        if member and not inside:
            raise Refusal("not_in_channel")
        return channel

    def view_wire(self, view: View) -> Json:
        """Return a view as payloads show it."""
        app = self.world.app
        return view.wire(app.id, app.installations[view.team].bot_id)
