"""Shopify's OAuth: offline tokens that expire, refresh tokens that change each time, and the retry that is allowed."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from storage.facts.clock import Clock

CLIENT_ID = "sandbox-shopify-client"
CLIENT_SECRET = "sandbox-shopify-secret"
SCOPES = ("read_orders", "read_all_orders", "read_products", "read_customers", "read_inventory")
CODE_LIFETIME = timedelta(minutes=10)


class Denied(Exception):  # noqa: N818 # the provider denies; nothing of ours went wrong
    """A token request that is refused, with OAuth's error word."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


@dataclass
class Grant:
    """An installation of the app in a shop."""

    account: str
    scopes: tuple[str, ...]
    #: access tokens and when they end; None: never
    access: dict[str, datetime | None] = field(default_factory=dict)
    refresh_token: str | None = None
    refresh_expires_at: datetime | None = None
    #: used refresh tokens that may be tried again until their replacement is used
    retryable: set[str] = field(default_factory=set)
    #: access tokens given together with the present refresh token
    fresh: set[str] = field(default_factory=set)
    revoked: bool = False

    @property
    def access_token(self) -> str:
        """The newest access token."""
        return next(reversed(self.access))


@dataclass
class _Code:
    account: str
    scopes: tuple[str, ...]
    expires_at: datetime
    used: bool = False


@dataclass
class Tokens:
    """The token service of all shops; every field may be changed while it runs."""

    clock: Clock
    access_lifetime: timedelta = timedelta(seconds=3600)
    refresh_lifetime: timedelta = timedelta(seconds=7_776_000)
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    #: what the shop's owner does on the consent page
    consents: bool = True
    _grants: list[Grant] = field(default_factory=list)
    _codes: dict[str, _Code] = field(default_factory=dict)

    def grant(self, account: str, *, expiring: bool = True, scopes: tuple[str, ...] = SCOPES) -> Grant:
        """Install the app in a shop, without the browser round."""
        grant = Grant(account, scopes)
        self._issue(grant, expiring=expiring)
        self._grants.append(grant)
        return grant

    def code(self, account: str, scopes: tuple[str, ...]) -> str:
        """Return the code of a consent given now."""
        code = secrets.token_hex(16)
        self._codes[code] = _Code(account, scopes, self.clock.now() + CODE_LIFETIME)
        return code

    def exchange(self, account: str, code: str, *, expiring: bool) -> Grant:
        """Turn a code into a grant. Raises Denied."""
        found = self._codes.get(code)
        if found is None or found.used or found.account != account or found.expires_at <= self.clock.now():
            raise Denied("invalid_request", "The authorization code was not found or was already used")
        found.used = True
        return self.grant(account, expiring=expiring, scopes=found.scopes)

    def refresh(self, account: str, token: str) -> Grant:
        """Give a new pair; the old refresh token works until the new pair is used. Raises Denied."""
        now = self.clock.now()
        for grant in self._grants:
            if grant.account == account and (token == grant.refresh_token or token in grant.retryable):
                if grant.revoked or grant.refresh_expires_at is None or grant.refresh_expires_at <= now:
                    break
                if token == grant.refresh_token:
                    grant.retryable = {token}
                self._issue(grant, expiring=True)
                return grant
        raise Denied("invalid_grant", "This request requires an active refresh_token")

    def holder(self, access_token: str) -> Grant | None:
        """Return the grant behind a valid access token; its use ends the retry of the old refresh token."""
        now = self.clock.now()
        for grant in self._grants:
            until = grant.access.get(access_token, now)
            if not grant.revoked and (until is None or until > now):
                if access_token in grant.fresh:
                    grant.retryable.clear()
                return grant
        return None

    def account_of(self, token: str) -> str:
        """Return whom a token stands for, dead or alive; '' if nobody."""
        known = (g for g in self._grants if token in g.access or token in g.retryable or token == g.refresh_token)
        return next((grant.account for grant in known), "")

    def revoke(self, account: str) -> None:
        """Uninstall the app from a shop."""
        for grant in self._grants:
            if grant.account == account:
                grant.revoked = True

    def check_client(self, client_id: str, client_secret: str) -> None:
        """Refuse wrong app keys. Raises Denied."""
        if client_id != self.client_id or not hmac.compare_digest(client_secret.encode(), self.client_secret.encode()):
            raise Denied("invalid_client", "Client authentication failed", status=401)

    def sign(self, query: Mapping[str, str]) -> str:
        """Return the hmac of a callback's query."""
        text = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in sorted(query.items()))
        return hmac.new(self.client_secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    def _issue(self, grant: Grant, *, expiring: bool) -> None:
        now = self.clock.now()
        token = f"shpat_{secrets.token_hex(16)}"
        grant.fresh = {token}
        grant.access[token] = now + self.access_lifetime if expiring else None
        if expiring:
            grant.refresh_token = f"shprt_{secrets.token_hex(16)}"
            grant.refresh_expires_at = now + self.refresh_lifetime
