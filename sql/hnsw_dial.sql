-- hnsw: a larger hnsw.ef_search gives more recall on every kind of data
SET enable_seqscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;
SET max_parallel_maintenance_workers = 0;
-- a pseudo-random number from 0 to 1 that follows from two others
CREATE FUNCTION noise(a int, b int) RETURNS float8 LANGUAGE sql IMMUTABLE
	RETURN (hashint8extended(a, b) & 1048575) / 1048576.0;
CREATE TABLE kinds (kind text, id int, v vector);
-- few non-zero elements
INSERT INTO kinds SELECT 'sparse', n, array_agg(CASE WHEN noise(n, d) < 0.02 THEN noise(n, -d) ELSE 0 END ORDER BY d)::vector
	FROM generate_series(1, 3050) n, generate_series(1, 130) d GROUP BY n;
-- weighted tags, some of which many rows have
INSERT INTO kinds SELECT 'tags', n, array_agg(CASE WHEN noise(n, d) < 1.5 / (d + 2) THEN noise(n, -d) + 0.01 ELSE 0.001 * (d = n % 90 + 1)::int END ORDER BY d)::vector
	FROM generate_series(1, 3050) n, generate_series(1, 90) d GROUP BY n;
INSERT INTO kinds SELECT 'dense', n, array_agg(noise(n, d) + noise(n, -d) ORDER BY d)::vector
	FROM generate_series(1, 3050) n, generate_series(1, 24) d GROUP BY n;
INSERT INTO kinds SELECT 'histogram', n, array_agg(floor(noise(n, d) ^ 8 * 20 + 10 * noise(n % 20, d) ^ 6) ORDER BY d)::vector
	FROM generate_series(1, 3050) n, generate_series(1, 24) d GROUP BY n;
INSERT INTO kinds SELECT 'integer', n, array_agg(floor(noise(n, d) * 4) ORDER BY d)::vector
	FROM generate_series(1, 3050) n, generate_series(1, 12) d GROUP BY n;
INSERT INTO kinds SELECT 'duplicated', n, array_agg(noise(n % 500, d) ORDER BY d)::vector
	FROM generate_series(1, 3050) n, generate_series(1, 12) d GROUP BY n;
INSERT INTO kinds SELECT 'few', n, array_agg(noise(n, d) ORDER BY d)::vector
	FROM generate_series(1, 3050) n, generate_series(1, 3) d GROUP BY n;
-- the distance of each query's tenth row
CREATE FUNCTION tell_truth(operator text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE truth AS SELECT q.id, q.v, radius FROM queries q, LATERAL
		(SELECT max(d) AS radius FROM (SELECT (i.v %s q.v) + 0 AS d FROM items i ORDER BY 1 LIMIT 10) x) t', operator);
END $$;
-- the share of the nearest rows that an index finds
CREATE FUNCTION recall(operator text, ef int, OUT recall numeric) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('hnsw.ef_search', ef::text, false);
	EXECUTE format('SELECT avg(hits / 10.0) FROM (SELECT count(*) FILTER (WHERE d <= radius + 1e-5 * abs(radius) + 1e-6) AS hits
		FROM truth q, LATERAL (SELECT i.v %1$s q.v AS d FROM items i ORDER BY i.v %1$s q.v LIMIT 10) y GROUP BY q.id) z', operator)
		INTO recall;
END $$;
CREATE FUNCTION try(of text, class text, operator text, OUT rises boolean, OUT complete boolean) LANGUAGE plpgsql AS $$
DECLARE
	found numeric[];
	dims int := (SELECT vector_dims(v) FROM kinds WHERE kind = of LIMIT 1);
BEGIN
	EXECUTE format('CREATE TABLE items AS SELECT id, v::vector(%s) AS v FROM kinds WHERE kind = %L AND id > 50', dims, of);
	EXECUTE format('CREATE TABLE queries AS SELECT id, v::vector(%s) AS v FROM kinds WHERE kind = %L AND id <= 50', dims, of);
	EXECUTE format('CREATE INDEX ON items USING hnsw (v %s)', class);
	PERFORM tell_truth(operator);
	found := ARRAY(SELECT recall(operator, ef) FROM unnest(ARRAY[10, 40, 200, 1000]) ef);
	RAISE DEBUG '% %: %', of, class, found;
	rises := found[2] >= found[1] - 0.004 AND found[3] >= found[2] - 0.002 AND found[4] >= found[3] - 0.001;
	complete := found[4] >= 0.999;
	DROP TABLE items, queries, truth;
END $$;
SELECT kind, class, t.* FROM (VALUES ('sparse', 'l2', '<->'), ('tags', 'cosine', '<=>'), ('dense', 'l2', '<->'),
	('histogram', 'l1', '<+>'), ('integer', 'l2', '<->'), ('duplicated', 'l2', '<->'), ('few', 'cosine', '<=>')) c (kind, class, operator),
	LATERAL try(kind, 'vector_' || class || '_ops', operator) t;

-- dot products of few dimensions, with default settings
CREATE FUNCTION try_products(type text, OUT good boolean) LANGUAGE plpgsql AS $$
DECLARE
	found numeric;
BEGIN
	EXECUTE format('CREATE TABLE items AS SELECT id, v::%s(3) AS v FROM kinds WHERE kind = ''few'' AND id > 50', type);
	EXECUTE format('CREATE TABLE queries AS SELECT id, v::%s(3) AS v FROM kinds WHERE kind = ''few'' AND id <= 50', type);
	EXECUTE format('CREATE INDEX ON items USING hnsw (v %s_ip_ops)', type);
	PERFORM tell_truth('<#>');
	found := recall('<#>', 40);
	RAISE DEBUG '% ip: %', type, found;
	good := found >= 0.98;
	DROP TABLE items, queries, truth;
END $$;
SELECT type, try_products(type) AS good FROM unnest(ARRAY['vector', 'halfvec']) type;

-- most rows are dead; a temporary table, from which VACUUM removes them whatever snapshots other sessions have
CREATE TEMP TABLE items AS SELECT n AS id, hashint8extended(n, 1)::bit(64)::bit(52) AS v FROM generate_series(51, 8050) n;
CREATE TABLE queries AS SELECT n AS id, hashint8extended(n, 1)::bit(64)::bit(52) AS v FROM generate_series(1, 50) n;
CREATE INDEX ON items USING hnsw (v bit_hamming_ops) WITH (m = 4, ef_construction = 8);
DELETE FROM items WHERE id % 4 > 0;
VACUUM items;
SELECT tell_truth('<~>');
SELECT recall('<~>', 100) >= 0.9 AS good;
DROP TABLE items, queries, truth, kinds;
DROP FUNCTION noise, tell_truth, recall, try, try_products;
RESET hnsw.ef_search;
RESET enable_seqscan;
RESET enable_sort;
RESET max_parallel_workers_per_gather;
RESET max_parallel_maintenance_workers;
