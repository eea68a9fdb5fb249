-- What the page of the tests shows: indexes with sealed, growing and dead rows, searches, a slow one, curves, odd names.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET vector.background_work = off;
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE "<script>document.title='bad'</script>" (id int, v vector(32));
CREATE INDEX "<img src=x onerror=alert(1)>" ON "<script>document.title='bad'</script>" USING hnsw (v vector_l2_ops) WITH (seal_rows = 500);
INSERT INTO "<script>document.title='bad'</script>" SELECT n, (SELECT array_agg((hashint8extended(n, d) & 1023)::real + 3000 * (n % 4) * (d % 3)) FROM generate_series(1, 32) d)::vector FROM generate_series(1, 1200) n;
SELECT vector_seal('"<img src=x onerror=alert(1)>"') > 0 AS sealed \gset
INSERT INTO "<script>document.title='bad'</script>" SELECT id, v FROM "<script>document.title='bad'</script>" WHERE id <= 90;
DELETE FROM "<script>document.title='bad'</script>" WHERE id % 9 = 0;
VACUUM "<script>document.title='bad'</script>";
CREATE TABLE page_a_table_with_a_name_as_long_as_names_of_tables_may_get__ AS SELECT id, v FROM "<script>document.title='bad'</script>";
CREATE INDEX page_an_index_with_a_name_as_long_as_names_of_indexes_may_be___ ON page_a_table_with_a_name_as_long_as_names_of_tables_may_get__ USING ivf (v vector_cosine_ops) WITH (lists = 8);
CREATE INDEX page_sparse ON page_a_table_with_a_name_as_long_as_names_of_tables_may_get__ USING sparse ((v::sparsevec(32)) sparsevec_ip_ops);
CREATE TABLE page_empty (v vector(3));
CREATE INDEX page_empty_v ON page_empty USING diskann (v vector_l2_ops);
SET vector.target_recall = 0.9;
ANALYZE "<script>document.title='bad'</script>", page_a_table_with_a_name_as_long_as_names_of_tables_may_get__;
RESET vector.target_recall;
SET enable_seqscan = off;
SET vector.log_min_duration = 0;
SELECT count(s.id) AS found FROM generate_series(1, 25) i, LATERAL (SELECT id FROM "<script>document.title='bad'</script>" ORDER BY v <-> array_fill(i, ARRAY[32])::vector LIMIT 3) s \gset
SELECT count(s.id) AS found FROM generate_series(1, 5) i, LATERAL (SELECT id FROM page_a_table_with_a_name_as_long_as_names_of_tables_may_get__ ORDER BY v <=> array_fill(i, ARRAY[32])::vector LIMIT 3) s \gset
RESET vector.log_min_duration;
SELECT recall AS found FROM vector_recall('"<img src=x onerror=alert(1)>"', samples => 20) \gset
-- a background worker seals once, and has nothing more to do then
CREATE TABLE page_worked (v vector(3));
CREATE INDEX page_worked_v ON page_worked USING hnsw (v vector_l2_ops) WITH (seal_rows = 100);
SET vector.background_work = on;
INSERT INTO page_worked SELECT ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 150) n;
DO $$
BEGIN
	FOR i IN 1 .. 600 LOOP
		EXIT WHEN EXISTS (SELECT FROM vector_stat_workers() WHERE steps > 0) AND NOT EXISTS (SELECT FROM vector_jobs() WHERE index IS NOT NULL);
		PERFORM pg_sleep(0.1);
	END LOOP;
END $$;
CREATE ROLE exporter LOGIN IN ROLE pg_monitor;
ALTER DATABASE page SET vector.target_recall = 0.9;
CREATE SERVER page_store FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path :'store');
