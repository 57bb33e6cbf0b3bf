"""The default world: Temerity Goods, the operator's support team, a company that shares one channel, and others.

The others have not installed the app: Harbour & Pine, and the two workspaces of the Northwind Group (an enterprise).
"""

from sandbox.slack.world import Channel, Installation, Person, SlackApp, Team, UserGroup, World
from storage.facts.secret import Secret

#: Words after the command that the page suggests.
_WORDS = (
    *("", "status", "refresh all", "refresh shopify", "status quickbooks", "why shopify", "history", "help"),
    *("exchange", "exchange temerity-01 customers", "metrics", "metric new", "connect", "members", "notify"),
)


def temerity_goods() -> World:
    """Build the world of the demo; every call makes a fresh one, to be changed freely."""
    people = [*_customers(), *_bots(), Person("U0SAM", "T0SUPPORT", "sam", "Sam Keller", "sam@support.example",
                                             "Europe/London", "Support engineer")]  # fmt: skip
    people += _elsewhere()
    people.append(Person("U0OUTSIDE", "T0OUTSIDE", "ola", "Ola Berg", "ola@brightwater.example", "Europe/Oslo"))
    return World(
        teams={
            team.id: team
            for team in (
                Team("T0TEMERITY", "Temerity Goods", "temerity-goods"),
                Team("T0SUPPORT", "Tidings Support", "tidings-support"),
                Team("T0OUTSIDE", "Brightwater Accountants", "brightwater"),
                Team("T0HARBOUR", "Harbour & Pine", "harbour-pine"),
                Team("T0NWEAST", "Northwind East", "northwind-east", "E0NORTHWIND"),
                Team("T0NWWEST", "Northwind West", "northwind-west", "E0NORTHWIND"),
            )
        },
        people={person.id: person for person in people},
        channels={channel.id: channel for channel in _channels()},
        app=_app(),
        act_as=("U0MAYA", "U0DANIEL", "U0PRIYA", "U0SAM"),
        suggestions=("/data", "/data refresh all", "/data exchange", "/data metrics", "is shopify fresh?"),
        enterprises={"E0NORTHWIND": "Northwind Group"},
        groups={"S0FINTEAM": UserGroup("S0FINTEAM", "T0TEMERITY", "finance-team", {"U0MAYA"})},
    )


def _elsewhere() -> list[Person]:
    """Return people of workspaces where the app is not installed yet."""
    return [
        Person("U0RUTH", "T0HARBOUR", "ruth", "Ruth Vale", "ruth@harbourpine.example", "America/Chicago", "Owner",
               is_admin=True),
        Person("U0TOM", "T0HARBOUR", "tom", "Tom Beck", "tom@harbourpine.example", "America/Chicago", "Books"),
        Person("U0NORA", "T0NWEAST", "nora", "Nora Lind", "nora@northwind.example", "America/New_York", "Admin",
               is_admin=True),
        Person("U0WES", "T0NWWEST", "wes", "Wes Okafor", "wes@northwind.example", "America/Los_Angeles", "Finance",
               is_admin=True),
    ]  # fmt: skip


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
        Channel("C0HARBOUR", "T0HARBOUR", "books", {"U0RUTH", "U0TOM"}, purpose="Month end"),
        Channel("C0NWEAST", "T0NWEAST", "finance", {"U0NORA"}, purpose="East"),
        Channel("C0NWWEST", "T0NWWEST", "finance", {"U0WES"}, purpose="West"),
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
        shortcuts={
            "refresh_data": ("global", "Refresh data"),
            "connect_source": ("global", "Connect a source"),
            "explain_this": ("message", "Explain this"),
        },
    )
