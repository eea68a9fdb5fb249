-- the type int8vec: text form
SELECT '[1,-2,127]'::int8vec, ' [ -128 , +5 ] '::int8vec, '[1,2]'::int8vec(2);
SELECT '[128]'::int8vec;
SELECT '[-129]'::int8vec;
SELECT '[1.5]'::int8vec;
SELECT '[]'::int8vec;
SELECT '[1'::int8vec;
SELECT '[1]x'::int8vec;
SELECT '{1}'::int8vec;
SELECT '[1]'::int8vec(2);
SELECT '[1]'::int8vec(16001);
SELECT int8vec_send('[1,-1]');
-- arithmetic stays in the type
SELECT '[1,2]'::int8vec + '[3,4]', '[1,2]'::int8vec - '[3,5]', '[1,2]'::int8vec * '[3,4]', '[1]'::int8vec || '[2,3]';
SELECT '[127]'::int8vec + '[1]';
SELECT '[-128]'::int8vec - '[1]';
SELECT '[16]'::int8vec * '[8]';
SELECT '[1]'::int8vec + '[1,2]';
-- distances are exact
SELECT '[0,0]'::int8vec <-> '[3,4]', '[1,2]'::int8vec <#> '[3,4]', '[1,0]'::int8vec <=> '[0,1]', '[1,2]'::int8vec <+> '[4,-2]';
SELECT int8vec_l2_squared_distance('[-128]', '[127]'), inner_product('[-128,-128]'::int8vec, '[-128,127]');
SELECT int8vec_spherical_distance('[1,0]', '[-1,0]'), '[0]'::int8vec <=> '[1]';
SELECT '[1]'::int8vec <-> '[1,2]';
-- functions; a vector of length 1 does not consist of bytes
SELECT vector_dims('[1,2,3]'::int8vec), l2_norm('[3,4]'::int8vec), l2_normalize('[3,4]'::int8vec), pg_typeof(l2_normalize('[3,4]'::int8vec));
SELECT binary_quantize('[1,0,-1,2]'::int8vec), subvector('[1,2,3,4]'::int8vec, 2, 2);
-- comparison
SELECT '[1]'::int8vec < '[1,2]', '[2]'::int8vec < '[1,2]', '[-1]'::int8vec < '[1]', '[1,2]'::int8vec = '[1,2]', int8vec_cmp('[1]', '[-1]');
-- aggregates do not overflow
SELECT avg(v), sum(v), pg_typeof(sum(v)) FROM (VALUES ('[127,1]'::int8vec), ('[127,2]'), (NULL)) t(v);
SELECT avg(v), sum(v) FROM (VALUES ('[1]'::int8vec)) t(v) WHERE false;
SELECT sum(v) FROM (VALUES ('[1,2]'::int8vec), ('[3]')) t(v);
