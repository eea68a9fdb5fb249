-- the access method sparse: inverted lists, which give the order of a sequential scan

SET client_min_messages = warning;
CREATE TABLE docs (id int, v sparsevec(1000), a int, b text);

-- whether the nearest k rows by the index are those of a sequential scan, to the bit: equally near ones may be others
CREATE FUNCTION nearest(k int, condition text, operator text, query text) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
	distances float8[];
	ids int[];
BEGIN
	EXECUTE format('SELECT array_agg(d), array_agg(id) FROM (SELECT id, v %s %L AS d FROM docs WHERE %s ORDER BY v %s %L LIMIT %s) x WHERE d IS NOT NULL',
		operator, query, condition, operator, query, coalesce(k::text, 'ALL')) INTO distances, ids;
	-- from PostgreSQL 16 on, an aggregate with DISTINCT above would sort the rows
	RETURN (SELECT count(DISTINCT id) FROM unnest(ids) id) || distances;
END
$$;
CREATE FUNCTION by_index(k int, condition text, operator text, query text) RETURNS float8[] LANGUAGE sql
	SET enable_seqscan = off SET enable_sort = off RETURN nearest(k, condition, operator, query);
CREATE FUNCTION by_table(k int, condition text, operator text, query text) RETURNS float8[] LANGUAGE sql
	SET enable_indexscan = off SET enable_indexonlyscan = off RETURN nearest(k, condition, operator, query);

-- n: a vector of up to terms pseudo-random dimensions with weights between low and high
CREATE FUNCTION made(n int, terms int, low float8, high float8) RETURNS sparsevec LANGUAGE sql IMMUTABLE AS $$
	SELECT ('{' || coalesce(string_agg(d || ':' || w, ','), '') || '}/1000')::sparsevec
	FROM (SELECT DISTINCT ON (d) d, (low + (high - low) * h2 / 65536)::float4 AS w
		FROM generate_series(1, terms) t,
			LATERAL (SELECT hashint8(n * 1000 + t) & 65535 AS h1, hashint8(n * 1000 - t) & 65535 AS h2) h,
			-- small numbers are more frequent
			LATERAL (SELECT 1 + (999 * (h1 / 65536.0) ^ 3)::int AS d) p
		ORDER BY d, t) m
$$;

-- of some queries: whether all agree, for several limits and conditions
CREATE FUNCTION agree(operator text, terms int, low float8, high float8) RETURNS TABLE (queries bigint, equal bigint) LANGUAGE sql AS $$
	SELECT count(*), count(*) FILTER (WHERE by_index(k, condition, operator, q) = by_table(k, condition, operator, q))
	FROM unnest(ARRAY[3, 50, NULL]) k,
		unnest(ARRAY['true', 'a = 3', 'a < 2 AND b = ''b1''', 'id % 7 = 3', 'a = 99 OR id = 70']) condition,
		(SELECT made(-n, terms, low, high)::text AS q FROM generate_series(1, 3) n) queries
$$;

-- weights that are not negative
INSERT INTO docs SELECT n, made(n, 12, 0.01, 3), n % 10, 'b' || n % 3 FROM generate_series(1, 2000) n;
INSERT INTO docs VALUES (0, '{}/1000', 3, 'b1'), (-1, NULL, 3, 'b1');
CREATE INDEX docs_v ON docs USING sparse (v, a, b);
EXPLAIN (COSTS off) SELECT id FROM docs WHERE a = 3 ORDER BY v <#> '{1:1}/1000' LIMIT 3;
SELECT rows, dead, method FROM vector_segments() WHERE kind = 'sealed' AND index = 'docs_v'::regclass;
SELECT vector_index_check('docs_v');
SELECT * FROM agree('<#>', 12, 0.01, 3);
-- of the query's dimensions, rows have few or none
SELECT * FROM agree('<#>', 1, 1, 2);
SELECT * FROM agree('<#>', 0, 1, 2);
SELECT * FROM agree('<#>', 12, -2, 3);

-- inserts: growing segments
INSERT INTO docs SELECT n, made(n, 12, 0.01, 3), n % 10, 'b' || n % 3 FROM generate_series(2001, 2500) n;
SELECT count(*) > 0 FROM vector_segments() WHERE kind = 'growing' AND index = 'docs_v'::regclass;
SELECT * FROM agree('<#>', 12, 0.01, 3);

-- rollback, updates, deletes
BEGIN;
INSERT INTO docs SELECT n, made(n, 12, 1, 9), n % 10, 'b1' FROM generate_series(3001, 3100) n;
SELECT * FROM agree('<#>', 12, 0.01, 3);
ROLLBACK;
SELECT * FROM agree('<#>', 12, 0.01, 3);
UPDATE docs SET v = made(id + 10000, 9, 0.01, 3), a = a + 1 WHERE id % 5 = 0;
DELETE FROM docs WHERE id % 4 = 1;
SELECT * FROM agree('<#>', 12, 0.01, 3);
VACUUM docs;
SELECT * FROM agree('<#>', 12, 0.01, 3);

-- seals and merges
SELECT vector_seal('docs_v') > 0;
SELECT * FROM agree('<#>', 12, 0.01, 3);
SELECT vector_merge('docs_v') > 0;
SELECT rows, dead, method FROM vector_segments() WHERE kind = 'sealed' AND index = 'docs_v'::regclass;
SELECT vector_index_check('docs_v');
SELECT * FROM agree('<#>', 12, 0.01, 3);

-- weights of any sign, and of very different sizes
TRUNCATE docs;
INSERT INTO docs SELECT n, made(n, 12, -3, 3), n % 10, 'b' || n % 3 FROM generate_series(1, 1500) n;
INSERT INTO docs SELECT n, made(n, 12, -1e30, 1e30), n % 10, 'b' || n % 3 FROM generate_series(1501, 1550) n;
INSERT INTO docs SELECT n, made(n, 12, -1e-30, 1e-30), n % 10, 'b' || n % 3 FROM generate_series(1551, 1600) n;
SELECT vector_seal('docs_v') > 0;
SELECT * FROM agree('<#>', 12, -3, 3);
SELECT * FROM agree('<#>', 12, 0, 3);
SELECT * FROM agree('<#>', 12, -1e-30, 1e-30);
-- sums that overflow
INSERT INTO docs SELECT n, made(n, 12, -3e38, 3e38), n % 10, 'b' || n % 3 FROM generate_series(1601, 1610) n;
SELECT vector_seal('docs_v') > 0;
SELECT vector_index_check('docs_v');
SELECT * FROM agree('<#>', 12, -3, 3);

-- without much memory
DROP INDEX docs_v;
SET maintenance_work_mem = '1MB';
INSERT INTO docs SELECT n, made(n, 60, -3, 3), n % 10, 'b' || n % 3 FROM generate_series(2001, 3500) n;
CREATE INDEX docs_v ON docs USING sparse (v sparsevec_ip_ops, a);
RESET maintenance_work_mem;
SELECT rows, dead, method FROM vector_segments() WHERE kind = 'sealed' AND index = 'docs_v'::regclass;
SELECT vector_index_check('docs_v');
SELECT * FROM agree('<#>', 12, -3, 3);

-- vectors of 16000 elements
CREATE TABLE long (id int, v sparsevec(100000));
INSERT INTO long SELECT n, ('{' || string_agg(n + 6 * i || ':' || (i * n) % 13 - 6.5, ',') || '}/100000')::sparsevec
	FROM generate_series(1, 5) n, generate_series(0, 15999) i GROUP BY n;
CREATE INDEX long_v ON long USING sparse (v);
SELECT vector_index_check('long_v');
SET enable_seqscan = off;
SELECT id, v <#> (SELECT v FROM long WHERE id = 2) AS distance FROM long ORDER BY 2;
DROP TABLE long;

-- cosine distances: those of the index are rounded to float4
DROP INDEX docs_v;
DELETE FROM docs WHERE id BETWEEN 1501 AND 1610;
VACUUM docs;
CREATE INDEX docs_v ON docs USING sparse (v sparsevec_cosine_ops);
SELECT vector_index_check('docs_v');
SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
	SELECT FROM unnest(by_index(k, 'true', '<=>', q), by_table(k, 'true', '<=>', q)) d(x, y) WHERE abs(x - y) > 1e-6))
	FROM unnest(ARRAY[1, 10, NULL]) k, (SELECT made(-n, 12, -1, 3)::text AS q FROM generate_series(1, 4) n) queries;

-- a condition on the distance ends the scan
SELECT count(*) FROM (SELECT id FROM docs WHERE v <=> '{1:1,2:1}/1000' < 0.7 ORDER BY v <=> '{1:1,2:1}/1000') x;
SELECT count(*) FROM docs WHERE v <=> '{1:1,2:1}/1000' < 0.7;
-- null and zero queries
SELECT count(*) FROM (SELECT id FROM docs ORDER BY v <=> NULL) x;
SELECT count(*) FROM (SELECT id FROM docs ORDER BY v <=> '{}/1000') x;
RESET enable_seqscan;

-- more rows than a window has
DROP TABLE docs;
CREATE TABLE docs (id int, v sparsevec(1000), a int, b text);
INSERT INTO docs SELECT n, ('{' || 1 + n % 900 || ':' || 1 + (hashint4(n) & 255) || ',' || 950 + n % 3 || ':' || round(0.5 + (hashint4(-n) & 255) / 256.0, 3) || '}/1000')::sparsevec,
	n % 10, 'b' || n % 3 FROM generate_series(1, 70000) n;
CREATE INDEX docs_v ON docs USING sparse (v sparsevec_ip_ops, a);
SELECT count(*), count(*) FILTER (WHERE by_index(k, condition, '<#>', q) = by_table(k, condition, '<#>', q))
	FROM unnest(ARRAY[1, 10, 1000]) k, unnest(ARRAY['true', 'a = 3', 'id > 69990']) condition,
		unnest(ARRAY['{951:1}/1000', '{7:1,8:2,950:3}/1000', '{7:-1,950:1,951:2,952:3}/1000', '{3:0.01,950:9}/1000']) q;

-- dropping weights: rows are found by the others, but distances are exact
SET sparse.drop_ratio = 0.5;
SELECT q, by_index(10, 'true', '<#>', q) = by_table(10, 'true', '<#>', q) AS same
	FROM unnest(ARRAY['{901:0.001,950:3}/1000', '{7:0.001,950:3}/1000', '{950:3}/1000']) q;
SET sparse.drop_ratio = 1;
RESET sparse.drop_ratio;

-- what is refused
CREATE TABLE other (v sparsevec(10), w vector(3), x sparsevec, n int);
CREATE INDEX ON other USING sparse (v sparsevec_l2_ops);
CREATE INDEX ON other USING sparse (w vector_ip_ops);
CREATE INDEX ON other USING sparse (x);
CREATE INDEX ON other USING sparse (n, v);
CREATE INDEX ON other USING sparse (v) WITH (m = 4);
CREATE INDEX ON other USING sparse (v) WITH (seal_rows = 100);
DROP TABLE docs, other;
DROP FUNCTION nearest, by_index, by_table, made, agree;
