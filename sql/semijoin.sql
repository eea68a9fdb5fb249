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
CREATE INDEX docs_v ON docs USING hnsw (v vector_l2_ops, id, category) WITH (seal_rows = 400);
ANALYZE docs, acl, members;
SET hnsw.ef_search = 1000;

-- without what versions of PostgreSQL write differently about the same plan
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text; BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		CONTINUE WHEN line ~ 'Disabled';
		RETURN NEXT rtrim(regexp_replace(regexp_replace(line, '\(returns \$\d+\)', ''), '\$\d+|\(InitPlan \d+\)\.col1', 'array', 'g'));
	END LOOP;
END $$;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT plan('SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 5');
SELECT plan('SELECT id FROM docs WHERE EXISTS (SELECT FROM acl WHERE docs.id = doc AND u = 3) ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 5');
SELECT id FROM docs WHERE id IN (SELECT doc FROM acl WHERE u = 3) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 5;
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
		'category < %2$s'])[1 + floor(random() * 30)], floor(random() * 20), floor(random() * 5))
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

DROP TABLE docs, acl, members;
DROP FUNCTION random_vector, random_condition, differ, plan;
RESET hnsw.ef_search;
RESET ivf.probes;
