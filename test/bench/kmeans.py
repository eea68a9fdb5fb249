#!/usr/bin/env python3
"""k-means beside that of the Python package faiss-cpu, in one run.

usage: kmeans.py --data DIR --lists K [--points N] [--iterations 10] [--threads 1,2] [--rounds 3] [--program PATH]

DIR has base.fvecs, of which the first N points are taken (all of them unless given). Both train from the same points with the
same number of iterations and threads; ours also with its limit on the lists (balance), as plain iterations of
Lloyd's algorithm (plain) and without OpenBLAS (kernels). Inertia is computed by faiss over all the points, for both. Medians of interleaved
rounds, each with a seed of its own. Needs numpy and faiss-cpu; prints a table in Markdown.
"""
import statistics
import tempfile
import time

import faiss
import numpy as np

import in_process

VARIANTS = {"ours": [], "ours, balance 3": ["balance=3"], "ours, plain": ["plain"], "ours, kernels": ["kernels"]}


def quality(points, centroids):
    """The sum of squared distances, and the longest list relative to the mean."""
    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(centroids)
    distances, lists = index.search(points, 1)
    return float(distances.sum(dtype=np.float64)), np.bincount(lists[:, 0]).max() * len(centroids) / len(points)


def train_faiss(points, lists, iterations, threads, seed):
    faiss.omp_set_num_threads(threads)
    kmeans = faiss.Kmeans(points.shape[1], lists, niter=iterations, seed=seed, min_points_per_centroid=1,
                          max_points_per_centroid=len(points))
    start = time.perf_counter()
    kmeans.train(points)
    return (time.perf_counter() - start, *quality(points, kmeans.centroids))


def train_ours(program, file, points, lists, iterations, threads, seed, options):
    with tempfile.NamedTemporaryFile() as out:
        seconds = in_process.measure(program, file, points.shape[1], lists, iterations, threads, out.name, f"seed={seed}",
                                     *options)["train"]
        return (seconds, *quality(points, np.fromfile(out.name, np.float32).reshape(lists, -1)))


def main():
    parser = in_process.parser("kmeans", rounds=3)
    parser.add_argument("--iterations", type=int, default=10)
    arguments = parser.parse_args()

    points = in_process.read_fvecs(arguments.data / "base.fvecs", arguments.points)
    print(f"| {len(points):,} x {points.shape[1]}, {arguments.lists} lists, {arguments.iterations} iterations | threads | s |"
          " faiss s / s | inertia / faiss | longest list |\n|---|---|---|---|---|---|")
    with tempfile.NamedTemporaryFile() as file:
        points.tofile(file.name)
        for threads in map(int, arguments.threads.split(",")):
            runs = {name: [] for name in ("faiss-cpu", *VARIANTS)}
            for seed in range(1, arguments.rounds + 1):
                work = (points, arguments.lists, arguments.iterations, threads, seed)
                runs["faiss-cpu"].append(train_faiss(*work))
                for name, options in VARIANTS.items():
                    runs[name].append(train_ours(arguments.program, file.name, *work, options))
            for name, results in runs.items():
                seconds, inertia, longest = (statistics.median(column) for column in zip(*results))
                pairs = list(zip(runs["faiss-cpu"], results))
                speed = statistics.median(peer[0] / own[0] for peer, own in pairs)
                ratio = statistics.median(own[1] / peer[1] for peer, own in pairs)
                print(f"| {name} | {threads} | {seconds:.2f} | {speed:.2f} | {ratio:.4f} | {longest:.2f} |", flush=True)


main()
