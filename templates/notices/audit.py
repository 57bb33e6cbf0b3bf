"""The audit, for admins: who did what, newest first, and whether anybody changed it afterwards."""

import re
from collections.abc import Mapping
from datetime import datetime

from storage.facts.audit import AuditEntry, AuditPage
from storage.facts.messages import Code, Facts, Heading, Inline, Message, Note, Paragraph, Part, Strong, Table, When
from storage.facts.people import Action
from templates.text import counted, label, listed, shorten
from templates.words import action_words

#: What is written down besides what people ask for.
_STEPS = {
    "seed": "set up the organization",
    "as_found": "wrote down who may do what",
    "install": "installed Tidings in Slack",
    "uninstall": "removed Tidings from Slack",
    "join": "became a member",
    "connect_link": "got a link to connect",
    "connect_code_sent": "was sent a code",
    "connect_wrong_code": "typed a wrong code",
    "connect_proven": "was proven to be the person",
    "connect_other_person": "was somebody else in the browser",
    "connect_sent": "went to the provider",
    "connect_returned": "came back from the provider",
    "connect_failed": "did not connect",
    "grant_given_up": "gave a grant up at the provider",
    "downloaded": "took values out as a file or a page",
    "data_erased": "erased the data of a source",
}
_DETAIL = 120
#: Ids say nothing to a person; the command line has them.
_OUR_ID = re.compile(r"[a-z]{3}_[0-9a-z]{22}", re.ASCII)
_UNSAID = frozenset({"authority", "source", "refresh", "run", "flow", "disconnect", "request"})


def audit_list(organization: str, page: AuditPage, noun: str = "Metric") -> Message:
    """Return the newest entries and the state of the chain."""
    rows = tuple(_row(entry, noun) for entry in page.entries)
    chain: tuple[Inline, ...] = (f"All {counted(page.total, 'entry', 'entries')} check out: nothing was changed.",)
    if page.broken:
        wrong = listed([str(number) for number in page.broken])
        chain = (Strong(f"The chain is broken at entry {wrong}."), " Somebody changed the audit: call support now.")
    summary = f"{label(organization)}: {counted(page.total, 'audit entry', 'audit entries')}."
    parts: tuple[Part, ...] = (
        Heading("Audit"),
        Paragraph(chain),
        Table("Newest first", ("When", "Who", "What", "Detail"), rows),
        Note(("See more with ", Code("/data audit 50"), ". Entries are kept for 400 days.")),
    )
    return Message(summary, parts, kind="audit")


def right_without_audit(whose: str, right: str, stands: str, found_at: datetime) -> Message:
    """Return what support is told when somebody's right stands in the database and in no entry of the audit."""
    return Message(
        f"Nobody gave this right: {label(right)}",
        (
            Paragraph((Strong("Somebody changed who may do what, past Tidings."), " Only who has the database can.")),
            Facts(
                (
                    ("Where", (label(whose),)),
                    ("What", (label(right),)),
                    ("Stands as", (label(stands),)),
                    ("Found", (When(found_at),)),
                )
            ),
            Paragraph(
                (
                    "Find out who has the database and since when. To put it right, decide anew: ",
                    Code("/data members"),
                    ", or ",
                    Code("tidings seed"),
                    ", or ",
                    Code("tidings access"),
                    ". ",
                    Code("tidings doctor"),
                    " shows what is left.",
                )
            ),
        ),
        kind="right_without_audit",
    )


def _row(entry: AuditEntry, noun: str) -> tuple[tuple[Inline, ...], ...]:
    return (
        (When(entry.at),),
        (label(entry.actor),),
        (did(entry.action, noun) + (f": {label(entry.subject)}" if not _OUR_ID.fullmatch(entry.subject) else ""),),
        (_detail(entry.detail) or "–",),
    )


def did(action: str, noun: str = "Metric") -> str:
    """Return an action of the audit in words."""
    known = {each.value: each for each in Action}
    words = action_words(known[action], noun) if action in known else _STEPS.get(action)
    return words or label(action.replace("_", " "))


#: Names of details that are no words by themselves.
_NAMES = {"yes": "by mail too", "joined": "joined one that was running"}


def _detail(detail: Mapping[str, object]) -> str:
    told = [
        f"{_NAMES.get(name) or name.replace('_', ' ')}: {_value(value)}"
        for name, value in detail.items()
        if value not in (None, "", []) and name not in _UNSAID
    ]
    return shorten(label(", ".join(told), empty=""), _DETAIL)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        named = [str(item) for item in value]
        return str(len(named)) if any(_OUR_ID.fullmatch(item) for item in named) else listed(named, most=3)
    return str(value)
