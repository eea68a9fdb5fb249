#!/usr/bin/env python3
"""Queries a second of a table that Citus distributes over one, two and four workers, beside one table of the same rows.

    test/bench/citus.py --pg-config PATH --data DIR [--rows 40000] [--shards 1] [--clients 4] [--seconds 5] [--work DIR]

The installation that PATH belongs to has Citus and this extension.  A coordinator and four workers are started on this machine, and
base.fvecs and query.fvecs of DIR are loaded.  For each number of workers the table has --shards shards a worker (1), each with its index;
pgbench then searches by turns for the ten nearest rows of the queries, which are written into statements.  Exact answers without
an index have to be those of one table, or the program ends; recall is measured on 100 queries.  As root, servers run as --user.
"""
import argparse
import array
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile

K = 10
CHECKED = 100
EXACT = 10
SETTINGS = {"listen_addresses": "''", "shared_preload_libraries": "citus", "fsync": "off", "wal_level": "logical", "max_connections": "300",
            "max_prepared_transactions": "100", "autovacuum": "off", "jit": "off", "vector.seed": "1", "citus.node_conninfo": "'sslmode=disable'",
            "max_parallel_workers_per_gather": "0", "citus.enable_statistics_collection": "off", "shared_buffers": "256MB"}


def read_vectors(path, count):
    """The first vectors of a file of fvecs, as the server's text"""
    vectors = []
    with open(path, "rb") as f:
        while len(vectors) < count and (head := f.read(4)):
            v = array.array("f", f.read(4 * int.from_bytes(head, "little")))
            vectors.append("[" + ",".join(f"{x:g}" for x in v) + "]")
    return vectors


class Server:
    def __init__(self, cluster, name, port):
        self.cluster, self.port, self.data = cluster, port, cluster.work / name
        cluster.run([cluster.bin / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"])
        settings = {**SETTINGS, "port": port, "unix_socket_directories": f"'{cluster.work}'", "citus.local_hostname": f"'{cluster.work}'"}
        with open(self.data / "postgresql.conf", "a") as f:
            f.writelines(f"{k} = {v}\n" for k, v in settings.items())
        cluster.run([cluster.bin / "pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "start"])
        cluster.servers.append(self)
        for name in ("citus", "vector"):
            self.sql(f"CREATE EXTENSION {name}")

    def sql(self, *statements, stdin=None):
        """The lines that statements return, each of them sent by itself"""
        words = [w for s in statements for w in ("-c", s)]
        command = [self.cluster.bin / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.cluster.work, "-p", str(self.port), "-U", "postgres", *words]
        return subprocess.run(command, input=stdin, text=True, check=True, stdout=subprocess.PIPE).stdout.split("\n")[:-1]

    def stop(self):
        self.cluster.run([self.cluster.bin / "pg_ctl", "-D", self.data, "-m", "immediate", "stop"])


class Cluster:
    def __init__(self, a):
        self.bin = pathlib.Path(subprocess.run([a.pg_config, "--bindir"], text=True, check=True, stdout=subprocess.PIPE).stdout.strip())
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="citus", dir=a.work))
        self.user = a.user if os.geteuid() == 0 else None
        self.servers = []
        if self.user:
            shutil.chown(self.work, self.user)

    def run(self, command):
        subprocess.run((["runuser", "-u", self.user, "--"] if self.user else []) + command, check=True, stdout=subprocess.DEVNULL)

    def end(self):
        for server in self.servers:
            server.stop()
        shutil.rmtree(self.work)


def answers(hub, table, queries, *settings):
    """The distances of the nearest rows, of each query"""
    search = "SELECT string_agg(d::text, ' ') FROM (SELECT embedding <-> '{q}' AS d FROM {t} ORDER BY embedding <-> '{q}' LIMIT {k}) AS s;\n"
    text = "".join(f"SET {s};\n" for s in settings) + "".join(search.format(q=q, t=table, k=K) for q in queries)
    return [[float(d) for d in line.split()] for line in hub.sql(stdin=text)]


def recall(found, exact):
    return statistics.mean(sum(d <= near[-1] * (1 + 1e-6) for d in got) / len(near) for got, near in zip(found, exact))


def rate(hub, table, queries, a):
    """Queries a second, and the mean milliseconds of one"""
    scripts = []
    for i, q in enumerate(queries):
        file = hub.cluster.work / f"{table}{i}.sql"
        file.write_text(f"SELECT id FROM {table} ORDER BY embedding <-> '{q}' LIMIT {K};\n")
        scripts += ["-f", file]
    out = subprocess.run([hub.cluster.bin / "pgbench", "-h", hub.cluster.work, "-p", str(hub.port), "-U", "postgres", "-n", "-c", str(a.clients), "-T",
                          str(a.seconds), *scripts, "postgres"], text=True, check=True, stdout=subprocess.PIPE).stdout
    return float(re.search(r"tps = ([\d.]+)", out)[1]), float(re.search(r"latency average = ([\d.]+)", out)[1])


def measure(hub, workers, a):
    rows, queries = (read_vectors(pathlib.Path(a.data) / f"{name}.fvecs", n) for name, n in (("base", a.rows), ("query", CHECKED)))
    columns = f"(id bigint PRIMARY KEY, embedding vector({rows[0].count(',') + 1}))"
    index = "CREATE INDEX ON {} USING hnsw (embedding vector_l2_ops)"
    hub.sql(f"SELECT citus_set_coordinator_host('{hub.cluster.work}', {hub.port})", f"CREATE TABLE whole {columns}")
    hub.sql(stdin="COPY whole FROM STDIN;\n" + "".join(f"{i}\t{v}\n" for i, v in enumerate(rows)) + "\\.\n")
    exact = answers(hub, "whole", queries, "enable_indexscan = off")
    hub.sql(index.format("whole"), "VACUUM ANALYZE whole")
    lines = [("one table", *rate(hub, "whole", queries, a), recall(answers(hub, "whole", queries, "enable_seqscan = off"), exact))]
    active = 0
    for n in (1, 2, 4):
        for worker in workers[active:n]:
            hub.sql(f"SELECT citus_add_node('{hub.cluster.work}', {worker.port})")
        active, table = n, f"items{n}"
        hub.sql(f"CREATE TABLE {table} {columns}", f"SET citus.shard_count = {n * a.shards}",
                f"SELECT create_distributed_table('{table}', 'id', colocate_with => 'none')", f"INSERT INTO {table} SELECT * FROM whole")
        if answers(hub, table, queries[:EXACT]) != exact[:EXACT]:
            raise SystemExit(f"{n} workers: the exact answers are others than those of one table")
        hub.sql(index.format(table))
        hub.sql(f"VACUUM ANALYZE {table}")
        lines.append((f"{n} worker{'s' * (n > 1)}, shards: {n * a.shards}", *rate(hub, table, queries, a), recall(answers(hub, table, queries), exact)))
    return lines


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--pg-config", default="pg_config", metavar="PATH")
    ap.add_argument("--data", required=True, metavar="DIR")
    ap.add_argument("--rows", type=int, default=40000)
    ap.add_argument("--shards", type=int, default=1, help="of each worker")
    ap.add_argument("--clients", type=int, default=4)
    ap.add_argument("--seconds", type=int, default=5)
    ap.add_argument("--user", default="postgres")
    ap.add_argument("--work", metavar="DIR", help="where the temporary clusters lie")
    a = ap.parse_args()
    cluster = Cluster(a)
    try:
        hub, *workers = (Server(cluster, name, 5432 + i) for i, name in enumerate(("coordinator", "worker1", "worker2", "worker3", "worker4")))
        lines = measure(hub, workers, a)
    finally:
        cluster.end()
    most = max(line[1] for line in lines)
    print(f"{a.rows} rows, {a.clients} clients: queries a second, milliseconds, recall")
    for name, qps, ms, found in lines:
        print(f"  {name:24} {qps:10.1f} {ms:10.2f} {found:8.4f}  {'#' * round(40 * qps / most)}")


if __name__ == "__main__":
    main()
