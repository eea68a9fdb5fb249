\echo
\echo
\echo '== A table and an index, on the primary =='
\echo
\echo 'All but the last films. The standbys receive the rows and the index by the write-ahead log.'
\echo
\set ECHO queries
CREATE EXTENSION vector;
\echo
CREATE TABLE films (
    id        integer PRIMARY KEY,
    title     text NOT NULL,
    embedding vector(384)
);
\set ECHO none
\echo '\\copy films from films.tsv'
\copy films from films.tsv
\set ECHO queries
CREATE INDEX films_embedding ON films USING hnsw (embedding vector_cosine_ops);
\echo
VACUUM ANALYZE films;
\set ECHO none
