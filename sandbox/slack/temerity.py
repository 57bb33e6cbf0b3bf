"""The default world: Temerity Goods, the operator's support team, and a company that shares one channel."""

from sandbox.slack.world import Channel, Installation, Person, SlackApp, Team, World
from storage.facts.secret import Secret

#: Words after the command that the page suggests.
_WORDS = ("", "status", "refresh all", "refresh shopify", "status quickbooks", "history", "help")


def temerity_goods() -> World:
    """Build the world of the demo; every call makes a fresh one, to be changed freely."""
    people = [*_customers(), *_bots(), Person("U0SAM", "T0SUPPORT", "sam", "Sam Keller", "sam@support.example",
                                             "Europe/London", "Support engineer")]  # fmt: skip
    people.append(Person("U0OUTSIDE", "T0OUTSIDE", "ola", "Ola Berg", "ola@brightwater.example", "Europe/Oslo"))
    return World(
        teams={
            team.id: team
            for team in (
                Team("T0TEMERITY", "Temerity Goods", "temerity-goods"),
                Team("T0SUPPORT", "Tidings Support", "tidings-support"),
                Team("T0OUTSIDE", "Brightwater Accountants", "brightwater"),
            )
        },
        people={person.id: person for person in people},
        channels={channel.id: channel for channel in _channels()},
        app=_app(),
        act_as=("U0MAYA", "U0DANIEL", "U0PRIYA", "U0SAM"),
        suggestions=("/data", "/data refresh all", "/data status quickbooks", "is shopify fresh?"),
    )


def _customers() -> list[Person]:
    """Return the people of Temerity Goods; the last four are there to be told apart from ordinary members."""
    team = "T0TEMERITY"
    return [
        Person("U0MAYA", team, "maya", "Maya Ortiz", "maya@temeritygoods.example", "America/New_York", "Finance"),
        Person("U0DANIEL", team, "daniel", "Daniel Kim", "daniel@temeritygoods.example", "America/Los_Angeles",
               "Controller, admin", is_admin=True),
        Person("U0PRIYA", team, "priya", "Priya Nair", "priya@temeritygoods.example", "Asia/Kolkata", "Viewer"),
        Person("U0GUEST", team, "gus", "Gus Ferrer", "gus@agency.example", "Europe/Madrid", "Guest",
               is_restricted=True),
        Person("U0GONE", team, "olive", "Olive Branch", "olive@temeritygoods.example", "America/New_York",
               deleted=True),
        Person("U0NOMAIL", team, "noor", "Noor Haddad", None, "Asia/Dubai"),
    ]  # fmt: skip


def _bots() -> list[Person]:
    return [
        Person("U0TIDINGS", "T0TEMERITY", "tidings", "Tidings", bot_id="B0TIDINGS"),
        Person("U0TIDSUP", "T0SUPPORT", "tidings", "Tidings", bot_id="B0TIDSUP"),
    ]


def _channels() -> list[Channel]:
    team, staff = "T0TEMERITY", {"U0MAYA", "U0DANIEL", "U0PRIYA", "U0NOMAIL"}
    return [
        Channel("C0FINANCE", team, "finance", staff | {"U0TIDINGS", "U0GUEST"}, purpose="Numbers, closes, questions"),
        Channel("C0GENERAL", team, "general", set(staff), purpose="Everyone; Tidings is not a member here"),
        Channel("C0BOARD", team, "board", {"U0DANIEL"}, is_private=True, purpose="Private"),
        Channel("C0PARTNERS", team, "partners", {"U0MAYA", "U0DANIEL", "U0OUTSIDE", "U0TIDINGS"},
                shared_with=frozenset({"T0OUTSIDE"}), purpose="Shared with Brightwater Accountants"),
        Channel("C0DATASUP", "T0SUPPORT", "data-support", {"U0SAM", "U0TIDSUP"}, purpose="Escalations"),
    ]  # fmt: skip


def _app() -> SlackApp:
    return SlackApp(
        id="A0TIDINGS",
        name="Tidings",
        signing_secret=Secret("sandbox-signing-secret"),
        app_token=Secret("xapp-sandbox-tidings"),
        client_id="sandbox-client",
        client_secret=Secret("sandbox-client-secret"),
        installations={
            "T0TEMERITY": Installation("T0TEMERITY", "U0TIDINGS", "B0TIDINGS", Secret("xoxb-sandbox-temerity")),
            "T0SUPPORT": Installation("T0SUPPORT", "U0TIDSUP", "B0TIDSUP", Secret("xoxb-sandbox-support")),
        },
        commands={"/data": _WORDS},
    )
