-- ivf: every operator class, quantizer and way to refine
SET enable_seqscan = off;
CREATE FUNCTION wave(seed int, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	$$SELECT array_agg(((hashint8extended(seed % 40, d) & 63) + (hashint8extended(seed, d) & 31) - 40)::real)
	FROM generate_series(1, dims) d$$;
CREATE TABLE t (id int PRIMARY KEY, v vector(40), h halfvec(40), b bf16vec(40), i int8vec(40), s bit(64))
	WITH (autovacuum_enabled = off);
CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO t SELECT n, a, a, a, a, hashint8extended(n, 1)::bit(64)
		FROM generate_series(low, high) n, LATERAL wave(n, 40) a
$$;
SELECT fill(1, 1000);
-- the share of the ten nearest rows that a search of all lists finds, for five rows
CREATE FUNCTION recall(col text, operator text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	nearest text := format('SELECT q.id, t.id AS found, t.%1$I %2$s q.%1$I AS d FROM t q, LATERAL
		(SELECT id, %1$I FROM t ORDER BY t.%1$I %2$s q.%1$I LIMIT 10) t WHERE q.id <= 5', col, operator);
	plan json;
	part numeric;
BEGIN
	EXECUTE format('EXPLAIN (FORMAT json) SELECT id FROM t ORDER BY %1$I %2$s (SELECT %1$I FROM t WHERE id = 1)
		LIMIT 1', col, operator) INTO plan;
	IF plan::text !~ 'Index Scan.*t_i' THEN
		RAISE EXCEPTION 'no index scan: %', plan;
	END IF;
	EXECUTE 'CREATE TEMP TABLE by_index AS ' || nearest;
	PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true);
	EXECUTE 'SELECT avg((d <= (SELECT max(d) + 1e-5 FROM (' || nearest || ') x WHERE x.id = b.id))::int)
		FROM by_index b' INTO part;
	DROP TABLE by_index;
	PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true);
	RETURN part;
END $$;
SET ivf.probes = 20;
\pset tuples_only on
\pset format unaligned
CREATE TABLE ways (way text, least numeric);
INSERT INTO ways VALUES ('quantizer = none', 1), ('quantizer = rabitq', 0.96), ('quantizer = rabitq, bits = 4', 0.96),
	('quantizer = sq8', 0.96), ('quantizer = sq4', 0.96), ('quantizer = pq', 0.96),
	('quantizer = rabitq, refine = half', 0.96), ('quantizer = sq8, refine = sq8', 0.96),
	('quantizer = rabitq, refine = none', 0.8), ('quantizer = rabitq, bits = 8, refine = none', 0.9),
	('quantizer = sq8, refine = none', 0.9), ('quantizer = sq4, refine = none', 0.9),
	('quantizer = pq, pq_m = 40, refine = none', 0.8);
-- every quantizer with one class, every class with one quantizer
SELECT format('CREATE INDEX t_i ON t USING ivf (%1$I %2$s) WITH (lists = 20, %4$s);
		SELECT %2$L, %4$L, recall(%1$L, %3$L) >= %5$s;
		SELECT fill(1001, 1200);
		SELECT %2$L, vector_seal(''t_i'') > 0, recall(%1$L, %3$L) >= %5$s;
		SELECT %2$L, vector_merge(''t_i''), recall(%1$L, %3$L) >= %5$s, vector_index_check(''t_i'');
		DELETE FROM t WHERE id > 1000;
		DROP INDEX t_i', a.attname, opcname, oprname, way, least), 'VACUUM t'
FROM pg_opclass c JOIN pg_am m ON m.oid = opcmethod JOIN pg_attribute a ON a.atttypid = opcintype
	JOIN pg_amop o ON amopfamily = opcfamily AND amoppurpose = 'o' JOIN pg_operator p ON p.oid = amopopr, ways
WHERE amname = 'ivf' AND attrelid = 't'::regclass AND
	CASE WHEN attname = 's' THEN way = 'quantizer = none'
		ELSE opcname = 'vector_l2_ops' OR way = 'quantizer = rabitq' OR
			(opcname IN ('vector_ip_ops', 'halfvec_cosine_ops') AND way ~ 'none$') END
ORDER BY attnum, opcname, way \gexec
\pset tuples_only off
\pset format aligned

-- bits have no codes, also by default
CREATE INDEX t_i ON t USING ivf (s bit_hamming_ops);
SELECT recall('s', '<~>') > 0;
DROP INDEX t_i;
-- the default number of lists, which follows from the number of rows; as many probes as lists
RESET ivf.probes;
CREATE INDEX t_i ON t USING ivf (v vector_l2_ops);
SELECT recall('v', '<->') > 0.8;
-- all rows, none twice
SET ivf.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 3)) x;
RESET ivf.iterative_scan;
-- deleted rows are not found
DELETE FROM t WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP ON) t;
SELECT vector_index_check('t_i'), recall('v', '<->') > 0.8;
DROP INDEX t_i;

-- without vectors: results are in exact order; NULL and zero vectors, an expression, an index that is empty at first
CREATE INDEX t_i ON t USING ivf ((v::halfvec(40)) halfvec_cosine_ops) WITH (refine = none);
SELECT id FROM t ORDER BY v::halfvec(40) <=> (SELECT v::halfvec(40) FROM t WHERE id = 77) LIMIT 1;
SELECT bool_and(d >= before) FROM (SELECT d, lag(d, 1, 0) OVER () AS before FROM
	(SELECT v::halfvec(40) <=> (SELECT v::halfvec(40) FROM t WHERE id = 77) AS d FROM t
	ORDER BY v::halfvec(40) <=> (SELECT v::halfvec(40) FROM t WHERE id = 77) LIMIT 20) x) y;
TRUNCATE t;
SELECT fill(1, 300);
INSERT INTO t (id, v) VALUES (301, NULL), (302, array_fill(0, ARRAY[40])::vector);
SELECT id FROM t ORDER BY v::halfvec(40) <=> (SELECT v::halfvec(40) FROM t WHERE id = 77) LIMIT 1;
SELECT vector_seal('t_i'), vector_index_check('t_i');
SELECT id FROM t ORDER BY v::halfvec(40) <=> (SELECT v::halfvec(40) FROM t WHERE id = 77) LIMIT 1;
UPDATE t SET id = id + 1000 WHERE id = 77;
SELECT id FROM t ORDER BY v::halfvec(40) <=> (SELECT v::halfvec(40) FROM t WHERE id = 1077) LIMIT 1;
DROP TABLE t, ways;
DROP FUNCTION fill, recall, wave;
