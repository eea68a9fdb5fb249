-- participants of a parallel scan of graphs divide the rows among them: together they return what one scan by exact distances does
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_bitmapscan = off;
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
CREATE TABLE shared_items (id int, tag int, v vector(24), h halfvec(24));
CREATE FUNCTION shared_vector(seed int) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(sin(seed * (1.0 + d * 0.37)) + 2 * cos(seed % 40 + d)) FROM generate_series(1, 24) d
$$;
CREATE FUNCTION shared_fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO shared_items SELECT i, i % 50, shared_vector(i)::vector, shared_vector(i)::halfvec FROM generate_series(first, last) i
$$;
SELECT shared_fill(1, 12000);
ALTER TABLE shared_items SET (parallel_workers = 2);
ANALYZE shared_items;

-- how many rows a search returns, whether it does twice or out of order, and how many of the right ones are missing
CREATE FUNCTION shared_compare(col text, op text, condition text, count int) RETURNS TABLE (plan text, rows bigint, twice bigint, disorder bigint, missing bigint)
LANGUAGE plpgsql AS $$
DECLARE
	q text := format('%L::%s', shared_vector(77777)::vector, CASE col WHEN 'h' THEN 'halfvec' ELSE 'vector' END);
	ordered text;
	line text;
BEGIN
	ordered := format('SELECT id, %1$I %2$s %3$s AS d FROM shared_items WHERE %4$s ORDER BY %1$I %2$s %3$s LIMIT %5$s', col, op, q, condition, count);
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || ordered LOOP
		IF line ~ 'Index|Gather' THEN
			plan := concat_ws(', ', plan, substring(line FROM '(?:Parallel )?(?:Gather Merge|Index Only Scan|Index Scan)'));
		END IF;
	END LOOP;
	EXECUTE format('CREATE TEMP TABLE shared_found AS SELECT row_number() OVER () AS n, * FROM (%s) x', ordered);
	EXECUTE format('CREATE TEMP TABLE shared_right AS SELECT id, (%1$I %2$s %3$s) + 0 AS d FROM shared_items WHERE %4$s ORDER BY (%1$I %2$s %3$s) + 0 LIMIT %5$s',
		col, op, q, condition, count);
	SELECT count(*), count(*) - count(DISTINCT id), count(*) FILTER (WHERE d < before - 1e-6) INTO rows, twice, disorder
		FROM (SELECT *, lag(d) OVER (ORDER BY n) AS before FROM shared_found) x;
	-- of equally far rows either may be among them
	SELECT (SELECT count(*) FROM shared_right) - count(*) INTO missing FROM shared_found WHERE d <= (SELECT max(d) FROM shared_right) + 1e-6;
	DROP TABLE shared_found, shared_right;
	RETURN NEXT;
END $$;

-- by vectors, as many rows are wanted; by codes, as it is not known how many are
CREATE INDEX shared_index ON shared_items USING hnsw (v vector_l2_ops, tag);
SELECT * FROM shared_compare('v', '<->', 'true', 4000);
SELECT * FROM shared_compare('v', '<->', 'true', 100000);
SELECT plan, rows, twice, disorder < 5 AS ordered, missing FROM shared_compare('v', '<->', 'id % 2 = 0', 2000);

-- what each participant did: together they take all runs, and compare each row once
CREATE FUNCTION shared_participants(count int) RETURNS TABLE (leader boolean, enough boolean, runs bigint, distances bigint) LANGUAGE sql AS $$
	SELECT bool_or(line ~ 'Leader'), sum(substring(line FROM 'Rows: (\d+)')::int) >= count, sum(substring(line FROM 'Runs: (\d+)')::int),
		sum(substring(line FROM 'Distances: (\d+)')::int)
		FROM vector_explain(format('SELECT id FROM shared_items ORDER BY v <-> %L LIMIT %s', shared_vector(77777)::vector, count)) line
		WHERE line ~ '^  (Leader|Worker \d+):  Rows: \d+  Runs: \d+  Distances: \d+$'
$$;
SELECT * FROM shared_participants(4000);
SET parallel_leader_participation = off;
SELECT * FROM shared_participants(4000);
RESET parallel_leader_participation;
SELECT * FROM shared_participants(10);

-- conditions: on attributes, few and many rows of a gather; any of several; evaluated by the executor; on the distance
SELECT * FROM shared_compare('v', '<->', 'tag < 10', 2000);
SELECT * FROM shared_compare('v', '<->', 'tag = 7 OR tag > 20', 6000);
SELECT plan, rows, twice, disorder < 5 AS ordered, missing FROM shared_compare('v', '<->', 'id % 3 = 0', 100000);
SELECT * FROM shared_compare('v', '<->', 'tag < 25 AND id % 3 = 0', 1000);
SELECT count(*), bool_and(d < 6.5) FROM (SELECT v <-> shared_vector(77777)::vector AS d FROM shared_items
	WHERE v <-> shared_vector(77777)::vector < 6.5 ORDER BY v <-> shared_vector(77777)::vector LIMIT 20000) x;
SELECT count(*) FROM shared_items WHERE (v <-> shared_vector(77777)::vector) + 0 < 6.5;

-- dead rows, more segments, and rows that are growing
DELETE FROM shared_items WHERE id % 7 = 0;
SELECT * FROM shared_compare('v', '<->', 'true', 4000);
SELECT shared_fill(12001, 14000), vector_seal('shared_index');
SELECT shared_fill(14001, 14500);
SELECT count(*) > 1 AS several FROM vector_segments() WHERE index = 'shared_index'::regclass;
SELECT * FROM shared_compare('v', '<->', 'true', 4000);
SELECT * FROM shared_compare('v', '<->', 'true', 100000);
SELECT * FROM shared_compare('v', '<->', 'tag < 10', 2000);
VACUUM shared_items;
SELECT * FROM shared_compare('v', '<->', 'true', 4000);

-- a small segment before a large one, which a scan that is alone searches first
CREATE TABLE shared_grown (id int, v vector(2)) WITH (parallel_workers = 2);
INSERT INTO shared_grown SELECT id, subvector(v, 1, 2) FROM shared_items WHERE id <= 50;
CREATE INDEX shared_grown_index ON shared_grown USING hnsw (v vector_l2_ops);
INSERT INTO shared_grown SELECT id, subvector(v, 1, 2) FROM shared_items WHERE id BETWEEN 51 AND 3000;
SELECT vector_seal('shared_grown_index') > 0 AS sealed;
ANALYZE shared_grown;
EXPLAIN (COSTS OFF) SELECT id FROM shared_grown ORDER BY v <-> '[1,1]' LIMIT 10;
SELECT count(*), max(d) = (SELECT max(d) FROM (SELECT (v <-> '[1,1]') + 0 AS d FROM shared_grown ORDER BY 1 LIMIT 10) y) AS nearest
	FROM (SELECT v <-> '[1,1]' AS d FROM shared_grown ORDER BY v <-> '[1,1]' LIMIT 10) x;
SET max_parallel_workers = 0;
SELECT count(*), max(d) = (SELECT max(d) FROM (SELECT (v <-> '[1,1]') + 0 AS d FROM shared_grown ORDER BY 1 LIMIT 10) y) AS nearest
	FROM (SELECT v <-> '[1,1]' AS d FROM shared_grown ORDER BY v <-> '[1,1]' LIMIT 10) x;
RESET max_parallel_workers;
DROP TABLE shared_grown;

-- rows that do not fill the last byte of a bitmap: none is lost when bounds are computed again
CREATE TABLE shared_odd WITH (parallel_workers = 2) AS SELECT i AS id, shared_vector(i)::vector(24) AS v FROM generate_series(1, 4003) i;
CREATE INDEX shared_odd_index ON shared_odd USING diskann (v vector_l2_ops) WITH (storage = none);
ANALYZE shared_odd;
-- in how many of some rounds not all rows are found
CREATE FUNCTION shared_wrong(rounds int, OUT parallel bool, OUT wrong int) LANGUAGE plpgsql AS $$
DECLARE
	q text;
	line text;
BEGIN
	parallel := false;
	wrong := 0;
	FOR i IN 1 .. rounds LOOP
		q := format('SELECT id FROM shared_odd WHERE id %% 2 < 2 ORDER BY v <-> %L LIMIT 100000', array_fill(i / 10.0, ARRAY[24])::vector);
		FOR line IN EXECUTE 'EXPLAIN ' || q LOOP
			parallel := parallel OR line ~ 'Parallel Index Scan';
		END LOOP;
		EXECUTE 'CREATE TEMP TABLE shared_found AS ' || q;
		wrong := wrong + (SELECT (count(DISTINCT id) <> 4003)::int FROM shared_found);
		DROP TABLE shared_found;
	END LOOP;
END $$;
SELECT * FROM shared_wrong(5);
SET max_parallel_workers = 0;
SELECT * FROM shared_wrong(20);
RESET max_parallel_workers;

-- all participants search lists, whichever of them goes on after the first ones
DROP INDEX shared_odd_index;
CREATE INDEX shared_odd_index ON shared_odd USING ivf (v vector_l2_ops);
SET ivf.probes = 1;
SELECT * FROM shared_wrong(20);
SET parallel_leader_participation = off;
SELECT * FROM shared_wrong(20);
RESET parallel_leader_participation;
RESET ivf.probes;
DROP TABLE shared_odd;
DROP FUNCTION shared_wrong;

-- the leader takes no part; no worker can be started; both at once
SET parallel_leader_participation = off;
SELECT * FROM shared_compare('v', '<->', 'true', 4000);
SET max_parallel_workers = 0;
SELECT * FROM shared_compare('v', '<->', 'true', 4000);
RESET parallel_leader_participation;
SELECT * FROM shared_compare('v', '<->', 'tag < 10', 4000);
RESET max_parallel_workers;

-- again and again; a cursor that stops early, and another that goes on; a prepared query
SELECT count(*), count(DISTINCT (g, id)) FROM generate_series(1, 3) g LEFT JOIN
	(SELECT id FROM shared_items ORDER BY v <-> shared_vector(77777)::vector LIMIT 3000) x ON true;
BEGIN;
DECLARE early CURSOR FOR SELECT id FROM shared_items ORDER BY v <-> shared_vector(77777)::vector LIMIT 3000;
FETCH 2 FROM early;
MOVE 2000 FROM early;
CLOSE early;
COMMIT;
SET plan_cache_mode = force_generic_plan;
PREPARE shared_query (vector, int) AS SELECT count(*), min(id) > 0 AS found
	FROM (SELECT id FROM shared_items WHERE tag >= $2 ORDER BY v <-> $1 LIMIT 5000) x;
EXPLAIN (COSTS OFF) EXECUTE shared_query (shared_vector(1)::vector, 0);
EXECUTE shared_query (shared_vector(1)::vector, 0);
EXECUTE shared_query (shared_vector(1)::vector, 49);
DEALLOCATE shared_query;
RESET plan_cache_mode;

-- index-only scans are not parallel
SELECT count(*), sum(tag) FROM (SELECT tag FROM shared_items ORDER BY v <-> shared_vector(77777)::vector LIMIT 100000) x;
SELECT count(*), sum(tag) FROM shared_items;

-- plain graphs, halves, and graphs on disk, with vectors and without
DROP INDEX shared_index;
CREATE INDEX shared_index ON shared_items USING hnsw (v vector_l1_ops);
SELECT * FROM shared_compare('v', '<+>', 'true', 3000);
DROP INDEX shared_index;
CREATE INDEX shared_index ON shared_items USING hnsw (h halfvec_l2_ops);
SELECT * FROM shared_compare('h', '<->', 'true', 3000);
DROP INDEX shared_index;
CREATE INDEX shared_index ON shared_items USING diskann (v vector_l2_ops, tag) WITH (storage = full);
SELECT plan, rows, twice, disorder, missing < 30 AS found FROM shared_compare('v', '<->', 'true', 300);
SELECT * FROM shared_compare('v', '<->', 'true', 3000);
SELECT * FROM shared_compare('v', '<->', 'tag < 10', 2000);
DROP INDEX shared_index;
CREATE INDEX shared_index ON shared_items USING diskann (v vector_l2_ops) WITH (storage = none);
SELECT plan, rows, twice, disorder, missing < 30 AS found FROM shared_compare('v', '<->', 'true', 3000);
DROP INDEX shared_index;

-- what is wanted decides: few rows are found sooner by one process, and so are some thousands, unless workers start fast; a setting forbids; other modes end after some rows, so they are not parallel
CREATE INDEX shared_index ON shared_items USING hnsw (v vector_l2_ops, tag);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET min_parallel_index_scan_size;
SELECT plan FROM shared_compare('v', '<->', 'true', 10);
SELECT plan FROM shared_compare('v', '<->', 'tag < 5', 100);
SELECT plan FROM shared_compare('v', '<->', 'tag < 10', 100000);
SELECT plan FROM shared_compare('v', '<->', 'true', 1000);
SELECT plan FROM shared_compare('v', '<->', 'true', 14000);
SET parallel_setup_cost = 200;
SELECT plan FROM shared_compare('v', '<->', 'true', 14000);
SET enable_indexscan = off;
SELECT plan FROM shared_compare('v', '<->', 'true', 14000);
RESET enable_indexscan;
SET max_parallel_workers_per_gather = 0;
SELECT plan FROM shared_compare('v', '<->', 'true', 14000);
SET max_parallel_workers_per_gather = 2;
SET hnsw.iterative_scan = strict_order;
SELECT plan FROM shared_compare('v', '<->', 'true', 14000);
DROP TABLE shared_items;
DROP FUNCTION shared_participants(int);
DROP FUNCTION shared_compare, shared_fill, shared_vector;
RESET ALL;
