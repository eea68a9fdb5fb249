"""The part "join" of run.py: the nearest rows of many queries, milliseconds a query.

The queries are the first rows of the table.  A LATERAL search for each without an index, vector_knn_join of all, exactly and for
a recall of 0.99, and a LATERAL search by the index, by one process and by two, answer them; and, where this Python has faiss,
IndexFlat of one thread, with the time that the vectors take from the server (COPY, binary) and the result takes back.  Only a
part of the queries is searched for without an index, one by one.  Distances of the exact ways are compared.
"""
import statistics
import time

QUERIES = 5000
SEARCHED = 20
OPERATORS = {"l2": "<->", "ip": "<#>", "cos": "<=>"}
LOOP = ("SELECT sum(n.d) FROM (SELECT embedding FROM join_queries WHERE id < {count}) AS q CROSS JOIN LATERAL "
        "(SELECT d.embedding {operator} q.embedding AS d FROM items d ORDER BY d.embedding {operator} q.embedding LIMIT {k}) AS n")
JOIN = ("SELECT sum(d) FROM vector_knn_join('SELECT id, embedding FROM join_queries WHERE id < {count}', "
        "'SELECT id, embedding FROM items', {k}, '{operator}', {recall}) AS j (query int, item int, d float8)")
SERIAL = "SET max_parallel_workers_per_gather = 0"
DIVIDED = "SET max_parallel_workers_per_gather = 1"
EXACT = [SERIAL, "SET enable_indexscan = off"]


def faiss_milliseconds(b, c):
    """Of a query of faiss's flat index, transfer counted; None if there is no faiss"""
    try:
        import faiss
        import numpy as np
    except ImportError:
        return None

    def fetch(table):
        file = b.work / "join.copy"
        c.psql(f"\\copy (SELECT embedding FROM {table} ORDER BY id) TO '{file}' BINARY")
        raw = file.read_bytes()
        file.unlink()
        dims = int.from_bytes(raw[25:27], "big")
        rows = np.frombuffer(raw, np.uint8)[19:-2].reshape(-1, 10 + 4 * dims)
        return np.ascontiguousarray(rows[:, 10:]).view(">f4").astype(np.float32)

    faiss.omp_set_num_threads(1)
    start = time.perf_counter()
    queries, items = fetch("join_queries"), fetch("items")
    if b.metric == "cos":
        faiss.normalize_L2(queries)
        faiss.normalize_L2(items)
    index = faiss.IndexFlat(items.shape[1], faiss.METRIC_L2 if b.metric == "l2" else faiss.METRIC_INNER_PRODUCT)
    index.add(items)
    distances, found = index.search(queries, b.a.k)
    file = b.work / "join.copy"
    with open(file, "w") as text:
        for i, (near, rows) in enumerate(zip(distances.tolist(), found.tolist())):
            text.writelines(f"{i}\t{row}\t{d}\n" for d, row in zip(near, rows))
    c.psql("CREATE TABLE join_result (query int, item int, d float8)")
    c.psql(f"\\copy join_result FROM '{file}'")
    seconds = time.perf_counter() - start
    c.psql("DROP TABLE join_result")
    return seconds * 1e3 / len(queries)


class Join:
    def __init__(self, bench, contestant, out):
        self.bench, self.c, self.out = bench, contestant, out

    def milliseconds(self, settings, statement, count):
        return self.c.seconds(*settings, statement) * 1e3 / count

    def measure(self):
        b, c = self.bench, self.c
        operator = OPERATORS[b.metric]
        c.psql("DROP TABLE IF EXISTS join_queries", f"CREATE TABLE join_queries AS SELECT * FROM items WHERE id < {QUERIES}", "ANALYZE join_queries")
        count = int(c.value("SELECT count(*) FROM join_queries"))

        def ask(text, n, recall=1):
            return text.format(operator=operator, k=b.a.k, count=n, recall=recall)

        sums = [c.psql(*EXACT, ask(text, SEARCHED)).split()[-1] for text in (LOOP, JOIN)]
        if abs(float(sums[0]) - float(sums[1])) > 1e-9 * abs(float(sums[0])):
            raise AssertionError(f"the sums of distances differ: {sums}")
        for r in range(b.a.rounds):
            b.say(f"joins, round {r + 1}")
            ways = {"LATERAL without an index": self.milliseconds(EXACT, ask(LOOP, SEARCHED), SEARCHED),
                    "vector_knn_join": self.milliseconds([SERIAL], ask(JOIN, count), count),
                    "vector_knn_join, recall 0.99": self.milliseconds([SERIAL], ask(JOIN, count, 0.99), count),
                    "LATERAL by the index": self.milliseconds([SERIAL, "SET enable_seqscan = off"], ask(LOOP, count), count),
                    "LATERAL, a leader and a worker": self.milliseconds([DIVIDED, "SET enable_seqscan = on"], ask(LOOP, count), count),
                    "faiss-cpu, flat, with transfer": faiss_milliseconds(b, c)}
            for name, ms in ways.items():
                if ms is not None:
                    self.out.setdefault(name, []).append(ms)
        c.psql("DROP TABLE join_queries")


# -------------------------------------------------------------------- report

def report(t):
    """Lines of the table"""
    if not t:
        return []
    loop = statistics.median(t["LATERAL without an index"])
    lines = ["", "Joins, ms a query, one core if not said; times faster than LATERAL without an index"]
    for name, ms in t.items():
        lines.append(f"  {name:32} {statistics.median(ms):10.3f} {loop / statistics.median(ms):8.1f}")
    if "faiss-cpu, flat, with transfer" not in t:
        lines.append("  faiss-cpu was not measured: this Python has no faiss")
    return lines
