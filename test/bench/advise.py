#!/usr/bin/env python3
"""How near what vector_advise expects of indexes is to what they are once they are built.

    advise.py --table TABLE --queries TABLE [--recall 0.95] [--k 10] [--operator '<->'] [--only hnsw ...] -- psql -h ... -U postgres

The command after -- is that of a psql on the server's own machine (Linux) which connects as a superuser to a database with a table and
a table of queries, both with the columns id and e.  Asks for advice in a new session, builds each index that it names on the whole
table, by one process, and measures it with the effort that it names.  Advice is asked for and indexes are measured --rounds times in
turns; a figure is the median of all rounds, and so is a ratio.  Times are those of the server's process on the processor, by its own
clock, so other work on the machine changes them little.  The last lines say how the index that was advised compares with the others.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time

MOST = 12       # indexes that advice may name
TIMES = 7       # of which the least counts, as in src/recall/trial.c
NEARLY = 1.1    # as MODEL_NEARLY of src/recall/model.h

SETUP = """
DROP TABLE IF EXISTS advise_truth;
CREATE TABLE advise_truth AS SELECT query_key AS id, max(distance) AS reach
    FROM vector_knn_join('SELECT id, e FROM %(queries)s ORDER BY id LIMIT %(count)d', 'SELECT id, e FROM %(table)s', %(k)d, '%(operator)s')
    AS t(query_key int, row_key int, distance float8) GROUP BY 1;
CREATE OR REPLACE FUNCTION advise_recall() RETURNS float8 LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    q record;
    n int;
    found bigint := 0;
    done int := 0;
BEGIN
    FOR q IN SELECT e, reach FROM %(queries)s JOIN advise_truth USING (id) LOOP
        SELECT count(*) FILTER (WHERE d <= q.reach + 1e-6 * abs(q.reach)) INTO n
            FROM (SELECT e %(operator)s q.e AS d FROM %(table)s ORDER BY e %(operator)s q.e LIMIT %(k)d) AS nearest;
        found := found + least(n, %(k)d);
        done := done + %(k)d;
    END LOOP;
    RETURN found::float8 / done;
END $$;
CREATE OR REPLACE FUNCTION advise_search(queries %(type)s[]) RETURNS void LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    q %(type)s;
BEGIN
    FOREACH q IN ARRAY queries LOOP
        PERFORM e %(operator)s q FROM %(table)s ORDER BY e %(operator)s q LIMIT %(k)d;
    END LOOP;
END $$;
"""


class Session:
    """A session whose process is watched"""

    def __init__(self, psql, settings):
        self.psql = subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.run("".join(f"SET {x}; " for x in settings))
        self.clock = (~int(self.run("SELECT pg_backend_pid()")) << 3) | 2   # Linux's clock of a process on the processor

    def run(self, sql):
        self.psql.stdin.write(f"{sql};\n\\echo end\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line == "end\n":
                return "".join(lines).strip()
            lines.append(line)
        raise SystemExit(f"failed: {sql}")

    def seconds(self, sql):
        begun = time.clock_gettime(self.clock)
        self.run(sql)
        return time.clock_gettime(self.clock) - begun

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()


class Bench:
    def __init__(self, a):
        self.a = a
        self.psql = [x for x in a.psql if x != "--"] + ["-XqAt", "-v", "ON_ERROR_STOP=1"]
        self.main = self.session()
        self.main.run("SET max_parallel_maintenance_workers = 0; SET client_min_messages = warning")
        kind = self.main.run(f"SELECT regexp_replace(format_type(atttypid, NULL), '\\(.*', '') FROM pg_attribute "
                             f"WHERE attrelid = '{a.table}'::regclass AND attname = 'e'")
        self.main.run(SETUP % dict(table=a.table, queries=a.queries, count=a.count, k=a.k, operator=a.operator, type=kind))
        self.drop()
        self.built = {}     # by access method and options: number, size, seconds
        self.figures = {}   # likewise: (expected, measured) of each round, by what is measured
        self.effort = {}
        self.choices = []

    def session(self):
        return Session(self.psql, self.a.set)

    def drop(self):
        self.main.run("DROP INDEX IF EXISTS " + ", ".join(f"advise_{i}" for i in range(MOST)))

    def build(self, key, statement):
        if key not in self.built:
            name = f"advise_{len(self.built)}"
            seconds = self.main.seconds(statement.replace("CONCURRENTLY ON", f"{name} ON"))
            self.built[key] = name, float(self.main.run(f"SELECT pg_relation_size('{name}')")), seconds
        return self.built[key]

    def show(self, name):
        """Plans see no index but this one"""
        self.main.run(f"UPDATE pg_index SET indisvalid = indexrelid = '{name}'::regclass WHERE indexrelid IN "
                      "(SELECT oid FROM pg_class WHERE relname ~ '^advise_[0-9]+$' AND relkind = 'i')")

    def measure(self, name, settings):
        """The recall, blocks and milliseconds of a search"""
        self.show(name)
        session = self.session()
        for setting in settings:
            session.run(setting)
        blocks = f"SELECT blocks_hit + blocks_read FROM vector_stat_indexes() WHERE index = '{name}'::regclass"
        before = session.run(blocks)
        recall = float(session.run("SELECT advise_recall()"))
        blocks = (float(session.run(blocks)) - float(before or 0)) / self.a.count
        queries = session.run(f"SELECT quote_literal(array_agg(e)) FROM (SELECT e FROM {self.a.queries} ORDER BY id LIMIT {self.a.count}) q")
        session.run(f"PREPARE searches AS SELECT advise_search({queries})")
        ms = min(session.seconds("EXECUTE searches") for i in range(TIMES)) * 1e3 / self.a.count
        session.close()
        return recall, blocks, ms

    def round(self):
        a = self.a
        session = self.session()
        advice = json.loads(session.run(f"SET client_min_messages = warning; SELECT json_agg(v) FROM vector_advise('{a.table}', 'e', "
                                        f"{a.recall}, {a.k}, operator => '{a.operator}', sample_rows => {a.sample_rows}) v"))
        session.close()
        times = {}
        advised = None
        for v in advice:
            if not v["statements"] or a.only and v["access_method"] not in a.only:
                continue
            key = v["access_method"], v["options"]
            name, size, seconds = self.build(key, v["statements"][0])
            recall, blocks, ms = self.measure(name, v["statements"][1:])
            times[key] = ms, recall, size
            if v["advised"]:
                advised = key
            self.effort.setdefault(key, []).append(v["effort"] or 0)
            for what, pair in dict(size=(v["index_bytes"], size), build=(v["build_s"], seconds), recall=(v["expected_recall"], recall),
                                   blocks=(v["blocks"], blocks), ms=(v["memory_ms"], ms)).items():
                self.figures.setdefault(key, {}).setdefault(what, []).append(pair)
        if advised:
            self.choices.append((advised, times))

    def report(self):
        a = self.a
        print(f"{a.table}, recall {a.recall}, k {a.k}, {len(self.choices)} rounds; expected, built, ratio\n")
        print("| index | MB | | | build, s | | | effort | recall | | blocks | | | ms | | | advised |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
        for key, figures in self.figures.items():
            cells = []
            for what, form, scale in (("size", ".1f", 1e-6), ("build", ".2f", 1), ("effort", "", 1), ("recall", ".3f", 1),
                                      ("blocks", ".0f", 1), ("ms", ".3f", 1)):
                if what == "effort":
                    cells.append(f"{statistics.median(self.effort[key]):.0f}")
                    continue
                pairs = figures[what]
                cells += [format(statistics.median(p[i] for p in pairs) * scale, form) for i in (0, 1)]
                if what != "recall":
                    cells.append(f"{statistics.median(p[0] / p[1] for p in pairs):.2f}")
            times = sum(advised == key for advised, _ in self.choices)
            print(f"| `{key[0]}` {key[1]} | " + " | ".join(cells) + f" | {times or ''} |")
        print()
        for advised, times in self.choices:
            ms, recall, size = times[advised]
            near = {k: t for k, t in times.items() if t[1] >= recall - 0.01}
            least = min(near, key=lambda k: near[k][0])
            nearly = min((k for k in near if near[k][0] <= NEARLY * near[least][0]), key=lambda k: near[k][2])
            print(f"advised {' '.join(advised)}: {ms:.3f} ms, recall {recall:.3f}, {size / 1e6:.0f} MB; fastest that finds as much "
                  f"{' '.join(least)}: {ms / near[least][0]:.2f} times its time; by what was measured it would be {' '.join(nearly)}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--table", required=True)
    p.add_argument("--queries", required=True)
    p.add_argument("--recall", type=float, default=0.95)
    p.add_argument("--k", type=int, default=10)
    p.add_argument("--count", type=int, default=500)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--operator", default="<->")
    p.add_argument("--sample-rows", type=int, default=30000)
    p.add_argument("--only", nargs="+", default=[])
    p.add_argument("--set", nargs="+", default=["maintenance_work_mem = '1GB'"], help="settings of all sessions")
    p.add_argument("psql", nargs=argparse.REMAINDER)
    bench = Bench(p.parse_args())
    for i in range(bench.a.rounds):
        bench.round()
        print(f"round {i + 1}", file=sys.stderr)
    bench.report()
    bench.drop()
    bench.main.run("DROP TABLE advise_truth; DROP FUNCTION advise_recall(); DROP FUNCTION advise_search")


main()
