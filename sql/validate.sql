-- operator classes: the extension's are valid, and errors in a user's are reported
SELECT amname, count(*) > 0 AS some, bool_and(amvalidate(c.oid)) AS valid
	FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
	WHERE amname IN ('hnsw', 'diskann', 'ivfflat', 'ivf', 'sparse', 'bm25') GROUP BY amname ORDER BY amname;
CREATE FUNCTION validate(name) RETURNS bool LANGUAGE sql AS 'SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = $1';

-- classes as users make them: with another operator, or from parts of an existing class
CREATE OPERATOR <<->> (LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_l2_squared_distance, COMMUTATOR = <<->>);
CREATE OPERATOR CLASS squared_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <<->> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vector_l2_squared_distance(vector, vector);
CREATE OPERATOR CLASS parted_ops FOR TYPE halfvec USING ivfflat AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 halfvec_negative_inner_product(halfvec, halfvec), FUNCTION 2 l2_norm(halfvec),
	FUNCTION 4 l2_norm(halfvec), FUNCTION 5 ivfflat_halfvec_support(internal);
SELECT validate('squared_ops'), validate('parted_ops');

-- a search condition, another strategy, an order of another type
CREATE OPERATOR CLASS search_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 = (vector, vector), FUNCTION 1 vector_l2_squared_distance(vector, vector);
CREATE OPERATOR CLASS strategy_ops FOR TYPE vector USING ivf AS
	OPERATOR 2 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vector_l2_squared_distance(vector, vector);
CREATE OPERATOR CLASS order_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY integer_ops, FUNCTION 1 vector_l2_squared_distance(vector, vector);
SELECT validate('search_ops');
SELECT validate('strategy_ops');
SELECT validate('order_ops');

-- functions with other arguments or results, or none
CREATE OPERATOR CLASS norm_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_norm(vector), FUNCTION 2 l2_distance(vector, vector);
CREATE OPERATOR CLASS result_ops FOR TYPE vector USING ivfflat AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_cmp(vector, vector), FUNCTION 5 vector_norm(vector);
CREATE OPERATOR CLASS type_ops FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 halfvec_l2_squared_distance(halfvec, halfvec);
CREATE OPERATOR CLASS function_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 2 vector_norm(vector);
CREATE OPERATOR CLASS operator_ops FOR TYPE vector USING ivfflat AS
	FUNCTION 1 vector_l2_squared_distance(vector, vector);
SELECT validate('norm_ops');
SELECT validate('result_ops');
SELECT validate('type_ops');
SELECT validate('function_ops');
SELECT validate('operator_ops');

-- members that were added to a family belong to it
ALTER OPERATOR FAMILY squared_ops USING hnsw ADD
	FUNCTION 1 (halfvec, vector) vector_l2_squared_distance(vector, vector);
SELECT validate('squared_ops');

DROP OPERATOR FAMILY squared_ops USING hnsw;
DROP OPERATOR FAMILY parted_ops USING ivfflat;
DROP OPERATOR FAMILY search_ops USING hnsw;
DROP OPERATOR FAMILY strategy_ops USING ivf;
DROP OPERATOR FAMILY order_ops USING hnsw;
DROP OPERATOR FAMILY norm_ops USING hnsw;
DROP OPERATOR FAMILY result_ops USING ivfflat;
DROP OPERATOR FAMILY type_ops USING ivf;
DROP OPERATOR FAMILY function_ops USING hnsw;
DROP OPERATOR FAMILY operator_ops USING ivfflat;
DROP OPERATOR <<->> (vector, vector);
DROP FUNCTION validate;
