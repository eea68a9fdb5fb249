-- An index of diskann whose first segment is large enough for codes along principal axes
INSERT INTO cases VALUES ('axes', 'halfvec', '<->');
CREATE TABLE axes (id int, v halfvec(8), a int, t text, f float8, n numeric);
SELECT add_rows('axes', 1, 4200);
CREATE INDEX axes_v ON axes USING diskann (v halfvec_l2_ops) WITH (storage = sq8, bits = 1, num_neighbors = 10);
-- a small segment, which has none, and rows with equal vectors
SELECT add_rows('axes', 4201, 4290), add_rows('axes', 11, 20), vector_seal('axes_v');
SELECT add_rows('axes', 4301, 4330);
DELETE FROM axes WHERE id % 6 = 0;
VACUUM axes;
