-- rows that were inserted after the index was built are searched exactly, so results equal those of a sort
-- partitions: a scan ends where its siblings have returned enough rows that are nearer, visible ones, of the same query
CREATE TABLE siblings (p int, id int, v vector(3)) PARTITION BY LIST (p);
SELECT format('CREATE TABLE siblings_%s PARTITION OF siblings FOR VALUES IN (%s)', i, i) FROM generate_series(1, 30) i \gexec
CREATE INDEX ON siblings USING hnsw (v vector_l2_ops);
CREATE INDEX ON siblings USING hnsw (v vector_l1_ops);
INSERT INTO siblings SELECT i % 30 + 1, i, ARRAY[i * 37 % 101, i * 53 % 103, i * 71 % 107] FROM generate_series(1, 3000) i;
DELETE FROM siblings WHERE v <-> '[50,50,50]' < 20;
ANALYZE siblings;
CREATE FUNCTION pg_temp.differences(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	ours float8[];
	exact float8[];
	plan text;
	merged bool := false;
BEGIN
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_sort = off;
	FOR plan IN EXECUTE 'EXPLAIN ' || query LOOP
		merged := merged OR plan ~ 'Merge Append';
	END LOOP;
	EXECUTE 'SELECT array_agg(d) FROM (' || query || ') AS found (d)' INTO ours;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_sort = on;
	SET LOCAL enable_indexscan = off;
	EXECUTE 'SELECT array_agg(d) FROM (' || query || ') AS found (d)' INTO exact;
	SET LOCAL enable_indexscan = on;
	IF NOT merged OR cardinality(ours) IS DISTINCT FROM cardinality(exact) THEN
		RETURN -1;
	END IF;
	RETURN (SELECT count(*) FROM unnest(ours, exact) AS row (a, b) WHERE abs(a - b) > 1e-5);
END
$$;
CREATE TABLE queries AS SELECT i, ARRAY[i * 13 % 101, i * 29 % 103, i * 31 % 107]::vector(3) AS q, i % 25 + 1 AS p
	FROM generate_series(1, 40) i;
SELECT query, pg_temp.differences(query) FROM (VALUES
	($$SELECT v <-> '[50,50,50]' FROM siblings ORDER BY v <-> '[50,50,50]' LIMIT 10$$),
	($$SELECT v <-> '[50,50,50]' FROM siblings ORDER BY v <-> '[50,50,50]' LIMIT 1$$),
	($$SELECT v <-> '[50,50,50]' FROM siblings ORDER BY v <-> '[50,50,50]' LIMIT 7 OFFSET 15$$),
	($$SELECT v <-> '[9,8,7]' FROM siblings ORDER BY v <-> '[9,8,7]' LIMIT 100$$),
	($$SELECT d FROM queries, LATERAL (SELECT v <-> q AS d FROM siblings ORDER BY v <-> q LIMIT 5) s ORDER BY i, d$$),
	($$SELECT d FROM queries, LATERAL (SELECT v <-> q AS d FROM siblings ORDER BY v <-> q LIMIT i % 4) s ORDER BY i, d$$),
	($$SELECT d FROM queries, LATERAL (SELECT v <-> q AS d FROM siblings s WHERE s.p BETWEEN queries.p AND queries.p + 5
		ORDER BY v <-> q LIMIT 3) s ORDER BY i, d$$),
	($$SELECT d FROM (SELECT v <-> '[1,2,3]' AS d FROM siblings UNION ALL SELECT v <-> '[90,80,70]' FROM siblings) s
		ORDER BY d LIMIT 12$$),
	($$SELECT d FROM (SELECT v <+> '[50,50,50]' AS d FROM siblings UNION ALL SELECT v <-> '[50,50,50]' FROM siblings) s
		ORDER BY d LIMIT 12$$)) AS queries (query);
DROP TABLE siblings, queries;
