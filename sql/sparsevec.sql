-- the type sparsevec: text form
SELECT '{1:1.5,3:-2}/5'::sparsevec, ' { 3 : 1 , 1 : 2 , 2 : 0 } / 4 '::sparsevec, '{}/5'::sparsevec, '{1:1}/1000000000'::sparsevec;
SELECT ''::sparsevec;
SELECT '{1:1}'::sparsevec;
SELECT '{1:1}/'::sparsevec;
SELECT '{1:1,}/2'::sparsevec;
SELECT '{1 1}/2'::sparsevec;
SELECT '{1:1}/2x'::sparsevec;
SELECT '{0:1}/2'::sparsevec;
SELECT '{3:1}/2'::sparsevec;
SELECT '{1:1,1:2}/2'::sparsevec;
SELECT '{}/0'::sparsevec;
SELECT '{1:1}/1000000001'::sparsevec;
SELECT '{1:1e-400}/2'::sparsevec;
SELECT '{1:4e38}/2'::sparsevec;
SELECT '{1:nan}/2'::sparsevec;
SELECT '{1:inf}/2'::sparsevec;
SELECT '{1:1}/2'::sparsevec(3);
SELECT '{1:1}/2'::sparsevec(0);
SELECT vector_dims(('{' || string_agg(i || ':1', ',') || '}/16000')::sparsevec::vector) FROM generate_series(1, 16000) i;
SELECT ('{' || string_agg(i || ':1', ',') || '}/20000')::sparsevec FROM generate_series(1, 16001) i;
SELECT sparsevec_send('{1:1,3:2}/4');
-- distances
SELECT '{1:3}/2'::sparsevec <-> '{2:4}/2', '{1:1,2:2}/3'::sparsevec <#> '{2:3,3:4}/3', '{1:1}/2'::sparsevec <=> '{2:1}/2', '{1:1}/3'::sparsevec <+> '{1:3,3:-4}/3';
SELECT '{}/2'::sparsevec <=> '{1:1}/2', '{1:1}/2'::sparsevec <=> '{1:2}/2', '{}/2'::sparsevec <-> '{}/2';
SELECT sparsevec_l2_squared_distance('{1:3}/2', '{2:4}/2'), sparsevec_negative_inner_product('{1:3}/2', '{1:4}/2');
SELECT '{1:1}/1'::sparsevec <-> '{1:1}/2';
-- functions
SELECT l2_norm('{1:3,3:4}/5'::sparsevec), l2_normalize('{1:3,3:4}/5'::sparsevec), l2_normalize('{}/5'::sparsevec);
-- comparison, as for dense vectors
SELECT '{1:1}/2'::sparsevec < '{2:1}/2', '{1:-1}/2'::sparsevec < '{2:1}/2', '{}/2'::sparsevec < '{}/3', '{2:-1}/2'::sparsevec < '{}/2', '{3:1}/3'::sparsevec < '{}/2', '{1:1}/2'::sparsevec = '{1:1}/2';
SELECT v FROM (VALUES ('{1:1}/2'::sparsevec), ('{}/2'), ('{2:1}/2'), ('{1:-1}/2'), ('{}/1')) t(v) ORDER BY v;
