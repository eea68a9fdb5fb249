-- ordered scans: no plan gives fewer rows than were asked for
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE t (id int PRIMARY KEY, k int, v vector(3)) WITH (autovacuum_enabled = off);
CREATE INDEX ON t (k);
CREATE TABLE kinds (k int PRIMARY KEY, name text);
INSERT INTO kinds SELECT n, 'kind ' || n FROM generate_series(0, 9) n;
ANALYZE kinds;
CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO t SELECT n, n % 100, ARRAY[hashint8extended(n, 1) & 1023, hashint8extended(n, 2) & 1023, hashint8extended(n, 3) & 1023]::int[]
		FROM generate_series(low, high) n
$$;
-- # is the position, @ the distance
CREATE TABLE queries (name text, query text);
INSERT INTO queries VALUES
	('all', 'SELECT id FROM t #'),
	('1', 'SELECT id FROM t # LIMIT 1'), ('10', 'SELECT id FROM t # LIMIT 10'),
	('50', 'SELECT id FROM t # LIMIT 50'), ('1200', 'SELECT id FROM t # LIMIT 1200'),
	('offset', 'SELECT id FROM t # LIMIT 20 OFFSET 100'),
	('a filter of 1 %', 'SELECT id FROM t WHERE k = 7 # LIMIT 10'),
	('more than there are', 'SELECT id FROM t WHERE k = 7 # LIMIT 50'),
	('a filter of half', 'SELECT id FROM t WHERE k < 50 # LIMIT 50'),
	('a filter of 0.2 % without an index', 'SELECT id FROM t WHERE id % 500 = 3 # LIMIT 10'),
	('a filter of the vectors', 'SELECT id FROM t WHERE vector_dims(v) = 3 # LIMIT 100'),
	('no row', 'SELECT id FROM t WHERE k = -1 # LIMIT 1'),
	('near', 'SELECT id FROM t WHERE @ < 300 #'),
	('near, and a limit', 'SELECT id FROM t WHERE @ < 300 # LIMIT 100'),
	('far', 'SELECT id FROM t WHERE @ > 500 # LIMIT 10'),
	('join', 'SELECT id FROM t JOIN kinds USING (k) WHERE name = ''kind 7'' # LIMIT 10'),
	('semijoin', 'SELECT id FROM t WHERE k IN (SELECT k FROM kinds WHERE name < ''kind 5'') # LIMIT 100'),
	('exists', 'SELECT name FROM kinds WHERE EXISTS (SELECT FROM t WHERE t.k = kinds.k # OFFSET 5)'),
	('lateral', 'SELECT x.id FROM kinds, LATERAL (SELECT id FROM t WHERE t.k = kinds.k # LIMIT 3) x'),
	('distinct', 'SELECT DISTINCT @ FROM t'),
	('distinct on', 'SELECT DISTINCT ON (@) id FROM t #'),
	('window', 'SELECT id, row_number() OVER (#) FROM t'),
	('window, first', 'SELECT id FROM (SELECT id, row_number() OVER (#) AS n FROM t) x WHERE n <= 100'),
	('group', 'SELECT @, count(*) FROM t GROUP BY @'),
	('merge join', 'SELECT FROM (SELECT @ AS d FROM t) x JOIN (SELECT @ AS d FROM t) y USING (d)'),
	('union', 'SELECT id FROM ((SELECT id FROM t # LIMIT 60) UNION ALL (SELECT id FROM t # LIMIT 60)) x'),
	('queue', 'SELECT id FROM t # LIMIT 60 FOR UPDATE SKIP LOCKED'),
	('ctids', 'SELECT FROM t WHERE ctid IN (SELECT ctid FROM t # LIMIT 60)'),
	('cursor', '');
CREATE FUNCTION rows_of(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	n bigint;
BEGIN
	query := replace(replace(query, '#', 'ORDER BY @'), '@', 'v <-> ''[400,500,600]''');
	IF query <> '' THEN
		EXECUTE query;
		GET DIAGNOSTICS n = ROW_COUNT;
		RETURN n;
	END IF;
	OPEN c FOR EXECUTE 'SELECT id FROM t ORDER BY v <-> ''[400,500,600]''';
	MOVE FORWARD 30 FROM c;
	MOVE FORWARD ALL FROM c;
	GET DIAGNOSTICS n = ROW_COUNT;
	CLOSE c;
	RETURN n + 30;
END $$;
CREATE FUNCTION fewer(index text) RETURNS TABLE (options text, name text, wanted bigint, got bigint) LANGUAGE plpgsql AS $$
DECLARE
	page text;
	seq text;
	mode text;
	method text := substring(index FROM 'USING (\w+)');
BEGIN
	CREATE TEMP TABLE wanted AS SELECT q.name, q.query, rows_of(q.query) AS rows FROM queries q;
	EXECUTE 'CREATE INDEX t_v ON t ' || index;
	FOR page, seq, mode IN VALUES ('1.1', 'on', 'auto'), ('4', 'on', 'auto'), ('4', 'off', 'auto'), ('4', 'off', 'relaxed_order'), ('4', 'off', 'strict_order') LOOP
		CONTINUE WHEN mode = 'strict_order' AND method <> 'hnsw';
		PERFORM set_config('random_page_cost', page, true), set_config('enable_seqscan', seq, true),
			set_config('enable_sort', seq, true), set_config(method || '.iterative_scan', mode, true);
		-- rows in another order than is assumed would be more groups
		RETURN QUERY SELECT format('%s, random_page_cost %s, enable_seqscan %s, %s', index, page, seq, mode), w.name, w.rows, x.rows
			FROM wanted w, rows_of(w.query) x (rows) WHERE x.rows < w.rows OR (x.rows > w.rows AND seq = 'on');
	END LOOP;
	DROP INDEX t_v;
	DROP TABLE wanted;
END $$;
CREATE VIEW indexes AS SELECT * FROM unnest(ARRAY['USING hnsw (v vector_l2_ops)', 'USING hnsw (v vector_l2_ops) WITH (storage = sq8)',
	'USING ivfflat (v vector_l2_ops) WITH (lists = 20)', 'USING ivf (v vector_l2_ops)',
	'USING ivf (v vector_l2_ops) WITH (refine = none)']) index;
SELECT fill(1, 200);
ANALYZE t;
SELECT f.* FROM indexes, fewer(index) f WHERE index ~ 'hnsw|ivfflat';
SELECT fill(201, 1500);
ANALYZE t;
SELECT f.* FROM indexes, fewer(index) f;
-- the estimate of a filter is wrong
UPDATE t SET k = 5 WHERE id % 100 < 60;
SELECT f.* FROM fewer('USING hnsw (v vector_l2_ops)') f;

-- the cost of an index scan is that of returning the rows asked for
CREATE FUNCTION plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	scan text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT id FROM t ' || replace(query, '#', 'ORDER BY v <-> ''[400,500,600]''') LOOP
		scan := coalesce(scan, substring(line FROM '(?:Seq|Index|Bitmap Heap) Scan(?: using \w+)?'));
	END LOOP;
	RETURN scan;
END $$;
UPDATE t SET k = id % 100;
VACUUM ANALYZE t;
SELECT format('CREATE INDEX t_v ON t %s; SELECT %L AS index, query, plan(query) FROM unnest(ARRAY[%L, %L, %L, %L, %L, %L]) query; DROP INDEX t_v',
	index, index, '#', '# LIMIT 1', '# LIMIT 40', 'WHERE k < 50 # LIMIT 10', 'WHERE k = 7 # LIMIT 10', 'WHERE id % 500 = 3 # LIMIT 10')
FROM indexes WHERE index ~ 'ops\)$' OR index ~ 'lists' \gexec

-- several sealed segments, a growing one, and deleted rows
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops) WITH (seal_rows = 1000);
SELECT fill(1501, 4000);
SELECT vector_seal('t_v') > 0;
SELECT fill(4001, 4500);
DELETE FROM t WHERE id % 3 = 0;
SET enable_seqscan = off;
SET enable_sort = off;
CREATE FUNCTION whole(mode text, OUT rows bigint, OUT ids bigint, OUT late bigint) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('hnsw.iterative_scan', mode, true);
	EXECUTE 'SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE d < m) FROM
		(SELECT id, d, max(d) OVER (ROWS UNBOUNDED PRECEDING) AS m FROM
			(SELECT id, v <-> ''[400,500,600]'' AS d FROM t ORDER BY v <-> ''[400,500,600]'') x) y' INTO rows, ids, late;
END $$;
SELECT count(*) FROM t;
SELECT mode, rows, ids, late < CASE mode WHEN 'relaxed_order' THEN 200 ELSE 5 END AS in_order
	FROM unnest(ARRAY['auto', 'strict_order', 'relaxed_order']) mode, whole(mode);
-- the number of rows that iterative scans visit is limited
SET hnsw.max_scan_tuples = 500;
SELECT mode, rows < 1200 AS few, rows = ids AS once, late = 0 AS in_order
	FROM unnest(ARRAY['strict_order', 'relaxed_order']) mode, whole(mode);
RESET hnsw.max_scan_tuples;
DROP INDEX t_v;

-- scans that go on because of a filter find as much as scans that need not
CREATE FUNCTION wave(seed int, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg(((hashint8extended(seed % 50, d) & 1023) + (hashint8extended(seed, -d) & 1023) * 1.5)::real / 971 - 0.5) FROM generate_series(1, dims) d$$;
CREATE TABLE waves AS SELECT n AS id, wave(n, 48)::vector(48) AS v FROM generate_series(1, 6000) n;
CREATE INDEX waves_v ON waves USING hnsw (v vector_cosine_ops);
CREATE FUNCTION recall(mode text, part int) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	hits int := 0;
	q vector;
BEGIN
	PERFORM set_config('hnsw.iterative_scan', mode, true);
	FOR i IN 1..20 LOOP
		q := wave(1000000 + i, 48)::vector;
		hits := hits + (SELECT count(*) FROM (SELECT id FROM waves WHERE id % part = 1 ORDER BY v <=> q LIMIT 10) x
			WHERE id IN (SELECT id FROM waves WHERE id % part = 1 ORDER BY (v <=> q) + 0 LIMIT 10));
	END LOOP;
	RETURN hits / 200.0;
END $$;
SELECT mode, part, recall(mode, part) >= least AS found FROM (VALUES ('strict_order', 0.85), ('relaxed_order', 0.97), ('auto', 0.97)) m (mode, least), unnest(ARRAY[10, 100]) part;
DROP TABLE waves;
DROP FUNCTION wave, recall;

-- the participants of a parallel scan of lists together return all rows
CREATE INDEX t_v ON t USING ivfflat (v vector_l2_ops) WITH (lists = 20);
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY v <-> '[400,500,600]' LIMIT 2000;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> '[400,500,600]' LIMIT 100000) x;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> '[400,500,600]' LIMIT 2000) x;
DROP TABLE t, kinds, queries;
DROP VIEW indexes;
DROP FUNCTION fill, rows_of, fewer, plan, whole;
RESET ALL;
