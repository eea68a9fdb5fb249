\echo
\echo
\echo '== An index in an object store =='
\echo
\echo 'An S3 server runs on this machine. A server of the wrapper vector_store says where it is, a user'
\echo 'mapping has the keys, and vector_store_check tries each thing that is asked of it.'
\echo
\set ECHO queries
CREATE SERVER cold FOREIGN DATA WRAPPER vector_store
    OPTIONS (provider 's3', endpoint :'endpoint', bucket 'vectors', timeout '3s');
\set ECHO none
\echo 'CREATE USER MAPPING FOR postgres SERVER cold OPTIONS (access_key_id ..., secret_access_key ...);'
CREATE USER MAPPING FOR postgres SERVER cold OPTIONS (access_key_id :'access', secret_access_key :'secret');
\echo
\set ECHO queries
SELECT step, passed, milliseconds FROM vector_store_check('cold');
\set ECHO none
\echo
\echo 'An index, in PostgreSQL''s own files first. Ten films near to what somebody typed.'
\echo
\set ECHO queries
CREATE INDEX films_embedding ON films USING diskann (embedding vector_cosine_ops)
    WITH (storage = full, tier = 'cold');
\echo
CREATE FUNCTION nearest_films(query vector) RETURNS integer[]
LANGUAGE sql STABLE
RETURN ARRAY(SELECT id FROM films ORDER BY embedding <=> query LIMIT 10);
\echo
CREATE UNLOGGED TABLE before AS
    SELECT id AS query_id, nearest_films(embedding) AS films FROM queries ORDER BY id LIMIT 500;
\set ECHO none
\echo
\echo 'Its vectors go to the store; what a search walks by stays. With tier_after = ''1 day'' a background'
\echo 'worker does that by itself.'
\echo
\set ECHO queries
SELECT vector_tier('films_embedding');
\echo
SELECT kind, rows, pg_size_pretty(bytes) AS local, store, pg_size_pretty(stored_bytes) AS stored
FROM vector_segments() WHERE kind = 'sealed';
\set ECHO none
\echo
\echo 'The first search reads the vectors of its best candidates in one round of parallel requests. The'
\echo 'second finds them in the cache.'
\echo
\set ECHO queries
SELECT title, year FROM films
ORDER BY embedding <=> (SELECT embedding FROM queries WHERE query = 'movies about time travel') LIMIT 5;
\echo
SELECT store_rounds, store_gets, store_bytes FROM vector_last_scan();
\echo
SELECT title, year FROM films
ORDER BY embedding <=> (SELECT embedding FROM queries WHERE query = 'movies about time travel') LIMIT 5;
\echo
SELECT store_rounds, store_gets, store_bytes FROM vector_last_scan();
\set ECHO none
\echo
\echo 'The same 500 searches as before, and what they cost. A search of an index in a store compares the'
\echo 'vectors of the 50 films that seem nearest (diskann.query_rescore), so a few may differ by a film.'
\echo
\set ECHO queries
SELECT count(*) AS searches, count(*) FILTER (WHERE nearest_films(q.embedding) = b.films) AS same
FROM before b JOIN queries q ON q.id = b.query_id;
\echo
SELECT server, segments, remote_bytes, gets, bytes_read, hits FROM vector_stat_tier();
\set ECHO none
\echo
\echo 'And back again.'
\echo
\set ECHO queries
SELECT vector_untier('films_embedding');
\echo
SELECT kind, rows, pg_size_pretty(bytes) AS local, store FROM vector_segments() WHERE kind = 'sealed';
\set ECHO none
