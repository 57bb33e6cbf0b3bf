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
    #: "don't refresh": nothing is offered
    DECLINED = "declined"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Question:
    """What a sentence asks for, and the words that may name a source."""

    intent: Intent
    about: str = ""


_TOKENS = re.compile(r"<(?:[@!#][^>]*|[a-z]+:[^|>]*)(?:\|([^>]*))?>")
_NOT = re.compile(
    r"\b(?:not|never|no|none|without|nobody|nothing|neither|nor|stop|cancel|abort|avoid|skip|hold off|undo|refuse|instead of"
    r"|rather than|unless|forbid|forbidden|prevent|cannot|[a-z]+n't|dont|cant|wont|shouldnt|didnt|doesnt|isnt|mustnt)\b"
)
_VERB = (
    r"(?:re-?run|re-?fresh|refesh|referesh|refrsh|reload|re-?sync|sync|synchroni[sz]e|update|pull|fetch|collect|re-?import"
    r"|get (?:me )?(?:the )?(?:latest|newest|newer|new|fresh|current))"
)
_POLITE = (
    r"(?:(?:hey|hi|hello|ok|okay|yo|please|pls|plz|kindly|now|just|then|so|and|but|also|tidings|dear bot|bot|morning|good morning"
    r"|good afternoon|thanks|(?:can|could|would|will) (?:you|we|i|someone|somebody)|may i"
    r"|(?:i|we)(?:'d| would| will)? (?:want|need|like|love)(?: you)? to|i'd like you to|let us|let's|lets|go ahead and|go and|go"
    r"|(?:do|start|run|trigger|begin|make|kick off|launch|force|give me|i (?:want|need)|i would like|i'd like)(?: a| an| the| another| one)?"
    r"(?: new| full| complete| quick| manual)?|time to|you should|you must|be so kind and|quickly) )*"
)
_ASKED = re.compile(rf"^{_POLITE}{_VERB}\b(?! (?:me|us)\b)(?P<about>.*)$")
_NOUN_LAST = re.compile(r"^(?P<about>[\w.\-' ]{1,60}?) (?:re-?fresh|re-?sync|reload)(?: please| pls| now| asap)?$")
_NOUN_NOT = re.compile(
    r"\b(?:last|latest|next|every|recent|is|was|the|a|any|this|that|when|did|why|how|running|current)\b"
)
_ABOUT_TAIL = re.compile(
    r"\b(?:please|pls|plz|now|asap|again|right away|immediately|for me|for us|today|thanks|thank you|quickly|too)\b"
)
_HELP = re.compile(
    r"^(?:help|help me|hello|hi|hey|hi there|hello there|good morning|commands|usage|instructions|manual|\?)(?: tidings| bot| please)?$"
    r"|\bwhat (?:can|do) you (?:do|know|offer|understand)\b|\bwho are you\b|\bwhat are you\b|\bwhat is tidings\b"
    r"|\bhow (?:do|does|can) (?:i|we|this|it|tidings|you)(?: work| use| start| ask| get started)?\b|\bwhat can i (?:ask|say|do)\b"
    r"|\bi need help\b|\bshow (?:me )?(?:the )?(?:help|commands)\b"
)
_HISTORY = re.compile(
    r"\bhistory\b|\bwhat happened\b|\b(?:previous|past|recent|earlier|last \d+|last few|last) (?:runs|refreshes|syncs|loads)\b|\blogs?\b"
    r"|\bwhy did\b.*\bfail|\bfail(?:ed|ure|ures|s)?\b|\breceipts?\b|\bwho (?:refreshed|started|asked|ran)\b|\bwhat (?:has )?changed\b"
    r"|\bhow often\b"
)
_STATUS = re.compile(
    r"\bfresh(?:ness)?\b|\bstale\b|\bup[ -]to[ -]date\b|\bcurrent\b|\bstatus\b|\bstate\b|\blate\b|\boverdue\b|\blatest\b|\bready\b"
    r"|\bhow (?:old|new|recent|fresh|far|long|late)\b|\blast\b|\brefresh(?:ed|ing)\b|\bupdated?\b|\bsynced\b|\bsyncing\b|\bas of\b"
    r"|\b(?:dis)?connected\b|\bbroken\b|\bworking\b|\brunning\b|\bprogress\b|\bfinished\b|\bdone\b|\bhealthy\b|\bbehind\b|\bmissing\b"
    r"|\bmissing\b|\bold\b|\bwhen\b|\boutdated\b|\bok(?:ay)?\b|\btrust\b|\brecent\b|\brefresh\b|\bsync\b|\bloaded\b|\bcollected\b|\bwrong\b"
)


def understand(sentence: str) -> Question:
    """Return what the sentence asks for; the same sentence always gives the same answer."""
    spoken = _TOKENS.sub(lambda token: f" {token[1] or ''} ", sentence)
    words = plain(spoken)
    if not words:
        return Question(Intent.HELP)
    refused = bool(_NOT.search(words))
    for part in _sentences(spoken):
        about = _asks_refresh(part)
        if about is not None:
            return Question(Intent.DECLINED if refused else Intent.REFRESH, about)
    if refused and re.search(
        r"\b(?:do|can|must|should|would)(?: not|n't|nt)\b.*\bre-?fresh\b|\bnever refresh\b", words
    ):
        return Question(Intent.DECLINED)
    return Question(_asked(words), words)


def _asked(words: str) -> Intent:
    for intent, pattern in ((Intent.HELP, _HELP), (Intent.HISTORY, _HISTORY), (Intent.STATUS, _STATUS)):
        if pattern.search(words):
            return intent
    return Intent.UNKNOWN


def _asks_refresh(part: str) -> str | None:
    """Return what shall be refreshed ("" for everything) when the sentence is a request; None when it only talks about it."""
    found = _ASKED.match(part)
    if found is None:
        noun = _NOUN_LAST.match(part)
        if noun is None or _NOUN_NOT.search(noun["about"]):
            return None
        found = noun
    return " ".join(_ABOUT_TAIL.sub(" ", found["about"]).split())


def _sentences(text: str) -> list[str]:
    parts = (plain(part) for part in re.split(r"[!?;,\n]+|\.(?=\s|$)", text[:4000]))
    return [part for part in parts if part][:20]
