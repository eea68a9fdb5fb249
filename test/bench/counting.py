#!/usr/bin/env python3
"""What the statistics of searches cost: the share of the processor's time of a session that searches.

usage: counting.py --bindir DIR [--rows N] [--dims N] [--seconds N]

Finds a server by the environment, on which it makes and drops the database `counting`.  One session of pgbench searches by hnsw,
each search a transaction, while perf samples where its time goes.  Counted are the functions of src/counters and scan_count.c, and
all readings of the clock, whoever wants them; of hash tables and locks, which all of PostgreSQL uses, nothing.  For a perf that may sample: as root, or kernel.perf_event_paranoid = -1.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

# the functions of which the whole time is that of counting
COUNTING = re.compile(r"^(scan_count_\w+|scan_statistics|add_statistics|counters_\w+|own_of|add_own|add_new_counters|at_transaction_end|find_place|slow_report|"
                      r"add_counters|clock_gettime\S*|__vdso_clock_gettime|GetCurrentTransactionStopTimestamp)$")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bindir", required=True)
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--dims", type=int, default=128)
    parser.add_argument("--seconds", type=int, default=8)
    options = parser.parse_args()

    def sql(text, database="counting"):
        return subprocess.run([os.path.join(options.bindir, "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", text],
                              check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    sql("CREATE DATABASE counting", "postgres")
    try:
        for statement in (
                "CREATE EXTENSION vector", "CREATE TABLE counting (id int PRIMARY KEY, v vector)",
                f"INSERT INTO counting SELECT n, (SELECT array_agg((hashint8extended(n, d) & 1023)::real) FROM generate_series(1, {options.dims}) d)::vector "
                f"FROM generate_series(1, {options.rows}) n",
                f"CREATE INDEX counting_v ON counting USING hnsw ((v::vector({options.dims})) vector_l2_ops)", "VACUUM ANALYZE counting"):
            sql(statement)
        query = f"SELECT id FROM counting ORDER BY v::vector({options.dims}) <-> (SELECT v::vector({options.dims}) FROM counting WHERE id = :i) LIMIT 10;"
        with tempfile.TemporaryDirectory() as folder:
            script, data = os.path.join(folder, "script"), os.path.join(folder, "perf")
            with open(script, "w", encoding="utf-8") as file:
                file.write(f"\\set i random(1, {options.rows})\n{query}\n")
            bench = subprocess.Popen([os.path.join(options.bindir, "pgbench"), "-n", "-M", "prepared", "-T", str(options.seconds + 3), "-f", script, "counting"],
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            time.sleep(1.5)
            pid = sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench'")
            subprocess.run(["perf", "record", "-q", "-e", "cpu-clock:u", "-F", "4000", "-o", data, "-p", pid, "--", "sleep", str(options.seconds)], check=False,
                           stderr=subprocess.DEVNULL)
            output = bench.communicate()[0]
            report = subprocess.run(["perf", "report", "-i", data, "--stdio", "--sort", "symbol", "-F", "overhead,sample,symbol"], check=True, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, text=True).stdout
        plan = sql(f"EXPLAIN {query.replace(':i', '1')}")
        if "counting_v" not in plan:
            sys.exit("searches do not use the index")
    finally:
        sql("DROP DATABASE counting", "postgres")
    samples = [(int(n), symbol) for n, symbol in re.findall(r"^\s+[\d.]+%\s+(\d+)\s+\[\S\] (\S+)", report, re.M)]
    total = sum(n for n, _ in samples)
    counting = [(n, symbol) for n, symbol in samples if COUNTING.match(symbol)]
    print(f"{options.rows} rows of {options.dims} dimensions, hnsw: {re.search(r'tps = ([0-9.]+)', output)[1]} searches per second, {total} samples")
    for n, symbol in sorted(counting, reverse=True):
        print(f"  {100 * n / total:6.3f} %  {symbol}")
    share = 100 * sum(n for n, _ in counting) / total
    print(f"  {share:6.3f} %  of the processor's time is counting")
    sys.exit(share >= 1)


main()
