-- many small partitions: the codes of all are compared, and only the scans begun that may have one of the rows
SET enable_seqscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE late (id int, a int, v vector(64)) PARTITION BY HASH (id);
-- a statement with each number
CREATE PROCEDURE late_each(statement text, numbers int[]) LANGUAGE plpgsql AS $$
DECLARE
	n int;
BEGIN
	FOREACH n IN ARRAY numbers LOOP
		EXECUTE format(statement, n);
	END LOOP;
END $$;
CREATE FUNCTION late_numbers(step int, first int) RETURNS int[] LANGUAGE sql AS 'SELECT array_agg(n) FROM generate_series(first, 39, step) n';
CALL late_each('CREATE TABLE late_%s PARTITION OF late FOR VALUES WITH (MODULUS 40, REMAINDER %1$s)', late_numbers(1, 0));
CREATE FUNCTION late_vector(n int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg((hashint8extended(n % 40, d) & 1023) + (hashint8extended(n, d) & 1023) / 2.0)::real[]::vector FROM generate_series(1, 64) d$$;
INSERT INTO late SELECT n, n % 5, late_vector(n) FROM generate_series(1, 8000) n;
CREATE INDEX ON late USING hnsw (v vector_l2_ops);
ANALYZE late;
CREATE TABLE late_queries AS SELECT id, v FROM late WHERE id % 400 = 1;

CREATE FUNCTION late_plan(query text, options text DEFAULT 'COSTS off') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE format('EXPLAIN (%s, FORMAT json) %s', options, query) INTO plan;
	RETURN plan;
END $$;
-- what merges the rows, and how many scans ran
CREATE FUNCTION late_merge(query text) RETURNS text LANGUAGE sql AS
	$$SELECT coalesce(string_agg(coalesce(node->>'Custom Plan Provider', node->>'Node Type'), ', '), 'none') FROM
		jsonb_path_query(late_plan(query), 'strict $.** ? (@."Node Type" == "Merge Append" || @."Node Type" == "Custom Scan")') node$$;
CREATE FUNCTION late_begun(query text) RETURNS TABLE (compared int, scans int, shown int) LANGUAGE sql AS
	$$SELECT (jsonb_path_query_first(plan, 'strict $.** ? (@."Node Type" == "Custom Scan")')->>'Compared by Codes')::int,
		(SELECT count(*) FROM jsonb_path_query(plan, 'strict $.** ? (@."Node Type" == "Index Scan" && @."Actual Loops" > 0)'))::int,
		(SELECT count(*) FROM jsonb_path_query(plan, 'strict $.** ? (@."Node Type" == "Index Scan")'))::int
		FROM late_plan(query, 'ANALYZE, TIMING off, SUMMARY off') plan$$;
SELECT node->>'Custom Plan Provider' AS node, left(node->'Sort Key'->>0, 16) AS key, jsonb_array_length(node->'Plans') AS scans FROM
	jsonb_path_query(late_plan('SELECT id FROM late ORDER BY v <-> late_vector(7) LIMIT 10'), 'strict $.** ? (@."Node Type" == "Custom Scan")') node;
SELECT bool_and(compared = 40 AND scans BETWEEN 1 AND 12 AND shown = 40) AS few FROM late_queries q,
	late_begun(format('SELECT id FROM late ORDER BY v <-> %L LIMIT 10', q.v));
SELECT count(*) >= 40 AS all_searches FROM vector_explain(format('SELECT id FROM late ORDER BY v <-> %L LIMIT 10', late_vector(7))) line WHERE line ~ 'Distances: [1-9]';

-- rows, and those that PostgreSQL finds by sorting
CREATE FUNCTION late_rows(query text) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	found int[];
BEGIN
	EXECUTE format('SELECT array_agg(id) FROM (%s) x', query) INTO found;
	RETURN found;
END $$;
-- of all rows that a sort finds, how many the scans do, in percent
CREATE FUNCTION late_found(tail text, operator text DEFAULT '<->', conditions text DEFAULT 'true') RETURNS numeric LANGUAGE sql AS
	$$SELECT round(100.0 * sum(cardinality(ARRAY(SELECT unnest(searched) INTERSECT SELECT unnest(sorted)))) / sum(cardinality(sorted))) FROM
		(SELECT late_rows(format('SELECT id FROM late WHERE %s ORDER BY v %s %L %s', conditions, operator, v, tail)) AS searched,
			late_rows(format('SELECT id FROM late WHERE %s ORDER BY (v %s %L) + 0 %s', conditions, operator, v, tail)) AS sorted FROM late_queries) x$$;
SELECT late_found('LIMIT 10') >= 99 AS ten, late_found('LIMIT 1') = 100 AS one, late_found('LIMIT 5 OFFSET 5') >= 99 AS other,
	late_found('LIMIT 200') >= 98 AS more_than_partitions;
SELECT count(*) FROM (SELECT id FROM late ORDER BY v <-> late_vector(7) LIMIT 0) x;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM late ORDER BY v <-> late_vector(7) LIMIT NULL) x;
SELECT count(*) FROM (SELECT id FROM late ORDER BY v <-> NULL::vector LIMIT 10) x;
SELECT id FROM late ORDER BY v <-> '[1,2]' LIMIT 1;
-- in order
SELECT bool_and(d >= before) FROM (SELECT d, lag(d) OVER () AS before FROM (SELECT v <-> late_vector(7) AS d FROM late ORDER BY 1 LIMIT 30) x) y;

-- rows that are not visible: the others are asked for
BEGIN;
DELETE FROM late WHERE id IN (SELECT x.id FROM late_queries q, LATERAL (SELECT id FROM late ORDER BY (v <-> q.v) + 0 LIMIT 30) x);
SELECT late_found('LIMIT 10') >= 98 AS found;
ROLLBACK;
-- rows that came after the index was built, and vacuumed ones
INSERT INTO late SELECT n, n % 5, late_vector(n) FROM generate_series(8001, 9000) n;
DELETE FROM late WHERE id % 3 = 0;
VACUUM late;
SELECT late_found('LIMIT 10') >= 99 AS found;
SELECT id FROM late ORDER BY v <-> late_vector(8500) LIMIT 1;

-- the parameter of a generic plan, cursors, and a query for each row of another table
SET plan_cache_mode = force_generic_plan;
PREPARE late_nearest (vector, int) AS SELECT id FROM late ORDER BY v <-> $1 LIMIT $2;
SELECT late_merge('EXECUTE late_nearest (late_vector(7), 3)');
EXECUTE late_nearest (late_vector(7), 1);
EXECUTE late_nearest (late_vector(8), 1);
EXECUTE late_nearest (NULL, 0);
RESET plan_cache_mode;
BEGIN;
DECLARE late_cursor SCROLL CURSOR FOR SELECT id FROM late ORDER BY v <-> late_vector(7) LIMIT 10;
FETCH 1 FROM late_cursor;
MOVE FORWARD ALL IN late_cursor;
FETCH FIRST FROM late_cursor;
-- locks of all indexes are kept
SELECT count(*) FROM pg_locks l JOIN pg_inherits i ON i.inhrelid = l.relation WHERE i.inhparent = 'late_v_idx'::regclass AND l.mode = 'AccessShareLock';
COMMIT;
SELECT late_merge('SELECT x.id FROM late_queries q, LATERAL (SELECT id FROM late ORDER BY v <-> q.v LIMIT 1) x');
SELECT count(*) FILTER (WHERE x.id = q.id), count(*) FROM (SELECT * FROM late_queries WHERE id % 3 <> 0) q,
	LATERAL (SELECT id FROM late ORDER BY v <-> q.v LIMIT 1) x;
-- serializable transactions have read all indexes
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT id FROM late ORDER BY v <-> late_vector(7) LIMIT 1;
SELECT count(*) FROM pg_locks l JOIN pg_inherits i ON i.inhrelid = l.relation WHERE i.inhparent = 'late_v_idx'::regclass AND l.mode = 'SIReadLock';
COMMIT;
-- searches are counted, of indexes whose scans did not begin, too; the table of counters may have no room for all
CREATE FUNCTION late_scans() RETURNS numeric LANGUAGE sql AS
	$$SELECT sum(c.scans) FROM pg_inherits i, LATERAL vector_index_counters(i.inhrelid) c WHERE i.inhparent = 'late_v_idx'::regclass$$;
SELECT late_scans() AS before \gset
SELECT id FROM late ORDER BY v <-> late_vector(7) LIMIT 1;
SELECT late_scans() - :before BETWEEN 20 AND 60 AS most;

-- left to PostgreSQL's node
SELECT late_merge('SELECT id FROM late ORDER BY v <-> late_vector(7) LIMIT 10 FOR UPDATE') ~ 'Vector' AS locks,
	late_merge('SELECT id FROM late ORDER BY v <-> late_vector(7), id LIMIT 10') ~ 'Vector' AS more_keys,
	late_merge('SELECT id FROM late ORDER BY v <-> late_vector((7 + random())::int) LIMIT 10') ~ 'Vector' AS volatile,
	late_merge('WITH x AS (DELETE FROM late_queries RETURNING id) SELECT id FROM late ORDER BY v <-> late_vector(7) LIMIT 10') ~ 'Vector' AS changes;
SET vector.enable_merge_append = off;
SELECT late_merge('SELECT id FROM late ORDER BY v <-> late_vector(7) LIMIT 10');
RESET vector.enable_merge_append;

-- indexes of which nothing is known: their scans begin
DROP INDEX late_v_idx;
CALL late_each('CREATE INDEX ON late_%s USING hnsw (v vector_l2_ops)', late_numbers(2, 0));
CALL late_each('CREATE INDEX ON late_%s USING ivfflat (v vector_l2_ops) WITH (lists = 1)', late_numbers(4, 1));
CALL late_each('CREATE INDEX ON late_%s USING hnsw (v vector_l2_ops) WITH (storage = half)', late_numbers(4, 3));
SELECT min(compared), max(compared), bool_and(scans >= 20) AS scans FROM late_queries q,
	late_begun(format('SELECT id FROM late ORDER BY v <-> %L LIMIT 10', q.v));
SELECT late_found('LIMIT 10') >= 99 AS found;
-- other distances
CALL late_each('DROP INDEX late_%s_v_idx', late_numbers(1, 0));
CREATE INDEX ON late USING hnsw (v vector_cosine_ops);
SELECT late_merge('SELECT id FROM late ORDER BY v <=> late_vector(7) LIMIT 10'), late_found('LIMIT 10', '<=>') >= 98 AS found;
CREATE INDEX ON late USING hnsw (v vector_ip_ops);
SELECT late_merge('SELECT id FROM late ORDER BY v <#> late_vector(7) LIMIT 10'), late_found('LIMIT 10', '<#>') >= 98 AS found;
DROP TABLE late, late_queries;
DROP FUNCTION late_plan, late_merge, late_begun, late_rows, late_found, late_scans, late_vector, late_numbers;
DROP PROCEDURE late_each;
