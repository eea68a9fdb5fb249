\echo
\echo
\echo '== What an operator sees =='
\echo
\echo 'Two indexes, 1,000 searches that a user typed, rows that were inserted and deleted since, the recall, and where one search lies.'
\echo
\set ECHO queries
CREATE INDEX films_graph ON films USING hnsw (embedding vector_cosine_ops);
\echo
CREATE TABLE notes (film integer, embedding vector(384));
CREATE INDEX notes_graph ON notes USING hnsw (embedding vector_cosine_ops) WITH (seal_rows = 1000);
INSERT INTO notes SELECT id, embedding FROM films WHERE id % 3 = 0;
DELETE FROM notes WHERE film % 8 = 0;
SET vector.target_recall = 0.95;
VACUUM notes;
ANALYZE notes, films;
\echo
SET vector.log_min_duration = 2;
SET client_min_messages = error;
SET vector.sample_queries = 1;
SELECT count(f.id) AS found FROM (SELECT embedding FROM queries ORDER BY id LIMIT 1000) q,
    LATERAL (SELECT id FROM films ORDER BY embedding <=> q.embedding LIMIT 10) f;
SELECT count(n.film) AS found FROM (SELECT embedding FROM queries ORDER BY id LIMIT 300) q,
    LATERAL (SELECT film FROM notes ORDER BY embedding <=> q.embedding LIMIT 10) n;
RESET vector.sample_queries;
\set ECHO none
\echo
\echo 'The recall of other searches that a user typed, by settings; by a target that ANALYZE has measured with rows, which are'
\echo 'easier to find; and by one that it has measured with the samples of the searches above.'
\echo
\set ECHO queries
SELECT effort, round(recall::numeric, 3) AS recall, round(recall_low::numeric, 3) AS low, round(recall_high::numeric, 3) AS high, recall_p5
FROM vector_recall('films_graph', samples => 150, efforts => '{10, 20, 40, 80, 160}',
                   queries => 'SELECT embedding FROM queries ORDER BY id DESC');
\echo
SELECT effort, recall FROM vector_recall('films_graph');
SELECT effort, recall FROM vector_recall('films_graph', samples => 150, queries => 'SELECT embedding FROM queries ORDER BY id DESC');
\echo
ANALYZE films;
SELECT effort, recall FROM vector_recall('films_graph', samples => 150, queries => 'SELECT embedding FROM queries ORDER BY id DESC');
\echo
SELECT index, scans, round(search_p50::numeric, 2) AS median_ms, round(search_p99::numeric, 2) AS p99_ms, recall, growing_rows, sealed_segments, dead_rows
FROM vector_stat_indexes() ORDER BY index::text;
\set ECHO none
