-- Tables whose indexes are kept as test data of a format: see make.pl.  What this makes, row by row, is the same in every
-- version of PostgreSQL and of the extension, so that an index that was made elsewhere fits the table.
CREATE EXTENSION vector;

CREATE TABLE cases (name text, type text, method text, class text, options text, operator text);
INSERT INTO cases VALUES
	('coded', 'vector(8)', 'hnsw', 'vector_l2_ops', 'm = 4, ef_construction = 16', '<->'),
	('bytes', 'halfvec(8)', 'hnsw', 'halfvec_cosine_ops', 'm = 4, ef_construction = 16, storage = sq8', '<=>'),
	('plain', 'vector(8)', 'hnsw', 'vector_l1_ops', 'm = 4, ef_construction = 16', '<+>'),
	('sparse', 'sparsevec(8)', 'hnsw', 'sparsevec_l2_ops', 'm = 4, ef_construction = 16', '<->'),
	('lists', 'vector(8)', 'ivf', 'vector_l2_ops', 'lists = 3, bits = 4', '<->'),
	('codes', 'vector(8)', 'ivf', 'vector_l2_ops', 'lists = 3, quantizer = pq, pq_m = 4, refine = none', '<->'),
	('flat', 'vector(8)', 'ivfflat', 'vector_l2_ops', 'lists = 3', '<->');

-- A place that is always the same of a number; every eighth number has that of the number before it.
CREATE FUNCTION place(n int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(((k * 2654435761 + (k + 17) * d * d * 40503) >> 9) % 61 - 30 ORDER BY d)::vector
	FROM (SELECT (n - (n % 8 = 7)::int)::bigint) k(k), generate_series(1::bigint, 8) d $$;

CREATE FUNCTION add_rows(name text, first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO %I SELECT n, place(n) FROM generate_series($1, $2) n', name) USING first, last;
END $$;

-- How many of twenty searches do not give what the table has, in order: of the nearest few, and of all rows.
CREATE FUNCTION wrong_searches(name text, type text, operator text) RETURNS bigint LANGUAGE plpgsql
	SET ivf.probes = 3 SET ivfflat.probes = 3 SET ivf.refine_k = 100 SET hnsw.ef_search = 100
	SET enable_seqscan = on SET enable_indexscan = on AS $$
DECLARE
	nearest text := format('SELECT array_agg(d) FROM (SELECT v %s $1 AS d FROM %I ORDER BY v %1$s $1 LIMIT 5) s', operator, name);
	every text := format('SELECT array_agg(id ORDER BY d, id) FROM (SELECT id, v %s $1 AS d FROM %I ORDER BY v %1$s $1) s',
		operator, name);
	wanted text;
	found text;
	wrong int := 0;
	query text;
BEGIN
	FOR n IN 1 .. 20 LOOP
		FOREACH query IN ARRAY ARRAY[nearest, every] LOOP
			query := replace(query, '$1', quote_literal(place(5 * n)::text) || '::vector::' || type);
			PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'on', true);
			EXECUTE query INTO found;
			PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true);
			EXECUTE query INTO wanted;
			wrong := wrong + (found IS DISTINCT FROM wanted)::int;
		END LOOP;
	END LOOP;
	RETURN wrong;
END $$;

-- Two sealed segments and a growing one, with dead rows in each.
SELECT format('CREATE TABLE %I (id int, v %s) WITH (autovacuum_enabled = off)', name, type) FROM cases \gexec
SELECT add_rows(name, 1, 36) FROM cases;
SELECT format('CREATE INDEX %I ON %I USING %s (v %s) WITH (%s)', name || '_v', name, method, class, options) FROM cases \gexec
SELECT add_rows(name, 37, 60) FROM cases;
SELECT vector_seal((name || '_v')::regclass) FROM cases;
SELECT add_rows(name, 61, 70) FROM cases;
SELECT format('DELETE FROM %I WHERE id %% 9 = 4', name) FROM cases \gexec
SELECT format('VACUUM %I', name) FROM cases \gexec
