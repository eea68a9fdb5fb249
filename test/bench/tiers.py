"""The part "tier" of run.py: an index in an object store, Ceph's RADOS Gateway on loopback behind a delay (delay.c).

Only ours is measured, against itself with all segments in the index's file: local and remote bytes, how fast segments
are uploaded and what a search beside that takes, the first query by the distance of the store, the rate once all that is
read is in the cache, and with a cache of a twentieth.

First queries are those of a new session, with nothing of the objects cached: of a server that has just started, with
nothing in the system's caches, and of one where other sessions have searched for other vectors ("known").

Uploads also go to a store that takes next to nothing (sink.c): so what is ours can be told from what the gateway computes
on the same processors.  For the same end there are uploads with the gateway and the process that uploads on the first
processor, and all that searches on the others ("apart").  Needs radosgw, ceph-mon, ceph-osd.
"""
import os
import pathlib
import re
import shutil
import socket
import statistics
import struct
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
RGW = HERE.parent / "store" / "rgw.sh"
NEEDED = ["radosgw", "ceph-mon", "ceph-osd"]
AT = 0.99                     # recall at which the setting is chosen
DELAYS = [1, 10, 63]          # ms
FIRST = 5                     # first queries of each kind
PART = 0.05                   # of the remote bytes, for the small cache
RATES = [-1, 50, 150, 0]      # vector.tier_rate, MB/s, of uploads beside which searches run; -1: the default; 0: no limit
APART = [-1, 50, 150, 0]      # the same, of uploads apart from searches
FIRSTS = {"first": "server just started", "known": "others have searched"}
STORES = {"sink": "a store that takes nothing", "cold": "the gateway"}


def free_ports(count):
    """The first of so many ports that follow each other and that nobody listens on"""
    for port in range(21000, 60000, 50):
        try:
            for p in range(port, port + count):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", p))
            return port
        except OSError:
            continue
    raise SystemExit("bench: no free ports")


class Tiers:
    def __init__(self, bench, contestant, settings, out):
        """settings: (name, value) along the curve; out: where figures go"""
        self.bench, self.c, self.settings, self.out = bench, contestant, settings, out
        self.delay = self.sink = None
        self.cores = os.sched_getaffinity(0)

    # ---------------------------------------------------------------- the store

    def start_store(self):
        b = self.bench
        self.port = free_ports(12)
        self.folder = b.work / "rgw"
        self.folder.mkdir()
        if b.user:
            shutil.chown(self.folder, b.user.pw_uid, b.user.pw_gid)
        size = 4 * b.rows * b.dims
        os.environ["RGW_BYTES"] = str(6 * size + (1 << 30))
        self.access, self.secret = b.as_user(["bash", RGW, "start", self.folder, self.port, "tcp_nodelay=1"]).split()
        b.as_user(["bash", RGW, "bucket", self.folder, self.port, "bench"])
        self.program = b.work / "delay"
        b.command(["make", "-s", "-C", HERE, "delay", f"DELAY={self.program}"])
        b.command(["make", "-s", "-C", HERE, "sink", f"SINK={b.work / 'sink'}"])
        self.set_delay(0)

    def collect(self):
        """Deletes objects that no segment needs any more, which the store's memory would be full of"""
        b, c = self.bench, self.c
        for _ in range(2):      # what is noticed, and once more what is deleted
            c.psql("SELECT txid_current()", "VACUUM items", "SELECT vector_tier_collect('cold')")
        b.as_user(["bash", RGW, "collect", self.folder])

    def set_delay(self, ms):
        if self.delay:
            self.delay.kill()
            self.delay.wait()
        self.delay = subprocess.Popen([str(self.program), str(self.port + 10), str(self.port), str(ms)])
        time.sleep(0.2)

    def empty_sink(self):
        if self.sink:
            self.sink.kill()
            self.sink.wait()
        self.sink = subprocess.Popen([str(self.bench.work / "sink"), str(self.port + 11)])
        time.sleep(0.2)

    def stop_store(self):
        for program in (self.delay, self.sink):
            if program:
                program.kill()
        subprocess.run(["bash", str(RGW), "stop", str(self.folder)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---------------------------------------------------------------- figures

    def gets(self):
        """GETs and bytes so far"""
        n, size = self.c.value("SELECT gets, bytes_read FROM vector_stat_tier() WHERE server = 'cold'").split("|")
        return int(n), int(size)

    def search(self, clients, seconds):
        return self.c.query("--seconds", seconds, "--clients", clients, "--warmup", 50, "--set", f"SET {self.setting}")

    def median_search(self, clients):
        runs = [self.search(clients, self.bench.a.seconds) for _ in range(self.bench.a.rounds)]
        return {key: statistics.median(r[key] for r in runs) for key in ("per_second", "p50_ms", "p99_ms", "recall")}

    def vectors(self):
        """The last queries as text"""
        b = self.bench
        with open(b.data / "query.fvecs", "rb") as f:
            f.seek((b.nq - FIRST) * (4 + 4 * b.dims))
            for _ in range(FIRST):
                f.read(4)
                yield "[" + ",".join(f"{x:.9g}" for x in struct.unpack(f"<{b.dims}f", f.read(4 * b.dims))) + "]"

    def first_queries(self, known):
        """Milliseconds, GETs and bytes of the first query of a session with nothing in the cache"""
        b, c = self.bench, self.c
        script = b.work / "first.sql"
        figures = []
        for vector in self.vectors():
            if known:
                self.cache_size(self.cache_mb + 1)      # a larger one is a new one, and empty
                c.psql("SELECT pg_reload_conf()")
            else:
                c.restart_cold()
            statement = (f"SELECT id FROM items ORDER BY embedding {b.operator} '{vector}'::{c.type} LIMIT {b.a.k};\n")
            script.write_text(f"SET {self.setting};\n" + "EXPLAIN " + statement
                              + "SELECT count(*) FROM vector_segments();\n\\timing on\n" + statement)
            before = self.gets()
            text = b.command([c.bin / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", c.socket, "-U", "postgres", "-d",
                              "bench", "-f", script])
            after = self.gets()
            figures.append((float(re.findall(r"^Time: ([\d.]+) ms", text, re.M)[-1]), after[0] - before[0],
                            after[1] - before[1]))
        return dict(zip(("ms", "gets", "bytes"), (statistics.median(x) for x in zip(*figures))))

    def cache_size(self, mb):
        self.cache_mb = max(1, int(mb))
        self.c.psql("LOAD 'vector'", f"ALTER SYSTEM SET vector.tier_cache_size = '{self.cache_mb}MB'")

    def measure(self):
        b, c, out = self.bench, self.c, self.out
        missing = [x for x in NEEDED if not shutil.which(x, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
        if missing:
            b.say(f"tier: {', '.join(missing)} not installed: not measured")
            return
        clients = max(b.a.clients)
        for name, value in self.settings:
            self.setting = f"{name} = {value}"
            if c.query("--count", b.nq, "--set", f"SET {self.setting}")["recall"] >= AT:
                break
        out["setting"] = self.setting
        b.say(f"tier: local, {self.setting}")
        out["local"] = self.median_search(clients)
        out["local_bytes"] = int(c.value("SELECT pg_relation_size('items_index')"))
        self.start_store()
        try:
            self.tiered(clients)
        finally:
            self.stop_store()

    def store_seconds(self, store):
        """Processor time of a store's processes so far"""
        pids = [self.sink.pid] if store == "sink" else [int(p.read_text()) for p in self.folder.glob("*.pid")]
        fields = [pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
        return sum(int(f[11]) + int(f[12]) for f in fields) / os.sysconf("SC_CLK_TCK")

    def set_apart(self, apart):
        """The gateway on the first processor, and all that searches, this program too, on the others; or all on all"""
        cores = sorted(self.cores)
        first, others = ({cores[0]}, set(cores[1:])) if apart else (self.cores, self.cores)
        searching = [os.getpid(), int((self.c.data / "postmaster.pid").read_text().split()[0])]
        searching += [int(pid) for pid in self.c.value("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()").split()]
        passing = [self.delay.pid, *(int(p.read_text()) for p in self.folder.glob("*.pid"))]
        for pids, where in ((searching, others), (passing, first)):
            for pid in pids:
                subprocess.run(["taskset", "-a", "-c", "-p", ",".join(map(str, sorted(where))), str(pid)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)     # it may have ended

    def send_apart(self, upload):
        """The process that uploads to the first processor"""
        pid = ""
        while upload.is_alive() and not pid:
            pid = self.c.value("SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT vector_tier(%'")
        if pid:
            os.sched_setaffinity(int(pid), {min(self.cores)})

    def upload(self, store, rate, apart=False):
        """The 99th percentile of searches alone and beside an upload, the seconds that it takes, and those that the store computes"""
        b, c, beside, took = self.bench, self.c, [], []
        b.say(f"tier: upload to {STORES[store]}, vector.tier_rate = {rate}, searches beside it")
        if int(c.value("SELECT count(*) FROM vector_segments() WHERE store IS NOT NULL")):
            c.psql("SELECT vector_untier('items_index')", "VACUUM items", "CHECKPOINT")
            self.collect()
        if store == "sink":
            self.empty_sink()
        c.psql(f"ALTER INDEX items_index SET (tier = '{store}')")
        c.psql("LOAD 'vector'", f"ALTER SYSTEM SET vector.tier_rate = {rate}", "SELECT pg_reload_conf()")
        alone = self.search(1, b.a.seconds)["p99_ms"]
        computed = self.store_seconds(store)
        upload = threading.Thread(target=lambda: took.append(c.seconds("SELECT vector_tier('items_index')")))
        upload.start()
        if apart:
            self.send_apart(upload)
        while not beside or upload.is_alive():
            beside.append(self.search(1, 0.5)["p99_ms"])
        upload.join()
        return {"alone_p99_ms": alone, "p99_ms": statistics.median(beside), "seconds": took[0],
                "store_seconds": self.store_seconds(store) - computed}

    def tiered(self, clients):
        b, c, out = self.bench, self.c, self.out
        self.empty_sink()
        for store, port in (("cold", self.port + 10), ("sink", self.port + 11)):
            c.psql(f"""CREATE SERVER {store} FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3',
                       endpoint 'http://127.0.0.1:{port}', bucket 'bench')""",
                   f"""CREATE USER MAPPING FOR postgres SERVER {store} OPTIONS (access_key_id '{self.access}',
                       secret_access_key '{self.secret}')""")
        self.cache_size(2 * out["local_bytes"] >> 20)
        c.psql("LOAD 'vector'", "ALTER SYSTEM SET vector.tier_retention = 0", "SELECT pg_reload_conf()")
        out["beside"] = {store: {rate: self.upload(store, rate) for rate in RATES} for store in STORES}
        if len(self.cores) > 1:
            self.set_apart(True)
            out["apart"] = {rate: self.upload("cold", rate, True) for rate in APART}
            self.set_apart(False)
        c.psql("VACUUM items", "SELECT txid_current()", "VACUUM items", "CHECKPOINT")
        out["tiered_bytes"] = int(c.value("SELECT coalesce(sum(bytes), 0) FROM vector_segments() WHERE kind <> 'retired'"))
        out["remote_bytes"] = int(c.value("SELECT sum(remote_bytes) FROM vector_stat_tier() WHERE server = 'cold'"))
        for kind in ("first", "known"):
            out[kind] = {}
            if kind == "known":
                self.set_delay(0)
                c.query("--count", b.nq - FIRST, "--set", f"SET {self.setting}")
            for ms in DELAYS:
                b.say(f"tier: first queries, {FIRSTS[kind]}, store {ms} ms away")
                self.set_delay(ms)
                out[kind][ms] = self.first_queries(kind == "known")
        self.set_delay(DELAYS[0])
        b.say("tier: all in the cache")
        c.psql("SELECT vector_prewarm('items_index')", "CHECKPOINT")
        os.sync()
        # the blocks of the table and of codes, too, are not in memory since the last restart
        self.search(clients, b.a.seconds)
        out["warm"] = self.median_search(clients)
        self.cache_size(PART * out["remote_bytes"] / (1 << 20))
        c.restart_cold()
        b.say("tier: a small cache")
        self.search(clients, b.a.seconds)
        before = self.gets()
        x = out["small"] = self.search(clients, 2 * b.a.seconds)
        after = self.gets()
        n = x["n"] + 50 * clients
        x["gets"], x["bytes"] = (after[0] - before[0]) / n, (after[1] - before[1]) / n
        c.psql("SELECT vector_untier('items_index')", "ALTER INDEX items_index RESET (tier)")
        c.psql("LOAD 'vector'", "ALTER SYSTEM RESET vector.tier_cache_size",
               "ALTER SYSTEM RESET vector.tier_rate", "ALTER SYSTEM RESET vector.tier_retention", "DROP INDEX items_index")
        c.psql("DROP SERVER cold CASCADE", "DROP SERVER sink CASCADE")


# -------------------------------------------------------------------- report

def report(t):
    """Lines of the table"""
    if "remote_bytes" not in t:
        return []
    local, warm, small = t["local"], t["warm"], t["small"]
    mb = 1e6
    lines = ["", f"In an object store, {t['setting']}",
             f"  bytes in the index's file, MB: {t['local_bytes'] / mb:,.1f} before, {t['tiered_bytes'] / mb:,.1f} after "
             f"({t['tiered_bytes'] / t['local_bytes']:.3f}); in the store {t['remote_bytes'] / mb:,.1f}"]
    beside = {STORES[store]: rates for store, rates in t["beside"].items()}
    beside[f"{STORES['cold']}, both on the first processor, searches on the others"] = t.get("apart", {})
    for where, rates in beside.items():
        for rate, x in rates.items():
            lines.append(f"  upload to {where}, vector.tier_rate = {rate}: {t['remote_bytes'] / mb / x['seconds']:,.0f} MB/s, the store computes "
                         f"{1e3 * x['store_seconds'] / (t['remote_bytes'] / mb):.1f} ms a MB; p99 of a search beside it {x['p99_ms']:.2f} ms, "
                         f"alone {x['alone_p99_ms']:.2f} ms ({x['p99_ms'] / x['alone_p99_ms']:.2f})")
    for kind, text in FIRSTS.items():
        for ms, x in t[kind].items():
            lines.append(f"  first query, {text}, store {ms} ms away: {x['ms']:.1f} ms, {x['gets']:.0f} GETs, {x['bytes'] / mb:.2f} MB")
    lines.append(f"  queries/s: local {local['per_second']:,.0f} (recall {local['recall']:.4f}); all in the cache "
                 f"{warm['per_second']:,.0f} ({warm['per_second'] / local['per_second']:.2f}, recall {warm['recall']:.4f})")
    lines.append(f"  cache of {PART:.0%}: {small['per_second']:,.0f} queries/s, recall {small['recall']:.4f}, {small['gets']:.1f} GETs and "
                 f"{small['bytes'] / mb:.2f} MB a query")
    return lines
