"""Brings a reply to the person who asked and to nobody else: in the ack, by response_url, ephemeral, or direct."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Any

import structlog

from bot.agent import Agent
from bot.interaction import Interaction, Kind
from bot.reply import Reply, Where
from bot.slack import TRIES, UNREADABLE, NotShownError, Slack
from storage.facts.messages import Form, Message
from templates import notices
from templates import slack as blocks
from templates.slack import Rung

log = structlog.get_logger("bot.show")

#: Slack's ways of saying that the bot or the person is not in the channel.
_ELSEWHERE = frozenset(
    {"not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived", "restricted_action"}
)


def ack_body(reply: Reply, request: Interaction) -> str | None:
    """Return the JSON that the ack of a command or a form says by itself; None when the words go another way."""
    if request.kind is Kind.SUBMIT:
        return _form_ack(reply, request)
    if request.kind is Kind.SEARCH:
        # A menu has no place for words: where something is wrong, it offers nothing.
        return json.dumps(blocks.suggestions(reply.options), separators=(",", ":"))
    if request.kind is not Kind.COMMAND or reply.message is None:
        return None
    if blocks.newest(reply.message) is Rung.NATIVE:
        # A workspace may refuse charts, and of an ack nobody would hear of it.
        return None
    team_id = request.identity.team_id
    said = reply.rendered.get(team_id)
    if said is None:
        # A table in the ack is there at once, in blocks that every workspace takes.
        shown = blocks.render(reply.message, rung=Rung.TABLE, team_id=team_id, zone=reply.zone)
        said = reply.rendered[team_id] = json.dumps({"response_type": "ephemeral", **shown}, separators=(",", ":"))
    return said


def _form_ack(reply: Reply, request: Interaction) -> str | None:
    """Return what happens to the form: words beside its inputs, or the answer in its place; None closes it."""
    if reply.errors:
        return json.dumps({"response_action": "errors", "errors": dict(reply.errors)})
    if reply.form is not None and reply.over:
        return json.dumps({"response_action": "push", "view": _form_view(reply, reply.form, request)})
    if reply.message is None:
        return None
    view = blocks.answer(reply.message, team_id=request.identity.team_id, zone=reply.zone, last=reply.last)
    if reply.form_key:
        # What is asked in the place of the form is answered there, too.
        view = blocks.page(reply.message, team_id=request.identity.team_id, zone=reply.zone)
        view["external_id"] = reply.form_key[:_MOST_KEY]
    return json.dumps({"response_action": "update", "view": view}, separators=(",", ":"))


def _form_view(reply: Reply, form: Form, request: Interaction) -> dict[str, Any]:
    """Return a form as a view, with the key by which it is found again."""
    view = blocks.modal(form, team_id=request.identity.team_id, zone=reply.zone)
    return view | ({"external_id": reply.form_key} if reply.form_key else {})


#: Views in which something was pressed, and the keys of the modals that answer it there.
_HOME, _ASKED_THERE = "home", "asked:"
_MOST_KEY = 255
#: Workspaces whose refusals are remembered; a process that forgets one asks it once more.
_MOST_KNOWN = 10_000
#: How often, and after how many seconds each, what an ack laid over a form is looked for.
_LOOKS, _BETWEEN = 8, 0.25
#: Seconds that an answer stands back behind the acks of others.
_PATIENCE = 1.0


class Shower:
    """Shows replies."""

    def __init__(self, slack: Slack, agent: Agent | None = None) -> None:
        """Without an agent nothing is suggested, and no status is shown."""
        self._slack = slack
        self._agent = agent
        #: workspaces that refused blocks that they do not know yet, and the rung below those
        self._rungs: dict[str, Rung] = {}

    async def show(self, reply: Reply, request: Interaction) -> None:
        """Show the reply; what Slack refuses is tried plainer, then logged: the person can ask again."""
        if request.kind is Kind.TALK:
            # Nobody who only opens a tab has asked for words, not even for those of a refusal.
            if reply.prompts and self._agent is not None:
                await self._agent.suggest(request, reply.prompts)
            return
        # A form that the ack laid over the one that was sent is there.
        opens = reply.form is not None and not (reply.over and not reply.fills)
        if opens and reply.form is not None and (against := await self._not_opened(reply, reply.form, request)):
            said = notices.cannot_speak() if against == UNREADABLE else notices.form_not_opened()
            reply = Reply(said, zone=reply.zone)
        if reply.message is None:
            return
        try:
            if not await self._in_view(reply, reply.message, request):
                await self._show(reply, reply.message, request)
        except NotShownError as error:
            log.warning("reply_not_shown", team=request.team_id, kind=request.kind, reason=error.code)

    async def show_all(
        self, reply: Reply, request: Interaction, follow: Callable[[Reply, Interaction], Awaitable[Reply]]
    ) -> None:
        """Show the reply and whatever follows it."""
        await self.show(reply, request)
        # What is said at once needs no status; whoever waits for more is told that they do.
        waits = request.kind is Kind.DIRECT and reply.then is not None and reply.message is None
        async with self._agent.working(request) if waits and self._agent is not None else nullcontext():
            await self._show_rest(reply, request, follow)

    async def _show_rest(
        self, reply: Reply, request: Interaction, follow: Callable[[Reply, Interaction], Awaitable[Reply]]
    ) -> None:
        #: what is open and waits to be filled: an answer, or what went wrong, is said in its place
        opened = ""
        while reply.then:
            if reply.message is not None:
                # What was said in the place of the click stays there; the rest is said in a message.
                request = replace(request, view="", form_key="")
            opened = (reply.form_key if reply.form is not None else "") or opened
            reply = await follow(reply, request)
            if opened and reply.message is not None and reply.form is None:
                await self._answer_in(opened, reply, reply.message, request)
            else:
                await self.show(reply, request)

    async def _in_view(self, reply: Reply, message: Message, request: Interaction) -> bool:
        """Answer a click in App Home with a modal, and one in that modal in its place; False: say it in a message.

        A person who presses something on a page looks there, and not for a message in another tab.
        """
        ours = request.form_key.startswith(_ASKED_THERE)
        # A shortcut that was chosen nowhere in particular is answered where the person looks: over everything.
        anywhere = request.kind is Kind.SHORTCUT and not request.channel_id
        on_a_page = request.kind is Kind.ACTION and (request.view == _HOME or ours)
        if reply.where is Where.HOME or not (on_a_page or anywhere):
            return False
        key = request.form_key if ours else f"{_ASKED_THERE}{request.trigger}"[:_MOST_KEY]
        view = blocks.page(message, team_id=request.identity.team_id, zone=reply.zone) | {"external_id": key}
        where = {"external_id": key} if ours else {"trigger_id": request.trigger}
        try:
            await self._slack.call(request.team_id, "views.update" if ours else "views.open", {**where, "view": view})
        except NotShownError as error:
            log.info("view_not_shown", team=request.team_id, reason=error.code)
            return False
        return True

    async def _answer_in(self, key: str, reply: Reply, message: Message, request: Interaction) -> None:
        """Say it in the form that is open; who closed it meanwhile, or could not open it, is not told twice."""
        view = blocks.page(message, team_id=request.identity.team_id, zone=reply.zone) | {"external_id": key}
        try:
            await self._slack.call(request.team_id, "views.update", {"external_id": key, "view": view})
        except NotShownError as error:
            log.info("form_gone", team=request.team_id, reason=error.code)

    async def _not_opened(self, reply: Reply, form: Form, request: Interaction) -> str | None:
        """Open or fill a modal; why not, where the three seconds for it are over, Slack refuses, or we cannot speak."""
        view = _form_view(reply, form, request)
        method = "views.push" if request.view == "modal" else "views.open"
        where = {"trigger_id": request.trigger}
        if reply.fills:
            method, where = "views.update", {"external_id": reply.form_key}
        try:
            await self._called(request.team_id, method, {**where, "view": view}, tries=_LOOKS if reply.over else 1)
        except NotShownError as error:
            log.info("form_not_opened", team=request.team_id, form=form.callback, reason=error.code)
            # Whoever closed it meanwhile wants no words about it.
            return None if reply.fills else error.code
        return None

    async def _called(self, team_id: str, method: str, arguments: dict[str, Any], *, tries: int) -> None:
        """Call Slack; what the ack laid over a form may be filled before Slack has laid it there."""
        for left in reversed(range(tries)):
            try:
                await self._slack.call(team_id, method, arguments)
            except NotShownError as error:
                if error.code != "not_found" or not left:
                    raise
                await asyncio.sleep(_BETWEEN)
            else:
                return

    async def draw(self, reply: Reply, request: Interaction) -> None:
        """Draw a page that nobody waits for; NotShownError at once where Slack does not take it now."""
        if reply.message is not None:
            await self._show(reply, reply.message, request, tries=1)

    async def _show(self, reply: Reply, message: Message, request: Interaction, *, tries: int = TRIES) -> None:
        top = Rung.THUMBS if blocks.has_thumbs(message) else Rung.NATIVE
        first = blocks.newest(message, self._rungs.get(request.team_id, top))
        rung: Rung | None = first
        while rung is not None:
            try:
                await self._bring(reply, message, request, rung, tries)
            except NotShownError as error:
                if error.code != "invalid_blocks":
                    raise
                rung = rung.next()
            else:
                if rung is not first:
                    self._remember(request.team_id, rung)
                return
        raise NotShownError("invalid_blocks")

    def _remember(self, team_id: str, rung: Rung) -> None:
        if len(self._rungs) >= _MOST_KNOWN:
            self._rungs.clear()
        # What is refused below that is about one message, and not about the workspace.
        self._rungs[team_id] = min(rung, Rung.TABLE, key=list(Rung).index)

    async def _bring(self, reply: Reply, message: Message, request: Interaction, rung: Rung, tries: int) -> None:
        if reply.where is Where.HOME:
            view = blocks.home([message], rung=rung, team_id=request.team_id, zone=reply.zone)
            await self._slack.call(
                request.team_id,
                "views.publish",
                {"user_id": request.identity.user_id, "view": view},
                tries=tries,
            )
            return
        shown = blocks.render(message, rung=rung, team_id=request.identity.team_id, zone=reply.zone)
        if request.response_url is not None and await self._responded(reply, shown, request):
            return
        await self._post(shown, request)

    async def _responded(self, reply: Reply, shown: blocks.SlackMessage, request: Interaction) -> bool:
        """Answer by response_url; False when it is used up or too old, so that another way is needed."""
        assert request.response_url is not None
        body = {"response_type": "ephemeral", "replace_original": reply.where is Where.REPLACE, **shown}
        try:
            await self._slack.respond(request.response_url, body)
        except NotShownError as error:
            if error.code == "invalid_blocks":
                raise
            log.info("response_url_failed", team=request.team_id, reason=error.code)
            return False
        return True

    async def _post(self, shown: blocks.SlackMessage, request: Interaction) -> None:
        """Post for one person: in a direct message, or unseen by the others of the channel."""
        user = request.identity.user_id
        common: dict[str, Any] = {**shown, "link_names": False, "parse": "none"}
        quiet = {"unfurl_links": False, "unfurl_media": False}
        if request.thread_ts:
            common["thread_ts"] = request.thread_ts
        if request.kind is not Kind.DIRECT and request.channel_id:
            ephemeral = {"channel": request.channel_id, "user": user, **common}
            try:
                await self._slack.call(request.team_id, "chat.postEphemeral", ephemeral)
            except NotShownError as error:
                if error.code not in _ELSEWHERE:
                    raise
            else:
                return
            common.pop("thread_ts", None)
        channel = request.channel_id if request.kind is Kind.DIRECT else await self._direct(request.team_id, user)
        await self._slack.call(request.team_id, "chat.postMessage", {"channel": channel, **common, **quiet})

    async def _direct(self, team_id: str, user: str) -> str:
        opened = await self._slack.call(team_id, "conversations.open", {"users": user})
        return str(opened["channel"]["id"])


class Background:
    """What still runs after an ack, behind the acks of others; drained before the process ends.

    Slack waits three seconds for an ack and a person can wait for the words: work begins when no request is at its ack,
    or when it has waited for a second.
    """

    def __init__(self, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._tasks: set[asyncio.Task[None]] = set()
        self._acking = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    @contextmanager
    def acking(self) -> Iterator[None]:
        """Hold work back while the block makes an ack."""
        self._acking += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._acking -= 1
            if not self._acking:
                self._quiet.set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the work; its failure is logged, not lost."""
        task = asyncio.create_task(self._behind_acks(work))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        # Work that is cancelled before its turn was never begun, and says so loudly when it is not closed.
        task.add_done_callback(lambda _: work.close())

    async def turn(self, patience: float = _PATIENCE) -> None:
        """Return when no request is at its ack, or after those seconds."""
        if self._quiet.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._quiet.wait()

    async def _behind_acks(self, work: Coroutine[Any, Any, None]) -> None:
        await self.turn(self._patience)
        await work

    async def drain(self, seconds: float) -> None:
        """Wait for what runs, at most that long; what is left is cancelled."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in list(self._tasks):
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background_failed", exc_info=error)
