"""Access to refreshes by request: how an organization stands, support's post, and the word to whoever asked."""

from storage.facts.access import AccessRequest, AccessStanding, AskedAccess
from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Confirm,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    When,
)
from templates import actions
from templates.notices.answers import say
from templates.notices.pieces import Words
from templates.text import label, listed

_MOST_NAMES = 5
#: What the permission does not touch; said wherever somebody could believe otherwise.
_GOES_ON = "Connected sources are collected by their schedule all the same; everything that is ready stays importable."


def no_access(standing: AccessStanding, *, value: str) -> Message:
    """Return the answer to a refresh where the organization has no access: why, and the button that asks for it.

    `value` is what the button carries: the refresh that was wanted.
    """
    name = label(standing.organization)
    summary = f"{name} has no access to refreshes yet. Nothing was started."
    why, button = _why(standing)
    parts: list[Part] = [
        Paragraph((Strong(f"{name} has no access to refreshes yet."), " Nothing was started. ", *why)),
        Note((_GOES_ON,)),
    ]
    if button:
        parts.append(Buttons((Button(button, actions.ACCESS_ASK, value, ButtonStyle.PRIMARY),)))
    return Message(summary, tuple(parts), kind="no_access")


def _why(standing: AccessStanding) -> tuple[Words, str | None]:
    """Return how it stands, and what the one button says; None for somebody who can only wait."""
    request = standing.request
    if request is None or request.settled_at is None:
        if request is None:
            return ("Support decides about it when somebody asks.",), "Ask for access"
        asked: Words = (
            f"{_first(request)} asked support for it, and they have not decided yet. Asked: ",
            When(request.at),
            ".",
        )
        if standing.waiting:
            return (*asked, " You are told here in Slack when they have."), None
        return (*asked, " Press the button to be told as well."), "Ask for access"
    if request.approved is False:
        return (*_decision(request), " You may ask again."), "Ask again"
    return ("Support decides about it when somebody asks.",), "Ask for access"


def access_asked(asked: AskedAccess, standing: AccessStanding, *, value: str) -> Message:
    """Return the answer to whoever asked for access; `value` as for `no_access`."""
    name, request = label(standing.organization), standing.request
    if asked is AskedAccess.ALLOWED:
        summary = f"{name} has access to refreshes already."
        return Message(summary, (Paragraph((summary,)), _refresh(value)), kind="access_asked")
    if request is None or request.settled_at is not None:
        return no_access(standing, value=value)
    told = "You are told here in Slack, in a direct message, when they have decided."
    if asked is AskedAccess.NEW:
        summary = f"{name}: support was asked for access to refreshes."
        return say(summary, (summary, f" {told}"), (_GOES_ON,), kind="access_asked")
    summary = f"{name}: support was asked for access already, and has not decided yet."
    joined = "You joined that request. " if asked is AskedAccess.JOINED else ""
    opened = f"{_first(request)} asked support for access, and they have not decided yet. Asked: "
    words: Words = (opened, When(request.at), f". {joined}{told}")
    return say(summary, words, kind="access_asked")


def access_request(request: AccessRequest) -> Message:
    """Return support's post (and mail): open with the buttons, or who decided and when; edited, never twice."""
    name = label(request.organization)
    if request.settled_at is not None:
        return _settled(request, name)
    title = f"{name} asks for access to refreshes"
    confirm = Confirm("Approve?", f"Members of {name} may then start refreshes by hand.", "Approve", "Not now")
    parts = (
        Heading(title),
        Facts(_facts(request)),
        Buttons(
            (
                Button("Approve", actions.ACCESS_APPROVE, request.id, ButtonStyle.PRIMARY, confirm),
                Button("Decline", actions.ACCESS_DECLINE, request.id),
            )
        ),
        Note(
            (
                "Approve or decline it in the support channel in Slack; support alone can. Whoever asked is told. ",
                "It is about refreshes that people start by hand: schedules and new connections go on either way.",
            )
        ),
    )
    return Message(f"{title}.", parts, subject=title, kind="access_request")


def _settled(request: AccessRequest, name: str) -> Message:
    if request.approved is None:
        title = f"Asked anew · {name}: access to refreshes"
    else:
        title = f"{'Approved' if request.approved else 'Declined'} · {name}: access to refreshes"
    parts = (Heading(title), Paragraph(_decision(request)), Facts(_facts(request)))
    return Message(f"{title}.", parts, subject=title, kind="access_request")


def access_decided(request: AccessRequest, *, value: str) -> Message:
    """Return the word to somebody who asked; `value` is what a button carries for the refresh that was wanted."""
    name = label(request.organization)
    if request.approved:
        summary = f"{name} has access to refreshes now."
        parts: tuple[Part, ...] = (
            Paragraph((Strong(summary), " ", *_decision(request), " Nothing was started yet.")),
            _refresh(value),
        )
        return Message(summary, parts, kind="access_decided")
    summary = f"{name}: support declined access to refreshes."
    parts = (
        Paragraph((Strong(summary), " ", *_decision(request), " You may ask again.")),
        Note((_GOES_ON,)),
        Buttons((Button("Ask again", actions.ACCESS_ASK, value),)),
    )
    return Message(summary, parts, kind="access_decided")


def _refresh(value: str) -> Part:
    return Buttons((Button("Refresh …", actions.REFRESH_ASK, value, ButtonStyle.PRIMARY),))


def _facts(request: AccessRequest) -> tuple[tuple[str, Words], ...]:
    people = listed([asker.name for asker in request.askers], most=_MOST_NAMES)
    wanted = dict.fromkeys(asker.wanted for asker in request.askers)
    return (
        ("Organization", (label(request.organization),)),
        ("Account rep", (label(request.account_rep or "", empty="not set"),)),
        ("Asked by", (people,)),
        ("Asked", (When(request.at),)),
        ("Wanted to refresh", (listed(list(wanted), most=_MOST_NAMES),)),
        ("Request", (Code(request.id),)),
    )


def _decision(request: AccessRequest) -> Words:
    """Return who decided what, and when."""
    if request.settled_at is None or request.approved is None:
        return ("The request was never decided.",)
    who = f"{label(request.settled_by)} of support" if request.settled_by else "the operator"
    return (f"{'Approved' if request.approved else 'Declined'} by {who}: ", When(request.settled_at), ".")


def _first(request: AccessRequest) -> str:
    return label(request.askers[0].name) if request.askers else "Somebody"
