"""The one Slack sender: posts, edits, looks for what it may have posted, and asks who somebody is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from connectors.errors import Broken
from jobs.deliver import fates
from jobs.deliver.fates import WORKSPACE_CLOSED, Fate
from jobs.deliver.results import Accepted, Ambiguous, Refused, Result
from jobs.people import Profile, profile_from
from jobs.rooms import Room, room_from
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret

SEND_SECONDS = 10.0
#: How many of the newest messages a look goes through.
LOOK_BACK = 15
#: By so much our clock may be ahead of Slack's without anybody noticing (`bot.guard`), and a bit more.
_CLOCKS = timedelta(minutes=6)
EVENT_TYPE = "tidings_delivery"

log = structlog.get_logger()

TokenOf = Callable[[str], Awaitable[Secret | None]]
#: Says whether Tidings was removed from a workspace.
Closed = Callable[[str], Awaitable[bool]]


class CannotLookError(Exception):
    """The history of that place cannot be read, so nobody can tell what is there."""


class LookLaterError(Exception):
    """Slack did not answer the look this time; where it says so, not before `after` seconds are over."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class SlackSender:
    """Talks to the Web API of every workspace over one session."""

    def __init__(
        self, api_url: str, token_of: TokenOf, *, seconds: float = SEND_SECONDS, closed: Closed | None = None
    ) -> None:
        self._api_url = api_url
        self._token_of = token_of
        self._seconds = seconds
        self._closed = closed
        self._session: aiohttp.ClientSession | None = None
        self._direct: dict[tuple[str, str], str] = {}

    async def post(
        self, team_id: str, channel_id: str, message: Mapping[str, Any], delivery_id: str, thread_ts: str | None = None
    ) -> Result:
        """Post a message that carries its delivery's id in its metadata."""
        return await self._send(
            team_id,
            "chat.postMessage",
            {
                "channel": channel_id,
                **message,
                **({"thread_ts": thread_ts} if thread_ts else {}),
                "metadata": {"event_type": EVENT_TYPE, "event_payload": {"delivery": delivery_id}},
                "unfurl_links": False,
                "unfurl_media": False,
            },
        )

    async def edit(self, team_id: str, channel_id: str, ts: str, message: Mapping[str, Any]) -> Result:
        """Replace what a message of ours says; doing it twice changes nothing."""
        return await self._send(team_id, "chat.update", {"channel": channel_id, "ts": ts, **message})

    async def direct_channel(self, team_id: str, user_id: str) -> str | Refused:
        """Return the id of the DM with a person."""
        known = self._direct.get((team_id, user_id))
        if known is not None:
            return known
        try:
            answer = await self._call(team_id, "conversations.open", {"users": user_id})
        except SlackApiError as error:
            refusal = _refusal(error)
            return refusal if isinstance(refusal, Refused) else Refused(refusal.reason, final=False)
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            return Refused(f"conversations.open: {type(error).__name__}", final=False)
        channel_id = str(answer["channel"]["id"])
        self._direct[team_id, user_id] = channel_id
        return channel_id

    async def find(
        self, team_id: str, channel_id: str, delivery_id: str, since: datetime, thread_ts: str | None = None
    ) -> str | None:
        """Return the ts of that delivery's message if it is among the newest, in a thread among those since then.

        CannotLookError if nobody can tell, LookLaterError if Slack does not answer now.
        """
        method = "conversations.replies" if thread_ts else "conversations.history"
        arguments: dict[str, Any] = {"channel": channel_id, "limit": LOOK_BACK, "include_all_metadata": True}
        if thread_ts:
            # Of a thread the oldest come first, of a channel the newest: there our clock, which may be wrong, is not
            # needed.
            arguments |= {"ts": thread_ts, "oldest": f"{(since - _CLOCKS).timestamp():.6f}"}
        try:
            answer = await self._call(team_id, method, arguments)
        except SlackApiError as error:
            refusal = _refusal(error)
            if isinstance(refusal, Refused) and refusal.final:
                raise CannotLookError(f"{method}: {refusal.reason}") from error
            after = refusal.after if isinstance(refusal, Refused) else None
            raise LookLaterError(f"{method}: {refusal.reason}", after or 0.0) from error
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            raise LookLaterError(f"{method}: {type(error).__name__}") from error
        for message in answer.get("messages", []):
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("delivery") == delivery_id:
                return str(message["ts"])
        return None

    async def profile(self, identity: SlackIdentity) -> Profile | None:
        """Ask Slack who somebody is; None when it does not tell."""
        try:
            answer = await self._call(identity.team_id, "users.info", {"user": identity.user_id})
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("profile_unknown", team=identity.team_id, user=identity.user_id, error=type(error).__name__)
            return None
        return profile_from(answer.get("user") or {}, identity.team_id)

    async def group(self, team_id: str, group_id: str) -> frozenset[str] | None:
        """Ask Slack who is in a user group; None when it does not tell."""
        try:
            answer = await self._call(team_id, "usergroups.users.list", {"usergroup": group_id})
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("user_group_unknown", team=team_id, group=group_id, error=type(error).__name__)
            return None
        return frozenset(str(user) for user in answer.get("users") or ())

    async def room(self, team_id: str, channel_id: str) -> Room | Refused:
        """Ask Slack about a channel."""
        try:
            answer = await self._call(team_id, "conversations.info", {"channel": channel_id})
        except SlackApiError as error:
            refusal = _refusal(error)
            return refusal if isinstance(refusal, Refused) else Refused(refusal.reason, final=False)
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            return Refused(f"conversations.info: {type(error).__name__}", final=False)
        return room_from(answer.get("channel") or {})

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, team_id: str, method: str, arguments: dict[str, Any]) -> Result:
        try:
            answer = await self._call(team_id, method, arguments)
        except SlackApiError as error:
            return _refusal(error)
        except aiohttp.ClientConnectorError as error:
            return Refused(f"Slack cannot be reached: {type(error).__name__}", final=False)
        except (SlackClientError, aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as error:
            return Ambiguous(f"{method}: {type(error).__name__}")
        return Accepted(str(answer["ts"]), str(answer["channel"]))

    async def _call(self, team_id: str, method: str, arguments: dict[str, Any]) -> Mapping[str, Any]:
        try:
            token = await self._token_of(team_id)
        except Broken as error:
            raise SlackApiError(error.detail, {"ok": False, "error": error.code}) from error  # type: ignore[no-untyped-call]  # the SDK's
        if token is None:
            gone = self._closed is not None and await self._closed(team_id)
            code = WORKSPACE_CLOSED if gone else "team_not_installed"
            raise SlackApiError("no installation", {"ok": False, "error": code})  # type: ignore[no-untyped-call]  # the SDK's
        # Named in every call, as bolt does it: a token of a whole enterprise serves several workspaces.
        arguments = {**arguments, "team_id": team_id}
        client = AsyncWebClient(token=token.reveal(), base_url=self._api_url, session=self._opened(), retry_handlers=[])
        answer = (
            await client.api_call(method, json=arguments)
            if _takes_json(method)
            else await client.api_call(method, params=arguments)
        )
        return answer.data if isinstance(answer.data, dict) else {}

    def _opened(self) -> aiohttp.ClientSession:
        # Made inside the running loop; the client's own time-out is not used with a session, so it is set here.
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._seconds))
        return self._session


def _takes_json(method: str) -> bool:
    return method.startswith("chat.") or method == "conversations.open"


def _refusal(error: SlackApiError) -> Refused | Ambiguous:
    response = error.response
    status = getattr(response, "status_code", 200)
    # Our own words come as a dictionary; an answer that is no JSON (a proxy's page, an empty 503) as text.
    body = response if isinstance(response, dict) else getattr(response, "data", None)
    said: Mapping[str, Any] = body if isinstance(body, dict) else {}
    code = str(said.get("error", ""))
    fate = fates.of_slack(code)
    if status == 429 or fate is Fate.LATER:
        headers = getattr(response, "headers", {}) or {}
        after = _seconds(headers.get("Retry-After"))
        return Refused(code or "ratelimited", final=False, after=after, limited=True)
    if status >= 500 or fate is Fate.UNCLEAR or not code:
        return Ambiguous(f"Slack answered {status} {code}".strip())
    if fate is Fate.SET_UP:
        return Refused(code, final=False, after=60.0, set_up=True)
    messages = (said.get("response_metadata") or {}).get("messages") or []
    return Refused(": ".join([code, *messages[:3]]), final=True, dead=fate is Fate.PLACE)


def _seconds(header: object) -> float | None:
    text = str(header or "")
    return min(float(text), 3600.0) if text.isascii() and text.isdigit() else None
