"""Errors say what to do: callers match on the class, one place elsewhere turns it into words for people.

The tree: ConnectorError -> Retry | Reconnect | Broken (-> WriteRefused, Refused) | Partial. ``detail`` is our own
wording, never the provider's, so that it holds no secret and no customer data; ``code`` is a short machine word;
``request_id`` is the provider's own name of the call, for its support.
"""


class ConnectorError(Exception):
    """A collection or a call could not be finished."""

    def __init__(self, detail: str, *, code: str, request_id: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        named = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.code}: {self.detail}{named}"


class Retry(ConnectorError):  # noqa: N818 - the name says what to do
    """The same call may work later; not before ``after`` seconds where that is known."""

    def __init__(
        self, after: float | None, detail: str, *, code: str = "unavailable", request_id: str | None = None
    ) -> None:
        super().__init__(detail, code=code, request_id=request_id)
        self.after = after


class Reconnect(ConnectorError):  # noqa: N818 - the name says what to do
    """The grant is dead or too small: a person of the organization must connect the account again."""

    def __init__(self, reason: str, *, code: str = "grant_refused", request_id: str | None = None) -> None:
        super().__init__(reason, code=code, request_id=request_id)

    @property
    def reason(self) -> str:
        """Why, in words."""
        return self.detail


class Broken(ConnectorError):  # noqa: N818 - the name says what to do
    """Neither time nor a new grant helps: a person must look (at our code, the app's set-up or the account)."""

    def __init__(self, detail: str, *, code: str = "unexpected", request_id: str | None = None) -> None:
        super().__init__(detail, code=code, request_id=request_id)


class WriteRefused(Broken):
    """A mutating call on a connection without the write capability; nothing was sent."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, code="write_refused")


class Refused(Broken):
    """What was to be written is not taken; the reason is for whoever entered it: plain words with what to do."""

    def __init__(self, reason: str, *, code: str = "refused", request_id: str | None = None) -> None:
        super().__init__(reason, code=code, request_id=request_id)

    @property
    def reason(self) -> str:
        """Why, in words."""
        return self.detail


class Partial(ConnectorError):  # noqa: N818 - the name says what to do
    """Everything was read but the streams in ``missing``; freshness must not move."""

    def __init__(
        self, missing: tuple[str, ...], detail: str, *, code: str = "partial", request_id: str | None = None
    ) -> None:
        super().__init__(detail, code=code, request_id=request_id)
        self.missing = missing


#: Codes that more than one module acts on.
TOKEN_REJECTED = "token_rejected"  # noqa: S105 - a code, not a credential
THROTTLED = "throttled"


def worst(errors: list[ConnectorError]) -> ConnectorError:
    """Return the error that decides when several streams failed at once: what only a person can cure comes first."""
    order: tuple[type[ConnectorError], ...] = (Reconnect, Broken, Partial, Retry)
    return min(errors, key=lambda error: next(n for n, kind in enumerate(order) if isinstance(error, kind)))
