-- hnsw: a condition on the distance that a scan orders by ends the scan
SET enable_seqscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;
SET hnsw.max_scan_tuples = 1000000;
-- 100 clusters of 20 rows, and of one more that grows
CREATE FUNCTION wave(seed int, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg(((hashint8extended(seed % 100, d) & 1023)
		+ (hashint8extended(seed, -d) & 1023) / 8.0)::real / 971 - 0.5) FROM generate_series(1, dims) d$$;
CREATE FUNCTION sparse(seed int) RETURNS sparsevec LANGUAGE sql IMMUTABLE AS
	$$SELECT ('{' || string_agg(d * 4 + (hashint8extended(seed % 100, d) & 3) + 1 || ':' || wave[d + 1] + 1, ',') || '}/40')::sparsevec
		FROM wave(seed, 10) wave, generate_series(0, 9) d$$;
CREATE TABLE t (id int, v vector(20), h halfvec(20), b bf16vec(20), i int8vec(20), s sparsevec(40), bits bit(64));
CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO t SELECT n, a, a, a, (SELECT array_agg((x * 100)::int::real) FROM unnest(a) x)::int8vec,
		sparse(n), hashint8extended(n % 100, 1)::bit(64) # (1::bigint << n % 63)::bit(64)
	FROM generate_series(low, high) n, LATERAL (SELECT wave(n, 20) AS a) w
$$;

-- The rows that a query's index scan fetched, whether or not they meet the condition.
CREATE FUNCTION fetched(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, TIMING off, SUMMARY off, FORMAT json) ' || query INTO plan;
	RETURN sum(((node ->> 'Actual Rows')::numeric + coalesce((node ->> 'Rows Removed by Filter')::numeric, 0))
			* (node ->> 'Actual Loops')::numeric)
		FROM jsonb_path_query(plan, 'strict $.**') node
		WHERE jsonb_typeof(node) = 'object' AND node ->> 'Node Type' = 'Index Scan';
END $$;
CREATE FUNCTION hops(query text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	RETURN (SELECT hops FROM vector_last_scan());
END $$;

-- Every class, storage and mode: with a bound that equals the distance of a row, the result is that of the same
-- condition in a form that is not recognized as a bound, and hardly any other rows are fetched.
CREATE FUNCTION compare(name text, type text, metric text, operator text, options text)
RETURNS TABLE (class text, mode text, same boolean, rows int, more int, fewer_than_without boolean)
LANGUAGE plpgsql AS $$
DECLARE
	distance text;
	query text;
	probe text;
	bound float8;
	with_bound int[];
	without int[];
BEGIN
	EXECUTE format('SELECT %I FROM t WHERE id = 7', name) INTO probe;
	distance := format('(%I %s %L)', name, operator, probe);
	EXECUTE format('SELECT %s AS d FROM t ORDER BY d OFFSET 19 LIMIT 1', distance) INTO bound;
	EXECUTE format('CREATE INDEX t_index ON t USING hnsw (%I %s_%s_ops) %s', name, type, metric, options);
	PERFORM fill(2001, 2100);
	class := format('%s_%s %s', type, metric, options);
	FOREACH mode IN ARRAY ARRAY['auto', 'relaxed_order', 'strict_order'] LOOP
		PERFORM set_config('hnsw.iterative_scan', mode, false);
		PERFORM set_config('hnsw.ef_search', CASE mode WHEN 'auto' THEN '400' ELSE '40' END, false);
		query := format('SELECT id FROM t WHERE %1$s@ <= %2$L ORDER BY %1$s', distance, bound);
		EXECUTE format('SELECT array_agg(id ORDER BY id) FROM (%s) x', replace(query, '@', '')) INTO with_bound;
		EXECUTE format('SELECT array_agg(id ORDER BY id) FROM (%s) x', replace(query, '@', ' + 0')) INTO without;
		same := with_bound = without;
		rows := cardinality(with_bound);
		more := fetched(replace(query, '@', '')) - rows;
		-- in auto a scan might find in the table which rows are near
		PERFORM set_config('hnsw.iterative_scan', replace(mode, 'auto', 'strict_order'), false);
		fewer_than_without := rows + more < fetched(replace(query, '@', ' + 0')) / 4;
		RETURN NEXT;
	END LOOP;
	DROP INDEX t_index;
	DELETE FROM t WHERE id > 2000;
END $$;
SELECT fill(1, 2000);
VACUUM t;
SELECT c.* FROM (VALUES ('v', 'vector'), ('h', 'halfvec'), ('b', 'bf16vec'), ('i', 'int8vec'), ('s', 'sparsevec')) t (name, type),
	(VALUES ('l2', '<->'), ('ip', '<#>'), ('cosine', '<=>'), ('l1', '<+>')) m (metric, operator),
	LATERAL compare(name, type, metric, operator, '') c;
SELECT c.* FROM (VALUES ('hamming', '<~>'), ('jaccard', '<%>')) m (metric, operator),
	LATERAL compare('bits', 'bit', metric, operator, '') c;
SELECT c.class, c.mode, c.same, c.rows, more < 100 AS few_more FROM unnest(ARRAY['half', 'sq8']) storage,
	(VALUES ('l2', '<->'), ('ip', '<#>'), ('cosine', '<=>')) m (metric, operator),
	LATERAL compare('v', 'vector', metric, operator, format('WITH (storage = %s)', storage)) c;
RESET hnsw.iterative_scan;
RESET hnsw.ef_search;
DROP FUNCTION compare;

-- forms of the condition, on an index with sealed and growing rows, 13 of which are nearer than 0.23
CREATE INDEX t_index ON t USING hnsw (v vector_l2_ops);
SELECT fill(2001, 2100);
CREATE TABLE q (id int, v vector(20), r float8);
INSERT INTO q SELECT id, v, 0.23 FROM t WHERE id = 7;
SELECT v AS probe FROM q \gset
SELECT count(*) FROM t WHERE (v <-> :'probe') + 0 < 0.23;
SET hnsw.iterative_scan = relaxed_order;
CREATE FUNCTION try(condition text, OUT rows bigint, OUT fetched int) LANGUAGE plpgsql AS $$
DECLARE
	query text;
BEGIN
	SELECT format('SELECT id FROM t WHERE %s ORDER BY v <-> %L', replace(condition, '@', v::text), v) INTO query FROM q;
	EXECUTE format('SELECT count(*) FROM (%s) x', query) INTO rows;
	fetched := fetched(query);
END $$;
SET test.r = 0.23;
SELECT condition, t.* FROM unnest(ARRAY[
	'v <-> ''@'' < 0.23', 'v <-> ''@'' <= 0.23', '0.23 > v <-> ''@''', '0.23 >= v <-> ''@''',
	'''@'' <-> v < 0.23', '0.23 >= ''@'' <-> v', 'v <-> ''@'' < 0.23::real', '0.23::real > v <-> ''@''',
	'v <-> ''@'' < 0.18', 'v <-> ''@'' < 0.23::numeric', 'v <-> ''@'' BETWEEN 0.1 AND 0.23',
	'v <-> ''@'' < 0.23 AND v <-> ''@'' < 0.5', 'v <-> ''@'' < 0.5 AND ''@'' <-> v < 0.23',
	'v <-> ''@'' < 0.23 AND id < 1000',
	'v <-> ''@'' < current_setting(''test.r'')::float8', 'v <-> ''@'' < (SELECT r FROM q)',
	'v <-> ''@'' < (SELECT r FROM q) * 1', 'v <-> ''@'' < NULL', 'v <-> ''@'' < (SELECT r FROM q WHERE id = 1)',
	'v <-> ''@'' < -1', 'v <-> ''@'' <= 0', 'v <-> ''@'' < 0', 'v <-> ''@'' < ''-Infinity''',
	'v <-> ''@'' <= 0.23 AND v <-> ''@'' < ''Infinity''', 'v <-> ''@'' < 0.23 AND v <-> ''@'' < ''NaN''']) condition, try(condition) t;
-- conditions that are no bound, or whose bound depends on the row
SELECT condition, t.* FROM unnest(ARRAY[
	'v <-> ''@'' < ''Infinity''', 'v <-> ''@'' <= ''NaN''', 'v <-> ''@'' >= 0', '0 < v <-> ''@''',
	'v <-> ''@'' <> 0', '(v <-> ''@'') + 0 < 0.23', 'v <-> ''@'' < 0.23 OR v <-> ''@'' < 0.18',
	'v <-> ''@'' < 0.23 + id * 0', 'v <-> ''@'' < 0.23 + random() * 0', 'v <+> ''@'' < 0.23',
	'v <-> ''[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]'' < 0.23', 'NOT v <-> ''@'' < 0.23']) condition, try(condition) t;

-- rows beyond the bound are not fetched, and an iterative scan ends there
SELECT hops(format('SELECT FROM t WHERE v <-> %L < -1 ORDER BY v <-> %1$L', :'probe')) AS negative,
	hops(format('SELECT FROM t WHERE v <-> %L < (SELECT NULL::float8) ORDER BY v <-> %1$L', :'probe')) AS null_bound,
	fetched(format('SELECT FROM t WHERE v <-> %L < 0.23 ORDER BY v <-> %1$L', :'probe')) < 100 AS few,
	fetched(format('SELECT FROM t WHERE v <-> %L < 0.23 ORDER BY v <-> %1$L LIMIT 100', :'probe')) < 100 AS few_with_limit,
	fetched(format('SELECT FROM t WHERE (v <-> %L) + 0 < 0.23 ORDER BY v <-> %1$L LIMIT 100', :'probe')) > 1900 AS many;

-- parameters: of a prepared statement, of a function, of an outer row
PREPARE p (vector, float8) AS SELECT id FROM t WHERE v <-> $1 < $2 ORDER BY v <-> $1 LIMIT 1000;
SET plan_cache_mode = force_generic_plan;
SELECT fetched(format('EXECUTE p (%L, %L)', :'probe', r)) FROM (VALUES (0.23), (0.21), (NULL), (0), ('NaN'), ('Infinity')) x (r);
EXECUTE p (:'probe', 0.21);
SET plan_cache_mode = force_custom_plan;
SELECT fetched(format('EXECUTE p (%L, %L)', :'probe', r)) FROM (VALUES (0.23), (0.21), (NULL), (0), ('NaN'), ('Infinity')) x (r);
EXECUTE p (:'probe', 0.21);
RESET plan_cache_mode;
CREATE FUNCTION near(vector, float8) RETURNS SETOF int LANGUAGE plpgsql AS
	'BEGIN RETURN QUERY SELECT id FROM t WHERE v <-> $1 < $2 ORDER BY v <-> $1; END';
SELECT r, (SELECT count(*) FROM near(:'probe', r)) FROM (VALUES (0.23), (0.21), (NULL), (0), (-1), (0.18)) x (r);
INSERT INTO q SELECT id, v, (ARRAY[0.21, NULL, 'Infinity', 0, -1, 0.18])[id - 9] FROM t WHERE id BETWEEN 10 AND 15;
INSERT INTO q VALUES (16, NULL, 0.21);
SELECT q.id, q.r, x.ids = y.ids AS same, cardinality(x.ids) AS rows FROM q,
	LATERAL (SELECT array_agg(t.id) AS ids FROM
		(SELECT id FROM t WHERE v <-> q.v < q.r ORDER BY v <-> q.v LIMIT 50) t) x,
	LATERAL (SELECT array_agg(t.id) AS ids FROM
		(SELECT id FROM t WHERE (v <-> q.v) + 0 < q.r ORDER BY v <-> q.v LIMIT 50) t) y ORDER BY q.id;
SELECT fetched('SELECT q.id, x.id FROM q, LATERAL (SELECT id FROM t WHERE v <-> q.v < q.r ORDER BY v <-> q.v LIMIT 50) x') < 100 AS few;

-- several conditions, and one that raises an error
BEGIN;
DECLARE a CURSOR FOR SELECT id FROM t WHERE v <-> :'probe' < 0.21 ORDER BY v <-> :'probe';
DECLARE b CURSOR FOR SELECT id FROM t WHERE v <-> :'probe' < 0.18 ORDER BY v <-> :'probe';
FETCH 1 FROM a;
FETCH 1 FROM b;
CLOSE b;
MOVE ALL FROM a;
COMMIT;
SELECT 1 / (id - 7) FROM t WHERE v <-> :'probe' < 0.23 ORDER BY v <-> :'probe';
SELECT count(*) FROM (SELECT id FROM t WHERE v <-> :'probe' < 0.23 ORDER BY v <-> :'probe') x;
BEGIN;
SELECT id FROM t WHERE v <-> :'probe' < 0.21 ORDER BY v <-> :'probe' FOR UPDATE;
ROLLBACK;

-- partitions
CREATE TABLE parted (id int, v vector(20)) PARTITION BY LIST ((id % 2));
CREATE TABLE parted0 PARTITION OF parted FOR VALUES IN (0);
CREATE TABLE parted1 PARTITION OF parted FOR VALUES IN (1);
CREATE INDEX ON parted USING hnsw (v vector_l2_ops);
INSERT INTO parted SELECT id, v FROM t;
SELECT count(*), fetched(format('SELECT id FROM parted WHERE v <-> %L < 0.23 ORDER BY v <-> %1$L', :'probe'))
	FROM (SELECT id FROM parted WHERE v <-> :'probe' < 0.23 ORDER BY v <-> :'probe') x;
DROP TABLE parted;

-- an index on an expression, and an order by another function than the operator class's
CREATE INDEX t_half ON t USING hnsw ((v::halfvec(20)) halfvec_l2_ops);
SELECT fetched(format('SELECT id FROM t WHERE v::halfvec(20) <-> %L < 0.23 ORDER BY v::halfvec(20) <-> %1$L', :'probe')) AS fetched,
	(SELECT count(*) FROM t WHERE (v::halfvec(20) <-> :'probe') + 0 < 0.23) AS rows;
DROP INDEX t_index, t_half;
CREATE OPERATOR <<->> (LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_l2_squared_distance, COMMUTATOR = <<->>);
CREATE OPERATOR CLASS squared_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <<->> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vector_l2_squared_distance(vector, vector);
CREATE TABLE small AS SELECT id, ((v - :'probe') * array_fill(0.1, ARRAY[20])::vector)::vector(20) AS v FROM t;
CREATE INDEX ON small USING hnsw (v squared_ops);
SELECT v AS probe FROM small WHERE id = 7 \gset
SELECT (SELECT count(*) FROM (SELECT FROM small WHERE v <<->> :'probe' < 0.000529 ORDER BY v <<->> :'probe') x) AS rows,
	(SELECT count(*) FROM small WHERE (v <<->> :'probe') + 0 < 0.000529) AS exact;
DROP TABLE small;
DROP OPERATOR FAMILY squared_ops USING hnsw;
DROP OPERATOR <<->> (vector, vector);

-- numbers that overflow or underflow
CREATE TABLE small (id int, v vector(2));
INSERT INTO small VALUES (1, '[3e38,0]'), (2, '[1e20,0]'), (3, '[1e-22,2e-22]'), (4, '[2e-23,1e-22]'), (5, '[1,1]');
CREATE INDEX small_l2 ON small USING hnsw (v vector_l2_ops);
SELECT id FROM small WHERE v <-> '[0,0]' < 1e30 ORDER BY v <-> '[0,0]';
SELECT id FROM small WHERE v <-> '[0,0]' <= 0 ORDER BY v <-> '[0,0]';
SELECT id FROM small WHERE v <-> '[-3e38,0]' < 'Infinity' ORDER BY v <-> '[-3e38,0]';
DROP INDEX small_l2;
CREATE INDEX small_cosine ON small USING hnsw (v vector_cosine_ops);
SELECT id FROM small WHERE v <=> '[1,2]' < 0.1 ORDER BY v <=> '[1,2]';
SELECT id FROM small WHERE (v <=> '[1,2]') + 0 < 0.1 ORDER BY v <=> '[1,2]';
DROP TABLE small, t, q;
DROP FUNCTION wave, sparse, fill, fetched, hops, try, near;
RESET hnsw.iterative_scan;
RESET hnsw.max_scan_tuples;
RESET max_parallel_workers_per_gather;
RESET enable_sort;
RESET enable_seqscan;

-- where vectors are in another form, the few rows that are compared beyond those wanted come from the first round, or from a little more of it
CREATE TABLE bound_row AS SELECT n AS id, (SELECT array_agg(sin(n * j * 1.7) + cos(n * 0.37 * j * j)) FROM generate_series(1, 24) j)::vector(24) AS v
FROM generate_series(1, 3000) n;
CREATE FUNCTION bound_work(setting text, effort int) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
	query vector;
	work bigint := 0;
BEGIN
	PERFORM set_config(setting, effort::text, true);
	FOR query IN SELECT v FROM bound_row WHERE id % 30 = 7 LOOP
		PERFORM FROM bound_row ORDER BY v <-> query LIMIT 20;
		work := work + (SELECT distances FROM vector_last_scan());
	END LOOP;
	RETURN work;
END $$;
CREATE INDEX bound_row_v ON bound_row USING hnsw (v vector_l2_ops) WITH (storage = sq8);
SELECT bound_work('hnsw.ef_search', 1) < bound_work('hnsw.ef_search', 40) AS hnsw;
DROP INDEX bound_row_v;
CREATE INDEX bound_row_v ON bound_row USING diskann (v vector_l2_ops) WITH (storage = sq8);
SELECT bound_work('diskann.query_search_list_size', 1) < bound_work('diskann.query_search_list_size', 40) AS diskann;
DROP TABLE bound_row;
DROP FUNCTION bound_work;
