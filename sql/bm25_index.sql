-- indexes of words: the rows of an index scan are those of a sequential scan, and so are their scores
CREATE TABLE bm25_docs (id int PRIMARY KEY, body text, kind int, label text) WITH (autovacuum_enabled = off);
-- words that are the rarer the greater their numbers
CREATE FUNCTION bm25_words(seed int, words int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT string_agg('w' || floor(exp((hashint8(seed::bigint * 1000 + i)::bigint + 2147483648) / 4294967296.0 * 7))::int, ' ')
	FROM generate_series(1, words) i
$$;
CREATE FUNCTION bm25_rows(plan text, query text, wanted int, condition text) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
	scores float8[];
BEGIN
	PERFORM set_config('enable_seqscan', (plan = 'seq')::text, true), set_config('enable_indexscan', (plan = 'index')::text, true),
		set_config('enable_bitmapscan', 'off', true);
	EXECUTE format('SELECT array_agg(s ORDER BY s, id) FROM (SELECT id, body <@> %1$L AS s FROM bm25_docs WHERE %2$s ORDER BY 2 LIMIT %3$s) x
		WHERE s < 0', query, condition, wanted) INTO scores;
	RETURN scores;
END $$;
CREATE FUNCTION bm25_same(query text, wanted int, condition text DEFAULT 'true') RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN i IS NOT DISTINCT FROM s THEN coalesce(cardinality(i), 0)::text ELSE format('%s, not %s', i, s) END
	FROM (SELECT bm25_rows('index', query, wanted, condition) AS i, bm25_rows('seq', query, wanted, condition) AS s) x
$$;
CREATE FUNCTION bm25_all(condition text DEFAULT 'true') RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s: %s', query, string_agg(bm25_same(query, wanted, condition), ', ' ORDER BY wanted))
	FROM unnest(ARRAY['w3 w50 w77', 'w1', 'w900', 'w1 w2 w3 w4 w5 w6', '+w3 -w1 w9', 'w10* w3', '"w1 w2"', '-w1'])
		WITH ORDINALITY q(query, n), unnest(ARRAY[5, 200]) wanted
	GROUP BY n, query ORDER BY n
$$;
INSERT INTO bm25_docs SELECT n, bm25_words(n, 5 + n % 40), n % 10, 'l' || n % 3 FROM generate_series(1, 200) n;
CREATE INDEX bm25_docs_body ON bm25_docs USING bm25 (body);
CREATE INDEX bm25_docs_body ON bm25_docs USING bm25 (body) WITH (text_config = 'missing');
CREATE INDEX bm25_docs_body ON bm25_docs USING bm25 (body) WITH (text_config = 'simple', b = 2);
CREATE INDEX bm25_docs_body ON bm25_docs USING bm25 (body) WITH (text_config = 'simple', weights = '1,x');
CREATE INDEX bm25_docs_body ON bm25_docs USING bm25 (body, label) WITH (text_config = 'simple');
CREATE INDEX bm25_docs_body ON bm25_docs USING bm25 (kind) WITH (text_config = 'simple');
CREATE INDEX bm25_docs_body ON bm25_docs USING bm25 (body, kind, label text_ops) WITH (text_config = 'simple');
EXPLAIN (COSTS OFF) SELECT id FROM bm25_docs WHERE kind = 3 ORDER BY body <@> 'w3 w50' LIMIT 10;
SELECT bm25_all();
SELECT bm25_all('kind = 3');
SELECT bm25_same('none', 10), bm25_same('w5 w5 w7', 10), bm25_same('w1 w3', 10, $$kind IN (1, 2) AND label = 'l1' AND id % 2 = 0$$), bm25_same('w3 w50 w77', 300, $$body <@> 'w3 w50 w77' < -1$$);
-- growing rows, with long ones, and without words
INSERT INTO bm25_docs SELECT n, bm25_words(n, 5 + n % 40), n % 10, 'l' || n % 3 FROM generate_series(1501, 1600) n;
INSERT INTO bm25_docs SELECT n, repeat('w1 w2 w5000 ', 3000), n % 10 FROM generate_series(2001, 2003) n;
INSERT INTO bm25_docs VALUES (2004, '', 1), (2005, '. , ;', 1), (2006, NULL, 1), (2007, (SELECT string_agg('u' || n, ' ') FROM generate_series(1, 5000) n), 2);
SELECT vector_index_check('bm25_docs_body') > 0 AS sound;
SELECT bm25_all();
SELECT bm25_same('u4999 w5000', 10), bm25_same('u4* w1', 10);
DELETE FROM bm25_docs WHERE id % 7 = 0;
UPDATE bm25_docs SET body = body || ' w3 w77' WHERE id % 11 = 0;
BEGIN;
INSERT INTO bm25_docs VALUES (3000, 'w3 w3 w3 w77 w50', 3);
SELECT id FROM bm25_docs ORDER BY body <@> 'w77 w3 w50' LIMIT 1;
ROLLBACK;
SELECT bm25_all();
-- the rows of sealed segments, and of what they are merged into
VACUUM bm25_docs;
SELECT vector_seal('bm25_docs_body') >= 0 AS sealed;
SELECT DISTINCT kind, method FROM vector_index_segments('bm25_docs_body') WHERE kind <> 'retired';
SELECT vector_merge('bm25_docs_body') >= 0 AS merged;
SELECT DISTINCT kind, method FROM vector_index_segments('bm25_docs_body') WHERE kind <> 'retired';
SELECT vector_index_check('bm25_docs_body') > 0 AS sound;
SELECT bm25_all('kind IN (1, 2)');
-- another formula, at once and after REINDEX
ALTER INDEX bm25_docs_body SET (k1 = 2.5, b = 0.1);
SELECT bm25_all();
ALTER INDEX bm25_docs_body SET (k1 = 0);
SELECT bm25_same('w3 w50 w77', 10), bm25_same('w10* w3', 100);
REINDEX INDEX bm25_docs_body;
ALTER INDEX bm25_docs_body SET (k1 = 1.2, b = 1);
SELECT bm25_same('w3 w50 w77', 10), bm25_same('w10* w3', 100);
-- with the places of words
DROP INDEX bm25_docs_body;
CREATE INDEX bm25_docs_body ON bm25_docs USING bm25 (body) WITH (text_config = 'simple', positions = on, seal_rows = 50);
SELECT bm25_same('"w1 w2 w3"', 10), bm25_same('w3 "w1 w2"', 10), bm25_same('-"w1 w2" w3', 10);
INSERT INTO bm25_docs SELECT n, bm25_words(n, 5 + n % 40), n % 10 FROM generate_series(4001, 4080) n;
SELECT bm25_all();
SELECT vector_index_check('bm25_docs_body') > 0 AS sound;
DROP INDEX bm25_docs_body;
-- several texts, of which each has a weight
ALTER TABLE bm25_docs ADD title text;
UPDATE bm25_docs SET title = bm25_words(id + 10000, 3);
VACUUM bm25_docs;
CREATE INDEX bm25_docs_texts ON bm25_docs USING bm25 ((ARRAY[title, body])) WITH (text_config = 'simple', weights = '2.5,1');
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM bm25_docs ORDER BY ARRAY[title, body] <@> 'w3 w50' LIMIT 10;
CREATE TEMP TABLE bm25_found AS SELECT id, ARRAY[title, body] <@> 'w3 w50 w400' AS score FROM bm25_docs ORDER BY 2 LIMIT 20;
RESET enable_seqscan;
SET enable_indexscan = off;
SELECT count(*), bool_and(f.score = d.score) FROM bm25_found f JOIN
	(SELECT id, ARRAY[title, body] <@> 'w3 w50 w400' AS score FROM bm25_docs) d USING (id);
SELECT (SELECT array_agg(score ORDER BY score) FROM bm25_found) =
	(SELECT array_agg(score ORDER BY score) FROM (SELECT ARRAY[title, body] <@> 'w3 w50 w400' AS score FROM bm25_docs ORDER BY 1 LIMIT 20) x);
RESET enable_indexscan;
SELECT vector_index_check('bm25_docs_texts') > 0 AS sound;
DROP TABLE bm25_docs, bm25_found;
-- an empty index, and one of texts without words
CREATE TABLE bm25_empty (body text);
CREATE INDEX bm25_empty_body ON bm25_empty USING bm25 (body) WITH (text_config = 'english');
SET enable_seqscan = off;
SELECT * FROM bm25_empty ORDER BY body <@> 'fox' LIMIT 1;
INSERT INTO bm25_empty VALUES ('the'), (''), (NULL);
SELECT * FROM bm25_empty ORDER BY body <@> 'fox' LIMIT 1;
SELECT vector_index_check('bm25_empty_body');
INSERT INTO bm25_empty VALUES ('the quick brown fox'), ('the lazy dog'), ('quick quick fox');
SELECT body, (body <@> 'quick fox')::numeric(6, 4) AS score FROM bm25_empty ORDER BY body <@> 'quick fox' LIMIT 5;
SELECT body FROM bm25_empty ORDER BY body <@> NULL LIMIT 5;
REINDEX INDEX bm25_empty_body;
SELECT body, (body <@> 'quick fox')::numeric(6, 4) AS score FROM bm25_empty ORDER BY body <@> 'quick fox' LIMIT 5;
RESET enable_seqscan;
DROP TABLE bm25_empty;
DROP FUNCTION bm25_all, bm25_same, bm25_rows, bm25_words;
-- an index remembers what made its words
CREATE TEXT SEARCH CONFIGURATION bm25_config (COPY = pg_catalog.english);
CREATE TABLE bm25_digest (body text);
INSERT INTO bm25_digest VALUES ('running foxes'), ('a fox ran');
CREATE INDEX bm25_digest_body ON bm25_digest USING bm25 (body) WITH (text_config = 'public.bm25_config');
SELECT vector_index_state('bm25_digest_body');
ALTER TEXT SEARCH CONFIGURATION bm25_config ALTER MAPPING FOR asciiword WITH simple;
SELECT vector_index_state('bm25_digest_body');
-- the texts have other words now
SELECT vector_index_check('bm25_digest_body');
\c -
SET enable_seqscan = off;
SELECT body FROM bm25_digest ORDER BY body <@> 'foxes' LIMIT 1;
REINDEX INDEX bm25_digest_body;
SELECT vector_index_state('bm25_digest_body');
SELECT body FROM bm25_digest ORDER BY body <@> 'foxes' LIMIT 1;
ALTER INDEX bm25_digest_body SET (weights = '2');
SELECT body FROM bm25_digest ORDER BY body <@> 'foxes' LIMIT 1;
-- a query of one index is not scanned by another
CREATE INDEX bm25_digest_simple ON bm25_digest USING bm25 (body) WITH (text_config = 'simple');
EXPLAIN (COSTS OFF) SELECT body FROM bm25_digest ORDER BY body <@> to_bm25query('foxes', 'bm25_digest_body') LIMIT 1;
EXPLAIN (COSTS OFF) SELECT body FROM bm25_digest ORDER BY body <@> to_bm25query('foxes', 'bm25_digest_simple') LIMIT 1;
EXPLAIN (COSTS OFF) SELECT found.body FROM (VALUES ('ran'), ('a')) v (q), LATERAL (SELECT body FROM bm25_digest ORDER BY body <@> to_bm25query(q, 'bm25_digest_simple') LIMIT 1) found;
-- a configuration that gets another name, or another schema, is used on: the index depends on it
CREATE TEXT SEARCH CONFIGURATION bm25_named (COPY = pg_catalog.english);
CREATE TABLE bm25_renamed (id int, body text);
CREATE INDEX bm25_renamed_body ON bm25_renamed USING bm25 (body) WITH (text_config = 'public.bm25_named');
INSERT INTO bm25_renamed VALUES (1, 'running foxes');
ALTER TEXT SEARCH CONFIGURATION bm25_named RENAME TO "bm25 renamed";
\c -
SET enable_seqscan = off;
SELECT id FROM bm25_renamed ORDER BY body <@> 'fox runs' LIMIT 1;
INSERT INTO bm25_renamed VALUES (2, 'fox');
CREATE SCHEMA bm25_schema;
ALTER TEXT SEARCH CONFIGURATION "bm25 renamed" SET SCHEMA bm25_schema;
REINDEX INDEX bm25_renamed_body;
SELECT id FROM bm25_renamed ORDER BY body <@> 'runs' LIMIT 1;
SELECT vector_index_state('bm25_renamed_body');
ALTER INDEX bm25_renamed_body SET (k1 = 2);
ALTER INDEX bm25_renamed_body SET (text_config = 'bm25_schema."bm25 renamed"');
\c -
SET enable_seqscan = off;
SELECT id FROM bm25_renamed ORDER BY body <@> 'runs' LIMIT 1;
RESET enable_seqscan;
-- without the dependency there is nothing to go by
CREATE INDEX ON bm25_renamed USING bm25 (body) WITH (text_config = 'public.bm25_named');
DROP TABLE bm25_renamed;
DROP SCHEMA bm25_schema CASCADE;

-- a configuration is not dropped without the indexes that need it, however often these were built
REINDEX INDEX CONCURRENTLY bm25_digest_body;
REINDEX TABLE bm25_digest;
DROP TEXT SEARCH CONFIGURATION bm25_config;
CREATE TABLE bm25_digest_parts (body text) PARTITION BY LIST (body);
CREATE TABLE bm25_digest_part PARTITION OF bm25_digest_parts DEFAULT;
CREATE TABLE bm25_digest_other PARTITION OF bm25_digest_parts FOR VALUES IN ('other');
CREATE INDEX bm25_digest_parts_body ON bm25_digest_parts USING bm25 (body) WITH (text_config = 'public.bm25_config');
SELECT objid::regclass AS index, count(*) FROM pg_depend
	WHERE refclassid = 'pg_ts_config'::regclass AND refobjid = 'bm25_config'::regconfig AND classid = 'pg_class'::regclass
	GROUP BY objid ORDER BY objid::regclass::text COLLATE "C";
-- nor without that of a partitioned table to which one is attached
CREATE TABLE bm25_attached (body text) PARTITION BY LIST (body);
CREATE INDEX bm25_attached_body ON ONLY bm25_attached USING bm25 (body) WITH (text_config = 'public.bm25_config');
CREATE TABLE bm25_attached_part (body text);
CREATE INDEX bm25_attached_part_body ON bm25_attached_part USING bm25 (body) WITH (text_config = 'public.bm25_config');
ALTER TABLE bm25_attached ATTACH PARTITION bm25_attached_part DEFAULT;
SELECT objid::regclass AS index, count(*) FROM pg_depend
	WHERE refclassid = 'pg_ts_config'::regclass AND refobjid = 'bm25_config'::regconfig AND objid::regclass::text ~ 'attached' GROUP BY 1 ORDER BY 1;
\set VERBOSITY terse
DROP TEXT SEARCH CONFIGURATION bm25_config CASCADE;
\set VERBOSITY default
DROP TABLE bm25_digest, bm25_digest_parts, bm25_attached;

-- More lengths than a segment has classes of lengths: scores are by the lengths themselves.
CREATE TABLE bm25_lengths AS SELECT n AS id, 'a ' || repeat('b ', n) || repeat('c ', n % 5) AS body FROM generate_series(1, 700) n;
CREATE INDEX bm25_lengths_body ON bm25_lengths USING bm25 (body) WITH (text_config = 'pg_catalog.simple');
SET enable_indexscan = off;
CREATE TABLE bm25_lengths_wanted AS SELECT id, body <@> to_bm25query('a c', 'bm25_lengths_body') AS score FROM bm25_lengths;
RESET enable_indexscan;
SET enable_seqscan = off;
SELECT count(*) AS rows, count(DISTINCT found.score) > 600 AS scores, count(*) FILTER (WHERE wanted.score IS DISTINCT FROM found.score) AS wrong,
	bool_and(found.score >= before) AS ordered
FROM (SELECT id, score, lag(score) OVER () AS before FROM (SELECT id, body <@> to_bm25query('a c', 'bm25_lengths_body') AS score FROM bm25_lengths
	ORDER BY score LIMIT 1000) x) found LEFT JOIN bm25_lengths_wanted wanted USING (id);
RESET enable_seqscan;
DROP TABLE bm25_lengths, bm25_lengths_wanted;
