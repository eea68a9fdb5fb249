-- Made from docs/multivector.md by test/docs/extract.py: change that document, not this file.

-- 1. A vector for each token
CREATE TABLE page (id bigint PRIMARY KEY, title text NOT NULL, tokens halfvec(3)[] NOT NULL);
INSERT INTO page VALUES
    (1, 'red apples', '{"[0.9,0.1,0.4]","[0.1,0.9,0.4]"}'),
    (2, 'green pears', '{"[-0.8,0.2,0.5]","[0.2,0.7,0.7]"}'),
    (3, 'red wine', '{"[0.9,0.2,0.3]","[0.1,-0.4,0.9]"}'),
    (4, 'green tea', '{"[-0.9,0.1,0.4]","[0.0,-0.6,0.8]"}'),
    (5, 'apple pie and red currants', '{"[0.2,0.9,0.4]","[0.0,0.3,0.9]","[0.8,0.3,0.5]","[0.1,0.6,0.8]"}');
SELECT '{"[0.9,0.1,0.4]","[0.2,0.9,0.3]"}' AS query \gset
SELECT title, round(max_sim(tokens, :'query')::numeric, 2) AS score
FROM page
ORDER BY tokens @# :'query'
LIMIT 3;

-- 2. With an index
CREATE TABLE page_token (
    page_id bigint NOT NULL REFERENCES page ON DELETE CASCADE,
    token halfvec(3) NOT NULL
);
CREATE FUNCTION page_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM page_token WHERE page_id = NEW.id AND TG_OP = 'UPDATE';
    INSERT INTO page_token SELECT NEW.id, token FROM unnest(NEW.tokens) AS token;
    RETURN NULL;
END $$;
CREATE TRIGGER page_tokens AFTER INSERT OR UPDATE OF tokens ON page FOR EACH ROW EXECUTE FUNCTION page_tokens();
INSERT INTO page_token SELECT id, token FROM page, unnest(tokens) AS token;
CREATE INDEX ON page_token USING hnsw (token halfvec_ip_ops);
CREATE INDEX ON page_token (page_id);
CREATE FUNCTION search_page(query halfvec[], k int)
RETURNS TABLE (id bigint, title text, score double precision) LANGUAGE sql STABLE AS $$
    SELECT page.id, page.title, max_sim(page.tokens, query) AS score
    FROM page
    WHERE page.id IN (
        SELECT near.page_id
        FROM unnest(query) AS asked (token),
            LATERAL (
                SELECT page_id
                FROM page_token
                ORDER BY page_token.token <#> asked.token
                LIMIT 100
            ) AS near
    )
    ORDER BY page.tokens @# query
    LIMIT k
$$;
SELECT id, title, round(score::numeric, 2) AS score FROM search_page(:'query', 2);

-- 3. Beside VectorChord
BEGIN;
ALTER EXTENSION vector DROP OPERATOR @# (vector[], vector[]);
ALTER EXTENSION vector DROP OPERATOR @# (halfvec[], halfvec[]);
DROP OPERATOR @# (vector[], vector[]), @# (halfvec[], halfvec[]);
ROLLBACK; -- COMMIT, where VectorChord is wanted

-- 4. Beside VectorChord
DROP TABLE page, page_token;
DROP FUNCTION page_tokens, search_page;
