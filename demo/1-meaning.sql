\echo
\echo
\echo '== 1. Search by meaning =='
\echo
\echo '<=> is the cosine distance. The films nearest to a query come first, whether or not they'
\echo 'have a word in common with it. Without an index the search is exact: it reads every film.'
\echo
\set ECHO queries
SELECT left(f.title, 46) AS title, f.year,
       round((f.embedding <=> q.embedding)::numeric, 3) AS distance
FROM films f, queries q
WHERE q.query = 'sci fi movies about time travel'
ORDER BY f.embedding <=> q.embedding
LIMIT 5;
\set ECHO none
\echo
\echo 'Several queries at once: LATERAL searches for each of them.'
\echo
\set ECHO queries
SELECT q.query, left(f.title, 46) AS title, f.year
FROM queries q
CROSS JOIN LATERAL (
    SELECT title, year, embedding <=> q.embedding AS distance
    FROM films
    ORDER BY distance
    LIMIT 3
) f
WHERE q.query IN ('lost in space robot', 'hachiko dog movie', 'movies like mad max')
ORDER BY q.query, f.distance;
\set ECHO none
