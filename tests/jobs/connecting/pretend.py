"""A provider that lives in a folder, so that it outlives every process: consents, codes, tokens, what was revoked."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from connectors.base import ProviderSettings
from connectors.errors import Broken, Reconnect, Retry
from connectors.grants import Consent, Granted, HintError, HintField, Pairs, Returned, ReturnRefusedError
from connectors.tokens import Tokens, TokenStore
from storage.facts.clock import Clock
from storage.facts.secret import Secret
from storage.facts.sources import Provider

SCOPES = ("read_a", "read_b")


@dataclass(frozen=True)
class PretendProvider:
    """The other side; everything it knows is in files."""

    folder: Path

    def consent(
        self, url: str, account: str, company: str, *, scopes: tuple[str, ...] = SCOPES, says: str | None = None
    ) -> list[tuple[str, str]]:
        """Say yes on the consent page as the browser that came with that address; return what comes back in the query.

        `says` is the account that the query names, where that is another one than the code's.
        """
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_hex(8)
        record = {"account": account, "company": company, "scopes": scopes, "challenge": asked.get("code_challenge")}
        record["redirect_uri"] = asked["redirect_uri"]
        (self.folder / f"code-{code}").write_text(json.dumps(record))
        return [("state", asked["state"]), ("code", code), ("account", says or account)]

    def note(self, what: str, value: str) -> None:
        with (self.folder / "journal").open("a") as journal:
            journal.write(json.dumps([what, value]) + "\n")

    def notes(self, what: str) -> list[str]:
        journal = self.folder / "journal"
        lines = journal.read_text().splitlines() if journal.exists() else []
        return [value for kind, value in map(json.loads, lines) if kind == what]

    def script(self, method: str, *outcomes: str) -> None:
        """Let the next calls of a method end like that: retry, broken, reconnect."""
        (self.folder / f"script-{method}").write_text(json.dumps(outcomes))

    def play(self, method: str) -> None:
        script = self.folder / f"script-{method}"
        left = json.loads(script.read_text()) if script.exists() else []
        if not left:
            return
        script.write_text(json.dumps(left[1:]))
        errors = {
            "retry": Retry(None, "down"),
            "broken": Broken("odd", code="odd"),
            "reconnect": Reconnect("no", code="invalid_grant"),
        }
        if left[0] in errors:
            raise errors[left[0]]

    @property
    def granted(self) -> list[str]:
        """The accounts of every grant that was ever given."""
        return self.notes("exchanged")

    @property
    def revoked(self) -> list[str]:
        """The accounts whose grants were given up."""
        return self.notes("revoked")


@dataclass(frozen=True)
class PretendGrants:
    """Its consent, as flows know it."""

    provider: Provider
    outside: PretendProvider
    asks: bool = False
    checks_verifier: bool = True

    @property
    def line(self) -> str:
        return f"What {self.provider} brings"

    @property
    def hint(self) -> HintField | None:
        return HintField("Shop", "name.myshopify.com") if self.asks else None

    def read_hint(self, text: str) -> str:
        if not text.isidentifier():
            raise HintError("that is no shop")
        return text.lower()

    def hint_of(self, account: str, region: str) -> str:
        return f"{account}{region}"

    def consent(self, settings: ProviderSettings, *, hint: str, redirect_uri: str, state: Secret) -> Consent:
        verifier = Secret(secrets.token_urlsafe(48))
        query = {"state": state.reveal(), "redirect_uri": redirect_uri, "hint": hint}
        query |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
        return Consent(f"{settings.auth_url}?{urlencode(query)}", verifier)

    def returned(self, settings: ProviderSettings, query: Pairs, *, hint: str, now: datetime) -> Returned:
        _ = settings, hint, now
        found = dict(query)
        if "error" in found:
            raise ReturnRefusedError("access_denied", "The access was not given. Nothing was stored.")
        if not found.get("code"):
            raise ReturnRefusedError("no_code", "There was no code.")
        return Returned(Secret(found["code"]), found.get("account", ""))

    async def exchange(
        self,
        settings: ProviderSettings,
        returned: Returned,
        *,
        hint: str,
        redirect_uri: str,
        verifier: Secret | None,
        clock: Clock,
    ) -> Granted:
        _ = settings, hint
        self.outside.play("exchange")
        kept = self.outside.folder / f"code-{returned.code.reveal()}"
        if not kept.exists():
            raise Reconnect("no such code", code="invalid_grant")
        record = json.loads(kept.read_text())
        kept.unlink()
        if record["redirect_uri"] != redirect_uri:
            raise Broken("another redirect", code="redirect")
        if self.checks_verifier and (verifier is None or challenge(verifier) != record["challenge"]):
            raise Reconnect("the verifier is another flow's", code="invalid_grant")
        self.outside.note("exchanged", record["account"])
        tokens = Tokens(
            access=Secret(f"access-{secrets.token_hex(12)}"),
            refresh=Secret(f"refresh-{secrets.token_hex(12)}"),
            expires_at=clock.now() + timedelta(hours=1),
            refresh_expires_at=clock.now() + timedelta(days=100),
            hard_expires_at=clock.now() + timedelta(days=1825),
        )
        scopes = tuple(record["scopes"])
        missing = tuple(scope for scope in SCOPES if scope not in scopes)
        return Granted(tokens, record["account"], record["company"], scopes, missing)

    async def revoke(self, settings: ProviderSettings, store: TokenStore, *, account: str, region: str) -> bool:
        """Renew first, as if the access had ended: strictly, each refresh token counts once."""
        _ = settings, region
        tokens = await store.load()
        assert tokens.refresh is not None
        used = tokens.refresh.reveal()
        if used in self.outside.notes("renewed"):
            raise Reconnect("used before", code="invalid_grant")
        self.outside.note("renewed", used)
        fresh = replace(tokens, refresh=Secret(f"refresh-{secrets.token_hex(12)}"))
        await store.save(replace(fresh, access=Secret(f"access-{secrets.token_hex(12)}")))
        self.outside.play("revoke")
        assert tokens.access.reveal().startswith("access-")
        self.outside.note("revoked", account)
        return True


def challenge(verifier: Secret) -> str:
    digest = hashlib.sha256(verifier.reveal().encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
