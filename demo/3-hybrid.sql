\echo
\echo
\echo '== 3. Hybrid search =='
\echo
\echo 'Words find names, vectors find meaning. Reciprocal rank fusion merges the two lists: a film'
\echo 'scores 1/(60 + rank) in each list that it is in. Full-text search here takes any of the'
\echo 'words (| instead of &) and ranks the films by how many of them match, and where.'
\echo
\set ECHO queries
CREATE FUNCTION any_word(query text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(plainto_tsquery('english', query)::text, '&', '|')::tsquery;
\echo
WITH q AS (
    SELECT any_word(query) AS words, embedding FROM queries WHERE query = 'tom hanks woody'
),
by_words AS (
    SELECT id, row_number() OVER (ORDER BY score DESC, id) AS rank
    FROM (SELECT f.id, ts_rank(f.words, q.words) AS score
          FROM films f, q
          WHERE f.words @@ q.words
          ORDER BY score DESC, id
          LIMIT 50) AS nearest
),
by_meaning AS (
    SELECT id, row_number() OVER (ORDER BY distance) AS rank
    FROM (SELECT f.id, f.embedding <=> q.embedding AS distance
          FROM films f, q
          ORDER BY distance
          LIMIT 50) AS nearest
)
SELECT left(title, 46) AS title, year,
       w.rank AS by_words, m.rank AS by_meaning,
       round(coalesce(1.0 / (60 + w.rank), 0) + coalesce(1.0 / (60 + m.rank), 0), 4) AS score
FROM by_words w
FULL JOIN by_meaning m USING (id)
JOIN films USING (id)
ORDER BY score DESC, id
LIMIT 6;
\set ECHO none
