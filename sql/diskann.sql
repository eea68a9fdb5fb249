-- diskann: every operator class, storage and number of bits; the modes of scans; what it refuses
SET enable_seqscan = off;
CREATE TABLE t (id int, v vector(24));
SELECT setseed(0.5);
INSERT INTO t SELECT i, ARRAY(SELECT i % 10 + round(random() * 20) FROM generate_series(1, 24) j WHERE i > 0) FROM generate_series(1, 3000) i;
-- rows of equal vectors, NULL and zeros
INSERT INTO t SELECT 10000 + i, v FROM t, generate_series(1, 3) i WHERE id = 7;
INSERT INTO t VALUES (20000, NULL), (20001, array_fill(0, ARRAY[24])::vector);
-- the share of the true ten nearest rows that an index finds, over 30 queries
CREATE FUNCTION recall(op text, type text DEFAULT 'vector') RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT d FROM (SELECT v::%s(24) %s $1 AS d FROM t ORDER BY v::%1$s(24) %2$s $1 LIMIT 10) x', type, op);
	q text;
	exact float8[];
	found float8[];
	hits int := 0;
BEGIN
	FOR q IN SELECT v::text FROM t WHERE id % 100 = 1 AND id < 3000 LOOP
		SET LOCAL enable_indexscan = off;
		EXECUTE 'SELECT array_agg(d ORDER BY d) FROM (' || replace(query, '$1', quote_literal(q)) || ') x' INTO exact;
		SET LOCAL enable_indexscan = on;
		EXECUTE 'SELECT array_agg(d) FROM (' || replace(query, '$1', quote_literal(q)) || ') x' INTO found;
		ASSERT found = (SELECT array_agg(d ORDER BY d) FROM unnest(found) d), 'rows are not in order';
		hits := hits + (SELECT count(*) FROM unnest(found) d WHERE d <= exact[10]);
	END LOOP;
	RETURN round(hits / 300.0, 3);
END $$;
CREATE FUNCTION try(type text, class text, op text, options text DEFAULT 'search_list_size = 100') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	r numeric;
BEGIN
	EXECUTE format('CREATE INDEX t_v ON t USING diskann ((v::%s(24)) %s_%s) WITH (%s)', type, type, class, options);
	FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY v::%s(24) %s %L LIMIT 10', type, op, array_fill(1, ARRAY[24])::vector) LOOP
		ASSERT line NOT LIKE '%Seq Scan%', line;
	END LOOP;
	r := recall(op, type);
	line := format('%s %s: %s rows, recall %s', class, options, vector_index_check('t_v'), CASE WHEN r >= 0.97 THEN 'is right' ELSE r::text END);
	DROP INDEX t_v;
	RETURN line;
END $$;
SELECT try(type, class, op, 'storage = ' || storage)
	FROM unnest(ARRAY['vector', 'halfvec', 'bf16vec', 'int8vec']) type,
		(VALUES ('l2_ops', '<->'), ('ip_ops', '<#>'), ('cosine_ops', '<=>')) c(class, op),
		unnest(ARRAY['none', 'full', 'half', 'sq8']) storage;
SELECT try('vector', 'l2_ops', '<->', 'bits = ' || bits) FROM generate_series(2, 8) bits;
SELECT try('vector', 'l2_ops', '<->', 'num_neighbors = 10, max_alpha = 1.5, search_list_size = 40');
-- an index that is read to its end returns every row once
CREATE INDEX t_v ON t USING diskann (v vector_l2_ops);
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> array_fill(3, ARRAY[24])::vector) x;
SET diskann.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> array_fill(3, ARRAY[24])::vector) x;
SET diskann.iterative_scan = off;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> array_fill(3, ARRAY[24])::vector) x;
RESET diskann.iterative_scan;
-- rows with equal vectors, one of which dies
SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 7), id LIMIT 4;
DELETE FROM t WHERE id = 7;
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 10001) LIMIT 3) x;
VACUUM t;
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 10001) LIMIT 3) x;
-- inserted rows
INSERT INTO t SELECT 30000 + id, v FROM t WHERE id = 8;
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 8) LIMIT 2) x;
SELECT vector_seal('t_v');
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 8) LIMIT 2) x;
SELECT vector_index_check('t_v');
SELECT kind, rows, dead, method FROM vector_segments() ORDER BY segment;
DROP INDEX t_v;
-- what is refused
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (num_neighbors = 5);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (num_neighbors = 225);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (search_list_size = 9);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (max_alpha = 0.9);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (bits = 9);
CREATE INDEX ON t USING diskann (v vector_l2_ops) WITH (storage = plain);
SET diskann.query_search_list_size = 0;
SET diskann.query_rescore = -1;
DROP TABLE t;
DROP FUNCTION recall, try;
