"""From an interaction to its reply: who is it, may they, what do they get. The same for every surface."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from bot import actions
from bot.asking.threads import Threads
from bot.case import Case
from bot.clicks import Plays, at_once
from bot.directory import Directory
from bot.dispatch import Entry, Route, may, permit, route, table
from bot.edge import in_words
from bot.interaction import Interaction, Kind, to_json
from bot.ports.services import Services
from bot.replay import Seen
from bot.reply import NOTHING, Reply
from bot.together import Together
from jobs.errors import UnavailableError
from jobs.refresh.clicks import Played
from storage.facts.messages import Message, Paragraph
from storage.facts.people import Actor, SlackIdentity
from storage.facts.status import SourceStatus
from templates import notices

log = structlog.get_logger("bot.front")

#: What may change something; everything else at most shows a card that asks.
_EFFECTS = frozenset({Kind.ACTION, Kind.SUBMIT})
#: What has a place for words in the ack itself.
_SHOWN_AT_ONCE = frozenset({Kind.COMMAND, Kind.SUBMIT})
_REMEMBERED = timedelta(minutes=15)
#: of the three that Slack waits for what a menu offers
_MENU_SECONDS = 1.5
_WHO = "One moment, the answer follows here."
#: Shown when the facts about a person must be fetched first.
CHECKING = Message(_WHO, (Paragraph((_WHO,)),), kind="checking")


class Front:
    """Decides what every interaction gets."""

    def __init__(
        self,
        services: Services,
        entries: Mapping[str, Entry] | None = None,
        *,
        unknown: Callable[[SlackIdentity], None] = lambda _identity: None,
        turn: Callable[[], Awaitable[None]] = at_once,
    ) -> None:
        """With `turn`, clicks that were accepted are played when it returns: when nobody waits for an ack."""
        self._services = services
        #: told who was not known well enough, after the request is kept
        self._unknown = unknown
        self._entries = table() if entries is None else entries
        self._directory = Directory(services.people, services.clock)
        self._actors: Together[Actor | None] = Together()
        self._asked: Together[Actor] = Together()
        self._readers: Together[Mapping[SlackIdentity, Actor | None]] = Together()
        #: workspace -> who waits for the look that begins next
        self._asking: dict[str, set[SlackIdentity]] = {}
        self._answers: Together[Reply] = Together()
        self._looks: Together[list[SourceStatus]] = Together()
        self._threads = Threads(services.talk)
        self._seen = Seen(services.clock, keep=_REMEMBERED)
        #: clicks that were accepted
        self.plays = Plays(services, self._directory, self._played, turn)

    async def answer(self, request: Interaction) -> Reply:
        """Return the reply; whoever is not known well enough is looked up by a worker first, which answers then."""
        if request.kind is Kind.PROFILE:
            # An event may speak of people of its own workspace only.
            if request.identity.team_id == request.team_id:
                self._services.people.profile_changed(request.profile or {})
            return NOTHING
        if request.foreign:
            log.info("denied_foreign", team=request.team_id, user_team=request.identity.team_id)
            return Reply(notices.not_a_member())
        if not self._counts(request):
            return NOTHING
        return await in_words(lambda: self._recognized(request), request, None, self._directory)

    async def decide(self, actor: Actor, request: Interaction) -> Reply:
        """Return the reply for a person whose facts are known."""
        return await in_words(lambda: self._handled(actor, request), request, actor, self._directory)

    async def learned(self, request: Interaction) -> Reply:
        """Return the reply for a person whose facts are asked of Slack first; for workers."""

        async def played() -> Reply:
            return await self.decide(await self._services.people.learn(request.identity), request)

        return await in_words(played, request, None, self._directory)

    async def follow(self, reply: Reply, request: Interaction) -> Reply:
        """Return what comes after a reply, once Slack has its ack."""
        if not reply.then:
            return NOTHING
        # Whoever may not (any more) is told who may, and not that nobody knows them.
        return await in_words(reply.then, request, self._services.people.reader(request.identity), self._directory)

    async def _played(self, played: Played, request: Interaction) -> Reply:
        """Put into words what came of an accepted click."""
        if played.refused is not None:
            raise played.refused
        assert played.outcome is not None
        return await actions.played(self._case(played.actor, request), played.outcome)

    def _case(self, actor: Actor, request: Interaction, asked: Route | None = None) -> Case:
        about = asked.question.about if asked else ""
        return Case(
            request,
            actor,
            self._services,
            self._directory,
            self._answers,
            self.plays,
            self._looks,
            self._threads,
            about,
        )

    async def _recognized(self, request: Interaction) -> Reply:
        identity = request.identity
        actor = await self._actor(request)
        if actor is None and request.kind is Kind.SEARCH:
            # A form may be open for longer than the facts about its person count, and a menu waits for nothing else.
            actor = await self._asked_at_once(identity)
            if actor is None:
                return NOTHING
        if actor is not None:
            return await self.decide(actor, request)
        await self._services.asks.persist(request.kind.value, request.team_id, request.trigger, to_json(request))
        self._unknown(identity)
        return Reply(CHECKING) if request.kind in _SHOWN_AT_ONCE else NOTHING

    async def _asked_at_once(self, identity: SlackIdentity) -> Actor | None:
        """Ask Slack who this is, once for all letters of a word; None when it takes longer than a menu waits."""
        try:
            async with asyncio.timeout(_MENU_SECONDS):
                return await self._asked.look(identity, lambda: self._services.people.learn(identity))
        except (TimeoutError, UnavailableError):
            log.info("menu_left_empty", team=identity.team_id, user=identity.user_id)
            return None

    async def _actor(self, request: Interaction) -> Actor | None:
        identity, people = request.identity, self._services.people
        if request.kind not in _EFFECTS:
            return people.reader(identity) or await self._reader(identity)
        entry = self._entries.get(route(request).name)
        if entry is not None and entry.rechecked:
            actor = await people.actor(identity, rechecked=True)
            # A right that was given a moment ago counts at once, as one that was taken away does in the end.
            if actor is None or may(actor, entry.needs):
                return actor
        return await self._actors.look((identity, False), lambda: people.actor(identity))

    async def _reader(self, identity: SlackIdentity) -> Actor | None:
        """Return who this is, with one look for all of a workspace who ask at the same moment."""
        team = identity.team_id
        self._asking.setdefault(team, set()).add(identity)

        async def look() -> Mapping[SlackIdentity, Actor | None]:
            return await self._services.people.readers(team, self._asking.pop(team, set()))

        return (await self._readers.look(team, look)).get(identity)

    async def _handled(self, actor: Actor, request: Interaction) -> Reply:
        asked = route(request)
        entry = self._entries.get(asked.name)
        if entry is None or request.kind not in entry.surfaces:
            log.warning("no_such_entry", name=asked.name, kind=request.kind)
            return Reply(notices.not_found())
        permit(actor, entry.needs)
        organization = actor.member.organization_id if actor.member else None
        log.info("interaction", name=asked.name, org=organization, team=request.team_id, user=request.identity.user_id)
        return await entry.handler(self._case(actor, request, asked))

    def _counts(self, request: Interaction) -> bool:
        """Whether a message comes for the first time: mentions arrive as two events, and events come again."""
        said = request.kind in (Kind.MENTION, Kind.DIRECT)
        return not said or self._seen.first(f"{request.team_id}:{request.trigger}")
