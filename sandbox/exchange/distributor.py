"""PocketAdvantage as a distributor has it: an account on an SFTP and one on an FTPS server, each with its orders."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.exchange.ftp import FtpServer
from sandbox.exchange.inventiv import ANSWERS, VIEW, Inventiv
from sandbox.exchange.sftp import SftpServer
from sandbox.providers.quickbooks import Books

#: The distributor's accounts at Inventiv: files of the one travel by SFTP, of the other by FTPS.
BY_SFTP, BY_FTPS = "temerity-01", "temerity-02"
_COMPANY = "Temerity Goods"
_ORDERED = 40


@dataclass(frozen=True)
class Distributor:
    """Both accounts, running."""

    #: where the product may look for databases of this machine: EXCHANGE_FOLDER
    folder: Path
    sftp: SftpServer
    ftps: FtpServer
    #: by account
    orders: Mapping[str, Inventiv]

    def environment(self) -> dict[str, str]:
        """Return the variables that let the product reach both."""
        return {"EXCHANGE_FOLDER": str(self.folder), "EXCHANGE_HOSTS": "127.0.0.1"}

    def sources(self) -> list[dict[str, Any]]:
        """Return both connections as a seed file would declare them."""
        return [_source(BY_SFTP, self._by_sftp()), _source(BY_FTPS, self._by_ftps())]

    def files(self, account: str) -> dict[str, bytes]:
        """Return what lies in an account's folder of newest files, by name; what is still on its way is none."""
        folder = (self.sftp if account == BY_SFTP else self.ftps).folder / f"latest{account}"
        if not folder.is_dir():
            return {}
        return {one.name: one.read_bytes() for one in sorted(folder.glob("*.fil"))}

    def earlier(self, account: str) -> list[bytes]:
        """Return what lies in an account's folder of earlier files."""
        folder = (self.sftp if account == BY_SFTP else self.ftps).folder / f"archive{account}"
        return [one.read_bytes() for one in sorted(folder.glob("*.fil"))]

    def told(self, account: str) -> list[str]:
        """Return every command that the account's server took."""
        server = self.sftp if account == BY_SFTP else self.ftps
        return list(server.faults.said)

    def _by_sftp(self) -> dict[str, Any]:
        server = self.sftp
        return {
            "protocol": "sftp", "host": server.host, "port": server.port, "account": server.account,
            "password": server.password, "host_key": server.host_key,
        }  # fmt: skip

    def _by_ftps(self) -> dict[str, Any]:
        server = self.ftps
        return {
            "protocol": "ftps", "host": server.host, "port": server.port, "account": server.account,
            "password": server.password, "authority": server.authority,
        }  # fmt: skip


def _source(account: str, place: Mapping[str, Any]) -> dict[str, Any]:
    orders = {"engine": "sqlite", "database": f"{account}.db", "view": VIEW, "answers": ANSWERS}
    declared = {"store": "exchange", "company": _COMPANY, "cust_id": account, **place, "orders": orders}
    return {
        "provider": "pocketadvantage",
        "account": account,
        "company": _COMPANY,
        "credentials": {"access_token": json.dumps(declared)},
    }


@contextlib.contextmanager
def distributor(folder: Path, organization: str, books: Books) -> Iterator[Distributor]:
    """Run both servers, with databases in the organization's folder, until the block ends."""
    own = folder / organization
    for each in (own, folder / "by-sftp", folder / "by-ftps"):
        each.mkdir(parents=True, exist_ok=True)
    customers, items = _customers(books), _items(books)
    orders = {
        account: Inventiv(own / f"{account}.db", account, customers, items, seed=seed, _number=1000 * seed)
        for seed, account in enumerate((BY_SFTP, BY_FTPS), 1)
    }
    with (
        SftpServer(folder / "by-sftp") as sftp,
        FtpServer(folder / "by-ftps", security="explicit", certified_host="127.0.0.1") as ftps,
    ):
        yield Distributor(folder, sftp, ftps, orders)


def _customers(books: Books) -> Sequence[str]:
    return [str(one["Id"]) for one in books.truth("Customer") if one.get("Active", True)][:_ORDERED]


def _items(books: Books) -> Sequence[tuple[str, Decimal]]:
    found = [one for one in books.truth("Item") if one.get("Active", True) and one.get("Type") != "Category"]
    return [
        (str(one.get("Sku") or one["Id"]), Decimal(str(one.get("UnitPrice", "1.00"))).quantize(Decimal("0.01")))
        for one in found
    ][:_ORDERED]
