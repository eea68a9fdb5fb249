#!/usr/bin/env python3
"""How near what vector_advise expects of indexes is to what they are once they are built.

    advise.py --table TABLE --queries TABLE [--recall 0.95] [--k 10] [--operator '<->'] [--only hnsw ...] -- psql -h ... -U postgres

The command after -- is that of a psql which connects as a superuser to a database with a table and a table of queries, both with
the columns id and e.  Asks for advice in a new session, then builds each index that it names on the whole table, by one process, and
measures it with the effort that it names.  Times are those of the server's process on the processor (/proc/self/schedstat), so
other work on the machine changes them little.  A line is an index: what was expected, what was measured, and the ratio of both.
"""
import argparse
import json
import subprocess

SETUP = """
SET client_min_messages = warning;
DROP TABLE IF EXISTS advise_truth;
CREATE TABLE advise_truth AS SELECT query_key AS id, max(distance) AS reach
    FROM vector_knn_join('SELECT id, e FROM %(queries)s ORDER BY id LIMIT %(count)d', 'SELECT id, e FROM %(table)s', %(k)d, '%(operator)s')
    AS t(query_key int, row_key int, distance float8) GROUP BY 1;
CREATE OR REPLACE FUNCTION advise_cpu() RETURNS float8 LANGUAGE sql VOLATILE AS
    $$SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::float8 / 1e6$$;
CREATE OR REPLACE FUNCTION advise_run(OUT recall float8, OUT ms float8, OUT blocks float8) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    q record;
    n int;
    begun float8;
    done int := 0;
BEGIN
    recall := 0; blocks := 0;
    -- the first time brings the index into memory
    FOR round IN 1..4 LOOP
        begun := advise_cpu();
        FOR q IN SELECT id, e, reach FROM %(queries)s JOIN advise_truth USING (id) LOOP
            SELECT count(*) FILTER (WHERE d <= q.reach + 1e-6 * abs(q.reach)) INTO n
                FROM (SELECT e %(operator)s q.e AS d FROM %(table)s ORDER BY e %(operator)s q.e LIMIT %(k)d) AS nearest;
            IF round = 1 THEN
                recall := recall + least(n, %(k)d)::float8 / %(k)d;
                done := done + 1;
                blocks := blocks + (SELECT s.blocks FROM vector_last_scan() s);
            END IF;
        END LOOP;
        ms := least(ms, (advise_cpu() - begun) / done);
    END LOOP;
    recall := recall / done; blocks := blocks / done;
END $$;
"""


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--table", required=True)
    p.add_argument("--queries", required=True)
    p.add_argument("--recall", type=float, default=0.95)
    p.add_argument("--k", type=int, default=10)
    p.add_argument("--count", type=int, default=500)
    p.add_argument("--operator", default="<->")
    p.add_argument("--only", nargs="+", default=[])
    p.add_argument("--set", nargs="+", default=["maintenance_work_mem = '1GB'"], help="settings of both sessions")
    p.add_argument("psql", nargs=argparse.REMAINDER)
    a = p.parse_args()
    psql = [x for x in a.psql if x != "--"] + ["-XqAt", "-v", "ON_ERROR_STOP=1"]

    def ask(sql):
        settings = "".join(f"SET {x}; " for x in a.set)
        done = subprocess.run(psql, input=settings + sql, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout.strip()

    ask(SETUP % dict(table=a.table, queries=a.queries, count=a.count, k=a.k, operator=a.operator))
    advised = json.loads(ask(f"""SET client_min_messages = warning; SELECT json_agg(v) FROM
        vector_advise('{a.table}', 'e', {a.recall}, {a.k}, operator => '{a.operator}') v"""))
    print(f"{a.table}, recall {a.recall}, k {a.k}\n")
    print("| index | MB expected | built | ratio | build, s expected | built | ratio | effort | recall expected | built | ms expected | built | ratio | advised |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
    for v in advised:
        if not v["statements"] or a.only and v["access_method"] not in a.only:
            continue
        create = v["statements"][0].replace("CONCURRENTLY ON", "advise_index ON")
        settings = "; ".join(v["statements"][1:]) or "SELECT"
        build, size = ask(f"""SET max_parallel_maintenance_workers = 0; SET client_min_messages = warning; DROP INDEX IF EXISTS advise_index;
            SELECT advise_cpu() AS begun \\gset
            {create};
            SELECT (advise_cpu() - :begun) / 1000, pg_relation_size('advise_index')""").split("|")
        recall, ms, blocks = ask(f"{settings}; SELECT recall, ms, blocks FROM advise_run()").split("|")
        pairs = [(v["index_bytes"] / 1e6, float(size) / 1e6, "{:.1f}"), (v["build_s"], float(build), "{:.2f}"),
                 (v["expected_recall"], float(recall), "{:.3f}"), (v["memory_ms"], float(ms), "{:.3f}")]
        cells = []
        for n, (expected, built, form) in enumerate(pairs):
            cells += [form.format(expected), form.format(built)] + ([] if n == 2 else [f"{expected / built:.2f}"])
            if n == 1:
                cells.append(str(v["effort"]))
        print(f"| `{v['access_method']}` {v['options']} | " + " | ".join(cells) + f" | {'yes' if v['advised'] else ''} |", flush=True)
    ask("DROP INDEX IF EXISTS advise_index; DROP TABLE advise_truth; DROP FUNCTION advise_run(), advise_cpu()")


main()
