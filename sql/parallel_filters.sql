-- a parallel Vector Filter Scan: one participant makes the bitmap of other indexes, all search among its rows, each its runs or lists of them
SET enable_seqscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
CREATE TABLE found_items (id int, tag int, part int, tags int[], v vector(12)) WITH (parallel_workers = 2);
CREATE FUNCTION found_vector(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(sin(seed * (1.0 + d * 0.37)) + cos(seed % 40 + d))::vector(12) FROM generate_series(1, 12) d
$$;
CREATE FUNCTION found_fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO found_items SELECT i, i % 10, i * 7 % 100, ARRAY[i % 6, i % 7], found_vector(i) FROM generate_series(first, last) i
$$;
SELECT found_fill(1, 10000);
CREATE INDEX found_tag ON found_items (tag);
CREATE INDEX found_id ON found_items USING brin (id) WITH (pages_per_range = 1);
CREATE INDEX found_tags ON found_items USING gin (tags);
VACUUM ANALYZE found_items;

-- the nodes of the plan; how many rows it returns; and whether these are, in order, those of one process and those of a sort of the table
CREATE FUNCTION found_by(query text, workers int) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	found text[];
BEGIN
	PERFORM set_config('max_parallel_workers_per_gather', workers::text, true);
	EXECUTE 'SELECT coalesce(array_agg(r::text), ''{}'') FROM (' || query || ') r' INTO found;
	PERFORM set_config('max_parallel_workers_per_gather', '2', true);
	RETURN found;
END $$;
CREATE FUNCTION found_nodes(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	nodes text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line ~ 'Gather|Scan' THEN
			nodes := concat_ws(' / ', nodes, substring(line FROM '(?:->)? *([A-Z][A-Za-z ()]*?)(?: using| on|$)'));
		END IF;
	END LOOP;
	RETURN nodes;
END $$;
CREATE FUNCTION found_compare(query text, OUT nodes text, OUT rows int, OUT alone boolean, OUT sorted boolean) LANGUAGE plpgsql AS $$
DECLARE
	found text[] := found_by(query, 2);
BEGIN
	nodes := found_nodes(query);
	rows := cardinality(found);
	alone := found = found_by(query, 0);
	PERFORM set_config('enable_indexscan', 'off', true);
	sorted := found = found_by(query, 0);
	PERFORM set_config('enable_indexscan', 'on', true);
END $$;
CREATE FUNCTION found_where(condition text, wanted int, OUT nodes text, OUT rows int, OUT alone boolean, OUT sorted boolean) LANGUAGE sql AS $$
	SELECT * FROM found_compare(format('SELECT id FROM found_items WHERE %s ORDER BY v <-> %L LIMIT %s', condition, found_vector(77777), wanted))
$$;
-- rows that are left to the executor's conditions, or found by codes, may change places with others that are about as far
CREATE FUNCTION found_set(condition text, wanted int, OUT nodes text, OUT rows int, OUT alone boolean, OUT sorted boolean) LANGUAGE sql AS $$
	SELECT * FROM found_compare(format('SELECT id FROM (SELECT id FROM found_items WHERE %s ORDER BY v <-> %L LIMIT %s) x ORDER BY 1',
		condition, found_vector(77777), wanted))
$$;

-- graphs: bitmaps of one index and of several, also of one that finds too many rows
CREATE INDEX found_index ON found_items USING hnsw (v vector_l2_ops);
EXPLAIN (COSTS OFF) SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> '[1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 500;
SELECT * FROM found_where('tag = 3', 500);
SELECT * FROM found_where('tag = 3', 5000);
SELECT * FROM found_where('tag IN (2, 3, 4)', 2000);
SELECT * FROM found_where('tags @> ''{2}'' AND tag < 5', 500);
SELECT * FROM found_where('tags @> ''{2}'' OR tag = 9', 2000);
SELECT * FROM found_where('id BETWEEN 1003 AND 2001', 3000);
-- a condition that is left to the executor, one on the distance, and no row
SELECT * FROM found_set('tag < 3 AND part % 3 = 0', 5000);
SELECT * FROM found_where(format('tag < 3 AND v <-> %L < 3.5', found_vector(77777)), 5000);
SELECT * FROM found_where('tag = 3 AND tags @> ''{100}''', 500);
SELECT count(*) FROM (SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> NULL::vector LIMIT 5000) x;

-- each participant's part; the bitmap is made once, whether by the leader or by a worker
CREATE FUNCTION found_participants(OUT leader boolean, OUT bitmaps int, OUT rows boolean, OUT runs int, OUT distances int, OUT pages boolean) LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	leader := false;
	bitmaps := 0;
	runs := 0;
	distances := 0;
	FOR line IN SELECT * FROM vector_explain(format('SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> %L LIMIT 900', found_vector(77777))) LOOP
		IF line ~ '^  (Leader|Worker \d+):' THEN
			leader := leader OR line ~ 'Leader';
			runs := runs + substring(line FROM 'Runs: (\d+)')::int;
			distances := distances + substring(line FROM 'Distances: (\d+)')::int;
		ELSIF line ~ 'Bitmap Index Scan' THEN
			bitmaps := substring(line FROM 'loops=(\d+)')::int;
			rows := line ~ 'rows=1000';
		ELSIF line ~ 'Heap Blocks' THEN
			pages := substring(line FROM 'exact=(\d+)')::int = (SELECT count(DISTINCT (ctid::text::point)[0]) FROM found_items WHERE tag = 3);
		END IF;
	END LOOP;
END $$;
SELECT * FROM found_participants();
SET parallel_leader_participation = off;
SELECT * FROM found_participants();
SELECT * FROM found_where('tag = 3', 900);
SET max_parallel_workers = 0;
SELECT * FROM found_where('tag = 3', 900);
RESET parallel_leader_participation;
SELECT * FROM found_where('tag = 3', 900);
SELECT * FROM found_participants();
RESET max_parallel_workers;

-- again and again: the segments' rows are found for each search
SELECT count(*), count(DISTINCT (g, id)) FROM generate_series(1, 4) g LEFT JOIN
	(SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> found_vector(77777) LIMIT 900) x ON true;
-- cursors that stop early; an error in a participant, after which the transaction goes on
BEGIN;
DECLARE early CURSOR FOR SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> found_vector(77777) LIMIT 900;
FETCH 1 FROM early;
CLOSE early;
DECLARE early CURSOR FOR SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> found_vector(77777);
MOVE 800 FROM early;
FETCH 1 FROM early;
SAVEPOINT before;
SELECT count(*) FROM (SELECT id FROM found_items WHERE tag = 3 AND 1 / (id - 5003) < 2 ORDER BY v <-> found_vector(77777) LIMIT 5000) x;
ROLLBACK TO before;
SELECT * FROM found_where('tag = 3', 900);
COMMIT;
-- parameters of a prepared statement, and of a subquery
SET plan_cache_mode = force_generic_plan;
PREPARE found_query (int, vector) AS SELECT id FROM found_items WHERE tag = $1 AND part >= $1 ORDER BY v <-> $2 LIMIT 2000;
EXPLAIN (COSTS OFF) EXECUTE found_query (3, found_vector(1));
CREATE TEMP TABLE found_rows AS EXECUTE found_query (4, found_vector(1));
SELECT count(*) = (SELECT count(*) FROM found_items WHERE tag = 4 AND part >= 4) AS all_rows FROM found_rows;
DROP TABLE found_rows;
DEALLOCATE found_query;
RESET plan_cache_mode;
SELECT * FROM found_compare(format('SELECT id FROM found_items WHERE tag = (SELECT max(tag) - 1 FROM found_items WHERE id < 8) ORDER BY v <-> %L LIMIT 900', found_vector(77777)));
-- in a CTE
SELECT * FROM found_compare(format('WITH x AS MATERIALIZED (SELECT id, tag FROM found_items WHERE tag = 3 ORDER BY v <-> %L LIMIT 900)
	SELECT max(id), min(tag) FROM x', found_vector(77777)));

-- dead rows, rows that were updated, more segments and growing rows
DELETE FROM found_items WHERE id % 7 = 0;
UPDATE found_items SET tag = 3 WHERE id % 100 = 44;
SELECT * FROM found_where('tag = 3', 5000);
SELECT found_fill(10001, 11000), vector_seal('found_index') IS NOT NULL;
SELECT found_fill(11001, 11500);
SELECT * FROM found_where('tag = 3', 5000);
SELECT * FROM found_where('tag = 3 OR tags @> ''{2}''', 2000);
SET parallel_leader_participation = off;
SELECT * FROM found_where('tag = 3', 5000);
RESET parallel_leader_participation;
VACUUM ANALYZE found_items;
SELECT * FROM found_where('tag = 3', 5000);

-- what forbids it: settings, a mode that ends after some rows, few wanted rows and rows that are locked
SET max_parallel_workers_per_gather = 0;
SELECT found_nodes(format('SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> %L LIMIT 900', found_vector(77777)));
SET max_parallel_workers_per_gather = 2;
SET hnsw.iterative_scan = strict_order;
SELECT found_nodes(format('SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> %L LIMIT 900', found_vector(77777)));
RESET hnsw.iterative_scan;
SET vector.enable_filter_scan = off;
SELECT found_nodes(format('SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> %L LIMIT 900', found_vector(77777)));
RESET vector.enable_filter_scan;
SELECT found_nodes(format('SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> %L LIMIT 900 FOR UPDATE', found_vector(77777)));
SET parallel_setup_cost = 1000;
SET parallel_tuple_cost = 0.1;
SELECT found_nodes(format('SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> %L LIMIT 10', found_vector(77777)));
SELECT found_nodes(format('SELECT id FROM found_items WHERE tag = 3 ORDER BY v <-> %L LIMIT 900', found_vector(77777)));
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;

-- attributes answer what they can
DROP INDEX found_index;
CREATE INDEX found_index ON found_items USING hnsw (v vector_l2_ops, part);
SELECT * FROM found_where('part < 60 AND tag = 3', 5000);
-- graphs on disk, with vectors and without, lists with codes and without
DROP INDEX found_index;
CREATE INDEX found_index ON found_items USING diskann (v vector_l2_ops) WITH (storage = full);
SELECT * FROM found_where('tag = 3', 900);
SELECT * FROM found_where('tag = 3 OR tags @> ''{2}''', 5000);
DROP INDEX found_index;
CREATE INDEX found_index ON found_items USING diskann (v vector_l2_ops) WITH (storage = none);
SELECT * FROM found_set('tag = 3', 5000);
DROP INDEX found_index;
CREATE INDEX found_index ON found_items USING ivf (v vector_l2_ops) WITH (lists = 20);
SET ivf.probes = 20;
-- the table is in memory, of which costs know nothing
SET random_page_cost = 0;
SET cpu_tuple_cost = 0.1;
SELECT * FROM found_set('tag = 3', 5000);
SELECT * FROM found_where('tag = 3 AND tags @> ''{2}''', 50);
DROP INDEX found_index;
CREATE INDEX found_index ON found_items USING ivfflat (v vector_l2_ops) WITH (lists = 20);
SET ivfflat.probes = 20;
SELECT * FROM found_where('tag = 3', 5000);
SELECT * FROM found_where('tag = 3 OR tags @> ''{2}''', 500);
RESET random_page_cost;
RESET cpu_tuple_cost;

-- lossy pages
CREATE TABLE found_wide (id int, tag int, filler text, v vector(12)) WITH (fillfactor = 10, parallel_workers = 2);
ALTER TABLE found_wide ALTER filler SET STORAGE plain;
INSERT INTO found_wide SELECT id, tag, repeat('x', 2000), v FROM found_items WHERE id <= 3000;
CREATE INDEX ON found_wide USING hnsw (v vector_l2_ops);
CREATE INDEX ON found_wide (tag);
VACUUM ANALYZE found_wide;
SET work_mem = '64kB';
SELECT line ~ 'lossy=[1-9]' AS lossy FROM vector_explain(format('SELECT id FROM found_wide WHERE tag < 5 ORDER BY v <-> %L LIMIT 1000', found_vector(77777))) line
	WHERE line ~ 'Heap Blocks';
SELECT * FROM found_compare(format('SELECT id FROM found_wide WHERE tag < 5 ORDER BY v <-> %L LIMIT 1000', found_vector(77777)));
RESET work_mem;

DROP TABLE found_items, found_wide;
DROP FUNCTION found_where, found_set, found_compare, found_by, found_nodes, found_participants, found_fill, found_vector;
RESET ALL;
