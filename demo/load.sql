\echo
\echo '== Load =='
\echo
\echo 'A table of 9,750 films, each with the embedding of its title and overview: 384 numbers'
\echo 'computed with the model all-MiniLM-L6-v2. For full-text search, a generated column holds'
\echo 'the words of the title, the names and the overview.'
\echo
\set ECHO queries
CREATE EXTENSION vector;
\echo
CREATE FUNCTION film_words(title text, director text, actors text[], overview text)
RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(to_tsvector('english', title), 'A')
    || setweight(to_tsvector('english', concat_ws(' ', director, array_to_string(actors, ' '))), 'B')
    || setweight(to_tsvector('english', coalesce(overview, '')), 'C');
\echo
CREATE TABLE films (
    id        integer PRIMARY KEY,
    title     text NOT NULL,
    year      integer,
    genres    text[],
    director  text,
    actors    text[],
    votes     integer,
    rating    real,
    overview  text,
    embedding vector(384),
    words     tsvector GENERATED ALWAYS AS (film_words(title, director, actors, overview)) STORED
);
\set ECHO none
\echo '\\copy films from films.tsv'
\copy films (id, title, year, genres, director, actors, votes, rating, overview, embedding) from films.tsv
\set ECHO queries
CREATE INDEX ON films USING gin (words);
\set ECHO none
\echo
\echo '16,279 things that people typed when they looked for a film, with their embeddings, and'
\echo 'judgments which of the films shown to them were relevant (grade 1) or not (grade 0). In an'
\echo 'application the embedding of what a user types comes as a parameter of the query.'
\echo
\set ECHO queries
CREATE TABLE queries (
    id        integer PRIMARY KEY,
    query     text NOT NULL UNIQUE,
    embedding vector(384)
);
\echo
CREATE TABLE judgments (
    query_id  integer,
    film_id   integer,
    grade     integer,
    PRIMARY KEY (query_id, film_id)
);
\set ECHO none
\echo '\\copy queries from queries.tsv'
\copy queries from queries.tsv
\echo '\\copy judgments from judgments.tsv'
\copy judgments from judgments.tsv
\set ECHO queries
VACUUM ANALYZE;
\set ECHO none
