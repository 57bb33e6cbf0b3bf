"""Getting a grant and keeping it alive.

`asking` writes the requests (the only module that knows authlib), `answers` reads what comes back, `rounds` are the
conversations as generators without I/O, and `keeper` renews one at a time, saved before use.
"""

from connectors.oauth.asking import TokenEndpoint, TokenStyle, consent_url, new_verifier
from connectors.oauth.keeper import TokenKeeper
from connectors.oauth.rounds import code_exchange, converse, renewal
from connectors.tokens import MemoryTokens, Tokens, TokenStore

__all__ = [
    "MemoryTokens",
    "TokenEndpoint",
    "TokenKeeper",
    "TokenStore",
    "TokenStyle",
    "Tokens",
    "code_exchange",
    "consent_url",
    "converse",
    "new_verifier",
    "renewal",
]
