-- Indexes of diskann, by the name of their table, with each way to store vectors
INSERT INTO cases VALUES ('none', 'vector', '<->'), ('whole', 'vector', '<=>'), ('bytes', 'halfvec', '<#>');
DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT * FROM cases LOOP
		EXECUTE format('CREATE TABLE %I (id int, v %s(8), a int, t text, f float8, n numeric)', c.name, c.type);
		PERFORM add_rows(c.name, 1, 200);
	END LOOP;
END $$;
CREATE INDEX none_v ON none USING diskann (v vector_l2_ops, a, t, f, n) WITH (storage = none, num_neighbors = 16, seal_rows = 100);
CREATE INDEX whole_v ON whole USING diskann (v vector_cosine_ops, a, t, f, n) WITH (storage = full, bits = 1, num_neighbors = 16, seal_rows = 100);
CREATE INDEX bytes_v ON bytes USING diskann (v halfvec_ip_ops, a, t, f, n) WITH (storage = sq8, bits = 8, num_neighbors = 16, seal_rows = 100);
-- segments with other means, and rows with equal vectors
SELECT add_rows(name, 201, 290), add_rows(name, 11, 20), vector_seal((name || '_v')::regclass) FROM cases;
SELECT add_rows(name, 301, 330) FROM cases;
SELECT format('DELETE FROM %I WHERE id %% 6 = 0', name) FROM cases \gexec
SELECT format('VACUUM %I', name) FROM cases \gexec
