-- rare cases: a file that TRUNCATE makes again, functions of a table's owner, distances that are NaN
SET enable_seqscan = off;
CREATE FUNCTION place(id bigint) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	$$SELECT array_agg((hashint8extended(id, d) & 1023)::real)::vector FROM generate_series(1, 32) d$$;

-- an index that is made again in the same file
BEGIN;
CREATE TABLE truncated (id int, v vector(32));
CREATE INDEX truncated_v ON truncated USING hnsw (v vector_l2_ops);
INSERT INTO truncated SELECT n, place(n) FROM generate_series(1, 10) n;
TRUNCATE truncated;
INSERT INTO truncated SELECT n, place(n) FROM generate_series(1, 2000) n;
COMMIT;
\c -
SET enable_seqscan = off;
SELECT count(*) >= 95 AS found FROM generate_series(1, 2000, 20) q
	WHERE q = (SELECT id FROM truncated ORDER BY v <-> place(q) LIMIT 1);
DROP TABLE truncated;

CREATE TEMPORARY TABLE emptied (id int, v vector(32)) ON COMMIT DELETE ROWS;
CREATE INDEX emptied_v ON emptied USING hnsw (v vector_l2_ops) WITH (seal_rows = 500);
BEGIN;
INSERT INTO emptied SELECT n, place(n) FROM generate_series(1, 10) n;
SELECT id FROM emptied ORDER BY v <-> place(7) LIMIT 1;
COMMIT;
BEGIN;
INSERT INTO emptied SELECT n, place(n) FROM generate_series(1, 2000) n;
SELECT count(*) >= 95 AS found FROM generate_series(1, 2000, 20) q
	WHERE q = (SELECT id FROM emptied ORDER BY v <-> place(q) LIMIT 1);
SELECT vector_index_check('emptied_v');
COMMIT;
DROP TABLE emptied;

-- a check requires the right to maintain the index, and runs the owner's functions with the owner's rights
CREATE ROLE regress_vector_owner;
CREATE ROLE regress_vector_other;
CREATE SCHEMA regress_vector AUTHORIZATION regress_vector_owner;
SET ROLE regress_vector_owner;
SET search_path = regress_vector, public;
CREATE TABLE calls (v vector(3));
CREATE FUNCTION whose(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS
	$$BEGIN RAISE NOTICE 'called as %', current_user; RETURN v; END$$;
CREATE INDEX calls_v ON calls USING hnsw ((whose(v)::vector(3)) vector_l2_ops);
INSERT INTO calls VALUES ('[1,2,3]');
GRANT USAGE ON SCHEMA regress_vector TO regress_vector_other;
SET ROLE regress_vector_other;
SELECT vector_index_check('regress_vector.calls_v');
RESET ROLE;
SELECT current_user = session_user AS myself, vector_index_check('regress_vector.calls_v');
SELECT current_user = session_user AS still;
RESET search_path;
DROP SCHEMA regress_vector CASCADE;
DROP ROLE regress_vector_owner, regress_vector_other;

-- an index that is not valid
CREATE TABLE unready (v vector(2));
CREATE INDEX unready_v ON unready USING hnsw (v vector_l2_ops);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'unready_v'::regclass;
SELECT vector_index_check('unready_v');
DROP TABLE unready;

-- rows whose distance is NaN come once, at the end
CREATE TABLE numbers (id int, v vector(2));
INSERT INTO numbers VALUES (1, '[1,2]'), (2, '[3e38,-3e38]'), (3, '[2,2]');
INSERT INTO numbers SELECT n, '[3e38,-3e38]' FROM generate_series(4, 100) n;
CREATE INDEX numbers_v ON numbers USING ivfflat (v vector_ip_ops) WITH (lists = 1);
SELECT count(*), count(DISTINCT id) FROM
	(SELECT id FROM numbers ORDER BY v <#> '[3e38,3e38]' LIMIT 200) found;
SELECT id FROM numbers ORDER BY v <#> '[3e38,3e38]' LIMIT 2;
DROP INDEX numbers_v;
CREATE INDEX numbers_v ON numbers USING ivf (v vector_ip_ops) WITH (lists = 1);
SELECT count(*), count(DISTINCT id) FROM
	(SELECT id FROM numbers ORDER BY v <#> '[3e38,3e38]' LIMIT 200) found;
DROP TABLE numbers;

-- VACUUM counts the rows of a partial index
CREATE TABLE partial (id int, v vector(32));
INSERT INTO partial SELECT n, place(n) FROM generate_series(1, 1000) n;
CREATE INDEX partial_v ON partial USING hnsw (v vector_l2_ops) WHERE id <= 10;
INSERT INTO partial SELECT n, place(n) FROM generate_series(6, 15) n;
VACUUM partial;
SELECT reltuples FROM pg_class WHERE relname = 'partial_v';
DROP TABLE partial;

-- the few rows of a partial index, next to each other in a large table, suffice for its lists
CREATE TABLE few (id int, filler text, v vector(32));
INSERT INTO few SELECT n, repeat('x', 1000), place(n % 500) FROM generate_series(1, 20000) n;
CREATE INDEX few_v ON few USING ivfflat (v vector_l2_ops) WITH (lists = 20) WHERE id BETWEEN 10001 AND 10200;
CREATE INDEX few_i ON few USING ivf (v vector_l2_ops) WHERE id BETWEEN 10001 AND 10200;
SELECT relname, (SELECT sum(rows) FROM vector_index_segments(oid) WHERE kind = 'sealed') FROM pg_class
	WHERE relname IN ('few_v', 'few_i') ORDER BY 1;
DROP TABLE few;
DROP FUNCTION place;

-- a query of other dimensions: no row from an empty index, an error from one with rows
CREATE TEMP TABLE lengths (v vector(3), h halfvec(3), s sparsevec(3), b bit(3));
CREATE INDEX lengths_v ON lengths USING hnsw (v vector_l2_ops);
CREATE INDEX lengths_h ON lengths USING ivfflat (h halfvec_l2_ops) WITH (lists = 2);
CREATE INDEX lengths_s ON lengths USING hnsw (s sparsevec_l2_ops);
CREATE INDEX lengths_b ON lengths USING ivf (b bit_hamming_ops);
SET enable_seqscan = off;
SELECT v FROM lengths ORDER BY v <-> '[1,2]' LIMIT 1;
SELECT h FROM lengths ORDER BY h <-> '[1,2]' LIMIT 1;
SELECT s FROM lengths ORDER BY s <-> '{1:1}/2' LIMIT 1;
SELECT b FROM lengths ORDER BY b <~> '11' LIMIT 1;
INSERT INTO lengths VALUES ('[1,2,3]', '[1,2,3]', '{1:1}/3', '111');
SELECT v FROM lengths ORDER BY v <-> '[1,2]' LIMIT 1;
SELECT h FROM lengths ORDER BY h <-> '[1,2]' LIMIT 1;
SELECT s FROM lengths ORDER BY s <-> '{1:1}/2' LIMIT 1;
SELECT b FROM lengths ORDER BY b <~> '11' LIMIT 1;
DELETE FROM lengths;
VACUUM lengths;
SELECT v FROM lengths ORDER BY v <-> '[1,2]' LIMIT 1;
SELECT b FROM lengths ORDER BY b <~> '11' LIMIT 1;
DROP TABLE lengths;
RESET enable_seqscan;
