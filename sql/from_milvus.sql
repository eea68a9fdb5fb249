-- Made from docs/from-milvus.md by test/docs/extract.py: change that document, not this file.

-- 1. Create a collection
CREATE TABLE quickstart (
    id bigint PRIMARY KEY,
    subject text NOT NULL,
    text text NOT NULL,
    embedding vector(384) NOT NULL
);

-- 2. Insert
\copy quickstart FROM 'demo/data/quickstart.csv' CSV HEADER
SELECT id, subject, text FROM quickstart ORDER BY id;

-- 3. Search
CREATE TABLE question (id bigint PRIMARY KEY, text text NOT NULL, embedding vector(384) NOT NULL);
\copy question FROM 'demo/data/questions.csv' CSV HEADER
SELECT embedding AS turing FROM question WHERE text = 'Who was Alan Turing?' \gset

-- 4. Search
SELECT id, subject, text, round((1 - (embedding <=> :'turing'))::numeric, 3) AS similarity
FROM quickstart
ORDER BY embedding <=> :'turing'
LIMIT 2;

-- 5. Search with a filter
SELECT id, subject, text
FROM quickstart
WHERE subject = 'biology'
ORDER BY embedding <=> :'turing'
LIMIT 2;

-- 6. Search several vectors at once
SELECT q.text AS question, s.id, s.text
FROM question q, LATERAL (
    SELECT id, text FROM quickstart ORDER BY embedding <=> q.embedding LIMIT 1
) s
WHERE q.id IN (1, 2)
ORDER BY q.id;

-- 7. Query and get
SELECT id, text FROM quickstart WHERE subject = 'history' ORDER BY id;
SELECT id, subject FROM quickstart WHERE id IN (1, 4) ORDER BY id;

-- 8. Delete
DELETE FROM quickstart WHERE id = 6;
DELETE FROM quickstart WHERE subject = 'biology' RETURNING id;
SELECT count(*) FROM quickstart;

-- 9. Drop
DROP TABLE quickstart;

-- 10. The table of the other examples
CREATE TABLE article (
    id bigint PRIMARY KEY,
    title text NOT NULL,
    body text NOT NULL,
    author text NOT NULL,
    year integer NOT NULL,
    tags text[] NOT NULL,
    meta jsonb NOT NULL,
    title_embedding vector(384) NOT NULL,
    body_embedding vector(384) NOT NULL
);
\copy article FROM 'demo/data/articles.csv' CSV HEADER
SELECT embedding AS bread FROM question WHERE text = 'how do I bake bread at home' \gset
SELECT embedding AS planets FROM question WHERE text = 'exploring the planets' \gset
SELECT embedding AS speed FROM question WHERE text = 'speeding up a database' \gset
SELECT id, title, author, year, tags FROM article ORDER BY id;

-- 11. Several vector columns
SELECT id, title, round((0.3 * (title_embedding <=> :'bread') + 0.7 * (body_embedding <=> :'bread'))::numeric, 3) AS distance
FROM article
ORDER BY 0.3 * (title_embedding <=> :'bread') + 0.7 * (body_embedding <=> :'bread')
LIMIT 3;

-- 12. Several vector columns
CREATE TABLE small AS
SELECT id,
    title_embedding::halfvec(384) AS half,
    title_embedding::bf16vec(384) AS bf16,
    (title_embedding * array_fill(400, ARRAY[384])::vector)::int8vec(384) AS int8,
    binary_quantize(title_embedding)::bit(384) AS bits
FROM article;
SELECT pg_column_size(half) AS half, pg_column_size(bf16) AS bf16, pg_column_size(int8) AS int8, pg_column_size(bits) AS bits
FROM small WHERE id = 1;

-- 13. Several vector columns
SELECT a.id, a.title, round((a.title_embedding <=> :'planets')::numeric, 3) AS distance
FROM (
    SELECT id FROM small ORDER BY bits <~> binary_quantize(:'planets'::vector)::bit(384), id LIMIT 6
) AS candidate
JOIN article a USING (id)
ORDER BY a.title_embedding <=> :'planets'
LIMIT 3;
DROP TABLE small;

-- 14. Hybrid search
CREATE INDEX article_words ON article USING bm25 ((ARRAY[title, body])) WITH (text_config = 'english');
SELECT id, title, round(-rrf(ARRAY[title, body] <@> 'index or cache', body_embedding <=> :'speed', depth => 5)::numeric, 4) AS score
FROM article
ORDER BY rrf(ARRAY[title, body] <@> 'index or cache', body_embedding <=> :'speed', depth => 5)
LIMIT 5;

-- 15. Array and JSON filters
CREATE INDEX article_tags ON article USING gin (tags);
CREATE INDEX article_meta ON article USING gin (meta jsonb_path_ops);
SELECT id, title FROM article
WHERE tags @> ARRAY['performance'] AND meta @> '{"venue": {"city": "Graz"}}'
ORDER BY body_embedding <=> :'speed';

-- 16. Filter expressions
-- year >= 2022 and author != "otto"
SELECT id FROM article WHERE year >= 2022 AND author <> 'otto' ORDER BY id;
-- 2019 < year <= 2021
SELECT id FROM article WHERE year > 2019 AND year <= 2021 ORDER BY id;
-- author in ["ines", "mira"]
SELECT id FROM article WHERE author IN ('ines', 'mira') ORDER BY id;
-- not (author in ["ines", "mira"])
SELECT id FROM article WHERE author NOT IN ('ines', 'mira') ORDER BY id;
-- title like "The%"
SELECT id FROM article WHERE title LIKE 'The%' ORDER BY id;
-- title like "%index%"
SELECT id FROM article WHERE title LIKE '%index%' ORDER BY id;
-- year % 2 == 0
SELECT id FROM article WHERE year % 2 = 0 ORDER BY id;
-- author is not null
SELECT count(*) FROM article WHERE author IS NOT NULL;

-- 17. Filter expressions
-- meta["venue"]["city"] == "Graz"
SELECT id FROM article WHERE meta->'venue'->>'city' = 'Graz' ORDER BY id;
-- meta["pages"] > 20
SELECT id FROM article WHERE (meta->>'pages')::integer > 20 ORDER BY id;
-- meta["pages"] > 20 and meta["open"] == true
SELECT id FROM article WHERE meta @? '$ ? (@.pages > 20 && @.open == true)' ORDER BY id;
-- exists meta["venue"]
SELECT count(*) FROM article WHERE meta ? 'venue';
-- json_contains(meta["list"], 2)
SELECT '{"list": [1, 2, 3]}'::jsonb->'list' @> '2';
-- json_contains_all(meta["list"], [1, 3])
SELECT '{"list": [1, 2, 3]}'::jsonb->'list' @> '[1, 3]';
-- json_contains_any(meta["list"], ["x", "c"])
SELECT '{"list": ["a", "b", "c"]}'::jsonb->'list' ?| ARRAY['x', 'c'];

-- 18. Filter expressions
-- array_contains(tags, "robots")
SELECT id FROM article WHERE 'robots' = ANY (tags) ORDER BY id;
-- array_contains_all(tags, ["space", "optics"])
SELECT id FROM article WHERE tags @> ARRAY['space', 'optics'] ORDER BY id;
-- array_contains_any(tags, ["music", "soup"])
SELECT id FROM article WHERE tags && ARRAY['music', 'soup'] ORDER BY id;
-- array_length(tags) == 1
SELECT id FROM article WHERE cardinality(tags) = 1 ORDER BY id;
-- tags[0] == "bread"
SELECT id FROM article WHERE tags[1] = 'bread' ORDER BY id;

-- 19. Filter expressions
-- text_match(body, "planet ice")
SELECT id FROM article WHERE to_tsvector('english', body) @@ to_tsquery('english', 'planet | ice') ORDER BY id;
-- phrase_match(body, "red planet")
SELECT id FROM article WHERE to_tsvector('english', body) @@ phraseto_tsquery('english', 'red planet') ORDER BY id;

-- 20. Filter templates
-- year > {year} and author in {authors}
PREPARE newer(vector, integer, text[], integer) AS
    SELECT id, title, author, year FROM article
    WHERE year > $2 AND author = ANY ($3)
    ORDER BY body_embedding <=> $1
    LIMIT $4;
EXECUTE newer(:'planets', 2018, '{kofi,mira}', 2);
EXECUTE newer(:'bread', 2020, '{ines,mira,otto}', 3);

-- 21. Filter templates
DEALLOCATE newer;

-- 22. Upsert
INSERT INTO question VALUES (5, 'speeding up my database', :'speed'), (7, 'baking bread', :'bread')
ON CONFLICT (id) DO UPDATE SET text = excluded.text, embedding = excluded.embedding;
SELECT id, text, (embedding::real[])[1:3] AS start FROM question WHERE id IN (5, 7) ORDER BY id;

-- 23. Upsert
CREATE TEMPORARY TABLE incoming (id bigint, text text, embedding vector(384));
INSERT INTO incoming VALUES
    (4, 'exploring the outer planets', :'planets'), (7, NULL, NULL), (8, 'a faster database', :'speed');
MERGE INTO question q
USING incoming i ON q.id = i.id
WHEN MATCHED AND i.text IS NULL THEN DELETE
WHEN MATCHED THEN UPDATE SET text = i.text, embedding = i.embedding
WHEN NOT MATCHED THEN INSERT VALUES (i.id, i.text, i.embedding);
DROP TABLE incoming;
SELECT id, text FROM question ORDER BY id;

-- 24. Iterators
BEGIN;
DECLARE nearest CURSOR FOR
    SELECT id, title FROM article ORDER BY body_embedding <=> :'planets';
FETCH 3 FROM nearest;
FETCH 3 FROM nearest;
CLOSE nearest;
COMMIT;

-- 25. Iterators
SELECT id, title FROM article WHERE id > 10 ORDER BY id LIMIT 2;

-- 26. Range search
SELECT id, title, round((1 - (body_embedding <=> :'planets'))::numeric, 3) AS similarity
FROM article
WHERE 1 - (body_embedding <=> :'planets') > 0.1 AND 1 - (body_embedding <=> :'planets') <= 0.5
ORDER BY body_embedding <=> :'planets';

-- 27. Grouping search
SELECT author, id, title, round(distance::numeric, 3) AS distance
FROM (
    SELECT DISTINCT ON (author) author, id, title, body_embedding <=> :'speed' AS distance
    FROM article
    ORDER BY author, body_embedding <=> :'speed'
) AS best
ORDER BY best.distance
LIMIT 3;

-- 28. Grouping search
SELECT author, best.*
FROM (SELECT DISTINCT author FROM article) AS authors, LATERAL (
    SELECT id, title FROM article WHERE article.author = authors.author
    ORDER BY body_embedding <=> :'speed' LIMIT 2
) AS best
WHERE author IN ('lena', 'kofi')
ORDER BY author, id;

-- 29. Facets
WITH hit AS MATERIALIZED (
    SELECT author, meta->'venue'->>'city' AS city
    FROM article
    ORDER BY body_embedding <=> :'planets'
    LIMIT 6
)
SELECT author, city, count(*)
FROM hit
GROUP BY GROUPING SETS ((author), (city))
ORDER BY grouping(author), count(*) DESC, author, city;

-- 30. Recommendation
CREATE TABLE rating (reader text, article_id bigint REFERENCES article, liked boolean);
INSERT INTO rating VALUES ('ana', 5, true), ('ana', 7, true), ('ana', 3, false), ('ana', 9, false);
SELECT a.id, a.title
FROM article a, (
    SELECT avg(body_embedding) FILTER (WHERE liked) - avg(body_embedding) FILTER (WHERE NOT liked) AS taste
    FROM rating JOIN article ON article.id = article_id
    WHERE reader = 'ana'
) AS reader
WHERE NOT EXISTS (SELECT FROM rating WHERE reader = 'ana' AND article_id = a.id)
ORDER BY a.body_embedding <=> taste
LIMIT 2;
DROP TABLE rating;

-- 31. Outliers
SELECT a.id, a.title, round(avg(n.distance)::numeric, 3) AS mean_distance
FROM article a, LATERAL (
    SELECT a.body_embedding <=> b.body_embedding AS distance
    FROM article b
    WHERE b.id <> a.id
    ORDER BY distance
    LIMIT 3
) AS n
GROUP BY a.id
ORDER BY avg(n.distance) DESC
LIMIT 3;

-- 32. Documents and chunks
CREATE TABLE document (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE NOT NULL);
CREATE TABLE chunk (
    document_id bigint NOT NULL REFERENCES document ON DELETE CASCADE,
    number integer NOT NULL,
    text text NOT NULL,
    embedding vector(384) NOT NULL,
    PRIMARY KEY (document_id, number)
);
CREATE TEMPORARY TABLE loaded (name text, number integer, text text, embedding vector(384));
\copy loaded FROM 'demo/data/chunks.csv' CSV HEADER
INSERT INTO document (name) SELECT DISTINCT name FROM loaded ORDER BY name;
INSERT INTO chunk SELECT d.id, l.number, l.text, l.embedding FROM loaded l JOIN document d USING (name);
DROP TABLE loaded;

-- 33. Documents and chunks
SELECT embedding AS rise FROM question WHERE text = 'why does dough rise' \gset
SELECT name, number, text FROM (
    SELECT DISTINCT ON (d.id) d.name, c.number, c.text, c.embedding <=> :'rise' AS distance
    FROM chunk c JOIN document d ON d.id = c.document_id
    ORDER BY d.id, distance
) AS best
ORDER BY distance
LIMIT 2;

-- 34. Documents and chunks
DELETE FROM document WHERE name = 'handbook of bread';
SELECT document_id, count(*) FROM chunk GROUP BY document_id ORDER BY document_id;

-- 35. Partitions as tenants
CREATE TABLE note (
    tenant text NOT NULL,
    id bigint NOT NULL,
    text text NOT NULL,
    embedding vector(384) NOT NULL,
    PRIMARY KEY (tenant, id)
) PARTITION BY LIST (tenant);
CREATE TABLE note_acme PARTITION OF note FOR VALUES IN ('acme');
CREATE TABLE note_bolt PARTITION OF note FOR VALUES IN ('bolt');
INSERT INTO note
SELECT CASE WHEN id % 2 = 0 THEN 'acme' ELSE 'bolt' END, id, title, title_embedding FROM article;
SELECT tableoid::regclass AS partition, id, text
FROM note
WHERE tenant = 'acme'
ORDER BY embedding <=> :'planets'
LIMIT 2;

-- 36. Row-level security
CREATE ROLE cookbook_reader;
GRANT SELECT ON note TO cookbook_reader;
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON note USING (tenant = current_setting('app.tenant'));
SET ROLE cookbook_reader;
SET app.tenant = 'bolt';
SELECT tenant, id, text FROM note ORDER BY embedding <=> :'planets' LIMIT 2;

-- 37. Row-level security
RESET app.tenant;
RESET ROLE;
DROP TABLE note;
DROP ROLE cookbook_reader;

-- 38. Transactions
BEGIN;
UPDATE article SET author = 'ines' WHERE author = 'mira';
SAVEPOINT cleaning;
DELETE FROM article WHERE year < 2022;
SELECT count(*) FROM article;
ROLLBACK TO cleaning;
COMMIT;
SELECT author, count(*) FROM article GROUP BY author ORDER BY author;

-- 39. Aliases
CREATE TABLE article_next AS SELECT * FROM article WHERE year >= 2020;
CREATE VIEW current_article AS SELECT * FROM article;
SELECT count(*) FROM current_article;
CREATE OR REPLACE VIEW current_article AS SELECT * FROM article_next;
SELECT count(*) FROM current_article;
DROP VIEW current_article;
DROP TABLE article_next;

-- 40. milvus_cli in psql
\d article

-- 41. milvus_cli in psql
SELECT relname AS collection, relkind = 'p' AS partitioned, pg_total_relation_size(oid) > 0 AS stored
FROM pg_class
WHERE oid IN ('article'::regclass, 'document'::regclass, 'chunk'::regclass)
ORDER BY relname;

-- 42. Clean up
DROP TABLE article, question, chunk, document;
