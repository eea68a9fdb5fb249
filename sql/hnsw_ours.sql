-- hnsw: features that pgvector does not have
SET enable_seqscan = off;
CREATE FUNCTION wave(seed int, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	$$SELECT array_agg((hashint8extended(seed, d) & 127)::real) FROM generate_series(1, dims) d$$;
CREATE VIEW segments AS SELECT index, kind, count(*), sum(rows) AS rows, sum(dead) AS dead
	FROM vector_segments() WHERE kind IN ('growing', 'sealed') AND index::text ~ '^t_'
	GROUP BY index, kind ORDER BY index::text, kind;

-- more dimensions than 2,000, 4,000 halves, 1,000 non-zeros; a vector longer than a page
CREATE TABLE t (id int, v vector(2001), h halfvec(4001), w vector(16000), s sparsevec(20000));
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops);
CREATE INDEX t_h ON t USING hnsw (h halfvec_cosine_ops);
INSERT INTO t SELECT n, wave(n, 2001), wave(n, 4001), wave(n, 16000),
	('{' || n || ':5,' || ones || '}/20000')::sparsevec FROM generate_series(1, 60) n,
	(SELECT string_agg(d || ':1', ',') AS ones FROM generate_series(200, 1500) d) x;
CREATE INDEX t_w ON t USING hnsw (w vector_l1_ops);
CREATE INDEX t_s ON t USING hnsw (s sparsevec_ip_ops);
SET hnsw.ef_search = 100;
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY s <#> '{10:1}/20000' LIMIT 1;
SELECT (SELECT id FROM t ORDER BY v <-> wave(7, 2001)::vector LIMIT 1) AS v,
	(SELECT id FROM t ORDER BY h <=> wave(8, 4001)::halfvec LIMIT 1) AS h,
	(SELECT id FROM t ORDER BY w <+> wave(9, 16000)::vector LIMIT 1) AS w,
	(SELECT id FROM t ORDER BY s <#> '{10:1}/20000' LIMIT 1) AS s;
INSERT INTO t SELECT n, wave(n, 2001), wave(n, 4001), wave(n, 16000),
	('{' || n || ':5}/20000')::sparsevec FROM generate_series(61, 100) n;
DELETE FROM t WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP ON) t;
SELECT (SELECT id FROM t ORDER BY v <-> wave(77, 2001)::vector LIMIT 1) AS v,
	(SELECT id FROM t ORDER BY h <=> wave(79, 4001)::halfvec LIMIT 1) AS h,
	(SELECT id FROM t ORDER BY w <+> wave(81, 16000)::vector LIMIT 1) AS w,
	(SELECT id FROM t ORDER BY s <#> '{83:1}/20000' LIMIT 1) AS s;
SELECT index, vector_index_check(index) FROM (SELECT DISTINCT index FROM vector_segments()) s
	WHERE index::text ~ '^t_' ORDER BY index::text;
DROP TABLE t;
RESET hnsw.ef_search;
-- the limits are those of the types
CREATE TABLE t (s sparsevec(20000), i int8vec(16000), b bf16vec(16000));
CREATE INDEX t_s ON t USING hnsw (s sparsevec_l2_ops);
CREATE INDEX t_i ON t USING hnsw (i int8vec_l2_ops);
CREATE INDEX t_b ON t USING hnsw (b bf16vec_ip_ops);
INSERT INTO t SELECT ('{' || string_agg(d || ':1', ',') || '}/20000')::sparsevec,
	wave(1, 16000)::int8vec, wave(1, 16000)::bf16vec FROM generate_series(1, 16000) d;
SELECT l2_norm(s)::int FROM t ORDER BY s <-> '{1:1}/20000';
SELECT i <-> wave(1, 16000)::int8vec AS i FROM t ORDER BY i <-> wave(1, 16000)::int8vec;
SELECT vector_seal('t_s'), vector_seal('t_i'), vector_seal('t_b');
SELECT l2_norm(s)::int FROM t ORDER BY s <-> '{1:1}/20000';
SELECT i <-> wave(1, 16000)::int8vec AS i FROM t ORDER BY i <-> wave(1, 16000)::int8vec;
SELECT b <#> wave(1, 16000)::bf16vec < 0 AS b FROM t ORDER BY b <#> wave(1, 16000)::bf16vec;
DROP TABLE t;

-- options
CREATE TABLE t (id int, v vector(40), s sparsevec(40), b bit(40));
INSERT INTO t SELECT n, wave(n, 40), wave(n, 40)::vector::sparsevec, hashint8extended(n, 1)::bit(40)
	FROM generate_series(1, 500) n;
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (storage = nothing);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (storage = 8);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (seal_rows = 31);
CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (seal_rows = 100000001);
CREATE INDEX t_auto ON t USING hnsw (v vector_l2_ops) WITH (storage = auto, seal_rows = 32);
CREATE INDEX t_full ON t USING hnsw (v vector_cosine_ops) WITH (storage = full);
CREATE INDEX t_half ON t USING hnsw (v vector_ip_ops) WITH (storage = 'half');
CREATE INDEX t_sq8 ON t USING hnsw (v vector_l1_ops) WITH (storage = SQ8, seal_rows = 100000000);
SELECT relname, reloptions FROM pg_class WHERE relname ~ '^t_(auto|full|half|sq8)$'
	ORDER BY relname;
SELECT (SELECT id FROM t ORDER BY v <-> wave(7, 40)::vector LIMIT 1) AS l2,
	(SELECT id FROM t ORDER BY v <=> wave(8, 40)::vector LIMIT 1) AS cosine,
	(SELECT id FROM t ORDER BY v <+> wave(9, 40)::vector LIMIT 1) AS l1;
-- order and distances are exact whatever nodes store, except for the few rows found too late, which come last
CREATE INDEX t_l2_half ON t USING hnsw (v vector_l2_ops) WITH (storage = half);
CREATE INDEX t_l2_sq8 ON t USING hnsw (v vector_l2_ops) WITH (storage = sq8);
CREATE FUNCTION ordered(used text, operator text)
RETURNS TABLE (found bigint, ordered boolean) LANGUAGE plpgsql AS $$
DECLARE
	nearest text := format('SELECT id, v %1$s wave(7, 40)::vector AS d FROM t
		ORDER BY v %1$s wave(7, 40)::vector', operator);
	plan json;
BEGIN
	UPDATE pg_index SET indisvalid = false
		WHERE indrelid = 't'::regclass AND indexrelid <> used::regclass;
	EXECUTE 'EXPLAIN (FORMAT json) ' || nearest INTO plan;
	IF plan::text NOT LIKE '%' || used || '%' THEN
		RAISE 'another plan: %', plan;
	END IF;
	RETURN QUERY EXECUTE format('SELECT count(DISTINCT id),
		count(*) FILTER (WHERE d < before) = 0 OR
			count(*) FILTER (WHERE d < before) = 1 AND min(n) FILTER (WHERE d < before) > 450
		FROM (SELECT id, n, d, lag(d) OVER (ORDER BY n) AS before
			FROM (SELECT *, row_number() OVER () AS n FROM (%s) x) y) z', nearest);
	UPDATE pg_index SET indisvalid = true WHERE indrelid = 't'::regclass;
END $$;
SET hnsw.ef_search = 10;	-- with more, so few rows would be read without searching
SELECT * FROM ordered('t_auto', '<->');
SELECT * FROM ordered('t_l2_half', '<->');
SELECT * FROM ordered('t_l2_sq8', '<->');
SELECT * FROM ordered('t_full', '<=>');
SELECT * FROM ordered('t_half', '<#>');
SELECT * FROM ordered('t_sq8', '<+>');
RESET hnsw.ef_search;
DROP FUNCTION ordered;
DROP INDEX t_auto, t_full, t_half, t_sq8, t_l2_half, t_l2_sq8;
-- storage has no effect on types whose vectors cannot be made smaller
CREATE INDEX t_s ON t USING hnsw (s sparsevec_l2_ops) WITH (storage = sq8);
CREATE INDEX t_b ON t USING hnsw (b bit_hamming_ops) WITH (storage = half);
SELECT (SELECT id FROM t ORDER BY s <-> wave(7, 40)::vector::sparsevec LIMIT 1) AS s,
	(SELECT id FROM t ORDER BY b <~> hashint8extended(8, 1)::bit(40) LIMIT 1) AS b;
DROP TABLE t;

-- segments: built, grown, sealed, emptied
CREATE TABLE t (id int, v vector(3));
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops) WITH (seal_rows = 1000);
SELECT * FROM segments;
SELECT vector_seal('t_v');
INSERT INTO t SELECT n, ARRAY[n, n % 7, 0] FROM generate_series(1, 100) n;
SELECT * FROM segments;
SELECT vector_seal('t_v');
SELECT * FROM segments;
SELECT vector_seal('t_v');
SELECT id FROM t ORDER BY v <-> '[50.2,1,0]' LIMIT 2;
INSERT INTO t SELECT n, ARRAY[n, n % 7, 0] FROM generate_series(101, 150) n;
INSERT INTO t VALUES (0, NULL);
SELECT * FROM segments;
SELECT vector_index_check('t_v');
DELETE FROM t WHERE id BETWEEN 91 AND 110;
VACUUM (INDEX_CLEANUP ON) t;
SELECT * FROM segments;
SELECT vector_index_check('t_v');
SELECT id FROM t ORDER BY v <-> '[100.2,1,0]' LIMIT 2;
REINDEX INDEX t_v;
SELECT * FROM segments;
SELECT vector_index_check('t_v');
DELETE FROM t;
VACUUM (INDEX_CLEANUP ON) t;
SELECT vector_index_check('t_v');
SELECT count(*) FROM t;
INSERT INTO t SELECT n, ARRAY[n, n % 7, 0] FROM generate_series(1, 100) n;
SELECT id FROM t ORDER BY v <-> '[50.2,1,0]' LIMIT 2;
SELECT count(*) > 0 AS scanned FROM vector_last_scan() WHERE segments >= 1 AND blocks > 0;
ALTER INDEX t_v SET (seal_rows = 50);
SELECT reloptions FROM pg_class WHERE relname = 't_v';
REINDEX INDEX t_v;
INSERT INTO t SELECT n, ARRAY[n, n % 7, 0] FROM generate_series(101, 400) n;
SELECT count(*) FILTER (WHERE kind = 'sealed') > 0 AS sealed, sum(rows) AS rows FROM segments;
SELECT id FROM t ORDER BY v <-> '[250.2,5,0]' LIMIT 2;
TRUNCATE t;
SELECT * FROM segments;
DROP TABLE t;
CREATE TEMP TABLE t (v vector(3));
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops);
INSERT INTO t VALUES ('[1,2,3]');
SELECT vector_seal('t_v');
SELECT * FROM segments;
SELECT vector_index_check('t_v');
DROP TABLE t;
-- the functions accept only indexes of this extension
CREATE TABLE t (id int PRIMARY KEY, v vector(3)) PARTITION BY RANGE (id);
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops);
SELECT vector_seal('t');
SELECT vector_seal('t_v');
SELECT vector_seal('t_pkey');
SELECT vector_seal('pg_class_oid_index');
SELECT vector_seal('nothing');
SELECT vector_seal(0);
SELECT vector_seal(NULL);
SELECT vector_index_check('t');
SELECT vector_index_check('t_v');
SELECT vector_index_check('pg_class_oid_index');
SELECT vector_index_check(0);
SELECT vector_index_check(NULL);
SELECT * FROM vector_index_segments('pg_class_oid_index');
SELECT count(*) FROM vector_segments() WHERE index = 't_v'::regclass;
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
INSERT INTO t VALUES (1, '[1,2,3]');
SELECT kind, rows, dead FROM vector_segments() WHERE index = 't1_v_idx'::regclass;
-- sealing is for the owner
CREATE ROLE hnsw_other;
SET ROLE hnsw_other;
SELECT vector_seal('t1_v_idx');
SELECT vector_index_check('t1_v_idx');
RESET ROLE;
DROP ROLE hnsw_other;
SELECT vector_seal('t1_v_idx');
DROP TABLE t;
-- tables without a vector to index: no rows, only NULLs, only zero vectors
CREATE TABLE t (v vector(3));
INSERT INTO t VALUES (NULL), ('[0,0,0]'), ('[0,0,0]');
CREATE INDEX t_v ON t USING hnsw (v vector_cosine_ops);
SELECT * FROM segments;
SELECT vector_seal('t_v'), vector_index_check('t_v');
SELECT count(*) FROM (SELECT FROM t ORDER BY v <=> '[1,1,1]') x;
INSERT INTO t VALUES ('[0,0,1]');
SELECT vector_seal('t_v'), vector_index_check('t_v');
SELECT count(*) FROM (SELECT FROM t ORDER BY v <=> '[1,1,1]') x;
-- equal vectors share a node
TRUNCATE t;
INSERT INTO t SELECT '[1,1,1]' FROM generate_series(1, 500) n;
INSERT INTO t SELECT ARRAY[1, n, 1] FROM generate_series(2, 50) n;
REINDEX INDEX t_v;
SELECT kind, rows, dead FROM vector_segments() WHERE index = 't_v'::regclass AND rows > 0;
SELECT count(*) FROM (SELECT v FROM t ORDER BY v <=> '[1,1,1]' LIMIT 500) x WHERE v = '[1,1,1]';
SELECT v FROM t ORDER BY v <=> '[1,9,1]' LIMIT 1;
DELETE FROM t WHERE v = '[1,1,1]' AND ctid <> '(0,7)';
VACUUM (INDEX_CLEANUP ON) t;
SELECT v, count(*) FROM (SELECT v FROM t ORDER BY v <=> '[1,1,1]' LIMIT 2) x
	GROUP BY v ORDER BY v;
SELECT vector_index_check('t_v');
DROP TABLE t;
-- all distances are equal: every row is found nevertheless
CREATE TABLE t (v vector(64), b bit(64));
INSERT INTO t SELECT array_fill(0, ARRAY[n - 1]) || ARRAY[1] || array_fill(0, ARRAY[64 - n]),
	(1::bigint << (n - 1))::bit(64) FROM generate_series(1, 64) n;
SET hnsw.ef_search = 100;
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops);
CREATE INDEX t_b ON t USING hnsw (b bit_hamming_ops);
SELECT count(*) FROM (SELECT FROM t ORDER BY v <-> array_fill(1, ARRAY[64])::vector) x;
SELECT count(*) FROM (SELECT FROM t ORDER BY b <~> 0::bit(64)) x;
DROP INDEX t_v, t_b;
CREATE INDEX t_v ON t USING hnsw (v vector_ip_ops);
CREATE INDEX t_b ON t USING hnsw (b bit_jaccard_ops);
SELECT count(*) FROM (SELECT FROM t ORDER BY v <#> array_fill(1, ARRAY[64])::vector) x;
SELECT count(*) FROM (SELECT FROM t ORDER BY b <%> 1::bit(64)) x;
DROP INDEX t_v;
CREATE INDEX t_v ON t USING hnsw (v vector_l1_ops);
SELECT count(*) FROM (SELECT FROM t ORDER BY v <+> array_fill(1, ARRAY[64])::vector) x;
DROP TABLE t;
RESET hnsw.ef_search;
DROP VIEW segments;
DROP FUNCTION wave;
RESET enable_seqscan;

-- each row of a merge is looked for in the graph that goes on: few candidates find the nearest rows there, too
SET vector.background_work = off;
CREATE FUNCTION merged_vector(id int) RETURNS vector LANGUAGE sql RETURN
	(SELECT array_agg((hashint4(id * 100 + d) & 1023)::real ORDER BY d)::vector FROM generate_series(1, 64) d);
CREATE TABLE merged (id int, v vector(64));
INSERT INTO merged SELECT i, merged_vector(i) FROM generate_series(1, 1500) i;
CREATE INDEX merged_v ON merged USING hnsw (v vector_l2_ops) WITH (seal_rows = 1000, m = 8, ef_construction = 40);
INSERT INTO merged SELECT i, merged_vector(i) FROM generate_series(1501, 4500) i;
SELECT vector_merge('merged_v') > 0 AS merged;
SELECT kind, sum(rows) FROM vector_index_segments('merged_v') WHERE rows > 0 GROUP BY kind ORDER BY kind;
SET enable_seqscan = off;
SET hnsw.ef_search = 10;
SELECT avg((SELECT count(*) FROM (SELECT id FROM merged ORDER BY v <-> q.v LIMIT 10) found
	JOIN (SELECT id FROM merged ORDER BY (v <-> q.v) + 0 LIMIT 10) nearest USING (id))) >= 9.25 AS found
	FROM merged q WHERE id % 10 = 0;
RESET hnsw.ef_search;
RESET enable_seqscan;
RESET vector.background_work;
DROP TABLE merged;
DROP FUNCTION merged_vector;
