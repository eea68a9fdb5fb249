-- hnsw on sparsevec
SET enable_seqscan = off;
CREATE TABLE t (id int, s sparsevec(5));
INSERT INTO t VALUES (1, '{1:1}/5'), (2, '{2:2}/5'), (3, '{1:1,2:1,5:4}/5'), (4, NULL), (5, '{}/5');
CREATE INDEX t_idx ON t USING hnsw (s sparsevec_l2_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY s <-> '{1:1,2:2,5:4}/5' LIMIT 3;
SELECT id FROM t ORDER BY s <-> '{1:1,2:2,5:4}/5';
SELECT id, s <-> '{1:1,2:2,5:4}/5' AS distance FROM t ORDER BY s <-> '{1:1,2:2,5:4}/5' LIMIT 1;
INSERT INTO t VALUES (6, '{1:1,2:2,5:4}/5');
SELECT id FROM t ORDER BY s <-> '{1:1,2:2,5:4}/5';
SELECT count(*) FROM (SELECT FROM t ORDER BY s <-> '{}/5') x;
SELECT count(*) FROM (SELECT FROM t ORDER BY s <-> (SELECT NULL::sparsevec)) x;
SELECT id FROM t ORDER BY s <-> '{1:1}/4' LIMIT 1;
DROP INDEX t_idx;
CREATE INDEX t_idx ON t USING hnsw (s sparsevec_ip_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY s <#> '{1:1,2:2,5:4}/5' LIMIT 3;
SELECT id FROM t ORDER BY s <#> '{1:1,2:2,5:4}/5';
SELECT id, s <#> '{1:1,2:2,5:4}/5' AS distance FROM t ORDER BY s <#> '{1:1,2:2,5:4}/5' LIMIT 1;
INSERT INTO t VALUES (7, '{1:2,2:4,5:8}/5');
SELECT id FROM t ORDER BY s <#> '{1:1,2:2,5:4}/5' LIMIT 2;
SELECT count(*) FROM (SELECT FROM t ORDER BY s <#> '{}/5') x;
SELECT count(*) FROM (SELECT FROM t ORDER BY s <#> (SELECT NULL::sparsevec)) x;
DELETE FROM t WHERE id = 7;
DROP INDEX t_idx;
CREATE INDEX t_idx ON t USING hnsw (s sparsevec_cosine_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY s <=> '{1:1,2:2,5:4}/5' LIMIT 3;
SELECT id FROM t ORDER BY s <=> '{1:1,2:2,5:4}/5';
SELECT id, round((s <=> '{1:1,2:2,5:4}/5')::numeric, 4) AS distance
	FROM t ORDER BY s <=> '{1:1,2:2,5:4}/5';
INSERT INTO t VALUES (8, '{}/5'), (9, '{1:0.5,2:0.5,5:1}/5');
SELECT id FROM t ORDER BY s <=> '{1:1,2:2,5:4}/5';
SELECT count(*) FROM (SELECT FROM t ORDER BY s <=> '{}/5') x;
SELECT count(*) FROM (SELECT FROM t ORDER BY s <=> (SELECT NULL::sparsevec)) x;
DELETE FROM t WHERE id IN (8, 9);
DROP INDEX t_idx;
CREATE INDEX t_idx ON t USING hnsw (s sparsevec_l1_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY s <+> '{1:1,2:2,5:4}/5' LIMIT 3;
SELECT id FROM t ORDER BY s <+> '{1:1,2:2,5:4}/5';
SELECT id, s <+> '{1:1,2:2,5:4}/5' AS distance FROM t ORDER BY s <+> '{1:1,2:2,5:4}/5' LIMIT 2;
INSERT INTO t VALUES (10, '{1:1,2:2,5:3.5}/5');
SELECT id FROM t ORDER BY s <+> '{1:1,2:2,5:4}/5' LIMIT 2;
SELECT count(*) FROM (SELECT FROM t ORDER BY s <+> '{}/5') x;
SELECT count(*) FROM (SELECT FROM t ORDER BY s <+> (SELECT NULL::sparsevec)) x;
-- updated, deleted, vacuumed, rebuilt, truncated
UPDATE t SET s = '{3:9}/5' WHERE id = 6;
SELECT id FROM t ORDER BY s <+> '{1:1,2:2,5:4}/5' LIMIT 2;
SELECT id FROM t ORDER BY s <+> '{3:8}/5' LIMIT 1;
DELETE FROM t WHERE id IN (3, 10);
VACUUM t;
SELECT id FROM t ORDER BY s <+> '{1:1,2:1.25,5:4}/5';
REINDEX INDEX CONCURRENTLY t_idx;
SELECT id FROM t ORDER BY s <+> '{1:1,2:1.25,5:4}/5';
TRUNCATE t;
SELECT id FROM t ORDER BY s <+> '{1:1}/5';
INSERT INTO t VALUES (1, '{1:1e30}/5'), (2, '{1:-1e30}/5'), (3, '{5:1e-30}/5'), (4, '{1:1}/4');
INSERT INTO t VALUES (1, '{1:1e30}/5'), (2, '{1:-1e30}/5'), (3, '{5:1e-30}/5');
SELECT id FROM t ORDER BY s <+> '{1:1e30}/5';
DROP TABLE t;
-- the maximum number of dimensions, few of them non-zero
CREATE TABLE t (id int, s sparsevec(1000000000));
CREATE INDEX ON t USING hnsw (s sparsevec_l2_ops);
SELECT id FROM t ORDER BY s <-> '{1:1}/1000000000';
INSERT INTO t SELECT n, ('{' || n || ':1,1000000000:' || n || '}/1000000000')::sparsevec
	FROM generate_series(1, 100) n;
SELECT id FROM t ORDER BY s <-> '{7:1,1000000000:7.1}/1000000000' LIMIT 3;
-- rows of very different lengths
INSERT INTO t SELECT 101, ('{' || string_agg(n || ':1', ',') || '}/1000000000')::sparsevec
	FROM generate_series(1, 1000) n;
SELECT id, l2_norm(s)::numeric(8, 3) AS norm FROM t
	ORDER BY s <-> (SELECT s FROM t WHERE id = 101) LIMIT 2;
-- built; sealed by VACUUM; merged
REINDEX TABLE t;
SELECT id FROM t ORDER BY s <-> '{7:1,1000000000:7.1}/1000000000' LIMIT 3;
SET vector.background_work = off;
ALTER INDEX t_s_idx SET (seal_rows = 50);
INSERT INTO t SELECT n, ('{' || n || ':1,1000000000:' || n || '}/1000000000')::sparsevec
	FROM generate_series(102, 200) n;
VACUUM t;
SELECT vector_merge('t_s_idx');
SELECT kind, rows FROM vector_index_segments('t_s_idx');
SELECT id FROM t ORDER BY s <-> '{107:1,1000000000:107.1}/1000000000' LIMIT 3;
RESET vector.background_work;
DROP TABLE t;
-- rows larger than assumed, half of which are dead: they become one segment
CREATE TEMP TABLE t (id int, s sparsevec(20000));
INSERT INTO t SELECT n, ('{' || n || ':5,' || ones || '}/20000')::sparsevec FROM generate_series(1, 60) n,
	(SELECT string_agg(d || ':1', ',') AS ones FROM generate_series(200, 1500) d) x;
CREATE INDEX t_s_idx ON t USING hnsw (s sparsevec_ip_ops);
DELETE FROM t WHERE id % 2 = 0;
SET vector.merge_factor = 32;
VACUUM (INDEX_CLEANUP ON) t;
RESET vector.merge_factor;
SELECT kind, rows FROM vector_index_segments('t_s_idx') WHERE kind = 'sealed';
DROP TABLE t;
-- orthogonal axes
CREATE TABLE t (s sparsevec(6));
CREATE INDEX t_idx ON t USING hnsw (s sparsevec_l2_ops);
INSERT INTO t SELECT ('{' || n % 6 + 1 || ':' || n || '}/6')::sparsevec
	FROM generate_series(1, 1500) n;
SET hnsw.iterative_scan = strict_order;
SELECT s FROM t WHERE s <> '{1:666}/6' ORDER BY s <-> '{1:666.1}/6' LIMIT 2;
RESET hnsw.iterative_scan;
DROP TABLE t;
RESET enable_seqscan;
