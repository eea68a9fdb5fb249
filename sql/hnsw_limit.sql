-- hnsw: a search ends with the rows that the LIMIT asks for, and goes on if more are asked for
SET enable_seqscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION wave(seed int, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg(((hashint8extended(seed % 100, d) & 1023)
		+ (hashint8extended(seed, -d) & 1023) / 2.0)::real / 971 - 0.5) FROM generate_series(1, dims) d$$;
CREATE TABLE t (id int, v vector(20), s sparsevec(20), b bit(64));
INSERT INTO t SELECT n, a, a::vector::sparsevec,
		hashint8extended(n % 100, 1)::bit(64) # (hashint8extended(n, 2) & hashint8extended(n, 3) & hashint8extended(n, 4))::bit(64)
	FROM generate_series(1, 3000) n, LATERAL (SELECT wave(n, 20) AS a) w;
VACUUM ANALYZE t;
SELECT v AS probe, s AS sparse, b AS bits FROM t WHERE id = 7 \gset
CREATE FUNCTION hops(query text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	RETURN (SELECT hops FROM vector_last_scan());
END $$;
SET hnsw.ef_search = 40;

-- every metric but dot products, and only where nodes store whole vectors
CREATE FUNCTION try(name text, class text, operator text, probe text, storage text, OUT fewer bool) LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT FROM (SELECT id FROM t ORDER BY %I %s %L OFFSET 0) x@ LIMIT 10', name, operator, probe);
BEGIN
	EXECUTE format('CREATE INDEX t_index ON t USING hnsw (%I %s_ops) WITH (storage = %s)', name, class, storage);
	fewer := hops(replace(query, '@', '')) < hops(replace(query, '@', ' WHERE id > 0'));
	DROP INDEX t_index;
END $$;
SELECT class, storage, try(name, class, operator, probe, storage) AS fewer FROM (VALUES
	('v', 'vector_l2', '<->', :'probe', 'full'), ('v', 'vector_cosine', '<=>', :'probe', 'full'),
	('v', 'vector_l1', '<+>', :'probe', 'full'), ('s', 'sparsevec_l2', '<->', :'sparse', 'full'),
	('b', 'bit_hamming', '<~>', :'bits', 'full'), ('b', 'bit_jaccard', '<%>', :'bits', 'full'),
	('v', 'vector_ip', '<#>', :'probe', 'full'), ('s', 'sparsevec_ip', '<#>', :'sparse', 'full'),
	('v', 'vector_l2', '<->', :'probe', 'half')) c (name, class, operator, probe, storage);

-- forms of the limit, and what lies between it and the scan
CREATE INDEX t_index ON t USING hnsw (v vector_l2_ops);
CREATE FUNCTION is_short(query text) RETURNS boolean LANGUAGE sql AS
	$$SELECT hops(query) < hops(format('SELECT FROM (SELECT id FROM t ORDER BY v <-> %L OFFSET 0) x WHERE id > 0 LIMIT 10', v)) FROM t WHERE id = 7$$;
SELECT what, is_short(replace(replace(query, '@', :'probe'), '#', 'ORDER BY v <-> ' || quote_literal(:'probe'))) FROM (VALUES
	('limit', 'SELECT FROM t # LIMIT 10'),
	('offset', 'SELECT FROM t # LIMIT 3 OFFSET 7'),
	('expression', 'SELECT FROM t # LIMIT (SELECT 10)'),
	('projection', 'SELECT id + random() FROM t # LIMIT 10'),
	('subquery', 'SELECT id + 1 FROM (SELECT id FROM t # OFFSET 0) x LIMIT 10'),
	('distance', 'SELECT FROM t WHERE v <-> ''@'' < 2 # LIMIT 10'),
	('union', 'SELECT FROM (SELECT id FROM t # LIMIT 10) x'),
	('lateral', 'SELECT FROM (VALUES (1), (2)) y (n), LATERAL (SELECT id FROM t # LIMIT n * 4) x'),
	('none', 'SELECT FROM t #'),
	('all', 'SELECT FROM t # LIMIT ALL'),
	('null', 'SELECT FROM t # LIMIT NULL'),
	('ties', 'SELECT FROM t # FETCH FIRST 10 ROWS WITH TIES'),
	('condition', 'SELECT FROM t WHERE id % 2 = 0 # LIMIT 10'),
	('condition above', 'SELECT FROM (SELECT id FROM t # OFFSET 0) x WHERE id % 2 = 0 LIMIT 10'),
	('aggregate', 'SELECT count(*) FROM (SELECT id FROM t # OFFSET 0) x LIMIT 10'),
	('init plan', 'SELECT (SELECT max(id) FROM (SELECT id FROM t # OFFSET 0) x) FROM generate_series(1, 20) LIMIT 10')) q (what, query);

-- almost all of the nearest rows, in order, none twice
CREATE FUNCTION good(n text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	probe vector := (SELECT v FROM t WHERE id = 7);
	found int[];
	sorted int[];
	hits int;
	wanted int;
BEGIN
	EXECUTE format('SELECT array_agg(id), array_agg(id ORDER BY d) FROM
		(SELECT id, v <-> %1$L AS d FROM t ORDER BY v <-> %1$L %2$s) x', probe, n) INTO found, sorted;
	EXECUTE format('SELECT count(*), count(*) FILTER (WHERE id = ANY (%3$L)) FROM
		(SELECT id FROM t ORDER BY (v <-> %1$L) + 0, id %2$s) x', probe, n, found) INTO wanted, hits;
	RETURN found = sorted AND cardinality(found) = wanted AND hits >= wanted * 0.9 AND
		wanted = (SELECT count(DISTINCT id) FROM unnest(found) id);
END $$;
SET hnsw.ef_search = 400;
SELECT n, good(n) FROM unnest(ARRAY['LIMIT 1', 'LIMIT 10', 'LIMIT 5 OFFSET 5', 'LIMIT 400']) n;
-- deleted rows before VACUUM: the scan takes more rows from the index than it returns
BEGIN;
DELETE FROM t WHERE id IN (SELECT id FROM t WHERE id <> 7 ORDER BY v <-> :'probe' LIMIT 60);
SELECT n, good(n) FROM unnest(ARRAY['LIMIT 1', 'LIMIT 10', 'LIMIT 100']) n;
SET LOCAL hnsw.iterative_scan = strict_order;
SELECT n, good(n) FROM unnest(ARRAY['LIMIT 1', 'LIMIT 10', 'LIMIT 100']) n;
SET LOCAL hnsw.iterative_scan = relaxed_order;
SELECT count(*) FROM (SELECT FROM t ORDER BY v <-> :'probe' LIMIT 2000) x;
ROLLBACK;
-- rows that are locked
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> :'probe' LIMIT 20 FOR UPDATE SKIP LOCKED) x;
-- several sealed segments and a growing one
INSERT INTO t SELECT n, wave(n, 20) FROM generate_series(3001, 4000) n;
SELECT vector_seal('t_index');
INSERT INTO t SELECT n, wave(n, 20) FROM generate_series(4001, 5000) n;
SELECT n, good(n) FROM unnest(ARRAY['LIMIT 1', 'LIMIT 10', 'LIMIT 100']) n;
-- partitions
CREATE TABLE parted (id int, v vector(20)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (2000);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (2000) TO (10000);
INSERT INTO parted SELECT id, v FROM t;
CREATE INDEX ON parted USING hnsw (v vector_l2_ops);
EXPLAIN (COSTS off) SELECT id FROM parted ORDER BY v <-> '[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 10;
SELECT count(*) >= 9 FROM (SELECT id FROM parted ORDER BY v <-> :'probe' LIMIT 10) x
	WHERE id IN (SELECT id FROM t ORDER BY (v <-> :'probe') + 0 LIMIT 10);
-- a prepared statement whose limit changes
SET hnsw.ef_search = 40;
PREPARE p (bigint) AS SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 7) LIMIT $1;
SET plan_cache_mode = force_generic_plan;
SELECT hops('EXECUTE p (10)') < hops('EXECUTE p (300)'), hops('EXECUTE p (300)') <> hops('EXECUTE p (NULL)');
-- one search for all rows of the LIMIT, however small ef_search is; several would take more
SET hnsw.ef_search = 20;
SELECT hops('EXECUTE p (200)') AS small \gset
SET hnsw.ef_search = 200;
SELECT :small < hops('EXECUTE p (200)') AS fewer;
SET hnsw.ef_search = 40;
RESET plan_cache_mode;
-- a cursor
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t ORDER BY v <-> :'probe' LIMIT 30;
MOVE 29 IN c;
FETCH ALL FROM c \gset last_
COMMIT;
SELECT :last_id IN (SELECT id FROM t ORDER BY (v <-> :'probe') + 0 LIMIT 40);
DROP TABLE t, parted;
DROP FUNCTION wave, hops, try, is_short, good;
RESET hnsw.ef_search;
RESET enable_seqscan;
RESET enable_sort;
RESET max_parallel_workers_per_gather;
