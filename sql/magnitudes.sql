-- elements of every magnitude: as values, and in an index
SET client_min_messages = warning;
SET enable_seqscan = off;
SET jit = off;
SET hnsw.ef_search = 400;
SET ivf.probes = 2;
SET ivfflat.probes = 2;

-- cosine distance does not depend on the lengths
SELECT x, round((v <=> v)::numeric, 6) AS same, round((v <=> '[1,2]')::numeric, 6) AS other,
	round((v <=> minus)::numeric, 6) AS opposite, round((v::bf16vec <=> '[1,2]')::numeric, 3) AS bf16,
	round((v::sparsevec <=> '[1,2]'::vector::sparsevec)::numeric, 6) AS sparse,
	round((array_fill(x, ARRAY[100])::vector <=> (array_fill(x, ARRAY[99]) || -x)::vector)::numeric, 6) AS long
	FROM unnest('{1e-44,1e-38,1e-30,1e-23,1e-22,1e-20,1e-12,1,1e12,1e18,1e19,1e20,1e30,3e38}'::real[]) x,
	LATERAL (SELECT ARRAY[x, x]::vector AS v, ARRAY[-x, -x]::vector AS minus) vectors
	ORDER BY x;
SELECT '[1e-40,1]'::vector <=> '[1e-40,3e38]' < 1e-6 AS mixed, '[0,0]'::vector <=> '[1e-40,0]' AS zero,
	'[1e-30,1e30]'::vector <=> '[1e30,1e-30]' AS across;

-- A row's elements: most rows have magnitude 1, the others 10^low to 10^high, with one exponent a row or one an element.
CREATE FUNCTION number(seed bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
	$$SELECT (hashint8extended(seed, 0) & 1048575) / 1048576.0$$;
CREATE FUNCTION elements(seed bigint, dims int, low float8, high float8, ordinary float8, mixed bool) RETURNS vector
	LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg((greatest(least(x, 3e38), -3e38))::real)::vector FROM (
		SELECT (number(seed * 1000 + d) * 2 - 1) * 10 ^ (CASE WHEN number(seed * 1000 + 500) < ordinary THEN 0
			ELSE low + (high - low) * number(seed * 1000 + CASE WHEN mixed THEN 600 + d ELSE 600 END) END) AS x
		FROM generate_series(1, dims) d) e$$;

/*
 * Builds an index on half of 60 rows and inserts the others.  Orders all, and those within half of
 * the distances: gives how many rows are missing then, or the error.  One may be: codes promise
 * nothing for certain.
 */
CREATE FUNCTION try(type text, metric text, operator text, method text, options text, dims int, low float8, high float8,
					ordinary float8, mixed bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	query text;
	far float8;
	wanted int;
	rows int;
	missing int := 0;
BEGIN
	EXECUTE format('CREATE TABLE sized (n int, v %s(%s))', type, dims);
	INSERT INTO sized SELECT n, elements(7 + n, dims, low, high, ordinary, mixed) FROM generate_series(1, 30) n;
	EXECUTE format('CREATE INDEX sized_v ON sized USING %s (v %s_%s_ops) %s', method, type, metric, options);
	INSERT INTO sized SELECT n, elements(7 + n, dims, low, high, ordinary, mixed) FROM generate_series(31, 60) n;
	PERFORM vector_index_check('sized_v');
	FOR query IN EXECUTE format('SELECT v::text FROM sized WHERE n %% 20 = 0 UNION ALL SELECT elements(7, %s, 0, 0, 1, false)::%s::text',
								dims, type)
	LOOP
		EXECUTE format('SELECT count(*) FROM (SELECT v %s %L AS d FROM sized ORDER BY d) x', operator, query) INTO rows;
		EXECUTE format('SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY d) FROM (SELECT (v %s %L) + 0 AS d FROM sized) x
			WHERE abs(d) < ''Infinity''', operator, query) INTO far;
		EXECUTE format('SELECT count(*) FROM sized WHERE (v %s %L) + 0 <= $1', operator, query) INTO wanted USING far;
		EXECUTE format('SELECT count(*) FROM (SELECT FROM sized WHERE v %s %L <= $1 ORDER BY v %1$s %2$L) x', operator, query)
			INTO rows USING far;
		missing := missing + wanted - rows;
	END LOOP;
	DROP TABLE sized;
	RETURN CASE WHEN missing <= 1 THEN 'found' ELSE missing || ' missing' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
SELECT type, metric, options, low, high, try(type, metric, operator, method, options, dims, low, high, ordinary, mixed) FROM (VALUES
	-- some rows so short that the squares of what is lost of them underflow
	('vector', 'ip', '<#>', 'hnsw', 'WITH (storage = half)', 3, -19, -19, 0.9, false),
	('vector', 'ip', '<#>', 'hnsw', 'WITH (storage = sq8)', 3, -20, -18, 0.9, false),
	('bf16vec', 'ip', '<#>', 'hnsw', 'WITH (storage = sq8)', 3, -19, -19, 0.9, false),
	('vector', 'ip', '<#>', 'ivf', 'WITH (lists = 2, refine = sq8)', 3, -20, -18, 0.9, false),
	('vector', 'ip', '<#>', 'ivf', 'WITH (lists = 2, quantizer = sq4, refine = half)', 5, -24, -17, 0, false),
	-- products that overflow, in one order of summation or another
	('vector', 'ip', '<#>', 'hnsw', 'WITH (storage = full)', 5, 17, 20, 0.5, false),
	('vector', 'ip', '<#>', 'hnsw', 'WITH (storage = half)', 20, -38, 38, 0, true),
	('vector', 'ip', '<#>', 'ivf', 'WITH (lists = 2, refine = half)', 5, 17, 20, 0.5, false),
	('sparsevec', 'ip', '<#>', 'hnsw', '', 20, -38, 38, 0, true),
	('vector', 'l2', '<->', 'hnsw', 'WITH (storage = half)', 20, -38, 38, 0, true),
	('bf16vec', 'l2', '<->', 'hnsw', 'WITH (storage = sq8)', 5, 17, 20, 0.5, false),
	('vector', 'l2', '<->', 'ivf', 'WITH (lists = 2, quantizer = sq8, refine = sq8)', 3, -38, 38, 0.5, false),
	('vector', 'l1', '<+>', 'hnsw', '', 20, -38, 38, 0, true),
	-- cosine distances of vectors of any length
	('vector', 'cosine', '<=>', 'hnsw', 'WITH (storage = full)', 20, -38, 38, 0, false),
	('vector', 'cosine', '<=>', 'hnsw', 'WITH (storage = half)', 3, -38, 38, 0.5, true),
	('vector', 'cosine', '<=>', 'ivf', 'WITH (lists = 2, refine = sq8)', 20, -38, 38, 0, false),
	('vector', 'cosine', '<=>', 'ivfflat', 'WITH (lists = 2)', 20, -38, 38, 0, false),
	('bf16vec', 'cosine', '<=>', 'hnsw', 'WITH (storage = sq8)', 20, -38, 38, 0, false),
	('sparsevec', 'cosine', '<=>', 'hnsw', '', 20, -38, 38, 0, false)
	) tries (type, metric, operator, method, options, dims, low, high, ordinary, mixed);
DROP FUNCTION try, elements, number;

-- an index by cosine has rows of every length but zero, and orders them as vectors of one length
CREATE TABLE long (id int, v vector(2));
CREATE INDEX long_hnsw ON long USING hnsw (v vector_cosine_ops);
CREATE INDEX long_ivf ON long USING ivf (v vector_cosine_ops) WITH (lists = 1, refine = sq8);
INSERT INTO long SELECT n, ARRAY[size * cos(n / 10.0), size * sin(n / 10.0)]::real[]::vector
	FROM (SELECT n, 10 ^ (n * 5 - 40) AS size FROM generate_series(1, 15) n) sizes;
INSERT INTO long VALUES (16, '[0,0]');
SELECT array_agg(id) FROM (SELECT id FROM long ORDER BY v <=> '[1e-30,0]') x;
SELECT vector_seal('long_hnsw'), vector_seal('long_ivf');
SELECT array_agg(id) FROM (SELECT id FROM long ORDER BY v <=> '[1e-30,0]') x;
DROP INDEX long_hnsw;
SELECT array_agg(id) FROM (SELECT id FROM long ORDER BY v <=> '[3e38,0]') x;
DROP TABLE long;

-- one vector of a very different magnitude, in the sample for the mean, does not harm the others
CREATE TABLE sized AS SELECT n AS id, (SELECT array_agg((hashint8extended(n, d) & 1023)::real) FROM generate_series(1, 100) d)::vector(100) AS v
	FROM generate_series(1, 1500) n;
INSERT INTO sized SELECT 0, array_fill(size, ARRAY[100])::vector FROM unnest('{1e9,1e30}'::real[]) size;
CREATE INDEX sized_v ON sized USING hnsw (v vector_l2_ops);
SET hnsw.ef_search = 40;
SELECT count(*) > 250 FROM sized probe, LATERAL (SELECT id FROM sized ORDER BY v <-> probe.v LIMIT 10) x
	WHERE probe.id BETWEEN 1 AND 30 AND x.id IN (SELECT id FROM sized ORDER BY (v <-> probe.v) + 0 LIMIT 10);
SELECT vector_index_check('sized_v');
-- codes of what float32 leaves of the others beside an element that is large in all vectors are not damaged
DROP INDEX sized_v;
DELETE FROM sized WHERE id = 0;
UPDATE sized SET v = v + (ARRAY[1e10] || array_fill(0, ARRAY[99]))::vector;
VACUUM sized;
CREATE INDEX sized_v ON sized USING hnsw (v vector_l2_ops);
SELECT vector_index_check('sized_v');
DROP TABLE sized;
