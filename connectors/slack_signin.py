"""Sign in with Slack (OpenID Connect): who sits in front of a browser, as Slack says.

The code is exchanged straight with Slack over a pinned address, so that the identity token needs no signature check of
ours (OpenID Connect Core 3.1.3.7, point 6); its nonce and audience are checked, and the person is asked for with the
new token.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from connectors.errors import Broken, Retry
from connectors.slack_web import answer_to
from connectors.wire import Answer, HttpLimits, Wire, pinned
from storage.facts.secret import Secret

_TEAM = "https://slack.com/team_id"
_USER = "https://slack.com/user_id"
#: A short exchange while a person waits.
SIGN_IN_LIMITS = HttpLimits(connect=5, read=10, total=15, body=1 << 20, connections=2)


@dataclass(frozen=True, slots=True)
class SlackApp:
    """Our own app at Slack; `api_url` ends before the method's name."""

    client_id: str
    client_secret: Secret
    api_url: str
    limits: HttpLimits = field(default_factory=lambda: SIGN_IN_LIMITS)

    @property
    def complete(self) -> bool:
        """Whether people can sign in with it."""
        return bool(self.client_id and self.client_secret)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whom Slack named, and the nonce that it was asked with."""

    team_id: str
    user_id: str
    nonce: Secret


def sign_in_address(app: SlackApp, *, redirect_uri: str, state: Secret, nonce: Secret, team_id: str | None) -> str:
    """Return where the browser goes: Slack's own page, at the origin of its interface, for any team without one."""
    query = {
        "response_type": "code",
        "scope": "openid",
        "client_id": app.client_id,
        "state": state.reveal(),
        "nonce": nonce.reveal(),
        "redirect_uri": redirect_uri,
    } | ({"team": team_id} if team_id else {})
    return str(pinned(app.api_url).copy_with(path="/openid/connect/authorize", query=urlencode(query).encode()))


async def signed_in(app: SlackApp, code: Secret, *, redirect_uri: str) -> SignedIn:
    """Turn the code into the person; Retry when Slack cannot answer, Broken when it refuses or answers nonsense."""
    form = {
        "grant_type": "authorization_code",
        "client_id": app.client_id,
        "client_secret": app.client_secret.reveal(),
        "code": code.reveal(),
        "redirect_uri": redirect_uri,
    }
    async with Wire(app.api_url, limits=app.limits) as wire:
        token = _read(await answer_to(wire, "openid.connect.token", body=urlencode(form).encode()))
        claims = _claims(token, app.client_id)
        access = token.get("access_token")
        if not isinstance(access, str) or not access:
            raise Broken("Slack gave no token", code="signin_malformed")
        person = _read(await answer_to(wire, "openid.connect.userInfo", bearer=Secret(access)))
    team_id, user_id = person.get(_TEAM), person.get(_USER)
    if not (isinstance(team_id, str) and isinstance(user_id, str) and team_id and user_id):
        raise Broken("Slack did not say who that is", code="signin_malformed")
    if person.get("sub") != claims.get("sub"):
        raise Broken("Slack named two people", code="signin_malformed")
    return SignedIn(team_id, user_id, Secret(str(claims.get("nonce", ""))))


def _read(answer: Answer) -> Mapping[str, Any]:
    if answer.status == 429 or answer.status >= 500:
        raise Retry(None, "Slack cannot answer now", code="signin_unavailable")
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    if answer.status != 200 or not isinstance(body, dict):
        raise Broken("Slack answered something else than expected", code="signin_malformed")
    if body.get("ok") is not True:
        raise Broken("Slack refused the sign-in", code="signin_refused")
    return body


def _claims(token: Mapping[str, Any], client_id: str) -> Mapping[str, Any]:
    """Read the identity token, which came from Slack itself."""
    parts = str(token.get("id_token") or "").split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, binascii.Error):
        claims = None
    if not isinstance(claims, dict) or claims.get("aud") != client_id:
        raise Broken("Slack's identity token is not for this app", code="signin_malformed")
    return claims
