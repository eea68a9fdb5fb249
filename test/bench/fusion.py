"""The part "fusion" of run.py: two searches of one table fused by rrf(), and by a statement of two searches, over the same indexes.

The columns are the vectors and their second halves, each with an index of hnsw; the queries are rows of the table.  With --texts DIR,
they are instead the vectors and the texts of a collection, DIR/corpus.jsonl.xz (title, text) and DIR/queries.jsonl.xz (text) with
DIR/{corpus,queries}.NAME.npy.xz (float16): an index of hnsw, and one of bm25 on the titles or on the texts.  pgbench asks, by turns, a
query of the table fusion_queries at a time.  The statement is written so that each search reads its index, as subqueries with LIMIT do;
row_number() OVER (ORDER BY distance) with a LIMIT outside sorts the table.
"""
import ast
import itertools
import json
import lzma
import pathlib
import re
import statistics
import struct

QUERIES = 1000
DEPTH = 100
SEARCH = "SELECT id, {column} {operator} (SELECT {query} FROM fusion_queries WHERE number = :q) AS d FROM fusion_items ORDER BY d LIMIT {n}"
ARM = "(SELECT id, row_number() OVER (ORDER BY d) AS rank FROM ({search}) AS nearest WHERE d {matches})"
SCORE = " + ".join(f"coalesce(1.0::float8 / (60 + {x}.rank), 0)" for x in "ab")


def statements(k, arms):
    """The statements that are compared, by their names; an arm is a column, an operator, a query, and which distances match"""
    searches = [SEARCH.format(column=column, operator=operator, query=query, n=DEPTH) for column, operator, query, _ in arms]
    a, b = (ARM.format(search=search, matches=arm[3]) for search, arm in zip(searches, arms))
    fused = ", ".join(f"{column} {operator} (SELECT {query} FROM fusion_queries WHERE number = :q)" for column, operator, query, _ in arms)
    return {
        "rrf()": f"SELECT id FROM fusion_items ORDER BY rrf({fused}) LIMIT {k}",
        "statement": f"SELECT id FROM {a} AS a FULL JOIN {b} AS b USING (id) JOIN fusion_items USING (id) ORDER BY {SCORE} DESC, id LIMIT {k}",
        "first search alone": searches[0],
        "second search alone": searches[1],
    }


def read_vectors(folder, part, most=None):
    """Dimensions of a float16 array, and its rows as text"""
    path = next(folder.glob(f"{part}.*.npy.xz"))
    data = lzma.decompress(path.read_bytes())
    size = int.from_bytes(data[8:10], "little")
    _, dims = ast.literal_eval(data[10:10 + size].decode())["shape"]
    rows = itertools.islice(struct.iter_unpack(f"<{dims}e", data[10 + size:]), most)
    return dims, [f"[{','.join(f'{x:g}' for x in row)}]" for row in rows]


def read_texts(folder, part):
    with lzma.open(folder / f"{part}.jsonl.xz", "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def escaped(text):
    return text.replace("\\", "\\\\").replace("\t", " ").replace("\n", " ").replace("\r", " ")


class Fusion:
    def __init__(self, bench, contestant, out):
        self.bench, self.c, self.out = bench, contestant, out

    def milliseconds(self, statement):
        """Of a query, of one client"""
        b, c = self.bench, self.c
        script = b.work / "fusion.pgbench"
        script.write_text(f"\\set q random(1, {QUERIES})\n{statement};\n")
        out = b.command(["env", "PGOPTIONS=-c enable_seqscan=off", c.bin / "pgbench", "-h", c.socket, "-U", "postgres", "-n", "-M", "prepared",
                         "-c", "1", "-T", max(1, round(b.a.seconds)), "-f", script, "bench"])
        return float(re.search(r"latency average = ([\d.]+)", out)[1])

    def copy(self, table, lines):
        path = self.bench.work / f"{table}.tsv"
        path.write_text("".join(lines), encoding="utf-8")
        path.chmod(0o644)
        self.c.psql(f"COPY {table} FROM '{path}'")
        path.unlink()

    def make_texts(self):
        """Tables of a collection; returns the arms of each pair"""
        folder = pathlib.Path(self.bench.a.texts)
        dims, vectors = read_vectors(folder, "corpus")
        _, asked = read_vectors(folder, "queries", QUERIES)
        self.c.psql(f"CREATE TABLE fusion_items (id int PRIMARY KEY, title text, body text, a vector({dims}))",
                    f"CREATE TABLE fusion_queries (number int PRIMARY KEY, words text, a vector({dims}))")
        self.copy("fusion_items", (f"{i}\t{escaped(x.get('title', ''))}\t{escaped(x['text'])}\t{v}\n"
                                   for i, (x, v) in enumerate(zip(read_texts(folder, "corpus"), vectors))))
        self.copy("fusion_queries", (f"{i + 1}\t{escaped(x['text'])}\t{v}\n"
                                     for i, (x, v) in enumerate(zip(read_texts(folder, "queries")[:QUERIES], asked))))
        self.c.psql("CREATE INDEX ON fusion_items USING hnsw (a vector_cosine_ops)",
                    *(f"CREATE INDEX ON fusion_items USING bm25 ({x}) WITH (text_config = 'english')" for x in ("title", "body")))
        return {f"vectors and {x}": [("a", "<=>", "a", "IS NOT NULL"), (x, "<@>", "words", "< 0")] for x in ("title", "body")}

    def make_halves(self):
        b, c = self.bench, self.c
        half = b.dims // 2
        c.psql(f"CREATE TABLE fusion_items AS SELECT id, embedding AS a, "
               f"subvector(embedding, {half + 1}, {b.dims - half})::vector({b.dims - half}) AS b FROM items",
               f"CREATE TABLE fusion_queries AS SELECT row_number() OVER () AS number, a, b FROM (SELECT a, b FROM fusion_items LIMIT {QUERIES}) AS q",
               "ALTER TABLE fusion_items ADD PRIMARY KEY (id)", "ALTER TABLE fusion_queries ADD PRIMARY KEY (number)",
               "CREATE INDEX ON fusion_items USING hnsw (a vector_cosine_ops)", "CREATE INDEX ON fusion_items USING hnsw (b vector_cosine_ops)")
        return {"vectors and their halves": [(x, "<=>", x, "IS NOT NULL") for x in "ab"]}

    def measure(self):
        b, c = self.bench, self.c
        b.say("fusion: two indexes of one table")
        pairs = self.make_texts() if b.a.texts else self.make_halves()
        c.psql("VACUUM ANALYZE fusion_items, fusion_queries")
        for _ in range(b.a.rounds):
            for pair, arms in pairs.items():
                out = self.out.setdefault(pair, {})
                for name, statement in statements(b.a.k, arms).items():
                    out.setdefault(name, []).append(self.milliseconds(statement))
        c.psql("DROP TABLE fusion_items, fusion_queries")


# -------------------------------------------------------------------- report

def report(t):
    """Lines of the table"""
    lines = []
    for pair, times in t.items():
        lines += ["", f"Two searches of {DEPTH} rows fused, {pair}, ms a query"]
        lines += [f"  {name:20} {statistics.median(ms):8.3f}" for name, ms in times.items()]
        lines.append(f"  the statement takes {statistics.median(times['statement']) / statistics.median(times['rrf()']):.2f} times as long as rrf()")
    return lines
