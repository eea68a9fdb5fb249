-- Made from docs/operations.md by test/docs/extract.py: change that document, not this file.

-- 1. By hand
CREATE TABLE items (id int, embedding vector(3));
CREATE INDEX items_embedding ON items USING hnsw (embedding vector_l2_ops);
INSERT INTO items SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 2000) n;
SELECT vector_seal('items_embedding') > 0 AS sealed;
INSERT INTO items SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(2001, 3000) n;
SELECT vector_seal('items_embedding') > 0 AS sealed;
SELECT vector_merge('items_embedding');
SELECT kind, rows, dead FROM vector_segments() WHERE index = 'items_embedding'::regclass AND rows IS NOT NULL;
SELECT state, phase FROM vector_jobs() WHERE index = 'items_embedding'::regclass;
DROP TABLE items;
