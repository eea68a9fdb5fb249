-- scans of partitions whose rows are merged for a LIMIT: in the order of a sort, and each searched and read only as far as needed
SET enable_seqscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE merged (id int, kind int, a int, note text, v vector(4), w vector(4)) PARTITION BY LIST (kind);
SELECT format('CREATE TABLE merged_%s PARTITION OF merged FOR VALUES IN (%1$s)', n) FROM generate_series(0, 6) n \gexec
-- a partition with partitions, one without an index, one without rows
CREATE TABLE merged_7 PARTITION OF merged FOR VALUES IN (7, 8, 9) PARTITION BY RANGE (kind);
CREATE TABLE merged_7_7 PARTITION OF merged_7 FOR VALUES FROM (7) TO (8);
CREATE TABLE merged_7_8 PARTITION OF merged_7 FOR VALUES FROM (8) TO (10);
CREATE TABLE merged_10 PARTITION OF merged FOR VALUES IN (10);
INSERT INTO merged SELECT n, n % 10, n % 7, 'note ' || n % 3,
		ARRAY[x % 97, x / 97 % 89, x / 1009 % 101, x / 99991 % 83]::vector, ARRAY[1 + x % 31, x % 7, x % 11, x % 13]::vector
	FROM generate_series(1, 380) n, LATERAL (SELECT hashint4(n) & 2147483647 AS x) h;
CREATE INDEX ON merged_0 USING hnsw (v vector_l2_ops, a);
CREATE INDEX ON merged_1 USING hnsw (v vector_l2_ops) WITH (storage = half);
CREATE INDEX ON merged_2 USING diskann (v vector_l2_ops);
CREATE INDEX ON merged_3 USING ivf (v vector_l2_ops) WITH (lists = 1);
CREATE INDEX ON merged_4 USING ivfflat (v vector_l2_ops) WITH (lists = 1);
CREATE INDEX ON merged_6 USING hnsw (v vector_l2_ops, a);
CREATE INDEX ON merged_6 (a);
CREATE INDEX ON merged_7 USING hnsw (v vector_l2_ops, a);
CREATE INDEX ON merged_10 USING hnsw (v vector_l2_ops);
CREATE INDEX ON merged_0 USING hnsw (w vector_cosine_ops);
ANALYZE merged;
CREATE FUNCTION nodes(query text) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, FORMAT json) ' || query INTO plan;
	RETURN QUERY SELECT jsonb_path_query(plan, 'strict $.** ? (exists (@."Node Type"))');
END $$;
SELECT node->>'Node Type' AS node, count(*) FROM nodes('SELECT id FROM merged ORDER BY v <-> ''[40,40,40,40]'' LIMIT 10') node
	GROUP BY 1 ORDER BY (node->>'Node Type') COLLATE "C";

-- the distances, and those that PostgreSQL finds by sorting
CREATE FUNCTION distances(query text, sorted bool) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
	found float8[];
BEGIN
	PERFORM set_config(name, value, true) FROM (VALUES ('enable_indexscan', NOT sorted), ('enable_indexonlyscan', NOT sorted),
		('enable_bitmapscan', NOT sorted), ('enable_seqscan', sorted), ('enable_sort', sorted)) s (name, setting),
		LATERAL (SELECT CASE WHEN setting THEN 'on' ELSE 'off' END AS value) t;
	EXECUTE 'SELECT array_agg(d) FROM (' || query || ') x' INTO found;
	RETURN found;
END $$;
CREATE FUNCTION is_same(query text) RETURNS bool LANGUAGE sql AS 'SELECT distances(query, false) = distances(query, true)';
CREATE TABLE merged_queries AS SELECT n AS id, ARRAY[n * 37 % 97, n * 53 % 89, n * 71 % 101, n * 29 % 83]::vector(4) AS v FROM generate_series(1, 12) n;
CREATE FUNCTION all_same(query text) RETURNS bool LANGUAGE sql AS
	$$SELECT bool_and(is_same(replace(query, '@', quote_literal(v)))) FROM merged_queries$$;
SET hnsw.ef_search = 400;
SET diskann.query_search_list_size = 400;
SELECT what, all_same(query) FROM (VALUES
	('one', 'SELECT v <-> @ AS d FROM merged ORDER BY d LIMIT 1'),
	('some', 'SELECT v <-> @ AS d FROM merged ORDER BY d LIMIT 10'),
	('an offset', 'SELECT v <-> @ AS d FROM merged ORDER BY d LIMIT 7 OFFSET 13'),
	('more than there are', 'SELECT v <-> @ AS d FROM merged ORDER BY d LIMIT 1000'),
	('ties', 'SELECT v <-> @ AS d FROM merged ORDER BY d FETCH FIRST 5 ROWS WITH TIES'),
	('all', 'SELECT v <-> @ AS d FROM merged ORDER BY d LIMIT NULL'),
	('some partitions', 'SELECT v <-> @ AS d FROM merged WHERE kind IN (0, 3, 6, 7) ORDER BY d LIMIT 10'),
	('an attribute', 'SELECT v <-> @ AS d FROM merged WHERE a < 3 ORDER BY d LIMIT 10'),
	('another condition', 'SELECT v <-> @ AS d FROM merged WHERE note = ''note 1'' ORDER BY d LIMIT 10'),
	('a distance', 'SELECT v <-> @ AS d FROM merged WHERE v <-> @ < 45 ORDER BY d LIMIT 10'),
	('a subquery', 'SELECT d FROM (SELECT id, v <-> @ AS d FROM merged ORDER BY d LIMIT 30) x ORDER BY d LIMIT 10'),
	('a union', 'SELECT d FROM (SELECT v <-> @ AS d FROM merged_0 UNION ALL SELECT w <=> @ FROM merged_0) x ORDER BY d LIMIT 50'),
	('two vectors', 'SELECT d FROM (SELECT v <-> @ AS d FROM merged_0 UNION ALL SELECT v <-> ''[1,2,3,4]'' FROM merged_6) x ORDER BY d LIMIT 20')) q (what, query);

-- a row of each scan is read only when it is the next
CREATE FUNCTION rows_read(query text) RETURNS bigint LANGUAGE sql AS
	$$SELECT sum((node->>'Actual Rows')::numeric * (node->>'Actual Loops')::numeric)::bigint FROM nodes(query) node
		WHERE node->>'Node Type' LIKE 'Index%Scan'$$;
SELECT rows_read('SELECT id FROM merged WHERE kind IN (0, 2, 3, 4, 6, 7, 8) ORDER BY v <-> ''[40,40,40,40]'' LIMIT 10');

-- rows that are not visible count for nothing: those deleted here are the nearest
BEGIN;
DELETE FROM merged WHERE id IN (SELECT id FROM merged ORDER BY (v <-> '[37,53,71,29]') + 0 LIMIT 25);
SELECT all_same('SELECT v <-> @ AS d FROM merged ORDER BY d LIMIT 10'), all_same('SELECT v <-> @ AS d FROM merged WHERE a > 2 ORDER BY d LIMIT 10');
ROLLBACK;

-- policies
CREATE ROLE merged_reader;
GRANT SELECT ON merged TO merged_reader;
ALTER TABLE merged ENABLE ROW LEVEL SECURITY;
CREATE POLICY merged_some ON merged FOR SELECT TO merged_reader USING (id % 3 = 0 AND a <> 2);
SET ROLE merged_reader;
SELECT array_agg(id) AS found FROM (SELECT id FROM merged ORDER BY v <-> '[40,40,40,40]' LIMIT 10) x \gset
RESET ROLE;
SELECT :'found' = array_agg(id)::text AS same FROM
	(SELECT id FROM merged WHERE id % 3 = 0 AND a <> 2 ORDER BY (v <-> '[40,40,40,40]') + 0 LIMIT 10) x;
ALTER TABLE merged DISABLE ROW LEVEL SECURITY;
DROP POLICY merged_some ON merged;
REVOKE SELECT ON merged FROM merged_reader;
DROP ROLE merged_reader;

-- executed again with another vector, another limit, and other partitions
SELECT bool_and(d = (SELECT array_agg(d) FROM (SELECT (m.v <-> q.v) + 0 AS d FROM merged m WHERE kind = q.id % 10 OR kind = 5 ORDER BY 1 LIMIT q.id) y))
	FROM merged_queries q, LATERAL (SELECT array_agg(d) AS d FROM
		(SELECT m.v <-> q.v AS d FROM merged m WHERE kind = q.id % 10 OR kind = 5 ORDER BY d LIMIT q.id) y) x;
SET plan_cache_mode = force_generic_plan;
PREPARE near (vector, int, int) AS SELECT id FROM merged WHERE kind IN ($2, 6) ORDER BY v <-> $1 LIMIT $3;
EXPLAIN (COSTS off) EXECUTE near ('[40,40,40,40]', 0, 3);
EXECUTE near ('[40,40,40,40]', 0, 3);
SELECT id FROM merged WHERE kind IN (0, 6) ORDER BY (v <-> '[40,40,40,40]') + 0 LIMIT 3;
EXECUTE near ('[9,9,9,9]', 7, 2);
SELECT id FROM merged WHERE kind IN (7, 6) ORDER BY (v <-> '[9,9,9,9]') + 0 LIMIT 2;
DEALLOCATE near;
RESET plan_cache_mode;

-- a cursor
BEGIN;
DECLARE near SCROLL CURSOR FOR SELECT id FROM merged ORDER BY v <-> '[40,40,40,40]' LIMIT 6;
FETCH 2 FROM near;
FETCH ALL FROM near;
FETCH BACKWARD 1 FROM near;
COMMIT;

-- infinite distances come last
INSERT INTO merged VALUES (1000, 0, 0, '', '[3e38,-3e38,3e38,3e38]', NULL);
SELECT id, d FROM (SELECT id, v <-> '[40,40,40,40]' AS d FROM merged WHERE kind IN (0, 6) ORDER BY d LIMIT 100) x OFFSET 75;

-- graphs of many rows: near rows are found, with less work than one after the other
CREATE TABLE merged_many (id int, v vector(16)) PARTITION BY HASH (id);
SELECT format('CREATE TABLE merged_many_%s PARTITION OF merged_many FOR VALUES WITH (MODULUS 8, REMAINDER %1$s)', n) FROM generate_series(0, 7) n \gexec
INSERT INTO merged_many SELECT n, (SELECT array_agg((hashint8extended(n % 50, d) & 1023) + (hashint8extended(n, d) & 1023) / 2.0) FROM generate_series(1, 16) d)::real[]
	FROM generate_series(1, 8000) n;
CREATE INDEX ON merged_many USING hnsw (v vector_l2_ops);
SET hnsw.ef_search = 40;
CREATE FUNCTION merged_hops(query text) RETURNS bigint LANGUAGE sql AS
	$$SELECT sum(substring(line FROM 'Hops: (\d+)')::bigint) FROM vector_explain(query) line$$;
SELECT count(*) >= 190 AS found FROM (SELECT id, v FROM merged_many WHERE id % 400 = 1) q,
	LATERAL (SELECT id FROM merged_many ORDER BY v <-> q.v LIMIT 10) x WHERE x.id IN
	(SELECT id FROM merged_many ORDER BY (v <-> q.v) + 0 LIMIT 10);
SELECT sum(merged_hops(format('SELECT id FROM merged_many ORDER BY v <-> %L LIMIT 10', v))) <
		0.7 * sum((SELECT sum(merged_hops(format('SELECT id FROM merged_many_%s ORDER BY v <-> %L LIMIT 10', n, v))) FROM generate_series(0, 7) n)) AS fewer,
	sum(rows_read(format('SELECT id FROM merged_many ORDER BY v <-> %L LIMIT 10', v)))
	FROM merged_many WHERE id % 400 = 1;
-- graphs of few rows: once one is walked, of the others the codes of all rows are compared, and the vectors of those that may be near enough
CREATE TABLE merged_small (id int, a int, v vector(64)) PARTITION BY HASH (id);
SELECT format('CREATE TABLE merged_small_%s PARTITION OF merged_small FOR VALUES WITH (MODULUS 24, REMAINDER %1$s)', n) FROM generate_series(0, 23) n \gexec
INSERT INTO merged_small SELECT n, n % 5, (SELECT array_agg((hashint8extended(n % 40, d) & 1023) + (hashint8extended(n, d) & 1023) / 2.0) FROM generate_series(1, 64) d)::real[]
	FROM generate_series(1, 9600) n;
CREATE INDEX ON merged_small USING hnsw (v vector_l2_ops, a);
ANALYZE merged_small;
CREATE FUNCTION merged_counts(query text) RETURNS TABLE (searches bigint, walks bigint, reads bigint) LANGUAGE sql AS
	$$SELECT count(*), sum(substring(line FROM 'Walks: (\d+)')::bigint)::bigint, sum(substring(line FROM 'Reads: (\d+)')::bigint)::bigint
		FROM vector_explain(query) line WHERE line ~ 'Walks: '$$;
CREATE TABLE small_queries AS SELECT v FROM merged_small WHERE id % 480 = 1;
-- from PostgreSQL 18 on each search has its line twice, as the plan has it, too
SELECT count(*), bool_and(searches IN (24, 48) AND walks BETWEEN 1 AND searches / 6 AND reads = searches - walks) AS few_walks FROM small_queries q,
	merged_counts(format('SELECT id FROM merged_small ORDER BY v <-> %L LIMIT 10', q.v));
CREATE FUNCTION small_found(condition text, k int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	found bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM small_queries q,
		LATERAL (SELECT array_agg(id) AS ids FROM (SELECT id FROM merged_small WHERE %s ORDER BY v <-> q.v LIMIT %s) x) searched,
		LATERAL (SELECT array_agg(id) AS ids FROM (SELECT id FROM merged_small WHERE %1$s ORDER BY (v <-> q.v) + 0 LIMIT %2$s) x) sorted,
		LATERAL unnest(searched.ids) id WHERE id = ANY (sorted.ids)', condition, k) INTO found;
	RETURN found;
END $$;
SELECT small_found('true', 10) >= 198 AS ten, small_found('true', 300) >= 5940 AS more, small_found('a = 3', 10) >= 198 AS attribute,
	small_found('a % 2 = 0', 10) >= 198 AS condition;
-- the nearest rows are not visible: partitions are asked for rows farther than those that others have found
BEGIN;
DELETE FROM merged_small WHERE id IN (SELECT x.id FROM small_queries q, LATERAL (SELECT id FROM merged_small ORDER BY (v <-> q.v) + 0 LIMIT 60) x);
SELECT small_found('true', 10) >= 198 AS visible;
ROLLBACK;
CREATE FUNCTION merged_costs(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan;
END $$;
-- as a part of a search of all partitions, that of one is cheap
SELECT (node->>'Startup Cost')::float8 < 0.5 * (SELECT (alone->>'Startup Cost')::float8 FROM jsonb_path_query(merged_costs(
		'SELECT id FROM merged_small_0 ORDER BY v <-> (SELECT v FROM small_queries LIMIT 1) LIMIT 10'), 'strict $.** ? (@."Relation Name" == "merged_small_0")') alone) AS cheaper
	FROM jsonb_path_query(merged_costs('SELECT id FROM merged_small ORDER BY v <-> (SELECT v FROM small_queries LIMIT 1) LIMIT 10'),
		'strict $.** ? (@."Relation Name" == "merged_small_0")') node;
DROP TABLE merged_small, small_queries;
DROP FUNCTION merged_counts, merged_costs, small_found;
DROP TABLE merged, merged_many, merged_queries;
DROP FUNCTION distances, is_same, all_same, nodes, rows_read, merged_hops;
