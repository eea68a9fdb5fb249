-- Vector Group: the nearest row of each group, in the order of the distance
CREATE SCHEMA group_scan;
SET search_path = group_scan, public;
SET vector.background_work = off;
SET jit = off;
SELECT setseed(0.75);
CREATE FUNCTION random_vector(int) RETURNS vector LANGUAGE sql AS
	$$SELECT array_agg(random()::real)::vector FROM generate_series(1, 8) WHERE $1 IS NOT NULL$$;
CREATE TABLE doc (id int PRIMARY KEY, title text);
INSERT INTO doc SELECT i, 'doc ' || i FROM generate_series(0, 300) i;
CREATE TABLE chunk (id int PRIMARY KEY, doc_id int, part text, lang int, day date, v vector(8) NOT NULL, s sparsevec(8));
-- a group of nulls, some large groups, rows of a sealed and of a growing segment, dead rows
INSERT INTO chunk SELECT i, CASE WHEN i % 60 = 0 THEN NULL WHEN i % 3 = 0 THEN i % 2 ELSE i / 10 END, 'p' || i % 4, i % 5, '2026-01-01'::date + i / 20, random_vector(i)
	FROM generate_series(1, 2500) i;
CREATE INDEX chunk_v ON chunk USING ivfflat (v vector_cosine_ops, lang) WITH (lists = 5);
INSERT INTO chunk SELECT i, i / 10, 'p' || i % 4, i % 5, '2026-01-01'::date + i / 20, random_vector(i) FROM generate_series(2501, 3000) i;
DELETE FROM chunk WHERE id % 11 = 0;
UPDATE chunk SET v = random_vector(id) WHERE id % 13 = 0;
UPDATE chunk SET s = v;
CREATE INDEX chunk_day ON chunk (day);
CREATE VIEW best AS SELECT DISTINCT ON (doc_id) doc_id, id, lang, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk ORDER BY doc_id, v <=> '[1,0,1,0,1,0,1,0]';
VACUUM ANALYZE chunk;
-- every list is searched, so an index finds all rows
SET ivfflat.probes = 5;

SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, id, v <=> '[1,0,1,0,1,0,1,0]' AS distance
	FROM chunk ORDER BY doc_id, v <=> '[1,0,1,0,1,0,1,0]') d ORDER BY distance LIMIT 3;
SELECT doc_id, id, rounded FROM (SELECT DISTINCT ON (doc_id) doc_id, id, round((v <=> '[1,0,1,0,1,0,1,0]')::numeric, 4) AS rounded, v <=> '[1,0,1,0,1,0,1,0]' AS distance
	FROM chunk ORDER BY doc_id, v <=> '[1,0,1,0,1,0,1,0]') d ORDER BY distance LIMIT 3;
CREATE FUNCTION removed(query text) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
	RETURN QUERY SELECT jsonb_path_query(plan, 'strict $.**?(@."Custom Plan Provider" == "Vector Group").keyvalue() ? (@.key == "Group Key" || @.key == "Rows Removed by Grouping")') - 'id';
END $$;
SELECT removed($$SELECT id FROM (SELECT DISTINCT ON (doc_id, part) id, v <=> '[1,0,1,0,1,0,1,0]' AS distance
	FROM chunk WHERE doc_id IN (0, 1) ORDER BY doc_id, part, 2) d ORDER BY distance$$);
RESET enable_sort;

-- whether a query has a group scan, and the rows of PostgreSQL's own plan in the same order
CREATE FUNCTION compare(query text, OUT grouped boolean, OUT filtered boolean, OUT rows int, OUT equal boolean) LANGUAGE plpgsql
	SET random_page_cost = 0 SET cpu_operator_cost = 0 SET cpu_index_tuple_cost = 0 SET cpu_tuple_cost = 1 AS $$
DECLARE
	line text;
	plan text := '';
	expected text[];
	found text[];
BEGIN
	PERFORM set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true), set_config('vector.enable_group_scan', 'on', true);
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan := plan || line;
	END LOOP;
	EXECUTE 'SELECT coalesce(array_agg(r::text), ''{}'') FROM (' || query || ') r' INTO found;
	PERFORM set_config('enable_sort', 'on', true), set_config('enable_seqscan', 'on', true), set_config('vector.enable_group_scan', 'off', true);
	SET LOCAL enable_indexscan = off;
	EXECUTE 'SELECT coalesce(array_agg(r::text), ''{}'') FROM (' || query || ') r' INTO expected;
	SET LOCAL enable_indexscan = on;
	grouped := plan ~ 'Vector Group';
	filtered := plan ~ 'Filter Scan';
	rows := cardinality(found);
	equal := found = expected;
END $$;
CREATE TABLE query (n serial, keys text, condition text, around text);
INSERT INTO query (keys, condition, around) SELECT keys, condition, around FROM
	(VALUES ('doc_id'), ('lang, doc_id'), ('part, doc_id, lang'), ('doc_id % 10'), ('doc_id::numeric, part COLLATE "C"')) k (keys),
	(VALUES ('true'), ('lang = 2'), ('lang < 3 AND part <> ''p1'''), ('day BETWEEN ''2026-02-01'' AND ''2026-03-01'''), ('doc_id = 0'),
		('doc_id IN (SELECT id FROM doc WHERE title ~ ''7'')'), ('v <=> ''[1,0,1,0,1,0,1,0]'' < 0.2')) c (condition),
	(VALUES ('LIMIT 10'), ('LIMIT 7 OFFSET 5'), ('LIMIT 1000'), (''), ('WHERE d.id % 3 > 0 LIMIT 10'), ('WHERE distance > 0.1 LIMIT 4')) a (around);
UPDATE query SET around = replace(around, 'WHERE', 'WHERE true AND');
SELECT count(*), count(*) FILTER (WHERE grouped) > 150 AS grouped, count(*) FILTER (WHERE filtered) > 20 AS filtered, sum(rows) > 10000 AS many, count(*) FILTER (WHERE equal) AS equal
	FROM query, compare(format($$SELECT * FROM (SELECT DISTINCT ON (%1$s) id, %1$s, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk WHERE %2$s
		ORDER BY %1$s, v <=> '[1,0,1,0,1,0,1,0]') d %3$s$$, keys, condition,
		CASE WHEN around ~ 'LIMIT' THEN regexp_replace(around, 'LIMIT', 'ORDER BY distance LIMIT') ELSE 'ORDER BY distance' END));
-- other forms: keys that are not selected, a view, a CTE, joins, an order of more columns around
SELECT compare FROM (VALUES
	($$SELECT id FROM (SELECT DISTINCT ON (doc_id) id, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk ORDER BY doc_id, 2) d ORDER BY distance LIMIT 5$$),
	($$SELECT * FROM best ORDER BY distance LIMIT 5$$),
	($$SELECT * FROM best WHERE lang = 1 ORDER BY distance LIMIT 5$$),
	($$SELECT * FROM best WHERE doc_id BETWEEN 3 AND 90 ORDER BY distance LIMIT 5$$),
	($$WITH d AS (SELECT * FROM best) SELECT * FROM d ORDER BY distance, id DESC LIMIT 5$$),
	($$SELECT title, best.* FROM best JOIN doc ON doc.id = doc_id ORDER BY distance LIMIT 5$$),
	($$SELECT title, best.* FROM best LEFT JOIN doc ON doc.id = doc_id ORDER BY distance LIMIT 40$$),
	($$SELECT DISTINCT ON (distance) * FROM best ORDER BY distance LIMIT 5$$),
	($$SELECT q, e.* FROM unnest(ARRAY['[1,1,1,1,0,0,0,0]', '[0,0,0,1,1,1,1,0]']::vector[]) q, LATERAL (SELECT * FROM
		(SELECT DISTINCT ON (doc_id) doc_id, id, v <=> q AS distance FROM chunk ORDER BY doc_id, v <=> q) d ORDER BY distance LIMIT 3) e$$),
	($$SELECT id, (SELECT array_agg(title) FROM (SELECT b.id AS title FROM best b WHERE b.id > doc.id ORDER BY distance LIMIT 2) t) FROM doc WHERE id < 4 ORDER BY id$$)
) form (form), compare(form);
-- what has another order, is cut off, is not one table or has side effects keeps PostgreSQL's plan
SELECT (compare).grouped, (compare).equal FROM (VALUES
	($$SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, id, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk ORDER BY doc_id, 3) d ORDER BY distance DESC LIMIT 5$$),
	($$SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, id, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk ORDER BY doc_id, 3 DESC) d ORDER BY distance LIMIT 5$$),
	($$SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, id, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk ORDER BY doc_id, 3, id) d ORDER BY distance LIMIT 5$$),
	($$SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, id, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk ORDER BY doc_id, id) d ORDER BY distance LIMIT 5$$),
	($$SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, id, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk ORDER BY doc_id, 3) d ORDER BY id, distance LIMIT 5$$),
	($$SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, id, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk ORDER BY doc_id, 3) d LIMIT 5$$),
	($$SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, id, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk ORDER BY doc_id, 3 LIMIT 20) d ORDER BY distance LIMIT 5$$),
	($$SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, doc.id, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk JOIN doc ON doc.id = doc_id ORDER BY doc_id, 3) d ORDER BY distance LIMIT 5$$),
	($$SELECT doc_id, distance FROM (SELECT DISTINCT ON (doc_id) doc_id, random(), v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk ORDER BY doc_id, 3) d ORDER BY distance LIMIT 5$$),
	($$SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, v <=> '[1,0,1,0,1,0,1,0]' AS distance, count(*) OVER () FROM chunk ORDER BY doc_id, 2) d ORDER BY distance LIMIT 5$$)
) form (form), compare(form);
SET ivfflat.iterative_scan = off;
SELECT grouped FROM compare('SELECT * FROM best ORDER BY distance LIMIT 5');
RESET ivfflat.iterative_scan;

-- rows that are equally distant: one of each group
INSERT INTO chunk SELECT 4000 + i, 500 + i / 5, 'tie', 9, NULL, '[0,0,0,0,0,0,0,1]' FROM generate_series(0, 24) i;
SELECT rows, equal FROM compare($$SELECT doc_id / 100, distance FROM (SELECT DISTINCT ON (doc_id) doc_id, v <=> '[0,0,0,0,0,0,0,1]' AS distance FROM chunk ORDER BY doc_id, 2) d ORDER BY distance LIMIT 7$$);
DELETE FROM chunk WHERE lang = 9;

-- other indexes
DROP INDEX chunk_v;
CREATE INDEX chunk_v ON chunk USING hnsw (v vector_cosine_ops, lang);
CREATE INDEX chunk_s ON chunk USING sparse (s sparsevec_ip_ops, lang);
SET hnsw.ef_search = 1000;
SELECT compare('SELECT * FROM best ORDER BY distance LIMIT 12');
SELECT compare($$SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, id, s <#> '{1:1,5:2}/8' AS distance FROM chunk WHERE lang > 1 ORDER BY doc_id, 3) d ORDER BY distance LIMIT 30$$);
-- prepared, with a plan for any parameters
SET plan_cache_mode = force_generic_plan;
SET enable_sort = off;
PREPARE grouped(vector, int, int) AS SELECT doc_id, id FROM (SELECT DISTINCT ON (doc_id) doc_id, id, v <=> $1 AS distance FROM chunk WHERE lang = $2
	ORDER BY doc_id, v <=> $1) d ORDER BY distance LIMIT $3;
EXPLAIN (COSTS OFF) EXECUTE grouped('[1,0,1,0,1,0,1,0]', 1, 3);
CREATE TEMP TABLE prepared_answer AS EXECUTE grouped('[0,0,1,0,1,0,1,0]', 2, 5);
CREATE TEMP TABLE prepared_second AS EXECUTE grouped('[1,1,1,0,0,0,0,0]', 3, 4);
RESET plan_cache_mode;
SET vector.enable_group_scan = off;
SET enable_indexscan = off;
DEALLOCATE grouped;
PREPARE grouped(vector, int, int) AS SELECT doc_id, id FROM (SELECT DISTINCT ON (doc_id) doc_id, id, v <=> $1 AS distance FROM chunk WHERE lang = $2
	ORDER BY doc_id, v <=> $1) d ORDER BY distance LIMIT $3;
CREATE TEMP TABLE prepared_expected AS EXECUTE grouped('[0,0,1,0,1,0,1,0]', 2, 5);
CREATE TEMP TABLE prepared_expected_second AS EXECUTE grouped('[1,1,1,0,0,0,0,0]', 3, 4);
SELECT (SELECT array_agg(p::text) FROM prepared_answer p) = (SELECT array_agg(p::text) FROM prepared_expected p)
	AND (SELECT array_agg(p::text) FROM prepared_second p) = (SELECT array_agg(p::text) FROM prepared_expected_second p) AS equal;
RESET vector.enable_group_scan;
RESET enable_indexscan;
-- a cursor goes on, and back
BEGIN;
DECLARE groups SCROLL CURSOR FOR SELECT doc_id, id FROM best ORDER BY distance;
FETCH 3 FROM groups;
FETCH BACKWARD 1 FROM groups;
FETCH 3 FROM groups;
COMMIT;
SELECT doc_id, id FROM best ORDER BY distance LIMIT 5;
RESET enable_sort;
-- policies
CREATE ROLE regress_group;
GRANT USAGE ON SCHEMA group_scan TO regress_group;
GRANT SELECT ON ALL TABLES IN SCHEMA group_scan TO regress_group;
ALTER TABLE chunk ENABLE ROW LEVEL SECURITY;
CREATE POLICY chunk_policy ON chunk TO regress_group USING (id % 2 = 0 AND lang <> 3);
SET ROLE regress_group;
SELECT compare($$SELECT * FROM (SELECT DISTINCT ON (doc_id) doc_id, id, v <=> '[1,0,1,0,1,0,1,0]' AS distance FROM chunk ORDER BY doc_id, 3) d ORDER BY distance LIMIT 50$$);
RESET ROLE;
SHOW vector.enable_group_scan;

SET client_min_messages = warning;
RESET search_path;
RESET vector.background_work;
RESET jit;
RESET ivfflat.probes;
RESET hnsw.ef_search;
DROP SCHEMA group_scan CASCADE;
DROP ROLE regress_group;
