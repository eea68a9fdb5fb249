-- Indexes of words whose lists are long: of several windows of rows, and of blocks with many and few rows
CREATE TABLE bm25_large (id int, body text, part int GENERATED ALWAYS AS (id::bigint * 7919 % 1000) STORED);
CREATE FUNCTION large_body(id int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT concat_ws(' ', 'every', 'two' || id % 2, 'ten' || id % 10, repeat('often' || id % 7 || ' ', id % 11), 'rare' || id % 9973, 'one' || id)
$$;
INSERT INTO bm25_large SELECT id, large_body(id) FROM generate_series(1, 66000) id;
CREATE INDEX bm25_large_body ON bm25_large USING bm25 (body, part) WITH (text_config = 'pg_catalog.simple', seal_rows = 2000);
SELECT vector_index_check('bm25_large_body');

-- How many of the queries do not find what the table has, in order, without and under conditions: of the index's attribute, few and
-- many rows pass.
CREATE FUNCTION wrong_large(index text, queries text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	found float8[];
	wanted float8[];
	wrong bigint := 0;
	query text;
	statement text;
	condition text;
BEGIN
	FOREACH query IN ARRAY queries LOOP
		FOREACH condition IN ARRAY ARRAY['true', 'id % 997 = 5', 'part < 1', 'part < 100'] LOOP
			statement := format('SELECT array_agg(d) FROM (SELECT body <@> to_bm25query(%L, %L) AS d FROM bm25_large WHERE %s'
				' AND body <@> to_bm25query(%1$L, %2$L) < 0 ORDER BY d LIMIT 40) s', query, index, condition);
			PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true);
			EXECUTE statement INTO wanted;
			PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);
			EXECUTE statement INTO found;
			wrong := wrong + (found IS DISTINCT FROM wanted)::int;
		END LOOP;
	END LOOP;
	RETURN wrong;
END $$;
SELECT wrong_large('bm25_large_body', ARRAY['often3 often4', 'one40* rare77 every', '+two1 -ten3 rare500 nothing one65999']);
-- An index whose words and postings do not fit into the memory for them is the same as one that is sorted in memory.
SET maintenance_work_mem = '1MB';
CREATE INDEX bm25_large_spilled ON bm25_large USING bm25 (body, part) WITH (text_config = 'pg_catalog.simple', seal_rows = 2000);
RESET maintenance_work_mem;
SELECT vector_index_check('bm25_large_spilled'), pg_relation_size('bm25_large_spilled') = pg_relation_size('bm25_large_body') AS same;
SELECT wrong_large('bm25_large_spilled', ARRAY['one40* rare77 every']);
DROP INDEX bm25_large_spilled;

-- Rows are sealed, deleted, and merged; the documents of a merge are made from the lists.
SET vector.background_work = off;
DELETE FROM bm25_large WHERE id % 3 = 0 OR id BETWEEN 30000 AND 31000;
VACUUM bm25_large;
INSERT INTO bm25_large SELECT id, large_body(id) FROM generate_series(66001, 68500) id;
SELECT vector_seal('bm25_large_body') > 0 AS sealed;
SELECT vector_index_check('bm25_large_body') = count(*) AS sound FROM bm25_large;
SELECT wrong_large('bm25_large_body', ARRAY['every rare78']);
SET maintenance_work_mem = '1MB';
SELECT vector_merge('bm25_large_body') > 0 AS merged;
RESET maintenance_work_mem;
SELECT vector_index_check('bm25_large_body') = count(*) AS sound FROM bm25_large;
SELECT wrong_large('bm25_large_body', ARRAY['two1 -ten3 one66* rare500']);
-- The statistics are those of the rows that are left, so a new index gives the same scores.
CREATE INDEX bm25_large_again ON bm25_large USING bm25 (body) WITH (text_config = 'pg_catalog.simple');
SELECT count(*) FROM bm25_large WHERE body <@> to_bm25query('often2 rare5 two1', 'bm25_large_body')
	<> body <@> to_bm25query('often2 rare5 two1', 'bm25_large_again');
-- Other k1 and b than those that lists were made by, and an index of frequencies in hundredths.
ALTER INDEX bm25_large_body SET (k1 = 0.3, b = 0.1);
SELECT wrong_large('bm25_large_body', ARRAY['often6 rare77 every']);
ALTER INDEX bm25_large_body SET (k1 = 5, b = 1);
SELECT wrong_large('bm25_large_body', ARRAY['two1 often3']);
DROP INDEX bm25_large_again, bm25_large_body;
CREATE INDEX bm25_large_body ON bm25_large USING bm25 (body) WITH (text_config = 'pg_catalog.simple', weights = '0.25', k1 = 0, b = 1);
SELECT wrong_large('bm25_large_body', ARRAY['often6 rare77 every']);
-- The index is smaller than one of GIN.
CREATE INDEX bm25_large_gin ON bm25_large USING gin (to_tsvector('simple', body));
SELECT pg_relation_size('bm25_large_body') < 0.8 * pg_relation_size('bm25_large_gin') AS smaller;
DROP TABLE bm25_large;

-- A million words, a text of a megabyte, and texts without words, by the table and by the index
CREATE TABLE bm25_long (id int, body text);
INSERT INTO bm25_long SELECT id, string_agg('word' || id * 2500 + n, ' ') FROM generate_series(1, 400) id, generate_series(1, 2500) n GROUP BY id;
INSERT INTO bm25_long SELECT 401, string_agg('word' || n % 1000 || ' long' || n, ' ') FROM generate_series(1, 62000) n;
INSERT INTO bm25_long VALUES (402, ''), (403, 'the of and'), (404, '... !!'), (405, NULL);
SELECT octet_length(body) > 1000000 AS long FROM bm25_long WHERE id = 401;
CREATE INDEX bm25_long_body ON bm25_long USING bm25 (body) WITH (text_config = 'pg_catalog.english', seal_rows = 100);
SELECT vector_index_check('bm25_long_body');
INSERT INTO bm25_long SELECT id + 1000, body FROM bm25_long WHERE id > 400;
SELECT vector_seal('bm25_long_body') > 0 AS sealed, vector_merge('bm25_long_body') > 0 AS merged;
SELECT vector_index_check('bm25_long_body');
SET enable_seqscan = off;
SELECT id FROM bm25_long ORDER BY body <@> to_bm25query('word5001', 'bm25_long_body');
SELECT id FROM bm25_long ORDER BY body <@> to_bm25query('long54999 word77', 'bm25_long_body');
SELECT id FROM bm25_long ORDER BY body <@> to_bm25query('the of', 'bm25_long_body');
SELECT count(*) FROM (SELECT id FROM bm25_long ORDER BY body <@> to_bm25query('word2*', 'bm25_long_body') OFFSET 0) s;
DROP TABLE bm25_long;
DROP FUNCTION large_body, wrong_large;
