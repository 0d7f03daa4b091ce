"""psutil takes the same figures as Upkeep's live sampler, for a ratio in one run.

Questions come on stdin, one a line, answers go to stdout as numbers:
  figures N    milliseconds of each of N samples without processes
  all N        the same with the ten busiest processes by CPU and by memory
  run SECONDS  a sample each second, processes every other one: CPU seconds, seconds, resident bytes at the end
"""

import heapq
import sys
import time

import psutil

# what is mounted is looked up seldom by Upkeep, too: never within these samples
MOUNTS = [part.mountpoint for part in psutil.disk_partitions(all=False)] + ["/dev/shm"]


def figures():
    psutil.cpu_percent(percpu=True)
    psutil.cpu_times_percent()
    psutil.virtual_memory()
    psutil.swap_memory()
    psutil.getloadavg()
    psutil.boot_time()
    for mount in MOUNTS:
        psutil.disk_usage(mount)
    psutil.disk_io_counters(perdisk=True)
    psutil.net_io_counters(pernic=True)


def processes():
    every = [p.info for p in psutil.process_iter(["pid", "name", "cpu_percent", "memory_info"])]
    seen = [p for p in every if p["memory_info"] is not None]
    heapq.nlargest(10, seen, key=lambda p: p["cpu_percent"] or 0.0)
    heapq.nlargest(10, seen, key=lambda p: p["memory_info"].rss)


def timed(count, *parts):
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        for part in parts:
            part()
        times.append((time.perf_counter() - begun) * 1000)
    return times


def run(seconds):
    begun, used = time.monotonic(), time.process_time()
    for index in range(seconds):
        figures()
        if index % 2 == 0:
            processes()
        time.sleep(1)
    resident = psutil.Process().memory_info().rss
    return [time.process_time() - used, time.monotonic() - begun, resident]


for question in sys.stdin:
    what, number = question.split()
    if what == "figures":
        answer = timed(int(number), figures)
    elif what == "all":
        answer = timed(int(number), figures, processes)
    else:
        answer = run(int(number))
    print(*answer, flush=True)
