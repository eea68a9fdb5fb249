#!/usr/bin/env python3
"""Searching inverted lists by their codes beside indexes of the Python package faiss-cpu, in one run.

usage: lists.py --data DIR --lists K [--points N] [--queries N] [--k 10] [--probes 4,16,64] [--threads 1,2] [--rounds 5]
                [--program PATH]

DIR has base.fvecs and query.fvecs.  All have the same centroids, probes and threads, and codes of a bit an element (rabitq) or
of four bits for four elements (pq), and return the K points that seem nearest; all queries are one batch.  Recall is the part
of the true K among these.  Medians of interleaved rounds; the ratio is faiss's time by ours.  Needs numpy and faiss-cpu;
prints a table in Markdown.
"""
import statistics
import tempfile
import time

import faiss
import numpy as np

import in_process


def faiss_indexes(centroids, points):
    """The peers by name, with the same lists."""
    lists, dims = centroids.shape

    def quantizer():
        flat = faiss.IndexFlatL2(dims)
        flat.add(centroids)
        return flat

    indexes = {
        "rabitq": {"IndexIVFRaBitQ": faiss.IndexIVFRaBitQ(quantizer(), dims, lists, faiss.METRIC_L2)},
        "pq": {"IndexIVFPQFastScan": faiss.IndexIVFPQFastScan(quantizer(), dims, lists, dims // 4, 4)},
    }
    indexes["rabitq"]["IndexIVFRaBitQ"].qb = 8
    if hasattr(faiss, "IndexIVFRaBitQFastScan"):
        indexes["rabitq"]["IndexIVFRaBitQFastScan"] = faiss.IndexIVFRaBitQFastScan(
            quantizer(), dims, lists, faiss.METRIC_L2)
    for index in (index for group in indexes.values() for index in group.values()):
        index.train(points)
        index.add(points)
    return indexes


def search_faiss(index, queries, k, probes, threads):
    faiss.omp_set_num_threads(threads)
    index.nprobe = probes
    start = time.perf_counter()
    found = index.search(queries, k)[1]
    return time.perf_counter() - start, found


def search_ours(program, files, arguments, k, out):
    seconds = in_process.measure(program, *files, *arguments, out)["search"]
    return seconds, np.fromfile(out, np.int32).reshape(-1, k)


def recall(found, truth):
    return np.mean([len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist())]) / truth.shape[1]


def main():
    parser = in_process.parser("lists", rounds=5)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--probes", default="4,16,64")
    args = parser.parse_args()

    points = in_process.read_fvecs(args.data / "base.fvecs", args.points)
    queries = in_process.read_fvecs(args.data / "query.fvecs", args.queries)
    dims = points.shape[1]
    flat = faiss.IndexFlatL2(dims)
    flat.add(points)
    truth = flat.search(queries, args.k)[1]
    kmeans = faiss.Kmeans(dims, args.lists, niter=10, seed=1)
    kmeans.train(points)
    indexes = faiss_indexes(kmeans.centroids, points)
    print(f"| {len(points):,} x {dims}, {args.lists} lists, k {args.k} | probes | threads | us a query | ratio | recall |\n"
          "|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{name}" for name in ("points", "queries", "centroids")]
        for file, rows in zip(files, (points, queries, kmeans.centroids)):
            np.ascontiguousarray(rows, np.float32).tofile(file)
        for quantizer, peers in indexes.items():
            for probes in map(int, args.probes.split(",")):
                for threads in map(int, args.threads.split(",")):
                    runs = {name: [] for name in ("ours", *peers)}
                    for _ in range(args.rounds):
                        runs["ours"].append(search_ours(
                            args.program, files, (dims, args.lists, quantizer, args.k, probes, threads), args.k, f"{folder}/found"))
                        for name, index in peers.items():
                            runs[name].append(search_faiss(index, queries, args.k, probes, threads))
                    for name, results in runs.items():
                        seconds = statistics.median(result[0] for result in results)
                        ratio = statistics.median(peer[0] / own[0] for peer, own in zip(results, runs["ours"]))
                        label = quantizer if name == "ours" else name
                        print(f"| {label} | {probes} | {threads} | {seconds / len(queries) * 1e6:.1f} | "
                              f"{'' if name == 'ours' else f'{ratio:.2f}'} | {recall(results[0][1], truth):.3f} |", flush=True)


main()
