-- one ranking of several orders: rrf and weighted

SET jit = off;
SET hnsw.ef_search = 600;
CREATE TABLE fused (id int PRIMARY KEY, tenant int NOT NULL, a vector(3), b vector(4), terms sparsevec(30), grade float8, body text);
SELECT setseed(0.25);
-- nulls and zeros in some; grades with many ties
INSERT INTO fused
	SELECT i, i % 7,
		CASE WHEN i % 20 > 0 THEN ARRAY[random(), random(), random()]::vector END,
		CASE WHEN i % 25 > 0 THEN ARRAY[random(), random(), random(), random()] ELSE '{0, 0, 0, 0}' END::vector,
		format('{%s:%s,%s:%s}/30', 1 + i % 15, 0.5 + random(), 16 + i % 11, 0.5 + random())::sparsevec, i % 4,
		repeat('fish ', i % 3) || repeat('bird ', i % 7 / 2) || CASE WHEN i % 11 < 4 THEN 'rare tree' ELSE 'tree' END
	FROM generate_series(1, 600) i;
CREATE INDEX fused_a ON fused USING hnsw (a vector_l2_ops, tenant);
CREATE INDEX fused_b ON fused USING hnsw (b vector_cosine_ops, tenant);
CREATE INDEX fused_body ON fused USING bm25 (body) WITH (text_config = 'simple');
CREATE INDEX fused_terms ON fused USING sparse (terms sparsevec_ip_ops);
ANALYZE fused;

-- what is expected, by row_number() of each arm and a sum
CREATE FUNCTION fused_expected(tab regclass, method text, arms text[], cond text, k int, depth bigint, weights float8[],
		OUT id int, OUT score float8) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	part text[];
	share text;
BEGIN
	FOR i IN 1 .. cardinality(arms) LOOP
		share := CASE method
			WHEN 'rrf' THEN format('-(%L::float8) / (%s + r)', weights[i], k)
			WHEN 'minmax' THEN format('-(%L::float8) * CASE WHEN max(d) OVER () > min(d) OVER () THEN (max(d) OVER () - d) / (max(d) OVER () - min(d) OVER ()) ELSE 1 END', weights[i])
			WHEN 'arctan' THEN format('-(%L::float8) * (0.5 - atan(d) / pi())', weights[i])
			WHEN 'none' THEN format('%L::float8 * d', weights[i]) END;
		part := part || format('SELECT id, %1$s AS arm, r, %2$s AS share, %3$L::float8 * greatest(max(d) OVER (), 0) AS missing
			FROM (SELECT id, %4$s AS d, row_number() OVER (ORDER BY %4$s, ctid) AS r FROM %5$s
				WHERE (%6$s) AND %4$s < ''Infinity'' AND (%4$s) <> %8$s ORDER BY %4$s, ctid LIMIT %7$s) AS rows',
			i, share, weights[i], arms[i], tab, cond, coalesce(depth::text, 'ALL'), CASE WHEN arms[i] ~ '<[#@]>' THEN 0 ELSE -1 END);
	END LOOP;
	RETURN QUERY EXECUTE format('WITH hit AS (%s) SELECT id, (SELECT sum(coalesce(mine.share, CASE %L WHEN ''none'' THEN (SELECT missing FROM hit WHERE hit.arm = n LIMIT 1) ELSE 0 END) ORDER BY n)
			FROM generate_series(1, %s) n LEFT JOIN hit AS mine ON mine.id = found.id AND mine.arm = n) AS score
		FROM (SELECT id, min(r) FILTER (WHERE arm = 1) AS first FROM hit GROUP BY id) AS found JOIN %s AS tab USING (id) ORDER BY 2, first, tab.ctid',
		array_to_string(part, ' UNION ALL '), method, cardinality(arms), tab);
END $$;

-- the fused order
CREATE FUNCTION fused_found(tab regclass, method text, arms text[], cond text, k int, depth bigint, weights float8[],
		OUT id int, OUT score float8) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	call text := format('%s(%s, %s, depth => %L, weights => %L)', CASE WHEN method = 'rrf' THEN 'rrf' ELSE 'weighted' END,
		array_to_string(arms, ', '), CASE WHEN method = 'rrf' THEN 'k => ' || k ELSE format('normalization => %L', method) END, depth, weights);
BEGIN
	RETURN QUERY EXECUTE format('SELECT id, %s FROM %s WHERE %s ORDER BY %1$s', call, tab, cond);
END $$;

CREATE FUNCTION fused_compare(tab regclass, method text, arms text[], cond text, k int, depth bigint, weights float8[],
		OUT rows bigint, OUT differ bigint) LANGUAGE sql AS $$
	WITH e AS (SELECT row_number() OVER () AS n, * FROM fused_expected(tab, method, arms, cond, k, depth, weights)),
		f AS (SELECT row_number() OVER () AS n, * FROM fused_found(tab, method, arms, cond, k, depth, weights))
	SELECT count(*), count(*) FILTER (WHERE (e.id = f.id AND abs(e.score - f.score) < 1e-12) IS NOT TRUE)
	FROM e FULL JOIN f USING (n) $$;

-- plans: by indexes, with conditions in them; and an arm without an index
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM fused WHERE tenant = 3
	ORDER BY rrf(a <-> '[0.5,0.5,0.5]', b <=> '[1,0,1,0]', terms <#> '{2:1,17:1}/30') LIMIT 5;
RESET enable_sort;
EXPLAIN (COSTS OFF) SELECT id, rrf(a <-> '[0.5,0.5,0.5]', grade) AS score FROM fused ORDER BY score LIMIT 5;

-- the order is that of the CTE, by sorting and by indexes
PREPARE fused_all AS
	SELECT method, c, sum(rows) AS rows, sum(differ) AS differ
	FROM (VALUES (ARRAY['a <-> ''[0.5,0.5,0.5]''', 'b <=> ''[1,0,1,0]''']), (ARRAY['b <=> ''[1,2,3,4]''', 'a <-> ''[0,1,0]''',
			'terms <#> ''{1:1,2:2,4:1,5:1,16:1,18:1}/30''']),
			(ARRAY['a <-> ''[0,0,0]''', 'a <-> ''[1,1,1]''', 'b <=> ''[1,2,3,4]''', 'b <=> ''[4,3,2,1]'''])) AS q (arms),
		(VALUES ('true'), ('tenant = 3'), ('id % 3 = 0 AND tenant IN (1, 2)'), ('id < 0')) AS w (c),
		(VALUES ('rrf'), ('minmax'), ('arctan'), ('none')) AS m (method),
		LATERAL fused_compare('fused', method, arms, c, 60, 40, ('{1,0.7,2,0.3}'::float8[])[:cardinality(arms)])
	GROUP BY method, c ORDER BY method, c;
EXECUTE fused_all;
SET enable_sort = off;
SET enable_seqscan = off;
EXECUTE fused_all;
RESET enable_sort;
RESET enable_seqscan;
-- by words, whose scores are often equal: a sort takes any of these for the last ones within a depth
PREPARE fused_words (bigint) AS
	SELECT method, sum(rows) AS rows, sum(differ) AS differ
	FROM (VALUES ('rrf'), ('minmax'), ('arctan'), ('none')) AS m (method), (VALUES ('true'), ('tenant = 3'), ('id % 3 = 0')) AS w (c),
		LATERAL fused_compare('fused', method, ARRAY['body <@> ''rare bird''', 'a <-> ''[0.5,0.5,0.5]''', 'body <@> ''fish -rare'''],
			c, 60, $1, '{1,0.7,2}')
	GROUP BY method ORDER BY method;
SET enable_indexscan = off;
EXECUTE fused_words (NULL);
RESET enable_indexscan;
SET enable_sort = off;
SET enable_seqscan = off;
EXECUTE fused_words (NULL);
EXECUTE fused_words (40);
RESET enable_sort;
RESET enable_seqscan;
-- again for each row of a join, with words that the join gives
PREPARE fused_again AS
	SELECT words, q, (SELECT string_agg(id || ':' || round(-1000 * score::numeric, 3), ' ' ORDER BY s.score, id) FROM (
		SELECT id, rrf(body <@> words, a <-> q, depth => NULL) AS score FROM fused ORDER BY score LIMIT 4) AS s) AS found
	FROM (VALUES ('rare bird'), ('fish'), (NULL), ('none of these'), ('rare bird')) AS w (words), (VALUES ('[0.5,0.5,0.5]'::vector), ('[0,1,0]')) AS v (q);
CREATE TABLE fused_sorted AS EXECUTE fused_again;
SET enable_sort = off;
SET enable_seqscan = off;
CREATE TABLE fused_scanned AS EXECUTE fused_again;
RESET enable_sort;
RESET enable_seqscan;
SELECT s.words, q, s.found, s.found = t.found AS same FROM fused_sorted AS s JOIN fused_scanned AS t USING (q)
	WHERE s.words IS NOT DISTINCT FROM t.words GROUP BY 1, 2, 3, 4 ORDER BY 1, 2;
DROP TABLE fused_sorted, fused_scanned;
-- without SCROLL a cursor goes back as well, as that of any plan that can
BEGIN;
DECLARE f CURSOR FOR SELECT id FROM fused ORDER BY rrf(body <@> 'rare bird', a <-> '[0.5,0.5,0.5]');
FETCH 2 FROM f;
FETCH BACKWARD 1 FROM f;
FETCH 2 FROM f;
CLOSE f;
DECLARE n NO SCROLL CURSOR FOR SELECT id FROM fused ORDER BY rrf(body <@> 'rare bird', a <-> '[0.5,0.5,0.5]');
FETCH 2 FROM n;
FETCH BACKWARD 1 FROM n;
ROLLBACK;
-- an index of words knows the scores, and the arm does not compute them
SET enable_sort = off;
EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM fused WHERE grade > 0 ORDER BY rrf(body <@> 'rare bird', a <-> '[0.5,0.5,0.5]') LIMIT 5;
RESET enable_sort;
-- ranks of equal distances, equal scores; k, depth and weights
SELECT method, count(*), sum(rows) AS rows, sum(differ) AS differ
FROM (VALUES ('rrf'), ('minmax'), ('none')) AS m (method), (VALUES (60), (0), (1)) AS p (k),
	(VALUES (1::bigint), (10), (NULL)) AS d (depth), (VALUES ('{1,1}'::float8[]), ('{0.3,2}'), ('{0,1}')) AS v (weights),
	LATERAL fused_compare('fused', method, ARRAY['grade', 'a <-> ''[0.5,0.5,0.5]'''], 'tenant < 5', k, depth, weights)
GROUP BY method ORDER BY method;

-- pages neither repeat nor skip a row, in both directions
CREATE TABLE fused_whole AS SELECT row_number() OVER () AS n, id
	FROM (SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', b <=> '[1,0,1,0]', depth => 20)) AS s;
SELECT count(*), count(DISTINCT id) FROM fused_whole;
SELECT count(*) AS pages, bool_and(ids = whole) AS same FROM generate_series(0, 40, 7) AS page, LATERAL (
	SELECT ARRAY(SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', b <=> '[1,0,1,0]', depth => 20) LIMIT 7 OFFSET page) AS ids,
		ARRAY(SELECT id FROM fused_whole ORDER BY n LIMIT 7 OFFSET page) AS whole) AS s;
SELECT array_agg(id ORDER BY n) FROM fused_whole WHERE n <= 5;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', b <=> '[1,0,1,0]', depth => 20);
FETCH 3 FROM c;
-- a cursor sees what was there
DELETE FROM fused WHERE id IN (SELECT id FROM fused_whole WHERE n = 4);
FETCH 2 FROM c;
FETCH BACKWARD 3 FROM c;
MOVE ALL IN c;
FETCH PRIOR FROM c;
FETCH FIRST FROM c;
-- the row of a cursor
UPDATE fused SET grade = -1 WHERE CURRENT OF c RETURNING id, grade;
SELECT count(*), array_agg(id) FILTER (WHERE r <= 4) FROM (SELECT id, row_number() OVER () AS r
	FROM (SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', b <=> '[1,0,1,0]', depth => 20)) AS s) AS t;
ROLLBACK;
BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', b <=> '[1,0,1,0]') LIMIT 3;
COMMIT;
FETCH ALL FROM h;
CLOSE h;

-- the score elsewhere in the query; other columns, also of the system; more keys; a whole row
SELECT id, round(-100 * rrf(a <-> '[0.5,0.5,0.5]', grade)::numeric, 3) AS score, tableoid::regclass, ctid IS NOT NULL AS ctid, grade = (s).grade AS grade
	FROM fused AS s ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade), id DESC LIMIT 3;
-- subqueries, views, CTEs, joins
CREATE VIEW fused_view AS SELECT id, rrf(a <-> '[0.5,0.5,0.5]', grade) AS score FROM fused WHERE tenant = 1 ORDER BY score LIMIT 4;
SELECT v.id, round(score::numeric, 4) AS score, o.tenant FROM fused_view AS v JOIN fused AS o ON o.id = v.id + 1 ORDER BY score, v.id;
WITH best AS (SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade) LIMIT 3) SELECT id FROM best ORDER BY id;
SELECT s.id, round(rrf(s.a <-> '[0.5,0.5,0.5]', s.grade)::numeric, 4) AS score, t.tenant, u.grade
	FROM fused AS s JOIN fused AS t ON t.id = s.id + 1 JOIN fused AS u ON u.id = t.id + 1
	ORDER BY rrf(s.a <-> '[0.5,0.5,0.5]', s.grade) LIMIT 3;
SET enable_nestloop = off;
SELECT s.id, round(rrf(s.a <-> '[0.5,0.5,0.5]', s.grade)::numeric, 4) AS score, t.tenant, u.grade
	FROM fused AS s JOIN fused AS t ON t.id = s.id + 1 JOIN fused AS u ON u.id = t.id + 1
	ORDER BY rrf(s.a <-> '[0.5,0.5,0.5]', s.grade) LIMIT 3;
RESET enable_nestloop;
SELECT q, ids FROM (VALUES ('[0,0,0]'::vector), ('[1,1,1]'), (NULL)) AS query (q),
	LATERAL (SELECT array_agg(id) AS ids FROM (SELECT id FROM fused ORDER BY rrf(a <-> q, grade) LIMIT 3) AS s) AS found;
SELECT q, w, ids FROM (VALUES ('[0,0,0]'::vector, 1), ('[0,0,0]', 100), ('[1,1,1]', 100)) AS query (q, w),
	LATERAL (SELECT array_agg(id) AS ids FROM (SELECT id FROM fused ORDER BY rrf(a <-> q, b <=> '[1,0,1,0]', k => w, depth => w, weights => ARRAY[1, 1.0 / w]) LIMIT 3) AS s) AS found;
SELECT count(*) FROM fused WHERE id IN (SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade) LIMIT 9);
-- conditions with subqueries, which would be joins, and those without columns
SELECT array_agg(id) FROM (SELECT id FROM fused WHERE tenant IN (SELECT 3 UNION SELECT 4) ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, depth => 5)) AS s;
SET vector.enable_semijoin_filter = off;
SELECT array_agg(id) FROM (SELECT id FROM fused WHERE EXISTS (SELECT FROM generate_series(3, 4) AS t WHERE t = tenant)
	ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, depth => 5)) AS s;
RESET vector.enable_semijoin_filter;
SELECT array_agg(id) FROM (SELECT id FROM fused WHERE tenant IN (3, 4) AND now() > '2000-01-01' AND 1 = (SELECT min(tenant) + 1 FROM fused)
	ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, depth => 5)) AS s;
PREPARE fused_query (vector, vector, bigint, int) AS
	SELECT array_agg(id) FROM (SELECT id FROM fused WHERE tenant = $4 ORDER BY rrf(a <-> $1, b <=> $2, depth => $3) LIMIT 3) AS s;
SET plan_cache_mode = force_generic_plan;
EXECUTE fused_query ('[0.5,0.5,0.5]', '[1,0,1,0]', 40, 3);
EXECUTE fused_query ('[0,0,0]', '[1,0,1,0]', NULL, 2);
SET plan_cache_mode = force_custom_plan;
EXECUTE fused_query ('[0.5,0.5,0.5]', '[1,0,1,0]', 40, 3);
EXECUTE fused_query ('[0,0,0]', '[1,0,1,0]', NULL, 2);
EXECUTE fused_query ('[0,0,0]', '[1,0,1,0]', 0, 2);
RESET plan_cache_mode;
DEALLOCATE fused_query;

-- policies are met by every arm, before what may leak
CREATE ROLE fused_reader;
GRANT SELECT ON fused TO fused_reader;
ALTER TABLE fused ENABLE ROW LEVEL SECURITY;
CREATE POLICY fused_policy ON fused USING (tenant = 4);
SET ROLE fused_reader;
SELECT id, tenant FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', b <=> '[1,0,1,0]', depth => 3) LIMIT 3;
RESET ROLE;
SELECT id, tenant FROM fused WHERE tenant = 4 ORDER BY rrf(a <-> '[0.5,0.5,0.5]', b <=> '[1,0,1,0]', depth => 3) LIMIT 3;
ALTER TABLE fused DISABLE ROW LEVEL SECURITY;
REVOKE SELECT ON fused FROM fused_reader;
DROP ROLE fused_reader;

-- ranks are over all partitions, and over all children
CREATE TABLE fused_parts (grade float8, id int, tenant int NOT NULL, a vector(3), b vector(4)) PARTITION BY LIST (tenant);
CREATE TABLE fused_part1 PARTITION OF fused_parts FOR VALUES IN (0, 1, 2);
CREATE TABLE fused_part2 PARTITION OF fused_parts FOR VALUES IN (3, 4, 5, 6) PARTITION BY RANGE (id);
CREATE TABLE fused_part2a (b vector(4), dropped text, a vector(3), id int, tenant int NOT NULL, grade float8);
ALTER TABLE fused_part2a DROP COLUMN dropped;
ALTER TABLE fused_part2 ATTACH PARTITION fused_part2a FOR VALUES FROM (0) TO (300);
CREATE TABLE fused_part2b PARTITION OF fused_part2 FOR VALUES FROM (300) TO (1000);
INSERT INTO fused_parts SELECT grade, id, tenant, a, b FROM fused;
CREATE INDEX ON fused_parts USING hnsw (a vector_l2_ops);
CREATE INDEX ON fused_part1 USING hnsw (b vector_cosine_ops);
ANALYZE fused_parts;
SET enable_partitionwise_aggregate = on;
SET enable_partitionwise_join = on;
EXPLAIN (COSTS OFF) SELECT id FROM fused_parts ORDER BY rrf(a <-> '[0.5,0.5,0.5]', b <=> '[1,0,1,0]') LIMIT 5;
PREPARE fused_partitions AS
	SELECT c, p.found = w.found AS same FROM (VALUES ('true'), ('tenant > 2'), ('id < 300'), ('tenant < 3'), ('tenant = 4 AND id > 400')) AS v (c),
		LATERAL (SELECT array_agg((id, round(score::numeric, 9)) ORDER BY score, id) AS found
			FROM fused_found('fused_parts', 'rrf', ARRAY['a <-> ''[0.5,0.5,0.5]''', 'b <=> ''[1,0,1,0]'''], c, 60, 40, '{1,1}')) AS p,
		LATERAL (SELECT array_agg((id, round(score::numeric, 9)) ORDER BY score, id) AS found
			FROM fused_found('fused', 'rrf', ARRAY['a <-> ''[0.5,0.5,0.5]''', 'b <=> ''[1,0,1,0]'''], c, 60, 40, '{1,1}')) AS w;
EXECUTE fused_partitions;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM fused_parts WHERE tenant < 5 ORDER BY rrf(a <-> '[0.5,0.5,0.5]', a <-> '[0,0,1]', depth => 10) LIMIT 5;
EXECUTE fused_partitions;
RESET enable_sort;
SELECT p.tableoid::regclass, p.id, grade = (p).grade AS grade, p.tenant, round(rrf(p.a <-> '[0.5,0.5,0.5]', p.b <=> '[1,0,1,0]')::numeric, 4) AS score
	FROM fused_parts AS p ORDER BY rrf(p.a <-> '[0.5,0.5,0.5]', p.b <=> '[1,0,1,0]') LIMIT 4;
SELECT p.id, q.grade FROM fused_parts AS p JOIN fused_parts AS q USING (tenant, id) ORDER BY rrf(p.a <-> '[0.5,0.5,0.5]', p.b <=> '[1,0,1,0]') LIMIT 3;
SELECT count(*) FROM (SELECT 1 FROM fused_parts WHERE tenant > 100 ORDER BY rrf(a <-> '[0.5,0.5,0.5]', b <=> '[1,0,1,0]')) AS s;
RESET enable_partitionwise_aggregate;
RESET enable_partitionwise_join;
CREATE TABLE fused_parent (id int, a vector(3), grade float8);
CREATE TABLE fused_child (more int) INHERITS (fused_parent);
INSERT INTO fused_parent SELECT id, a, grade FROM fused WHERE id <= 300;
INSERT INTO fused_child SELECT id, a, grade, 1 FROM fused WHERE id > 300;
SELECT array_agg(id) FROM (SELECT id FROM fused_parent ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, depth => 600) LIMIT 5) AS s;
SELECT array_agg(id) FROM (SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, depth => 600) LIMIT 5) AS s;

-- where there is no such search
SELECT rrf(1::float8, 2);
SELECT id, rrf(a <-> '[0.5,0.5,0.5]', grade) FROM fused LIMIT 1;
SELECT id FROM fused WHERE rrf(a <-> '[0.5,0.5,0.5]', grade) < 0 ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade) LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade) DESC LIMIT 1;
SELECT id FROM fused ORDER BY id, weighted(a <-> '[0.5,0.5,0.5]', grade) LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', 1) LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade * random()) LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, k => tenant) LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade) LIMIT 1 FOR UPDATE;
SELECT id FROM fused TABLESAMPLE system (50) ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade) LIMIT 1;
SELECT s.id FROM fused s JOIN fused t USING (tenant) ORDER BY rrf(s.a <-> '[0.5,0.5,0.5]', t.grade) LIMIT 1;
-- options that make no sense
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, k => -1) LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, k => NULL) LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, depth => 0) LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, weights => '{1}') LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, weights => '{{1,1}}') LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, weights => '{1,-1}') LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, weights => '{NaN,1}') LIMIT 1;
SELECT id FROM fused ORDER BY rrf(a <-> '[0.5,0.5,0.5]', grade, weights => '{1,NULL}') LIMIT 1;
SELECT id FROM fused ORDER BY weighted(a <-> '[0.5,0.5,0.5]', grade, normalization => 'max') LIMIT 1;

-- the best row of each group: PostgreSQL sorts the fused rows by the keys of DISTINCT ON
CREATE FUNCTION fused_groups(keys text, cond text, OUT rows bigint, OUT differ bigint) LANGUAGE plpgsql AS $$
DECLARE
	arms text[] := ARRAY['a <-> ''[0.5,0.5,0.5]''', 'grade', 'body <@> ''rare fish'''];
	call text := format('rrf(%s, depth => 600)', array_to_string(arms, ', '));
BEGIN
	EXECUTE format('SELECT count(*), count(*) FILTER (WHERE (abs(e.score - f.score) < 1e-12) IS NOT TRUE) FROM
			(SELECT row_number() OVER (ORDER BY score) AS n, score FROM (SELECT DISTINCT ON (%1$s) e.id, e.score, place
				FROM fused_expected(''fused'', %2$L, %3$L, %4$L, 60, 600, ''{1,1,1}'') WITH ORDINALITY AS e (id, score, place) JOIN fused USING (id)
				ORDER BY %1$s, place) AS best) AS e
			FULL JOIN (SELECT row_number() OVER () AS n, * FROM (SELECT score FROM
				(SELECT DISTINCT ON (%1$s) %5$s AS score FROM fused WHERE %4$s ORDER BY %1$s, %5$s) AS d ORDER BY score) AS s) AS f USING (n)',
		keys, 'rrf', arms, cond, call) INTO rows, differ;
END $$;
SELECT keys, cond, (fused_groups(keys, cond)).* FROM unnest('{tenant,"tenant, id % 3",id}'::text[]) AS keys, unnest('{true,id % 5 > 1,tenant = 3}'::text[]) AS cond;
EXPLAIN (COSTS OFF) SELECT id FROM (SELECT DISTINCT ON (tenant) id, rrf(a <-> '[0.5,0.5,0.5]', grade) AS score FROM fused
	ORDER BY tenant, rrf(a <-> '[0.5,0.5,0.5]', grade)) AS best ORDER BY score LIMIT 3;
DROP FUNCTION fused_groups;
-- without DISTINCT ON the fusion comes first
SELECT tenant, id FROM fused ORDER BY tenant, rrf(a <-> '[0.5,0.5,0.5]', grade) LIMIT 1;

-- all rows of an arm are found by one search, however small ef_search is; more searches would take more
CREATE TABLE fused_graph AS SELECT i AS id, ARRAY[i * 0.7548776662 % 1, i * 0.5698402910 % 1]::vector(2) AS a FROM generate_series(1, 3000) AS i;
CREATE INDEX ON fused_graph USING hnsw (a vector_l2_ops);
CREATE FUNCTION fused_work(ef int, mode text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('hnsw.ef_search', ef::text, true), set_config('hnsw.iterative_scan', mode, true);
	PERFORM id FROM fused_graph ORDER BY rrf(a <-> '[0.1,0.2]', a <-> '[0.5,0.5]', depth => 80) LIMIT 5;
	RETURN (SELECT distances FROM vector_last_scan());
END $$;
SET enable_seqscan = off;
SELECT fused_work(20, 'auto') <= fused_work(80, 'auto') AS auto, fused_work(20, 'off') < fused_work(80, 'off') AS off;
RESET enable_seqscan;
DROP FUNCTION fused_work;

DROP TABLE fused_graph, fused_parts, fused_child, fused_parent, fused_whole;
DROP VIEW fused_view;
DROP FUNCTION fused_compare, fused_expected, fused_found;
DROP TABLE fused;
