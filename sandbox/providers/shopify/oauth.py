"""Shopify's OAuth: offline tokens that expire, refresh tokens that change each time, and the retry that is allowed."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from sandbox.consent import Asking
from sandbox.providers.tokens import Denied, Rotation, proven
from storage.facts.clock import Clock

CLIENT_ID = "sandbox-shopify-client"
CLIENT_SECRET = "sandbox-shopify-secret"
SCOPES = ("read_orders", "read_all_orders", "read_products", "read_customers", "read_inventory",
          "read_shopify_payments_accounts", "read_shopify_payments_payouts", "read_draft_orders",
          "read_discounts")  # fmt: skip
CODE_LIFETIME = timedelta(minutes=10)

#: After this a used refresh token is dead even if its replacement never arrived.
_RETRY_AT_MOST = timedelta(days=30)

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "SCOPES", "Denied", "Grant", "Rotation", "Tokens"]


@dataclass
class Grant:
    """An installation of the app in a shop."""

    account: str
    scopes: tuple[str, ...]
    #: access tokens and when they end; None: never
    access: dict[str, datetime | None] = field(default_factory=dict)
    refresh_token: str | None = None
    refresh_expires_at: datetime | None = None
    #: when the present refresh token was made
    rotated_at: datetime | None = None
    #: the used refresh token that may be tried again until its replacement is used, and when it was used first
    retryable: dict[str, datetime] = field(default_factory=dict)
    #: refresh tokens of before
    spent: set[str] = field(default_factory=set)
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
    challenge: str = ""
    grant: Grant | None = None


@dataclass
class Tokens:
    """The token service of all shops; every field may be changed while it runs."""

    clock: Clock
    access_lifetime: timedelta = timedelta(seconds=3600)
    refresh_lifetime: timedelta = timedelta(seconds=7_776_000)
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    #: a second client secret that works, while the app changes from one to the other; empty: none
    former_secret: str = ""
    #: Shopify gives a new pair at every refresh
    rotation: Rotation = Rotation.ALWAYS
    #: how long after its first use a refresh token may be tried again; None: Shopify's own rule, until the app uses
    #: the replacement (and thirty days at most)
    grace: timedelta | None = None
    #: whether the use of a spent refresh token takes the whole grant back, as a stolen one
    reuse_revokes: bool = False
    #: the shop that a consent without a click gives to; empty: the one that was asked for
    choice: str = ""
    #: what the shop's owner does on the consent page when nobody is asked
    consents: bool = True
    asking: Asking = Asking.BROWSERS
    #: scopes that a consent leaves out, whatever is asked for
    withheld: frozenset[str] = frozenset()
    #: addresses that the app has registered to come back to; None: any
    registered: frozenset[str] | None = None
    _grants: list[Grant] = field(default_factory=list)
    _codes: dict[str, _Code] = field(default_factory=dict)

    def grant(self, account: str, *, expiring: bool = True, scopes: tuple[str, ...] = SCOPES) -> Grant:
        """Install the app in a shop, without the browser round."""
        grant = Grant(account, scopes)
        self._issue(grant, expiring=expiring, rotates=True)
        self._grants.append(grant)
        return grant

    def grants(self, account: str) -> list[Grant]:
        """Return what was ever granted for a shop, the dead included, oldest first."""
        return [grant for grant in self._grants if grant.account == account]

    def code(self, account: str, scopes: tuple[str, ...], challenge: str = "") -> str:
        """Return the code of a consent given now."""
        code = secrets.token_hex(16)
        given = tuple(scope for scope in scopes if scope not in self.withheld)
        self._codes[code] = _Code(account, given, self.clock.now() + CODE_LIFETIME, challenge)
        return code

    def exchange(self, account: str, code: str, *, expiring: bool, verifier: str = "") -> Grant:
        """Turn a code into a grant; a second use takes back what the first one gave. Raises Denied."""
        found = self._codes.get(code)
        sorry = "The authorization code was not found or was already used"
        if found is not None and found.grant is not None:
            found.grant.revoked = True
            raise Denied("invalid_request", sorry, effect="code used twice: revoked the grant")
        if found is None or found.account != account or found.expires_at <= self.clock.now():
            raise Denied("invalid_request", sorry)
        if not proven(found.challenge, verifier):
            raise Denied("invalid_request", "The code_verifier does not match")
        found.grant = self.grant(account, expiring=expiring, scopes=found.scopes)
        return found.grant

    def refresh(self, account: str, token: str) -> Grant:
        """Give a new pair; the old refresh token works until the new pair is used. Raises Denied."""
        now = self.clock.now()
        for grant in self._grants:
            if grant.account != account or not (token == grant.refresh_token or token in grant.spent):
                continue
            if grant.revoked or grant.refresh_expires_at is None or grant.refresh_expires_at <= now:
                break
            if token != grant.refresh_token and not self._may_retry(grant, token, now):
                grant.revoked = self.reuse_revokes
                effect = "spent token used again: revoked the grant" if self.reuse_revokes else ""
                raise Denied("invalid_grant", "This request requires an active refresh_token", effect=effect)
            self._renew(grant, token, now)
            return grant
        raise Denied("invalid_grant", "This request requires an active refresh_token")

    def holder(self, access_token: str) -> Grant | None:
        """Return the grant behind a valid access token; its use ends the retry of the old refresh token."""
        now = self.clock.now()
        for grant in self._grants:
            until = grant.access.get(access_token, now)
            if not grant.revoked and (until is None or until > now):
                if access_token in grant.fresh and self.grace is None:
                    grant.retryable.clear()
                return grant
        return None

    def issuer(self, token: str) -> Grant | None:
        """Return the grant that a token was given for, dead or alive."""
        known = (g for g in self._grants if token in g.access or token in g.spent or token == g.refresh_token)
        return next(known, None)

    def account_of(self, token: str) -> str:
        """Return whom a token stands for, dead or alive; '' if nobody."""
        grant = self.issuer(token)
        return grant.account if grant else ""

    def revoke_token(self, token: str) -> bool:
        """Take back the grant behind a token; whether there was one."""
        grant = self.issuer(token)
        alive = grant is not None and not grant.revoked
        if grant is not None:
            grant.revoked = True
        return alive

    def revoke(self, account: str) -> None:
        """Uninstall the app from a shop."""
        for grant in self._grants:
            if grant.account == account:
                grant.revoked = True

    def check_client(self, client_id: str, client_secret: str) -> None:
        """Refuse wrong app keys. Raises Denied."""
        given = client_secret.encode()
        same = hmac.compare_digest(given, self.client_secret.encode())
        former = bool(self.former_secret) and hmac.compare_digest(given, self.former_secret.encode())
        if client_id != self.client_id or not (same or former):
            raise Denied("invalid_client", "Client authentication failed", status=401)

    def takes(self, redirect_uri: str) -> bool:
        """Whether a consent may be sent back there."""
        return self.registered is None or redirect_uri in self.registered

    def sign(self, query: Mapping[str, str]) -> str:
        """Return the hmac of a callback's query."""
        text = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in sorted(query.items()))
        return hmac.new(self.client_secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    def _may_retry(self, grant: Grant, token: str, now: datetime) -> bool:
        used_at = grant.retryable.get(token)
        return used_at is not None and now < used_at + (_RETRY_AT_MOST if self.grace is None else self.grace)

    def _renew(self, grant: Grant, token: str, now: datetime) -> None:
        since = grant.rotated_at or now
        rotates = self.rotation is Rotation.ALWAYS or token in grant.retryable or (
            self.rotation is Rotation.DAILY and now - since >= timedelta(hours=24)
        )  # fmt: skip
        if rotates and token == grant.refresh_token:
            kept = {} if self.grace is None else grant.retryable
            grant.retryable = kept | {token: now}
            grant.spent.add(token)
        elif rotates and grant.refresh_token:
            # A retry: the pair that never arrived is forgotten, except where a grace is kept.
            grant.spent.add(grant.refresh_token)
            if self.grace is not None:
                grant.retryable[grant.refresh_token] = now
        self._issue(grant, expiring=True, rotates=rotates)

    def _issue(self, grant: Grant, *, expiring: bool, rotates: bool) -> None:
        now = self.clock.now()
        token = f"shpat_{secrets.token_hex(16)}"
        grant.fresh = {token}
        grant.access[token] = now + self.access_lifetime if expiring else None
        if expiring and rotates:
            grant.refresh_token = f"shprt_{secrets.token_hex(16)}"
            grant.refresh_expires_at = now + self.refresh_lifetime
            grant.rotated_at = now
