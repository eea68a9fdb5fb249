-- subqueries as filters: inner rows that are computed before a search
SELECT setseed(0.3);
CREATE FUNCTION random_vector(int) RETURNS vector LANGUAGE sql AS
	$$SELECT array_agg(random()::real)::vector FROM generate_series(1, 6) WHERE $1 IS NOT NULL$$;
CREATE TABLE docs (id int PRIMARY KEY, v vector(6), category int, name text);
INSERT INTO docs SELECT i, random_vector(i), i % 7, 'doc ' || i % 90 FROM generate_series(1, 600) i;
CREATE TABLE acl (u int, doc int, doc8 bigint, name varchar(20), grp int);
INSERT INTO acl SELECT i % 20, nullif(d, 100), d * 2, 'doc ' || i % 90, i % 5
	FROM generate_series(1, 900) i, LATERAL (SELECT (i * 37 + i / 20) % 700 AS d) d;
CREATE INDEX ON acl (u, doc);
CREATE TABLE members (u int, grp int);
INSERT INTO members SELECT i, i % 6 FROM generate_series(1, 20) i;
CREATE INDEX docs_v ON docs USING hnsw (v vector_l2_ops, id, category, name) WITH (seal_rows = 400);
ANALYZE docs, acl, members;
SET hnsw.ef_search = 1000;

-- without what versions of PostgreSQL write differently about the same plan
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text; BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		CONTINUE WHEN line ~ 'Disabled|Order By';
		line := regexp_replace(replace(line, 'Index Only Scan using docs_v', 'Index Scan using docs_v'), '(Filter|Index Cond): \(id = ANY', 'Cond: (id = ANY');
		line := regexp_replace(regexp_replace(line, '\(returns \$\d+\)', ''), 'InitPlan array_', 'InitPlan ', 'g');
		RETURN NEXT rtrim(regexp_replace(line, '\$\d+|\(InitPlan \d+\)\.col1', 'array', 'g'));
	END LOOP;
END $$;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SELECT plan('SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 5');
SELECT plan('SELECT id FROM docs WHERE EXISTS (SELECT FROM acl WHERE docs.id = doc AND u = 3) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 5');
SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 5;
RESET enable_sort;
SET vector.enable_semijoin_filter = off;
SELECT plan('SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 5');
SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 5;
RESET vector.enable_semijoin_filter;
RESET enable_bitmapscan;
RESET enable_seqscan;

-- conditions, compared with the plans that PostgreSQL makes of them
CREATE FUNCTION random_condition() RETURNS text LANGUAGE sql AS $$
	SELECT format((ARRAY[
		'id IN (SELECT doc FROM acl WHERE u = %1$s)',
		'id = ANY (SELECT doc FROM acl WHERE u < %1$s)',
		'id IN (SELECT DISTINCT doc FROM acl WHERE u BETWEEN %1$s AND %2$s)',
		'id IN (SELECT doc FROM acl WHERE u = %1$s UNION SELECT doc FROM acl WHERE grp = %2$s)',
		'id IN (SELECT doc FROM acl WHERE u = %1$s ORDER BY doc LIMIT %2$s)',
		'id IN (SELECT max(doc) FROM acl GROUP BY u, grp HAVING count(*) > %2$s)',
		'id IN (SELECT doc8 FROM acl WHERE u = %1$s)',
		'name IN (SELECT name FROM acl WHERE u = %1$s ORDER BY name LIMIT 3)',
		'name IN (SELECT DISTINCT name FROM acl WHERE grp = %1$s)',
		'id + 1 IN (SELECT doc FROM acl WHERE u = %1$s)',
		'id IN (SELECT d.id FROM docs d WHERE d.category = %2$s)',
		'EXISTS (SELECT 1 FROM acl WHERE acl.doc = docs.id AND acl.u = %1$s)',
		'EXISTS (SELECT FROM acl WHERE u IN (%1$s, %2$s) AND docs.id = doc8 LIMIT 1)',
		'EXISTS (SELECT u, count(*) FROM acl WHERE acl.name = docs.name AND u = %1$s GROUP BY u)',
		'EXISTS (SELECT DISTINCT u FROM acl WHERE acl.name = docs.name AND u = %1$s ORDER BY u)',
		'EXISTS (SELECT grp FROM acl WHERE acl.doc = docs.id AND u < %1$s GROUP BY grp)',
		'EXISTS (SELECT count(*) FROM acl WHERE acl.doc = docs.id AND u = %1$s)',
		'EXISTS (SELECT 1 FROM acl WHERE acl.doc = docs.id LIMIT 0)',
		'EXISTS (SELECT 1 FROM acl JOIN members m USING (grp) WHERE m.u = %1$s AND doc = docs.id)',
		'EXISTS (SELECT 1 FROM acl WHERE acl.doc = docs.id AND acl.u = docs.category)',
		'EXISTS (SELECT 1 FROM acl WHERE acl.doc = docs.id AND acl.doc8 = docs.id)',
		'EXISTS (SELECT 1 FROM acl WHERE u = %1$s AND docs.category = 2)',
		'id NOT IN (SELECT doc FROM acl WHERE u = %1$s AND doc IS NOT NULL)',
		'id NOT IN (SELECT doc FROM acl WHERE grp = %1$s)',
		'NOT EXISTS (SELECT 1 FROM acl WHERE acl.doc = docs.id AND u > %1$s)',
		'(id IN (SELECT doc FROM acl WHERE u = %1$s) OR category = %2$s)',
		'(id IN (SELECT doc FROM acl WHERE u = %1$s) OR EXISTS (SELECT 1 FROM acl WHERE doc8 = id AND u = %2$s))',
		'(id, category) IN (SELECT doc, grp FROM acl WHERE u < %1$s)',
		'id IN (SELECT doc FROM acl WHERE false)',
		'id IN (SELECT NULL::int)',
		'(id IN (SELECT doc FROM acl WHERE u = %1$s)) IS NOT FALSE',
		'category < %2$s'])[1 + floor(random() * 32)], floor(random() * 20), floor(random() * 5))
$$;
CREATE FUNCTION differ(queries int, INOUT different int DEFAULT 0, OUT filtered bool) LANGUAGE plpgsql AS $$
DECLARE
	condition text;
	query text;
	by_filter text;
	by_join text;
	filters int := 0;
BEGIN
	FOR i IN 1 .. queries LOOP
		SELECT string_agg(random_condition(), ' AND ') INTO condition FROM generate_series(1, 1 + floor(random() * 2)::int);
		query := format('SELECT array_agg(d) FROM (SELECT v <-> %L AS d FROM docs WHERE %s ORDER BY v <-> %1$L LIMIT 10) s',
			random_vector(i), condition);
		SET LOCAL vector.enable_semijoin_filter = on;
		SET LOCAL enable_sort = off;
		SELECT filters + count(*) INTO filters FROM plan(query) AS p(line) WHERE line ~ '= ANY \(array';
		EXECUTE query INTO by_filter;
		SET LOCAL enable_sort = on;
		SET LOCAL vector.enable_semijoin_filter = off;
		EXECUTE query INTO by_join;
		IF by_filter IS DISTINCT FROM by_join THEN
			different := different + 1;
			RAISE NOTICE '%: %, not %', condition, by_filter, by_join;
		END IF;
	END LOOP;
	filtered := filters > queries / 3;
END $$;
SELECT * FROM differ(120);
DELETE FROM docs WHERE id % 5 = 0;
INSERT INTO docs SELECT i, random_vector(i), i % 7, 'doc ' || i % 90 FROM generate_series(601, 700) i;
SELECT * FROM differ(60);
SELECT vector_seal('docs_v') > 0 AS sealed;
SELECT * FROM differ(60);
DROP INDEX docs_v;
CREATE INDEX docs_v ON docs USING ivf (v vector_l2_ops, category, id) WITH (lists = 3, quantizer = none);
SET ivf.probes = 3;
SELECT * FROM differ(60);

-- statements of other forms
DROP INDEX docs_v;
CREATE INDEX docs_v ON docs USING hnsw (v vector_l2_ops);
VACUUM ANALYZE docs, acl;
CREATE FUNCTION filtered(query text) RETURNS bool LANGUAGE sql AS $$SELECT coalesce(bool_or(line ~ '= ANY \(array'), false) FROM plan(query) AS p(line)$$;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET plan_cache_mode = force_generic_plan;
PREPARE p(int, vector) AS SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = $1) ORDER BY v <-> $2 LIMIT 3;
SELECT plan('EXECUTE p(3, ''[1,1,1,1,1,1]'')');
EXECUTE p(3, '[1,1,1,1,1,1]');
EXECUTE p(4, '[1,1,1,1,1,1]');
EXECUTE p(NULL, '[1,1,1,1,1,1]');
RESET plan_cache_mode;
-- an array for each outer row: a hash table of the first would be out of date
SET enable_sort = off;
SET enable_nestloop = off;
SELECT filtered('SELECT * FROM generate_series(1, 3) u, LATERAL (SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE acl.u = u.u)
	ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 1) d');
RESET enable_nestloop;
SELECT * FROM generate_series(1, 3) u, LATERAL (SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE acl.u = u.u)
	ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 1) d;
SELECT * FROM generate_series(1, 3) u, LATERAL (WITH allowed AS MATERIALIZED (SELECT doc FROM acl WHERE acl.u = u.u)
	SELECT id FROM docs WHERE id IN (SELECT doc FROM allowed) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 1) d;
RESET enable_sort;
SELECT u, ARRAY(SELECT id FROM docs WHERE EXISTS (SELECT 1 FROM acl WHERE acl.doc = id AND acl.u = u.u) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 2)
	FROM generate_series(1, 3) u;
-- common table expressions, joins, cursors
WITH allowed AS (SELECT doc FROM acl WHERE u = 3), found AS (SELECT id, v <-> '[1,1,1,1,1,1]' AS d FROM docs
		WHERE id IN (SELECT doc FROM allowed) ORDER BY d LIMIT 3)
	SELECT id FROM found JOIN docs USING (id) ORDER BY d;
SELECT id, m.grp FROM docs JOIN members m ON m.u = category WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 3;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> '[1,1,1,1,1,1]';
FETCH 2 FROM c;
FETCH 1 FROM c;
COMMIT;
SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 2 FOR UPDATE;
-- views, and a function that reads a setting
CREATE FUNCTION reader() RETURNS int STABLE LANGUAGE sql AS $$SELECT current_setting('test.reader', true)::int$$;
CREATE VIEW allowed_docs AS SELECT d.id, d.v AS embedding, d.category FROM docs d
	WHERE EXISTS (SELECT FROM acl WHERE acl.doc = d.id AND acl.u = reader());
CREATE VIEW safe_docs WITH (security_barrier) AS SELECT embedding AS e, id AS i FROM allowed_docs WHERE category < 6;
SET test.reader = 3;
SELECT filtered('SELECT id FROM allowed_docs ORDER BY embedding <-> ''[1,1,1,1,1,1]'' LIMIT 3'),
	filtered('SELECT i FROM safe_docs ORDER BY e <-> ''[1,1,1,1,1,1]'' LIMIT 3'),
	filtered('SELECT i FROM (SELECT i, e <-> ''[1,1,1,1,1,1]'' AS d FROM safe_docs) s ORDER BY d LIMIT 3');
SELECT id FROM allowed_docs ORDER BY embedding <-> '[1,1,1,1,1,1]' LIMIT 3;
SELECT i FROM safe_docs WHERE i NOT IN (SELECT 433) ORDER BY e <-> '[1,1,1,1,1,1]' LIMIT 3;
SELECT i FROM safe_docs WHERE i IN (SELECT doc FROM acl WHERE u < 9) ORDER BY e <-> '[1,1,1,1,1,1]' LIMIT 3;
CREATE FUNCTION nearest(u int) RETURNS SETOF int LANGUAGE plpgsql AS $$ BEGIN
	RETURN QUERY SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE acl.u = nearest.u) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 2;
END $$;
SELECT u, nearest(u) FROM generate_series(1, 7) u;
-- a function that PostgreSQL puts into the query
CREATE FUNCTION match(query vector, reader int) RETURNS TABLE (id int, distance float8) STABLE LANGUAGE sql AS $$
	SELECT id, v <-> query FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = reader) ORDER BY v <-> query LIMIT 2 $$;
PREPARE m(int) AS SELECT id FROM match('[1,1,1,1,1,1]', $1), generate_series(1, 1);
SET plan_cache_mode = force_generic_plan;
SELECT filtered('EXECUTE m(3)');
EXECUTE m(3);
CREATE OR REPLACE FUNCTION match(query vector, reader int) RETURNS TABLE (id int, distance float8) STABLE LANGUAGE sql AS 'SELECT 1, 0.5';
EXECUTE m(3);
RESET plan_cache_mode;
DROP FUNCTION match;
-- subqueries that stay as they are
CREATE SEQUENCE s;
SELECT filtered('SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3 AND random() < 2) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 3') AS volatile,
	filtered('SELECT id FROM docs WHERE id IN (SELECT nextval(''s'') FROM acl WHERE u = 3) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 3') AS nextval,
	filtered('SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3 FOR UPDATE) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 3') AS locking,
	filtered('SELECT id FROM docs WHERE id NOT IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 3') AS negated,
	filtered('SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY category LIMIT 3') AS other_order,
	filtered('SELECT id FROM docs JOIN acl a ON doc = id WHERE a.u IN (SELECT u FROM members) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 3') AS other_table;
SET work_mem = '64kB';
SELECT filtered('SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 3') AS small,
	filtered('SELECT id FROM docs WHERE id IN (SELECT doc + n FROM acl, generate_series(0, 100) n) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 3') AS large;
RESET work_mem;
SELECT filtered('SELECT id FROM docs WHERE id IN (SELECT doc + n FROM acl, generate_series(0, 100) n) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 3') AS large;
-- estimates: as many rows as the subquery has
CREATE FUNCTION estimated(query text) RETURNS int LANGUAGE plpgsql AS $$ DECLARE plan json; BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN (plan->0->'Plan'->'Plans'->-1->>'Plan Rows')::int;
END $$;
SELECT estimated('SELECT id FROM docs WHERE id = ANY (ARRAY(SELECT doc FROM acl ORDER BY doc LIMIT 60)) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 5'),
	estimated('SELECT id FROM docs WHERE (id IN (SELECT doc FROM acl ORDER BY doc LIMIT 60)) IS TRUE ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 5'),
	estimated('SELECT id FROM docs WHERE id = 1 OR id IN (SELECT doc FROM acl ORDER BY doc LIMIT 60) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 5');

-- policies
CREATE ROLE vector_reader;
GRANT SELECT ON docs, acl TO vector_reader;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY allowed ON docs FOR SELECT USING (id IN (SELECT doc FROM acl WHERE u = reader()));
CREATE FUNCTION leak(int) RETURNS bool COST 0.0001 LANGUAGE plpgsql AS $$ BEGIN
	IF $1 NOT IN (SELECT doc FROM acl WHERE u = reader() AND doc IS NOT NULL) THEN RAISE NOTICE 'leaked'; END IF;
	RETURN true;
END $$;
SET ROLE vector_reader;
SELECT plan('SELECT id FROM docs ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 3');
SELECT id FROM docs WHERE leak(id) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 3;
SELECT id FROM docs WHERE leak(id) AND id IN (SELECT doc FROM acl WHERE u < 5) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 3;
SELECT id FROM docs WHERE id IN (SELECT id FROM docs WHERE category = 1) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 3;
RESET ROLE;
-- a plan is not for the roles of others, also where it has a function's query
CREATE FUNCTION match(query vector) RETURNS SETOF int STABLE LANGUAGE sql AS 'SELECT id FROM docs ORDER BY v <-> query LIMIT 3';
SET plan_cache_mode = force_generic_plan;
PREPARE r AS SELECT * FROM match('[1,1,1,1,1,1]');
EXECUTE r;
SET ROLE vector_reader;
EXECUTE r;
RESET ROLE;
RESET plan_cache_mode;
DROP FUNCTION match;
DROP POLICY allowed ON docs;
CREATE POLICY allowed ON docs FOR SELECT USING (category = 0 OR EXISTS (SELECT FROM acl WHERE doc = docs.id AND u = reader()));
CREATE POLICY readers_only ON docs AS RESTRICTIVE FOR SELECT USING (reader() IN (SELECT u FROM acl) AND id < 500);
SET ROLE vector_reader;
SELECT filtered('SELECT id FROM docs ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 3');
SELECT id FROM docs ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 3;
RESET ROLE;
SELECT id FROM docs WHERE (category = 0 OR id IN (SELECT doc FROM acl WHERE u = 3)) AND id < 500 ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 3;
DROP VIEW safe_docs, allowed_docs;
DROP POLICY allowed ON docs;
DROP POLICY readers_only ON docs;
ALTER TABLE docs DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON docs, acl FROM vector_reader;
DROP ROLE vector_reader;

-- partitions
CREATE TABLE parts (id int, v vector(6), category int, PRIMARY KEY (id, category)) PARTITION BY LIST (category);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0, 1, 2);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (3, 4, 5, 6);
INSERT INTO parts SELECT id, v, category FROM docs;
CREATE INDEX parts_v ON parts USING hnsw (v vector_l2_ops, id);
ANALYZE parts;
SET enable_sort = off;
SELECT filtered('SELECT id FROM parts WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 3');
SELECT id FROM parts WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 3;
SELECT id FROM parts WHERE EXISTS (SELECT FROM acl WHERE u = 3 AND doc = id) AND category > 3 ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 3;
RESET enable_sort;

-- the first statement of a session, where its vector is a literal or a parameter, which load the library before the plan is made; others
-- load it while it is made, and the next one has the filter
\set only_index 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET enable_nestloop = off; SET enable_hashjoin = off; SET enable_mergejoin = off;'
\c -
:only_index
SELECT plan('SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 5');
\c -
:only_index
PREPARE first(vector) AS SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> $1 LIMIT 5;
SELECT plan('EXECUTE first(''[1,1,1,1,1,1]'')');
\c -
:only_index
SELECT count(*) FILTER (WHERE line ~ 'Join|Loop') AS joins, count(*) FILTER (WHERE line ~ 'ANY') AS filters
	FROM plan('SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> (SELECT v FROM docs WHERE id = 1) LIMIT 5') AS line;
SELECT count(*) FILTER (WHERE line ~ 'Join|Loop') AS joins, count(*) FILTER (WHERE line ~ 'ANY') AS filters
	FROM plan('SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> (SELECT v FROM docs WHERE id = 1) LIMIT 5') AS line;

RESET enable_seqscan;
RESET enable_bitmapscan;
RESET enable_sort;
RESET enable_nestloop;
RESET enable_hashjoin;
RESET enable_mergejoin;
DROP TABLE docs, acl, members, parts;
DROP FUNCTION random_vector, random_condition, differ, plan, filtered, reader, nearest, estimated, leak;
DROP SEQUENCE s;
