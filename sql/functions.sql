-- docs/functions.md agrees with the catalog
\pset tuples_only on
\set ECHO none
\i test/docs/functions.sql
\set ECHO all
CREATE TEMP TABLE page (line text);
\copy page from 'docs/functions.md' with (format csv, delimiter E'\x01', quote E'\x02')
SELECT count(*) > 100 FROM documented;
(SELECT line FROM documented EXCEPT SELECT line FROM page) UNION ALL
(SELECT line FROM page WHERE line LIKE '| `%' EXCEPT SELECT line FROM documented);
