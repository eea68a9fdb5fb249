-- hnsw: segments whose vectors all consist of multiples of a power of two store them as bytes, without loss
SET enable_seqscan = off;
SET jit = off;
SET client_min_messages = warning;
SET hnsw.ef_search = 1000;

-- how an index stores the vectors of its sealed segments, of 128 dimensions
CREATE FUNCTION kept(index regclass) RETURNS text LANGUAGE sql AS
	$$SELECT string_agg(CASE WHEN (blocks - 6) * 8192 / rows < 1100 THEN 'bytes' ELSE 'whole' END, ', ' ORDER BY rows DESC, segment)
		FROM vector_index_segments(index) WHERE kind = 'sealed' AND rows > 0$$;

CREATE FUNCTION hash(seed bigint) RETURNS int LANGUAGE sql IMMUTABLE AS
	$$SELECT (hashint8extended(seed, 0) & 65535)::int$$;

-- how many rows are missing from scans that are read to the end, or out of the order of exact distances
CREATE FUNCTION misplaced(tab regclass, operator text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	probe text;
	wrong bigint;
	sum bigint := 0;
BEGIN
	FOR probe IN EXECUTE format('SELECT v::text FROM %s ORDER BY n LIMIT 3', tab)
	LOOP
		EXECUTE format('SELECT count(*) FILTER (WHERE d < before * (1 - 1e-5 * sign(before)) - 1e-30) +
			(SELECT count(*) FROM %1$s) - count(*) FROM (SELECT d, lag(d) OVER (ORDER BY number) AS before FROM (
				SELECT d, row_number() OVER () AS number FROM (
					SELECT v %2$s %3$L AS d FROM %1$s ORDER BY v %2$s %3$L) ordered) numbered) pairs', tab, operator, probe)
			INTO wrong;
		sum := sum + wrong;
	END LOOP;
	RETURN sum;
END
$$;

CREATE FUNCTION try(type text, metric text, operator text, element text, options text DEFAULT '') RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('CREATE TABLE tried (n int, v %s(128))', type);
	EXECUTE format('INSERT INTO tried SELECT n, (SELECT array_agg((%s)::real ORDER BY d) FROM (
			SELECT d, hash(n * 1000 + d) AS h FROM generate_series(1, 128) d) e)::vector::%s FROM generate_series(1, 64) n',
		element, type);
	EXECUTE format('CREATE INDEX tried_v ON tried USING hnsw (v %s_%s_ops) %s', type, metric, options);
	result := kept('tried_v') || ', misplaced: ' || misplaced('tried', operator);
	PERFORM vector_index_check('tried_v');
	DROP TABLE tried;
	RETURN result;
END
$$;

SELECT element, try('vector', 'l2', '<->', element) FROM unnest(ARRAY[
	'h % 256',
	'h % 256 - 100',
	'h % 257',
	'h % 64 / 4.0',
	'h % 64 / 3.0',
	'h % 50 * 10',
	'n',
	'n / 7.0',
	'CASE WHEN d = 1 THEN n / 7.0 ELSE h % 256 END',
	'CASE WHEN n = 50 AND d = 7 THEN 0.5 ELSE h % 256 END',
	'CASE WHEN d = 1 THEN 1e-30 ELSE h % 256 END',
	'1000 + h % 256 * 2 ^ -10',
	'16777216 + h % 256',
	'h % 256 * 2 ^ 60',
	'h % 256 * 2 ^ 80',
	'h % 256 * 2 ^ -40',
	'h % 256 * 2 ^ -100',
	'-0.0 * (h % 2)'
]) element;
SELECT type, metric, try(type, metric, operator, 'h % 200 - 100')
	FROM unnest(ARRAY['vector', 'halfvec', 'bf16vec', 'int8vec']) type,
		(VALUES ('ip', '<#>'), ('cosine', '<=>')) m (metric, operator);
SELECT options, try('vector', 'l2', '<->', 'h % 256', options)
	FROM unnest(ARRAY['WITH (storage = full)', 'WITH (storage = half)', 'WITH (storage = sq8)']) options;

-- merges: bytes stay bytes; one vector that does not fit makes all vectors whole until it is deleted
CREATE TABLE items (n int, v vector(128));
CREATE FUNCTION fill(first int, last int, element text DEFAULT 'h % 256') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO items SELECT n, (SELECT array_agg((%s)::real ORDER BY d) FROM (
			SELECT d, hash(n * 1000 + d) AS h FROM generate_series(1, 128) d) e)::vector FROM generate_series($1, $2) n',
		element) USING first, last;
END
$$;
SELECT fill(1, 300);
CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
SELECT fill(301, 500);
SELECT vector_seal('items_v');
SELECT kept('items_v');
SELECT vector_merge('items_v');
SELECT kept('items_v'), misplaced('items', '<->');
SELECT fill(501, 700, 'h % 256 + 0.3 * (h % 2)');
SELECT vector_seal('items_v');
SELECT kept('items_v'), misplaced('items', '<->');
SELECT vector_merge('items_v');
SELECT kept('items_v'), misplaced('items', '<->'), vector_index_check('items_v');
DELETE FROM items WHERE n > 500 OR n <= 250;
VACUUM items;
SELECT vector_merge('items_v') >= 0 AS merged;	-- by a worker perhaps
SELECT kept('items_v'), misplaced('items', '<->'), vector_index_check('items_v');

-- equal vectors still share a node, and rows are found by all of their versions
UPDATE items SET n = n + 1000 WHERE n % 10 = 0;
REINDEX INDEX CONCURRENTLY items_v;
SELECT kept('items_v'), misplaced('items', '<->'), vector_index_check('items_v');

-- in partitions, and by workers
VACUUM items;
SELECT fill(2001, 2800);
SET min_parallel_table_scan_size = 0;
SET maintenance_work_mem = '1MB';
REINDEX INDEX items_v;
SELECT kept('items_v'), misplaced('items', '<->'), vector_index_check('items_v');
RESET maintenance_work_mem;
ALTER TABLE items SET (parallel_workers = 2);
REINDEX INDEX items_v;
SELECT kept('items_v'), misplaced('items', '<->'), vector_index_check('items_v');
SELECT fill(4001, 4001, 'h % 256 + 0.3 * (h % 2)');
REINDEX INDEX items_v;
SELECT kept('items_v'), misplaced('items', '<->'), vector_index_check('items_v');
SET maintenance_work_mem = '1MB';
REINDEX INDEX items_v;
SELECT kept('items_v'), misplaced('items', '<->'), vector_index_check('items_v');

-- storage that may lose something: the executor computes distances only of rows that did, and all rows come in order
CREATE FUNCTION computed(query vector) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	l2 oid := 'l2_distance(vector, vector)'::regprocedure;
	before bigint := coalesce(pg_stat_get_xact_function_calls(l2), 0);
	found record;
BEGIN
	FOR found IN SELECT n FROM items ORDER BY v <-> query LIMIT 10
	LOOP
	END LOOP;
	RETURN coalesce(pg_stat_get_xact_function_calls(l2), 0) - before;
END
$$;
CREATE FUNCTION exact(storage text, OUT uncomputed boolean, OUT misplaced bigint) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER INDEX items_v SET (storage = %s)', storage);
	REINDEX INDEX items_v;
	uncomputed := computed((SELECT v FROM items WHERE n = 7)) = 0;
	misplaced := misplaced('items', '<->');
END
$$;
SET track_functions = 'all';
TRUNCATE items;
SELECT fill(1, 300);
SELECT storage, uncomputed, misplaced FROM unnest(ARRAY['full', 'half', 'sq8']) storage, exact(storage);
SELECT fill(301, 600, 'h % 256 + 0.3 * (h % 2)');
SELECT storage, uncomputed, misplaced FROM unnest(ARRAY['full', 'half', 'sq8']) storage, exact(storage);
SELECT fill(601, 640);	-- in a growing segment
SELECT misplaced('items', '<->');
RESET track_functions;
DROP TABLE items;
DROP FUNCTION kept, hash, misplaced, try, fill, computed, exact;
