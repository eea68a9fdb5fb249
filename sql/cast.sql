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
-- a conversion that PostgreSQL makes unasked never touches a column of the new types
CREATE TEMP TABLE v (v vector(2), h halfvec(2), b bf16vec(2), i int8vec(2), s sparsevec(2));
INSERT INTO v VALUES ('[1,2]', '[1,2]', '[1,2]', '[1,2]', '{1:1,2:2}/2');
SELECT b <-> '[1,2]', i <-> '[1,2]' FROM v;
-- from 19 on the hint reads otherwise
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
