"""QuickBooks Desktop, as admins see it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage.facts.messages import Message
from storage.facts.web_connector import CompanyFile, WebConnector
from templates.notices import desktop

NOW = datetime(2026, 11, 21, 19, 41, tzinfo=UTC)
URL = "https://tidings.example/files/web-connector?ticket=qbd_06e9"
_NEW = WebConnector(
    "qbd_06e9", "org_1", "src_pocket", "mem_1", "tidings-06e9", "d1c1b3f0-0000-5000-8000-000000000001",
    "d1c1b3f0-0000-5000-8000-000000000002", NOW - timedelta(days=3),
)  # fmt: skip
_BOUND = replace(
    _NEW, company=CompanyFile(r"C:\Books\Temerity.qbw", "<Temerity> & *Goods*"), called_at=NOW - timedelta(minutes=12)
)
_OTHER = replace(_BOUND, other=CompanyFile(r"D:\Old\Other.qbw", "Other Traders"))


def desktop_messages() -> dict[str, Message]:
    """Return every message about it."""
    until = NOW + timedelta(minutes=15)
    return {
        "desktops": desktop.desktops([(_BOUND, 2)], NOW),
        "desktops_none": desktop.desktops([], NOW),
        "desktops_new": desktop.desktops([(_NEW, 0)], NOW),
        "desktops_other_company": desktop.desktops([(_OTHER, 1)], NOW),
        "desktops_several": desktop.desktops([(_BOUND, 2)], NOW, {_BOUND.id: "temerity-02"}),
        "desktop_made_account": desktop.desktop_made(
            _NEW, "abcdef-ghijkl-mnopqr-stuvwx", URL, until, renewed=False, account="temerity-02"
        ),
        "desktop_made": desktop.desktop_made(_NEW, "abcdef-ghijkl-mnopqr-stuvwx", URL, until, renewed=False),
        "desktop_renewed": desktop.desktop_made(_BOUND, "abcdef-ghijkl-mnopqr-stuvwx", URL, until, renewed=True),
        "desktop_file": desktop.desktop_file(_BOUND, URL, until),
        "desktop_company": desktop.desktop_company(replace(_BOUND, company=_OTHER.other)),
        "desktop_removed": desktop.desktop_removed(_BOUND),
        "desktop_refused": desktop.desktop_refused("there is no such QuickBooks Desktop"),
        "desktop_usage": desktop.desktop_usage("<qbd_1> dance"),
    }
