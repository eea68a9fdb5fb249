-- diskann: how far a scan walks, and how many rows it compares by their vectors
SET enable_seqscan = off;
CREATE TABLE t (id int, v vector(32));
SELECT setseed(0.25);
INSERT INTO t SELECT i, ARRAY(SELECT random() + i % 7 FROM generate_series(1, 32) j WHERE i > 0) FROM generate_series(1, 4000) i;
CREATE TABLE q AS SELECT id, v FROM t WHERE id % 200 = 1;
-- sums over all queries of what a scan does, and the share of the true ten nearest rows that it finds
CREATE FUNCTION work(OUT hops bigint, OUT distances bigint, OUT recall numeric) LANGUAGE plpgsql AS $$
DECLARE
	query q;
	exact int[];
	found int[];
	last record;
	hits int := 0;
BEGIN
	hops := 0;
	distances := 0;
	FOR query IN SELECT * FROM q LOOP
		SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = on;
		exact := ARRAY(SELECT id FROM t ORDER BY v <-> query.v LIMIT 10);
		SET LOCAL enable_indexscan = on; SET LOCAL enable_seqscan = off;
		EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM t ORDER BY v <-> %L LIMIT 10) x', query.v) INTO found;
		SELECT * INTO last FROM vector_last_scan();
		hops := hops + last.hops;
		distances := distances + last.distances;
		hits := hits + cardinality(ARRAY(SELECT unnest(exact) INTERSECT SELECT unnest(found)));
	END LOOP;
	recall := hits / 200.0;
END $$;
CREATE FUNCTION try(storage text) RETURNS TABLE (walk_ends boolean, few_compared boolean, all_compared boolean, found boolean) LANGUAGE plpgsql AS $$
DECLARE
	few record;
	normal record;
	many record;
BEGIN
	EXECUTE format('CREATE INDEX t_v ON t USING diskann (v vector_l2_ops) WITH (storage = %s)', storage);
	SET LOCAL diskann.query_search_list_size = 200;
	SET LOCAL diskann.query_rescore = 0;
	few := work();
	SET LOCAL diskann.query_rescore = 150;
	normal := work();
	SET LOCAL diskann.query_rescore = 10000;
	many := work();
	DROP INDEX t_v;
	-- 20 queries; each compares at least its 10 rows
	RETURN QUERY SELECT normal.hops < 20 * 150, normal.distances - few.distances < 20 * 60,
		many.distances = normal.distances, normal.recall >= 0.98;
END $$;
SELECT storage, (try(storage)).* FROM unnest(ARRAY['none', 'half', 'full']) storage;
-- a cursor reads on: every row once, in order but for those found late, which come in few runs, each in order
CREATE INDEX t_v ON t USING diskann (v vector_l2_ops);
SET diskann.query_search_list_size = 50;
SET diskann.query_rescore = 20;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, v <-> (SELECT v FROM q WHERE id = 201) AS d FROM t ORDER BY v <-> (SELECT v FROM q WHERE id = 201);
CREATE TEMP TABLE read (n serial, id int, d float8);
DO $$
DECLARE
	c refcursor := 'c';
	r record;
BEGIN
	LOOP
		FETCH c INTO r;
		EXIT WHEN NOT FOUND;
		INSERT INTO read (id, d) VALUES (r.id, r.d);
	END LOOP;
END $$;
SELECT count(*), count(DISTINCT id) FROM read;
SELECT count(*) < 5 AS few_runs FROM (SELECT d < lag(d) OVER (ORDER BY n) AS begins FROM read) x WHERE begins;
COMMIT;
-- more rows than the list has places, and than are compared
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM q WHERE id = 201) LIMIT 700) x;
SET diskann.iterative_scan = off;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM q WHERE id = 201) LIMIT 700) x;
RESET diskann.iterative_scan;
-- one walk for all rows of the LIMIT, however short the list is; several would take more
CREATE FUNCTION diskann_hops(list int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('diskann.query_search_list_size', list::text, true);
	PERFORM FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM q WHERE id = 201) LIMIT 200) AS nearest;
	RETURN (SELECT hops FROM vector_last_scan());
END $$;
SELECT diskann_hops(20) < diskann_hops(200) AS fewer;
DROP FUNCTION diskann_hops;
-- a rescan for each query, and a query that is NULL
SELECT count(*), count(DISTINCT q.id), count(DISTINCT x.id) > 150 AS near FROM q, LATERAL (SELECT id FROM t ORDER BY t.v <-> q.v LIMIT 10) x;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> NULL::vector LIMIT 10) x;
-- invisible rows do not count as compared ones
DELETE FROM t WHERE id IN (SELECT id FROM t ORDER BY v <-> (SELECT v FROM q WHERE id = 201) LIMIT 300);
SET enable_indexscan = off;
SET enable_seqscan = on;
CREATE TEMP TABLE exact AS SELECT id FROM t ORDER BY v <-> (SELECT v FROM q WHERE id = 201) LIMIT 10;
RESET enable_indexscan;
SET enable_seqscan = off;
SELECT count(*) >= 9 AS found FROM exact WHERE id IN (SELECT id FROM t ORDER BY v <-> (SELECT v FROM q WHERE id = 201) LIMIT 10);
DROP TABLE t, q;
DROP FUNCTION work, try;

RESET ALL;
-- codes mistake near rows for far ones, so more rows are compared than are wanted
CREATE TABLE diskann_wanted AS SELECT n AS id, (SELECT array_agg(sin(n * j * 1.7) + cos(n * 0.37 * j * j)) FROM generate_series(1, 64) j)::vector(64) AS v
	FROM generate_series(1, 3000) n;
CREATE INDEX diskann_wanted_v ON diskann_wanted USING diskann (v vector_l2_ops) WITH (storage = none, bits = 1);
SELECT recall > 0.75 AS compared FROM vector_recall('diskann_wanted_v', 100, 30);
SET diskann.query_rescore = 0;
SELECT recall < 0.7 AS not_compared FROM vector_recall('diskann_wanted_v', 100, 30);
RESET diskann.query_rescore;
DROP TABLE diskann_wanted;
