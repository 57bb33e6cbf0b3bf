"""The Slack side of one process: connections, bolt and whatever still runs after an ack, opened and closed together."""

from slack_bolt.response import BoltResponse

from bot.app import Intake, build_bolt
from bot.front import Front
from bot.interaction import Reader
from bot.payloads import Json
from bot.ports import Services
from bot.show import Background, Shower
from bot.slack import Slack
from bot.tokens import FetchToken, Tokens
from storage.facts.clock import Clock

_DRAIN_SECONDS = 5.0


class Surface:
    """Takes what Slack brings and answers; the same for HTTP, Socket Mode and kept interactions."""

    def __init__(self, services: Services, fetch_token: FetchToken, api_url: str, clock: Clock) -> None:
        self.tokens = Tokens(fetch_token, clock)
        self.slack = Slack(api_url, self.tokens)
        self.front = Front(services)
        self.shower = Shower(self.slack)
        self._reader = Reader(api_url)
        self._background = Background()
        self._intake: Intake | None = None

    async def start(self) -> None:
        """Open the connections, inside the loop that will use them."""
        await self.slack.start()
        bolt = build_bolt(self.front, self.shower, self.slack, self.tokens, self._background)
        self._intake = Intake(bolt, self._reader)

    @property
    def intake(self) -> Intake:
        """What takes verified bodies."""
        if self._intake is None:
            raise RuntimeError("the Slack side is not started")
        return self._intake

    async def take(self, body: Json) -> BoltResponse:
        """Return the ack for a verified body."""
        return await self.intake.take(body)

    async def close(self, drain_seconds: float = _DRAIN_SECONDS) -> None:
        """Let what runs end, then close the connections."""
        await self._background.drain(drain_seconds)
        await self.slack.close()
