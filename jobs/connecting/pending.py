"""A grant that waits in its flow for a person's yes, and the PKCE verifier: sealed, and bound to that flow alone."""

import json
from dataclasses import dataclass
from datetime import datetime

from connectors.base import ProviderSettings
from connectors.errors import Broken
from connectors.grants import Granted
from connectors.tokens import Tokens
from storage.bindings import of_flow
from storage.facts.clock import aware
from storage.facts.secret import Secret
from storage.seal import Seal


@dataclass(frozen=True, slots=True)
class Pending:
    """What the provider gave, and which of its environments it came from."""

    granted: Granted
    environment: str


def environment_of(settings: ProviderSettings, granted: Granted) -> str:
    """Return where the account gets its tokens by these settings; empty where its region is not set up here."""
    try:
        return settings.environment(granted.account, granted.region)
    except Broken:
        return ""


def seal_pending(seal: Seal, flow_id: str, pending: Pending) -> bytes:
    """Seal a grant for its flow."""
    granted, tokens = pending.granted, pending.granted.tokens
    body = {
        "access": tokens.access.reveal(),
        "refresh": tokens.refresh.reveal() if tokens.refresh else None,
        "expires_at": _text(tokens.expires_at),
        "refresh_expires_at": _text(tokens.refresh_expires_at),
        "hard_expires_at": _text(tokens.hard_expires_at),
        "token_scopes": list(tokens.scopes),
        "account": granted.account,
        "company": granted.company,
        "scopes": list(granted.scopes),
        "missing": list(granted.missing),
        "region": granted.region,
        "books": granted.books,
        "environment": pending.environment,
    }
    return seal.close(json.dumps(body), *of_flow(flow_id, "grant"))


def open_pending(seal: Seal, flow_id: str, sealed: bytes) -> Pending:
    """Return the grant of that flow; SealError when it is another one's or its key is gone."""
    body = json.loads(seal.open(sealed, *of_flow(flow_id, "grant")))
    tokens = Tokens(
        access=Secret(body["access"]),
        refresh=Secret(body["refresh"]) if body["refresh"] else None,
        expires_at=_instant(body["expires_at"]),
        refresh_expires_at=_instant(body["refresh_expires_at"]),
        hard_expires_at=_instant(body["hard_expires_at"]),
        scopes=tuple(body["token_scopes"]),
    )
    granted = Granted(
        tokens=tokens,
        account=body["account"],
        company=body["company"],
        scopes=tuple(body["scopes"]),
        missing=tuple(body["missing"]),
        region=body["region"],
        # What waited while a newer release took over has none.
        books=body.get("books", ""),
    )
    return Pending(granted, body["environment"])


def seal_verifier(seal: Seal, flow_id: str, verifier: Secret | None) -> bytes | None:
    """Seal the PKCE verifier for its flow; None where there is none."""
    return seal.close(verifier.reveal(), *of_flow(flow_id, "verifier")) if verifier else None


def open_verifier(seal: Seal, flow_id: str, sealed: bytes | None) -> Secret | None:
    """Return the PKCE verifier of that flow; SealError when it is another one's or its key is gone."""
    return Secret(seal.open(sealed, *of_flow(flow_id, "verifier"))) if sealed else None


def _text(instant: datetime | None) -> str | None:
    return aware(instant).isoformat() if instant else None


def _instant(text: str | None) -> datetime | None:
    return aware(datetime.fromisoformat(text)) if text else None
