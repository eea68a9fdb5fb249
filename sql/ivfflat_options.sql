-- ivfflat and ivf: options, settings, and what they refuse
CREATE TABLE t (id int, v vector(8), w vector(64), free vector, s sparsevec(8), b bit(8), vb bit varying(8));
INSERT INTO t SELECT n, ARRAY[n, n % 3, n % 5, n % 7, n % 11, 1, 2, 3],
	array_fill(n, ARRAY[64]), ARRAY[n], '{1:1}/8', n::bit(8), '1'
	FROM generate_series(1, 300) n;
CREATE INDEX ON t USING ivfflat (v vector_l2_ops) WITH (lists = 0);
CREATE INDEX ON t USING ivfflat (v vector_l2_ops) WITH (lists = 32769);
CREATE INDEX ON t USING ivfflat (v vector_l2_ops) WITH (seal_rows = 31);
CREATE INDEX ON t USING ivfflat (v vector_l2_ops) WITH (m = 16);
CREATE INDEX ON t USING ivfflat (v vector_l2_ops) WITH (quantizer = none);
CREATE INDEX ON t USING ivfflat (free vector_l2_ops);
CREATE INDEX ON t USING ivfflat (s sparsevec_l2_ops);
CREATE INDEX ON t USING ivfflat (vb bit_hamming_ops);
CREATE INDEX ON t USING ivfflat (v vector_l1_ops);
CREATE INDEX ON t USING ivfflat (b bit_jaccard_ops);
CREATE INDEX ON t USING ivfflat (v vector_l2_ops, v vector_ip_ops);
CREATE INDEX ON t USING ivfflat (v vector_l2_ops) INCLUDE (id);
CREATE UNIQUE INDEX ON t USING ivfflat (v vector_l2_ops);
CREATE INDEX least ON t USING ivfflat (v vector_l2_ops) WITH (lists = 1, seal_rows = 32);
CREATE INDEX quoted ON t USING ivfflat (v vector_l2_ops) WITH (lists = '100');
SELECT relname, reloptions FROM pg_class WHERE relname IN ('least', 'quoted') ORDER BY relname;
-- fewer rows than lists; k-means limited by maintenance_work_mem
CREATE INDEX little ON t USING ivfflat (v vector_l2_ops) WITH (lists = 301);
SET maintenance_work_mem = '7MB';
CREATE INDEX ON t USING ivfflat (w vector_l2_ops) WITH (lists = 32768);
-- rows inserted into an empty table get as many lists as fit
SET maintenance_work_mem = '1MB';
CREATE TABLE empty (id int, v vector(2000));
CREATE INDEX empty_v ON empty USING ivfflat (v vector_l2_ops) WITH (lists = 1000, seal_rows = 32);
INSERT INTO empty SELECT n, array_fill(n, ARRAY[2000])::vector FROM generate_series(1, 40) n;
SELECT vector_seal('empty_v') > 0 AS sealed;
SELECT vector_index_check('empty_v');
DROP TABLE empty;
SET maintenance_work_mem = '2MB';
CREATE INDEX large ON t USING ivfflat (v vector_l2_ops) WITH (lists = 32768);
RESET maintenance_work_mem;
SET enable_seqscan = off;
SET ivfflat.probes = 32768;
DROP INDEX least, quoted, little;
SELECT id FROM t ORDER BY v <-> '[100,1,0,2,1,1,2,3]' LIMIT 1;
DROP INDEX large;
RESET ivfflat.probes;

CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (lists = -1);
CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (lists = 65537);
CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (quantizer = best);
CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (refine = best);
CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (bits = 0);
CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (bits = 9);
CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (quantizer = sq8, bits = 8);
CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (pq_m = 4);
CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (quantizer = pq, pq_m = 9);
CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (quantizer = none, refine = sq8);
CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (quantizer = none, refine = none);
CREATE INDEX ON t USING ivf (b bit_hamming_ops) WITH (quantizer = rabitq);
CREATE INDEX ON t USING ivf (v);
CREATE INDEX ON t USING ivf (free vector_l2_ops);
CREATE INDEX little ON t USING ivf (v vector_l2_ops) WITH (lists = 301, refine = none);
CREATE INDEX plain ON t USING ivf (v vector_l2_ops);
CREATE INDEX given ON t USING ivf (v vector_l2_ops)
	WITH (lists = 0, quantizer = pq, pq_m = 8, refine = half, seal_rows = 1000);
SELECT relname, reloptions FROM pg_class WHERE relname IN ('plain', 'given') ORDER BY relname;
SELECT pg_get_indexdef('given'::regclass);
-- options that are changed later apply from the next build on
ALTER INDEX plain SET (bits = 9);
ALTER INDEX plain SET (bits = 4);
REINDEX INDEX plain;
ALTER INDEX plain SET (quantizer = sq4);
REINDEX INDEX plain;
ALTER INDEX plain RESET (bits);
REINDEX INDEX plain;
SELECT vector_index_check('plain'), vector_index_check('given'), vector_index_check('little');
DROP TABLE t;

-- settings
SELECT name, setting, boot_val, min_val, max_val, enumvals, short_desc FROM pg_settings
	WHERE name ~ '^(ivf|ivfflat)\.' ORDER BY name \gx
SET ivfflat.probes = 0;
SET ivfflat.probes = 32769;
SET ivfflat.iterative_scan = strict_order;
SET ivfflat.max_probes = 0;
SET ivfflat.other = 1;
SET ivf.probes = 65537;
SET ivf.refine_k = 0.5;
SET ivf.iterative_scan = strict_order;
SET ivf.max_probes = 0;
SET ivf.other = 1;
