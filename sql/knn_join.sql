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
RESET ROLE;
DROP TABLE knn_words, knn_rows, knn_queries;
DROP FUNCTION knn_compare;
DROP ROLE regress_knn_reader;
