\echo
\echo
\echo '== 4. More like this film =='
\echo
\echo 'The embedding to compare with can be that of a film:'
\echo
\set ECHO queries
SELECT left(f.title, 46) AS title, f.year, f.director
FROM films f, films this
WHERE this.title = 'The Godfather' AND f.id <> this.id
ORDER BY f.embedding <=> this.embedding
LIMIT 5;
\set ECHO none
\echo
\echo 'or the mean of several that someone liked:'
\echo
\set ECHO queries
WITH liked AS (
    SELECT array_agg(id) AS ids, avg(embedding) AS embedding
    FROM films
    WHERE (title, year) IN (('Gravity', 2013), ('Apollo 13', 1995), ('The Martian', 2015))
)
SELECT left(f.title, 46) AS title, f.year, f.director
FROM films f, liked
WHERE f.id <> ALL (liked.ids)
ORDER BY f.embedding <=> liked.embedding
LIMIT 5;
\set ECHO none
