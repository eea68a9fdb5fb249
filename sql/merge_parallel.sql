-- many small partitions, searched by a leader and its workers: each takes some of them
SET enable_seqscan = off;
SET enable_sort = off;
SET parallel_setup_cost = 0;
SET cpu_operator_cost = 1;	-- so that these few rows are worth a worker
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = '1TB';	-- nothing else is
SET hnsw.ef_search = 400;	-- every search is exact
CREATE TABLE crowd (id int, t int, a int, b int, v vector(16)) PARTITION BY LIST (t);
DO $$
BEGIN
	FOR t IN 0..47 LOOP
		EXECUTE format('CREATE TABLE crowd_%s PARTITION OF crowd FOR VALUES IN (%1$s)', t);
	END LOOP;
END $$;
CREATE FUNCTION crowd_vector(n int) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	$$SELECT array_agg((hashint8extended(n % 40, d) & 1023) + (hashint8extended(n, d) & 1023) / 2.0)::real[]::vector FROM generate_series(1, 16) d$$;
INSERT INTO crowd SELECT n, n % 48, n % 7, n % 11, crowd_vector(n) FROM generate_series(1, 4800) n;
CREATE INDEX ON crowd USING hnsw (v vector_l2_ops, a);
ANALYZE crowd;
CREATE TABLE crowd_queries AS SELECT id, v FROM crowd WHERE id % 600 = 1;
ANALYZE crowd_queries;

-- the nodes of a plan that merge rows, from the top, and whether processes share them
CREATE FUNCTION crowd_plan(query text, options text DEFAULT 'COSTS off') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE format('EXPLAIN (%s, FORMAT json) %s', options, query) INTO plan;
	RETURN plan;
END $$;
CREATE FUNCTION crowd_nodes(query text) RETURNS text LANGUAGE sql AS
	$$SELECT string_agg(coalesce(node->>'Custom Plan Provider', node->>'Node Type') || CASE WHEN (node->>'Parallel Aware')::bool THEN ', shared' ELSE '' END, '; ') FROM
		jsonb_path_query(crowd_plan(query), 'strict $.** ? (@."Node Type" == "Gather Merge" || @."Node Type" == "Gather" || @."Node Type" == "Merge Append" || @."Node Type" == "Custom Scan")') node$$;
SELECT crowd_nodes('SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 10');
SELECT key->'Sort Key' IS NOT NULL AS sort_key, (gather->>'Workers Planned')::int BETWEEN 1 AND 2 AS workers, jsonb_array_length(key->'Plans') AS scans FROM
	jsonb_path_query(crowd_plan('SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 10'), 'strict $.** ? (@."Node Type" == "Gather Merge")') gather,
	LATERAL (SELECT gather->'Plans'->0 AS key) x;

-- rows in their order, and those that PostgreSQL finds by sorting; of these there are no two as near
CREATE FUNCTION crowd_rows(query text) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	found int[];
BEGIN
	EXECUTE format('SELECT array_agg(id) FROM (%s) x', query) INTO found;
	RETURN found;
END $$;
CREATE FUNCTION crowd_equal(tail text, conditions text DEFAULT 'true') RETURNS boolean LANGUAGE sql AS
	$$SELECT bool_and(crowd_rows(format('SELECT id FROM crowd WHERE %s ORDER BY v <-> %L %s', conditions, v, tail))
		IS NOT DISTINCT FROM crowd_rows(format('SELECT id FROM crowd WHERE %s ORDER BY (v <-> %L) + 0 %s', conditions, v, tail))) FROM crowd_queries$$;
CREATE FUNCTION crowd_all_equal() RETURNS TABLE (one boolean, ten boolean, other boolean, more_than_partitions boolean, attribute boolean, other_column boolean, rare boolean, nothing boolean)
	LANGUAGE sql AS $$SELECT crowd_equal('LIMIT 1'), crowd_equal('LIMIT 10'), crowd_equal('LIMIT 5 OFFSET 5'), crowd_equal('LIMIT 200'),
		crowd_equal('LIMIT 10', 'a = 3'), crowd_equal('LIMIT 10', 'b = 3'), crowd_equal('LIMIT 60', 'b = 3 AND a = 2'), crowd_equal('LIMIT 10', 'b = 77')$$;
SELECT * FROM crowd_all_equal();
-- rows that do not meet conditions are tested in their order by each process, and not as many in each partition as it takes to find the first that does
CREATE FUNCTION crowd_read(query text) RETURNS numeric LANGUAGE sql AS
	$$SELECT sum(((node->>'Actual Rows')::numeric + coalesce(node->>'Rows Removed by Filter', '0')::numeric) * (node->>'Actual Loops')::numeric) FROM
		jsonb_path_query(crowd_plan(query, 'ANALYZE, TIMING off, SUMMARY off'), 'strict $.** ? (@."Node Type" == "Index Scan")') node$$;
SELECT bool_and(crowd_nodes(query) ~ 'shared') AS shared, bool_and(crowd_read(query) < 200) AS few FROM
	(SELECT format('SELECT id FROM crowd WHERE b = 3 ORDER BY v <-> %L LIMIT 1', v) AS query FROM crowd_queries) x;
-- by workers alone, if there are any; by fewer than planned; by none
SET parallel_leader_participation = off;
SELECT crowd_nodes('SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 10');
SELECT * FROM crowd_all_equal();
RESET parallel_leader_participation;
SET max_parallel_workers = 1;
SELECT * FROM crowd_all_equal();
SET max_parallel_workers = 0;
SELECT * FROM crowd_all_equal();
SET parallel_leader_participation = off;
SELECT crowd_equal('LIMIT 10'), crowd_equal('LIMIT 200');
RESET parallel_leader_participation;
RESET max_parallel_workers;
SELECT count(*) FROM (SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 0) x;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT NULL) x;
SELECT count(*) FROM (SELECT id FROM crowd ORDER BY v <-> NULL::vector LIMIT 10) x;
-- more rows than processes tell each other, and than memory holds
SET work_mem = '64kB';
SELECT count(*), count(DISTINCT id) FROM (SELECT id, v FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 4000) x;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 100000) x;
RESET work_mem;

-- what EXPLAIN counts is the sum of all
CREATE FUNCTION crowd_counters(query text) RETURNS TABLE (compared int, all_scans int, few boolean) LANGUAGE sql AS
	$$SELECT (node->>'Compared by Codes')::int, (node->>'Scans Begun')::int + (node->>'Scans Skipped')::int, (node->>'Scans Begun')::int BETWEEN 1 AND 20 FROM
		jsonb_path_query(crowd_plan(query, 'ANALYZE, TIMING off, SUMMARY off'), 'strict $.** ? (@."Node Type" == "Custom Scan")') node$$;
SELECT bool_and(compared = 48) AS compared, bool_and(all_scans = 48) AS all_scans, bool_and(few) AS few FROM crowd_queries q, crowd_counters(format('SELECT id FROM crowd ORDER BY v <-> %L LIMIT 5', q.v));
SELECT * FROM crowd_counters('SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 200');

-- rows that are not visible: the others are returned
BEGIN;
DELETE FROM crowd WHERE id IN (SELECT x.id FROM crowd_queries q, LATERAL (SELECT id FROM crowd ORDER BY (v <-> q.v) + 0 LIMIT 30) x);
SELECT * FROM crowd_all_equal();
ROLLBACK;
-- and new ones
INSERT INTO crowd SELECT n, n % 48, n % 7, n % 11, crowd_vector(n) FROM generate_series(4801, 5400) n;
DELETE FROM crowd WHERE id % 5 = 0;
SELECT * FROM crowd_all_equal();

-- partitions pruned when the query starts, and when it runs
SET plan_cache_mode = force_generic_plan;
PREPARE crowd_few (vector, int, int) AS SELECT id FROM crowd WHERE t < $2 ORDER BY v <-> $1 LIMIT $3;
SELECT crowd_nodes('EXECUTE crowd_few (crowd_vector(7), 40, 5)');
CREATE FUNCTION crowd_pruned(below int, lim int) RETURNS boolean LANGUAGE sql AS
	$$SELECT bool_and(crowd_rows(format('SELECT id FROM crowd WHERE t < (SELECT %s) ORDER BY v <-> (SELECT v FROM crowd_queries WHERE id = %s) LIMIT %s', below, id, lim))
		IS NOT DISTINCT FROM crowd_rows(format('SELECT id FROM crowd WHERE t < %s ORDER BY (v <-> %L) + 0 LIMIT %s', below, v, lim))) FROM crowd_queries$$;
SELECT crowd_nodes('SELECT id FROM crowd WHERE t < (SELECT 40) ORDER BY v <-> (SELECT v FROM crowd_queries WHERE id = 601) LIMIT 5');
SELECT crowd_pruned(40, 5), crowd_pruned(48, 60), crowd_pruned(3, 5), crowd_pruned(0, 5);
EXECUTE crowd_few (crowd_vector(7), 48, 1);
EXECUTE crowd_few (crowd_vector(8), 9, 1);
EXECUTE crowd_few (crowd_vector(7), 0, 1);
RESET plan_cache_mode;

-- a search that runs again, and two in a statement
SET enable_material = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT crowd_nodes('SELECT n, x.id FROM generate_series(1, 3) n LEFT JOIN (SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 3) x ON x.id <> n');
SELECT n, array_agg(x.id) FROM generate_series(1, 3) n LEFT JOIN (SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 3) x ON x.id <> n GROUP BY n ORDER BY n;
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
SELECT crowd_rows('SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 3'), crowd_rows('SELECT id FROM crowd ORDER BY v <-> crowd_vector(8) LIMIT 3');
SELECT crowd_nodes('(SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 3) UNION ALL (SELECT id FROM crowd ORDER BY v <-> crowd_vector(8) LIMIT 3)');
SELECT array_agg(id) FROM ((SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 3) UNION ALL (SELECT id FROM crowd ORDER BY v <-> crowd_vector(8) LIMIT 3)) x;
-- what a query of another row asks for is searched by one process
SELECT crowd_nodes('SELECT x.id FROM crowd_queries q, LATERAL (SELECT id FROM crowd ORDER BY v <-> q.v LIMIT 1) x') ~ 'shared' AS shared;
-- nor do searches have workers that take another number of rows each time, of which PostgreSQL tells workers the first
SELECT crowd_nodes('SELECT n, x.id FROM generate_series(1, 5, 2) n, LATERAL (SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT n) x') ~ 'shared' AS shared;
SELECT crowd_nodes('SELECT n, x.id FROM generate_series(1, 5, 2) n, LATERAL (SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 1 OFFSET n) x') ~ 'shared' AS shared;
SELECT n, count(x.id) FROM generate_series(1, 5, 2) n, LATERAL (SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT n) x GROUP BY n ORDER BY n;
-- a search by another query's workers is one process's, too: they are sent no plan that has workers
CREATE TABLE crowd_ids WITH (parallel_workers = 1) AS SELECT generate_series(1, 2000) AS id;
ANALYZE crowd_ids;
SET parallel_tuple_cost = 0;
SET enable_seqscan = on;
SELECT crowd_nodes('SELECT count(*) FROM crowd_ids WHERE id NOT IN (SELECT id FROM crowd WHERE id <= 2000 ORDER BY v <-> crowd_vector(7) LIMIT 5)');
SELECT count(*) FROM crowd_ids WHERE id NOT IN (SELECT id FROM crowd WHERE id <= 2000 ORDER BY v <-> crowd_vector(7) LIMIT 5);
DROP TABLE crowd_ids;
SET enable_seqscan = off;
RESET parallel_tuple_cost;
-- a cursor runs without workers
BEGIN;
DECLARE crowd_cursor CURSOR FOR SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 3;
FETCH 2 FROM crowd_cursor;
FETCH 2 FROM crowd_cursor;
COMMIT;
-- serializable transactions have read all indexes
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 1;
SELECT count(*) FROM pg_locks l JOIN pg_inherits i ON i.inhrelid = l.relation WHERE i.inhparent = 'crowd_v_a_idx'::regclass AND l.mode = 'SIReadLock';
COMMIT;

-- an error in any process is the query's, which leaves nothing behind
DO $$
BEGIN
	PERFORM id FROM crowd WHERE 1 / (b - 4) < 2 ORDER BY v <-> crowd_vector(7) LIMIT 4000;
	RAISE 'no error';
EXCEPTION WHEN division_by_zero THEN
	RAISE NOTICE 'an error';
END $$;
SELECT crowd_equal('LIMIT 10');

-- left to one process
CREATE FUNCTION crowd_unsafe(n int) RETURNS int LANGUAGE sql PARALLEL UNSAFE AS 'SELECT n';
SELECT crowd_nodes('SELECT crowd_unsafe(id) FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 10') AS unsafe;
SET max_parallel_workers_per_gather = 0;
SELECT crowd_nodes('SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 10') AS forbidden;
SET max_parallel_workers_per_gather = 2;
RESET cpu_operator_cost;
RESET parallel_setup_cost;
SELECT crowd_nodes('SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 10') AS not_worth_it;
SET parallel_setup_cost = 0;
SET cpu_operator_cost = 1;

-- children of which nothing is known before they begin
DROP INDEX crowd_v_a_idx;
DO $$
BEGIN
	FOR t IN 0..47 LOOP
		IF t < 36 THEN
			EXECUTE format('CREATE INDEX ON crowd_%s USING hnsw (v vector_l2_ops)', t);
		ELSIF t < 42 THEN
			EXECUTE format('CREATE INDEX ON crowd_%s USING ivfflat (v vector_l2_ops) WITH (lists = 1)', t);
		ELSE
			EXECUTE format('CREATE INDEX ON crowd_%s USING hnsw (v vector_l2_ops) WITH (storage = half)', t);
		END IF;
	END LOOP;
END $$;
SELECT crowd_nodes('SELECT id FROM crowd ORDER BY v <-> crowd_vector(7) LIMIT 10');
SELECT * FROM crowd_all_equal();
DROP TABLE crowd, crowd_queries;
DROP FUNCTION crowd_plan, crowd_nodes, crowd_rows, crowd_equal, crowd_all_equal, crowd_counters, crowd_read, crowd_pruned, crowd_unsafe, crowd_vector;
