-- Made from docs/text.md by test/docs/extract.py: change that document, not this file.

-- 1. From text to terms
SELECT * FROM vector_tokenize('english', 'The COVID-19 vaccines of 2026');

-- 2. What a query asks for
SELECT * FROM vector_tokenize_query('english', '+"quick foxes" covid-19 vacc* -lazy');

-- 3. What a query asks for
CREATE TABLE chapter (id bigint PRIMARY KEY, body text NOT NULL);
INSERT INTO chapter VALUES (1, '我们在北京大学学习计算机科学'), (2, '上海的天气很好'), (3, 'COVID-19 疫苗');
CREATE FUNCTION words(body text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (
    SELECT coalesce(string_agg(quote_literal(term) || ':' || least(position, 16383), ' '), '')::tsvector
    FROM vector_tokenize('unicode', body)
);
CREATE FUNCTION asked(query text) RETURNS tsquery LANGUAGE sql STABLE PARALLEL SAFE RETURN (
    WITH word AS (
        SELECT clause, occurs, position, string_agg(quote_literal(term) || CASE WHEN prefix THEN ':*' ELSE '' END, ' | ') AS terms
        FROM vector_tokenize_query('unicode', query)
        GROUP BY clause, occurs, position
    ), phrase AS (
        SELECT occurs, '(' || string_agg('(' || terms || ')', ' <-> ' ORDER BY position) || ')' AS words
        FROM word
        GROUP BY clause, occurs
    )
    SELECT concat_ws(' & ',
        coalesce(string_agg(words, ' & ') FILTER (WHERE occurs = 'required'),
            '(' || string_agg(words, ' | ') FILTER (WHERE occurs = 'optional') || ')'),
        string_agg('!' || words, ' & ') FILTER (WHERE occurs = 'excluded'))::tsquery
    FROM phrase
);
CREATE INDEX ON chapter USING gin (words(body));
SELECT id, body FROM chapter WHERE words(body) @@ asked('+北京 +学*');
SELECT id, body FROM chapter WHERE words(body) @@ asked('"covid 19" 天气 -北京') ORDER BY id;

-- 4. Scores
CREATE TABLE sentence (id int PRIMARY KEY, body text NOT NULL);
INSERT INTO sentence VALUES (1, 'the quick brown fox'), (2, 'the lazy dog'), (3, 'quick quick fox');
CREATE INDEX sentence_body ON sentence USING bm25 (body) WITH (text_config = 'simple', positions = on);
SELECT id, body, round((body <@> 'quick fox')::numeric, 4) AS score FROM sentence
    WHERE body <@> 'quick fox' < 0 ORDER BY body <@> 'quick fox' LIMIT 10;
SELECT id, body FROM sentence WHERE body <@> '"quick fox"' < 0;
SELECT id, body FROM sentence WHERE body <@> '+the qui* -dog' < 0;

-- 5. Scores
SELECT round(('quick as a fox'::text <@> to_bm25query('quick fox', 'sentence_body'))::numeric, 4) AS score;
SELECT to_bm25query('quick fox', 'sentence_body'), to_bm25query('note: quick');

-- 6. Scores
CREATE TABLE event (id int PRIMARY KEY, body jsonb NOT NULL);
INSERT INTO event VALUES (1, '{"title": "A quick fox", "tags": ["animal", "forest"], "size": 3}'), (2, '{"title": "Dogs", "by": {"name": "Fox Press"}}');
CREATE INDEX event_strings ON event USING bm25 (jsonb_strings(body)) WITH (text_config = 'english', positions = on);
SELECT id, jsonb_strings(body), round((jsonb_strings(body) <@> 'fox animals')::numeric, 4) AS score
FROM event ORDER BY jsonb_strings(body) <@> 'fox animals' LIMIT 10;
SELECT id FROM event WHERE jsonb_strings(body) <@> '"fox animal"' < 0;
DROP TABLE event;

-- 7. Highlights
SELECT id, ts_headline('simple', body, websearch_to_tsquery('simple', 'quick fox'), 'StartSel=<b>, StopSel=</b>') AS headline
FROM sentence ORDER BY body <@> 'quick fox' LIMIT 2;
DROP TABLE sentence;

-- 8. After an upgrade
CREATE TABLE text_digest AS
    SELECT config, vector_text_digest(config) AS digest FROM unnest(ARRAY['english', 'simple', 'unicode']) AS config;
-- after the upgrade
SELECT config FROM text_digest WHERE digest <> vector_text_digest(config);
