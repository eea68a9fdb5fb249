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
