"""A token for a mailbox, in place of a password (XOAUTH2): asked for anew whenever a connection is opened.

Microsoft 365 gives one to an app that may read this mailbox (`IMAP.AccessAsApp`), Gmail for a refresh token, which
stays the same. So nothing has to be stored when it is renewed.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Literal
from urllib.parse import urlencode

import httpx

from connectors.errors import Broken, Reconnect
from connectors.oauth.answers import INVALID_CLIENT, read_tokens
from connectors.oauth.rounds import Round, converse
from connectors.tokens import Tokens
from connectors.wire import HttpLimits
from storage.facts.clock import Clock
from storage.facts.secret import Secret

SignIn = Literal["password", "microsoft", "google"]
TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{2,99}", re.ASCII)
CLIENT = re.compile(r"[A-Za-z0-9._-]{8,200}", re.ASCII)
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
_GOOGLE = "https://oauth2.googleapis.com/token"
_SCOPE = "https://outlook.office365.com/.default"


def asking(
    sign_in: SignIn, tenant: str, client_id: str, secret: Secret, refresh: Secret,
    *, clock: Clock, limits: HttpLimits, at: str = "",
) -> Callable[[], Awaitable[Secret]]:  # fmt: skip
    """Return what asks for a token; `at` is another address than the service's own. It raises ConnectorError."""
    if sign_in == "microsoft":
        said = {"grant_type": "client_credentials", "scope": _SCOPE}
        url = at or _MICROSOFT.format(tenant=tenant)
    else:
        said = {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}
        url = at or _GOOGLE
    body = urlencode({**said, "client_id": client_id, "client_secret": secret.reveal()}).encode()

    async def ask() -> Secret:
        # What is not renewed stands for itself: no answer has to bring another one.
        before = Tokens(Secret(""), refresh if refresh.reveal() else Secret("none"))
        try:
            return (await converse(_round(url, body, before, clock), url, limits)).access
        except Broken as problem:
            if problem.code != INVALID_CLIENT:
                raise
            words = "the sign-in service refuses the app that the mailbox is read with"
            raise Reconnect(words, code="grant_refused") from problem

    return ask


def _round(url: str, body: bytes, before: Tokens, clock: Clock) -> Round[Tokens]:
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    answer = yield httpx.Request("POST", url, headers=headers, content=body)
    return read_tokens(answer, before, clock.now(), rotates=False)
