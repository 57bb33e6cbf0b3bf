"""Our own calls to Slack from the web edge: one shared connection pool, no redirects, no silent repeats.

Only answers to people go through here, seen by one person each. Confirmations, cards and escalations are deliveries of
jobs, with a key and a way to reconcile.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.tokens import Tokens
from storage.facts.secret import Secret

log = structlog.get_logger("bot.slack")

#: A token is stored, and cannot be opened.
UNREADABLE = "token_unreadable"
_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)
#: How often something is asked of Slack that says to wait.
TRIES = 3
_LONGEST_WAIT = 30.0


class NotShownError(Exception):
    """Slack did not take the words; `code` is Slack's own name for the reason."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Slack:
    """The Web API and response_urls over one session, which belongs to the running loop."""

    def __init__(self, api_url: str, tokens: Tokens) -> None:
        self._api_url = api_url
        self._tokens = tokens
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the pool; inside the loop that will use it."""
        self._session = aiohttp.ClientSession(
            timeout=_TIMEOUT, connector=aiohttp.TCPConnector(limit=50), trust_env=False
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The shared session."""
        if self._session is None:
            raise RuntimeError("the connections to Slack are not open")
        return self._session

    def client(self, token: Secret | None) -> AsyncWebClient:
        """Return a client for one token, on the shared pool."""
        return AsyncWebClient(
            token=token.reveal() if token else None, base_url=self._api_url, session=self.session, retry_handlers=[]
        )

    async def call(
        self, team_id: str, method: str, arguments: Mapping[str, Any], *, tries: int = TRIES
    ) -> dict[str, Any]:
        """Call a method as the bot of a workspace; waits where Slack asks for that (NotShownError otherwise)."""
        token = await self._tokens.of(team_id)
        if token is None:
            raise NotShownError(UNREADABLE if self._tokens.unreadable(team_id) else "not_installed")
        for left in reversed(range(tries)):
            try:
                answer = await self.client(token).api_call(method, json={**arguments, "team_id": team_id})
            except SlackApiError as error:
                code = str(error.response.get("error"))
                if code != "ratelimited" or not left:
                    raise NotShownError(code) from None
                await _wait(error.response.headers.get("Retry-After"))
            except (aiohttp.ClientError, TimeoutError) as error:
                raise NotShownError(type(error).__name__) from None
            else:
                return answer.data if isinstance(answer.data, dict) else {}
        raise NotShownError("ratelimited")

    async def respond(self, url: Secret, body: Mapping[str, Any]) -> None:
        """Post to a response_url, whose host was checked when it was read (NotShownError when it is used up)."""
        for _ in range(TRIES):
            try:
                async with self.session.post(url.reveal(), json=dict(body), allow_redirects=False) as answer:
                    text = (await answer.text())[:200]
                    if answer.status == 200:
                        return
                    if answer.status != 429:
                        raise NotShownError(
                            f"http_{answer.status}" if "invalid_blocks" not in text else "invalid_blocks"
                        )
                    await _wait(answer.headers.get("Retry-After"))
            except (aiohttp.ClientError, TimeoutError) as error:
                raise NotShownError(type(error).__name__) from None
        raise NotShownError("ratelimited")


async def _wait(seconds: str | None) -> None:
    wanted = float(seconds) if seconds and seconds.isdigit() else 1.0
    await asyncio.sleep(min(wanted, _LONGEST_WAIT))
