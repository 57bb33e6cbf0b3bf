"""Intuit's OAuth: codes, tokens that expire, refresh tokens that rotate, and what happens to those used twice."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from storage.facts.clock import Clock

CLIENT_ID = "sandbox-quickbooks-client"
CLIENT_SECRET = "sandbox-quickbooks-secret"
SCOPE = "com.intuit.quickbooks.accounting"
#: A code must be exchanged within this time.
CODE_LIFETIME = timedelta(minutes=10)


class Rotation(StrEnum):
    """When a refresh gives a new refresh token."""

    #: Intuit's way: when the present one is 24 hours old
    DAILY = "daily"
    ALWAYS = "always"
    NEVER = "never"


class Denied(Exception):  # noqa: N818 # the provider denies; nothing of ours went wrong
    """A token request that is refused, with OAuth's error word."""

    def __init__(self, error: str, description: str = "", *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


@dataclass
class Grant:
    """What a company's admin allowed: the tokens that stand for it."""

    account: str
    refresh_token: str
    #: when the present refresh token was made
    rotated_at: datetime
    #: when the refresh token dies unless it is used
    refresh_expires_at: datetime
    #: five years after consent, whatever happens
    hard_expires_at: datetime
    access: dict[str, datetime] = field(default_factory=dict)
    #: rotated-out refresh tokens and how long they still work
    retired: dict[str, datetime] = field(default_factory=dict)
    revoked: bool = False

    @property
    def access_token(self) -> str:
        """The newest access token."""
        return next(reversed(self.access))


@dataclass
class _Code:
    account: str
    redirect_uri: str
    expires_at: datetime
    grant: Grant | None = None


@dataclass
class Tokens:
    """The token service; every field may be changed while it runs."""

    clock: Clock
    #: the company that the consent page gives to
    choice: str
    rotation: Rotation = Rotation.DAILY
    #: how long a rotated-out refresh token still works
    grace: timedelta = timedelta(0)
    #: whether the use of a dead rotated-out token takes the whole grant back, as a stolen one
    reuse_revokes: bool = False
    access_lifetime: timedelta = timedelta(seconds=3600)
    refresh_lifetime: timedelta = timedelta(seconds=8_726_400)
    hard_lifetime: timedelta = timedelta(days=5 * 365)
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    #: what the person on the consent page does
    consents: bool = True
    _grants: list[Grant] = field(default_factory=list)
    _codes: dict[str, _Code] = field(default_factory=dict)

    def grant(self, account: str) -> Grant:
        """Give the app access to a company, without the browser round."""
        now = self.clock.now()
        refresh = _opaque("RT1")
        grant = Grant(account, refresh, now, now + self.refresh_lifetime, now + self.hard_lifetime)
        self._issue(grant)
        self._grants.append(grant)
        return grant

    def code(self, redirect_uri: str) -> str:
        """Return the code of a consent given now."""
        code = _opaque("XAB")
        self._codes[code] = _Code(self.choice, redirect_uri, self.clock.now() + CODE_LIFETIME)
        return code

    def exchange(self, code: str, redirect_uri: str) -> Grant:
        """Turn a code into a grant; a second use takes back what the first one gave. Raises Denied."""
        found = self._codes.get(code)
        if found is not None and found.grant is not None:
            found.grant.revoked = True
        if found is None or found.grant is not None or found.expires_at <= self.clock.now():
            raise Denied("invalid_grant", "Invalid authorization code")
        if found.redirect_uri != redirect_uri:
            raise Denied("invalid_grant", "Invalid redirect_uri")
        found.grant = self.grant(found.account)
        return found.grant

    def refresh(self, token: str) -> tuple[Grant, bool]:
        """Give a new access token, and whether the refresh token changed. Raises Denied."""
        now = self.clock.now()
        for grant in self._grants:
            if token == grant.refresh_token or token in grant.retired:
                self._check(grant, token, now)
                return grant, self._renew(grant, token, now)
        raise Denied("invalid_grant", "Incorrect or invalid refresh token")

    def holder(self, access_token: str) -> Grant | None:
        """Return the grant behind an access token that is valid now."""
        now = self.clock.now()
        for grant in self._grants:
            if not grant.revoked and grant.access.get(access_token, now) > now:
                return grant
        return None

    def account_of(self, token: str) -> str:
        """Return whom a token stands for, dead or alive; '' if nobody."""
        known = (g for g in self._grants if token in g.access or token in g.retired or token == g.refresh_token)
        return next((grant.account for grant in known), "")

    def revoke_token(self, token: str) -> bool:
        """Take back the grant behind a token; whether there was one."""
        for grant in self._grants:
            if not grant.revoked and (token == grant.refresh_token or token in grant.access or token in grant.retired):
                grant.revoked = True
                return True
        return False

    def revoke(self, account: str) -> None:
        """Take back every grant of a company, as its admin does under "Apps"."""
        for grant in self._grants:
            if grant.account == account:
                grant.revoked = True

    def check_client(self, client_id: str, client_secret: str) -> None:
        """Refuse wrong app keys: raises Denied with status 401."""
        same = secrets.compare_digest(client_id.encode(), self.client_id.encode())
        if not (same & secrets.compare_digest(client_secret.encode(), self.client_secret.encode())):
            raise Denied("invalid_client", status=401)

    def _check(self, grant: Grant, token: str, now: datetime) -> None:
        if grant.revoked:
            raise Denied("invalid_grant", "Token has been expired or revoked.")
        if now >= min(grant.refresh_expires_at, grant.hard_expires_at):
            raise Denied("invalid_grant", "Token invalid")
        if token in grant.retired and now >= grant.retired[token]:
            grant.revoked = self.reuse_revokes
            raise Denied("invalid_grant", "Incorrect or invalid refresh token")

    def _renew(self, grant: Grant, token: str, now: datetime) -> bool:
        self._issue(grant)
        grant.refresh_expires_at = now + self.refresh_lifetime
        due = self.rotation == Rotation.ALWAYS or (
            self.rotation == Rotation.DAILY and now - grant.rotated_at >= timedelta(hours=24)
        )
        if due and token == grant.refresh_token:
            grant.retired[token] = now + self.grace
            grant.refresh_token = _opaque("RT1")
            grant.rotated_at = now
            return True
        return False

    def _issue(self, grant: Grant) -> None:
        now = self.clock.now()
        grant.access = {token: until for token, until in grant.access.items() if until > now - timedelta(days=1)}
        grant.access[_opaque("eyJhbGciOiJkaXIi")] = now + self.access_lifetime


def _opaque(prefix: str) -> str:
    return f"{prefix}-{secrets.token_urlsafe(36)}"
