#!/usr/bin/env python3
"""Whether searches have the recall of vector.target_recall, and how near they are to the best effort set by hand.

    targets.py --index NAME --queries TABLE [--count 1000] [--k 1 10 100 1000] [--filter SQL ...] [--targets 0.9 0.95 0.99]
        [--after SQL ...] -- psql -h ... -U postgres

The command after -- is that of a psql which connects to a database with an index of vectors on a column of a table, and
a table of queries with the columns id and e; the index is to have curves (ANALYZE with a target), and the
table a column id.  For each filter and
each number of rows, vector_knn_join gives the distance that a row must not exceed to count.  A cell is a filter, a
number of rows and a target.  Its line has the recall of searches with the target and the distances that they compute, the least effort
by hand whose recall is at least the target, and the work with that effort as a part of the work with the target: the rate, which does
not depend on what else the machine does.  For 1,000 rows a tenth of the queries is taken.

After each statement of --after the cells are measured again, without efforts by hand: whether recall holds when the rows change.
"""
import argparse
import subprocess

EFFORTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 21, 23, 26, 29, 32, 35, 39, 43, 48, 53, 59, 65, 72, 80, 88, 97, 107, 118, 130, 143, 158,
           174, 192, 212, 234, 258, 284, 313, 345, 380, 418, 460, 506, 557, 613, 675, 743, 818, 900, 1000]

SETUP = """
CREATE SCHEMA %(schema)s;
CREATE TABLE target_truth (filter int, query int, k int, reach float8, PRIMARY KEY (filter, k, query));
CREATE FUNCTION target_search(v text, filter text, k int) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT %(column)s %(operator)s %%L AS d FROM %(table)s WHERE %%s ORDER BY %(column)s %(operator)s %%L LIMIT %%s', v, filter, v, k) $$;
CREATE FUNCTION target_run(number int, filter text, wanted int, OUT recall float8, OUT work float8) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    q record;
    n int;
    done int := 0;
BEGIN
    recall := 0; work := 0;
    FOR q IN SELECT id, e::text AS v, reach FROM %(queries)s JOIN target_truth t ON t.query = id AND t.filter = number AND t.k = wanted LOOP
        EXECUTE format('SELECT count(*) FROM (%%s) AS found WHERE d <= $1', target_search(q.v, filter, wanted)) INTO n USING q.reach;
        work := work + (SELECT s.distances FROM vector_last_scan() s);
        recall := recall + least(n, wanted)::float8 / wanted;
        done := done + 1;
    END LOOP;
    recall := recall / done; work := work / done;
END $$;
"""

TRUTH = """
SET work_mem = '256MB';
INSERT INTO target_truth SELECT {number}, query, {k}, max(distance) FROM vector_knn_join(
    $$SELECT id, e FROM {queries} ORDER BY id LIMIT {count}$$, $$SELECT id, {column} FROM {table} WHERE {filter}$$, {k}, '{operator}')
    AS (query int, row_key int, distance float8) GROUP BY query HAVING count(*) = {k};
"""


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--index", required=True)
    p.add_argument("--queries", required=True)
    p.add_argument("--count", type=int, default=1000)
    p.add_argument("--k", nargs="+", type=int, default=[1, 10, 100, 1000])
    p.add_argument("--filter", nargs="+", default=["true"])
    p.add_argument("--targets", nargs="+", type=float, default=[0.9, 0.95, 0.99])
    p.add_argument("--after", nargs="+", default=[])
    p.add_argument("psql", nargs=argparse.REMAINDER)
    a = p.parse_args()
    schema = "targets_" + a.index.replace(".", "_")
    psql = [x for x in a.psql if x != "--"] + ["-XqAt", "-v", "ON_ERROR_STOP=1"]

    def ask(sql):
        done = subprocess.run(psql, input=f"SET search_path = {schema}, public; {sql}", capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout.strip()

    ask(f"SET client_min_messages = warning; DROP SCHEMA IF EXISTS {schema} CASCADE")
    table, column, operator, am = ask(f"""
        SELECT indrelid::regclass, pg_get_indexdef(indexrelid, 1, true), oprname, amname
        FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = c.relam JOIN pg_opclass o ON o.oid = indclass[0]
        JOIN pg_amop ON amopfamily = opcfamily AND amopstrategy = 1 AND amoplefttype = opcintype
        JOIN pg_operator p ON p.oid = amopopr
        WHERE indexrelid = '{a.index}'::regclass""").split("|")
    setting = {"hnsw": "hnsw.ef_search", "diskann": "diskann.query_search_list_size", "ivf": "ivf.probes",
               "ivfflat": "ivfflat.probes"}[am]
    ask(SETUP % dict(table=table, column=column, operator=operator, queries=a.queries, schema=schema))

    def run(number, k, settings):
        return [float(x) for x in ask(f"{settings}; SELECT recall, work FROM target_run({number}, $${a.filter[number]}$$, {k})").split("|")]

    def find_truth(number, k):
        ask("DELETE FROM target_truth")
        ask(TRUTH.format(number=number, k=k, queries=a.queries, count=a.count // 10 if k >= 1000 else a.count, column=column,
                         table=table, filter=a.filter[number], operator=operator))

    def with_target(number, k, target):
        return run(number, k, f"SET vector.target_recall = {target}")

    groups = [(number, filter, k) for number, filter in enumerate(a.filter) for k in a.k]
    held = fast = cells = 0
    print("| filter | k | target | recall | distances | by hand | recall | distances | rate |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    for number, filter, k in groups:
        find_truth(number, k)
        tried = {}

        def by_hand(i):
            if i not in tried:
                tried[i] = run(number, k, f"SET {setting} = {EFFORTS[i]}")
            return tried[i]

        for target in a.targets:
            recall, work = with_target(number, k, target)
            # recall rises with the effort, so the least that suffices is found by halves
            low, high = 0, len(EFFORTS) - 1
            while low < high:
                middle = (low + high) // 2
                if by_hand(middle)[0] >= target:
                    high = middle
                else:
                    low = middle + 1
            best = by_hand(low)
            cells += 1
            held += recall >= target - 0.01
            fast += best[1] >= 0.9 * work
            print(f"| {filter} | {k} | {target} | {recall:.4f} | {work:.0f} | {EFFORTS[low]} | {best[0]:.4f} | {best[1]:.0f} | {best[1] / work:.2f} |", flush=True)
    print(f"\n{held} of {cells} have the target less 0.01; {fast} have at least 0.9 of the rate of the best effort by hand")

    for statement in a.after:
        ask(statement)
        held = 0
        print(f"\n{statement}\n\n| filter | k | target | recall | distances |\n|---|--:|--:|--:|--:|", flush=True)
        for number, filter, k in groups:
            find_truth(number, k)
            for target in a.targets:
                recall, work = with_target(number, k, target)
                held += recall >= target - 0.01
                print(f"| {filter} | {k} | {target} | {recall:.4f} | {work:.0f} |", flush=True)
        print(f"\n{held} of {cells} have the target less 0.01")


main()
