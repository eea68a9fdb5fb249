-- every part of the library recognizes indexes of its access methods, also under another name
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_bitmapscan = off;
CREATE ACCESS METHOD other TYPE INDEX HANDLER hnswhandler;
CREATE OPERATOR CLASS other_ops DEFAULT FOR TYPE vector USING other AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vector_l2_squared_distance(vector, vector);
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'other_ops';
CREATE TABLE t (id int, v vector(3), label text GENERATED ALWAYS AS (id::text) STORED) WITH (autovacuum_enabled = off);
INSERT INTO t SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 500) n;
CREATE FUNCTION tell(am text, class text, columns text DEFAULT 'v', near text DEFAULT $$v <-> '[1,2,3]'$$, options text DEFAULT '') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	EXECUTE format('CREATE INDEX t_v ON t USING %I (%s %I) %s', am, columns, class, options);
	INSERT INTO t VALUES (0, '[1,2,3]');
	RETURN NEXT format('%s: %s, %s sealed, %s rows', am, vector_index_state('t_v'), vector_seal('t_v'), vector_index_check('t_v'));
	DELETE FROM t WHERE id = 0;
	-- the hidden distance is not computed
	FOR line IN EXECUTE format('EXPLAIN (VERBOSE, COSTS off) SELECT id FROM t ORDER BY %s LIMIT 5', near) LOOP
		RETURN NEXT line;
	END LOOP;
	RETURN QUERY EXECUTE format('SELECT ''ids: '' || array_agg(id)::text FROM (SELECT id FROM t ORDER BY %s LIMIT 1) x', near);
	DROP INDEX t_v;
END $$;
SELECT tell('hnsw', 'vector_l2_ops');
VACUUM t;
SELECT tell('diskann', 'vector_l2_ops');
VACUUM t;
SELECT tell('ivfflat', 'vector_l2_ops');
VACUUM t;
SELECT tell('ivf', 'vector_l2_ops');
VACUUM t;
SELECT tell('sparse', 'sparsevec_ip_ops', '(v::sparsevec(3))', $$v::sparsevec(3) <#> '{1:1,2:2,3:3}/3'$$);
VACUUM t;
SELECT tell('bm25', 'bm25_ops', 'label', $$label <@> '0'$$, 'WITH (text_config = simple)');
VACUUM t;
SELECT tell('other', 'other_ops');
-- nor that of a subquery, unless it is read
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops);
EXPLAIN (VERBOSE, COSTS off) SELECT array_agg(id) FROM (SELECT id FROM t ORDER BY v <-> '[1,2,3]' LIMIT 5) x;
EXPLAIN (VERBOSE, COSTS off) SELECT max(d) FROM (SELECT v <-> '[1,2,3]' AS d FROM t ORDER BY d LIMIT 5) x;
DROP INDEX t_v;
-- a scan that begins again among the rows that pass a filter goes on beyond those that it has returned
TRUNCATE t;
INSERT INTO t SELECT n, ARRAY[n % 20, n / 20 % 20, n / 400] FROM generate_series(0, 1999) n;
VACUUM ANALYZE t;
CREATE FUNCTION rows_of(am text, class text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rows bigint;
	tested bigint;
BEGIN
	EXECUTE format('CREATE INDEX t_v ON t USING %I (v %I)', am, class);
	SELECT count(*) INTO rows FROM (SELECT id FROM t WHERE id % 50 > 0 ORDER BY v <-> '[3,3,1]' LIMIT 5000) x;
	SELECT table_rows INTO tested FROM vector_last_scan();
	DROP INDEX t_v;
	RETURN format('%s: %s rows, %s tested', am, rows, tested);
END $$;
SET hnsw.ef_search = 10;
SET diskann.query_search_list_size = 10;
SELECT rows_of('hnsw', 'vector_l2_ops');
SELECT rows_of('diskann', 'vector_l2_ops');
SELECT rows_of('ivfflat', 'vector_l2_ops');
SELECT rows_of('ivf', 'vector_l2_ops');
SELECT rows_of('other', 'other_ops');
DROP FUNCTION rows_of;
RESET hnsw.ef_search;
-- and in order: of the rows that its first round finds, those that it has returned are not new
DROP TABLE t;
CREATE TABLE t (id int, v vector(8));
INSERT INTO t SELECT n, (SELECT array_agg(n % 8 * 37 % 11 * ((d * 7 + n % 8 * 13) % 5) + (hashint8extended(n, d) & 1023) / 51.2) FROM generate_series(1, 8) d)::vector
	FROM generate_series(1, 600) n;
CREATE INDEX t_v ON t USING hnsw (v vector_l1_ops) WITH (m = 8);
ANALYZE t;
CREATE FUNCTION unfound(wanted int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	query vector;
	sum bigint := 0;
	truth float8[];
	found float8[];
BEGIN
	FOR query IN SELECT v FROM t WHERE id % 10 = 3 ORDER BY id LOOP
		SET LOCAL enable_indexscan = off;
		SET LOCAL enable_seqscan = on;
		SET LOCAL enable_sort = on;
		EXECUTE format('SELECT array_agg(d) FROM (SELECT v <+> %L AS d FROM t WHERE id %% 10 > 0 ORDER BY d LIMIT %s) x', query, wanted) INTO truth;
		SET LOCAL enable_indexscan = on;
		SET LOCAL enable_seqscan = off;
		SET LOCAL enable_sort = off;
		EXECUTE format('SELECT array_agg(d) FROM (SELECT v <+> %L AS d FROM t WHERE id %% 10 > 0 ORDER BY d LIMIT %s) x', query, wanted) INTO found;
		sum := sum + cardinality(truth) - (SELECT count(*) FROM unnest(found) d WHERE d <= truth[cardinality(truth)]);
	END LOOP;
	RETURN sum;
END $$;
SELECT n, unfound(n) < 10 AS complete FROM unnest(ARRAY[50, 100, 200]) n;
DROP FUNCTION unfound;
DROP INDEX t_v;
-- and no index of another access method
CREATE INDEX t_id ON t (id);
SELECT vector_index_state('t_id'), vector_index_state('t');
SELECT vector_seal('t_id');
DROP TABLE t;
DROP FUNCTION tell;
DROP OPERATOR FAMILY other_ops USING other;
DROP ACCESS METHOD other;
