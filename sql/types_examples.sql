-- Made from docs/types.md by test/docs/extract.py: change that document, not this file.

-- 1. Types
SELECT pg_column_size('[1,2,3]'::vector) AS vector,
    pg_column_size('[1,2,3]'::halfvec) AS halfvec,
    pg_column_size('[1,2,3]'::bf16vec) AS bf16vec,
    pg_column_size('[1,2,3]'::int8vec) AS int8vec,
    pg_column_size('{1:1,3:3}/5'::sparsevec) AS sparsevec;

-- 2. Text form
SELECT '[0.1, 1e-3, -2]'::vector AS vector, '[0.1, 1e-3, -2]'::halfvec AS halfvec;
SELECT '[0.1, 1e-3, -2]'::bf16vec AS bf16vec, '[1, 127, -128]'::int8vec AS int8vec;

-- 3. Text form
SELECT '{5:2.5, 1:1, 3:0}/6'::sparsevec;

-- 4. Text form
SELECT ARRAY[1, 2, 3]::vector AS from_array, '[1, 0, 3]'::vector::sparsevec AS to_sparse;
SELECT '[0.5, 1.5, -99.7]'::vector::int8vec AS rounded, '[1, 2]'::int8vec::real[] AS to_array;

-- 5. Text form
SELECT binary_quantize('[0.3, -0.1, 0, 2]'::vector), B'1001' <~> B'1010' AS hamming, B'1001' <%> B'1010' AS jaccard;

-- 6. Order and equality
SELECT v, count(*) FROM (VALUES ('[2,0]'::vector), ('[1,5]'), ('[2,0]')) AS t (v) GROUP BY v ORDER BY v;
SELECT '[2,0]'::vector = '[2,-0]' AS equal, '[1,2]'::vector < '[1,2,0]' AS shorter_first;

-- 7. Errors
CREATE TABLE typed (v vector(3));
INSERT INTO typed VALUES ('[1,2]');
DROP TABLE typed;
SELECT '[1,2]'::vector <-> '[1,2,3]';
SELECT '[]'::vector;
SELECT NULL::vector(16001);

-- 8. Errors
SELECT '[NaN]'::vector;
SELECT '[Infinity]'::halfvec;
SELECT '[70000]'::halfvec;
SELECT '[128]'::int8vec;
SELECT '[1.5]'::int8vec;
SELECT '[1,2'::vector;
SELECT '{4:1}/3'::sparsevec;
SELECT '{1:1,1:2}/3'::sparsevec;

-- 9. Errors
SELECT '[100]'::int8vec + '[100]';
SELECT '[1e38]'::vector * '[1e38]';
SELECT '[3e38]'::vector <-> '[-3e38]' AS l2, '[1,0]'::vector <=> '[0,0]' AS cosine;
