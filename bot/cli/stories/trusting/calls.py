"""A refresh overruns: support is called, takes it on, is called again when that ends, and sees how long it took."""

from bot.cli.stories.escalation import newest_mail, posts
from bot.cli.stories.stage import Stage
from bot.cli.stories.trusting.passing import passes_until
from bot.cli.stories.trusting.people import (
    SAM,
    SUPPORT_ADDRESS,
    asks_for,
    first_line,
    for_support,
    is_ready,
    reply,
)
from bot.cli.stories.trusting.quiet import undisturbed
from bot.cli.stories.trusting.reasons import why
from sandbox.misbehave import Kind, Rule
from sandbox.slack import Message
from templates import actions

#: What support is told of a process that is gone.
_STOPPED = "stopped without a word"
_DOWN = Rule(Kind.SERVER_ERROR, times=None)
#: Until it is found out who works on it, and that one is killed.
_HELD = Rule(Kind.HOLD, times=None)


async def called(stage: Stage) -> None:
    """Play it as Maya, then as Sam."""
    await undisturbed(stage)
    kills, killed = stage.within.kills, ""
    await stage.outside(lambda: stage.sandbox.shopify.script.add(_HELD if kills else _DOWN))
    card = await asks_for(stage)
    if kills:
        killed = await _one_is_killed(stage)
    await stage.until("the first attempt's end", lambda: _waits(stage))
    await why(stage, "shopify", "the last attempt did not succeed", "tried again by itself")
    stage.told("Shopify is down; Maya asked for a refresh and waits; why? names the attempt that failed")
    if kills:
        await _it_is_noticed(stage, killed)
    await _is_escalated(stage, card)
    await _is_taken_on(stage)
    await _is_called_again(stage)
    await _ends(stage, card)


async def _one_is_killed(stage: Stage) -> str:
    killed = ""

    async def dead() -> bool:
        nonlocal killed
        working = [one.active.id for one in await stage.statuses() if one.active is not None]
        for run_id in working:
            killed = killed or await stage.within.kill_whoever_works_on(run_id) or ""
        return bool(killed)

    await stage.until("a worker that works on it", dead)
    await stage.outside(stage.sandbox.shopify.script.clear)
    await stage.outside(lambda: stage.sandbox.shopify.script.add(_DOWN))
    stage.told(f"{killed} is killed while it collects what Maya asked for")
    return killed


async def _it_is_noticed(stage: Stage, killed: str) -> None:
    async def noticed() -> bool:
        return await stage.outside(lambda: for_support(stage, _STOPPED)) is not None

    await passes_until(stage, "word of the clock that stopped", noticed)
    told = await stage.see("word of the clock that stopped", lambda: for_support(stage, _STOPPED))
    stage.told(
        f"another worker goes on with it; support is told that the clock of {killed} is gone: {first_line(told)!r}"
    )


async def _is_escalated(stage: Stage, card: Message) -> None:
    await stage.hours_pass(3.01)
    post = await stage.see("the post in #data-support", lambda: _post(stage, "not finished after 3 h"))
    mail = await stage.see("the mail for support", lambda: newest_mail(stage, SUPPORT_ADDRESS, "not finished after"))
    await stage.see("the word for Maya", lambda: reply(stage, card, "support knows"))
    stage.told(f"three hours later support and Maya are told: {first_line(post)!r}; mail {mail.subject!r}")


async def _is_taken_on(stage: Stage) -> None:
    post = await stage.see("a button to take it on", lambda: _button(stage, actions.ESCALATION_ACKNOWLEDGE))
    await stage.act(lambda: stage.slack.click(SAM, post, actions.ESCALATION_ACKNOWLEDGE))
    await stage.see("the acknowledgement in the post", lambda: _post(stage, "Acknowledged by Sam Keller"))
    stage.told("Sam acknowledged it, for an hour, and the post says so")


async def _is_called_again(stage: Stage) -> None:
    stage.expect(for_support(stage, "Still needs support") is None, "support was called again although Sam has it")
    await stage.hours_pass(1.02)
    again = await stage.see("the next call", lambda: for_support(stage, "Still needs support", "had it in hand until"))
    mail = await stage.see("its mail", lambda: newest_mail(stage, SUPPORT_ADDRESS, "Still needs support"))
    await stage.see("the post, open again", lambda: _post(stage, "Nobody has it in hand now"))
    stage.told(f"the acknowledgement ended and support is called again: {first_line(again)!r}; mail {mail.subject!r}")


async def _ends(stage: Stage, card: Message) -> None:
    await stage.outside(stage.sandbox.shopify.script.clear)
    post = await stage.see("a button to try again", lambda: _button(stage, actions.ESCALATION_RETRY))
    await stage.act(lambda: stage.slack.click(SAM, post, actions.ESCALATION_RETRY))
    await is_ready(stage, card)
    closed = await stage.see("the post's last edit", lambda: _post(stage, "Ready after 4 h", "Acknowledged by Sam"))
    found = await stage.outside(lambda: posts(stage))
    stage.expect(len(found) == 1, f"one refresh has {len(found)} posts")
    stage.expect(not closed.actions, f"what is over has buttons: {list(closed.actions)}")
    told = next(line for line in closed.everything.splitlines() if "Ready after" in line)
    stage.told(f"Shopify is back and Sam pressed Retry; the one post was edited to its end: {told[:120]!r}")


async def _waits(stage: Stage) -> bool:
    return any(one.active is not None and one.active.failure is not None for one in await stage.statuses())


def _post(stage: Stage, *words: str) -> Message | None:
    return next((one for one in reversed(posts(stage)) if all(word in one.everything for word in words)), None)


def _button(stage: Stage, action: str) -> Message | None:
    return next((one for one in reversed(posts(stage)) if action in one.actions), None)
