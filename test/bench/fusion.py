"""The part "fusion" of run.py: two searches of one table fused by rrf(), and by a statement of two searches, over the same indexes.

The columns are the vectors and their second halves, each with an index of hnsw; the queries are rows of the table.  pgbench asks, by
turns, a query of the table fusion_queries at a time.  The statement is written so that each search reads its index, as
subqueries with LIMIT do; row_number() OVER (ORDER BY distance) with a LIMIT outside sorts the table.
"""
import re
import statistics

QUERIES = 1000
DEPTH = 100
SEARCH = "SELECT id, {column} <=> (SELECT {column} FROM fusion_queries WHERE number = :q) AS d FROM fusion_items ORDER BY d LIMIT {n}"
ARM = "(SELECT id, row_number() OVER (ORDER BY d) AS rank FROM ({search}) AS nearest)"
SCORE = " + ".join(f"coalesce(1.0::float8 / (60 + {x}.rank), 0)" for x in "ab")


def statements(k):
    """The statements that are compared, by their names"""
    searches = {x: SEARCH.format(column=x, n=DEPTH) for x in "ab"}
    a, b = (ARM.format(search=searches[x]) for x in "ab")
    query = "(SELECT {0} FROM fusion_queries WHERE number = :q)"
    return {
        "rrf()": f"SELECT id FROM fusion_items ORDER BY rrf(a <=> {query.format('a')}, b <=> {query.format('b')}) LIMIT {k}",
        "statement": f"SELECT id FROM {a} AS a FULL JOIN {b} AS b USING (id) JOIN fusion_items USING (id) ORDER BY {SCORE} DESC, id LIMIT {k}",
        "first search alone": searches["a"],
        "second search alone": searches["b"],
    }


class Fusion:
    def __init__(self, bench, contestant, out):
        self.bench, self.c, self.out = bench, contestant, out

    def milliseconds(self, name, statement):
        """Of a query, of one client"""
        b, c = self.bench, self.c
        script = b.work / "fusion.pgbench"
        script.write_text(f"\\set q random(1, {QUERIES})\n{statement};\n")
        out = b.command(["env", "PGOPTIONS=-c enable_seqscan=off", c.bin / "pgbench", "-h", c.socket, "-U", "postgres", "-n", "-M", "prepared",
                         "-c", "1", "-T", max(1, round(b.a.seconds)), "-f", script, "bench"])
        return float(re.search(r"latency average = ([\d.]+)", out)[1])

    def measure(self):
        b, c = self.bench, self.c
        half = b.dims // 2
        b.say("fusion: two indexes of one table")
        c.psql(f"CREATE TABLE fusion_items AS SELECT id, embedding AS a, "
               f"subvector(embedding, {half + 1}, {b.dims - half})::vector({b.dims - half}) AS b FROM items",
               f"CREATE TABLE fusion_queries AS SELECT row_number() OVER () AS number, a, b FROM (SELECT a, b FROM fusion_items LIMIT {QUERIES}) AS q",
               "ALTER TABLE fusion_items ADD PRIMARY KEY (id)", "ALTER TABLE fusion_queries ADD PRIMARY KEY (number)",
               "CREATE INDEX ON fusion_items USING hnsw (a vector_cosine_ops)", "CREATE INDEX ON fusion_items USING hnsw (b vector_cosine_ops)",
               "VACUUM ANALYZE fusion_items, fusion_queries")
        for _ in range(b.a.rounds):
            for name, statement in statements(b.a.k).items():
                self.out.setdefault(name, []).append(self.milliseconds(name, statement))
        c.psql("DROP TABLE fusion_items, fusion_queries")


# -------------------------------------------------------------------- report

def report(t):
    """Lines of the table"""
    if not t:
        return []
    lines = ["", f"Two searches of {DEPTH} rows fused, ms a query"]
    lines += [f"  {name:20} {statistics.median(ms):8.3f}" for name, ms in t.items()]
    lines.append(f"  the statement takes {statistics.median(t['statement']) / statistics.median(t['rrf()']):.2f} times as long as rrf()")
    return lines
