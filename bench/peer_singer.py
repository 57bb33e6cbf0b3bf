"""The Singer pair: our tap (`singer_tap`), written with the Singer SDK, into target-duckdb as it comes.

`python -m bench.peer_singer FOLDER_OF_ENVIRONMENTS column|table PAGES_JSON FOLDER [SINCE]` pipes one into the other, as
Singer does; the last line printed is what the tables hold, as JSON. Lines are a column of JSON, or a table as well.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TAP_PINS = ("singer-sdk==0.54.9",)
#: The target's release and DuckDB are of the same time: with DuckDB 1.5.5 it loses the first record of each batch, as
#: the CSV that it writes has no header and DuckDB takes the first line for one.
TARGET_PINS = ("target-duckdb==0.8.0", "duckdb==1.1.3")

_LOOK = """
import json, sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as lake:
    count, keys, total, noted = lake.execute(
        "SELECT count(*), count(DISTINCT id), sum(CAST(totalamt AS DECIMAL(18, 2))),"
        " count(*) FILTER (privatenote = 'looked at by the bench') FROM raw.invoice"
    ).fetchone()
    look = {"column": "sum(json_array_length(line)) FROM raw.invoice", "table": "count(*) FROM raw.invoice_line"}
    (lines,) = lake.execute(f"SELECT {look[sys.argv[2]]}").fetchone()
print(json.dumps({"rows": {"invoice": count, "invoice__line": int(lines)}, "keys": keys, "total": str(total),
                  "noted": noted, "versions": sys.argv[3:]}))
"""


def main(environments: Path, lines: str, said: dict[str, Any], folder: Path, since: str) -> None:
    """Run the pair once."""
    database = folder / "peer.duckdb"
    given = {key: said[key] for key in ("url", "realm", "access_token")}
    (folder / "tap.json").write_text(json.dumps({**given, "since": since, "lines": lines == "table"}))
    target = {"filepath": str(database), "default_target_schema": "raw", "data_flattening_max_level": 1}
    (folder / "target.json").write_text(json.dumps(target))
    script = Path(__file__).with_name("singer_tap.py").resolve()
    # -P: the script's own folder holds a module named as one of the tap's libraries is.
    tap = [str(environments / "tap/bin/python"), "-P", str(script), "--config", str(folder / "tap.json")]
    load = [str(environments / "target/bin/target-duckdb"), "--config", str(folder / "target.json")]
    with (folder / "log").open("w") as log:
        reading = subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=log)
        loading = subprocess.Popen(load, stdin=reading.stdout, stdout=log, stderr=log)
        if reading.stdout is not None:
            reading.stdout.close()
        ended = reading.wait(), loading.wait()
    if any(ended):
        raise SystemExit((folder / "log").read_text()[-2000:])
    look = [str(environments / "target/bin/python"), "-c", _LOOK, str(database), lines, *TAP_PINS, *TARGET_PINS]
    print(subprocess.run(look, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], json.loads(Path(sys.argv[3]).read_text()), Path(sys.argv[4]), sys.argv[5])
