"""huey on SQLite with synchronous=FULL: the same work as `make bench-queue` gives Upkeep, for a ratio in one run.

usage: peers.py FOLDER; needs the package huey.
"""

import os
import statistics
import sys
import time

from huey import SqliteHuey

FOLDER = sys.argv[1]
COUNT = 5_000
ROUNDS = 3


def one_round(number):
    """Enqueued and drained a second, by one client and one worker that claim and finish in turn."""
    file = os.path.join(FOLDER, f"huey-{number}.db")
    # results=False, as nobody reads them; fsync=True is synchronous=FULL
    huey = SqliteHuey("bench", filename=file, fsync=True, results=False)

    @huey.task()
    def noop():
        return None

    begun = time.perf_counter()
    for _ in range(COUNT):
        noop()
    enqueued = COUNT / (time.perf_counter() - begun)

    begun = time.perf_counter()
    done = 0
    while (task := huey.dequeue()) is not None:
        huey.execute(task)
        done += 1
    assert done == COUNT, done
    return enqueued, COUNT / (time.perf_counter() - begun)


rounds = [one_round(number) for number in range(ROUNDS)]
for what, figures in zip(("enqueue", "drain"), zip(*rounds)):
    figures = sorted(figures)
    print(f"{what} {statistics.median(figures):.0f} {figures[0]:.0f} {figures[-1]:.0f}")
