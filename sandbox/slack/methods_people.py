"""Web API: the app's own identity, and people."""

from zoneinfo import ZoneInfo

from sandbox.slack.core import Core
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.world import Installation, Person


def auth_test(core: Core, app: Installation, _: Json) -> Json:
    """Say whose token it is (`auth.test`)."""
    team = core.world.teams[app.team]
    return {
        "url": f"https://{team.domain}.slack.example/",
        "team": team.name,
        "user": core.bot(app.team).name,
        "team_id": team.id,
        "user_id": app.bot_user,
        "bot_id": app.bot_id,
        "app_id": core.world.app.id,
        "is_enterprise_install": app.enterprise is not None,
        **({"enterprise_id": app.enterprise} if app.enterprise else {}),
    }


def team_list(core: Core, app: Installation, _: Json) -> Json:
    """List the workspaces that the token serves (`auth.teams.list`)."""
    served = [
        each.team
        for each in core.world.app.installations.values()
        if not each.revoked and (each is app or (app.enterprise is not None and each.enterprise == app.enterprise))
    ]
    found = [{"id": team, "name": core.world.teams[team].name} for team in sorted(served)]
    return {"teams": found, "response_metadata": {"next_cursor": ""}}


def group_people(core: Core, app: Installation, args: Json) -> Json:
    """List the people of a user group (`usergroups.users.list`)."""
    group = core.world.groups.get(str(args.get("usergroup")))
    if group is None or group.team != app.team:
        raise Refusal("no_such_subteam")
    return {"users": sorted(group.people)}


def user_info(core: Core, app: Installation, args: Json) -> Json:
    """Describe a person (`users.info`)."""
    return {"user": wire(core, app, _visible(core, app, args.get("user")))}


def user_list(core: Core, app: Installation, _: Json) -> Json:
    """List the people of the team (`users.list`)."""
    found = [wire(core, app, person) for person in core.world.of_team(app.team)]
    return {"members": found, "cache_ts": int(core.clock.now().timestamp()), "response_metadata": {"next_cursor": ""}}


def user_profile(core: Core, app: Installation, args: Json) -> Json:
    """Return a person's profile (`users.profile.get`)."""
    return {"profile": _profile(app, _visible(core, app, args.get("user") or app.bot_user))}


def wire(core: Core, app: Installation, person: Person) -> Json:
    """Return a person as `users.info` and `user_change` show them to the app of that team."""
    offset = core.clock.now().astimezone(ZoneInfo(person.tz)).utcoffset()
    return {
        "id": person.id,
        "team_id": person.team,
        "name": person.name,
        "deleted": person.deleted,
        "real_name": person.real_name,
        "tz": person.tz,
        "tz_label": person.tz,
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": _profile(app, person),
        "is_admin": person.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": person.is_restricted,
        "is_ultra_restricted": False,
        "is_bot": person.bot_id is not None,
        "is_app_user": False,
        "is_stranger": person.team != app.team,
        "updated": int(core.clock.now().timestamp()),
    }


def _profile(app: Installation, person: Person) -> Json:
    profile: Json = {
        "real_name": person.real_name,
        "real_name_normalized": person.real_name,
        "display_name": person.name,
        "display_name_normalized": person.name,
        "title": person.title,
        "team": person.team,
    }
    if person.email and person.team == app.team and "users:read.email" in app.scopes:
        profile["email"] = person.email
    return profile | ({"bot_id": person.bot_id} if person.bot_id else {})


def _visible(core: Core, app: Installation, user: object) -> Person:
    """Return a person of the team, or of a team that shares a channel with the app; others read like missing ones."""
    person = core.world.people.get(user) if isinstance(user, str) else None
    shared = any(
        {user, app.bot_user} <= channel.people for channel in core.world.channels.values() if channel.is_ext_shared
    )
    if person is None or (person.team != app.team and not shared):
        raise Refusal("user_not_found")
    return person
