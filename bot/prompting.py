"""The Messages tab was opened: what to ask is suggested, by what is wrong now and by what this person may do."""

from bot.case import Case
from bot.reply import Reply
from storage.facts.people import Action
from templates.notices.prompts import prompts


async def opened(case: Case) -> Reply:
    """Suggest questions, behind the ack."""

    async def looked() -> Reply:
        known = await case.looks.look(
            (case.member.organization_id, False), lambda: case.services.status.all(case.actor)
        )
        return Reply(prompts=prompts(known, may_refresh=case.may(Action.START_REFRESH)))

    return Reply(then=looked)
