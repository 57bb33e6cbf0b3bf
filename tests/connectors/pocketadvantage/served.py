"""Orders in the stand-in of a SQL Server: its certificates, and the place that a declaration would name."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from connectors.pocketadvantage.orders.places import DatabasePlace, Engine
from sandbox.exchange import tds
from sandbox.exchange.certificates import Certified, certify
from sandbox.exchange.sql_server import SqlServer
from storage.facts.secret import Secret

#: of the sandbox's own database; all others are text there
TYPES = {"revision": tds.INT, "modified_at": tds.DATETIME2}


@cache
def certified(host: str = "localhost", *, expired: bool = False) -> Certified:
    """Return a certificate that lives as long as the tests."""
    folder = Path(tempfile.mkdtemp(prefix="tidings-certificates-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return certify(host, folder, expired=expired)


def served_place(server: SqlServer, **more: Any) -> DatabasePlace:
    """Return where the server's orders are."""
    said = {
        "database": server.database, "host": "localhost", "port": server.port, "user": server.user,
        "secret": Secret(server.password), "view": "dbo.v_orders_for_export", "back": "dbo.order_header",
        "authority": server.certified.authority if server.certified else "",
    }  # fmt: skip
    return DatabasePlace(engine=Engine.SQL_SERVER, cust_id="ACME01", **{**said, **more})
