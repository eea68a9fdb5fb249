-- Made from docs/hybrid.md by test/docs/extract.py: change that document, not this file.

-- 1. Hybrid search
CREATE TABLE post (
    id bigint PRIMARY KEY,
    title text NOT NULL,
    published date NOT NULL,
    reviewed boolean NOT NULL,
    embedding vector(3) NOT NULL
);
INSERT INTO post VALUES
    (1, 'A fast index for vectors', '2024-03-01', true, '[0.9, 0.1, 0.1]'),
    (2, 'Vectors and their index, an introduction', '2026-11-20', false, '[0.8, 0.3, 0.1]'),
    (3, 'Searching by meaning', '2026-10-02', true, '[0.7, 0.1, 0.5]'),
    (4, 'A fast index for vectors, revised', '2025-09-15', false, '[0.9, 0.12, 0.1]'),
    (5, 'Baking bread', '2026-11-27', true, '[0, 0.2, 0.9]');
CREATE INDEX ON post USING hnsw (embedding vector_cosine_ops);
CREATE INDEX ON post USING gin (to_tsvector('english', title));
SELECT '[1, 0.1, 0.2]' AS query \gset

-- 2. Words and meaning
CREATE INDEX ON post USING bm25 (title) WITH (text_config = 'english');
SELECT id, title, round(-rrf(embedding <=> :'query', title <@> 'search or index')::numeric, 4) AS score
FROM post
ORDER BY rrf(embedding <=> :'query', title <@> 'search or index')
LIMIT 3;

-- 3. Words and meaning
WITH words AS (
    SELECT id, row_number() OVER (ORDER BY ts_rank(to_tsvector('english', title), query) DESC, id) AS rank
    FROM post, websearch_to_tsquery('english', 'search or index') AS query
    WHERE to_tsvector('english', title) @@ query
    ORDER BY rank LIMIT 100
), meaning AS (
    SELECT id, row_number() OVER (ORDER BY embedding <=> :'query') AS rank
    FROM post
    ORDER BY rank LIMIT 100
)
SELECT id, title, round(coalesce(1.0 / (60 + words.rank), 0) + coalesce(1.0 / (60 + meaning.rank), 0), 4) AS score
FROM words FULL JOIN meaning USING (id) JOIN post USING (id)
ORDER BY score DESC, id
LIMIT 3;

-- 4. Learned sparse vectors
CREATE TABLE passage (id bigint PRIMARY KEY, title text NOT NULL, published int NOT NULL, terms sparsevec(30522) NOT NULL);
INSERT INTO passage VALUES
    (1, 'The quick brown fox', 1990, '{2417:1.8,4248:2.1,4419:2.6}/30522'),
    (2, 'A lazy dog sleeps', 2001, '{3899:2.2,13971:2.4,25126:1.7}/30522'),
    (3, 'Foxes and dogs', 2010, '{3899:1.5,4419:1.9,6077:0.6}/30522'),
    (4, 'Quick sort in practice', 2015, '{4248:2.3,4066:1.9,3218:0.8}/30522');
CREATE INDEX ON passage USING sparse (terms sparsevec_ip_ops, published);
SELECT title, round(-(terms <#> '{4248:1.5,4419:2}/30522')::numeric, 2) AS score
FROM passage ORDER BY terms <#> '{4248:1.5,4419:2}/30522' LIMIT 3;
SELECT title FROM passage WHERE published >= 2005 ORDER BY terms <#> '{4248:1.5,4419:2}/30522' LIMIT 1;

-- 5. Learned sparse vectors
SELECT title FROM passage WHERE terms <#> '{4248:1.5,4066:-2,4419:0.1}/30522' < 0
ORDER BY terms <#> '{4248:1.5,4066:-2,4419:0.1}/30522' LIMIT 10;

-- 6. One ranking
ALTER TABLE passage ADD embedding vector(3);
UPDATE passage SET embedding = ARRAY[id, 2, published % 7]::vector;
VACUUM passage;
CREATE INDEX ON passage USING hnsw (embedding vector_cosine_ops, published);
SELECT title, round(-rrf(embedding <=> '[2,2,5]', terms <#> '{4248:1.5,4419:2}/30522')::numeric, 4) AS score
FROM passage
ORDER BY rrf(embedding <=> '[2,2,5]', terms <#> '{4248:1.5,4419:2}/30522')
LIMIT 3;

-- 7. One ranking
SET enable_seqscan = off;
EXPLAIN (COSTS OFF)
SELECT title FROM passage WHERE published >= 2000
ORDER BY rrf(embedding <=> '[2,2,5]', terms <#> '{4248:1.5,4419:2}/30522', weights => '{1, 0.5}')
LIMIT 3;
RESET enable_seqscan;

-- 8. One ranking
SELECT title, round(-weighted(embedding <=> '[2,2,5]', terms <#> '{4248:1.5,4419:2}/30522', weights => '{0.7, 0.3}')::numeric, 3) AS score
FROM passage
ORDER BY weighted(embedding <=> '[2,2,5]', terms <#> '{4248:1.5,4419:2}/30522', weights => '{0.7, 0.3}')
LIMIT 3;

-- 9. One call
CREATE INDEX ON passage USING bm25 (title) WITH (text_config = 'english');
SELECT key, round(score::numeric, 4) AS score, vector_rank, text_rank, sparse_rank, data->>'title' AS title
FROM hybrid_search('passage',
    query_vector => '[2,2,5]',
    query_text => 'foxes',
    query_sparse => '{4248:1.5,4419:2}/30522',
    filter => '{"published": {"gte": 1990, "lt": 2015}, "id": [1, 2, 3]}',
    fields => '{title}',
    k => 3);

-- 10. Newer, nearer, cheaper first
SELECT id, title, round(similarity::numeric, 3) AS similarity, round(freshness::numeric, 3) AS freshness
FROM (
    SELECT id, title, 1 - (embedding <=> :'query') AS similarity,
        decay_exp(published, date '2026-11-28', scale => 180, "offset" => 7) AS freshness
    FROM post
    ORDER BY embedding <=> :'query'
    LIMIT 100
) candidate
ORDER BY similarity * freshness DESC
LIMIT 3;

-- 11. Newer, nearer, cheaper first
SELECT decay_gauss(price, origin => 20, scale => 10) AS price,
    decay_linear(made, timestamp '2026-11-28 12:00', '6 hours') AS made
FROM (VALUES (20.00, timestamp '2026-11-28 09:00'), (30.00, '2026-11-28 06:00'), (60.00, '2026-11-27 12:00')) AS product (price, made);

-- 12. Preferred rows first
SELECT id, title, round(boost(1 - (embedding <=> :'query'), reviewed, 1.2)::numeric, 3) AS score
FROM post
ORDER BY boost(1 - (embedding <=> :'query'), reviewed, 1.2) DESC
LIMIT 3;

-- 13. The best of each group
CREATE TABLE paragraph (id bigint PRIMARY KEY, document text NOT NULL, embedding vector(3) NOT NULL);
INSERT INTO paragraph SELECT n, 'document ' || n / 10, ARRAY[1, n % 10 / 10.0, n / 10 / 50.0] FROM generate_series(0, 999) AS n;
CREATE INDEX ON paragraph USING hnsw (embedding vector_cosine_ops);
VACUUM ANALYZE paragraph;
SELECT document, id, round(best.distance::numeric, 6) AS distance
FROM (
    SELECT DISTINCT ON (document) document, id, embedding <=> '[1, 0.4, 0.106]' AS distance
    FROM paragraph
    ORDER BY document, embedding <=> '[1, 0.4, 0.106]'
) AS best
ORDER BY best.distance
LIMIT 3;

-- 14. The best of each group
EXPLAIN (COSTS OFF)
SELECT document, id
FROM (
    SELECT DISTINCT ON (document) document, id, embedding <=> '[1, 0.4, 0.106]' AS distance
    FROM paragraph
    ORDER BY document, embedding <=> '[1, 0.4, 0.106]'
) AS best
ORDER BY best.distance
LIMIT 3;

-- 15. Not ten times the same
WITH candidate AS (
    SELECT row_number() OVER (ORDER BY embedding <=> :'query') AS position, id, title, embedding
    FROM post
    ORDER BY position
    LIMIT 4
)
SELECT shown.number, id, title
FROM unnest(mmr(:'query', (SELECT array_agg(embedding ORDER BY position) FROM candidate), 3)) WITH ORDINALITY AS shown (position, number)
    JOIN candidate USING (position)
ORDER BY shown.number;

-- 16. Not ten times the same
SELECT query.name, shown.number, candidate.ids[shown.position] AS id
FROM (VALUES ('vectors', vector '[1, 0.1, 0.2]'), ('bread', '[0, 0.3, 1]')) AS query (name, embedding),
    LATERAL (
        SELECT array_agg(id) AS ids, array_agg(embedding) AS embeddings
        FROM (SELECT id, embedding FROM post ORDER BY embedding <=> query.embedding LIMIT 4) AS nearest
    ) AS candidate,
    LATERAL unnest(mmr(query.embedding, candidate.embeddings, 2, lambda => 0.5)) WITH ORDINALITY AS shown (position, number)
ORDER BY query.name, shown.number;
