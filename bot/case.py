"""What a handler is given: who asks, what, and the services that answer."""

from dataclasses import dataclass
from datetime import datetime

from bot.asking.threads import Threads
from bot.clicks import Plays
from bot.directory import Directory, Names
from bot.interaction import Interaction
from bot.ports.services import Services
from bot.reply import Reply, Where
from bot.together import Together
from jobs.authorize import authorize
from jobs.errors import NotAllowedError
from jobs.refresh.ask import Place, TriggerKey
from storage.facts.messages import Message
from storage.facts.people import Action, Actor, Member
from storage.facts.status import SourceStatus


@dataclass(frozen=True, slots=True)
class Case:
    """One interaction of a person whom the gate has let in."""

    request: Interaction
    actor: Actor
    services: Services
    directory: Directory
    together: Together[Reply]
    plays: Plays
    #: shared looks at how all sources of an organization stand
    looks: Together[list[SourceStatus]]
    #: what was asked last in each thread
    threads: Threads
    #: the words after the command, or the whole sentence of a question
    about: str = ""

    @property
    def member(self) -> Member:
        """The member who asks; NotAllowedError for support people, who are none."""
        if self.actor.member is None:
            raise NotAllowedError(Action.SEE_STATUS, None)
        return self.actor.member

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self.services.clock.now()

    @property
    def zone(self) -> str:
        """The zone of whoever reads the answer."""
        return self.actor.member.timezone if self.actor.member else "UTC"

    @property
    def place(self) -> Place:
        """Where it was asked."""
        return Place(self.request.team_id, self.request.channel_id)

    @property
    def trigger(self) -> TriggerKey:
        """The key under which this interaction has its effect once."""
        return TriggerKey(self.request.team_id, self.request.trigger)

    @property
    def message(self) -> str:
        """Where the button was that was pressed, for the audit: ``channel/ts``, as far as Slack names it."""
        return "/".join(part for part in (self.request.channel_id, self.request.message_ts) if part)

    def may(self, action: Action) -> bool:
        """Whether the person has that right in their own organization; whoever acts is asked again then."""
        try:
            authorize(self.actor, action)
        except NotAllowedError:
            return False
        return True

    async def names(self) -> Names:
        """Return the names that messages to this member say."""
        return await self.directory.names(self.member.organization_id)

    def say(self, message: Message, *, replace: bool = False) -> Reply:
        """Return the reply to the asker; `replace` puts it in the place of the card that was clicked."""
        return Reply(message, Where.REPLACE if replace else Where.ANSWER, zone=self.zone)
