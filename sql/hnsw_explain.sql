-- hnsw and diskann: what EXPLAIN ANALYZE shows for a scan, from PostgreSQL 18 on
SELECT current_setting('server_version_num')::int < 180000 AS before_18 \gset
\if :before_18
\quit
\endif
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE t (id int, v vector(3));
INSERT INTO t SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 500) n;
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops);
INSERT INTO t SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(501, 510) n;
CREATE TABLE q AS SELECT id, v FROM t WHERE id <= 5;

-- The output of EXPLAIN, with N for every number but zero.
CREATE FUNCTION explain(options text, query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE format('EXPLAIN (%s, COSTS off) %s', options, query) LOOP
		RETURN NEXT regexp_replace(line, '(Hops|Distances|Blocks): [1-9]\d*', '\1: N', 'g');
	END LOOP;
END $$;
SELECT explain('ANALYZE, TIMING off, SUMMARY off, BUFFERS off', $$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$);
SELECT explain('VERBOSE', $$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$);
-- a scan that is never run
SELECT trim(line) AS line FROM explain('ANALYZE, TIMING off, SUMMARY off, BUFFERS off',
	$$SELECT id FROM t WHERE (SELECT id < 0 FROM q WHERE id = 5) ORDER BY v <-> '[1,2,3]' LIMIT 5$$) line
	WHERE line ~ 'Index Scan|Hops';
-- another access method
CREATE INDEX t_id ON t (id);
SELECT explain('ANALYZE, TIMING off, SUMMARY off, BUFFERS off', $$SELECT * FROM t WHERE id = 3 ORDER BY id$$);

-- the numbers are those of vector_last_scan, and a sum over rescans
CREATE FUNCTION scan_node(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || query INTO plan;
	RETURN jsonb_path_query_first(plan, 'strict $.** ? (@."Index Name" == "t_v")');
END $$;
SELECT node -> 'Hops' = to_jsonb(hops) AS hops, node -> 'Distances' = to_jsonb(distances) AS distances,
	node -> 'Blocks' = to_jsonb(blocks) AS blocks, node -> 'Segments' = to_jsonb(segments) AS segments, segments, hops > 10 AS many
	FROM (SELECT scan_node($$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$) AS node OFFSET 0) x, LATERAL
		(SELECT l.* FROM vector_last_scan() l WHERE node IS NOT NULL) l;
SELECT node -> 'Index Searches' AS searches, node -> 'Segments' AS segments, (node ->> 'Hops')::int > 50 AS many_hops
	FROM scan_node('SELECT q.id, x.id FROM q, LATERAL (SELECT id FROM t ORDER BY v <-> q.v LIMIT 3) x') node;
-- a scan that need not search and one that does, in one plan
SELECT trim(line) AS line FROM explain('ANALYZE, TIMING off, SUMMARY off, BUFFERS off',
	$$(SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 2) UNION ALL
		(SELECT id FROM t WHERE v <-> '[3,2,1]' < -1 ORDER BY v <-> '[3,2,1]' LIMIT 2)$$) line
	WHERE line ~ 'Index Scan|Hops';
-- other formats
SELECT regexp_replace(m[1], '[1-9]\d*', 'N') AS xml FROM regexp_matches((SELECT string_agg(line, E'\n') FROM
	explain('ANALYZE, FORMAT xml', $$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$) line),
	'<((Hops|Distances|Blocks|Segments)>\d+<)', 'g') m;
SELECT m[1] AS yaml FROM regexp_matches((SELECT string_agg(line, E'\n') FROM
	explain('ANALYZE, FORMAT yaml', $$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$) line),
	'\n *((Hops|Distances|Blocks|Segments): \w+)', 'g') m;
SELECT count(*) FROM explain('FORMAT json', $$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$) line WHERE line ~ 'Hops';
-- diskann, which compares rows of the table, or its own
DROP INDEX t_v;
CREATE INDEX t_v ON t USING diskann (v vector_l2_ops, id) WITH (storage = none);
INSERT INTO t SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(511, 520) n;
SELECT explain('ANALYZE, TIMING off, SUMMARY off, BUFFERS off', $$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$);
SELECT regexp_replace(explain, 'Rejected: [1-9]\d*', 'Rejected: N') AS explain
	FROM explain('ANALYZE, TIMING off, SUMMARY off, BUFFERS off', $$SELECT id FROM t WHERE id < 0 ORDER BY v <-> '[1,2,3]' LIMIT 5$$);
SELECT node -> 'Hops' = to_jsonb(hops) AS hops, node -> 'Distances' = to_jsonb(distances) AS distances,
	node -> 'Blocks' = to_jsonb(blocks) AS blocks, node -> 'Segments' = to_jsonb(segments) AS segments, segments, hops > 10 AS many
	FROM (SELECT scan_node($$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$) AS node OFFSET 0) x, LATERAL
		(SELECT l.* FROM vector_last_scan() l WHERE node IS NOT NULL) l;
DROP INDEX t_v;
CREATE INDEX t_v ON t USING diskann (v vector_l2_ops) WITH (storage = full);
SELECT explain('ANALYZE, TIMING off, SUMMARY off, BUFFERS off', $$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$);
-- the effort that a recall takes, and why: of a LIMIT, a cursor's query, and a condition that only the executor evaluates
DROP INDEX t_v;
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops);
CREATE FUNCTION effort(query text) RETURNS SETOF text LANGUAGE sql AS
	$$SELECT regexp_replace(trim(line), '= [1-9]\d*', '= N') FROM explain('ANALYZE, TIMING off, SUMMARY off, BUFFERS off', query) line WHERE line ~ 'Effort'$$;
SELECT effort($$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$) AS no_target;
SET vector.target_recall = 0.9;
SELECT effort($$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$);
ANALYZE t;
SELECT effort($$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$);
SELECT effort($$SELECT id FROM t ORDER BY v <-> '[1,2,3]'$$);
SELECT regexp_replace(effort, 'of [1-9]\d\d rows', 'of some hundred rows') AS effort
	FROM effort($$SELECT id FROM t WHERE id % 100 = 7 ORDER BY v <-> '[1,2,3]' LIMIT 2$$);
CREATE INDEX t_v_id ON t USING hnsw (v vector_l2_ops, id);
DROP INDEX t_v;
ANALYZE t;
SELECT regexp_replace(effort, 'among [\d.]+ %', 'among N %') AS effort FROM effort($$SELECT id FROM t WHERE id <= 50 ORDER BY v <-> '[1,2,3]' LIMIT 5$$);
-- rows in segments that are newer than what was measured: a margin is for them until it is measured again
INSERT INTO t SELECT n, ARRAY[n % 17, n % 23, n % 31] FROM generate_series(1001, 1200) n;
SELECT effort($$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$) AS growing;
SELECT vector_seal('t_v_id');
SELECT regexp_replace(effort, '[\d.]+ % of the rows', 'N % of the rows') AS sealed FROM effort($$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$);
ANALYZE t;
SELECT effort($$SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5$$) AS measured;
RESET vector.target_recall;
DROP FUNCTION effort;

-- the participants of a parallel scan take all runs of rows together
CREATE TABLE divided (id int, v vector(3)) WITH (parallel_workers = 2);
INSERT INTO divided SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 5000) n;
CREATE INDEX ON divided USING hnsw (v vector_l2_ops);
ANALYZE divided;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
CREATE FUNCTION participants(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || query INTO plan;
	RETURN jsonb_path_query_first(plan, 'strict $.**.Participants');
END $$;
SELECT (SELECT sum((p->>'Runs')::int) FROM jsonb_array_elements(all_of) p) AS runs, (SELECT sum((p->>'Distances')::int) FROM jsonb_array_elements(all_of) p) AS distances,
	NOT jsonb_path_exists(all_of, '$[1 to last] ? (!exists (@."Worker Number"))') AS numbered
	FROM participants('SELECT id FROM divided ORDER BY v <-> ''[1,2,3]'' LIMIT 4000') all_of;
SELECT count(*) > 0 AS lines FROM explain('ANALYZE, TIMING off, SUMMARY off, BUFFERS off', $$SELECT id FROM divided ORDER BY v <-> '[1,2,3]' LIMIT 4000$$) line
	WHERE line ~ '^ +(Leader|Worker \d+):  Rows: \d+  Runs: \d';
DROP TABLE divided;
DROP FUNCTION participants;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET min_parallel_index_scan_size;

DROP TABLE t, q;
DROP FUNCTION explain, scan_node;
RESET max_parallel_workers_per_gather;
RESET enable_sort;
RESET enable_bitmapscan;
RESET enable_seqscan;
