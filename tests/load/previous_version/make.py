"""Make the files of this folder: `python make.py PYTHON`, an interpreter that has the version.

It goes through the command line and dlt's own names only, so that any version can be run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import api
import duckdb

HERE = Path(__file__).parent
EXIT = 9
RUN = f"""
import os, sys, dlt
exit_at = os.environ["EXIT_AT"]
extract, exit = dlt.Pipeline.extract, lambda *_, **__: os._exit({EXIT})
if exit_at == "after extract":
    dlt.Pipeline.extract = lambda *a, **k: exit(extract(*a, **k))
if exit_at == "before load":
    dlt.Pipeline.load = exit
from framework.cli.main import entry
entry()
"""
WAYS = (("continued", ""), ("extracted", "after extract"), ("normalized", "before load"))


@contextmanager
def serving(day: int, requests: list[str]) -> Iterator[str]:
    """Serve the API of a day; collect the requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            url = urlsplit(self.path)
            since = parse_qs(url.query).get("since", [None])[0]
            body = json.dumps({"items": api.records(day, url.path, since)}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def run(python: str, folder: Path, day: int, exit_at: str = "") -> list[str]:
    """Run the connector in a folder; return the requests. `exit_at` is where the process ends."""
    requests: list[str] = []
    with serving(day, requests) as url:
        command = ["run", str(HERE / "shop.yaml"), "--set", f"base_url={url}"]
        environment = {**os.environ, "DLT_DATA_DIR": str(folder / "dlt"), "EXIT_AT": exit_at}
        done = subprocess.run(
            [python, "-c", RUN, *command], cwd=folder, env=environment, check=False
        )
    assert done.returncode == (EXIT if exit_at else 0), done
    return sorted(requests)


def pipeline_folder(folder: Path) -> Path:
    """Return dlt's working folder."""
    return next(path for path in (folder / "dlt" / "pipelines").iterdir() if path.is_dir())


def export(folder: Path, *queries: str) -> None:
    """Export from the DuckDB file."""
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for query in queries:
            connection.execute(query)


def rows(folder: Path) -> dict[str, list[str]]:
    """Return the rows of each table as trees, as the test compares them."""
    sys.path.insert(0, str(HERE.parents[2]))
    from tests.support.loaded_tables import left_in

    return left_in(folder).trees


def main(python: str) -> None:
    """Make a dataset on day 1, continue it in three ways, and write down what comes out."""
    expected = {}
    for name in ("dataset", "extracted", "normalized"):
        shutil.rmtree(HERE / name, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder, snapshot = Path(temporary, "shop"), Path(temporary, "snapshot")
        folder.mkdir()
        run(python, folder, 1)
        export(folder, f"EXPORT DATABASE '{HERE / 'dataset'}' (FORMAT csv)")
        script = HERE / "dataset" / "load.sql"
        script.write_text(script.read_text().replace(str(script.parent), "{folder}"))
        folder.rename(snapshot)
        for name, exit_at in WAYS:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(snapshot, folder)
            if exit_at:
                run(python, folder, 2, exit_at)
                left = HERE / name
                shutil.copytree(pipeline_folder(folder), left / "working_folder")
                (left / "working_folder" / "trace.pickle").unlink()
                for file in left.rglob("state.json"):
                    file.write_text(file.read_text().replace(str(folder), "/shop"))
                export(folder, f"COPY shop_data._dlt_loads TO '{left / 'loads.csv'}'")
            requests = run(python, folder, 3 if exit_at else 2)
            expected[name] = {"requests": requests, "rows": rows(folder)}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    folders = [path for name, exit_at in WAYS if exit_at for path in (HERE / name).rglob("*")]
    empty = [
        f"{path.relative_to(HERE)}\n"
        for path in folders
        if path.is_dir() and not any(path.iterdir())
    ]
    (HERE / "empty_folders.txt").write_text("".join(sorted(empty)))


if __name__ == "__main__":
    main(sys.argv[1])
