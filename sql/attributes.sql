-- attributes: columns after the vector, by which scans filter inside the index
SELECT setseed(0.4);
CREATE FUNCTION random_vector(int) RETURNS vector LANGUAGE sql AS
	$$SELECT array_agg(random()::real)::vector FROM generate_series(1, 12) WHERE $1 IS NOT NULL$$;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN share AS numeric CHECK (value >= 0);
CREATE TABLE t (id serial, v vector(12), b bool, i2 smallint, i4 int, i8 bigint, f4 real, f8 float8, n share, t text,
	vc varchar(20), bp char(9), c "char", u uuid, d date, ts timestamp, tz timestamptz, ti time, tt timetz, iv interval,
	m mood, ip inet, o oid, bi bytea, ta text[], ia bigint[], na share[], ma mood[]);
CREATE FUNCTION fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO t (v, b, i2, i4, i8, f4, f8, n, t, vc, bp, c, u, d, ts, tz, ti, tt, iv, m, ip, o, bi, ta, ia, na, ma)
	SELECT random_vector(i), nullif(i % 3, 2) = 0, i % 7, nullif(i % 50, 7), i * 10000000000, CASE WHEN i % 5 = 0 THEN '-0' ELSE (i % 4)::text END::real,
		CASE WHEN i % 6 = 0 THEN 'NaN' WHEN i % 7 = 0 THEN '-Infinity' WHEN i % 8 = 0 THEN '-0' WHEN i % 9 = 0 THEN '0' ELSE i::text END::float8,
		i % 40 / 8.0, nullif('name ' || i % 90, 'name 3'), repeat('x', i % 20), 'p' || i % 11, chr(65 + i % 20)::"char", md5((i % 300)::text)::uuid,
		'2020-01-01'::date + i % 100, '2020-01-01'::timestamp + i * interval '1 hour', '2020-01-01'::timestamptz + i * interval '1 minute',
		'10:00'::time + i * interval '1 second', '10:00+02'::timetz + i * interval '1 second', i % 33 * interval '1 day',
		(enum_range(NULL::mood))[1 + i % 3], '10.0.0.1'::inet + i % 256, i % 1000, decode(lpad(to_hex(i % 70), 6, '0'), 'hex'),
		CASE i % 13 WHEN 0 THEN NULL WHEN 1 THEN '{}' WHEN 2 THEN ARRAY['t' || i % 5, NULL] WHEN 3 THEN ARRAY[['t1', 't2'], ['t' || i % 7, 't1']]
			ELSE ARRAY['t' || i % 4, 't' || i % 17, 't' || i % 17] END,
		CASE WHEN i % 11 > 0 THEN ARRAY(SELECT nullif(i * k % 23, 5)::bigint FROM generate_series(1, i % 5) k) END,
		ARRAY[(i % 6) / 2.0, (i % 3)::numeric(5, 2)], (enum_range(NULL::mood))[i % 3:i % 5]
	FROM generate_series(first, last) i
$$;

-- generated conditions, compared with a sequential scan: the distances of the nearest rows that meet them
CREATE FUNCTION random_condition() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	a text;
	x text;
	y text;
	type text;
BEGIN
	SELECT attname, format_type(atttypid, NULL) INTO a, type FROM pg_attribute
		WHERE attrelid = 't_i'::regclass AND attnum > 1 ORDER BY random() LIMIT 1;
	EXECUTE format('SELECT min(q), max(q) FROM (SELECT quote_literal(%1$I::text) AS q FROM t WHERE %1$I IS NOT NULL
		ORDER BY random() LIMIT 2) s', a) INTO x, y;
	IF type ~ '\[\]' THEN
		EXECUTE format('SELECT quote_literal(e::text) FROM t, unnest(%I) e WHERE e IS NOT NULL ORDER BY random() LIMIT 1', a) INTO y;
		RETURN CASE floor(random() * 12)
			WHEN 0 THEN format('%I < %s', a, x)
			WHEN 1 THEN format('%I <> %s', a, x)
			WHEN 2 THEN format('%I IS NULL', a)
			WHEN 3 THEN format('%I = %s', a, x)
			WHEN 4 THEN format('%I && %s', a, x)
			WHEN 5 THEN format('%I @> %s', a, x)
			WHEN 6 THEN format('%s <@ %I', x, a)
			WHEN 7 THEN format('%I @> ARRAY[%s]::%s', a, y, type)
			WHEN 8 THEN format('%I && ARRAY[%s, NULL]::%s', a, y, type)
			WHEN 9 THEN format('%I @> ARRAY[%s, NULL]::%s', a, y, type)
			WHEN 10 THEN format('%s <> ALL (%I)', y, a)
			ELSE format('%s = ANY (%I)', y, a) END;
	END IF;
	RETURN CASE floor(random() * CASE type WHEN 'boolean' THEN 21 ELSE 16 END)
		WHEN 0 THEN format('%I < %s', a, x)
		WHEN 1 THEN format('%I <= %s', a, x)
		WHEN 2 THEN format('%I >= %s', a, x)
		WHEN 3 THEN format('%I > %s', a, x)
		WHEN 4 THEN format('%I <> %s', a, x)
		WHEN 5 THEN format('%I IS NULL', a)
		WHEN 6 THEN format('%I IS NOT NULL', a)
		WHEN 7 THEN format('%I = ANY (ARRAY[%s, NULL, %s]::%s[])', a, x, y, type)
		WHEN 8 THEN format('%I BETWEEN %s AND %s', a, x, y)
		WHEN 9 THEN format('%I IN (%s, %s)', a, x, y)
		WHEN 10 THEN format('%I NOT IN (%s, %s)', a, x, y)
		WHEN 11 THEN format('%s > ANY (ARRAY[%s, %s]::%s[])', a, x, y, type)
		WHEN 12 THEN format('%s < ALL (ARRAY[%s, %s]::%s[])', a, x, y, type)
		WHEN 13 THEN format('%I IS DISTINCT FROM %s', a, x)
		WHEN 14 THEN format('%s IS NOT DISTINCT FROM %I', x, a)
		WHEN 15 THEN format('%I IS %s DISTINCT FROM (SELECT NULL::%s)', a, CASE WHEN random() < 0.5 THEN 'NOT' ELSE '' END, type)
		WHEN 16 THEN a
		WHEN 17 THEN a || ' IS NOT TRUE'
		WHEN 18 THEN a || ' IS FALSE'
		WHEN 19 THEN a || ' IS NOT FALSE'
		WHEN 20 THEN a || ' IS UNKNOWN'
		ELSE format('%I = %s', a, x) END;
END $$;
CREATE FUNCTION random_where(depth int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE WHEN depth = 0 THEN random_condition() ELSE
		CASE floor(random() * 6)
			WHEN 0 THEN format('NOT (%s)', random_where(depth - 1))
			WHEN 1 THEN format('(%s OR %s)', random_where(depth - 1), random_where(depth - 1))
			WHEN 2 THEN format('(%s OR %s OR %s)', random_where(depth - 1), random_condition(), random_condition())
			ELSE format('%s AND %s', random_where(depth - 1), random_where(depth - 1)) END END;
END $$;
-- rows that the scan returns and the filter removes: there are none if the scan evaluates all conditions
CREATE FUNCTION differ(queries int, INOUT different int DEFAULT 0, OUT conditions bool, OUT removed int) LANGUAGE plpgsql AS $$
DECLARE
	condition text;
	query text;
	plan text;
	by_index text;
	by_table text;
BEGIN
	conditions := false;
	removed := 0;
	FOR i IN 1 .. queries LOOP
		condition := random_where(i % 4);
		query := format('SELECT array_agg(d) FROM (SELECT v <-> %L AS d FROM t WHERE %s ORDER BY v <-> %1$L LIMIT 10) s',
			random_vector(i), condition);
		SET LOCAL enable_seqscan = off;
		SET LOCAL enable_indexscan = on;
		FOR plan IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ' || query LOOP
			conditions := conditions OR plan ~ 'Index Cond';
			IF plan ~ 'Rows Removed by Filter' THEN
				removed := removed + 1;
				RAISE NOTICE '%: %', condition, plan;
			END IF;
		END LOOP;
		EXECUTE query INTO by_index;
		SET LOCAL enable_seqscan = on;
		SET LOCAL enable_indexscan = off;
		EXECUTE query INTO by_table;
		IF by_index IS DISTINCT FROM by_table THEN
			different := different + 1;
			RAISE NOTICE '%: %, not %', condition, by_index, by_table;
		END IF;
	END LOOP;
END $$;
-- attributes of the nearest rows, from the index alone and from the table
CREATE FUNCTION only_differ(queries int, OUT scans int, OUT different int) LANGUAGE plpgsql AS $$
DECLARE
	columns text;
	query text;
	plan json;
	by_index text;
	by_table text;
BEGIN
	scans := 0;
	different := 0;
	FOR i IN 1 .. queries LOOP
		SET LOCAL enable_seqscan = on;
		SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM
			(SELECT attname FROM pg_attribute WHERE attrelid = 't_i'::regclass AND attnum > 1 ORDER BY random() LIMIT 1 + i % 3) s;
		query := format('SELECT array_agg(s::text) FROM (SELECT %s FROM t WHERE %s ORDER BY v <-> %L LIMIT 10) s',
			columns, random_where(i % 2), random_vector(i));
		SET LOCAL enable_seqscan = off;
		SET LOCAL enable_indexonlyscan = on;
		EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
		scans := scans + (plan::text ~ 'Index Only Scan')::int;
		EXECUTE query INTO by_index;
		SET LOCAL enable_indexonlyscan = off;
		EXECUTE query INTO by_table;
		IF by_index IS DISTINCT FROM by_table THEN
			different := different + 1;
			RAISE NOTICE '%: %, not %', query, by_index, by_table;
		END IF;
	END LOOP;
END $$;
SET hnsw.ef_search = 1000;
SET ivf.probes = 5;
SET ivfflat.probes = 5;
SELECT fill(1, 300);
CREATE INDEX t_i ON t USING hnsw (v vector_l2_ops, b, i2, i4, i8, f4, f8, n, t, vc, bp, c, u, d, ts, tz, ti, tt, iv, m, ip, o, bi, ta, ia, na, ma)
	WITH (seal_rows = 64);
SELECT vector_index_check('t_i'::regclass) >= (SELECT count(*) FROM t) AS checked, * FROM differ(60);
SELECT fill(301, 350);
SELECT vector_index_check('t_i'::regclass) >= (SELECT count(*) FROM t) AS checked, * FROM differ(60);
SELECT scans > 0 AS scans, different FROM only_differ(20);
DELETE FROM t WHERE id % 4 = 0;
UPDATE t SET i4 = i4 + 1, t = NULL WHERE id % 5 = 0;
SELECT vector_seal('t_i') > 0 AS sealed;
SELECT vector_index_check('t_i'::regclass) >= (SELECT count(*) FROM t) AS checked, * FROM differ(60);
VACUUM t;
SELECT vector_merge('t_i') > 0 AS merged;
SELECT kind FROM vector_index_segments('t_i') WHERE kind <> 'retired';
SELECT vector_index_check('t_i'::regclass) >= (SELECT count(*) FROM t) AS checked, * FROM differ(60);
SELECT scans > 0 AS scans, different FROM only_differ(20);
REINDEX INDEX t_i;
SELECT vector_index_check('t_i'::regclass) >= (SELECT count(*) FROM t) AS checked, * FROM differ(20);
DROP INDEX t_i;

-- lists
CREATE INDEX t_i ON t USING ivf (v vector_l2_ops, i4, t, m, f8, n, d, u, ta, ia) WITH (lists = 5, seal_rows = 64, quantizer = none);
SELECT vector_index_check('t_i'::regclass) >= (SELECT count(*) FROM t) AS checked, * FROM differ(30);
SELECT fill(351, 480), vector_seal('t_i') > 0 AS sealed;
SELECT vector_index_check('t_i'::regclass) >= (SELECT count(*) FROM t) AS checked, * FROM differ(30);
SELECT scans > 0 AS scans, different FROM only_differ(20);
DELETE FROM t WHERE id % 7 = 0;
VACUUM t;
SELECT vector_merge('t_i') > 0 AS merged;
SELECT vector_index_check('t_i'::regclass) >= (SELECT count(*) FROM t) AS checked, * FROM differ(30);
DROP INDEX t_i;
CREATE INDEX t_i ON t USING ivfflat (v vector_l2_ops, na, i4, t) WITH (lists = 5);
SELECT vector_index_check('t_i'::regclass) >= (SELECT count(*) FROM t) AS checked, * FROM differ(30);
SELECT scans > 0 AS scans, different FROM only_differ(20);
DROP INDEX t_i;

-- a graph that is walked through rows that do not meet the condition: as many rows as meet it, up to the limit
CREATE TABLE w (id serial, v vector(12), c int, g int);
INSERT INTO w (v, c, g) SELECT random_vector(i), i % 10, CASE WHEN i % 400 = 0 THEN i / 400 END FROM generate_series(1, 6000) i;
CREATE INDEX w_i ON w USING hnsw (v vector_l2_ops, c, g);
SET hnsw.ef_search = 40;
CREATE FUNCTION recall(condition text, OUT complete bool, OUT good bool) LANGUAGE plpgsql AS $$
DECLARE
	found int := 0;
	wanted int := 0;
	returned int := 0;
	f int;
	r int;
	e int;
	query text;
BEGIN
	FOR i IN 1 .. 20 LOOP
		query := format('SELECT array_agg(id) FROM (SELECT id FROM w WHERE %s ORDER BY v <-> %L LIMIT 10) s', condition, random_vector(i));
		SET LOCAL enable_seqscan = off;
		SET LOCAL enable_indexscan = on;
		EXECUTE format('CREATE TEMP TABLE x AS SELECT unnest((%s)) AS id', query);
		SET LOCAL enable_seqscan = on;
		SET LOCAL enable_indexscan = off;
		EXECUTE format('CREATE TEMP TABLE y AS SELECT unnest((%s)) AS id', query);
		SELECT count(*) INTO f FROM x JOIN y USING (id);
		SELECT count(*) INTO r FROM x;
		SELECT count(*) INTO e FROM y;
		found := found + f;
		returned := returned + r;
		wanted := wanted + e;
		DROP TABLE x, y;
	END LOOP;
	complete := returned = wanted;
	good := found >= 0.95 * wanted;
END $$;
SELECT c AS condition, r.* FROM unnest(ARRAY['true', 'c <> 3', 'c < 5', 'c = 3', 'c = 3 AND id > 5400', 'c IN (1, 2)', 'g IS NOT NULL', 'g = 7',
	'g > 99', 'g IS NULL AND c >= 9', 'c = ANY (NULL::int[])', 'c = NULL']) c, recall(c) r;
-- in the modes of iterative scans
SET hnsw.iterative_scan = strict_order;
SELECT c AS condition, r.* FROM unnest(ARRAY['c < 5', 'c = 3', 'g = 7']) c, recall(c) r;
SET hnsw.iterative_scan = relaxed_order;
SELECT c AS condition, r.* FROM unnest(ARRAY['c < 5', 'c = 3', 'g = 7']) c, recall(c) r;
RESET hnsw.iterative_scan;
-- lists of codes
DROP INDEX w_i;
CREATE INDEX w_i ON w USING ivf (v vector_l2_ops, c, g) WITH (lists = 20);
SET ivf.probes = 20;
SELECT c AS condition, r.* FROM unnest(ARRAY['c <> 3', 'c = 3', 'g = 7', 'g IS NULL AND c >= 9']) c, recall(c) r;

-- rows with equal vectors share a node, whatever their attributes are
CREATE TABLE e (id int, v vector(2), c int);
INSERT INTO e SELECT i, ARRAY[i % 2, 1]::vector, i % 5 FROM generate_series(1, 1000) i;
CREATE INDEX e_i ON e USING hnsw (v vector_l2_ops, c);
SET enable_seqscan = off;
SELECT count(*), min(id), max(id) FROM (SELECT id FROM e WHERE c = 2 ORDER BY v <-> '[1,1]' LIMIT 1000) s;
SELECT count(*), bool_and(id % 2 = 1) FROM (SELECT id FROM e WHERE c = 2 AND id > 500 ORDER BY v <-> '[1,1]' LIMIT 50) s;
SELECT vector_index_check('e_i'::regclass);

-- parameters, other integer types, joins, cursors
EXPLAIN (COSTS OFF) SELECT id FROM e WHERE c BETWEEN 1 AND 3 AND c <> 2 AND id > 3 ORDER BY v <-> '[1,1]' LIMIT 3;
PREPARE p(bigint) AS SELECT count(*) FROM (SELECT FROM e WHERE c = $1 ORDER BY v <-> '[1,1]' LIMIT 300) s;
SET plan_cache_mode = force_generic_plan;
EXECUTE p(3);
EXECUTE p(NULL);
EXECUTE p(10000000000);
RESET plan_cache_mode;
SELECT c.c, s.n FROM (VALUES (1), (4), (9), (NULL)) c (c), LATERAL (SELECT count(*) AS n FROM
	(SELECT FROM e WHERE e.c = c.c ORDER BY v <-> '[1,1]' LIMIT 150) s) s;
-- conditions that are not index conditions: nothing is left for the filter to remove, and the LIMIT is known to the scan
CREATE FUNCTION explained(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text; BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF line ~ 'Filter' THEN RETURN NEXT ltrim(line); END IF;
	END LOOP; END $$;
SELECT explained('SELECT id FROM e WHERE c = 1 OR c >= 3 AND c IS NOT NULL ORDER BY v <-> ''[1,1]'' LIMIT 3');
SELECT explained('SELECT id FROM e WHERE c = 1 AND id > 100 ORDER BY v <-> ''[1,1]'' LIMIT 3') ~ 'Removed';
-- what an OR has of other columns keeps all of it from the index
SELECT explained('SELECT id FROM e WHERE c = 1 OR id = 300 ORDER BY v <-> ''[1,1]'' LIMIT 3') ~ 'Removed';
-- values are evaluated as the executor would: not behind one that decides
PREPARE o(text) AS SELECT count(*), min(c) FROM (SELECT c FROM e WHERE ($1 = '' OR c = $1::int) ORDER BY v <-> '[1,1]' LIMIT 300) s;
SET plan_cache_mode = force_generic_plan;
EXECUTE o('');
EXECUTE o('3');
EXECUTE o(NULL);
EXECUTE o('x');
RESET plan_cache_mode;
SELECT c.c, s.n FROM (VALUES (1), (4), (9), (NULL)) c (c), LATERAL (SELECT count(*) AS n FROM
	(SELECT FROM e WHERE e.c = c.c OR e.c = 2 AND c.c IS NULL ORDER BY v <-> '[1,1]' LIMIT 150) s) s;
-- conditions that are NULL
SELECT count(*) FROM (SELECT FROM e WHERE c <> ALL (ARRAY[1, NULL]) OR c = ANY (ARRAY[2, NULL]) ORDER BY v <-> '[1,1]' LIMIT 1000) s;
SELECT count(*) FROM (SELECT FROM e WHERE c <> ALL (ARRAY[]::int[]) ORDER BY v <-> '[1,1]' LIMIT 1000) s;
SELECT count(*) FROM (SELECT FROM e WHERE NOT (c = ANY (ARRAY[]::int[])) OR c = NULL ORDER BY v <-> '[1,1]' LIMIT 1000) s;
-- behind a policy only operators that are leakproof are evaluated in the index
CREATE TABLE r (v vector(2), c int, n numeric);
INSERT INTO r SELECT ARRAY[i, 1]::vector, i % 5, i % 7 FROM generate_series(1, 200) i;
CREATE INDEX ON r USING hnsw (v vector_l2_ops, c, n);
ALTER TABLE r ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON r USING (c < 3);
CREATE ROLE attributes_reader;
GRANT SELECT ON r TO attributes_reader;
SELECT explained('SELECT c FROM r WHERE n = 1 OR n > 5 ORDER BY v <-> ''[1,1]'' LIMIT 3');
SET ROLE attributes_reader;
SELECT explained('SELECT c FROM r WHERE n = 1 OR n > 5 ORDER BY v <-> ''[1,1]'' LIMIT 3');
SELECT explained('SELECT c FROM r WHERE c = 1 OR c = 4 AND n IS NOT NULL ORDER BY v <-> ''[1,1]'' LIMIT 3');
-- also in a plan that loads the library
\c -
SET ivf.probes = 20;
SET ivfflat.probes = 5;
SET enable_seqscan = off;
SET ROLE attributes_reader;
SELECT explained('SELECT c FROM r WHERE n = 1 OR n > 5 ORDER BY v <-> (SELECT v FROM r LIMIT 1) LIMIT 3');
RESET ROLE;
DROP TABLE r;
DROP ROLE attributes_reader;
-- without the order the index is no help
DO $$ DECLARE plan json; BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) SELECT id FROM e WHERE c = 1' INTO plan;
	RAISE NOTICE '%', plan->0->'Plan'->>'Node Type';
END $$;

-- rows of every kind of segment are known by their numbers
CREATE FUNCTION only_methods() RETURNS TABLE (method text, type text, rows int, wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR method, type, rows IN VALUES ('hnsw', 'vector', 60), ('hnsw', 'vector', 300), ('hnsw', 'sparsevec', 300), ('hnsw', 'sparsevec', 60),
		('hnsw', 'halfvec', 300), ('hnsw', 'bit', 300), ('ivfflat', 'vector', 300), ('ivf', 'vector', 300) LOOP
		EXECUTE format('CREATE TABLE o (id int, v %s(3))', type);
		EXECUTE format('INSERT INTO o SELECT i, %s FROM generate_series(1, %s) i', CASE type WHEN 'bit' THEN '(i % 8)::bit(3)'
			ELSE format('ARRAY[i %% 50, (i + %s) %% 7, 1]::vector(3)::%s', rows, type) END, rows);
		EXECUTE format('CREATE INDEX ON o USING %s (v %s, id)', method, CASE type WHEN 'bit' THEN 'bit_hamming_ops' ELSE type || '_l2_ops' END);
		EXECUTE format('INSERT INTO o SELECT id + 1000, v FROM o WHERE id <= 40');
		EXECUTE format('SELECT count(*) FROM (SELECT id FROM o ORDER BY v %s %L LIMIT 1000) s FULL JOIN o USING (id) WHERE s IS NULL OR o IS NULL',
			CASE type WHEN 'bit' THEN '<~>' ELSE '<->' END, CASE type WHEN 'bit' THEN '111' WHEN 'sparsevec' THEN '{1:1}/3' ELSE '[1,1,1]' END) INTO wrong;
		RETURN NEXT;
		DROP TABLE o;
	END LOOP;
END $$;
SET ivf.probes = 100;
SET ivfflat.probes = 100;
SELECT * FROM only_methods();
EXPLAIN (COSTS OFF) SELECT c + 1 FROM e WHERE c = 1 ORDER BY v <-> '[1,1]' LIMIT 3;
-- without LIMIT, in a CTE, by a cursor
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT c FROM e WHERE c = 1 ORDER BY v <-> '[1,1]';
EXPLAIN (COSTS OFF) WITH near AS MATERIALIZED (SELECT c FROM e WHERE c > 1 ORDER BY v <-> '[1,1]' LIMIT 500) SELECT max(c) FROM near;
WITH near AS MATERIALIZED (SELECT c FROM e WHERE c > 1 ORDER BY v <-> '[1,1]') SELECT c, count(*) FROM near GROUP BY c ORDER BY c;
BEGIN;
DECLARE nearest SCROLL CURSOR FOR SELECT c FROM e WHERE c > 2 ORDER BY v <-> '[1,1]';
MOVE 100 FROM nearest;
MOVE BACKWARD 90 FROM nearest;
FETCH 1 FROM nearest;
CLOSE nearest;
DECLARE nearest NO SCROLL CURSOR FOR SELECT c FROM e WHERE c > 2 ORDER BY v <-> '[1,1]';
MOVE 3 FROM nearest;
UPDATE e SET id = -id WHERE CURRENT OF nearest;
SELECT count(*), min(c) FROM e WHERE id < 0;
ROLLBACK;
RESET enable_sort;
-- these need the table
EXPLAIN (COSTS OFF) SELECT id FROM e WHERE c = 1 ORDER BY v <-> '[1,1]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT c, v <-> '[1,1]' FROM e ORDER BY v <-> '[1,1]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT c, ctid FROM e ORDER BY v <-> '[1,1]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT c FROM e ORDER BY v <-> '[1,1]' LIMIT 3 FOR UPDATE;
-- below joins that keep the order, which read neither distance nor vector; not if they do
CREATE TABLE o (c int PRIMARY KEY, next int, name text);
INSERT INTO o SELECT i, i + 1, 'n' || i FROM generate_series(1, 4) i;
ANALYZE o;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SET enable_memoize = off;
SET enable_sort = off;
SET vector.enable_semijoin_filter = off;
EXPLAIN (VERBOSE, COSTS OFF) SELECT name FROM e JOIN o USING (c) ORDER BY v <-> '[1,1]' LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT e.c, p.name FROM e LEFT JOIN o USING (c) LEFT JOIN o p ON p.c = o.next ORDER BY v <-> '[1,1]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT name, v <-> '[1,1]' AS d FROM e JOIN o USING (c) ORDER BY d LIMIT 3;
EXPLAIN (COSTS OFF) SELECT name FROM e JOIN o ON o.c = e.c AND v <-> '[0,1]' < o.next ORDER BY v <-> '[1,1]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id, name FROM e JOIN o USING (c) ORDER BY v <-> '[1,1]' LIMIT 3;
CREATE FUNCTION twice(query text) RETURNS TABLE (rows bigint, same bool) LANGUAGE plpgsql AS $$
DECLARE
	by_table text;
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	IF plan::text !~ 'Index Only Scan.*e_i' THEN
		RAISE '%', plan;
	END IF;
	SET LOCAL enable_indexonlyscan = off;
	EXECUTE format('SELECT string_agg(s::text, '';'' ORDER BY s::text) FROM (%s) s', query) INTO by_table;
	SET LOCAL enable_indexonlyscan = on;
	RETURN QUERY EXECUTE format('SELECT count(*), string_agg(s::text, '';'' ORDER BY s::text) = %L FROM (%s) s', by_table, query);
END $$;
SELECT * FROM twice('SELECT name FROM e JOIN o USING (c) ORDER BY v <-> ''[1,1]'' LIMIT 2000');
SELECT * FROM twice('SELECT e.c, p.name FROM e LEFT JOIN o USING (c) LEFT JOIN o p ON p.c = o.next ORDER BY v <-> ''[1,1]'' LIMIT 2000');
SELECT * FROM twice('SELECT c FROM e WHERE EXISTS (SELECT FROM o WHERE o.c = e.c AND name < ''n3'') ORDER BY v <-> ''[1,1]'' LIMIT 2000');
SELECT * FROM twice('SELECT c FROM e WHERE NOT EXISTS (SELECT FROM o WHERE o.c = e.c AND name < ''n3'') ORDER BY v <-> ''[1,1]'' LIMIT 2000');
SELECT * FROM twice('SELECT x.c, name FROM (SELECT c FROM e WHERE c > 1 ORDER BY v <-> ''[1,1]'' LIMIT 50) x JOIN o USING (c)');
DROP TABLE o;
DROP FUNCTION twice;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_material;
RESET enable_memoize;
RESET enable_sort;
RESET vector.enable_semijoin_filter;
SELECT pg_index_column_has_property('e_i', 1, 'returnable'), pg_index_column_has_property('e_i', 2, 'returnable');

-- arrays: index conditions, and those that are not; of elements of other types, of varchar
CREATE TABLE a (id int, v vector(2), i int[], c varchar(9)[]);
INSERT INTO a SELECT i, ARRAY[i, 1]::vector, ARRAY[i % 5, i % 7, NULL], ARRAY['c' || i % 3, 'c' || i % 4] FROM generate_series(1, 100) i;
CREATE INDEX a_i ON a USING hnsw (v vector_l2_ops, i, c);
SELECT explained($$SELECT id FROM a WHERE 3::bigint = ANY (i) AND 'c2' = ANY (c) ORDER BY v <-> '[1,1]' LIMIT 3$$);
SELECT array_agg(id) FROM (SELECT id FROM a WHERE 3::bigint = ANY (i) AND 'c2' = ANY (c) ORDER BY v <-> '[1,1]' LIMIT 3) s;
EXPLAIN (COSTS OFF) SELECT id FROM a WHERE i @> '{3,4}' AND c && '{c2,x}' ORDER BY v <-> '[1,1]' LIMIT 3;
SELECT array_agg(id) FROM (SELECT id FROM a WHERE i @> '{3,4}' AND c && '{c2,x}' ORDER BY v <-> '[1,1]' LIMIT 3) s;
SELECT array_agg(id) FROM (SELECT id FROM a WHERE i @> '{}' AND NOT c && '{c1,c2}' ORDER BY v <-> '[1,1]' LIMIT 3) s;
SELECT array_agg(id) FROM (SELECT id FROM a WHERE NOT i @> '{3,NULL}' ORDER BY v <-> '[1,1]' LIMIT 3) s;
SELECT count(*) FROM (SELECT id FROM a WHERE 3 = ANY (i) OR 3 <> ALL (i) ORDER BY v <-> '[1,1]' LIMIT 100) s;
SELECT count(*) FROM (SELECT id FROM a WHERE NULL = ANY (i) OR i && NULL OR i @> NULL OR NOT i && NULL ORDER BY v <-> '[1,1]' LIMIT 100) s;
-- what is left to the filter
SELECT explained($$SELECT id FROM a WHERE 3 < ANY (i) ORDER BY v <-> '[1,1]' LIMIT 3$$) ~ 'Removed';
SELECT explained($$SELECT id FROM a WHERE i <@ '{3,4}' ORDER BY v <-> '[1,1]' LIMIT 3$$) ~ 'Removed';
SELECT vector_index_check('a_i'::regclass);
DROP TABLE a;

-- expressions, partial indexes, collations
CREATE TABLE j (id int, v vector(2), meta jsonb, name text);
INSERT INTO j SELECT i, ARRAY[i, 1]::vector, jsonb_build_object('lang', CASE i % 3 WHEN 0 THEN 'de' WHEN 1 THEN 'en' END), CASE i % 2 WHEN 0 THEN 'b' ELSE 'B' END || i
	FROM generate_series(1, 60) i;
CREATE INDEX j_i ON j USING hnsw (v vector_l2_ops, (meta ->> 'lang'), name COLLATE "C") WHERE id > 10;
SELECT array_agg(id) FROM (SELECT id FROM j WHERE meta ->> 'lang' = 'de' AND id > 10 ORDER BY v <-> '[1,1]' LIMIT 3) s;
SELECT array_agg(id) FROM (SELECT id FROM j WHERE (meta ->> 'lang' = 'de' OR name < 'B2' COLLATE "C") AND id > 10 ORDER BY v <-> '[1,1]' LIMIT 3) s;
SELECT explained('SELECT id FROM j WHERE (meta ->> ''lang'' = ''de'' OR name < ''B2'' COLLATE "C") AND id > 10 ORDER BY v <-> ''[1,1]'' LIMIT 3');
-- another collation is no condition of the index; it is evaluated on the values of a segment
SELECT explained('SELECT id FROM j WHERE (meta ->> ''lang'' = ''x'' OR name < ''B2'' COLLATE "POSIX") AND id > 10 ORDER BY v <-> ''[1,1]'' LIMIT 3');
SELECT array_agg(id) FROM (SELECT id FROM j WHERE meta ->> 'lang' IS NULL AND id > 10 ORDER BY v <-> '[1,1]' LIMIT 3) s;
SELECT array_agg(id) FROM (SELECT id FROM j WHERE name < 'a' COLLATE "C" AND id > 10 ORDER BY v <-> '[1,1]' LIMIT 3) s;
EXPLAIN (COSTS OFF) SELECT id FROM j WHERE name < 'a' COLLATE "C" AND meta ->> 'lang' = 'de' AND id > 10 ORDER BY v <-> '[1,1]' LIMIT 3;

EXPLAIN (COSTS OFF) SELECT id FROM j WHERE name LIKE 'B3%' COLLATE "C" AND id > 10 ORDER BY v <-> '[1,1]' LIMIT 3;
SELECT array_agg(id) FROM (SELECT id FROM j WHERE name LIKE 'B3%' COLLATE "C" AND id > 10 ORDER BY v <-> '[1,1]' LIMIT 3) s;

-- columns that change
ALTER TABLE e ALTER c TYPE text;
SELECT count(*) FROM (SELECT FROM e WHERE c = '2' ORDER BY v <-> '[1,1]' LIMIT 1000) s;
SELECT vector_index_check('e_i'::regclass);
ALTER TABLE e DROP c;
SELECT to_regclass('e_i');

-- as dumps of pgvector's branches with filters name attributes
SELECT set_config('search_path', '', false);
CREATE TABLE public.items (id bigint NOT NULL, embedding public.vector(3), category_id integer);
INSERT INTO public.items SELECT i, ARRAY[i % 17, i % 23, i % 29], i % 10 FROM generate_series(1, 500) i;
CREATE INDEX items_embedding_category_id_idx ON public.items USING hnsw (embedding public.vector_l2_ops, category_id);
CREATE INDEX items_embedding_category_id_idx1 ON public.items USING hnsw (embedding public.vector_cosine_ops, category_id) WITH (m='8', ef_construction='40');
CREATE INDEX items_embedding_category_id_category_id1_idx ON public.items USING ivfflat (embedding, category_id, category_id) WITH (lists='10');
RESET search_path;
SELECT indexrelid::regclass, vector_index_check(indexrelid) FROM pg_index WHERE indrelid = 'items'::regclass ORDER BY 1;
DROP TABLE items;

-- what cannot be an attribute
CREATE INDEX ON w USING hnsw (c, v vector_l2_ops);
CREATE INDEX ON w USING hnsw (v vector_l2_ops, v vector_l2_ops);
CREATE INDEX ON w USING hnsw (v vector_l2_ops, (point(c, 1)));
CREATE INDEX ON w USING hnsw (v vector_l2_ops, (ARRAY[point(c, 1)]));
CREATE INDEX ON w USING hnsw (v vector_l2_ops, (ARRAY[c]), (ARRAY[c]), (ARRAY[c]), (ARRAY[c]), (ARRAY[c]), (ARRAY[c]), (ARRAY[c]), (ARRAY[c]),
	(ARRAY[c]), (ARRAY[c]), (ARRAY[c]), (ARRAY[c]), (ARRAY[c]), (ARRAY[c]), (ARRAY[c]), (ARRAY[c]));
CREATE INDEX ON j USING hnsw (v vector_l2_ops, (ARRAY[repeat(name, 1000)]));
CREATE INDEX ON j USING hnsw (v vector_l2_ops, (repeat(name, 1000)));
CREATE INDEX ON j USING ivf (v vector_l2_ops, (repeat('x', id * 35)));
CREATE INDEX j_long ON j USING hnsw (v vector_l2_ops, (repeat('x', id * 34)), (repeat('y', id * 34)), (repeat('z', id * 34)), (repeat('a', id * 34)), (repeat('b', id * 34)));
-- in the growing segment, short and long records by turns
INSERT INTO j SELECT i, ARRAY[i, 1]::vector, NULL, 'c' FROM generate_series(-60, 60) i WHERE abs(i) > 20 ORDER BY i * 37 % 41, i;
SELECT vector_index_check('j_long'::regclass), vector_seal('j_long'), vector_index_check('j_long'::regclass);
-- arrays have longer values than others; what is too long is an error that names the column
CREATE TABLE readers (id int, v vector(2), who int[], tags text[], name text);
INSERT INTO readers SELECT i, ARRAY[i, 1]::vector, ARRAY(SELECT generate_series(i, i + 4000 - i % 7 * 600)), ARRAY(SELECT 'tag' || t FROM generate_series(i, i + 900) t), repeat('n', i)
	FROM generate_series(1, 60) i;
CREATE INDEX readers_v ON readers USING hnsw (v vector_l2_ops, who, tags) WITH (seal_rows = 64);
INSERT INTO readers SELECT i, ARRAY[i, 1]::vector, ARRAY(SELECT generate_series(i, i + 3000)), NULL, NULL FROM generate_series(61, 100) i;
SELECT array_agg(id) FROM (SELECT id FROM readers WHERE 3055 = ANY (who) AND tags @> '{tag57,tag950}' ORDER BY v <-> '[60,1]' LIMIT 5) s;
SELECT count(*), min(id), sum(cardinality(who)) FROM (SELECT id, who FROM readers WHERE 3055 = ANY (who) ORDER BY v <-> '[1,1]' LIMIT 100) s;
SELECT vector_index_check('readers_v'), vector_seal('readers_v'), vector_index_check('readers_v');
SELECT count(*), min(id), sum(cardinality(who)) FROM (SELECT id, who FROM readers WHERE 3055 = ANY (who) ORDER BY v <-> '[1,1]' LIMIT 100) s;
INSERT INTO readers VALUES (0, '[0,1]', ARRAY(SELECT generate_series(1, 4100)));
INSERT INTO readers VALUES (0, '[0,1]', NULL, ARRAY['x', repeat('y', 2049)]);
CREATE INDEX ON readers USING ivf (v vector_l2_ops, (repeat(name, 40)));
CREATE INDEX ON readers USING ivfflat (v vector_l2_ops, who, tags, (tags || '{}'), (who || '{0}'), (who || '{1}'), (who || '{2}'));
DROP TABLE readers;
INSERT INTO j SELECT 61, '[1,1]', NULL, 'c';

-- the check compares attributes with the table
CREATE FUNCTION changing(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE INDEX j_c ON j USING hnsw (v vector_l2_ops, changing(id));
SELECT vector_index_check('j_c'::regclass) > 0 AS checked;
CREATE OR REPLACE FUNCTION changing(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN CASE WHEN $1 = 30 THEN 31 ELSE $1 END; END';
SELECT vector_index_check('j_c'::regclass) > 0 AS checked;
REINDEX INDEX j_c;
SELECT vector_index_check('j_c'::regclass) > 0 AS checked;

RESET enable_seqscan;
RESET hnsw.ef_search;
RESET ivf.probes;
RESET ivfflat.probes;
DROP TABLE t, w, e, j;
DROP FUNCTION fill, differ, recall, random_where, random_condition, random_vector, changing, explained, only_differ, only_methods;
DROP DOMAIN share;
DROP TYPE mood;

-- conditions on the vector itself: no index has rows without one
CREATE TABLE n (id int, v vector(2), c int);
INSERT INTO n SELECT i, CASE WHEN i % 10 = 0 THEN ARRAY[i, 1]::vector END, i % 4 FROM generate_series(1, 3000) i;
CREATE INDEX n_i ON n USING hnsw (v vector_l2_ops);
CREATE INDEX n_c ON n USING hnsw (v vector_l2_ops, c);
ANALYZE n;
CREATE FUNCTION node(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json; BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN coalesce(plan->0->'Plan'->'Plans'->0->>'Index Name', plan->0->'Plan'->'Plans'->0->>'Node Type');
END $$;
SELECT count(*) FROM (SELECT id FROM n WHERE v IS NOT NULL ORDER BY v <-> '[1,1]' LIMIT 1000) s;
SELECT count(*) FROM (SELECT id FROM n WHERE v IS NOT NULL AND c = 2 ORDER BY v <-> '[1,1]' LIMIT 1000) s;
SELECT count(*) FROM (SELECT id FROM n WHERE v IS NULL ORDER BY v <-> '[1,1]' LIMIT 1000) s;
SELECT count(*) FROM (SELECT id FROM n WHERE v IS NULL AND c = 2 ORDER BY v <-> '[1,1]' LIMIT 1000) s;
SELECT node('SELECT id FROM n WHERE v IS NOT NULL AND c = 2 ORDER BY v <-> ''[1,1]'' LIMIT 5'),
	node('SELECT id FROM n WHERE v IS NULL AND c = 2 ORDER BY v <-> ''[1,1]'' LIMIT 5');
INSERT INTO n VALUES (0, '[0,0]', 2);
SELECT id FROM n WHERE v IS NOT NULL AND c = 2 ORDER BY v <-> '[0,0]' LIMIT 1;
DROP TABLE n;
DROP FUNCTION node;
