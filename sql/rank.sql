-- functions that change the scores of rows

-- decay: the formulas of Elasticsearch's function_score, as it defines them; exp(-800) would be an error
CREATE FUNCTION defined(curve text, distance float8, scale float8, off float8, decay float8) RETURNS float8
	LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE curve
		WHEN 'gauss' THEN exp(greatest(-d ^ 2 / (2 * (-scale ^ 2 / (2 * ln(decay)))), -700))
		WHEN 'exp' THEN exp(ln(decay) / scale * d)
		WHEN 'linear' THEN greatest((scale / (1 - decay) - d) / (scale / (1 - decay)), 0) END
	FROM (SELECT greatest(0, abs(distance) - off)) AS beyond(d) $$;
CREATE TEMP TABLE parameter AS
	SELECT scale, off, decay FROM unnest('{0.5, 1, 7, 30}'::float8[]) scale, unnest('{0, 0.5, 10}'::float8[]) off,
		unnest('{0.1, 0.5, 0.9}'::float8[]) decay;
SELECT count(*), count(*) FILTER (WHERE abs(a - b) < 1e-14) AS equal, round(min(a)::numeric, 3) AS min, max(a)
	FROM parameter, generate_series(-40, 40, 5) x, LATERAL (VALUES
		(decay_gauss(x + 3, 3, scale, off, decay), defined('gauss', x, scale, off, decay)),
		(decay_exp(x + 3, 3, scale, off, decay), defined('exp', x, scale, off, decay)),
		(decay_linear(x + 3, 3, scale, off, decay), defined('linear', x, scale, off, decay))) result (a, b);
-- dates and times give what numbers of days give
SELECT count(*), count(*) FILTER (WHERE a = b) AS equal
	FROM parameter, generate_series(-40, 40, 5) x, CAST('2026-03-29' AS date) AS origin, LATERAL (VALUES
		(decay_gauss(origin + x, origin, scale, off, decay), decay_gauss(x, 0, scale, off, decay)),
		(decay_exp(origin + x, origin, scale, off, decay), decay_exp(x, 0, scale, off, decay)),
		(decay_linear(origin + x, origin, scale, off, decay), decay_linear(x, 0, scale, off, decay)),
		(decay_gauss(origin + x, origin, scale * interval '1 day', off * interval '1 day', decay),
			decay_gauss(x * 86400e6, 0, scale * 86400e6, off * 86400e6, decay)),
		(decay_exp((origin + x)::timestamp, origin::timestamp, scale * interval '1 day', off * interval '1 day', decay),
			decay_exp(x * 86400e6, 0, scale * 86400e6, off * 86400e6, decay)),
		(decay_linear(origin::timestamptz + x * interval '24 hours', origin::timestamptz, scale * interval '1 day', off * interval '1 day', decay),
			decay_linear(x * 86400e6, 0, scale * 86400e6, off * 86400e6, decay))) result (a, b);
-- defaults, numbers of every type, named arguments
SELECT decay_gauss(3, 1, 2), decay_exp(3::smallint, 1::bigint, 2.0), decay_linear(3::real, 1::numeric, 2),
	decay_linear(5, 1, 2), decay_gauss(value => 3, origin => 0, scale => 2, "offset" => 1, decay => 0.25);
SELECT decay_gauss(timestamptz '2026-11-28 12:00+00', '2026-11-28 12:00+00', '7 days'),
	decay_exp(timestamp '2026-11-28 12:00', '2026-11-21 12:00', '7 days'),
	decay_linear(date '2026-11-28', '2026-12-28', interval '1 month'), decay_linear(date '2026-11-28', '2026-12-28', 30),
	decay_exp(timestamp '2026-11-28 12:00', '2026-11-21 12:00', '1 day', '6 days', 0.2);
-- what is infinitely far away; null and NaN
SELECT decay_gauss('Infinity'::float8, 0, 1), decay_exp('-infinity'::date, '2026-11-28', 1), decay_linear('infinity'::timestamp, '2026-11-28', '1 day'),
	decay_gauss(1e308, -1e308, 1e-308), decay_exp('NaN'::float8, 0, 1), decay_linear(NULL, 0, 1.0), decay_exp(1, 0, NULL::float8);
SELECT decay_exp('294276-12-31 23:59:59.999999'::timestamp, '4713-01-01 BC', '149494 years') BETWEEN 0.24 AND 0.26 AS ends;
-- wrong parameters
SELECT decay_gauss(1, 'Infinity'::float8, 1);
SELECT decay_gauss(1, 'NaN'::float8, 1);
SELECT decay_exp(date '2026-11-28', 'infinity', 1);
SELECT decay_exp(timestamp '2026-11-28', '-infinity', '1 day');
SELECT decay_linear(1, 0, 0);
SELECT decay_linear(1, 0, -1);
SELECT decay_linear(1, 0, 'NaN'::float8);
SELECT decay_linear(1, 0, 'Infinity'::float8);
SELECT decay_linear(timestamp '2026-11-28', '2026-11-28', '-1 day');
SELECT decay_gauss(1, 0, 1, -1);
SELECT decay_gauss(1, 0, 1, 'NaN'::float8);
SELECT decay_gauss(1, 0, 1, 0, 0);
SELECT decay_gauss(1, 0, 1, 0, 1);
SELECT decay_gauss(1, 0, 1, 0, 'NaN'::float8);

-- boost
SELECT score, condition, boost(score, condition, 2) AS twice, boost(score, condition, 0) AS nothing
	FROM (VALUES (0.5::float8), (-3), (NULL)) s (score), (VALUES (true), (false), (NULL)) c (condition);
SELECT boost(1, true, NULL);
SELECT boost(1, true, -1);
SELECT boost(1, false, 'NaN');
SELECT boost(1, NULL, 'Infinity');

-- mmr: maximal marginal relevance, as it is defined
CREATE FUNCTION defined_mmr(query vector, candidates vector[], k int, lambda float8) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	taken int[] := '{}';
	next int;
BEGIN
	FOR n IN 1..k LOOP
		SELECT i INTO next FROM generate_subscripts(candidates, 1) i
			WHERE i <> ALL (taken)
			ORDER BY CASE WHEN n = 1 THEN 1 ELSE lambda END * (1 - (candidates[i] <=> query))
				- coalesce((1 - lambda) * (SELECT max(1 - (candidates[i] <=> candidates[j])) FROM unnest(taken) j), 0) DESC, i
			LIMIT 1;
		EXIT WHEN next IS NULL;
		taken := taken || next;
	END LOOP;
	RETURN taken;
END $$;
SELECT setseed(0.25);
CREATE TEMP TABLE world AS
	SELECT w, (SELECT array_agg(random() - 0.3)::vector FROM generate_series(1, 5 + 0 * w)) AS query,
		(SELECT array_agg(v) FROM (SELECT array_agg(random() - 0.3)::vector AS v FROM generate_series(1, 12) c, generate_series(1, 5 + 0 * w) GROUP BY c) s) AS candidates
	FROM generate_series(1, 6) w;
SELECT count(*), count(*) FILTER (WHERE mmr(query, candidates, k, lambda) = defined_mmr(query, candidates, k, lambda)) AS equal
	FROM world, unnest('{0, 0.3, 0.5, 0.7, 1}'::float8[]) lambda, unnest('{1, 4, 12, 20}'::int[]) k;
-- lambda 1 is the order of relevance; two that are alike do not both come first
SELECT lambda, mmr('[1,0]', ARRAY['[1,0.1]', '[1,0.1]', '[1,-0.5]', '[0,1]', '[-1,0]']::vector[], 3, lambda)
	FROM unnest('{1, 0.5, 0}'::float8[]) lambda;
SELECT mmr('[1,0]', ARRAY['[1,0.1]', '[1,0.1]', '[1,-0.5]']::vector[], 2) AS default, mmr('[1,0]', '{}', 3) AS empty,
	mmr('[1,0]', ARRAY['[1,0]']::vector[], 0) AS none, mmr('[1,0]', '[5:6]={"[1,1]","[1,0]"}', 9) AS subscripts,
	mmr('[0,0]', ARRAY['[0,0]', '[1,0]']::vector[], 2) AS zero, mmr(NULL, '{}', 3) AS null;
SELECT mmr('[1,0]', ARRAY['[1,0]', NULL]::vector[], 1);
SELECT mmr('[1,0]', ARRAY['[1,0,0]']::vector[], 1);
SELECT mmr('[1,0]', ARRAY[ARRAY['[1,0]']]::vector[], 1);
SELECT mmr('[1,0]', '{}', -1);
SELECT mmr('[1,0]', '{}', 1, 1.5);
SELECT mmr('[1,0]', '{}', 1, 'NaN');

-- all of them may be used in parallel queries and in indexes on expressions
SELECT count(*), bool_and(provolatile = 'i' AND proparallel = 's') FROM pg_proc
	WHERE proname IN ('decay_gauss', 'decay_exp', 'decay_linear', 'boost', 'mmr') AND pronamespace = 'public'::regnamespace;
DROP FUNCTION defined, defined_mmr;

-- max_sim and @#: the sum of the greatest products, as it is defined
CREATE FUNCTION defined_max_sim(document vector[], query vector[]) RETURNS float8 LANGUAGE sql AS $$
	SELECT sum(greatest) FROM (SELECT max(inner_product(d, q)) AS greatest
		FROM unnest(query) WITH ORDINALITY AS q (q, n), unnest(document) d GROUP BY n) s $$;
SELECT max_sim(ARRAY['[1,2]', '[3,-4]']::vector[], ARRAY['[1,0]', '[0,1]', '[1,0]']::vector[]), ARRAY['[1,2]', '[3,-4]']::vector[] @# ARRAY['[1,0]', '[0,1]', '[1,0]']::vector[] AS distance;
CREATE TEMP TABLE tokens AS
	SELECT dims, m, n, (SELECT array_agg((SELECT array_agg(round((random() * 9 - 5)::numeric)) FROM generate_series(1, dims + 0 * i))::vector) FROM generate_series(1, m) i) AS document,
		(SELECT array_agg((SELECT array_agg(round((random() * 9 - 5)::numeric)) FROM generate_series(1, dims + 0 * i))::vector) FROM generate_series(1, n) i) AS query
	FROM unnest('{1, 3, 16, 100}'::int[]) dims, unnest('{1, 2, 65}'::int[]) m, unnest('{1, 7, 64, 130}'::int[]) n;
SELECT count(*), count(*) FILTER (WHERE max_sim(document, query) = defined_max_sim(document, query) AND document @# query = -max_sim(document, query)
	AND max_sim(document::halfvec[], query::halfvec[]) = max_sim(document, query) AND document::halfvec[] @# query::halfvec[] = document @# query
	AND max_sim(document::bf16vec[], query::bf16vec[]) = max_sim(document, query) AND document::bf16vec[] @# query::bf16vec[] = document @# query
	AND max_sim(document::int8vec[], query::int8vec[]) = max_sim(document, query) AND document::int8vec[] @# query::int8vec[] = document @# query) AS equal FROM tokens;
-- products that are exact in int8vec, out of range, and not a number
SELECT max_sim(ARRAY[array_fill(127, ARRAY[16000])::int8vec], ARRAY[array_fill(127, ARRAY[16000])::int8vec]);
SELECT max_sim(ARRAY['[3e38]']::vector[], ARRAY['[3e38]']::vector[]) AS infinite, max_sim(ARRAY['[3e38]']::vector[], ARRAY['[-3e38]']::vector[]) AS minus_infinite,
	max_sim(ARRAY['[3e38,3e38]', '[1,1]']::vector[], ARRAY['[3e38,-3e38]']::vector[]) AS nan, max_sim(ARRAY['[3e38]']::vector[], ARRAY['[3e38]', '[-3e38]']::vector[]) AS both;
SELECT max_sim('[5:6]={"[1,1]","[1,0]"}', '{"[2,1]"}'::vector[]) AS subscripts, max_sim(NULL, '{"[1]"}'::vector[]) AS null;
SELECT max_sim(ARRAY['[1,0]', NULL]::vector[], '{"[1,0]"}');
SELECT max_sim('{"[1,0]"}'::vector[], ARRAY[NULL]::vector[]);
SELECT max_sim('{}'::vector[], '{"[1,0]"}');
SELECT max_sim('{"[1,0]"}'::vector[], '{}');
SELECT max_sim(ARRAY['[1,0]', '[1,0,0]']::vector[], '{"[1,0]"}');
SELECT max_sim(ARRAY['[1,0]']::vector[], ARRAY['[1,0]', '[1,0,0]']::vector[]);
SELECT ARRAY['[1,0]']::halfvec[] @# ARRAY['[1,0,0]']::halfvec[];
SELECT max_sim(ARRAY[ARRAY['[1,0]']]::vector[], ARRAY['[1,0]']::vector[]);
-- values that are compressed and out of line
CREATE TEMP TABLE stored_tokens (id int, plain vector(32)[], outside vector(32)[]);
ALTER TABLE stored_tokens ALTER outside SET STORAGE EXTERNAL;
INSERT INTO stored_tokens SELECT i, v, v FROM generate_series(1, 3) i, LATERAL (SELECT array_agg(array_fill((i + j) % 7, ARRAY[32])::vector) AS v FROM generate_series(1, 100) j) s;
SELECT id, plain @# ARRAY[array_fill(id % 7, ARRAY[32])::vector] AS plain, outside @# ARRAY[array_fill(id % 7, ARRAY[32])::vector] AS outside FROM stored_tokens;
SELECT count(*), bool_and(provolatile = 'i' AND proparallel = 's') FROM pg_proc WHERE prosrc ~ '_max_sim$' AND pronamespace = 'public'::regnamespace;
DROP FUNCTION defined_max_sim;
