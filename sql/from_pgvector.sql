-- Made from docs/from-pgvector.md by test/docs/extract.py: change that document, not this file.

-- 1. Before a switch
SELECT c.oid::regclass AS index, i.indrelid::regclass AS on_table, a.amname AS method
FROM pg_class c
JOIN pg_am a ON a.oid = c.relam
JOIN pg_index i ON i.indexrelid = c.oid
WHERE a.amname IN ('hnsw', 'ivfflat')
ORDER BY c.oid::regclass::text;

-- 2. Moving the data
SELECT extname, extversion FROM pg_extension WHERE extname = 'vector';

-- 3. Clients that check the version
ALTER EXTENSION vector UPDATE TO '0.8.6';
SELECT extversion FROM pg_extension WHERE extname = 'vector';
ALTER EXTENSION vector UPDATE;
SELECT extversion FROM pg_extension WHERE extname = 'vector';

-- 4. What is the same
CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3));
INSERT INTO items (embedding) VALUES ('[1,2,3]'), ('[4,5,6]'), ('[1,1,1]');
SELECT id, embedding <-> '[3,1,2]' AS l2, embedding <#> '[3,1,2]' AS ip, embedding <+> '[3,1,2]' AS l1
FROM items ORDER BY embedding <-> '[3,1,2]', id;
SELECT avg(embedding), sum(embedding) FROM items;

-- 5. What is new
CREATE TABLE compact (id bigint PRIMARY KEY, wide bf16vec(3), narrow int8vec(3));
INSERT INTO compact VALUES (1, '[1,2,3]', '[1,2,3]'), (2, '[1e20,1,1]', '[-128,0,127]');
SELECT id, wide <=> '[1,2,2]' < 0.1 AS near, narrow <-> '[1,2,5]' AS l2 FROM compact ORDER BY id;
SELECT avg(narrow) FROM compact;

-- 6. What is new
CREATE INDEX items_hash ON items USING hash (embedding);
SELECT id FROM items WHERE embedding = '[4,5,6]';

-- 7. What is new
SET vector.simd = portable;
SELECT embedding <=> '[1,1,1]' < 1e-6 AS same_direction FROM items WHERE id = 3;
RESET vector.simd;
SHOW vector.simd;

-- 8. What is new
INSERT INTO compact VALUES (3, '{1,2,3}'::smallint[], '{1,2,3}'::bigint[]) RETURNING wide, narrow;

-- 9. Values and casts
\set VERBOSITY terse
SELECT id FROM compact ORDER BY wide <-> '[1,2,3]'::vector LIMIT 1;
SELECT id FROM compact ORDER BY wide <-> '[1,2,3]'::vector::bf16vec LIMIT 1;
SELECT id FROM compact ORDER BY wide <-> '[1,2,3]' LIMIT 1;

-- 10. Values and casts
SELECT '[1e20,1e20]'::vector <=> '[1,1]' AS parallel, '[1e-30,1e-30]'::vector <=> '[1,-1]' AS at_right_angles,
	'[1e20,0]'::vector <-> '[0,0]' AS euclidean;

-- 11. The extension
DROP TABLE items, compact;
