-- Vector Filter Scan: what other indexes answer becomes a bitmap inside the search
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
CREATE FUNCTION compare(query text) RETURNS text LANGUAGE plpgsql SET enable_sort = off SET hnsw.ef_search = 200 AS $$
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
		CASE WHEN plan ~ 'Vector Filter Scan' THEN 'filter scan' ELSE plan END);
END
$$;
CREATE FUNCTION compare_where(condition text, k int DEFAULT 10) RETURNS text LANGUAGE sql AS
	$$SELECT compare(format('SELECT id FROM f WHERE %s ORDER BY v <-> ''[.1,.9,.3,.4,.5,.2,.7,.8]'' LIMIT %s', condition, k))$$;

EXPLAIN (COSTS OFF) SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;
SELECT condition, compare_where(condition) FROM (VALUES
	('a = 21'), ('a IN (3, 4, 5)'), ('a BETWEEN 3 AND 6 AND id % 2 = 0'), ('a = 100'), ('b IS NULL'), ('h = 7'),
	('day BETWEEN ''2020-03-01'' AND ''2020-03-20'''), ('tags @> ''{5}'''), ('tags && ''{5,6}'''), ('doc @> ''{"kind": 4}'''),
	('words @@ ''w3 & x3'''), ('words @@ ''w4 & !x1'''), ('a = 20 OR b = 7'), ('(a = 20 OR tags @> ''{5}'') AND h > 3'),
	('a < 10 AND b < 5'), ('a = 21 AND words @@ ''x1''')) c (condition);
-- all that match, of every index
SELECT condition, compare_where(condition, 1000) FROM (VALUES ('a = 21'), ('day < ''2020-01-20'''), ('a = 20 OR b = 7')) c (condition);

-- combinations of bitmaps
EXPLAIN (COSTS OFF) SELECT id FROM f WHERE a = 20 OR tags @> '{5}' ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;

-- the setting
SET enable_seqscan = off;
SET enable_sort = off;
SHOW vector.enable_filter_scan;
SET vector.enable_filter_scan = off;
EXPLAIN (COSTS OFF) SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;
RESET vector.enable_filter_scan;
-- what EXPLAIN says
EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF)
	SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;
EXPLAIN (COSTS OFF, VERBOSE)
	SELECT id, a, v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;
EXPLAIN (COSTS OFF, FORMAT json) SELECT id FROM f WHERE a = 21 ORDER BY v <-> '[.1,.9,.3,.4,.5,.2,.7,.8]' LIMIT 10;
