-- vector.target_recall holds for queries that are no rows: with conditions, in partial indexes, in joins, in partitions, and after other rows came
CREATE FUNCTION target_place(cluster int, seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg(((hashint8extended(cluster, d) & 1023) + (hashint8extended(seed, -d) & 1023) * 0.7)::real / 1000)::vector FROM generate_series(1, 16) d$$;
CREATE TABLE target_query AS SELECT n AS id, target_place(n % 16, -n) AS q, 1000 + n % 13 AS other FROM generate_series(1, 150) n;
CREATE TABLE target_cell (id int, share int, v vector(16));
INSERT INTO target_cell SELECT n, n * 37 % 1000, target_place(n % 16, n) FROM generate_series(1, 4000) n;

-- the mean share of the nearest rows that a statement finds, which gives queries and distances; NULL if it does not search by the index named
CREATE FUNCTION target_recall(search text, wanted int, index text) RETURNS float8 LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
	plan text;
	searches boolean := false;
	recall float8;
BEGIN
	FOR plan IN EXECUTE 'EXPLAIN ' || search LOOP
		searches := searches OR plan ~ ('Index Scan using ' || index);
	END LOOP;
	IF NOT searches THEN
		RETURN NULL;
	END IF;
	EXECUTE 'CREATE TEMP TABLE target_found AS ' || search;
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_sort = on;
	EXECUTE 'CREATE TEMP TABLE target_exact AS ' || search;
	SELECT avg(part) INTO recall FROM (
		SELECT least((SELECT count(*) FROM target_found f WHERE f.id = e.id AND f.d <= max(e.d) + 1e-6), wanted)::float8 / wanted AS part
		FROM target_exact e GROUP BY e.id HAVING count(*) = wanted) AS query;
	DROP TABLE target_found, target_exact;
	RETURN recall;
END $$;
CREATE FUNCTION target_holds(target float8, relation text, filter text, wanted int, index text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	recall float8;
BEGIN
	PERFORM set_config('vector.target_recall', target::text, true);
	recall := target_recall(format('SELECT id, n.d FROM target_query, LATERAL
		(SELECT v <-> q AS d FROM %s AS t WHERE %s ORDER BY v <-> q LIMIT %s) AS n', relation, filter, wanted), wanted, index);
	IF recall < target - 0.01 OR recall IS NULL THEN
		RAISE WARNING 'recall %', recall;
	END IF;
	RETURN recall >= target - 0.01;
END $$;

SET vector.target_recall = 0.95;
CREATE FUNCTION target_measure(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	-- the rows by which recall is measured are drawn at random
	PERFORM setseed(0.5);
	EXECUTE format('ANALYZE %s', relation);
END $$;

-- conditions that half of the rows, a twentieth and a two-hundredth of them meet
CREATE INDEX target_cell_hnsw ON target_cell USING hnsw (v vector_l2_ops, share) WITH (m = 4, ef_construction = 16);
SELECT target_measure('target_cell');
SELECT filter, target, target_holds(target, 'target_cell', filter, 10, 'target_cell_hnsw') AS hnsw
FROM unnest(ARRAY['true', 'share < 500', 'share < 50', 'share < 5']) AS filter, unnest(ARRAY[0.9, 0.98]) AS target;
-- conditions that only the executor evaluates
SELECT filter, target_holds(0.95, 'target_cell', filter, 10, 'target_cell_hnsw') FROM unnest(ARRAY['share + 0 < 500', 'share + 0 < 50']) AS filter;
-- conditions that are the query's own, in a join
SELECT target_holds(0.95, 'target_cell', 'share % 4 = target_query.id % 4', 10, 'target_cell_hnsw') AS of_joins;
DROP INDEX target_cell_hnsw;

-- other access methods
CREATE INDEX target_cell_index ON target_cell USING diskann (v vector_l2_ops, share) WITH (storage = none, num_neighbors = 10);
SELECT target_measure('target_cell');
SELECT filter, target, target_holds(target, 'target_cell', filter, 10, 'target_cell_index') AS diskann
FROM unnest(ARRAY['true', 'share < 500', 'share < 50', 'share < 5']) AS filter, unnest(ARRAY[0.9, 0.98]) AS target;
DROP INDEX target_cell_index;
CREATE INDEX target_cell_index ON target_cell USING ivf (v vector_l2_ops, share) WITH (lists = 100);
SELECT target_measure('target_cell');
SELECT filter, target, target_holds(target, 'target_cell', filter, 10, 'target_cell_index') AS ivf
FROM unnest(ARRAY['true', 'share < 500', 'share < 50', 'share < 5']) AS filter, unnest(ARRAY[0.9, 0.98]) AS target;
-- recall by a list is that of its rows, also where a search would go on to others as these are too few
SELECT recall < 0.1 AS one_list FROM vector_recall_curves('target_cell_index') WHERE k = 1000 AND effort = 1;
-- lists that have no row which meets a rare condition cost a search nothing, and its effort does not count them
CREATE FUNCTION target_work(filter text) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
	query vector;
	work bigint := 0;
BEGIN
	FOR query IN SELECT q FROM target_query LOOP
		EXECUTE format('SELECT FROM target_cell WHERE %s ORDER BY v <-> $1 LIMIT 1', filter) USING query;
		work := work + (SELECT distances FROM vector_last_scan());
	END LOOP;
	RETURN work;
END $$;
-- between two numbers of lists, an effort is had by the rows that are read
SELECT count(DISTINCT work) AS efforts FROM (
	SELECT set_config('vector.target_recall', target::text, false), target_work('share < 50') AS work FROM generate_series(0.9, 0.98, 0.01) AS target) AS n;
SET vector.target_recall = 0.95;
SELECT target_work('share < 5') AS work \gset
SET vector.target_recall = 0;
SET ivf.probes = 100;
SELECT 2 * :work < target_work('share < 5') AS few_lists;
RESET ivf.probes;
SET vector.target_recall = 0.95;
DROP FUNCTION target_work;
DROP INDEX target_cell_index;

-- a row that is a query is left out of its list's centroid, too, which it drew near
CREATE TABLE target_lists AS SELECT id, v FROM target_cell WHERE id <= 1200;
CREATE INDEX target_lists_ivf ON target_lists USING ivf (v vector_l2_ops) WITH (lists = 300);
SELECT recall < 0.505 AS left_out FROM vector_recall('target_lists_ivf', 1, 1200, efforts => '{1}');

-- partial indexes have curves of their own
CREATE INDEX target_cell_part ON target_cell USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 16) WHERE share < 300;
SELECT target_measure('target_cell');
SELECT target, target_holds(target, 'target_cell', 'share < 300', 10, 'target_cell_part') FROM unnest(ARRAY[0.9, 0.98]) AS target;
DROP INDEX target_cell_part;

-- partitions
CREATE TABLE target_parts (id int, share int, v vector(16)) PARTITION BY HASH (id);
SELECT format('CREATE TABLE target_part_%s PARTITION OF target_parts FOR VALUES WITH (MODULUS 4, REMAINDER %s)', n, n) FROM generate_series(0, 3) n \gexec
INSERT INTO target_parts SELECT * FROM target_cell;
CREATE INDEX ON target_parts USING hnsw (v vector_l2_ops, share) WITH (m = 4, ef_construction = 16);
SELECT target_measure(('target_part_' || n)::regclass) FROM generate_series(0, 3) n;
SELECT filter, target, target_holds(target, 'target_parts', filter, 10, 'target_part_')
FROM unnest(ARRAY['true', 'share < 500']) AS filter, unnest(ARRAY[0.9, 0.98]) AS target;

-- other rows come, three for ten that there are: while they are growing, once they are sealed, merged, and measured
CREATE FUNCTION target_stages(method text, options text) RETURNS TABLE (stage text, holds boolean) LANGUAGE plpgsql AS $$
DECLARE
	statement text;
BEGIN
	DELETE FROM target_cell WHERE id > 4000;
	EXECUTE format('CREATE INDEX target_cell_index ON target_cell USING %s (v vector_l2_ops) WITH (%s)', method, options);
	PERFORM target_measure('target_cell');
	FOR stage, statement IN VALUES
		('growing', 'INSERT INTO target_cell SELECT n, n * 37 % 1000, target_place(1000 + n % 13, n) FROM generate_series(4001, 5200) n'),
		('sealed', $s$SELECT vector_seal('target_cell_index')$s$), ('merged', $s$SELECT vector_merge('target_cell_index')$s$),
		('measured', $s$SELECT target_measure('target_cell')$s$)
	LOOP
		EXECUTE statement;
		holds := target_holds(0.95, 'target_cell', 'true', 10, 'target_cell_index');
		RETURN NEXT;
	END LOOP;
	DROP INDEX target_cell_index;
END $$;
UPDATE target_query SET q = target_place(other, -id) WHERE id % 13 < 3;
SELECT * FROM target_stages('hnsw', 'm = 4, ef_construction = 16');
SELECT * FROM target_stages('diskann', 'storage = none, num_neighbors = 10');
SELECT * FROM target_stages('ivf', 'lists = 100');

-- lists of one row each, of which a search takes more until it has the rows that it wants: as many as before when growing rows are as many
CREATE TABLE target_few (id int, share int, v vector(16));
INSERT INTO target_few SELECT n, n * 37 % 1000, target_place(n, n) FROM generate_series(1, 600) n;
CREATE INDEX target_few_ivf ON target_few USING ivf (v vector_l2_ops) WITH (lists = 600);
SELECT target_measure('target_few');
INSERT INTO target_few SELECT n, n * 37 % 1000, target_place(n, n) FROM generate_series(601, 640) n;
SELECT target_holds(0.95, 'target_few', 'true', 10, 'target_few_ivf') AS few;
DROP TABLE target_few;

RESET vector.target_recall;
DROP FUNCTION target_stages, target_holds, target_recall, target_measure;
DROP TABLE target_cell, target_query, target_lists, target_parts;
DROP FUNCTION target_place;
