"""The part "sparse" of run.py: inner products of sparse vectors, ours with an index of sparse, the peer's with one of hnsw.

--csr PREFIX names the data: PREFIX.base.csr and PREFIX.query.csr, or the same compressed (.xz), each of int64 rows, cols, nnz;
int64 starts[rows + 1]; int32 indices[nnz]; float32 values[nnz].  pgbench asks, one query of the table sparse_queries at a time.
"""
import array
import lzma
import math
import pathlib
import re
import statistics

RECALL = 0.99
# of each access method: the setting that moves along the curve, and its values
CURVES = {"sparse": ("sparse.drop_ratio", [0, 0.1, 0.2, 0.3, 0.5]), "hnsw": ("hnsw.ef_search", [40, 100, 200, 400, 700, 1000])}
ASKED = 400    # queries whose answers are compared with exact ones


def read_csr(prefix, part):
    """Number of columns, and (indices, values) of each row"""
    path = pathlib.Path(f"{prefix}.{part}.csr")
    data = path.read_bytes() if path.exists() else lzma.decompress(pathlib.Path(f"{path}.xz").read_bytes())
    rows, cols, nnz = array.array("q", data[:24])
    at = [24, 24 + 8 * (rows + 1)]
    at += [at[1] + 4 * nnz, at[1] + 8 * nnz]
    starts, indices, values = (array.array(t, data[x:y]) for t, x, y in zip("qif", at, at[1:]))
    return cols, [(indices[a:b], values[a:b]) for a, b in zip(starts, starts[1:])]


class Sparse:
    def __init__(self, bench):
        self.bench = bench
        self.cols, self.base = read_csr(bench.a.csr, "base")
        _, self.queries = read_csr(bench.a.csr, "query")

    def write(self, path, rows):
        with open(path, "w", encoding="ascii") as f:
            for i, (indices, values) in enumerate(rows):
                f.write(f"{i}\t{{{','.join(f'{x + 1}:{v!r}' for x, v in zip(indices, values))}}}/{self.cols}\n")
        path.chmod(0o644)

    def fill(self, c):
        b = self.bench
        seconds = 0
        for table, rows in (("sparse_items", self.base), ("sparse_queries", self.queries)):
            path = b.work / f"{table}.tsv"
            if not path.exists():
                self.write(path, rows)
            c.psql(f"CREATE TABLE {table} (id integer, v sparsevec({self.cols}))")
            seconds += c.seconds(f"COPY {table} FROM '{path}'")
        c.psql("ALTER TABLE sparse_queries ADD PRIMARY KEY (id)", "VACUUM ANALYZE sparse_items, sparse_queries")
        return seconds

    def answers(self, c, *settings):
        """The distances of the first queries' nearest rows"""
        step = max(1, len(self.queries) // ASKED)
        out = c.psql(*settings, "SELECT (SELECT array_agg(d) FROM (SELECT v <#> q.v AS d FROM sparse_items ORDER BY v <#> q.v "
                     f"LIMIT {self.bench.a.k}) x) FROM sparse_queries q WHERE id % {step} = 0 ORDER BY id")
        return [[float(x) for x in line.strip("{}").split(",")] for line in out.split()]

    def recall(self, c, setting):
        found = self.answers(c, "SET enable_seqscan = off", f"SET {setting}")
        hits = sum(sum(d <= e[-1] for d in f) for f, e in zip(found, self.exact))
        return hits / sum(map(len, self.exact))

    def rate(self, c, setting, clients):
        """Queries a second, and milliseconds of one"""
        b = self.bench
        script = b.work / "sparse.pgbench"
        script.write_text(f"\\set q random(0, {len(self.queries) - 1})\nSELECT id FROM sparse_items "
                          f"ORDER BY v <#> (SELECT v FROM sparse_queries WHERE id = :q) LIMIT {b.a.k};\n")
        out = b.command(["env", f"PGOPTIONS=-c enable_seqscan=off -c {setting.replace(' ', '')}", c.bin / "pgbench", "-h", c.socket,
                         "-U", "postgres", "-n", "-M", "prepared", "-c", clients, "-j", clients, "-T", max(1, round(b.a.seconds)),
                         "-f", script, "bench"])
        return float(re.search(r"tps = ([\d.]+)", out)[1]), float(re.search(r"latency average = ([\d.]+)", out)[1])

    def measure(self):
        b = self.bench
        out = b.results["sparse"] = {"nnz": [statistics.mean(len(v) for _, v in x) for x in (self.base, self.queries)],
                                     "build_s": {}, "size_mb": {}, "points": []}
        method = {c.name: "sparse" if "sparse" in c.methods else "hnsw" for c in b.contestants}
        for c in b.contestants:
            b.say(f"sparse vectors: {c.name}")
            b.results["load_s"][c.name] = [self.fill(c)]
            b.results["table_mb"][c.name] = int(c.value("SELECT pg_table_size('sparse_items')")) / 1e6
        self.exact = self.answers(b.contestants[0], "SET enable_indexscan = off")
        for c in b.contestants:
            out["build_s"][c.name] = [c.seconds(f"CREATE INDEX sparse_index ON sparse_items USING {method[c.name]} (v sparsevec_ip_ops)")]
            out["size_mb"][c.name] = [int(c.value("SELECT pg_relation_size('sparse_index')")) / 1e6]
        for clients in b.a.clients:
            for i in range(max(len(CURVES[m][1]) for m in method.values())):
                for r, c in b.turns(b.a.rounds):
                    name, values = CURVES[method[c.name]]
                    if i >= len(values):
                        continue
                    setting = f"{name} = {values[i]}"
                    b.say(f"sparse vectors: {setting}, {clients} clients, round {r + 1}: {c.name}")
                    p = next((p for p in out["points"] if (p["contestant"], p["setting"], p["clients"]) == (c.name, setting, clients)), None)
                    if p is None:
                        p = {"contestant": c.name, "method": method[c.name], "setting": setting, "clients": clients,
                             "recall": self.recall(c, setting), "qps": [], "ms": []}
                        out["points"].append(p)
                    qps, ms = self.rate(c, setting, clients)
                    p["qps"].append(qps)
                    p["ms"].append(ms)


# -------------------------------------------------------------------- report

def rate_at(points, recall):
    """Queries a second at a recall: log-linear between two points; of the best point that reaches it if it is the first"""
    curve = sorted((p["recall"], statistics.median(p["qps"])) for p in points)
    better = [p for p in curve if p[0] >= recall]
    if not better:
        return None
    worse = [p for p in curve if p[0] < recall]
    fastest = max(qps for _, qps in better)
    if not worse:
        return fastest
    (r0, q0), (r1, q1) = worse[-1], better[0]
    return max(fastest, math.exp(math.log(q0) + (recall - r0) / (r1 - r0) * (math.log(q1) - math.log(q0))))


def report(s):
    """Lines of the table"""
    lines = ["", f"Sparse vectors of {s['nnz'][0]:.0f} elements, queries of {s['nnz'][1]:.0f}",
             f"  {'':28}  clients  recall  queries/s     ms"]
    for p in s["points"]:
        lines.append(f"  {p['contestant'] + ', ' + p['setting']:28}  {p['clients']:7}  {p['recall']:.4f}  "
                     f"{statistics.median(p['qps']):9,.0f}  {statistics.median(p['ms']):5.3f}")
    for title, key in (("build, s", "build_s"), ("size, MB", "size_mb")):
        lines.append(f"  {title}: " + "; ".join(f"{n} {statistics.median(v):.2f}" for n, v in s[key].items()))
    for clients in sorted({p["clients"] for p in s["points"]}):
        mine = [p for p in s["points"] if p["clients"] == clients]
        exact = [statistics.median(p["qps"]) for p in mine if p["method"] == "sparse" and p["recall"] == 1]
        graph = [p for p in mine if p["method"] == "hnsw"]
        if exact and graph:
            # the nearest point, where the curve ends below the recall
            recall = min(RECALL, max(p["recall"] for p in graph))
            theirs = rate_at(graph, recall)
            lines.append(f"  {clients} clients: exact {max(exact):,.0f} queries/s, hnsw at recall {recall:.4f} {theirs:,.0f}: "
                         f"ratio {max(exact) / theirs:.1f}")
    return lines
