-- The lines of docs/functions.md's tables, from the catalog: everything a user calls, with its COMMENT.
CREATE TEMP VIEW documented AS
WITH members AS (
	SELECT classid, objid FROM pg_depend
	WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
		AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vector')
)
SELECT 1 AS part, o.oprname || ' ' || lpad(o.oid::text, 10, '0') AS place,
	format('| `%s %s %s` | %s | %s |', format_type(o.oprleft, NULL), replace(o.oprname, '|', '\|'), format_type(o.oprright, NULL),
		format_type(o.oprresult, NULL), obj_description(o.oid, 'pg_operator')) AS line
FROM pg_operator o JOIN members m ON m.classid = 'pg_operator'::regclass AND m.objid = o.oid
UNION ALL
SELECT CASE WHEN p.prokind = 'a' THEN 3 ELSE 2 END, p.proname || ' ' || lpad(p.oid::text, 10, '0'),
	format('| `%s(%s)` | %s | %s |', p.proname, pg_get_function_identity_arguments(p.oid), format_type(p.prorettype, NULL),
		obj_description(p.oid, 'pg_proc'))
FROM pg_proc p JOIN members m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
WHERE p.proname IN ('l2_distance', 'inner_product', 'cosine_distance', 'l1_distance', 'hamming_distance', 'jaccard_distance',
	'vector_dims', 'vector_norm', 'l2_norm', 'l2_normalize', 'binary_quantize', 'subvector', 'avg', 'sum',
	'decay_gauss', 'decay_exp', 'decay_linear', 'boost', 'mmr', 'max_sim', 'hybrid_search', 'rrf', 'weighted', 'vector_recall', 'vector_recall_curves', 'vector_query_samples', 'vector_query_samples_reset', 'vector_advise', 'vector_auto_index',
	'vector_knn_join',
	'vector_tokenize', 'vector_tokenize_query', 'vector_text_digest', 'to_bm25query', 'jsonb_strings')
UNION ALL
SELECT 4, format_type(c.castsource, NULL) || format_type(c.casttarget, NULL),
	format('| `%s` | `%s` | %s |', format_type(c.castsource, NULL), format_type(c.casttarget, NULL),
		CASE c.castcontext WHEN 'i' THEN 'implicit' WHEN 'a' THEN 'in assignment' ELSE 'explicit' END)
FROM pg_cast c JOIN members m ON m.classid = 'pg_cast'::regclass AND m.objid = c.oid
WHERE c.castsource <> c.casttarget
UNION ALL
SELECT 5, format_type(c.opcintype, NULL) || a.amname,
	format('| `%s` | %s | %s | %s |', c.opcname, a.amname, format_type(c.opcintype, NULL), obj_description(c.oid, 'pg_opclass'))
FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod JOIN members m ON m.classid = 'pg_opclass'::regclass AND m.objid = c.oid
-- those of attributes, which need not be named, are for PostgreSQL's own types
WHERE c.opcintype >= 16384 OR c.opcintype = 'bit'::regtype;
