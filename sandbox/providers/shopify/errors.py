"""GraphQL errors as Shopify words them, under status 200."""

from typing import Any

_DOCUMENTATION = "https://shopify.dev/api/usage/rate-limits"


class Refused(Exception):  # noqa: N818 # the provider refuses; nothing of ours went wrong
    """A query, or one of its fields, that Shopify does not answer."""

    def __init__(self, message: str, code: str, **extensions: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extensions: dict[str, Any] = {"code": code, **extensions}

    def body(self, path: list[str] | None = None) -> dict[str, Any]:
        """Return the member of `errors`."""
        placed = {"path": path} if path else {}
        return {"message": self.message, **placed, "extensions": self.extensions}


def access_denied(field: str, scope: str) -> Refused:
    """Return the answer to a field outside the granted scopes."""
    required = f"`{scope}` access scope."
    return Refused(
        f"Access denied for {field} field. Required access: {required}",
        "ACCESS_DENIED",
        documentation="https://shopify.dev/api/usage/access-scopes",
        requiredAccess=required,
    )


def throttled() -> Refused:
    """Return the answer to a query that the bucket has no room for."""
    return Refused("Throttled", "THROTTLED", documentation=_DOCUMENTATION)


def too_expensive(cost: int, most: int) -> Refused:
    """Return the answer to a single query that costs too much."""
    message = f"Query cost is {cost}, which exceeds the single query max cost limit ({most})."
    return Refused(message, "MAX_COST_EXCEEDED", cost=cost, maxCost=most, documentation=_DOCUMENTATION)


#: Scripted faults by their code.
SCRIPTED = {
    "THROTTLED": throttled(),
    "ACCESS_DENIED": access_denied("orders", "read_orders"),
    "MAX_COST_EXCEEDED": too_expensive(2102, 1000),
    "SHOP_INACTIVE": Refused("Shop is inactive", "SHOP_INACTIVE"),
    "INTERNAL_SERVER_ERROR": Refused(
        "Internal error. Looks like something went wrong on our end.", "INTERNAL_SERVER_ERROR", requestId="sample"
    ),
}
