"""Thumbs below a result or an answer: up is noted; down is noted, too, and asks what was wrong."""

from dataclasses import replace

from bot import values
from bot.asking.facts import Intent, Understood
from bot.case import Case
from bot.interaction import Kind
from bot.reply import NOTHING, Reply
from storage.facts.feedback import Given, Verdict
from storage.facts.ids import new_id
from storage.facts.messages import Message
from templates.notices import feedback as words

#: Said beside words that are not taken.
TOO_LONG = f"At most {words.MOST} characters, please."


#: Where a conversation is; whoever types a command wants to read its answer, and not to be asked.
_TALK = frozenset({Kind.MENTION, Kind.DIRECT})
#: What is no answer, or is the same for everybody.
_NOT_ASKED_OF = frozenset({Intent.REFRESH, Intent.HELP})
#: An answer about more sources is kept as one about none in particular.
_MOST_SOURCES = 5


def with_thumbs(case: Case, told: Message, found: Understood) -> Message:
    """Return the answer to a question in plain words with thumbs below it, where it is one; its words are not kept."""
    kinds = tuple(dict.fromkeys(item.intent for item in found.asked))
    if case.request.kind not in _TALK or not kinds or _NOT_ASKED_OF.intersection(kinds):
        return told
    ids = tuple(dict.fromkeys(one for item in found.asked if not item.everything for one in item.source_ids))
    given = Given(new_id("ans"), tuple(kind.value for kind in kinds), ids if len(ids) <= _MOST_SOURCES else ())
    return replace(told, parts=(*told.parts, words.thumbs(values.pack_given(given))))


async def up(case: Case) -> Reply:
    """Note that it was helpful."""
    of = values.unpack_given(case.request.value)
    await case.services.feedback.give(case.actor, of, Verdict.UP)
    return case.say(words.thanks(Verdict.UP, answer=isinstance(of, Given)))


async def down(case: Case) -> Reply:
    """Note that it was not right, and ask in a form, which is open before that, what was wrong."""
    of = values.unpack_given(case.request.value)

    async def noted() -> Reply:
        await case.services.feedback.give(case.actor, of, Verdict.DOWN)
        return NOTHING

    return Reply(form=words.wrong_form(case.request.value), then=noted, zone=case.zone)


async def written(case: Case) -> Reply:
    """Note what was written."""
    said = case.request.fields.get(words.WORDS, "").strip()
    if len(said) > words.MOST:
        return Reply(errors={words.WORDS: TOO_LONG}, zone=case.zone)
    of = values.unpack_given(case.request.value)
    await case.services.feedback.give(case.actor, of, Verdict.DOWN, said)
    return case.say(words.thanks(Verdict.DOWN, words=bool(said), answer=isinstance(of, Given)))
