"""Shopify's signature over the query of a callback or an app launch."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from connectors.grants import ReturnRefusedError
from connectors.shopify.entry import DOMAIN
from storage.facts.secret import Secret

#: A signed address is good for this long, as in Shopify's own library; clocks may differ by as much.
FRESH = timedelta(seconds=90)
_MAC = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{9,11}", re.ASCII)


def verify(said: Mapping[str, str], secrets: Sequence[Secret], now: datetime) -> str:
    """Return the shop of a signed query; the signature is looked at before anything it signs.

    Raises ReturnRefusedError: not_signed, stale or shop_malformed.
    """
    if not _signed(said, secrets):
        words = "This address was not signed by Shopify: open Tidings from your shop's admin again."
        raise ReturnRefusedError("not_signed", words)
    stamp = said.get("timestamp", "")
    if not _SECONDS.fullmatch(stamp) or abs(now.timestamp() - int(stamp)) > FRESH.total_seconds():
        raise ReturnRefusedError("stale", "This address is too old: start again in Slack.")
    shop = said.get("shop", "")
    if not DOMAIN.fullmatch(shop):
        raise ReturnRefusedError("shop_malformed", "This address names no Shopify shop: start again in Slack.")
    return shop


def _signed(said: Mapping[str, str], secrets: Sequence[Secret]) -> bool:
    mac = said.get("hmac", "")
    if not _MAC.fullmatch(mac):
        return False
    messages = _messages({name: value for name, value in said.items() if name not in {"hmac", "signature"}})
    # Every comparison is made, whichever matches: the time taken tells nothing.
    found = [_matches(secret, message, mac) for secret in secrets for message in messages]
    return any(found)


def _matches(secret: Secret, message: str, mac: str) -> bool:
    if not secret:
        return False
    made = hmac.new(secret.reveal().encode(), message.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(made.encode(), mac.encode())


def _messages(signed: Mapping[str, str]) -> tuple[str, str]:
    """Return the text that is signed, in the spellings of both of Shopify's libraries.

    They are the same for what callbacks hold; they differ for ``/ : =`` in a value (a padded ``host``). Neither
    spelling of one query is the other spelling of another query: in both, ``% & =`` inside a name and ``% &`` inside a
    value are escaped, and escapes are all that ``%`` stands for.
    """
    pairs = sorted(signed.items())
    strict = "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in pairs)
    plain = "&".join(f"{_delimited(name).replace('=', '%3D')}={_delimited(value)}" for name, value in pairs)
    return strict, plain


def _escaped(text: str) -> str:
    return quote(text, safe="*").replace("~", "%7E")


def _delimited(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26")
