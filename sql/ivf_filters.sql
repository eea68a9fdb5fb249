-- ivf: how many lists are searched when conditions exclude rows, by how many are left and where they are
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SET jit = off;
-- 40 clusters, k; h goes with nothing
CREATE TABLE t (id int, k int, h int, v vector(16));
INSERT INTO t SELECT n, k, n * 7919 % 4000,
	(SELECT array_agg(sin(k * 12.9898 + j * 78.233) * 5 + sin(n * 0.7371 + j * j * 1.913 + n % 7 * j)) FROM generate_series(1, 16) j)
	FROM generate_series(0, 3999) n, LATERAL (SELECT n % 40) x (k);
CREATE TABLE q AS SELECT id, v FROM t WHERE id < 40;
CREATE INDEX ON t USING ivf (v vector_l2_ops, k, h) WITH (lists = 100);
SET ivf.probes = 5;

-- The part of the nearest rows that are found, and what the scans did, in all.
CREATE FUNCTION try(condition text, OUT recall numeric, OUT rows bigint, OUT hops bigint, OUT distances bigint, OUT survivors bigint)
LANGUAGE plpgsql AS $$
DECLARE
	query record;
	s record;
	found real[];
	nearest real[];
	hits bigint := 0;
	k int;
	wanted bigint := 0;
BEGIN
	rows := 0; hops := 0; distances := 0; survivors := 0;
	FOR query IN SELECT v FROM q LOOP
		EXECUTE format('SELECT array_agg(d ORDER BY d) FROM (SELECT v <-> $1 AS d FROM t WHERE %s OFFSET 0) x', condition)
			INTO nearest USING query.v;
		EXECUTE format('SELECT array_agg(d) FROM (SELECT v <-> $1 AS d FROM t WHERE %s ORDER BY v <-> $1 LIMIT 10) x', condition)
			INTO found USING query.v;
		SELECT * INTO s FROM vector_last_scan();
		hops := hops + s.hops; distances := distances + s.distances; survivors := survivors + s.survivors;
		k := least(10, coalesce(cardinality(nearest), 0));
		wanted := wanted + k;
		rows := rows + coalesce(cardinality(found), 0);
		hits := hits + (SELECT count(*) FROM unnest(found) d WHERE d <= nearest[k]);
	END LOOP;
	recall := round(hits::numeric / nullif(wanted, 0), 2);
END $$;

-- without a condition, so many lists are searched as the setting says
SELECT recall >= 0.95 AS recall, rows, hops FROM try('true');
-- the fewer rows are left, the more lists, as long as that costs no more; in the end all
SELECT recall >= 0.95 AS recall, rows, hops BETWEEN 200 AND 400 AS hops FROM try('h < 2000');
SELECT recall >= 0.95 AS recall, rows, hops BETWEEN 800 AND 2400 AS hops FROM try('h < 40');
SELECT recall >= 0.95 AS recall, rows, hops > 2400 AS hops FROM try('h < 12');
-- correlated: lists that have no row left cost nothing, and others are searched for the rows
SELECT recall >= 0.9 AS recall, rows, hops > 400 AS hops, distances < 40 * 400 AS distances FROM try('k IN (3, 7, 30)');
SELECT recall >= 0.75 AS recall, rows, hops > 400 AS hops, distances < 40 * 400 AS distances FROM try('k = 3 AND h < 2000');
-- no row
SELECT recall, rows, hops >= 4000 AS hops, distances FROM try('h < 0');
-- other modes search the lists that the setting says
SET ivf.iterative_scan = off;
SELECT rows < 400 AS few, hops < 800 AS hops FROM try('h < 12');
RESET ivf.iterative_scan;
-- after deletes, and with rows of a growing segment
DELETE FROM t WHERE id % 4 = 0;
VACUUM t;
INSERT INTO t SELECT id + 4000, k, h, v FROM t WHERE id % 40 < 3;
SELECT recall >= 0.95 AS recall, rows FROM try('h < 12');

-- without codes, all rows of a list are compared
CREATE INDEX f ON t USING ivfflat (v vector_l2_ops, k, h) WITH (lists = 100);
DROP INDEX t_v_k_h_idx;
SET ivfflat.probes = 5;
SELECT recall >= 0.95 AS recall, rows FROM try('h < 12');
SELECT recall >= 0.95 AS recall, rows, distances < 40 * 400 AS distances FROM try('k IN (3, 7, 30)');
SELECT recall, rows, hops >= 4000 AS hops, distances < 4000 AS distances FROM try('h < 0');
DROP TABLE t, q;
DROP FUNCTION try;
RESET ivf.probes;
RESET ivfflat.probes;
RESET jit;
RESET enable_sort;
RESET enable_bitmapscan;
RESET enable_seqscan;
