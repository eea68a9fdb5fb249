-- object stores: options of servers and user mappings, and the provider folder; S3 is tested by test/tap/050_stores.pl
\set VERBOSITY default
-- what is missing, what there is not, and what has no place
CREATE SERVER cold FOREIGN DATA WRAPPER vector_store;
CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'ftp');
CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder');
CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3', endpoint 'http://s3');
CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '/', bucket 'a');
CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3', speed 'high');
CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3', secret_access_key 'secret');
ALTER FOREIGN DATA WRAPPER vector_store OPTIONS (ADD bucket 'a');
CREATE FOREIGN TABLE item (id int) SERVER cold;
-- values
\set QUIET on
DO $$
DECLARE
	option text[];
	detail text;
BEGIN
	FOREACH option SLICE 1 IN ARRAY ARRAY[
		['path', 'a'], ['endpoint', 's3'], ['endpoint', 'ftp://s3'], ['endpoint', 'http://'], ['endpoint', 'http://me:mine@s3'],
		['endpoint', 'http://s3/a'], ['bucket', ''], ['bucket', 'a/b'], ['bucket', 'a b'], ['prefix', '/a'], ['prefix', 'a//b'],
		['prefix', 'a/../b'], ['prefix', 'a b'], ['prefix', repeat('a', 257)], ['region', E'a\nb'], ['addressing', 'host'],
		['ca_file', 'a.pem'], ['encryption', 'yes'], ['kms_key_id', E'a\r\nb'], ['storage_class', 'A B'], ['tags', 'a=b c'],
		['conditional_put', 'maybe'], ['part_size', '1MB'], ['part_size', '1GB'], ['part_size', 'many'], ['connections', '0'],
		['connections', '1000'], ['timeout', '1ms'], ['timeout', '2h'], ['timeout', '-1']]
	LOOP
		BEGIN
			EXECUTE format('CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider %L, %I %L)',
				CASE option[1] WHEN 'path' THEN 'folder' ELSE 's3' END, option[1], option[2]);
			RAISE EXCEPTION 'no error';
		EXCEPTION WHEN invalid_parameter_value THEN
			GET STACKED DIAGNOSTICS detail = pg_exception_detail;
			RAISE NOTICE '% = %: %', option[1], quote_literal(left(option[2], 20)), detail;
		END;
	END LOOP;
END
$$;
CREATE SERVER cold FOREIGN DATA WRAPPER vector_store
	OPTIONS (provider 's3', endpoint 'https://s3', bucket 'a', encryption 'sse-s3', kms_key_id 'a');
CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3', endpoint 'http://s3', bucket 'a', encryption 'sse-c');
-- a folder
SET client_min_messages = warning;
SELECT current_setting('data_directory') || '/store_of_a_test' AS path \gset
CREATE TABLE nothing ();
SELECT format('COPY nothing TO PROGRAM %L', 'mkdir -p ''' || :'path' || '''') AS command \gset
:command;
CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path :'path', prefix 'a/b', part_size '5MB');
SELECT step, passed, detail, hint, milliseconds < 60000 AS in_time FROM vector_store_check('cold');
-- secrets: errors repeat no value, and a role sees its own mapping only
CREATE USER MAPPING FOR CURRENT_USER SERVER cold OPTIONS (secret_access_key 'my secret');
CREATE USER MAPPING FOR CURRENT_USER SERVER cold OPTIONS (encryption_key 'secret');
CREATE USER MAPPING FOR CURRENT_USER SERVER cold OPTIONS (secret 'secret');
CREATE USER MAPPING FOR CURRENT_USER SERVER cold OPTIONS (access_key_id 'me', secret_access_key 'mine');
CREATE ROLE regress_store;
SET ROLE regress_store;
SELECT count(*) FROM pg_user_mappings WHERE umoptions IS NOT NULL;
SELECT umoptions FROM pg_user_mapping;
-- rights: to use a server, to create one, to name files of the server's machine
SELECT passed FROM vector_store_check('cold');
CREATE SERVER ours FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3', endpoint 'http://s3', bucket 'a');
RESET ROLE;
GRANT USAGE ON FOREIGN DATA WRAPPER vector_store TO regress_store;
GRANT USAGE ON FOREIGN SERVER cold TO regress_store;
SET ROLE regress_store;
SELECT count(*) FROM vector_store_check('cold') WHERE passed;
CREATE SERVER ours FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '/tmp');
CREATE SERVER ours FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3', endpoint 'http://s3', bucket 'a', ca_file '/etc/passwd');
CREATE SERVER ours FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3', endpoint 'http://s3', bucket 'a', credentials_file '/etc/passwd');
RESET ROLE;
-- other servers, and a folder that is not there
SELECT * FROM vector_store_check('none');
CREATE FOREIGN DATA WRAPPER another;
CREATE SERVER other FOREIGN DATA WRAPPER another;
SELECT * FROM vector_store_check('other');
SELECT format('COPY nothing TO PROGRAM %L', 'rm -r ''' || :'path' || '''') AS command \gset
:command;
SELECT step, passed, regexp_replace(detail, '".*"', '"..."') AS detail, hint FROM vector_store_check('cold');
ALTER SERVER cold OPTIONS (ADD timeout '1s');
SELECT step, passed, regexp_replace(detail, '".*"', '"..."') AS detail FROM vector_store_check('cold');
DROP TABLE nothing;
DROP SERVER cold CASCADE;
DROP FOREIGN DATA WRAPPER another CASCADE;
REVOKE ALL ON FOREIGN DATA WRAPPER vector_store FROM regress_store;
DROP ROLE regress_store;
