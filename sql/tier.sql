-- segments in an object store, a folder here: options, functions, states of objects, rounds of reading, lost objects; crashes,
-- standbys and the worker are tested by test/tap/053_tiering.pl
\set VERBOSITY default
\pset format unaligned
SET client_min_messages = warning;
LOAD 'vector';
SET vector.background_work = off;
SET enable_seqscan = off;
SELECT current_setting('data_directory') || '/store_of_segments' AS path \gset
CREATE TABLE no_columns ();
SELECT format('COPY no_columns TO PROGRAM %L', 'mkdir -p ''' || :'path' || '''') AS command \gset
:command;
CREATE SERVER tier_cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path :'path');
CREATE FOREIGN DATA WRAPPER tier_another;
CREATE SERVER tier_other FOREIGN DATA WRAPPER tier_another;
-- three segments of each method
CREATE FUNCTION tier_place(n int) RETURNS vector IMMUTABLE LANGUAGE sql AS
	$$ SELECT array_agg(hashint4extended(n, d) & 255)::vector FROM generate_series(1, 32) d $$;
CREATE TABLE tiered (id int PRIMARY KEY, v vector(32));
CREATE INDEX tiered_v ON tiered USING diskann (v vector_l2_ops) WITH (storage = full);
CREATE INDEX tiered_ivf ON tiered USING ivf (v vector_l2_ops) WITH (lists = 5);
CREATE INDEX tiered_hnsw ON tiered USING hnsw (v vector_l2_ops);
CREATE FUNCTION tier_fill(first int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO tiered SELECT n, tier_place(n) FROM generate_series(first, first + 299) n;
	RETURN (SELECT count(vector_seal(indexrelid)) FROM pg_index WHERE indrelid = 'tiered'::regclass AND NOT indisprimary);
END
$$;
SELECT tier_fill(n) FROM generate_series(1, 601, 300) n;
-- options, and who may set them
ALTER INDEX tiered_v SET (tier = nowhere);
ALTER INDEX tiered_v SET (tier = tier_other);
ALTER INDEX tiered_v SET (tier = '');
ALTER INDEX tiered_v SET (tier_after = yesterday);
ALTER INDEX tiered_v SET (tier_after = '-1 day');
ALTER INDEX tiered_v SET (tier_min_rows = -1);
ALTER INDEX tiered_v SET (tier_cold = 'a');
SELECT vector_tier('tiered_v');
SELECT vector_tier('tiered');
SELECT vector_tier('tiered_pkey');
SELECT vector_untier('tiered'), vector_prewarm('tiered');
SELECT vector_untier('tiered_v'), vector_prewarm('tiered_v');
CREATE ROLE regress_tier;
GRANT SELECT ON tiered TO regress_tier;
SET ROLE regress_tier;
SELECT vector_tier('tiered_v');
SELECT vector_untier('tiered_v');
SELECT vector_prewarm('tiered_v');
SELECT vector_tier_collect('tier_cold');
RESET ROLE;
ALTER TABLE tiered OWNER TO regress_tier;
SET ROLE regress_tier;
ALTER INDEX tiered_v SET (tier = tier_cold);
RESET ROLE;
ALTER TABLE tiered OWNER TO CURRENT_USER;
DROP ROLE regress_tier;
CREATE TEMP TABLE tier_temporary (v vector(32));
CREATE INDEX tier_temporary_v ON tier_temporary USING diskann (v vector_l2_ops) WITH (tier = tier_cold);
SELECT vector_tier('tier_temporary_v');
-- states
ALTER INDEX tiered_v SET (tier = tier_cold);
ALTER INDEX tiered_ivf SET (tier = tier_cold, tier_after = '7 days', tier_min_rows = 10);
ALTER INDEX tiered_hnsw SET (tier = tier_cold);
SELECT relname, reloptions FROM pg_class WHERE relname ~ '^tiered_' AND reloptions IS NOT NULL ORDER BY 1;
-- what a check asks for in vain, as it should, is no error of the store
SELECT count(*) FROM vector_store_check('tier_cold') WHERE passed;
SELECT vector_tier('tiered_v'), vector_tier('tiered_ivf'), vector_tier('tiered_hnsw');
SELECT vector_tier('tiered_v');
SELECT index, kind, rows, store, stored_bytes > 0 AS stored FROM vector_segments() WHERE index::text ~ '^tiered_' AND kind = 'sealed'
	ORDER BY index::text, segment;
SELECT server, segments, local_bytes > 0 AS local, remote_bytes > 0 AS remote, errors FROM vector_stat_tier() WHERE server = 'tier_cold';
SELECT state, count(*), sum(bytes) > 0 AS bytes, bool_and(database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS ours
	FROM vector_tier_objects('tier_cold') GROUP BY 1 ORDER BY 1;
-- names have the cluster, the database, a number of the index, the segment, the version of the format, the timeline, and a random number
SELECT count(DISTINCT split_part(key, '/', 3)) AS indexes, bool_and(key ~ format('^%s/%s/[0-9a-f]{16}/[0-9a-f]{8}\.3\.%s\.[0-9a-f]{16}$',
		lpad(to_hex(system_identifier), 16, '0'), database, lpad(to_hex(timeline), 8, '0'))) AS named
	FROM vector_tier_objects('tier_cold'), pg_control_system();
SELECT vector_tier_objects('nowhere');
SELECT vector_tier_objects('tier_other');
SELECT vector_tier_collect('tier_cold');
-- what is not at hand is left out when a statement may not wait; vectors of all segments are read in one round
CREATE FUNCTION tier_found(index text, OUT rows bigint, OUT rounds bigint, OUT gets boolean) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE pg_index SET indisvalid = (indexrelid = index::regclass) WHERE indrelid = 'tiered'::regclass AND NOT indisprimary;
	rows := count(*) FROM (SELECT id FROM tiered ORDER BY v <-> tier_place(450) LIMIT 10) x;
	SELECT store_rounds, store_gets > 0 INTO rounds, gets FROM vector_last_scan();
	UPDATE pg_index SET indisvalid = true WHERE indrelid = 'tiered'::regclass;
END
$$;
SET client_min_messages = notice;
SET vector.tier_wait = off;
SELECT rows FROM tier_found('tiered_v');
RESET vector.tier_wait;
SET diskann.query_rescore = 50;
SELECT * FROM tier_found('tiered_v');
SELECT * FROM tier_found('tiered_v');
SET ivf.probes = 2;
SELECT rows, rounds <= 4 AS rounds, gets FROM tier_found('tiered_ivf');
SELECT rows, rounds <= 6 AS rounds, gets FROM tier_found('tiered_hnsw');
-- codes are compared once each, though no list has room for all of them
SET diskann.query_search_list_size = 100;
SELECT rows FROM tier_found('tiered_v');
SELECT distances <= 900 AS once FROM vector_last_scan();
RESET diskann.query_search_list_size;
-- many rows are read in few rounds, though bounds tell only step by step that they are needed
CREATE TABLE tier_many (id int, v vector(400));
INSERT INTO tier_many SELECT n, (SELECT array_agg((hashint4extended(n % 30, d) & 127) + (hashint4extended(n, d) & 63))::vector
	FROM generate_series(1, 400) d) FROM generate_series(1, 1500) n;
CREATE INDEX tier_many_v ON tier_many USING diskann (v vector_l2_ops) WITH (storage = full, tier = tier_cold);
SELECT count(*) FROM (SELECT id FROM tier_many ORDER BY v <-> (SELECT v FROM tier_many WHERE id = 7) LIMIT 10) x;
SELECT hops FROM vector_last_scan() \gset
SELECT vector_tier('tier_many_v');
SET diskann.query_rescore = 10;
SET diskann.query_search_list_size = 500;
BEGIN;
DECLARE tier_rows CURSOR FOR SELECT id FROM tier_many ORDER BY v <-> (SELECT v FROM tier_many WHERE id = 7);
MOVE 400 FROM tier_rows;
SELECT store_rounds BETWEEN 1 AND 10 AS few FROM vector_last_scan();
COMMIT;
RESET diskann.query_rescore;
RESET diskann.query_search_list_size;
-- once nothing is there, searches walk as they did before
SELECT vector_untier('tier_many_v');
SELECT count(*) FROM (SELECT id FROM tier_many ORDER BY v <-> (SELECT v FROM tier_many WHERE id = 7) LIMIT 10) x;
SELECT hops = :hops AS same FROM vector_last_scan();
-- no more is sent in a second than is allowed
SET vector.tier_rate = '1MB';
SELECT clock_timestamp() AS began \gset
SELECT vector_tier('tier_many_v');
SELECT clock_timestamp() - :'began'::timestamptz >= sum(stored_bytes) / 1048576 * interval '0.9 s' AS slow, sum(stored_bytes) > 500000 AS much
	FROM vector_segments() WHERE index = 'tier_many_v'::regclass AND kind = 'sealed';
RESET vector.tier_rate;
DROP TABLE tier_many;
-- a search that conditions confine to segments in the file does what it does when all are there
CREATE TABLE tier_half (part int, v vector(32));
CREATE INDEX tier_half_v ON tier_half USING diskann (v vector_l2_ops, part) WITH (storage = full, tier = tier_cold);
INSERT INTO tier_half SELECT 0, tier_place(n) FROM generate_series(1, 3000) n;
SELECT vector_seal('tier_half_v') > 0, vector_tier('tier_half_v');
INSERT INTO tier_half SELECT 1, tier_place(n) FROM generate_series(3001, 6000) n;
SELECT vector_seal('tier_half_v') > 0;
SELECT count(*) FROM (SELECT FROM tier_half WHERE part = 1 ORDER BY v <-> tier_place(4500) LIMIT 10) x;
SELECT hops, distances FROM vector_last_scan() \gset
SELECT segments, walks, store_rounds FROM vector_last_scan();
SELECT vector_untier('tier_half_v');
SELECT count(*) FROM (SELECT FROM tier_half WHERE part = 1 ORDER BY v <-> tier_place(4500) LIMIT 10) x;
SELECT hops = :hops AS hops, distances = :distances AS distances, walks FROM vector_last_scan();
DROP TABLE tier_half;
-- lists of words, and of sparse vectors, stay in the file
CREATE TABLE tier_sparse (v sparsevec(9), body text);
INSERT INTO tier_sparse SELECT format('{1:%s}/9', n)::sparsevec, 'word' FROM generate_series(1, 5) n;
CREATE INDEX tier_sparse_v ON tier_sparse USING sparse (v sparsevec_ip_ops) WITH (tier = tier_cold);
CREATE INDEX tier_sparse_v ON tier_sparse USING sparse (v sparsevec_ip_ops);
ALTER INDEX tier_sparse_v SET (tier_after = '1 day');
CREATE INDEX tier_sparse_body ON tier_sparse USING bm25 (body) WITH (text_config = 'pg_catalog.simple');
ALTER INDEX tier_sparse_body SET (tier = tier_cold);
SELECT vector_tier('tier_sparse_v');
SELECT vector_tier('tier_sparse_body');
DROP TABLE tier_sparse;
-- more rows than there are
SET diskann.query_rescore = 10000;
SELECT rows FROM tier_found('tiered_v');
RESET diskann.query_rescore;
SELECT vector_index_check('tiered_v'), vector_index_check('tiered_ivf'), vector_index_check('tiered_hnsw');
SELECT count(*) FROM (SELECT id FROM tiered ORDER BY v <-> tier_place(1)) x;
DROP INDEX tiered_hnsw;
SELECT state, count(*) FROM vector_tier_objects('tier_cold') GROUP BY 1 ORDER BY 1;
SELECT vector_tier_collect('tier_cold');
-- all objects that are lost are named, and REINDEX makes the index again
SELECT format('COPY no_columns TO PROGRAM %L', 'rm -r ''' || :'path' || '''/*; mkdir -p ''' || :'path' || '''') AS command \gset
:command;
CREATE FUNCTION tier_lost(index regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	PERFORM vector_index_check(index);
	RETURN 'sound';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN message || E'\n' || regexp_replace(detail, '"[0-9a-f/.]*"', '"..."', 'g') || E'\n' || hint;
END
$$;
SELECT tier_lost('tiered_v');
SELECT tier_lost('tiered_ivf');
-- the server is needed as long as something is there
DROP SERVER tier_cold;
-- by an index of a partitioned table as well, as long as one is its partition
CREATE TABLE tier_parts (id int, v vector(32)) PARTITION BY LIST (id);
CREATE TABLE tier_part (id int, v vector(32));
INSERT INTO tier_part SELECT id % 2, v FROM tiered;
CREATE SERVER tier_other_store FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path :'path');
CREATE INDEX tier_part_v ON tier_part USING diskann (v vector_l2_ops) WITH (storage = full, tier = tier_other_store);
SELECT vector_tier('tier_part_v');
CREATE INDEX tier_parts_v ON ONLY tier_parts USING diskann (v vector_l2_ops);
CREATE VIEW tier_needed_by AS SELECT objid::regclass AS index FROM pg_depend JOIN pg_foreign_server s ON s.oid = refobjid
	WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_foreign_server'::regclass AND srvname = 'tier_other_store' ORDER BY 1;
TABLE tier_needed_by;
ALTER TABLE tier_parts ATTACH PARTITION tier_part DEFAULT;
TABLE tier_needed_by;
ALTER TABLE tier_parts DETACH PARTITION tier_part;
TABLE tier_needed_by;
DROP INDEX tier_parts_v;
CREATE INDEX tier_parts_v ON ONLY tier_parts USING diskann (v vector_l2_ops);
ALTER TABLE tier_parts ATTACH PARTITION tier_part DEFAULT;
REINDEX INDEX tier_part_v;
TABLE tier_needed_by;
SELECT vector_tier('tier_part_v');
TABLE tier_needed_by;
DROP SERVER tier_other_store;
\set VERBOSITY terse
DROP SERVER tier_other_store CASCADE;
\set VERBOSITY default
DROP VIEW tier_needed_by;
DROP TABLE tier_parts;
ALTER INDEX tiered_ivf RESET (tier);
REINDEX INDEX tiered_v;
REINDEX INDEX tiered_ivf;
SELECT tier_lost('tiered_v'), tier_lost('tiered_ivf');
SELECT count(*) FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid IN ('tiered_v'::regclass, 'tiered_ivf'::regclass)
	AND refclassid = 'pg_foreign_server'::regclass;
SELECT vector_tier('tiered_v'), vector_tier('tiered_v'), vector_untier('tiered_v');
DROP SERVER tier_cold CASCADE;
SELECT vector_index_check('tiered_v');
ALTER INDEX tiered_v RESET (tier);
SELECT format('COPY no_columns TO PROGRAM %L', 'rm -r ''' || :'path' || '''') AS command \gset
:command;
DROP TABLE no_columns, tiered, tier_temporary;
DROP FUNCTION tier_place(int), tier_fill(int), tier_found(text), tier_lost(regclass);
DROP FOREIGN DATA WRAPPER tier_another CASCADE;
