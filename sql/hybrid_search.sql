-- hybrid_search: several searches of a table in one call
SET vector.background_work = off;
SET jit = off;
\set SHOW_CONTEXT never
CREATE TABLE hybrid_doc (
	id bigint PRIMARY KEY, title text, lang varchar(5), year int, price numeric(8, 2), open boolean, made timestamptz, tags text[],
	embedding vector(3), terms sparsevec(20)
);
INSERT INTO hybrid_doc
	SELECT n, 'title ' || n, (ARRAY['en', 'de', 'yo'])[n % 3 + 1], 2000 + n % 27, n % 50 / 4.0, CASE n % 4 WHEN 0 THEN NULL ELSE n % 4 = 1 END,
		timestamptz '2026-01-01 00:00+00' + n * interval '1 hour', ARRAY['t' || n % 5, 't' || n % 7],
		CASE WHEN n % 41 > 0 THEN ARRAY[n % 17 - 8, n % 13 - 6, n % 11 - 5]::vector(3) END,
		format('{%s:%s,%s:%s}/20', n % 10 + 1, n % 7 + 1, n % 9 + 11, n % 5 + 1)::sparsevec
	FROM generate_series(1, 1000) n;
CREATE INDEX ON hybrid_doc USING ivfflat (embedding vector_l2_ops, year, lang, tags) WITH (lists = 1);
CREATE INDEX ON hybrid_doc USING sparse (terms sparsevec_ip_ops);
ANALYZE hybrid_doc;
SELECT key, round(score::numeric, 5) AS score, vector_rank, sparse_rank, data
	FROM hybrid_search('hybrid_doc', query_vector => '[1,2,3]', query_sparse => '{3:1,12:2}/20', k => 3, fields => '{title,year}');

-- what it does, written out
CREATE FUNCTION hybrid_defined(condition text, query_vector vector, query_sparse sparsevec, depth int, weights float8[], rrf_k float8)
	RETURNS TABLE (key bigint, score float8, vector_rank bigint, sparse_rank bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('
		WITH v AS (SELECT id, row_number() OVER (ORDER BY d, id) AS rank FROM
				(SELECT id, embedding <-> $1 AS d FROM hybrid_doc WHERE embedding IS NOT NULL AND %1$s) s ORDER BY rank LIMIT $3),
			s AS (SELECT id, row_number() OVER (ORDER BY d, id) AS rank FROM
				(SELECT id, terms <#> $2 AS d FROM hybrid_doc WHERE terms <#> $2 < 0 AND %1$s) s ORDER BY rank LIMIT $3)
		SELECT id, coalesce($4 / ($6 + v.rank::float8), 0) + coalesce($5 / ($6 + s.rank::float8), 0), v.rank, s.rank
		FROM v FULL JOIN s USING (id)', condition) USING query_vector, query_sparse, depth, weights[1], weights[2], rrf_k;
END $$;
-- each filter, by indexes and without: depths in which no rows are equally distant at the end are the same in any plan
CREATE TEMP TABLE hybrid_filter (filter jsonb, condition text);
INSERT INTO hybrid_filter VALUES
	(NULL, 'true'), ('{}', 'true'),
	('{"lang": "en"}', $$lang = 'en'$$),
	('{"lang": ["en", "yo"]}', $$lang IN ('en', 'yo')$$),
	('{"lang": []}', 'false'),
	('{"year": {"gte": 2010, "lt": 2015}}', 'year >= 2010 AND year < 2015'),
	('{"year": {"gt": 2010, "lte": 2015}, "lang": {"neq": "de"}}', $$year > 2010 AND year <= 2015 AND lang <> 'de'$$),
	('{"year": {"in": [2001, 2003]}}', 'year IN (2001, 2003)'),
	('{"year": "2007"}', 'year = 2007'),
	('{"open": null}', 'open IS NULL'), ('{"open": {"neq": null}}', 'open IS NOT NULL'), ('{"open": true}', 'open'),
	('{"price": {"lte": 2.5}}', 'price <= 2.5'), ('{"price": 2.50}', 'price = 2.5'),
	('{"made": {"gte": "2026-01-10T00:00:00Z", "lt": "2026-01-20"}}', $$made >= '2026-01-10T00:00:00Z' AND made < '2026-01-20'$$),
	('{"tags": {"cs": ["t1"]}}', $$tags @> '{t1}'$$), ('{"tags": {"ov": ["t1", "t2"]}}', $$tags && '{t1,t2}'$$),
	('{"tags": {"cd": ["t1", "t2", "t3"]}}', $$tags <@ '{t1,t2,t3}'$$), ('{"tags": {"eq": ["t1", "t1"]}}', $$tags = '{t1,t1}'$$),
	('{"title": "title 7"}', $$title = 'title 7'$$), ('{"title": "'' OR true --"}', 'false'),
	('{"id": {"lt": 3}}', 'id < 3');
CREATE FUNCTION hybrid_differences(OUT answers bigint, OUT different bigint) LANGUAGE sql AS $$
	SELECT count(*), count(*) FILTER (WHERE ours IS DISTINCT FROM theirs)
	FROM hybrid_filter, unnest('{12, 1000}'::int[]) k, unnest(ARRAY['{0.5, 2}', '{0, 1}']::text[]) w,
		LATERAL (SELECT array_agg(ROW((key->>'id')::bigint, score, vector_rank, sparse_rank)) AS ours
			FROM hybrid_search('hybrid_doc', '[1.1,2.03,3.007]', NULL, '{3:1,12:2}/20', filter, k, depth => 1000, rrf_k => 20,
				vector_weight => (w::float8[])[1], sparse_weight => (w::float8[])[2])) o,
		LATERAL (SELECT array_agg(ROW(key, score, vector_rank, sparse_rank)) AS theirs FROM (
			SELECT * FROM hybrid_defined(condition, '[1.1,2.03,3.007]', '{3:1,12:2}/20', 1000, w::float8[], 20)
			ORDER BY score DESC, vector_rank, sparse_rank, key LIMIT k) d) t
$$;
SELECT * FROM hybrid_differences();
SET enable_seqscan = off;
SELECT * FROM hybrid_differences();
RESET enable_seqscan;

-- one search only; a depth; more rows than the default depth
SELECT key->>'id' AS id, vector_rank, sparse_rank FROM hybrid_search('hybrid_doc', '[1,2,3]', k => 2);
SELECT count(*), count(vector_rank) FROM hybrid_search('hybrid_doc', query_sparse => '{3:1}/20', k => 500);
SELECT count(*), count(vector_rank), count(sparse_rank) FROM hybrid_search('hybrid_doc', '[1,2,3]', query_sparse => '{3:1,12:2}/20', k => 500, depth => 7);
SELECT count(*) FROM hybrid_search('hybrid_doc', '[1,2,3]', k => 150);
SELECT count(*) FROM hybrid_search('hybrid_doc', '[1,2,3]', k => 150, depth => 70);
-- for each of several queries, in a prepared statement, in a transaction that only reads
BEGIN READ ONLY;
PREPARE hybrid_each AS SELECT q, key, vector_rank FROM unnest(ARRAY['[1,2,3]', '[-8,6,1]']::vector[]) q, hybrid_search('hybrid_doc', q, filter => $1, k => 1);
EXECUTE hybrid_each('{"year": 2005}');
EXECUTE hybrid_each('{"year": 2006}');
COMMIT;

-- names that need quotes, a key of two columns, domains, another type of vectors, a schema that is not in the path
CREATE SCHEMA "hybrid ""schema";
CREATE DOMAIN "hybrid ""schema"."the ""code" AS varchar(4) CHECK (value <> 'bad');
CREATE TABLE "hybrid ""schema"."a '""table" (
	"the 'key" int, "a ""part" "hybrid ""schema"."the ""code", "select" halfvec(2), distance int, arm text, k1 int, PRIMARY KEY ("the 'key", "a ""part")
);
INSERT INTO "hybrid ""schema"."a '""table" SELECT n / 10, 'p' || n % 10, ARRAY[n, 1], n, n, -n FROM generate_series(1, 100) n;
CREATE INDEX ON "hybrid ""schema"."a '""table" USING ivf ("select" halfvec_cosine_ops) WITH (lists = 1);
SELECT key, vector_rank, data FROM hybrid_search('"hybrid ""schema"."a ''""table"', '[7,1]', filter => '{"a \"part": {"lte": "p8"}, "distance": {"gt": 5}, "k1": {"neq": -9}}',
	k => 3, fields => '{select,"a \"part",distance,arm,k1}');
SELECT count(*) FROM hybrid_search('"hybrid ""schema"."a ''""table"', '[7,1]', filter => '{"a \"part": "longer than the domain allows"}');

-- partitions
CREATE TABLE hybrid_parts (id int, part int, embedding vector(2), PRIMARY KEY (part, id)) PARTITION BY LIST (part);
CREATE TABLE hybrid_part_1 PARTITION OF hybrid_parts FOR VALUES IN (1);
CREATE TABLE hybrid_part_2 PARTITION OF hybrid_parts FOR VALUES IN (2);
INSERT INTO hybrid_parts SELECT n, n % 2 + 1, ARRAY[n, 1] FROM generate_series(1, 50) n;
CREATE INDEX ON hybrid_parts USING hnsw (embedding vector_l2_ops);
SELECT key, vector_rank FROM hybrid_search('hybrid_parts', '[20,1]', k => 3);
SELECT key, vector_rank FROM hybrid_search('hybrid_parts', '[20,1]', filter => '{"part": 2}', k => 2);

-- it runs as the caller, and obeys policies
CREATE ROLE regress_hybrid;
SET ROLE regress_hybrid;
SELECT key FROM hybrid_search('hybrid_doc', '[1,2,3]', k => 1);
RESET ROLE;
GRANT SELECT (id, embedding, lang) ON hybrid_doc TO regress_hybrid;
ALTER TABLE hybrid_doc ENABLE ROW LEVEL SECURITY;
CREATE POLICY hybrid_policy ON hybrid_doc FOR SELECT TO regress_hybrid USING (id % 2 = 0);
SET ROLE regress_hybrid;
SELECT count(*), count(*) FILTER (WHERE (key->>'id')::bigint % 2 = 0) AS even FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"lang": "en"}', k => 40);
SELECT key FROM hybrid_search('hybrid_doc', '[1,2,3]', k => 1, filter => '{"year": 2001}');
SELECT key FROM hybrid_search('hybrid_doc', '[1,2,3]', k => 1, fields => '{title}');
SELECT key FROM hybrid_search('hybrid_doc', '[1,2,3]', query_sparse => '{1:1}/20', k => 1);
RESET ROLE;
ALTER TABLE hybrid_doc DISABLE ROW LEVEL SECURITY;

-- words by bm25, in any order with the others
CREATE TABLE hybrid_text (id int PRIMARY KEY, title varchar(40), body text, lang text, embedding vector(2));
INSERT INTO hybrid_text SELECT n, 'title ' || n, 'w' || n % 7 || ' w' || n % 11 || repeat(' w' || n % 13, n % 5), (ARRAY['en', 'de'])[n % 2 + 1], ARRAY[n, 50 - n] FROM generate_series(1, 300) n;
CREATE INDEX ON hybrid_text USING hnsw (embedding vector_l2_ops);
SELECT * FROM hybrid_search('hybrid_text', query_text => 'w3');
CREATE INDEX hybrid_text_body ON hybrid_text USING bm25 (body, lang text_ops) WITH (text_config = 'simple');
SELECT count(*), count(*) FILTER (WHERE f.key IS NOT NULL AND f.text_rank IS NOT DISTINCT FROM t.rank AND f.vector_rank IS NOT DISTINCT FROM v.rank
		AND f.score = coalesce(1 / (60 + v.rank::float8), 0) + coalesce(2 / (60 + t.rank::float8), 0)) AS equal
	FROM (SELECT id, row_number() OVER (ORDER BY d, id) AS rank FROM (SELECT id, body <@> to_bm25query('w3 +w5 -w2', 'hybrid_text_body') AS d FROM hybrid_text WHERE lang = 'en') s WHERE d < 0) t
	FULL JOIN (SELECT id, row_number() OVER (ORDER BY embedding <-> '[20.1,30]', id) AS rank FROM hybrid_text WHERE lang = 'en') v USING (id)
	LEFT JOIN hybrid_search('hybrid_text', '[20.1,30]', 'w3 +w5 -w2', filter => '{"lang": "en"}', k => 300, text_weight => 2) f ON f.key->'id' = to_jsonb(id);
SELECT key, vector_rank, text_rank FROM hybrid_search('hybrid_text', query_text => 'hybrid_text_body:w3 w10', k => 2);
SELECT count(*) FROM hybrid_search('hybrid_text', query_text => 'nothing');
CREATE INDEX ON hybrid_text USING bm25 (title) WITH (text_config = 'simple');
SELECT * FROM hybrid_search('hybrid_text', query_text => 'w3');
SELECT key, data FROM hybrid_search('hybrid_text', query_text => '77', text_column => 'title', fields => '{title}');

-- errors
SELECT * FROM hybrid_search(NULL, '[1,2,3]');
SELECT * FROM hybrid_search('hybrid_doc');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', k => 0);
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', k => NULL);
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', depth => -1);
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', rrf_k => -1);
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', vector_weight => 'NaN');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', vector_weight => 'Infinity');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2]');
SELECT * FROM hybrid_search('hybrid_doc', query_sparse => '{1:1}/7');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', vector_column => 'embeding');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', vector_column => 'year');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', vector_column => 'terms');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', fields => '{title,no}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', fields => '{title,NULL}');
SELECT * FROM hybrid_search('hybrid_parts', query_sparse => '{1:1}/7');
SELECT * FROM hybrid_search('pg_stats', '[1,2,3]');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '[]');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"langs": "en"}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"ctid": "(0,1)"}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"year": "MMX"}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"year": 2010.5}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"year": {"gte": null}}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"year": {"in": [1, null]}}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"year": {"in": 1}}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"year": {"eq": [1]}}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"year": {"between": 1}}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"year": {"cs": [1]}}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"tags": ["t1"]}');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', filter => '{"made": {"lt": "yesterdays"}}');
CREATE INDEX ON hybrid_doc USING hnsw (embedding vector_cosine_ops);
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]');
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', vector_column => 'embedding');
ALTER TABLE hybrid_doc ADD second halfvec(3);
CREATE INDEX ON hybrid_doc USING hnsw (second halfvec_l2_ops);
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]');
SELECT count(*) FROM hybrid_search('hybrid_doc', '[1,2,3]', vector_column => 'second');
ALTER TABLE hybrid_doc DROP CONSTRAINT hybrid_doc_pkey;
SELECT * FROM hybrid_search('hybrid_doc', '[1,2,3]', vector_column => 'second');
-- a value without an order, and an index of some rows
CREATE TABLE hybrid_odd (id int PRIMARY KEY, place point, doc jsonb, embedding vector(2));
CREATE INDEX ON hybrid_odd USING hnsw (embedding vector_l2_ops) WHERE id > 0;
SELECT * FROM hybrid_search('hybrid_odd', '[1,2]');
CREATE INDEX ON hybrid_odd USING hnsw (embedding vector_l2_ops);
INSERT INTO hybrid_odd VALUES (1, '(1,2)', '{"a": 1}', '[1,1]');
SELECT * FROM hybrid_search('hybrid_odd', '[1,2]', filter => '{"place": "(1,2)"}');
SELECT * FROM hybrid_search('hybrid_odd', '[1,2]', filter => '{"doc": {"eq": "{\"a\": 1}"}}');
SELECT * FROM hybrid_search('hybrid_odd', '[1,2]', filter => '{"doc": {"a": 1}}');

DROP TABLE hybrid_text, hybrid_doc, hybrid_parts, hybrid_odd, "hybrid ""schema"."a '""table";
DROP DOMAIN "hybrid ""schema"."the ""code";
DROP SCHEMA "hybrid ""schema";
DROP FUNCTION hybrid_defined, hybrid_differences;
DROP ROLE regress_hybrid;
RESET vector.background_work;
RESET jit;
