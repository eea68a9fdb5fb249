\echo
\echo
\echo '== 3. Hybrid search =='
\echo
\echo 'Words find names, vectors find meaning. Reciprocal rank fusion merges the two orders: a film'
\echo 'scores 1/(60 + rank) in each that it is in, and rrf() is the negative sum. An index of bm25'
\echo 'ranks the films by the words of the title, which count twice, the overview and the names.'
\echo
\set ECHO queries
CREATE INDEX films_texts ON films USING bm25 ((ARRAY[title, overview] || actors)) WITH (text_config = 'english', weights = '2');
\echo
SELECT title, year, round(-score::numeric, 4) AS score
FROM (VALUES ('tom hanks woody')) AS typed (input), LATERAL (
    SELECT left(title, 46) AS title, year,
           rrf(ARRAY[title, overview] || actors <@> input,
               embedding <=> (SELECT embedding FROM queries WHERE query = input)) AS score
    FROM films
    ORDER BY score
    LIMIT 6
) AS found
ORDER BY found.score;
\set ECHO none
