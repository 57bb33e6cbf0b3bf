"""When the seller starts at Amazon: the Appstore and "Manage Your Apps" open our sign-in address and wait.

Where the answer goes is in the query, so it is a trap for open redirects: the address is taken apart by one strict
pattern, without anything that browsers and parsers read differently, and its host is compared whole with a fixed list.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from connectors.amazon.regions import SELLER, SELLER_CENTRALS
from connectors.base import ProviderSettings
from connectors.grants import Consent, Pairs, ReturnRefusedError
from connectors.returns import singles
from connectors.wire import origin, pinned
from storage.facts.secret import Secret

_LONGEST = 500
_CALLBACK = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9][a-z0-9.-]*)(?P<port>:[1-9][0-9]{0,4})?(?P<path>/apps/authorize(?:/[A-Za-z0-9_.-]+)+)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class AmazonLogin:
    """A checked request of Amazon's to sign a seller in."""

    #: where the browser goes back to: a Seller Central
    callback: str
    amazon_state: Secret
    #: the seller that Amazon names; proven only by the consent that follows
    seller: str
    #: the region of the Seller Central that asks
    region: str
    #: True while the app is a draft
    beta: bool


def read_login(settings: ProviderSettings, query: Pairs) -> AmazonLogin:
    """Return Amazon's request; ReturnRefusedError when it is none, or when its answer would go anywhere else."""
    said = singles(query)
    callback = said.get("amazon_callback_uri", "")
    region = callback_region(settings, callback)
    state, seller = said.get("amazon_state", ""), said.get("selling_partner_id", "")
    if region is None:
        words = "This address would lead away from Amazon: open Tidings from Seller Central again."
        raise ReturnRefusedError("callback_refused", words)
    if not state or not SELLER.fullmatch(seller):
        raise ReturnRefusedError("malformed", "This address is not one that Amazon makes: start again in Slack.")
    return AmazonLogin(callback, Secret(state), seller, region, said.get("version") == "beta")


def callback_region(settings: ProviderSettings, callback: str) -> str | None:
    """Return the region of a callback address; None for one that is not Amazon's.

    A stand-in's own consent page, where one is set up, counts as well.
    """
    parts = _CALLBACK.fullmatch(callback) if len(callback) <= _LONGEST else None
    if parts is None or {"..", "."} & set(parts["path"].split("/")):
        return None
    if parts["scheme"] == "https" and parts["port"] is None and parts["host"] in SELLER_CENTRALS:
        return SELLER_CENTRALS[parts["host"]]
    here = (parts["scheme"], parts["host"], int(parts["port"][1:]) if parts["port"] else None)
    found = (name for name, there in settings.regions.items() if origin(pinned(there.auth_url)) == here)
    return next(found, None)


def answer_login(settings: ProviderSettings, login: AmazonLogin, *, redirect_uri: str, state: Secret) -> Consent:
    """Return where the browser goes once the person is known: back to Amazon, which then asks for consent."""
    asked = {"redirect_uri": redirect_uri, "amazon_state": login.amazon_state.reveal(), "state": state.reveal()}
    if login.beta or settings.draft:
        asked["version"] = "beta"
    return Consent(f"{login.callback}?{urlencode(asked)}")
