"""`python -m tests.chaos`: breaks a desk under load and proves that nothing was lost. Exit code 1 if something was.

`CHAOS_SIZE` is `short` (about a minute) or `long` (thousands of tickets, every kind of fault), `SEED` repeats a
run; `--tickets`, `--faults` and `--length` override the size. The folder of a failed run is kept.
"""

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.chaos.report import markdown
from tests.chaos.run import long, run, say, short


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or random.randrange(10**6)))
    parser.add_argument("--size", choices=("short", "long"), default=os.environ.get("CHAOS_SIZE") or "short")
    parser.add_argument("--tickets", type=int)
    parser.add_argument("--faults", type=int)
    parser.add_argument("--length", type=float, help="seconds in which tickets are opened and faults strike")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a good run, too")
    given = parser.parse_args()
    plan = (long if given.size == "long" else short)(given.seed)
    wanted = {name: getattr(given, name) for name in ("tickets", "faults", "length")}
    plan = replace(plan, **{name: value for name, value in wanted.items() if value is not None})
    folder = Path(tempfile.mkdtemp(prefix="duradesk-chaos-")).resolve()
    say(f"SEED={plan.seed}, in {folder}")
    outcome = asyncio.run(run(plan, folder))
    sys.stdout.write(markdown(outcome) + "\n")
    if outcome.passed and not given.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"kept: {folder}")
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main())
