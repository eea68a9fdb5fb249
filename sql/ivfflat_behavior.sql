-- ivfflat: behavior that programs written for pgvector rely on
SET enable_seqscan = off;
-- a small build makes as many lists as the option says
CREATE TABLE t (id int, v vector(3));
INSERT INTO t VALUES (1, '[0,0,0]'), (2, '[1,2,3]'), (3, '[1,1,1]'), (4, NULL);
CREATE INDEX t_i ON t USING ivfflat (v vector_l2_ops) WITH (lists = 3);
SELECT id FROM t ORDER BY v <-> '[1,2,4]';
SET ivfflat.iterative_scan = relaxed_order;
SET ivfflat.max_probes = 1;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> '[1,2,4]') x;
SET ivfflat.max_probes = 2;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> '[1,2,4]') x;
SET ivfflat.max_probes = 3;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> '[1,2,4]') x;
RESET ivfflat.max_probes;
SELECT id FROM t ORDER BY v <-> '[1,2,4]';
-- at least as many lists are searched as probes says
SET ivfflat.probes = 2;
SET ivfflat.max_probes = 1;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> '[1,2,4]') x;
RESET ivfflat.max_probes;
RESET ivfflat.probes;
RESET ivfflat.iterative_scan;
-- NULL as a query; NULLs are not in the index
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> (SELECT NULL::vector) LIMIT 10) x;
SET ivfflat.probes = 3;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> (SELECT NULL::vector)) x;
SELECT count(*) FROM t;
INSERT INTO t VALUES (5, '[1,2]');
SELECT id FROM t ORDER BY v <-> '[1,2]';
INSERT INTO t VALUES (5, NULL), (6, '[9,9,9]');
SELECT id FROM t ORDER BY v <-> '[9,9,9]';
DROP TABLE t;
-- zero vectors have no cosine distance
CREATE TABLE t (id int, v vector(3));
INSERT INTO t VALUES (1, '[0,0,0]'), (2, '[1,2,3]'), (3, '[1,1,1]');
CREATE INDEX t_i ON t USING ivfflat (v vector_cosine_ops) WITH (lists = 3);
INSERT INTO t VALUES (4, '[0,0,0]'), (5, '[1,2,4]');
SELECT id FROM t ORDER BY v <=> '[1,2,3]';
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <=> '[0,0,0]') x;
DROP TABLE t;
RESET ivfflat.probes;

-- equal vectors share a list
CREATE TABLE t (id int, v vector(3));
INSERT INTO t SELECT n, ARRAY[n % 7, 1, 2] FROM generate_series(1, 700) n;
CREATE INDEX t_i ON t USING ivfflat (v vector_l2_ops) WITH (lists = 7);
INSERT INTO t SELECT n, ARRAY[n % 7, 1, 2] FROM generate_series(701, 1400) n;
SELECT count(*) >= 200, bool_and(id % 7 = 4 OR d > 0) FROM
	(SELECT id, v <-> '[4,1,2]' AS d FROM t ORDER BY v <-> '[4,1,2]') x;
SELECT vector_seal('t_i');
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> '[4,1,2]') x WHERE id % 7 = 4;
DROP TABLE t;
-- all rows are the same
CREATE TABLE t (id int, v vector(3));
INSERT INTO t SELECT n, '[1,2,3]' FROM generate_series(1, 500) n;
CREATE INDEX t_i ON t USING ivfflat (v vector_l2_ops) WITH (lists = 10);
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> '[1,2,3]') x;
DROP TABLE t;

-- built without rows; lists are made when rows are sealed
CREATE TABLE t (id int, v vector(3)) WITH (autovacuum_enabled = off);
CREATE INDEX t_i ON t USING ivfflat (v vector_l2_ops) WITH (lists = 4);
SELECT count(*) FROM vector_index_segments('t_i');
SELECT id FROM t ORDER BY v <-> '[4,1,2]';
INSERT INTO t SELECT n, ARRAY[n % 40, 1, 2] FROM generate_series(1, 400) n;
SELECT kind, rows FROM vector_index_segments('t_i');
SELECT count(*), bool_and(id % 40 = 7) FROM (SELECT id FROM t ORDER BY v <-> '[7,1,2]' LIMIT 10) x;
SELECT vector_seal('t_i');
SELECT kind, rows FROM vector_index_segments('t_i') WHERE kind <> 'retired' ORDER BY segment;
SELECT count(*), bool_and(id % 40 = 7) FROM (SELECT id FROM t ORDER BY v <-> '[7,1,2]' LIMIT 10) x;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> '[7,1,2]') x;
-- with ten times as many rows a merge makes new lists
INSERT INTO t SELECT n, ARRAY[n % 40, 100, 2] FROM generate_series(401, 4400) n;
SELECT vector_seal('t_i') > 0 AS sealed, vector_merge('t_i') > 0 AS merged;
SELECT kind, rows FROM vector_index_segments('t_i') WHERE kind <> 'retired' ORDER BY segment;
SELECT vector_index_check('t_i');
SELECT count(*), bool_and(id % 40 = 7) FROM (SELECT id FROM t ORDER BY v <-> '[7,100,2]' LIMIT 10) x;
DROP TABLE t;

-- delete all, VACUUM, insert again: the index does not grow
CREATE TABLE t (id int, v vector(3)) WITH (autovacuum_enabled = off);
INSERT INTO t SELECT n, ARRAY[n % 40, n % 37, n % 3] FROM generate_series(1, 2000) n;
CREATE INDEX t_i ON t USING ivfflat (v vector_l2_ops) WITH (lists = 4);
CREATE TABLE size AS SELECT pg_relation_size('t_i') AS before;
DELETE FROM t;
VACUUM (INDEX_CLEANUP ON) t;
SELECT id FROM t ORDER BY v <-> '[7,1,2]';
INSERT INTO t SELECT n, ARRAY[n % 40, n % 37, n % 3] FROM generate_series(1, 2000) n;
VACUUM t;
SELECT pg_relation_size('t_i') <= before * 1.02 AS kept FROM size;
DROP TABLE t, size;

-- scans go on with further lists, iterative scans up to a limit
CREATE TABLE t (id int, v vector(3));
INSERT INTO t SELECT n, ARRAY[n % 400, n / 400, 0] FROM generate_series(1, 4000) n;
CREATE INDEX t_i ON t USING ivfflat (v vector_l2_ops) WITH (lists = 50);
SELECT count(*) FROM (SELECT id FROM t WHERE id % 200 = 0 ORDER BY v <-> '[7,1,2]' LIMIT 20) x;
SET ivfflat.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM
	(SELECT id FROM t WHERE id % 200 = 0 ORDER BY v <-> '[7,1,2]' LIMIT 20) x;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> '[7,1,2]') x;
SET ivfflat.max_probes = 2;
SELECT count(*) < 20 FROM (SELECT id FROM t WHERE id % 200 = 0 ORDER BY v <-> '[7,1,2]' LIMIT 20) x;
RESET ivfflat.max_probes;
RESET ivfflat.iterative_scan;
-- a scan is counted once
SELECT pg_stat_force_next_flush();
SELECT idx_scan AS before FROM pg_stat_user_indexes WHERE indexrelname = 't_i' \gset
SELECT id FROM t ORDER BY v <-> '[7,1,0]' LIMIT 1;
SELECT pg_stat_force_next_flush();
SELECT idx_scan - :before AS scans FROM pg_stat_user_indexes WHERE indexrelname = 't_i';
DROP TABLE t;
