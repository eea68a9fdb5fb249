-- the page: whatever things are called, it is well-formed, needs no network, and its values are those of SQL
SET vector.background_work = off;
CREATE TABLE "<script>alert(1)</script>" (id int, v vector(32), "w&'""" text);
CREATE INDEX "<img src=x onerror=alert(2)>" ON "<script>alert(1)</script>" USING hnsw (v vector_l2_ops) WITH (seal_rows = 100);
INSERT INTO "<script>alert(1)</script>" SELECT n, (SELECT array_agg((hashint8extended(n, d) & 1023)::real) FROM generate_series(1, 32) d)::vector FROM generate_series(1, 300) n;
SELECT vector_seal('"<img src=x onerror=alert(2)>"') > 0 AS sealed;
INSERT INTO "<script>alert(1)</script>" SELECT id, v FROM "<script>alert(1)</script>" WHERE id <= 40;
DELETE FROM "<script>alert(1)</script>" WHERE id % 10 = 0;
VACUUM "<script>alert(1)</script>";
CREATE INDEX "a & b" ON "<script>alert(1)</script>" USING sparse ((v::sparsevec(32)) sparsevec_ip_ops);
CREATE TABLE dashboard_empty (v vector(3));
CREATE INDEX dashboard_empty_v ON dashboard_empty USING ivfflat (v vector_l2_ops);
SET enable_seqscan = off;
SET vector.log_min_duration = 0;
SELECT count(id) FROM generate_series(1, 7) i, LATERAL (SELECT id FROM "<script>alert(1)</script>" ORDER BY v <-> array_fill(i, ARRAY[32])::vector LIMIT 1) s;
RESET vector.log_min_duration;
SET vector.target_recall = 0.9;
ANALYZE "<script>alert(1)</script>";
RESET vector.target_recall;
CREATE TEMP TABLE page AS SELECT vector_dashboard() AS html;
-- nothing is a tag that should not be
SELECT html ~* '<(script|img)' AS injected, html LIKE '%&lt;script&gt;alert(1)%' AS shown, html LIKE '%&lt;img src=x onerror=alert(2)&gt;%' AS index_shown,
	html LIKE '%&quot;a &amp; b&quot;%' AS ampersand FROM page;
SELECT string_agg(DISTINCT t[1], ' ' ORDER BY t[1]) AS tags FROM page, regexp_matches(html, '<([a-z0-9]+)', 'g') t;
SELECT tag, opened, closed FROM (SELECT t[2] AS tag, count(*) FILTER (WHERE t[1] = '') AS opened, count(*) FILTER (WHERE t[1] = '/') AS closed
	FROM page, regexp_matches(html, '<(/?)([a-z0-9]+)(?=[ >/])', 'g') t GROUP BY t[2]) s WHERE tag NOT IN ('meta', 'rect', 'line', 'circle') AND opened <> closed;
-- every & begins an entity, and no attribute or style refers to another page
SELECT html ~ '&(?!(amp|lt|gt|quot|#39);)' AS bare, html ~* '(src|href|action)\s*=\s*["'']|url\(|@import|https?:' AS refers, html ~ ' on[a-z]+="' AS handlers,
	html LIKE '%prefers-color-scheme:dark%' AS dark, html LIKE '%name="viewport"%' AS phone FROM page;
-- the values
SELECT (SELECT count(*) FROM regexp_matches(html, '<article>', 'g')) = (SELECT count(*) FROM vector_stat_indexes()) AS indexes,
	(SELECT count(*) FROM regexp_matches(html, '<title>segment ', 'g')) = (SELECT count(*) FROM vector_segments() WHERE kind IN ('growing', 'sealed') AND rows > 0) AS segments,
	(SELECT sum(c[1]::int) FROM regexp_matches(html, '<title>(\d+) searches below', 'g') c) = (SELECT sum(scans) FROM vector_stat_indexes()) AS searches,
	(SELECT count(*) FROM regexp_matches(html, ' rounds; ', 'g')) = (SELECT count(*) FROM vector_slow_searches()) AS slow,
	html LIKE '%hnsw on &quot;&lt;script&gt;alert(1)%' AS method, html LIKE '%empty%' AS empty, html ~ '<p>[0-9]+ indexes, ' AS counted, html ~ '<polyline points="10.0,[0-9.]+[ "]' AS curve FROM page;
SELECT s.dead_rows > 0 AS some_dead, html LIKE format('%%growing (%s rows) <span class="dead"></span>dead (%s rows)%%', s.growing_rows, s.dead_rows) AS rows
FROM page, vector_stat_indexes() s WHERE s.index = '"<img src=x onerror=alert(2)>"'::regclass;
-- bars are as long as their rows
SELECT bool_and(abs(r[2]::float8 + 2 - 1000 * r[1]::float8 / total) < 0.1) AS to_scale FROM page,
	regexp_matches(substring(html FROM 'alert\(2\)&gt;&quot;</h2>.*?</svg>'), ': (\d+) rows[^<]*</title><rect class="[a-z]+" x="[0-9.]+" y="0" width="([0-9.]+)"', 'g') r,
	(SELECT sum(rows) AS total FROM vector_index_segments('"<img src=x onerror=alert(2)>"')) t;
-- the picture has what vector_picture says
SELECT (SELECT count(*) FROM regexp_matches(html, '<circle cx="[0-9.]+" cy="[0-9.]+" r="2.5"/>', 'g')) = p.sampled AS sampled,
	(SELECT sum(c[1]::int) FROM regexp_matches(html, '<title>cluster \d: (\d+) rows', 'g') c) = p.sampled AS clustered,
	html LIKE format('%%%s vectors in %s clusters, along two axes that hold %s %%%% of%%', p.sampled, p.clusters, p.share) AS caption
FROM vector_dashboard('"<img src=x onerror=alert(2)>"') html, (SELECT count(*) AS sampled, count(DISTINCT cluster) AS clusters, round((100 * sum(x ^ 2 + y ^ 2) / sum(radius ^ 2))::numeric) AS share
	FROM vector_picture('"<img src=x onerror=alert(2)>"')) p;
-- one index, and a query
SELECT (SELECT count(*) FROM regexp_matches(html, '<article>', 'g')) AS indexes, html LIKE '%<p>1 index, %' AS counted, html LIKE '%; a square is the query, rings its 10 nearest rows<%' AS caption,
	(SELECT array_agg(t[1]::numeric ORDER BY t[1]::numeric) FROM regexp_matches(html, 'class="nearest"[^>]*><title>distance ([0-9.]+)', 'g') t) =
	(SELECT array_agg(round(distance::numeric, 4) ORDER BY distance) FROM vector_picture('"<img src=x onerror=alert(2)>"', array_fill(9, ARRAY[32])::vector::text) WHERE kind = 'nearest') AS distances
FROM vector_dashboard('"<img src=x onerror=alert(2)>"', array_fill(9, ARRAY[32])::vector::text) html;
SELECT vector_dashboard('"<img src=x onerror=alert(2)>"', '[1,2]');
-- what the owner of a table wrote is run only where the table is named: expressions, predicates, policies
CREATE TABLE dashboard_others (id int, v vector(2), hidden bool);
INSERT INTO dashboard_others SELECT n, ARRAY[n, n % 7], n % 2 = 0 FROM generate_series(1, 60) n;
CREATE INDEX dashboard_plain ON dashboard_others USING hnsw (v vector_l2_ops);
CREATE INDEX dashboard_part ON dashboard_others USING hnsw (v vector_l2_ops) WHERE id > 20;
CREATE INDEX dashboard_half ON dashboard_others USING hnsw ((v::halfvec(2)) halfvec_l2_ops);
CREATE VIEW dashboard_dots AS SELECT x.index, (SELECT count(*) FROM regexp_matches(vector_dashboard(x.index), ' r="2.5"/>', 'g')) AS named,
	(SELECT count(*) FROM regexp_matches(substring(vector_dashboard() FROM '<h2>' || x.index || '</h2>.*?</article>'), ' r="2.5"/>', 'g')) AS not_named
FROM (VALUES ('dashboard_plain'::regclass), ('dashboard_part'), ('dashboard_half')) x(index);
CREATE ROLE regress_dashboard_owner;
ALTER TABLE dashboard_others OWNER TO regress_dashboard_owner;
ALTER VIEW dashboard_dots OWNER TO regress_dashboard_owner;
SET ROLE regress_dashboard_owner;
SELECT * FROM dashboard_dots;
RESET ROLE;
ALTER TABLE dashboard_others ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON dashboard_others USING (NOT hidden);
CREATE ROLE regress_dashboard_reader IN ROLE pg_monitor;
SET ROLE regress_dashboard_owner;
SELECT (SELECT count(*) FROM regexp_matches(vector_dashboard(), ' r="2.5"/>', 'g')) AS owner;
SET ROLE regress_dashboard_reader;
SELECT (SELECT count(*) FROM regexp_matches(vector_dashboard('dashboard_plain'), ' r="2.5"/>', 'g')) AS may_not_select;
RESET ROLE;
GRANT SELECT ON dashboard_others TO regress_dashboard_reader;
SET ROLE regress_dashboard_reader;
SELECT (SELECT count(*) FROM regexp_matches(vector_dashboard('dashboard_plain'), ' r="2.5"/>', 'g')) AS by_policy,
	(SELECT count(*) FROM regexp_matches(vector_dashboard(), ' r="2.5"/>', 'g')) AS not_named;
RESET ROLE;
-- who sees nothing, and who sees all
CREATE ROLE regress_dashboard_stranger;
CREATE ROLE regress_dashboard_monitor IN ROLE pg_monitor;
SET ROLE regress_dashboard_stranger;
SELECT html LIKE '%alert%' AS seen, html LIKE '%There are no indexes that you may see%' AS none FROM vector_dashboard() html;
SET ROLE regress_dashboard_monitor;
SELECT html LIKE '%&lt;script&gt;%' AS seen FROM vector_dashboard() html;
RESET ROLE;
SELECT vector_html('<a href="x">&''</a>');
DROP VIEW dashboard_dots;
DROP TABLE "<script>alert(1)</script>", dashboard_empty, dashboard_others;
SELECT vector_stat_reset();
DROP ROLE regress_dashboard_stranger, regress_dashboard_monitor, regress_dashboard_owner, regress_dashboard_reader;
RESET enable_seqscan;
RESET vector.background_work;
