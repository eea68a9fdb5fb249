"""The part "text" of run.py: searches by words, by an index of bm25, by one of GIN with ts_rank, and by tantivy in process.

--corpus DIR names the data: corpus.jsonl.xz with title and text, and queries.jsonl.xz with text; --corpus N makes N documents of words
whose frequencies are those of Zipf's law, the same ones each time, and queries of one to eight of these.  tantivy is measured where the
Python that runs run.py has it.  Times are medians of queries, of one client.
"""
import json
import lzma
import pathlib
import random
import re
import statistics
import time

QUERIES = 400
SLOW = 20         # queries by ts_rank, and those whose answers are compared with exact ones
VOCABULARY = 200000
PARTS = {"0.1 %": 1, "1 %": 10, "10 %": 100}   # thousandths of the rows under a condition
LIVE = 20000      # rows that are inserted
WORDS = re.compile(r"\w+")


def read_lines(path):
    with lzma.open(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def generated(rows):
    """Documents of 40 words on average, and queries"""
    r = random.Random(1)
    weights, total = [], 0
    for rank in range(1, VOCABULARY + 1):
        total += rank ** -1.07
        weights.append(total)
    words = [f"w{rank:x}" for rank in range(VOCABULARY)]

    def some(n):
        return " ".join(r.choices(words, cum_weights=weights, k=n))
    return [some(max(3, min(1000, round(r.lognormvariate(3.5, 0.6))))) for _ in range(rows)], [some(1 + i % 8) for i in range(QUERIES)]


def stored(folder):
    """Documents, and the queries with runs of one to eight words of documents"""
    r = random.Random(1)
    texts = [f"{x.get('title', '')} {x['text']}" for x in read_lines(folder / "corpus.jsonl.xz")]
    queries = [x["text"] for x in read_lines(folder / "queries.jsonl.xz")][:QUERIES]
    while len(queries) < QUERIES:
        queries.append(" ".join(r.choices(WORDS.findall(r.choice(texts)) or ["a"], k=1 + len(queries) % 8)))
    return texts, [" ".join(WORDS.findall(q)) for q in queries]


class Words:
    def __init__(self, bench):
        self.bench = bench
        self.name = bench.a.corpus
        self.texts, self.queries = generated(int(self.name)) if self.name.isdigit() else stored(pathlib.Path(self.name))

    def write(self, table, rows):
        path = self.bench.work / f"{table}.tsv"
        with open(path, "w", encoding="utf-8") as f:
            for i, text in enumerate(rows):
                f.write(f"{i}\t{i * 7919 % 1000}\t" + re.sub(r"[\\\t\n\r]", " ", text) + "\n")
        path.chmod(0o644)
        return path

    def fill(self, c):
        seconds = 0
        for table, rows in (("text_items", self.texts), ("text_queries", self.queries)):
            c.psql(f"CREATE TABLE {table} (id integer PRIMARY KEY, part integer, body text)")
            seconds += c.seconds(f"COPY {table} FROM '{self.write(table, rows)}'")
        c.psql("VACUUM ANALYZE text_items, text_queries")
        return seconds

    def milliseconds(self, c, statement, queries=None):
        """The median of the first queries, one after the other, each asked before"""
        b = self.bench
        n = queries or len(self.queries)
        script, log = b.work / "text.pgbench", b.work / "text_log"
        script.write_text(f"\\set q (:n % {n})\n\\set n (:n + 1)\n{statement};\n")
        b.command(["env", "PGOPTIONS=-c enable_seqscan=off -c max_parallel_workers_per_gather=0", c.bin / "pgbench", "-h", c.socket, "-U", "postgres", "-n",
                   "-M", "prepared", "-D", "n=0", "-t", 2 * n, "-l", "--log-prefix", log, "-f", script, "bench"])
        logs = list(b.work.glob("text_log.*"))
        times = [int(line.split()[2]) / 1e3 for path in logs for line in path.read_text().splitlines()]
        for path in logs:
            path.unlink()
        return statistics.median(times[n:])

    def wrong(self, c):
        """Queries of the first whose scores by the index are not those of the table, in order"""
        ask = ("SELECT (SELECT array_agg(d) FROM (SELECT body <@> to_bm25query(q.body, 'text_bm25') AS d FROM text_items "
               f"WHERE body <@> to_bm25query(q.body, 'text_bm25') < 0 ORDER BY d LIMIT {self.bench.a.k}) x) FROM text_queries q WHERE id < {SLOW} ORDER BY id")
        answers = [c.psql(f"SET enable_{x} = off", ask).splitlines() for x in ("seqscan", "indexscan")]
        return sum(a != b for a, b in zip(*answers))

    def tantivy(self):
        """Seconds of the build, and milliseconds of a query; None where it is not installed"""
        try:
            import tantivy
        except ImportError:
            return None
        schema = tantivy.SchemaBuilder().add_integer_field("id", stored=True).add_text_field("body", index_option="freq").build()
        start = time.perf_counter()
        index = tantivy.Index(schema)
        writer = index.writer(heap_size=500_000_000, num_threads=1)
        for i, text in enumerate(self.texts):
            writer.add_document(tantivy.Document(id=i, body=text))
        writer.commit()
        writer.wait_merging_threads()
        seconds = time.perf_counter() - start
        index.reload()
        searcher = index.searcher()
        times = []
        for q in 2 * self.queries:
            start = time.perf_counter()
            searcher.search(index.parse_query(q.lower(), ["body"]), self.bench.a.k)
            times.append(time.perf_counter() - start)
        return {"version": tantivy.__version__, "build_s": seconds, "ms": 1e3 * statistics.median(times[len(self.queries):])}

    def inserts(self, c):
        """Rows a second of one statement, into a table with each index"""
        out = {}
        for name, index in (("bm25", "bm25 (body) WITH (text_config = 'pg_catalog.simple')"), ("hnsw", "hnsw (v vector_l2_ops)")):
            c.psql("CREATE TABLE text_live (body text, v vector(16))", f"CREATE INDEX ON text_live USING {index}")
            out[name] = min(LIVE, len(self.texts)) / c.seconds("INSERT INTO text_live SELECT body, ARRAY(SELECT hashint8extended(id, d) % 1000 FROM generate_series(1, 16) d)::int[]::vector "
                                         f"FROM text_items WHERE id < {LIVE}")
            c.psql("DROP TABLE text_live")
        return out

    def measure(self):
        b = self.bench
        c = b.contestants[0]
        out = b.results["text"] = {"documents": len(self.texts), "build_s": {}, "size_mb": {}, "ms": {}}
        b.say("texts: loading")
        b.results["load_s"][c.name] = [self.fill(c)]
        b.results["table_mb"][c.name] = int(c.value("SELECT pg_table_size('text_items')")) / 1e6
        for name, index in (("bm25", "bm25 (body, part) WITH (text_config = 'pg_catalog.simple')"), ("gin", "gin (to_tsvector('simple', body))")):
            b.say(f"texts: building {name}")
            out["build_s"][name] = c.seconds("SET max_parallel_maintenance_workers = 0", f"CREATE INDEX text_{name} ON text_items USING {index}")
            out["size_mb"][name] = int(c.value(f"SELECT pg_relation_size('text_{name}')")) / 1e6
        b.say("texts: searches")
        score = "body <@> (SELECT body FROM text_queries WHERE id = :q)"
        words = "(SELECT replace(plainto_tsquery('simple', body)::text, '&', '|')::tsquery FROM text_queries WHERE id = :q)"
        out["ms"]["bm25"] = self.milliseconds(c, f"SELECT id FROM text_items ORDER BY {score} LIMIT {b.a.k}")
        for name, parts in PARTS.items():
            out["ms"][f"bm25, {name} of the rows"] = self.milliseconds(c, f"SELECT id FROM text_items WHERE part < {parts} ORDER BY {score} LIMIT {b.a.k}")
        out["ms"]["GIN, ts_rank"] = self.milliseconds(c, f"SELECT id FROM text_items WHERE to_tsvector('simple', body) @@ {words} "
                                                      f"ORDER BY ts_rank(to_tsvector('simple', body), {words}) DESC LIMIT {b.a.k}", SLOW)
        out["ms"]["bm25, the same queries"] = self.milliseconds(c, f"SELECT id FROM text_items ORDER BY {score} LIMIT {b.a.k}", SLOW)
        out["wrong"] = self.wrong(c)
        b.say("texts: inserts")
        out["rows_per_second"] = self.inserts(c)
        b.say("texts: tantivy")
        out["tantivy"] = self.tantivy()


# -------------------------------------------------------------------- report

def report(t):
    """Lines of the table"""
    lines = ["", f"{t['documents']:,} texts, ms a query (median)"]
    lines += [f"  {name:26} {ms:9.3f}" for name, ms in t["ms"].items()]
    if t["tantivy"]:
        lines.append(f"  {'tantivy, in process':26} {t['tantivy']['ms']:9.3f}")
    lines.append(f"  of {SLOW} queries, {t['wrong']} have other scores than the table gives")
    for title, key in (("build, s", "build_s"), ("size, MB", "size_mb"), ("rows/s of INSERT", "rows_per_second")):
        lines.append(f"  {title}: " + "; ".join(f"{name} {value:,.1f}" for name, value in t[key].items()))
    return lines
