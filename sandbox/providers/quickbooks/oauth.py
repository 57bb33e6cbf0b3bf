"""Intuit's OAuth: the token service with Intuit's numbers."""

from dataclasses import dataclass

from sandbox.providers import tokens
from sandbox.providers.tokens import Code, Denied, Grant, Rotation

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "SCOPE", "VERIFIER", "Code", "Denied", "Grant", "Rotation", "Tokens"]

CLIENT_ID = "sandbox-quickbooks-client"
CLIENT_SECRET = "sandbox-quickbooks-secret"
SCOPE = "com.intuit.quickbooks.accounting"
#: What webhooks are signed with; Intuit gives one per app, and it is not the client secret.
VERIFIER = "sandbox-quickbooks-webhook-verifier"


@dataclass
class Tokens(tokens.Tokens):
    """Rotates daily; a refresh token lives 101 days and a grant five years."""

    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    #: what webhooks are signed with
    verifier: str = VERIFIER
    scopes: tuple[str, ...] = (SCOPE,)
