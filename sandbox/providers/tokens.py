"""A token service as QuickBooks and Amazon have one: codes, tokens that expire, rotation, and what is used twice."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sandbox.consent import Asking
from storage.facts.clock import Clock

#: A code must be exchanged within this time.
CODE_LIFETIME = timedelta(minutes=10)


class Rotation(StrEnum):
    """When a refresh gives a new refresh token."""

    #: Intuit's way: when the present one is 24 hours old
    DAILY = "daily"
    ALWAYS = "always"
    NEVER = "never"


class Denied(Exception):  # noqa: N818 # the provider denies; nothing of ours went wrong
    """A token request that is refused, with OAuth's error word; `effect` is what it changed all the same."""

    def __init__(self, error: str, description: str = "", *, status: int = 400, effect: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.effect = effect

    @property
    def notes(self) -> tuple[str, ...]:
        """What the journal says of it."""
        refused = f"refused: {self.error}"
        return (refused, self.effect) if self.effect else (refused,)


@dataclass
class Grant:
    """What a company's admin allowed: the tokens that stand for it."""

    account: str
    refresh_token: str
    #: when the present refresh token was made
    rotated_at: datetime
    #: when the refresh token dies unless it is used
    refresh_expires_at: datetime
    #: when it all ends, whatever happens
    hard_expires_at: datetime
    scopes: tuple[str, ...] = ()
    access: dict[str, datetime] = field(default_factory=dict)
    #: rotated-out refresh tokens and how long they still work
    retired: dict[str, datetime] = field(default_factory=dict)
    revoked: bool = False

    @property
    def access_token(self) -> str:
        """The newest access token."""
        return next(reversed(self.access))

    def owns(self, token: str) -> bool:
        """Whether this token was ever given for it."""
        return token == self.refresh_token or token in self.access or token in self.retired


@dataclass
class Code:
    """A consent on its way back to the app."""

    account: str
    redirect_uri: str
    expires_at: datetime
    scopes: tuple[str, ...] = ()
    #: PKCE, where the request carried one
    challenge: str = ""
    grant: Grant | None = None


@dataclass
class Tokens:
    """The token service; every field may be changed while it runs."""

    clock: Clock
    #: the account that a consent without a click gives to
    choice: str
    rotation: Rotation = Rotation.DAILY
    #: how long a rotated-out refresh token still works
    grace: timedelta = timedelta(0)
    #: whether the use of a dead rotated-out token takes the whole grant back, as a stolen one
    reuse_revokes: bool = False
    access_lifetime: timedelta = timedelta(seconds=3600)
    refresh_lifetime: timedelta = timedelta(seconds=8_726_400)
    hard_lifetime: timedelta = timedelta(days=5 * 365)
    code_lifetime: timedelta = CODE_LIFETIME
    client_id: str = ""
    client_secret: str = ""
    #: a second client secret that works, while the app changes from one to the other; empty: none
    former_secret: str = ""
    #: what the person on the consent page does when nobody is asked
    consents: bool = True
    asking: Asking = Asking.BROWSERS
    #: what is granted where no scopes are named
    scopes: tuple[str, ...] = ()
    #: scopes that a consent leaves out, whatever is asked for
    withheld: frozenset[str] = frozenset()
    #: addresses that the app has registered to come back to; None: any
    registered: frozenset[str] | None = None
    refresh_prefix: str = "RT1-"
    access_prefix: str = "eyJhbGciOiJkaXIi-"
    code_prefix: str = "XAB-"
    _grants: list[Grant] = field(default_factory=list)
    _codes: dict[str, Code] = field(default_factory=dict)

    def grant(self, account: str, scopes: tuple[str, ...] | None = None) -> Grant:
        """Give the app access to a company, without the browser round."""
        now = self.clock.now()
        refresh, given = _opaque(self.refresh_prefix), self.scopes if scopes is None else scopes
        grant = Grant(account, refresh, now, now + self.refresh_lifetime, now + self.hard_lifetime, given)
        self._issue(grant)
        self._grants.append(grant)
        return grant

    def grants(self, account: str) -> list[Grant]:
        """Return what was ever granted for an account, the dead included, oldest first."""
        return [grant for grant in self._grants if grant.account == account]

    def code(
        self, redirect_uri: str, *, account: str | None = None, scopes: tuple[str, ...] | None = None,
        challenge: str = "",
    ) -> str:  # fmt: skip
        """Return the code of a consent given now."""
        code = _opaque(self.code_prefix)
        asked = self.scopes if scopes is None else scopes
        given = tuple(scope for scope in asked if scope not in self.withheld)
        until = self.clock.now() + self.code_lifetime
        self._codes[code] = Code(account or self.choice, redirect_uri, until, given, challenge)
        return code

    def exchange(self, code: str, redirect_uri: str, verifier: str = "") -> Grant:
        """Turn a code into a grant; a second use takes back what the first one gave. Raises Denied."""
        found = self._codes.get(code)
        if found is not None and found.grant is not None:
            found.grant.revoked = True
            raise Denied("invalid_grant", "Invalid authorization code", effect="code used twice: revoked the grant")
        if found is None or found.expires_at <= self.clock.now():
            raise Denied("invalid_grant", "Invalid authorization code")
        if found.redirect_uri != redirect_uri:
            raise Denied("invalid_grant", "Invalid redirect_uri")
        if not proven(found.challenge, verifier):
            raise Denied("invalid_grant", "Invalid code_verifier")
        found.grant = self.grant(found.account, found.scopes)
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

    def issuer(self, token: str) -> Grant | None:
        """Return the grant that a token was given for, dead or alive."""
        return next((grant for grant in self._grants if grant.owns(token)), None)

    def account_of(self, token: str) -> str:
        """Return whom a token stands for, dead or alive; '' if nobody."""
        grant = self.issuer(token)
        return grant.account if grant else ""

    def revoke_token(self, token: str) -> bool:
        """Take back the grant behind a token; whether there was one."""
        for grant in self._grants:
            if not grant.revoked and grant.owns(token):
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
        given = client_secret.encode()
        same = secrets.compare_digest(given, self.client_secret.encode())
        former = bool(self.former_secret) and secrets.compare_digest(given, self.former_secret.encode())
        if client_id != self.client_id or not (same or former):
            raise Denied("invalid_client", status=401)

    def takes(self, redirect_uri: str) -> bool:
        """Whether a consent may be sent back there."""
        return self.registered is None or redirect_uri in self.registered

    def _check(self, grant: Grant, token: str, now: datetime) -> None:
        if grant.revoked:
            raise Denied("invalid_grant", "Token has been expired or revoked.")
        if now >= min(grant.refresh_expires_at, grant.hard_expires_at):
            raise Denied("invalid_grant", "Token invalid")
        if token in grant.retired and now >= grant.retired[token]:
            grant.revoked = self.reuse_revokes
            effect = "rotated-out token used again: revoked the grant" if self.reuse_revokes else ""
            raise Denied("invalid_grant", "Incorrect or invalid refresh token", effect=effect)

    def _renew(self, grant: Grant, token: str, now: datetime) -> bool:
        self._issue(grant)
        grant.refresh_expires_at = now + self.refresh_lifetime
        due = self.rotation == Rotation.ALWAYS or (
            self.rotation == Rotation.DAILY and now - grant.rotated_at >= timedelta(hours=24)
        )
        if due and token == grant.refresh_token:
            grant.retired[token] = now + self.grace
            grant.refresh_token = _opaque(self.refresh_prefix)
            grant.rotated_at = now
            return True
        return False

    def _issue(self, grant: Grant) -> None:
        now = self.clock.now()
        grant.access = {token: until for token, until in grant.access.items() if until > now - timedelta(days=1)}
        grant.access[_opaque(self.access_prefix)] = now + self.access_lifetime


def proven(challenge: str, verifier: str) -> bool:
    """Whether the verifier is the one of the challenge (PKCE, S256 only); without a challenge none is needed."""
    if not challenge:
        return True
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return secrets.compare_digest(digest, challenge)


def _opaque(prefix: str) -> str:
    return f"{prefix}{secrets.token_urlsafe(36)}"
