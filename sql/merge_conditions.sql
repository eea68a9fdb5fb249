-- many small partitions, with conditions: what is skipped has no row that the query returns
SET enable_seqscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;
-- t is the partition key, a an attribute of most indexes, b of some, c has an index of its own, d has none
CREATE TABLE narrow (id int, t int, a int, b int, c int, d int, v vector(12)) PARTITION BY LIST (t);
CREATE FUNCTION narrow_vector(n int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg((hashint8extended(n % 45, d) & 1023) + (hashint8extended(n, d) & 511))::real[]::vector FROM generate_series(1, 12) d$$;
DO $$
BEGIN
	FOR t IN 0..3 LOOP
		EXECUTE format('CREATE TABLE narrow_%s PARTITION OF narrow FOR VALUES IN (%1$s) PARTITION BY HASH (id)', t);
		FOR n IN 0..11 LOOP
			EXECUTE format('CREATE TABLE narrow_%s_%s PARTITION OF narrow_%1$s FOR VALUES WITH (MODULUS 12, REMAINDER %2$s)', t, n);
			EXECUTE format('CREATE INDEX ON narrow_%s_%s USING hnsw (v vector_l2_ops, %s)', t, n, CASE WHEN n % 4 = 3 THEN 'b, a' ELSE 'a' END);
		END LOOP;
	END LOOP;
END $$;
CREATE TABLE narrow_others PARTITION OF narrow DEFAULT;
CREATE INDEX ON narrow_others USING hnsw (v vector_l2_ops, a);
INSERT INTO narrow SELECT n, n % 5, nullif(n * 79 % 200, 199), n * 37 % 10, n * 61 % 100, n % 7, CASE WHEN n % 50 > 0 THEN narrow_vector(n) END FROM generate_series(1, 6000) n;
CREATE INDEX ON narrow (c);
ANALYZE narrow;
CREATE TABLE narrow_queries AS SELECT n AS id, narrow_vector(n) AS v FROM generate_series(7, 4000, 900) n;

CREATE FUNCTION narrow_plan(query text, options text DEFAULT 'COSTS off') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE format('EXPLAIN (%s, FORMAT json) %s', options, query) INTO plan;
	RETURN plan;
END $$;
CREATE FUNCTION narrow_search(conditions text, n int DEFAULT 10) RETURNS text LANGUAGE sql AS
	$$SELECT format('SELECT id FROM narrow WHERE %s ORDER BY v <-> narrow_vector(7) LIMIT %s', conditions, n)$$;
-- what a plan's node says when it has run
CREATE FUNCTION narrow_node(query text) RETURNS TABLE (node text, compared int, begun int, skipped int) LANGUAGE sql AS
	$$SELECT node->>'Custom Plan Provider', (node->>'Compared by Codes')::int, (node->>'Scans Begun')::int, (node->>'Scans Skipped')::int FROM
		jsonb_path_query_first(narrow_plan(query, 'ANALYZE, TIMING off, SUMMARY off'), 'strict $.** ? (@."Custom Plan Provider" == "Vector Merge Append")') node$$;
SELECT conditions, node, compared > 0 AS compared, begun BETWEEN 1 AND 14 AS few, begun + skipped AS scans FROM
	unnest('{a < 20, a = 7, a IS NULL, a IN (3\, 4\, 199), a = 3 OR a > 190, a % 10 = 3, NOT a < 190}'::text[]) conditions,
	narrow_node(narrow_search(conditions));
-- no row: no scan begins
SELECT * FROM narrow_node(narrow_search('a = 1000'));
SELECT * FROM narrow_node(narrow_search('a < NULL::int'));
-- conditions of which the codes do not tell: as many times more rows are wanted
SELECT conditions, n, node, compared > 0 AS compared, skipped > 0 AS skips FROM
	(VALUES ('d < 6', 10), ('d = 3', 1), ('d = 3', 20), ('a < 100 AND d < 6', 5), ('b < 9', 10), ('c = 3', 10)) x (conditions, n), narrow_node(narrow_search(conditions, n));

-- rows by indexes, and those that a sort finds
CREATE FUNCTION narrow_rows(query text) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	found int[];
BEGIN
	EXECUTE format('SELECT array_agg(id) FROM (%s) x', query) INTO found;
	RETURN coalesce(found, '{}');
END $$;
-- whether each search returns as many rows; and of all rows that a sort finds, how many searches do, in percent
CREATE FUNCTION narrow_found(conditions text, tail text, OUT complete bool, OUT found numeric) LANGUAGE sql AS
	$$SELECT bool_and(cardinality(searched) = cardinality(sorted)),
		coalesce(round(100.0 * sum(cardinality(ARRAY(SELECT unnest(searched) INTERSECT SELECT unnest(sorted)))) / nullif(sum(cardinality(sorted)), 0)), 100) FROM
		(SELECT narrow_rows(format('SELECT id FROM narrow WHERE %s ORDER BY v <-> %L %s', conditions, v, tail)) AS searched,
			narrow_rows(format('SELECT id FROM narrow WHERE (%s) AND v IS NOT NULL ORDER BY (v <-> %L) + 0 %s', conditions, v, tail)) AS sorted FROM narrow_queries) x$$;
CREATE VIEW narrow_checks AS SELECT conditions, tail, complete, found >= 98 AS found FROM
	unnest('{a < 100, a < 20, a = 7, a IS NULL, a IN (3\, 4), a = 3 OR a > 190, a % 10 = 3, d < 6, d = 3, b < 9, a < 100 AND d < 6, c < 50, c = 3, a < 100 AND c < 50, t < 2 AND a < 20, a = 1000, v <-> narrow_vector(7) < 2000 AND a < 100}'::text[]) conditions,
	unnest('{LIMIT 10, LIMIT 1, LIMIT 3 OFFSET 4}'::text[]) tail, narrow_found(conditions, tail);
SELECT count(*), bool_and(complete) AS complete, bool_and(found) AS found FROM narrow_checks;
-- in order
SELECT count(*), bool_and(d >= before) FROM (SELECT d, lag(d) OVER () AS before FROM (SELECT v <-> narrow_vector(7) AS d FROM narrow WHERE a < 100 ORDER BY 1 LIMIT 30) x) y;
SELECT count(*), bool_and(d >= before) FROM (SELECT d, lag(d) OVER () AS before FROM (SELECT v <-> narrow_vector(7) AS d FROM narrow WHERE d = 3 ORDER BY 1 LIMIT 300) x) y;
SET hnsw.ef_search = 1;
SELECT sum(n), bool_and(ordered) AS ordered FROM narrow_queries q, LATERAL (SELECT count(*) AS n, bool_and(d >= before) AS ordered FROM (SELECT d, lag(d) OVER () AS before FROM
	(SELECT v <-> q.v AS d FROM narrow WHERE d = 3 OR b > 8 ORDER BY 1 LIMIT 60) x) y) z;
RESET hnsw.ef_search;
-- rows that do not meet the conditions are read in the order of all partitions, not as many in each as it takes to find the first that does
CREATE FUNCTION narrow_read(query text) RETURNS numeric LANGUAGE sql AS
	$$SELECT sum(((node->>'Actual Rows')::numeric + coalesce(node->>'Rows Removed by Filter', '0')::numeric) * (node->>'Actual Loops')::numeric) FROM
		jsonb_path_query(narrow_plan(query, 'ANALYZE, TIMING off, SUMMARY off'), 'strict $.** ? (@."Node Type" == "Index Scan")') node$$;
SELECT merging, narrow_read(narrow_search('d = 3')) < 140 AS ten, narrow_read(narrow_search('d = 3', 1)) < 60 AS one
	FROM unnest('{on, off}'::text[]) merging, set_config('vector.enable_merge_append', merging, false);
RESET vector.enable_merge_append;

-- rows that are not visible: others are asked for, and each search counts once
CREATE FUNCTION narrow_scans() RETURNS numeric LANGUAGE sql AS
	$$SELECT sum(pg_stat_get_xact_numscans(indexrelid)) FROM pg_stat_user_indexes WHERE relname ~ '^narrow_' AND indexrelname ~ '_v_'$$;
BEGIN;
SELECT narrow_scans() AS before \gset
SELECT count(*) FROM (SELECT id FROM narrow WHERE a < 100 ORDER BY v <-> narrow_vector(7) LIMIT 10) x;
SELECT narrow_scans() - :before AS scans;
SELECT begun FROM narrow_node(narrow_search('a < 100')) \gset
DELETE FROM narrow WHERE id IN (SELECT x.id FROM narrow_queries q, LATERAL (SELECT id FROM narrow WHERE a < 100 ORDER BY (v <-> q.v) + 0 LIMIT 40) x);
SELECT begun BETWEEN :begun + 1 AND 40 AS more FROM narrow_node(narrow_search('a < 100'));
SELECT narrow_scans() AS before \gset
SELECT count(*) FROM (SELECT id FROM narrow WHERE a < 100 ORDER BY v <-> narrow_vector(7) LIMIT 10) x;
SELECT narrow_scans() - :before AS scans;
SELECT * FROM narrow_found('a < 100', 'LIMIT 10');
ROLLBACK;

-- pruning when the query begins, by the parameters of a generic plan
SET plan_cache_mode = force_generic_plan;
PREPARE narrow_few (int, int) AS SELECT id FROM narrow WHERE t <= $1 AND a < $2 ORDER BY v <-> narrow_vector(7) LIMIT 5;
CREATE FUNCTION narrow_shown(query text) RETURNS TABLE (node text, shown int, removed int) LANGUAGE sql AS
	$$SELECT node->>'Custom Plan Provider', jsonb_array_length(node->'Plans'), (node->>'Subplans Removed')::int FROM
		jsonb_path_query_first(narrow_plan(query), 'strict $.** ? (@."Custom Plan Provider" == "Vector Merge Append")') node$$;
SELECT t, x.* FROM generate_series(-1, 4) t, narrow_shown(format('EXECUTE narrow_few (%s, 50)', t)) x;
SELECT t, x.compared, x.begun < 30 AS few, x.begun + x.skipped AS scans FROM generate_series(0, 4) t, narrow_node(format('EXECUTE narrow_few (%s, 50)', t)) x;
CREATE FUNCTION narrow_prepared(t int, a int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	found int[] := '{}';
	row record;
BEGIN
	FOR row IN EXECUTE format('EXECUTE narrow_few (%L, %L)', t, a) LOOP
		found := found || row.id;
	END LOOP;
	RETURN found;
END $$;
SELECT t, a, narrow_prepared(t, a) = ARRAY(SELECT id FROM narrow n WHERE n.t <= x.t AND n.a < y.a AND v IS NOT NULL ORDER BY (v <-> narrow_vector(7)) + 0 LIMIT 5) AS same FROM
	unnest('{-1, 0, 2, 4, NULL}'::int[]) x (t), unnest('{1, 50, NULL}'::int[]) y (a);
RESET plan_cache_mode;
-- and for each row of another table
CREATE FUNCTION narrow_pairs(key text) RETURNS text LANGUAGE sql AS
	$$SELECT format('SELECT q.id, x.id AS near FROM narrow_queries q, LATERAL (SELECT id FROM narrow WHERE %s AND a < 120 ORDER BY (v <-> q.v) %%s LIMIT 4) x', key)$$;
SELECT key, node, scans, begun < scans AS skips, pairs FROM unnest('{t = mod(q.id\, 5), t >= mod(q.id\, 5), t < mod(q.id\, 5), true}'::text[]) key,
	LATERAL (SELECT node, begun, begun + skipped AS scans FROM narrow_node(format(narrow_pairs(key), ''))) x,
	LATERAL (SELECT narrow_rows(format('SELECT 10000 * id + near AS id FROM (%s) y', format(narrow_pairs(key), ''))) =
		narrow_rows(format('SELECT 10000 * id + near AS id FROM (%s) y', format(narrow_pairs(key), '+ 0'))) AS pairs) z;
SELECT count(*), count(*) FILTER (WHERE x.t = n % 6) FROM generate_series(1, 12) n, LATERAL (SELECT t FROM narrow WHERE t = n % 6 AND a < n * 15 ORDER BY v <-> narrow_vector(7) LIMIT 2) x;
-- the price is that of the comparison and of the scans that begin; all begin for more rows than there are partitions, and where more have to be compared
CREATE FUNCTION narrow_price(query text, enabled text, OUT price float8) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('vector.enable_merge_append', enabled, true);
	price := jsonb_path_query_first(narrow_plan(query, 'COSTS on'), '$[0]."Plan"."Total Cost"');
	PERFORM set_config('vector.enable_merge_append', 'on', true);
END $$;
SELECT conditions, n, sign(round((narrow_price(narrow_search(conditions, n), 'on') - narrow_price(narrow_search(conditions, n), 'off'))::numeric, 2)) AS more FROM
	(VALUES ('a < 100', 10), ('a < 20', 1), ('a < 20', 10), ('a < 20', 100), ('d = 3', 20)) x (conditions, n);
SELECT narrow_price(format(narrow_pairs('true'), ''), 'on') < narrow_price(format(narrow_pairs('true'), ''), 'off') AS less_for_each;

BEGIN;
DECLARE narrow_cursor CURSOR FOR SELECT id FROM narrow WHERE t < (SELECT 3) AND a < 100 ORDER BY v <-> narrow_vector(7) LIMIT 10;
FETCH 1 FROM narrow_cursor;
MOVE FORWARD ALL IN narrow_cursor;
COMMIT;

-- a policy: its conditions are those of attributes, too
CREATE ROLE regress_narrow;
GRANT SELECT ON narrow, narrow_queries TO regress_narrow;
ALTER TABLE narrow ENABLE ROW LEVEL SECURITY;
CREATE POLICY narrow_small ON narrow TO regress_narrow USING (a < 30);
SET ROLE regress_narrow;
SELECT node, begun < 15 AS few FROM narrow_node(narrow_search('true'));
SELECT count(*), bool_and(x.a < 30) AS allowed FROM narrow_queries q, LATERAL (SELECT a FROM narrow WHERE a % 2 = 0 ORDER BY v <-> q.v LIMIT 10) x;
RESET ROLE;
ALTER TABLE narrow DISABLE ROW LEVEL SECURITY;

-- partitions that are detached, without an index, with another one, and with new rows
ALTER TABLE narrow_1 DETACH PARTITION narrow_1_3;
DROP INDEX narrow_0_2_v_a_idx, narrow_0_3_v_b_a_idx, narrow_0_4_v_a_idx;
CREATE INDEX ON narrow_0_3 USING ivfflat (v vector_l2_ops) WITH (lists = 1);
CREATE INDEX ON narrow_0_4 USING hnsw (v vector_cosine_ops, a);
RESET enable_sort;
RESET enable_seqscan;
SET seq_page_cost = 1000;
INSERT INTO narrow SELECT n, n % 5, n % 200, n % 10, n % 100, n % 7, narrow_vector(n) FROM generate_series(6001, 7000) n WHERE n % 5 <> 1;
DELETE FROM narrow WHERE id % 11 = 0;
VACUUM narrow;
SELECT node, compared > 40 AS most, begun BETWEEN 2 AND 16 AS few FROM narrow_node(narrow_search('a < 100'));
SELECT count(*), bool_and(complete) AS complete, bool_and(found) AS found FROM narrow_checks;
DROP VIEW narrow_checks;
DROP TABLE narrow, narrow_queries, narrow_1_3;
DROP ROLE regress_narrow;
DROP FUNCTION narrow_vector, narrow_plan, narrow_search, narrow_node, narrow_rows, narrow_found, narrow_scans, narrow_shown, narrow_prepared, narrow_pairs, narrow_price, narrow_read;
