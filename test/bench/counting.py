#!/usr/bin/env python3
"""What statistics and samples of searches cost: the share of the processor's time of a session that searches.

usage: counting.py --bindir DIR [--rows N] [--dims N] [--seconds N]

Finds a server by the environment, on which it makes and drops the database `counting`.  One session of pgbench searches by hnsw,
each search a transaction, while perf samples where its time goes.  Counted are the functions of src/counters and scan_count.c, and
all readings of the clock, whoever wants them; of hash tables and locks, which all of PostgreSQL uses, nothing.  For a perf that may sample: as root, or kernel.perf_event_paranoid = -1.

Of samples of queries (vector.sample_queries) it measures the processor's time of searches, in user and kernel mode, with all of them
sampled and with none, in turns.  All of those sampled are kept, which costs most, as the samples are forgotten before each turn.
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


# searches of a turn, which may all be kept; turns of each kind
SAMPLED = 1000
TURNS = 20
SAMPLING = """
CREATE FUNCTION spent() RETURNS bigint LANGUAGE sql AS $$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint $$;
CREATE FUNCTION turn(fraction int, OUT ns bigint) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM vector_query_samples_reset('counting_v'), set_config('vector.sample_queries', fraction::text, false);
	ns := -spent();
	PERFORM count(*) FROM (SELECT v::vector({dims}) AS q FROM counting WHERE id <= {sampled}) s,
		LATERAL (SELECT id FROM counting ORDER BY v::vector({dims}) <-> s.q LIMIT 10) t;
	ns := ns + spent();
END $$;
SET enable_seqscan = off;
SELECT turn(0);
SELECT sum(turn(0)), sum(turn(1)) FROM generate_series(1, {turns});
"""


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
        sampling = subprocess.run([os.path.join(options.bindir, "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "counting"], check=True, stdout=subprocess.PIPE,
                                  text=True, input=SAMPLING.format(dims=options.dims, sampled=SAMPLED, turns=TURNS)).stdout
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
    without, with_samples = (int(ns) / SAMPLED / TURNS / 1000 for ns in sampling.split()[-1].split("|"))
    more = 100 * (with_samples - without) / without
    print(f"  a search takes {without:.1f} us of the processor, {with_samples - without:.1f} us more ({more:.2f} %) if its query is kept as a sample: "
          f"{more / 100:.3f} % with vector.sample_queries = 0.01")
    sys.exit(share >= 1 or more / 100 >= 1)


main()
