-- vector.simd, which exists once the library is loaded
LOAD 'vector';
SHOW vector.simd;
CREATE TEMP TABLE sets (name text, works bool, same bool);
DO $$
DECLARE
	set_name text;
	answer real[];
	expected real[];
BEGIN
	FOREACH set_name IN ARRAY ARRAY['portable', 'avx2', 'avx512', 'neon', 'auto'] LOOP
		BEGIN
			PERFORM set_config('vector.simd', set_name, true);
			SELECT ARRAY[v <-> w, v <#> w, v <=> w, v <+> w, v::halfvec <-> w::halfvec, v::bf16vec <-> w::bf16vec,
				v::int8vec <-> w::int8vec, binary_quantize(v) <~> binary_quantize(w)] INTO answer
				FROM (SELECT array_agg((i * 7 % 23 - 11)::real)::vector AS v, array_agg((i * 5 % 19 - 9)::real)::vector AS w
					FROM generate_series(1, 777) i) x;
			expected := coalesce(expected, answer);
			INSERT INTO sets VALUES (set_name, true, answer = expected);
		EXCEPTION WHEN invalid_parameter_value THEN
			INSERT INTO sets VALUES (set_name, false, NULL);
		END;
	END LOOP;
END $$;
SELECT count(*) FILTER (WHERE works) >= 2 AS some_work, bool_and(same) AS all_agree FROM sets;
SET vector.simd = mmx;
SET vector.nonsense = 1;

-- vector.seed: the same index each time
CREATE TEMP TABLE seeded AS SELECT ARRAY(SELECT (hashint8extended(n, d) & 255)::real FROM generate_series(1, 16) d)::vector(16) AS v FROM generate_series(1, 1500) n;
CREATE FUNCTION seeded_hops(seed int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	hops bigint := 0;
BEGIN
	PERFORM set_config('vector.seed', seed::text, true), set_config('enable_seqscan', 'off', true);
	CREATE INDEX seeded_v ON seeded USING hnsw (v vector_l2_ops) WITH (m = 4);
	FOR i IN 1 .. 50 LOOP
		PERFORM FROM seeded ORDER BY v <-> (array_fill(i * 5, ARRAY[16]))::vector LIMIT 10;
		hops := hops + (SELECT s.hops FROM vector_last_scan() s);
	END LOOP;
	DROP INDEX seeded_v;
	RETURN hops;
END $$;
SELECT seeded_hops(1) = seeded_hops(1) AS same, seeded_hops(1) = seeded_hops(2) AS same_of_others;
SELECT seeded_hops(1) > 0 AS searched;
DROP FUNCTION seeded_hops;
