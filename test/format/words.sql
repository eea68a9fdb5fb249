-- Indexes of words, with and without positions, and of sparse vectors: all that a row holds follows from its id
INSERT INTO cases VALUES ('terms', 'text', '<@>'), ('places', 'text', '<@>'), ('weights', 'sparsevec(2000)', '<#>');

-- How often words are in texts differs: word 0 is in most of them.
CREATE FUNCTION word(id int, n int) RETURNS int LANGUAGE sql IMMUTABLE AS
	$$SELECT ((hashint8extended(id, n) & 1023) * (hashint8extended(n, id) & 1023) / 1024) ^ 2 / 2048$$;
CREATE FUNCTION body(id int) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$SELECT string_agg('w' || word(id, n), ' ' ORDER BY n) FROM generate_series(1, 3 + id % 23) n$$;
CREATE FUNCTION weights(id int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT '{' || string_agg(format('%s:%s', d, s), ',') || '}/2000'
	FROM (SELECT word(id, n) + 1, count(*) * 0.25 + id % 7 FROM generate_series(1, 3 + id % 23) n GROUP BY 1) w(d, s)
$$;
CREATE OR REPLACE FUNCTION add_rows(name text, first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO %I SELECT id, %s FROM generate_series(%s, %s) id', name,
		CASE name WHEN 'weights' THEN 'weights(id)::sparsevec' ELSE 'body(id)' END, first, last);
END $$;

-- How many of some searches do not give the scores that the table has, nor as many rows.
CREATE OR REPLACE FUNCTION wrong_searches(name text, type text, operator text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	wrong int := 0;
	query text;
	sought text;
	wanted int;
	by_index text;
	by_table text;
BEGIN
	FOREACH sought IN ARRAY CASE name WHEN 'weights' THEN ARRAY(SELECT weights(i) FROM generate_series(1001, 1012) i)
		ELSE ARRAY['w0', 'w1 w2', 'w3 w50 w7 w3', '+w0 -w2', 'w9*', 'w*', '"w0 w0"', '"w1 w0" w33', 'w4 -w0 w211 w300 w5', 'w999'] END LOOP
		FOREACH wanted IN ARRAY ARRAY[5, 2000] LOOP
			query := format('SELECT array_agg(d ORDER BY d) FROM (SELECT %s AS d FROM %I WHERE %s ORDER BY 1 LIMIT %s) s',
				CASE name WHEN 'weights' THEN format('v <#> %L::sparsevec', sought)
				ELSE format('v <@> to_bm25query(%L, %L)', sought, name || '_v') END, name,
				CASE name WHEN 'weights' THEN 'true' ELSE format('v <@> to_bm25query(%L, %L) < 0', sought, name || '_v') END, wanted);
			PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true);
			EXECUTE query INTO by_table;
			PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);
			EXECUTE query INTO by_index;
			wrong := wrong + (by_index IS DISTINCT FROM by_table)::int;
		END LOOP;
	END LOOP;
	RETURN wrong;
END $$;

CREATE TABLE terms (id int, v text) WITH (autovacuum_enabled = off);
CREATE TABLE places (LIKE terms) WITH (autovacuum_enabled = off);
CREATE TABLE weights (id int, v sparsevec(2000)) WITH (autovacuum_enabled = off);
SELECT add_rows(name, 1, 400) FROM cases;
CREATE INDEX terms_v ON terms USING bm25 (v) WITH (text_config = 'pg_catalog.simple', seal_rows = 100);
CREATE INDEX places_v ON places USING bm25 (v) WITH (text_config = 'pg_catalog.simple', positions = on, seal_rows = 100);
CREATE INDEX weights_v ON weights USING sparse (v sparsevec_ip_ops) WITH (seal_rows = 100);
SELECT add_rows(name, 401, 490), vector_seal((name || '_v')::regclass) FROM cases;
SELECT add_rows(name, 501, 530) FROM cases;
SELECT format('DELETE FROM %I WHERE id %% 6 = 0', name) FROM cases \gexec
SELECT format('VACUUM %I', name) FROM cases \gexec
