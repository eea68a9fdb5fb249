-- the type halfvec: text form
SELECT '[1,2,3]'::halfvec;
SELECT ' [ 1 , -2.5 ,	3e2 ] '::halfvec;
SELECT '[0.1,65519,1e-10,2049,-0]'::halfvec;
SELECT '[1e-400]'::halfvec;
SELECT '[1,2]'::halfvec(2);
SELECT ''::halfvec;
SELECT '['::halfvec;
SELECT '[]'::halfvec;
SELECT '[1'::halfvec;
SELECT '[1,]'::halfvec;
SELECT '[1,,2]'::halfvec;
SELECT '[1]x'::halfvec;
SELECT '{1}'::halfvec;
SELECT '[a]'::halfvec;
SELECT '[65520]'::halfvec;
SELECT '[nan]'::halfvec;
SELECT '[inf]'::halfvec;
SELECT '[1]'::halfvec(2);
SELECT '[1]'::halfvec(0);
SELECT '[1]'::halfvec(16001);
SELECT '[1]'::halfvec(1,2);
SELECT vector_dims(('[' || string_agg('1', ',') || ']')::halfvec) FROM generate_series(1, 16000);
SELECT ('[' || string_agg('1', ',') || ']')::halfvec FROM generate_series(1, 16001);
-- its binary form
SELECT halfvec_send('[1,-0]');
-- arithmetic
SELECT '[1,2]'::halfvec + '[3,4]', '[1,2]'::halfvec - '[3,5]', '[1,2]'::halfvec * '[3,4]', '[1]'::halfvec || '[2,3]';
SELECT '[1]'::halfvec + '[1,2]';
SELECT '[60000]'::halfvec + '[60000]';
SELECT '[-60000]'::halfvec - '[60000]';
SELECT '[300]'::halfvec * '[300]';
SELECT '[1e-7]'::halfvec * '[1e-7]';
-- distances
SELECT '[0,0]'::halfvec <-> '[3,4]', '[1,2]'::halfvec <#> '[3,4]', '[1,0]'::halfvec <=> '[0,1]', '[1,2]'::halfvec <+> '[4,-2]';
SELECT l2_distance('[0,0]'::halfvec, '[3,4]'), inner_product('[1,2]'::halfvec, '[3,4]'),
	cosine_distance('[1,2]'::halfvec, '[2,4]'), l1_distance('[0,0]'::halfvec, '[3,4]');
SELECT halfvec_l2_squared_distance('[0,0]', '[3,4]'), halfvec_negative_inner_product('[1,2]', '[3,4]'),
	halfvec_spherical_distance('[1,0]', '[-1,0]');
SELECT '[1]'::halfvec <-> '[1,2]';
SELECT '[60000]'::halfvec <-> '[-60000]', '[0,0]'::halfvec <=> '[1,1]', '[1]'::halfvec <=> '[-1]';
-- functions
SELECT vector_dims('[1,2,3]'::halfvec), l2_norm('[3,4]'::halfvec);
SELECT l2_normalize('[3,4]'::halfvec), l2_normalize('[0,0]'::halfvec);
SELECT binary_quantize('[1,0,-1,2,3,4,5,6,-1]'::halfvec);
SELECT subvector('[1,2,3,4]'::halfvec, 2, 2), subvector('[1,2,3]'::halfvec, -1, 3), subvector('[1,2,3]'::halfvec, 2, 2147483647);
SELECT subvector('[1,2,3]'::halfvec, 4, 1);
SELECT subvector('[1,2,3]'::halfvec, 1, 0);
-- comparison
SELECT '[1]'::halfvec < '[1,2]', '[2]'::halfvec < '[1,2]', '[0]'::halfvec = '[-0]', '[1,2]'::halfvec <> '[1,3]', '[1]'::halfvec >= '[1]';
SELECT halfvec_cmp('[1,2]', '[1,3]'), halfvec_cmp('[1,2]', '[1]'), halfvec_cmp('[1,2]', '[1,2]');
SELECT v FROM (VALUES ('[2]'::halfvec), ('[1,5]'), ('[1]'), ('[-1]')) t(v) ORDER BY v;
-- aggregates
SELECT avg(v), sum(v) FROM (VALUES ('[1,2]'::halfvec), ('[3,5]'), (NULL)) t(v);
SELECT avg(v), sum(v) FROM (VALUES ('[1]'::halfvec)) t(v) WHERE false;
SELECT avg(v) FROM (VALUES ('[1,2]'::halfvec), ('[3]')) t(v);
SELECT sum(v) FROM (VALUES ('[1,2]'::halfvec), ('[3]')) t(v);
SELECT sum(v) FROM (VALUES ('[60000]'::halfvec), ('[60000]')) t(v);
SELECT avg(v) FROM (VALUES ('[60000]'::halfvec), ('[60000]')) t(v);
SELECT halfvec_accum('{1,2,3}', '[1,2]'), halfvec_combine('{1,2}', '{3,4}'), halfvec_combine('{0}', '{0}'), halfvec_avg('{2,3}');
SELECT halfvec_accum('{1,2}', '[1,2]');
SELECT halfvec_accum('{}', '[1]');
-- a moving aggregate does not change its state
SELECT avg(v) OVER (ORDER BY i) FROM (VALUES (1, '[1]'::halfvec), (2, '[3]'), (3, '[5]')) t(i, v);
