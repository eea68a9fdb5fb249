#!/usr/bin/env python3
"""Take over databases that pgvector filled: in place, by a dump, and by pg_upgrade.

usage: takeover.py --peer DIR --ours DIR [--ours18 DIR] --work DIR --port N

DIR is an installation with bin/: PostgreSQL 16 with pgvector, with this extension, and 18.
Runs as a user that servers may run as.  Prints 'ok N - what' or 'not ok N - what' for each check.
"""
import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = 3000
VALUE = "ARRAY[sin(n), cos(n * 2), sin(n * 3), cos(n * 5), sin(n * 7), cos(n * 11)]"
BITS = "(n * 2654435761 % 4294967296)::bigint::bit(32)"

# table, type, value, operator class, operator, query, how the index is made
INDEXES = [
    ("items", "vector(6)", VALUE + "::vector", "vector_l2_ops", "<->", "'[0,1,0,1,0,1]'", "hnsw", "WITH (m='12')"),
    ("cosines", "vector(6)", VALUE + "::vector", "vector_cosine_ops", "<=>", "'[0,1,0,1,0,1]'", "hnsw", ""),
    ("halves", "halfvec(6)", VALUE + "::halfvec(6)", "halfvec_ip_ops", "<#>", "'[0,1,0,1,0,1]'", "hnsw", ""),
    ("sparse", "sparsevec(6)", VALUE + "::vector::sparsevec", "sparsevec_l2_ops", "<->", "'{1:1,4:1}/6'", "hnsw", ""),
    ("bits", "bit(32)", BITS, "bit_hamming_ops", "<~>", "7::bit(32)", "hnsw", ""),
    ("partial", "vector(6)", VALUE + "::vector", "vector_l2_ops", "<->", "'[0,1,0,1,0,1]'", "hnsw", "WHERE id > 0"),
    ("lists", "vector(6)", VALUE + "::vector", "vector_l2_ops", "<->", "'[0,1,0,1,0,1]'", "ivfflat", "WITH (lists='10')"),
    ("half_lists", "halfvec(6)", VALUE + "::halfvec(6)", "halfvec_cosine_ops", "<=>", "'[0,1,0,1,0,1]'", "ivfflat", ""),
    ("bit_lists", "bit(32)", BITS, "bit_hamming_ops", "<~>", "7::bit(32)", "ivfflat", ""),
]


class Checks:
    def __init__(self):
        self.count = self.failed = 0

    def __call__(self, good, what, detail=""):
        self.count += 1
        self.failed += not good
        print("ok" if good else "not ok", self.count, "-", what, flush=True)
        if not good:
            for line in str(detail).splitlines()[:30]:
                print("#", line)


check = Checks()


class Server:
    """A data directory that one installation after the other serves."""

    def __init__(self, work, port, name):
        self.data = os.path.join(work, name)
        self.socket = work
        self.port = port
        self.bin = None

    def init(self, root, *options):
        run([f"{root}/bin/initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8",
             *options])

    def start(self, root):
        self.bin = f"{root}/bin"
        run([f"{self.bin}/pg_ctl", "-D", self.data, "-w", "-l", self.data + ".log", "start", "-o",
             f"-k {self.socket} -p {self.port} -c listen_addresses= -c fsync=off -c autovacuum=off"])

    def follow(self, primary):
        """Becomes a standby of a stopped server, as a copy of its files."""
        shutil.copytree(primary.data, self.data)
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a", encoding="utf-8") as file:
            file.write(f"primary_conninfo = 'host={primary.socket} port={primary.port} user=postgres'\nhot_standby = on\n")
        with open(os.path.join(self.data, "standby.signal"), "w", encoding="utf-8"):
            pass

    def catch_up(self, primary):
        lsn = primary.do("SELECT pg_current_wal_insert_lsn()", "postgres")
        for _ in range(600):
            if self.do(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'", "postgres") == "t":
                return
            time.sleep(0.1)
        raise RuntimeError("the standby does not catch up")

    def stop(self, mode="fast"):
        if self.bin:
            run([f"{self.bin}/pg_ctl", "-D", self.data, "-w", "-m", mode, "stop"])
        self.bin = None

    def psql(self, sql, database="shop"):
        """What psql prints, and what it says on stderr."""
        done = subprocess.run([f"{self.bin}/psql", "-XAtq", "-h", self.socket, "-p", str(self.port), "-U", "postgres",
                               "-d", database, "-f", "-"], input=sql, capture_output=True, text=True)
        return done.stdout.strip(), done.stderr

    def do(self, sql, database="shop"):
        out, err = self.psql(sql, database)
        if "ERROR" in err or "FATAL" in err:
            raise RuntimeError(f"{sql}\n{err}")
        return out

    def tool(self, name, *args):
        return run([f"{self.bin}/{name}", "-h", self.socket, "-p", str(self.port), "-U", "postgres", *args])


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(" ".join(command) + "\n" + done.stdout[-3000:])
    return done.stdout


def has_symbol(root, symbol):
    directory = run([f"{root}/bin/pg_config", "--pkglibdir"]).strip()
    with open(f"{directory}/vector.so", "rb") as library:
        return symbol.encode() in library.read()


def fill(server, indexes):
    server.do("CREATE DATABASE shop", "postgres")
    server.do("CREATE EXTENSION vector")
    for table, kind, value, opclass, _, _, method, rest in indexes:
        server.do(f"""CREATE TABLE {table} (id int PRIMARY KEY, v {kind});
            INSERT INTO {table} SELECT n, {value} FROM generate_series(1, {ROWS}) n;
            CREATE INDEX {table}_v ON {table} USING {method} (v {opclass}) {rest};
            ANALYZE {table};""")
    server.do("CREATE UNLOGGED TABLE quick (id int, v vector(6));"
              f"INSERT INTO quick SELECT n, {VALUE}::vector FROM generate_series(1, 100) n;"
              "CREATE INDEX quick_v ON quick USING hnsw (v vector_l2_ops);")
    server.do("CREATE TABLE parts (id int, v vector(6)) PARTITION BY HASH (id);"
              "CREATE TABLE part0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
              "CREATE TABLE part1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
              f"INSERT INTO parts SELECT n, {VALUE}::vector FROM generate_series(1, {ROWS}) n;"
              "CREATE INDEX ON parts USING hnsw (v vector_l2_ops); ANALYZE parts")


def fill_foreign(server):
    """A database where another access method has the name diskann, beside pgvector."""
    server.do("CREATE DATABASE \"foreign\"", "postgres")
    server.do("""CREATE EXTENSION vector;
        CREATE ACCESS METHOD diskann TYPE INDEX HANDLER gisthandler;
        CREATE OPERATOR CLASS boxes DEFAULT FOR TYPE box USING diskann AS OPERATOR 3 &&, OPERATOR 6 ~=,
            FUNCTION 1 gist_box_consistent(internal, box, smallint, oid, internal), FUNCTION 2 gist_box_union(internal, internal),
            FUNCTION 5 gist_box_penalty(internal, internal, internal), FUNCTION 6 gist_box_picksplit(internal, internal),
            FUNCTION 7 gist_box_same(box, box, internal);
        CREATE TABLE boxes (b box); INSERT INTO boxes SELECT box(point(n, n), point(n + 1, n + 1)) FROM generate_series(1, 1000) n;
        CREATE INDEX boxes_b ON boxes USING diskann (b);
        CREATE TABLE vectors (v vector(3)); INSERT INTO vectors SELECT ARRAY[n, n, n] FROM generate_series(1, 1000) n;
        CREATE INDEX vectors_v ON vectors USING hnsw (v vector_l2_ops); ANALYZE""", "foreign")


def check_foreign(server, what):
    """The extension is updated without diskann; the other access method works on, as do indexes that are built again."""
    error = server.psql("ALTER EXTENSION vector UPDATE", "foreign")[1]
    check("ERROR" not in error and 'NOTICE:  access method "diskann" already exists, skipping' in error,
          f"{what}: the update leaves another's diskann", error)
    check(server.do("SELECT amhandler::text || vector_drop_diskann() FROM pg_am WHERE amname = 'diskann'", "foreign") ==
          "gisthandlerfalse", f"{what}: it is not the extension's")
    box = "SELECT count(*) FROM boxes WHERE b && box '(7,7),(7,7)'"
    settings = "SET enable_seqscan = off; SET enable_bitmapscan = off;"
    check("using boxes_b" in server.do(f"{settings} EXPLAIN {box}", "foreign") and server.do(f"{settings} {box}", "foreign") == "2",
          f"{what}: its index is used")
    found = server.do("REINDEX INDEX vectors_v; SET enable_seqscan = off; SELECT v FROM vectors ORDER BY v <-> '[9,9,9]' LIMIT 1; "
                      "SELECT string_agg(index::text, ' ') FROM vector_segments()", "foreign")
    check(found == "[9,9,9]\nvectors_v", f"{what}: and so is an index of hnsw", found)
    server.do("DROP ACCESS METHOD diskann CASCADE", "foreign")
    check(server.do("SELECT vector_create_diskann(); CREATE INDEX vectors_d ON vectors USING diskann (v vector_l2_ops);"
                    "SELECT vector_index_check('vectors_d')", "foreign") == "t\n1000", f"{what}: once it has gone, the name is ours")
    compare_catalog(server, True, f"{what}, with diskann handed over", "foreign")


def drop_ivfflat(server):
    """Takes ivfflat out of the extension: for a library that does not have it."""
    server.do("""DO $$ DECLARE r record; BEGIN
        FOR r IN SELECT format('OPERATOR CLASS %I USING ivfflat', opcname) AS name FROM pg_opclass c
                JOIN pg_am a ON a.oid = opcmethod WHERE amname = 'ivfflat'
            UNION ALL SELECT format('OPERATOR FAMILY %I USING ivfflat', opfname) FROM pg_opfamily
                JOIN pg_am a ON a.oid = opfmethod WHERE amname = 'ivfflat'
            UNION ALL SELECT 'ACCESS METHOD ivfflat'
            UNION ALL SELECT 'FUNCTION ' || oid::regprocedure FROM pg_proc WHERE proname ~ '^ivfflat'
        LOOP EXECUTE 'ALTER EXTENSION vector DROP ' || r.name; END LOOP;
        DROP ACCESS METHOD ivfflat CASCADE;
        DROP FUNCTION ivfflathandler, ivfflat_halfvec_support, ivfflat_bit_support; END $$""")


def search(server, index, scan, limit=10):
    """Distances of the nearest, by an index scan if that is asked for, and the plan."""
    table, _, _, _, operator, query, method, rest = index
    where = rest if rest.startswith("WHERE") else ""
    sql = f"SELECT round((v {operator} {query})::numeric, 4) FROM {table} {where} ORDER BY v {operator} {query} LIMIT {limit}"
    settings = "SET enable_seqscan = off; SET enable_sort = off;" if scan else "SET enable_indexscan = off;"
    settings += "SET hnsw.ef_search = 200;" if method == "hnsw" else "SET ivfflat.probes = 100;"
    plan, warned = server.psql(f"LOAD 'vector'; {settings} EXPLAIN (COSTS off) {sql}; EXPLAIN (COSTS off) {sql};")
    out, error = server.psql(f"LOAD 'vector'; {settings} {sql};")
    return out.split(), plan, warned, error


def check_search(server, index, scan, when):
    truth = search(server, index, False)[0]
    found, plan, warned, error = search(server, index, True)
    used = f"Index Scan using {index[0]}_v" in plan
    check(used == scan, f"{index[0]}, {when}: the index is {'used' if scan else 'not used'}", plan + error)
    near = len(set(found) & set(truth)) >= 0.8 * len(set(truth)) if scan else found == truth
    check(near and len(found) == 10, f"{index[0]}, {when}: the nearest are found", f"{found}\n{truth}\n{error}")
    if not scan:
        check(warned.count("WARNING") == 1 and "REINDEX" in warned,
              f"{index[0]}, {when}: one warning names REINDEX", warned)


def check_partitions(server):
    """Of a partitioned table, the partition whose index is built again is searched by it, the other sorted."""
    sql = "FROM parts ORDER BY v <-> '[0,1,0,1,0,1]' LIMIT 10"
    truth = server.do(f"SET enable_indexscan = off; SELECT id {sql}").splitlines()
    for n, indexes in enumerate(([], ["part1_v_idx"], ["part0_v_idx", "part1_v_idx"])):
        if n > 0:
            server.do(f"REINDEX INDEX {indexes[0]}")
        settings = "SET enable_seqscan = off; SET hnsw.ef_search = 200;"
        plan = server.psql(f"{settings} EXPLAIN (COSTS off) SELECT id {sql}")[0]
        used = re.findall(r"Index Scan using (\w+)", plan)
        check(used == indexes, f"partitions, {n} of 2 built again: so many indexes are used", plan)
        found = server.do(f"{settings} SELECT id {sql}").splitlines()
        check(len(found) == 10 and len(set(found) & set(truth)) >= 8, f"partitions, {n} of 2: the nearest are found", found)


def states(server):
    return dict(line.split("|") for line in server.do("SELECT index, state FROM vector_legacy_indexes()").splitlines())


def raw_magic(server, table):
    """The four bytes after the page header of an index's block 0, as the file has them."""
    server.do("CHECKPOINT")
    path = server.do(f"SELECT pg_relation_filepath('{table}_v')")
    with open(os.path.join(server.data, path), "rb") as file:
        return int.from_bytes(file.read(28)[24:], "little")


def write(server, index):
    """Changes a table's rows, and has VACUUM remove some."""
    table, value = index[0], index[2]
    return server.psql(f"""SET vector.seal_rows = 100;
        INSERT INTO {table} SELECT n, {value} FROM generate_series({ROWS + 1}, {ROWS + 500}) n;
        UPDATE {table} SET v = v WHERE id % 20 = 0; DELETE FROM {table} WHERE id % 20 = 1; VACUUM {table};
        INSERT INTO {table} SELECT n, {value} FROM generate_series({ROWS + 501}, {ROWS + 600}) n;""")[1]


def compare_catalog(server, ivfflat, what, database="shop"):
    """The extension of a database that was updated, beside one made from nothing."""
    with open(os.path.join(HERE, "definitions.sql"), encoding="utf-8") as file:
        query = file.read()
    server.do("DROP DATABASE IF EXISTS fresh", "postgres")
    server.do("CREATE DATABASE fresh", "postgres")
    server.do("CREATE EXTENSION vector", "fresh")
    fresh = server.do(query, "fresh").splitlines()
    updated = server.do(query, database).splitlines()
    if not ivfflat:
        fresh, updated = ([line for line in lines if "ivfflat" not in line.split(":")[0]] for lines in (fresh, updated))
    check(len(fresh) > 400 and fresh == updated, f"{what}: the catalog is that of a new installation",
          "\n".join(difflib.unified_diff(fresh, updated, lineterm="", n=0)))
    check(server.do("SELECT extversion || extrelocatable FROM pg_extension WHERE extname = 'vector'", database) ==
          "1.0true", f"{what}: version 1.0, relocatable")


def update(server, what):
    before = server.do("SELECT array_agg(oid) FROM pg_opclass WHERE oid >= 16384")
    server.do("ALTER EXTENSION vector UPDATE")
    kept = server.do(f"SELECT count(*) = cardinality('{before}'::oid[]) FROM pg_opclass WHERE oid = ANY ('{before}')")
    check(kept == "t", f"{what}: operator classes are those that there were")


def in_place(args, indexes, ivfflat):
    server = Server(args.work, args.port, "in_place")
    server.init(args.peer)
    server.start(args.peer)
    fill(server, indexes)
    fill_foreign(server)
    for patch in (0, 7):
        server.do(f"CREATE DATABASE v{patch}", "postgres")
        server.do(f"CREATE SCHEMA other; CREATE EXTENSION vector SCHEMA other;"
                  f"UPDATE pg_extension SET extversion = '0.8.{patch}' WHERE extname = 'vector'", f"v{patch}")
    server.stop()

    # the library alone
    server.start(args.ours)
    for index in indexes:
        check_search(server, index, False, "before the update")
    server.do(f"CREATE TABLE made (id int, v vector(6)); INSERT INTO made SELECT n, {VALUE}::vector FROM generate_series(1, {ROWS}) n;"
              "CREATE INDEX made_v ON made USING hnsw (v vector_l2_ops);")
    made = ("made", "", VALUE + "::vector", "", "<->", "'[0,1,0,1,0,1]'", "hnsw", "")
    check_search(server, made, True, "made before the update")
    check(write(server, made) == "", "made before the update: written and vacuumed")
    check_search(server, made, True, "before the update, after writes")
    first = indexes[0]
    untouched = raw_magic(server, first[0])
    error = server.psql(f"INSERT INTO {first[0]} SELECT n, {first[2]} FROM generate_series(10001, 10002) n")[1]
    check(error == "", "a row is inserted beside an index of pgvector", error)
    server.stop("immediate")
    server.start(args.ours)
    check(untouched == 0xA953A953 and raw_magic(server, first[0]) not in (untouched, 0),
          "the mark of an index that missed a row survives a crash")
    server.do(f"DELETE FROM {indexes[1][0]} WHERE id % 2 = 0; VACUUM {indexes[1][0]}")
    # finds nothing to remove, so that its index misses nothing
    server.do(f"VACUUM {indexes[2][0]}")
    server.stop()

    # back to pgvector: no wrong rows
    server.start(args.peer)
    found, plan, _, error = search(server, indexes[0], True)
    check("not valid" in error and not found, "pgvector refuses an index that missed a row", error + plan)
    found, plan, _, error = search(server, indexes[1], True)
    check("not valid" in error and not found, "pgvector refuses an index that missed a VACUUM", error + plan)
    check_search(server, indexes[2], True, "back with pgvector")
    server.stop()

    # the update
    server.start(args.ours)
    update(server, "in place")
    compare_catalog(server, ivfflat, "in place")
    check_foreign(server, "in place")
    for patch in (0, 7):
        server.do("ALTER EXTENSION vector UPDATE; ALTER EXTENSION vector SET SCHEMA public", f"v{patch}")
        check(server.do("SELECT extversion FROM pg_extension WHERE extname = 'vector'", f"v{patch}") == "1.0",
              f"from 0.8.{patch}, in another schema")
    listed = states(server)
    check(listed.get(first[0] + "_v") == "outdated" and listed.get(indexes[2][0] + "_v") == "untouched" and
          len(listed) == len(indexes) + 3, "vector_legacy_indexes lists the indexes of pgvector", listed)
    check(server.do("SELECT DISTINCT index FROM vector_segments()") == "made_v", "vector_segments() shows the others")
    for index in indexes:
        error = write(server, index)
        check(error == "", f"{index[0]}: written and vacuumed before REINDEX", error)
        check_search(server, index, False, "before REINDEX")
    check(set(states(server).values()) == {"outdated", "untouched"} and states(server)["quick_v"] == "untouched",
          "all that missed writes are marked", states(server))
    error = server.psql("SET seq_page_cost = 1e308; SET cpu_tuple_cost = 1e308; SET enable_seqscan = off;"
                        "SET enable_sort = off; SELECT id FROM items ORDER BY v <-> '[0,1,0,1,0,1]' LIMIT 1")[1]
    check("ERROR" not in error, "whatever the costs, no plan uses such an index", error)
    error = server.psql("SELECT vector_seal('items_v')")[1]
    check("ERROR" in error and "REINDEX INDEX" in error, "what has to read it is an error with a hint", error)
    check_partitions(server)
    first_repair = server.do("SELECT repair FROM vector_legacy_indexes() WHERE index = 'quick_v'::regclass")
    server.do(first_repair)
    check("quick_v" not in states(server), "its statement repairs: " + first_repair)
    server.tool("reindexdb", "--concurrently", "-d", "shop")
    check(states(server) == {}, "REINDEX DATABASE CONCURRENTLY repairs all", states(server))
    for index in indexes:
        check_search(server, index, True, "after REINDEX")
        if index[6] == "hnsw":
            error = server.psql(f"SELECT vector_index_check('{index[0]}_v')")[1]
            check(error == "", f"{index[0]}: vector_index_check", error)
    server.do("CREATE TABLE news (v bf16vec(3)); CREATE INDEX ON news USING hnsw (v bf16vec_l2_ops);")
    server.stop()


def on_standby(args, indexes, ivfflat):
    """A standby is taken over with its primary: its indexes of pgvector are not used until REINDEX on the primary."""
    primary = Server(args.work, args.port, "primary")
    standby = Server(args.work, args.port + 1, "standby")
    primary.init(args.peer)
    primary.start(args.peer)
    fill(primary, indexes)
    primary.stop()
    standby.follow(primary)
    primary.start(args.ours)
    standby.start(args.ours)
    few = [index for index in indexes if index[0] in ("items", "sparse", "lists", "bit_lists")]
    for index in few:
        check_search(standby, index, False, "on a standby before the update")
    for index in few:
        error = write(primary, index)
        check(error == "", f"{index[0]}: written while there is a standby", error)
    standby.catch_up(primary)
    for index in few:
        check_search(standby, index, False, "on a standby after writes")
    update(primary, "with a standby")
    standby.catch_up(primary)
    # which has no files of unlogged ones
    listed = {name: state for name, state in states(primary).items() if name != "quick_v"}
    check(states(standby) == listed and listed[few[0][0] + "_v"] == "outdated",
          "a standby lists the same indexes as its primary", states(standby))
    # it crashes, and replays the marks again
    standby.stop("immediate")
    standby.start(args.ours)
    standby.catch_up(primary)
    for index in few:
        check_search(standby, index, False, "on a standby that crashed")
    primary.tool("reindexdb", "--concurrently", "-d", "shop")
    standby.catch_up(primary)
    check(states(standby) == {}, "REINDEX on the primary repairs the standby's indexes", states(standby))
    for index in few:
        check_search(standby, index, True, "on a standby after REINDEX")
        check(search(standby, index, True)[0] == search(primary, index, True)[0],
              f"{index[0]}: the standby's answers are the primary's")
    primary.stop()
    run([f"{standby.bin}/pg_ctl", "-D", standby.data, "-w", "promote"])
    for index in few:
        error = standby.psql(f"UPDATE {index[0]} SET v = v WHERE id % 7 = 0; VACUUM {index[0]}")[1]
        check(error == "", f"{index[0]}: written after promotion", error)
        check_search(standby, index, True, "after promotion")
    standby.stop()


def by_dump(args, indexes, ivfflat):
    peer = Server(args.work, args.port, "dump_peer")
    peer.init(args.peer)
    peer.start(args.peer)
    fill(peer, indexes)
    dump = os.path.join(args.work, "shop.dump")
    peer.tool("pg_dump", "-Fc", "-f", dump, "shop")
    rows = [peer.do(f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY id)) FROM {index[0]} t") for index in indexes]
    peer.stop()
    ours = Server(args.work, args.port, "dump_ours")
    ours.init(args.ours)
    ours.start(args.ours)
    ours.do("CREATE DATABASE shop", "postgres")
    ours.tool("pg_restore", "-d", "shop", "--exit-on-error", dump)
    check(rows == [ours.do(f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY id)) FROM {index[0]} t")
                   for index in indexes], "by a dump: the same rows")
    for index in indexes:
        check_search(ours, index, True, "by a dump")
    check(ours.do("SELECT extversion FROM pg_extension WHERE extname = 'vector'") == "1.0" and states(ours) == {},
          "by a dump: version 1.0, no index to repair")
    ours.stop()


def by_upgrade(args, indexes, ivfflat):
    old = Server(args.work, args.port, "upgrade_old")
    old.init(args.peer)
    old.start(args.peer)
    fill(old, indexes)
    fill_foreign(old)
    if not ivfflat:
        drop_ivfflat(old)
    old.stop()
    # ours, under pgvector's number
    old.start(args.ours)
    old.do("CREATE DATABASE numbered", "postgres")
    old.do(f"""CREATE EXTENSION vector VERSION '0.8.6'; CREATE TABLE items (id int, v bf16vec(6));
        INSERT INTO items SELECT n, {VALUE}::real[] FROM generate_series(1, {ROWS}) n;
        CREATE INDEX items_v ON items USING hnsw (v bf16vec_l2_ops);""", "numbered")
    old.stop()
    new = Server(args.work, args.port, "upgrade_new")
    upgrade(old, new, args.peer, args.ours18)
    check(new.do("SELECT extversion FROM pg_extension WHERE extname = 'vector'").startswith("0.8."),
          "pg_upgrade: the extension keeps its version")
    for index in indexes:
        check_search(new, index, False, "pg_upgrade, before the update")
    update(new, "pg_upgrade")
    compare_catalog(new, ivfflat, "pg_upgrade")
    check_foreign(new, "pg_upgrade")
    check(new.do("SELECT extversion FROM pg_extension WHERE extname = 'vector'", "numbered") == "0.8.6",
          "pg_upgrade: ours keeps pgvector's number")
    found = "SELECT id FROM items ORDER BY v <-> '[0,1,0,1,0,1]' LIMIT 1"
    nearest = new.do(f"SET enable_indexscan = off; {found}", "numbered")
    check(new.do(f"SET enable_seqscan = off; {found}", "numbered") == nearest, "pg_upgrade: its index is searched")
    new.do("ALTER EXTENSION vector UPDATE", "numbered")
    compare_catalog(new, ivfflat, "pg_upgrade from ours", "numbered")
    check(len(states(new)) == len(indexes) + 3, "pg_upgrade: the indexes of pgvector are listed", states(new))
    for index in indexes:
        check(write(new, index) == "", f"{index[0]}, pg_upgrade: written and vacuumed")
    new.tool("reindexdb", "--concurrently", "-d", "shop")
    check(states(new) == {}, "pg_upgrade: REINDEX DATABASE CONCURRENTLY repairs all", states(new))
    for index in indexes:
        check_search(new, index, True, "pg_upgrade, after REINDEX")
    new.stop()


def upgrade(old, new, old_root, new_root):
    """Moves the old server's files, stopped, to the new one, of PostgreSQL 18, and starts that."""
    new.init(new_root, "--no-data-checksums")
    run([f"{new_root}/bin/pg_upgrade", "-b", f"{old_root}/bin", "-B", f"{new_root}/bin", "-d", old.data, "-D", new.data,
         "-U", "postgres", "-s", old.socket, "-p", str(old.port + 1), "-P", str(old.port + 2), "--no-sync"], cwd=old.socket)
    new.start(new_root)


def every_by_upgrade(args, indexes, ivfflat):
    """Indexes of every method of ours answer as they did, go on, and are sound."""
    old, new = (Server(args.work, args.port, f"every_{name}") for name in ("old", "new"))
    old.init(args.ours)
    old.start(args.ours)
    old.do("CREATE DATABASE every", "postgres")
    old.do("CREATE EXTENSION vector; ALTER DATABASE every SET vector.background_work = off", "every")
    with open(f"{HERE}/every_method.sql", encoding="utf-8") as file:
        old.do(file.read(), "every")
    before = old.do("SELECT * FROM every_answers(true)", "every")
    old.stop()
    upgrade(old, new, args.ours, args.ours18)
    after = new.do("SELECT * FROM every_answers(true)", "every")
    check(before.count("\n") == 9 and after == before, "every method, pg_upgrade: the same answers", f"{before}\n{after}")
    new.do("SELECT every_fill(801, 1200)", "every")
    new.do("VACUUM every_row", "every")
    wrong = new.do("SELECT i.index, i.distances, s.distances FROM every_answers(true) i JOIN every_answers(false) s USING (index)"
                   " WHERE i.distances IS DISTINCT FROM s.distances", "every")
    check(wrong == "", "every method, pg_upgrade: what is inserted is found", wrong)
    wrong = new.do("SELECT relname FROM pg_class WHERE relname ~ '^every_' AND relkind = 'i' AND relname !~ 'pkey'"
                   " AND vector_index_check(oid::regclass) <> (SELECT count(*) FROM every_row)", "every")
    check(wrong == "", "every method, pg_upgrade: the indexes are sound and complete", wrong)
    new.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--peer", "--ours", "--work"):
        parser.add_argument(name, required=True)
    parser.add_argument("--ours18")
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args()
    ivfflat = has_symbol(args.ours, "pg_finfo_ivfflathandler")
    indexes = [index for index in INDEXES if ivfflat or index[6] != "ivfflat"]
    if not ivfflat:
        print("# without ivfflat: this library does not have it")
    for part in (in_place, on_standby, by_dump) + ((by_upgrade, every_by_upgrade) if args.ours18 else ()):
        try:
            part(args, indexes, ivfflat)
        except RuntimeError as error:
            check(False, part.__name__, error)
    sys.exit(check.failed > 0)


if __name__ == "__main__":
    main()
