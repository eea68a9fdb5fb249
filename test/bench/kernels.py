#!/usr/bin/env python3
"""The float kernels beside those of the Python packages numkong and simsimd, in one run.

usage: kernels.py [PATH OF THE kernels PROGRAM]

768 dimensions, one query against rows that fit the L1 cache with it.  The peers get rows in one call (a batch); the cost of
the call itself is taken off by the difference between sixteen rows and one.  Medians of interleaved rounds.  Needs
numpy, and numkong or simsimd; prints a table in Markdown.
"""
import importlib
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

DIMS, FEW, MANY, ROUNDS = 768, 1, 9, 7


def call_time(function, *arguments):
    """Nanoseconds a call, over enough calls to take ten milliseconds."""
    calls = 1
    while True:
        start = time.perf_counter_ns()
        for _ in range(calls):
            function(*arguments)
        elapsed = time.perf_counter_ns() - start
        if elapsed > 1e7:
            return elapsed / calls
        calls *= 2


def peer_times(peer):
    rng = np.random.default_rng(1)
    times = {}
    for name, dtype in (("f32", np.float32), ("f16", np.float16)):
        query = rng.random((1, DIMS), np.float32).astype(dtype)
        rows = rng.random((MANY, DIMS), np.float32).astype(dtype)
        few = rows[:FEW].copy()
        for kernel, metric in (("l2sq", "sqeuclidean"), ("dot", "dot")):
            times[f"{name} {kernel}"] = (call_time(peer.cdist, query, rows, metric) -
                                         call_time(peer.cdist, query, few, metric)) / (MANY - FEW)
    return times


def our_times(program):
    lines = subprocess.run([program, str(DIMS), str(MANY - 1)], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {(name, kernel): (float(ns), part) for name, kernel, ns, part in (line.split("\t") for line in lines[1:])}


def peers():
    for name in ("numkong", "simsimd"):
        try:
            yield importlib.import_module(name)
        except ImportError:
            print(f"{name} is not installed: left out", file=sys.stderr)


def main():
    default = pathlib.Path(__file__).resolve().parents[2] / "build" / "bench" / "kernels"
    program = sys.argv[1] if len(sys.argv) > 1 else str(default)
    contestants = list(peers())
    ours, theirs = [], {peer.__name__: [] for peer in contestants}
    for _ in range(ROUNDS):
        ours.append(our_times(program))
        for peer in contestants:
            theirs[peer.__name__].append(peer_times(peer))

    best = list(ours[0])[-1][0]
    print(f"| kernel, {DIMS} dimensions | set | ns a pair | % of load limit |" +
          "".join(f" {name}, ns | ratio |" for name in theirs))
    print("|---|---|---|---|" + "---|---|" * len(theirs))
    for key in ours[0]:
        name, kernel = key
        ns = statistics.median(run[key][0] for run in ours)
        part = ours[0][key][1] if ours[0][key][1] == "-" else f"{statistics.median(float(run[key][1]) for run in ours):.0f}"
        cells = ""
        plain = kernel.replace(" many", "")
        for runs in theirs.values():
            if name == best and plain in runs[0]:
                ratio = statistics.median(peer[plain] / own[key][0] for peer, own in zip(runs, ours))
                cells += f" {statistics.median(run[plain] for run in runs):.0f} | {ratio:.1f} |"
            else:
                cells += " | |"
        print(f"| {kernel} | {name} | {ns:.1f} | {part} |{cells}")


main()
