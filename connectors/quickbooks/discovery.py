"""Where Intuit takes a grant back: its discovery document says so, within limits.

Addresses for consent and tokens are settings, because a person checks them once. Revoking has no setting of its own:
the discovery document names its address, so that a moved path is followed. But what receives a living token is never
decided by a document alone: only the hosts below (or, for a stand-in, the token service's own origin) are believed,
and where the document cannot be read, or names another host, the documented address is used.
"""

import httpx
import msgspec

from connectors.base import ProviderSettings
from connectors.errors import ConnectorError
from connectors.reads import Call
from connectors.wire import Wire, origin, pinned

DOCUMENT = "https://developer.intuit.com/.well-known/openid_configuration/"
REVOCATION = "https://developer.api.intuit.com/v2/oauth2/tokens/revoke"
#: Intuit's hosts that may be told a token.
HOSTS = frozenset({"oauth.platform.intuit.com", "developer.api.intuit.com"})


class _Document(msgspec.Struct):
    revocation_endpoint: str


async def revocation_address(settings: ProviderSettings) -> str:
    """Return where a grant is given up."""
    token_url = pinned(settings.token_url)
    intuit = token_url.host in HOSTS
    document = DOCUMENT if intuit else str(token_url.copy_with(path="/.well-known/openid_configuration"))
    known = REVOCATION if intuit else str(token_url.copy_with(path="/v2/oauth2/tokens/revoke"))
    try:
        found = pinned(await _read(document, settings))
    except (ConnectorError, msgspec.MsgspecError, httpx.InvalidURL):
        return known
    trusted = (found.host in HOSTS and found.port is None) if intuit else origin(found) == origin(token_url)
    return str(found) if trusted else known


async def _read(document: str, settings: ProviderSettings) -> str:
    address = pinned(document)
    async with Wire(str(address.copy_with(path="/")), limits=settings.limits) as wire:
        call = Call("GET", address.path, "discovery document")
        answer = await wire.exchange(wire.request(call, {"Accept": "application/json"}))
    return msgspec.json.decode(answer.body, type=_Document).revocation_endpoint
