-- from text to terms
SELECT * FROM vector_tokenize('english', 'The quick brown foxes of COVID-19');
SELECT string_agg(term || ':' || position, ' ' ORDER BY position, term COLLATE "C") FROM vector_tokenize('simple', 'GPT-4, 2026-11-28, +49 -1.5e3, B-52 and x86-64');

-- what a query finds: each of its words is in the document by one of its terms; as a phrase, the words follow each other
CREATE FUNCTION finds(config text, document text, query text) RETURNS text LANGUAGE sql AS $$
	WITH d AS MATERIALIZED (SELECT * FROM vector_tokenize(config, document)),
		q AS MATERIALIZED (SELECT * FROM vector_tokenize(config, query)),
		n AS (SELECT count(DISTINCT position) AS words FROM q)
	SELECT CASE
		WHEN words > 0 AND EXISTS (SELECT FROM d JOIN q USING (term) GROUP BY d.position - q.position HAVING count(DISTINCT q.position) = words) THEN 'phrase'
		WHEN words > 0 AND words = (SELECT count(DISTINCT q.position) FROM d JOIN q USING (term)) THEN 'words'
		ELSE '-' END
	FROM n $$;
SELECT document, query, finds('english', document, query) AS english, finds('simple', document, query) AS simple, finds('unicode', document, query) AS unicode
	FROM (VALUES
		('The COVID-19 vaccine', 'covid 19'),
		('The COVID-19 vaccine', 'covid-19'),
		('The COVID-19 vaccine', 'covid 19 vaccine'),
		('The COVID 19 vaccine', 'COVID-19 vaccine'),
		('The COVID-19 vaccine', '-19'),
		('The COVID-19 vaccine', 'covid 20'),
		('OpenAI GPT-4 model', 'gpt 4'),
		('OpenAI GPT-4 model', 'openai gpt 4 model'),
		('OpenAI GPT-4o model', 'gpt 4o'),
		('on 2026-11-28 at noon', '2026-11-28'),
		('on 2026-11-28 at noon', '2026 11 28'),
		('on 2026-11-28 at noon', '11-28 at noon'),
		('on 2026-11-28 at noon', '28 november'),
		('part AB-1234-X in stock', 'ab 1234'),
		('part AB-1234-X in stock', 'AB-1234-X'),
		('part AB-1234-X in stock', '1234'),
		('part AB-1234-X in stock', '1234 ab'),
		('the B-52 bomber', 'b 52 bomber'),
		('on x86-64 machines', 'x86 64'),
		('from +5 to -5 degrees', '5 degrees'),
		('from +5 to -5 degrees', '-5'),
		('PostgreSQL 16.2-1 and libc 2.36-9', '16.2'),
		('PostgreSQL 16.2-1 and libc 2.36-9', '9'),
		('version 1.2.3 of it', '1.2.3'),
		('written in C++ mostly', 'c++'),
		('written in C++ mostly', 'c'),
		('in /usr/local/lib now', '/usr/local/lib'),
		('in /usr/local/lib now', 'local'),
		('mail to jo.doe@example.com now', 'jo.doe@example.com'),
		('the e-mail address', 'e-mail'),
		('the e-mail address', 'mail'),
		('running faster', 'run'),
		('the the the', 'the'),
		('', 'a')) AS v (document, query);

-- apart from numbers without their sign, terms and positions are those of to_tsvector, also where a dictionary reads several words
CREATE TEXT SEARCH DICTIONARY text_thesaurus (TEMPLATE = thesaurus, DictFile = thesaurus_sample, Dictionary = english_stem);
CREATE TEXT SEARCH DICTIONARY text_synonym (TEMPLATE = synonym, Synonyms = synonym_sample);
CREATE TEXT SEARCH CONFIGURATION text_several (COPY = english);
ALTER TEXT SEARCH CONFIGURATION text_several
	ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, numword, numhword, hword, hword_numpart, hword_part, int, uint,
		float, sfloat, version, file, host, url, url_path, email WITH text_thesaurus, text_synonym, english_stem, simple;
SELECT string_agg(term || ':' || position, ' ' ORDER BY position) FROM vector_tokenize('public.text_several', 'one two three, one two supernovae stars one; booking big tickets, postgres one');
-- to_tsvector forgets the answer "1" when a number follows that the thesaurus does not read
CREATE TEXT SEARCH CONFIGURATION text_words (COPY = english);
ALTER TEXT SEARCH CONFIGURATION text_words ALTER MAPPING FOR asciiword WITH text_thesaurus, english_stem;
SELECT to_tsvector('text_words', 'one 5'), array_agg(term ORDER BY position) FROM vector_tokenize('text_words', 'one 5');
CREATE TEMP TABLE piece AS SELECT ARRAY['supernovae', 'stars', 'star', 'one', 'two', 'three', 'one two', 'the', ' ', '-', '+', '-19', '19', '+49', 'COVID',
	'GPT-4o', 'a-b-c-1', '1.5', '-1.5e3', 'v1.2.3', 'C++', '/usr/lib/x', 'x@y.com', 'http://a.b/c?d=e-1', '<b>', '<b x="y z">', '&amp;', E'\n', 'über',
	'naïve', 'Ω', 'running', 'added', '10:30', '2026-11-28', 'x_y', '(', '.', ',', 'booking tickets', 'sn', 'postgres', '数据'] AS pieces;
SELECT setseed(0.5);
CREATE TEMP TABLE document AS
	SELECT d, (SELECT string_agg(pieces[1 + floor(random() * cardinality(pieces))::int + 0 * d] || CASE WHEN random() < 0.7 THEN ' ' ELSE '' END, '')
		FROM piece, generate_series(1, 25)) AS body
	FROM generate_series(1, 120) d;
SELECT config, count(*), count(*) FILTER (WHERE missing > 0) AS missing, count(*) FILTER (WHERE added > 0) AS added, sum(unsigned) > 50 AS unsigned
	FROM unnest('{simple,english,german,text_several}'::text[]) config, document, LATERAL (
		WITH ours AS MATERIALIZED (SELECT term, position FROM vector_tokenize(config, body)),
			theirs AS MATERIALIZED (SELECT lexeme, p::int FROM unnest(to_tsvector(config::regconfig, body)) u, unnest(positions) p)
		SELECT (SELECT count(*) FROM (TABLE theirs EXCEPT TABLE ours) x) AS missing,
			(SELECT count(*) FROM (TABLE ours EXCEPT TABLE theirs) x WHERE term !~ '^[0-9]') AS added,
			(SELECT count(*) FROM (TABLE ours EXCEPT TABLE theirs) x WHERE term ~ '^[0-9]') AS unsigned) compared
	GROUP BY config ORDER BY config;

-- unicode: languages without spaces, forms of characters
\pset format unaligned
SELECT document, query, finds('unicode', document, query) AS unicode, finds('simple', document, query) AS simple
	FROM (VALUES
		('我们在北京大学学习', '北京'),
		('我们在北京大学学习', '学习'),
		('我们在北京大学学习', '上海'),
		('東京都に住んでいます', '東京'),
		('ภาษาไทยไม่มีช่องว่าง', 'ภาษา'),
		('Ọmọ náà ń kàwé', 'ọmọ náà'),
		('Ọmọ náà ń kàwé', 'omo'),
		('ＡＢＣ１２３', 'abc123'),
		('ﬁnance', 'FINANCE'),
		('Straße', 'STRASSE'),
		('e' || U&'\0301' || 'te', 'été'),
		(U&'E\0301te', 'éte'),
		('don''t stop', 'don''t')) AS v (document, query);
SELECT string_agg(term || ':' || position, ' ' ORDER BY position) FROM vector_tokenize('Unicode', E'Hello, WORLD!\t(3.14) snake_case 😀 -- x');

-- n-grams
SELECT string_agg(term || ':' || position, ' ' ORDER BY position, term COLLATE "C") FROM vector_tokenize('ngram(2,3)', 'AB-12 数据库 x ＡＢc');
SELECT string_agg(term, ' ' ORDER BY position) FROM vector_tokenize('NGRAM ( 3 , 3 ) ', 'postgres');
SELECT finds('ngram(2,2)', 'PostgreSQL', 'greS'), finds('ngram(2,2)', 'part AB-1234-X', '1234'), finds('ngram(2,2)', 'ab cd', 'bc'), finds('ngram(3,3)', 'an ox', 'ox');

\pset format aligned
-- texts of any length; words that are too long are left out, and count
SELECT config, count(*), count(DISTINCT term) = count(*) AS distinct, max(position)
	FROM (SELECT string_agg(i::text, ' ') AS body FROM generate_series(1, 100000) i) t, unnest('{simple,unicode}'::text[]) config, vector_tokenize(config, body)
	GROUP BY config ORDER BY config;
SELECT config, count(*), max(position)
	FROM unnest('{simple,english,unicode,"ngram(2,3)"}'::text[]) config LEFT JOIN vector_tokenize(config, repeat('a', 100000) || ' b ' || repeat('é', 1023) || ' ' || repeat('é', 1024)) t ON true
	GROUP BY config ORDER BY config;
SELECT config, count(*) > 1000 AS many, count(*) = count(term) AS terms, max(octet_length(term)) <= 2046 AS short
	FROM (SELECT string_agg(chr(i), CASE WHEN i % 3 = 0 THEN ' ' ELSE '' END ORDER BY i) AS body FROM generate_series(1, 70000) i WHERE i NOT BETWEEN 55296 AND 57343) t,
		unnest('{simple,unicode,"ngram(1,2)"}'::text[]) config, vector_tokenize(config, body)
	GROUP BY config ORDER BY config;
SELECT count(*) FROM unnest('{simple,unicode,"ngram(2,3)"}'::text[]) config, unnest(ARRAY['', ' ', E'\n\t', '.', '...']) body, vector_tokenize(config, body) WHERE config <> 'ngram(2,3)' OR term !~ '\.';
SELECT vector_tokenize(NULL, 'a'), vector_tokenize('simple', NULL);

-- queries
SELECT * FROM vector_tokenize_query('english', '+"quick brown foxes" covid-19 jump* -the -"lazy dogs" the or "and over the moo"*');
SELECT query, (SELECT string_agg(concat_ws(':', clause, left(occurs, 3), term, position, nullif(prefix, false)), ' ' ORDER BY clause, position)
		FROM vector_tokenize_query(config, query)) AS terms
	FROM (VALUES ('simple', ''), ('simple', '- + " "'), ('english', 'the +of'), ('unicode', '北京　+学习*'), ('unicode', '-wi-fi "open'),
		('ngram(2,2)', '+数据库*'), ('simple', 'a or b'), ('simple', U&'a\00A0-b')) AS v (config, query);
SELECT count(*), max(clause) FROM vector_tokenize_query('simple', repeat('+a "b c" -d* ', 20000));
SELECT vector_tokenize_query('klingon', 'a');

-- digests tell that terms have changed
SELECT octet_length(vector_text_digest('english')), vector_text_digest('english') = vector_text_digest('pg_catalog.english') AS same,
	vector_text_digest('english') <> vector_text_digest('simple') AS other, vector_text_digest('ngram(2,2)') <> vector_text_digest('ngram(2,3)') AS lengths,
	octet_length(vector_text_digest('unicode')) AS unicode;
CREATE TEXT SEARCH CONFIGURATION text_digest (COPY = english);
SELECT vector_text_digest('text_digest') = vector_text_digest('english') AS same;
ALTER TEXT SEARCH CONFIGURATION text_digest DROP MAPPING FOR int;
SELECT vector_text_digest('text_digest') = vector_text_digest('english') AS same;
-- each stemmer makes other terms of the samples
SELECT count(*) = count(DISTINCT vector_text_digest(cfgname::text)) AS all_differ FROM pg_ts_config WHERE cfgnamespace = 'pg_catalog'::regnamespace;

-- errors
SELECT vector_tokenize('klingon', 'a');
SELECT vector_tokenize('', 'a');
SELECT vector_tokenize('a.b.c.d', 'a');
SELECT vector_tokenize('ngram', 'a');
SELECT vector_tokenize('ngram(0,2)', 'a');
SELECT vector_tokenize('ngram(3,2)', 'a');
SELECT vector_tokenize('ngram(1,33)', 'a');
SELECT vector_tokenize('ngram(2,3)x', 'a');
SELECT vector_text_digest('klingon');
DROP FUNCTION finds;
-- the strings of a jsonb
SELECT value, jsonb_strings(value), cardinality(jsonb_strings(value)) AS count
	FROM (VALUES ('{"b": ["x", {"c": "y z"}, 1, null, true, []], "a": {"d": ""}}'::jsonb), ('"alone"'), ('7'), ('[]'), ('{}'), ('[["p"], "q", "r\"s"]'), (NULL)) v (value);
SELECT jsonb_strings(jsonb_path_query_array('{"a": ["x"], "b": "y"}', '$.b'));

DROP TEXT SEARCH CONFIGURATION text_several, text_words, text_digest;
DROP TEXT SEARCH DICTIONARY text_thesaurus, text_synonym;
