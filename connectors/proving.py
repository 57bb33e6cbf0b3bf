"""The last part of every consent: the code becomes tokens, and the tokens show whose account it is."""

from connectors.base import Access, ProviderSettings
from connectors.errors import Broken, ConnectorError, Reconnect
from connectors.grants import Returned, ReturnRefusedError
from connectors.limits import MemoryLimiter
from connectors.oauth import MemoryTokens, TokenEndpoint, Tokens, TokenStore, code_exchange, converse
from connectors.oauth.answers import INVALID_GRANT, TOKEN_REFUSED
from storage.facts.clock import Clock
from storage.facts.secret import Secret

#: Refusals that say that the code is dead: used, too old, or of another app. Shopify calls it an invalid request.
_DEAD_CODE = frozenset({INVALID_GRANT, TOKEN_REFUSED})


async def exchanged(
    returned: Returned,
    endpoint: TokenEndpoint,
    settings: ProviderSettings,
    *,
    redirect_uri: str,
    verifier: Secret | None,
    asked: tuple[str, ...],
    clock: Clock,
) -> Tokens:
    """Turn the code into tokens; ReturnRefusedError when the code is dead, ConnectorError otherwise."""
    talk = code_exchange(
        returned.code, endpoint, clock.now(), redirect_uri=redirect_uri, verifier=verifier, asked=asked
    )
    try:
        return await converse(talk, endpoint.url, settings.limits)
    except (Reconnect, Broken) as refusal:
        if refusal.code not in _DEAD_CODE:
            raise
        words = "The provider's answer was used already or is too old: start again in Slack."
        raise ReturnRefusedError("code_refused", words) from refusal


def first_access(
    tokens: Tokens, settings: ProviderSettings, *, account: str, region: str, clock: Clock
) -> tuple[Access, MemoryTokens]:
    """Return what a first call with new tokens needs, and where the tokens are afterwards (they may be renewed)."""
    store = MemoryTokens(tokens)
    return access_by(store, settings, account=account, region=region, clock=clock), store


def access_by(store: TokenStore, settings: ProviderSettings, *, account: str, region: str, clock: Clock) -> Access:
    """Return what a call needs that has nothing to do with any collection."""
    return Access(account, settings, store, clock, MemoryLimiter(clock), region=region)


def unproven(refusal: ConnectorError, label: str) -> ReturnRefusedError:
    """Say that the new tokens do not open the account that the address named."""
    words = f"{label} does not open this account with the access that it gave: start again in Slack."
    error = ReturnRefusedError("account_unproven", words)
    error.__cause__ = refusal
    return error
