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

-- 2. Statistics
CREATE TABLE memo (id int, embedding vector(3));
CREATE INDEX memo_embedding ON memo USING hnsw (embedding vector_l2_ops);
INSERT INTO memo SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 500) n;
SET enable_seqscan = off;
SELECT id FROM memo ORDER BY embedding <-> '[1,2,3]' LIMIT 1;
SELECT scans, rounds, reads, distances, rows_inserted, growing_rows FROM vector_stat_indexes() WHERE index = 'memo_embedding'::regclass;

-- 3. Slow searches
SELECT line FROM vector_explain('SELECT id FROM memo ORDER BY embedding <-> ''[1,2,3]'' LIMIT 1') line WHERE line ~ '^(Searches|  (Hops|Walks))';
RESET enable_seqscan;
DROP TABLE memo;

-- 4. Looking into a segment
CREATE TABLE clips (id int, embedding vector(64));
INSERT INTO clips SELECT n, (SELECT array_agg(sin(n * d)) FROM generate_series(1, 64) d) FROM generate_series(1, 300) n;
CREATE INDEX clips_embedding ON clips USING hnsw (embedding vector_l2_ops);
SELECT property, item, value FROM vector_inspect('clips_embedding', 1)
WHERE property IN ('rows', 'nodes', 'bytes of a node', 'coded dimensions', 'entries');
SELECT sum(item * value) / sum(value) > 8 AS well_connected FROM vector_inspect('clips_embedding', 1) WHERE property ~ 'neighbours';
SELECT vector_index_check('clips_embedding', 1);
DROP TABLE clips;

-- 5. A page
CREATE TABLE places (id int, embedding vector(2));
INSERT INTO places SELECT n, ARRAY[n % 3 * 10, n % 7] FROM generate_series(1, 210) n;
CREATE INDEX places_embedding ON places USING hnsw (embedding vector_l2_ops);
SELECT kind, count(*), round(min(distance)::numeric, 2) AS nearest, round(max(distance)::numeric, 2) AS farthest
FROM vector_picture('places_embedding', '[10,8]', k => 20) GROUP BY kind ORDER BY kind;
DROP TABLE places;
