-- hnsw on bit
SET enable_seqscan = off;
CREATE TABLE t (id int, b bit(4));
INSERT INTO t VALUES (1, B'1111'), (2, B'1000'), (3, B'1100'), (4, NULL), (5, B'0000');
CREATE INDEX t_idx ON t USING hnsw (b bit_hamming_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY b <~> B'1110' LIMIT 3;
SELECT id, b <~> B'1111' AS distance FROM t ORDER BY b <~> B'1111';
INSERT INTO t VALUES (6, B'1110');
SELECT id, b <~> B'1111' AS distance FROM t ORDER BY b <~> B'1111';
SELECT count(*) FROM (SELECT FROM t ORDER BY b <~> B'0000') x;
SELECT count(*) FROM (SELECT FROM t ORDER BY b <~> (SELECT NULL::bit(4))) x;
SELECT id FROM t ORDER BY b <~> B'111' LIMIT 1;
INSERT INTO t VALUES (7, B'111');
DROP INDEX t_idx;
CREATE INDEX t_idx ON t USING hnsw (b bit_jaccard_ops);
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY b <%> B'1110' LIMIT 3;
SELECT id, b <%> B'1111' AS distance FROM t ORDER BY b <%> B'1111';
INSERT INTO t VALUES (8, B'0111');
SELECT count(*) FROM (SELECT FROM t ORDER BY b <%> B'1111' LIMIT 3) x;
SELECT id FROM t ORDER BY b <%> B'0111' LIMIT 1;
SELECT count(*) FROM (SELECT FROM t ORDER BY b <%> B'0000') x;
SELECT count(*) FROM (SELECT FROM t ORDER BY b <%> (SELECT NULL::bit(4))) x;
SELECT id FROM t ORDER BY b <%> B'11100' LIMIT 1;
-- updated, deleted, vacuumed, rebuilt, truncated
UPDATE t SET b = B'0001' WHERE id = 8;
SELECT id FROM t ORDER BY b <%> B'0001' LIMIT 1;
DELETE FROM t WHERE id IN (1, 6);
VACUUM t;
SELECT id, b <%> B'1110' AS distance FROM t WHERE id < 8 ORDER BY b <%> B'1110' LIMIT 2;
REINDEX INDEX CONCURRENTLY t_idx;
SELECT id FROM t ORDER BY b <%> B'1110' LIMIT 2;
TRUNCATE t;
SELECT id FROM t ORDER BY b <%> B'1110' LIMIT 2;
INSERT INTO t VALUES (9, B'1110');
SELECT id FROM t ORDER BY b <%> B'1110' LIMIT 2;
DROP TABLE t;
-- many equal vectors: there are only 256 different ones
CREATE TABLE t (id int, b bit(8));
CREATE INDEX t_idx ON t USING hnsw (b bit_hamming_ops);
SELECT id FROM t ORDER BY b <~> B'00000000';
INSERT INTO t SELECT n, (n % 256)::bit(8) FROM generate_series(1, 1000) n;
SELECT b FROM t ORDER BY b <~> B'10101010' LIMIT 3;
DROP INDEX t_idx;
CREATE INDEX t_idx ON t USING hnsw (b bit_hamming_ops);
SELECT b FROM t ORDER BY b <~> B'10101010' LIMIT 3;
SET hnsw.iterative_scan = strict_order;
SELECT id, b FROM t WHERE id = 300 ORDER BY b <~> B'10101010' LIMIT 1;
SELECT count(*) FROM (SELECT FROM t WHERE id % 50 = 0 ORDER BY b <~> B'10101010' LIMIT 5) x;
RESET hnsw.iterative_scan;
DROP TABLE t;
-- lengths: one bit, not a multiple of eight, the longest
CREATE TABLE t (b1 bit(1), b70 bit(70), b64000 bit(64000));
CREATE INDEX ON t USING hnsw (b1 bit_hamming_ops);
CREATE INDEX ON t USING hnsw (b70 bit_hamming_ops);
CREATE INDEX ON t USING hnsw (b64000 bit_hamming_ops);
INSERT INTO t SELECT (n % 2)::bit(1), ((1::bit(70) >> n) | 1::bit(70)), repeat('1', n)::bit(64000)
	FROM generate_series(0, 40) n;
INSERT INTO t SELECT B'1', (B'1')::bit(70), repeat('10', 32000)::bit(64000);
SELECT b1 FROM t ORDER BY b1 <~> B'1' LIMIT 1;
SELECT b70 <~> 1::bit(70) AS distance FROM t ORDER BY b70 <~> 1::bit(70) LIMIT 1;
SELECT b64000 <~> repeat('1', 17)::bit(64000) AS distance
	FROM t ORDER BY b64000 <~> repeat('1', 17)::bit(64000) LIMIT 3;
SELECT b64000 <~> repeat('1', 64000)::bit(64000) AS distance
	FROM t ORDER BY b64000 <~> repeat('1', 64000)::bit(64000) LIMIT 2;
DROP TABLE t;
CREATE TABLE t (b bit(64001));
CREATE INDEX ON t USING hnsw (b bit_hamming_ops);
\set VERBOSITY sqlstate
CREATE INDEX ON t USING hnsw (b bit_jaccard_ops);
\set VERBOSITY default
DROP TABLE t;
-- bit without a length is one bit; varbit is another type
CREATE TABLE t (b bit, v varbit(4));
CREATE INDEX ON t USING hnsw (b bit_hamming_ops);
CREATE INDEX ON t USING hnsw (v bit_hamming_ops);
\set VERBOSITY sqlstate
CREATE INDEX ON t USING hnsw (v bit_jaccard_ops);
\set VERBOSITY default
CREATE INDEX ON t USING hnsw ((v::bit(4)) bit_hamming_ops);
INSERT INTO t VALUES (B'1', B'11');
SELECT v FROM t ORDER BY v::bit(4) <~> B'1100' LIMIT 1;
DROP TABLE t;
RESET enable_seqscan;
