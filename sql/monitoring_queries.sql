-- Made by test/docs/monitoring.py: the queries run, and have the columns that the exporter is told of
CREATE TABLE monitored (id int, v vector(3));
INSERT INTO monitored SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 100) n;
CREATE INDEX monitored_v ON monitored USING hnsw (v vector_l2_ops);
SET enable_seqscan = off;
SELECT count(*) FROM generate_series(1, 5) i, LATERAL (SELECT id FROM monitored ORDER BY v <-> ARRAY[i, i, i]::vector LIMIT 1) s;
RESET enable_seqscan;
CREATE TEMP VIEW monitoring_vector_index AS
SELECT current_database() AS "database",
  n.nspname AS "schema",
  c.relname AS "index",
  t.relname AS "table",
  s.scans,
  s.rounds,
  s.hops,
  s.distances,
  s.blocks_hit,
  s.blocks_read,
  s.fallbacks,
  s.rows_returned,
  s.rows_inserted,
  s.rows_removed,
  s.seals,
  s.merges,
  s.wal_bytes,
  s.growing_rows,
  s.sealed_segments,
  s.dead_rows,
  coalesce(s.recall, 'NaN') AS "recall",
  coalesce(nullif(current_setting('vector.target_recall', true), ''), '0')::float8 AS "target_recall",
  pg_relation_size(c.oid) AS "bytes",
  (SELECT coalesce(sum(g.rows), 0)::bigint FROM vector_index_segments(c.oid) g) AS "rows"
FROM vector_stat_indexes() s JOIN pg_class c ON c.oid = s.index JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = i.indrelid;
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'monitoring_vector_index'::regclass AND attnum > 0 ORDER BY attnum;
SELECT count(*) >= 0 AS runs FROM monitoring_vector_index;
CREATE TEMP VIEW monitoring_vector_search AS
SELECT current_database() AS "database",
  n.nspname AS "schema",
  c.relname AS "index",
  (SELECT array_agg(0.000032 * 2 ^ (i - 1) ORDER BY i) FROM generate_series(1, 24) i)::float8[] AS "seconds",
  (SELECT array_agg(sum ORDER BY i) FROM (SELECT i, sum(l) OVER (ORDER BY i)::bigint AS sum FROM unnest(s.latencies) WITH ORDINALITY u(l, i)) b) AS "seconds_bucket",
  s.search_ms / 1000 AS "seconds_sum",
  s.scans AS "seconds_count"
FROM vector_stat_indexes() s JOIN pg_class c ON c.oid = s.index JOIN pg_namespace n ON n.oid = c.relnamespace;
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'monitoring_vector_search'::regclass AND attnum > 0 ORDER BY attnum;
SELECT count(*) >= 0 AS runs FROM monitoring_vector_search;
CREATE TEMP VIEW monitoring_vector_worker AS
SELECT current_database() AS "database",
  n.nspname AS "schema",
  c.relname AS "index",
  s.phase,
  s.steps,
  s.segments,
  s.busy_ms / 1000 AS "busy_seconds",
  s.gave_way,
  s.locked,
  s.failures
FROM vector_stat_workers() s JOIN pg_class c ON c.oid = s.index JOIN pg_namespace n ON n.oid = c.relnamespace;
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'monitoring_vector_worker'::regclass AND attnum > 0 ORDER BY attnum;
SELECT count(*) >= 0 AS runs FROM monitoring_vector_worker;
CREATE TEMP VIEW monitoring_vector_job AS
SELECT current_database() AS "database",
  s.state,
  count(*) AS "jobs"
FROM vector_jobs() s GROUP BY s.state;
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'monitoring_vector_job'::regclass AND attnum > 0 ORDER BY attnum;
SELECT count(*) >= 0 AS runs FROM monitoring_vector_job;
CREATE TEMP VIEW monitoring_vector_tier AS
SELECT current_database() AS "database",
  s.server AS "store",
  s.remote_bytes,
  s.gets,
  s.bytes_read,
  s.hits,
  s.misses,
  s.retries,
  s.errors
FROM vector_stat_tier() s;
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'monitoring_vector_tier'::regclass AND attnum > 0 ORDER BY attnum;
SELECT count(*) >= 0 AS runs FROM monitoring_vector_tier;
-- the classes of a histogram are cumulative, and the last has all
SELECT bool_and(seconds_bucket[24] = seconds_count AND array_length(seconds, 1) = array_length(seconds_bucket, 1)
	AND NOT EXISTS (SELECT FROM generate_series(2, 24) i WHERE seconds_bucket[i] < seconds_bucket[i - 1] OR seconds[i] <= seconds[i - 1])) AS histograms
FROM monitoring_vector_search WHERE index = 'monitored_v';
SELECT "table", scans, rows, recall, bytes > 0 AS bytes FROM monitoring_vector_index WHERE index = 'monitored_v';
DROP TABLE monitored;
