\echo
\echo
\echo '== 2. The same with filters =='
\echo
\echo 'A filter is a WHERE clause. Time travel again, but only comedies of two decades that many'
\echo 'people have voted for:'
\echo
\set ECHO queries
SELECT left(f.title, 46) AS title, f.year, f.votes, array_to_string(f.genres, ', ') AS genres
FROM films f, queries q
WHERE q.query = 'sci fi movies about time travel'
  AND f.genres @> '{comedy}'
  AND f.year BETWEEN 1980 AND 1999
  AND f.votes >= 500
ORDER BY f.embedding <=> q.embedding
LIMIT 5;
\set ECHO none
\echo
\echo 'Or only those by certain directors:'
\echo
\set ECHO queries
SELECT left(f.title, 46) AS title, f.year, f.director
FROM films f, queries q
WHERE q.query = 'sci fi movies about time travel'
  AND f.director IN ('Christopher Nolan', 'Ridley Scott', 'Steven Spielberg')
ORDER BY f.embedding <=> q.embedding
LIMIT 5;
\set ECHO none
