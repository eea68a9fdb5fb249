-- Segments of few rows are flat: their rows are compared one by one. They are searched, vacuumed and merged as others are.
SET enable_seqscan = off;
SET vector.background_work = off;
SET hnsw.ef_search = 200;
CREATE FUNCTION methods(index regclass) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(method || ' ' || rows || coalesce(' dead ' || nullif(dead, 0), ''), ', ' ORDER BY segment)
	FROM vector_segments() WHERE vector_segments.index = $1 AND kind = 'sealed'
$$;

-- How many of the queries of the table find other rows, or in another order, than a sequential scan; %s: the operator.
CREATE FUNCTION wrong_searches(type text, operator text, rows int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT array_agg((d::numeric(12, 4), NULL)) FROM (SELECT v %s q.v AS d FROM t ORDER BY v %1$s q.v LIMIT %s) s', operator, rows);
	wrong bigint := 0;
	q record;
	found text;
	truth text;
BEGIN
	FOR q IN SELECT v::text AS v FROM t WHERE id % 7 = 0 LOOP
		SET LOCAL enable_indexscan = on;
		SET LOCAL enable_seqscan = off;
		EXECUTE replace(query, 'q.v', quote_literal(q.v) || '::' || type || '(8)') INTO found;
		SET LOCAL enable_indexscan = off;
		SET LOCAL enable_seqscan = on;
		EXECUTE replace(query, 'q.v', quote_literal(q.v) || '::' || type || '(8)') INTO truth;
		wrong := wrong + (found IS DISTINCT FROM truth)::int;
	END LOOP;
	RETURN wrong;
END
$$;

-- every element type, metric and way to store vectors
CREATE FUNCTION try(type text, opclass text, operator text, options text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE t (id int, v %s(8))', type);
	EXECUTE format('CREATE INDEX t_v ON t USING hnsw (v %s) %s', opclass, options);
	IF type = 'bit' THEN
		INSERT INTO t SELECT i, (i * 37 % 256)::bit(8) FROM generate_series(1, 40) i;
	ELSE
		INSERT INTO t SELECT i, ('[' || (SELECT string_agg((sin(i * 8 + k) * 50)::int::text, ',') FROM generate_series(1, 8) k) || ']')::vector
		FROM generate_series(1, 40) i;
	END IF;
	RETURN NEXT format('%s, %s %s: %s sealed, %s, %s rows, %s wrong', type, opclass, options, vector_seal('t_v'), methods('t_v'),
		vector_index_check('t_v'), wrong_searches(type, operator, 50));
	DROP TABLE t;
END
$$;
SELECT try('vector', 'vector_' || metric || '_ops', operator, options)
FROM (VALUES ('l2', '<->'), ('ip', '<#>'), ('cosine', '<=>'), ('l1', '<+>')) m(metric, operator),
	(VALUES (''), ('WITH (storage = half)'), ('WITH (storage = sq8)')) o(options);
SELECT try('halfvec', 'halfvec_l2_ops', '<->', ''), try('int8vec', 'int8vec_cosine_ops', '<=>', ''), try('bit', 'bit_hamming_ops', '<~>', ''),
	try('bit', 'bit_jaccard_ops', '<%>', '');

-- only up to 64 rows, and sparse vectors never
CREATE TABLE t (id int, v vector(8), s sparsevec(8));
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops);
CREATE INDEX t_s ON t USING hnsw (s sparsevec_l2_ops);
CREATE FUNCTION add_rows(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO t SELECT i, v, v::sparsevec FROM (SELECT i, ('[' || (SELECT string_agg((sin(i * 8 + k) * 50)::numeric(6, 3)::text, ',')
		FROM generate_series(1, 8) k) || ']')::vector AS v FROM generate_series(first, last) i) s
$$;
SELECT add_rows(1, 64);
SELECT vector_seal('t_v'), vector_seal('t_s'), methods('t_v'), methods('t_s');
SELECT add_rows(65, 129);
SELECT vector_seal('t_v'), methods('t_v'), wrong_searches('vector', '<->', 10);

-- equal vectors, dead rows, conditions on the distance, limits
INSERT INTO t SELECT 130 + i % 3, v FROM t, generate_series(0, 2) i WHERE id = 7;
SELECT vector_seal('t_v'), methods('t_v'), wrong_searches('vector', '<->', 200);
DELETE FROM t WHERE id IN (7, 14, 131);
VACUUM t;
SELECT methods('t_v'), vector_index_check('t_v'), wrong_searches('vector', '<->', 200);
SELECT count(*), max(v <-> (SELECT v FROM t WHERE id = 130))::numeric(12, 4) FROM (SELECT v FROM t WHERE v <-> (SELECT v FROM t WHERE id = 130) < 20
	ORDER BY v <-> (SELECT v FROM t WHERE id = 130)) s;
SET hnsw.iterative_scan = strict_order;
SET hnsw.max_scan_tuples = 1;
SELECT count(*) > 0 FROM (SELECT v FROM t ORDER BY v <-> '[1,2,3,4,5,6,7,8]') s;
RESET hnsw.max_scan_tuples;
SELECT count(*) FROM (SELECT v FROM t ORDER BY v <-> '[1,2,3,4,5,6,7,8]') s;
RESET hnsw.iterative_scan;
SELECT count(*) FROM (SELECT v FROM t ORDER BY v <-> NULL) s;

-- they are merged into a graph, with rows that the graph has equals of, or with each other
SELECT vector_merge('t_v'), methods('t_v'), vector_index_check('t_v'), wrong_searches('vector', '<->', 10);
SELECT add_rows(200, 500);
SELECT vector_seal('t_v');
INSERT INTO t SELECT 600 + id, v FROM t WHERE id IN (222, 333, 444) UNION ALL SELECT 700 + id, v FROM t WHERE id = 333;
SELECT vector_seal('t_v');
SELECT add_rows(1001, 1010);
SELECT vector_seal('t_v'), methods('t_v');
SELECT vector_merge('t_v'), methods('t_v'), vector_index_check('t_v'), wrong_searches('vector', '<->', 10);
DROP INDEX t_v;
DELETE FROM t WHERE id > 40;
VACUUM t;
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops);
SELECT add_rows(2001, 2010);
SELECT vector_seal('t_v');
SELECT add_rows(2011, 2020);
SELECT vector_seal('t_v'), methods('t_v');
SELECT vector_merge('t_v'), methods('t_v'), vector_index_check('t_v'), wrong_searches('vector', '<->', 100);

-- vectors stored as bytes stay so
CREATE TABLE bytes (v vector(32));
INSERT INTO bytes SELECT ARRAY(SELECT (i * k * 7 + k) % 251 FROM generate_series(1, 32) k)::vector FROM generate_series(1, 300) i;
CREATE INDEX bytes_v ON bytes USING hnsw (v vector_l2_ops);
INSERT INTO bytes SELECT ARRAY(SELECT (i * k * 7 + k) % 251 FROM generate_series(1, 32) k)::vector FROM generate_series(301, 310) i;
SELECT vector_seal('bytes_v'), methods('bytes_v');
SELECT vector_merge('bytes_v'), methods('bytes_v'), vector_index_check('bytes_v');
SELECT blocks FROM vector_segments() WHERE index = 'bytes_v'::regclass AND kind = 'sealed';
REINDEX INDEX bytes_v;
SELECT blocks FROM vector_segments() WHERE index = 'bytes_v'::regclass AND kind = 'sealed';
DROP TABLE t, bytes;
DROP FUNCTION try, methods, wrong_searches, add_rows;
