"""The part "filter" of run.py: searches under conditions, by each way to answer them.

A table filtered has the vectors and three generated attributes, the same for both contestants:

tenant  0 has half of the rows, 1 a tenth, 2 4 %, 3 1 %, 4 0.1 %, 5 0.01 %, 6 seven rows; a thousand others have the rest
size    0 to 9999, each as often
label   the data's own (base.labels, query.labels), else the nearest of 50 rows; goes with the vectors

A table acl says who may read what: reader 1 a hundredth of the rows, reader 2 a thousandth.

The ways differ by the indexes that the planner sees, which a mark in the catalog hides or shows, and by settings.  All
are measured in every round, in turns.  True answers come from exact searches, before there is an index on the table.
"""
import collections
import random
import re
import statistics

QUERIES = 200
COLUMNS = "tenant, size, label"
TENANTS = [0.5, 0.1, 0.04, 0.01, 0.001, 0.0001]
OTHER_TENANTS = 1000
READERS = [0.01, 0.001] + 20 * [0.01]
CENTRES = 50
INSERT_ROWS = 2000
CURVE = [10, 20, 40, 80, 160, 320]    # values of the search without a condition, for its rate at a recall
CURVE_SETTINGS = {"hnsw": "hnsw.ef_search", "diskann": "diskann.query_search_list_size"}

Cell = collections.namedtuple("Cell", "name where params")
Way = collections.namedtuple("Way", "name contestant indexes iterative")


def ways(peer):
    """Who answers, with which indexes besides the one on id, and in which mode (None: the default)"""
    btrees = ["by_vector", "by_tenant", "by_size", "by_label"]
    orders = ["relaxed"] if peer == "ivfflat" else ["strict", "relaxed"]
    return [Way("ours, attributes", "ours", ["by_attributes"], None), Way("ours, btree", "ours", btrees, None),
            Way("ours, no index", "ours", ["by_vector"], None), Way("peer, no index", "peer", ["by_vector"], None),
            *(Way(f"peer, {o}", "peer", ["by_vector"], f"{o}_order") for o in orders),
            Way("peer, btree, relaxed", "peer", btrees, "relaxed_order")]


class Filters:
    def __init__(self, bench, spec, out):
        """spec: the index of each contestant that has its access method; out: where figures go"""
        self.bench, self.spec, self.out = bench, spec, out
        self.contestants = [c for c in bench.contestants if c.name in spec]
        self.nq = min(QUERIES, bench.nq)
        self.methods = {name: text.split()[0].split("(")[0] for name, text in spec.items()}

    # ---------------------------------------------------------------- data

    def own_labels(self, part, rows):
        """The labels of a part of the data, or None"""
        path = self.bench.data / f"{part}.labels"
        if not path.exists():
            return None
        labels = path.read_text().split("\n")[:rows]
        return labels if len(labels) == rows else None

    def make_attributes(self):
        b = self.bench
        rng = random.Random(1)
        tenants = [t for t, part in enumerate(TENANTS) for _ in range(max(1, round(part * b.rows)))]
        tenants += 7 * [len(TENANTS)]
        tenants += [100 + i % OTHER_TENANTS for i in range(b.rows - len(tenants))]
        rng.shuffle(tenants)
        labels, asked = self.own_labels("base", b.rows), self.own_labels("query", b.all_queries)
        if not labels or not asked:
            labels, asked = (self.nearest_centres(part) for part in ("base", "query"))
        self.labels, self.attributes = labels, b.work / "attributes.csv"
        with open(self.attributes, "w") as f:
            f.writelines(f"{i},{t},{rng.randrange(10000)},{label}\n" for i, (t, label) in enumerate(zip(tenants, labels)))
        self.own = self.write_params("own", asked)
        self.acl = b.work / "acl.csv"
        with open(self.acl, "w") as f:
            for i, part in enumerate(READERS):
                f.writelines(f"{i + 1},{doc}\n" for doc in rng.sample(range(b.rows), max(1, round(part * b.rows))))

    def write_params(self, name, values):
        path = self.bench.work / f"{name}.params"
        path.write_text("".join(f"{v}\n" for v in values))
        return path

    def nearest_centres(self, part):
        """For each vector of a file the number of the nearest of some rows"""
        b = self.bench
        size = 4 * b.dims + 4
        rng = random.Random(2)
        centres, found = b.work / "centres.fvecs", b.work / "centres.ivecs"
        with open(b.data / "base.fvecs", "rb") as f, open(centres, "wb") as out:
            for i in rng.sample(range(b.rows), min(CENTRES, b.rows)):
                f.seek(i * size)
                out.write(f.read(size))
        b.command([b.load, "truth", "--base", centres, "--query", b.data / f"{part}.fvecs", "--k", 1,
                   "--metric", b.metric, "--clients", b.cores, "--save-ids", found])
        data = found.read_bytes()
        return [int.from_bytes(data[i + 4:i + 8], "little") for i in range(0, len(data), 8)]

    def fill(self, c):
        """The table filtered, the table acl, and the queries with their labels"""
        c.psql("DROP TABLE IF EXISTS filtered, attributes, acl",
               "CREATE TABLE attributes (id integer, tenant integer, size integer, label text)",
               f"\\copy attributes FROM '{self.attributes}' CSV",
               "CREATE TABLE filtered AS SELECT i.*, tenant, size, label FROM items i JOIN attributes USING (id) ORDER BY id",
               "CREATE TABLE acl (reader integer, doc integer)", f"\\copy acl FROM '{self.acl}' CSV",
               "CREATE INDEX ON acl (reader, doc)", "VACUUM (FREEZE, ANALYZE) filtered, acl", "DROP TABLE attributes",
               "CHECKPOINT")

    def far_labels(self, c):
        """For each query, of the labels that are not rare the one that lies farthest off"""
        b = self.bench
        c.psql("DROP TABLE IF EXISTS asked", f"CREATE TABLE asked (id integer, embedding {c.type}({b.dims}))")
        c.load("copy", "--rows", b.data / "query.fvecs", "--table", "asked", "--count", self.nq)
        text = c.value(f"""WITH centres AS (SELECT label, avg(embedding::vector) AS centre FROM filtered GROUP BY label
                HAVING count(*) >= least(0.005, 1.0 / {len(set(self.labels))}) * {b.rows})
            SELECT (SELECT label FROM centres ORDER BY centre {b.operator} a.embedding::vector DESC LIMIT 1)
            FROM asked a ORDER BY id""")
        c.psql("DROP TABLE asked")
        return self.write_params("far", text.split("\n"))

    def cells(self, far):
        counts = collections.Counter(self.labels)
        usual = min(counts, key=lambda x: abs(counts[x] - 0.017 * self.bench.rows))
        names = ["half", "a tenth", "4 %", "1 %", "0.1 %", "0.01 %", "seven rows"]
        out = [Cell("all rows", None, None), *(Cell(n, f"tenant = {t}", None) for t, n in enumerate(names)),
               Cell("half and 8 % = 4 %", "tenant = 0 AND size < 800", None),
               Cell("a tenth and a tenth = 1 %", "tenant = 1 AND size < 1000", None),
               Cell("1 % and 1 % = 0.01 %", "tenant = 3 AND size < 100", None),
               Cell(f"label {usual}", f"label = '{usual}'", None),
               Cell("the query's label", "label = $2", self.own),
               Cell("the query's label and half", "label = $2 AND tenant = 0", self.own),
               Cell("not the query's label, a fifth", "label <> $2 AND size < 2000", self.own),
               Cell("the farthest label", "label = $2", far),
               Cell("acl 1 %", "id IN (SELECT doc FROM acl WHERE reader = 1)", None),
               Cell("acl 0.1 %", "id IN (SELECT doc FROM acl WHERE reader = 2)", None)]
        return [cell for cell in out if cell.where is None or re.search(self.bench.a.filter_cells, cell.name)]

    def passing(self, c, cell):
        """How many rows pass: for a condition with a parameter the mean of ten queries"""
        if cell.where is None:
            return self.bench.rows
        values = cell.params.read_text().split("\n")[:10] if cell.params else [""]
        counts = [c.value("SELECT count(*) FROM filtered WHERE " + cell.where.replace("$2", f"'{v}'")) for v in values]
        return statistics.mean(map(int, counts))

    # ---------------------------------------------------------------- measuring

    def search(self, c, cell, *options):
        """The load program's answer; the last of two equal options counts"""
        where = ["--where", cell.where] if cell.where else []
        params = ["--params", cell.params] if cell.params else []
        return c.query("--nq", self.nq, "--table", "filtered", *where, *params, *options)

    def show(self, c, indexes):
        """Hides all indexes of the table but these, and the one on id, from the planner"""
        shown = ", ".join(f"'{i}'::regclass" for i in ["by_id", *indexes])
        c.psql(f"UPDATE pg_index SET indisvalid = indexrelid IN ({shown}) WHERE indrelid = 'filtered'::regclass")

    def plan(self, c, cell, iterative):
        """The nodes of the plan that is chosen, outermost first"""
        value = "'" + (cell.params.read_text().split("\n")[0] if cell.params else "") + "'"
        where = f" WHERE {cell.where.replace('$2', value)}" if cell.where else ""
        text = c.psql(*iterative, f"EXPLAIN (COSTS OFF) SELECT id FROM filtered{where} "
                      f"ORDER BY embedding {self.bench.operator} {c.first_query()} LIMIT {self.bench.a.k}")
        nodes = [re.split(" using | on ", n)[0] for n in re.findall(r"^ *->  (.*)", text, re.M)]
        return " > ".join(re.sub(r"Custom Scan \((.*)\)", r"\1", n) for n in nodes)

    def true_answers(self, cell):
        """Ids of the exact answers, of the contestant that keeps unrounded vectors, the peer if both do"""
        c = min(self.contestants, key=lambda c: (c.type != "vector", c.name != "peer"))
        path = self.bench.work / "filter.ivecs"
        found = self.search(c, cell, "--count", self.nq, "--clients", self.bench.cores, "--save-ids", path)
        truth = self.bench.work / f"filter-{re.sub('[^a-z0-9]+', '-', cell.name.lower())}.ivecs"
        path.rename(truth)
        return truth, found["rows"]

    def build(self):
        """Every index, the vector's by turns with and without attributes"""
        b = self.bench
        build = self.out["build_s"] = collections.defaultdict(list)
        size = self.out["size_mb"] = {}
        for _, c in b.turns(b.a.build_rounds):
            spec = self.spec[c.name]
            operators = re.search(r"\(embedding [a-z0-9_]+", spec)[0]
            kinds = {"by_vector": spec}
            if c.name == "ours":
                kinds["by_attributes"] = spec.replace(operators, f"{operators}, {COLUMNS}", 1)
            for name, text in kinds.items():
                b.say(f"building: {c.name}: {text}")
                c.psql(f"DROP INDEX IF EXISTS {name}", "CHECKPOINT")
                key = f"{c.name}, attributes" if name == "by_attributes" else c.name
                build[key].append(c.seconds(f"CREATE INDEX {name} ON filtered USING {text}"))
                size[key] = int(c.value(f"SELECT pg_relation_size('{name}')")) / 1e6
        for c in self.contestants:
            c.psql("CREATE UNIQUE INDEX by_id ON filtered (id)",
                   *(f"CREATE INDEX by_{x} ON filtered ({x})" for x in COLUMNS.split(", ")), "ANALYZE filtered", "CHECKPOINT")
        self.out["attributes_mb"] = float(self.contestants[0].value(
            "SELECT sum(pg_column_size(tenant) + pg_column_size(size) + octet_length(label)) / 1e6 FROM filtered"))

    def insert(self):
        """INSERT ... SELECT into tables of one index each, by turns"""
        b = self.bench
        rates = self.out["insert_rows_s"] = collections.defaultdict(list)
        n = min(INSERT_ROWS, b.rows // 3)
        for r, c in b.turns(3):
            for name in (["by_vector", "by_attributes"] if c.name == "ours" else ["by_vector"])[::-1 if r % 2 else 1]:
                table = f"into_{name}"
                if r == 0:
                    definition = c.value(f"SELECT pg_get_indexdef('{name}'::regclass)")
                    c.psql(f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} (LIKE filtered)",
                           definition.replace(name, f"{table}_index").replace("public.filtered", table))
                s = c.seconds("CHECKPOINT", f"INSERT INTO {table} SELECT * FROM filtered WHERE id BETWEEN {r * n} AND {r * n + n - 1}")
                rates[f"{c.name}, attributes" if name == "by_attributes" else c.name].append(n / s)
        for c in self.contestants:
            c.psql("DROP TABLE IF EXISTS into_by_vector, into_by_attributes")

    def measure(self):
        b = self.bench
        self.make_attributes()
        for c in self.contestants:
            b.say(f"table with attributes: {c.name}")
            self.fill(c)
        first = self.contestants[0]
        cells = self.cells(self.far_labels(first))
        truth = {}
        for cell in cells:
            b.say(f"exact answers: {cell.name}")
            truth[cell.name] = self.true_answers(cell)
        self.build()
        everyone = {c.name: c for c in self.contestants}
        all_ways = [w for w in ways(self.methods.get("peer")) if w.contestant in everyone]
        clients = max(b.a.clients)
        rows = self.out["cells"] = []
        for cell in cells:
            entry = {"name": cell.name, "where": cell.where, "passing": self.passing(first, cell),
                     "rows_wanted": truth[cell.name][1], "ways": {w.name: {"qps": [], "p50_ms": []} for w in all_ways}}
            rows.append(entry)
            for r in range(b.a.rounds):
                for w in all_ways[::-1 if r % 2 else 1]:
                    c = everyone[w.contestant]
                    b.say(f"{cell.name}, round {r + 1}: {w.name}")
                    self.show(c, w.indexes)
                    iterative = [f"SET {self.methods[w.contestant]}.iterative_scan = {w.iterative}"] if w.iterative else []
                    sets = ["--truth", truth[cell.name][0], *(x for s in iterative for x in ("--set", s))]
                    m = entry["ways"][w.name]
                    if r == b.a.rounds - 1:
                        m["plan"] = self.plan(c, cell, iterative)
                    if not m["qps"]:
                        x = self.search(c, cell, "--count", self.nq, "--clients", clients, *sets)
                        m["recall"], m["rows"] = x["recall"], x["rows"]
                    m["qps"].append(self.search(c, cell, "--seconds", b.a.seconds, "--clients", clients, "--warmup", 8,
                                                *sets)["per_second"])
                    m["p50_ms"].append(self.search(c, cell, "--seconds", b.a.seconds / 2, "--clients", 1, "--warmup", 8,
                                                   *sets)["p50_ms"])
        if "ours" in everyone and self.methods["ours"] in CURVE_SETTINGS:
            self.curve(everyone["ours"], cells[0], clients, truth[cells[0].name][0])
        self.insert()
        for c in self.contestants:
            c.psql("DROP TABLE filtered, acl")

    def curve(self, c, cell, clients, truth):
        """Recall and rate of the search without a condition in the index with attributes, by ef_search"""
        self.show(c, ["by_attributes"])
        curve = self.out["curve"] = []
        for ef in CURVE:
            x = self.search(c, cell, "--seconds", self.bench.a.seconds, "--clients", clients, "--warmup", 20,
                            "--truth", truth, "--set", f"SET {CURVE_SETTINGS[self.methods['ours']]} = {ef}")
            curve.append({"ef_search": ef, "recall": x["recall"], "qps": x["per_second"]})


# -------------------------------------------------------------------- report

def rate_at(curve, recall):
    """The rate without a condition at the setting that first reaches a recall; if none does, at the highest setting"""
    return next((p["qps"] for p in curve if p["recall"] >= recall), curve[-1]["qps"])


def report(f):
    """Lines of the table"""
    if not f.get("cells"):
        return []
    free = {n: statistics.median(m["qps"]) for n, m in f["cells"][0]["ways"].items()}
    lines = ["", "Filters", "  share: of the same way's queries/s without a condition; equal: of those of ours, with attributes, at the first",
             "  ef_search that reaches the recall",
             f"  {'':22}  recall   rows  queries/s  p50, ms  share  equal  plan"]
    for cell in f["cells"]:
        where = f" ({cell['where']})" if cell["where"] else ""
        lines.append(f"  {cell['name']}{where}: {cell['passing']:,.0f} rows pass, {cell['rows_wanted']:.2f} to return")
        for n, m in cell["ways"].items():
            qps = statistics.median(m["qps"])
            equal = f"{qps / rate_at(f['curve'], m['recall']):.2f}" if n.startswith("ours") and f.get("curve") else ""
            lines.append(f"    {n:20}  {m['recall']:.4f}  {m['rows']:5.2f}  {qps:9,.0f}  {statistics.median(m['p50_ms']):7.3f}  "
                         f"{qps / free[n]:5.2f}  {equal:>5}  {m['plan']}")
    if f.get("curve"):
        lines.append("  ours without a condition, ef_search: recall, queries/s: "
                     + "; ".join(f"{p['ef_search']}: {p['recall']:.4f}, {p['qps']:,.0f}" for p in f["curve"]))
    for title, key, digits in (("build, s", "build_s", 2), ("size, MB", "size_mb", 2), ("INSERT ... SELECT, rows/s", "insert_rows_s", 0)):
        values = {n: statistics.median(v) if isinstance(v, list) else v for n, v in f[key].items()}
        text = "; ".join(f"{n} {v:,.{digits}f}" for n, v in values.items())
        if "ours, attributes" in values:
            text += f"; with / without attributes {values['ours, attributes'] / values['ours']:.3f}"
        lines.append(f"  {title}: {text}")
    return lines + [f"  bytes of the attributes themselves, MB: {f['attributes_mb']:.2f}"]
