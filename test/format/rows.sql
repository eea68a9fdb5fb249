-- For tables with attributes: all that they hold follows from the rows' ids
CREATE EXTENSION vector;
CREATE FUNCTION place(id int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg((hashint8extended(id, d) & 255)::real)::vector FROM generate_series(1, 8) d$$;
CREATE TABLE cases (name text, type text, operator text);
CREATE FUNCTION add_rows(name text, first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO %I SELECT id, place(id), nullif(id %% 20, 3), ''name '' || id %% 50, CASE id %% 9 WHEN 0 THEN ''NaN''::float8
		WHEN 1 THEN ''-0'' ELSE id %% 11 END, id %% 13 / 8.0 FROM generate_series(%s, %s) id', name, first, last);
END $$;

-- How many of some searches with conditions do not give the rows that the table has.
CREATE FUNCTION wrong_searches(name text, type text, operator text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	wrong int := 0;
	condition text;
	query text;
	by_index int[];
	by_table int[];
BEGIN
	FOREACH condition IN ARRAY ARRAY['a = 5', 'a IS NULL', 't = ''name 7''', 'f = ''NaN''', 'f = 0', 'n > 1 AND a < 9', 'a = ANY (ARRAY[1, 2])',
		'a BETWEEN 4 AND 6 OR t < ''name 2''', 'n <> 0.5 AND t IS NOT NULL']
	LOOP
		query := format('SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM %I WHERE %s ORDER BY v %s place(9)::%s LIMIT 1000) s',
			name, condition, operator, type);
		PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true);
		EXECUTE query INTO by_table;
		PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true),
			set_config('ivf.probes', '4', true), set_config('hnsw.ef_search', '1000', true),
			set_config('diskann.query_search_list_size', '1000', true), set_config('diskann.query_rescore', '1000', true);
		EXECUTE query INTO by_index;
		wrong := wrong + (by_index IS DISTINCT FROM by_table)::int;
	END LOOP;
	RETURN wrong;
END $$;
