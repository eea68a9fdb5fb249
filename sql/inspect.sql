-- what a segment consists of, and the check of one segment
SET vector.background_work = off;
CREATE TABLE inspect_items (id int, v vector(64));
INSERT INTO inspect_items SELECT n, (SELECT array_agg((hashint8extended(n, d) & 1023)::real) FROM generate_series(1, 64) d)::vector FROM generate_series(1, 500) n;
CREATE INDEX inspect_g ON inspect_items USING hnsw (v vector_l2_ops);
CREATE INDEX inspect_d ON inspect_items USING diskann (v vector_l2_ops);
CREATE INDEX inspect_l ON inspect_items USING ivf (v vector_l2_ops) WITH (lists = 5);
CREATE INDEX inspect_s ON inspect_items USING sparse ((v::sparsevec(64)) sparsevec_ip_ops);
CREATE VIEW inspected AS SELECT x.index::text, s.segment, s.kind, i.* FROM (VALUES ('inspect_g'::regclass), ('inspect_d'), ('inspect_l'), ('inspect_s')) x(index),
	LATERAL vector_index_segments(x.index) s, LATERAL vector_inspect(x.index, s.segment) i WHERE s.kind IN ('growing', 'sealed');
SELECT index, property, value FROM inspected WHERE property IN ('rows', 'dead rows', 'nodes', 'coded dimensions', 'attributes', 'blocks in the store', 'terms') AND kind = 'sealed'
ORDER BY index, property;
-- nodes have neighbours, lists have rows, and all of them are counted
SELECT index, property, count(*) > 1 AS several, sum(value) FROM inspected WHERE property ~ '^(nodes with|rows of list)' GROUP BY index, property ORDER BY index;
SELECT bool_and(item BETWEEN 1 AND 64) AS degrees FROM inspected WHERE property ~ '^nodes with';
SELECT (SELECT sum(item) FROM inspected WHERE property = 'rows of list') AS lists, bool_and(value >= 0) AS ages FROM inspected WHERE property = 'age in seconds';
-- the error of codes: of one bit a dimension, and of more; most are below its 95th percentile
SELECT index, value BETWEEN 0.005 AND 0.2 AS error FROM inspected WHERE property = 'code error' AND index = 'inspect_g';
CREATE INDEX inspect_d1 ON inspect_items USING diskann (v vector_cosine_ops) WITH (bits = 1, storage = half);
CREATE INDEX inspect_d4 ON inspect_items USING diskann (v vector_cosine_ops) WITH (bits = 4, storage = half);
CREATE INDEX inspect_df ON inspect_items USING diskann (v vector_l2_ops) WITH (storage = full);
CREATE INDEX inspect_l1 ON inspect_items USING ivf (v vector_ip_ops) WITH (lists = 5, bits = 1);
CREATE INDEX inspect_l4 ON inspect_items USING ivf (v vector_ip_ops) WITH (lists = 5, bits = 4);
CREATE INDEX inspect_f ON inspect_items USING ivfflat (v vector_l2_ops) WITH (lists = 5);
CREATE VIEW inspected_codes AS SELECT x.index, max(i.value) FILTER (WHERE i.property = 'code error') AS mean, max(i.value) FILTER (WHERE i.property = 'code error of 95 %') AS high
FROM (VALUES ('inspect_g'::regclass), ('inspect_d'), ('inspect_l'), ('inspect_d1'), ('inspect_d4'), ('inspect_df'), ('inspect_l1'), ('inspect_l4'), ('inspect_f')) x(index),
	LATERAL vector_index_segments(x.index) s, LATERAL vector_inspect(x.index, s.segment) i WHERE s.kind = 'sealed' GROUP BY x.index;
SELECT index, mean > 0.0001 AND mean < 0.2 AS mean, high / mean BETWEEN 1.5 AND 4 AS high FROM inspected_codes ORDER BY index::text;
SELECT a.index, b.index, a.mean > 4 * b.mean AS more_bits FROM inspected_codes a JOIN inspected_codes b ON b.index::text = replace(a.index::text, '1', '4') WHERE a.index::text ~ '1' ORDER BY a.index::text;
DROP VIEW inspected_codes;
-- by inner product and cosine
CREATE INDEX inspect_ip ON inspect_items USING hnsw (v vector_ip_ops);
CREATE INDEX inspect_cos ON inspect_items USING hnsw (v vector_cosine_ops);
SELECT x.index, i.value BETWEEN 0.001 AND 0.3 AS error FROM (VALUES ('inspect_ip'::regclass), ('inspect_cos')) x(index), LATERAL vector_index_segments(x.index) s,
	LATERAL vector_inspect(x.index, s.segment) i WHERE i.property = 'code error' ORDER BY x.index::text;
-- many rows of few nodes are merged: those left of an input, whose others have become one node with equal ones, have nodes that lead to them
SET vector.seed = 1;
SET max_parallel_maintenance_workers = 0;
CREATE TABLE inspect_equal (v vector(50));
INSERT INTO inspect_equal SELECT array_agg((hashint8extended(n, d) & 1023)::real / 1024) FROM generate_series(1, 2000) n, generate_series(1, 50) d GROUP BY n ORDER BY n;
CREATE INDEX inspect_equal_v ON inspect_equal USING hnsw (v vector_l2_ops);
CREATE TEMP TABLE again AS SELECT array_agg((hashint8extended(n, d) & 1023)::real / 1024)::vector AS v FROM generate_series(100001, 102000) n, generate_series(1, 50) d GROUP BY n ORDER BY n;
CREATE PROCEDURE inspect_insert() LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 8 LOOP
		INSERT INTO inspect_equal SELECT v FROM again;
		PERFORM vector_seal('inspect_equal_v');
	END LOOP;
END $$;
CALL inspect_insert();
SELECT vector_merge('inspect_equal_v');
SELECT sum(value) FILTER (WHERE item = 4) > 4000 AS most, coalesce(sum(value) FILTER (WHERE item < 2), 0) AS few FROM vector_index_segments('inspect_equal_v') s,
	LATERAL vector_inspect('inspect_equal_v', s.segment) i WHERE s.kind = 'sealed' AND i.property = 'nodes to which so many lead';
DROP PROCEDURE inspect_insert;
DROP TABLE inspect_equal, again;
RESET max_parallel_maintenance_workers;
-- growing segments
INSERT INTO inspect_items SELECT id, v FROM inspect_items WHERE id <= 7;
SELECT property, value FROM inspected WHERE index = 'inspect_g' AND kind = 'growing' AND property IN ('rows', 'dead rows') ORDER BY property;
-- one segment is checked
SELECT segment AS sealed FROM vector_index_segments('inspect_g') WHERE kind = 'sealed' \gset
SELECT vector_index_check('inspect_g', :sealed);
SELECT sum(vector_index_check('inspect_g', segment)) = vector_index_check('inspect_g') AS all FROM vector_index_segments('inspect_g') WHERE kind IN ('growing', 'sealed');
SELECT vector_index_check('inspect_g', 999);
SELECT vector_inspect('inspect_g', 999);
SELECT vector_inspect('inspect_items', 1);
SET client_min_messages = debug1;
SELECT vector_index_check('inspect_g', :sealed);
RESET client_min_messages;
-- who may look
CREATE ROLE regress_inspect_stranger;
CREATE ROLE regress_inspect_monitor IN ROLE pg_monitor;
SET ROLE regress_inspect_stranger;
SELECT count(*) FROM vector_inspect('inspect_g', :sealed);
SELECT vector_index_check('inspect_g', :sealed);
SET ROLE regress_inspect_monitor;
SELECT count(*) > 5 AS seen FROM vector_inspect('inspect_g', :sealed);
SELECT vector_index_check('inspect_g', :sealed);
RESET ROLE;
DROP ROLE regress_inspect_stranger, regress_inspect_monitor;
DROP VIEW inspected;
DROP TABLE inspect_items;
RESET vector.background_work;
