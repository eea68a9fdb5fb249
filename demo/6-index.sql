\echo
\echo
\echo '== 6. An index =='
\echo
\echo 'A graph of the films that lie near each other. The first ten films for 500 queries, by reading'
\echo 'all films and by the index, and how many of the true ten the index finds.'
\echo
\set ECHO queries
CREATE INDEX films_embedding ON films USING hnsw (embedding vector_cosine_ops);
\echo
CREATE FUNCTION nearest_films(query vector) RETURNS integer[]
LANGUAGE sql STABLE
RETURN ARRAY(SELECT id FROM films ORDER BY embedding <=> query LIMIT 10);
\echo
SET enable_indexscan = off;
CREATE UNLOGGED TABLE exact AS
    SELECT id AS query_id, nearest_films(embedding) AS films FROM queries ORDER BY id LIMIT 500;
\echo
RESET enable_indexscan;
CREATE UNLOGGED TABLE by_index AS
    SELECT id AS query_id, nearest_films(embedding) AS films FROM queries ORDER BY id LIMIT 500;
\echo
SELECT round(avg(cardinality(ARRAY(
           SELECT unnest(e.films) INTERSECT SELECT unnest(i.films)))) / 10, 3) AS recall
FROM exact e JOIN by_index i USING (query_id);
\echo
SELECT kind, rows, pg_size_pretty(bytes) AS size FROM vector_segments();
\set ECHO none
