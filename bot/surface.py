"""The Slack side of one process: connections, bolt and whatever still runs after an ack, opened and closed together."""

import structlog
from slack_bolt.response import BoltResponse

from bot.agent import Agent
from bot.app import Intake, build_bolt
from bot.front import Front
from bot.home import CHANGED
from bot.installed import AppEvents
from bot.interaction import Interaction, Kind, Reader
from bot.payloads import Json
from bot.ports.services import Services
from bot.show import Background, Shower
from bot.slack import NotShownError, Slack
from bot.tokens import FetchToken, Tokens
from jobs.errors import UnavailableError
from storage.facts.clock import Clock
from storage.facts.people import SlackIdentity

log = structlog.get_logger("bot.surface")

_DRAIN_SECONDS = 5.0
#: Kinds of words in the place of a page that could not be put together at that moment.
_NOT_LOOKED_AT = frozenset({"error", "no_room", "try_again"})


class Surface:
    """Takes what Slack brings and answers; the same for HTTP, Socket Mode and kept interactions."""

    def __init__(
        self, services: Services, fetch_token: FetchToken, api_url: str, clock: Clock, *, learns: bool = False
    ) -> None:
        """With `learns`, whoever is not known is looked up here too: kept requests are played in other processes."""
        self.tokens = Tokens(fetch_token, clock)
        self.slack = Slack(api_url, self.tokens)
        self._background = Background()
        self.front = Front(
            services,
            unknown=self._learn if learns else _leave_it,
            turn=self._background.turn,
        )
        self._services = services
        self._learning: set[SlackIdentity] = set()
        self.shower = Shower(self.slack, Agent(self.slack, clock))
        self._reader = Reader(api_url)
        self._intake: Intake | None = None

    async def start(self) -> None:
        """Open the connections, inside the loop that will use them."""
        await self.slack.start()
        bolt = build_bolt(self.front, self.shower, self.slack, self.tokens, self._background)
        own = AppEvents(self._services.installs, self.tokens, self._background)
        self._intake = Intake(bolt, self._reader, self._background, own)

    @property
    def intake(self) -> Intake:
        """What takes verified bodies."""
        if self._intake is None:
            raise RuntimeError("the Slack side is not started")
        return self._intake

    async def take(self, body: Json) -> BoltResponse:
        """Return the ack for a verified body."""
        return await self.intake.take(body)

    async def play_clicks(self) -> None:
        """Play the clicks that were accepted and left; a sweep."""
        await self.front.plays.sweep(lambda reply, request: self.shower.show_all(reply, request, self.front.follow))

    async def draw_homes(self) -> None:
        """Draw the App Homes that are open and have changed, each as its person may see it now; a sweep.

        What Slack refuses is tried again later, as it stands then.
        """
        home = self._services.home
        for view in await home.take_changed():
            who = view.identity
            again = Interaction(
                Kind.HOME, who, who.team_id, "", f"{CHANGED}:{who.user_id}", CHANGED, value=view.showing
            )
            await (home.drawn(view) if await self._drawn(again) else home.refused(view))

    async def _drawn(self, again: Interaction) -> bool:
        """Draw an open page as it stands now; whether it is. What could not be looked at leaves it as it was."""
        reply = await self.front.answer(again)
        if reply.message is not None and reply.message.kind in _NOT_LOOKED_AT:
            return False
        try:
            await self.shower.draw(reply, again)
        except NotShownError as error:
            log.info("home_not_drawn", team=again.team_id, user=again.identity.user_id, reason=error.code)
            return False
        return True

    async def close(self, drain_seconds: float = _DRAIN_SECONDS) -> None:
        """Let what runs end, then close the connections."""
        await self._background.drain(drain_seconds)
        await self.slack.close()

    def _learn(self, identity: SlackIdentity) -> None:
        """Fill this process' memory of the person, so that only the first request takes the long way."""
        if identity not in self._learning:
            self._learning.add(identity)
            self._background.start(self._learned(identity))

    async def _learned(self, identity: SlackIdentity) -> None:
        try:
            await self._services.people.learn(identity)
        except UnavailableError:
            # The worker that plays the kept request tells the person; the next request tries again here.
            log.info("person_not_learned", team=identity.team_id, user=identity.user_id)
        finally:
            self._learning.discard(identity)


def _leave_it(_identity: SlackIdentity) -> None:
    """The worker that plays the kept request is this process, and learns then."""
