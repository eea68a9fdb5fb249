"""The part "shards" of run.py: one table in four parts, by postgres_fdw, beside one table of all rows.

The parts are in four databases, each asked through a connection of its own on the same machine.  pgbench asks, by turns, with
one client: the one table by postgres_fdw, the parts without their LIMIT (as postgres_fdw by itself plans), with it and one after
the other, at the same time by cursors, and by one statement to each.  Recall is measured on some queries.  Needs a PostgreSQL that has postgres_fdw
(--pg-config).
"""
import re
import statistics

QUERIES = 1000
CHECKED = 100
SHARDS = 4
OPERATORS = {"l2": "<->", "ip": "<#>", "cos": "<=>"}
SEARCH = "SELECT id FROM {table} ORDER BY embedding {operator} (SELECT embedding FROM shard_queries WHERE number = :q) LIMIT {k}"
WAYS = {"one table": ("shard_whole", ""), "parts, no limit sent": ("shard_parts", "-c vector.enable_foreign_limit=off"),
        "parts, one after the other": ("shard_parts", "-c enable_async_append=off"),
        "parts, by cursors": ("shard_parts", "-c vector.enable_foreign_append=off"), "parts at the same time": ("shard_parts", "")}
RECALL = """SELECT avg(share) FROM (SELECT (SELECT count(*) FROM (SELECT p.embedding {operator} q.embedding AS d FROM {table} p
    ORDER BY p.embedding {operator} q.embedding LIMIT {k}) AS f WHERE d <= (SELECT max(d) FROM (
        SELECT i.embedding {operator} q.embedding AS d FROM items i ORDER BY (i.embedding {operator} q.embedding) + 0 LIMIT {k}) AS t) + 1e-6)
    / {k}.0 AS share FROM shard_queries q WHERE number <= {checked}) AS s"""


class Shards:
    def __init__(self, bench, contestant, spec, out):
        self.bench, self.c, self.spec, self.out = bench, contestant, spec, out

    def make(self):
        """Four databases with a part each, and foreign tables of these and of the whole"""
        b, c = self.bench, self.c
        column = f"embedding {c.type}({b.dims})"
        c.psql("CREATE EXTENSION IF NOT EXISTS postgres_fdw",
               f"CREATE TABLE shard_queries AS SELECT row_number() OVER () AS number, embedding FROM (SELECT embedding FROM items LIMIT {QUERIES}) q",
               "ALTER TABLE shard_queries ADD PRIMARY KEY (number)",
               f"CREATE TABLE shard_parts (id int, {column}) PARTITION BY HASH (id)")
        options = f"OPTIONS (host '{c.socket}', dbname '%s', extensions 'vector', async_capable 'true', parallel_commit 'true', batch_size '100')"
        for i in range(SHARDS):
            c.psql(f"CREATE DATABASE shard{i}")
            c.psql("CREATE EXTENSION vector", f"CREATE TABLE items (id int, {column})", db=f"shard{i}")
            c.psql(f"CREATE SERVER shard{i} FOREIGN DATA WRAPPER postgres_fdw {options % f'shard{i}'}",
                   f"CREATE USER MAPPING FOR CURRENT_USER SERVER shard{i}",
                   f"CREATE FOREIGN TABLE shard_parts_{i} PARTITION OF shard_parts FOR VALUES WITH (MODULUS {SHARDS}, REMAINDER {i}) "
                   f"SERVER shard{i} OPTIONS (table_name 'items')")
        c.psql(f"CREATE SERVER shard_whole FOREIGN DATA WRAPPER postgres_fdw {options % 'bench'}",
               "CREATE USER MAPPING FOR CURRENT_USER SERVER shard_whole",
               f"CREATE FOREIGN TABLE shard_whole (id int, {column}) SERVER shard_whole OPTIONS (table_name 'items')",
               "INSERT INTO shard_parts SELECT id, embedding FROM items")
        for i in range(SHARDS):
            b.say(f"shards: index {i + 1} of {SHARDS}")
            c.psql(f"CREATE INDEX ON items USING {self.spec}", "ANALYZE items", db=f"shard{i}")
        c.psql("ANALYZE shard_parts, shard_whole, shard_queries")

    def milliseconds(self, table, options):
        """Of a query, of one client; its connections exist by then"""
        b, c = self.bench, self.c
        script = b.work / "shards.pgbench"
        script.write_text(f"\\set q random(1, {QUERIES})\n{SEARCH.format(table=table, operator=OPERATORS[b.metric], k=b.a.k)};\n")
        out = b.command(["env", f"PGOPTIONS={options}", c.bin / "pgbench", "-h", c.socket, "-U", "postgres", "-n", "-M", "prepared",
                         "-c", "1", "-T", max(2, round(b.a.seconds)), "-r", "-f", script, "bench"])
        return float(re.search(r"latency average = ([\d.]+)", out)[1])

    def measure(self):
        b, c = self.bench, self.c
        self.make()
        try:
            for r in range(b.a.rounds):
                b.say(f"shards, round {r + 1}")
                for name, (table, options) in WAYS.items():
                    self.out.setdefault(name, {}).setdefault("ms", []).append(self.milliseconds(table, options))
            for name in ("one table", "parts at the same time"):
                self.out[name]["recall"] = float(c.value(RECALL.format(table=WAYS[name][0], operator=OPERATORS[b.metric], k=b.a.k, checked=CHECKED)))
        finally:
            c.psql("DROP TABLE shard_parts, shard_queries", "DROP FOREIGN TABLE shard_whole", "DROP EXTENSION postgres_fdw CASCADE")
            for i in range(SHARDS):
                c.psql(f"DROP DATABASE shard{i}")


# -------------------------------------------------------------------- report

def report(t):
    """Lines of the table"""
    if not t:
        return []
    whole = statistics.median(t["one table"]["ms"])
    lines = ["", f"{SHARDS} parts by postgres_fdw, ms a query, one client; times one table by postgres_fdw; recall"]
    for name, x in t.items():
        ms = statistics.median(x["ms"])
        lines.append(f"  {name:28} {ms:10.3f} {ms / whole:8.2f}" + (f"   {x['recall']:.4f}" if "recall" in x else ""))
    return lines
