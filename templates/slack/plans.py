"""Progress as a plan: one task for each step, with a state that Slack draws; words where it does not fit."""

from storage.facts.messages import Step, Steps, StepState
from templates.slack import limits
from templates.slack.inline import Reader, plain, rich_text
from templates.slack.room import Block, Room, weight

#: Slack has no word for what was stopped: the details say it, and nothing that did not end well looks done.
_STATUS = {
    StepState.WAITING: "pending",
    StepState.WORKING: "in_progress",
    StepState.DONE: "complete",
    StepState.FAILED: "error",
    StepState.STOPPED: "error",
}


def plan(part: Steps, reader: Reader, room: Room) -> list[Block]:
    """Return the plan; nothing where the part has no title, or does not fit whole."""
    if not part.title or not 0 < len(part.steps) <= limits.PLAN_TASKS:
        return []
    tasks = [_task(at, step, reader) for at, step in enumerate(part.steps)]
    block: Block = {"type": "plan", "title": plain(part.title, limits.PLAN_TITLE), "tasks": tasks}
    return [block] if weight(block) <= room.chars else []


def _task(at: int, step: Step, reader: Reader) -> Block:
    task: Block = {
        "type": "task_card",
        "task_id": f"step_{at}",
        "title": plain(step.title, limits.PLAN_TITLE),
        "status": _STATUS[step.state],
    }
    return task | ({"details": rich_text(step.detail, reader)} if step.detail else {})
