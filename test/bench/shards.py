"""The part "shards" of run.py: one table in four parts, by postgres_fdw, beside one table of all rows.

The parts are in four databases, each asked through a connection of its own on the same machine.  pgbench asks, by turns, with
one client: the one table by postgres_fdw, the parts without their LIMIT (as postgres_fdw by itself plans), with it and one after
the other, at the same time by cursors, and by one statement to each.  Needs a PostgreSQL that has postgres_fdw
(--pg-config).  Then the same rows in one, two and four parts: queries a second of four clients, and with each setting of the index, and
with targets of recall, the recall of the queries of query.fvecs and the hops and distances of all parts.  citus.py does so by Citus.
"""
import re
import statistics

QUERIES = 1000
TARGETS = (0.9, 0.95, 0.98, 0.99)
SHARDS = 4
COUNTS = (1, 2)         # and SHARDS
CLIENTS = 4
OPERATORS = {"l2": "<->", "ip": "<#>", "cos": "<=>"}
SEARCH = "SELECT id FROM {table} ORDER BY embedding {operator} (SELECT embedding FROM shard_queries WHERE number = :q) LIMIT {k}"
WAYS = {"one table": ("shard_whole", ""), "parts, no limit sent": ("shard_parts", "-c vector.enable_foreign_limit=off"),
        "parts, one after the other": ("shard_parts", "-c enable_async_append=off"),
        "parts, by cursors": ("shard_parts", "-c vector.enable_foreign_append=off"), "parts at the same time": ("shard_parts", "")}
WORK = "SELECT sum(n.hops) || ' ' || sum(n.distances) FROM pg_index i, LATERAL vector_index_counters(i.indexrelid) n WHERE i.indrelid = '{table}'::regclass"


class Shards:
    def __init__(self, bench, contestant, spec, settings, out):
        self.bench, self.c, self.spec, self.settings, self.out = bench, contestant, spec, settings, out

    def make(self):
        """Four databases with a part each, and foreign tables of these and of the whole"""
        b, c = self.bench, self.c
        self.column = f"embedding {c.type}({b.dims})"
        self.options = (f"OPTIONS (host '{c.socket}', dbname '%s', extensions 'vector', async_capable 'true', parallel_commit 'true', "
                        "batch_size '100')")
        c.psql("CREATE EXTENSION IF NOT EXISTS postgres_fdw",
               f"CREATE TABLE shard_queries AS SELECT row_number() OVER () AS number, embedding FROM (SELECT embedding FROM items LIMIT {QUERIES}) q",
               "ALTER TABLE shard_queries ADD PRIMARY KEY (number)")
        for i in range(SHARDS):
            c.psql(f"CREATE DATABASE shard{i}")
            c.psql("CREATE EXTENSION vector", db=f"shard{i}")
            c.psql(f"CREATE SERVER shard{i} FOREIGN DATA WRAPPER postgres_fdw {self.options % f'shard{i}'}",
                   f"CREATE USER MAPPING FOR CURRENT_USER SERVER shard{i}")
        c.psql(f"CREATE SERVER shard_whole FOREIGN DATA WRAPPER postgres_fdw {self.options % 'bench'}",
               "CREATE USER MAPPING FOR CURRENT_USER SERVER shard_whole",
               f"CREATE FOREIGN TABLE shard_whole (id int, {self.column}) SERVER shard_whole OPTIONS (table_name 'items')", "ANALYZE shard_whole, shard_queries")

    def divide(self, table, n):
        """A table of all rows in n parts"""
        b, c = self.bench, self.c
        c.psql(f"CREATE TABLE {table} (id int, {self.column}) PARTITION BY HASH (id)")
        for i in range(n):
            c.psql(f"CREATE TABLE {table} (id int, {self.column})", db=f"shard{i}")
            c.psql(f"CREATE FOREIGN TABLE {table}_{i} PARTITION OF {table} FOR VALUES WITH (MODULUS {n}, REMAINDER {i}) "
                   f"SERVER shard{i} OPTIONS (table_name '{table}')")
        c.psql(f"INSERT INTO {table} SELECT id, embedding FROM items")
        for i in range(n):
            b.say(f"{table}: index {i + 1} of {n}")
            c.psql(f"CREATE INDEX ON {table} USING {self.spec}", f"ANALYZE {table}", db=f"shard{i}")
        c.psql(f"ANALYZE {table}")

    def pgbench(self, table, options, clients):
        """Milliseconds of a query, and queries a second; the connections to the parts exist by then"""
        b, c = self.bench, self.c
        script = b.work / "shards.pgbench"
        script.write_text(f"\\set q random(1, {QUERIES})\n{SEARCH.format(table=table, operator=OPERATORS[b.metric], k=b.a.k)};\n")
        out = b.command(["env", f"PGOPTIONS={options}", c.bin / "pgbench", "-h", c.socket, "-U", "postgres", "-n", "-M", "prepared",
                         "-c", str(clients), "-T", max(2, round(b.a.seconds)), "-r", "-f", script, "bench"])
        return float(re.search(r"latency average = ([\d.]+)", out)[1]), float(re.search(r"tps = ([\d.]+)", out)[1])

    def work(self, table, n):
        """The hops and distances of all parts so far"""
        counts = [self.c.psql(WORK.format(table=table), db=f"shard{i}").split() for i in range(n)]
        return [sum(map(int, x)) for x in zip(*counts)]

    def effort(self, table, n, name, value, *after):
        """Recall, and hops and distances of a query, where all parts have a setting"""
        for i in range(n):
            self.c.psql(f"ALTER DATABASE shard{i} SET {name} = {value}")
            if after:
                self.c.psql(*after, db=f"shard{i}")
        before = self.work(table, n)
        recall = self.c.query("--table", table, "--count", self.bench.nq, "--clients", 1)["recall"]
        work = [(now - then) / self.bench.nq for now, then in zip(self.work(table, n), before)]
        for i in range(n):
            self.c.psql(f"ALTER DATABASE shard{i} RESET {name}")
        return [recall, *work]

    def efforts(self, tables):
        """By setting and by number of parts"""
        out = self.out["efforts"] = {}
        for name, value in self.settings:
            self.bench.say(f"shards, {name} = {value}")
            out[f"{name} = {value}"] = {str(n): self.effort(table, n, name, value) for n, table in tables.items()}
        for target in TARGETS:
            self.bench.say(f"shards, recall {target}")
            out[f"recall {target}"] = {str(n): self.effort(table, n, "vector.target_recall", target, f"ANALYZE {table}") for n, table in tables.items()}

    def measure(self):
        b, c = self.bench, self.c
        self.make()
        tables = {n: f"shard_of_{n}" for n in COUNTS} | {SHARDS: "shard_parts"}
        try:
            for n, table in tables.items():
                self.divide(table, n)
            for r in range(b.a.rounds):
                b.say(f"shards, round {r + 1}")
                for name, (table, options) in WAYS.items():
                    self.out.setdefault(name, {}).setdefault("ms", []).append(self.pgbench(table, options, 1)[0])
                for n, table in tables.items():
                    self.out.setdefault("rates", {}).setdefault(str(n), []).append(self.pgbench(table, "", CLIENTS)[1])
            for name in ("one table", "parts at the same time"):
                self.out[name]["recall"] = c.query("--table", WAYS[name][0], "--count", b.nq, "--clients", 1)["recall"]
            self.efforts(tables)
        finally:
            c.psql(f"DROP TABLE IF EXISTS {', '.join(tables.values())}, shard_queries", "DROP EXTENSION postgres_fdw CASCADE")
            for i in range(SHARDS):
                c.psql(f"DROP DATABASE shard{i}")


# -------------------------------------------------------------------- report

def report(t):
    """Lines of the table"""
    if not t:
        return []
    whole = statistics.median(t["one table"]["ms"])
    lines = ["", f"{SHARDS} parts by postgres_fdw, ms a query, one client; times one table by postgres_fdw; recall"]
    rates = {n: statistics.median(qps) for n, qps in t.get("rates", {}).items()}
    for name, x in t.items():
        if name in ("rates", "efforts"):
            continue
        ms = statistics.median(x["ms"])
        lines.append(f"  {name:28} {ms:10.3f} {ms / whole:8.2f}" + (f"   {x['recall']:.4f}" if "recall" in x else ""))
    if rates:
        lines += ["", f"Parts by postgres_fdw, queries a second of {CLIENTS} clients"]
        lines += [f"  {n:>3} {qps:10.1f}  {'#' * round(40 * qps / max(rates.values()))}" for n, qps in rates.items()]
    counts = [str(n) for n in (*COUNTS, SHARDS)]
    lines += ["", "Recall, hops and distances of a query of all parts, in " + ", ".join(counts) + " parts"]
    lines += [f"  {effort:28} " + "   ".join(f"{x[n][0]:.4f} {x[n][1]:6.0f} {x[n][2]:7.0f}" for n in counts) for effort, x in t["efforts"].items()]
    return lines
