#!/usr/bin/env python3
"""Whether the planner chooses the fastest plan of a search with a condition, at any rate of passing rows.

    plans.py [--rows 60000] [--dims 96] [--queries 5] [--rates 20] [--where REGEX] [--keep] -- psql -h ... -U postgres

The command after -- is that of a psql which connects to a server that has the extension; the tables are made in its
database and dropped, or kept and used again with --keep.  The long form is --rows 1000000, and takes hours.

The vectors lie around 200 centers.  A condition is `column < n`, for n from all rows to one: on the column "any", which
has nothing to do with the vectors, or "near", the rank of the row by its distance from the first query, which is asked
along with others that are far.  Four tables have the same rows: the columns are attributes of the index, have
B-trees, have B-trees in a table that is in the order of "near", or have no index.  Each query is run as planned, and
with every other plan forced that settings can force: its time is the least of six runs, with planning.

The table has a line for each table, column and rate: the passing rows, the plan that was chosen and its time, the
fastest and its time, their ratio, and the rows that were returned of those wanted.  Cells above 1.5 and cells with too
few rows are marked and counted.
"""
import argparse
import re
import subprocess
import sys

SEQ, BITMAP, INDEX = "enable_seqscan = off", "enable_bitmapscan = off", "enable_indexscan = off"
FILTER, SORT = "vector.enable_filter_scan = off", "enable_sort = off"
FORCED = {
    "sequential scan": (BITMAP, INDEX, FILTER),
    "bitmap and sort": (SEQ, INDEX, FILTER),
    "vector scan": (SEQ, BITMAP, FILTER, SORT),
    # a vector scan that may have to read the table for its filter becomes dear
    "filter scan": (SEQ, SORT, "seq_page_cost = 10000"),
}

SETUP = """
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA plans;
SET search_path = plans, public;
SELECT setseed(0.5);
CREATE FUNCTION point(center int, id int, dims int) RETURNS vector LANGUAGE sql AS
    $$SELECT array_agg((hashint8extended(center, d) & 1023) / 512.0 + (hashint8extended(id, -d) & 1023) / 700.0)::vector
      FROM generate_series(1, dims) d$$;
CREATE TABLE queries AS SELECT n AS id, point(n * 41 % 200, -n, :dims)::vector(:dims) AS v FROM generate_series(1, :queries) n;
CREATE TABLE vectors AS SELECT n AS id, point(hashint4(n) & 127, n, :dims)::vector(:dims) AS v FROM generate_series(1, :rows) n;
CREATE TABLE no_index AS SELECT id, row_number() OVER (ORDER BY random()) - 1 AS any,
        row_number() OVER (ORDER BY v <-> (SELECT v FROM queries WHERE id = 1)) - 1 AS near, v FROM vectors ORDER BY id;
CREATE TABLE btree AS SELECT * FROM no_index ORDER BY id;
CREATE TABLE ordered AS SELECT * FROM no_index ORDER BY near;
CREATE TABLE attribute AS SELECT * FROM no_index ORDER BY id;
CREATE INDEX ON no_index USING hnsw (v vector_l2_ops);
CREATE INDEX ON btree USING hnsw (v vector_l2_ops);
CREATE INDEX ON btree ("any");
CREATE INDEX ON btree (near);
CREATE INDEX ON ordered USING hnsw (v vector_l2_ops);
CREATE INDEX ON ordered ("any");
CREATE INDEX ON ordered (near);
CREATE INDEX ON attribute USING hnsw (v vector_l2_ops, "any", near);
DROP TABLE vectors;
VACUUM ANALYZE no_index, btree, ordered, attribute;
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    plan text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP plan := plan || line; END LOOP;
    RETURN CASE WHEN plan ~ 'Vector Filter Scan' THEN 'filter scan' WHEN plan ~ 'Bitmap Heap Scan' THEN 'bitmap and sort'
        WHEN plan ~ 'Seq Scan on (no_index|btree|ordered|attribute)' THEN 'sequential scan'
        WHEN plan ~ 'Sort Key' THEN 'index and sort' ELSE 'vector scan' END;
END $$;
CREATE FUNCTION run(query text, OUT plan text, OUT rows bigint, OUT ms float8) LANGUAGE plpgsql AS $$
DECLARE
    start timestamptz;
    q text;
    least float8;
BEGIN
    ms := 0;
    rows := 0;
    FOR q IN SELECT replace(query, '@', quote_literal(v)) FROM plans.queries ORDER BY id LOOP
        plan := plans.plan_of(q);
        least := 'Infinity';
        FOR i IN 0..6 LOOP
            start := clock_timestamp();
            EXECUTE q;
            CONTINUE WHEN i = 0;
            least := least(least, extract(epoch FROM clock_timestamp() - start) * 1000);
        END LOOP;
        ms := ms + least / (SELECT count(*) FROM plans.queries);
        EXECUTE 'SELECT count(*) + $1 FROM (' || q || ') x' INTO rows USING rows;
    END LOOP;
END $$;
"""


def psql(command, script, **variables):
    args = command + ["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"] + [f"-v{k}={v}" for k, v in variables.items()]
    done = subprocess.run(args, input=script, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit("plans.py: psql failed")
    return [line.split("|") for line in done.stdout.splitlines()]


def measure(command, table, column, n):
    """(plan, rows, ms) as planned, and by name of the forced plan."""
    query = f'SELECT id FROM {table} WHERE "{column}" < {n} ORDER BY v <-> @ LIMIT 10'
    script = "SET search_path = plans, public; SET jit = off; SET max_parallel_workers_per_gather = 0;\n"
    script += f"SELECT 'chosen', * FROM run($${query}$$);\n"
    for name, settings in FORCED.items():
        script += "BEGIN;\n" + "".join(f"SET LOCAL {setting};\n" for setting in settings)
        script += f"SELECT '{name}', * FROM run($${query}$$);\nCOMMIT;\n"
    result = {}
    for name, plan, rows, ms in psql(command, script):
        if name in ("chosen", plan):
            result[name] = (plan, int(rows), float(ms))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60000)
    parser.add_argument("--dims", type=int, default=96)
    parser.add_argument("--queries", type=int, default=5)
    parser.add_argument("--rates", type=int, default=20)
    parser.add_argument("--where", default="", help="only the tables and columns so named, as in 'btree any'")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("psql", nargs="+")
    a = parser.parse_args()
    if not a.keep or not psql(a.psql, "SELECT 1 FROM pg_namespace WHERE nspname = 'plans';"):
        psql(a.psql, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS plans CASCADE;\n" + SETUP,
             rows=a.rows, dims=a.dims, queries=a.queries)
    slow = few = cells = 0
    for table in ("attribute", "btree", "ordered", "no_index"):
        for column in ("any", "near"):
            if not re.search(a.where, f"{table} {column}"):
                continue
            for i in range(a.rates):
                n = round(a.rows ** (1 - i / (a.rates - 1)))
                result = measure(a.psql, table, column, n)
                plan, rows, ms = result.pop("chosen")
                # the same plan forced is another measurement of it
                ms = min(ms, result.get(plan, (plan, rows, ms))[2])
                best = min(list(result.values()) + [(plan, rows, ms)], key=lambda x: x[2])
                wanted = min(10, n) * a.queries
                ratio = ms / best[2]
                cells += 1
                slow += ratio > 1.5
                few += rows < wanted
                others = ", ".join(f"{name} {x[2]:.2f}" for name, x in result.items())
                print(f"{table:9} {column:4} {n:7} {plan:15} {ms:7.2f} ms, {best[0]:15} {best[2]:7.2f} ms, {ratio:4.1f}"
                      f"{' SLOW' if ratio > 1.5 else ''}{f' FEW {rows} of {wanted}' if rows < wanted else ''}   ({others})",
                      flush=True)
    print(f"{cells} cells, {slow} of them slower than 1.5 times the fastest plan, {few} with too few rows")
    if not a.keep:
        psql(a.psql, "SET client_min_messages = warning; DROP SCHEMA plans CASCADE;")


if __name__ == "__main__":
    main()
