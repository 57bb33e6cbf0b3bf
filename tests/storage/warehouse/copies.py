"""Lakes that several tests begin with: filled once in each process of the tests, and copied for each of them."""

from collections.abc import Callable

from storage.warehouse import Warehouse
from storage.warehouse.location import locate

#: what was filled, and for whom -> the files of the lake
_FILES: dict[tuple[str, str], dict[str, bytes]] = {}


def filled_once(url: str, organization: str, fill: Callable[[Warehouse, str], None]) -> Warehouse:
    """Return a filled lake. A catalog in Postgres is filled each time: it is no file that could be copied."""
    warehouse = Warehouse(url, organization, threads=1)
    location = locate(url, organization)
    if location.catalog is None:
        fill(warehouse, organization)
        return warehouse
    name = (f"{fill.__module__}.{fill.__qualname__}", organization)
    if name not in _FILES:
        fill(warehouse, organization)
        files = [path for path in location.home.rglob("*") if path.is_file() and not path.name.endswith("-shm")]
        _FILES[name] = {str(path.relative_to(location.home)): path.read_bytes() for path in files}
        return warehouse
    location.create_folders()
    for place, content in _FILES[name].items():
        path = location.home / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return warehouse
