-- the type bf16vec: text form
SELECT '[1,2,3]'::bf16vec;
SELECT ' [ 1 , -2.5 ,	3e2 ] '::bf16vec;
SELECT '[0.1,65519,1e-10,2049,-0]'::bf16vec;
SELECT '[1e-400]'::bf16vec;
SELECT '[1,2]'::bf16vec(2);
SELECT ''::bf16vec;
SELECT '['::bf16vec;
SELECT '[]'::bf16vec;
SELECT '[1'::bf16vec;
SELECT '[1,]'::bf16vec;
SELECT '[1,,2]'::bf16vec;
SELECT '[1]x'::bf16vec;
SELECT '{1}'::bf16vec;
SELECT '[a]'::bf16vec;
SELECT '[3.4e38]'::bf16vec;
SELECT '[nan]'::bf16vec;
SELECT '[inf]'::bf16vec;
SELECT '[1]'::bf16vec(2);
SELECT '[1]'::bf16vec(0);
SELECT '[1]'::bf16vec(16001);
SELECT '[1]'::bf16vec(1,2);
SELECT vector_dims(('[' || string_agg('1', ',') || ']')::bf16vec) FROM generate_series(1, 16000);
SELECT ('[' || string_agg('1', ',') || ']')::bf16vec FROM generate_series(1, 16001);
-- its binary form
SELECT bf16vec_send('[1,-0]');
-- arithmetic
SELECT '[1,2]'::bf16vec + '[3,4]', '[1,2]'::bf16vec - '[3,5]', '[1,2]'::bf16vec * '[3,4]', '[1]'::bf16vec || '[2,3]';
SELECT '[1]'::bf16vec + '[1,2]';
SELECT '[3e38]'::bf16vec + '[3e38]';
SELECT '[-3e38]'::bf16vec - '[3e38]';
SELECT '[1e38]'::bf16vec * '[1e38]';
SELECT '[1e-38]'::bf16vec * '[1e-38]';
-- distances
SELECT '[0,0]'::bf16vec <-> '[3,4]', '[1,2]'::bf16vec <#> '[3,4]', '[1,0]'::bf16vec <=> '[0,1]', '[1,2]'::bf16vec <+> '[4,-2]';
SELECT l2_distance('[0,0]'::bf16vec, '[3,4]'), inner_product('[1,2]'::bf16vec, '[3,4]'),
	cosine_distance('[1,2]'::bf16vec, '[2,4]'), l1_distance('[0,0]'::bf16vec, '[3,4]');
SELECT bf16vec_l2_squared_distance('[0,0]', '[3,4]'), bf16vec_negative_inner_product('[1,2]', '[3,4]'),
	bf16vec_spherical_distance('[1,0]', '[-1,0]');
SELECT '[1]'::bf16vec <-> '[1,2]';
SELECT '[3e38]'::bf16vec <-> '[-3e38]', '[0,0]'::bf16vec <=> '[1,1]', '[1]'::bf16vec <=> '[-1]';
-- functions
SELECT vector_dims('[1,2,3]'::bf16vec), l2_norm('[3,4]'::bf16vec);
SELECT l2_normalize('[3,4]'::bf16vec), l2_normalize('[0,0]'::bf16vec);
SELECT binary_quantize('[1,0,-1,2,3,4,5,6,-1]'::bf16vec);
SELECT subvector('[1,2,3,4]'::bf16vec, 2, 2), subvector('[1,2,3]'::bf16vec, -1, 3), subvector('[1,2,3]'::bf16vec, 2, 2147483647);
SELECT subvector('[1,2,3]'::bf16vec, 4, 1);
SELECT subvector('[1,2,3]'::bf16vec, 1, 0);
-- comparison
SELECT '[1]'::bf16vec < '[1,2]', '[2]'::bf16vec < '[1,2]', '[0]'::bf16vec = '[-0]', '[1,2]'::bf16vec <> '[1,3]', '[1]'::bf16vec >= '[1]';
SELECT bf16vec_cmp('[1,2]', '[1,3]'), bf16vec_cmp('[1,2]', '[1]'), bf16vec_cmp('[1,2]', '[1,2]');
SELECT v FROM (VALUES ('[2]'::bf16vec), ('[1,5]'), ('[1]'), ('[-1]')) t(v) ORDER BY v;
-- aggregates
SELECT avg(v), sum(v) FROM (VALUES ('[1,2]'::bf16vec), ('[3,5]'), (NULL)) t(v);
SELECT avg(v), sum(v) FROM (VALUES ('[1]'::bf16vec)) t(v) WHERE false;
SELECT avg(v) FROM (VALUES ('[1,2]'::bf16vec), ('[3]')) t(v);
SELECT sum(v) FROM (VALUES ('[1,2]'::bf16vec), ('[3]')) t(v);
SELECT sum(v) FROM (VALUES ('[3e38]'::bf16vec), ('[3e38]')) t(v);
SELECT avg(v) FROM (VALUES ('[3e38]'::bf16vec), ('[3e38]')) t(v);
SELECT bf16vec_accum('{1,2,3}', '[1,2]'), bf16vec_combine('{1,2}', '{3,4}'), bf16vec_combine('{0}', '{0}'), bf16vec_avg('{2,3}');
SELECT bf16vec_accum('{1,2}', '[1,2]');
SELECT bf16vec_accum('{}', '[1]');
-- a moving aggregate does not change its state
SELECT avg(v) OVER (ORDER BY i) FROM (VALUES (1, '[1]'::bf16vec), (2, '[3]'), (3, '[5]')) t(i, v);
