-- Made from docs/recall.md by test/docs/extract.py: change that document, not this file.

-- 1. One call
CREATE TABLE photo (id int, place text, embedding vector(16));
INSERT INTO photo SELECT n, (ARRAY['sea', 'town', 'wood', 'hill'])[n % 4 + 1],
    (SELECT array_agg(sin(n * j) + cos(n % 40 * j)) FROM generate_series(1, 16) j)::vector
    FROM generate_series(1, 3000) n;
CREATE INDEX photo_embedding ON photo USING hnsw (embedding vector_l2_ops);
ANALYZE photo;
SELECT effort, recall > 0.9 AS good, recall_low <= recall AND recall <= recall_high AS within, index_ms > 0 AS timed, queries_used
FROM vector_recall('photo_embedding', samples => 50);

-- 2. Which setting
SELECT effort, recall >= 0.99 AS enough FROM vector_recall('photo_embedding', samples => 50, efforts => '{10, 400}')
WHERE effort LIKE '% 400';
ALTER ROLE CURRENT_USER SET hnsw.ef_search = 80;
ALTER ROLE CURRENT_USER RESET hnsw.ef_search;

-- 3. A recall that is held
SET vector.target_recall = 0.98;
ANALYZE photo;
SELECT k, max(recall) > 0.98 AS reached FROM vector_recall_curves('photo_embedding') GROUP BY k ORDER BY k;
SELECT effort, recall > 0.95 AS held FROM vector_recall('photo_embedding', samples => 50);
RESET vector.target_recall;

-- 4. With conditions
SELECT recall > 0.9 AS good FROM vector_recall('photo_embedding', samples => 50, filter => $$place = 'sea'$$);

-- 5. Real queries
CREATE TABLE asked (at timestamptz DEFAULT now(), embedding vector(16));
INSERT INTO asked (embedding) SELECT (SELECT array_agg(cos(n * j)) FROM generate_series(1, 16) j)::vector FROM generate_series(1, 20) n;
SELECT recall > 0.8 AS good, queries_used
FROM vector_recall('photo_embedding', queries => 'SELECT embedding FROM asked ORDER BY at DESC');

-- 6. Samples of queries
SET vector.sample_queries = 1;
SELECT count(*) FROM asked, LATERAL (SELECT id FROM photo ORDER BY embedding <-> asked.embedding LIMIT 5) AS found;
RESET vector.sample_queries;
SELECT recall > 0.8 AS good, queries_used, source FROM vector_recall('photo_embedding', k => 5, queries => 'samples');
SELECT count(*), min(vector_dims(query::vector)) AS dimensions, max(k) AS k, max(seen_at) > now() - interval '1 day' AS today
FROM vector_query_samples('photo_embedding');
SELECT vector_query_samples_reset('photo_embedding');
DROP TABLE asked, photo;

-- 7. Which index to build
CREATE TABLE sound (id int, embedding vector(16));
INSERT INTO sound SELECT n, (SELECT array_agg(sin(n * j) + cos(n % 40 * j)) FROM generate_series(1, 16) j)::vector FROM generate_series(1, 3000) n;
SELECT access_method, options, expected_recall >= 0.9 AS enough, index_bytes > 0 AS sized, memory_ms > 0 AS timed
FROM vector_advise('sound', 'embedding', recall => 0.9, sample_rows => 1000);

-- 8. Which index to build
SET client_min_messages = warning;
CALL vector_auto_index('sound', 'embedding', 0.9, operator => '<+>');
RESET client_min_messages;
SELECT indexrelid::regclass AS built, indisvalid FROM pg_index WHERE indrelid = 'sound'::regclass;
DROP TABLE sound;
