"""The part "parallel" of run.py: heavy searches by one process, and by a leader and two workers.

A table of the first rows, in ten groups of a tenth each, with one index of vectors and groups.  Parallel plans are forced; whether
they were taken is what EXPLAIN ANALYZE says, and beside it is what the planner takes by its own costs.  Least milliseconds of a
session's runs, and the processor time of leader and workers, which other work on the machine changes less; the workers' is counted
in ticks of 10 ms over all runs.  What idle cores give follows from that of the leader in passing rows on, which no other does:
its processor time without its part of the search (parallel_leader_participation = off) is the serial part of Amdahl's law.
Recall is that of the ids among those of a sort.  Needs Linux.
"""
import json
import statistics

QUERIES = 3
RUNS = 3
WORKERS = 2
MANY = 16
OPERATORS = {"l2": "<->", "ip": "<#>", "cos": "<=>"}
INDEX = ("SET enable_seqscan = off", "SET enable_sort = off", "SET enable_bitmapscan = off")
EXACT = ("SET enable_indexscan = off", "SET enable_indexonlyscan = off")
WAYS = (("exact, 10 rows", EXACT, "true", 10), ("10,000 rows", INDEX, "true", 10000), ("100,000 rows", INDEX, "true", 100000),
        ("10 of a tenth", INDEX, "tag = 3", 10), ("10,000 of a tenth", INDEX, "tag = 3", 10000),
        ("a tenth, in order", INDEX, "tag = 3", 10 ** 8))
NONE = ("SET max_parallel_workers_per_gather = 0",)
SOME = (f"SET max_parallel_workers_per_gather = {WORKERS}",)
FORCED = ("SET parallel_setup_cost = 0", "SET parallel_tuple_cost = 0", "SET min_parallel_index_scan_size = 0",
          "SET min_parallel_table_scan_size = 0")
SERIAL, PARALLEL, WITHOUT = "one process", "leader and workers", "workers alone"
SETTINGS = {SERIAL: NONE, PARALLEL: (*SOME, *FORCED), WITHOUT: (*SOME, *FORCED, "SET parallel_leader_participation = off")}
OWN = "SELECT 'own ' || split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)"
CHILDREN = ("SELECT 'children ' || split_part(x, ' ', 14)::int + split_part(x, ' ', 15)::int FROM (SELECT regexp_replace(pg_read_file("
            "'/proc/' || split_part(pg_read_file('postmaster.pid'), E'\\n', 1) || '/stat'), '^.*\\) ', '') x) y")


def nodes(plan):
    """Of a plan in JSON, what is below the sum, in few words; and the workers that were launched or planned"""
    words, workers = [], 0
    while plan:
        kind = plan["Node Type"]
        if kind.startswith("Gather"):
            workers = plan.get("Workers Launched", plan["Workers Planned"])
            kind += f" ({workers})"
        elif kind == "Custom Scan":
            kind = plan["Custom Plan Provider"]
        elif plan.get("Parallel Aware"):
            kind = "Parallel " + kind
        if kind not in ("Aggregate", "Subquery Scan", "Limit"):
            words.append(kind)
        plan = next((x for x in plan.get("Plans", []) if x["Parent Relationship"] != "InitPlan"), None)
    return " > ".join(words), workers


class Parallel:
    def __init__(self, bench, contestant, spec, out):
        self.bench, self.c, self.spec, self.out = bench, contestant, spec, out
        self.truth = {}

    def search(self, where, k, query, what="sum(id)"):
        return (f"SELECT {what} FROM (SELECT id FROM parallel_items WHERE {where} ORDER BY embedding {OPERATORS[self.bench.metric]} "
                f"(SELECT embedding FROM parallel_queries WHERE n = {query}) LIMIT {k}) x")

    def plan(self, settings, where, k, options):
        text = self.c.psql(*settings, f"EXPLAIN ({options}, FORMAT json) {self.search(where, k, 0)}")
        return nodes(json.loads(text)[0]["Plan"])

    def ask(self, settings, where, k, query):
        """Milliseconds, and those of processor time of leader and workers, of a run"""
        statement = self.search(where, k, query)
        lines = self.c.psql(*settings, statement, OWN, CHILDREN, *[statement] * RUNS, OWN, "SELECT pg_sleep(0.05)", CHILDREN,
                            timing=True).splitlines()
        own = [int(x.split()[1]) for x in lines if x.startswith("own ")]
        children = [int(x.split()[1]) for x in lines if x.startswith("children ")]
        times = [float(x.split()[1]) for x in lines if x.startswith("Time: ")]
        runs = times[len(settings) + 3:len(settings) + 3 + RUNS]
        return min(runs), (own[1] - own[0]) / 1e6 / RUNS, (children[1] - children[0]) * 10 / RUNS

    def ids(self, settings, where, k):
        return set(self.c.psql(*settings, self.search(where, k, 0, "string_agg(id::text, ',')")).strip().split(","))

    def found(self, settings, where, k):
        """Recall of the first query, and its rows"""
        if (where, k) not in self.truth:
            self.truth[where, k] = self.ids((*EXACT, *NONE), where, k)
        found = self.ids(settings, where, k)
        return len(found & self.truth[where, k]) / len(self.truth[where, k]), len(found)

    def measure(self):
        b, c = self.bench, self.c
        b.say("parallel: table and index")
        c.psql(f"CREATE TABLE parallel_items AS SELECT id, embedding, id % 10 AS tag FROM items WHERE id < {b.a.parallel_rows}",
               "CREATE TABLE parallel_queries AS SELECT row_number() OVER (ORDER BY id DESC) - 1 AS n, embedding FROM items "
               f"ORDER BY id DESC LIMIT {QUERIES}",
               f"CREATE INDEX ON parallel_items USING {self.spec.replace(')', ', tag)', 1)}", "VACUUM ANALYZE parallel_items, parallel_queries")
        try:
            for name, settings, where, k in WAYS:
                for way, more in SETTINGS.items():
                    b.say(f"parallel: {name}, {way}")
                    settled = (*settings, *more)
                    plan, workers = self.plan(settled, where, k, "ANALYZE, TIMING off")
                    if way == SERIAL and workers:
                        raise AssertionError(f"{name}: {plan} is not of one process")
                    recall, rows = self.found(settled, where, k)
                    point = {"recall": recall, "rows": rows, "plan": plan, "workers": workers, "ms": [], "leader": [], "workers_ms": []}
                    if way == PARALLEL:
                        point["default"] = self.plan(SOME, where, k, "COSTS off")[0]
                        point["costs"] = self.plan((*settings, *SOME), where, k, "COSTS off")[0]
                    if way == SERIAL or workers:
                        for query in range(QUERIES):
                            for part, x in zip(("ms", "leader", "workers_ms"), self.ask(settled, where, k, query)):
                                point[part].append(x)
                    self.out.setdefault(name, {})[way] = point
        finally:
            c.psql("DROP TABLE parallel_items, parallel_queries")


# -------------------------------------------------------------------- report

def faster(mean, participants):
    """The processor time of one process by the most that a participant takes, if all are at work at the same time"""
    passing = mean[WITHOUT]["leader"]
    total = mean[PARALLEL]["leader"] + mean[PARALLEL]["workers_ms"]
    return mean[SERIAL]["leader"] / (passing + max(total - passing, 0) / participants)


def report(t):
    """Lines of the table"""
    if not t:
        return []
    lines = ["", f"One process, and a leader and {WORKERS} workers, by forced plans: rows, recall, least ms, CPU ms of the leader and of all workers; "
             f"computed from these: times faster on idle cores with {WORKERS + 1} and with {MANY} participants"]
    for name, ways in t.items():
        mean = {way: {part: statistics.mean(x[part]) for part in ("ms", "leader", "workers_ms")} for way, x in ways.items() if x["ms"]}
        for way, x in ways.items():
            line = f"  {name:18} {way:19} {x['rows']:7} {x['recall']:.4f} "
            if way in mean:
                line += f"{mean[way]['ms']:9.1f} {mean[way]['leader']:9.1f} {mean[way]['workers_ms']:9.1f} "
                if way == PARALLEL and WITHOUT in mean:
                    line += f"{faster(mean, WORKERS + 1):7.2f} {faster(mean, MANY):7.2f}"
            else:
                line += "no parallel plan, though forced"
            lines.append(line.rstrip())
    lines += ["", f"Plans of {SERIAL}; forced, with the workers that were launched; by the same with PostgreSQL's costs; and by default settings"]
    for name, ways in t.items():
        plans = (ways[SERIAL]["plan"], ways[PARALLEL]["plan"], ways[PARALLEL]["costs"], ways[PARALLEL]["default"])
        lines.append(f"  {name:18} " + " | ".join(plans))
    return lines
