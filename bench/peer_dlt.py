"""dlt's rest_api source into DuckDB, run inside an environment of its own; imports nothing of ours.

python peer_dlt.py default|tuned PAGES_JSON FOLDER COUNT SINCE: everything, or what changed since. The last line
printed is what the tables hold, as JSON.

It declares what ours does with the same records: the key, and merging by it. The paginator writes QuickBooks'
STARTPOSITION into the statement, as its API wants it. All else is left as it comes. `tuned` loads Parquet files instead
of INSERT statements, and uses more rows per file and several workers, as dlt's performance page advises.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

PAGE = 1000


def main(config: str, said: dict[str, Any], folder: Path, count: int, since: str) -> None:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    if config == "tuned":
        os.environ["DATA_WRITER__BUFFER_MAX_ITEMS"] = "20000"
        os.environ["NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS"] = "50000"
        os.environ["EXTRACT__DATA_WRITER__FILE_MAX_ITEMS"] = "50000"
        os.environ["NORMALIZE__WORKERS"] = "2"
    # By name: nobody who checks this file has them.
    dlt: Any = import_module("dlt")
    duckdb: Any = import_module("duckdb")
    paginators: Any = import_module("dlt.sources.helpers.rest_client.paginators")
    rest_api: Any = import_module("dlt.sources.rest_api")

    where = f" WHERE MetaData.LastUpdatedTime >= '{since}'" if since else " ORDERBY Id"

    class Positions(paginators.BasePaginator):  # type: ignore[misc] # not known here
        """Asks for page after page by STARTPOSITION."""

        def __init__(self) -> None:
            super().__init__()
            self.start = 1

        def init_request(self, request) -> None:
            self.update_request(request)

        def update_state(self, _response, _data=None) -> None:
            self.start += PAGE
            self._has_next_page = not since and self.start <= count

        def update_request(self, request) -> None:
            request.params = {
                "query": f"SELECT * FROM Invoice{where} STARTPOSITION {self.start} MAXRESULTS {PAGE}",
                "minorversion": "75",
            }

    source = rest_api.rest_api_source(
        {
            "client": {
                "base_url": f"{said['url']}/v3/company/{said['realm']}/",
                "auth": {"type": "bearer", "token": said["access_token"]},
                "headers": {"Accept": "application/json"},
            },
            "resources": [
                {
                    "name": "invoice",
                    "primary_key": "Id",
                    "write_disposition": "merge",
                    "endpoint": {"path": "query", "data_selector": "QueryResponse.Invoice", "paginator": Positions()},
                }
            ],
        }
    )
    database = folder / "peer.duckdb"
    pipeline = dlt.pipeline(
        "peer",
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="raw",
        pipelines_dir=str(folder / "state"),
    )
    pipeline.run(source, **({"loader_file_format": "parquet"} if config == "tuned" else {}))
    with duckdb.connect(str(database), read_only=True) as lake:
        tables = [
            row[0]
            for row in lake.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'raw' ORDER BY 1"
            ).fetchall()
        ]
        rows = {name: lake.execute(f'SELECT count(*) FROM raw."{name}"').fetchone()[0] for name in tables}
        noted = 0
        if since:
            (noted,) = lake.execute(
                "SELECT count(*) FROM raw.invoice WHERE private_note = 'looked at by the bench'"
            ).fetchone()
        keys, total = lake.execute(
            "SELECT count(DISTINCT id), sum(CAST(total_amt AS DECIMAL(18, 2))) FROM raw.invoice"
        ).fetchone()
    print(
        json.dumps(
            {
                "rows": rows,
                "keys": keys,
                "total": str(total),
                "noted": noted,
                "versions": [dlt.__version__, duckdb.__version__],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
