-- one process that is asked for more rows than a round of a walk finds reads codes or vectors in place of many rounds
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_bitmapscan = off;
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION many_vector(seed int) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(sin(seed * (1.0 + d * 0.37)) + 2 * cos(seed % 40 + d)) FROM generate_series(1, 24) d
$$;
CREATE TABLE many_items (id int, tag int, v vector(24));
CREATE FUNCTION many_fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO many_items SELECT i, i % 50, many_vector(i)::vector FROM generate_series(first, last) i
$$;
SELECT many_fill(1, 9000);
CREATE INDEX many_index ON many_items USING hnsw (v vector_l2_ops, tag);
ANALYZE many_items;

-- how many rows a search returns, twice, or out of order; how many of the right ones are missing; and what it did
CREATE FUNCTION many_compare(condition text, count int, OUT rows bigint, OUT twice bigint, OUT disorder bigint, OUT missing bigint, OUT walked bool, OUT read bool)
LANGUAGE plpgsql AS $$
DECLARE
	q text := format('v %s %L::vector', COALESCE(current_setting('many.operator', true), '<->'), many_vector(77777)::vector);
BEGIN
	EXECUTE format('CREATE TEMP TABLE many_found AS SELECT row_number() OVER () AS n, * FROM (SELECT id, %1$s AS d FROM many_items WHERE %2$s ORDER BY %1$s LIMIT %3$s) x',
		q, condition, count);
	SELECT walks > 0, reads > 0 INTO walked, read FROM vector_last_scan();
	EXECUTE format('CREATE TEMP TABLE many_right AS SELECT id, (%1$s) + 0 AS d FROM many_items WHERE %2$s ORDER BY (%1$s) + 0 LIMIT %3$s', q, condition, count);
	SELECT count(*), count(*) - count(DISTINCT id), count(*) FILTER (WHERE d < before - 1e-6) INTO rows, twice, disorder
		FROM (SELECT *, lag(d) OVER (ORDER BY n) AS before FROM many_found) x;
	-- of equally far rows either may be among them
	SELECT (SELECT count(*) FROM many_right) - count(*) INTO missing FROM many_found WHERE d <= (SELECT max(d) FROM many_right) + 1e-6;
	DROP TABLE many_found, many_right;
END $$;

-- few rows are walked to; of many the vectors are compared, which is exact; most become results at once
SELECT missing < 5 AS found, walked, read FROM many_compare('true', 500);
SELECT * FROM many_compare('true', 2000);
SELECT * FROM many_compare('true', 8000);
SELECT * FROM many_compare('true', 100000);
-- each vector counts once, though those that are returned are read again
SELECT distances FROM (SELECT count(*) FROM (SELECT FROM many_items ORDER BY v <-> many_vector(77777)::vector LIMIT 2000) x) y, vector_last_scan();
-- conditions on attributes, and on the distance
SELECT * FROM many_compare('tag < 25', 1500);
SELECT * FROM many_compare('tag < 25', 4000);
SELECT * FROM many_compare('tag <> 7', 100000);
SELECT count(*), bool_and(d < 6.5) FROM (SELECT v <-> many_vector(77777)::vector AS d FROM many_items
	WHERE v <-> many_vector(77777)::vector < 6.5 ORDER BY v <-> many_vector(77777)::vector LIMIT 3000) x;
SELECT count(*) FROM many_items WHERE (v <-> many_vector(77777)::vector) + 0 < 6.5;
-- a cursor that stops and goes on; a query again, for fewer and for more rows
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM many_items ORDER BY v <-> many_vector(77777)::vector LIMIT 3000;
MOVE 2999 IN c;
FETCH ALL FROM c \gset last_
FETCH ALL FROM c;
COMMIT;
SELECT :last_id IN (SELECT id FROM many_items ORDER BY (v <-> many_vector(77777)::vector) + 0 LIMIT 3001) AS last;
SELECT n, count(id), count(DISTINCT id) FROM (VALUES (2000), (20), (5000)) y (n),
	LATERAL (SELECT id FROM many_items ORDER BY v <-> many_vector(n)::vector LIMIT n) x GROUP BY n ORDER BY n;

-- rows that are dead are replaced by farther ones: of more than are kept, all vectors are compared again
BEGIN;
DELETE FROM many_items WHERE id IN (SELECT id FROM many_items ORDER BY (v <-> many_vector(77777)::vector) + 0 LIMIT 4000);
SELECT * FROM many_compare('true', 1200);
SELECT * FROM many_compare('true', 4800);
ROLLBACK;
DELETE FROM many_items WHERE id % 7 = 0;
SELECT * FROM many_compare('true', 2000);

-- several segments, of which each has its part, and growing rows
SELECT many_fill(9001, 12000), vector_seal('many_index');
SELECT many_fill(12001, 12300);
SELECT count(*) > 1 AS several FROM vector_segments() WHERE index = 'many_index'::regclass;
SELECT * FROM many_compare('true', 4000);
SELECT * FROM many_compare('tag < 25', 3000);
VACUUM many_items;
SELECT * FROM many_compare('true', 4000);

-- what a mode of pgvector returns ends before
SET hnsw.iterative_scan = strict_order;
SELECT walked, read FROM many_compare('true', 4000);
SET hnsw.iterative_scan = off;
SELECT rows, walked, read FROM many_compare('true', 4000);
RESET hnsw.iterative_scan;

-- other metrics; plain graphs, half vectors, of which only bounds of the distances are known, and graphs on disk
CREATE FUNCTION many_index(method text, class text, options text, operator text, count int DEFAULT 3000)
RETURNS TABLE (rows bigint, twice bigint, disorder bigint, missing bigint, walked bool, read bool) LANGUAGE plpgsql AS $$
BEGIN
	DROP INDEX many_index;
	EXECUTE format('CREATE INDEX many_index ON many_items USING %s (v vector_%s_ops, tag) WITH (%s)', method, class, options);
	PERFORM set_config('many.operator', operator, false);
	RETURN QUERY SELECT * FROM many_compare('true', count);
END $$;
SELECT * FROM many_index('hnsw', 'cosine', 'm = 16', '<=>');
SELECT * FROM many_index('hnsw', 'ip', 'm = 16', '<#>', 4000);
SELECT * FROM many_index('hnsw', 'l1', 'm = 16', '<+>');
SELECT * FROM many_index('hnsw', 'l2', 'storage = half', '<->');
SELECT * FROM many_index('diskann', 'l2', 'storage = full', '<->');
SELECT rows, missing < 100 AS found FROM many_index('diskann', 'l2', 'storage = none', '<->');

-- where vectors are long, codes: the vectors of some rows for each that is returned
CREATE TABLE many_codes (id int, v vector(256));
INSERT INTO many_codes SELECT i, (SELECT array_agg(sin(i * (1.0 + d * 0.37)) + 2 * cos(i % 100 + d)) FROM generate_series(1, 256) d)::vector
	FROM generate_series(1, 20000) i;
SET maintenance_work_mem = '128MB';
CREATE INDEX many_codes_index ON many_codes USING hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 16);
RESET maintenance_work_mem;
CREATE TEMP TABLE many_nearest AS SELECT id FROM many_codes ORDER BY v <-> (SELECT v FROM many_codes WHERE id = 7) LIMIT 1050;
SELECT walks, reads, distances BETWEEN 21050 AND 39999 AS compared FROM vector_last_scan();
SELECT count(*) >= 1040 AS found FROM many_nearest
	WHERE id IN (SELECT id FROM many_codes ORDER BY (v <-> (SELECT v FROM many_codes WHERE id = 7)) + 0 LIMIT 1050);
DROP TABLE many_items, many_codes, many_nearest;
DROP FUNCTION many_vector, many_fill, many_compare, many_index;
RESET ALL;
