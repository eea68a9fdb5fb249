-- settings, and what users see of background work; the work itself is tested in test/tap
LOAD 'vector';
SELECT name, boot_val, unit, context, vartype, min_val, max_val FROM pg_settings
	WHERE name IN ('vector.background_work', 'vector.max_maintenance_workers', 'vector.maintenance_nice',
		'vector.seal_rows', 'vector.merge_factor', 'vector.seed', 'vector.log_maintenance_min_duration', 'vector.idle_merge_delay') ORDER BY name;
SET vector.seal_rows = 31;
SET vector.merge_factor = 1;
SET vector.max_maintenance_workers = 3;
SET vector.background_work = off;

-- the setting applies to indexes without the option
SET vector.seal_rows = 50;
CREATE TABLE t (id int, v vector(8));
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops);
INSERT INTO t SELECT n, (SELECT array_agg((hashint8extended(n, d) & 255)::real) FROM generate_series(1, 8) d)
	FROM generate_series(1, 400) n;
SELECT count(*) FILTER (WHERE kind = 'sealed') > 3 AS sealed, count(*) FILTER (WHERE kind = 'growing') > 0 AS grows,
	sum(rows) AS rows FROM vector_segments() WHERE index = 't_v'::regclass;
SELECT count(*) FROM vector_jobs() WHERE index = 't_v'::regclass;

-- merged by VACUUM, and by hand
SET vector.merge_factor = 3;
VACUUM t;
SELECT count(*) FILTER (WHERE kind = 'sealed') <= 4 AS few FROM vector_segments() WHERE index = 't_v'::regclass;
SELECT vector_merge('t_v') > 0 AS merged, vector_index_check('t_v');
DELETE FROM t WHERE id % 4 = 0;
VACUUM (INDEX_CLEANUP ON) t;
SELECT vector_merge('t_v') AS merged, vector_index_check('t_v');
SELECT kind, rows, dead FROM vector_segments() WHERE index = 't_v'::regclass AND rows IS NOT NULL;
SELECT vector_merge('t_v') AS merged;
SET enable_seqscan = off;
SELECT count(*) FROM t WHERE id <> (SELECT id FROM t o ORDER BY o.v <-> t.v LIMIT 1);
RESET enable_seqscan;
RESET vector.merge_factor;
RESET vector.seal_rows;
DROP TABLE t;

-- every type and metric, with codes and without
CREATE FUNCTION wave(n int, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
	'SELECT array_agg((hashint8extended(n, d) & 63)::real - 20) FROM generate_series(1, dims) d';
CREATE TABLE t (id int, v vector(24), h halfvec(24), b bf16vec(24), i int8vec(24), s sparsevec(24), q bit(24));
CREATE INDEX t_ip ON t USING hnsw (v vector_ip_ops);
CREATE INDEX t_cosine ON t USING hnsw (h halfvec_cosine_ops) WITH (storage = sq8);
CREATE INDEX t_half ON t USING hnsw (v vector_l2_ops) WITH (storage = half);
CREATE INDEX t_b ON t USING hnsw (b bf16vec_l2_ops);
CREATE INDEX t_i ON t USING hnsw (i int8vec_cosine_ops);
CREATE INDEX t_l1 ON t USING hnsw (v vector_l1_ops);
CREATE INDEX t_s ON t USING hnsw (s sparsevec_cosine_ops);
CREATE INDEX t_q ON t USING hnsw (q bit_hamming_ops);
DO $$
BEGIN
	FOR part IN 0 .. 2 LOOP
		INSERT INTO t SELECT n, wave(n, 24), wave(n, 24), wave(n, 24), wave(n, 24), wave(n, 24)::vector::sparsevec,
			hashint8extended(n, 1)::bit(24) FROM generate_series(part * 200 + 1, part * 200 + 200) n;
		PERFORM vector_seal(c.oid) FROM pg_class c JOIN pg_index x ON x.indexrelid = c.oid WHERE indrelid = 't'::regclass;
	END LOOP;
END $$;
DELETE FROM t WHERE id % 10 = 0;
VACUUM (INDEX_CLEANUP ON) t;
SELECT c.relname, vector_merge(c.oid) > 0 AS merged, vector_index_check(c.oid),
	(SELECT count(*) FROM vector_segments() s WHERE s.index = c.oid AND s.kind = 'sealed') AS segments
	FROM pg_class c JOIN pg_index x ON x.indexrelid = c.oid WHERE indrelid = 't'::regclass ORDER BY 1;
SET enable_seqscan = off;
SET hnsw.ef_search = 100;
SELECT count(*) FILTER (WHERE id = (SELECT id FROM t o ORDER BY o.h <=> t.h LIMIT 1)) AS h,
	count(*) FILTER (WHERE id = (SELECT id FROM t o ORDER BY o.v <-> t.v LIMIT 1)) AS v,
	count(*) FILTER (WHERE id = (SELECT id FROM t o ORDER BY o.b <-> t.b LIMIT 1)) AS b,
	count(*) FILTER (WHERE id = (SELECT id FROM t o ORDER BY o.i <=> t.i LIMIT 1)) AS i,
	count(*) FILTER (WHERE id = (SELECT id FROM t o ORDER BY o.v <+> t.v LIMIT 1)) AS l1,
	count(*) FILTER (WHERE id = (SELECT id FROM t o ORDER BY o.s <=> t.s LIMIT 1)) AS s FROM t;
DROP TABLE t;
DROP FUNCTION wave;

-- not for another session's temporary table, nor for an index of another access method
CREATE TEMP TABLE t (v vector(3));
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops) WITH (seal_rows = 32);
INSERT INTO t SELECT ARRAY[n, n % 7, 1] FROM generate_series(1, 200) n;
SELECT count(*) FILTER (WHERE kind = 'sealed') > 0 AS sealed FROM vector_segments() WHERE index = 't_v'::regclass;
SELECT count(*) FROM vector_jobs() WHERE index = 't_v'::regclass;
SELECT vector_merge('t_v') > 0 AS merged, vector_index_check('t_v');
SELECT vector_merge('t');
SELECT vector_merge('pg_class_oid_index');
SELECT vector_merge(0);
SELECT vector_merge(NULL);
DROP TABLE t;
