-- Made from docs/filtering.md by test/docs/extract.py: change that document, not this file.

-- 1. Filtering
CREATE TABLE doc (id bigint PRIMARY KEY, tenant int, written date, tags text[], body text, embedding vector(3));
INSERT INTO doc SELECT n, n % 100, date '2024-01-01' + n % 300, ARRAY['t' || n % 7, 't' || n % 40], md5(n::text),
    ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 5000) n;
CREATE INDEX doc_embedding ON doc USING hnsw (embedding vector_l2_ops, tenant, written);
CREATE INDEX doc_tags ON doc USING gin (tags);
ANALYZE doc;
EXPLAIN (COSTS OFF)
SELECT id FROM doc WHERE tenant = 42 AND written >= '2024-03-01' ORDER BY embedding <-> '[4,4,4]' LIMIT 3;
SELECT id FROM doc WHERE tenant = 42 AND written >= '2024-03-01' ORDER BY embedding <-> '[4,4,4]' LIMIT 3;
SELECT id FROM doc WHERE tags @> '{t1,t31}' ORDER BY embedding <-> '[4,4,4]' LIMIT 3;
SELECT id FROM doc WHERE body LIKE '%ab%' ORDER BY embedding <-> '[4,4,4]' LIMIT 3;

-- 2. What it costs
DROP TABLE doc;
