-- Made from docs/migrating.md by test/docs/extract.py: change that document, not this file.

-- 1. From pgvector in place
SELECT index, on_table, method, state, repair FROM vector_legacy_indexes();

-- 2. From pgvectorscale
DROP EXTENSION IF EXISTS vectorscale CASCADE;
SELECT vector_create_diskann();

-- 3. From pgvectorscale
BEGIN;
SELECT vector_drop_diskann();
ROLLBACK;

-- 4. From Milvus
CREATE TABLE book (id bigint PRIMARY KEY, shelf text NOT NULL, embedding vector(4) NOT NULL);
INSERT INTO book SELECT n, 's' || n % 5, ARRAY[n % 7, n % 11, n % 13, n % 17] FROM generate_series(1, 3000) n;
CREATE INDEX book_embedding ON book USING hnsw (embedding vector_l2_ops) WITH (m = 16, ef_construction = 200);

-- 5. Indexes
CREATE TABLE shelf AS SELECT * FROM book;
CREATE INDEX shelf_rabitq ON shelf USING ivf (embedding vector_l2_ops)
    WITH (lists = 20, quantizer = rabitq, bits = 4, refine = sq8);
DROP INDEX shelf_rabitq;
CREATE INDEX shelf_pq ON shelf USING ivf (embedding vector_l2_ops)
    WITH (lists = 20, quantizer = pq, pq_m = 2, refine = none);

-- 6. Search parameters
BEGIN;
SET LOCAL hnsw.ef_search = 100;
SELECT count(*) FROM (
    SELECT id FROM book
    WHERE shelf = 's3' AND embedding <-> '[3,3,3,3]' < 4 ORDER BY embedding <-> '[3,3,3,3]' LIMIT 20) found;
COMMIT;

-- 7. Search parameters
BEGIN;
SET LOCAL enable_seqscan = off;
SET LOCAL ivf.probes = 20;
SET LOCAL ivf.refine_k = 100;
SELECT round((embedding <-> '[3,3,3,3]')::numeric, 2) AS distance FROM shelf ORDER BY embedding <-> '[3,3,3,3]' LIMIT 3;
SET LOCAL enable_indexscan = off;
SELECT round((embedding <-> '[3,3,3,3]')::numeric, 2) AS distance FROM shelf ORDER BY embedding <-> '[3,3,3,3]' LIMIT 3;
COMMIT;
DROP TABLE book, shelf;
