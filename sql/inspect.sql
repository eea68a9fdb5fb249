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
-- the error of codes of a bit a dimension
SELECT index, value BETWEEN 0.005 AND 0.2 AS error FROM inspected WHERE property = 'code error';
-- by inner product and cosine
CREATE INDEX inspect_ip ON inspect_items USING hnsw (v vector_ip_ops);
CREATE INDEX inspect_cos ON inspect_items USING hnsw (v vector_cosine_ops);
SELECT x.index, i.value BETWEEN 0.001 AND 0.3 AS error FROM (VALUES ('inspect_ip'::regclass), ('inspect_cos')) x(index), LATERAL vector_index_segments(x.index) s,
	LATERAL vector_inspect(x.index, s.segment) i WHERE i.property = 'code error' ORDER BY x.index::text;
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
