-- Made from docs/joins.md by test/docs/extract.py: change that document, not this file.

-- 1. The nearest rows of many queries
CREATE TABLE article (id int PRIMARY KEY, section text, embedding vector(32));
INSERT INTO article SELECT n, (ARRAY['news', 'sport', 'science'])[n % 3 + 1],
    ARRAY(SELECT sin(n * 7 % 251 * j) + (n % 500 = 0)::int * 0.0001 FROM generate_series(1, 32) j)::vector
    FROM generate_series(1, 2000) n;
CREATE TABLE reader (id int PRIMARY KEY, interests vector(32));
INSERT INTO reader SELECT n, ARRAY(SELECT sin(n * j) + 0.05 * cos(j) FROM generate_series(1, 32) j)::vector
    FROM generate_series(1, 100) n;
ANALYZE;

-- 2. By an index
CREATE INDEX article_embedding ON article USING hnsw (embedding vector_l2_ops, section);
SELECT r.id AS reader, n.id % 251 AS article, round(n.distance::numeric, 3) AS distance
FROM reader r CROSS JOIN LATERAL (
    SELECT a.id, a.embedding <-> r.interests AS distance FROM article a
    WHERE a.section = 'science' ORDER BY a.embedding <-> r.interests LIMIT 1) n
WHERE r.id <= 3 ORDER BY r.id;

-- 3. By an index
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 100;
EXPLAIN (COSTS OFF) SELECT r.id, n.id FROM reader r CROSS JOIN LATERAL (
    SELECT a.id FROM article a ORDER BY a.embedding <-> r.interests LIMIT 10) n;

-- 4. By an index
SET max_parallel_workers_per_gather = 0;
SELECT count(*), count(DISTINCT r.id) AS readers
FROM (SELECT reader.* FROM vector_knn_join('SELECT id, interests FROM reader', 'SELECT id, embedding FROM article WHERE id % 100 = 0', 1)
        AS j (id int, pivot int, distance float8) JOIN reader USING (id) ORDER BY j.pivot) r
    CROSS JOIN LATERAL (SELECT a.id FROM article a ORDER BY a.embedding <-> r.interests LIMIT 10) n;

-- 5. Exactly, without an index
SELECT j.reader, j.article % 251 AS article, round(j.distance::numeric, 3) AS distance
FROM vector_knn_join('SELECT id, interests FROM reader WHERE id <= 3',
        'SELECT id, embedding FROM article WHERE section = ''science''', 1)
    AS j (reader int, article int, distance float8)
ORDER BY j.reader;

-- 6. Without an index, for a given recall
SELECT count(*) AS neighbors, count(DISTINCT j.id) AS articles
FROM vector_knn_join('SELECT id, embedding FROM article', 'SELECT id, embedding FROM article', 5, recall => 0.95)
    AS j (id int, other int, distance float8);

-- 7. Duplicates
SELECT count(*) AS pairs, max(j.distance) < 0.001 AS near
FROM vector_knn_join('SELECT id, embedding FROM article', 'SELECT id, embedding FROM article', 10)
    AS j (id int, other int, distance float8)
WHERE j.id < j.other AND j.distance < 0.001;

-- 8. Labels by the nearest neighbors
SELECT j.reader, mode() WITHIN GROUP (ORDER BY a.section) AS section
FROM vector_knn_join('SELECT id, interests FROM reader WHERE id <= 3', 'SELECT id, embedding FROM article', 5)
    AS j (reader int, article int, distance float8) JOIN article a ON a.id = j.article
GROUP BY j.reader ORDER BY j.reader;
