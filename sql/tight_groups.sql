-- rows in groups that are small for their distance from each other, and segments of different means
SET enable_seqscan = off;
SET jit = off;
-- no worker merges at another time
SET vector.background_work = off;
SET client_min_messages = warning;
-- all lists, as how many have the nearest rows is not what is tried here
SET ivf.probes = 10000;
-- groups of rows around places `apart` from each other; 20 of them are queries
CREATE TABLE tight_source (id int, part int, v vector(24));
CREATE FUNCTION tight_fill(groups int, apart float8, spread float8, rows int) RETURNS void LANGUAGE sql AS $$
	TRUNCATE tight_source;
	SELECT setseed(0.5);
	INSERT INTO tight_source
		WITH places AS MATERIALIZED
			(SELECT g, array_agg((random() - 0.5) * apart) AS place FROM generate_series(1, groups) g, generate_series(1, 24) j GROUP BY g)
		SELECT i, g, (SELECT array_agg(p + spread * (random() + random() + random() - 1.5) * 2 + 0 * i) FROM unnest(place) p)::vector(24)
		FROM places, generate_series(1, rows / groups) i;
	UPDATE tight_source SET id = n FROM (SELECT ctid AS c, row_number() OVER (ORDER BY part, id) AS n FROM tight_source) x WHERE ctid = c;
$$;
CREATE TABLE tight_rows (LIKE tight_source);
-- how many in 100 of the ten nearest rows of the queries the index finds
CREATE FUNCTION tight_recall(op text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT array_agg(d) FROM (SELECT v %s $1 AS d FROM tight_rows ORDER BY v %1$s $1 LIMIT 10) x', op);
	q vector;
	exact float8[];
	found float8[];
	hits int := 0;
	wanted int := 0;
BEGIN
	FOR q IN SELECT v FROM tight_source WHERE id % (SELECT count(*) / 20 FROM tight_source) = 1 ORDER BY id LOOP
		SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = on;
		EXECUTE query INTO exact USING q;
		SET LOCAL enable_indexscan = on; SET LOCAL enable_seqscan = off;
		EXECUTE query INTO found USING q;
		hits := hits + (SELECT count(*) FROM unnest(found) d WHERE d <= exact[10]);
		wanted := wanted + 10;
	END LOOP;
	RETURN 100 * hits / wanted;
END $$;
-- builds an index of all rows, or merges one of a segment for each group; says if it finds too few
CREATE FUNCTION tight_try(method text, class text, op text, options text, merged bool, least_recall int DEFAULT 96) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	create_index text := format('CREATE INDEX tight_v ON tight_rows USING %s (v vector_%s_ops) WITH (seal_rows = 5000%s)', method, class, options);
	groups int := (SELECT max(part) FROM tight_source);
	segments int := 1;
	before int := 100;
	after int;
BEGIN
	DROP INDEX IF EXISTS tight_v;
	TRUNCATE tight_rows;
	IF merged THEN
		FOR g IN 1 .. groups LOOP
			INSERT INTO tight_rows SELECT * FROM tight_source WHERE part = g;
			IF g = 1 THEN
				EXECUTE create_index;
			ELSE
				PERFORM vector_seal('tight_v');
			END IF;
		END LOOP;
		before := tight_recall(op);
		segments := vector_merge('tight_v');
	ELSE
		INSERT INTO tight_rows SELECT * FROM tight_source;
		EXECUTE create_index;
	END IF;
	after := tight_recall(op);
	ASSERT vector_index_check('tight_v') = (SELECT count(*) FROM tight_rows);
	RETURN format('%s %s%s: %s segments', method, class, options, segments) ||
		CASE WHEN least(before, after) < least_recall THEN format(', recall %s, %s', before, after) ELSE '' END;
END $$;
-- few groups
SELECT tight_fill(3, 300, 0.35, 900);
SELECT tight_try(method, class, op, options, merged)
	FROM (VALUES ('l2', '<->'), ('cosine', '<=>')) c(class, op),
		(VALUES ('diskann', ', storage = full'), ('diskann', ', storage = sq8'), ('diskann', ', storage = none'),
			('hnsw', ''), ('hnsw', ', storage = sq8'), ('ivf', '')) m(method, options),
		unnest(ARRAY[false, true]) merged;
-- many groups, each of fewer rows than a cell has: a walk by codes alone may not find the way to one of them
SELECT tight_fill(60, 300, 0.35, 1200);
SELECT tight_try(method, class, op, options, false, CASE options WHEN ', storage = none' THEN 85 ELSE 96 END)
	FROM (VALUES ('l2', '<->'), ('cosine', '<=>')) c(class, op),
		(VALUES ('diskann', ', storage = full'), ('diskann', ', storage = sq8'), ('diskann', ', storage = none'),
			('hnsw', ''), ('hnsw', ', storage = sq8')) m(method, options);
-- more rows than fit into the memory of a build
SET maintenance_work_mem = '1MB';
SELECT tight_fill(4, 300, 0.35, 4000);
SELECT tight_try('diskann', class, op, options, false)
	FROM (VALUES ('l2', '<->'), ('cosine', '<=>')) c(class, op), unnest(ARRAY[', storage = full', ', storage = none']) options;
RESET maintenance_work_mem;
-- segments whose means differ, of rows that are as far from each other as from rows of other segments
SELECT tight_fill(4, 6, 1, 800);
SELECT tight_try(method, class, op, options, true)
	FROM (VALUES ('l2', '<->'), ('cosine', '<=>'), ('ip', '<#>')) c(class, op),
		(VALUES ('diskann', ', storage = full'), ('diskann', ', storage = sq8'), ('diskann', ', storage = none'),
			('hnsw', ''), ('hnsw', ', storage = sq8'), ('ivf', '')) m(method, options);
DROP TABLE tight_rows, tight_source;
DROP FUNCTION tight_fill, tight_recall, tight_try;
