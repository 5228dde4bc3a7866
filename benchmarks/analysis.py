"""How long a large study takes to export and to analyse: 500 observers with 2,000 images each, a million answers.

Run from the project's root: PYTHONPATH=. python benchmarks/analysis.py
"""

import random
import time

from app.analysis.export import export_files
from app.simulate import SimulatedObserver, measures

OBSERVERS, IMAGES = 500, 2000
START_MS = 1_790_000_000_000


def answers() -> list[dict]:
    rows = []
    for o in range(OBSERVERS):
        chance = random.Random(o)
        observer = SimulatedObserver.draw(0.7, chance)
        session = {"study": "large", "session": f"{o:016x}", "observer": f"Observer {o}", "simulated": False}
        session |= {"role": "general", "specialty": None, "years": o % 40}
        rows += [session | trial(i, observer, chance) for i in range(IMAGES)]
    return rows


def trial(i: int, observer: SimulatedObserver, chance: random.Random) -> dict:
    rating, seconds = observer.decide(i % 2 == 1, chance)
    began = START_MS + i * 9000
    return {
        "kind": "scored",
        "number": i + 1,
        "repeat": False,
        "image": f"{i:032x}",
        "truth": "synthetic" if i % 2 else "real",
        "pool": "b" if i % 2 else "a",
        "source": f"{i}.png",
        "rating": rating,
        "viewing_ms": 13000,
        "late": False,
        "released_at": began,
        "shown_at": began + 10,
        "received_at": began + round(1000 * seconds),
        "painted_at": began + 15.5,
        **measures(seconds, seconds + 0.5, 13000),
        "load_ms": 16.7,
        "screen_width": 1920,
        "screen_height": 1080,
        "pixel_ratio": 1.0,
    }


def main() -> None:
    rows = answers()
    began = time.perf_counter()
    files = export_files({}, rows, {})
    seconds = time.perf_counter() - began
    size = sum(map(len, files.values())) / 1e6
    print(f"{len(rows):,} answers exported and analysed in {seconds:.1f} s ({size:.0f} MB in {len(files)} files)")


if __name__ == "__main__":
    main()
