-- how far ordered scans go: auto, the default, and the modes of pgvector
SET max_parallel_workers_per_gather = 0;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SET jit = off;
CREATE FUNCTION near(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg((hashint8extended(seed % 60, d) & 1023) * 3 + (hashint8extended(seed, -d) & 1023))::vector FROM generate_series(1, 12) d$$;
CREATE TABLE t (id int PRIMARY KEY, cluster int, v vector(12)) WITH (autovacuum_enabled = off);
CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS
	$$INSERT INTO t SELECT n, n % 60, near(n) FROM generate_series(low, high) n$$;
CREATE TABLE q AS SELECT n AS id, near(1000000 + n) AS v FROM generate_series(1, 4) n;
-- @ is the query
CREATE TABLE filters (name text, condition text);
INSERT INTO filters VALUES ('all', 'id + 0 > 0'), ('half', 'id % 2 = 0'), ('a tenth', 'id % 10 = 3'), ('a hundredth', 'id % 100 = 3'),
	('seven', 'id % 343 = 3'), ('one', 'id + 0 = 777'), ('none', 'id + 0 < 0'), ('volatile', 'id % 50 = (random() * 0)::int'),
	('subplan', 'id IN (SELECT id * 50 + 1 FROM filters, q)'), ('correlated subplan', 'id % 10 = 3 AND EXISTS (SELECT FROM q WHERE q.id % 4 = t.id % 7 OFFSET 0)'),
	('far', 'v <-> @ > 4500'), ('a cluster', 'cluster + 0 = 17'), ('other clusters', 'cluster % 10 = 5 AND id % 3 = 1');
CREATE TABLE truth AS SELECT name, q.id, '{}'::float8[] AS distances FROM filters, q;
CREATE FUNCTION find_truth() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	x record;
	d float8[];
BEGIN
	FOR x IN SELECT name, condition, id, v FROM filters, q LOOP
		EXECUTE format('SELECT array_agg(d) FROM (SELECT (v <-> %1$L) + 0 AS d FROM t WHERE %2$s ORDER BY 1 LIMIT 10) x',
			x.v, replace(x.condition, '@', quote_literal(x.v))) INTO d;
		UPDATE truth SET distances = coalesce(d, '{}') WHERE truth.name = x.name AND truth.id = x.id;
	END LOOP;
END $$;
-- the filters of which not all rows come, or not in order, or one comes twice, or too few of the nearest
CREATE FUNCTION try(mode text, OUT few text, OUT disorder text, OUT twice text, OUT low text) LANGUAGE plpgsql AS $$
DECLARE
	x record;
	ids int[];
	d float8[];
	hits float8;
	wanted int;
BEGIN
	PERFORM set_config(method || '.iterative_scan', mode, true) FROM unnest(ARRAY['ivfflat', 'ivf', 'hnsw']) method
		WHERE method = 'hnsw' OR mode <> 'strict_order';
	FOR x IN SELECT name, condition, array_agg(v) AS queries, array_agg(distances) AS truth
		FROM filters NATURAL JOIN (SELECT name, v, distances::text FROM truth JOIN q USING (id)) y GROUP BY name, condition ORDER BY name COLLATE "C" LOOP
		hits := 0;
		wanted := 0;
		FOR i IN 1..cardinality(x.queries) LOOP
			EXECUTE format('SELECT array_agg(id), array_agg(d) FROM (SELECT id, v <-> %1$L AS d FROM t WHERE %2$s ORDER BY v <-> %1$L LIMIT 10) x',
				x.queries[i], replace(x.condition, '@', quote_literal(x.queries[i]))) INTO ids, d;
			wanted := wanted + cardinality(x.truth[i]::float8[]);
			hits := hits + (SELECT count(*) FROM unnest(d) n (d) WHERE n.d <= (SELECT max(m) FROM unnest(x.truth[i]::float8[]) m) * 1.000001);
			IF coalesce(cardinality(ids), 0) < cardinality(x.truth[i]::float8[]) AND coalesce(few NOT LIKE '%' || x.name, true) THEN
				few := concat_ws(', ', few, x.name);
			END IF;
			IF d <> (SELECT array_agg(m ORDER BY m) FROM unnest(d) m) AND coalesce(disorder NOT LIKE '%' || x.name, true) THEN
				disorder := concat_ws(', ', disorder, x.name);
			END IF;
			IF cardinality(ids) <> (SELECT count(DISTINCT m) FROM unnest(ids) m) THEN
				twice := concat_ws(', ', twice, x.name);
			END IF;
		END LOOP;
		IF hits / nullif(wanted, 0) < 0.95 THEN
			low := concat_ws(', ', low, x.name);
		END IF;
	END LOOP;
END $$;
SELECT fill(1, 2400);
VACUUM ANALYZE t;
SELECT find_truth();
SELECT count(*) FROM truth WHERE cardinality(distances) < 10;
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops);
SELECT * FROM try('auto');
SELECT few LIKE '%a hundredth%' AS few, disorder, twice FROM try('off');
SELECT few, disorder, twice FROM try('strict_order');
SELECT few, twice FROM try('relaxed_order');
SET hnsw.max_scan_tuples = 100;
SELECT few, low FROM try('auto');
SELECT few LIKE '%a hundredth%' AS few, disorder, twice FROM try('strict_order');
SELECT few LIKE '%a hundredth%' AS few, twice FROM try('relaxed_order');
RESET hnsw.max_scan_tuples;
DROP INDEX t_v;
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops) WITH (storage = half);
SELECT few, disorder, twice FROM try('auto');
DROP INDEX t_v;
CREATE INDEX t_v ON t USING ivfflat (v vector_l2_ops) WITH (lists = 40);
SET ivfflat.probes = 30;
SELECT * FROM try('auto');
SELECT few LIKE '%seven%' AS few, disorder, twice FROM try('off');
SELECT few, twice FROM try('relaxed_order');
SET ivfflat.max_probes = 30;
SELECT few, low FROM try('auto');
SELECT few LIKE '%seven%' AS few FROM try('relaxed_order');
RESET ivfflat.max_probes;
RESET ivfflat.probes;
-- lists with fewer rows than are wanted
SELECT count(*), count(*) FILTER (WHERE d < before) AS disorder FROM
	(SELECT d, lag(d) OVER (ROWS UNBOUNDED PRECEDING) AS before FROM
		(SELECT v <-> (SELECT v FROM q LIMIT 1) AS d FROM t ORDER BY v <-> (SELECT v FROM q LIMIT 1) LIMIT 300) x) y;
SET ivfflat.iterative_scan = off;
SELECT count(*) < 300 AS few FROM (SELECT FROM t ORDER BY v <-> (SELECT v FROM q LIMIT 1) LIMIT 300) x;
RESET ivfflat.iterative_scan;
DROP INDEX t_v;
CREATE INDEX t_v ON t USING ivf (v vector_l2_ops) WITH (lists = 40);
SET ivf.probes = 20;
-- the bounds of a few rows in thousands do not hold: such a row may come late
SELECT few, coalesce(disorder LIKE '%,%', false) AS disorder, twice, low FROM try('auto');
SELECT few LIKE '%seven%' AS few, coalesce(disorder LIKE '%,%', false) AS disorder, twice FROM try('off');
SELECT few, twice FROM try('relaxed_order');
RESET ivf.probes;
DROP INDEX t_v;
CREATE INDEX t_v ON t USING ivf (v vector_l2_ops) WITH (lists = 40, refine = none);
SELECT few, twice FROM try('auto');
DROP INDEX t_v;

-- several sealed segments, a growing one, and rows deleted but not vacuumed
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops) WITH (seal_rows = 1000);
SELECT fill(2401, 3400);
SELECT vector_seal('t_v') > 0;
SELECT fill(3401, 3700);
DELETE FROM t WHERE id % 7 = 0;
UPDATE t SET cluster = cluster WHERE id % 11 = 0;
SELECT find_truth();
SELECT * FROM try('auto');
-- off: no more than ef_search rows, although some are not visible
SET hnsw.iterative_scan = off;
SELECT count(*) BETWEEN 20 AND 40 FROM (SELECT FROM t ORDER BY v <-> (SELECT v FROM q LIMIT 1)) x;
SELECT count(*) FROM (SELECT FROM t ORDER BY v <-> (SELECT v FROM q LIMIT 1) LIMIT 20) x;
SET hnsw.ef_search = 7;
SELECT count(*) BETWEEN 3 AND 7 FROM (SELECT FROM t ORDER BY v <-> (SELECT v FROM q LIMIT 1)) x;
RESET hnsw.ef_search;
RESET hnsw.iterative_scan;

-- when few rows pass, the table tells which; unless the condition cannot be evaluated twice
CREATE FUNCTION rejected(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || replace(query, '#', 'ORDER BY v <-> (SELECT v FROM q WHERE id = 2)') INTO plan;
	RETURN (SELECT max(n::int) FROM jsonb_path_query(plan, '$.**."Rows Removed by Filter"') n);
END $$;
SELECT mode, filter, set_config('hnsw.iterative_scan', mode, false) = mode AND
		rejected(format('SELECT FROM t WHERE id %% 343 = %s # LIMIT 10', filter)) > 2000 AS many
	FROM unnest(ARRAY['strict_order', 'auto']) mode, unnest(ARRAY['1', '(random() * 0)::int + 1', '(SELECT 1)']) filter;
-- rows returned before are not returned again: the rarer ones are far
SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE d < before) FROM (SELECT id, d, lag(d) OVER (ROWS UNBOUNDED PRECEDING) AS before FROM
	(SELECT id, v <-> (SELECT v FROM q WHERE id = 2) AS d FROM t WHERE v <-> (SELECT v FROM q WHERE id = 2) < 1800 OR id % 100 = 5
		ORDER BY v <-> (SELECT v FROM q WHERE id = 2)) x) y;
SELECT count(*) FROM t WHERE v <-> (SELECT v FROM q WHERE id = 2) < 1800 OR id % 100 = 5;
-- a partial index, and one with an attribute
CREATE INDEX t_part ON t USING hnsw (v vector_l2_ops) WHERE id % 2 = 1;
SELECT rejected('SELECT FROM t WHERE id % 2 = 1 AND id % 49 = 11 # LIMIT 10') < 800 AS few;
SELECT count(*) >= 9 AS near FROM (SELECT id FROM t WHERE id % 2 = 1 AND id % 49 = 11 ORDER BY v <-> (SELECT v FROM q WHERE id = 2) LIMIT 10) x
	JOIN (SELECT id FROM t WHERE id % 2 = 1 AND id % 49 = 11 ORDER BY (v <-> (SELECT v FROM q WHERE id = 2)) + 0 LIMIT 10) y USING (id);
DROP INDEX t_part;
CREATE INDEX t_part ON t USING hnsw (v vector_l2_ops, cluster);
SELECT count(*) >= 9 AS near FROM (SELECT id FROM t WHERE cluster < 30 AND id % 49 = 11 ORDER BY v <-> (SELECT v FROM q WHERE id = 2) LIMIT 10) x
	JOIN (SELECT id FROM t WHERE cluster < 30 AND id % 49 = 11 ORDER BY (v <-> (SELECT v FROM q WHERE id = 2)) + 0 LIMIT 10) y USING (id);
DROP INDEX t_part;

-- what asks for rows
CREATE FUNCTION rows_of(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE replace(query, '#', 'ORDER BY v <-> (SELECT v FROM q WHERE id = 3)');
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;
SELECT name, rows_of(query) AS rows FROM (VALUES
	('lateral', 'SELECT FROM generate_series(0, 4) n, LATERAL (SELECT id FROM t WHERE id % 100 = n # LIMIT 5) x'),
	('lateral, by the vector', 'SELECT FROM q, LATERAL (SELECT id FROM t WHERE id % 100 = q.id ORDER BY t.v <-> q.v LIMIT 5) x'),
	('join', 'SELECT FROM t JOIN (SELECT 100 * n + 3 AS id FROM generate_series(0, 40) n) x USING (id) # LIMIT 9'),
	('condition above', 'SELECT FROM (SELECT id FROM t # OFFSET 0) x WHERE id % 100 = 5 LIMIT 9'),
	('condition on both', 'SELECT FROM (SELECT id FROM t WHERE id % 2 = 1 # OFFSET 0) x WHERE id % 100 = 5 LIMIT 9'),
	('distinct on', 'SELECT DISTINCT ON (v <-> (SELECT v FROM q WHERE id = 3)) id FROM t WHERE id % 100 = 5 # LIMIT 9'),
	('offset', 'SELECT FROM t WHERE id % 100 = 5 # LIMIT 4 OFFSET 5'),
	('expression', 'SELECT FROM t WHERE id % 100 = 5 # LIMIT (SELECT 9)'),
	('ties', 'SELECT FROM t WHERE id % 100 = 5 # FETCH FIRST 9 ROWS WITH TIES'),
	('union', 'SELECT FROM (SELECT * FROM (SELECT id FROM t WHERE id % 100 = 5 # LIMIT 9) x UNION ALL SELECT * FROM (SELECT id FROM t WHERE id % 100 = 6 # LIMIT 9) y) z'),
	('queue', 'SELECT FROM t WHERE id % 100 = 5 # LIMIT 9 FOR UPDATE SKIP LOCKED'),
	('no limit', 'SELECT FROM t WHERE id % 100 = 5 #'),
	('exists', 'SELECT FROM q WHERE EXISTS (SELECT FROM t WHERE t.id % 100 = q.id ORDER BY t.v <-> q.v OFFSET 5)')) x (name, query);
SELECT count(*) FROM t WHERE id % 100 = 5;
BEGIN;
DECLARE c CURSOR FOR SELECT 1 AS a FROM t WHERE id % 100 = 5 ORDER BY v <-> (SELECT v FROM q WHERE id = 3);
MOVE 4 FROM c;
SAVEPOINT s;
MOVE 1 FROM c;
ROLLBACK TO s;
SET LOCAL hnsw.iterative_scan = off;
FETCH 5 FROM c;
MOVE 24 FROM c;
FETCH 4 FROM c;
COMMIT;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT 1 AS a FROM t WHERE id % 100 = 5 ORDER BY v <-> (SELECT v FROM q WHERE id = 3) LIMIT 9;
MOVE 2 FROM c;
COMMIT;
FETCH ALL FROM c;
CLOSE c;
PREPARE p (int, int) AS SELECT count(*) FROM (SELECT FROM t WHERE id % $1 = 5 ORDER BY v <-> (SELECT v FROM q WHERE id = 3) LIMIT $2) x;
SET plan_cache_mode = force_generic_plan;
EXECUTE p (100, 9);
EXECUTE p (1000, 4);
RESET plan_cache_mode;
-- partitions
CREATE TABLE parted (id int, v vector(12)) PARTITION BY HASH (id);
SELECT format('CREATE TABLE parted_%1$s PARTITION OF parted FOR VALUES WITH (MODULUS 4, REMAINDER %1$s)', n) FROM generate_series(0, 3) n \gexec
INSERT INTO parted SELECT id, v FROM t;
CREATE INDEX ON parted USING hnsw (v vector_l2_ops);
SELECT count(*) >= 8 AS near FROM (SELECT id FROM parted WHERE id % 100 = 5 ORDER BY v <-> (SELECT v FROM q WHERE id = 3) LIMIT 9) x
	JOIN (SELECT id FROM t WHERE id % 100 = 5 ORDER BY (v <-> (SELECT v FROM q WHERE id = 3)) + 0 LIMIT 9) y USING (id);
DROP TABLE t, q, filters, truth, parted;
DROP FUNCTION near, fill, find_truth, try, rejected, rows_of;
RESET ALL;
