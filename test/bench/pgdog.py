#!/usr/bin/env python3
"""Searches by PgDog over one, two and four shards, beside one table of the same rows.

    test/bench/pgdog.py --pgdog BINARY --pg-config PATH --data DIR [--rows 40000] [--clients 4] [--seconds 5] [--work DIR]

Four servers of the installation that PATH belongs to are the shards, and a fifth has the one table; base.fvecs and query.fvecs of DIR
are loaded by COPY, through PgDog into the shards.  First the ten nearest rows of queries without an index, by each way to
write them: how many answers are those of one table.  By the way that docs/scaling.md names all have to be, or the program ends.  Then
the shards have an index each, pgbench searches by turns, and recall is measured.  As root, servers run as --user.
"""
import argparse
import contextlib
import json
import math
import operator
import pathlib
import re
import socket
import subprocess
import time

from cluster import K, Client, Cluster, Server, arguments, read_vectors, recall, show

CHECKED = 100
EXACT = 30
SHARDS = 4
COUNTS = (1, 2, SHARDS)
SETTINGS = {"listen_addresses": "'127.0.0.1'", "max_connections": "100", "session_preload_libraries": "vector"}
SEARCH = "SELECT id, embedding <-> '{q}' AS d FROM {t} ORDER BY d LIMIT {k}"
WAYS = (SEARCH,
        "SELECT id, embedding <=> '{q}' AS d FROM {t} ORDER BY d LIMIT {k}",
        "SELECT id, embedding <#> '{q}' AS d FROM {t} ORDER BY d LIMIT {k}",
        "SELECT id, embedding <-> '{q}' AS d FROM {t} ORDER BY 2 LIMIT {k}",
        "SELECT id, embedding FROM {t} ORDER BY embedding <-> '{q}' LIMIT {k}",
        "SELECT id FROM {t} ORDER BY embedding <-> '{q}' LIMIT {k}",
        "SELECT id, embedding FROM {t} ORDER BY embedding <=> '{q}' LIMIT {k}",
        "SELECT id FROM {t} ORDER BY embedding <=> '{q}' LIMIT {k}")
GENERAL = """[general]
host = "127.0.0.1"
port = {port}
workers = 2
default_pool_size = {pool}
pooler_mode = "transaction"
auth_type = "trust"
[memory]
stack_size = 33554432
"""
DATABASE = """[[databases]]
name = "shards{n}"
host = "127.0.0.1"
port = {port}
database_name = "postgres"
shard = {i}
"""
TABLE = """[[sharded_tables]]
database = "shards{n}"
name = "items{n}"
column = "id"
data_type = "bigint"
"""
USER = """[[users]]
name = "postgres"
database = "shards{n}"
password = "none"
"""


def free_ports(n):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [s.getsockname()[1] for s in sockets]


@contextlib.contextmanager
def pgdog(cluster, shards, port, a):
    """PgDog with a database for each number of shards, as their clients"""
    config, users = cluster.work / "pgdog.toml", cluster.work / "users.toml"
    config.write_text(GENERAL.format(port=port, pool=a.clients) + "".join(
        DATABASE.format(n=n, i=i, port=shards[i].port) for n in COUNTS for i in range(n)) + "".join(TABLE.format(n=n) for n in COUNTS))
    users.write_text("".join(USER.format(n=n) for n in COUNTS))
    with open(cluster.work / "pgdog.log", "w") as log:
        process = subprocess.Popen([a.pgdog, "-c", config, "-u", users], stdout=log, stderr=log)
    try:
        while subprocess.run([cluster.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode:
            if process.poll() is not None:
                raise SystemExit("PgDog does not start:\n" + (cluster.work / "pgdog.log").read_text())
            time.sleep(0.1)
        yield {n: Client(cluster, "127.0.0.1", port, f"shards{n}") for n in COUNTS}
    finally:
        process.terminate()
        process.wait()


def answers(client, search, table, queries, *settings):
    """The ids of the rows that are found, of each query"""
    text = "".join(f"SET {s};\n" for s in settings) + "".join(search.format(q=q, t=table, k=K) + ";\n\\echo .\n" for q in queries)
    found, ids = [], []
    for line in client.sql(stdin=text):
        if line == ".":
            found.append(ids)
            ids = []
        else:
            ids.append(int(line.split("|")[0]))
    return found


def distances(search, rows, queries, found):
    """Of each query, the distances of rows found, by the operator of the search; squared ones for <->"""
    measure = {"<->": lambda v, q: sum(d * d for d in map(operator.sub, v, q)), "<#>": lambda v, q: -sum(map(operator.mul, v, q)),
               "<=>": lambda v, q: 1 - sum(map(operator.mul, v, q)) / math.hypot(*v) / math.hypot(*q)}[re.search("<.{1,2}>", search)[0]]
    return [[measure(json.loads(rows[i]), json.loads(q)) for i in ids] for q, ids in zip(queries, found)]


def alike(some, others):
    return len(some) == len(others) and all(math.isclose(s, o, rel_tol=1e-5) for s, o in zip(some, others))


def compare(whole, client, table, rows, queries):
    """How many exact answers of the shards are those of one table, by each way to write the search"""
    for way in WAYS:
        one, found = (distances(way, rows, queries, answers(c, way, t, queries, "enable_indexscan = off")) for c, t in ((whole, "whole"), (client, table)))
        same = sum(map(alike, one, found))
        print(f"  {same:3} of {len(queries)} answers are those of one table: {way.format(q='...', t='items', k=K)}")
        if way == SEARCH and same < len(queries):
            raise SystemExit(f"{table}: the exact answers are others than those of one table")


def measure(whole, shards, clients, rows, queries, a):
    index = "CREATE INDEX ON {} USING hnsw (embedding vector_l2_ops)"
    whole.copy("whole", rows)
    exact = distances(SEARCH, rows, queries, answers(whole, SEARCH, "whole", queries))
    for n, client in clients.items():
        client.copy(f"items{n}", rows)
    compare(whole, clients[SHARDS], f"items{SHARDS}", rows, queries[:EXACT])
    whole.sql(index.format("whole"), "VACUUM ANALYZE whole")
    for n in clients:
        for shard in shards[:n]:
            shard.sql(index.format(f"items{n}"), f"VACUUM ANALYZE items{n}")
    tables = {"one table": (whole, "whole")} | {f"{n} shard{'s' * (n > 1)}": (client, f"items{n}") for n, client in clients.items()}
    return [(name, client.rate(SEARCH, table, queries, a),
             {40: recall(distances(SEARCH, rows, queries, answers(client, SEARCH, table, queries, "enable_seqscan = off")), exact)})
            for name, (client, table) in tables.items()]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--pgdog", required=True, metavar="BINARY")
    arguments(ap)
    a = ap.parse_args()
    rows, queries = (read_vectors(pathlib.Path(a.data) / f"{name}.fvecs", n) for name, n in (("base", a.rows), ("query", CHECKED)))
    cluster = Cluster(a, SETTINGS, ("vector",))
    try:
        front, *ports = free_ports(SHARDS + 2)
        whole, *shards = (Server(cluster, f"server{i}", port) for i, port in enumerate(ports))
        for i, server in enumerate([whole, *shards]):
            for table in ["whole"] if i == 0 else [f"items{n}" for n in COUNTS if i <= n]:
                server.sql(f"CREATE TABLE {table} (id bigint PRIMARY KEY, embedding vector({rows[0].count(',') + 1}))")
        with pgdog(cluster, shards, front, a) as clients:
            lines = measure(whole, shards, clients, rows, queries, a)
    finally:
        cluster.end()
    show(lines, a)


if __name__ == "__main__":
    main()
