-- vector_knn_join: the answer is that of a search for each query over a sequential scan
CREATE TABLE knn_rows (id int, v vector(20));
CREATE TABLE knn_queries (id int, v vector(20));
-- near and far rows, equal ones, zeros, elements whose squares are lost or overflow, and nulls
SELECT setseed(0.3);
INSERT INTO knn_rows SELECT i, ARRAY(SELECT 100 + random() * CASE WHEN i % 3 = 0 THEN 0.001 ELSE 20 END FROM generate_series(1, 20) j WHERE i > 0)::vector
	FROM generate_series(1, 1000) i;
INSERT INTO knn_rows SELECT 3000 + i, v FROM knn_rows, generate_series(1, 5) i WHERE id % 50 = 7;
INSERT INTO knn_rows SELECT 4000 + i, array_fill(x, '{20}')::vector FROM unnest('{0,0,1e-30,1e-22,3e19,-3e19,1e30,-1,1e-10}'::float4[]) WITH ORDINALITY u (x, i);
INSERT INTO knn_rows SELECT 5000 + i, NULL FROM generate_series(1, 3) i;
INSERT INTO knn_queries SELECT id % 3000, v FROM knn_rows WHERE id % 24 < 2 OR id > 4000;
-- the queries, and among them those whose distances are not those of a search, or are not of the row
CREATE FUNCTION knn_compare(vector_type text, operator text, k int, OUT queries int, OUT wrong int) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($q$
		SELECT count(*), count(*) FILTER (WHERE joined.distances IS DISTINCT FROM searched.distances OR NOT joined.true_ones)
		FROM (SELECT ctid AS place, v::%1$s FROM knn_queries) q LEFT JOIN LATERAL (
			SELECT array_agg(d) AS distances
			FROM (SELECT r.v::%1$s OPERATOR(public.%2$s) q.v AS d FROM knn_rows r ORDER BY 1 LIMIT %3$s) s) searched ON true
		LEFT JOIN (
			SELECT j.query, array_agg(j.distance ORDER BY j.distance) AS distances,
				bool_and(j.distance IS NOT DISTINCT FROM r.v::%1$s OPERATOR(public.%2$s) q.v::%1$s) AS true_ones
			FROM vector_knn_join('SELECT ctid, v::%1$s FROM knn_queries', 'SELECT ctid, v::%1$s FROM knn_rows', %3$s, '%2$s')
				AS j (query tid, item tid, distance float8) JOIN knn_queries q ON q.ctid = j.query JOIN knn_rows r ON r.ctid = j.item
			GROUP BY j.query) joined ON joined.query = q.place $q$, vector_type, operator, k) INTO queries, wrong;
END $$;
SET enable_indexscan = off;
SELECT operator, k, c.* FROM unnest('{<->,<#>,<=>}'::text[]) operator, unnest('{1,10,200}'::int[]) k, knn_compare('vector', operator, k) c;
-- the same by many blocks of both sides
SET work_mem = '64kB';
SELECT operator, c.* FROM unnest('{<->,<#>,<=>}'::text[]) operator, knn_compare('vector', operator, 10) c;
RESET work_mem;
-- k is more than all rows: those whose distance is no number or null come last
SELECT c.* FROM knn_compare('vector', '<=>', 5000) c;
-- the other types, without what they do not have
DELETE FROM knn_rows WHERE id IN (4005, 4006, 4007);
DELETE FROM knn_queries WHERE id IN (1005, 1006, 1007);
SELECT type, operator, c.* FROM unnest('{halfvec,bf16vec}'::text[]) type, unnest('{<->,<#>,<=>}'::text[]) operator, knn_compare(type, operator, 10) c;
UPDATE knn_rows SET v = (SELECT array_agg(x - 100) FROM unnest(v::float4[]) x)::vector WHERE id <= 3500;
UPDATE knn_queries SET v = (SELECT array_agg(x - 100) FROM unnest(v::float4[]) x)::vector WHERE id <= 1000;
SELECT type, operator, c.* FROM unnest('{vector,int8vec}'::text[]) type, unnest('{<->,<#>,<=>}'::text[]) operator, knn_compare(type, operator, 10) c;
RESET enable_indexscan;

-- order, ties and keys: queries in their order, rows by distance, of equally near ones the first; keys are of any type, or null
CREATE TABLE knn_words (word text, v vector);
INSERT INTO knn_words VALUES ('b', '[0,1]'), (repeat('a', 3000), '[0,1]'), (NULL, '[0,3]'), ('none', NULL), ('c', '[9,9]');
SELECT query, left(word, 5) AS word, length(word), distance
FROM vector_knn_join('VALUES (2.5, ''[0,0]''::vector), (1.5, ''[9,8]''), (NULL, ''[1,1]''), (0, NULL)', 'TABLE knn_words', 3)
	AS j (query numeric, word text, distance float8);
SELECT DISTINCT ON (query) query, word FROM vector_knn_join('SELECT 1, ''[0,4]''::vector', 'SELECT word, v FROM knn_words WHERE word > ''b''')
	AS j (query int, word text, distance float8) ORDER BY query, distance;
-- keys of rows that were among the nearest for a while do not take memory for ever
SET work_mem = '64kB';
SELECT count(*), min(length(word)), max(length(word)), bool_and(left(word, 4)::int = 1001 - rank)
FROM (SELECT *, row_number() OVER (ORDER BY distance) AS rank
	FROM vector_knn_join('SELECT 1, ''[0]''::vector', 'SELECT to_char(n, ''FM0000'') || repeat(''x'', 4000), ARRAY[1000 - n]::vector FROM generate_series(1, 1000) n')
		AS j (query int, word text, distance float8)) s;
RESET work_mem;
-- no queries, no rows
SELECT * FROM vector_knn_join('SELECT 1, ''[0,0]''::vector WHERE false', 'TABLE knn_words') AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join('SELECT 1, ''[0,0]''::vector', 'SELECT * FROM knn_words WHERE false') AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join(NULL, 'TABLE knn_words') AS j (query int, word text, distance float8);
-- numbers of dimensions may differ among queries, not between a query and a row
SELECT * FROM vector_knn_join('VALUES (1, ''[0,0]''::vector), (2, ''[0,0,0]'')', 'TABLE knn_words', 1) AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join('VALUES (1, ''[0,0]''::vector), (2, ''[0,0,0]'')', 'SELECT * FROM knn_words WHERE v IS NULL', 1)
	AS j (query int, word text, distance float8);

-- a part of the nearest rows: every row comes with its distance, each query gets k, and few of the nearest are missed
CREATE TABLE knn_items (id int, word text, v vector(24));
CREATE TABLE knn_asked (id int, v vector(24));
INSERT INTO knn_items SELECT i, CASE WHEN i % 7 > 0 THEN 'item ' || i END, ARRAY(SELECT sin(i % 60 * j) + 0.6 * random() FROM generate_series(1, 24) j WHERE i > 0)::vector
	FROM generate_series(1, 4000) i;
INSERT INTO knn_asked SELECT i, ARRAY(SELECT sin(i % 60 * j) + 0.6 * random() FROM generate_series(1, 24) j WHERE i > 0)::vector FROM generate_series(1, 1500) i;
-- zeros, rows that are equal, and nulls on both sides
INSERT INTO knn_items SELECT 5000 + i, 'zero', array_fill(0, '{24}')::vector FROM generate_series(1, 30) i;
INSERT INTO knn_items SELECT 6000 + i, 'same', v FROM knn_items, generate_series(1, 4) i WHERE id = 11;
INSERT INTO knn_items SELECT 7000 + i, 'none ' || i, NULL FROM generate_series(1, 3) i;
INSERT INTO knn_asked VALUES (5001, array_fill(0, '{24}')::vector), (5002, NULL), (5003, NULL);
-- queries, those that did not get k different rows, rows with another distance than theirs, whether enough of the nearest were found, and whether any was missed
CREATE FUNCTION knn_found(vector_type text, operator text, k int, recall float8, OUT queries int, OUT short int, OUT untrue int, OUT enough bool, OUT missed bool)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($q$
		WITH joined AS (
			SELECT j.*, i.v::%1$s OPERATOR(public.%2$s) q.v::%1$s AS true_one
			FROM vector_knn_join('SELECT id, v::%1$s FROM knn_asked', 'SELECT ctid, v::%1$s FROM knn_items', %3$s, '%2$s', %4$s)
				AS j (query int, item tid, distance float8) JOIN knn_asked q ON q.id = j.query JOIN knn_items i ON i.ctid = j.item),
		exact AS (
			SELECT query, max(distance) AS last
			FROM vector_knn_join('SELECT id, v::%1$s FROM knn_asked', 'SELECT id, v::%1$s FROM knn_items', %3$s, '%2$s')
				AS j (query int, item int, distance float8) GROUP BY query),
		counts AS (
			SELECT query, count(DISTINCT item) AS rows, count(*) FILTER (WHERE distance IS DISTINCT FROM true_one) AS untrue,
				count(*) FILTER (WHERE last IS NULL OR distance <= last) AS found
			FROM joined JOIN exact USING (query) GROUP BY query)
		SELECT count(*), count(*) FILTER (WHERE rows <> %3$s), sum(untrue), avg(found) > (%4$s - 0.05) * %3$s, avg(found) < %3$s FROM counts
		$q$, vector_type, operator, k, recall) INTO queries, short, untrue, enough, missed;
END $$;
SELECT operator, recall, f.* FROM unnest('{<->,<#>,<=>}'::text[]) operator, unnest('{0.5,0.8}'::float8[]) recall, knn_found('vector', operator, 10, recall) f;
SELECT f.queries, f.short, f.untrue, f.enough FROM knn_found('vector', '<->', 10, 0.98) f;
SELECT type, f.* FROM unnest('{halfvec,bf16vec}'::text[]) type, knn_found(type, '<->', 10, 0.8) f;
SELECT f.* FROM knn_found('vector', '<->', 1, 0.8) f;
-- k is more than the lists that are searched have, and more than all rows
SELECT f.* FROM knn_found('vector', '<->', 500, 0.5) f;
SELECT f.queries, f.untrue FROM knn_found('vector', '<->', 4100, 0.5) f;
-- by little memory: many blocks of both sides; where there is too little for lists, the answer is exact
SET work_mem = '64kB';
SET maintenance_work_mem = '1MB';
SELECT f.* FROM knn_found('vector', '<->', 10, 0.8) f;
SELECT f.* FROM knn_found('vector', '<->', 200, 0.8) f;
SELECT count(*), sum(few.distance - exact.distance)
FROM vector_knn_join('SELECT id, v || v || v || v || v || v || v || v || v || v || v || v FROM knn_asked WHERE v IS NOT NULL',
		'SELECT id, v || v || v || v || v || v || v || v || v || v || v || v FROM knn_items WHERE id <= 1000', 1, '<->', 0.01) AS few (query int, item int, distance float8)
	JOIN vector_knn_join('SELECT id, v || v || v || v || v || v || v || v || v || v || v || v FROM knn_asked',
		'SELECT id, v || v || v || v || v || v || v || v || v || v || v || v FROM knn_items WHERE id <= 1000', 1) AS exact (query int, item int, distance float8) USING (query);
RESET work_mem;
RESET maintenance_work_mem;
-- where all of the nearest are asked for, or there are few queries or rows, nothing is missed
SELECT f.* FROM knn_found('vector', '<->', 10, 1) f;
SELECT bool_and(few.distance = search.distance)
FROM vector_knn_join('SELECT id, v FROM knn_asked WHERE id <= 5', 'SELECT id, v FROM knn_items', 1, '<->', 0.01) AS few (query int, item int, distance float8),
	LATERAL (SELECT i.v <-> q.v AS distance FROM knn_items i, knn_asked q WHERE q.id = few.query ORDER BY 1 LIMIT 1) search;
-- keys may be null or of any type, and rows without a vector come last; so they do for queries without one
SELECT query, count(*), count(word) FROM vector_knn_join('SELECT id, v FROM knn_asked', 'SELECT word, v FROM knn_items WHERE id IN (7001, 7002) OR id <= 1000', 1002, '<->', 0.5)
	AS j (query int, word text, distance float8) WHERE distance IS NULL AND query IN (1, 5002) GROUP BY query ORDER BY query;
SELECT min(n), max(n), count(*), bool_and(words) FROM (
	SELECT count(*) AS n, bool_and(word IS NULL OR word ~ '^(item|zero|same)') AS words
	FROM vector_knn_join('SELECT id, v FROM knn_asked WHERE v IS NOT NULL', 'SELECT word, v FROM knn_items', 5, '<=>', 0.9)
		AS j (query int, word text, distance float8) GROUP BY query) s;
SELECT * FROM vector_knn_join('SELECT id, v FROM knn_asked', 'SELECT id, subvector(v, 1, 10) FROM knn_items', 5, '<->', 0.9) AS j (query int, item int, distance float8);
SELECT * FROM vector_knn_join('SELECT 1, ''[0,0]''::vector', 'TABLE knn_words', 1, '<->', 0) AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join('SELECT 1, ''[0,0]''::vector', 'TABLE knn_words', 1, '<->', 'NaN') AS j (query int, word text, distance float8);

-- what is refused
SELECT * FROM vector_knn_join('SELECT 1, ''[0,0]''::vector', 'TABLE knn_words', 0) AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join('SELECT 1, ''[0,0]''::vector', 'TABLE knn_words', 10, '<+>') AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join('SELECT ''[0,0]''::vector', 'TABLE knn_words') AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join('SELECT 1, ARRAY[0, 0]', 'TABLE knn_words') AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join('SELECT 1, ''[0,0]''::halfvec', 'TABLE knn_words') AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join('SELECT 1, ''[0,0]''::vector', 'TABLE knn_words') AS j (query bigint, word text, distance float8);
SELECT * FROM vector_knn_join('SELECT 1, ''[0,0]''::vector', 'SELECT 1; SELECT 2') AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join('SELECT 1, ''[0,0]''::vector', 'DELETE FROM knn_words RETURNING *') AS j (query int, word text, distance float8);
SELECT vector_knn_join('SELECT 1, ''[0,0]''::vector', 'TABLE knn_words');

-- the statements are the caller's: privileges and policies
CREATE ROLE regress_knn_reader;
GRANT SELECT ON knn_words TO regress_knn_reader;
CREATE POLICY knn_short ON knn_words USING (length(word) = 1);
ALTER TABLE knn_words ENABLE ROW LEVEL SECURITY;
SET ROLE regress_knn_reader;
SELECT * FROM vector_knn_join('SELECT 1, ''[0,0]''::vector', 'TABLE knn_words') AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join('TABLE knn_queries', 'TABLE knn_words') AS j (query int, word text, distance float8);
SELECT * FROM vector_knn_join('TABLE knn_asked', 'TABLE knn_words', 10, '<->', 0.9) AS j (query int, word text, distance float8);
RESET ROLE;
-- by lists too
GRANT SELECT ON knn_asked, knn_items TO regress_knn_reader;
CREATE POLICY knn_even ON knn_items USING (id % 2 = 0);
ALTER TABLE knn_items ENABLE ROW LEVEL SECURITY;
SET ROLE regress_knn_reader;
SELECT count(*), count(*) FILTER (WHERE item % 2 = 1) AS odd
FROM vector_knn_join('TABLE knn_asked', 'SELECT id, v FROM knn_items', 10, '<->', 0.9) AS j (query int, item int, distance float8);
RESET ROLE;
DROP TABLE knn_words, knn_rows, knn_queries, knn_items, knn_asked;
DROP FUNCTION knn_compare, knn_found;
DROP ROLE regress_knn_reader;
