"""From an interaction to its reply: who is it, may they, what do they get. The same for every surface."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from bot.case import Case
from bot.directory import Directory
from bot.dispatch import Entry, permit, route, table
from bot.edge import in_words
from bot.interaction import Interaction, Kind, to_json
from bot.ports import Services
from bot.replay import Seen
from bot.reply import NOTHING, Reply
from bot.together import Together
from storage.facts.messages import Message, Paragraph
from storage.facts.people import Actor, SlackIdentity
from templates import notices

log = structlog.get_logger("bot.front")

#: What may change something; everything else at most shows a card that asks.
_EFFECTS = frozenset({Kind.ACTION})
_REMEMBERED = timedelta(minutes=15)
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
    ) -> None:
        self._services = services
        #: told who was not known well enough, after the request is kept
        self._unknown = unknown
        self._entries = table() if entries is None else entries
        self._directory = Directory(services.people, services.clock)
        self._actors: Together[Actor | None] = Together()
        self._answers: Together[Reply] = Together()
        self._seen = Seen(services.clock, keep=_REMEMBERED)

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
        return await in_words(reply.then, request, None, self._directory) if reply.then else NOTHING

    async def _recognized(self, request: Interaction) -> Reply:
        identity = request.identity
        reading = request.kind not in _EFFECTS
        actor = await self._actors.look(
            (identity, reading), lambda: self._services.people.actor(identity, reading=reading)
        )
        if actor is not None:
            return await self.decide(actor, request)
        await self._services.asks.persist(request.kind.value, request.team_id, request.trigger, to_json(request))
        self._unknown(identity)
        return Reply(CHECKING) if request.kind is Kind.COMMAND else NOTHING

    async def _handled(self, actor: Actor, request: Interaction) -> Reply:
        asked = route(request)
        entry = self._entries.get(asked.name)
        if entry is None or request.kind not in entry.surfaces:
            log.warning("no_such_entry", name=asked.name, kind=request.kind)
            return Reply(notices.not_found())
        permit(actor, entry.needs)
        organization = actor.member.organization_id if actor.member else None
        log.info("interaction", name=asked.name, org=organization, team=request.team_id, user=request.identity.user_id)
        question = asked.question
        case = Case(request, actor, self._services, self._directory, self._answers, question.about, asked.sentence)
        return await entry.handler(case)

    def _counts(self, request: Interaction) -> bool:
        """Whether a message comes for the first time: mentions arrive as two events, and events come again."""
        said = request.kind in (Kind.MENTION, Kind.DIRECT)
        return not said or self._seen.first(f"{request.team_id}:{request.trigger}")
