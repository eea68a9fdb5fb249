-- Indexes with attributes, by the name of their table
INSERT INTO cases VALUES ('graph', 'vector', '<->'), ('lists', 'vector', '<=>'), ('flat', 'vector', '<#>');
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['graph', 'lists', 'flat'] LOOP
		EXECUTE format('CREATE TABLE %I (id int, v vector(8), a int, t text, f float8, n numeric)', name);
		PERFORM add_rows(name, 1, CASE name WHEN 'flat' THEN 40 ELSE 300 END);
	END LOOP;
END $$;
CREATE INDEX graph_v ON graph USING hnsw (v vector_l2_ops, a, t, f, n) WITH (seal_rows = 100);
CREATE INDEX lists_v ON lists USING ivf (v vector_cosine_ops, a, t, f, n) WITH (seal_rows = 100, lists = 4);
CREATE INDEX flat_v ON flat USING hnsw (v vector_ip_ops, a, t, f, n) WITH (seal_rows = 100);
SELECT add_rows(name, 301, 330), vector_seal((name || '_v')::regclass) FROM cases;
SELECT add_rows(name, 331, 350) FROM cases;
DELETE FROM graph WHERE id % 6 = 0;
DELETE FROM lists WHERE id % 7 = 0;
VACUUM graph, lists;
