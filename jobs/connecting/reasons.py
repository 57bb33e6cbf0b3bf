"""Why a flow came to nothing: a code for the audit, and plain words for the person, who can do something about it."""

from collections.abc import Sequence

from connectors.errors import ConnectorError, Reconnect, Retry
from templates.words import permissions

GIVEN_UP = "given_up"
EXPIRED = "expired"
ANSWER_LOST = "answer_lost"
SUPERSEDED = "superseded"
TOO_MANY_TRIES = "too_many_tries"
FOREIGN_BROWSER = "foreign_browser"
NOT_ALLOWED = "not_allowed"
MALFORMED = "malformed"
REFUSED = "refused"
MISMATCH = "mismatch"
ACCOUNT_DIFFERS = "account_differs"
ELSEWHERE = "connected_elsewhere"
ONE_COMPANY = "one_company"
NO_BOOKS = "no_books"
OTHER_BOOKS = "other_books"
ENVIRONMENT = "environment"
PLACE_TAKEN = "place_taken"
PLACE_ELSEWHERE = "place_elsewhere"
ERASING = "erasing"
REVOKING = "revoking"
UNREADABLE = "unreadable"
OTHER_PERSON = "other_person"
SIGN_IN_FAILED = "sign_in_failed"
SIGN_IN_UNSAID = "sign_in_unsaid"
SIGN_IN_OFF = "sign_in_off"
OTHER_REGION = "other_region"

_AGAIN = "Nothing was stored. Start again in Slack."
_WORDS = {
    GIVEN_UP: "You stopped here. Nothing was stored.",
    EXPIRED: f"That took too long. {_AGAIN}",
    ANSWER_LOST: "Tidings stopped in the middle of {label}'s answer. Nothing was stored here, but {label} may already "
    "list Tidings as allowed, and Tidings cannot take that back. Start again in Slack with the same account, or take "
    "Tidings out of it at {label}.",
    SUPERSEDED: "A newer link was made after this one. Use the newest one in Slack.",
    TOO_MANY_TRIES: f"The code was wrong too often. {_AGAIN}",
    FOREIGN_BROWSER: f"The answer came back to another browser than the one that asked. {_AGAIN}",
    NOT_ALLOWED: "You may not connect accounts of this organization any more. Nothing was stored.",
    MALFORMED: f"What came back from {{label}} could not be read. {_AGAIN}",
    REFUSED: "The access was not given at {label}. Nothing was stored, and what was connected before stays as it was.",
    ACCOUNT_DIFFERS: f"{{label}} answered for another account than the one it named first. {_AGAIN}",
    ELSEWHERE: "This company is connected elsewhere, so it was not connected here. Nothing was stored. Please ask "
    "support.",
    ONE_COMPANY: "There is one {label} company per organization, and another one is connected. Nothing was stored. "
    "Reconnect that one, or disconnect it first.",
    NO_BOOKS: "What goes to {label} is made from QuickBooks, and no QuickBooks company is connected. Connect that one "
    "first with /data connect quickbooks, then {label}.",
    OTHER_BOOKS: "The QuickBooks company that you chose for {label} is not connected any more. Nothing was stored. "
    "Connect it first, or start again and choose another one.",
    PLACE_TAKEN: "Another source of your organization reads this folder, a part of it, or the folder around it. A file "
    "belongs to one source only, or its rows would count twice. Nothing was stored. Choose another prefix, or "
    "disconnect that source first.",
    PLACE_ELSEWHERE: "Files of this place are read elsewhere, so it was not connected here. Nothing was stored. Choose "
    "another prefix, or ask support.",
    ENVIRONMENT: "This source belongs to another environment of {label} (test or production) than the one that is set "
    "up here. Nothing was stored. Please ask support.",
    ERASING: "The data of this source is being erased, as somebody of your organization asked. Nothing was stored. "
    "Start again in Slack in 15 minutes.",
    REVOKING: "The access that this source had before is being given up at {label} right now, which would end a new "
    "one too. Nothing was stored. Start again in Slack in a few minutes.",
    UNREADABLE: f"What waited here cannot be read any more. {_AGAIN}",
    MISMATCH: "You chose another account than the source's. Keep the source as it is, or make a new one.",
    OTHER_PERSON: "In this browser you are signed in to Slack as somebody else. Sign in as the person who asked for "
    "the link, or use a code.",
    SIGN_IN_FAILED: "Slack did not say who you are. Try again, or use a code.",
    SIGN_IN_UNSAID: "Slack did not say who you are, so nothing was begun. Open Tidings from Amazon again, or use "
    "/data reconnect in Slack, which leads to the same page of Amazon's.",
    SIGN_IN_OFF: "Signing in with Slack is not set up here. Use /data reconnect in Slack: it leads to the same page of "
    "Amazon's.",
    OTHER_REGION: "This seller account is connected for {label}, and you came from the Seller Central of another "
    "region. Nothing was changed. Open Tidings from that region's Seller Central, or use /data reconnect in Slack.",
}


def said(reason: str, label: str) -> str:
    """Return the plain words for one of the reasons above; `label` is the provider's name."""
    return _WORDS[reason].format(label=label)


def lacks(missing: Sequence[str]) -> str | None:
    """Return why a connection that works needs attention all the same; None where everything was given."""
    return f"not allowed to read everything; what was not allowed: {permissions(missing)}" if missing else None


def of_error(error: ConnectorError, label: str, reference: str) -> tuple[str, str]:
    """Return reason and words for a call to the provider that failed."""
    if isinstance(error, Retry):
        words = f"{label} does not answer now. Nothing was stored. Start again in Slack in a few minutes."
    elif isinstance(error, Reconnect):
        words = f"{label} did not accept the answer of its own page any more. {_AGAIN}"
    else:
        words = f"{label} answered something that cannot be used. {_AGAIN} If it stays, tell support: {reference}."
    return error.code, words
