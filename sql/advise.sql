-- vector_advise: what indexes would be like, measured on samples
CREATE TABLE advise_rows (id int, part int, v vector(16), h halfvec, b bit(64), s sparsevec(16), "Odd name" vector(16));
SELECT setseed(0.5);
INSERT INTO advise_rows SELECT i, i % 10, x, x, binary_quantize(x || x || x || x), x::sparsevec, x
	FROM (SELECT i, ARRAY(SELECT random() - 0.5 FROM generate_series(1, 16) j WHERE i > 0)::vector AS x FROM generate_series(1, 3000) i) s;
INSERT INTO advise_rows (id) SELECT 0 FROM generate_series(1, 500);
-- every access method and storage; one is advised; sizes are those of full indexes, and their searches have the recall
SELECT a.access_method, a.options, recall_ok, a.effort > 0 AS effort, a.build_s > 0 AND a.memory_ms > 0 AS timed, a.cold_ms > a.memory_ms AND a.blocks > 0 AS cold, a.in_memory,
	regexp_replace(array_to_string(a.statements, '; '), '(search|size|rescore|probes) = \d+', '\1 = n', 'g') AS statements
	FROM vector_advise('advise_rows', 'v', sample_rows => 1000) a, LATERAL (SELECT expected_recall >= 0.95 AS recall_ok) r;
CREATE TABLE advised AS SELECT * FROM vector_advise('advise_rows', 'v', 0.9, k => 5, operator => '<=>', memory => '4kB');
SELECT count(*), count(*) FILTER (WHERE advised), bool_and(NOT in_memory), bool_and(expected_ms > memory_ms AND expected_ms <= cold_ms) FROM advised;
SELECT bool_and((reason ~ '^the smallest|^there are so few') = advised AND (advised OR reason ~ 'as the one advised|^is larger|^has a recall')) AS reasons FROM advised;
SELECT replace(statements[1], 'CONCURRENTLY ON', 'advise_built ON') AS build, statements[2] AS setting, index_bytes FROM advised WHERE access_method = 'hnsw' AND options = '' \gset
:build;
:setting;
SELECT pg_relation_size('advise_built') / :index_bytes::float8 BETWEEN 0.8 AND 1.25 AS size, recall > 0.85 AS recall FROM vector_recall('advise_built', k => 5);
RESET hnsw.ef_search;
DROP INDEX advise_built;
-- of a third of the rows it is known what blocks searches of all read, how large indexes are, and what recall their searches have
CREATE FUNCTION advise_built(statements text[], expected_blocks float8, expected_bytes float8, expected_recall float8,
	OUT blocks boolean, OUT bytes boolean, OUT recall boolean) LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
	q vector;
	got float8 := 0;
BEGIN
	EXECUTE replace(statements[1], 'CONCURRENTLY ON', 'advise_built ON');
	FOR i IN 2..cardinality(statements) LOOP
		EXECUTE replace(statements[i], 'SET ', 'SET LOCAL ');
	END LOOP;
	FOR q IN SELECT v FROM advise_rows WHERE id % 60 = 1 LOOP
		PERFORM id FROM advise_rows ORDER BY v <-> q LIMIT 10;
		got := got + (SELECT s.blocks FROM vector_last_scan() s) / 50.0;
	END LOOP;
	blocks := got / expected_blocks BETWEEN 0.75 AND 1.33;
	bytes := pg_relation_size('advise_built') / expected_bytes BETWEEN 0.75 AND 1.33;
	recall := abs((SELECT r.recall FROM vector_recall('advise_built', 10, 50) r) - expected_recall) < 0.08;
	DROP INDEX advise_built;
END $$;
SELECT setseed(0.25);
SELECT access_method, options, built.*
	FROM (SELECT * FROM vector_advise('advise_rows', 'v', 0.9, sample_rows => 1000) OFFSET 0) a, advise_built(statements, blocks, index_bytes, expected_recall) built
	WHERE access_method IN ('hnsw', 'ivfflat') OR options = 'storage = full';
DROP FUNCTION advise_built;
-- all statements run as they are
SELECT s FROM advised, unnest(statements) s WHERE access_method = 'ivf' AND options = '' AND s NOT LIKE 'SET %' \gexec
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'advise_rows'::regclass;
-- a column without dimensions is cast, names are quoted, other types have other indexes
SELECT access_method, options, regexp_replace(statements[1], 'WITH .*', '') AS statement FROM vector_advise('advise_rows', 'h', 0.9, operator => '<#>', sample_rows => 1000);
SELECT access_method, statements[1] FROM vector_advise('advise_rows', 'Odd name', 0.9, operator => '<+>', sample_rows => 1000);
SELECT access_method, options, expected_recall >= 0.9 AS recall FROM vector_advise('advise_rows', 'b', 0.9, sample_rows => 1000);
SELECT access_method, statements[1] FROM vector_advise('advise_rows', 'b', 0.9, operator => '<%>', sample_rows => 1000);
SELECT access_method, effort, expected_recall FROM vector_advise('advise_rows', 's', 1, sample_rows => 1000) WHERE access_method <> 'hnsw';
-- queries that a statement gives
SELECT count(*) FROM vector_advise('advise_rows', 'b', queries => 'SELECT b FROM advise_rows WHERE id BETWEEN 1 AND 20', sample_rows => 1000);
SELECT count(*) FROM vector_advise('advise_rows', 'v', queries => 'SELECT v FROM advise_rows WHERE id BETWEEN 1 AND 20 -- of some', sample_rows => 1000);
-- samples are of an index: a statement gives them
SELECT count(*) FROM vector_advise('advise_rows', 'v', queries => 'samples');
CREATE INDEX advise_sampled ON advise_rows USING ivfflat (v vector_l2_ops) WITH (lists = 10);
SET vector.sample_queries = 1;
SET enable_seqscan = off;
SELECT count(*) FROM generate_series(1, 30) i, LATERAL (SELECT id FROM advise_rows r ORDER BY r.v <-> (SELECT q.v FROM advise_rows q WHERE q.id = i) LIMIT 1) x;
RESET enable_seqscan;
RESET vector.sample_queries;
SELECT count(*) FROM vector_advise('advise_rows', 'v', queries => 'SELECT query::vector FROM vector_query_samples(''advise_sampled'')', sample_rows => 1000);
DROP INDEX advise_sampled;
-- operators and types of others are not taken for those of PostgreSQL, wherever they are
CREATE FUNCTION advise_wrong(float8, numeric) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
CREATE OPERATOR >= (LEFTARG = float8, RIGHTARG = numeric, FUNCTION = advise_wrong);
CREATE OPERATOR < (LEFTARG = float8, RIGHTARG = numeric, FUNCTION = advise_wrong);
CREATE TEMPORARY TABLE float8 (a int);
SELECT count(*) FROM vector_advise('advise_rows', 'v', sample_rows => 1000);
DROP TABLE float8;
DROP FUNCTION advise_wrong CASCADE;
-- the dimensions of a domain
CREATE DOMAIN advise_domain AS vector(16);
CREATE TABLE advise_domains AS SELECT v::advise_domain AS v FROM advise_rows;
SELECT statements[1] FROM vector_advise('advise_domains', 'v', operator => '<+>', sample_rows => 1000) WHERE access_method = 'hnsw' \gset
:statements;
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'advise_domains'::regclass;
DROP TABLE advise_domains;
DROP DOMAIN advise_domain;
-- nothing remains, not even settings, nor of a call that is cancelled
\set VERBOSITY terse
SET statement_timeout = '300ms';
SELECT count(*) FROM vector_advise('advise_rows', 'v', queries => 'SELECT v FROM advise_rows, pg_sleep(100)', sample_rows => 1000);
RESET statement_timeout;
\set VERBOSITY default
SELECT count(*) FROM pg_class WHERE relname LIKE 'vector_advise%';
SHOW hnsw.ef_search;
SHOW ivf.probes;
SHOW enable_seqscan;
-- few rows need no index
CREATE TABLE advise_few AS SELECT i AS id, ARRAY[i, 1]::vector(2) AS v FROM generate_series(1, 50) i;
SELECT access_method, expected_recall, memory_ms > 0 AS timed, advised, reason, statements FROM vector_advise('advise_few', 'v');
CALL vector_auto_index('advise_few', 'v');
-- partitions, materialized views
CREATE TABLE advise_parts (id int, v vector(4)) PARTITION BY HASH (id);
CREATE TABLE advise_parts_0 PARTITION OF advise_parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE advise_parts_1 PARTITION OF advise_parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO advise_parts SELECT i, ARRAY[i % 17, i % 23, i % 29, i % 31] FROM generate_series(1, 1200) i;
SELECT statements[1] FROM vector_advise('advise_parts', 'v', operator => '<+>') WHERE access_method = 'hnsw';
CREATE MATERIALIZED VIEW advise_view AS SELECT * FROM advise_parts;
SELECT statements[1] FROM vector_advise('advise_view', 'v', operator => '<+>') WHERE access_method = 'hnsw';
-- builds the one advised
SET client_min_messages = warning;
CALL vector_auto_index('advise_rows', 'v', 0.9, k => 5, memory => '1GB', operator => '<+>', sample_rows => 1000);
RESET client_min_messages;
SELECT pg_get_indexdef(indexrelid), indisvalid FROM pg_index WHERE indrelid = 'advise_rows'::regclass ORDER BY 1;
-- while the table is written, so in transactions of its own; else in that of the caller
BEGIN;
CALL vector_auto_index('advise_rows', 'v', operator => '<+>', sample_rows => 1000);
ROLLBACK;
DO $$ BEGIN CALL vector_auto_index('advise_rows', 'v', operator => '<+>', sample_rows => 1000); END $$;
CREATE PROCEDURE advise_caller() LANGUAGE sql AS $$ CALL vector_auto_index('advise_rows', 'v', operator => '<+>', sample_rows => 1000) $$;
CALL advise_caller();
DROP PROCEDURE advise_caller;
CREATE TEMPORARY TABLE advise_temporary AS SELECT v FROM advise_rows WHERE v IS NOT NULL;
SET client_min_messages = warning;
CALL vector_auto_index('advise_temporary', 'v', operator => '<+>', sample_rows => 1000);
CALL vector_auto_index('advise_parts', 'v', operator => '<+>', sample_rows => 1000);
BEGIN;
CALL vector_auto_index('advise_view', 'v', operator => '<+>', sample_rows => 1000, concurrently => false);
COMMIT;
RESET client_min_messages;
SELECT regexp_replace(pg_get_indexdef(indexrelid), 'pg_temp_\d+', 'pg_temp') AS index, indisvalid FROM pg_index
WHERE indrelid IN ('advise_temporary'::regclass, 'advise_parts'::regclass, 'advise_view'::regclass) ORDER BY 1;
DROP TABLE advise_temporary;
CALL vector_auto_index('advise_rows', 'v', concurrently => NULL);
CALL vector_auto_index('advise_rows', 'v', sample_rows => NULL);
-- what is refused
SELECT vector_advise('advise_rows', 'v', 0.3);
SELECT vector_advise('advise_rows', 'v', NULL);
SELECT vector_advise('advise_rows', 'v', k => 0);
SELECT vector_advise('advise_rows', 'v', sample_rows => 10);
SELECT vector_advise('advise_rows', 'v', memory => 'much');
SELECT vector_advise('advise_rows', 'v', operator => '<~>');
SELECT vector_advise('advise_rows', 'v', queries => 'SELECT 1');
SELECT vector_advise('advise_rows', 'v', queries => 'SELECT v FROM advise_rows WHERE id = 0');
SELECT vector_advise('advise_rows', 'v', memory => '-1GB');
SELECT vector_advise('advise_rows', 'v', operator => '=');
SELECT vector_advise('advise_rows', 'w');
SELECT vector_advise('advise_rows', 'id');
SELECT vector_advise('advise_rows', NULL);
SELECT vector_advise('pg_views', 'viewname');
SELECT vector_advise(1, 'v');
CREATE TABLE advise_empty (v vector(3), w vector);
SELECT vector_advise('advise_empty', 'v');
INSERT INTO advise_empty SELECT NULL, ARRAY[1, 2] FROM generate_series(1, 100);
INSERT INTO advise_empty SELECT NULL, ARRAY[1, 2, 3] FROM generate_series(1, 100);
SELECT vector_advise('advise_empty', 'v');
SELECT vector_advise('advise_empty', 'w');
BEGIN READ ONLY;
SELECT vector_advise('advise_rows', 'v');
ROLLBACK;
BEGIN READ ONLY;
CALL vector_auto_index('advise_rows', 'v', concurrently => false);
ROLLBACK;
-- temporary tables that have the names of those with the samples
CREATE TEMPORARY TABLE vector_advise_drawn ();
SELECT vector_advise('advise_rows', 'v');
DROP TABLE pg_temp.vector_advise_drawn;
CREATE TEMPORARY VIEW vector_advise_smaller AS SELECT;
CALL vector_auto_index('advise_rows', 'v', concurrently => false);
DROP VIEW pg_temp.vector_advise_smaller;
-- as the caller, whose policies hold; only the owner builds
CREATE ROLE regress_advise;
SET ROLE regress_advise;
SELECT vector_advise('advise_rows', 'v');
RESET ROLE;
GRANT SELECT (b, v, part) ON advise_rows TO regress_advise;
SET ROLE regress_advise;
SELECT count(*) FROM vector_advise('advise_rows', 'b', sample_rows => 1000);
SELECT vector_advise('advise_rows', 'h');
CALL vector_auto_index('advise_rows', 'v');
RESET ROLE;
ALTER TABLE advise_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON advise_rows TO regress_advise USING (part = 2 AND id < 300);
SET ROLE regress_advise;
SELECT access_method FROM vector_advise('advise_rows', 'v');
RESET ROLE;
SELECT current_database() AS database \gset
REVOKE TEMPORARY ON DATABASE :"database" FROM PUBLIC;
SET ROLE regress_advise;
SELECT vector_advise('advise_rows', 'v');
RESET ROLE;
GRANT TEMPORARY ON DATABASE :"database" TO PUBLIC;
DROP MATERIALIZED VIEW advise_view;
DROP TABLE advise_rows, advised, advise_few, advise_parts, advise_empty;
DROP ROLE regress_advise;
