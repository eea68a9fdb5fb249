-- searches that take long, and EXPLAIN with what searches did
CREATE TABLE slow_items (id int, v vector(4), tag int);
INSERT INTO slow_items SELECT n, ARRAY[n % 17, n % 23, n % 29, n % 31], n % 10 FROM generate_series(1, 300) n;
CREATE INDEX slow_items_v ON slow_items USING hnsw (v vector_l2_ops, tag);
CREATE INDEX slow_items_w ON slow_items USING ivf ((v::halfvec(4)) halfvec_l2_ops) WITH (lists = 3);
SET enable_seqscan = off;
CREATE FUNCTION slow_seen() RETURNS TABLE (index regclass, search_ms boolean, recent boolean, description text) LANGUAGE sql AS $$
	SELECT index, search_ms >= 0, ended_at > now() - interval '1 hour' AND pid = pg_backend_pid(),
		regexp_replace(regexp_replace(description, '\d+ (hops|distances|blocks hit|read);?', 'n \1', 'g'), 'left \d+', 'left n') FROM vector_slow_searches() $$;
-- by default none is noted
SELECT id FROM slow_items ORDER BY v <-> '[1,2,3,4]' LIMIT 1;
SELECT * FROM slow_seen();
SET vector.log_min_duration = 0;
SELECT id FROM slow_items ORDER BY v <-> '[1,2,3,4]' LIMIT 1;
SET hnsw.ef_search = 77;
SELECT id FROM slow_items WHERE tag = 4 ORDER BY v <-> '[1,2,3,4]' LIMIT 2;
SELECT id FROM slow_items ORDER BY v::halfvec(4) <-> '[1,2,3,4]' LIMIT 1;
-- as few as a sample rate says, or only those that take long
SET vector.log_sample_rate = 0;
SELECT id FROM slow_items ORDER BY v <-> '[4,3,2,1]' LIMIT 1;
SET vector.log_sample_rate = 1;
SET vector.log_min_duration = '1h';
SELECT id FROM slow_items ORDER BY v <-> '[4,3,2,1]' LIMIT 1;
RESET vector.log_min_duration;
SELECT * FROM slow_seen();
-- the owner and those who monitor the server see them; only a superuser sets the settings
CREATE ROLE regress_slow_owner;
CREATE ROLE regress_slow_stranger;
CREATE ROLE regress_slow_monitor IN ROLE pg_monitor;
ALTER TABLE slow_items OWNER TO regress_slow_owner;
SET ROLE regress_slow_owner;
SELECT count(*) FROM slow_seen();
SET vector.log_min_duration = 0;
SET vector.log_sample_rate = 0.5;
SET ROLE regress_slow_monitor;
SELECT count(*) FROM slow_seen();
SET ROLE regress_slow_stranger;
SELECT count(*) FROM slow_seen();
RESET ROLE;
-- no more than the last 32 are kept
SET vector.log_min_duration = 0;
SELECT count(s.id) FROM generate_series(1, 50) i, LATERAL (SELECT id FROM slow_items ORDER BY v <-> ARRAY[i, i, i, i]::vector LIMIT 1) s;
RESET vector.log_min_duration;
SELECT count(*) FROM slow_seen();
SELECT vector_stat_reset('slow_items_v');
SELECT count(*) FROM slow_seen();

-- EXPLAIN: the plan, and by index what its searches did, as vector_last_scan and EXPLAIN of PostgreSQL 18 say
CREATE TABLE slow_plan (line int GENERATED ALWAYS AS IDENTITY, text text);
INSERT INTO slow_plan (text) SELECT vector_explain('SELECT id FROM slow_items ORDER BY v <-> ''[1,2,3,4]'' LIMIT 3', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
SELECT format('Hops: %s  Distances: %s  Blocks: %s  Segments: 1', hops, distances, blocks) AS expected FROM vector_last_scan() \gset
SELECT bool_or(text ~ 'Index Scan using slow_items_v on slow_items .*rows=3') AS plan, bool_or(text = '  ' || :'expected') AS numbers,
	bool_or(text = 'Searches of slow_items_v: 1  Rounds: 1  Fallbacks: 0') AS searches, bool_or(text ~ '^  Blocks Hit: [1-9]\d*  Blocks Read: \d+$') AS blocks FROM slow_plan;
TRUNCATE slow_plan;
INSERT INTO slow_plan (text) SELECT vector_explain('SELECT (SELECT id FROM slow_items ORDER BY v <-> ARRAY[i, i, i, i]::vector LIMIT 1),
	(SELECT id FROM slow_items ORDER BY v::halfvec(4) <-> ARRAY[i, i, i, i]::halfvec LIMIT 1) FROM generate_series(1, 3) i');
SELECT text FROM slow_plan WHERE text ~ '^Searches' ORDER BY line;
-- without ANALYZE nothing is searched
SELECT vector_explain('SELECT id FROM slow_items ORDER BY v <-> ''[1,2,3,4]'' LIMIT 3', 'COSTS OFF');
-- searches inside of functions count, and those that come after do not
CREATE FUNCTION slow_inner() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT id FROM slow_items ORDER BY v <-> ''[1,2,3,4]'' LIMIT 1); END';
SELECT l FROM vector_explain('SELECT slow_inner()') l WHERE l ~ '^Searches';
SELECT vector_explain('SELECT 1 / 0');
SELECT id FROM slow_items ORDER BY v <-> '[1,2,3,4]' LIMIT 1;
SELECT regexp_replace(l, 'rows=1(\.00)?', 'rows=1') AS l FROM vector_explain('SELECT 1', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF') l;
-- the efforts that a recall takes, and why: those that differ, each once; those of before REINDEX are not of the new index
CREATE FUNCTION slow_efforts(query text) RETURNS SETOF text LANGUAGE sql AS
	$$SELECT regexp_replace(line, '= [1-9]\d*', '= N') FROM vector_explain(query) line WHERE line ~ '^  Effort'$$;
SELECT slow_efforts($$SELECT id FROM slow_items ORDER BY v <-> '[1,2,3,4]' LIMIT 5$$) AS no_target;
SET vector.target_recall = 0.9;
SELECT slow_efforts($$SELECT id FROM slow_items ORDER BY v <-> '[1,2,3,4]' LIMIT 5$$) AS not_measured;
ANALYZE slow_items;
SELECT slow_efforts($$SELECT n.id FROM generate_series(1, 5) i, LATERAL (SELECT id FROM slow_items ORDER BY v <-> ARRAY[i, i, i, i]::vector LIMIT 5) n$$);
SELECT slow_efforts($$SELECT (SELECT id FROM slow_items ORDER BY v <-> '[1,2,3,4]' LIMIT 1), n FROM (SELECT id AS n FROM slow_items ORDER BY v <-> '[4,3,2,1]' LIMIT 4) x$$) AS effort ORDER BY effort;
SELECT regexp_replace(effort, 'among [\d.]+ %', 'among N %') AS effort FROM slow_efforts($$SELECT id FROM slow_items WHERE tag = 4 ORDER BY v <-> '[1,2,3,4]' LIMIT 2$$) effort;
REINDEX INDEX slow_items_v;
SELECT slow_efforts($$SELECT id FROM slow_items ORDER BY v <-> '[1,2,3,4]' LIMIT 5$$) AS new_index;
RESET vector.target_recall;
DROP FUNCTION slow_efforts;
-- it is one statement, with the caller's privileges
SELECT vector_explain('SELECT 1; DROP TABLE slow_items');
SELECT vector_explain('SELECT 1', 'COSTS OFF) SELECT 1; DROP TABLE slow_items; EXPLAIN (COSTS OFF');
SELECT vector_explain('SELECT 1', 'FORMAT JSON');
SELECT vector_explain('VACUUM slow_items');
SET ROLE regress_slow_stranger;
SELECT vector_explain('SELECT id FROM slow_items ORDER BY v <-> ''[1,2,3,4]'' LIMIT 3');
RESET ROLE;
DROP TABLE slow_items, slow_plan;
DROP FUNCTION slow_seen, slow_inner;
DROP ROLE regress_slow_owner, regress_slow_stranger, regress_slow_monitor;
RESET hnsw.ef_search;
RESET vector.log_sample_rate;
RESET enable_seqscan;
