-- queries of words, their scores, and the index that they are by
CREATE TABLE bm25_doc (id int PRIMARY KEY, body text);
INSERT INTO bm25_doc VALUES (1, 'the quick brown fox'), (2, 'the lazy dog'), (3, 'quick quick fox'), (4, ''), (5, NULL);
SELECT id, body <@> 'quick fox' AS score FROM bm25_doc;
CREATE INDEX bm25_doc_body ON bm25_doc USING bm25 (body) WITH (text_config = 'simple', positions = on);

-- the score does not depend on the plan
SET enable_seqscan = off;
SELECT id, round((body <@> 'quick fox')::numeric, 4) AS score FROM bm25_doc ORDER BY body <@> 'quick fox' LIMIT 10;
SET enable_indexscan = off;
SET enable_seqscan = on;
SELECT id, round((body <@> 'quick fox')::numeric, 4) AS score FROM bm25_doc ORDER BY body <@> 'quick fox', id;

-- where the planner finds the index
EXPLAIN (VERBOSE, COSTS off) SELECT body <@> 'fox', to_bm25query('fox') = to_bm25query('fox', 'bm25_doc_body') FROM bm25_doc;
SELECT id FROM bm25_doc d WHERE (SELECT n * (d.body <@> '+fox') FROM generate_series(1, 2) n OFFSET 1) < 0 ORDER BY id;
PREPARE bm25_search AS SELECT id FROM bm25_doc WHERE body <@> $1 < 0 ORDER BY id;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (VERBOSE, COSTS off) EXECUTE bm25_search('fox');
EXECUTE bm25_search('fox');
EXECUTE bm25_search('dog');
RESET plan_cache_mode;
CREATE VIEW bm25_view AS SELECT id, body FROM bm25_doc WHERE id < 4;
SELECT id FROM bm25_view WHERE body <@> 'quick' < 0 ORDER BY id;
SELECT count(*) FROM (SELECT body FROM bm25_doc ORDER BY id LIMIT 3) s WHERE s.body <@> 'the' < 0;
SELECT body <@> 'fox' < 0 AS found, count(*) FROM bm25_doc GROUP BY body <@> 'fox' < 0 ORDER BY 1;
DO $$ DECLARE words text := 'dog'; BEGIN ASSERT (SELECT id FROM bm25_doc ORDER BY body <@> words LIMIT 1) = 2; END $$;
CREATE FUNCTION bm25_best(words text) RETURNS int LANGUAGE sql STABLE AS 'SELECT id FROM bm25_doc ORDER BY body <@> words LIMIT 1';
SELECT bm25_best('dog'), bm25_best('quick');

-- or the query names it
SELECT round(('a quick one'::text <@> to_bm25query('quick', 'bm25_doc_body'))::numeric, 4) AS score, 'slow'::text <@> 'bm25_doc_body:quick'::bm25query AS none;
SELECT 'quick'::text <@> 'quick';
SELECT 'quick'::text <@> to_bm25query('quick');
WITH doc AS MATERIALIZED (SELECT body FROM bm25_doc) SELECT body <@> 'quick' FROM doc;
SELECT 'a' <@> to_bm25query('a', 'bm25_doc_pkey');
SELECT 'a' <@> to_bm25query('a', 'bm25_doc');
SELECT 'a' <@> to_bm25query('a', 'bm25_none');

-- syntax
SELECT query, (SELECT string_agg(id::text, ' ' ORDER BY body <@> to_bm25query(query, 'bm25_doc_body'), id) FROM bm25_doc
		WHERE body <@> to_bm25query(query, 'bm25_doc_body') < 0) AS found
	FROM unnest(ARRAY['quick dog', '+quick dog', 'the -fox', '-fox', '"quick fox"', '"the fox"', '"brown fo"*', 'la* bro*', '+"the lazy" fox', 'the -"lazy dog"', 'cat', '', '"" + -', 'quick quick dog']) query;
SELECT 'bm25_doc_body:quick: fox'::bm25query, 'other:quick'::bm25query, 'public.bm25_doc_body:a'::bm25query, '"bm25_doc_body":a'::bm25query, ':bm25_doc_body:q'::bm25query,
	''::bm25query, to_bm25query('bm25_doc_body:x'), to_bm25query('x', 'bm25_doc_body'::text), to_bm25query(NULL, 'bm25_doc_body');
SELECT query, query = query::text::bm25query AS same
	FROM unnest(ARRAY[to_bm25query('a:b'), to_bm25query(':a'), to_bm25query('bm25_doc_body:a'), to_bm25query('a', 'bm25_doc_body'), to_bm25query('""":a'), to_bm25query('1:2')]) query;
COPY (SELECT to_bm25query('quick', 'bm25_doc_body')) TO '/dev/null' (FORMAT binary);

-- statistics are those of the statement's moment
DO $$
DECLARE
	before float8 := 'fox'::text <@> 'bm25_doc_body:fox'::bm25query;
BEGIN
	INSERT INTO bm25_doc SELECT i, 'other words' FROM generate_series(10, 30) i;
	ASSERT 'fox'::text <@> 'bm25_doc_body:fox'::bm25query < before;
END $$;
RESET enable_indexscan;

-- fields, with weights
CREATE TABLE bm25_page (id int, title text, body text);
INSERT INTO bm25_page VALUES (1, 'fox', 'a dog'), (2, 'dog', 'a fox'), (3, NULL, 'a fox'), (4, 'quick', 'fox');
CREATE INDEX ON bm25_page USING bm25 ((ARRAY[title, body])) WITH (text_config = 'simple', weights = '2.5,1', positions = on);
SELECT id, round((ARRAY[title, body] <@> 'fox')::numeric, 4) AS score FROM bm25_page ORDER BY 2, 1;
-- a phrase is within a field
SELECT id FROM bm25_page WHERE ARRAY[title, body] <@> '"quick fox"' < 0;
SELECT ARRAY[body, title] <@> 'fox' FROM bm25_page;

-- statistics of a partitioned table are those of all its partitions, where the query is of the whole table
CREATE TABLE bm25_part (id int, body text) PARTITION BY RANGE (id);
CREATE TABLE bm25_part_1 PARTITION OF bm25_part FOR VALUES FROM (0) TO (10);
CREATE TABLE bm25_part_2 PARTITION OF bm25_part FOR VALUES FROM (10) TO (100);
CREATE INDEX bm25_part_body ON bm25_part USING bm25 (body) WITH (text_config = 'simple');
INSERT INTO bm25_part VALUES (1, 'fox'), (2, 'fox dog'), (3, 'dog'), (11, 'fox'), (12, 'cat dog'), (13, 'dog');
SELECT id, body, round((body <@> 'fox')::numeric, 4) AS score FROM bm25_part WHERE body <@> 'fox' < 0 ORDER BY body <@> 'fox', id;
SELECT id, round((body <@> 'fox')::numeric, 4) AS score FROM bm25_part_2 WHERE body <@> 'fox' < 0;
SET enable_seqscan = off;
SELECT id, round(score::numeric, 4) AS score FROM (SELECT id, body <@> 'fox' AS score FROM bm25_part ORDER BY body <@> 'fox' LIMIT 10) s ORDER BY s.score, id;
RESET enable_seqscan;

-- another index of the column is not scanned for a query of this one
CREATE INDEX bm25_doc_stems ON bm25_doc USING bm25 (body) WITH (text_config = 'english');
SET enable_seqscan = off;
EXPLAIN (COSTS off) SELECT id FROM bm25_doc ORDER BY body <@> to_bm25query('foxes', 'bm25_doc_stems') LIMIT 2;
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM bm25_doc ORDER BY body <@> to_bm25query('foxes', 'bm25_doc_stems') LIMIT 2) s;
EXPLAIN (COSTS off) SELECT id FROM bm25_doc ORDER BY body <@> 'foxes' LIMIT 2;
RESET enable_seqscan;

-- a query that is known to the execution only is scored by the same statistics in every plan
CREATE TABLE bm25_asked (id int, words text, query bm25query);
INSERT INTO bm25_asked VALUES (1, 'quick fox', 'quick fox'), (2, 'dog', 'dog'), (3, 'foxes', 'bm25_doc_stems:foxes'), (4, 'quick', 'bm25_doc_body:quick'), (5, NULL, NULL);
CREATE FUNCTION bm25_plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off, VERBOSE) ' || query LOOP
		IF line ~ 'Index Scan|Order By|Sort Key' THEN RETURN NEXT trim(line); END IF;
	END LOOP;
END $$;
CREATE FUNCTION bm25_answers() RETURNS TABLE (how text, id int, scores text) LANGUAGE sql AS $$
	SELECT how, q.id, string_agg(s.id || ':' || round(score::numeric, 3), ' ' ORDER BY score, s.id)
	FROM bm25_asked q, LATERAL (
		SELECT 'text' AS how, d.id, d.body <@> q.words AS score FROM bm25_doc d WHERE d.body <@> q.words < 0
		UNION ALL SELECT 'query', d.id, d.body <@> q.query FROM bm25_doc d WHERE d.body <@> q.query < 0
		UNION ALL SELECT 'ordered text', d.* FROM (SELECT id, body <@> q.words AS score FROM bm25_doc ORDER BY body <@> q.words LIMIT 3) d WHERE score < 0
		UNION ALL SELECT 'ordered query', d.* FROM (SELECT id, body <@> q.query AS score FROM bm25_doc ORDER BY body <@> q.query LIMIT 3) d WHERE score < 0
		UNION ALL SELECT 'of text', d.* FROM (SELECT id, body <@> to_bm25query(q.words) AS score FROM bm25_doc ORDER BY body <@> to_bm25query(q.words) LIMIT 3) d WHERE score < 0
	) s GROUP BY how, q.id ORDER BY q.id, how
$$;
SET enable_seqscan = off;
SELECT bm25_plan('SELECT (SELECT d.id FROM bm25_doc d ORDER BY d.body <@> q.words LIMIT 1) FROM bm25_asked q');
SELECT bm25_plan('SELECT (SELECT d.id FROM bm25_doc d ORDER BY d.body <@> to_bm25query(q.words) LIMIT 1) FROM bm25_asked q');
SELECT bm25_plan('SELECT (SELECT d.id FROM bm25_doc d ORDER BY d.body <@> q.query LIMIT 1) FROM bm25_asked q');
SELECT * FROM bm25_answers();
RESET enable_seqscan;
SET enable_indexscan = off;
SELECT * FROM bm25_answers() ORDER BY id, how;
RESET enable_indexscan;
PREPARE bm25_given (bm25query) AS SELECT id, round((body <@> $1)::numeric, 3) AS score FROM bm25_doc WHERE body <@> $1 < 0 ORDER BY body <@> $1, id LIMIT 2;
PREPARE bm25_named (text, regclass) AS SELECT id, round((body <@> to_bm25query($1, $2))::numeric, 3) AS score FROM bm25_doc ORDER BY body <@> to_bm25query($1, $2), id LIMIT 2;
SET plan_cache_mode = force_generic_plan;
EXECUTE bm25_given ('quick fox');
EXECUTE bm25_given ('bm25_doc_stems:foxes');
EXECUTE bm25_given (NULL);
EXECUTE bm25_named ('quick fox', NULL);
EXECUTE bm25_named ('foxes', 'bm25_doc_stems');
SET plan_cache_mode = force_custom_plan;
EXECUTE bm25_given ('quick fox');
EXECUTE bm25_given ('bm25_doc_stems:foxes');
EXECUTE bm25_given (NULL);
EXECUTE bm25_named ('quick fox', NULL);
EXECUTE bm25_named ('foxes', 'bm25_doc_stems');
RESET plan_cache_mode;
DEALLOCATE bm25_given;
DEALLOCATE bm25_named;
SELECT id FROM bm25_doc ORDER BY body <@> (SELECT query FROM bm25_asked WHERE id = 4), id LIMIT 1;
SELECT to_bm25query('bm25_doc_stems:a'::bm25query, 'bm25_doc_body'), to_bm25query('a'::bm25query, 'bm25_doc_body'), to_bm25query('a'::bm25query, NULL), to_bm25query(NULL::bm25query, 'bm25_doc_body');
-- a subquery without FROM is its expression, and may name the index; one that decides about its row is not
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM bm25_doc ORDER BY body <@> (SELECT to_bm25query('fox', 'bm25_doc_body')) LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM bm25_doc ORDER BY body <@> (SELECT to_bm25query('fox', 'bm25_doc_stems')) LIMIT 1;
SELECT (SELECT min(body <@> (SELECT to_bm25query(a.text, 'bm25_doc_body'))) < 0 FROM bm25_doc) AS found FROM (VALUES ('fox'), ('nothing')) a(text);
SELECT count(body <@> (SELECT to_bm25query('fox', 'bm25_doc_body') LIMIT 0)) AS none, count(body <@> (SELECT to_bm25query('fox', 'bm25_doc_body'))) > 0 AS some
	FROM bm25_doc;
RESET enable_seqscan;
DROP FUNCTION bm25_answers, bm25_plan;
DROP TABLE bm25_asked;

-- a partial index has the statistics of a part: only a query that names it means it
CREATE TABLE bm25_language (id int, language text, body text);
INSERT INTO bm25_language VALUES (1, 'en', 'running foxes'), (2, 'de', 'laufende Hunde');
CREATE INDEX bm25_english ON bm25_language USING bm25 (body) WITH (text_config = 'english') WHERE language = 'en';
SELECT id FROM bm25_language WHERE language = 'en' AND body <@> 'fox' < 0;
SELECT id FROM bm25_language WHERE language = 'en' AND body <@> to_bm25query('fox', 'bm25_english') < 0;

-- statistics are for who may read the column
CREATE ROLE bm25_reader;
SET ROLE bm25_reader;
SELECT 'fox' <@> to_bm25query('fox', 'bm25_doc_body');
RESET ROLE;
GRANT SELECT (id) ON bm25_doc TO bm25_reader;
SET ROLE bm25_reader;
SELECT 'fox' <@> to_bm25query('fox', 'bm25_doc_body');
RESET ROLE;
GRANT SELECT (body) ON bm25_doc TO bm25_reader;
SET ROLE bm25_reader;
SELECT 'fox' <@> to_bm25query('fox', 'bm25_doc_body') < 0 AS may;
SELECT count(*) FROM bm25_doc WHERE body <@> 'fox' < 0;
RESET ROLE;
DROP OWNED BY bm25_reader;
DROP ROLE bm25_reader;

-- options
CREATE INDEX ON bm25_page USING bm25 (body) WITH (text_config = 'simple', weights = '0');
CREATE INDEX ON bm25_page USING bm25 (body) WITH (text_config = 'simple', weights = '1,');
CREATE INDEX ON bm25_page USING bm25 (body) WITH (text_config = 'simple', weights = '1.234');
CREATE INDEX ON bm25_page USING bm25 (body) WITH (text_config = 'simple', weights = '');
CREATE INDEX ON bm25_page USING bm25 (body) WITH (text_config = 'klingon');
DROP FUNCTION bm25_best;
DROP VIEW bm25_view;
DROP TABLE bm25_doc, bm25_page, bm25_part, bm25_language;
