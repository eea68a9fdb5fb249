-- conditions on an attribute that no operator class knows: they are evaluated on the values of a segment
SET client_min_messages = warning;
CREATE TABLE w (id int PRIMARY KEY, v vector(2), name text, n int, flags int, day date, at timestamptz, tags text[], unlike int);
CREATE FUNCTION fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO w SELECT i, ARRAY[i * 37 % 1009, i * 61 % 997], CASE WHEN i % 11 > 0 THEN (ARRAY['Apple', 'apricot', 'b_n', 'Banana%', 'cherry'])[i % 5 + 1] || i % 13 END,
		i % 40 - 20, i % 16, date '2024-01-01' + i % 400, timestamptz '2023-12-31 22:00+00' + i % 90 * interval '7 hours',
		CASE WHEN i % 7 > 0 THEN ARRAY['t' || i % 3, 't' || i % 5] END, i FROM generate_series(first, last) i $$;
SELECT fill(1, 400);
CREATE INDEX w_v ON w USING hnsw (v vector_l2_ops, name, n, flags, day, at, tags, unlike);
-- the answers by the index and by the table; and whether the executor removed rows that the index had returned
CREATE FUNCTION compare(condition text, OUT same bool, OUT removed bool) LANGUAGE plpgsql AS $$
DECLARE by_index text; by_table text; line text;
	query text := 'SELECT array_agg(d) FROM (SELECT v <-> ''[300,400]'' AS d FROM w WHERE ' || condition || ' ORDER BY v <-> ''[300,400]'' LIMIT 20) s';
BEGIN
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_indexscan = on;
	EXECUTE query INTO by_index;
	removed := false;
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		removed := removed OR line ~ 'Removed by Filter|Seq Scan';
	END LOOP;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_indexscan = off;
	EXECUTE query INTO by_table;
	same := by_index IS NOT DISTINCT FROM by_table;
END $$;
CREATE TABLE conditions (c text);
INSERT INTO conditions VALUES ('name LIKE ''ap%'''), ('name NOT LIKE ''a%'''), ('name ILIKE ''%an%'''), ('name ~ ''^[ab].*[1-5]$'''), ('name !~* ''APP'''),
	('NOT name LIKE ''a%'''), ('name LIKE ''b!_n_'' ESCAPE ''!'''), ('name LIKE ANY (ARRAY[''a%'', NULL, ''%9''])'), ('name NOT ILIKE ALL (''{a%,b%}'')'),
	('starts_with(name, ''ch'')'), ('name ^@ ''Ap'''), ('lower(name) = ''apple3'''), ('upper(name) IN (''APPLE3'', ''B_N4'')'), ('lower(name) IS DISTINCT FROM ''apple3'''),
	('length(name) > 7'), ('left(name, 2) = ''ap'' OR substr(name, 2, 1) = ''h'''), ('coalesce(name, ''z'') > ''x'''), ('name > ''b'' COLLATE "POSIX"'),
	('CASE WHEN name IS NULL THEN true WHEN name LIKE ''a%'' THEN false END'),
	('n % 7 = 3'), ('NOT n % 7 = -3'), ('flags & 5 = 4'), ('4 & flags <> 0 AND n > 3'), ('(flags | 1) IN (3, 7) OR name LIKE ''a%'''), ('nullif(n, 3) IS NULL'),
	('extract(month FROM day) = 2'), ('date_part(''hour'', at) > 20'), ('at::date = ''2024-01-05'''), ('cardinality(tags) = 2 AND tags <@ ''{t0,t1}'''),
	('''t1'' < ANY (tags)'), ('tags[1] = ''t1'''), ('name LIKE (SELECT ''ap%'') AND n % (SELECT 3) = 1'), ('name LIKE NULL OR n % 5 = 1');
SELECT c AS condition, r.* FROM conditions, compare(c) r WHERE r <> ROW(true, false);
-- sealed; with rows growing besides; dead rows
INSERT INTO conditions VALUES ('unlike % 50 = 3');
SELECT c AS condition, r.* FROM conditions, compare(c) r WHERE r <> ROW(true, false);
SELECT fill(401, 500);
DELETE FROM w WHERE id % 6 = 0 OR n = 0;
SELECT c AS condition, r.* FROM conditions, compare(c) r WHERE r <> ROW(true, false);
-- too many values: the executor evaluates the condition
SELECT fill(501, 3000);
SELECT vector_seal('w_v');
SELECT c AS condition, r.* FROM conditions, compare(c) r WHERE r <> ROW(true, false);
SELECT fill(3001, 4500);
SELECT c AS condition, r.* FROM conditions, compare(c) r WHERE r <> ROW(true, false);

-- no function is called with a value that the query might not see, if that could raise an error
CREATE FUNCTION careful(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 100 / $1; END';
DELETE FROM w WHERE n = 0 OR name ~ '^a.*1';
SELECT r.* FROM compare('careful(n) > 8') r;
SELECT r.* FROM compare('100 / n > 8') r;
SELECT r.* FROM compare($$name LIKE 'a%1\'$$) r;
SELECT r.* FROM compare($$name LIKE 'a%' OR name LIKE ANY ('{"b_n4\\"}')$$) r;
-- errors that are due to a constant
SELECT count(*) FROM (SELECT FROM w WHERE n % (SELECT 0) = 1 ORDER BY v <-> '[1,1]' LIMIT 3) s;
SELECT count(*) FROM (SELECT FROM w WHERE n = 1000 AND n % (SELECT 0) = 1 ORDER BY v <-> '[1,1]' LIMIT 3) s;
SELECT count(*) FROM (SELECT FROM w WHERE (SELECT false) AND n % (SELECT 0) = 1 ORDER BY v <-> '[1,1]' LIMIT 3) s;
-- prepared, with parameters; in LATERAL
SET enable_seqscan = off;
PREPARE p(text) AS SELECT count(*), max(lower(name)) FROM (SELECT name FROM w WHERE name ILIKE $1 ORDER BY v <-> '[1,1]' LIMIT 50) s;
SET plan_cache_mode = force_generic_plan;
EXECUTE p('apri%');
EXECUTE p(NULL);
EXECUTE p('\');
SELECT x, s.n FROM unnest(ARRAY['Apri', 'Ch', NULL, 'Q']) x, LATERAL (SELECT count(*) AS n FROM (SELECT FROM w WHERE starts_with(lower(name), lower(x)) ORDER BY v <-> '[1,1]' LIMIT 40) s) s;
-- equal values that are not the same are not stored each
CREATE TABLE same (id int, v vector(2), x numeric, b bpchar);
INSERT INTO same SELECT i, ARRAY[i, 1], (ARRAY['1.0', '1.00', '2'])[i % 3 + 1]::numeric, (ARRAY['a', 'a  ', 'b'])[i % 3 + 1] FROM generate_series(1, 200) i;
CREATE INDEX ON same USING hnsw (v vector_l2_ops, x, b);
VACUUM same;
SELECT count(*), min(id) FROM (SELECT id FROM same WHERE x::text = '1.00' ORDER BY v <-> '[1,1]' LIMIT 100) s;
SELECT count(*), min(id) FROM (SELECT id FROM same WHERE b LIKE 'a ' || '%' ORDER BY v <-> '[1,1]' LIMIT 100) s;
SELECT octet_length(b), count(*) FROM (SELECT b FROM same WHERE b = 'a' ORDER BY v <-> '[1,1]' LIMIT 1000) s GROUP BY 1 ORDER BY 1;
-- behind a policy only leakproof functions are called in the index
ALTER TABLE w ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON w USING (n < 3);
CREATE ROLE tests_reader;
GRANT SELECT ON w TO tests_reader;
SET ROLE tests_reader;
SELECT r.* FROM compare('name LIKE ''ap%''') r;
SELECT r.* FROM compare('starts_with(name, ''ch'')') r;
RESET ROLE;
-- another index answers what a search of the values is not expected to
SET enable_sort = off;
CREATE INDEX ON w (lower(name));
CREATE INDEX ON w ((unlike % 90));
ANALYZE w;
EXPLAIN (COSTS OFF) SELECT id FROM w WHERE lower(name) = 'apple3' ORDER BY v <-> '[1,1]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM w WHERE unlike % 90 = 3 ORDER BY v <-> '[1,1]' LIMIT 3;
DROP TABLE w, conditions, same;
DROP FUNCTION fill, compare, careful;
DROP ROLE tests_reader;
