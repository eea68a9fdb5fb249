-- vector_picture: places of vectors in two dimensions
SET vector.background_work = off;
-- of two dimensions, the picture is the vectors themselves, turned: distances stay
CREATE TABLE picture_flat (id int, v vector(2));
INSERT INTO picture_flat SELECT n, ARRAY[100 + n * 0.25, n % 5] FROM generate_series(1, 40) n;
CREATE INDEX picture_flat_v ON picture_flat USING hnsw (v vector_l2_ops);
SELECT count(*), bool_and(cluster BETWEEN 1 AND 6) AS clusters, count(DISTINCT cluster) > 3 AS several, bool_and(distance IS NULL) AS no_distance,
	abs(avg(x)) < 1e-4 AND abs(avg(y)) < 1e-4 AS centred, bool_and(abs(sqrt(x ^ 2 + y ^ 2) - radius) < 1e-4) AS whole FROM vector_picture('picture_flat_v') WHERE kind = 'sampled';
SELECT abs(p.spread - t.spread) < 1e-3 * t.spread AS turned FROM
	(SELECT sum(sqrt((a.x - b.x) ^ 2 + (a.y - b.y) ^ 2)) AS spread FROM vector_picture('picture_flat_v') a, vector_picture('picture_flat_v') b) p,
	(SELECT sum(a.v <-> b.v) AS spread FROM picture_flat a, picture_flat b) t;
-- a query and its nearest rows, at their distances
CREATE TEMP TABLE placed AS SELECT * FROM vector_picture('picture_flat_v', '[104,2]', k => 4);
SELECT kind, count(*) FROM placed GROUP BY kind ORDER BY kind;
SELECT bool_and(abs(sqrt((n.x - q.x) ^ 2 + (n.y - q.y) ^ 2) - n.distance) < 1e-4) AS at_distance,
	array_agg(round(n.distance::numeric, 3) ORDER BY n.distance) = (SELECT array_agg(round((v <-> '[104,2]')::numeric, 3) ORDER BY v <-> '[104,2]')
		FROM (SELECT v FROM picture_flat ORDER BY v <-> '[104,2]' LIMIT 4) s) AS nearest
FROM placed n, placed q WHERE n.kind = 'nearest' AND q.kind = 'query';
-- groups that are far from each other are clusters, the largest first, and along the first axes
CREATE TABLE picture_groups (id int, v vector(24), h halfvec(24), i int8vec(24), b bit(24));
INSERT INTO picture_groups (id, v) SELECT n, (SELECT array_agg(((hashint8extended(n, d) & 15) + CASE d WHEN n % 3 THEN 400 WHEN 3 THEN 400 * (n % 7 / 6) ELSE 0 END)::real)
	FROM generate_series(0, 23) d)::vector FROM generate_series(1, 120) n;
UPDATE picture_groups SET h = v, i = (SELECT array_agg((x / 4)::int) FROM unnest(v::real[]) x)::int8vec, b = binary_quantize(v - array_fill(100, ARRAY[24])::vector);
CREATE INDEX picture_groups_v ON picture_groups USING ivf (v vector_l2_ops) WITH (lists = 2);
CREATE INDEX picture_groups_c ON picture_groups USING diskann (v vector_cosine_ops);
CREATE INDEX picture_groups_h ON picture_groups USING ivfflat (h halfvec_ip_ops) WITH (lists = 2);
CREATE INDEX picture_groups_i ON picture_groups USING hnsw (i int8vec_l2_ops);
CREATE INDEX picture_groups_b ON picture_groups USING hnsw (b bit_hamming_ops);
SELECT array_agg(rows ORDER BY cluster) = array_agg(rows ORDER BY rows DESC) AS by_size, sum(rows), count(*) BETWEEN 3 AND 6 AS clusters FROM
	(SELECT cluster, count(*) AS rows FROM vector_picture('picture_groups_v') GROUP BY cluster) c;
SELECT x.index, count(*), count(DISTINCT cluster) > 2 AS clusters, bool_and(x ^ 2 + y ^ 2 <= radius ^ 2 * 1.0001) AS projected, sum(x ^ 2) >= sum(y ^ 2) AS first_axis,
	sum(x ^ 2 + y ^ 2) > 0.5 * sum(radius ^ 2) AS most, bool_and(radius < 1.5) AS unit
FROM (VALUES ('picture_groups_v'::regclass), ('picture_groups_c'), ('picture_groups_h'), ('picture_groups_i'), ('picture_groups_b')) x(index), LATERAL vector_picture(x.index)
GROUP BY x.index ORDER BY x.index::text;
-- the nearest by each type
SELECT x.index, count(*) FILTER (WHERE kind = 'nearest'), count(*) FILTER (WHERE kind = 'query') FROM (VALUES ('picture_groups_c'::regclass, (SELECT v::text FROM picture_groups WHERE id = 1)),
	('picture_groups_i', (SELECT i::text FROM picture_groups WHERE id = 1)), ('picture_groups_b', (SELECT b::text FROM picture_groups WHERE id = 1))) x(index, query), LATERAL vector_picture(x.index, x.query, k => 3)
GROUP BY x.index ORDER BY x.index::text;
-- a part of the rows, the rows of a partial index, an expression
SELECT count(*) FROM vector_picture('picture_groups_v', samples => 30);
CREATE INDEX picture_groups_part ON picture_groups USING hnsw ((h::vector(24)) vector_l2_ops) WHERE id <= 50;
SELECT count(*) FROM vector_picture('picture_groups_part');
-- vectors that are equal, not there, or of no direction
CREATE TABLE picture_odd (v vector(3));
CREATE INDEX picture_odd_v ON picture_odd USING hnsw (v vector_cosine_ops);
SELECT count(*) FROM vector_picture('picture_odd_v', '[1,2,3]');
INSERT INTO picture_odd VALUES ('[1,1,1]'), ('[2,2,2]'), ('[0,0,0]'), (NULL);
SELECT round(x::numeric, 3) AS x, round(y::numeric, 3) AS y, cluster FROM vector_picture('picture_odd_v');
SELECT * FROM vector_picture('picture_odd_v', '[0,0,0]');
INSERT INTO picture_odd VALUES ('[1e38,0,0]'), ('[0,-1e38,1e38]'), ('[1e-38,0,1e-38]');
SELECT count(*), bool_and(radius BETWEEN 0 AND 2) AS finite FROM vector_picture('picture_odd_v');
CREATE INDEX picture_odd_l ON picture_odd USING ivfflat (v vector_l2_ops) WITH (lists = 1);
SELECT count(*), max(radius) BETWEEN 1e38 AND 2e38 AS finite FROM vector_picture('picture_odd_l');
-- what cannot be
CREATE INDEX picture_sparse ON picture_odd USING sparse ((v::sparsevec(3)) sparsevec_ip_ops);
SELECT vector_picture('picture_sparse');
SELECT vector_picture('picture_flat');
CREATE TABLE picture_parts (v vector(3)) PARTITION BY HASH (v);
CREATE INDEX picture_parts_v ON picture_parts USING hnsw (v vector_l2_ops);
SELECT vector_picture('picture_parts_v');
SELECT vector_picture(NULL);
SELECT vector_picture('picture_flat_v', '[1,2,3]');
SELECT vector_picture('picture_flat_v', 'two');
SELECT vector_picture('picture_flat_v', samples => 1);
SELECT vector_picture('picture_flat_v', samples => 1001);
SELECT vector_picture('picture_flat_v', k => 0);
-- rows are those that the caller may select
CREATE ROLE regress_picture_reader;
SET ROLE regress_picture_reader;
SELECT count(*) FROM vector_picture('picture_flat_v');
RESET ROLE;
GRANT SELECT ON picture_flat TO regress_picture_reader;
ALTER TABLE picture_flat ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenth ON picture_flat USING (id % 10 = 0);
SET ROLE regress_picture_reader;
SELECT kind, count(*), bool_and(distance > 1) AS far FROM vector_picture('picture_flat_v', '[104,2]', k => 4) GROUP BY kind ORDER BY kind;
RESET ROLE;
DROP TABLE picture_flat, picture_groups, picture_odd, picture_parts;
DROP ROLE regress_picture_reader;
RESET vector.background_work;
