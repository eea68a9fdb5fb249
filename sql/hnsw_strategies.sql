-- hnsw: how a segment is searched when conditions exclude rows, by how many are left and where they are
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SET hnsw.ef_search = 40;
SET jit = off;
-- half of the rows are in one cluster, 0, the others in 20; h goes with nothing
CREATE TABLE t (id int, k int, h int, v vector(16));
INSERT INTO t SELECT n, k, n * 7919 % 4000,
	(SELECT array_agg(sin(k * 12.9898 + j * 78.233 * sign(k)) * 5 + sin(n * 0.7371 + j * j * 1.913 + n % 7 * j)) FROM generate_series(1, 16) j)
	FROM generate_series(0, 3999) n, LATERAL (SELECT CASE n % 2 WHEN 0 THEN 0 ELSE 1 + n / 2 % 20 END) x (k);
CREATE TABLE q AS SELECT id, v FROM t WHERE id < 40;
-- a graph without codes
CREATE INDEX t_v ON t USING hnsw (v vector_l1_ops, k, h);

-- The part of the nearest rows that are found, and what the scans did, in all.
CREATE FUNCTION try(condition text, operator text, OUT recall numeric, OUT rows bigint, OUT walks bigint, OUT reads bigint, OUT switches bigint,
	OUT survivors bigint, OUT rejected bigint, OUT hops bigint) LANGUAGE plpgsql AS $$
DECLARE
	query record;
	s record;
	found real[];
	nearest real[];
	hits bigint := 0;
	k int;
	wanted bigint := 0;
BEGIN
	rows := 0; walks := 0; reads := 0; switches := 0; survivors := 0; rejected := 0; hops := 0;
	FOR query IN EXECUTE 'SELECT v FROM q' LOOP
		EXECUTE format('SELECT array_agg(d ORDER BY d) FROM (SELECT v %s $1 AS d FROM t WHERE %s OFFSET 0) x', operator, condition)
			INTO nearest USING query.v;
		EXECUTE format('SELECT array_agg(d) FROM (SELECT v %1$s $1 AS d FROM t WHERE %2$s ORDER BY v %1$s $1 LIMIT 10) x', operator, condition)
			INTO found USING query.v;
		SELECT * INTO s FROM vector_last_scan();
		walks := walks + s.walks; reads := reads + s.reads; switches := switches + s.switches;
		survivors := survivors + s.survivors; rejected := rejected + s.rejected; hops := hops + s.hops;
		k := least(10, coalesce(cardinality(nearest), 0));
		wanted := wanted + k;
		rows := rows + coalesce(cardinality(found), 0);
		hits := hits + (SELECT count(*) FROM unnest(found) d WHERE d <= nearest[k]);
	END LOOP;
	recall := round(hits::numeric / nullif(wanted, 0), 4);
END $$;

-- no condition: there are no survivors to count
SELECT recall >= 0.97 AS recall, rows, walks, reads, switches, survivors, rejected FROM try('true', '<+>');
-- many rows are left: the graph is walked
SELECT recall >= 0.97 AS recall, rows, walks, reads, survivors, rejected > 0 AS rejected FROM try('h < 2000', '<+>');
-- few: they are read
SELECT recall, rows, walks, reads, switches, survivors, rejected, hops FROM try('h < 40', '<+>');
SELECT recall, rows, walks, reads, switches, survivors, rejected, hops FROM try('h < 3', '<+>');
SELECT recall, rows, walks, reads, switches, survivors, rejected, hops FROM try('h < 0', '<+>');
-- correlated: few clusters in which all rows are left
SELECT recall >= 0.97 AS recall, rows, walks > 0 AS walks, survivors FROM try('k BETWEEN 1 AND 10', '<+>');
-- anti-correlated: near the queries no row is left, and the walk that finds few is given up
UPDATE q SET v = t.v FROM t WHERE t.id = 2 * q.id;
SELECT recall >= 0.97 AS recall, rows, walks, switches, hops <= 40 * (2000 / 3 + 40) AS hops, rejected > 0 AS rejected FROM try('k > 0', '<+>');
-- with codes of the nodes, these are compared in place of their vectors: in the first case few vectors are read
CREATE INDEX t_c ON t USING hnsw (v vector_l2_ops, k, h);
SELECT recall >= 0.97 AS recall, rows, walks, reads, hops FROM try('h < 400', '<->');
SELECT recall >= 0.97 AS recall, rows, walks + reads >= 40 AS all FROM try('k > 0', '<->');
SELECT recall, rows, walks, reads, hops FROM try('h < 40', '<->');
-- exact with as many candidates as rows that are left
SET hnsw.ef_search = 400;
SELECT recall, rows, walks, reads, hops FROM try('h < 400', '<->');
-- to the end, of which the first rows alone are kept in order at first: every row once, and in order but for bounds that fail
SET hnsw.ef_search = 10;
SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE d < before) < 12 AS ordered FROM (SELECT id, d, lag(d) OVER () AS before
	FROM (SELECT id, v <-> (SELECT v FROM q LIMIT 1) AS d FROM t WHERE h < 1200 ORDER BY 2) x) x;
SELECT walks, reads, hops FROM vector_last_scan();
SET hnsw.ef_search = 40;
SELECT vector_index_check('t_c');
-- what the planner expects of conditions is at most half as much again as without, as rows that do not pass are walked through or left out
CREATE FUNCTION price(condition text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE format('EXPLAIN (FORMAT json) SELECT id FROM t WHERE %s ORDER BY v <-> array_fill(1, ARRAY[16])::vector LIMIT 10', condition) INTO plan;
	RETURN plan->0->'Plan'->'Plans'->0->>'Startup Cost';
END $$;
ANALYZE t;
SELECT condition, price(condition) / price('true') < 1.5 AS cheap
	FROM unnest(ARRAY['h < 2000', 'h < 1000', 'h < 400', 'h < 200', 'h < 40', 'h < 4']) condition;
DROP FUNCTION price;
-- what only the executor evaluates: if few rows meet it, those of the table are tested
BEGIN;
SELECT pg_stat_get_xact_tuples_returned('t'::regclass) AS before \gset
SELECT id FROM t WHERE id::text LIKE '39_9' ORDER BY v <-> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10 \g /dev/null
SELECT table_rows, pg_stat_get_xact_tuples_returned('t'::regclass) - :before AS counted FROM vector_last_scan();
SELECT id FROM t WHERE id::text LIKE '%9%' ORDER BY v <-> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10 \g /dev/null
SELECT table_rows FROM vector_last_scan();
COMMIT;

-- after deletes without VACUUM, after VACUUM, and with rows of a growing segment
DELETE FROM t WHERE id % 4 = 0;
SELECT recall >= 0.97 AS recall, rows FROM try('h < 2000', '<+>');
VACUUM t;
SELECT recall >= 0.97 AS recall, rows, survivors FROM try('h < 2000', '<+>');
INSERT INTO t SELECT id + 4000, k, h, v FROM t WHERE id % 40 < 3;
SELECT recall >= 0.97 AS recall, rows, reads > 0 AS reads, survivors FROM try('h < 2000 AND k < 15', '<+>');
DROP TABLE t;

-- nodes of any size: sparse vectors, some of them equal
DISCARD PLANS;
CREATE TABLE t (id int, h int, v sparsevec(100));
INSERT INTO t SELECT n, n * 7919 % 2000, format('{%s:%s,%s:%s,%s:1}/100', 1 + n % 30, n % 11 + 1, 31 + n % 29, n % 13 + 1, 61 + n % 19)::sparsevec
	FROM generate_series(0, 1999) n;
INSERT INTO t SELECT id + 2000, 5000 + id, v FROM t WHERE id < 100;
CREATE INDEX t_v ON t USING hnsw (v sparsevec_l2_ops, h);
ALTER TABLE q ALTER v TYPE sparsevec USING NULL;
UPDATE q SET v = t.v FROM t WHERE t.id = q.id;
SELECT recall >= 0.97 AS recall, rows, walks, survivors FROM try('h < 1000', '<->');
SELECT recall, rows, walks, reads, survivors, hops FROM try('h < 40', '<->');
SELECT recall, rows, walks, reads, survivors, hops FROM try('h >= 5000 AND h < 5020', '<->');
DROP TABLE t, q;
DROP FUNCTION try;
RESET jit;
RESET hnsw.ef_search;
RESET enable_sort;
RESET enable_bitmapscan;
RESET enable_seqscan;
