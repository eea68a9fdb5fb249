-- the type vector: text form
SELECT '[1,2,3]'::vector;
SELECT ' [ 1 , -2.5 ,	3e2 ] '::vector;
SELECT '[0.1,1e10,1e-10,123456789,-0]'::vector;
SELECT '[1e-400]'::vector;
SELECT '[1,2]'::vector(2);
SELECT ''::vector;
SELECT '['::vector;
SELECT '[]'::vector;
SELECT '[1'::vector;
SELECT '[1,]'::vector;
SELECT '[1,,2]'::vector;
SELECT '[1]x'::vector;
SELECT '{1}'::vector;
SELECT '[a]'::vector;
SELECT '[4e38]'::vector;
SELECT '[nan]'::vector;
SELECT '[inf]'::vector;
SELECT '[1]'::vector(2);
SELECT '[1]'::vector(0);
SELECT '[1]'::vector(16001);
SELECT '[1]'::vector(1,2);
SELECT vector_dims(('[' || string_agg('1', ',') || ']')::vector) FROM generate_series(1, 16000);
SELECT ('[' || string_agg('1', ',') || ']')::vector FROM generate_series(1, 16001);
-- its binary form
SELECT vector_send('[1,-0]');
-- arithmetic
SELECT '[1,2]'::vector + '[3,4]', '[1,2]'::vector - '[3,5]', '[1,2]'::vector * '[3,4]', '[1]'::vector || '[2,3]';
SELECT '[1]'::vector + '[1,2]';
SELECT '[3e38]'::vector + '[3e38]';
SELECT '[-3e38]'::vector - '[3e38]';
SELECT '[1e38]'::vector * '[1e38]';
SELECT '[1e-38]'::vector * '[1e-38]';
-- distances
SELECT '[0,0]'::vector <-> '[3,4]', '[1,2]'::vector <#> '[3,4]', '[1,0]'::vector <=> '[0,1]', '[1,2]'::vector <+> '[4,-2]';
SELECT l2_distance('[0,0]'::vector, '[3,4]'), inner_product('[1,2]'::vector, '[3,4]'),
	cosine_distance('[1,2]'::vector, '[2,4]'), l1_distance('[0,0]'::vector, '[3,4]');
SELECT vector_l2_squared_distance('[0,0]', '[3,4]'), vector_negative_inner_product('[1,2]', '[3,4]'),
	vector_spherical_distance('[1,0]', '[-1,0]');
SELECT '[1]'::vector <-> '[1,2]';
SELECT '[3e38]'::vector <-> '[-3e38]', '[0,0]'::vector <=> '[1,1]', '[1]'::vector <=> '[-1]';
-- functions
SELECT vector_dims('[1,2,3]'::vector), vector_norm('[3,4]');
SELECT l2_normalize('[3,4]'::vector), l2_normalize('[0,0]'::vector);
SELECT binary_quantize('[1,0,-1,2,3,4,5,6,-1]'::vector);
SELECT subvector('[1,2,3,4]'::vector, 2, 2), subvector('[1,2,3]'::vector, -1, 3), subvector('[1,2,3]'::vector, 2, 2147483647);
SELECT subvector('[1,2,3]'::vector, 4, 1);
SELECT subvector('[1,2,3]'::vector, 1, 0);
-- comparison
SELECT '[1]'::vector < '[1,2]', '[2]'::vector < '[1,2]', '[0]'::vector = '[-0]', '[1,2]'::vector <> '[1,3]', '[1]'::vector >= '[1]';
SELECT vector_cmp('[1,2]', '[1,3]'), vector_cmp('[1,2]', '[1]'), vector_cmp('[1,2]', '[1,2]');
SELECT v FROM (VALUES ('[2]'::vector), ('[1,5]'), ('[1]'), ('[-1]')) t(v) ORDER BY v;
-- aggregates
SELECT avg(v), sum(v) FROM (VALUES ('[1,2]'::vector), ('[3,5]'), (NULL)) t(v);
SELECT avg(v), sum(v) FROM (VALUES ('[1]'::vector)) t(v) WHERE false;
SELECT avg(v) FROM (VALUES ('[1,2]'::vector), ('[3]')) t(v);
SELECT sum(v) FROM (VALUES ('[1,2]'::vector), ('[3]')) t(v);
SELECT sum(v) FROM (VALUES ('[3e38]'::vector), ('[3e38]')) t(v);
SELECT avg(v) FROM (VALUES ('[3e38]'::vector), ('[3e38]')) t(v);
SELECT vector_accum('{1,2,3}', '[1,2]'), vector_combine('{1,2}', '{3,4}'), vector_combine('{0}', '{0}'), vector_avg('{2,3}');
SELECT vector_accum('{1,2}', '[1,2]');
SELECT vector_accum('{}', '[1]');
-- a moving aggregate does not change its state
SELECT avg(v) OVER (ORDER BY i) FROM (VALUES (1, '[1]'::vector), (2, '[3]'), (3, '[5]')) t(i, v);
