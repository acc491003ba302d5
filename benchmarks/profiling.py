"""`python -m benchmarks.profiling a`: where the framework's own time goes in a work.

cProfile over all threads of one run; it makes Python code look slower beside compiled code than it
is. `--import-time` tells what importing costs instead.
"""

from __future__ import annotations

import argparse
import pstats
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.commands import copied, start
from benchmarks.runs import served
from benchmarks.venvs import cache_folder
from benchmarks.works import OURS, SIZES, works

RUNNER = """
import cProfile, pstats, sys, threading
profiles = []
def begin(*_):
    profile = cProfile.Profile()
    profiles.append(profile)
    profile.enable()
threading.setprofile(begin)
begin()
from framework.cli.main import main
code = main(sys.argv[2:])
for profile in profiles:
    profile.disable()
stats = None
for profile in profiles:
    try:
        stats = stats.add(profile) if stats else pstats.Stats(profile)
    except TypeError:
        continue
stats.dump_stats(sys.argv[1])
sys.exit(code)
"""


def main() -> int:
    """Run the work once under the profiler and print the top entries."""
    parser = argparse.ArgumentParser(prog="benchmarks.profiling", description=__doc__)
    parser.add_argument("work", help="a, a-bundled, b, ...")
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--top", type=int, default=35)
    parser.add_argument("--sort", default="tottime", choices=("tottime", "cumtime"))
    parser.add_argument("--import-time", action="store_true")
    parser.add_argument("--keep", type=Path, help="where the profile is written")
    given = parser.parse_args()
    work = next(w for w in works(given.size) if w.key == given.work)
    packages = {OURS: copied(cache_folder())}
    with served(work) as server, TemporaryDirectory(dir=cache_folder()) as name:
        folder = Path(name)
        started = start(OURS, work, server.address, folder, packages)
        words = started.command[3:]  # after `python -m framework`
        kept = given.keep.resolve() if given.keep else folder / "profile"
        command = [sys.executable, "-c", RUNNER, str(kept), *words]
        if given.import_time:
            command = [sys.executable, "-X", "importtime", "-m", "framework", *words]
        done = subprocess.run(
            command, cwd=folder, env=started.environment, text=True, stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if given.import_time:
            rows = [line.split("|") for line in done.stderr.splitlines() if "import time:" in line]
            named = [r for r in rows if len(r) == 3 and r[1].strip().isdigit()]
            for row in sorted(named, key=lambda r: -int(r[1]))[: given.top]:
                sys.stdout.write(f"{int(row[1]) / 1000:8.1f} ms {row[2]}\n")
        elif done.returncode:
            sys.stderr.write(done.stderr)
        else:
            pstats.Stats(str(kept)).sort_stats(given.sort).print_stats(given.top)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
