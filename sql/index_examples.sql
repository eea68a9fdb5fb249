-- Made from docs/indexes.md by test/docs/extract.py: change that document, not this file.

-- 1. Indexes
CREATE TABLE items (id bigint PRIMARY KEY, category int, embedding vector(3));
INSERT INTO items SELECT n, n % 10, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 5000) n;
CREATE INDEX items_embedding ON items USING hnsw (embedding vector_l2_ops);
SELECT id FROM items ORDER BY embedding <-> '[4,4,4]' LIMIT 1;

-- 2. Searching
SET hnsw.ef_search = 100;
SELECT count(*) FROM (SELECT id FROM items ORDER BY embedding <-> '[3,1,2]' LIMIT 100) found;
RESET hnsw.ef_search;

-- 3. Searching
SET enable_seqscan = off;
SELECT count(*) FROM
    (SELECT id FROM items WHERE category = 3 ORDER BY embedding <-> '[3,1,2]' LIMIT 50) found;
RESET enable_seqscan;

-- 4. Searching
SET enable_seqscan = off;
SELECT count(*) FROM
    (SELECT id FROM items WHERE embedding <-> '[3,1,2]' < 4 ORDER BY embedding <-> '[3,1,2]') found;
RESET enable_seqscan;

-- 5. Attributes
CREATE TABLE notes (id bigint PRIMARY KEY, tenant int, written date, lang text, embedding vector(3));
INSERT INTO notes SELECT n, n % 500, date '2024-01-01' + n % 300, CASE n % 3 WHEN 0 THEN 'en' WHEN 1 THEN 'de' END,
    ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 5000) n;
CREATE INDEX notes_embedding ON notes USING hnsw (embedding vector_l2_ops, tenant, written, lang);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF)
SELECT id FROM notes WHERE tenant BETWEEN 42 AND 43 AND lang <> 'de'
ORDER BY embedding <-> '[4,4,4]' LIMIT 3;
SELECT id FROM notes WHERE tenant BETWEEN 42 AND 43 AND lang <> 'de'
ORDER BY embedding <-> '[4,4,4]' LIMIT 3;
SELECT count(*) FROM (SELECT id FROM notes WHERE lang IS NULL ORDER BY embedding <-> '[4,4,4]' LIMIT 100) found;
RESET enable_seqscan;

-- 6. Attributes
CREATE TABLE pages (id bigint PRIMARY KEY, tags text[], embedding vector(3));
INSERT INTO pages SELECT n, ARRAY['t' || n % 7, 't' || n % 40], ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 2000) n;
CREATE INDEX pages_embedding ON pages USING hnsw (embedding vector_l2_ops, tags);
SELECT id, tags FROM pages WHERE tags @> '{t1,t31}' ORDER BY embedding <-> '[4,4,4]' LIMIT 2;
SELECT id, tags FROM pages WHERE 't31' = ANY (tags) AND NOT tags && '{t1,t2}' ORDER BY embedding <-> '[4,4,4]' LIMIT 2;
DROP TABLE pages;

-- 7. Attributes
SET enable_seqscan = off;
EXPLAIN (COSTS OFF)
SELECT id FROM notes WHERE tenant < 400 AND (tenant = 42 OR lang IS NULL AND tenant > 390)
ORDER BY embedding <-> '[4,4,4]' LIMIT 3;
SELECT id FROM notes WHERE tenant < 400 AND (tenant = 42 OR lang IS NULL AND tenant > 390)
ORDER BY embedding <-> '[4,4,4]' LIMIT 3;
RESET enable_seqscan;

-- 8. Permissions
CREATE TABLE readers (name text, note bigint, PRIMARY KEY (name, note));
INSERT INTO readers SELECT 'ann', n * 97 FROM generate_series(1, 50) n;
CREATE INDEX notes_allowed ON notes USING hnsw (embedding vector_l2_ops, id);
SELECT id FROM notes
WHERE EXISTS (SELECT FROM readers WHERE note = notes.id AND name = 'ann')
ORDER BY embedding <-> '[4,4,4]' LIMIT 3;

-- 9. Conditions that other indexes answer
CREATE TABLE pages (id bigint PRIMARY KEY, author int, meta jsonb, embedding vector(3));
INSERT INTO pages SELECT n, n % 300, jsonb_build_object('lang', CASE n % 3 WHEN 0 THEN 'en' ELSE 'de' END),
    ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 5000) n;
CREATE INDEX pages_embedding ON pages USING hnsw (embedding vector_l2_ops);
CREATE INDEX pages_author ON pages (author);
CREATE INDEX pages_meta ON pages USING gin (meta);
ANALYZE pages;
SET enable_sort = off;
EXPLAIN (COSTS OFF)
SELECT id FROM pages WHERE author = 42 ORDER BY embedding <-> '[4,4,4]' LIMIT 3;
SELECT id FROM pages WHERE author = 42 AND meta @> '{"lang": "en"}' ORDER BY embedding <-> '[4,4,4]' LIMIT 3;
RESET enable_sort;

-- 10. Recall
SELECT effort, recall > 0.9 AS good FROM vector_recall('items_embedding', samples => 20);

-- 11. Inserting, deleting, VACUUM
INSERT INTO items SELECT n, n % 10, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(5001, 5100) n;
SELECT kind, rows, dead FROM vector_segments() WHERE index = 'items_embedding'::regclass ORDER BY segment;
SELECT vector_seal('items_embedding');
SELECT kind, rows FROM vector_segments() WHERE index = 'items_embedding'::regclass AND rows > 0;
SELECT vector_index_check('items_embedding');
DROP TABLE items;

-- 12. diskann
CREATE TABLE papers (id bigint PRIMARY KEY, labels smallint[], embedding vector(3));
INSERT INTO papers SELECT n, ARRAY[n % 5, n % 7], ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 5000) n;
CREATE INDEX papers_embedding ON papers USING diskann (embedding vector_l2_ops, labels) WITH (num_neighbors = 24);
SET enable_seqscan = off;
SELECT id FROM papers WHERE labels && '{1,3}' ORDER BY embedding <-> '[4,4,4]' LIMIT 1;
RESET enable_seqscan;

-- 13. diskann
DROP TABLE papers;

-- 14. ivfflat and ivf
CREATE TABLE docs (id bigint PRIMARY KEY, category int, embedding vector(3));
INSERT INTO docs SELECT n, n % 10, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 5000) n;
CREATE INDEX docs_embedding ON docs USING ivf (embedding vector_l2_ops);
SELECT id FROM docs ORDER BY embedding <-> '[4,4,4]' LIMIT 1;

-- 15. ivfflat and ivf
CREATE INDEX docs_small ON docs USING ivf (embedding vector_cosine_ops) WITH (lists = 50, refine = none);
SELECT pg_relation_size('docs_small') < pg_relation_size('docs_embedding') AS smaller;

-- 16. ivfflat and ivf
SET enable_seqscan = off;
SET ivf.probes = 10;
SELECT count(*) FROM
    (SELECT id FROM docs WHERE category = 3 ORDER BY embedding <-> '[3,1,2]' LIMIT 50) found;
RESET ivf.probes;
RESET enable_seqscan;

-- 17. ivfflat and ivf
INSERT INTO docs SELECT n, n % 10, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(5001, 5100) n;
SELECT vector_seal('docs_embedding'), vector_index_check('docs_embedding');
DROP TABLE docs;

-- 18. sparse
CREATE TABLE passages (id bigint PRIMARY KEY, lang text, terms sparsevec(30000));
INSERT INTO passages SELECT n, (ARRAY['de', 'en', 'fr'])[1 + n % 3],
    format('{%s:1.5,%s:0.75,%s:0.25}/30000', 1 + n % 1000, 1001 + n % 900, 2001 + n % 7)::sparsevec
    FROM generate_series(1, 20000) n;
CREATE INDEX passages_terms ON passages USING sparse (terms sparsevec_ip_ops, lang);
SELECT id, terms <#> '{11:1,1021:2,2004:0.5}/30000' AS distance FROM passages
    WHERE lang = 'en' ORDER BY terms <#> '{11:1,1021:2,2004:0.5}/30000', id LIMIT 3;
EXPLAIN (COSTS off) SELECT id FROM passages
    WHERE lang = 'en' ORDER BY terms <#> '{11:1,1021:2,2004:0.5}/30000' LIMIT 3;

-- 19. sparse
DROP TABLE passages;

-- 20. bm25
CREATE TABLE manuals (id bigint PRIMARY KEY, lang text, title text, body text);
INSERT INTO manuals SELECT n, (ARRAY['de', 'en', 'fr'])[1 + n % 3], 'Manual ' || n,
    'The pump of model ' || n % 50 || ' needs ' || CASE WHEN n % 100 = 7 THEN 'a new filter' ELSE 'some oil' END
    FROM generate_series(1, 3000) n;
CREATE INDEX manuals_body ON manuals USING bm25 (body, lang text_ops) WITH (text_config = 'english');
SELECT id, round((body <@> 'filters of pumps')::numeric, 3) AS score FROM manuals
    WHERE lang = 'en' ORDER BY body <@> 'filters of pumps', id LIMIT 3;
EXPLAIN (COSTS off) SELECT id FROM manuals
    WHERE lang = 'en' ORDER BY body <@> 'filters of pumps' LIMIT 3;

-- 21. bm25
DROP INDEX manuals_body;
CREATE INDEX manuals_texts ON manuals USING bm25 ((ARRAY[title, body])) WITH (text_config = 'english', weights = '2,1');
SELECT id FROM manuals ORDER BY ARRAY[title, body] <@> 'manual 77' LIMIT 1;

-- 22. bm25
DROP TABLE manuals;
