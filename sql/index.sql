-- btree and hash: indexes, sorts, joins, grouping, partitions by hash
CREATE TEMP TABLE t (id int, v vector(2), h halfvec(2), b bf16vec(2), i int8vec(2), s sparsevec(2));
INSERT INTO t SELECT n, v, v, v, v, v FROM (SELECT n, ('[' || n % 50 || ',' || n % 3 || ']')::vector AS v FROM generate_series(1, 1000) n) x;
CREATE INDEX ON t (v);
CREATE INDEX ON t (h);
CREATE INDEX ON t USING hash (b);
CREATE INDEX ON t USING hash (i);
CREATE INDEX ON t (s);
CREATE INDEX ON t USING hash (v);
CREATE INDEX ON t USING hash (h);
CREATE INDEX ON t USING hash (s);
CREATE INDEX ON t (b);
CREATE INDEX ON t (i);
SET enable_seqscan = off;
SELECT count(*) FROM t WHERE v = '[7,1]';
SELECT count(*) FROM t WHERE h = '[7,1]';
SELECT count(*) FROM t WHERE b = '[7,1]';
SELECT count(*) FROM t WHERE i = '[7,1]';
SELECT count(*) FROM t WHERE s = '{1:7,2:1}/2';
SELECT count(*) FROM t WHERE v < '[2,0]';
RESET enable_seqscan;
SELECT count(DISTINCT v), count(DISTINCT h), count(DISTINCT b), count(DISTINCT i), count(DISTINCT s) FROM t;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT v, count(*) FROM t GROUP BY v;
SELECT count(*) FROM (SELECT v FROM t GROUP BY v) x;
RESET enable_sort;
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM t a JOIN t b USING (v) WHERE a.id <= 50 AND b.id <= 100;
SELECT count(*) FROM t a JOIN t b USING (s) WHERE a.id <= 50 AND b.id <= 100;
RESET enable_mergejoin;
RESET enable_nestloop;
-- equal vectors hash alike
SELECT vector_hash('[0,1]') = vector_hash('[-0,1]'), halfvec_hash('[0]') = halfvec_hash('[-0]'), bf16vec_hash('[0]') = bf16vec_hash('[-0]'),
	vector_hash('[0,1]') <> vector_hash('[1,0]'), vector_hash_extended('[1]', 0) <> vector_hash_extended('[1]', 1),
	sparsevec_hash('{1:1,2:0}/2') = sparsevec_hash('{1:1}/2'), sparsevec_hash('{1:1}/2') <> sparsevec_hash('{1:1}/3');
CREATE TABLE parted (v vector(1)) PARTITION BY HASH (v);
CREATE TABLE parted0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT ('[' || n || ']')::vector FROM generate_series(1, 100) n;
SELECT count(*), count(DISTINCT tableoid) FROM parted;
SELECT v FROM parted WHERE v = '[42]';
DROP TABLE parted;
CREATE TEMP TABLE u (v vector(2) PRIMARY KEY);
INSERT INTO u VALUES ('[1,0]');
INSERT INTO u VALUES ('[1,-0]');
INSERT INTO u VALUES ('[1,-0]') ON CONFLICT DO NOTHING;
