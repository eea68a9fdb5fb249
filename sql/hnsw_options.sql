-- hnsw: options, settings, and what it refuses
CREATE TABLE t (id int, v vector(3), free vector, h halfvec, s sparsevec, kind int);
INSERT INTO t VALUES (1, '[1,2,3]', '[1,2,3]', '[1,2,3]', '{1:1}/3', 1);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 1);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 101);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (ef_construction = 3);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (ef_construction = 1001);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 16, ef_construction = 31);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 33);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (ef_construction = 31);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 'many');
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 2.5);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 8, m = 9);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (lists = 10);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (fillfactor = 50);
CREATE INDEX least ON t USING hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4);
CREATE INDEX most ON t USING hnsw (v vector_l2_ops) WITH (m = 100, ef_construction = 1000);
CREATE INDEX quoted ON t USING hnsw (v vector_l2_ops) WITH (m = '16', ef_construction = '64');
CREATE INDEX plain ON t USING hnsw (v vector_l2_ops);
SELECT relname, reloptions FROM pg_class WHERE relname IN ('least', 'most', 'quoted', 'plain')
	ORDER BY relname;
SELECT pg_get_indexdef('quoted'::regclass), pg_get_indexdef('plain'::regclass);
-- options that are changed later apply from the next build on
ALTER INDEX plain SET (m = 101);
ALTER INDEX plain SET (m = 40);
REINDEX INDEX plain;
ALTER INDEX plain SET (ef_construction = 80);
REINDEX INDEX plain;
ALTER INDEX plain RESET (m, ef_construction);
SELECT reloptions FROM pg_class WHERE relname = 'plain';
INSERT INTO t SELECT n, ARRAY[n, n % 3, n % 5] FROM generate_series(2, 200) n;
SET enable_seqscan = off;
DROP INDEX quoted, plain, most;
SELECT id FROM t ORDER BY v <-> '[100.2,1,0]' LIMIT 1;
DROP INDEX least;
RESET enable_seqscan;

-- settings
LOAD 'vector';
SHOW hnsw.ef_search;
SHOW hnsw.iterative_scan;
SHOW hnsw.max_scan_tuples;
SHOW hnsw.scan_mem_multiplier;
SET hnsw.ef_search = 0;
SET hnsw.ef_search = 1001;
SET hnsw.ef_search = 'some';
SET hnsw.ef_search = 1000;
SHOW hnsw.ef_search;
SET hnsw.ef_search = 1;
SET hnsw.iterative_scan = on;
SET hnsw.iterative_scan = 'STRICT_ORDER';
SHOW hnsw.iterative_scan;
SET hnsw.iterative_scan = relaxed_order;
SHOW hnsw.iterative_scan;
SET hnsw.iterative_scan = off;
SHOW hnsw.iterative_scan;
SET hnsw.max_scan_tuples = 0;
SET hnsw.max_scan_tuples = 2147483648;
SET hnsw.max_scan_tuples = 2147483647;
SET hnsw.max_scan_tuples = 1;
SET hnsw.scan_mem_multiplier = 0.9;
SET hnsw.scan_mem_multiplier = 1000.5;
SET hnsw.scan_mem_multiplier = 1000;
SET hnsw.scan_mem_multiplier = 1.5;
SHOW hnsw.scan_mem_multiplier;
SET hnsw.nothing = 1;
BEGIN;
SET LOCAL hnsw.ef_search = 77;
SHOW hnsw.ef_search;
COMMIT;
SHOW hnsw.ef_search;
RESET ALL;
SELECT name, setting, boot_val, min_val, max_val, vartype, context, enumvals FROM pg_settings
	WHERE name IN ('hnsw.ef_search', 'hnsw.iterative_scan', 'hnsw.max_scan_tuples',
		'hnsw.scan_mem_multiplier') ORDER BY name COLLATE "C";

-- columns that cannot be indexed
CREATE INDEX ON t USING hnsw (v);
CREATE INDEX ON t USING hnsw (h);
CREATE INDEX ON t USING hnsw (id);
CREATE INDEX ON t USING hnsw (id vector_l2_ops);
CREATE INDEX ON t USING hnsw (v halfvec_l2_ops);
CREATE INDEX ON t USING hnsw (v nothing_ops);
CREATE INDEX ON t USING hnsw (v vector_l2_ops, free vector_l2_ops);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) INCLUDE (id);
CREATE UNIQUE INDEX ON t USING hnsw (v vector_l2_ops);
-- from PostgreSQL 19 on errors point at the column
\set VERBOSITY sqlstate
CREATE INDEX ON t USING hnsw (v vector_l2_ops DESC);
\echo :LAST_ERROR_MESSAGE
CREATE INDEX ON t USING hnsw (v vector_l2_ops NULLS FIRST);
\echo :LAST_ERROR_MESSAGE
CREATE TABLE excluding (v vector(3), EXCLUDE USING hnsw (v vector_l2_ops WITH <->));
\set VERBOSITY default
CREATE INDEX ON t USING hnsw (free vector_l2_ops);
CREATE INDEX ON t USING hnsw (h halfvec_l2_ops);
CREATE INDEX ON t USING hnsw (s sparsevec_l2_ops);
CREATE INDEX ON t USING hnsw ((free || v) vector_l2_ops);
CREATE INDEX ON t USING hnsw ((v::vector) vector_l2_ops);
-- on an empty table, too
CREATE TABLE nothing (v vector);
CREATE INDEX ON nothing USING hnsw (v vector_l2_ops);
CREATE INDEX ON nothing USING hnsw ((v::vector(3)) vector_l2_ops)
	WITH (m = 20, ef_construction = 39);
DROP TABLE nothing;
-- rows whose dimensions differ from the index's
INSERT INTO t (id, free) VALUES (500, '[1,2]');
CREATE INDEX ON t USING hnsw ((free::vector(3)) vector_l2_ops);
CREATE INDEX CONCURRENTLY broken ON t USING hnsw ((free::vector(3)) vector_l2_ops);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'broken'::regclass;
DROP INDEX broken;

-- the properties of the access method
SELECT amtype FROM pg_am WHERE amname = 'hnsw';
SELECT name, pg_indexam_has_property(a.oid, name) AS value
	FROM pg_am a, unnest(ARRAY['can_order', 'can_unique', 'can_multi_col', 'can_include'])
	WITH ORDINALITY p (name, n) WHERE amname = 'hnsw' ORDER BY n;
CREATE INDEX t_idx ON t USING hnsw (v vector_l2_ops);
SELECT name, pg_index_has_property('t_idx'::regclass, name) AS value
	FROM unnest(ARRAY['clusterable', 'index_scan', 'bitmap_scan', 'backward_scan'])
	WITH ORDINALITY p (name, n) ORDER BY n;
SELECT name, pg_index_column_has_property('t_idx'::regclass, 1, name) AS value
	FROM unnest(ARRAY['asc', 'desc', 'orderable', 'returnable', 'search_array', 'search_nulls'])
	WITH ORDINALITY p (name, n) ORDER BY n;
SELECT count(*) >= 14 AS operator_classes, bool_and(amvalidate(c.oid)) AS valid,
	bool_or(opcdefault AND opcintype >= 16384) AS any_default
	FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod WHERE amname = 'hnsw';
-- the index is not used without ORDER BY with its operator
SET enable_seqscan = off;
SELECT count(*) FROM t;
SELECT count(*) FROM t WHERE v <-> '[1,2,3]' < 2;
SELECT count(*) FROM t WHERE v IS NULL;
SELECT id FROM t WHERE v = '[1,2,3]';
SELECT id FROM t WHERE v IS NOT NULL ORDER BY v <#> '[1,2,3]', id LIMIT 1;
SELECT id FROM t ORDER BY -(v <-> '[1,2,3]'), id LIMIT 1;
SELECT id FROM t ORDER BY (v <-> '[1,2,3]') + 0 LIMIT 1;
SELECT max(id) FROM t;
RESET enable_seqscan;
DROP TABLE t;
