-- Made from docs/indexes.md by test/docs/extract.py: change that document, not this file.

-- 1. Indexes
CREATE TABLE items (id bigint PRIMARY KEY, category int, embedding vector(3));
INSERT INTO items SELECT n, n % 10, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 5000) n;
CREATE INDEX items_embedding ON items USING hnsw (embedding vector_l2_ops);
SELECT id FROM items ORDER BY embedding <-> '[4,4,4]' LIMIT 1;

-- 2. Lists: ivf and ivfflat
CREATE TABLE photos (id bigint PRIMARY KEY, embedding vector(3));
INSERT INTO photos SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 5000) n;
CREATE INDEX photos_embedding ON photos USING ivf (embedding vector_l2_ops);
SELECT id FROM photos ORDER BY embedding <-> '[4,4,4]' LIMIT 1;
DROP INDEX photos_embedding;
CREATE INDEX photos_embedding ON photos USING ivfflat (embedding vector_l2_ops) WITH (lists = 50);
SET ivfflat.probes = 10;
SELECT id FROM photos ORDER BY embedding <-> '[4,4,4]' LIMIT 1;
RESET ivfflat.probes;

-- 3. Lists: ivf and ivfflat
CREATE INDEX photos_codes ON photos USING ivf (embedding vector_l2_ops)
    WITH (lists = 50, quantizer = sq8, refine = none);
SET ivf.refine_k = 20;
SELECT count(*) FROM (SELECT id FROM photos ORDER BY embedding <-> '[3,1,2]' LIMIT 10) found;
RESET ivf.refine_k;

-- 4. Lists: ivf and ivfflat
SET enable_seqscan = off;
SET ivfflat.iterative_scan = relaxed_order;
SELECT count(*) FROM
    (SELECT id FROM photos WHERE id % 100 = 3 ORDER BY embedding <-> '[3,1,2]' LIMIT 50) found;
RESET ivfflat.iterative_scan;
RESET enable_seqscan;
DROP TABLE photos;

-- 5. Searching a graph
SET hnsw.ef_search = 100;
SELECT count(*) FROM (SELECT id FROM items ORDER BY embedding <-> '[3,1,2]' LIMIT 100) found;
RESET hnsw.ef_search;

-- 6. Searching a graph
SET enable_seqscan = off;
SET hnsw.iterative_scan = strict_order;
SELECT count(*) FROM
    (SELECT id FROM items WHERE category = 3 ORDER BY embedding <-> '[3,1,2]' LIMIT 50) found;
RESET hnsw.iterative_scan;
RESET enable_seqscan;

-- 7. Searching a graph
SET enable_seqscan = off;
SET hnsw.iterative_scan = strict_order;
SELECT count(*) FROM
    (SELECT id FROM items WHERE embedding <-> '[3,1,2]' < 4 ORDER BY embedding <-> '[3,1,2]') found;
RESET hnsw.iterative_scan;
RESET enable_seqscan;

-- 8. Recall
CREATE TABLE probes AS SELECT id, embedding FROM items WHERE id % 500 = 0;
CREATE FUNCTION nearest(probe vector) RETURNS SETOF float8 LANGUAGE sql AS
    'SELECT embedding <-> probe FROM items ORDER BY embedding <-> probe LIMIT 10';
SET enable_indexscan = off;
CREATE TABLE truth AS SELECT id, max(d) AS farthest FROM probes, nearest(embedding) d GROUP BY id;
RESET enable_indexscan;
SET enable_seqscan = off;
SELECT avg((d <= farthest)::int) > 0.9 AS good
    FROM probes JOIN truth USING (id), nearest(embedding) d;
RESET enable_seqscan;
DROP FUNCTION nearest;

-- 9. Inserting, deleting, VACUUM
INSERT INTO items SELECT n, n % 10, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(5001, 5100) n;
SELECT kind, rows, dead FROM vector_segments WHERE index = 'items_embedding'::regclass ORDER BY segment;
SELECT vector_seal('items_embedding');
SELECT kind, rows FROM vector_segments WHERE index = 'items_embedding'::regclass AND rows > 0;
SELECT vector_index_check('items_embedding');
DROP TABLE items, probes, truth;
