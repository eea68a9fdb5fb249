-- plans of searches with a condition, by the rate of rows that pass; none returns fewer rows than there are
SET max_parallel_workers_per_gather = 0;
CREATE TABLE plain (id int, v vector(16), x int);
INSERT INTO plain SELECT n, (SELECT array_agg(hashint8extended(n, d) & 1023) FROM generate_series(1, 16) d)::vector, hashint8extended(n, 99) & 16383
	FROM generate_series(1, 8192) n;
CREATE TABLE btree AS SELECT * FROM plain;
CREATE TABLE attribute AS SELECT * FROM plain;
CREATE INDEX ON plain USING hnsw (v vector_l2_ops);
CREATE INDEX ON btree USING hnsw (v vector_l2_ops);
CREATE INDEX ON btree (x);
CREATE INDEX ON attribute USING hnsw (v vector_l2_ops, x);
VACUUM ANALYZE plain, btree, attribute;
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan := plan || line;
	END LOOP;
	RETURN CASE WHEN plan ~ 'Vector Filter Scan' THEN 'filter scan' WHEN plan ~ 'Sort Key.*Seq Scan' THEN 'seq scan, sort'
		WHEN plan ~ 'Sort Key.*(Bitmap|Index)' THEN 'btree, sort' WHEN plan ~ 'Index Cond' THEN 'vector scan, attribute'
		WHEN plan ~ 'Filter' THEN 'vector scan, filter' ELSE plan END;
END $$;
CREATE FUNCTION rows_of(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE query;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;
CREATE VIEW queries AS SELECT name, below, wanted, format('SELECT id FROM %s WHERE x < %s ORDER BY v <-> ''[500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500]'' LIMIT %s', name, below, wanted) AS query,
		least((SELECT count(*) FROM plain WHERE x < below), wanted) AS rows
	FROM unnest(ARRAY['attribute', 'btree', 'plain']) name, unnest(ARRAY[16384, 8192, 1600, 160, 16, 0]) below, unnest(ARRAY[10, 1000]) wanted;
-- the rates at which two plans cost about the same are left out
SELECT below, max(plan_of(query)) FILTER (WHERE name = 'attribute') AS attribute, max(plan_of(query)) FILTER (WHERE name = 'btree') AS btree,
		max(plan_of(query)) FILTER (WHERE name = 'plain') AS plain
	FROM queries WHERE wanted = 10 GROUP BY below ORDER BY below DESC;
SELECT name, below, wanted, rows FROM queries WHERE rows_of(query) <> rows;
-- whatever plan is taken
SET enable_seqscan = off;
SET enable_sort = off;
SELECT name, below, wanted, rows FROM queries WHERE rows_of(query) <> rows;
SET vector.enable_filter_scan = off;
SELECT name, below, wanted, rows FROM queries WHERE rows_of(query) <> rows;
RESET ALL;
SET max_parallel_workers_per_gather = 0;
-- few rows of a small table: 2 % of 10,000, with and without a B-tree
CREATE TABLE t (id int, c int, v vector(3));
INSERT INTO t SELECT n, n % 50, ARRAY[hashint8extended(n, 1) & 1023, hashint8extended(n, 2) & 1023, hashint8extended(n, 3) & 1023] FROM generate_series(1, 10000) n;
CREATE INDEX ON t USING hnsw (v vector_l2_ops);
VACUUM ANALYZE t;
SELECT plan_of('SELECT id FROM t WHERE c = 21 ORDER BY v <-> ''[500,500,500]'' LIMIT 20'), rows_of('SELECT id FROM t WHERE c = 21 ORDER BY v <-> ''[500,500,500]'' LIMIT 20');
CREATE INDEX ON t (c);
SELECT plan_of('SELECT id FROM t WHERE c = 21 ORDER BY v <-> ''[500,500,500]'' LIMIT 20'), rows_of('SELECT id FROM t WHERE c = 21 ORDER BY v <-> ''[500,500,500]'' LIMIT 20');
-- the LIMIT is that of a subquery, or comes after a join or all rows are wanted
SELECT plan_of(query) FROM (VALUES ('SELECT * FROM (SELECT id FROM t WHERE id % 2 = 0 ORDER BY v <-> ''[500,500,500]'' LIMIT 5) x'),
	('SELECT id FROM t WHERE id % 2 = 0 ORDER BY v <-> ''[500,500,500]'' LIMIT 4000'),
	('SELECT id FROM t WHERE id % 2 = 0 ORDER BY v <-> ''[500,500,500]''')) x (query);
-- more rows are wanted than a walk looks for: those of an attribute's value are read once, which costs less than the table and a sort
CREATE TABLE gathered (id int, c int, v vector(3));
INSERT INTO gathered SELECT n, n % 10, ARRAY[hashint8extended(n, 1) & 1023, hashint8extended(n, 2) & 1023, hashint8extended(n, 3) & 1023] FROM generate_series(1, 40000) n;
CREATE INDEX ON gathered USING hnsw (v vector_l2_ops, c);
VACUUM ANALYZE gathered;
SELECT plan_of(query), rows_of(query) FROM (VALUES ('SELECT id FROM gathered WHERE c < 2 ORDER BY v <-> ''[500,500,500]'' LIMIT 1500'),
	('SELECT id FROM gathered WHERE c < 2 ORDER BY v <-> ''[500,500,500]''')) x (query);
DROP TABLE gathered;
-- the rows of a bitmap are on fewer pages, and cost less, if its index has the order of the table
CREATE TABLE in_order (here int, there int, v vector(3), filler text);
INSERT INTO in_order SELECT n, hashint4(n) & 4095, ARRAY[hashint8extended(n, 1) & 1023, hashint8extended(n, 2) & 1023, hashint8extended(n, 3) & 1023], repeat('x', 1800)
	FROM generate_series(0, 4095) n;
CREATE INDEX ON in_order USING hnsw (v vector_l2_ops);
CREATE INDEX ON in_order (here);
CREATE INDEX ON in_order (there);
VACUUM ANALYZE in_order;
SET enable_seqscan = off;
SET enable_sort = off;
-- as if the table was large
SET seq_page_cost = 300;
SET cpu_operator_cost = 0.1;
CREATE FUNCTION cost_of(condition text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT here FROM in_order WHERE %s ORDER BY v <-> ''[500,500,500]'' LIMIT 10', condition);
	plan json;
BEGIN
	IF plan_of(query) <> 'filter scan' THEN
		RAISE '%', plan_of(query);
	END IF;
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan->0->'Plan'->>'Total Cost';
END $$;
SELECT here, cost_of(here) < 0.75 * cost_of(there) AS cheaper FROM (VALUES ('here < 1000', 'there < 1000'), ('here < 100', 'there < 100'),
	('here < 500 OR here >= 3596', 'there < 500 OR there >= 3596')) c (here, there);
DROP TABLE in_order;
DROP FUNCTION cost_of;
RESET ALL;
DROP VIEW queries;
DROP TABLE plain, btree, attribute, t;
DROP FUNCTION plan_of, rows_of;
RESET ALL;
