-- what a table that is written costs its searches: several segments, and rows that are dead but not vacuumed
SET enable_seqscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION live_point(n int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$SELECT (array_agg((hashint8extended(n % 50, d) & 1023) + (hashint8extended(n, d) & 1023) / 2.0))::real[]::vector(16) FROM generate_series(1, 16) d$$;
CREATE TABLE live_rows AS SELECT n AS id, live_point(n) AS v FROM generate_series(1, 8000) n;
CREATE TABLE live_queries AS SELECT n AS id, live_point(n) AS v FROM generate_series(100001, 100020) n;
-- of 20 searches: the hops, and how many of the nearest 10 are found
CREATE FUNCTION live_hops(source text) RETURNS numeric LANGUAGE sql AS $$
	SELECT sum(substring(line FROM 'Hops: (\d+)')::bigint) FROM live_queries q,
		vector_explain(format('SELECT id FROM %s ORDER BY v <-> %L LIMIT 10', source, q.v)) line $$;
CREATE FUNCTION live_found(source text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	found bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM live_queries q, LATERAL (SELECT id FROM %1$s ORDER BY v <-> q.v LIMIT 10) x
		WHERE x.id IN (SELECT id FROM %1$s ORDER BY (v <-> q.v) + 0 LIMIT 10)', source) INTO found;
	RETURN found;
END $$;
-- the same rows in one segment, and in six: the largest is searched first, the others for what is nearer
SELECT format('CREATE TABLE live_%1$s_one (id int, v vector(16)); INSERT INTO live_%1$s_one SELECT * FROM live_rows;
	CREATE INDEX live_%1$s_one_i ON live_%1$s_one USING %2$s;
	CREATE TABLE live_%1$s_many (id int, v vector(16)); INSERT INTO live_%1$s_many SELECT * FROM live_rows WHERE id <= 5500;
	CREATE INDEX live_%1$s_many_i ON live_%1$s_many USING %2$s', name, spec)
	FROM (VALUES ('hnsw', 'hnsw (v vector_l2_ops)'), ('disk', 'diskann (v vector_l2_ops) WITH (storage = full)')) m (name, spec) \gexec
SET client_min_messages = warning;
SELECT format('INSERT INTO live_%s_many SELECT * FROM live_rows WHERE id > %s AND id <= %s; SELECT vector_seal(''live_%1$s_many_i'') > 0 AS sealed',
		name, first, first + 500) FROM (VALUES ('hnsw'), ('disk')) m (name), generate_series(5500, 7500, 500) first \gexec
RESET client_min_messages;
SELECT name, count(*) FILTER (WHERE kind = 'sealed') AS segments FROM (VALUES ('hnsw'), ('disk')) m (name), vector_index_segments(format('live_%s_many_i', name)::regclass) GROUP BY 1 ORDER BY 1;
CREATE TABLE live_fresh AS SELECT name, live_hops('live_' || name || '_one') AS hops FROM (VALUES ('hnsw'), ('disk')) m (name);
SELECT name, live_hops('live_' || name || '_many') < 1.8 * hops AS few, live_found('live_' || name || '_one') >= 198 AS found,
	live_found('live_' || name || '_many') >= 198 AS found_many FROM live_fresh ORDER BY 1;
-- with much effort, too: that in the smaller ones is in proportion to the square root of their rows, without which this takes twice as many
SET hnsw.ef_search = 400;
SET diskann.query_search_list_size = 400;
SELECT name, live_hops('live_' || name || '_many') < 1.6 * live_hops('live_' || name || '_one') AS few, live_found('live_' || name || '_many') >= 198 AS found
	FROM live_fresh ORDER BY 1;
RESET hnsw.ef_search;
RESET diskann.query_search_list_size;
-- dead rows among the nearest: the search goes on for a few more, in each of several segments for its share
BEGIN;
SELECT format('DELETE FROM live_%s_many WHERE id %% 6 = 0', name) FROM (VALUES ('hnsw'), ('disk')) m (name) \gexec
SELECT name, live_hops('live_' || name || '_many') < 2 * hops AS few, live_found('live_' || name || '_many') >= 198 AS found FROM live_fresh ORDER BY 1;
SELECT format('DELETE FROM live_%s_one WHERE id %% 6 = 0', name) FROM (VALUES ('hnsw'), ('disk')) m (name) \gexec
SELECT name, live_hops('live_' || name || '_one') < 1.5 * hops AS few, live_found('live_' || name || '_one') >= 198 AS found FROM live_fresh ORDER BY 1;
-- no row comes twice, and those that come late are all there
SELECT name, count(*), count(DISTINCT id) FROM (
	SELECT 'disk' AS name, id FROM (SELECT id FROM live_disk_one ORDER BY v <-> (SELECT v FROM live_queries WHERE id = 100001) LIMIT 7000) x
	UNION ALL SELECT 'hnsw', id FROM (SELECT id FROM live_hnsw_one ORDER BY v <-> (SELECT v FROM live_queries WHERE id = 100001) LIMIT 7000) x) y GROUP BY 1 ORDER BY 1;
ROLLBACK;
DROP TABLE live_rows, live_queries, live_fresh, live_hnsw_one, live_hnsw_many, live_disk_one, live_disk_many;
DROP FUNCTION live_point, live_hops, live_found;
