-- exact search: values inline, out of line and compressed give the same answer, serial and parallel
SET client_min_messages = warning;
CREATE FUNCTION pseudo_random(seed int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT array_agg(((hashint8(seed::bigint * 100003 + d) & 1023) - 512) / 512.0::real)::vector FROM generate_series(1, dims) d
$$;
CREATE TABLE items (id int PRIMARY KEY, small vector(16), large vector(900), other halfvec(1500), packed vector(900));
ALTER TABLE items ALTER packed SET STORAGE extended;
INSERT INTO items SELECT i, pseudo_random(i, 16), v, (v::real[] || v::real[])[1:1500]::halfvec, v
	FROM (SELECT i, pseudo_random(i, 900) AS v FROM generate_series(1, 1500) i) x;
CREATE TABLE expected AS SELECT id, sqrt(d) AS d FROM (
	SELECT i.id, sum((x - y) ^ 2) AS d FROM items i, items q, unnest(i.large::real[], q.large::real[]) u(x, y) WHERE q.id = 42 GROUP BY i.id) s;
CREATE FUNCTION wrong() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM expected e JOIN items i USING (id) WHERE abs((i.large <-> (SELECT large FROM items WHERE id = 42)) - e.d) > 1e-4
$$;
SELECT wrong();
SELECT count(*) FROM items i, items q WHERE q.id = 42 AND (i.large <-> q.large) <> (i.packed <-> q.packed);
SELECT id FROM items ORDER BY large <-> (SELECT large FROM items WHERE id = 42) LIMIT 1;
-- rows read in an order other than that of storage; updated, deleted, aborted, rewritten
SELECT count(*) FROM (SELECT i.large <-> q.large AS d, e.d AS expected FROM expected e JOIN items i USING (id), items q WHERE q.id = 42
	ORDER BY hashint4(i.id)) x WHERE abs(d - expected) > 1e-4;
UPDATE items SET large = pseudo_random(id, 900), small = small WHERE id % 3 = 0;
SELECT wrong();
DELETE FROM items WHERE id % 5 = 0 AND id <> 42;
BEGIN;
INSERT INTO items SELECT 10000 + i, NULL, pseudo_random(i, 900) FROM generate_series(1, 100) i;
ROLLBACK;
SELECT wrong();
VACUUM items;
SELECT wrong();
INSERT INTO items SELECT id, pseudo_random(id, 16), pseudo_random(id, 900) FROM expected WHERE id % 5 = 0 AND id <> 42;
SELECT wrong();
VACUUM FULL items;
SELECT wrong();
CREATE TEMP TABLE inline_items AS SELECT id, small AS large FROM items;
SELECT count(*) FROM items i JOIN inline_items USING (id) WHERE i.small <-> '[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]' <> inline_items.large <-> '[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]';
-- the planner chooses parallel plans for vectors out of line by default
ANALYZE items;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line !~ 'Sort Key' THEN
			RETURN NEXT line;
		END IF;
	END LOOP;
END $$;
SET min_parallel_table_scan_size = '1MB';
SET parallel_setup_cost = 100;
SELECT plan('SELECT id FROM items ORDER BY large <-> pseudo_random(42, 900) LIMIT 3');
SELECT id FROM items ORDER BY large <-> pseudo_random(42, 900) LIMIT 1;
-- but not for queries without distances
SELECT plan('SELECT id FROM items ORDER BY id % 7 LIMIT 3');
-- nor if the table's option forbids workers
ALTER TABLE items SET (parallel_workers = 0);
SELECT plan('SELECT id FROM items ORDER BY large <-> pseudo_random(42, 900) LIMIT 3');
ALTER TABLE items RESET (parallel_workers);
-- rows of inheritance children are found
CREATE TABLE more_items () INHERITS (items);
INSERT INTO more_items SELECT id + 100000, small, large, other, packed FROM items;
SELECT count(*) FROM (SELECT large <-> pseudo_random(42, 900) FROM items) x;
DROP TABLE more_items;
-- aggregates in parallel
SET parallel_tuple_cost = 0;
SET parallel_setup_cost = 0;
ALTER TABLE items SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT avg(small), sum(small) FROM items;
SELECT l2_distance((SELECT avg(large) FROM items), (SELECT array_agg(a ORDER BY n)::vector FROM (SELECT n, avg(x) a FROM items, unnest(large::real[]) WITH ORDINALITY u(x, n) GROUP BY n) s)) < 1e-4;
RESET ALL;
DROP TABLE items, expected;
DROP FUNCTION wrong, plan, pseudo_random;
-- a distance of values stored inline costs as much as any operator, for short vectors and bit strings of few
-- bytes; for values out of line the cost includes fetching them
CREATE TABLE widths (v vector(3), short bit(64), bits bit(1024), long vector(784));
ALTER TABLE widths ALTER long SET STORAGE external;
INSERT INTO widths SELECT ARRAY[i, i, i], i::bit(64), repeat('10', 512)::bit(1024), array_fill(i, ARRAY[784])
	FROM generate_series(1, 100) i;
CREATE FUNCTION pg_temp.cost(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN (plan #>> '{0,Plan,Total Cost}')::numeric;
END
$$;
CREATE FUNCTION pg_temp.fetched() RETURNS TABLE (distance text, is_fetched boolean) LANGUAGE sql AS $$
	SELECT d, pg_temp.cost('SELECT ' || d || ' FROM widths') > 2 * pg_temp.cost('SELECT 1 + 1 FROM widths')
	FROM unnest('{v <-> v,short <~> short,bits <~> bits,long <-> long}'::text[]) d
$$;
SELECT * FROM pg_temp.fetched();
ANALYZE widths;
SELECT * FROM pg_temp.fetched();
DROP TABLE widths;
DROP FUNCTION pg_temp.fetched, pg_temp.cost;
