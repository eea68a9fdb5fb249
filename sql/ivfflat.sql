-- ivfflat: every operator class; with probes = lists results are exact
SET enable_seqscan = off;
CREATE FUNCTION wave(seed int, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	$$SELECT array_agg(((hashint8extended(seed, d) & 127) - 60)::real) FROM generate_series(1, dims) d$$;
CREATE TABLE t (id int PRIMARY KEY, v vector(9), h halfvec(9), b bf16vec(9), i int8vec(9), s bit(40))
	WITH (autovacuum_enabled = off);
CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO t SELECT n, wave(n, 9), wave(n, 9), wave(n, 9), wave(n, 9), hashint8extended(n, 1)::bit(40)
		FROM generate_series(low, high) n
$$;
SELECT fill(1, 1000);
-- the distances of the rows nearest to five rows are the same with an index and without
CREATE FUNCTION nearest(col text, operator text, wanted int) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
	found float8[];
BEGIN
	EXECUTE format('SELECT array_agg(d ORDER BY q.id, d) FROM t q, LATERAL
		(SELECT t.%1$I %2$s q.%1$I AS d FROM t ORDER BY t.%1$I %2$s q.%1$I LIMIT %3$s) x
		WHERE q.id <= 5', col, operator, wanted) INTO found;
	RETURN found;
END $$;
CREATE FUNCTION exact(col text, operator text, wanted int DEFAULT 10) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	by_index float8[];
	equal boolean;
BEGIN
	EXECUTE format('EXPLAIN (FORMAT json) SELECT id FROM t ORDER BY %1$I %2$s (SELECT %1$I FROM t WHERE id = 1)
		LIMIT 1', col, operator) INTO plan;
	IF plan::text !~ 'Index Scan.*t_i' THEN
		RAISE EXCEPTION 'no index scan: %', plan;
	END IF;
	by_index := nearest(col, operator, wanted);
	PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true);
	equal := by_index = nearest(col, operator, wanted);
	PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true);
	RETURN equal;
END $$;
SET ivfflat.probes = 20;
\pset tuples_only on
\pset format unaligned
SELECT format('CREATE INDEX t_i ON t USING ivfflat (%1$I %2$s) WITH (lists = 20);
		SELECT %2$L, exact(%1$L, %3$L), vector_index_check(''t_i'');
		SELECT fill(1001, 1300);
		SELECT %2$L, exact(%1$L, %3$L), vector_seal(''t_i'');
		SELECT %2$L, exact(%1$L, %3$L), vector_merge(''t_i'');
		SELECT %2$L, exact(%1$L, %3$L, 2000), vector_index_check(''t_i'');
		DELETE FROM t WHERE id > 1000;
		DROP INDEX t_i', a.attname, opcname, oprname), 'VACUUM t'
FROM pg_opclass c JOIN pg_am m ON m.oid = opcmethod JOIN pg_attribute a ON a.atttypid = opcintype
	JOIN pg_amop o ON amopfamily = opcfamily AND amoppurpose = 'o' JOIN pg_operator p ON p.oid = amopopr
WHERE amname = 'ivfflat' AND attrelid = 't'::regclass ORDER BY attnum, opcname \gexec
\pset tuples_only off
\pset format aligned

-- the default class of a type, other forms of the key
CREATE INDEX t_i ON t USING ivfflat (((v + v)::vector(9))) WITH (lists = 20);
SELECT id FROM t ORDER BY (v + v)::vector(9) <-> (SELECT v + v FROM t WHERE id = 77) LIMIT 1;
DROP INDEX t_i;
CREATE INDEX t_i ON t USING ivfflat ((h::vector(9)) vector_cosine_ops) WHERE id > 900;
SELECT id FROM t WHERE id > 900 ORDER BY h::vector(9) <=> (SELECT h FROM t WHERE id = 950)::vector(9) LIMIT 1;
SELECT sum(rows) FROM vector_segments() WHERE index = 't_i'::regclass;
DROP INDEX t_i;
CREATE INDEX CONCURRENTLY t_i ON t USING ivfflat (v vector_l2_ops) WITH (lists = 20);
SELECT exact('v', '<->'), vector_index_check('t_i');
REINDEX INDEX CONCURRENTLY t_i;
SELECT exact('v', '<->'), vector_index_check('t_i');
DROP TABLE t;

-- by parallel workers
CREATE TABLE t (id int, v vector(9)) WITH (parallel_workers = 2);
INSERT INTO t SELECT n, wave(n, 9) FROM generate_series(1, 3000) n;
SET min_parallel_table_scan_size = 1;
SET max_parallel_maintenance_workers = 2;
CREATE INDEX t_i ON t USING ivfflat (v vector_l2_ops) WITH (lists = 20);
RESET max_parallel_maintenance_workers;
SELECT exact('v', '<->'), vector_index_check('t_i');
SELECT exact('v', '<->', 4000);
TRUNCATE t;
SELECT kind FROM vector_index_segments('t_i');
DROP TABLE t;
DROP FUNCTION fill, exact, nearest;

-- temporary, unlogged and partitioned tables
CREATE TEMP TABLE t (id int, v vector(3));
INSERT INTO t SELECT n, ARRAY[n, 1, 2] FROM generate_series(1, 100) n;
CREATE INDEX ON t USING ivfflat (v vector_l2_ops) WITH (lists = 5);
SELECT id FROM t ORDER BY v <-> '[50,1,2]' LIMIT 3;
DROP TABLE t;
CREATE UNLOGGED TABLE t (id int, v vector(3));
INSERT INTO t SELECT n, ARRAY[n, 1, 2] FROM generate_series(1, 100) n;
CREATE INDEX ON t USING ivfflat (v vector_l2_ops) WITH (lists = 5);
SELECT id FROM t ORDER BY v <-> '[50,1,2]' LIMIT 3;
DROP TABLE t;
CREATE TABLE t (id int, v vector(3)) PARTITION BY RANGE (id);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (1) TO (51);
CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (51) TO (101);
INSERT INTO t SELECT n, ARRAY[n, 1, 2] FROM generate_series(1, 100) n;
CREATE INDEX ON t USING ivfflat (v vector_l2_ops) WITH (lists = 5);
SELECT id FROM t ORDER BY v <-> '[50.1,1,2]' LIMIT 3;
DROP TABLE t;
DROP FUNCTION wave;
