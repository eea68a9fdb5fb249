-- row-level security: conditions of policies narrow a search, and nothing that could leak sees a row before they do
CREATE SCHEMA filter_security;
SET search_path = filter_security, public;
CREATE TABLE secrets (id int PRIMARY KEY, tenant int, body text, meta jsonb, v vector(3));
INSERT INTO secrets SELECT i, i % 100, 'body of ' || i % 100, jsonb_build_object('kind', i % 4), ARRAY[i % 17, i % 23, i]
	FROM generate_series(1, 3000) i;
CREATE INDEX secrets_v ON secrets USING hnsw (v vector_l2_ops);
CREATE INDEX secrets_tenant ON secrets (tenant);
CREATE INDEX secrets_body ON secrets (body);
CREATE INDEX secrets_meta ON secrets USING gin (meta);
VACUUM ANALYZE secrets;
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secrets USING (tenant = current_setting('test.tenant')::int);
CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM secrets WHERE tenant = 7;
CREATE ROLE regress_filter_reader;
GRANT USAGE, CREATE ON SCHEMA filter_security TO regress_filter_reader;
GRANT SELECT ON secrets, barrier TO regress_filter_reader;

SET ROLE regress_filter_reader;
SET test.tenant = 7;
SET enable_seqscan = off;
SET enable_sort = off;
-- what the attacker sees: the rows that the function is called for, however cheap it says that it is
CREATE FUNCTION leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
	$$BEGIN RAISE NOTICE 'seen: %', $1; RETURN true; END$$;
CREATE FUNCTION leak_limit(float8) RETURNS float8 LANGUAGE plpgsql STABLE COST 0.0000001 AS
	$$BEGIN RAISE NOTICE 'limit: %', $1; RETURN $1; END$$;

EXPLAIN (COSTS OFF) SELECT id FROM secrets ORDER BY v <-> '[1,1,1]' LIMIT 3;
SELECT id, tenant FROM secrets ORDER BY v <-> '[1,1,1]' LIMIT 3;
SELECT count(*), min(tenant), max(tenant) FROM (SELECT tenant FROM secrets ORDER BY v <-> '[1,1,1]' LIMIT 1000) s;
EXPLAIN (COSTS OFF) SELECT id FROM secrets WHERE leak(body) ORDER BY v <-> '[1,1,1]' LIMIT 3;
SELECT id FROM secrets WHERE leak(body) ORDER BY v <-> '[1,1,1]' LIMIT 3;
-- operators that might leak are no conditions of the bitmap, others are
EXPLAIN (COSTS OFF) SELECT id FROM secrets WHERE meta @> '{"kind": 3}' ORDER BY v <-> '[1,1,1]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM secrets WHERE body = 'body of 7' AND id < 1000 ORDER BY v <-> '[1,1,1]' LIMIT 3;
SELECT id FROM secrets WHERE meta @> '{"kind": 3}' AND leak(meta::text) ORDER BY v <-> '[1,1,1]' LIMIT 3;
-- a limit of the distance is computed once, without a row, and a limit that needs the row only of rows that may be seen
SELECT id FROM secrets WHERE v <-> '[1,1,1]' < leak_limit(500) AND leak(body) ORDER BY v <-> '[1,1,1]' LIMIT 3;
SELECT id FROM secrets WHERE v <-> '[1,1,1]' < leak_limit(id + 1000) ORDER BY v <-> '[1,1,1]' LIMIT 2;
-- rows of others do not count for the LIMIT, or for the limit of the distance
SELECT count(*), min(tenant), max(tenant) FROM
	(SELECT tenant FROM secrets WHERE v <-> '[1,1,1]' < 400 ORDER BY v <-> '[1,1,1]' LIMIT 1000) s;
-- another tenant in the same session, by a generic plan
PREPARE near AS SELECT count(*), min(tenant), max(tenant) FROM (SELECT tenant FROM secrets ORDER BY v <-> '[1,1,1]' LIMIT 1000) s;
SET plan_cache_mode = force_generic_plan;
EXECUTE near;
SET test.tenant = 8;
EXECUTE near;
SET test.tenant = 1000;
EXECUTE near;
SET test.tenant = 7;
-- a view that is a barrier
SELECT id FROM barrier WHERE id < 300 AND leak(body) ORDER BY v <-> '[1,1,1]' LIMIT 2;
-- policies that are subqueries
RESET ROLE;
CREATE TABLE members (name text, tenant int, PRIMARY KEY (name, tenant));
INSERT INTO members VALUES ('regress_filter_reader', 7), ('regress_filter_reader', 9), ('other', 8);
GRANT SELECT ON members TO regress_filter_reader;
ANALYZE members;
DROP POLICY own ON secrets;
CREATE POLICY own ON secrets USING (tenant = ANY (ARRAY(SELECT tenant FROM members WHERE name = current_user)));
SET ROLE regress_filter_reader;
SELECT tenant, count(*) FROM (SELECT tenant FROM secrets ORDER BY v <-> '[1,1,1]' LIMIT 1000) s
	GROUP BY tenant ORDER BY tenant;
SELECT id, tenant FROM secrets WHERE leak(body) ORDER BY v <-> '[1,1,1]' LIMIT 3;
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA filter_security CASCADE;
DROP ROLE regress_filter_reader;
