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
-- an index that no longer exists
DROP SCHEMA regress_vector_private CASCADE;
SELECT count(*), vector_index_state(:t_v) FROM vector_index_segments(:t_v);
RESET vector.background_work;
DROP ROLE regress_vector_owner, regress_vector_member, regress_vector_stranger, regress_vector_monitor;
