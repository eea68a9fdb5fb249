-- the nearest rows of many queries: participants of a parallel plan take queries, and run the whole search of each
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET enable_seqscan = on;
CREATE FUNCTION lateral_vector(seed int) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(sin(seed * (1.0 + d * 0.37)) + 2 * cos(seed % 40 + d)) FROM generate_series(1, 16) d
$$;
CREATE TABLE lateral_rows (id int, tag int, v vector(16));
INSERT INTO lateral_rows SELECT i, i % 20, lateral_vector(i) FROM generate_series(1, 3000) i;
CREATE INDEX lateral_hnsw ON lateral_rows USING hnsw (v vector_l2_ops, tag);
CREATE TABLE lateral_queries AS SELECT id, tag, 1 + id % 5 AS k, v FROM lateral_rows WHERE id % 10 = 3;
CREATE TABLE lateral_parts (id int, tag int, v vector(16)) PARTITION BY HASH (id);
CREATE TABLE lateral_part0 PARTITION OF lateral_parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE lateral_part1 PARTITION OF lateral_parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO lateral_parts SELECT * FROM lateral_rows;
CREATE INDEX ON lateral_parts USING hnsw (v vector_l2_ops);
CREATE TABLE lateral_others AS SELECT id, id % 7 AS kind FROM lateral_rows;
CREATE INDEX ON lateral_others (kind, id);
ANALYZE lateral_rows, lateral_queries, lateral_parts, lateral_others;

EXPLAIN (COSTS OFF) SELECT q.id, n.id FROM lateral_queries q CROSS JOIN LATERAL
	(SELECT r.id FROM lateral_rows r ORDER BY r.v <-> q.v LIMIT 3) n;
-- with a distance, aggregates above, and more conditions
EXPLAIN (COSTS OFF) SELECT count(*), sum(d) FROM lateral_queries q LEFT JOIN LATERAL
	(SELECT r.v <-> q.v AS d FROM lateral_rows r WHERE r.tag = q.tag AND r.id <> q.id ORDER BY r.v <-> q.v LIMIT 3) n ON true;

-- whether a join is parallel, how many rows it returns, and whether one process returns the same
CREATE FUNCTION lateral_compare(query text, OUT parallel bool, OUT rows bigint, OUT same bool) LANGUAGE plpgsql AS $$
DECLARE
	line text;
	answer text;
	answers text[];
BEGIN
	parallel := false;
	FOR workers IN REVERSE 2 .. 1 LOOP
		PERFORM set_config('max_parallel_workers_per_gather', CASE workers WHEN 2 THEN '2' ELSE '0' END, true);
		EXECUTE format('SELECT count(*), md5(string_agg(s::text, '','' ORDER BY s::text)) FROM (%s) s', query) INTO rows, answer;
		answers := answers || answer;
		FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
			parallel := parallel OR line ~ 'Gather';
			IF workers = 1 AND line ~ 'Gather' THEN RAISE 'parallel in spite of the setting'; END IF;
		END LOOP;
	END LOOP;
	PERFORM set_config('max_parallel_workers_per_gather', '2', true);
	same := answers[1] = answers[2];
END $$;
CREATE VIEW lateral_cases (name, query) AS VALUES
	('nearest', 'SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id, r.v <-> q.v FROM lateral_rows r ORDER BY r.v <-> q.v LIMIT 5) n'),
	('as many as a query says', 'SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r ORDER BY r.v <-> q.v LIMIT q.k) n'),
	('offset', 'SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r ORDER BY r.v <-> q.v OFFSET 2 LIMIT 2) n'),
	('condition', 'SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r WHERE r.tag = q.tag ORDER BY r.v <-> q.v LIMIT 4) n'),
	('bound', 'SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r WHERE r.v <-> q.v < 2 ORDER BY r.v <-> q.v LIMIT 4) n'),
	('outer join', 'SELECT q.id, n.* FROM lateral_queries q LEFT JOIN LATERAL (SELECT r.id FROM lateral_rows r WHERE r.v <-> q.v < 0 ORDER BY r.v <-> q.v LIMIT 4) n ON true'),
	('partitions', 'SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_parts r ORDER BY r.v <-> q.v LIMIT 4) n'),
	('within a subquery', 'SELECT q, array_agg(found ORDER BY found) FROM (SELECT q.id AS q, n.id AS found FROM lateral_queries q, LATERAL
		(SELECT r.id FROM lateral_rows r ORDER BY r.v <-> q.v LIMIT 4) n OFFSET 0) s GROUP BY q'),
	('two searches', 'SELECT q.id, n.*, m.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r ORDER BY r.v <-> q.v LIMIT 2) n,
		LATERAL (SELECT r.id FROM lateral_parts r ORDER BY r.v <-> q.v LIMIT 2) m'),
	-- values that are computed before, and those of a query or a join around
	('value of a subquery', 'SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r WHERE r.tag < (SELECT max(tag) / 2 FROM lateral_rows)
		ORDER BY r.v <-> q.v LIMIT 2) n'),
	('value of a query around', 'SELECT o.kind, (SELECT sum(n.id) FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r WHERE r.tag = o.kind ORDER BY r.v <-> q.v LIMIT 2) n)
		FROM lateral_others o WHERE o.id < 8'),
	('value of a join around', 'SELECT o.kind, s.* FROM lateral_others o, LATERAL (SELECT q.id, n.id FROM lateral_queries q, LATERAL
		(SELECT r.id FROM lateral_rows r WHERE r.tag = o.kind ORDER BY r.v <-> q.v LIMIT 2) n OFFSET 0) s WHERE o.id < 8');
SELECT name, c.* FROM lateral_cases, lateral_compare(query) c;
-- without the index: the exact joins
SET enable_indexscan = off;
SELECT name, c.* FROM lateral_cases, lateral_compare(query) c WHERE name IN ('nearest', 'condition', 'partitions');
RESET enable_indexscan;
-- other access methods
DROP INDEX lateral_hnsw;
CREATE INDEX lateral_diskann ON lateral_rows USING diskann (v vector_l2_ops, tag);
SELECT name, c.* FROM lateral_cases, lateral_compare(query) c WHERE name IN ('nearest', 'condition', 'bound');
DROP INDEX lateral_diskann;
CREATE INDEX lateral_ivf ON lateral_rows USING ivf (v vector_l2_ops) WITH (lists = 20);
SELECT name, c.* FROM lateral_cases, lateral_compare(query) c WHERE name IN ('nearest', 'condition', 'bound');
DROP INDEX lateral_ivf;
-- rows that another index finds
CREATE INDEX lateral_hnsw ON lateral_rows USING hnsw (v vector_l2_ops);
CREATE INDEX lateral_tag ON lateral_rows (tag);
SELECT c.* FROM lateral_compare('SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r WHERE r.tag = 7 ORDER BY r.v <-> q.v LIMIT 4) n') c;

-- workers have the role of the session: its policies hold, and what a condition may not see, it does not; an error of one ends the statement
CREATE ROLE regress_lateral;
GRANT SELECT ON lateral_rows, lateral_queries TO regress_lateral;
ALTER TABLE lateral_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON lateral_rows USING (tag = 3 AND current_user = 'regress_lateral');
CREATE FUNCTION lateral_see(tag int) RETURNS bool LANGUAGE plpgsql PARALLEL SAFE COST 0.0001 AS $$
BEGIN
	IF tag <> 3 THEN RAISE 'a row that the policy hides'; END IF;
	RETURN true;
END $$;
SET ROLE regress_lateral;
SELECT c.* FROM lateral_compare('SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r WHERE lateral_see(r.tag) ORDER BY r.v <-> q.v LIMIT 3) n') c;
SELECT count(*), min(tag), max(tag) FROM (SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.tag FROM lateral_rows r ORDER BY r.v <-> q.v LIMIT 3) n) s;
RESET ROLE;
ALTER TABLE lateral_rows DISABLE ROW LEVEL SECURITY;
BEGIN;
SAVEPOINT before;
SELECT sum(n) FROM lateral_queries q, LATERAL (SELECT 1 / (r.id - 7) AS n FROM lateral_rows r ORDER BY r.v <-> q.v LIMIT 3000) s;
ROLLBACK TO before;
SELECT c.* FROM lateral_compare('SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r ORDER BY r.v <-> q.v LIMIT 3) n') c;
COMMIT;
DROP FUNCTION lateral_see;
DROP OWNED BY regress_lateral;
DROP ROLE regress_lateral;

-- what workers may not do stays in one process: functions, temporary tables, locks, writing
CREATE FUNCTION lateral_unsafe(int) RETURNS int LANGUAGE plpgsql PARALLEL RESTRICTED AS 'BEGIN RETURN $1; END';
CREATE TEMP TABLE lateral_temp AS SELECT * FROM lateral_rows;
CREATE INDEX ON lateral_temp USING hnsw (v vector_l2_ops);
ANALYZE lateral_temp;
SELECT c.* FROM unnest(ARRAY[
	'SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r WHERE lateral_unsafe(r.id) > 0 ORDER BY r.v <-> q.v LIMIT 2) n',
	'SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_temp r ORDER BY r.v <-> q.v LIMIT 2) n',
	'SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r TABLESAMPLE SYSTEM (100) ORDER BY r.v <-> q.v LIMIT 2) n']) query, lateral_compare(query) c;
EXPLAIN (COSTS OFF) SELECT q.id FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r ORDER BY r.v <-> q.v LIMIT 2) n FOR UPDATE OF q;
-- nor what is not worth a worker
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
SELECT c.* FROM lateral_compare('SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r ORDER BY r.v <-> q.v LIMIT 2) n WHERE q.id < 20') c;
ALTER TABLE lateral_queries SET (parallel_workers = 0);
SET parallel_setup_cost = 0;
SELECT c.* FROM lateral_compare('SELECT q.id, n.* FROM lateral_queries q, LATERAL (SELECT r.id FROM lateral_rows r ORDER BY r.v <-> q.v LIMIT 5) n') c;
DROP VIEW lateral_cases;
DROP TABLE lateral_rows, lateral_queries, lateral_parts, lateral_others, lateral_temp;
DROP FUNCTION lateral_compare, lateral_vector, lateral_unsafe;
RESET ALL;
