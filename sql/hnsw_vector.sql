-- hnsw on vector: queries of a table of a few rows through the index, whatever happens to the table
SET enable_seqscan = off;
CREATE TABLE t (id int, v vector(3));
INSERT INTO t VALUES (1, '[1,0,0]'), (2, '[0,2,0]'), (3, '[1,1,4]'), (4, NULL), (5, '[0,0,0]');
-- the four operator classes; none of them indexes NULL, and the cosine's no zero vector
CREATE INDEX t_idx ON t USING hnsw (v vector_l2_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY v <-> '[1,2,4]' LIMIT 3;
SELECT id, v <-> '[1,2,4]' AS distance FROM t ORDER BY v <-> '[1,2,4]' LIMIT 2;
SELECT id FROM t ORDER BY v <-> '[1,2,4]';
SELECT id FROM t ORDER BY v <-> '[1,2,4]' LIMIT 0;
SELECT count(*) FROM (SELECT FROM t ORDER BY v <-> '[0,0,0]') x;
SELECT count(*) FROM (SELECT FROM t ORDER BY v <-> (SELECT NULL::vector)) x;
DROP INDEX t_idx;
CREATE INDEX t_idx ON t USING hnsw (v vector_ip_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY v <#> '[1,2,4]' LIMIT 3;
SELECT id, v <#> '[1,2,4]' AS distance FROM t ORDER BY v <#> '[1,2,4]' LIMIT 3;
SELECT id FROM t ORDER BY v <#> '[1,2,4]';
SELECT count(*) FROM (SELECT FROM t ORDER BY v <#> '[0,0,0]') x;
SELECT count(*) FROM (SELECT FROM t ORDER BY v <#> (SELECT NULL::vector)) x;
DROP INDEX t_idx;
CREATE INDEX t_idx ON t USING hnsw (v vector_cosine_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY v <=> '[1,2,4]' LIMIT 3;
SELECT id, round((v <=> '[1,2,4]')::numeric, 4) AS distance FROM t ORDER BY v <=> '[1,2,4]';
SELECT count(*) FROM (SELECT FROM t ORDER BY v <=> '[0,0,0]') x;
SELECT count(*) FROM (SELECT FROM t ORDER BY v <=> (SELECT NULL::vector)) x;
INSERT INTO t VALUES (6, '[0,0,0]'), (7, '[2,4,8]'), (8, NULL);
SELECT id FROM t ORDER BY v <=> '[1,2,4]';
DELETE FROM t WHERE id > 5;
DROP INDEX t_idx;
CREATE INDEX t_idx ON t USING hnsw (v vector_l1_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY v <+> '[1,2,4]' LIMIT 3;
SELECT id, v <+> '[1,2,4]' AS distance FROM t ORDER BY v <+> '[1,2,4]';
SELECT count(*) FROM (SELECT FROM t ORDER BY v <+> '[0,0,0]') x;
SELECT count(*) FROM (SELECT FROM t ORDER BY v <+> (SELECT NULL::vector)) x;
DROP INDEX t_idx;
-- all four on one column, each for its operator
CREATE INDEX t_l2 ON t USING hnsw (v vector_l2_ops);
CREATE INDEX t_ip ON t USING hnsw (v vector_ip_ops);
CREATE INDEX t_cosine ON t USING hnsw (v vector_cosine_ops);
CREATE INDEX t_l1 ON t USING hnsw (v vector_l1_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY v <=> '[1,2,4]' LIMIT 1;
INSERT INTO t VALUES (9, '[5,5,5]');
SELECT (SELECT id FROM t ORDER BY v <-> '[5,5,6]' LIMIT 1) AS l2,
	(SELECT id FROM t ORDER BY v <#> '[5,5,6]' LIMIT 1) AS ip,
	(SELECT id FROM t ORDER BY v <=> '[5,5,6]' LIMIT 1) AS cosine,
	(SELECT id FROM t ORDER BY v <+> '[5,5,6]' LIMIT 1) AS l1;
DROP TABLE t;

-- into an empty index; inserted, copied, updated, deleted, vacuumed
CREATE TABLE t (id int PRIMARY KEY, v vector(3), note text);
CREATE INDEX t_idx ON t USING hnsw (v vector_l2_ops);
SELECT id FROM t ORDER BY v <-> '[1,2,4]';
SELECT id FROM t ORDER BY v <-> (SELECT NULL::vector);
VACUUM t;
INSERT INTO t VALUES (1, NULL);
SELECT id FROM t ORDER BY v <-> '[1,2,4]';
INSERT INTO t SELECT n, ARRAY[n, n % 5, n % 7] FROM generate_series(2, 30) n;
COPY t (id, v) FROM STDIN;
31	[31,1,3]
32	[32,2,4]
33	\N
\.
SELECT id FROM t ORDER BY v <-> '[31.4,1,3]' LIMIT 3;
UPDATE t SET note = 'hot' WHERE id % 2 = 0;
SELECT id, note FROM t ORDER BY v <-> '[31.4,1,3]' LIMIT 3;
UPDATE t SET v = '[100,100,100]' WHERE id = 31;
SELECT id FROM t ORDER BY v <-> '[31.4,1,3]' LIMIT 2;
SELECT id FROM t ORDER BY v <-> '[99,99,99]' LIMIT 1;
UPDATE t SET v = NULL WHERE id = 32;
SELECT id FROM t ORDER BY v <-> '[31.4,1,3]' LIMIT 1;
SELECT count(*) FROM (SELECT FROM t ORDER BY v <-> '[0,0,0]') x;
UPDATE t SET v = '[32,2,4]' WHERE id = 32;
SELECT id FROM t ORDER BY v <-> '[31.4,1,3]' LIMIT 1;
DELETE FROM t WHERE id IN (31, 32);
SELECT id FROM t ORDER BY v <-> '[31.4,1,3]' LIMIT 1;
VACUUM t;
SELECT id FROM t ORDER BY v <-> '[31.4,1,3]' LIMIT 1;
BEGIN;
INSERT INTO t VALUES (40, '[40,0,0]');
SAVEPOINT s;
INSERT INTO t VALUES (41, '[41,0,0]');
SELECT id FROM t ORDER BY v <-> '[42,0,0]' LIMIT 2;
ROLLBACK TO s;
SELECT id FROM t ORDER BY v <-> '[42,0,0]' LIMIT 2;
ROLLBACK;
SELECT id FROM t ORDER BY v <-> '[42,0,0]' LIMIT 2;
INSERT INTO t VALUES (30, '[1,1,1]') ON CONFLICT DO NOTHING;
INSERT INTO t VALUES (30, '[50,1,1]') ON CONFLICT (id) DO UPDATE SET v = excluded.v;
SELECT id, v FROM t ORDER BY v <-> '[42,0,0]' LIMIT 1;
DELETE FROM t;
SELECT id FROM t ORDER BY v <-> '[1,2,4]';
VACUUM t;
SELECT id FROM t ORDER BY v <-> '[1,2,4]';
INSERT INTO t VALUES (1, '[1,2,3]'), (2, '[1,2,4]');
SELECT id FROM t ORDER BY v <-> '[1,2,4]';
-- a cursor does not see rows inserted after it was opened, and still sees deleted ones
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t ORDER BY v <-> '[1,2,4]';
INSERT INTO t VALUES (3, '[1,2,4.5]');
FETCH ALL FROM c;
COMMIT;
SELECT id FROM t ORDER BY v <-> '[1,2,4]';
DROP TABLE t;

-- rewritten, rebuilt, truncated
CREATE TABLE t (id int PRIMARY KEY, v vector(2));
INSERT INTO t SELECT n, ARRAY[n, 0] FROM generate_series(1, 30) n;
CREATE INDEX CONCURRENTLY t_idx ON t USING hnsw (v vector_l2_ops);
SELECT indisvalid FROM pg_index WHERE indexrelid = 't_idx'::regclass;
SELECT id FROM t ORDER BY v <-> '[7.1,0]' LIMIT 3;
DELETE FROM t WHERE id = 7;
REINDEX INDEX t_idx;
SELECT id FROM t ORDER BY v <-> '[7.1,0]' LIMIT 2;
DELETE FROM t WHERE id = 8;
REINDEX INDEX CONCURRENTLY t_idx;
SELECT id FROM t ORDER BY v <-> '[7.1,0]' LIMIT 2;
REINDEX TABLE CONCURRENTLY t;
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1;
SELECT id FROM t ORDER BY v <-> '[7.1,0]' LIMIT 2;
INSERT INTO t VALUES (7, '[7,0]');
SELECT id FROM t ORDER BY v <-> '[7.1,0]' LIMIT 2;
VACUUM FULL t;
SELECT id FROM t ORDER BY v <-> '[7.1,0]' LIMIT 2;
CLUSTER t USING t_pkey;
SELECT id FROM t ORDER BY v <-> '[7.1,0]' LIMIT 2;
CLUSTER t USING t_idx;
ALTER TABLE t ALTER id TYPE bigint;
SELECT id FROM t ORDER BY v <-> '[7.1,0]' LIMIT 2;
ALTER TABLE t ALTER v TYPE vector(3) USING v || '[0]'::vector;
SELECT id FROM t ORDER BY v <-> '[7.1,0,0]' LIMIT 2;
BEGIN;
TRUNCATE t;
SELECT id FROM t ORDER BY v <-> '[7.1,0,0]' LIMIT 2;
INSERT INTO t VALUES (100, '[1,0,0]');
SELECT id FROM t ORDER BY v <-> '[7.1,0,0]' LIMIT 2;
ROLLBACK;
SELECT id FROM t ORDER BY v <-> '[7.1,0,0]' LIMIT 2;
TRUNCATE t;
SELECT id FROM t ORDER BY v <-> '[7.1,0,0]' LIMIT 2;
INSERT INTO t VALUES (101, '[1,0,0]');
SELECT id FROM t ORDER BY v <-> '[7.1,0,0]' LIMIT 2;
BEGIN;
CREATE TABLE fresh (v vector(2));
CREATE INDEX ON fresh USING hnsw (v vector_l2_ops);
INSERT INTO fresh VALUES ('[1,1]');
SELECT v FROM fresh ORDER BY v <-> '[0,0]';
COMMIT;
INSERT INTO fresh VALUES ('[0,1]');
SELECT v FROM fresh ORDER BY v <-> '[0,0]';
DROP TABLE t, fresh;

-- unlogged and temporary
CREATE UNLOGGED TABLE t (id int, v vector(2));
INSERT INTO t VALUES (1, '[1,1]'), (2, '[2,2]');
CREATE INDEX ON t USING hnsw (v vector_l2_ops);
INSERT INTO t VALUES (3, '[3,3]');
SELECT id FROM t ORDER BY v <-> '[3,2.5]';
ALTER TABLE t SET LOGGED;
SELECT id FROM t ORDER BY v <-> '[3,2.5]';
ALTER TABLE t SET UNLOGGED;
INSERT INTO t VALUES (4, '[4,4]');
SELECT id FROM t ORDER BY v <-> '[3,2.5]';
DROP TABLE t;
CREATE TEMP TABLE t (id int, v vector(2)) ON COMMIT DELETE ROWS;
CREATE INDEX ON t USING hnsw (v vector_l2_ops);
BEGIN;
INSERT INTO t VALUES (1, '[1,1]'), (2, '[2,2]');
SELECT id FROM t ORDER BY v <-> '[3,3]';
COMMIT;
SELECT id FROM t ORDER BY v <-> '[3,3]';
INSERT INTO t VALUES (1, '[1,1]');
SELECT id FROM t ORDER BY v <-> '[3,3]';
DROP TABLE t;

-- partial and on an expression
CREATE TABLE t (id int, kind int, v vector(2), a real[]);
INSERT INTO t SELECT n, n % 3, ARRAY[n, 0], ARRAY[n, 0] FROM generate_series(1, 30) n;
CREATE INDEX t_partial ON t USING hnsw (v vector_l2_ops) WHERE kind = 1;
EXPLAIN (COSTS OFF) SELECT id FROM t WHERE kind = 1 ORDER BY v <-> '[9,0]' LIMIT 3;
SELECT id FROM t WHERE kind = 1 ORDER BY v <-> '[9.1,0]' LIMIT 3;
UPDATE t SET kind = 1 WHERE id = 9;
UPDATE t SET kind = 2 WHERE id = 10;
SELECT id FROM t WHERE kind = 1 ORDER BY v <-> '[9.1,0]' LIMIT 3;
CREATE INDEX t_expression ON t USING hnsw ((a::vector(2)) vector_l2_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY a::vector(2) <-> '[9,0]' LIMIT 3;
SELECT id FROM t ORDER BY a::vector(2) <-> '[9.1,0]' LIMIT 3;
INSERT INTO t VALUES (31, 0, NULL, '{9.2,0}'), (32, 0, NULL, NULL);
SELECT id FROM t ORDER BY a::vector(2) <-> '[9.1,0]' LIMIT 3;
INSERT INTO t VALUES (33, 0, NULL, '{9.2,0,0}');
CREATE INDEX t_subvector ON t USING hnsw ((subvector(v, 1, 1)::vector(1)) vector_l1_ops);
SELECT id FROM t ORDER BY subvector(v, 1, 1)::vector(1) <+> '[20.2]' LIMIT 2;
CREATE INDEX t_half ON t USING hnsw ((v::halfvec(2)) halfvec_l2_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY v::halfvec(2) <-> '[9,0]' LIMIT 3;
SELECT id FROM t ORDER BY v::halfvec(2) <-> '[20.2,0]' LIMIT 2;
CREATE INDEX t_quantized ON t USING hnsw ((binary_quantize(v)::bit(2)) bit_hamming_ops);
SELECT count(*) FROM (SELECT FROM t ORDER BY binary_quantize(v)::bit(2) <~> B'10' LIMIT 7) x;
DROP TABLE t;
-- vectors of several dimensions in one column, an index for each
CREATE TABLE t (model int, v vector);
INSERT INTO t VALUES (1, '[1,1]'), (1, '[1,2]'), (2, '[1,1,1]'), (2, '[1,2,3]');
CREATE INDEX ON t USING hnsw ((v::vector(2)) vector_l2_ops) WHERE model = 1;
CREATE INDEX ON t USING hnsw ((v::vector(3)) vector_l2_ops) WHERE model = 2;
INSERT INTO t VALUES (1, '[1,3]'), (2, '[1,3,4]');
SELECT v FROM t WHERE model = 1 ORDER BY v::vector(2) <-> '[1,3]';
SELECT v FROM t WHERE model = 2 ORDER BY v::vector(3) <-> '[1,3,4]';
INSERT INTO t VALUES (2, '[1,3]');
DROP TABLE t;

-- partitions
CREATE TABLE t (id int, v vector(2)) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20);
CREATE INDEX ON t USING hnsw (v vector_l2_ops);
CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (20) TO (30);
INSERT INTO t SELECT n, ARRAY[n, 0] FROM generate_series(1, 29) n;
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY v <-> '[10.1,0]' LIMIT 5;
SELECT id FROM t ORDER BY v <-> '[10.1,0]' LIMIT 5;
SELECT id FROM t WHERE id >= 20 ORDER BY v <-> '[10.1,0]' LIMIT 2;
UPDATE t SET id = 25 WHERE id = 9;
SELECT id, tableoid::regclass FROM t ORDER BY v <-> '[9.1,0]' LIMIT 2;
ALTER TABLE t DETACH PARTITION t3;
SELECT id FROM t ORDER BY v <-> '[9.1,0]' LIMIT 2;
ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM (20) TO (30);
SELECT id FROM t ORDER BY v <-> '[9.1,0]' LIMIT 2;
DROP TABLE t;

-- cursors, prepared statements, joins, functions
CREATE TABLE t (id int PRIMARY KEY, v vector(2));
INSERT INTO t SELECT n, ARRAY[n, 0] FROM generate_series(1, 30) n;
CREATE INDEX ON t USING hnsw (v vector_l2_ops);
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t ORDER BY v <-> '[9.1,0]';
FETCH 2 FROM c;
FETCH 2 FROM c;
MOVE 5 FROM c;
FETCH 1 FROM c;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM t ORDER BY v <-> '[9.1,0]' LIMIT 4;
FETCH 1 FROM held;
DECLARE scrolled SCROLL CURSOR FOR SELECT id FROM t ORDER BY v <-> '[9.1,0]';
FETCH 3 FROM scrolled;
FETCH PRIOR FROM scrolled;
FETCH FIRST FROM scrolled;
FETCH BACKWARD 1 FROM c;
ROLLBACK;
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM t ORDER BY v <-> '[9.1,0]' LIMIT 4;
FETCH 1 FROM held;
COMMIT;
FETCH ALL FROM held;
CLOSE held;
-- two scans of one index at once
BEGIN;
DECLARE a CURSOR FOR SELECT id FROM t ORDER BY v <-> '[0,0]';
DECLARE b CURSOR FOR SELECT id FROM t ORDER BY v <-> '[31,0]';
FETCH 2 FROM a;
FETCH 2 FROM b;
FETCH 1 FROM a;
FETCH 1 FROM b;
COMMIT;
PREPARE nearest (vector, int) AS SELECT id FROM t ORDER BY v <-> $1 LIMIT $2;
EXECUTE nearest ('[3.1,0]', 2);
EXECUTE nearest (NULL, 0);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE nearest ('[3.1,0]', 2);
EXECUTE nearest ('[3.1,0]', 2);
EXECUTE nearest ('[13.1,0]', 2);
SELECT count(*) FROM (VALUES (1)) one, LATERAL (SELECT FROM t ORDER BY v <-> NULL::vector) x;
RESET plan_cache_mode;
DEALLOCATE nearest;
EXPLAIN (COSTS OFF) SELECT q.id, x.id
	FROM t q, LATERAL (SELECT id FROM t ORDER BY v <-> q.v LIMIT 2) x WHERE q.id = 30;
SELECT q.id, array_agg(x.id ORDER BY x.distance) FROM t q,
	LATERAL (SELECT id, v <-> q.v AS distance FROM t WHERE id <> q.id ORDER BY v <-> q.v LIMIT 1) x
	WHERE q.id IN (1, 30) GROUP BY q.id ORDER BY q.id;
SELECT q.v, x.id FROM (VALUES (1, '[5.1,0]'::vector), (2, NULL), (3, '[7.1,0]')) q (n, v)
	LEFT JOIN LATERAL (SELECT id FROM t WHERE q.v IS NOT NULL ORDER BY v <-> q.v LIMIT 1) x ON true
	ORDER BY q.n;
WITH nearest AS MATERIALIZED (
	SELECT id, v <-> '[9.1,0]' AS distance FROM t ORDER BY distance LIMIT 5)
SELECT id FROM nearest WHERE distance < 1 ORDER BY distance;
SELECT id FROM t WHERE v <-> '[9.1,0]' < 1 ORDER BY v <-> '[9.1,0]' LIMIT 5;
SELECT id FROM t WHERE id % 2 = 0 ORDER BY v <-> '[9.1,0]' LIMIT 2;
SELECT id FROM t ORDER BY v <-> '[9.1,0]', id LIMIT 2;
SELECT id FROM t ORDER BY v <-> '[9.1,0]' DESC LIMIT 1;
SELECT id FROM t ORDER BY '[9.1,0]' <-> v LIMIT 2;
SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 12) LIMIT 1;
SELECT id FROM t ORDER BY v <-> (SELECT avg(v) FROM t WHERE id < 12) LIMIT 1;
SELECT id FROM t ORDER BY v <-> '[9.1,0]' LIMIT 2 OFFSET 3;
SELECT count(*), min(id), max(id) FROM t;
SELECT id FROM t ORDER BY v <-> '[1.1,0]' FETCH FIRST 1 ROW ONLY;
(SELECT id FROM t ORDER BY v <-> '[0,0]' LIMIT 1)
UNION ALL (SELECT id FROM t ORDER BY v <-> '[31,0]' LIMIT 1);
DELETE FROM t WHERE id IN (SELECT id FROM t ORDER BY v <-> '[0,0]' LIMIT 2) RETURNING id;
SELECT id FROM t ORDER BY v <-> '[0,0]' LIMIT 1 FOR UPDATE;
CREATE FUNCTION nearest(query vector) RETURNS SETOF int LANGUAGE plpgsql AS $$
DECLARE
	row record;
BEGIN
	FOR row IN SELECT id FROM t ORDER BY v <-> query LOOP
		RETURN NEXT row.id;
		EXIT WHEN row.id % 5 = 0;
	END LOOP;
END $$;
SELECT nearest('[11.9,0]');
DROP FUNCTION nearest;
-- dimensions
INSERT INTO t VALUES (100, '[1,2,3]');
SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 1;
SELECT id FROM t ORDER BY v <-> (SELECT '[1]'::vector) LIMIT 1;
SELECT id FROM t ORDER BY v <-> '[9.1,0]' LIMIT 1;
DROP TABLE t;

-- equal vectors, large and small values
CREATE TABLE t (id int, v vector(2));
CREATE INDEX ON t USING hnsw (v vector_l2_ops);
INSERT INTO t SELECT n, '[1,1]' FROM generate_series(1, 30) n;
INSERT INTO t VALUES (31, '[2,2]'), (32, '[1e18,0]'), (33, '[1e-30,1e-30]');
SELECT count(*) FROM (SELECT FROM t ORDER BY v <-> '[1,1]') x;
SELECT id FROM t ORDER BY v <-> '[3,3]' LIMIT 1;
SELECT id FROM t ORDER BY v <-> '[9e17,0]' LIMIT 1;
SELECT id FROM t ORDER BY v <-> '[0,0]' LIMIT 1;
SELECT count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> '[1,1]' LIMIT 30) x
	WHERE id <= 30;
DELETE FROM t WHERE id BETWEEN 2 AND 30;
VACUUM t;
SELECT id FROM t ORDER BY v <-> '[1,1.1]' LIMIT 2;
DROP TABLE t;

-- scans end after ef_search rows, unless they go on
CREATE TABLE t (id int PRIMARY KEY, v vector(3));
INSERT INTO t SELECT n, ARRAY[n % 13, n / 13 % 13, n / 169] FROM generate_series(1, 2000) n;
CREATE INDEX ON t USING hnsw (v vector_l2_ops);
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> '[5.1,5.2,5.3]') x;
SET hnsw.ef_search = 1;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> '[5.1,5.2,5.3]') x;
SET hnsw.ef_search = 100;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> '[5.1,5.2,5.3]') x;
SELECT count(*)
	FROM (SELECT FROM t WHERE id % 40 = 0 ORDER BY v <-> '[5.1,5.2,5.3]' LIMIT 10) x;
RESET hnsw.ef_search;
SET hnsw.iterative_scan = strict_order;
SELECT count(*)
	FROM (SELECT FROM t WHERE id % 100 = 0 ORDER BY v <-> '[5.1,5.2,5.3]' LIMIT 10) x;
-- except for rows found too late, which come last
SELECT count(*), count(*) = count(DISTINCT id), count(*) FILTER (WHERE NOT rising) < 2 AS in_order FROM (
	SELECT id, d >= coalesce(lag(d) OVER (ROWS UNBOUNDED PRECEDING), 0) AS rising FROM (
		SELECT id, v <-> '[5.1,5.2,5.3]' AS d FROM t ORDER BY v <-> '[5.1,5.2,5.3]') x) y;
SELECT id FROM t WHERE id = 777 ORDER BY v <-> '[5.1,5.2,5.3]' LIMIT 1;
BEGIN;
DECLARE c CURSOR FOR SELECT id / 2000 FROM t ORDER BY v <-> '[0,0,0]';
MOVE 700 FROM c;
COMMIT;
SELECT count(*) FROM (VALUES ('[0,0,0]'::vector), ('[9,9,9]')) q (v),
	LATERAL (SELECT FROM t WHERE id % 100 = 0 ORDER BY t.v <-> q.v LIMIT 10) x;
SET hnsw.iterative_scan = relaxed_order;
SELECT count(*)
	FROM (SELECT FROM t WHERE id % 100 = 0 ORDER BY v <-> '[5.1,5.2,5.3]' LIMIT 10) x;
SELECT count(*), count(*) = count(DISTINCT id)
	FROM (SELECT id FROM t ORDER BY v <-> '[5.1,5.2,5.3]') x;
WITH found AS MATERIALIZED (
	SELECT id, v <-> '[5.1,5.2,5.3]' AS d FROM t WHERE id % 100 = 0 ORDER BY d LIMIT 10)
SELECT count(*) FROM (SELECT id FROM found ORDER BY d + 0) x;
SET hnsw.max_scan_tuples = 100;
SELECT count(*) BETWEEN 40 AND 1000 FROM (SELECT FROM t ORDER BY v <-> '[5.1,5.2,5.3]') x;
RESET hnsw.max_scan_tuples;
RESET hnsw.iterative_scan;
DROP TABLE t;
RESET enable_seqscan;
