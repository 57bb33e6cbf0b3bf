"""QuickBooks' errors in the three shapes that it uses for them."""

from typing import Any


class Refusal(Exception):  # noqa: N818 # the provider refuses; nothing of ours went wrong
    """A request that QuickBooks answers with a validation fault."""

    def __init__(
        self,
        code: str,
        message: str,
        detail: str,
        *,
        element: str = "",
        kind: str = "ValidationFault",
        status: int = 400,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.element = element
        self.kind = kind

    def body(self, time: str) -> dict[str, Any]:
        """Return the JSON body."""
        error: dict[str, str] = {"Message": self.message, "Detail": self.detail, "code": self.code}
        if self.element:
            error["element"] = self.element
        return {"Fault": {"Error": [error], "type": self.kind}, "time": time}

    @classmethod
    def grammar(cls, token: str, position: int) -> "Refusal":
        """A statement that cannot be read."""
        detail = f'QueryParserError: Encountered " {token} "" at line 1, column {position + 1}.'
        return cls("4000", "Error parsing query", detail)

    @classmethod
    def query(cls, detail: str) -> "Refusal":
        """A statement that can be read but not answered."""
        return cls("4001", "Invalid query", f"QueryValidationError: {detail}")

    @classmethod
    def missing(cls, detail: str) -> "Refusal":
        """An object that is not there or not active."""
        return cls("610", "Object Not Found", f"Object Not Found : {detail}")

    @classmethod
    def stale(cls) -> "Refusal":
        """A change to something that was changed since."""
        detail = "Stale Object Error : You and another user were working on this at the same time."
        return cls("5010", "Stale Object Error", detail)

    @classmethod
    def required(cls, field: str) -> "Refusal":
        """A write without a field that it needs."""
        detail = f"Required parameter {field} is missing in the request"
        return cls(
            "2020", "Required param missing, need to supply the required value for the API", detail, element=field
        )


def gateway(status: int, millis: int, *, detail: str | None = None) -> dict[str, Any]:
    """Return the gateway's lower-case body of 401 (unknown or expired token) and 403 (other company)."""
    name, code = ("AuthenticationFailed", "3200") if status == 401 else ("ApplicationAuthorizationFailed", "3100")
    error = {
        "message": f"message={name}; errorCode=00{code}; statusCode={status}",
        "detail": detail,
        "code": code,
        "element": None,
    }
    return {
        "warnings": None,
        "intuitObject": None,
        "fault": {"error": [error], "type": "AUTHENTICATION" if status == 401 else "SERVICE"},
        "report": None,
        "queryResponse": None,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": None,
        "requestId": None,
        "time": millis,
        "status": None,
        "cdcresponse": [],
    }


def throttled() -> Refusal:
    """Return the answer to one request too many in a second, a minute or a month."""
    return Refusal(
        "003001",
        "message=ThrottleExceeded; errorCode=003001; statusCode=429",
        "You have exceeded your limit of requests. Try again after some time.",
        kind="SERVICE",
        status=429,
    )


def system_failure(status: int) -> Refusal:
    """Return the answer of a service that is down."""
    message = "An application error has occurred while processing your request"
    detail = "System Failure Error: sample of the stand-in"
    return Refusal("10000", message, detail, kind="SystemFault", status=status)


#: What a 200 with a fault says, by code; anything else is a system failure.
_IN_200 = {
    "6070": ("Business Validation Error: sample", "Business Validation Error: Amount is not equal to UnitPrice * Qty."),
    "6190": ("Invalid Company Status", "Subscription period has ended or canceled or there was a billing problem"),
    "3001": (
        "message=ThrottleExceeded; errorCode=003001; statusCode=429",
        "The request limit was reached.  Try again later",
    ),
}


def in_200(code: str | None) -> Refusal:
    """Return a fault that comes under status 200."""
    if code in _IN_200:
        message, detail = _IN_200[code]
        return Refusal(code, message, detail, status=200)
    failure = system_failure(200)
    failure.code = code or failure.code
    return failure
