-- functions that show the parts of an index are for its owner, and for roles that monitor the server
CREATE ROLE regress_vector_owner;
CREATE ROLE regress_vector_member ROLE regress_vector_owner;
CREATE ROLE regress_vector_stranger;
CREATE ROLE regress_vector_monitor IN ROLE pg_monitor;
CREATE SCHEMA regress_vector_private AUTHORIZATION regress_vector_member;
SET vector.background_work = off;
CREATE TABLE regress_vector_private.t (v vector(2), w vector(2));
INSERT INTO regress_vector_private.t SELECT ARRAY[n, 1], ARRAY[1, n] FROM generate_series(1, 10) n;
CREATE INDEX t_v ON regress_vector_private.t USING hnsw (v vector_l2_ops);
CREATE INDEX t_w ON regress_vector_private.t USING ivf (w vector_l2_ops) WITH (lists = 2);
ALTER TABLE regress_vector_private.t OWNER TO regress_vector_member;
SELECT oid AS t_v FROM pg_class WHERE relname = 't_v' AND relnamespace = 'regress_vector_private'::regnamespace \gset
-- the owner sees the owner's indexes, and those of a role whose privileges the owner has
SET ROLE regress_vector_member;
SELECT index, sum(rows) FROM vector_segments() WHERE index::text ~ '^regress_vector_private' GROUP BY index ORDER BY index::text;
SELECT vector_index_state(:t_v), sum(rows) FROM vector_index_segments(:t_v);
SELECT count(*) FROM vector_legacy_indexes();
SELECT count(*) FROM vector_jobs();
SET ROLE regress_vector_owner;
SELECT count(DISTINCT index) FROM vector_segments();
SELECT sum(rows) FROM vector_index_segments(:t_v);
-- another role sees none, by any function
SET ROLE regress_vector_stranger;
SELECT count(*) FROM vector_segments();
SELECT count(*) FROM vector_jobs();
SELECT count(*) FROM vector_legacy_indexes();
SELECT sum(rows) FROM vector_index_segments(:t_v);
SELECT vector_index_state(:t_v);
SELECT vector_index_check(:t_v);
SELECT vector_seal(:t_v);
SELECT vector_merge(:t_v);
-- all
SET ROLE regress_vector_monitor;
SELECT sum(rows) FROM vector_segments() WHERE index = :t_v;
SELECT vector_index_state(:t_v), sum(rows) FROM vector_index_segments(:t_v);
RESET ROLE;
-- what the page, the statistics and the slow searches show: of the member's own index, nothing to a stranger, all to who monitors
SET vector.log_min_duration = 0;
SET enable_seqscan = off;
SELECT v FROM regress_vector_private.t ORDER BY v <-> '[1,1]' LIMIT 1;
RESET enable_seqscan;
RESET vector.log_min_duration;
CREATE SERVER regress_vector_store FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '/nonexistent');
CREATE FUNCTION regress_vector_shown(OUT statistics bigint, OUT workers bigint, OUT slow bigint, OUT stores bigint, OUT page bigint) LANGUAGE SQL BEGIN ATOMIC
	SELECT (SELECT count(*) FROM vector_stat_indexes() WHERE index::text ~ 't_v$'), (SELECT count(*) FROM vector_stat_workers() WHERE index::text ~ 't_v$'),
		(SELECT count(*) FROM vector_slow_searches() WHERE index::text ~ 't_v$'), (SELECT count(*) FROM vector_stat_tier() WHERE server = 'regress_vector_store'),
		(SELECT count(*) FROM regexp_matches(vector_dashboard(), '<h2>[a-z_.]*t_v</h2>', 'g'));
END;
SET ROLE regress_vector_member;
SELECT * FROM regress_vector_shown();
SELECT count(*) > 0 AS counted FROM vector_index_counters(:t_v);
SELECT count(*) FROM vector_index_work(:t_v);
SELECT count(*) FROM vector_recall_curves(:t_v);
SELECT count(*) > 3 AS inspected FROM vector_inspect(:t_v, 1);
SET ROLE regress_vector_stranger;
SELECT * FROM regress_vector_shown();
SELECT vector_index_counters(:t_v);
SELECT vector_index_work(:t_v);
SELECT vector_recall_curves(:t_v);
SELECT vector_inspect(:t_v, 1);
SELECT vector_index_check(:t_v, 1);
SELECT vector_recall(:t_v);
SELECT vector_picture(:t_v);
SELECT vector_explain('SELECT v FROM regress_vector_private.t');
SELECT vector_stat_reset(:t_v);
SELECT vector_stat_tier_reset();
SELECT vector_tier_objects('regress_vector_store');
SELECT vector_tier_collect('regress_vector_store');
SELECT vector_tier(:t_v);
SELECT vector_untier(:t_v);
SELECT vector_prewarm(:t_v);
SELECT hops IS NULL OR hops >= 0 AS own_session FROM vector_last_scan();
SET ROLE regress_vector_monitor;
SELECT * FROM regress_vector_shown();
SELECT count(*) > 3 AS inspected FROM vector_inspect(:t_v, 1);
SELECT vector_picture(:t_v);
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER regress_vector_store TO regress_vector_stranger;
SET ROLE regress_vector_stranger;
SELECT stores FROM regress_vector_shown();
RESET ROLE;
DROP FUNCTION regress_vector_shown();
DROP SERVER regress_vector_store;
-- an index that no longer exists
DROP SCHEMA regress_vector_private CASCADE;
SELECT count(*), vector_index_state(:t_v) FROM vector_index_segments(:t_v);
RESET vector.background_work;
DROP ROLE regress_vector_owner, regress_vector_member, regress_vector_stranger, regress_vector_monitor;
