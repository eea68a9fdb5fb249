\echo
\echo
\echo '== 5. Quality =='
\echo
\echo 'The first ten films by words, by meaning, and by rrf() of both, for every judged query. The vectors'
\echo 'are searched in a copy as halfvec, which takes half the memory, by inner product, which gives the'
\echo 'order of the cosine distance here because all vectors have length 1. As calls of a function that'
\echo 'is PARALLEL SAFE, the searches are shared out to parallel workers.'
\echo
\set ECHO queries
CREATE UNLOGGED TABLE film_halfvecs AS
    SELECT id, title, l2_normalize(embedding)::halfvec(384) AS embedding FROM films;
\echo
CREATE INDEX ON film_halfvecs USING bm25 (title) WITH (text_config = 'english');
\echo
VACUUM ANALYZE film_halfvecs;
\echo
CREATE FUNCTION by_words(query text) RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE COST 100000
RETURN ARRAY(SELECT id FROM film_halfvecs ORDER BY title <@> query LIMIT 10);
\echo
CREATE FUNCTION by_meaning(meaning halfvec) RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE COST 100000
RETURN ARRAY(SELECT id FROM film_halfvecs ORDER BY embedding <#> meaning LIMIT 10);
\echo
CREATE FUNCTION by_both(query text, meaning halfvec) RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE COST 100000
RETURN ARRAY(SELECT id FROM film_halfvecs ORDER BY rrf(title <@> query, embedding <#> meaning) LIMIT 10);
\echo
CREATE UNLOGGED TABLE answers AS
    SELECT id AS query_id, by_words(query) AS words,
           by_meaning(embedding::halfvec(384)) AS vectors,
           by_both(query, embedding::halfvec(384)) AS hybrid
    FROM queries;
\set ECHO none
\echo
\echo 'nDCG@10 of all three: a relevant film at rank r gains 1 / log2(r + 1); the sum over the first ten'
\echo 'is divided by that of the best possible order, so 1 is perfect. (The grades are 0 and 1, so a gain'
\echo 'of 2^grade - 1 would be the same.)'
\echo
\set ECHO queries
CREATE UNLOGGED TABLE found AS
SELECT method, query_id, film_id, rank
FROM answers, LATERAL (VALUES ('words', words), ('vectors', vectors), ('hybrid', hybrid)) AS list (method, films),
     unnest(films) WITH ORDINALITY AS film (film_id, rank);
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
