-- a session's cache of indexes: it keeps all indexes in use, up to a number of bytes, and only the codes of many centroids
SET client_min_messages = warning;
CREATE VIEW remembered AS SELECT name, count(*) AS n, sum(total_bytes) AS bytes FROM pg_backend_memory_contexts
	WHERE name IN ('vector index', 'vector segment', 'vector centroids') GROUP BY name;
-- a query of forty partitions leaves all of them in the cache for the next query
CREATE TABLE parts (id int, v vector(3)) PARTITION BY HASH (id);
DO $$ BEGIN
	FOR i IN 0..39 LOOP
		EXECUTE format('CREATE TABLE parts_%s PARTITION OF parts FOR VALUES WITH (MODULUS 40, REMAINDER %s)', i, i);
	END LOOP;
END $$;
INSERT INTO parts SELECT i, ARRAY[i, i % 7, i % 11]::vector FROM generate_series(1, 1000) i;
CREATE INDEX ON parts USING hnsw (v vector_l2_ops);
SET enable_seqscan = off;
SELECT id FROM parts ORDER BY v <-> '[500,3,5]' LIMIT 3;
SELECT name, n FROM remembered ORDER BY name;
SELECT bytes < 40 * 16384 AS small FROM (SELECT sum(bytes) AS bytes FROM remembered) r;
DROP TABLE parts;
-- indexes of very long vectors take a quarter of a megabyte each: the first of 150 are dropped, but none while it is in use
DO $$ BEGIN
	FOR i IN 1..150 LOOP
		EXECUTE format('CREATE TABLE long_%s (v vector(16000))', i);
		EXECUTE format('CREATE INDEX ON long_%s USING hnsw (v vector_l2_ops)', i);
		EXECUTE format('EXPLAIN SELECT * FROM long_%s ORDER BY v <-> (SELECT v FROM long_%s) LIMIT 1', i, i);
	END LOOP;
END $$;
SELECT n < 150 AND n > 100 AS some, bytes <= 32 * 1024 * 1024 AS bounded FROM remembered WHERE name = 'vector index';
DO $$ BEGIN
	FOR i IN 1..150 LOOP
		EXECUTE format('DROP TABLE long_%s', i);
	END LOOP;
END $$;
-- five thousand centroids take 1.3 megabytes, which the session does not copy
CREATE TABLE lists (id int, v vector(64));
INSERT INTO lists SELECT i, array_agg((hashint8extended(i, d) & 1023)::real)::vector FROM generate_series(1, 300) i, generate_series(1, 64) d
	GROUP BY i;
CREATE INDEX ON lists USING ivf (v vector_l2_ops) WITH (lists = 5000);
CREATE FUNCTION missed(probes int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('ivf.probes', probes::text, false);
	RETURN (SELECT count(*) FROM lists l WHERE id <> (SELECT id FROM lists ORDER BY v <-> l.v LIMIT 1));
END $$;
-- a few centroids are found by their codes; for many, all centroids are compared
SELECT missed(1) < 30 AS few_missed, missed(100);
SELECT bytes < 300000 AS small FROM remembered WHERE name = 'vector centroids';
INSERT INTO lists SELECT id + 300, v FROM lists;
SELECT vector_seal('lists_v_idx');
SELECT count(*) FROM (SELECT id FROM lists ORDER BY v <-> (SELECT v FROM lists WHERE id = 7) LIMIT 2) x WHERE id % 300 = 7;
DROP TABLE lists;
