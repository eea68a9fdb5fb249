-- rows that are dead but not vacuumed: what a search of lists finds of them is known to those after it, and left out; not so of graphs, whose
-- answers would depend on it
-- (a temporary table, as others' transactions may see rows of any other that have been deleted)
SET enable_seqscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION dead_point(n int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg((hashint8extended(n, d) & 1023)::real)::vector(8) FROM generate_series(1, 8) d$$;
CREATE TABLE dead_ways AS SELECT * FROM (VALUES (1, 'hnsw', 'hnsw (v vector_l2_ops, k)'), (2, 'diskann', 'diskann (v vector_l2_ops, k) WITH (storage = full)'),
	(3, 'ivf', 'ivf (v vector_l2_ops, k) WITH (lists = 4)'),
	(4, 'ivf_none', 'ivf (v vector_l2_ops, k) WITH (lists = 4, bits = 8, refine = none)'), (5, 'ivf_half', 'ivf (v vector_l2_ops, k) WITH (lists = 4, refine = half)'),
	(6, 'ivfflat', 'ivfflat (v vector_l2_ops, k) WITH (lists = 4)')) w (number, name, spec);
SET ivf.probes = 4;
SET ivfflat.probes = 4;
-- a search for five rows that meet a condition that all meet: whether they are the nearest, and how many rows of the index may be found
CREATE FUNCTION dead_search(source text, OUT nearest bool, OUT rows bigint) LANGUAGE plpgsql AS $$
DECLARE
	ids int[];
BEGIN
	EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM %I WHERE k >= 0 ORDER BY v <-> dead_point(0) LIMIT 5) x', source) INTO ids;
	SELECT survivors INTO rows FROM vector_last_scan();
	EXECUTE format('SELECT array_agg(id) = $1 FROM (SELECT id FROM %I ORDER BY (v <-> dead_point(0)) + 0 LIMIT 5) x', source) INTO nearest USING ids;
END $$;
SELECT format('CREATE TEMP TABLE dead_%1$s (id int, k int, v vector(8)); INSERT INTO dead_%1$s SELECT n, n, dead_point(n) FROM generate_series(1, 1000) n;
	CREATE INDEX ON dead_%1$s USING %2$s', name, spec) FROM dead_ways ORDER BY number \gexec
SELECT name, s.* FROM dead_ways, dead_search('dead_' || name) s ORDER BY number;
-- the five nearest die: until that is committed, searches meet them each time
BEGIN;
SELECT format('DELETE FROM dead_%1$s WHERE id IN (SELECT id FROM dead_%1$s ORDER BY (v <-> dead_point(0)) + 0 LIMIT 5)', name) FROM dead_ways ORDER BY number \gexec
SELECT name, s.* FROM dead_ways, dead_search('dead_' || name) s ORDER BY number;
SELECT name, s.* FROM dead_ways, dead_search('dead_' || name) s ORDER BY number;
ROLLBACK;
SELECT name, s.* FROM dead_ways, dead_search('dead_' || name) s ORDER BY number;
SELECT format('DELETE FROM dead_%1$s WHERE id IN (SELECT id FROM dead_%1$s ORDER BY (v <-> dead_point(0)) + 0 LIMIT 5)', name) FROM dead_ways ORDER BY number \gexec
-- the first search meets them, those after it do not
SELECT name, s.* FROM dead_ways, dead_search('dead_' || name) s ORDER BY number;
SELECT name, s.* FROM dead_ways, dead_search('dead_' || name) s ORDER BY number;
SELECT name, s.* FROM dead_ways, dead_search('dead_' || name) s ORDER BY number;
-- tombstones are added to what is known
SELECT format('DELETE FROM dead_%1$s WHERE id %% 10 = 0', name) FROM dead_ways ORDER BY number \gexec
SELECT format('VACUUM (INDEX_CLEANUP ON) dead_%s', name) FROM dead_ways ORDER BY number \gexec
SELECT name, s.* FROM dead_ways, dead_search('dead_' || name) s ORDER BY number;
-- index-only scans look up rows in the table by themselves
DELETE FROM dead_ivf WHERE id IN (SELECT id FROM dead_ivf ORDER BY (v <-> dead_point(0)) + 0 LIMIT 5);
SELECT count(*) FROM (SELECT k FROM dead_ivf WHERE k >= 0 ORDER BY v <-> dead_point(0) LIMIT 5) x;
SELECT survivors FROM vector_last_scan();
SELECT count(*) FROM (SELECT k FROM dead_ivf WHERE k >= 0 ORDER BY v <-> dead_point(0) LIMIT 5) x;
SELECT survivors FROM vector_last_scan();
SELECT format('DROP TABLE dead_%s', name) FROM dead_ways ORDER BY number \gexec
DROP TABLE dead_ways;
DROP FUNCTION dead_point, dead_search;
