"""Plain words, understood by rules: the same words always mean the same, and no sentence ever starts anything.

The strongest thing that a sentence can lead to is the card that asks. A sentence with a "not" in it does not even get
that far.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.names import plain


class Intent(StrEnum):
    """What a sentence asks for; the values are entries of the dispatch table."""

    STATUS = "status"
    #: leads to the card that asks, never further
    REFRESH = "refresh"
    HISTORY = "history"
    HELP = "help"
    #: lead to a page, never further
    CONNECT = "connect"
    RECONNECT = "reconnect"
    DISCONNECT = "disconnect"
    MEMBERS = "members"
    CHANNEL = "channel"
    SCHEDULE = "schedule"
    PROMISE = "promise"
    MUTE = "mute"
    SNOOZE = "snooze"
    ESCALATION = "escalation"
    REREAD = "reread"
    AUDIT = "audit"
    RECEIPT = "receipt"
    DELIVERIES = "deliveries"
    NOTIFY = "notify"
    WEBHOOKS = "webhooks"
    WHY = "why"
    LANDED = "landed"
    #: "don't refresh": nothing is offered
    DECLINED = "declined"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Question:
    """What a sentence asks for, and the words that may name a source."""

    intent: Intent
    about: str = ""


#: What is said after that many characters does not count; it bounds the work, too.
_MOST = 800
#: Mentions and links as Slack writes them; a link keeps its words.
_TOKENS = re.compile(r"<(?:[@!#][^>]*|[a-z]+:[^|>]*)(?:\|([^>]*))?>")
_NOT = re.compile(
    r"\b(?:not|never|no|none|without|nobody|nothing|neither|nor|stop|cancel|abort|avoid|skip|hold off|undo|refuse"
    r"|instead of|rather than|unless|forbid|forbidden|prevent|cannot|[a-z]+n't|dont|cant|wont|shouldnt|didnt|doesnt"
    r"|isnt|mustnt)\b"
)
_NOT_TO = re.compile(
    r"\b(?:not|never|without|nobody|[a-z]+n't|dont|cant|wont|shouldnt|mustnt)\b"
    r".*(?<!the )(?<!a )(?<!last )(?<!this )\bre-?fresh\b"
)
_VERB = (
    r"(?:re-?run|re-?fresh|refesh|referesh|refrsh|reload|re-?sync|sync|synchroni[sz]e|update|pull|fetch|collect"
    r"|re-?import|get (?:me )?(?:the )?(?:latest|newest|newer|new|fresh|current))"
)
_GREETING = (
    r"hey|hi|hello|ok|okay|yo|please|pls|plz|kindly|now|just|then|so|and|but|also|tidings|dear bot|bot|morning"
    r"|good morning|good afternoon|thanks|quickly|be so kind and"
)
_WISH = (
    r"(?:can|could|would|will) (?:you|we|i|someone|somebody)|may i|i'd like you to|let us|let's|lets|time to|you should"
    r"|(?:i|we)(?:'d| would| will)? (?:want|need|like|love)(?: you)? to|you must|go ahead and|go and|go"
)
_START = (
    r"(?:do|start|run|trigger|begin|make|kick off|launch|force|give me|i (?:want|need)|i would like|i'd like)"
    r"(?: a| an| the| another| one)?(?: new| full| complete| quick| manual)?"
)
_ASKED = re.compile(rf"^(?:(?:{_GREETING}|{_WISH}|{_START}) )*{_VERB}\b(?! (?:me|us|on|about)\b)(?P<about>.*)$")
_NOUN_LAST = re.compile(r"^(?P<about>[\w.\-' ]{1,60}?) (?:re-?fresh|re-?sync|reload)(?: please| pls| now| asap)?$")
_NO_REQUEST = re.compile(
    r"\b(?:last|latest|next|every|recent|is|was|the|a|any|this|that|when|did|why|how|running|current)\b"
)
_ABOUT_TAIL = re.compile(
    r"\b(?:please|pls|plz|now|asap|again|right away|immediately|for me|for us|today|thanks|thank you|quickly|too)\b"
)
_HELP = re.compile(
    r"^(?:help|help me|hello|hi|hey|hi there|hello there|good morning|commands|usage|instructions|manual)"
    r"(?: tidings| bot| please)?$"
    r"|\bwhat (?:can|do) you (?:do|know|offer|understand)\b|\bwho are you\b|\bwhat are you\b|\bwhat is tidings\b"
    r"|\bhow (?:do|does|can) (?:i|we|this|it|tidings|you)(?: work| use| start| ask| get started)?\b"
    r"|\bwhat can i (?:ask|say|do)\b|\bi need help\b|\bshow (?:me )?(?:the )?(?:help|commands)\b"
)
_HISTORY = re.compile(
    r"\bhistory\b|\bwhat happened\b|\blogs?\b|\bwhy did\b.*\bfail|\bfail(?:ed|ure|ures|s)?\b|\breceipts?\b"
    r"|\b(?:previous|past|recent|earlier|last \d+|last few|last) (?:runs|refreshes|syncs|loads)\b"
    r"|\bwho (?:refreshed|started|asked|ran)\b|\bwhat (?:has )?changed\b|\bhow often\b"
)
_WHY = re.compile(
    r"^(?:(?:hey|hi|hello|ok|okay|so|and|but|tidings|bot) )*why\b|\bwhy$|\bolder than (?:my|the|our)\b"
    r"|\bno (?:e-?mail|mail|confirmation)\b"
    r"|\b(?:not|never|haven't|didn't) (?:got|gotten|get|received?) (?:the |a |an |any |my )?"
    r"(?:e-?mail|mail|confirmation)\b"
    r"|\bwhere is (?:my|the) (?:e-?mail|mail|confirmation)\b"
)
_LANDED = re.compile(
    r"\b(?:has|have|did|is|are)\b.*\b(?:land|landed|arrived?)\b"
    r"|\bis (?:the )?(?:invoice|order|bill|payment|credit memo) #?[\w.-]*[0-9][\w.-]* in\b|\bdid my change\b"
)
_STATUS = re.compile(
    r"\bfresh(?:ness)?\b|\bstale\b|\bup[ -]to[ -]date\b|\bcurrent\b|\bstatus\b|\bstate\b|\blate\b|\boverdue\b"
    r"|\blatest\b|\bready\b|\bhow (?:old|new|recent|fresh|far|long|late)\b|\blast\b|\brefresh(?:ed|ing)?\b"
    r"|\bupdated?\b|\bsync(?:ed|ing)?\b|\bas of\b|\b(?:dis)?connected\b|\bbroken\b|\bworking\b|\brunning\b"
    r"|\bprogress\b|\bfinished\b|\bdone\b|\bhealthy\b|\bbehind\b|\bmissing\b|\bold\b|\bwhen\b|\boutdated\b"
    r"|\bok(?:ay)?\b|\btrust\b|\brecent\b|\bloaded\b|\bcollected\b|\bwrong\b"
)


def understand(sentence: str) -> Question:
    """Return what the sentence asks for; the same sentence always gives the same answer."""
    spoken = _TOKENS.sub(lambda token: f" {token[1] or ''} ", sentence[:_MOST])
    words = plain(spoken)
    if not words:
        return Question(Intent.HELP)
    for part in _sentences(spoken):
        about = _asks_refresh(part)
        if about is not None:
            return Question(Intent.DECLINED if _NOT.search(words) else Intent.REFRESH, about)
    if _NOT_TO.search(words) and not words.startswith("why "):
        return Question(Intent.DECLINED)
    for intent, pattern in (
        (Intent.HELP, _HELP),
        (Intent.HISTORY, _HISTORY),
        (Intent.LANDED, _LANDED),
        (Intent.WHY, _WHY),
        (Intent.STATUS, _STATUS),
    ):
        if pattern.search(words):
            return Question(intent, words)
    return Question(Intent.UNKNOWN, words)


def _asks_refresh(part: str) -> str | None:
    """Return what shall be refreshed ("" for everything); None when the sentence only talks about it."""
    found = _ASKED.match(part)
    if found is None:
        noun = _NOUN_LAST.match(part)
        if noun is None or _NO_REQUEST.search(noun["about"]):
            return None
        found = noun
    return " ".join(_ABOUT_TAIL.sub(" ", found["about"]).split())


def _sentences(text: str) -> list[str]:
    parts = (plain(part) for part in re.split(r"[!?;,\n]+|\.(?=\s|$)", text))
    return [part for part in parts if part][:20]
