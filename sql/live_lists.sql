-- lists: what a table that is written costs its searches, in several segments and with rows that are dead but not vacuumed
SET enable_seqscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION list_point(n int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$SELECT (array_agg((hashint8extended(n % 50, d) & 1023) + (hashint8extended(n, d) & 1023) / 2.0))::real[]::vector(16) FROM generate_series(1, 16) d$$;
CREATE TABLE list_queries AS SELECT n AS id, list_point(n) AS v FROM generate_series(100001, 100020) n;
-- of 20 searches for ten rows, or of one for more: the lists read, the rows compared, and how many of the nearest are found
CREATE FUNCTION list_searches(source text, searches int, wanted int, OUT lists bigint, OUT compared bigint, OUT hits bigint) LANGUAGE plpgsql AS $$
DECLARE
	one record;
	q record;
	ids int[];
BEGIN
	lists := 0; compared := 0; hits := 0;
	FOR q IN SELECT v FROM list_queries ORDER BY id LIMIT searches LOOP
		EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM %s ORDER BY v <-> %L LIMIT %s) x', source, q.v, wanted) INTO ids;
		SELECT * INTO one FROM vector_last_scan();
		lists := lists + one.hops;
		compared := compared + one.distances;
		EXECUTE format('SELECT %s + count(*) FROM (SELECT id FROM %s ORDER BY (v <-> %L) + 0 LIMIT %s) x WHERE id = ANY (%L)',
			hits, source, q.v, wanted, ids) INTO hits;
	END LOOP;
END $$;
CREATE TABLE list_ways AS SELECT * FROM (VALUES ('ivf', 'ivf (v vector_l2_ops) WITH (lists = 20)'),
	('fine', 'ivf (v vector_l2_ops) WITH (lists = 20, bits = 4)'), ('flat', 'ivfflat (v vector_l2_ops) WITH (lists = 20)')) w (name, spec);
SET ivf.probes = 5;
SET ivfflat.probes = 5;
SELECT format('CREATE TABLE list_%1$s (id int, v vector(16)); INSERT INTO list_%1$s SELECT n, list_point(n) FROM generate_series(1, 3000) n;
	CREATE INDEX list_%1$s_i ON list_%1$s USING %2$s', name, spec) FROM list_ways \gexec
\pset tuples_only on
SELECT format('INSERT INTO list_%s SELECT n, list_point(n) FROM generate_series(%s, %s) n; SELECT vector_seal(''list_%1$s_i'') > 0', name, first + 1, first + 500)
	FROM list_ways, generate_series(3000, 4000, 500) first \gexec
\pset tuples_only off
-- several segments have the same lists: a search compares as many rows as in one, but reads each list of each
CREATE TABLE list_many AS SELECT name, count(*) AS segments, s.* FROM list_ways, vector_index_segments(format('list_%s_i', name)::regclass) g,
	list_searches('list_' || name, 20, 10) s WHERE g.kind = 'sealed' GROUP BY name, s.lists, s.compared, s.hits;
SELECT format('SELECT vector_merge(''list_%s_i'')', name) FROM list_ways \gexec
CREATE TABLE list_merged AS SELECT name, s.* FROM list_ways, list_searches('list_' || name, 20, 10) s;
SELECT format('REINDEX INDEX list_%s_i', name) FROM list_ways \gexec
CREATE TABLE list_fresh AS SELECT name, s.* FROM list_ways, list_searches('list_' || name, 20, 10) s;
SELECT name, segments, n.lists = 4 * f.lists AS lists, n.compared < 1.25 * f.compared AS compared, n.hits >= f.hits - 2 AS hits,
	m.lists = f.lists AS lists_merged, m.compared < 1.25 * f.compared AS compared_merged, m.hits >= f.hits - 2 AS hits_merged
	FROM list_many n JOIN list_merged m USING (name) JOIN list_fresh f USING (name) ORDER BY 1;
-- dead rows among the nearest: a search is repeated for four times as many rows, if need be several times, and finds all
BEGIN;
SELECT format('DELETE FROM list_%s WHERE id %% 50 = 1 AND id < 4400', name) FROM list_ways \gexec
SET LOCAL ivf.probes = 20;
SET LOCAL ivfflat.probes = 20;
SELECT name, lists, hits FROM list_ways, list_searches('list_' || name, 1, 500) s ORDER BY 1;
SELECT name, lists, hits FROM list_ways, list_searches('list_' || name, 1, 10) s ORDER BY 1;
-- many searches meet dead rows: few of them have to be repeated, because they look for more from the start
SELECT format('DELETE FROM list_%s WHERE id %% 3 = 0', name) FROM list_ways \gexec
SET LOCAL ivf.probes = 5;
SET LOCAL ivfflat.probes = 5;
SELECT name, s.lists < 1.3 * f.lists AS lists, s.compared < 1.3 * f.compared AS compared, s.hits >= 198 AS hits
	FROM list_fresh f, list_searches('list_' || name, 20, 10) s ORDER BY 1;
ROLLBACK;
-- where almost all rows are dead, searches soon look for four times as many rows; those that are not asked for are not compared by their vectors
BEGIN;
SELECT format('DELETE FROM list_%s WHERE id %% 10 <> 0', name) FROM list_ways \gexec
SELECT name, s.compared > 3 * f.compared AS compared FROM list_fresh f, list_searches('list_' || name, 20, 10) s ORDER BY 1;
ROLLBACK;
SELECT name, s.lists = f.lists AS lists, s.compared < f.compared + 100 AS compared, s.hits >= f.hits AS hits
	FROM list_fresh f, list_searches('list_' || name, 20, 10) s WHERE name <> 'fine' ORDER BY 1;
SELECT format('DROP TABLE list_%s', name) FROM list_ways \gexec
DROP TABLE list_ways, list_queries, list_many, list_merged, list_fresh;
DROP FUNCTION list_point, list_searches;
