-- cumulative statistics: what is counted, who sees it, who may reset it
SET vector.background_work = off;
CREATE TABLE stat_items (id int, v vector(4), tag int);
CREATE INDEX stat_items_v ON stat_items USING hnsw (v vector_l2_ops, tag) WITH (seal_rows = 100);
SELECT scans, rows_inserted, seals, merges, wal_bytes, search_p50, recall, stats_since FROM vector_stat_indexes() WHERE index = 'stat_items_v'::regclass;
INSERT INTO stat_items SELECT n, ARRAY[n % 17, n % 23, n % 29, n % 31], n % 10 FROM generate_series(1, 150) n;
SELECT vector_seal('stat_items_v') > 0 AS sealed;
INSERT INTO stat_items SELECT n, ARRAY[n % 17, n % 23, n % 29, n % 31], n % 10 FROM generate_series(151, 300) n;
SELECT vector_seal('stat_items_v') > 0 AS sealed;
SELECT vector_merge('stat_items_v') > 0 AS merged;
INSERT INTO stat_items SELECT n, ARRAY[n % 17, n % 23, n % 29, n % 31], n % 10 FROM generate_series(301, 350) n;
SELECT rows_inserted, seals, merges, wal_bytes > 10000 AS logged, growing_rows, sealed_segments, dead_rows
FROM vector_stat_indexes() WHERE index = 'stat_items_v'::regclass;
DELETE FROM stat_items WHERE id % 50 = 0;
VACUUM stat_items;
SELECT rows_removed, dead_rows FROM vector_stat_indexes() WHERE index = 'stat_items_v'::regclass;
-- each search is counted with what vector_last_scan says of it
CREATE TEMP TABLE stat_sum AS SELECT 0::bigint AS scans, 0::bigint AS hops, 0::bigint AS distances, 0::bigint AS walks, 0::bigint AS reads,
	0::bigint AS rejected, 0::bigint AS returned;
SET enable_seqscan = off;
DO $$
BEGIN
	FOR i IN 1 .. 20 LOOP
		PERFORM id FROM stat_items WHERE i % 2 = 0 OR tag = 3 ORDER BY v <-> ARRAY[i, i, i, i]::vector LIMIT 5;
		UPDATE stat_sum s SET scans = s.scans + 1, hops = s.hops + l.hops, distances = s.distances + l.distances, walks = s.walks + l.walks,
			reads = s.reads + l.reads, rejected = s.rejected + l.rejected, returned = s.returned + 5 FROM vector_last_scan() l;
	END LOOP;
END
$$;
SELECT n.scans, n.rounds >= n.scans AS rounds, n.hops = s.hops AS hops, n.distances = s.distances AS distances, n.walks = s.walks AS walks,
	n.reads = s.reads AS reads, n.rejected = s.rejected AS rejected, n.rows_returned >= s.returned AS returned, n.blocks_hit > 0 AS hit,
	n.search_ms > 0 AS ms, n.search_p50 <= n.search_p99 AS percentiles, (SELECT sum(c) FROM unnest(n.latencies) c) AS in_classes
FROM vector_stat_indexes() n, stat_sum s WHERE n.index = 'stat_items_v'::regclass;
-- a rescan is a search
SELECT count(*) FROM generate_series(1, 3) i, LATERAL (SELECT id FROM stat_items ORDER BY v <-> ARRAY[i, i, i, i]::vector LIMIT 2) s;
SELECT scans FROM vector_stat_indexes() WHERE index = 'stat_items_v'::regclass;
-- few rows pass a condition that only the executor evaluates: the search falls back to those that pass
CREATE FUNCTION stat_rare(id int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 1 AS 'BEGIN RETURN id = 77; END';
SELECT id FROM stat_items WHERE stat_rare(id) ORDER BY v <-> '[1,2,3,4]' LIMIT 3;
SELECT fallbacks, table_rows > 0 AS table_rows FROM vector_stat_indexes() WHERE index = 'stat_items_v'::regclass;
-- the last recall, by the setting in use
SELECT count(*) FROM vector_recall('stat_items_v', k => 3, samples => 5);
SELECT recall BETWEEN 0.5 AND 1 AS recall, recall_k, recall_at IS NOT NULL AS recall_at FROM vector_stat_indexes() WHERE index = 'stat_items_v'::regclass;
SELECT count(*) FROM vector_recall('stat_items_v', k => 7, samples => 5, efforts => '{10,20}');
SELECT count(*) FROM vector_recall('stat_items_v', k => 8, samples => 5, filter => 'tag = 1');
SELECT recall_k FROM vector_stat_indexes() WHERE index = 'stat_items_v'::regclass;
-- nothing was done by workers
SELECT * FROM vector_stat_workers() WHERE index = 'stat_items_v'::regclass;
-- another access method
CREATE INDEX stat_items_w ON stat_items USING ivf (v vector_l2_ops) WITH (lists = 3);
BEGIN;
DROP INDEX stat_items_v;
SELECT count(*) FROM (SELECT id FROM stat_items ORDER BY v <-> '[1,2,3,4]' LIMIT 3) s;
SELECT scans, walks + reads > 0 AS lists FROM vector_stat_indexes() WHERE index = 'stat_items_w'::regclass;
ROLLBACK;
-- what a transaction did counts, whether it is committed or not
SELECT scans FROM vector_stat_indexes() WHERE index = 'stat_items_w'::regclass;
-- who sees it
CREATE ROLE regress_stat_owner;
CREATE ROLE regress_stat_stranger;
CREATE ROLE regress_stat_monitor IN ROLE pg_monitor;
SELECT 'stat_items_v'::regclass::oid AS v \gset
ALTER TABLE stat_items OWNER TO regress_stat_owner;
SET ROLE regress_stat_owner;
SELECT count(*) FROM vector_stat_indexes() WHERE index IN ('stat_items_v'::regclass, 'stat_items_w'::regclass);
SELECT scans > 0 AS scans FROM vector_index_counters(:v);
SELECT vector_stat_reset(:v);
SET ROLE regress_stat_monitor;
SELECT scans > 0 AS scans FROM vector_stat_indexes() WHERE index = :v;
SELECT count(*) FROM vector_index_work(:v);
SET ROLE regress_stat_stranger;
SELECT count(*) FROM vector_stat_indexes() WHERE index = :v;
SELECT count(*) FROM vector_stat_workers();
SELECT scans FROM vector_index_counters(:v);
SELECT count(*) FROM vector_index_work(:v);
SELECT vector_stat_reset();
RESET ROLE;
-- reset: one index, then all
SELECT vector_stat_reset('stat_items_v');
SELECT index, scans > 0 AS scans, rows_inserted > 0 AS inserted, recall, stats_since IS NULL AS unknown FROM vector_stat_indexes()
WHERE index IN ('stat_items_v'::regclass, 'stat_items_w'::regclass) ORDER BY index::text;
SELECT vector_stat_reset();
SELECT sum(scans) FROM vector_stat_indexes();
-- an index that is gone
DROP TABLE stat_items;
SELECT count(*) FROM vector_index_counters(:v);
SELECT count(*) FROM vector_index_work(:v);
DROP FUNCTION stat_rare;
DROP ROLE regress_stat_owner, regress_stat_stranger, regress_stat_monitor;
RESET enable_seqscan;
RESET vector.background_work;
