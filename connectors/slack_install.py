"""Installing the app by Slack's OAuth v2: where the browser goes, the exchange, tokens that rotate, and whose they are.

Read strictly: what is not plainly a whole answer changes nothing. Errors carry our own words, never Slack's text.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from connectors.errors import Broken, Reconnect, Retry
from connectors.slack_signin import SlackApp
from connectors.slack_web import answer_to
from connectors.wire import Answer, Wire, pinned
from storage.facts.secret import Secret

_ID = re.compile(r"[A-Z][A-Z0-9]{1,39}", re.ASCII)
_TOKEN = re.compile(r"xox[a-z.\-]*[\x21-\x7e]{1,1000}", re.ASCII)
_SCOPES = re.compile(r"[a-z][a-z0-9_.:,\-]{0,4000}", re.ASCII)
_CODE = re.compile(r"[a-z_]{1,60}", re.ASCII)
_MOST_NAME = 200
_LONGEST_LIFE = 30 * 86400
#: Slack's words for "this token opens nothing (any more)".
DEAD = frozenset({"invalid_auth", "token_revoked", "account_inactive", "team_access_not_granted", "not_authed"})
#: Its words for "this refresh token was used, or never was one".
_REFUSED = frozenset({"invalid_refresh_token", "token_revoked", "invalid_auth", "account_inactive"})
_PAGES = 20


@dataclass(frozen=True, slots=True)
class BotAccess:
    """A bot token; one that rotates has an end, and what it is renewed by, once."""

    token: Secret
    refresh: Secret | None = None
    #: seconds from the answer
    expires_in: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace or an enterprise: id and name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Installed:
    """What a consent came to. Without a team it is for all workspaces of the enterprise."""

    app_id: str
    enterprise: Place | None
    team: Place | None
    bot_user_id: str
    scopes: frozenset[str]
    #: the Slack user who installed it
    installer: str
    access: BotAccess


def install_address(app: SlackApp, scopes: Collection[str], *, redirect_uri: str, state: Secret) -> str:
    """Return where the browser goes: Slack's own page, at the origin of its interface."""
    query = {
        "client_id": app.client_id,
        "scope": ",".join(sorted(scopes)),
        "redirect_uri": redirect_uri,
        "state": state.reveal(),
    }
    return str(pinned(app.api_url).copy_with(path="/oauth/v2/authorize", query=urlencode(query).encode()))


async def installed(app: SlackApp, code: Secret, *, redirect_uri: str) -> Installed:
    """Turn the code into tokens. Retry: Slack cannot answer; Reconnect: it refuses the code; Broken: nonsense."""
    form = {"code": code.reveal(), "redirect_uri": redirect_uri}
    async with Wire(app.api_url, limits=app.limits) as wire:
        said = await _asked(wire, "oauth.v2.access", form=_own(app, form))
    whole = said.get("is_enterprise_install")
    enterprise, team = _place(said, "enterprise"), _place(said, "team")
    if not isinstance(whole, bool) or (whole and enterprise is None) or (not whole and team is None):
        raise _malformed("team")
    installer = said.get("authed_user")
    return Installed(
        app_id=_matching(said, "app_id", _ID),
        enterprise=enterprise,
        team=None if whole else team,
        bot_user_id=_matching(said, "bot_user_id", _ID),
        scopes=frozenset(_matching(said, "scope", _SCOPES).split(",")),
        installer=_matching(installer if isinstance(installer, dict) else {}, "id", _ID),
        access=_access(said),
    )


async def renewed(app: SlackApp, refresh: Secret) -> BotAccess:
    """Turn a refresh token into the next pair; the one that was given is used up by that."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}
    async with Wire(app.api_url, limits=app.limits) as wire:
        access = _access(await _asked(wire, "oauth.v2.access", form=_own(app, form)))
    if access.refresh is None:
        raise _malformed("refresh_token")
    return access


async def teams(app: SlackApp, token: Secret) -> list[Place]:
    """Return the workspaces that an installation for a whole enterprise serves."""
    found: list[Place] = []
    cursor = ""
    async with Wire(app.api_url, limits=app.limits) as wire:
        for _ in range(_PAGES):
            said = await _asked(wire, "auth.teams.list", form={"limit": "100", "cursor": cursor}, bearer=token)
            listed = said.get("teams")
            if not isinstance(listed, list):
                raise _malformed("teams")
            found += [place for one in listed if isinstance(one, dict) and (place := _place({"team": one}, "team"))]
            more = said.get("response_metadata")
            cursor = str(more.get("next_cursor") or "") if isinstance(more, dict) else ""
            if not cursor:
                break
    return found


async def is_dead(app: SlackApp, token: Secret) -> bool:
    """Whether Slack says that the token opens nothing any more; False when it does not say."""
    async with Wire(app.api_url, limits=app.limits) as wire:
        try:
            await _asked(wire, "auth.test", form={}, bearer=token)
        except Reconnect as refusal:
            return refusal.code in DEAD
        except (Retry, Broken):
            return False
    return False


def _own(app: SlackApp, form: dict[str, str]) -> dict[str, str]:
    return {"client_id": app.client_id, "client_secret": app.client_secret.reveal(), **form}


async def _asked(wire: Wire, method: str, *, form: dict[str, str], bearer: Secret | None = None) -> Mapping[str, Any]:
    return _read(await answer_to(wire, method, body=urlencode(form).encode(), bearer=bearer))


def _read(answer: Answer) -> Mapping[str, Any]:
    if answer.status == 429 or answer.status >= 500:
        raise Retry(None, "Slack cannot answer now", code="slack_unavailable")
    try:
        body = json.loads(answer.body, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        body = None
    if answer.status != 200 or not isinstance(body, dict):
        # A proxy's page says nothing about the token that was sent.
        raise Retry(None, "Slack answered with something else", code="slack_unavailable")
    if body.get("ok") is True:
        return body
    said = body.get("error")
    code = said if isinstance(said, str) and _CODE.fullmatch(said) else "unknown"
    if code in {"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}:
        raise Retry(None, "Slack cannot answer now", code="slack_unavailable")
    if code in {"invalid_client_id", "bad_client_secret"}:
        raise Broken("Slack refuses the app's own keys: check SLACK_CLIENT_ID and SLACK_CLIENT_SECRET", code=code)
    if code in _REFUSED | DEAD | {"invalid_code", "code_already_used", "code_expired"}:
        raise Reconnect("Slack no longer accepts this", code=code)
    raise Broken("Slack refused", code=code)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _access(said: Mapping[str, Any]) -> BotAccess:
    if said.get("token_type", "bot") != "bot":
        raise _malformed("token_type")
    refresh, life = said.get("refresh_token"), said.get("expires_in")
    if refresh is None and not life:
        return BotAccess(Secret(_matching(said, "access_token", _TOKEN)))
    if isinstance(life, bool) or not isinstance(life, int) or not 1 <= life <= _LONGEST_LIFE:
        raise _malformed("expires_in")
    return BotAccess(
        Secret(_matching(said, "access_token", _TOKEN)), Secret(_matching(said, "refresh_token", _TOKEN)), life
    )


def _place(said: Mapping[str, Any], name: str) -> Place | None:
    found = said.get(name)
    if not isinstance(found, dict):
        return None
    return Place(_matching(found, "id", _ID), str(found.get("name") or "")[:_MOST_NAME] or found["id"])


def _matching(said: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _malformed(name)
    return value


def _malformed(what: str) -> Broken:
    return Broken(f"Slack's answer cannot be used ({what}); what we had is kept", code="slack_malformed")
