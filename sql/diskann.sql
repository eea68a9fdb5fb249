-- diskann: every operator class, storage and number of bits; the modes of scans; what it refuses
SET enable_seqscan = off;
SET jit = off;
CREATE TABLE t (id int, v vector(24));
SELECT setseed(0.5);
INSERT INTO t SELECT i, ARRAY(SELECT i % 10 + round(random() * 20) FROM generate_series(1, 24) j WHERE i > 0) FROM generate_series(1, 1000) i;
-- rows of equal vectors, NULL and zeros
INSERT INTO t SELECT 10000 + i, v FROM t, generate_series(1, 3) i WHERE id = 7;
INSERT INTO t VALUES (20000, NULL), (20001, array_fill(0, ARRAY[24])::vector);
-- the share of the true ten nearest rows that an index finds, over 10 queries
CREATE FUNCTION recall(op text, type text DEFAULT 'vector') RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT d FROM (SELECT v::%s(24) %s $1 AS d FROM t ORDER BY v::%1$s(24) %2$s $1 LIMIT 10) x', type, op);
	q text;
	exact float8[];
	found float8[];
	hits int := 0;
BEGIN
	FOR q IN SELECT v::text FROM t WHERE id % 100 = 1 AND id < 1000 LOOP
		SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = on;
		EXECUTE 'SELECT array_agg(d ORDER BY d) FROM (' || replace(query, '$1', quote_literal(q)) || ') x' INTO exact;
		SET LOCAL enable_indexscan = on; SET LOCAL enable_seqscan = off;
		EXECUTE 'SELECT array_agg(d) FROM (' || replace(query, '$1', quote_literal(q)) || ') x' INTO found;
		ASSERT found = (SELECT array_agg(d ORDER BY d) FROM unnest(found) d), 'rows are not in order';
		hits := hits + (SELECT count(*) FROM unnest(found) d WHERE d <= exact[10]);
	END LOOP;
	RETURN round(hits / 100.0, 3);
END $$;
CREATE FUNCTION try(type text, class text, op text, options text DEFAULT 'search_list_size = 100') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	r numeric;
BEGIN
	EXECUTE format('CREATE INDEX t_v ON t USING diskann ((v::%s(24)) %s_%s) WITH (%s)', type, type, class, options);
	FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY v::%s(24) %s %L LIMIT 10', type, op, array_fill(1, ARRAY[24])::vector) LOOP
		ASSERT line NOT LIKE '%Seq Scan%', line;
	END LOOP;
	r := recall(op, type);
	line := format('%s %s: %s rows, recall %s', class, options, vector_index_check('t_v'), CASE WHEN r >= 0.97 THEN 'is right' ELSE r::text END);
	DROP INDEX t_v;
	RETURN line;
END $$;
SELECT try(type, class, op, 'storage = none')
	FROM unnest(ARRAY['vector', 'halfvec', 'bf16vec', 'int8vec']) type,
		(VALUES ('l2_ops', '<->'), ('ip_ops', '<#>'), ('cosine_ops', '<=>')) c(class, op);
SELECT try(type, class, op, 'storage = ' || storage) FROM (VALUES
	('vector', 'l2_ops', '<->', 'full'), ('vector', 'ip_ops', '<#>', 'half'), ('vector', 'cosine_ops', '<=>', 'sq8'),
	('halfvec', 'cosine_ops', '<=>', 'full'), ('bf16vec', 'ip_ops', '<#>', 'sq8'), ('int8vec', 'l2_ops', '<->', 'full')) c(type, class, op, storage);
SELECT try('vector', 'l2_ops', '<->', 'bits = ' || bits) FROM unnest(ARRAY[1, 3, 4, 8]) bits;
SELECT try('vector', 'l2_ops', '<->', 'num_neighbors = 10, max_alpha = 1.5, search_list_size = 40');
-- an index is as large as its neighbours and codes ask for
CREATE FUNCTION bytes(options text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE INDEX t_o ON t USING diskann (v vector_l2_ops) WITH (%s)', options);
	PERFORM vector_index_check('t_o');
	RETURN pg_relation_size('t_o');
END $$;
CREATE TABLE sizes AS SELECT options, 0::bigint AS bytes FROM unnest(ARRAY['num_neighbors = 10', 'num_neighbors = -1', 'num_neighbors = 0',
	'num_neighbors = 32', 'num_neighbors = 40', 'num_neighbors = 1000', 'bits = 1', 'bits = 8', 'storage = full']) options;
DO $$
BEGIN
	SET LOCAL maintenance_work_mem = '256MB';
	FOR i IN 1 .. 9 LOOP
		UPDATE sizes SET bytes = bytes(options) WHERE ctid = (SELECT ctid FROM sizes WHERE bytes = 0 LIMIT 1);
		DROP INDEX t_o;
	END LOOP;
END $$;
SELECT string_agg(options, ' < ' ORDER BY bytes, options) FROM sizes WHERE options ~ '^num';
SELECT count(DISTINCT bytes) FROM sizes WHERE options ~ '= (-1|0|32)$';
SELECT string_agg(options, ' < ' ORDER BY bytes, options) FROM sizes WHERE options !~ '^num' OR options ~ ' 0$';
-- an index that is read to its end returns every row once
CREATE INDEX t_v ON t USING diskann (v vector_l2_ops);
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> array_fill(3, ARRAY[24])::vector) x;
SET diskann.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> array_fill(3, ARRAY[24])::vector) x;
SET diskann.iterative_scan = off;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> array_fill(3, ARRAY[24])::vector) x;
RESET diskann.iterative_scan;
-- and so a cursor, a query without a vector, and rows that conditions of the table leave
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 8);
FETCH 1 FROM c;
MOVE ALL IN c;
FETCH 1 FROM c;
COMMIT;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> NULL::vector LIMIT 2000) x;
SELECT count(*) FROM (SELECT id FROM t WHERE id % 100 = 8 ORDER BY v <-> array_fill(3, ARRAY[24])::vector LIMIT 10) x;
SELECT count(*), sum(n) FROM generate_series(1, 3) i, LATERAL (SELECT count(*) AS n FROM (SELECT id FROM t ORDER BY v <-> array_fill(i, ARRAY[24])::vector LIMIT 20) x) y;
-- what a search does
SET diskann.query_search_list_size = 10;
SET diskann.query_rescore = 10;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> array_fill(10, ARRAY[24])::vector LIMIT 10) x;
SELECT hops BETWEEN 10 AND 60 AS walks_little, distances < 900 AS compares_some, blocks > 0 AS reads, segments, walks, rejected FROM vector_last_scan();
RESET diskann.query_search_list_size;
RESET diskann.query_rescore;
-- rows with equal vectors, one of which dies
SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 7), id LIMIT 4;
DELETE FROM t WHERE id = 7;
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 10001) LIMIT 3) x;
VACUUM t;
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 10001) LIMIT 3) x;
-- inserted rows
INSERT INTO t SELECT 30000 + id, v FROM t WHERE id = 8;
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 8) LIMIT 2) x;
SELECT vector_seal('t_v');
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 8) LIMIT 2) x;
SELECT vector_index_check('t_v');
SELECT kind, rows, dead, method FROM vector_index_segments('t_v') ORDER BY segment;
DROP INDEX t_v;
-- attributes: labels as pgvectorscale's users write them, beside others
ALTER TABLE t ADD labels smallint[], ADD category int;
UPDATE t SET labels = CASE WHEN id % 11 > 0 THEN ARRAY[id % 5, id % 7 + 10] END, category = id % 13;
VACUUM t;
CREATE INDEX t_v ON t USING diskann (v vector_cosine_ops, labels, category);
EXPLAIN (COSTS OFF) SELECT id FROM t WHERE labels && '{1,3}' AND category = 5 ORDER BY v <=> array_fill(3, ARRAY[24])::vector LIMIT 5;
CREATE FUNCTION differ(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT array_agg(d) FROM (SELECT round((v <=> array_fill(3, ARRAY[24])::vector)::numeric, 6) AS d FROM t WHERE %s
		ORDER BY v <=> array_fill(3, ARRAY[24])::vector LIMIT 8) x', condition);
	found numeric[];
	expected numeric[];
BEGIN
	EXECUTE query INTO found;
	SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = on;
	EXECUTE query INTO expected;
	SET LOCAL enable_indexscan = on; SET LOCAL enable_seqscan = off;
	RETURN CASE WHEN (SELECT count(*) FROM unnest(found) f WHERE f = ANY (expected)) < least(coalesce(cardinality(expected), 0), 7) THEN format('%s: %s, not %s', condition, found, expected) END;
END $$;
SELECT differ(condition) FROM unnest(ARRAY['labels && ''{1,3}''', 'labels && ''{1}'' AND category < 4', 'labels @> ''{2,12}''',
	'labels IS NULL', 'category = 5', 'category IN (1, 2) OR labels && ''{16}''', 'labels && ''{99}''', 'category > 11 AND id % 2 = 0',
	'NOT labels && ''{1,2,3,4}''']) condition WHERE differ(condition) IS NOT NULL;
SELECT vector_index_check('t_v');
DROP INDEX t_v;
-- DDL
CREATE INDEX t_v ON t USING diskann (v);
SELECT opcname FROM pg_opclass WHERE oid = (SELECT indclass[0] FROM pg_index WHERE indexrelid = 't_v'::regclass);
DROP INDEX t_v;
CREATE INDEX CONCURRENTLY t_v ON t USING diskann (v vector_l2_ops) WHERE id < 100;
REINDEX INDEX CONCURRENTLY t_v;
SELECT vector_index_check('t_v');
SELECT count(*), max(id) FROM (SELECT id FROM t WHERE id < 100 ORDER BY v <-> array_fill(3, ARRAY[24])::vector) x;
ALTER INDEX t_v SET (num_neighbors = 5);
ALTER INDEX t_v SET (num_neighbors = 20, bits = 3, storage = full);
REINDEX INDEX t_v;
SELECT vector_index_check('t_v');
TRUNCATE t;
SELECT vector_index_check('t_v');
INSERT INTO t SELECT n, array_fill(n % 60, ARRAY[24]) FROM generate_series(1, 99) n;
SELECT id FROM t WHERE id < 100 ORDER BY v <-> array_fill(59.6, ARRAY[24])::vector LIMIT 1;
DROP INDEX t_v;
ALTER TABLE t ALTER v TYPE halfvec(24);
CREATE INDEX t_v ON t USING diskann (v halfvec_l2_ops) WHERE id < 100;
SELECT id FROM t WHERE id < 100 ORDER BY v <-> array_fill(59.6, ARRAY[24])::halfvec LIMIT 1;
-- large segments with vectors of few dimensions have codes along principal axes
DROP INDEX t_v;
TRUNCATE t;
INSERT INTO t SELECT i, ARRAY(SELECT i % 10 + round(random() * 20) FROM generate_series(1, 24) j WHERE i > 0) FROM generate_series(1, 4200) i;
SELECT try('vector', class, op, 'bits = ' || bits || ', storage = ' || storage) FROM (VALUES
	('l2_ops', '<->', 1, 'full'), ('cosine_ops', '<=>', 2, 'half'), ('l2_ops', '<->', 8, 'sq8')) c(class, op, bits, storage);
DROP TABLE t, sizes;
CREATE TEMP TABLE p (id int, v vector(3));
CREATE INDEX ON p USING diskann (v vector_l2_ops);
INSERT INTO p SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 300) n;
SELECT id FROM p ORDER BY v <-> '[4,4,4]' LIMIT 1;
SELECT vector_seal('p_v_idx');
SELECT id FROM p ORDER BY v <-> '[4,4,4]' LIMIT 1;
DROP TABLE p;
CREATE TABLE p (id int, v vector(3)) PARTITION BY RANGE (id);
CREATE UNLOGGED TABLE p0 PARTITION OF p FOR VALUES FROM (0) TO (150);
CREATE UNLOGGED TABLE p1 PARTITION OF p FOR VALUES FROM (150) TO (1000);
INSERT INTO p SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 300) n;
CREATE INDEX ON p USING diskann (v vector_l2_ops);
SELECT id FROM p ORDER BY v <-> '[4,4,4]' LIMIT 3;
SELECT vector_index_check('p0_v_idx'), vector_index_check('p1_v_idx');
DROP TABLE p;
-- many dimensions, the codes of which cross blocks
CREATE TABLE long (id int, v vector(16000));
INSERT INTO long SELECT n, (SELECT array_agg(sin(n * 7.1 + d * (n % 5 + 1)))::vector FROM generate_series(1, 16000) d) FROM generate_series(1, 40) n;
CREATE INDEX long_1 ON long USING diskann (v vector_l2_ops) WITH (bits = 1);
CREATE INDEX long_8 ON long USING diskann (v vector_cosine_ops) WITH (bits = 8);
CREATE INDEX long_k ON long USING diskann (v vector_ip_ops) WITH (bits = 7, storage = half);
SELECT vector_index_check('long_1'), vector_index_check('long_8'), vector_index_check('long_k');
SELECT id FROM long ORDER BY v <-> (SELECT v FROM long WHERE id = 17) LIMIT 1;
SELECT id FROM long ORDER BY v <=> (SELECT v FROM long WHERE id = 17) LIMIT 1;
SELECT id FROM long ORDER BY v <#> (SELECT v FROM long WHERE id = 17) LIMIT 1;
DROP TABLE long;
-- what is refused
CREATE TABLE t (id int, v vector(24), h halfvec(24), b bit(24), s sparsevec(24), free vector);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (num_neighbors = 5);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (num_neighbors = 1001);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (search_list_size = 9);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (max_alpha = 0.9);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (bits = 9);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (storage = plain);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (m = 16);
CREATE INDEX ON t USING diskann (v vector_l1_ops);
CREATE INDEX ON t USING diskann (h halfvec_l1_ops);
CREATE INDEX ON t USING diskann (b bit_hamming_ops);
CREATE INDEX ON t USING diskann (b bit_jaccard_ops);
CREATE INDEX ON t USING diskann (s sparsevec_l2_ops);
CREATE INDEX ON t USING diskann (s sparsevec_cosine_ops);
CREATE INDEX ON t USING diskann (free vector_l2_ops);
CREATE INDEX ON t USING diskann (v vector_l2_ops) INCLUDE (id);
CREATE UNIQUE INDEX ON t USING diskann (v vector_l2_ops);
SET diskann.query_search_list_size = 0;
SET diskann.query_rescore = -1;
SET diskann.iterative_scan = strict_order;
SET diskann.other = 1;
SELECT name, setting, min_val, max_val, enumvals FROM pg_settings WHERE name ~ '^diskann\.' ORDER BY name;
DROP TABLE t;
DROP FUNCTION recall, try, bytes, differ;
