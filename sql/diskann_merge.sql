-- diskann: merged segments find what those before them did, with and without vectors
SET enable_seqscan = off;
SET jit = off;
-- no worker merges at another time
SET vector.background_work = off;
SELECT setseed(0.3);
CREATE TABLE source AS SELECT i AS id, ARRAY(SELECT i % 7 * 3 + random() * 8 FROM generate_series(1, 32) j WHERE i > 0)::vector(32) AS v, i % 5 AS label
	FROM generate_series(1, 2400) i;
-- rows of equal vectors, which are in several segments
INSERT INTO source SELECT 3000 + i, v, label FROM source, generate_series(1, 8) i WHERE id = 7;
CREATE TABLE t (LIKE source);
-- how many of the true ten nearest rows of 20 queries the index finds
CREATE FUNCTION hits(op text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT array_agg(d) FROM (SELECT v %s $1 AS d FROM t ORDER BY v %1$s $1 LIMIT 10) x', op);
	q vector;
	exact float8[];
	found float8[];
	hits int := 0;
BEGIN
	FOR q IN SELECT v FROM source WHERE id % 120 = 1 AND id < 3000 LOOP
		SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = on;
		EXECUTE query INTO exact USING q;
		SET LOCAL enable_indexscan = on; SET LOCAL enable_seqscan = off;
		EXECUTE query INTO found USING q;
		hits := hits + (SELECT count(*) FROM unnest(found) d WHERE d <= exact[10]);
	END LOOP;
	RETURN hits;
END $$;
-- what is wrong with the index: with its structure, with recall, or with rows that are not found
CREATE FUNCTION faults(op text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	live bigint := (SELECT count(*) FROM t);
	hits int := hits(op);
	found text;
	faults text := '';
BEGIN
	ASSERT vector_index_check('t_v') = live;
	IF hits < 196 THEN
		faults := format('%s of 200 found; ', hits);
	END IF;
	EXECUTE format('SELECT format(''%%s rows, %%s different'', count(*), count(DISTINCT id)) FROM (SELECT id FROM t ORDER BY v %s (SELECT v FROM source WHERE id = 7)) x', op) INTO found;
	IF found <> format('%s rows, %s different', live, live) THEN
		faults := faults || found || '; ';
	END IF;
	EXECUTE format('SELECT count(DISTINCT id) FROM (SELECT id FROM t WHERE label = 2 ORDER BY v %s (SELECT v FROM source WHERE id = 7)) x', op) INTO found;
	IF found <> (SELECT count(*)::text FROM source JOIN t USING (id) WHERE source.label = 2) THEN
		faults := faults || found || ' by label';
	END IF;
	RETURN faults;
END $$;
CREATE FUNCTION segments(OUT text) LANGUAGE plpgsql AS $$
BEGIN
	SELECT string_agg(format('%s: %s rows, %s dead', method, rows, dead), ', ' ORDER BY segment) INTO $1
		FROM vector_segments() WHERE index = 't_v'::regclass AND kind = 'sealed';
END $$;
-- inserts the rows in as many segments, and merges these
CREATE FUNCTION try(class text, op text, options text, parts int DEFAULT 4) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE t;
	DROP INDEX IF EXISTS t_v;
	EXECUTE format('CREATE INDEX t_v ON t USING diskann (v %s, label) WITH (seal_rows = 5000, %s)', class, options);
	FOR part IN 1 .. parts LOOP
		INSERT INTO t SELECT * FROM source WHERE id % parts = part % parts;
		PERFORM vector_seal('t_v');
	END LOOP;
	RETURN NEXT format('%s %s: %s of %s segments merged', class, options, vector_merge('t_v'), parts);
	RETURN NEXT faults(op);
END $$;
SET client_min_messages = warning;
SELECT try(class, op, format('bits = %s, storage = %s', bits, storage))
	FROM (VALUES ('vector_l2_ops', '<->', 4), ('vector_ip_ops', '<#>', 8), ('vector_cosine_ops', '<=>', 3)) c(class, op, bits),
		unnest(ARRAY['none', 'full', 'sq8']) storage;
-- so many segments that a graph of vectors would be built anew
SELECT try('vector_l2_ops', '<->', 'storage = ' || storage, 16) FROM unnest(ARRAY['full', 'none']) storage;
-- rows die, and VACUUM merges the segment with itself
DELETE FROM t WHERE id % 3 > 0;
VACUUM t;
SELECT segments();
SELECT faults('<->');
-- and with another
INSERT INTO t SELECT * FROM source WHERE id % 3 > 0;
SELECT vector_seal('t_v') > 0, vector_merge('t_v');
SELECT segments();
SELECT faults('<->');
-- rows of equal vectors
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM source WHERE id = 7) LIMIT 9) x;
-- inserted into an index without rows; few rows with vectors are not a graph
SELECT try('vector_l2_ops', '<->', 'storage = half', 1);
TRUNCATE t;
INSERT INTO t SELECT * FROM source WHERE id <= 50;
SELECT vector_seal('t_v') > 0;
SELECT segments();
SELECT id FROM t WHERE label = 2 ORDER BY v <-> (SELECT v FROM source WHERE id = 7) LIMIT 3;
INSERT INTO t SELECT * FROM source WHERE id > 50;
SELECT vector_seal('t_v') > 0, vector_merge('t_v');
SELECT segments();
SELECT faults('<->');
DROP TABLE t, source;
DROP FUNCTION hits, faults, segments, try;
