"""Hostile requests to every address and field of docs/openapi.json, at a real server.

    make benchmark-fuzz

Prints how the replies were distributed and exits with 1 if one was a 5xx, showed a trace, told an observer the truth or
did not fit the schema.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from attack import Attack, build_target, hail
from processes import quiz

SHOWN = 10  # failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        target = build_target(Path(folder))
        with quiz(target.data, Path(folder) / "server.log") as server:
            attack = Attack(server.port, target)
            hail(attack, options.requests, options.seed)
        errors = [line for line in (Path(folder) / "server.log").read_text().splitlines() if '"error"' in line]
    print(f"{attack.statuses.total()} requests, {len(attack.failures)} failures, {len(errors)} errors in the log")
    print(", ".join(f"{status or 'no reply'}: {count}" for status, count in sorted(attack.statuses.items())))
    print("\n".join([*attack.failures[:SHOWN], *errors[:SHOWN]]))
    sys.exit(bool(attack.failures or errors))


if __name__ == "__main__":
    main()
