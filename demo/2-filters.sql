\echo
\echo
\echo '== 2. The same with filters =='
\echo
\echo 'A filter is a WHERE clause. The end of the world again, but only comedies that are not too'
\echo 'old and that many people have voted for:'
\echo
\set ECHO queries
SELECT left(f.title, 46) AS title, f.year, f.votes, array_to_string(f.genres, ', ') AS genres
FROM films f, queries q
WHERE q.query = 'movies about the end of the world'
  AND f.genres @> '{Comedy}'
  AND f.year >= 2000
  AND f.votes >= 500
ORDER BY f.embedding <=> q.embedding
LIMIT 5;
\set ECHO none
\echo
\echo 'Or only those with a certain actor:'
\echo
\set ECHO queries
SELECT left(f.title, 46) AS title, f.year, f.director
FROM films f, queries q
WHERE q.query = 'movies about the end of the world'
  AND 'Will Smith' = ANY (f.actors)
ORDER BY f.embedding <=> q.embedding
LIMIT 3;
\set ECHO none
