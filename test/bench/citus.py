#!/usr/bin/env python3
"""Queries a second of a table that Citus distributes over one, two and four workers, beside one table of the same rows.

    test/bench/citus.py --pg-config PATH --data DIR [--rows 40000] [--shards 1] [--clients 4] [--seconds 5] [--work DIR]

The installation that PATH belongs to has Citus and this extension.  A coordinator and four workers are started on this machine, and
base.fvecs and query.fvecs of DIR are loaded.  For each number of workers the table has --shards shards a worker (1), each with its index;
pgbench then searches by turns for the ten nearest rows of the queries, which are written into statements.  Exact answers without
an index have to be those of one table, or the program ends; recall is measured on 100 queries, by hnsw.ef_search.  As root, servers run as --user.
"""
import argparse
import pathlib

from cluster import K, Cluster, Server, arguments, read_vectors, recall, show

CHECKED = 100
EXACT = 10
EFFORTS = (10, 20, 40, 80)
SETTINGS = {"listen_addresses": "''", "shared_preload_libraries": "citus", "wal_level": "logical", "max_connections": "300",
            "max_prepared_transactions": "100", "citus.node_conninfo": "'sslmode=disable'", "citus.local_hostname": "'{work}'",
            "citus.enable_statistics_collection": "off"}
SEARCH = "SELECT id FROM {t} ORDER BY embedding <-> '{q}' LIMIT {k}"


def answers(hub, table, queries, *settings):
    """The distances of the nearest rows, of each query"""
    search = "SELECT string_agg(d::text, ' ') FROM (SELECT embedding <-> '{q}' AS d FROM {t} ORDER BY embedding <-> '{q}' LIMIT {k}) AS s;\n"
    text = "".join(f"SET {s};\n" for s in settings) + "".join(search.format(q=q, t=table, k=K) for q in queries)
    return [[float(d) for d in line.split()] for line in hub.sql(stdin=text)]


def recalls(hub, table, queries, exact):
    """By hnsw.ef_search, which Citus tells the workers, too"""
    found = {}
    for effort in EFFORTS:
        hub.sql(f"ALTER DATABASE postgres SET hnsw.ef_search = {effort}")
        found[effort] = recall(answers(hub, table, queries, "enable_seqscan = off"), exact)
    hub.sql("ALTER DATABASE postgres RESET hnsw.ef_search")
    return found


def measure(hub, workers, a):
    rows, queries = (read_vectors(pathlib.Path(a.data) / f"{name}.fvecs", n) for name, n in (("base", a.rows), ("query", CHECKED)))
    columns = f"(id bigint PRIMARY KEY, embedding vector({rows[0].count(',') + 1}))"
    index = "CREATE INDEX ON {} USING hnsw (embedding vector_l2_ops)"
    hub.sql(f"SELECT citus_set_coordinator_host('{hub.cluster.work}', {hub.port})", f"CREATE TABLE whole {columns}")
    hub.copy("whole", rows)
    exact = answers(hub, "whole", queries, "enable_indexscan = off")
    hub.sql(index.format("whole"), "VACUUM ANALYZE whole")
    lines = [("one table", hub.rate(SEARCH, "whole", queries, a), recalls(hub, "whole", queries, exact))]
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
        lines.append((f"{n} worker{'s' * (n > 1)}, shards: {n * a.shards}", hub.rate(SEARCH, table, queries, a), recalls(hub, table, queries, exact)))
    return lines


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--shards", type=int, default=1, help="of each worker")
    arguments(ap)
    a = ap.parse_args()
    cluster = Cluster(a, SETTINGS, ("citus", "vector"))
    try:
        hub, *workers = (Server(cluster, name, 5432 + i) for i, name in enumerate(("coordinator", "worker1", "worker2", "worker3", "worker4")))
        lines = measure(hub, workers, a)
    finally:
        cluster.end()
    show(lines, a)


if __name__ == "__main__":
    main()
