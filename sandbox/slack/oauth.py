"""What Slack's OAuth remembers: codes that work once, who signs in, what rotates, and what came of it all."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.consent import Asking, Asks
from sandbox.slack.errors import Json, Refusal
from storage.facts.clock import Clock

#: Cookie of the workspace's page: whom the visitor acts as, so that the right person is chosen already.
ACTS_AS = "sandbox_acts_as"
#: A code must be exchanged within this time.
CODE_LIFETIME = timedelta(minutes=10)
#: How long a token of an app with rotation works.
TOKEN_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Witnessed:
    """One thing that happened around consents, sign-ins and installations."""

    at: datetime
    #: asked, declined, refused, signed_in, installed, exchanged, renewed, uninstalled, told
    kind: str
    #: the team or the enterprise
    where: str
    user: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a page that was found in order."""

    back: str
    state: str
    nonce: str = ""
    scopes: tuple[str, ...] = ()
    challenge: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A yes on its way back to the app."""

    #: what it is for: sign_in or install
    use: str
    where: str
    user: str
    asked: Asked
    expires_at: datetime


@dataclass
class OAuth:
    """The state; every public field may be changed while it runs."""

    clock: Clock
    asking: Asking = Asking.BROWSERS
    #: what a person does when nobody is asked
    consents: bool = True
    #: who signs in when nobody is asked; empty: the first admin of the team that was hinted at
    signs_in: str = ""
    #: the team or enterprise that is installed when nobody is asked; empty: the one that was hinted at
    installs: str = ""
    #: whether a new installation gets tokens that expire, and refresh tokens that work once
    rotation: bool = False
    token_lifetime: timedelta = TOKEN_LIFETIME
    #: scopes that a consent leaves out, whatever is asked for
    withheld: frozenset[str] = frozenset()
    #: addresses that the app has registered to come back to; None: any
    registered: frozenset[str] | None = None
    #: everything that happened, in order
    witness: list[Witnessed] = field(default_factory=list)
    #: access tokens of Sign in with Slack -> user
    people: dict[str, str] = field(default_factory=dict)
    #: refresh tokens that were not used yet -> team or enterprise
    refreshes: dict[str, str] = field(default_factory=dict)
    asks: Asks[Asked] = field(init=False)
    _codes: dict[str, Code] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.asks = Asks(self.clock)

    def note(self, kind: str, where: str, user: str, detail: str = "") -> None:
        """Write down what happened."""
        self.witness.append(Witnessed(self.clock.now(), kind, where, user, detail))

    def code(self, use: str, where: str, user: str, asked: Asked) -> str:
        """Return the code of a consent given now."""
        code = f"sandbox.{secrets.token_hex(20)}"
        self._codes[code] = Code(use, where, user, asked, self.clock.now() + CODE_LIFETIME)
        return code

    def take(self, use: str, args: Json) -> Code:
        """Use a code up (Refusal): right use, in time, same redirect address, never twice."""
        code, back = str(args.get("code", "")), str(args.get("redirect_uri", ""))
        found = self._codes.get(code)
        if found is None or found.use != use or found.expires_at <= self.clock.now():
            raise Refusal("invalid_code")
        if found.asked.back and found.asked.back != back:
            raise Refusal("bad_redirect_uri")
        del self._codes[code]
        return found

    def takes(self, redirect_uri: str) -> bool:
        """Whether a consent may be sent back there."""
        return bool(redirect_uri) and (self.registered is None or redirect_uri in self.registered)

    def opaque(self, prefix: str) -> str:
        """Return a new token (invented: it opens nothing but this stand-in)."""
        return f"{prefix}{secrets.token_hex(24)}"
