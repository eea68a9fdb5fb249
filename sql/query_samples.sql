-- vector.sample_queries: samples of the queries that sessions search for, and recall by them
CREATE TABLE asked_rows (id int, v vector(3), b bit(8));
INSERT INTO asked_rows SELECT n, ARRAY[n % 17, n % 23, n % 29], (n % 256)::bit(8) FROM generate_series(1, 500) n;
CREATE INDEX asked_v ON asked_rows USING hnsw (v vector_l2_ops);
CREATE INDEX asked_h ON asked_rows USING ivfflat ((v::halfvec(3)) halfvec_cosine_ops) WITH (lists = 3);
CREATE INDEX asked_b ON asked_rows USING hnsw (b bit_hamming_ops);
CREATE INDEX asked_s ON asked_rows USING sparse ((v::sparsevec(3)) sparsevec_ip_ops);
SET enable_seqscan = off;
-- none by default
SELECT count(*) FROM (SELECT id FROM asked_rows ORDER BY v <-> '[1,2,3]' LIMIT 3) s;
SELECT * FROM vector_query_samples('asked_v');
-- all, as they were given, with the rows wanted if that is known
SET vector.sample_queries = 1;
SELECT count(*) FROM (SELECT id FROM asked_rows ORDER BY v <-> '[1,2.5,-3e-9]' LIMIT 3) s;
SELECT count(*) FROM (SELECT id FROM asked_rows ORDER BY v <-> '[4,5,6]' LIMIT 2 OFFSET 5) s;
SELECT count(*) FROM (SELECT id FROM asked_rows ORDER BY v <-> NULL::vector(3) LIMIT 3) s;
SELECT count(*) FROM (SELECT id FROM asked_rows ORDER BY v <-> '[7,8]' LIMIT 1) s;
BEGIN;
DECLARE asked CURSOR FOR SELECT id FROM asked_rows ORDER BY v <-> '[7,8,9]';
MOVE 20 FROM asked;
ROLLBACK;
SELECT count(*) FROM (SELECT id FROM asked_rows ORDER BY v::halfvec(3) <=> '[1,0.1,0]' LIMIT 1) s;
SELECT count(*) FROM (SELECT id FROM asked_rows ORDER BY b <~> B'10000111' LIMIT 1) s;
SELECT count(*) FROM (SELECT id FROM asked_rows ORDER BY v::sparsevec(3) <#> '{2:1.5}/3' LIMIT 1) s;
-- each query of a join
SELECT count(*) FROM generate_series(1, 4) i, LATERAL (SELECT id FROM asked_rows ORDER BY v::sparsevec(3) <#> format('{1:%s,3:1}/3', i)::sparsevec LIMIT 2) s;
SET vector.sample_queries = 0;
SELECT query, k, seen_at > now() - interval '1 hour' AND seen_at <= clock_timestamp() AS recent FROM vector_query_samples('asked_v') ORDER BY query;
SELECT query, k FROM vector_query_samples('asked_h');
SELECT query, k FROM vector_query_samples('asked_b');
SELECT query, k FROM vector_query_samples('asked_s') ORDER BY query;
-- a measurement's searches are none of the users'
SET vector.sample_queries = 1;
SELECT queries_used, source FROM vector_recall('asked_v', samples => 20);
SELECT queries_used, source FROM vector_recall('asked_v', queries => 'SELECT v FROM asked_rows LIMIT 7');
SELECT recall, queries_used, source FROM vector_recall('asked_v', queries => 'samples', efforts => '{500}');
SELECT recall, queries_used, source FROM vector_recall('asked_b', queries => 'samples', efforts => '{500}');
SELECT recall, queries_used, source FROM vector_recall('asked_s', queries => 'samples', samples => 3);
SET vector.sample_queries = 0;
SELECT count(*) FROM vector_query_samples('asked_v');
-- a sample of many: each with the same probability, the same ones with vector.seed
CREATE FUNCTION asked_search(fraction float8, searches int, seed int) RETURNS TABLE (queries bigint, first_half bigint, digest text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM vector_query_samples_reset('asked_v');
	PERFORM set_config('vector.seed', seed::text, true), set_config('vector.sample_queries', fraction::text, true);
	PERFORM count(*) FROM generate_series(1, searches) i, LATERAL (SELECT id FROM asked_rows ORDER BY v <-> ARRAY[i, i, i]::vector LIMIT 1) s;
	RETURN QUERY SELECT count(*), count(*) FILTER (WHERE (q.query::vector::real[])[1] <= searches / 2), md5(string_agg(q.query, ' ' ORDER BY q.query)) FROM vector_query_samples('asked_v') q;
END $$;
SELECT queries, first_half BETWEEN 430 AND 570 AS uniform, digest AS all_5000 FROM asked_search(1, 5000, 5) \gset
SELECT :queries AS queries, :'uniform' AS uniform;
SELECT queries BETWEEN 150 AND 250 AS part FROM asked_search(0.2, 1000, 6);
SELECT queries, digest = :'all_5000' AS same FROM asked_search(1, 5000, 5);
SELECT queries, digest = :'all_5000' AS same FROM asked_search(1, 5000, 7);
SELECT queries FROM asked_search(0, 100, 5);
-- a bounded memory, in which few large ones have room, and more small ones
CREATE TABLE asked_wide (id int, v vector(16000));
INSERT INTO asked_wide SELECT n, array_fill(n, ARRAY[16000])::vector FROM generate_series(1, 3) n;
CREATE INDEX asked_wide_v ON asked_wide USING hnsw (v vector_l2_ops);
CREATE TABLE asked_words (id int, s sparsevec(50000));
INSERT INTO asked_words SELECT n, format('{%s:1}/50000', n)::sparsevec FROM generate_series(1, 100) n;
CREATE INDEX asked_words_s ON asked_words USING sparse (s sparsevec_ip_ops);
SET vector.sample_queries = 1;
SELECT count(*) FROM generate_series(1, 40) i, LATERAL (SELECT id FROM asked_wide ORDER BY v <-> array_fill(i, ARRAY[16000])::vector LIMIT 1) s;
SELECT count(*) FROM generate_series(1, 300) i, LATERAL (SELECT id FROM asked_words ORDER BY s <#> (SELECT format('{%s}/50000', string_agg(format('%s:%s', d, i), ',' ORDER BY d))::sparsevec
	FROM generate_series(1, 1 + i % 100 * 20) d) LIMIT 1) s;
SET vector.sample_queries = 0;
SELECT count(*) BETWEEN 10 AND 16 AS few, count(DISTINCT query) = count(*) AS distinct, bool_and(query::vector = array_fill((query::vector::real[])[1], ARRAY[16000])::vector) AS whole FROM vector_query_samples('asked_wide_v');
SELECT count(*) BETWEEN 60 AND 200 AS some, count(DISTINCT query) = count(*) AS distinct, bool_and(1 + (l2_norm(query::sparsevec) / sqrt(n))::int % 100 * 20 = n) AS whole
	FROM vector_query_samples('asked_words_s'), LATERAL (SELECT array_length(string_to_array(query, ','), 1) AS n) l;
DROP TABLE asked_wide, asked_words;
-- rows lie in groups, and queries between these: recall by rows promises too much, and so does a target
CREATE TABLE asked_groups (id int, v vector(12));
INSERT INTO asked_groups SELECT n, (SELECT array_agg(100 * (hashint8extended(n % 80, d) & 1023) / 1024.0 + 10 * (hashint8extended(n, d + 12) & 1023) / 1024.0) FROM generate_series(1, 12) d)::vector FROM generate_series(1, 4000) n;
CREATE INDEX asked_groups_v ON asked_groups USING ivf (v vector_l2_ops) WITH (lists = 30);
CREATE FUNCTION asked_between(n int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(45 + 20 * (hashint8extended(n, d + 24) & 1023) / 1024.0)::vector FROM generate_series(1, 12) d $$;
SELECT recall > 0.98 AS by_rows FROM vector_recall('asked_groups_v', efforts => '{1}');
SET vector.target_recall = 0.9;
ANALYZE asked_groups;
SELECT DISTINCT source FROM vector_recall_curves('asked_groups_v');
SET vector.sample_queries = 1;
SELECT count(*) FROM generate_series(1, 99) n, LATERAL (SELECT id FROM asked_groups ORDER BY v <-> asked_between(n) LIMIT 10) s;
SET vector.sample_queries = 0;
SELECT recall < 0.7 AS target_missed, source FROM vector_recall('asked_groups_v', queries => 'samples');
-- as many as 100 are enough for the target
ANALYZE asked_groups;
SELECT DISTINCT source FROM vector_recall_curves('asked_groups_v');
SET vector.sample_queries = 1;
SELECT count(*) FROM generate_series(100, 400) n, LATERAL (SELECT id FROM asked_groups ORDER BY v <-> asked_between(n) LIMIT 10) s;
SET vector.sample_queries = 0;
ANALYZE asked_groups;
SELECT k, queries, source FROM vector_recall_curves('asked_groups_v') GROUP BY k, queries, source ORDER BY k;
SELECT recall >= 0.89 AS target_held, queries_used, source FROM vector_recall('asked_groups_v', samples => 400, queries => 'SELECT asked_between(n) FROM generate_series(1001, 1400) n');
RESET vector.target_recall;
SELECT recall < 0.6 AS by_samples, source FROM vector_recall('asked_groups_v', queries => 'samples', efforts => '{1}');
DROP TABLE asked_groups;
DROP FUNCTION asked_between;
-- another file, another index: none
SET vector.sample_queries = 1;
SELECT count(*) FROM (SELECT id FROM asked_rows ORDER BY b <~> B'10000111' LIMIT 1) s;
SET vector.sample_queries = 0;
SELECT count(*) FROM vector_query_samples('asked_b');
BEGIN;
REINDEX INDEX asked_b;
SELECT count(*) FROM vector_query_samples('asked_b');
COMMIT;
SELECT count(*) FROM vector_query_samples('asked_b');
SELECT count(*) > 0 AS kept FROM vector_query_samples('asked_h');
TRUNCATE asked_rows;
SELECT count(*) FROM vector_query_samples('asked_h');
INSERT INTO asked_rows SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 500) n;
SET vector.sample_queries = 1;
SELECT count(*) FROM generate_series(1, 4) i, LATERAL (SELECT id FROM asked_rows ORDER BY v <-> ARRAY[i, i, i]::vector LIMIT 1) s;
SET vector.sample_queries = 0;
DROP INDEX asked_v;
CREATE INDEX asked_v ON asked_rows USING hnsw (v vector_l2_ops);
SELECT count(*) FROM vector_query_samples('asked_v');
-- what is refused
CREATE INDEX asked_id ON asked_rows (id);
SELECT vector_query_samples('asked_id');
SELECT vector_query_samples('asked_rows');
SELECT vector_query_samples_reset('asked_rows');
CREATE TABLE asked_texts (body text);
CREATE INDEX asked_texts_body ON asked_texts USING bm25 (body) WITH (text_config = 'english');
SELECT vector_query_samples('asked_texts_body');
SELECT vector_query_samples_reset('asked_texts_body');
DROP TABLE asked_texts;
SELECT vector_query_samples(NULL), vector_query_samples_reset(NULL);
SET vector.sample_queries = 1.5;
-- for the owner of the table only
SET vector.sample_queries = 1;
SELECT count(*) FROM (SELECT id FROM asked_rows ORDER BY v <-> '[1,2,3]' LIMIT 3) s;
RESET vector.sample_queries;
CREATE ROLE regress_asked_owner;
CREATE ROLE regress_asked_member ROLE regress_asked_owner;
CREATE ROLE regress_asked_reader;
CREATE ROLE regress_asked_monitor IN ROLE pg_monitor, pg_read_all_data, pg_read_all_stats;
ALTER TABLE asked_rows OWNER TO regress_asked_member;
GRANT SELECT ON asked_rows TO regress_asked_reader, regress_asked_owner;
SET ROLE regress_asked_member;
SELECT query FROM vector_query_samples('asked_v');
SELECT queries_used FROM vector_recall('asked_v', queries => 'samples');
SET vector.sample_queries = 1;
SET ROLE regress_asked_owner;
SELECT query FROM vector_query_samples('asked_v');
SET ROLE regress_asked_reader;
SELECT count(*) FROM asked_rows;
SELECT query FROM vector_query_samples('asked_v');
SELECT vector_query_samples_reset('asked_v');
SELECT queries_used FROM vector_recall('asked_v', queries => 'samples');
SET ROLE regress_asked_monitor;
SELECT query FROM vector_query_samples('asked_v');
SELECT vector_query_samples_reset('asked_v');
SELECT queries_used FROM vector_recall('asked_v', queries => 'samples');
RESET ROLE;
ALTER TABLE asked_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY asked_all ON asked_rows TO regress_asked_reader USING (true);
SET ROLE regress_asked_reader;
SELECT count(*) FROM asked_rows;
SELECT query FROM vector_query_samples('asked_v');
SELECT queries_used FROM vector_recall('asked_v', queries => 'samples');
SET ROLE regress_asked_member;
SELECT vector_query_samples_reset('asked_v');
SELECT query FROM vector_query_samples('asked_v');
RESET ROLE;
DROP TABLE asked_rows;
DROP FUNCTION asked_search;
DROP ROLE regress_asked_owner, regress_asked_member, regress_asked_reader, regress_asked_monitor;
