-- Vector Filter Scan: what other indexes answer becomes a bitmap inside the search
CREATE SCHEMA filter_scan;
SET search_path = filter_scan, public;
SELECT setseed(0.5);
CREATE FUNCTION random_vector(int) RETURNS vector LANGUAGE sql AS
	$$SELECT array_agg(random()::real)::vector FROM generate_series(1, 8) WHERE $1 IS NOT NULL$$;
CREATE TABLE f (id serial PRIMARY KEY, a int, b int, h int, day date, tags int[], doc jsonb, words tsvector, v vector(8));
CREATE FUNCTION fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO f (a, b, h, day, tags, doc, words, v)
	SELECT i % 50, nullif(i % 20, 3), i % 40, '2020-01-01'::date + i / 10, ARRAY[i % 30, i % 31],
		jsonb_build_object('kind', i % 25, 'size', i % 9), to_tsvector('simple', 'w' || i % 35 || ' x' || i % 4), random_vector(i)
	FROM generate_series(first, last) i
$$;
-- rows of a sealed segment, and of a growing one
SELECT fill(1, 2500);
CREATE INDEX f_v ON f USING hnsw (v vector_l2_ops);
SELECT fill(2501, 3000);
CREATE INDEX f_a ON f (a);
CREATE INDEX f_b ON f (b);
CREATE INDEX f_h ON f USING hash (h);
CREATE INDEX f_day ON f USING brin (day) WITH (pages_per_range = 4);
CREATE INDEX f_tags ON f USING gin (tags);
CREATE INDEX f_doc ON f USING gin (doc);
CREATE INDEX f_words ON f USING gin (words);
VACUUM ANALYZE f;

-- whether a query has the rows of a sequential scan, and uses a filter scan
CREATE FUNCTION compare(query text) RETURNS text LANGUAGE plpgsql SET enable_sort = off SET hnsw.ef_search = 200
	SET random_page_cost = 0 SET cpu_operator_cost = 0 SET cpu_index_tuple_cost = 0 SET cpu_tuple_cost = 1 AS $$
DECLARE
	line text;
	plan text := '';
	expected text[];
	found text[];
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'on', true);
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan := plan || line;
	END LOOP;
	EXECUTE 'SELECT coalesce(array_agg(r::text), ''{}'') FROM (' || query || ') r' INTO found;
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true),
		set_config('enable_bitmapscan', 'off', true);
	EXECUTE 'SELECT coalesce(array_agg(r::text), ''{}'') FROM (' || query || ') r' INTO expected;
	PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_bitmapscan', 'on', true);
	RETURN format('%s rows, %s, %s', cardinality(found),
		CASE WHEN found = expected THEN 'as expected' ELSE 'not ' || expected::text || ' but ' || found::text END,
		CASE WHEN plan ~ 'Vector Filter Scan' THEN 'filter scan' ELSE 'another plan' END);
END
$$;
CREATE FUNCTION compare_where(condition text, k int DEFAULT 10) RETURNS text LANGUAGE sql AS
	$$SELECT compare(format('SELECT id FROM f WHERE %s ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT %s', condition, k))$$;
-- EXPLAIN ANALYZE without what depends on the version of PostgreSQL
CREATE FUNCTION explain(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF line !~ 'Index Searches|Hops|Walks|Buffers|Storage|Planning|Disabled|Vector Search' THEN
			RETURN NEXT regexp_replace(line, '(rows=\d+)\.00', '\1');
		END IF;
	END LOOP;
END
$$;

EXPLAIN (COSTS OFF) SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;
SELECT condition, compare_where(condition) FROM (VALUES
	('a = 21'), ('a IN (3, 4, 5)'), ('a BETWEEN 3 AND 6 AND id % 2 = 0'), ('a = 100'), ('b IS NULL'), ('h = 7'),
	('day BETWEEN ''2020-03-01'' AND ''2020-03-20'''), ('tags @> ''{5}'''), ('tags && ''{5,6}'' AND a < 30'), ('doc @> ''{"kind": 4}'''),
	('words @@ ''w3 & x3'''), ('words @@ ''w4 & !x1'''), ('a = 20 OR b = 7'), ('(a = 20 OR tags @> ''{5}'') AND h > 3'),
	('a < 10 AND b < 5'), ('a = 21 AND words @@ ''x1''')) c (condition);
-- all that match, of every index
SELECT condition, compare_where(condition, 1000) FROM (VALUES ('a = 21'), ('day < ''2020-01-20'''), ('a = 20 OR b = 7')) c (condition);

-- an index that finds too many rows
DROP INDEX f_words;
CREATE INDEX f_words ON f USING gist (words tsvector_ops (siglen = 1));
SELECT condition, compare_where(condition, 40) FROM (VALUES ('words @@ ''w3 & x3'''), ('words @@ ''w4''')) c (condition);

-- combinations of bitmaps
EXPLAIN (COSTS OFF) SELECT id FROM f WHERE a = 20 OR tags @> '{5}' ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;

-- the setting
SET enable_seqscan = off;
SET enable_sort = off;
-- no cost but that of rows that a scan returns
SET random_page_cost = 0;
SET cpu_operator_cost = 0;
SET cpu_index_tuple_cost = 0;
SET cpu_tuple_cost = 1;
SHOW vector.enable_filter_scan;
SET vector.enable_filter_scan = off;
EXPLAIN (COSTS OFF) SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;
RESET vector.enable_filter_scan;
-- what EXPLAIN says
SELECT explain($$SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10$$);
EXPLAIN (COSTS OFF, VERBOSE)
	SELECT id, a, v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;
DO $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) SELECT id FROM f WHERE a = 21 ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 10' INTO plan;
	plan := plan->0->'Plan'->'Plans'->0;
	RAISE NOTICE '% %: % %, % %', plan->'Node Type', plan->'Custom Plan Provider', plan #> '{Plans,0,Node Type}',
		plan #> '{Plans,0,Index Name}', plan #> '{Plans,1,Node Type}', plan #> '{Plans,1,Index Name}';
END
$$;

-- the hidden distance is not computed, a visible one is; the LIMIT reaches the scan
SELECT id, a, round((v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]')::numeric, 4) AS distance FROM f WHERE a = 21
	ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 3;
EXPLAIN (COSTS OFF, VERBOSE) SELECT -s.id FROM (SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 3) s;
-- the distance is compared as well
SELECT compare_where('a = 21 AND v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' < 0.9', 1000);
-- a vector that is NULL, and no row
SELECT count(*) FROM (SELECT id FROM f WHERE a = 21 ORDER BY v <-> NULL::vector LIMIT 100) s;
SELECT count(*) FROM (SELECT id FROM f WHERE a = 21 AND a = 22 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 100) s;
-- conditions without columns are tested above
PREPARE gate (bool) AS SELECT count(*) FROM (SELECT id FROM f WHERE a = 21 AND $1 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 100) s;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE gate (true);
EXECUTE gate (true);
EXECUTE gate (false);

-- parameters, in plans of both kinds
PREPARE by_a (int, vector) AS SELECT id FROM f WHERE a = $1 ORDER BY v <-> $2 LIMIT 3;
EXPLAIN (COSTS OFF) EXECUTE by_a (21, '[.1,.9,.3,.4,.5,.2,.7,.8]');
EXECUTE by_a (21, '[.1,.9,.3,.4,.5,.2,.7,.8]');
EXECUTE by_a (22, '[.1,.9,.3,.4,.5,.2,.7,.8]');
EXECUTE by_a (NULL, '[.1,.9,.3,.4,.5,.2,.7,.8]');
SET plan_cache_mode = force_custom_plan;
EXECUTE by_a (21, '[.1,.9,.3,.4,.5,.2,.7,.8]');
RESET plan_cache_mode;
PREPARE any_of (int[]) AS SELECT id FROM f WHERE a = ANY ($1) ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 3;
EXECUTE any_of ('{21,22,23}');
SELECT compare('SELECT id FROM f WHERE a = ANY (ARRAY(SELECT h FROM f WHERE id < 3)) AND b < 9 ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 50');

-- rescans: with a new bitmap, and with the same one
SELECT compare('SELECT x, s.id FROM generate_series(20, 24) x,
	LATERAL (SELECT id FROM f WHERE a = x ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 3) s');
SELECT compare('SELECT q.id, s.id FROM f q, LATERAL (SELECT id FROM f WHERE a = 21 ORDER BY v <-> q.v LIMIT 3) s WHERE q.id < 5');
SELECT compare('SELECT q.id, (SELECT id FROM f WHERE b = q.b AND a < 30 ORDER BY v <-> q.v OFFSET 1 LIMIT 1) FROM f q WHERE q.id < 5');
SELECT explain('SELECT q.id, s.id FROM (SELECT * FROM f WHERE id < 4 OFFSET 0) q,
	LATERAL (SELECT id FROM f WHERE a = 21 ORDER BY v <-> q.v LIMIT 3) s');

-- CTEs, unions, joins, subqueries
SELECT compare('WITH near AS MATERIALIZED (SELECT id, a FROM f WHERE a = 21 ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 5)
	SELECT n.id, m.id FROM near n JOIN near m ON n.a = m.a ORDER BY 1, 2');
SELECT compare('(SELECT id FROM f WHERE a = 21 ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 3) UNION ALL
	(SELECT id FROM f WHERE h = 7 ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 3)');
SELECT compare('SELECT f.id, g.a FROM f JOIN f g USING (id) WHERE f.a = 21 ORDER BY f.v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 3');

-- cursors
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]';
FETCH 2 FROM c;
FETCH 2 FROM c;
MOVE FORWARD ALL IN c;
FETCH PRIOR FROM c;
ROLLBACK;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]';
FETCH 3 FROM c;
FETCH PRIOR FROM c;
FETCH FIRST FROM c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 3;
FETCH 1 FROM c;
COMMIT;
FETCH ALL FROM c;
CLOSE c;

-- locked rows, and those of a cursor
BEGIN;
EXPLAIN (COSTS OFF) SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 3 FOR UPDATE;
SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 3 FOR UPDATE;
SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 3 FOR SHARE SKIP LOCKED;
UPDATE f SET b = 1000 WHERE id IN (SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 3 FOR UPDATE)
	RETURNING id;
DECLARE c CURSOR FOR SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]';
FETCH 2 FROM c;
DELETE FROM f WHERE CURRENT OF c RETURNING id;
CLOSE c;
SELECT ctid = (SELECT ctid FROM f g WHERE g.id = f.id), tableoid::regclass FROM f WHERE a = 21
	ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 1;
ROLLBACK;

-- updates of other columns, deletes, VACUUM, seals
UPDATE f SET h = h + 1 WHERE id % 3 = 0;
UPDATE f SET a = 21 WHERE id % 100 = 7;
DELETE FROM f WHERE id % 50 = 21;
SELECT compare_where(condition, 100) FROM (VALUES ('a = 21'), ('h = 7'), ('a = 7')) c (condition);
VACUUM f;
SELECT fill(3001, 3100);
SELECT compare_where(condition, 100) FROM (VALUES ('a = 21'), ('h = 7'), ('a = 7')) c (condition);
SELECT vector_seal('f_v') IS NOT NULL AS sealed;
SELECT vector_merge('f_v') IS NOT NULL AS merged;
SELECT compare_where(condition, 100) FROM (VALUES ('a = 21'), ('h = 7'), ('a = 7')) c (condition);

-- other access methods, and indexes that keep vectors in another form
DROP INDEX f_v;
CREATE INDEX f_v ON f USING ivfflat (v vector_l2_ops) WITH (lists = 5);
SET ivfflat.probes = 5;
SELECT compare_where(condition, 20) FROM (VALUES ('a = 21'), ('h = 7 OR a = 3')) c (condition);
DROP INDEX f_v;
CREATE INDEX f_v ON f USING ivf (v vector_l2_ops) WITH (lists = 5, refine = none);
SET ivf.probes = 5;
SELECT compare_where(condition, 20) FROM (VALUES ('a = 21'), ('h = 7 OR a = 3')) c (condition);
DROP INDEX f_v;
CREATE INDEX f_v ON f USING hnsw (v vector_l2_ops) WITH (storage = half);
SELECT compare_where(condition, 20) FROM (VALUES ('a = 21'), ('h = 7 OR a = 3')) c (condition);
DROP INDEX f_v;
CREATE INDEX f_v ON f USING hnsw ((v::halfvec(8)) halfvec_l2_ops);
SELECT compare('SELECT id FROM f WHERE a = 21 ORDER BY v::halfvec(8) <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 10');
DROP INDEX f_v;

-- attributes answer what they can, other indexes the rest
CREATE INDEX f_v ON f USING hnsw (v vector_l2_ops, a);
SELECT compare_where('a BETWEEN 3 AND 20 AND tags @> ''{5}''');
EXPLAIN (COSTS OFF) SELECT id FROM f WHERE a BETWEEN 3 AND 20 AND tags @> '{5}' ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;
-- partial indexes
DROP INDEX f_a;
CREATE INDEX f_a ON f (h) WHERE a = 21;
DROP INDEX f_v;
CREATE INDEX f_v ON f USING hnsw (v vector_l2_ops);
SELECT compare_where('a = 21');

-- partitions, one without a vector index
CREATE TABLE p (id int, a int, v vector(8)) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (1000) TO (2000);
CREATE TABLE p3 (x text, a int, v vector(8), id int);
ALTER TABLE p3 DROP COLUMN x;
ALTER TABLE p ATTACH PARTITION p3 FOR VALUES FROM (2000) TO (4000);
INSERT INTO p SELECT id, a, v FROM f;
CREATE INDEX ON p USING hnsw (v vector_l2_ops);
CREATE INDEX ON p (a);
VACUUM ANALYZE p;
EXPLAIN (COSTS OFF) SELECT id FROM p WHERE a = 20 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;
SELECT compare('SELECT id FROM p WHERE a = 20 ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 10');
SELECT compare('SELECT id FROM p WHERE a IN (20, 30) ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 10');

-- a table without statistics, and an empty one
CREATE TABLE n (id int, a int, v vector(8)) WITH (autovacuum_enabled = off);
CREATE INDEX ON n USING hnsw (v vector_l2_ops);
CREATE INDEX ON n (a);
SELECT compare('SELECT id FROM n WHERE a = 20 ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 10');
INSERT INTO n SELECT id, a, v FROM f;
SELECT compare('SELECT id FROM n WHERE a = 20 ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 10');

-- lossy pages
CREATE TABLE wide (id int, a int, filler text, v vector(8)) WITH (fillfactor = 10);
ALTER TABLE wide ALTER filler SET STORAGE plain;
INSERT INTO wide SELECT id, a, repeat('x', 2000), v FROM f;
CREATE INDEX ON wide USING hnsw (v vector_l2_ops);
CREATE INDEX ON wide (a);
VACUUM ANALYZE wide;
SET work_mem = '64kB';
DO $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json, ANALYZE) SELECT id FROM wide WHERE a < 20 AND id % 3 = 1
		ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 10' INTO plan;
	plan := plan->0->'Plan'->'Plans'->0;
	RAISE NOTICE '%, lossy pages: %, fewer than all: %', plan->'Custom Plan Provider', (plan->>'Lossy Heap Blocks')::int > 0,
		(plan->>'Lossy Heap Blocks')::int + (plan->>'Exact Heap Blocks')::int < 2500;
END
$$;
SELECT compare('SELECT id FROM wide WHERE a < 20 AND id % 3 = 1 ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT 10');
RESET work_mem;
-- where they have rows that are not in the bitmap, these are priced
CREATE TABLE lossy (LIKE wide INCLUDING STORAGE);
INSERT INTO lossy SELECT wide.* FROM wide, generate_series(1, 2);
CREATE INDEX ON lossy USING hnsw (v vector_l2_ops);
CREATE INDEX ON lossy (a);
VACUUM ANALYZE lossy;
CREATE FUNCTION lossy_price(memory text, OUT node text, OUT price float8) LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	PERFORM set_config('work_mem', memory, true);
	EXECUTE 'EXPLAIN (FORMAT json) SELECT id FROM lossy WHERE a < 20 ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]''' INTO plan;
	node := plan->0->'Plan'->>'Custom Plan Provider';
	price := plan->0->'Plan'->>'Total Cost';
END $$;
SET enable_sort = off;
SELECT small.node, small.price > 1.1 * large.price AS more, large.price = larger.price AS same
	FROM lossy_price('64kB') small, lossy_price('4MB') large, lossy_price('64MB') larger;
RESET enable_sort;
SET client_min_messages = warning;
DROP SCHEMA filter_scan CASCADE;

-- a bitmap that is made late: only when few of the rows that the search returns meet the condition
CREATE TABLE l (id int, v vector(2), any_of int, far_of int);
INSERT INTO l SELECT i, ARRAY[i % 100, i / 100]::vector, i * 7 % 5000, 4999 - i FROM generate_series(0, 4999) i;
CREATE INDEX l_v ON l USING hnsw (v vector_l2_ops);
CREATE INDEX ON l (any_of);
CREATE INDEX ON l (far_of);
VACUUM ANALYZE l;
SET hnsw.ef_search = 10;
SET enable_seqscan = off;
SET enable_sort = off;
-- as if the table was large
SET seq_page_cost = 10000;
SET cpu_operator_cost = 0.1;
CREATE FUNCTION bitmap_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RETURN CASE WHEN plan !~ 'Vector Filter Scan' THEN plan
		WHEN plan ~ 'Bitmap Index Scan[^\n]*never executed' THEN 'not made' ELSE 'made' END;
END $$;
CREATE FUNCTION late(condition text, k int DEFAULT 10) RETURNS TABLE (bitmap text, rows bigint, right_order boolean) LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT id, v <-> ''[50,0]'' AS d FROM l WHERE %s ORDER BY v <-> ''[50,0]'' LIMIT %s', condition, k);
	found float8[];
BEGIN
	bitmap := bitmap_of(query);
	EXECUTE format('SELECT count(*), array_agg(d) FROM (%s) s', query) INTO rows, found;
	SET LOCAL enable_indexscan = off;
	EXECUTE format('SELECT array_agg(d) = $1 FROM (%s) s', query) INTO right_order USING found;
	SET LOCAL enable_indexscan = on;
	RETURN NEXT;
END $$;
SELECT * FROM late('any_of < 1500');
SELECT * FROM late('far_of < 1500');
SELECT * FROM late('far_of < 1500', 40);
-- few of the bitmap's rows meet the rest of the conditions
SELECT * FROM late('far_of < 1500 AND id % 100 = 3');
SELECT * FROM late('far_of < 1500 AND id % 100 = 3', 40);
-- parameters, and rescans with the same ones
SELECT n, s.* FROM (VALUES (1), (2)) q (n), LATERAL (SELECT count(*), min(far_of) >= 0 AND max(far_of) < 1500 * n AS pass FROM
	(SELECT far_of FROM l WHERE far_of < 1500 * n ORDER BY v <-> '[50,0]' LIMIT 10) x) s;
SELECT n, s.* FROM (VALUES (1), (2)) q (n), LATERAL (SELECT count(*) FROM
	(SELECT id FROM l WHERE far_of < 1500 ORDER BY v <-> ARRAY[n, 0]::vector LIMIT 10) x) s;
-- the modes of pgvector make it first
SET hnsw.iterative_scan = strict_order;
SELECT * FROM late('any_of < 1500');
SELECT * FROM late('far_of < 1500');
RESET hnsw.iterative_scan;
DROP TABLE l;
DROP FUNCTION bitmap_of, late;
