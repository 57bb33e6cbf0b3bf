"""A form that opens at once, before anything is looked up, and is filled or answered in place behind that."""

from collections.abc import Awaitable, Callable

from bot.case import Case
from bot.reply import Reply
from storage.facts.messages import Form

#: Answers to what is pressed in a form whose key begins so take its place (bot.show).
_KEY = "asked:"
_MOST_KEY = 255


def at_once(case: Case, waiting: Form, then: Callable[[str], Awaitable[Reply]]) -> Reply:
    """Return the form that says what is being looked up; what `then` gives is shown in it, unless it was closed."""
    key = f"{_KEY}{case.request.trigger}"[:_MOST_KEY]
    return Reply(form=waiting, form_key=key, then=lambda: then(key), zone=case.zone)
