-- Indexes of every method with all of their options, which have sealed and growing segments and dead rows; every_answers() has the
-- distances that searches return, by the indexes or without them.  For tests that move a database.
CREATE TABLE every_row (id int PRIMARY KEY, tenant int, v vector(16), h halfvec(16), f bf16vec(16), i int8vec(16), b bit(64),
	s sparsevec(16), title text, body text);
CREATE FUNCTION every_place(id bigint) RETURNS int[] LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg((hashint8extended(id, d) & 127)::int - 64) FROM generate_series(1, 16) d$$;
CREATE FUNCTION every_fill(low int, high int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO every_row SELECT n, n % 3, p, p::real[]::halfvec, p::real[]::bf16vec, p::real[]::int8vec, hashint8extended(n, 0)::bit(64),
		p::vector::sparsevec, 'title ' || n % 7, (SELECT string_agg('word' || (hashint8extended(n, d) & 63), ' ') FROM generate_series(1, 9) d)
	FROM generate_series(low, high) n, LATERAL (SELECT public.every_place(n) AS p OFFSET 0) x
$$;
CREATE SERVER every_store FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '/nonexistent');
CREATE INDEX every_hnsw ON every_row USING hnsw (v vector_l2_ops, tenant) WITH (m = 12, ef_construction = 80, storage = half, seal_rows = 300,
	tier = every_store, tier_after = '30 days', tier_min_rows = 100000);
CREATE INDEX every_diskann ON every_row USING diskann (v vector_cosine_ops, tenant) WITH (num_neighbors = 24, search_list_size = 80, max_alpha = 1.3,
	bits = 3, storage = none, seal_rows = 300);
CREATE INDEX every_diskann_full ON every_row USING diskann (h halfvec_l2_ops) WITH (num_neighbors = 30, search_list_size = 120, max_alpha = 1.1, bits = 1,
	storage = full, seal_rows = 200, tier = every_store, tier_after = '30 days', tier_min_rows = 100000);
CREATE INDEX every_diskann_half ON every_row USING diskann (f bf16vec_l2_ops) WITH (storage = half, bits = 8, seal_rows = 300);
CREATE INDEX every_diskann_sq8 ON every_row USING diskann (v vector_ip_ops) WITH (storage = sq8, seal_rows = 300);
CREATE INDEX every_ivf ON every_row USING ivf (i int8vec_l2_ops, tenant) WITH (lists = 8, quantizer = rabitq, bits = 4, refine = half, seal_rows = 300);
CREATE INDEX every_ivf_pq ON every_row USING ivf (f bf16vec_cosine_ops) WITH (lists = 6, quantizer = pq, pq_m = 8, refine = none, seal_rows = 300);
CREATE INDEX every_ivfflat ON every_row USING ivfflat (b bit_hamming_ops) WITH (lists = 5, seal_rows = 300);
CREATE INDEX every_sparse ON every_row USING sparse (s sparsevec_ip_ops, tenant) WITH (seal_rows = 300);
CREATE INDEX every_bm25 ON every_row USING bm25 ((ARRAY[title, body]), tenant) WITH (text_config = 'pg_catalog.simple', weights = '2,1', k1 = 1.5, b = 0.6,
	positions = on, seal_rows = 300);
SELECT every_fill(1, 700);
SELECT indexrelid::regclass, vector_seal(indexrelid::regclass) >= 0 FROM pg_index JOIN pg_class c ON c.oid = indexrelid
	WHERE relname ~ '^every_' AND NOT indisprimary ORDER BY 1;
SELECT every_fill(701, 800);
DELETE FROM every_row WHERE id % 10 = 0;
CREATE FUNCTION every_answers(by_index bool) RETURNS TABLE (index text, distances numeric[]) LANGUAGE plpgsql
	SET enable_bitmapscan = off SET hnsw.ef_search = 200 SET ivf.probes = 8 SET ivf.refine_k = 40 SET ivfflat.probes = 5 SET diskann.query_search_list_size = 200 AS $$
BEGIN
	PERFORM set_config('enable_seqscan', (NOT by_index)::text, true), set_config('enable_sort', (NOT by_index)::text, true),
		set_config('enable_indexscan', by_index::text, true);
	RETURN QUERY
	SELECT 'hnsw', array(SELECT (v <-> (SELECT every_place(-1)::vector))::numeric(12, 4) FROM every_row WHERE tenant = 1 ORDER BY v <-> (SELECT every_place(-1)::vector) LIMIT 10) UNION ALL
	SELECT 'diskann', array(SELECT (v <=> (SELECT every_place(-1)::vector))::numeric(12, 4) FROM every_row WHERE tenant = 1 ORDER BY v <=> (SELECT every_place(-1)::vector) LIMIT 10) UNION ALL
	SELECT 'diskann full', array(SELECT (h <-> (SELECT every_place(-1)::real[]::halfvec))::numeric(12, 4) FROM every_row ORDER BY h <-> (SELECT every_place(-1)::real[]::halfvec) LIMIT 10) UNION ALL
	SELECT 'diskann half', array(SELECT (f <-> (SELECT every_place(-1)::real[]::bf16vec))::numeric(12, 4) FROM every_row ORDER BY f <-> (SELECT every_place(-1)::real[]::bf16vec) LIMIT 10) UNION ALL
	SELECT 'diskann sq8', array(SELECT (v <#> (SELECT every_place(-1)::vector))::numeric(12, 4) FROM every_row ORDER BY v <#> (SELECT every_place(-1)::vector) LIMIT 10) UNION ALL
	SELECT 'ivf', array(SELECT (i <-> (SELECT every_place(-1)::real[]::int8vec))::numeric(12, 4) FROM every_row WHERE tenant = 1 ORDER BY i <-> (SELECT every_place(-1)::real[]::int8vec) LIMIT 10) UNION ALL
	SELECT 'ivf pq', array(SELECT (f <=> (SELECT every_place(-1)::real[]::bf16vec))::numeric(12, 4) FROM every_row ORDER BY f <=> (SELECT every_place(-1)::real[]::bf16vec) LIMIT 10) UNION ALL
	SELECT 'ivfflat', array(SELECT (b <~> hashint8extended(-1, 0)::bit(64))::numeric(12, 4) FROM every_row ORDER BY b <~> hashint8extended(-1, 0)::bit(64) LIMIT 10) UNION ALL
	SELECT 'sparse', array(SELECT (s <#> (SELECT every_place(-1)::vector::sparsevec))::numeric(12, 4) FROM every_row WHERE tenant = 1 ORDER BY s <#> (SELECT every_place(-1)::vector::sparsevec) LIMIT 10) UNION ALL
	SELECT 'bm25', array(SELECT (ARRAY[title, body] <@> to_bm25query('"title 3" +word5 word9'))::numeric(12, 4) FROM every_row WHERE tenant = 1 ORDER BY ARRAY[title, body] <@> to_bm25query('"title 3" +word5 word9') LIMIT 10);
END $$;
