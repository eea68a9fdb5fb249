\echo
\echo
\echo '== 5. Quality =='
\echo
\echo 'The first 50 films by words and by meaning for every judged query. The vectors are searched'
\echo 'in a copy as halfvec, which takes half the memory, by inner product, which gives the order'
\echo 'of the cosine distance here because all vectors have length 1. As calls of a function that'
\echo 'is PARALLEL SAFE, the searches are shared out to parallel workers.'
\echo 'Full-text search takes any of the words (| instead of &) and ranks the films by how many of them'
\echo 'match, and where.'
\echo
\set ECHO queries
CREATE UNLOGGED TABLE film_halfvecs AS
    SELECT id, l2_normalize(embedding)::halfvec(384) AS embedding FROM films;
\echo
CREATE UNLOGGED TABLE film_words AS
    SELECT id, words FROM films;
\echo
CREATE INDEX ON film_words USING gin (words);
\echo
VACUUM ANALYZE film_halfvecs, film_words;
\echo
CREATE FUNCTION nearest(query halfvec) RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE COST 100000
RETURN ARRAY(SELECT id FROM film_halfvecs ORDER BY embedding <#> query LIMIT 50);
\echo
CREATE FUNCTION any_word(query text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(plainto_tsquery('english', query)::text, '&', '|')::tsquery;
\echo
CREATE FUNCTION best_matches(query tsquery) RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE COST 100000
RETURN ARRAY(SELECT id FROM film_words
             WHERE words @@ query ORDER BY ts_rank(words, query) DESC, id LIMIT 50);
\echo
CREATE UNLOGGED TABLE by_meaning AS
    SELECT id AS query_id, nearest(embedding::halfvec(384)) AS films FROM queries;
\echo
CREATE UNLOGGED TABLE by_words AS
    SELECT id AS query_id, best_matches(any_word(query)) AS films FROM queries;
\set ECHO none
\echo
\echo 'Their fusion, and nDCG@10 of all three: a relevant film at rank r gains 1 / log2(r + 1); the'
\echo 'sum over the first ten is divided by that of the best possible order, so 1 is perfect. (The'
\echo 'grades are 0 and 1, so a gain of 2^grade - 1 would be the same.)'
\echo
\set ECHO queries
CREATE UNLOGGED TABLE found AS
WITH listed AS (
    SELECT 'words' AS method, query_id, film_id, rank
    FROM by_words, unnest(films) WITH ORDINALITY AS list (film_id, rank)
    UNION ALL
    SELECT 'vectors', query_id, film_id, rank
    FROM by_meaning, unnest(films) WITH ORDINALITY AS list (film_id, rank)
)
SELECT method, query_id, film_id, rank FROM listed WHERE rank <= 10
UNION ALL
SELECT 'hybrid', query_id, film_id, rank
FROM (SELECT query_id, film_id,
             row_number() OVER (PARTITION BY query_id
                                ORDER BY sum(1.0::float8 / (60 + rank)) DESC, film_id) AS rank
      FROM listed
      GROUP BY query_id, film_id) AS fused
WHERE rank <= 10;
\echo
WITH ideal AS (
    SELECT query_id, sum(ln(2) / ln(rank + 1)) AS gain
    FROM (SELECT query_id, row_number() OVER (PARTITION BY query_id) AS rank
          FROM judgments
          WHERE grade = 1) AS relevant
    WHERE rank <= 10
    GROUP BY query_id
),
gained AS (
    SELECT method, query_id, sum(ln(2) / ln(rank + 1)) AS gain, min(rank) AS first
    FROM found
    JOIN judgments USING (query_id, film_id)
    WHERE grade = 1
    GROUP BY method, query_id
)
SELECT method,
       count(*) AS queries,
       round(avg(coalesce(g.gain, 0) / i.gain)::numeric, 3) AS "nDCG@10",
       round(100.0 * count(*) FILTER (WHERE g.first = 1) / count(*), 1) AS "relevant film first, %"
FROM ideal i
CROSS JOIN (VALUES (1, 'words'), (2, 'vectors'), (3, 'hybrid')) AS m (nr, method)
LEFT JOIN gained g USING (method, query_id)
GROUP BY nr, method
ORDER BY nr;
\set ECHO none
