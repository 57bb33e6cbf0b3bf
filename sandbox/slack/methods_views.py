"""Web API: modals, Home tabs, and the check of blocks without a post."""

from sandbox.slack import check
from sandbox.slack.core import Core
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.views import View
from sandbox.slack.world import Installation


def open_modal(core: Core, app: Installation, args: Json) -> Json:
    """Open a modal for the person who has just acted (`views.open`)."""
    content = prepared(core, args.get("view"), "modal")
    trigger = core.triggers.take(args.get("trigger_id"), app.team)
    return _shown(core, "open", core.views.open(app.team, trigger.user, content))


def push(core: Core, app: Installation, args: Json) -> Json:
    """Put a modal on top of the open one (`views.push`)."""
    content = prepared(core, args.get("view"), "modal")
    trigger = core.triggers.take(args.get("trigger_id"), app.team)
    return _shown(core, "push", core.views.push(app.team, trigger.user, content))


def update(core: Core, app: Installation, args: Json) -> Json:
    """Change an open modal (`views.update`); a wrong hash means that somebody was quicker."""
    view_id, external_id = args.get("view_id"), args.get("external_id")
    if not view_id and not external_id:
        raise Refusal("invalid_arguments", "view_id or external_id is required")
    content = prepared(core, args.get("view"), "modal")
    view = core.views.update(app.team, content, view_id=view_id, external_id=external_id, expected=args.get("hash"))
    return _shown(core, "update_view", view)


def publish(core: Core, app: Installation, args: Json) -> Json:
    """Show content in a person's Home tab (`views.publish`)."""
    content = prepared(core, args.get("view"), "home")
    person = core.world.people.get(str(args.get("user_id")))
    if person is None or person.team != app.team:
        raise Refusal("invalid_arguments", "no such user [json-pointer:/user_id]")
    return _shown(core, "publish", core.views.publish(app.team, person.id, content, args.get("hash")))


def validate(_core: Core, _app: Installation, args: Json) -> Json:
    """Check blocks, a message or a view without showing them to anybody (`blocks.validate`)."""
    given = [name for name in ("blocks", "message", "view") if args.get(name) is not None]
    if len(given) != 1:
        raise Refusal("invalid_arguments", "exactly one of blocks, message, view is required")
    value = args[given[0]]
    if given[0] == "view":
        check.view(value, str(value.get("type")) if isinstance(value, dict) else "modal")
        return {}
    blocks = value.get("blocks") if given[0] == "message" and isinstance(value, dict) else value
    problems = check.block_problems(blocks, "message")
    if problems:
        raise Refusal("invalid_blocks", *problems)
    return {}


def prepared(core: Core, value: object, surface: str) -> Json:
    """Return a view that was checked, its blocks with identifiers."""
    content = check.view(value, surface)
    return content | {"blocks": check.with_block_ids(content["blocks"], core.stamps)}


def _shown(core: Core, kind: str, view: View) -> Json:
    core.show_view(kind, view)
    return {"view": core.view_wire(view)}
