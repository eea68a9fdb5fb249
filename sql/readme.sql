-- Made from README.md by test/docs/extract.py: change that document, not this file.

-- 1. Install
CREATE EXTENSION IF NOT EXISTS vector;

-- 2. Use
CREATE TABLE item (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    price numeric NOT NULL,
    embedding vector(3) NOT NULL
);
INSERT INTO item (name, price, embedding) VALUES
    ('green apple', 0.40, '[1, 0.125, 0.25]'),
    ('red apple', 0.50, '[0.75, 0.25, 0.125]'),
    ('apple pie', 4.20, '[0.5, 0.75, 0.125]'),
    ('bread', 3.10, '[0, 1, 0.25]'),
    ('hammer', 12.00, '[0, 0.125, 1]');

-- 3. Use
SELECT name, round((embedding <=> '[0.8, 0.2, 0.2]')::numeric, 3) AS distance
FROM item
ORDER BY embedding <=> '[0.8, 0.2, 0.2]'
LIMIT 3;

-- 4. Use
CREATE INDEX ON item USING hnsw (embedding vector_cosine_ops, price);
SELECT name, price
FROM item
WHERE price BETWEEN 0.45 AND 5
ORDER BY embedding <=> '[0.8, 0.2, 0.2]'
LIMIT 2;

-- 5. Use
CREATE INDEX ON item USING bm25 (name) WITH (text_config = 'english');
SELECT name FROM item ORDER BY rrf(embedding <=> '[0.8, 0.2, 0.2]', name <@> 'apple pie or bread') LIMIT 3;

-- 6. Use
SELECT avg(embedding) FROM item WHERE price > 3 AND price < 5;
DROP TABLE item;
