-- arrays and vectors
SELECT ARRAY[1,2]::vector, ARRAY[1.5,2]::real[]::vector, ARRAY[1.5,2]::float8[]::vector, ARRAY[1.5,2]::numeric[]::vector;
SELECT ARRAY[1,2]::halfvec, ARRAY[1.5,2.5]::real[]::bf16vec, ARRAY[0.5,1.5,2.5,-0.5]::float8[]::int8vec, ARRAY[0,1.5]::numeric[]::sparsevec;
SELECT '[1,2]'::vector::real[], '[1,2]'::halfvec::real[], '[1,2]'::bf16vec::real[], '[1,2]'::int8vec::real[];
SELECT ARRAY[[1]]::vector;
SELECT ARRAY[1,NULL]::vector;
SELECT '{}'::real[]::vector;
SELECT ARRAY['nan']::real[]::vector;
SELECT ARRAY[1e300]::float8[]::vector;
SELECT ARRAY[1e5]::real[]::halfvec;
SELECT ARRAY[127.5]::real[]::int8vec;
SELECT array_fill(1, ARRAY[16001])::vector;
SELECT array_fill(1, ARRAY[16001])::sparsevec;
-- integers of every width: a driver chooses the width by the largest number in a list
SELECT '{1,-2,32767}'::smallint[]::vector, '{1,-2,70000}'::integer[]::vector, '{1,-2,5000000000}'::bigint[]::vector;
SELECT '{1,-2}'::smallint[]::halfvec(2), '{1,-2}'::smallint[]::bf16vec, '{1,-128}'::smallint[]::int8vec, '{0,7}'::smallint[]::sparsevec;
SELECT '{1,-2}'::bigint[]::halfvec, '{1,5000000000}'::bigint[]::bf16vec, '{1,-128}'::bigint[]::int8vec(2), '{0,7}'::bigint[]::sparsevec;
SELECT '{9223372036854775807,-9223372036854775808}'::bigint[]::vector;
SELECT '{1,2}'::smallint[]::vector(3);
SELECT '{1,2}'::bigint[]::int8vec(3);
SELECT '{70000}'::bigint[]::halfvec;
SELECT '{32767}'::smallint[]::int8vec;
SELECT '{5000000000}'::bigint[]::int8vec;
SELECT '{{1}}'::smallint[]::vector;
SELECT '{1,NULL}'::bigint[]::halfvec;
SELECT '{}'::smallint[]::bf16vec;
SELECT array_fill(1::bigint, ARRAY[16001])::int8vec;
-- every operator and function of one or two arguments gives the same result for arrays of every width
CREATE FUNCTION pg_temp.outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'SELECT (' || query || ')::text' INTO result;
	RETURN coalesce(result, 'null');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
WITH members AS (
	SELECT classid, objid FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
		AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vector')
), literals (literal) AS (
	VALUES ($$'[1,2,0]'::vector$$), ($$'[1,2,0]'::halfvec$$), ($$'[1,2,0]'::bf16vec$$), ($$'[1,2,0]'::int8vec$$),
		($$'{1:1,2:2}/3'::sparsevec$$), ($$'[1,2,0]'$$)
), calls (call) AS (
	SELECT unnest(ARRAY[literal || o || ' A', 'A ' || o || literal])
	FROM (SELECT DISTINCT oprname FROM pg_operator, members WHERE classid = 'pg_operator'::regclass AND objid = pg_operator.oid) f (o),
		literals
	UNION
	SELECT unnest(ARRAY[f || '(A)', f || '(A, ' || literal || ')', f || '(' || literal || ', A)', f || '(A, 3, true)'])
	FROM (SELECT DISTINCT proname FROM pg_proc, members WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid
		AND NOT proretset) f (f), literals
)
SELECT count(*) > 1000 AS many, count(*) FILTER (WHERE smallints <> integers OR bigints <> integers) AS different
FROM calls, LATERAL (SELECT pg_temp.outcome(replace(call, 'A', '''{1,2,3}''::smallint[]')),
	pg_temp.outcome(replace(call, 'A', '''{1,2,3}''::integer[]')),
	pg_temp.outcome(replace(call, 'A', '''{1,2,3}''::bigint[]'))) o (smallints, integers, bigints);
DROP FUNCTION pg_temp.outcome;
-- among the vector types
SELECT '[1,2]'::vector::halfvec, '[1,2]'::vector::bf16vec, '[1,2]'::vector::int8vec, '[1,0]'::vector::sparsevec;
SELECT '[1,2]'::halfvec::vector, '[1,2]'::halfvec::bf16vec, '[1,2]'::halfvec::int8vec, '[1,0]'::halfvec::sparsevec;
SELECT '[1,2]'::bf16vec::vector, '[1,2]'::bf16vec::halfvec, '[1,2]'::bf16vec::int8vec, '[1,0]'::bf16vec::sparsevec;
SELECT '[1,2]'::int8vec::vector, '[1,2]'::int8vec::halfvec, '[1,2]'::int8vec::bf16vec, '[1,0]'::int8vec::sparsevec;
SELECT '{2:1}/2'::sparsevec::vector, '{2:1}/2'::sparsevec::halfvec, '{2:1}/2'::sparsevec::bf16vec, '{2:1}/2'::sparsevec::int8vec;
SELECT '[1.00390625,1.01171875]'::vector::bf16vec;
SELECT '[1,2]'::vector::halfvec(3);
SELECT '[1,2]'::bf16vec::vector(3);
SELECT '{2:1}/2'::sparsevec::int8vec(3);
SELECT '[1e5]'::vector::halfvec;
SELECT '[3.4e38]'::vector::bf16vec;
SELECT '[200]'::vector::int8vec;
SELECT '{}/16001'::sparsevec::vector;
-- an implicit conversion never applies to a column of the new types
CREATE TEMP TABLE v (v vector(2), h halfvec(2), b bf16vec(2), i int8vec(2), s sparsevec(2));
INSERT INTO v VALUES ('[1,2]', '[1,2]', '[1,2]', '[1,2]', '{1:1,2:2}/2');
SELECT b <-> '[1,2]', i <-> '[1,2]' FROM v;
-- PostgreSQL 19 has another hint
\set VERBOSITY terse
SELECT b <-> v FROM v;
SELECT v <-> b FROM v;
SELECT b <-> h FROM v;
SELECT i <-> v FROM v;
SELECT i <-> b FROM v;
SELECT b <-> s FROM v;
\set VERBOSITY default
SELECT v <-> '[1,2]'::bf16vec::vector, b <-> '[1,2]'::vector::bf16vec FROM v;
-- assignment converts
UPDATE v SET b = v, i = h;
UPDATE v SET v = i, h = b, s = b;
SELECT * FROM v;
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
	WHERE castcontext = 'i' AND (castsource::regtype::text ~ 'vec' OR casttarget::regtype::text ~ 'vec')
	ORDER BY castsource::regtype::text COLLATE "C", casttarget::regtype::text COLLATE "C";
