-- vector_recall: the share of the nearest rows that an index finds
CREATE TABLE recall_rows (id int, part int, v vector(8), h halfvec(8));
SELECT setseed(0.5);
INSERT INTO recall_rows SELECT i, i % 10, x, x FROM (SELECT i, ARRAY(SELECT random() FROM generate_series(1, 8) j WHERE i > 0)::vector AS x
	FROM generate_series(1, 2000) i) s;
ANALYZE recall_rows;
CREATE INDEX recall_hnsw ON recall_rows USING hnsw (v vector_l2_ops);
CREATE INDEX recall_lists ON recall_rows USING ivfflat (v vector_l2_ops) WITH (lists = 40);
-- the index that is measured is used, though another one suits as well; lists that are all searched find everything
SELECT effort, recall, recall_low, recall_high, recall_p5, queries_used FROM vector_recall('recall_hnsw', samples => 200, efforts => '{1000}');
SELECT effort, recall BETWEEN 0.2 AND 0.9, recall_low < recall AND recall < recall_high, recall_p5 < recall, queries_used, index_ms > 0, exact_ms > 0
	FROM vector_recall('recall_lists', samples => 30);
SELECT effort, recall FROM vector_recall('recall_lists', samples => 30, efforts => '{10, 40}') WHERE effort LIKE '%40';
SELECT count(*), bool_and(a.recall <= b.recall) FROM vector_recall('recall_lists', k => 5, efforts => '{1,2,4,8,16,40}') WITH ORDINALITY a,
	LATERAL (SELECT 1.0::float8 AS recall) b;
SHOW ivfflat.probes;
SHOW enable_seqscan;
-- the mean share is what counting tells
SET ivfflat.probes = 2;
CREATE FUNCTION recall_counted() RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	q recall_rows;
	exact int[];
	found int[];
	hits int := 0;
BEGIN
	FOR q IN SELECT * FROM recall_rows WHERE id <= 40 ORDER BY id LOOP
		SET LOCAL enable_indexscan = off;
		SET LOCAL enable_seqscan = on;
		exact := ARRAY(SELECT id FROM recall_rows ORDER BY v <-> q.v LIMIT 10);
		SET LOCAL enable_indexscan = on;
		SET LOCAL enable_seqscan = off;
		EXECUTE format('SELECT ARRAY(SELECT id FROM recall_rows ORDER BY v <-> %L LIMIT 10)', q.v) INTO found;
		hits := hits + cardinality(ARRAY(SELECT unnest(exact) INTERSECT SELECT unnest(found)));
	END LOOP;
	RETURN round(hits / 400.0, 6);
END $$;
DROP INDEX recall_hnsw;
SELECT recall = recall_counted(), recall > 0.3 AND recall < 0.95 FROM vector_recall('recall_lists', queries => 'SELECT v FROM recall_rows WHERE id <= 40');
RESET ivfflat.probes;
-- conditions, partial indexes, expressions, other types and methods, equal rows, NULLs
SELECT recall > 0.9 FROM vector_recall('recall_lists', filter => 'part = 3', efforts => '{40}');
SELECT recall, queries_used FROM vector_recall('recall_lists', filter => 'part = 99');
-- PostgreSQL knows without the index that there is no row
SELECT recall, recall_low, index_ms, queries_used FROM vector_recall('recall_lists', filter => 'false');
SELECT recall, queries_used FROM vector_recall('recall_lists', filter => 'false', queries => 'SELECT v FROM recall_rows WHERE id <= 4');
CREATE INDEX recall_part ON recall_rows USING hnsw (v vector_cosine_ops) WHERE part < 5;
SELECT recall > 0.9, queries_used FROM vector_recall('recall_part', samples => 40);
CREATE INDEX recall_half ON recall_rows USING diskann ((h::vector(8)) vector_ip_ops);
SELECT effort, recall > 0.9, queries_used FROM vector_recall('recall_half', samples => 40, efforts => '{300}');
-- rows are their own queries also where searches cannot tell which rows they find, with equal rows or without
CREATE INDEX recall_bytes ON recall_rows USING hnsw (v vector_l2_ops) WITH (storage = sq8, m = 4, ef_construction = 8);
SELECT recall, queries_used FROM vector_recall('recall_bytes', efforts => '{1000}');
SELECT recall BETWEEN 0.85 AND 0.99 AS not_by_itself, queries_used FROM vector_recall('recall_bytes', k => 1, samples => 500, efforts => '{2}');
CREATE TABLE recall_equal AS SELECT part AS id, v FROM recall_rows, generate_series(1, 3) WHERE id <= 100;
CREATE INDEX recall_equal_v ON recall_equal USING diskann (v vector_ip_ops) WITH (storage = none);
SELECT recall, queries_used FROM vector_recall('recall_equal_v', k => 5, efforts => '{1000}');
DROP INDEX recall_bytes;
INSERT INTO recall_rows (id) SELECT 0 FROM generate_series(1, 50);
INSERT INTO recall_rows SELECT 1, 1, v, h FROM recall_rows, generate_series(1, 20) WHERE id = 7;
SELECT recall FROM vector_recall('recall_lists', efforts => '{40}');
SELECT recall, queries_used FROM vector_recall('recall_lists', queries => 'SELECT v FROM recall_rows WHERE id IN (0, 7)', k => 21, efforts => '{40}');
CREATE TABLE recall_sparse AS SELECT id, v::sparsevec(8) AS s FROM recall_rows WHERE v IS NOT NULL;
CREATE INDEX recall_sparse_s ON recall_sparse USING sparse (s sparsevec_ip_ops);
SELECT effort, recall FROM vector_recall('recall_sparse_s', samples => 20);
CREATE TABLE recall_empty (v vector(3));
CREATE INDEX recall_empty_v ON recall_empty USING hnsw (v vector_l2_ops);
SELECT effort, recall, queries_used FROM vector_recall('recall_empty_v');
-- exact answers are found by parallel workers; a measurement can be cancelled, and leaves no setting behind
CREATE FUNCTION recall_where() RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE COST 1 AS $$
BEGIN
	IF (SELECT backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid()) = 'parallel worker' THEN
		RAISE 'rows are read by a parallel worker';
	END IF;
	RETURN true;
END $$;
\set VERBOSITY terse
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
SELECT * FROM vector_recall('recall_lists', samples => 5, filter => 'recall_where()');
SET max_parallel_workers_per_gather = 0;
SELECT recall FROM vector_recall('recall_lists', samples => 5, filter => 'recall_where()', efforts => '{40}');
SET statement_timeout = '100ms';
SELECT * FROM vector_recall('recall_lists', samples => 1000, filter => 'pg_sleep(1) IS NOT NULL');
RESET statement_timeout;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
RESET parallel_leader_participation;
\set VERBOSITY default
SHOW enable_seqscan;
SHOW ivfflat.probes;
DROP FUNCTION recall_where;
-- what is refused
CREATE INDEX recall_id ON recall_rows (id);
SELECT * FROM vector_recall('recall_id');
SELECT * FROM vector_recall('recall_rows');
SELECT * FROM vector_recall(NULL);
SELECT * FROM vector_recall('recall_lists', k => 0);
SELECT * FROM vector_recall('recall_lists', samples => 0);
SELECT * FROM vector_recall('recall_lists', efforts => '{0}');
SELECT * FROM vector_recall('recall_lists', efforts => '{NULL}');
SELECT * FROM vector_recall('recall_lists', queries => 'SELECT 1');
SELECT * FROM vector_recall('recall_lists', queries => 'SELECT');
SELECT * FROM vector_recall('recall_lists', queries => 'SELECT ''[1]''::vector');
CREATE TABLE recall_words (body text);
CREATE INDEX recall_words_body ON recall_words USING bm25 (body) WITH (text_config = 'english');
SELECT * FROM vector_recall('recall_words_body');
CREATE TABLE recall_parts (v vector(3)) PARTITION BY HASH (v);
CREATE INDEX recall_parts_v ON recall_parts USING hnsw (v vector_l2_ops);
SELECT * FROM vector_recall('recall_parts_v');
-- after an error, other indexes are seen again
EXPLAIN (COSTS OFF) SELECT id FROM recall_rows WHERE part < 5 ORDER BY v <=> '[1,2,3,4,5,6,7,8]' LIMIT 1;
-- as the caller
CREATE ROLE regress_recall;
SET ROLE regress_recall;
SELECT * FROM vector_recall('recall_lists');
RESET ROLE;
GRANT SELECT ON recall_rows TO regress_recall;
ALTER TABLE recall_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON recall_rows TO regress_recall USING (part = 2);
SET ROLE regress_recall;
SELECT recall > 0.9, queries_used FROM vector_recall('recall_lists', samples => 1000, efforts => '{40}');
RESET ROLE;
DROP TABLE recall_rows, recall_equal, recall_sparse, recall_empty, recall_words, recall_parts;
DROP FUNCTION recall_counted;
DROP ROLE regress_recall;
