"""The part "partitions" of run.py: the same rows in one table and in hash partitions, all of which have to be searched.

The queries of query.fvecs by one client, prepared, with a generic plan, at each setting: milliseconds, recall, and the hops of all
searches of a query, which do not depend on what else the machine does.
"""
import statistics

COUNTS = (16, 64, 256)
SESSION = ("SET enable_seqscan = off", "SET enable_sort = off", "SET plan_cache_mode = force_generic_plan")
HOPS = """SELECT coalesce(sum(n.hops), 0) FROM pg_index i, LATERAL vector_index_counters(i.indexrelid) n WHERE i.indrelid = '{table}'::regclass
    OR i.indrelid IN (SELECT relid FROM pg_partition_tree('{table}') WHERE isleaf)"""
TABLES = ["items"] + [f"parts_{n}" for n in COUNTS]


class Partitions:
    def __init__(self, bench, contestant, spec, settings, out):
        self.bench, self.c, self.spec, self.settings, self.out = bench, contestant, spec, settings, out

    def make(self):
        b, c = self.bench, self.c
        for n in COUNTS:
            b.say(f"{n} partitions")
            c.psql(f"CREATE TABLE parts_{n} (LIKE items) PARTITION BY HASH (id)",
                   *(f"CREATE TABLE parts_{n}_{i} PARTITION OF parts_{n} FOR VALUES WITH (MODULUS {n}, REMAINDER {i})" for i in range(n)),
                   f"INSERT INTO parts_{n} SELECT * FROM items", f"CREATE INDEX ON parts_{n} USING {self.spec}", f"ANALYZE parts_{n}")

    def ask(self, table, k, *options):
        return self.c.query("--table", table, "--clients", 1, "--k", k, *(x for s in SESSION for x in ("--set", s)), *options)

    def hops(self, table):
        """Of a query: what the counters of all indexes say before and after as many queries as there are"""
        return int(self.c.value(HOPS.format(table=table)))

    def measure(self):
        b, c = self.bench, self.c
        self.make()
        try:
            for name, value in self.settings:
                point = self.out.setdefault(f"{name} = {value}", {})
                setting = ("--set", f"SET {name} = {value}")
                for table in TABLES:
                    before = self.hops(table)
                    x = self.ask(table, b.a.k, "--count", b.nq, *setting)
                    point[table] = {"recall": x["recall"], "hops": (self.hops(table) - before) / b.nq, "ms": []}
                for r in range(b.a.rounds):
                    b.say(f"partitions, {name} = {value}, round {r + 1}")
                    for table in TABLES:
                        x = self.ask(table, b.a.k, "--seconds", b.a.seconds, "--warmup", 20, *setting)
                        point[table]["ms"].append(x["p50_ms"])
        finally:
            c.psql(*(f"DROP TABLE IF EXISTS parts_{n}" for n in COUNTS))


# -------------------------------------------------------------------- report

def report(t):
    """Lines of the table"""
    lines = []
    for setting, point in t.items():
        lines += ["", f"One table and hash partitions, {setting}: ms a query, one client; times one table; hops; times one table; recall"]
        one = point["items"]
        for table, x in point.items():
            ms, first = statistics.median(x["ms"]), statistics.median(one["ms"])
            name = "one table" if table == "items" else table.replace("parts_", "") + " partitions"
            lines.append(f"  {name:20} {ms:8.3f} {ms / first:7.2f} {x['hops']:9.0f} {x['hops'] / max(one['hops'], 1):7.2f}   {x['recall']:.4f}")
    return lines
