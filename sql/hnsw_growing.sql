-- a growing segment has room for a block of rows, each further one for as many as all before it
SET enable_seqscan = off;
CREATE FUNCTION growing_vector(id int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE RETURN
	(SELECT array_agg((hashint8extended(id, d) & 1023)::real ORDER BY d)::vector FROM generate_series(1, dims) d);
-- blocks of an index with its first row: the directory, then the segment's header, its slots, and a vector
CREATE FUNCTION growing_blocks(type text, class text, value text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TEMP TABLE first (v %s)', type);
	EXECUTE format('CREATE INDEX first_v ON first USING hnsw (v %s)', class);
	EXECUTE format('INSERT INTO first VALUES (%L)', value);
	RETURN (SELECT pg_relation_size('first_v') / current_setting('block_size')::int);
END $$;
SELECT growing_blocks('vector(2)', 'vector_l2_ops', '[1,2]');
DROP TABLE first;
SELECT growing_blocks('vector(384)', 'vector_cosine_ops', growing_vector(1, 384)::text);
DROP TABLE first;
SELECT growing_blocks('vector(1536)', 'vector_ip_ops', growing_vector(1, 1536)::text);
DROP TABLE first;
SELECT growing_blocks('halfvec(768)', 'halfvec_l1_ops', growing_vector(1, 768)::text);
DROP TABLE first;
SELECT growing_blocks('sparsevec(10000)', 'sparsevec_l2_ops', '{1:1,77:2}/10000');
DROP TABLE first;
SELECT growing_blocks('bit(64)', 'bit_hamming_ops', repeat('10', 32));
DROP TABLE first;
-- a vector of 10,000 dimensions takes five blocks
SELECT growing_blocks('vector(10000)', 'vector_l2_ops', growing_vector(1, 10000)::text);
DROP TABLE first;
-- the rows take at most three times the pages of their vectors, in few segments, and each is found
CREATE TABLE items (id int, v vector(1536), s sparsevec(2000));
CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
CREATE INDEX items_s ON items USING hnsw (s sparsevec_l2_ops);
CREATE FUNCTION grow(n int) RETURNS TABLE (segments bigint, fits boolean, missed bigint, missed_sparse bigint) LANGUAGE plpgsql AS $$
BEGIN
	-- sparse vectors of one element and, after these, of many
	INSERT INTO items SELECT i, growing_vector(i, 1536),
		(SELECT ('{' || string_agg(d || ':' || i, ',') || '}/2000')::sparsevec FROM generate_series(1, CASE WHEN i % 10 = 9 THEN i * 10 ELSE 1 END) d)
		FROM generate_series((SELECT count(*)::int + 1 FROM items), n) i;
	RETURN QUERY SELECT (SELECT count(*) FROM vector_index_segments('items_v')),
		pg_relation_size('items_v') / current_setting('block_size')::int <= 3 * n + 12,
		(SELECT count(*) FROM items WHERE id <> (SELECT id FROM items i ORDER BY i.v <-> items.v LIMIT 1)),
		(SELECT count(*) FROM items WHERE id <> (SELECT id FROM items i ORDER BY i.s <-> items.s LIMIT 1));
END $$;
SELECT * FROM grow(1);
SELECT * FROM grow(2);
SELECT * FROM grow(9);
SELECT * FROM grow(70);
SELECT * FROM grow(199);
SELECT vector_index_check('items_v'), vector_index_check('items_s');
-- room for at most seal_rows in all before that many rows exist; a worker would seal some
SET vector.background_work = off;
CREATE INDEX items_small ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 32);
SET vector.background_work = off;
DELETE FROM items WHERE id > 10;
INSERT INTO items SELECT i, growing_vector(i, 1536) FROM generate_series(11, 50) i;
SELECT sum(rows) AS rows FROM vector_index_segments('items_small') WHERE kind = 'growing';
DROP TABLE items;
DROP FUNCTION grow, growing_blocks, growing_vector;
-- an index that keeps as many candidates as it has rows compares them all: bounds fail now and then
CREATE FUNCTION growing_place(c int, noise bool) RETURNS int8vec LANGUAGE sql AS $$
	SELECT array_agg(round(1 + c * 37 % 11 * ((d * 7 + c * 13) % 5) + CASE WHEN noise THEN random() * 20 ELSE 0 END)::real)::vector::int8vec
		FROM generate_series(1, 15) d $$;
CREATE TABLE items (v int8vec(15));
SELECT setseed(0.5);
INSERT INTO items SELECT growing_place(floor(random() * 8)::int, i % 10 > 0) FROM generate_series(1, 640) i;
CREATE INDEX items_v ON items USING hnsw (v int8vec_l2_ops) WITH (seal_rows = 64);
INSERT INTO items SELECT growing_place(floor(random() * 8)::int, i % 10 > 0) FROM generate_series(641, 696) i;
SELECT kind, rows FROM vector_index_segments('items_v') ORDER BY kind;
SET hnsw.ef_search = 1000;
WITH queries AS MATERIALIZED (SELECT growing_place(floor(random() * 8)::int, true) AS v FROM generate_series(1, 1000))
SELECT count(*), count(*) FILTER (WHERE found.d <> exact.d) AS wrong FROM queries,
	LATERAL (SELECT array_agg(d) AS d FROM (SELECT items.v <-> queries.v AS d FROM items ORDER BY items.v <-> queries.v LIMIT 100) f) found,
	LATERAL (SELECT array_agg(d) AS d FROM (SELECT items.v <-> queries.v AS d FROM items ORDER BY (items.v <-> queries.v) + 0 LIMIT 100) f) exact;
RESET hnsw.ef_search;
DROP TABLE items;
DROP FUNCTION growing_place;
RESET vector.background_work;

-- a merge of a segment all of whose vectors others have too leaves no file behind
CREATE TABLE aliases (id int, v vector(8), n int);
CREATE INDEX aliases_v ON aliases USING hnsw (v vector_l2_ops) WITH (seal_rows = 100);
SET vector.background_work = off;
INSERT INTO aliases SELECT i, ARRAY[sin(i), sin(2 * i), sin(3 * i), sin(5 * i), sin(7 * i), i, i % 7, 1]::vector FROM generate_series(1, 600) i;
SELECT vector_seal('aliases_v') > 0 AS sealed;
CREATE INDEX ON aliases (n);
UPDATE aliases SET n = 1 WHERE id <= 100;
SELECT vector_seal('aliases_v') > 0 AS sealed;
SELECT vector_merge('aliases_v') > 0 AS merged;
SELECT vector_index_check('aliases_v');
RESET vector.background_work;
DROP TABLE aliases;

-- sealed after every few rows: segments are merged before the directory is full
CREATE TABLE sealed_often (id int, v vector(2));
CREATE INDEX sealed_often_v ON sealed_often USING hnsw (v vector_l2_ops);
DO $$
BEGIN
	FOR i IN 1 .. 300 LOOP
		INSERT INTO sealed_often VALUES (i, ARRAY[i, i % 7]), (-i, ARRAY[-i, i % 5]);
		PERFORM vector_seal('sealed_often_v');
	END LOOP;
END $$;
SELECT count(*) < 80 AS merged, sum(rows) AS rows FROM vector_segments() WHERE index = 'sealed_often_v'::regclass AND kind = 'sealed';
SELECT vector_index_check('sealed_often_v');
DROP TABLE sealed_often;
