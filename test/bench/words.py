"""The part "text" of run.py: searches by words, by an index of bm25, by one of GIN with ts_rank, and by tantivy in process.

--corpus DIR names the data: corpus.jsonl.xz with title and text, and queries.jsonl.xz with text; --corpus N makes N documents of words
whose frequencies are those of Zipf's law, the same ones each time, and queries of one to eight of these.  --peer DIR with the source of
pg_textsearch (and --pg 18) measures its bm25 in turns with this one's.  tantivy is measured where the Python that runs run.py has it.
Times are medians of queries, of one client; that of a query is the least of the rounds.  Where others use the machine, the
processor's time tells more.
"""
import json
import lzma
import os
import pathlib
import random
import re
import statistics
import sys
import time

QUERIES = 400
CONDITIONAL = 48  # those of searches under conditions: some need as long as they have rows
SLOW = 8          # queries by ts_rank, and those whose answers are compared with exact ones
VOCABULARY = 1.2  # words of which documents are generated, by their number: most of them occur
# part is one of a thousand numbers
CONDITIONS = [("", "true", QUERIES), *((f", {x} of the rows", f"part < {n}", CONDITIONAL) for x, n in (("0.1 %", 1), ("1 %", 10), ("10 %", 100)))]
LIVE = 20000      # rows that are inserted
WORDS = re.compile(r"\w+")
GIN = "GIN, ts_rank"
# of each extension: the name of its bm25, the indexes' ends and what follows USING, and the score of a text
NAMES = {"vector": "bm25", "pg_textsearch": "pg_textsearch"}
INDEXES = {"vector": {"bm25": ("bm25", "bm25 (body, part) WITH (text_config = 'simple')"), GIN: ("gin", "gin (to_tsvector('simple', body))")},
           "pg_textsearch": {"pg_textsearch": ("bm25", "bm25 (body) WITH (text_config = 'simple')")}}
PROCESSOR = ("SELECT 'ticks', a[14], a[15] FROM string_to_array(pg_read_file('/proc/self/stat'), ' ') AS a" if sys.platform == "linux"
             else "SELECT 'ticks', 0, 0")
SCORE = {"vector": "body <@> (SELECT body FROM text_queries WHERE id = :q)",
         "pg_textsearch": "body <@> to_bm25query((SELECT body FROM text_queries WHERE id = :q), 'text_bm25')"}


def read_lines(path):
    with lzma.open(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def generated(rows):
    """Documents of 40 words on average, and queries"""
    r = random.Random(1)
    weights, total = [], 0
    vocabulary = round(VOCABULARY * rows)
    for rank in range(1, vocabulary + 1):
        total += rank ** -1.07
        weights.append(total)
    words = [f"w{rank:x}" for rank in range(vocabulary)]

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

    def milliseconds(self, c, statement, queries=QUERIES):
        """Of each of the first queries, one after the other, each asked before"""
        b = self.bench
        script, log = b.work / "text.pgbench", b.work / "text_log"
        script.write_text(f"\\set q (:n % {queries})\n\\set n (:n + 1)\n{statement};\n")
        b.command(["env", "PGOPTIONS=-c enable_seqscan=off -c max_parallel_workers_per_gather=0", c.bin / "pgbench", "-h", c.socket, "-U", "postgres", "-n",
                   "-M", "prepared", "-D", "n=0", "-t", 2 * queries, "-l", "--log-prefix", log, "-f", script, "bench"])
        logs = list(b.work.glob("text_log.*"))
        times = [int(line.split()[2]) / 1e3 for path in logs for line in path.read_text().splitlines()]
        for path in logs:
            path.unlink()
        return times[queries:]

    def by_length(self, times):
        """Medians of the queries of one word, of two, and so on"""
        lengths = [len(WORDS.findall(q)) for q in self.queries[:len(times)]]
        return {n: statistics.median(t for t, m in zip(times, lengths) if m == n) for n in range(1, 9) if n in lengths}

    def wrong(self, c):
        """Queries of the first whose scores by the index are not those of the table, in order"""
        ask = ("SELECT (SELECT array_agg(d) FROM (SELECT body <@> to_bm25query(q.body, 'text_bm25') AS d FROM text_items "
               f"WHERE body <@> to_bm25query(q.body, 'text_bm25') < 0 ORDER BY d LIMIT {self.bench.a.k}) x) FROM text_queries q WHERE id < {SLOW} ORDER BY id")
        answers = [c.psql(f"SET enable_{x} = off", ask).splitlines() for x in ("seqscan", "indexscan")]
        return sum(a != b for a, b in zip(*answers))

    def found(self, c, where):
        """The rows that each of some queries finds"""
        ask = (f"SELECT (SELECT array_agg(id) FROM (SELECT id FROM text_items WHERE {where} ORDER BY {SCORE[c.extension]} LIMIT {self.bench.a.k}) x) "
               f"FROM text_queries AS q WHERE id < {CONDITIONAL} ORDER BY id").replace(":q", "q.id")
        answers = c.psql("SET enable_seqscan = off", "SET client_min_messages = error", ask).splitlines()
        return [set(line.strip("{}").split(",")) - {""} for line in answers]

    def timed(self, c, *statements):
        """Seconds of the last of some statements, and those of a processor where the system tells them"""
        out = c.psql("SET client_min_messages = error", *statements[:-1], PROCESSOR, statements[-1], PROCESSOR, timing=True)
        before, after = ([int(x) for x in ticks] for ticks in re.findall(r"^ticks\|(\d+)\|(\d+)", out, re.M))
        return float(re.findall(r"^Time: ([\d.]+) ms", out, re.M)[-2]) / 1e3, (sum(after) - sum(before)) / os.sysconf("SC_CLK_TCK")

    def build(self, c, index):
        return self.timed(c, "SET max_parallel_maintenance_workers = 0", f"CREATE INDEX text_{index}")

    def processor(self, c, where, queries):
        """Milliseconds of a processor for a query, of the first ones in one statement"""
        ask = (f"SELECT sum((SELECT count(*) FROM (SELECT id FROM text_items WHERE {where} ORDER BY {SCORE[c.extension]} LIMIT {self.bench.a.k}) x)) "
               f"FROM text_queries AS q WHERE id < {queries}").replace(":q", "q.id")
        return 1e3 * self.timed(c, "SET enable_seqscan = off", "SET max_parallel_workers_per_gather = 0", ask, ask)[1] / queries

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
        return {"version": tantivy.__version__, "build_s": seconds, "times": [1e3 * x for x in times[len(self.queries):]]}

    def inserts(self, c, index):
        """Rows a second of one statement, into a table with an index"""
        c.psql("CREATE TABLE text_live (body text, v vector(16))" if c.extension == "vector" else "CREATE TABLE text_live (body text, v int[])",
               f"CREATE INDEX ON text_live USING {index}")
        seconds = c.seconds("INSERT INTO text_live SELECT body, ARRAY(SELECT hashint8extended(id, d) % 1000 FROM generate_series(1, 16) d)::int[]"
                            f"{'::vector' if c.extension == 'vector' else ''} FROM text_items WHERE id < {LIVE}")
        c.psql("DROP TABLE text_live")
        return min(LIVE, len(self.texts)) / seconds

    def searches(self, c):
        """Times of the searches by an index of bm25, all and under conditions"""
        name, times = NAMES[c.extension], self.bench.results["text"]["times"]
        for label, where, n in CONDITIONS:
            times.setdefault(name + label, []).append(self.milliseconds(
                c, f"SELECT id FROM text_items WHERE {where} ORDER BY {SCORE[c.extension]} LIMIT {self.bench.a.k}", n))

    def measure(self):
        b = self.bench
        out = b.results["text"] = {"documents": len(self.texts), "build_s": {}, "build_cpu_s": {}, "size_mb": {}, "times": {}, "rows_per_second": {}}
        for c in b.contestants:
            b.say(f"texts: loading into {c.name}")
            b.results["load_s"][c.name] = [self.fill(c)]
            b.results["table_mb"][c.name] = int(c.value("SELECT pg_table_size('text_items')")) / 1e6
            for name, index in INDEXES[c.extension].items():
                b.say(f"texts: building {name}")
                out["build_s"][name], out["build_cpu_s"][name] = self.build(c, f"{index[0]} ON text_items USING {index[1]}")
                out["size_mb"][name] = int(c.value(f"SELECT pg_relation_size('text_{index[0]}')")) / 1e6
        for r, c in b.turns(b.a.rounds):
            b.say(f"texts: searches, round {r + 1}: {c.name}")
            self.searches(c)
        out["processor_ms"] = {f"{NAMES[c.extension]}{label}": self.processor(c, where, n) for c in b.contestants for label, where, n in CONDITIONS}
        ours, *peers = b.contestants
        b.say("texts: GIN")
        words = "(SELECT replace(plainto_tsquery('simple', body)::text, '&', '|')::tsquery FROM text_queries WHERE id = :q)"
        out["times"][GIN] = [self.milliseconds(ours, f"SELECT id FROM text_items WHERE to_tsvector('simple', body) @@ {words} "
                                               f"ORDER BY ts_rank(to_tsvector('simple', body), {words}) DESC LIMIT {b.a.k}", SLOW)]
        b.say("texts: exact answers")
        out["wrong"] = self.wrong(ours)
        out["found"] = {}
        for _, where, _ in CONDITIONS if peers else ():
            mine, theirs = (self.found(c, where) for c in b.contestants)
            out["found"][where] = {"ours": sum(map(len, mine)), "peer": sum(map(len, theirs)), "both": sum(len(x & y) for x, y in zip(mine, theirs))}
        b.say("texts: inserts")
        for c in b.contestants:
            for name, index in INDEXES[c.extension].items():
                if name != GIN:
                    out["rows_per_second"][name] = self.inserts(c, index[1].replace(", part", ""))
        out["rows_per_second"]["hnsw"] = self.inserts(ours, "hnsw (v vector_l2_ops)")
        b.say("texts: tantivy")
        out["tantivy"] = self.tantivy()
        whole = {name: [min(x) for x in zip(*rounds)] for name, rounds in out["times"].items()}
        whole["bm25, the queries of conditions"] = whole["bm25"][:CONDITIONAL]
        whole["bm25, the queries of GIN"] = whole["bm25"][:SLOW]
        if out["tantivy"]:
            whole["tantivy, in process"] = out["tantivy"].pop("times")
        out["ms"] = {name: statistics.median(x) for name, x in whole.items()}
        out["ms_by_words"] = {name: self.by_length(x) for name, x in whole.items() if len(x) >= CONDITIONAL}


# -------------------------------------------------------------------- report

def report(t):
    """Lines of the table"""
    lines = ["", f"{t['documents']:,} texts, ms a query (median)"]
    lengths = sorted(set().union(*t["ms_by_words"].values()))
    lines.append(f"  {'':32} {'all':>9} " + " ".join(f"{f'{n} words':>9}" for n in lengths))
    for name, ms in t["ms"].items():
        by_words = t["ms_by_words"].get(name, {})
        lines.append(f"  {name:32} {ms:9.3f} " + " ".join(f"{by_words[n]:9.3f}" if n in by_words else f"{'':9}" for n in lengths))
    lines.append(f"  of {SLOW} queries, {t['wrong']} have other scores than the table gives")
    lines += [f"  rows found where {where}: ours {n['ours']:,}, peer {n['peer']:,}, both {n['both']:,}" for where, n in t["found"].items()]
    for title, key in (("ms of a processor a query", "processor_ms"), ("build, s", "build_s"), ("of a processor, s", "build_cpu_s"), ("size, MB", "size_mb"), ("rows/s of INSERT", "rows_per_second")):
        lines.append(f"  {title}: " + "; ".join(f"{name} {value:,.{2 if value < 10 else 1}f}" for name, value in t[key].items()))
    return lines
