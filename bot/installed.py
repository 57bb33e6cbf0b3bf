"""Events about the app itself: removed from a workspace, tokens taken back, workspaces of an enterprise changed.

They come from Slack, not from a person. Whatever they say of a workspace that is not ours is taken, counted and left.
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from slack_bolt.response import BoltResponse

from bot.payloads import Json, text_of
from bot.ports.people import Installs
from bot.show import Background
from bot.tokens import Tokens
from jobs.errors import UnavailableError
from jobs.installs.leaving import Departure, Left

log = structlog.get_logger("bot.installed")

_ID = re.compile(r"[A-Z][A-Z0-9]{1,39}", re.ASCII)
#: What the app hears about itself; the manifest subscribes to them.
REMOVED = frozenset({"app_uninstalled", "tokens_revoked"})
CHANGED = frozenset({"team_access_granted", "team_access_revoked"})
_MOST_BOTS = 100


def kind_of(body: Json) -> str:
    """Return the kind of an event; empty for whatever is none."""
    return text_of(body, "event", "type") if body.get("type") == "event_callback" else ""


def lacks_team(body: Json) -> bool:
    """Whether an event does not say which workspace it is for, so that it is nobody's."""
    inner = body.get("event")
    return body.get("type") == "event_callback" and isinstance(inner, dict) and not body.get("team_id")


def departure_of(body: Json) -> Departure | None:
    """Return what an event says about the app's removal; None where it names no place, or speaks of people's tokens."""
    authorization = _authorization(body)
    team_id = _id(body.get("team_id")) or _id(authorization.get("team_id"))
    enterprises = (body.get("enterprise_id"), authorization.get("enterprise_id"), body.get("context_enterprise_id"))
    enterprise_id = next((found for each in enterprises if (found := _id(each))), "")
    whole = bool(enterprise_id) and authorization.get("is_enterprise_install") is True
    if not team_id and not whole:
        return None
    bots: tuple[str, ...] | None = None
    if kind_of(body) == "tokens_revoked":
        tokens = body["event"].get("tokens")
        listed = tokens.get("bot") if isinstance(tokens, dict) else None
        bots = tuple(str(each) for each in listed[:_MOST_BOTS]) if isinstance(listed, list) else ()
        if not bots:
            return None
    return Departure(team_id, enterprise_id, whole, bots, _at(body))


def _authorization(body: Json) -> Mapping[str, Any]:
    found = body.get("authorizations")
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, dict) else {}


def _at(body: Json) -> datetime:
    said = body.get("event_time")
    known = isinstance(said, int) and not isinstance(said, bool) and 0 < said < 1 << 40
    # Without a time it happened long ago, and Slack itself is asked.
    return datetime.fromtimestamp(said if known and isinstance(said, int) else 0, UTC)


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


class AppEvents:
    """Takes events about the app itself, and whatever is for no workspace of ours."""

    def __init__(self, installs: Installs, tokens: Tokens, background: Background) -> None:
        self._installs = installs
        self._tokens = tokens
        self._background = background
        #: what was taken and left, by reason
        self.ignored: Counter[str] = Counter()

    async def take(self, body: Json) -> BoltResponse | None:
        """Return the ack; None for everything that somebody else answers."""
        if lacks_team(body) and not _whole(body):
            return self._ignore("no_team")
        kind = kind_of(body)
        if kind in REMOVED:
            return await self._removed(body)
        if kind in CHANGED:
            self._background.start(self._installs.link_enterprises())
            return BoltResponse(status=200)
        team_id = _id(body.get("team_id"))
        if kind and team_id and await self._tokens.of(team_id) is None:
            return self._ignore("unknown_team")
        return None

    async def _removed(self, body: Json) -> BoltResponse:
        departure = departure_of(body)
        if departure is None:
            return self._ignore("nothing_of_ours")
        try:
            outcome = await self._installs.left(departure)
        except UnavailableError:
            log.warning("removal_not_noted", team=departure.team_id)
            # Not acked: Slack says it again.
            return BoltResponse(status=400)
        self._tokens.forget(departure.team_id)
        return self._ignore("unknown_team") if outcome is Left.UNKNOWN else BoltResponse(status=200)

    def _ignore(self, reason: str) -> BoltResponse:
        self.ignored[reason] += 1
        log.info("event_ignored", reason=reason, count=self.ignored[reason])
        return BoltResponse(status=200)


def _whole(body: Json) -> bool:
    return kind_of(body) in REMOVED and _authorization(body).get("is_enterprise_install") is True
