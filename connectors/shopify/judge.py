"""What Shopify's answers mean: by HTTP status, by GraphQL error code, by the version that really answered."""

import re

import msgspec

from connectors.errors import TOKEN_REJECTED, Broken, ConnectorError, Reconnect, Retry
from connectors.shopify.documents.app import API_VERSION
from connectors.wire import Answer

_DAY = 86400.0
_REFUSED = {
    404: ("shop_unknown", "Shopify does not know this shop or API version"),
    423: ("shop_locked", "Shopify has locked this shop; its owner must ask Shopify"),
    430: ("security_refused", "Shopify's security rules refuse our requests"),
}


class ThrottleStatus(msgspec.Struct, rename="camel"):
    """The shop's bucket, in points of query cost."""

    maximum_available: float = 0
    currently_available: float = 0
    restore_rate: float = 0


class Cost(msgspec.Struct, rename="camel"):
    """What the query cost."""

    requested_query_cost: float | None = None
    throttle_status: ThrottleStatus | None = None


class SearchNote(msgspec.Struct):
    """How a search filter was understood."""

    warnings: list[msgspec.Raw] | None = None


class Extensions(msgspec.Struct):
    """Facts beside the data."""

    cost: Cost | None = None
    search: list[SearchNote] | None = None


class ErrorExtensions(msgspec.Struct):
    """The machine-readable part of a GraphQL error."""

    code: str | None = None


class GraphError(msgspec.Struct):
    """One GraphQL error."""

    path: list[str | int] | None = None
    extensions: ErrorExtensions | None = None

    @property
    def code(self) -> str:
        """The error's code, empty when it has none."""
        return (self.extensions.code if self.extensions else None) or ""


class Envelope(msgspec.Struct):
    """A GraphQL answer; the data is left as bytes."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[GraphError] | str | None = None
    extensions: Extensions | None = None

    @property
    def codes(self) -> set[str]:
        """The codes of all errors."""
        return {error.code for error in self.errors} if isinstance(self.errors, list) else set()

    @property
    def status(self) -> ThrottleStatus | None:
        """The bucket, where the answer tells it."""
        return self.extensions.cost.throttle_status if self.extensions and self.extensions.cost else None

    @property
    def requested(self) -> float | None:
        """What the query was going to cost."""
        return self.extensions.cost.requested_query_cost if self.extensions and self.extensions.cost else None


_DECODER = msgspec.json.Decoder(Envelope)


def envelope(answer: Answer) -> Envelope | None:
    """Read a GraphQL answer; None when it is something else."""
    try:
        return _DECODER.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def judge(answer: Answer) -> ConnectorError | None:
    """Return what stands against using the answer; throttling and costs are left to the caller."""
    return _by_status(answer) if answer.status != 200 else _by_body(answer)


def _by_status(answer: Answer) -> ConnectorError | None:
    named, status = answer.request_id, answer.status
    if status == 401:
        return Reconnect("Shopify no longer accepts our token", code=TOKEN_REJECTED, request_id=named)
    if status == 402:
        return Retry(_DAY, "the shop is frozen until its Shopify bill is paid", code="shop_frozen", request_id=named)
    if status == 403:
        return _forbidden(answer)
    if status == 429 or status >= 500:
        return None
    code, detail = _REFUSED.get(status, ("request_refused", f"Shopify refused the request (HTTP {status})"))
    return Broken(detail, code=code, request_id=named)


def _forbidden(answer: Answer) -> ConnectorError:
    if answer.body.lstrip()[:1] == b"{" and re.search(rb"scope|merchant approval", answer.body):
        reason = "the installation lacks a permission that Tidings reads with"
        return Reconnect(reason, code="scope_missing", request_id=answer.request_id)
    detail = "Shopify refuses requests from our server's address (IP allowlist of the app)"
    return Broken(detail, code="address_not_allowed", request_id=answer.request_id)


def _by_body(answer: Answer) -> ConnectorError | None:
    named = answer.request_id
    version = answer.headers.get("x-shopify-api-version")
    if version and version != API_VERSION:
        return Broken(
            f"Shopify answered with API version {_word(version)}, not {API_VERSION}",
            code="version_moved",
            request_id=named,
        )
    said = envelope(answer)
    if said is None:
        return Retry(None, "Shopify answered with something that is no data", code="not_json", request_id=named)
    if isinstance(said.errors, str):
        return Broken("Shopify refused the request", code="request_refused", request_id=named)
    if any(note.warnings for note in (said.extensions.search if said.extensions else None) or ()):
        return Broken(
            "Shopify ignored part of our filter; what it sent would not be what it seems",
            code="filter_ignored",
            request_id=named,
        )
    return _by_code(said, named)


def _by_code(said: Envelope, named: str | None) -> ConnectorError | None:
    codes = said.codes
    if not said.errors:
        without = bytes(said.data) == b"null"
        return Retry(None, "Shopify answered without data", code="no_data", request_id=named) if without else None
    if codes & {"THROTTLED", "MAX_COST_EXCEEDED"}:
        return None
    if "ACCESS_DENIED" in codes:
        reason = "the installation lacks a permission that Tidings reads with"
        return Reconnect(reason, code="scope_missing", request_id=named)
    if codes & {"INTERNAL_SERVER_ERROR", "TIMEOUT"}:
        return Retry(None, "Shopify failed inside", code="server_error", request_id=named)
    inactive = "SHOP_INACTIVE" in codes
    detail = "the shop is not active" if inactive else "Shopify did not understand our query"
    return Broken(detail, code="shop_inactive" if inactive else "query_refused", request_id=named)


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "", text)[:20]
