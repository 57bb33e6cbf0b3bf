"""The page of a form of our own: its fields, its blocks, what helps to fill them in, and what came of a try.

What was typed unseen is never sent back readable. Between two steps of the same form the browser carries it sealed, so
that nobody has to type a password again for every feed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.pages import words
from bot.pages.browser import Browsers
from bot.pages.draw import page
from bot.pages.edge import ForeignFormError
from bot.pages.form import Form, posted_long
from bot.pages.port import Flows
from connectors.grants import FormRows, HintError, RowAnswer
from jobs.connecting.views import FlowView
from jobs.errors import FlowGoneError
from storage.facts.clock import Clock
from storage.facts.flows import FlowState
from storage.facts.secret import Secret

_KEPT = "kept"
#: step of a button that tries one part
_PART = "part"
#: how the names of file fields end
_SAMPLE = ".sample"
#: fields of the page itself
_OURS = frozenset({"csrf", "state", "do", _KEPT})


@dataclass(frozen=True)
class Drawn:
    """What the form shows beside its fields."""

    typed: Mapping[str, str] = field(default_factory=dict)
    wrong: str = ""
    #: field that is wrong
    at: str = ""
    answers: Mapping[int, RowAnswer] = field(default_factory=dict)
    #: number of the block to look at
    here: int | None = None
    #: what was said of parts of the form, by the names of their tests
    parts: Mapping[str, RowAnswer] = field(default_factory=dict)


class FormPages:
    """Draws the form and takes every press of a button on it."""

    def __init__(self, flows: Flows, browsers: Browsers, clock: Clock) -> None:
        self._flows = flows
        self._browsers = browsers
        self._clock = clock

    def draw(self, request: Request, view: FlowView, browser: Secret, drawn: Drawn) -> Response:
        """Return the form with what was typed; fields typed unseen say only that they are kept."""
        secrets = {one.name: drawn.typed[one.name] for one in view.form if one.secret and drawn.typed.get(one.name)}
        link = request.path_params["link"]
        return page(
            "form",
            title=words.title(view),
            who=words.who(view),
            until=words.minutes_left(view.expires_at, self._clock.now()),
            fields=view.form,
            typed={name: value for name, value in drawn.typed.items() if name not in secrets},
            secrets=frozenset(secrets),
            kept=self._browsers.hold(browser, link, json.dumps(secrets)) if secrets else "",
            tests=view.tests,
            parts=drawn.parts,
            rows=view.rows,
            numbers=numbers(view.rows, drawn.typed),
            wrong=drawn.wrong,
            at=drawn.at,
            answers=drawn.answers,
            looked_at=drawn.here,
            stopped=any(not one.good for one in drawn.answers.values()),
            here=f"/connect/l/{link}",
            csrf=self._browsers.mark(browser),
        )

    async def fill(self, request: Request) -> Response:
        """Do what was pressed: another feed, a look, a sample, or on."""
        link, known = Secret(request.path_params["link"]), self._browsers.of(request)
        # Whoever has no such form before them may not send us a large one.
        view = await self._flows.look(link, known)
        if known is None:
            raise ForeignFormError
        if not view.form or view.state not in {FlowState.PROVEN, FlowState.SENT}:
            raise FlowGoneError
        form = await posted_long(self._browsers, request)
        typed = self._whole(form, request.path_params["link"], view)
        step, _, of = form.typed.get("do", "").partition(":")
        at = _number(of)
        try:
            if step == _PART:
                tested = await self._flows.try_part(link, form.browser, list(typed.items()), of)
                drawn: Drawn | None = Drawn({**typed, **tested.typed}, parts=tested.parts)
            else:
                drawn = await self._stepped(link, form, view, typed, step, at)
            if drawn is None:
                taken = await self._flows.fill(link, form.browser, list(typed.items()))
                return RedirectResponse(
                    "/connect/confirm" if taken.state is FlowState.RETURNED else "/connect/done", 303
                )
        except HintError as error:
            drawn = Drawn(typed, str(error), error.at, here=at)
        view = await self._flows.look(link, form.browser)
        return self.draw(request, view, form.browser, drawn)

    async def _stepped(
        self, link: Secret, form: Form, view: FlowView, typed: dict[str, str], step: str, at: int | None
    ) -> Drawn | None:
        """Return what the page shows after a step; None: go on with what was typed."""
        rows = view.rows
        if rows is None or step == "anyway":
            return None
        if step == "add":
            return Drawn(added(rows, typed), here=len(numbers(rows, typed)))
        if step == "remove" and at is not None:
            return Drawn(removed(rows, typed, at))
        pairs = list(typed.items())
        if step in {"newest", "sample"} and at is not None:
            sample = form.files.get(f"{rows.name}.{at}{_SAMPLE}") if step == "sample" else None
            if step == "sample" and sample is None:
                raise HintError(f"{rows.label} {at + 1}: choose a file first.")
            found = await self._flows.detect(link, form.browser, pairs, at, sample)
            return Drawn({**typed, **found.typed}, answers=found.rows, here=at)
        found = await self._flows.try_form(link, form.browser, pairs)
        if step == "test" or any(not one.good for one in found.rows.values()):
            return Drawn(typed, answers=found.rows)
        return None

    def _whole(self, form: Form, link: str, view: FlowView) -> dict[str, str]:
        """Return what was typed now, and what was typed unseen before and not again."""
        kept = self._browsers.held(form.browser, link, form.typed.get(_KEPT, "")) or "{}"
        unseen = {one.name for one in view.form if one.secret}
        before = {name: value for name, value in json.loads(kept).items() if name in unseen}
        # A browser sends the name of a chosen file where it does not send the file.
        typed = {name: value for name, value in form.typed.items() if name not in _OURS and not name.endswith(_SAMPLE)}
        return typed | {name: value for name, value in before.items() if not typed.get(name)}


def numbers(rows: FormRows | None, typed: Mapping[str, str]) -> list[int]:
    """Return the numbers of the blocks that are drawn: those that were, or a first one."""
    if rows is None:
        return []
    parts = [name.split(".", 2) for name in typed if name.startswith(f"{rows.name}.")]
    found = (_number(part[1]) for part in parts if len(part) == 3)
    return list(range(min(max((one for one in found if one is not None), default=0) + 1, rows.most)))


def added(rows: FormRows, typed: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed and one more empty block; HintError where there is room for none."""
    number = len(numbers(rows, typed))
    if number >= rows.most:
        raise HintError(f"A form holds at most {rows.most}. Connect the others as a source of their own.")
    return {**typed, f"{rows.name}.{number}.{rows.fields[0].name}": ""}


def removed(rows: FormRows, typed: Mapping[str, str], number: int) -> dict[str, str]:
    """Return what was typed without one block; those after it move up."""
    kept: dict[str, str] = {}
    for name, value in typed.items():
        kind, _, rest = name.partition(".")
        told, _, one = rest.partition(".")
        block = _number(told)
        if kind != rows.name or block is None or block < number:
            kept[name] = value
        elif block > number:
            kept[f"{kind}.{block - 1}.{one}"] = value
    return kept


def _number(said: str) -> int | None:
    """Return the number of a block; None for what no form of ours sends."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= 2 else None
