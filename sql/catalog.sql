-- every object of pgvector exists, with the same C symbol
\pset tuples_only on
\pset format unaligned
CREATE TEMP TABLE theirs (line text);
\copy theirs from 'test/compat/pgvector-0.8.catalog' with (delimiter E'\x01')
CREATE TEMP TABLE ours (line text);
\set ext vector
\o catalog.out
\i test/compat/catalog.sql
\o
\copy ours from 'catalog.out' with (delimiter E'\x01')
\! rm -f catalog.out
SELECT count(*) FROM theirs;
SELECT line FROM theirs EXCEPT SELECT line FROM ours;
-- every object has a comment
SELECT pg_describe_object(classid, objid, 0) FROM pg_depend d
	WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vector') AND deptype = 'e'
	AND obj_description(objid, classid::regclass::name) IS NULL
	AND NOT (classid = 'pg_type'::regclass AND (SELECT typelem <> 0 FROM pg_type WHERE oid = objid))
	AND classid NOT IN ('pg_opfamily'::regclass);
-- no object is a relation, because schema tools would take it for the application's
SELECT pg_describe_object(classid, objid, 0) FROM pg_depend
	WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vector') AND deptype = 'e'
	AND (classid = 'pg_class'::regclass OR classid = 'pg_type'::regclass AND (SELECT typrelid <> 0 FROM pg_type WHERE oid = objid));
