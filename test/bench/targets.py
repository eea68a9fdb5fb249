#!/usr/bin/env python3
"""Whether searches have the recall of vector.target_recall, and how near they are to the best effort set by hand.

    targets.py --index NAME --queries TABLE [--count 1000] [--filter SQL ...] [--targets 0.9 0.95 0.99] -- psql -h ... -U postgres

The command after -- is that of a psql which connects to a database with an index of vectors on a column of a table, and
a table of queries with the columns id and e; the index is to have curves (ANALYZE with a target).  For each filter, for
1, 10, 100 and 1,000 rows, exact searches give the distance that a row must not exceed to count.  A cell is a filter, a
number of rows and a target.  Its line has the recall of searches with the target, the blocks and the time that they take, the least effort by
hand whose recall is at least the target, and the rate with the target as a part of the rate with that effort.
"""
import argparse
import subprocess

EFFORTS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20, 24, 28, 33, 40, 48, 57, 68, 80, 96, 114, 136, 160, 190, 228, 272, 320, 400, 500, 640, 800, 1000]

SETUP = """
SET client_min_messages = warning;
DROP TABLE IF EXISTS target_truth;
CREATE TABLE target_truth (filter int, query int, k int, reach float8, PRIMARY KEY (filter, k, query));
CREATE OR REPLACE FUNCTION target_search(v text, filter text, k int) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT %(column)s %(operator)s %%L AS d FROM %(table)s WHERE %%s ORDER BY %(column)s %(operator)s %%L LIMIT %%s', v, filter, v, k) $$;
CREATE OR REPLACE FUNCTION target_reach(number int, filter text, count int) RETURNS void LANGUAGE plpgsql
SET enable_indexscan = off SET vector.enable_filter_scan = off AS $$
DECLARE
    q record;
    d float8[];
BEGIN
    FOR q IN SELECT id, e::text AS v FROM %(queries)s ORDER BY id LIMIT count LOOP
        EXECUTE format('SELECT array_agg(d ORDER BY d) FROM (%%s) AS nearest', target_search(q.v, filter, 1000)) INTO d;
        INSERT INTO target_truth SELECT number, q.id, k, d[k] FROM unnest(ARRAY[1, 10, 100, 1000]) AS k WHERE d[k] IS NOT NULL;
    END LOOP;
END $$;
CREATE OR REPLACE FUNCTION target_run(number int, filter text, wanted int, OUT recall float8, OUT hops float8, OUT ms float8) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    q record;
    n int;
    begun timestamptz;
    done int := 0;
BEGIN
    recall := 0; hops := 0; ms := 0;
    FOR q IN SELECT id, e::text AS v, reach FROM %(queries)s JOIN target_truth t ON t.query = id AND t.filter = number AND t.k = wanted LOOP
        begun := clock_timestamp();
        EXECUTE format('SELECT count(*) FROM (%%s) AS found WHERE d <= $1 + 1e-6 * abs($1)', target_search(q.v, filter, wanted)) INTO n USING q.reach;
        ms := ms + extract(epoch FROM clock_timestamp() - begun) * 1000;
        hops := hops + (SELECT s.blocks FROM vector_last_scan() s);
        recall := recall + least(n, wanted)::float8 / wanted;
        done := done + 1;
    END LOOP;
    recall := recall / done; hops := hops / done; ms := ms / done;
END $$;
"""


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--index", required=True)
    p.add_argument("--queries", required=True)
    p.add_argument("--count", type=int, default=1000)
    p.add_argument("--filter", nargs="+", default=["true"])
    p.add_argument("--targets", nargs="+", type=float, default=[0.9, 0.95, 0.99])
    p.add_argument("psql", nargs=argparse.REMAINDER)
    a = p.parse_args()
    psql = [x for x in a.psql if x != "--"] + ["-XqAt", "-v", "ON_ERROR_STOP=1"]

    def ask(sql):
        done = subprocess.run(psql, input=sql, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout.strip()

    table, column, operator, am = ask(f"""
        SELECT indrelid::regclass, pg_get_indexdef(indexrelid, 1, true), oprname, amname
        FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = c.relam JOIN pg_opclass o ON o.oid = indclass[0]
        JOIN pg_amop ON amopfamily = opcfamily AND amopstrategy = 1 AND amoplefttype = opcintype
        JOIN pg_operator p ON p.oid = amopopr
        WHERE indexrelid = '{a.index}'::regclass""").split("|")
    setting = {"hnsw": "hnsw.ef_search", "diskann": "diskann.query_search_list_size", "ivf": "ivf.probes",
               "ivfflat": "ivfflat.probes"}[am]
    ask(SETUP % dict(table=table, column=column, operator=operator, queries=a.queries))

    def run(number, filter, k, settings):
        return [float(x) for x in ask(f"{settings}; SELECT recall, hops, ms FROM target_run({number}, $${filter}$$, {k})").split("|")]

    held = fast = cells = 0
    print("| filter | k | target | recall | blocks | ms | by hand | recall | blocks | ms | rate |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for number, filter in enumerate(a.filter):
        ask(f"SELECT target_reach({number}, $${filter}$$, {a.count})")
        for k in (1, 10, 100, 1000):
            by_hand = []
            for target in a.targets:
                recall, hops, ms = run(number, filter, k, f"SET vector.target_recall = {target}")
                while not by_hand or by_hand[-1][1][0] < target and len(by_hand) < len(EFFORTS):
                    effort = EFFORTS[len(by_hand)]
                    by_hand.append((effort, run(number, filter, k, f"SET {setting} = {effort}")))
                effort, best = next((x for x in by_hand if x[1][0] >= target), by_hand[-1])
                # again, in the same moment as the other
                best = run(number, filter, k, f"SET {setting} = {effort}")
                ms = (ms + run(number, filter, k, f"SET vector.target_recall = {target}")[2]) / 2
                cells += 1
                held += recall >= target - 0.01
                fast += best[2] / ms >= 0.9
                print(f"| {filter} | {k} | {target} | {recall:.4f} | {hops:.0f} | {ms:.3f} | {effort} | {best[0]:.4f} | {best[1]:.0f} | {best[2]:.3f} | {best[2] / ms:.2f} |", flush=True)
    print(f"\n{held} of {cells} have the target less 0.01; {fast} have at least 0.9 of the rate of the best effort by hand")


main()
