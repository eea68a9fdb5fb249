-- vector.target_recall: searches go as far as ANALYZE has measured to be needed
SELECT '[1]'::vector;		-- loads the library
SET vector.target_recall = 0.3;
SET vector.target_recall = 1.1;

CREATE TABLE target_row (id int, kind int, v vector(24));
INSERT INTO target_row SELECT n, n % 50, (SELECT array_agg(sin(n * j * 1.7) + cos(n * 0.37 * j * j)) FROM generate_series(1, 24) j)::vector
FROM generate_series(1, 1500) n;
CREATE INDEX target_hnsw ON target_row USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 16);

-- nothing is measured without a target, and the setting holds without curves
ANALYZE target_row;
SELECT count(*) FROM vector_recall_curves('target_hnsw');
SET vector.target_recall = 0.9;
SELECT effort, queries_used FROM vector_recall('target_hnsw', samples => 20);
ANALYZE target_row;
SELECT k, queries, table_rows, min(effort) AS least, max(recall) > 0.99 AS reached, min(recall) < max(recall) AS rises
FROM vector_recall_curves('target_hnsw') GROUP BY k, queries, table_rows ORDER BY k;
SELECT kind, blocks FROM vector_segments() WHERE index = 'target_hnsw'::regclass AND kind <> 'sealed' ORDER BY kind;
SELECT vector_index_check('target_hnsw');

-- what searches find, and how far they go for it
CREATE FUNCTION target_hops(target float8, wanted int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	hops bigint := 0;
	query vector;
BEGIN
	PERFORM set_config('vector.target_recall', target::text, true);
	FOR query IN SELECT v FROM target_row WHERE id % 150 = 7 LOOP
		PERFORM FROM (SELECT id FROM target_row ORDER BY v <-> query LIMIT wanted) AS nearest;
		hops := hops + (SELECT s.hops FROM vector_last_scan() AS s);
	END LOOP;
	RETURN hops;
END $$;
SET enable_seqscan = off;
SELECT target_hops(0.9, 10) < target_hops(0.98, 10) AS more_recall, target_hops(0.98, 10) < target_hops(0.999, 10) AS still_more,
	target_hops(0.95, 10) < target_hops(0.95, 100) AS more_rows;
SET hnsw.ef_search = 1;
SELECT target_hops(0, 10) <= target_hops(0.8, 10) AS setting_holds_without;
RESET hnsw.ef_search;
RESET enable_seqscan;
CREATE FUNCTION target_reached(index regclass, target float8, k int, filter text DEFAULT NULL) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	row record;
BEGIN
	PERFORM set_config('vector.target_recall', target::text, true);
	SELECT r.effort, r.recall INTO row FROM vector_recall(index, k, 200, filter) AS r;
	-- one row is found or not, and by rows it is found a little less often
	IF row.recall < target - (CASE k WHEN 1 THEN 0.08 ELSE 0.03 END) THEN
		RAISE WARNING '% at %: %', row.effort, k, row.recall;
	END IF;
	RETURN row.recall >= target - (CASE k WHEN 1 THEN 0.08 ELSE 0.03 END);
END $$;
SELECT target, k, target_reached('target_hnsw', target, k) FROM unnest(ARRAY[0.8, 0.95, 0.99]) AS target, unnest(ARRAY[1, 10, 50]) AS k;
SELECT target, target_reached('target_hnsw', target, 10, 'kind < 10') FROM unnest(ARRAY[0.8, 0.95, 0.99]) AS target;

-- efforts that are given are tried as they are
SELECT effort FROM vector_recall('target_hnsw', samples => 5, efforts => '{7}');

-- curves are measured again by any later ANALYZE, and replaced
RESET vector.target_recall;
INSERT INTO target_row SELECT n, 60, (SELECT array_agg(cos(n * j)) FROM generate_series(1, 24) j)::vector FROM generate_series(1501, 2000) n;
ANALYZE target_row;
SELECT DISTINCT table_rows FROM vector_recall_curves('target_hnsw');
SELECT count(*) FROM vector_segments() WHERE index = 'target_hnsw'::regclass AND kind = 'curves';
SELECT target, target_reached('target_hnsw', target, 10) FROM unnest(ARRAY[0.8, 0.95, 0.99]) AS target;
VACUUM target_row;
SELECT count(*) > 0 AS kept FROM vector_recall_curves('target_hnsw');
REINDEX INDEX target_hnsw;
SELECT count(*) AS of_the_new_index FROM vector_recall_curves('target_hnsw');

-- a row is searched for as if it were not there: it does not show the way to what is near
CREATE TABLE target_absent AS SELECT n AS id, (SELECT array_agg(sin(n * j * 1.7) + cos(n * 0.37 * j * j)) FROM generate_series(1, 24) j)::vector(24) AS v
FROM generate_series(1, 3000) n;
CREATE INDEX target_absent_v ON target_absent USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 16);
SELECT recall > 0.8 AS finds, recall < 0.948 AS not_by_itself FROM vector_recall('target_absent_v', 1, 1000, efforts => '{2}');
DROP TABLE target_absent;

-- other access methods, types and distances
DROP INDEX target_hnsw;
SET vector.target_recall = 0.95;
CREATE INDEX target_diskann ON target_row USING diskann (v vector_cosine_ops) WITH (storage = none);
CREATE INDEX target_ivf ON target_row USING ivf ((v::halfvec(24)) halfvec_l2_ops) WITH (lists = 60);
CREATE INDEX target_flat ON target_row USING ivfflat (v vector_ip_ops) WITH (lists = 60);
CREATE INDEX target_bit ON target_row USING hnsw ((binary_quantize(v)::bit(24)) bit_hamming_ops);
ANALYZE target_row;
SELECT index, target_reached(index, 0.95, 10)
FROM unnest(ARRAY['target_diskann', 'target_ivf', 'target_flat', 'target_bit']::regclass[]) AS index;
SELECT max(effort) <= 60 AS lists FROM vector_recall_curves('target_ivf');

-- few rows, none, and rows that are all alike
CREATE TABLE target_few (v vector(3));
CREATE INDEX target_few_hnsw ON target_few USING hnsw (v vector_l2_ops);
ANALYZE target_few;
SELECT count(*) FROM vector_recall_curves('target_few_hnsw');
INSERT INTO target_few SELECT '[1,2,3]' FROM generate_series(1, 12);
ANALYZE target_few;
SELECT k, effort, recall, table_rows FROM vector_recall_curves('target_few_hnsw');
SELECT count(*) FROM (SELECT FROM target_few ORDER BY v <-> '[3,2,1]' LIMIT 5) AS nearest;

-- what is exact has no curves; who does not own an index sees none
CREATE TABLE target_sparse (v sparsevec(10));
CREATE INDEX target_sparse_index ON target_sparse USING sparse (v sparsevec_ip_ops);
INSERT INTO target_sparse VALUES ('{1:1}/10');
ANALYZE target_sparse;
SELECT count(*) FROM vector_recall_curves('target_sparse_index');
SELECT * FROM vector_recall_curves('target_few');
CREATE ROLE target_other;
SET ROLE target_other;
SELECT * FROM vector_recall_curves('target_few_hnsw');
RESET ROLE;
DROP ROLE target_other;
RESET vector.target_recall;
DROP FUNCTION target_hops, target_reached;
DROP TABLE target_row, target_few, target_sparse;
