"""What can be asked: what this person may do, in the order in which people need it, and who does the rest."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from storage.facts.messages import Code, Facts, Heading, Message, Note, Paragraph, Strong
from storage.facts.people import Action, Role
from templates.notices.pieces import Words
from templates.words import ROLES, who


@dataclass(frozen=True, slots=True)
class _Way:
    """One thing to type, and the right that it needs."""

    needs: Action
    words: Words


def _way(needs: Action, *words: str) -> _Way:
    return _Way(needs, tuple(Code(word) if word.startswith("/data") else word for word in words))


#: What people want, each with what to type for it; in order of use.
_WISHES: tuple[tuple[str, tuple[_Way, ...]], ...] = (
    ("How fresh is the data?", (_way(Action.SEE_STATUS, "/data status", " or ", "/data status shopify"),)),
    (
        "Get newer data",
        (_way(Action.START_REFRESH, "/data refresh shopify", " or ", "/data refresh all", "; it asks first"),),
    ),
    ("Why is it late, or where is my mail?", (_way(Action.SEE_STATUS, "/data why shopify"),)),
    (
        "Did my change land?",
        (_way(Action.SEE_STATUS, "/data landed 1042", " (a number, an amount, or “change at 11:05”)"),),
    ),
    (
        "Connect an account, or connect it again",
        (_way(Action.CONNECT, "/data connect", " and ", "/data reconnect shopify"),),
    ),
    (
        "What happened lately?",
        (
            _way(Action.SEE_HISTORY, "/data history", " or ", "/data history quickbooks"),
            _way(Action.SEE_HISTORY, "/data receipt rcp_…"),
        ),
    ),
    (
        "Numbers from QuickBooks",
        (
            _way(Action.SEE_STATUS, "/data metrics", " and ", "/data metric gross margin"),
            _way(Action.CHANGE_METRICS, "make one: ", "/data metric new …"),
        ),
    ),
    (
        "Files and orders with PocketAdvantage",
        (
            _way(Action.SEE_STATUS, "/data exchange", " and ", "/data exchange customers"),
            _way(Action.RUN_EXCHANGE, "start one: ", "/data exchange customers start"),
        ),
    ),
    (
        "What am I told, and did it arrive?",
        (_way(Action.CHOOSE_MESSAGES, "/data notify"), _way(Action.SEE_HISTORY, "/data deliveries")),
    ),
    (
        "When is data collected?",
        (
            _way(Action.SEE_STATUS, "/data schedule"),
            _way(Action.CHANGE_SCHEDULE, "change it: ", "/data schedule shopify at 07:30"),
        ),
    ),
    (
        "How fresh must it be?",
        (
            _way(Action.SEE_STATUS, "/data promise"),
            _way(Action.CHANGE_PROMISE, "change it: ", "/data promise shopify warn 26h overdue 50h"),
        ),
    ),
    (
        "Fewer alarms for a while",
        (
            _way(Action.SEE_STATUS, "see what is muted: ", "/data mute"),
            _way(Action.MUTE_ALARMS, "/data mute shopify late 3d"),
            _way(Action.HANDLE_INCIDENT, "/data snooze shopify until tuesday 9:00", "; it asks first"),
        ),
    ),
    ("Read it all again", (_way(Action.REREAD, "/data reread shopify orders", "; it asks first"),)),
    (
        "Who may do what?",
        (_way(Action.SEE_MEMBERS, "/data members"), _way(Action.SEE_AUDIT, "who did what: ", "/data audit")),
    ),
    (
        "Where may Tidings speak?",
        (
            _way(Action.SEE_STATUS, "in a channel: ", "/data channel"),
            _way(Action.MANAGE_CHANNELS, "change it: ", "/data channel allow"),
        ),
    ),
    ("Who is called when a refresh does not end?", (_way(Action.CHANGE_ESCALATION, "/data escalation"),)),
    ("Tell a program of ours", (_way(Action.MANAGE_WEBHOOKS, "/data webhooks"),)),
    ("Let a program read {metrics}", (_way(Action.MANAGE_API_KEYS, "/data api keys"),)),
    ("Stop reading a source", (_way(Action.DISCONNECT, "/data disconnect shopify", "; it asks first"),)),
)
_OFTEN = {
    Role.VIEWER: "Refreshers can start a refresh; managers change schedules and alarms; admins connect accounts.",
    Role.REFRESHER: "Managers change schedules, promises and alarms; admins connect accounts and choose members.",
    Role.MANAGER: "Admins connect accounts, choose members and channels, and see who is called.",
}


def help_text(may: Collection[Action], role: Role, admins: Sequence[str] = (), noun: str = "Metric") -> Message:
    """Return what somebody with these rights can ask, and who does what is not theirs."""
    called = f"{noun.lower()}s"
    rows = [(wish.format(metrics=called), _typed([way for way in ways if way.needs in may])) for wish, ways in _WISHES]
    plain: Words = ("Mention me or write to me: “is shopify fresh?”",)
    shown = (*((wish, words) for wish, words in rows if words), ("Plain words work too", plain))
    clocks: Words = (
        Strong("Four times, always by name."),
        " Asked: when the refresh was asked for. Data as of: every change made at the provider until then is in. ",
        "Loaded: when it reached the warehouse. Ready to import: when your model can take it.",
    )
    others = f" {_OFTEN[role]} For more, ask {who(admins)}." if role in _OFTEN else ""
    told = "A refresh always asks first. You are told here, and by e-mail once you have confirmed your address."
    return Message(
        "What Tidings can do for you: status, refresh, history, connections.",
        (
            Heading("What you can ask"),
            Facts(shown),
            Paragraph(clocks),
            Paragraph((Strong("QuickBooks"), " is collected by a timer, usually every 60 minutes, not by a refresh.")),
            Note((f"Your role is {ROLES[role]}.{others} {told}",)),
        ),
        kind="help",
    )


def _typed(ways: Sequence[_Way]) -> Words:
    words: Words = ()
    for way in ways:
        words += (", ", *way.words) if words else way.words
    return words
