-- vector 1.0: types, distances and exact search

\echo Use "CREATE EXTENSION vector" to load this file. \quit

-- Planner support

CREATE FUNCTION vector_distance_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_distance_support(internal) IS 'planner support of the distance functions: what a call costs';

-- Type vector

CREATE TYPE vector;
CREATE FUNCTION vector_in(cstring, oid, integer) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_in(cstring, oid, integer) IS 'I/O';
CREATE FUNCTION vector_out(vector) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_out(vector) IS 'I/O';
CREATE FUNCTION vector_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_typmod_in(cstring[]) IS 'I/O typmod';
CREATE FUNCTION vector_recv(internal, oid, integer) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_recv(internal, oid, integer) IS 'I/O';
CREATE FUNCTION vector_send(vector) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_send(vector) IS 'I/O';
CREATE TYPE vector (
	INPUT = vector_in,
	OUTPUT = vector_out,
	TYPMOD_IN = vector_typmod_in,
	RECEIVE = vector_recv,
	SEND = vector_send,
	STORAGE = external
);
COMMENT ON TYPE vector IS 'vector of float32 elements';

-- Functions of vector

CREATE FUNCTION l2_distance(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION l2_distance(vector, vector) IS 'Euclidean distance';
CREATE FUNCTION inner_product(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION inner_product(vector, vector) IS 'inner product';
CREATE FUNCTION cosine_distance(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION cosine_distance(vector, vector) IS 'cosine distance: 1 - cosine similarity';
CREATE FUNCTION l1_distance(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION l1_distance(vector, vector) IS 'taxicab distance: sum of absolute differences';
CREATE FUNCTION vector_dims(vector) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(vector) IS 'number of dimensions';
CREATE FUNCTION vector_norm(vector) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_norm(vector) IS 'Euclidean norm';
CREATE FUNCTION l2_normalize(vector) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_normalize(vector) IS 'vector scaled to Euclidean norm 1';
CREATE FUNCTION binary_quantize(vector) RETURNS bit
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION binary_quantize(vector) IS 'one bit an element: whether it is positive';
CREATE FUNCTION subvector(vector, integer, integer) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(vector, integer, integer) IS 'part of a vector: from a place, counted from 1, a number of elements';

-- Functions behind the operators, classes and aggregates of vector

CREATE FUNCTION vector_add(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_add(vector, vector) IS 'implementation of + operator';
CREATE FUNCTION vector_sub(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_sub(vector, vector) IS 'implementation of - operator';
CREATE FUNCTION vector_mul(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_mul(vector, vector) IS 'implementation of * operator';
CREATE FUNCTION vector_concat(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_concat(vector, vector) IS 'implementation of || operator';
CREATE FUNCTION vector_lt(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_lt(vector, vector) IS 'implementation of < operator';
CREATE FUNCTION vector_le(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_le(vector, vector) IS 'implementation of <= operator';
CREATE FUNCTION vector_eq(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_eq(vector, vector) IS 'implementation of = operator';
CREATE FUNCTION vector_ne(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ne(vector, vector) IS 'implementation of <> operator';
CREATE FUNCTION vector_ge(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ge(vector, vector) IS 'implementation of >= operator';
CREATE FUNCTION vector_gt(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_gt(vector, vector) IS 'implementation of > operator';
CREATE FUNCTION vector_cmp(vector, vector) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_cmp(vector, vector) IS 'less-equal-greater';
CREATE FUNCTION vector_hash(vector) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_hash(vector) IS 'hash';
CREATE FUNCTION vector_hash_extended(vector, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_hash_extended(vector, bigint) IS 'hash with a seed';
CREATE FUNCTION vector_l2_squared_distance(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION vector_l2_squared_distance(vector, vector) IS 'squared Euclidean distance';
CREATE FUNCTION vector_negative_inner_product(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION vector_negative_inner_product(vector, vector) IS 'implementation of <#> operator';
CREATE FUNCTION vector_spherical_distance(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION vector_spherical_distance(vector, vector) IS 'angle between unit vectors over pi';
CREATE FUNCTION vector_accum(double precision[], vector) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_accum(double precision[], vector) IS 'aggregate transition function';
CREATE FUNCTION vector_avg(double precision[]) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_avg(double precision[]) IS 'aggregate final function';
CREATE FUNCTION vector_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_combine(double precision[], double precision[]) IS 'aggregate combine function';

-- Aggregates of vector

CREATE AGGREGATE avg(vector) (
	SFUNC = vector_accum,
	STYPE = double precision[],
	FINALFUNC = vector_avg,
	COMBINEFUNC = vector_combine,
	INITCOND = '{0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(vector) IS 'the average (arithmetic mean), element by element, as vector';
CREATE AGGREGATE sum(vector) (
	SFUNC = vector_add,
	STYPE = vector,
	COMBINEFUNC = vector_add,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(vector) IS 'sum, element by element, as vector';

-- Operators of vector

CREATE OPERATOR <-> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = l2_distance,
	COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (vector, vector) IS 'Euclidean distance';
CREATE OPERATOR <#> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_negative_inner_product,
	COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (vector, vector) IS 'negative inner product';
CREATE OPERATOR <=> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = cosine_distance,
	COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (vector, vector) IS 'cosine distance';
CREATE OPERATOR <+> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = l1_distance,
	COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (vector, vector) IS 'taxicab distance';
CREATE OPERATOR + (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_add,
	COMMUTATOR = +
);
COMMENT ON OPERATOR + (vector, vector) IS 'add, element by element';
CREATE OPERATOR - (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_sub
);
COMMENT ON OPERATOR - (vector, vector) IS 'subtract, element by element';
CREATE OPERATOR * (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_mul,
	COMMUTATOR = *
);
COMMENT ON OPERATOR * (vector, vector) IS 'multiply, element by element';
CREATE OPERATOR || (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_concat
);
COMMENT ON OPERATOR || (vector, vector) IS 'concatenate';
CREATE OPERATOR < (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_lt,
	COMMUTATOR = >, NEGATOR = >=,
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (vector, vector) IS 'less than';
CREATE OPERATOR <= (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_le,
	COMMUTATOR = >=, NEGATOR = >,
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (vector, vector) IS 'less than or equal';
CREATE OPERATOR = (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_eq,
	COMMUTATOR = =, NEGATOR = <>,
	RESTRICT = eqsel, JOIN = eqjoinsel,
	HASHES
);
COMMENT ON OPERATOR = (vector, vector) IS 'equal';
CREATE OPERATOR <> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_ne,
	COMMUTATOR = <>, NEGATOR = =,
	RESTRICT = eqsel, JOIN = eqjoinsel
);
COMMENT ON OPERATOR <> (vector, vector) IS 'not equal';
CREATE OPERATOR >= (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_ge,
	COMMUTATOR = <=, NEGATOR = <,
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (vector, vector) IS 'greater than or equal';
CREATE OPERATOR > (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_gt,
	COMMUTATOR = <, NEGATOR = <=,
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (vector, vector) IS 'greater than';

-- Operator classes of vector

CREATE OPERATOR CLASS vector_ops
	DEFAULT FOR TYPE vector USING btree AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 vector_cmp(vector, vector);
COMMENT ON OPERATOR CLASS vector_ops USING btree IS 'order by elements, then by the number of dimensions';
CREATE OPERATOR CLASS vector_hash_ops
	DEFAULT FOR TYPE vector USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 vector_hash(vector),
	FUNCTION 2 vector_hash_extended(vector, bigint);
COMMENT ON OPERATOR CLASS vector_hash_ops USING hash IS 'equal vectors hash alike, -0 as 0';

-- Type halfvec

CREATE TYPE halfvec;
CREATE FUNCTION halfvec_in(cstring, oid, integer) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_in(cstring, oid, integer) IS 'I/O';
CREATE FUNCTION halfvec_out(halfvec) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_out(halfvec) IS 'I/O';
CREATE FUNCTION halfvec_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_typmod_in(cstring[]) IS 'I/O typmod';
CREATE FUNCTION halfvec_recv(internal, oid, integer) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_recv(internal, oid, integer) IS 'I/O';
CREATE FUNCTION halfvec_send(halfvec) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_send(halfvec) IS 'I/O';
CREATE TYPE halfvec (
	INPUT = halfvec_in,
	OUTPUT = halfvec_out,
	TYPMOD_IN = halfvec_typmod_in,
	RECEIVE = halfvec_recv,
	SEND = halfvec_send,
	STORAGE = external
);
COMMENT ON TYPE halfvec IS 'vector of half-precision elements';

-- Functions of halfvec

CREATE FUNCTION l2_distance(halfvec, halfvec) RETURNS float8
	AS 'MODULE_PATHNAME', 'halfvec_l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION l2_distance(halfvec, halfvec) IS 'Euclidean distance';
CREATE FUNCTION inner_product(halfvec, halfvec) RETURNS float8
	AS 'MODULE_PATHNAME', 'halfvec_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION inner_product(halfvec, halfvec) IS 'inner product';
CREATE FUNCTION cosine_distance(halfvec, halfvec) RETURNS float8
	AS 'MODULE_PATHNAME', 'halfvec_cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION cosine_distance(halfvec, halfvec) IS 'cosine distance: 1 - cosine similarity';
CREATE FUNCTION l1_distance(halfvec, halfvec) RETURNS float8
	AS 'MODULE_PATHNAME', 'halfvec_l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION l1_distance(halfvec, halfvec) IS 'taxicab distance: sum of absolute differences';
CREATE FUNCTION vector_dims(halfvec) RETURNS integer
	AS 'MODULE_PATHNAME', 'halfvec_vector_dims' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(halfvec) IS 'number of dimensions';
CREATE FUNCTION l2_norm(halfvec) RETURNS float8
	AS 'MODULE_PATHNAME', 'halfvec_l2_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_norm(halfvec) IS 'Euclidean norm';
CREATE FUNCTION l2_normalize(halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'halfvec_l2_normalize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_normalize(halfvec) IS 'vector scaled to Euclidean norm 1';
CREATE FUNCTION binary_quantize(halfvec) RETURNS bit
	AS 'MODULE_PATHNAME', 'halfvec_binary_quantize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION binary_quantize(halfvec) IS 'one bit an element: whether it is positive';
CREATE FUNCTION subvector(halfvec, integer, integer) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'halfvec_subvector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(halfvec, integer, integer) IS 'part of a vector: from a place, counted from 1, a number of elements';

-- Functions behind the operators, classes and aggregates of halfvec

CREATE FUNCTION halfvec_add(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_add(halfvec, halfvec) IS 'implementation of + operator';
CREATE FUNCTION halfvec_sub(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_sub(halfvec, halfvec) IS 'implementation of - operator';
CREATE FUNCTION halfvec_mul(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_mul(halfvec, halfvec) IS 'implementation of * operator';
CREATE FUNCTION halfvec_concat(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_concat(halfvec, halfvec) IS 'implementation of || operator';
CREATE FUNCTION halfvec_lt(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_lt(halfvec, halfvec) IS 'implementation of < operator';
CREATE FUNCTION halfvec_le(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_le(halfvec, halfvec) IS 'implementation of <= operator';
CREATE FUNCTION halfvec_eq(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_eq(halfvec, halfvec) IS 'implementation of = operator';
CREATE FUNCTION halfvec_ne(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_ne(halfvec, halfvec) IS 'implementation of <> operator';
CREATE FUNCTION halfvec_ge(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_ge(halfvec, halfvec) IS 'implementation of >= operator';
CREATE FUNCTION halfvec_gt(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_gt(halfvec, halfvec) IS 'implementation of > operator';
CREATE FUNCTION halfvec_cmp(halfvec, halfvec) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_cmp(halfvec, halfvec) IS 'less-equal-greater';
CREATE FUNCTION halfvec_hash(halfvec) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_hash(halfvec) IS 'hash';
CREATE FUNCTION halfvec_hash_extended(halfvec, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_hash_extended(halfvec, bigint) IS 'hash with a seed';
CREATE FUNCTION halfvec_l2_squared_distance(halfvec, halfvec) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION halfvec_l2_squared_distance(halfvec, halfvec) IS 'squared Euclidean distance';
CREATE FUNCTION halfvec_negative_inner_product(halfvec, halfvec) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION halfvec_negative_inner_product(halfvec, halfvec) IS 'implementation of <#> operator';
CREATE FUNCTION halfvec_spherical_distance(halfvec, halfvec) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION halfvec_spherical_distance(halfvec, halfvec) IS 'angle between unit vectors over pi';
CREATE FUNCTION halfvec_accum(double precision[], halfvec) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_accum(double precision[], halfvec) IS 'aggregate transition function';
CREATE FUNCTION halfvec_avg(double precision[]) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_avg(double precision[]) IS 'aggregate final function';
CREATE FUNCTION halfvec_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'vector_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_combine(double precision[], double precision[]) IS 'aggregate combine function';

-- Aggregates of halfvec

CREATE AGGREGATE avg(halfvec) (
	SFUNC = halfvec_accum,
	STYPE = double precision[],
	FINALFUNC = halfvec_avg,
	COMBINEFUNC = halfvec_combine,
	INITCOND = '{0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(halfvec) IS 'the average (arithmetic mean), element by element, as halfvec';
CREATE AGGREGATE sum(halfvec) (
	SFUNC = halfvec_add,
	STYPE = halfvec,
	COMBINEFUNC = halfvec_add,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(halfvec) IS 'sum, element by element, as halfvec';

-- Operators of halfvec

CREATE OPERATOR <-> (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = l2_distance,
	COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (halfvec, halfvec) IS 'Euclidean distance';
CREATE OPERATOR <#> (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_negative_inner_product,
	COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (halfvec, halfvec) IS 'negative inner product';
CREATE OPERATOR <=> (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = cosine_distance,
	COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (halfvec, halfvec) IS 'cosine distance';
CREATE OPERATOR <+> (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = l1_distance,
	COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (halfvec, halfvec) IS 'taxicab distance';
CREATE OPERATOR + (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_add,
	COMMUTATOR = +
);
COMMENT ON OPERATOR + (halfvec, halfvec) IS 'add, element by element';
CREATE OPERATOR - (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_sub
);
COMMENT ON OPERATOR - (halfvec, halfvec) IS 'subtract, element by element';
CREATE OPERATOR * (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_mul,
	COMMUTATOR = *
);
COMMENT ON OPERATOR * (halfvec, halfvec) IS 'multiply, element by element';
CREATE OPERATOR || (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_concat
);
COMMENT ON OPERATOR || (halfvec, halfvec) IS 'concatenate';
CREATE OPERATOR < (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_lt,
	COMMUTATOR = >, NEGATOR = >=,
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (halfvec, halfvec) IS 'less than';
CREATE OPERATOR <= (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_le,
	COMMUTATOR = >=, NEGATOR = >,
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (halfvec, halfvec) IS 'less than or equal';
CREATE OPERATOR = (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_eq,
	COMMUTATOR = =, NEGATOR = <>,
	RESTRICT = eqsel, JOIN = eqjoinsel,
	HASHES
);
COMMENT ON OPERATOR = (halfvec, halfvec) IS 'equal';
CREATE OPERATOR <> (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_ne,
	COMMUTATOR = <>, NEGATOR = =,
	RESTRICT = eqsel, JOIN = eqjoinsel
);
COMMENT ON OPERATOR <> (halfvec, halfvec) IS 'not equal';
CREATE OPERATOR >= (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_ge,
	COMMUTATOR = <=, NEGATOR = <,
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (halfvec, halfvec) IS 'greater than or equal';
CREATE OPERATOR > (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_gt,
	COMMUTATOR = <, NEGATOR = <=,
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (halfvec, halfvec) IS 'greater than';

-- Operator classes of halfvec

CREATE OPERATOR CLASS halfvec_ops
	DEFAULT FOR TYPE halfvec USING btree AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 halfvec_cmp(halfvec, halfvec);
COMMENT ON OPERATOR CLASS halfvec_ops USING btree IS 'order by elements, then by the number of dimensions';
CREATE OPERATOR CLASS halfvec_hash_ops
	DEFAULT FOR TYPE halfvec USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 halfvec_hash(halfvec),
	FUNCTION 2 halfvec_hash_extended(halfvec, bigint);
COMMENT ON OPERATOR CLASS halfvec_hash_ops USING hash IS 'equal vectors hash alike, -0 as 0';

-- Type bf16vec

CREATE TYPE bf16vec;
CREATE FUNCTION bf16vec_in(cstring, oid, integer) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_in(cstring, oid, integer) IS 'I/O';
CREATE FUNCTION bf16vec_out(bf16vec) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_out(bf16vec) IS 'I/O';
CREATE FUNCTION bf16vec_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_typmod_in(cstring[]) IS 'I/O typmod';
CREATE FUNCTION bf16vec_recv(internal, oid, integer) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_recv(internal, oid, integer) IS 'I/O';
CREATE FUNCTION bf16vec_send(bf16vec) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_send(bf16vec) IS 'I/O';
CREATE TYPE bf16vec (
	INPUT = bf16vec_in,
	OUTPUT = bf16vec_out,
	TYPMOD_IN = bf16vec_typmod_in,
	RECEIVE = bf16vec_recv,
	SEND = bf16vec_send,
	STORAGE = external
);
COMMENT ON TYPE bf16vec IS 'vector of bfloat16 elements';

-- Functions of bf16vec

CREATE FUNCTION l2_distance(bf16vec, bf16vec) RETURNS float8
	AS 'MODULE_PATHNAME', 'bf16vec_l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION l2_distance(bf16vec, bf16vec) IS 'Euclidean distance';
CREATE FUNCTION inner_product(bf16vec, bf16vec) RETURNS float8
	AS 'MODULE_PATHNAME', 'bf16vec_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION inner_product(bf16vec, bf16vec) IS 'inner product';
CREATE FUNCTION cosine_distance(bf16vec, bf16vec) RETURNS float8
	AS 'MODULE_PATHNAME', 'bf16vec_cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION cosine_distance(bf16vec, bf16vec) IS 'cosine distance: 1 - cosine similarity';
CREATE FUNCTION l1_distance(bf16vec, bf16vec) RETURNS float8
	AS 'MODULE_PATHNAME', 'bf16vec_l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION l1_distance(bf16vec, bf16vec) IS 'taxicab distance: sum of absolute differences';
CREATE FUNCTION vector_dims(bf16vec) RETURNS integer
	AS 'MODULE_PATHNAME', 'bf16vec_vector_dims' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(bf16vec) IS 'number of dimensions';
CREATE FUNCTION l2_norm(bf16vec) RETURNS float8
	AS 'MODULE_PATHNAME', 'bf16vec_l2_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_norm(bf16vec) IS 'Euclidean norm';
CREATE FUNCTION l2_normalize(bf16vec) RETURNS bf16vec
	AS 'MODULE_PATHNAME', 'bf16vec_l2_normalize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_normalize(bf16vec) IS 'vector scaled to Euclidean norm 1';
CREATE FUNCTION binary_quantize(bf16vec) RETURNS bit
	AS 'MODULE_PATHNAME', 'bf16vec_binary_quantize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION binary_quantize(bf16vec) IS 'one bit an element: whether it is positive';
CREATE FUNCTION subvector(bf16vec, integer, integer) RETURNS bf16vec
	AS 'MODULE_PATHNAME', 'bf16vec_subvector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(bf16vec, integer, integer) IS 'part of a vector: from a place, counted from 1, a number of elements';

-- Functions behind the operators, classes and aggregates of bf16vec

CREATE FUNCTION bf16vec_add(bf16vec, bf16vec) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_add(bf16vec, bf16vec) IS 'implementation of + operator';
CREATE FUNCTION bf16vec_sub(bf16vec, bf16vec) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_sub(bf16vec, bf16vec) IS 'implementation of - operator';
CREATE FUNCTION bf16vec_mul(bf16vec, bf16vec) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_mul(bf16vec, bf16vec) IS 'implementation of * operator';
CREATE FUNCTION bf16vec_concat(bf16vec, bf16vec) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_concat(bf16vec, bf16vec) IS 'implementation of || operator';
CREATE FUNCTION bf16vec_lt(bf16vec, bf16vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_lt(bf16vec, bf16vec) IS 'implementation of < operator';
CREATE FUNCTION bf16vec_le(bf16vec, bf16vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_le(bf16vec, bf16vec) IS 'implementation of <= operator';
CREATE FUNCTION bf16vec_eq(bf16vec, bf16vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_eq(bf16vec, bf16vec) IS 'implementation of = operator';
CREATE FUNCTION bf16vec_ne(bf16vec, bf16vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_ne(bf16vec, bf16vec) IS 'implementation of <> operator';
CREATE FUNCTION bf16vec_ge(bf16vec, bf16vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_ge(bf16vec, bf16vec) IS 'implementation of >= operator';
CREATE FUNCTION bf16vec_gt(bf16vec, bf16vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_gt(bf16vec, bf16vec) IS 'implementation of > operator';
CREATE FUNCTION bf16vec_cmp(bf16vec, bf16vec) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_cmp(bf16vec, bf16vec) IS 'less-equal-greater';
CREATE FUNCTION bf16vec_hash(bf16vec) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_hash(bf16vec) IS 'hash';
CREATE FUNCTION bf16vec_hash_extended(bf16vec, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_hash_extended(bf16vec, bigint) IS 'hash with a seed';
CREATE FUNCTION bf16vec_l2_squared_distance(bf16vec, bf16vec) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION bf16vec_l2_squared_distance(bf16vec, bf16vec) IS 'squared Euclidean distance';
CREATE FUNCTION bf16vec_negative_inner_product(bf16vec, bf16vec) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION bf16vec_negative_inner_product(bf16vec, bf16vec) IS 'implementation of <#> operator';
CREATE FUNCTION bf16vec_spherical_distance(bf16vec, bf16vec) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION bf16vec_spherical_distance(bf16vec, bf16vec) IS 'angle between unit vectors over pi';
CREATE FUNCTION bf16vec_accum(double precision[], bf16vec) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_accum(double precision[], bf16vec) IS 'aggregate transition function';
CREATE FUNCTION bf16vec_avg(double precision[]) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_avg(double precision[]) IS 'aggregate final function';
CREATE FUNCTION bf16vec_sum(double precision[]) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_sum(double precision[]) IS 'aggregate final function';
CREATE FUNCTION bf16vec_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'vector_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_combine(double precision[], double precision[]) IS 'aggregate combine function';

-- Aggregates of bf16vec

CREATE AGGREGATE avg(bf16vec) (
	SFUNC = bf16vec_accum,
	STYPE = double precision[],
	FINALFUNC = bf16vec_avg,
	COMBINEFUNC = bf16vec_combine,
	INITCOND = '{0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(bf16vec) IS 'the average (arithmetic mean), element by element, as bf16vec';
CREATE AGGREGATE sum(bf16vec) (
	SFUNC = bf16vec_accum,
	STYPE = double precision[],
	FINALFUNC = bf16vec_sum,
	COMBINEFUNC = bf16vec_combine,
	INITCOND = '{0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(bf16vec) IS 'sum, element by element, as bf16vec';

-- Operators of bf16vec

CREATE OPERATOR <-> (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = l2_distance,
	COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (bf16vec, bf16vec) IS 'Euclidean distance';
CREATE OPERATOR <#> (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = bf16vec_negative_inner_product,
	COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (bf16vec, bf16vec) IS 'negative inner product';
CREATE OPERATOR <=> (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = cosine_distance,
	COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (bf16vec, bf16vec) IS 'cosine distance';
CREATE OPERATOR <+> (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = l1_distance,
	COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (bf16vec, bf16vec) IS 'taxicab distance';
CREATE OPERATOR + (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = bf16vec_add,
	COMMUTATOR = +
);
COMMENT ON OPERATOR + (bf16vec, bf16vec) IS 'add, element by element';
CREATE OPERATOR - (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = bf16vec_sub
);
COMMENT ON OPERATOR - (bf16vec, bf16vec) IS 'subtract, element by element';
CREATE OPERATOR * (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = bf16vec_mul,
	COMMUTATOR = *
);
COMMENT ON OPERATOR * (bf16vec, bf16vec) IS 'multiply, element by element';
CREATE OPERATOR || (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = bf16vec_concat
);
COMMENT ON OPERATOR || (bf16vec, bf16vec) IS 'concatenate';
CREATE OPERATOR < (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = bf16vec_lt,
	COMMUTATOR = >, NEGATOR = >=,
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (bf16vec, bf16vec) IS 'less than';
CREATE OPERATOR <= (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = bf16vec_le,
	COMMUTATOR = >=, NEGATOR = >,
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (bf16vec, bf16vec) IS 'less than or equal';
CREATE OPERATOR = (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = bf16vec_eq,
	COMMUTATOR = =, NEGATOR = <>,
	RESTRICT = eqsel, JOIN = eqjoinsel,
	HASHES
);
COMMENT ON OPERATOR = (bf16vec, bf16vec) IS 'equal';
CREATE OPERATOR <> (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = bf16vec_ne,
	COMMUTATOR = <>, NEGATOR = =,
	RESTRICT = eqsel, JOIN = eqjoinsel
);
COMMENT ON OPERATOR <> (bf16vec, bf16vec) IS 'not equal';
CREATE OPERATOR >= (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = bf16vec_ge,
	COMMUTATOR = <=, NEGATOR = <,
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (bf16vec, bf16vec) IS 'greater than or equal';
CREATE OPERATOR > (
	LEFTARG = bf16vec, RIGHTARG = bf16vec, FUNCTION = bf16vec_gt,
	COMMUTATOR = <, NEGATOR = <=,
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (bf16vec, bf16vec) IS 'greater than';

-- Operator classes of bf16vec

CREATE OPERATOR CLASS bf16vec_ops
	DEFAULT FOR TYPE bf16vec USING btree AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 bf16vec_cmp(bf16vec, bf16vec);
COMMENT ON OPERATOR CLASS bf16vec_ops USING btree IS 'order by elements, then by the number of dimensions';
CREATE OPERATOR CLASS bf16vec_hash_ops
	DEFAULT FOR TYPE bf16vec USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 bf16vec_hash(bf16vec),
	FUNCTION 2 bf16vec_hash_extended(bf16vec, bigint);
COMMENT ON OPERATOR CLASS bf16vec_hash_ops USING hash IS 'equal vectors hash alike, -0 as 0';

-- Type int8vec

CREATE TYPE int8vec;
CREATE FUNCTION int8vec_in(cstring, oid, integer) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_in(cstring, oid, integer) IS 'I/O';
CREATE FUNCTION int8vec_out(int8vec) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_out(int8vec) IS 'I/O';
CREATE FUNCTION int8vec_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_typmod_in(cstring[]) IS 'I/O typmod';
CREATE FUNCTION int8vec_recv(internal, oid, integer) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_recv(internal, oid, integer) IS 'I/O';
CREATE FUNCTION int8vec_send(int8vec) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_send(int8vec) IS 'I/O';
CREATE TYPE int8vec (
	INPUT = int8vec_in,
	OUTPUT = int8vec_out,
	TYPMOD_IN = int8vec_typmod_in,
	RECEIVE = int8vec_recv,
	SEND = int8vec_send,
	STORAGE = external
);
COMMENT ON TYPE int8vec IS 'vector of signed 8-bit integer elements';

-- Functions of int8vec

CREATE FUNCTION l2_distance(int8vec, int8vec) RETURNS float8
	AS 'MODULE_PATHNAME', 'int8vec_l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION l2_distance(int8vec, int8vec) IS 'Euclidean distance';
CREATE FUNCTION inner_product(int8vec, int8vec) RETURNS float8
	AS 'MODULE_PATHNAME', 'int8vec_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION inner_product(int8vec, int8vec) IS 'inner product';
CREATE FUNCTION cosine_distance(int8vec, int8vec) RETURNS float8
	AS 'MODULE_PATHNAME', 'int8vec_cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION cosine_distance(int8vec, int8vec) IS 'cosine distance: 1 - cosine similarity';
CREATE FUNCTION l1_distance(int8vec, int8vec) RETURNS float8
	AS 'MODULE_PATHNAME', 'int8vec_l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION l1_distance(int8vec, int8vec) IS 'taxicab distance: sum of absolute differences';
CREATE FUNCTION vector_dims(int8vec) RETURNS integer
	AS 'MODULE_PATHNAME', 'int8vec_vector_dims' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(int8vec) IS 'number of dimensions';
CREATE FUNCTION l2_norm(int8vec) RETURNS float8
	AS 'MODULE_PATHNAME', 'int8vec_l2_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_norm(int8vec) IS 'Euclidean norm';
CREATE FUNCTION l2_normalize(int8vec) RETURNS vector
	AS 'MODULE_PATHNAME', 'int8vec_l2_normalize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_normalize(int8vec) IS 'vector scaled to Euclidean norm 1';
CREATE FUNCTION binary_quantize(int8vec) RETURNS bit
	AS 'MODULE_PATHNAME', 'int8vec_binary_quantize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION binary_quantize(int8vec) IS 'one bit an element: whether it is positive';
CREATE FUNCTION subvector(int8vec, integer, integer) RETURNS int8vec
	AS 'MODULE_PATHNAME', 'int8vec_subvector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(int8vec, integer, integer) IS 'part of a vector: from a place, counted from 1, a number of elements';

-- Functions behind the operators, classes and aggregates of int8vec

CREATE FUNCTION int8vec_add(int8vec, int8vec) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_add(int8vec, int8vec) IS 'implementation of + operator';
CREATE FUNCTION int8vec_sub(int8vec, int8vec) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_sub(int8vec, int8vec) IS 'implementation of - operator';
CREATE FUNCTION int8vec_mul(int8vec, int8vec) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_mul(int8vec, int8vec) IS 'implementation of * operator';
CREATE FUNCTION int8vec_concat(int8vec, int8vec) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_concat(int8vec, int8vec) IS 'implementation of || operator';
CREATE FUNCTION int8vec_lt(int8vec, int8vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_lt(int8vec, int8vec) IS 'implementation of < operator';
CREATE FUNCTION int8vec_le(int8vec, int8vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_le(int8vec, int8vec) IS 'implementation of <= operator';
CREATE FUNCTION int8vec_eq(int8vec, int8vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_eq(int8vec, int8vec) IS 'implementation of = operator';
CREATE FUNCTION int8vec_ne(int8vec, int8vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_ne(int8vec, int8vec) IS 'implementation of <> operator';
CREATE FUNCTION int8vec_ge(int8vec, int8vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_ge(int8vec, int8vec) IS 'implementation of >= operator';
CREATE FUNCTION int8vec_gt(int8vec, int8vec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_gt(int8vec, int8vec) IS 'implementation of > operator';
CREATE FUNCTION int8vec_cmp(int8vec, int8vec) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_cmp(int8vec, int8vec) IS 'less-equal-greater';
CREATE FUNCTION int8vec_hash(int8vec) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_hash(int8vec) IS 'hash';
CREATE FUNCTION int8vec_hash_extended(int8vec, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_hash_extended(int8vec, bigint) IS 'hash with a seed';
CREATE FUNCTION int8vec_l2_squared_distance(int8vec, int8vec) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION int8vec_l2_squared_distance(int8vec, int8vec) IS 'squared Euclidean distance';
CREATE FUNCTION int8vec_negative_inner_product(int8vec, int8vec) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION int8vec_negative_inner_product(int8vec, int8vec) IS 'implementation of <#> operator';
CREATE FUNCTION int8vec_spherical_distance(int8vec, int8vec) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION int8vec_spherical_distance(int8vec, int8vec) IS 'angle between unit vectors over pi';
CREATE FUNCTION int8vec_accum(double precision[], int8vec) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_accum(double precision[], int8vec) IS 'aggregate transition function';
CREATE FUNCTION int8vec_avg(double precision[]) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_avg(double precision[]) IS 'aggregate final function';
CREATE FUNCTION int8vec_sum(double precision[]) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_sum(double precision[]) IS 'aggregate final function';
CREATE FUNCTION int8vec_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'vector_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_combine(double precision[], double precision[]) IS 'aggregate combine function';

-- Aggregates of int8vec

CREATE AGGREGATE avg(int8vec) (
	SFUNC = int8vec_accum,
	STYPE = double precision[],
	FINALFUNC = int8vec_avg,
	COMBINEFUNC = int8vec_combine,
	INITCOND = '{0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(int8vec) IS 'the average (arithmetic mean), element by element, as vector';
CREATE AGGREGATE sum(int8vec) (
	SFUNC = int8vec_accum,
	STYPE = double precision[],
	FINALFUNC = int8vec_sum,
	COMBINEFUNC = int8vec_combine,
	INITCOND = '{0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(int8vec) IS 'sum, element by element, as vector';

-- Operators of int8vec

CREATE OPERATOR <-> (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = l2_distance,
	COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (int8vec, int8vec) IS 'Euclidean distance';
CREATE OPERATOR <#> (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_negative_inner_product,
	COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (int8vec, int8vec) IS 'negative inner product';
CREATE OPERATOR <=> (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = cosine_distance,
	COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (int8vec, int8vec) IS 'cosine distance';
CREATE OPERATOR <+> (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = l1_distance,
	COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (int8vec, int8vec) IS 'taxicab distance';
CREATE OPERATOR + (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_add,
	COMMUTATOR = +
);
COMMENT ON OPERATOR + (int8vec, int8vec) IS 'add, element by element';
CREATE OPERATOR - (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_sub
);
COMMENT ON OPERATOR - (int8vec, int8vec) IS 'subtract, element by element';
CREATE OPERATOR * (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_mul,
	COMMUTATOR = *
);
COMMENT ON OPERATOR * (int8vec, int8vec) IS 'multiply, element by element';
CREATE OPERATOR || (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_concat
);
COMMENT ON OPERATOR || (int8vec, int8vec) IS 'concatenate';
CREATE OPERATOR < (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_lt,
	COMMUTATOR = >, NEGATOR = >=,
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (int8vec, int8vec) IS 'less than';
CREATE OPERATOR <= (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_le,
	COMMUTATOR = >=, NEGATOR = >,
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (int8vec, int8vec) IS 'less than or equal';
CREATE OPERATOR = (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_eq,
	COMMUTATOR = =, NEGATOR = <>,
	RESTRICT = eqsel, JOIN = eqjoinsel,
	HASHES
);
COMMENT ON OPERATOR = (int8vec, int8vec) IS 'equal';
CREATE OPERATOR <> (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_ne,
	COMMUTATOR = <>, NEGATOR = =,
	RESTRICT = eqsel, JOIN = eqjoinsel
);
COMMENT ON OPERATOR <> (int8vec, int8vec) IS 'not equal';
CREATE OPERATOR >= (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_ge,
	COMMUTATOR = <=, NEGATOR = <,
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (int8vec, int8vec) IS 'greater than or equal';
CREATE OPERATOR > (
	LEFTARG = int8vec, RIGHTARG = int8vec, FUNCTION = int8vec_gt,
	COMMUTATOR = <, NEGATOR = <=,
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (int8vec, int8vec) IS 'greater than';

-- Operator classes of int8vec

CREATE OPERATOR CLASS int8vec_ops
	DEFAULT FOR TYPE int8vec USING btree AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 int8vec_cmp(int8vec, int8vec);
COMMENT ON OPERATOR CLASS int8vec_ops USING btree IS 'order by elements, then by the number of dimensions';
CREATE OPERATOR CLASS int8vec_hash_ops
	DEFAULT FOR TYPE int8vec USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 int8vec_hash(int8vec),
	FUNCTION 2 int8vec_hash_extended(int8vec, bigint);
COMMENT ON OPERATOR CLASS int8vec_hash_ops USING hash IS 'equal vectors hash alike, -0 as 0';

-- Type sparsevec

CREATE TYPE sparsevec;
CREATE FUNCTION sparsevec_in(cstring, oid, integer) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_in(cstring, oid, integer) IS 'I/O';
CREATE FUNCTION sparsevec_out(sparsevec) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_out(sparsevec) IS 'I/O';
CREATE FUNCTION sparsevec_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_typmod_in(cstring[]) IS 'I/O typmod';
CREATE FUNCTION sparsevec_recv(internal, oid, integer) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_recv(internal, oid, integer) IS 'I/O';
CREATE FUNCTION sparsevec_send(sparsevec) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_send(sparsevec) IS 'I/O';
CREATE TYPE sparsevec (
	INPUT = sparsevec_in,
	OUTPUT = sparsevec_out,
	TYPMOD_IN = sparsevec_typmod_in,
	RECEIVE = sparsevec_recv,
	SEND = sparsevec_send,
	STORAGE = external
);
COMMENT ON TYPE sparsevec IS 'sparse vector: indices and float32 values of its non-zero elements';

-- Functions of sparsevec

CREATE FUNCTION l2_distance(sparsevec, sparsevec) RETURNS float8
	AS 'MODULE_PATHNAME', 'sparsevec_l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION l2_distance(sparsevec, sparsevec) IS 'Euclidean distance';
CREATE FUNCTION inner_product(sparsevec, sparsevec) RETURNS float8
	AS 'MODULE_PATHNAME', 'sparsevec_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION inner_product(sparsevec, sparsevec) IS 'inner product';
CREATE FUNCTION cosine_distance(sparsevec, sparsevec) RETURNS float8
	AS 'MODULE_PATHNAME', 'sparsevec_cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION cosine_distance(sparsevec, sparsevec) IS 'cosine distance: 1 - cosine similarity';
CREATE FUNCTION l1_distance(sparsevec, sparsevec) RETURNS float8
	AS 'MODULE_PATHNAME', 'sparsevec_l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION l1_distance(sparsevec, sparsevec) IS 'taxicab distance: sum of absolute differences';
CREATE FUNCTION l2_norm(sparsevec) RETURNS float8
	AS 'MODULE_PATHNAME', 'sparsevec_l2_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_norm(sparsevec) IS 'Euclidean norm';
CREATE FUNCTION l2_normalize(sparsevec) RETURNS sparsevec
	AS 'MODULE_PATHNAME', 'sparsevec_l2_normalize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_normalize(sparsevec) IS 'vector scaled to Euclidean norm 1';

-- Functions behind the operators, classes and aggregates of sparsevec

CREATE FUNCTION sparsevec_lt(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_lt(sparsevec, sparsevec) IS 'implementation of < operator';
CREATE FUNCTION sparsevec_le(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_le(sparsevec, sparsevec) IS 'implementation of <= operator';
CREATE FUNCTION sparsevec_eq(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_eq(sparsevec, sparsevec) IS 'implementation of = operator';
CREATE FUNCTION sparsevec_ne(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_ne(sparsevec, sparsevec) IS 'implementation of <> operator';
CREATE FUNCTION sparsevec_ge(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_ge(sparsevec, sparsevec) IS 'implementation of >= operator';
CREATE FUNCTION sparsevec_gt(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_gt(sparsevec, sparsevec) IS 'implementation of > operator';
CREATE FUNCTION sparsevec_cmp(sparsevec, sparsevec) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_cmp(sparsevec, sparsevec) IS 'less-equal-greater';
CREATE FUNCTION sparsevec_hash(sparsevec) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_hash(sparsevec) IS 'hash';
CREATE FUNCTION sparsevec_hash_extended(sparsevec, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_hash_extended(sparsevec, bigint) IS 'hash with a seed';
CREATE FUNCTION sparsevec_l2_squared_distance(sparsevec, sparsevec) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION sparsevec_l2_squared_distance(sparsevec, sparsevec) IS 'squared Euclidean distance';
CREATE FUNCTION sparsevec_negative_inner_product(sparsevec, sparsevec) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION sparsevec_negative_inner_product(sparsevec, sparsevec) IS 'implementation of <#> operator';

-- Operators of sparsevec

CREATE OPERATOR <-> (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = l2_distance,
	COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (sparsevec, sparsevec) IS 'Euclidean distance';
CREATE OPERATOR <#> (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_negative_inner_product,
	COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (sparsevec, sparsevec) IS 'negative inner product';
CREATE OPERATOR <=> (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = cosine_distance,
	COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (sparsevec, sparsevec) IS 'cosine distance';
CREATE OPERATOR <+> (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = l1_distance,
	COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (sparsevec, sparsevec) IS 'taxicab distance';
CREATE OPERATOR < (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_lt,
	COMMUTATOR = >, NEGATOR = >=,
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (sparsevec, sparsevec) IS 'less than';
CREATE OPERATOR <= (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_le,
	COMMUTATOR = >=, NEGATOR = >,
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (sparsevec, sparsevec) IS 'less than or equal';
CREATE OPERATOR = (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_eq,
	COMMUTATOR = =, NEGATOR = <>,
	RESTRICT = eqsel, JOIN = eqjoinsel,
	HASHES
);
COMMENT ON OPERATOR = (sparsevec, sparsevec) IS 'equal';
CREATE OPERATOR <> (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_ne,
	COMMUTATOR = <>, NEGATOR = =,
	RESTRICT = eqsel, JOIN = eqjoinsel
);
COMMENT ON OPERATOR <> (sparsevec, sparsevec) IS 'not equal';
CREATE OPERATOR >= (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_ge,
	COMMUTATOR = <=, NEGATOR = <,
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (sparsevec, sparsevec) IS 'greater than or equal';
CREATE OPERATOR > (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_gt,
	COMMUTATOR = <, NEGATOR = <=,
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (sparsevec, sparsevec) IS 'greater than';

-- Operator classes of sparsevec

CREATE OPERATOR CLASS sparsevec_ops
	DEFAULT FOR TYPE sparsevec USING btree AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 sparsevec_cmp(sparsevec, sparsevec);
COMMENT ON OPERATOR CLASS sparsevec_ops USING btree IS 'order by elements, then by the number of dimensions';
CREATE OPERATOR CLASS sparsevec_hash_ops
	DEFAULT FOR TYPE sparsevec USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 sparsevec_hash(sparsevec),
	FUNCTION 2 sparsevec_hash_extended(sparsevec, bigint);
COMMENT ON OPERATOR CLASS sparsevec_hash_ops USING hash IS 'equal vectors hash alike, -0 as 0';

-- Binary vectors

CREATE FUNCTION hamming_distance(bit, bit) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION hamming_distance(bit, bit) IS 'Hamming distance: number of bits that differ';
CREATE FUNCTION jaccard_distance(bit, bit) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_distance_support;
COMMENT ON FUNCTION jaccard_distance(bit, bit) IS 'Jaccard distance: 1 - common bits / bits of either';
CREATE OPERATOR <~> (
	LEFTARG = bit, RIGHTARG = bit, FUNCTION = hamming_distance,
	COMMUTATOR = <~>
);
COMMENT ON OPERATOR <~> (bit, bit) IS 'Hamming distance';
CREATE OPERATOR <%> (
	LEFTARG = bit, RIGHTARG = bit, FUNCTION = jaccard_distance,
	COMMUTATOR = <%>
);
COMMENT ON OPERATOR <%> (bit, bit) IS 'Jaccard distance';

-- Casts

CREATE FUNCTION vector(vector, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector(vector, integer, boolean) IS 'checks the number of dimensions';
CREATE CAST (vector AS vector) WITH FUNCTION vector(vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (vector AS vector) IS 'checks the number of dimensions';
CREATE FUNCTION halfvec(halfvec, integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec(halfvec, integer, boolean) IS 'checks the number of dimensions';
CREATE CAST (halfvec AS halfvec) WITH FUNCTION halfvec(halfvec, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (halfvec AS halfvec) IS 'checks the number of dimensions';
CREATE FUNCTION bf16vec(bf16vec, integer, boolean) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec(bf16vec, integer, boolean) IS 'checks the number of dimensions';
CREATE CAST (bf16vec AS bf16vec) WITH FUNCTION bf16vec(bf16vec, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (bf16vec AS bf16vec) IS 'checks the number of dimensions';
CREATE FUNCTION int8vec(int8vec, integer, boolean) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec(int8vec, integer, boolean) IS 'checks the number of dimensions';
CREATE CAST (int8vec AS int8vec) WITH FUNCTION int8vec(int8vec, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (int8vec AS int8vec) IS 'checks the number of dimensions';
CREATE FUNCTION sparsevec(sparsevec, integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec(sparsevec, integer, boolean) IS 'checks the number of dimensions';
CREATE CAST (sparsevec AS sparsevec) WITH FUNCTION sparsevec(sparsevec, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (sparsevec AS sparsevec) IS 'checks the number of dimensions';
CREATE FUNCTION array_to_vector(smallint[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(smallint[], integer, boolean) IS 'array to vector';
CREATE CAST (smallint[] AS vector) WITH FUNCTION array_to_vector(smallint[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (smallint[] AS vector) IS 'array to vector';
CREATE FUNCTION array_to_vector(integer[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(integer[], integer, boolean) IS 'array to vector';
CREATE CAST (integer[] AS vector) WITH FUNCTION array_to_vector(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS vector) IS 'array to vector';
CREATE FUNCTION array_to_vector(bigint[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(bigint[], integer, boolean) IS 'array to vector';
CREATE CAST (bigint[] AS vector) WITH FUNCTION array_to_vector(bigint[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (bigint[] AS vector) IS 'array to vector';
CREATE FUNCTION array_to_vector(real[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(real[], integer, boolean) IS 'array to vector';
CREATE CAST (real[] AS vector) WITH FUNCTION array_to_vector(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS vector) IS 'array to vector';
CREATE FUNCTION array_to_vector(double precision[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(double precision[], integer, boolean) IS 'array to vector';
CREATE CAST (double precision[] AS vector) WITH FUNCTION array_to_vector(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS vector) IS 'array to vector';
CREATE FUNCTION array_to_vector(numeric[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(numeric[], integer, boolean) IS 'array to vector';
CREATE CAST (numeric[] AS vector) WITH FUNCTION array_to_vector(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS vector) IS 'array to vector';
CREATE FUNCTION array_to_halfvec(smallint[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(smallint[], integer, boolean) IS 'array to halfvec';
CREATE CAST (smallint[] AS halfvec) WITH FUNCTION array_to_halfvec(smallint[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (smallint[] AS halfvec) IS 'array to halfvec';
CREATE FUNCTION array_to_halfvec(integer[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(integer[], integer, boolean) IS 'array to halfvec';
CREATE CAST (integer[] AS halfvec) WITH FUNCTION array_to_halfvec(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS halfvec) IS 'array to halfvec';
CREATE FUNCTION array_to_halfvec(bigint[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(bigint[], integer, boolean) IS 'array to halfvec';
CREATE CAST (bigint[] AS halfvec) WITH FUNCTION array_to_halfvec(bigint[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (bigint[] AS halfvec) IS 'array to halfvec';
CREATE FUNCTION array_to_halfvec(real[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(real[], integer, boolean) IS 'array to halfvec';
CREATE CAST (real[] AS halfvec) WITH FUNCTION array_to_halfvec(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS halfvec) IS 'array to halfvec';
CREATE FUNCTION array_to_halfvec(double precision[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(double precision[], integer, boolean) IS 'array to halfvec';
CREATE CAST (double precision[] AS halfvec) WITH FUNCTION array_to_halfvec(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS halfvec) IS 'array to halfvec';
CREATE FUNCTION array_to_halfvec(numeric[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(numeric[], integer, boolean) IS 'array to halfvec';
CREATE CAST (numeric[] AS halfvec) WITH FUNCTION array_to_halfvec(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS halfvec) IS 'array to halfvec';
CREATE FUNCTION array_to_bf16vec(smallint[], integer, boolean) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_bf16vec(smallint[], integer, boolean) IS 'array to bf16vec';
CREATE CAST (smallint[] AS bf16vec) WITH FUNCTION array_to_bf16vec(smallint[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (smallint[] AS bf16vec) IS 'array to bf16vec';
CREATE FUNCTION array_to_bf16vec(integer[], integer, boolean) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_bf16vec(integer[], integer, boolean) IS 'array to bf16vec';
CREATE CAST (integer[] AS bf16vec) WITH FUNCTION array_to_bf16vec(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS bf16vec) IS 'array to bf16vec';
CREATE FUNCTION array_to_bf16vec(bigint[], integer, boolean) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_bf16vec(bigint[], integer, boolean) IS 'array to bf16vec';
CREATE CAST (bigint[] AS bf16vec) WITH FUNCTION array_to_bf16vec(bigint[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (bigint[] AS bf16vec) IS 'array to bf16vec';
CREATE FUNCTION array_to_bf16vec(real[], integer, boolean) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_bf16vec(real[], integer, boolean) IS 'array to bf16vec';
CREATE CAST (real[] AS bf16vec) WITH FUNCTION array_to_bf16vec(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS bf16vec) IS 'array to bf16vec';
CREATE FUNCTION array_to_bf16vec(double precision[], integer, boolean) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_bf16vec(double precision[], integer, boolean) IS 'array to bf16vec';
CREATE CAST (double precision[] AS bf16vec) WITH FUNCTION array_to_bf16vec(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS bf16vec) IS 'array to bf16vec';
CREATE FUNCTION array_to_bf16vec(numeric[], integer, boolean) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_bf16vec(numeric[], integer, boolean) IS 'array to bf16vec';
CREATE CAST (numeric[] AS bf16vec) WITH FUNCTION array_to_bf16vec(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS bf16vec) IS 'array to bf16vec';
CREATE FUNCTION array_to_int8vec(smallint[], integer, boolean) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_int8vec(smallint[], integer, boolean) IS 'array to int8vec';
CREATE CAST (smallint[] AS int8vec) WITH FUNCTION array_to_int8vec(smallint[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (smallint[] AS int8vec) IS 'array to int8vec';
CREATE FUNCTION array_to_int8vec(integer[], integer, boolean) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_int8vec(integer[], integer, boolean) IS 'array to int8vec';
CREATE CAST (integer[] AS int8vec) WITH FUNCTION array_to_int8vec(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS int8vec) IS 'array to int8vec';
CREATE FUNCTION array_to_int8vec(bigint[], integer, boolean) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_int8vec(bigint[], integer, boolean) IS 'array to int8vec';
CREATE CAST (bigint[] AS int8vec) WITH FUNCTION array_to_int8vec(bigint[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (bigint[] AS int8vec) IS 'array to int8vec';
CREATE FUNCTION array_to_int8vec(real[], integer, boolean) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_int8vec(real[], integer, boolean) IS 'array to int8vec';
CREATE CAST (real[] AS int8vec) WITH FUNCTION array_to_int8vec(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS int8vec) IS 'array to int8vec';
CREATE FUNCTION array_to_int8vec(double precision[], integer, boolean) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_int8vec(double precision[], integer, boolean) IS 'array to int8vec';
CREATE CAST (double precision[] AS int8vec) WITH FUNCTION array_to_int8vec(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS int8vec) IS 'array to int8vec';
CREATE FUNCTION array_to_int8vec(numeric[], integer, boolean) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_int8vec(numeric[], integer, boolean) IS 'array to int8vec';
CREATE CAST (numeric[] AS int8vec) WITH FUNCTION array_to_int8vec(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS int8vec) IS 'array to int8vec';
CREATE FUNCTION array_to_sparsevec(smallint[], integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_sparsevec(smallint[], integer, boolean) IS 'array to sparsevec';
CREATE CAST (smallint[] AS sparsevec) WITH FUNCTION array_to_sparsevec(smallint[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (smallint[] AS sparsevec) IS 'array to sparsevec';
CREATE FUNCTION array_to_sparsevec(integer[], integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_sparsevec(integer[], integer, boolean) IS 'array to sparsevec';
CREATE CAST (integer[] AS sparsevec) WITH FUNCTION array_to_sparsevec(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS sparsevec) IS 'array to sparsevec';
CREATE FUNCTION array_to_sparsevec(bigint[], integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_sparsevec(bigint[], integer, boolean) IS 'array to sparsevec';
CREATE CAST (bigint[] AS sparsevec) WITH FUNCTION array_to_sparsevec(bigint[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (bigint[] AS sparsevec) IS 'array to sparsevec';
CREATE FUNCTION array_to_sparsevec(real[], integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_sparsevec(real[], integer, boolean) IS 'array to sparsevec';
CREATE CAST (real[] AS sparsevec) WITH FUNCTION array_to_sparsevec(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS sparsevec) IS 'array to sparsevec';
CREATE FUNCTION array_to_sparsevec(double precision[], integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_sparsevec(double precision[], integer, boolean) IS 'array to sparsevec';
CREATE CAST (double precision[] AS sparsevec) WITH FUNCTION array_to_sparsevec(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS sparsevec) IS 'array to sparsevec';
CREATE FUNCTION array_to_sparsevec(numeric[], integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_sparsevec(numeric[], integer, boolean) IS 'array to sparsevec';
CREATE CAST (numeric[] AS sparsevec) WITH FUNCTION array_to_sparsevec(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS sparsevec) IS 'array to sparsevec';
CREATE FUNCTION vector_to_float4(vector, integer, boolean) RETURNS real[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_float4(vector, integer, boolean) IS 'vector to array';
CREATE CAST (vector AS real[]) WITH FUNCTION vector_to_float4(vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (vector AS real[]) IS 'vector to array';
CREATE FUNCTION halfvec_to_float4(halfvec, integer, boolean) RETURNS real[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_to_float4(halfvec, integer, boolean) IS 'halfvec to array';
CREATE CAST (halfvec AS real[]) WITH FUNCTION halfvec_to_float4(halfvec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (halfvec AS real[]) IS 'halfvec to array';
CREATE FUNCTION bf16vec_to_float4(bf16vec, integer, boolean) RETURNS real[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_to_float4(bf16vec, integer, boolean) IS 'bf16vec to array';
CREATE CAST (bf16vec AS real[]) WITH FUNCTION bf16vec_to_float4(bf16vec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (bf16vec AS real[]) IS 'bf16vec to array';
CREATE FUNCTION int8vec_to_float4(int8vec, integer, boolean) RETURNS real[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_to_float4(int8vec, integer, boolean) IS 'int8vec to array';
CREATE CAST (int8vec AS real[]) WITH FUNCTION int8vec_to_float4(int8vec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (int8vec AS real[]) IS 'int8vec to array';
CREATE FUNCTION vector_to_halfvec(vector, integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_halfvec(vector, integer, boolean) IS 'vector to halfvec';
CREATE CAST (vector AS halfvec) WITH FUNCTION vector_to_halfvec(vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (vector AS halfvec) IS 'vector to halfvec';
CREATE FUNCTION vector_to_bf16vec(vector, integer, boolean) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_bf16vec(vector, integer, boolean) IS 'vector to bf16vec';
CREATE CAST (vector AS bf16vec) WITH FUNCTION vector_to_bf16vec(vector, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (vector AS bf16vec) IS 'vector to bf16vec';
CREATE FUNCTION vector_to_int8vec(vector, integer, boolean) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_int8vec(vector, integer, boolean) IS 'vector to int8vec';
CREATE CAST (vector AS int8vec) WITH FUNCTION vector_to_int8vec(vector, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (vector AS int8vec) IS 'vector to int8vec';
CREATE FUNCTION vector_to_sparsevec(vector, integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_sparsevec(vector, integer, boolean) IS 'vector to sparsevec';
CREATE CAST (vector AS sparsevec) WITH FUNCTION vector_to_sparsevec(vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (vector AS sparsevec) IS 'vector to sparsevec';
CREATE FUNCTION halfvec_to_vector(halfvec, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_to_vector(halfvec, integer, boolean) IS 'halfvec to vector';
CREATE CAST (halfvec AS vector) WITH FUNCTION halfvec_to_vector(halfvec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (halfvec AS vector) IS 'halfvec to vector';
CREATE FUNCTION halfvec_to_bf16vec(halfvec, integer, boolean) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_to_bf16vec(halfvec, integer, boolean) IS 'halfvec to bf16vec';
CREATE CAST (halfvec AS bf16vec) WITH FUNCTION halfvec_to_bf16vec(halfvec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (halfvec AS bf16vec) IS 'halfvec to bf16vec';
CREATE FUNCTION halfvec_to_int8vec(halfvec, integer, boolean) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_to_int8vec(halfvec, integer, boolean) IS 'halfvec to int8vec';
CREATE CAST (halfvec AS int8vec) WITH FUNCTION halfvec_to_int8vec(halfvec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (halfvec AS int8vec) IS 'halfvec to int8vec';
CREATE FUNCTION halfvec_to_sparsevec(halfvec, integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_to_sparsevec(halfvec, integer, boolean) IS 'halfvec to sparsevec';
CREATE CAST (halfvec AS sparsevec) WITH FUNCTION halfvec_to_sparsevec(halfvec, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (halfvec AS sparsevec) IS 'halfvec to sparsevec';
CREATE FUNCTION bf16vec_to_vector(bf16vec, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_to_vector(bf16vec, integer, boolean) IS 'bf16vec to vector';
CREATE CAST (bf16vec AS vector) WITH FUNCTION bf16vec_to_vector(bf16vec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (bf16vec AS vector) IS 'bf16vec to vector';
CREATE FUNCTION bf16vec_to_halfvec(bf16vec, integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_to_halfvec(bf16vec, integer, boolean) IS 'bf16vec to halfvec';
CREATE CAST (bf16vec AS halfvec) WITH FUNCTION bf16vec_to_halfvec(bf16vec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (bf16vec AS halfvec) IS 'bf16vec to halfvec';
CREATE FUNCTION bf16vec_to_int8vec(bf16vec, integer, boolean) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_to_int8vec(bf16vec, integer, boolean) IS 'bf16vec to int8vec';
CREATE CAST (bf16vec AS int8vec) WITH FUNCTION bf16vec_to_int8vec(bf16vec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (bf16vec AS int8vec) IS 'bf16vec to int8vec';
CREATE FUNCTION bf16vec_to_sparsevec(bf16vec, integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bf16vec_to_sparsevec(bf16vec, integer, boolean) IS 'bf16vec to sparsevec';
CREATE CAST (bf16vec AS sparsevec) WITH FUNCTION bf16vec_to_sparsevec(bf16vec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (bf16vec AS sparsevec) IS 'bf16vec to sparsevec';
CREATE FUNCTION int8vec_to_vector(int8vec, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_to_vector(int8vec, integer, boolean) IS 'int8vec to vector';
CREATE CAST (int8vec AS vector) WITH FUNCTION int8vec_to_vector(int8vec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (int8vec AS vector) IS 'int8vec to vector';
CREATE FUNCTION int8vec_to_halfvec(int8vec, integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_to_halfvec(int8vec, integer, boolean) IS 'int8vec to halfvec';
CREATE CAST (int8vec AS halfvec) WITH FUNCTION int8vec_to_halfvec(int8vec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (int8vec AS halfvec) IS 'int8vec to halfvec';
CREATE FUNCTION int8vec_to_bf16vec(int8vec, integer, boolean) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_to_bf16vec(int8vec, integer, boolean) IS 'int8vec to bf16vec';
CREATE CAST (int8vec AS bf16vec) WITH FUNCTION int8vec_to_bf16vec(int8vec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (int8vec AS bf16vec) IS 'int8vec to bf16vec';
CREATE FUNCTION int8vec_to_sparsevec(int8vec, integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8vec_to_sparsevec(int8vec, integer, boolean) IS 'int8vec to sparsevec';
CREATE CAST (int8vec AS sparsevec) WITH FUNCTION int8vec_to_sparsevec(int8vec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (int8vec AS sparsevec) IS 'int8vec to sparsevec';
CREATE FUNCTION sparsevec_to_vector(sparsevec, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_to_vector(sparsevec, integer, boolean) IS 'sparsevec to vector';
CREATE CAST (sparsevec AS vector) WITH FUNCTION sparsevec_to_vector(sparsevec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (sparsevec AS vector) IS 'sparsevec to vector';
CREATE FUNCTION sparsevec_to_halfvec(sparsevec, integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_to_halfvec(sparsevec, integer, boolean) IS 'sparsevec to halfvec';
CREATE CAST (sparsevec AS halfvec) WITH FUNCTION sparsevec_to_halfvec(sparsevec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (sparsevec AS halfvec) IS 'sparsevec to halfvec';
CREATE FUNCTION sparsevec_to_bf16vec(sparsevec, integer, boolean) RETURNS bf16vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_to_bf16vec(sparsevec, integer, boolean) IS 'sparsevec to bf16vec';
CREATE CAST (sparsevec AS bf16vec) WITH FUNCTION sparsevec_to_bf16vec(sparsevec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (sparsevec AS bf16vec) IS 'sparsevec to bf16vec';
CREATE FUNCTION sparsevec_to_int8vec(sparsevec, integer, boolean) RETURNS int8vec
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_to_int8vec(sparsevec, integer, boolean) IS 'sparsevec to int8vec';
CREATE CAST (sparsevec AS int8vec) WITH FUNCTION sparsevec_to_int8vec(sparsevec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (sparsevec AS int8vec) IS 'sparsevec to int8vec';

-- access method hnsw

CREATE FUNCTION hnswhandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION hnswhandler(internal) IS 'handler of the access method hnsw';
CREATE ACCESS METHOD hnsw TYPE INDEX HANDLER hnswhandler;
COMMENT ON ACCESS METHOD hnsw IS 'nearest neighbours by a graph: hierarchical navigable small world';
CREATE FUNCTION hnsw_halfvec_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION hnsw_halfvec_support(internal) IS 'names the type halfvec to hnsw';
CREATE FUNCTION hnsw_bit_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION hnsw_bit_support(internal) IS 'names the type bit to hnsw';
CREATE FUNCTION hnsw_sparsevec_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION hnsw_sparsevec_support(internal) IS 'names the type sparsevec to hnsw';
CREATE OPERATOR CLASS vector_l2_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_l2_squared_distance(vector, vector);
COMMENT ON OPERATOR CLASS vector_l2_ops USING hnsw IS 'nearest neighbours of a vector by Euclidean distance';
CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_negative_inner_product(vector, vector);
COMMENT ON OPERATOR CLASS vector_ip_ops USING hnsw IS 'nearest neighbours of a vector by inner product';
CREATE OPERATOR CLASS vector_cosine_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_negative_inner_product(vector, vector),
	FUNCTION 2 vector_norm(vector);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING hnsw IS 'nearest neighbours of a vector by cosine distance';
CREATE OPERATOR CLASS vector_l1_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <+> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 l1_distance(vector, vector);
COMMENT ON OPERATOR CLASS vector_l1_ops USING hnsw IS 'nearest neighbours of a vector by taxicab distance';
CREATE OPERATOR CLASS halfvec_l2_ops FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 halfvec_l2_squared_distance(halfvec, halfvec),
	FUNCTION 3 hnsw_halfvec_support(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING hnsw IS 'nearest neighbours of a halfvec by Euclidean distance';
CREATE OPERATOR CLASS halfvec_ip_ops FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 halfvec_negative_inner_product(halfvec, halfvec),
	FUNCTION 3 hnsw_halfvec_support(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING hnsw IS 'nearest neighbours of a halfvec by inner product';
CREATE OPERATOR CLASS halfvec_cosine_ops FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 halfvec_negative_inner_product(halfvec, halfvec),
	FUNCTION 2 l2_norm(halfvec),
	FUNCTION 3 hnsw_halfvec_support(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING hnsw IS 'nearest neighbours of a halfvec by cosine distance';
CREATE OPERATOR CLASS halfvec_l1_ops FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <+> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 l1_distance(halfvec, halfvec),
	FUNCTION 3 hnsw_halfvec_support(internal);
COMMENT ON OPERATOR CLASS halfvec_l1_ops USING hnsw IS 'nearest neighbours of a halfvec by taxicab distance';
CREATE OPERATOR CLASS sparsevec_l2_ops FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <-> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 sparsevec_l2_squared_distance(sparsevec, sparsevec),
	FUNCTION 3 hnsw_sparsevec_support(internal);
COMMENT ON OPERATOR CLASS sparsevec_l2_ops USING hnsw IS 'nearest neighbours of a sparsevec by Euclidean distance';
CREATE OPERATOR CLASS sparsevec_ip_ops FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <#> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 sparsevec_negative_inner_product(sparsevec, sparsevec),
	FUNCTION 3 hnsw_sparsevec_support(internal);
COMMENT ON OPERATOR CLASS sparsevec_ip_ops USING hnsw IS 'nearest neighbours of a sparsevec by inner product';
CREATE OPERATOR CLASS sparsevec_cosine_ops FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <=> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 sparsevec_negative_inner_product(sparsevec, sparsevec),
	FUNCTION 2 l2_norm(sparsevec),
	FUNCTION 3 hnsw_sparsevec_support(internal);
COMMENT ON OPERATOR CLASS sparsevec_cosine_ops USING hnsw IS 'nearest neighbours of a sparsevec by cosine distance';
CREATE OPERATOR CLASS sparsevec_l1_ops FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <+> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 l1_distance(sparsevec, sparsevec),
	FUNCTION 3 hnsw_sparsevec_support(internal);
COMMENT ON OPERATOR CLASS sparsevec_l1_ops USING hnsw IS 'nearest neighbours of a sparsevec by taxicab distance';
CREATE OPERATOR CLASS bf16vec_l2_ops FOR TYPE bf16vec USING hnsw AS
	OPERATOR 1 <-> (bf16vec, bf16vec) FOR ORDER BY float_ops,
	FUNCTION 1 bf16vec_l2_squared_distance(bf16vec, bf16vec);
COMMENT ON OPERATOR CLASS bf16vec_l2_ops USING hnsw IS 'nearest neighbours of a bf16vec by Euclidean distance';
CREATE OPERATOR CLASS bf16vec_ip_ops FOR TYPE bf16vec USING hnsw AS
	OPERATOR 1 <#> (bf16vec, bf16vec) FOR ORDER BY float_ops,
	FUNCTION 1 bf16vec_negative_inner_product(bf16vec, bf16vec);
COMMENT ON OPERATOR CLASS bf16vec_ip_ops USING hnsw IS 'nearest neighbours of a bf16vec by inner product';
CREATE OPERATOR CLASS bf16vec_cosine_ops FOR TYPE bf16vec USING hnsw AS
	OPERATOR 1 <=> (bf16vec, bf16vec) FOR ORDER BY float_ops,
	FUNCTION 1 bf16vec_negative_inner_product(bf16vec, bf16vec),
	FUNCTION 2 l2_norm(bf16vec);
COMMENT ON OPERATOR CLASS bf16vec_cosine_ops USING hnsw IS 'nearest neighbours of a bf16vec by cosine distance';
CREATE OPERATOR CLASS bf16vec_l1_ops FOR TYPE bf16vec USING hnsw AS
	OPERATOR 1 <+> (bf16vec, bf16vec) FOR ORDER BY float_ops,
	FUNCTION 1 l1_distance(bf16vec, bf16vec);
COMMENT ON OPERATOR CLASS bf16vec_l1_ops USING hnsw IS 'nearest neighbours of a bf16vec by taxicab distance';
CREATE OPERATOR CLASS int8vec_l2_ops FOR TYPE int8vec USING hnsw AS
	OPERATOR 1 <-> (int8vec, int8vec) FOR ORDER BY float_ops,
	FUNCTION 1 int8vec_l2_squared_distance(int8vec, int8vec);
COMMENT ON OPERATOR CLASS int8vec_l2_ops USING hnsw IS 'nearest neighbours of a int8vec by Euclidean distance';
CREATE OPERATOR CLASS int8vec_ip_ops FOR TYPE int8vec USING hnsw AS
	OPERATOR 1 <#> (int8vec, int8vec) FOR ORDER BY float_ops,
	FUNCTION 1 int8vec_negative_inner_product(int8vec, int8vec);
COMMENT ON OPERATOR CLASS int8vec_ip_ops USING hnsw IS 'nearest neighbours of a int8vec by inner product';
CREATE OPERATOR CLASS int8vec_cosine_ops FOR TYPE int8vec USING hnsw AS
	OPERATOR 1 <=> (int8vec, int8vec) FOR ORDER BY float_ops,
	FUNCTION 1 int8vec_negative_inner_product(int8vec, int8vec),
	FUNCTION 2 l2_norm(int8vec);
COMMENT ON OPERATOR CLASS int8vec_cosine_ops USING hnsw IS 'nearest neighbours of a int8vec by cosine distance';
CREATE OPERATOR CLASS int8vec_l1_ops FOR TYPE int8vec USING hnsw AS
	OPERATOR 1 <+> (int8vec, int8vec) FOR ORDER BY float_ops,
	FUNCTION 1 l1_distance(int8vec, int8vec);
COMMENT ON OPERATOR CLASS int8vec_l1_ops USING hnsw IS 'nearest neighbours of a int8vec by taxicab distance';
CREATE OPERATOR CLASS bit_hamming_ops FOR TYPE bit USING hnsw AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 hamming_distance(bit, bit),
	FUNCTION 3 hnsw_bit_support(internal);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING hnsw IS 'nearest neighbours of a bit string by Hamming distance';
CREATE OPERATOR CLASS bit_jaccard_ops FOR TYPE bit USING hnsw AS
	OPERATOR 1 <%> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 jaccard_distance(bit, bit),
	FUNCTION 3 hnsw_bit_support(internal);
COMMENT ON OPERATOR CLASS bit_jaccard_ops USING hnsw IS 'nearest neighbours of a bit string by Jaccard distance';

-- access methods ivfflat and ivf

CREATE FUNCTION ivfflathandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION ivfflathandler(internal) IS 'handler of the access method ivfflat';
CREATE ACCESS METHOD ivfflat TYPE INDEX HANDLER ivfflathandler;
COMMENT ON ACCESS METHOD ivfflat IS 'nearest neighbours by inverted lists of vectors';
CREATE FUNCTION ivfhandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION ivfhandler(internal) IS 'handler of the access method ivf';
CREATE ACCESS METHOD ivf TYPE INDEX HANDLER ivfhandler;
COMMENT ON ACCESS METHOD ivf IS 'nearest neighbours by inverted lists of codes';
CREATE FUNCTION ivfflat_halfvec_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION ivfflat_halfvec_support(internal) IS 'names the type halfvec to ivfflat';
CREATE FUNCTION ivfflat_bit_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION ivfflat_bit_support(internal) IS 'names the type bit to ivfflat';
CREATE OPERATOR CLASS vector_l2_ops DEFAULT FOR TYPE vector USING ivfflat AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_l2_squared_distance(vector, vector),
	FUNCTION 3 l2_distance(vector, vector);
COMMENT ON OPERATOR CLASS vector_l2_ops USING ivfflat IS 'nearest neighbours of a vector by Euclidean distance';
CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING ivfflat AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_negative_inner_product(vector, vector),
	FUNCTION 3 vector_spherical_distance(vector, vector),
	FUNCTION 4 vector_norm(vector);
COMMENT ON OPERATOR CLASS vector_ip_ops USING ivfflat IS 'nearest neighbours of a vector by inner product';
CREATE OPERATOR CLASS vector_cosine_ops FOR TYPE vector USING ivfflat AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_negative_inner_product(vector, vector),
	FUNCTION 2 vector_norm(vector),
	FUNCTION 3 vector_spherical_distance(vector, vector),
	FUNCTION 4 vector_norm(vector);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING ivfflat IS 'nearest neighbours of a vector by cosine distance';
CREATE OPERATOR CLASS halfvec_l2_ops FOR TYPE halfvec USING ivfflat AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 halfvec_l2_squared_distance(halfvec, halfvec),
	FUNCTION 3 l2_distance(halfvec, halfvec),
	FUNCTION 5 ivfflat_halfvec_support(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING ivfflat IS 'nearest neighbours of a halfvec by Euclidean distance';
CREATE OPERATOR CLASS halfvec_ip_ops FOR TYPE halfvec USING ivfflat AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 halfvec_negative_inner_product(halfvec, halfvec),
	FUNCTION 3 halfvec_spherical_distance(halfvec, halfvec),
	FUNCTION 4 l2_norm(halfvec),
	FUNCTION 5 ivfflat_halfvec_support(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING ivfflat IS 'nearest neighbours of a halfvec by inner product';
CREATE OPERATOR CLASS halfvec_cosine_ops FOR TYPE halfvec USING ivfflat AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 halfvec_negative_inner_product(halfvec, halfvec),
	FUNCTION 2 l2_norm(halfvec),
	FUNCTION 3 halfvec_spherical_distance(halfvec, halfvec),
	FUNCTION 4 l2_norm(halfvec),
	FUNCTION 5 ivfflat_halfvec_support(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING ivfflat IS 'nearest neighbours of a halfvec by cosine distance';
CREATE OPERATOR CLASS bf16vec_l2_ops FOR TYPE bf16vec USING ivfflat AS
	OPERATOR 1 <-> (bf16vec, bf16vec) FOR ORDER BY float_ops,
	FUNCTION 1 bf16vec_l2_squared_distance(bf16vec, bf16vec);
COMMENT ON OPERATOR CLASS bf16vec_l2_ops USING ivfflat IS 'nearest neighbours of a bf16vec by Euclidean distance';
CREATE OPERATOR CLASS bf16vec_ip_ops FOR TYPE bf16vec USING ivfflat AS
	OPERATOR 1 <#> (bf16vec, bf16vec) FOR ORDER BY float_ops,
	FUNCTION 1 bf16vec_negative_inner_product(bf16vec, bf16vec);
COMMENT ON OPERATOR CLASS bf16vec_ip_ops USING ivfflat IS 'nearest neighbours of a bf16vec by inner product';
CREATE OPERATOR CLASS bf16vec_cosine_ops FOR TYPE bf16vec USING ivfflat AS
	OPERATOR 1 <=> (bf16vec, bf16vec) FOR ORDER BY float_ops,
	FUNCTION 1 bf16vec_negative_inner_product(bf16vec, bf16vec),
	FUNCTION 2 l2_norm(bf16vec);
COMMENT ON OPERATOR CLASS bf16vec_cosine_ops USING ivfflat IS 'nearest neighbours of a bf16vec by cosine distance';
CREATE OPERATOR CLASS int8vec_l2_ops FOR TYPE int8vec USING ivfflat AS
	OPERATOR 1 <-> (int8vec, int8vec) FOR ORDER BY float_ops,
	FUNCTION 1 int8vec_l2_squared_distance(int8vec, int8vec);
COMMENT ON OPERATOR CLASS int8vec_l2_ops USING ivfflat IS 'nearest neighbours of a int8vec by Euclidean distance';
CREATE OPERATOR CLASS int8vec_ip_ops FOR TYPE int8vec USING ivfflat AS
	OPERATOR 1 <#> (int8vec, int8vec) FOR ORDER BY float_ops,
	FUNCTION 1 int8vec_negative_inner_product(int8vec, int8vec);
COMMENT ON OPERATOR CLASS int8vec_ip_ops USING ivfflat IS 'nearest neighbours of a int8vec by inner product';
CREATE OPERATOR CLASS int8vec_cosine_ops FOR TYPE int8vec USING ivfflat AS
	OPERATOR 1 <=> (int8vec, int8vec) FOR ORDER BY float_ops,
	FUNCTION 1 int8vec_negative_inner_product(int8vec, int8vec),
	FUNCTION 2 l2_norm(int8vec);
COMMENT ON OPERATOR CLASS int8vec_cosine_ops USING ivfflat IS 'nearest neighbours of a int8vec by cosine distance';
CREATE OPERATOR CLASS bit_hamming_ops FOR TYPE bit USING ivfflat AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 hamming_distance(bit, bit),
	FUNCTION 3 hamming_distance(bit, bit),
	FUNCTION 5 ivfflat_bit_support(internal);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING ivfflat IS 'nearest neighbours of a bit string by Hamming distance';
CREATE OPERATOR CLASS vector_l2_ops FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_l2_squared_distance(vector, vector);
COMMENT ON OPERATOR CLASS vector_l2_ops USING ivf IS 'nearest neighbours of a vector by Euclidean distance';
CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING ivf AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_negative_inner_product(vector, vector);
COMMENT ON OPERATOR CLASS vector_ip_ops USING ivf IS 'nearest neighbours of a vector by inner product';
CREATE OPERATOR CLASS vector_cosine_ops FOR TYPE vector USING ivf AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_negative_inner_product(vector, vector),
	FUNCTION 2 vector_norm(vector);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING ivf IS 'nearest neighbours of a vector by cosine distance';
CREATE OPERATOR CLASS halfvec_l2_ops FOR TYPE halfvec USING ivf AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 halfvec_l2_squared_distance(halfvec, halfvec);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING ivf IS 'nearest neighbours of a halfvec by Euclidean distance';
CREATE OPERATOR CLASS halfvec_ip_ops FOR TYPE halfvec USING ivf AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 halfvec_negative_inner_product(halfvec, halfvec);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING ivf IS 'nearest neighbours of a halfvec by inner product';
CREATE OPERATOR CLASS halfvec_cosine_ops FOR TYPE halfvec USING ivf AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 halfvec_negative_inner_product(halfvec, halfvec),
	FUNCTION 2 l2_norm(halfvec);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING ivf IS 'nearest neighbours of a halfvec by cosine distance';
CREATE OPERATOR CLASS bf16vec_l2_ops FOR TYPE bf16vec USING ivf AS
	OPERATOR 1 <-> (bf16vec, bf16vec) FOR ORDER BY float_ops,
	FUNCTION 1 bf16vec_l2_squared_distance(bf16vec, bf16vec);
COMMENT ON OPERATOR CLASS bf16vec_l2_ops USING ivf IS 'nearest neighbours of a bf16vec by Euclidean distance';
CREATE OPERATOR CLASS bf16vec_ip_ops FOR TYPE bf16vec USING ivf AS
	OPERATOR 1 <#> (bf16vec, bf16vec) FOR ORDER BY float_ops,
	FUNCTION 1 bf16vec_negative_inner_product(bf16vec, bf16vec);
COMMENT ON OPERATOR CLASS bf16vec_ip_ops USING ivf IS 'nearest neighbours of a bf16vec by inner product';
CREATE OPERATOR CLASS bf16vec_cosine_ops FOR TYPE bf16vec USING ivf AS
	OPERATOR 1 <=> (bf16vec, bf16vec) FOR ORDER BY float_ops,
	FUNCTION 1 bf16vec_negative_inner_product(bf16vec, bf16vec),
	FUNCTION 2 l2_norm(bf16vec);
COMMENT ON OPERATOR CLASS bf16vec_cosine_ops USING ivf IS 'nearest neighbours of a bf16vec by cosine distance';
CREATE OPERATOR CLASS int8vec_l2_ops FOR TYPE int8vec USING ivf AS
	OPERATOR 1 <-> (int8vec, int8vec) FOR ORDER BY float_ops,
	FUNCTION 1 int8vec_l2_squared_distance(int8vec, int8vec);
COMMENT ON OPERATOR CLASS int8vec_l2_ops USING ivf IS 'nearest neighbours of a int8vec by Euclidean distance';
CREATE OPERATOR CLASS int8vec_ip_ops FOR TYPE int8vec USING ivf AS
	OPERATOR 1 <#> (int8vec, int8vec) FOR ORDER BY float_ops,
	FUNCTION 1 int8vec_negative_inner_product(int8vec, int8vec);
COMMENT ON OPERATOR CLASS int8vec_ip_ops USING ivf IS 'nearest neighbours of a int8vec by inner product';
CREATE OPERATOR CLASS int8vec_cosine_ops FOR TYPE int8vec USING ivf AS
	OPERATOR 1 <=> (int8vec, int8vec) FOR ORDER BY float_ops,
	FUNCTION 1 int8vec_negative_inner_product(int8vec, int8vec),
	FUNCTION 2 l2_norm(int8vec);
COMMENT ON OPERATOR CLASS int8vec_cosine_ops USING ivf IS 'nearest neighbours of a int8vec by cosine distance';
CREATE OPERATOR CLASS bit_hamming_ops FOR TYPE bit USING ivf AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 hamming_distance(bit, bit);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING ivf IS 'nearest neighbours of a bit string by Hamming distance';

-- access methods diskann, sparse and bm25, which vector_create_diskann and others create

CREATE FUNCTION diskannhandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION diskannhandler(internal) IS 'handler of the access method diskann';
CREATE FUNCTION sparsehandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION sparsehandler(internal) IS 'handler of the access method sparse';
CREATE FUNCTION bm25handler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION bm25handler(internal) IS 'handler of the access method bm25';

-- what an index consists of

CREATE FUNCTION vector_index_segments(index regclass, OUT segment bigint, OUT kind text, OUT rows bigint,
		OUT dead bigint, OUT blocks bigint, OUT bytes bigint, OUT created timestamptz, OUT method text,
		OUT version integer, OUT store text, OUT stored_bytes bigint) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION vector_index_segments(regclass) IS 'segments of an index';
CREATE FUNCTION vector_segments(OUT index regclass, OUT segment bigint, OUT kind text, OUT rows bigint,
		OUT dead bigint, OUT blocks bigint, OUT bytes bigint, OUT created timestamptz, OUT method text,
		OUT version integer, OUT store text, OUT stored_bytes bigint) RETURNS SETOF record
	LANGUAGE SQL STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT c.oid::regclass, s.*
	FROM pg_class c JOIN pg_am a ON a.oid = c.relam JOIN pg_index i ON i.indexrelid = c.oid,
		LATERAL vector_index_segments(c.oid) s
	WHERE a.amhandler::oid IN ('hnswhandler'::regproc::oid, 'diskannhandler'::regproc::oid,
			'ivfflathandler'::regproc::oid, 'ivfhandler'::regproc::oid, 'sparsehandler'::regproc::oid, 'bm25handler'::regproc::oid) AND c.relkind = 'i' AND i.indisvalid
		AND (c.relpersistence <> 't' OR c.relnamespace = pg_my_temp_schema())
		AND (pg_has_role(c.relowner, 'USAGE') OR pg_has_role('pg_monitor', 'USAGE'));
END;
COMMENT ON FUNCTION vector_segments() IS 'segments of all indexes on vectors that one owns; for pg_monitor of all';
CREATE FUNCTION vector_jobs(OUT index regclass, OUT pid integer, OUT state text, OUT phase text,
		OUT step text, OUT done bigint, OUT total bigint, OUT since timestamptz, OUT last_error text,
		OUT last_error_at timestamptz, OUT due timestamptz) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION vector_jobs() IS 'what background workers do in this database, are to do, or failed at';
CREATE FUNCTION vector_seal(index regclass) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vector_seal(regclass) IS 'builds a sealed segment from the inserted rows; returns the number of segments replaced';
CREATE FUNCTION vector_merge(index regclass) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vector_merge(regclass) IS 'merges the sealed segments of an index; returns the number of segments replaced';
CREATE FUNCTION vector_tier(index regclass) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vector_tier(regclass) IS 'moves the cold blocks of sealed segments to the object store of the index; returns the number of segments';
CREATE FUNCTION vector_untier(index regclass) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vector_untier(regclass) IS 'brings segments back from object stores into the file of the index; returns the number of segments';
CREATE FUNCTION vector_prewarm(index regclass) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vector_prewarm(regclass) IS 'reads what an index has in object stores into the cache; returns the number of pages';
CREATE FUNCTION vector_stat_tier(OUT server name, OUT segments bigint, OUT local_bytes bigint, OUT remote_bytes bigint,
		OUT gets bigint, OUT bytes_read bigint, OUT writes bigint, OUT bytes_written bigint, OUT hits bigint,
		OUT misses bigint, OUT retries bigint, OUT hedges bigint, OUT errors bigint, OUT last_error text,
		OUT last_error_at timestamptz, OUT get_p50 double precision, OUT get_p99 double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION vector_stat_tier() IS 'what indexes have in object stores, and what was read and written since the server''s start; times in milliseconds';
CREATE FUNCTION vector_stat_tier_reset() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION vector_stat_tier_reset() FROM PUBLIC;
COMMENT ON FUNCTION vector_stat_tier_reset() IS 'sets the counters of vector_stat_tier() to zero';
CREATE FUNCTION vector_tier_objects(server name, OUT key text, OUT state text, OUT bytes bigint, OUT database oid,
		OUT timeline bigint, OUT unneeded_since timestamptz) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vector_tier_objects(name) IS 'objects in a store: live, retained, orphaned, or other, which are not for this database to decide on';
CREATE FUNCTION vector_tier_collect(server name, earlier_timelines boolean DEFAULT false) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vector_tier_collect(name, boolean) IS 'deletes objects that no index has needed for vector.tier_retention; returns how many';
CREATE FUNCTION vector_recall(index regclass, k integer DEFAULT 10, samples integer DEFAULT 100, filter text DEFAULT NULL,
		efforts double precision[] DEFAULT NULL, queries text DEFAULT NULL,
		OUT effort text, OUT recall double precision, OUT recall_low double precision, OUT recall_high double precision,
		OUT recall_p5 double precision, OUT index_ms double precision, OUT exact_ms double precision, OUT queries_used integer,
		OUT source text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'vector_recall' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1;
COMMENT ON FUNCTION vector_recall(regclass, integer, integer, text, double precision[], text) IS 'the share of the k nearest rows that an index finds, measured by searches with and without it';
CREATE FUNCTION vector_recall_curves(index regclass, OUT k integer, OUT effort integer, OUT recall double precision,
		OUT queries integer, OUT table_rows bigint, OUT source text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED COST 100 ROWS 40;
COMMENT ON FUNCTION vector_recall_curves(regclass) IS 'the recall of searches of an index by how far they go, as ANALYZE measured it last for vector.target_recall';
CREATE FUNCTION vector_query_samples(index regclass, OUT query text, OUT seen_at timestamptz, OUT k integer) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED COST 100 ROWS 1000;
COMMENT ON FUNCTION vector_query_samples(regclass) IS 'samples of the queries that an index was searched for, as vector.sample_queries says; for the owner of the table';
CREATE FUNCTION vector_query_samples_reset(index regclass) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION vector_query_samples_reset(regclass) IS 'forgets the samples of an index''s queries; for the owner of the table';
CREATE FUNCTION vector_picture(index regclass, query text DEFAULT NULL, samples integer DEFAULT 400, k integer DEFAULT 10,
		OUT kind text, OUT x double precision, OUT y double precision, OUT radius double precision, OUT cluster integer,
		OUT distance double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100000 ROWS 400;
COMMENT ON FUNCTION vector_picture(regclass, text, integer, integer) IS 'a sample of an index''s vectors along its two principal components, with clusters, and the rows nearest to a query';
CREATE FUNCTION vector_advise(relation regclass, vector_column name, recall double precision DEFAULT 0.95, k integer DEFAULT 10,
		memory text DEFAULT NULL, operator text DEFAULT NULL, queries text DEFAULT NULL, sample_rows integer DEFAULT 30000,
		OUT access_method text, OUT options text, OUT index_bytes bigint, OUT build_s double precision, OUT effort integer,
		OUT expected_recall double precision, OUT memory_ms double precision, OUT cold_ms double precision,
		OUT expected_ms double precision, OUT blocks bigint, OUT in_memory boolean, OUT advised boolean, OUT reason text,
		OUT statements text[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 8;
COMMENT ON FUNCTION vector_advise(regclass, name, double precision, integer, text, text, text, integer) IS 'which index a column is to have: what each would cost, measured on samples of the table';
CREATE PROCEDURE vector_auto_index(relation regclass, vector_column name, recall double precision DEFAULT 0.95, k integer DEFAULT 10,
		memory text DEFAULT NULL, operator text DEFAULT NULL, queries text DEFAULT NULL, sample_rows integer DEFAULT 30000,
		concurrently boolean DEFAULT true)
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON PROCEDURE vector_auto_index(regclass, name, double precision, integer, text, text, text, integer, boolean) IS 'builds the index that vector_advise advises, while the table is written';

CREATE FUNCTION vector_knn_join(queries text, rows text, k integer DEFAULT 10, operator text DEFAULT '<->',
		recall double precision DEFAULT 1) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE COST 100000 ROWS 10000;
COMMENT ON FUNCTION vector_knn_join(text, text, integer, text, double precision) IS 'the k nearest rows of each query, or this part of them, without an index, by products of matrices';

CREATE FUNCTION vector_index_counters(index regclass, OUT scans bigint, OUT rounds bigint, OUT hops bigint, OUT distances bigint,
		OUT blocks_hit bigint, OUT blocks_read bigint, OUT rejected bigint, OUT walks bigint, OUT reads bigint,
		OUT switches bigint, OUT fallbacks bigint, OUT table_rows bigint, OUT store_gets bigint, OUT store_bytes bigint,
		OUT rows_returned bigint, OUT search_ms double precision, OUT search_p50 double precision,
		OUT search_p99 double precision, OUT latencies bigint[], OUT rows_inserted bigint, OUT rows_removed bigint,
		OUT seals bigint, OUT merges bigint, OUT wal_bytes bigint, OUT recall double precision, OUT recall_k integer,
		OUT recall_at timestamptz, OUT stats_since timestamptz) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION vector_index_counters(regclass) IS 'what all sessions have done with an index; times in milliseconds';
CREATE FUNCTION vector_stat_indexes(OUT index regclass, OUT scans bigint, OUT rounds bigint, OUT hops bigint, OUT distances bigint,
		OUT blocks_hit bigint, OUT blocks_read bigint, OUT rejected bigint, OUT walks bigint, OUT reads bigint,
		OUT switches bigint, OUT fallbacks bigint, OUT table_rows bigint, OUT store_gets bigint, OUT store_bytes bigint,
		OUT rows_returned bigint, OUT search_ms double precision, OUT search_p50 double precision,
		OUT search_p99 double precision, OUT latencies bigint[], OUT rows_inserted bigint, OUT rows_removed bigint,
		OUT seals bigint, OUT merges bigint, OUT wal_bytes bigint, OUT recall double precision, OUT recall_k integer,
		OUT recall_at timestamptz, OUT stats_since timestamptz,
		OUT growing_rows bigint, OUT sealed_segments bigint, OUT dead_rows bigint) RETURNS SETOF record
	LANGUAGE SQL VOLATILE PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT c.oid::regclass, n.*, s.growing, s.sealed, s.dead
	FROM pg_class c JOIN pg_am a ON a.oid = c.relam, LATERAL vector_index_counters(c.oid) n,
		LATERAL (SELECT coalesce(sum(rows) FILTER (WHERE kind = 'growing'), 0)::bigint AS growing,
			count(*) FILTER (WHERE kind = 'sealed') AS sealed, coalesce(sum(dead), 0)::bigint AS dead
			FROM vector_index_segments(c.oid)) s
	WHERE a.amhandler::oid IN ('hnswhandler'::regproc::oid, 'diskannhandler'::regproc::oid,
			'ivfflathandler'::regproc::oid, 'ivfhandler'::regproc::oid, 'sparsehandler'::regproc::oid, 'bm25handler'::regproc::oid) AND c.relkind = 'i'
		AND (c.relpersistence <> 't' OR c.relnamespace = pg_my_temp_schema())
		AND (pg_has_role(c.relowner, 'USAGE') OR pg_has_role('pg_monitor', 'USAGE'));
END;
COMMENT ON FUNCTION vector_stat_indexes() IS 'what all sessions have done with the indexes that one owns, and what these are now; for pg_monitor of all';
CREATE FUNCTION vector_index_work(index regclass, OUT phase text, OUT steps bigint, OUT segments bigint,
		OUT busy_ms double precision, OUT gave_way bigint, OUT locked bigint, OUT failures bigint) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 3;
COMMENT ON FUNCTION vector_index_work(regclass) IS 'what background workers have done for an index';
CREATE FUNCTION vector_stat_workers(OUT index regclass, OUT phase text, OUT steps bigint, OUT segments bigint,
		OUT busy_ms double precision, OUT gave_way bigint, OUT locked bigint, OUT failures bigint) RETURNS SETOF record
	LANGUAGE SQL VOLATILE PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT c.oid::regclass, w.*
	FROM pg_class c JOIN pg_am a ON a.oid = c.relam, LATERAL vector_index_work(c.oid) w
	WHERE a.amhandler::oid IN ('hnswhandler'::regproc::oid, 'diskannhandler'::regproc::oid,
			'ivfflathandler'::regproc::oid, 'ivfhandler'::regproc::oid, 'sparsehandler'::regproc::oid, 'bm25handler'::regproc::oid) AND c.relkind = 'i'
		AND (c.relpersistence <> 't' OR c.relnamespace = pg_my_temp_schema())
		AND (pg_has_role(c.relowner, 'USAGE') OR pg_has_role('pg_monitor', 'USAGE'));
END;
COMMENT ON FUNCTION vector_stat_workers() IS 'what background workers have done for the indexes that one owns; for pg_monitor of all';
CREATE FUNCTION vector_stat_reset(index regclass DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION vector_stat_reset(regclass) FROM PUBLIC;
COMMENT ON FUNCTION vector_stat_reset(regclass) IS 'sets the statistics of an index to zero, or those of all indexes of the database';
CREATE FUNCTION vector_slow_searches(OUT index regclass, OUT pid integer, OUT ended_at timestamptz, OUT search_ms double precision,
		OUT description text) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 32;
COMMENT ON FUNCTION vector_slow_searches() IS 'the last searches that took as long as vector.log_min_duration, of the indexes that one owns; for pg_monitor of all';
CREATE FUNCTION vector_explain(query text, options text DEFAULT 'ANALYZE') RETURNS SETOF text
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vector_explain(text, text) IS 'EXPLAIN of a statement, and what its searches of indexes did';
CREATE FUNCTION vector_last_scan(OUT hops bigint, OUT distances bigint, OUT blocks bigint, OUT segments bigint,
	OUT walks bigint, OUT reads bigint, OUT switches bigint, OUT survivors bigint, OUT rejected bigint,
	OUT table_rows bigint, OUT store_rounds bigint, OUT store_gets bigint, OUT store_bytes bigint)
		RETURNS record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION vector_last_scan() IS 'what the last index scan of this session did';
CREATE FUNCTION vector_index_check(index regclass) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION vector_index_check(regclass) IS 'raises an error if an index is damaged; returns the number of its rows';
CREATE FUNCTION vector_index_check(index regclass, segment bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION vector_index_check(regclass, bigint) IS 'raises an error if a segment of an index is damaged; returns the number of its rows';
CREATE FUNCTION vector_inspect(index regclass, segment bigint, OUT property text, OUT item bigint, OUT value double precision)
		RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION vector_inspect(regclass, bigint) IS 'what a segment of an index consists of: its layout, neighbours or lists, and the error of its codes';

-- what pgvector left

CREATE FUNCTION vector_index_state(index regclass) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION vector_index_state(regclass) IS 'current; of pgvector: untouched, or outdated by a later write; unknown';
CREATE FUNCTION vector_legacy_indexes(OUT index regclass, OUT on_table regclass, OUT method name,
		OUT state text, OUT repair text) RETURNS SETOF record
	LANGUAGE SQL STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT c.oid::regclass, i.indrelid::regclass, a.amname, s.state,
		format('REINDEX INDEX CONCURRENTLY %I.%I', n.nspname, c.relname)
	FROM pg_class c JOIN pg_am a ON a.oid = c.relam JOIN pg_index i ON i.indexrelid = c.oid
		JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL vector_index_state(c.oid) s(state)
	WHERE a.amhandler::oid IN ('hnswhandler'::regproc::oid, 'diskannhandler'::regproc::oid,
			'ivfflathandler'::regproc::oid, 'ivfhandler'::regproc::oid, 'sparsehandler'::regproc::oid, 'bm25handler'::regproc::oid) AND c.relkind = 'i' AND s.state <> 'current'
		AND (pg_has_role(c.relowner, 'USAGE') OR pg_has_role('pg_monitor', 'USAGE'));
END;
COMMENT ON FUNCTION vector_legacy_indexes() IS 'indexes that are not read, and the statements that repair them';

-- a page that shows what the functions above do

CREATE FUNCTION vector_html(value text) RETURNS text LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
	RETURN replace(replace(replace(replace(replace(value, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
COMMENT ON FUNCTION vector_html(text) IS 'a text as HTML shows it';
CREATE FUNCTION vector_dashboard(index regclass DEFAULT NULL, query text DEFAULT NULL) RETURNS text LANGUAGE SQL VOLATILE PARALLEL RESTRICTED
BEGIN ATOMIC
	WITH indexes AS MATERIALIZED (
		SELECT s.index AS oid, row_number() OVER (ORDER BY pg_relation_size(s.index) DESC, s.index) AS number,
			vector_html(s.index::text) AS name, vector_html(i.indrelid::regclass::text) AS on_table, vector_html(a.amname) AS method,
			a.amhandler::oid NOT IN ('sparsehandler'::regproc::oid, 'bm25handler'::regproc::oid)
				AND coalesce(vector_index_state(s.index) = 'current', false) AS has_curves, pg_relation_size(s.index) AS bytes,
			s.scans, s.search_ms, s.search_p50, s.search_p99, s.latencies, s.recall, s.recall_k, s.growing_rows, s.sealed_segments,
			s.dead_rows, s.blocks_hit, s.blocks_read, s.fallbacks, s.rows_inserted, s.wal_bytes,
			-- a statement on a table runs what its owner wrote into expressions, predicates and policies: only on the table that the caller names
			CASE WHEN a.amhandler::oid IN ('sparsehandler'::regproc::oid, 'bm25handler'::regproc::oid) OR i.indclass[0] IN (SELECT k.oid
					FROM pg_opclass k WHERE k.opcintype = 'sparsevec'::regtype) OR pg_relation_size(s.index) = 0 THEN false
				ELSE has_table_privilege(i.indrelid, 'SELECT') AND has_schema_privilege(t.relnamespace, 'USAGE')
					AND (vector_dashboard.index IS NOT NULL OR (i.indexprs IS NULL AND i.indpred IS NULL AND NOT row_security_active(t.oid)))
			END AS has_picture
		FROM vector_stat_indexes() s JOIN pg_class c ON c.oid = s.index JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_am a ON a.oid = c.relam
			JOIN pg_class t ON t.oid = i.indrelid
		WHERE vector_dashboard.index IS NULL OR s.index = vector_dashboard.index
	), segments AS (
		SELECT x.oid, g.segment, g.kind, g.rows, g.dead, g.bytes, g.stored_bytes,
			sum(g.rows) OVER (PARTITION BY x.oid ORDER BY g.kind DESC, g.rows DESC, g.segment) - g.rows AS before,
			sum(g.rows) OVER (PARTITION BY x.oid) AS total
		FROM indexes x, LATERAL vector_index_segments(x.oid) g WHERE g.kind IN ('growing', 'sealed') AND g.rows > 0
	), bars AS (
		SELECT oid, max(total) AS rows, format('<svg class="bar" viewBox="0 0 1000 32" preserveAspectRatio="none" role="img" aria-label="%s segments">%s</svg>',
			count(*), string_agg(format('<g><title>segment %s, %s: %s rows, %s dead, %s%s</title><rect class="%s" x="%s" y="0" width="%s" height="32"/>%s</g>',
				segment, kind, rows, dead, pg_size_pretty(bytes), CASE WHEN stored_bytes > 0 THEN ', ' || pg_size_pretty(stored_bytes) || ' in a store' ELSE '' END,
				kind, round(1000 * before / total, 2), greatest(round(1000 * rows / total, 2) - 2, 1),
				CASE WHEN dead > 0 THEN format('<rect class="dead" x="%s" y="0" width="%s" height="32"/>', round(1000 * before / total, 2),
					greatest(round((1000 * rows / total - 2) * dead / rows, 2), 0.5)) ELSE '' END), '' ORDER BY before, segment)) AS svg
		FROM segments GROUP BY oid
	), classes AS (
		SELECT x.oid, l.i, l.n, max(l.n) OVER (PARTITION BY x.oid) AS most
		FROM indexes x, LATERAL unnest(x.latencies) WITH ORDINALITY l(n, i) WHERE x.scans > 0
	), histograms AS (
		SELECT oid, format('<figure><svg viewBox="0 0 480 96" role="img" aria-label="times of searches">%s</svg><figcaption>Searches by time</figcaption></figure>',
			string_agg(format('<g><title>%s searches below %s ms</title><rect class="sealed" x="%s" y="%s" width="18" height="%s"/></g>%s', n, round((0.032 * 2 ^ (i - 1))::numeric, 3),
				(i - 1) * 20, round(72 - 70.0 * n / greatest(most, 1), 1), round(70.0 * n / greatest(most, 1), 1),
				CASE WHEN i % 4 = 1 THEN format('<text x="%s" y="90">%s ms</text>', (i - 1) * 20, round((0.032 * 2 ^ (i - 1))::numeric, CASE WHEN i < 6 THEN 2 ELSE 0 END)) ELSE '' END),
				'' ORDER BY i)) AS svg
		FROM classes GROUP BY oid
	), measured AS (
		SELECT x.oid, c.k, c.effort, c.recall, c.k = min(c.k) OVER w AS first, (ln(c.effort) - ln(min(c.effort) OVER w)) /
			greatest(ln(max(c.effort) OVER w) - ln(min(c.effort) OVER w), 1e-9) AS place
		FROM indexes x, LATERAL vector_recall_curves(x.oid) c WHERE x.has_curves AND c.effort > 0 WINDOW w AS (PARTITION BY x.oid)
	), lines AS (
		SELECT oid, k, string_agg(format('%s,%s', round((10 + 440 * place)::numeric, 1), round((74 - 70 * greatest(recall - 0.5, 0) * 2)::numeric, 1)), ' ' ORDER BY effort) AS points,
			min(effort) AS least, max(effort) AS most FROM measured GROUP BY oid, k
	), curves AS (
		SELECT oid, format('<figure><svg viewBox="0 0 480 96" role="img" aria-label="recall by effort"><line x1="10" y1="4" x2="450" y2="4"/><line x1="10" y1="74" x2="450" y2="74"/>%s<text x="10" y="90">effort %s</text><text x="390" y="90">%s</text><text x="454" y="10">1</text><text x="454" y="78">0.5</text></svg><figcaption>Recall by effort, as ANALYZE measured it</figcaption></figure>',
			string_agg(format('<polyline points="%s"><title>the nearest %s</title></polyline>', points, k), '' ORDER BY k), min(least), max(most)) AS svg
		FROM lines GROUP BY oid
	), places AS (
		SELECT x.oid, p.kind, p.cluster, p.distance, p.x ^ 2 + p.y ^ 2 AS shown, p.radius ^ 2 AS whole,
			round((240 + p.x * least(230 / greatest(max(abs(p.x)) OVER w, 1e-300), 140 / greatest(max(abs(p.y)) OVER w, 1e-300)))::numeric, 1) AS cx,
			round((150 - p.y * least(230 / greatest(max(abs(p.x)) OVER w, 1e-300), 140 / greatest(max(abs(p.y)) OVER w, 1e-300)))::numeric, 1) AS cy
		FROM indexes x, LATERAL vector_picture(x.oid, vector_dashboard.query) p WHERE x.has_picture AND x.number <= 8
		WINDOW w AS (PARTITION BY x.oid)
	), clusters AS (
		SELECT oid, string_agg(format('<g class="c%s"><title>cluster %s: %s rows of the sample</title>%s</g>', cluster, cluster, rows, svg), '' ORDER BY cluster) AS svg, count(*) AS count
		FROM (SELECT oid, cluster, count(*) AS rows, string_agg(format('<circle cx="%s" cy="%s" r="2.5"/>', cx, cy), '' ORDER BY cx, cy) AS svg
			FROM places WHERE kind = 'sampled' GROUP BY oid, cluster) c GROUP BY oid
	), pictures AS (
		SELECT oid, format('<figure class="wide"><svg viewBox="0 0 480 300" role="img" aria-label="a sample of the vectors">%s%s</svg><figcaption>%s vectors in %s clusters, along two axes that hold %s %% of the variance%s</figcaption></figure>', max(c.svg),
			string_agg(CASE kind WHEN 'nearest' THEN format('<circle class="nearest" cx="%s" cy="%s" r="5"><title>distance %s</title></circle>', cx, cy, round(distance::numeric, 4))
				WHEN 'query' THEN format('<rect class="query" x="%s" y="%s" width="9" height="9"><title>query</title></rect>', cx - 4.5, cy - 4.5) END, '' ORDER BY kind, distance),
			count(*) FILTER (WHERE kind = 'sampled'), max(c.count), round((100 * coalesce(sum(shown) FILTER (WHERE kind = 'sampled') / nullif(sum(whole) FILTER (WHERE kind = 'sampled'), 0), 1))::numeric),
			CASE WHEN count(*) FILTER (WHERE kind = 'query') > 0 THEN format('; a square is the query, rings its %s nearest rows', count(*) FILTER (WHERE kind = 'nearest')) ELSE '' END) AS svg
		FROM places JOIN clusters c USING (oid) GROUP BY oid
	), cards AS (
		SELECT string_agg(format('<article><h2>%s</h2><p>%s on %s, %s, %s rows</p>%s<p class="key"><span class="sealed"></span>sealed (%s) <span class="growing"></span>growing (%s rows) <span class="dead"></span>dead (%s rows)</p><dl>%s</dl><div class="figures">%s%s%s</div></article>',
			x.name, x.method, x.on_table, pg_size_pretty(x.bytes), coalesce(b.rows, 0), coalesce(b.svg, '<p>empty</p>'), x.sealed_segments, x.growing_rows, x.dead_rows,
			format('<div><dt>searches</dt><dd>%s</dd></div><div><dt>median</dt><dd>%s</dd></div><div><dt>99 %%</dt><dd>%s</dd></div><div><dt>begun again</dt><dd>%s</dd></div><div><dt>blocks in buffers</dt><dd>%s</dd></div><div><dt>inserted</dt><dd>%s</dd></div><div><dt>WAL</dt><dd>%s</dd></div><div><dt>recall</dt><dd>%s</dd></div>',
				x.scans, coalesce(round(x.search_p50::numeric, 2) || ' ms', '-'), coalesce(round(x.search_p99::numeric, 2) || ' ms', '-'), x.fallbacks,
				coalesce(round(100.0 * x.blocks_hit / nullif(x.blocks_hit + x.blocks_read, 0)) || ' %', '-'), x.rows_inserted, pg_size_pretty(x.wal_bytes),
				coalesce(round(x.recall::numeric, 3) || ' of ' || x.recall_k, '-')),
			h.svg, c.svg, p.svg), '' ORDER BY x.number) AS html
		FROM indexes x LEFT JOIN bars b USING (oid) LEFT JOIN histograms h USING (oid) LEFT JOIN curves c USING (oid) LEFT JOIN pictures p USING (oid)
	), work AS (
		SELECT string_agg(format('<tr><th scope="row">%s</th><td>%s</td><td>%s</td><td>%s</td><td>%s s</td><td>%s</td><td>%s</td></tr>', vector_html(index::text), phase, steps,
			segments, round((busy_ms / 1000)::numeric, 1), gave_way + locked, failures), '' ORDER BY index::text, phase) AS html FROM vector_stat_workers() e WHERE vector_dashboard.index IS NULL OR e.index = vector_dashboard.index
	), jobs AS (
		SELECT string_agg(format('<tr><th scope="row">%s</th><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>', coalesce(vector_html(index::text), 'all indexes'), state,
			coalesce(phase || ', ' || step, ''), CASE WHEN total > 0 THEN round(100.0 * done / total) || ' %' END, vector_html(last_error)), '' ORDER BY since) AS html FROM vector_jobs() e WHERE vector_dashboard.index IS NULL OR e.index = vector_dashboard.index
	), slow AS (
		SELECT string_agg(format('<tr><th scope="row">%s</th><td>%s</td><td>%s ms</td><td class="long">%s</td></tr>', vector_html(index::text), to_char(ended_at, 'YYYY-MM-DD HH24:MI:SS'),
			round(search_ms::numeric, 1), vector_html(description)), '' ORDER BY ended_at DESC) AS html FROM vector_slow_searches() e WHERE vector_dashboard.index IS NULL OR e.index = vector_dashboard.index
	)
	SELECT format('<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Indexes of %1$s</title><style>%2$s</style></head><body><main><h1>Indexes of %1$s</h1><p>%3$s, %4$s, at %5$s</p>%6$s<section><h2>Background workers</h2>%7$s%8$s</section><section><h2>Last slow searches</h2>%9$s</section></main></body></html>',
		vector_html(current_database()),
		':root{color-scheme:light dark;--back:#fff;--card:#f4f5f7;--text:#1c2127;--soft:#50586a;--line:#c9ced8;--sealed:#2b6cb0;--growing:#c05621;--dead:#1c2127;--c1:#0072b2;--c2:#b35900;--c3:#00795c;--c4:#a03d7c;--c5:#7a6a00;--c6:#5b5bc0}@media(prefers-color-scheme:dark){:root{--back:#14171c;--card:#1f242c;--text:#eceff4;--soft:#aeb6c4;--line:#3c4452;--sealed:#63a4e8;--growing:#f0955a;--dead:#eceff4;--c1:#5ab4e8;--c2:#f0a35a;--c3:#3fcfa3;--c4:#e58bc4;--c5:#d9c94a;--c6:#b0aef5}}*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--text);font:16px/1.45 system-ui,sans-serif}main{max-width:72rem;margin:auto;padding:1rem}h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.1rem;margin:0;overflow-wrap:anywhere}article,section{background:var(--card);border-radius:8px;padding:1rem;margin:1rem 0}p{margin:.3rem 0;color:var(--soft);overflow-wrap:anywhere}svg{width:100%;display:block}svg.bar{height:32px}svg text{font-size:11px;fill:var(--soft)}svg line{stroke:var(--line)}polyline{fill:none;stroke:var(--sealed);stroke-width:2}.sealed{fill:var(--sealed);background:var(--sealed)}.growing{fill:var(--growing);background:var(--growing)}.dead{fill:var(--dead);background:var(--dead)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}.c5{fill:var(--c5)}.c6{fill:var(--c6)}.nearest{fill:none;stroke:var(--text);stroke-width:1.5}.query{fill:var(--text);stroke:var(--card);stroke-width:1.5}.key span{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 .6em}dl{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;margin:.6rem 0}dt{font-size:.8rem;color:var(--soft)}dd{margin:0;font-variant-numeric:tabular-nums}.figures{display:flex;flex-wrap:wrap;gap:1rem}figure{flex:1 1 18rem;min-width:0;margin:0}.wide{flex-basis:30rem}figcaption{font-size:.8rem;color:var(--soft)}.table{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:.5rem 0}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}thead th{font-size:.8rem;color:var(--soft)}tbody th{min-width:8rem;overflow-wrap:anywhere}td{font-variant-numeric:tabular-nums;min-width:5.5rem}.long{min-width:20rem}',
		(SELECT count(*) || CASE count(*) WHEN 1 THEN ' index' ELSE ' indexes' END FROM indexes), pg_size_pretty((SELECT coalesce(sum(bytes), 0) FROM indexes)), to_char(now(), 'YYYY-MM-DD HH24:MI:SS TZ'),
		coalesce((SELECT html FROM cards), '<p>There are no indexes that you may see.</p>'),
		coalesce((SELECT format('<div class="table" role="region" aria-label="table" tabindex="0"><table><thead><tr><th scope="col">index</th><th scope="col">state</th><th scope="col">step</th><th scope="col">done</th><th scope="col">last error</th></tr></thead><tbody>%s</tbody></table></div>', html) FROM jobs WHERE html IS NOT NULL), '<p>Nothing is being done or waited for.</p>'),
		(SELECT format('<div class="table" role="region" aria-label="table" tabindex="0"><table><thead><tr><th scope="col">index</th><th scope="col">phase</th><th scope="col">steps</th><th scope="col">segments replaced</th><th scope="col">time</th><th scope="col">put off</th><th scope="col">failed</th></tr></thead><tbody>%s</tbody></table></div>', html) FROM work WHERE html IS NOT NULL),
		coalesce((SELECT format('<div class="table" role="region" aria-label="table" tabindex="0"><table><thead><tr><th scope="col">index</th><th scope="col">ended</th><th scope="col">took</th><th scope="col">what it did</th></tr></thead><tbody>%s</tbody></table></div>', html) FROM slow WHERE html IS NOT NULL), '<p>None, or vector.log_min_duration is not set.</p>'));
END;
COMMENT ON FUNCTION vector_dashboard(regclass, text) IS 'a page in HTML of the indexes that one may see, or of one: segments, times of searches, recall, a picture of the vectors with a query and its nearest rows, workers, slow searches';

-- attributes: what indexes can filter by, with the operators of B-trees for the same types, and <>; for arrays also && and @>

CREATE FUNCTION vector_create_attribute_classes(am name) RETURNS void
	LANGUAGE plpgsql STRICT VOLATILE PARALLEL UNSAFE
	AS $create$
DECLARE
	class record;
	family record;
BEGIN
	FOR family IN
		SELECT DISTINCT f.oid, f.opfname FROM pg_catalog.pg_opfamily f
			JOIN pg_catalog.pg_opclass c ON c.opcfamily = f.oid
			JOIN pg_catalog.pg_am a ON a.oid = c.opcmethod
			WHERE a.amname = 'btree' AND c.opcdefault AND c.opcintype = ANY (ARRAY[
				'bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'oid',
				'text', 'bpchar', '"char"', 'bytea', 'uuid', 'inet', 'anyenum', 'anyarray',
				'date', 'timestamp', 'timestamptz', 'time', 'timetz', 'interval']::pg_catalog.regtype[])
			ORDER BY f.opfname
	LOOP
		EXECUTE pg_catalog.format('CREATE OPERATOR FAMILY %I USING %I', family.opfname, am);
		FOR class IN
			SELECT lefttype, righttype, c.opcname,
				'OPERATOR ' || pg_catalog.string_agg(pg_catalog.format('%s pg_catalog.%s (%s, %s)', strategy, oprname, lefttype::pg_catalog.regtype, righttype::pg_catalog.regtype), ', OPERATOR ' ORDER BY strategy) AS operators,
				pg_catalog.format('FUNCTION 6 (%s, %s) %s', lefttype::pg_catalog.regtype, righttype::pg_catalog.regtype, p.amproc::pg_catalog.regprocedure) AS compare
			FROM (SELECT amoplefttype AS lefttype, amoprighttype AS righttype, amopstrategy AS strategy, amopopr AS operator
					FROM pg_catalog.pg_amop WHERE amopfamily = family.oid
				UNION ALL SELECT amoplefttype, amoprighttype, 6, oprnegate
					FROM pg_catalog.pg_amop JOIN pg_catalog.pg_operator o ON o.oid = amopopr
					WHERE amopfamily = family.oid AND amopstrategy = 3) m
				JOIN pg_catalog.pg_operator o ON o.oid = operator
				JOIN pg_catalog.pg_amproc p ON p.amprocfamily = family.oid AND p.amprocnum = 1
					AND p.amproclefttype = lefttype AND p.amprocrighttype = righttype
				LEFT JOIN pg_catalog.pg_opclass c ON c.opcfamily = family.oid AND c.opcdefault
					AND c.opcintype = lefttype AND lefttype = righttype
			WHERE lefttype <> 'name'::pg_catalog.regtype AND righttype <> 'name'::pg_catalog.regtype
			GROUP BY lefttype, righttype, c.opcname, p.amproc
			ORDER BY lefttype <> righttype, c.opcname, lefttype, righttype
		LOOP
			IF class.opcname IS NULL THEN
				EXECUTE pg_catalog.format('ALTER OPERATOR FAMILY %I USING %I ADD %s, %s', family.opfname, am, class.operators, class.compare);
			ELSE
				EXECUTE pg_catalog.format('CREATE OPERATOR CLASS %I %s FOR TYPE %s USING %I FAMILY %I AS %s, %s', class.opcname,
					-- a text that no class is named for is what bm25 is an index of
					CASE WHEN am <> 'bm25' OR class.lefttype <> 'text'::pg_catalog.regtype THEN 'DEFAULT' END,
					class.lefttype::pg_catalog.regtype, am, family.opfname, class.operators, class.compare);
				EXECUTE pg_catalog.format('COMMENT ON OPERATOR CLASS %I USING %I IS %L', class.opcname, am, 'filter by a column of type ' || class.lefttype::pg_catalog.regtype);
			END IF;
		END LOOP;
	END LOOP;
	EXECUTE pg_catalog.format('ALTER OPERATOR FAMILY array_ops USING %I ADD OPERATOR 7 pg_catalog.&& (anyarray, anyarray), OPERATOR 8 pg_catalog.@> (anyarray, anyarray)', am);
END
$create$;
COMMENT ON FUNCTION vector_create_attribute_classes(name) IS 'creates the operator classes of attributes for an access method';

SELECT vector_create_attribute_classes(am) FROM unnest(ARRAY['hnsw', 'ivfflat', 'ivf']) am;

-- scores of rows
CREATE FUNCTION decay_gauss(value double precision, origin double precision, scale double precision,
		"offset" double precision DEFAULT 0, decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_gauss_number' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_gauss(double precision, double precision, double precision, double precision, double precision) IS '1 near the origin, decay at offset + scale from it, by a bell curve: of a number';
CREATE FUNCTION decay_gauss(value date, origin date, scale double precision,
		"offset" double precision DEFAULT 0, decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_gauss_days' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_gauss(date, date, double precision, double precision, double precision) IS '1 near the origin, decay at offset + scale from it, by a bell curve: of a date, with lengths in days';
CREATE FUNCTION decay_gauss(value date, origin date, scale interval,
		"offset" interval DEFAULT '0', decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_gauss_date' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_gauss(date, date, interval, interval, double precision) IS '1 near the origin, decay at offset + scale from it, by a bell curve: of a date';
CREATE FUNCTION decay_gauss(value timestamp, origin timestamp, scale interval,
		"offset" interval DEFAULT '0', decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_gauss_timestamp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_gauss(timestamp, timestamp, interval, interval, double precision) IS '1 near the origin, decay at offset + scale from it, by a bell curve: of a timestamp';
CREATE FUNCTION decay_gauss(value timestamptz, origin timestamptz, scale interval,
		"offset" interval DEFAULT '0', decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_gauss_timestamp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_gauss(timestamptz, timestamptz, interval, interval, double precision) IS '1 near the origin, decay at offset + scale from it, by a bell curve: of a timestamp with time zone';
CREATE FUNCTION decay_exp(value double precision, origin double precision, scale double precision,
		"offset" double precision DEFAULT 0, decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_exp_number' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_exp(double precision, double precision, double precision, double precision, double precision) IS '1 near the origin, decay at offset + scale from it, by an exponential: of a number';
CREATE FUNCTION decay_exp(value date, origin date, scale double precision,
		"offset" double precision DEFAULT 0, decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_exp_days' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_exp(date, date, double precision, double precision, double precision) IS '1 near the origin, decay at offset + scale from it, by an exponential: of a date, with lengths in days';
CREATE FUNCTION decay_exp(value date, origin date, scale interval,
		"offset" interval DEFAULT '0', decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_exp_date' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_exp(date, date, interval, interval, double precision) IS '1 near the origin, decay at offset + scale from it, by an exponential: of a date';
CREATE FUNCTION decay_exp(value timestamp, origin timestamp, scale interval,
		"offset" interval DEFAULT '0', decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_exp_timestamp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_exp(timestamp, timestamp, interval, interval, double precision) IS '1 near the origin, decay at offset + scale from it, by an exponential: of a timestamp';
CREATE FUNCTION decay_exp(value timestamptz, origin timestamptz, scale interval,
		"offset" interval DEFAULT '0', decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_exp_timestamp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_exp(timestamptz, timestamptz, interval, interval, double precision) IS '1 near the origin, decay at offset + scale from it, by an exponential: of a timestamp with time zone';
CREATE FUNCTION decay_linear(value double precision, origin double precision, scale double precision,
		"offset" double precision DEFAULT 0, decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_linear_number' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_linear(double precision, double precision, double precision, double precision, double precision) IS '1 near the origin, decay at offset + scale from it, by a straight line, to 0: of a number';
CREATE FUNCTION decay_linear(value date, origin date, scale double precision,
		"offset" double precision DEFAULT 0, decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_linear_days' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_linear(date, date, double precision, double precision, double precision) IS '1 near the origin, decay at offset + scale from it, by a straight line, to 0: of a date, with lengths in days';
CREATE FUNCTION decay_linear(value date, origin date, scale interval,
		"offset" interval DEFAULT '0', decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_linear_date' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_linear(date, date, interval, interval, double precision) IS '1 near the origin, decay at offset + scale from it, by a straight line, to 0: of a date';
CREATE FUNCTION decay_linear(value timestamp, origin timestamp, scale interval,
		"offset" interval DEFAULT '0', decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_linear_timestamp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_linear(timestamp, timestamp, interval, interval, double precision) IS '1 near the origin, decay at offset + scale from it, by a straight line, to 0: of a timestamp';
CREATE FUNCTION decay_linear(value timestamptz, origin timestamptz, scale interval,
		"offset" interval DEFAULT '0', decay double precision DEFAULT 0.5) RETURNS double precision
	AS 'MODULE_PATHNAME', 'decay_linear_timestamp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION decay_linear(timestamptz, timestamptz, interval, interval, double precision) IS '1 near the origin, decay at offset + scale from it, by a straight line, to 0: of a timestamp with time zone';

CREATE FUNCTION boost(score double precision, condition boolean, factor double precision) RETURNS double precision
	AS 'MODULE_PATHNAME', 'vector_boost' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION boost(double precision, boolean, double precision) IS 'the score, times the factor where the condition holds';

CREATE FUNCTION mmr(query vector, candidates vector[], k integer, lambda double precision DEFAULT 0.5) RETURNS integer[]
	AS 'MODULE_PATHNAME', 'vector_mmr' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION mmr(vector, vector[], integer, double precision) IS 'subscripts of up to k candidates that are near to the query and not to each other: maximal marginal relevance, by cosines';

-- late interaction: documents and queries with a vector for each of their tokens

CREATE FUNCTION max_sim(document vector[], query vector[]) RETURNS double precision
	AS 'MODULE_PATHNAME', 'vector_max_sim' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION max_sim(vector[], vector[]) IS 'the sum, over the query''s vectors, of the greatest inner product with one of the document''s: MaxSim';
CREATE FUNCTION vector_negative_max_sim(vector[], vector[]) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION vector_negative_max_sim(vector[], vector[]) IS 'implementation of @# operator';
CREATE FUNCTION max_sim(document halfvec[], query halfvec[]) RETURNS double precision
	AS 'MODULE_PATHNAME', 'halfvec_max_sim' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION max_sim(halfvec[], halfvec[]) IS 'the sum, over the query''s vectors, of the greatest inner product with one of the document''s: MaxSim';
CREATE FUNCTION halfvec_negative_max_sim(halfvec[], halfvec[]) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION halfvec_negative_max_sim(halfvec[], halfvec[]) IS 'implementation of @# operator';
CREATE FUNCTION max_sim(document bf16vec[], query bf16vec[]) RETURNS double precision
	AS 'MODULE_PATHNAME', 'bf16vec_max_sim' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION max_sim(bf16vec[], bf16vec[]) IS 'the sum, over the query''s vectors, of the greatest inner product with one of the document''s: MaxSim';
CREATE FUNCTION bf16vec_negative_max_sim(bf16vec[], bf16vec[]) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION bf16vec_negative_max_sim(bf16vec[], bf16vec[]) IS 'implementation of @# operator';
CREATE FUNCTION max_sim(document int8vec[], query int8vec[]) RETURNS double precision
	AS 'MODULE_PATHNAME', 'int8vec_max_sim' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION max_sim(int8vec[], int8vec[]) IS 'the sum, over the query''s vectors, of the greatest inner product with one of the document''s: MaxSim';
CREATE FUNCTION int8vec_negative_max_sim(int8vec[], int8vec[]) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION int8vec_negative_max_sim(int8vec[], int8vec[]) IS 'implementation of @# operator';

-- VectorChord has operators of this name for two of these types, in the schema that it was installed in
DO $operator$
DECLARE
	type name;
BEGIN
	FOREACH type IN ARRAY '{vector, halfvec, bf16vec, int8vec}'::name[] LOOP
		IF to_regoperator(format('@#(%1$s[],%1$s[])', type)) IS NOT NULL THEN
			RAISE WARNING 'operator @# of %[] already exists, skipping', type
				USING HINT = 'max_sim(document, query) is the same without the sign.';
			CONTINUE;
		END IF;
		EXECUTE format('CREATE OPERATOR @# (LEFTARG = %1$s[], RIGHTARG = %1$s[], FUNCTION = %1$s_negative_max_sim)', type);
		EXECUTE format('COMMENT ON OPERATOR @# (%1$s[], %1$s[]) IS %2$L', type, 'negative MaxSim of a document and a query');
	END LOOP;
END
$operator$;

-- one ranking of several searches of a table

CREATE FUNCTION hybrid_search(relation regclass, query_vector vector DEFAULT NULL, query_text text DEFAULT NULL,
		query_sparse sparsevec DEFAULT NULL, filter jsonb DEFAULT NULL, k integer DEFAULT 10, fields name[] DEFAULT NULL,
		depth integer DEFAULT NULL, rrf_k double precision DEFAULT 60,
		vector_column name DEFAULT NULL, text_column name DEFAULT NULL, sparse_column name DEFAULT NULL,
		vector_weight double precision DEFAULT 1, text_weight double precision DEFAULT 1, sparse_weight double precision DEFAULT 1,
		OUT key jsonb, OUT score double precision, OUT vector_rank bigint, OUT text_rank bigint, OUT sparse_rank bigint, OUT data jsonb)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'vector_hybrid_search' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION hybrid_search(regclass, vector, text, sparsevec, jsonb, integer, name[], integer, double precision, name, name, name, double precision, double precision, double precision) IS 'the rows of a table that are best by the ranks of several searches together: reciprocal rank fusion';

-- one ranking of several orders

CREATE FUNCTION rrf(a double precision, b double precision,
		k integer DEFAULT 60, depth bigint DEFAULT 100, weights double precision[] DEFAULT NULL) RETURNS double precision
	AS 'MODULE_PATHNAME', 'vector_rrf' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION rrf(double precision, double precision, integer, bigint, double precision[]) IS 'less is better: the sum of -weight / (k + rank) of each row among the first depth rows of each order; only as the first key of ORDER BY';
CREATE FUNCTION rrf(a double precision, b double precision, c double precision,
		k integer DEFAULT 60, depth bigint DEFAULT 100, weights double precision[] DEFAULT NULL) RETURNS double precision
	AS 'MODULE_PATHNAME', 'vector_rrf' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION rrf(double precision, double precision, double precision, integer, bigint, double precision[]) IS 'less is better: the sum of -weight / (k + rank) of each row among the first depth rows of each order; only as the first key of ORDER BY';
CREATE FUNCTION rrf(a double precision, b double precision, c double precision, d double precision,
		k integer DEFAULT 60, depth bigint DEFAULT 100, weights double precision[] DEFAULT NULL) RETURNS double precision
	AS 'MODULE_PATHNAME', 'vector_rrf' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION rrf(double precision, double precision, double precision, double precision, integer, bigint, double precision[]) IS 'less is better: the sum of -weight / (k + rank) of each row among the first depth rows of each order; only as the first key of ORDER BY';

CREATE FUNCTION weighted(a double precision, b double precision,
		normalization text DEFAULT 'minmax', depth bigint DEFAULT 100, weights double precision[] DEFAULT NULL) RETURNS double precision
	AS 'MODULE_PATHNAME', 'vector_weighted' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION weighted(double precision, double precision, text, bigint, double precision[]) IS 'less is better: the weighted sum of the normalized distances of each row among the first depth rows of each order; only as the first key of ORDER BY';
CREATE FUNCTION weighted(a double precision, b double precision, c double precision,
		normalization text DEFAULT 'minmax', depth bigint DEFAULT 100, weights double precision[] DEFAULT NULL) RETURNS double precision
	AS 'MODULE_PATHNAME', 'vector_weighted' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION weighted(double precision, double precision, double precision, text, bigint, double precision[]) IS 'less is better: the weighted sum of the normalized distances of each row among the first depth rows of each order; only as the first key of ORDER BY';
CREATE FUNCTION weighted(a double precision, b double precision, c double precision, d double precision,
		normalization text DEFAULT 'minmax', depth bigint DEFAULT 100, weights double precision[] DEFAULT NULL) RETURNS double precision
	AS 'MODULE_PATHNAME', 'vector_weighted' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION weighted(double precision, double precision, double precision, double precision, text, bigint, double precision[]) IS 'less is better: the weighted sum of the normalized distances of each row among the first depth rows of each order; only as the first key of ORDER BY';

-- terms of texts

CREATE FUNCTION vector_tokenize(config text, body text, OUT term text, OUT "position" integer) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION vector_tokenize(text, text) IS 'the terms of a text, by a text search configuration, by unicode, or by ngram(min,max)';

CREATE FUNCTION vector_tokenize_query(config text, query text, OUT clause integer, OUT occurs text, OUT term text,
		OUT "position" integer, OUT prefix boolean) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION vector_tokenize_query(text, text) IS 'the terms of a query of words, in the syntax of websearch_to_tsquery with +required and prefix*';

CREATE FUNCTION jsonb_strings(jsonb) RETURNS text[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION jsonb_strings(jsonb) IS 'the values that are strings, at any depth, for an index of their words';

CREATE FUNCTION vector_text_digest(config text) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION vector_text_digest(text) IS 'a hash of the terms of some texts: another one means that indexes of words have to be made again';

-- queries of words, and the score of BM25: less is better, 0 is no match; another extension may have the like in this schema

CREATE FUNCTION vector_create_words() RETURNS boolean
	-- types are shells at first, which need no notice
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
	AS $words$
DECLARE
	vector record;
	member record;
	problem text;
BEGIN
	SELECT e.oid, quote_ident(nspname) AS schema INTO vector
		FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'vector';
	IF EXISTS (SELECT FROM pg_depend d JOIN pg_type t ON t.oid = objid AND classid = 'pg_type'::regclass
		WHERE refclassid = 'pg_extension'::regclass AND refobjid = vector.oid AND deptype = 'e' AND typname = 'bm25query') THEN
		RETURN true;
	END IF;
	PERFORM set_config('search_path', vector.schema || ', pg_temp', true);

	CREATE TYPE bm25query;
	CREATE FUNCTION bm25query_in(cstring) RETURNS bm25query
		AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
	COMMENT ON FUNCTION bm25query_in(cstring) IS 'I/O';
	CREATE FUNCTION bm25query_out(bm25query) RETURNS cstring
		AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
	COMMENT ON FUNCTION bm25query_out(bm25query) IS 'I/O';
	CREATE FUNCTION bm25query_recv(internal) RETURNS bm25query
		AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
	COMMENT ON FUNCTION bm25query_recv(internal) IS 'I/O';
	CREATE FUNCTION bm25query_send(bm25query) RETURNS bytea
		AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
	COMMENT ON FUNCTION bm25query_send(bm25query) IS 'I/O';
	CREATE TYPE bm25query (
		INPUT = bm25query_in,
		OUTPUT = bm25query_out,
		RECEIVE = bm25query_recv,
		SEND = bm25query_send,
		STORAGE = extended
	);
	COMMENT ON TYPE bm25query IS 'query of words, and the bm25 index by whose statistics it scores';

	CREATE FUNCTION to_bm25query(query text, index regclass DEFAULT NULL) RETURNS bm25query
		AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
	COMMENT ON FUNCTION to_bm25query(text, regclass) IS 'query of words, with the bm25 index by whose statistics it scores';
	CREATE FUNCTION to_bm25query(query bm25query, index regclass) RETURNS bm25query
		AS 'MODULE_PATHNAME', 'bm25query_with_index' LANGUAGE C IMMUTABLE PARALLEL SAFE;
	COMMENT ON FUNCTION to_bm25query(bm25query, regclass) IS 'a query of words, with the bm25 index by whose statistics it scores unless it names one';
	CREATE FUNCTION bm25query_eq(bm25query, bm25query) RETURNS boolean
		AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
	COMMENT ON FUNCTION bm25query_eq(bm25query, bm25query) IS 'implementation of = operator';
	CREATE OPERATOR = (LEFTARG = bm25query, RIGHTARG = bm25query, PROCEDURE = bm25query_eq, COMMUTATOR = =, RESTRICT = eqsel, JOIN = eqjoinsel);
	COMMENT ON OPERATOR =(bm25query, bm25query) IS 'equal';

	CREATE FUNCTION bm25_score_support(internal) RETURNS internal
		AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
	COMMENT ON FUNCTION bm25_score_support(internal) IS 'planner support: names the index of the column that is searched';
	CREATE FUNCTION bm25_score(text, bm25query) RETURNS float8
		AS 'MODULE_PATHNAME', 'bm25_text_query' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT bm25_score_support;
	COMMENT ON FUNCTION bm25_score(text, bm25query) IS 'implementation of <@> operator';
	CREATE OPERATOR <@> (LEFTARG = text, RIGHTARG = bm25query, PROCEDURE = bm25_score);
	COMMENT ON OPERATOR <@>(text, bm25query) IS 'negative score by BM25 of a text for a query of words';
	CREATE FUNCTION bm25_score(text, text) RETURNS float8
		AS 'MODULE_PATHNAME', 'bm25_text_text' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT bm25_score_support;
	COMMENT ON FUNCTION bm25_score(text, text) IS 'implementation of <@> operator';
	CREATE OPERATOR <@> (LEFTARG = text, RIGHTARG = text, PROCEDURE = bm25_score);
	COMMENT ON OPERATOR <@>(text, text) IS 'negative score by BM25 of a text for a query of words';
	CREATE FUNCTION bm25_score(text[], bm25query) RETURNS float8
		AS 'MODULE_PATHNAME', 'bm25_array_query' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT bm25_score_support;
	COMMENT ON FUNCTION bm25_score(text[], bm25query) IS 'implementation of <@> operator';
	CREATE OPERATOR <@> (LEFTARG = text[], RIGHTARG = bm25query, PROCEDURE = bm25_score);
	COMMENT ON OPERATOR <@>(text[], bm25query) IS 'negative score by BM25 of texts for a query of words';
	CREATE FUNCTION bm25_score(text[], text) RETURNS float8
		AS 'MODULE_PATHNAME', 'bm25_array_text' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT bm25_score_support;
	COMMENT ON FUNCTION bm25_score(text[], text) IS 'implementation of <@> operator';
	CREATE OPERATOR <@> (LEFTARG = text[], RIGHTARG = text, PROCEDURE = bm25_score);
	COMMENT ON OPERATOR <@>(text[], text) IS 'negative score by BM25 of texts for a query of words';

	-- a script of the extension has made them its members
	FOR member IN
		SELECT o.type, o.identity
			FROM (SELECT 'pg_type'::regclass AS classid, 'bm25query'::regtype::oid AS oid
				UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc
					WHERE pronamespace = vector.schema::regnamespace AND proname ~ '^(to_bm25query|bm25_score|bm25query_)'
				UNION ALL SELECT 'pg_operator'::regclass, p.oid FROM pg_operator p JOIN pg_proc f ON f.oid = oprcode
					WHERE pronamespace = vector.schema::regnamespace AND proname IN ('bm25_score', 'bm25query_eq')) m,
				pg_identify_object(m.classid, m.oid, 0) o
			WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = m.classid AND d.objid = m.oid AND refobjid = vector.oid AND deptype = 'e')
	LOOP
		EXECUTE format('ALTER EXTENSION vector ADD %s %s', member.type, member.identity);
	END LOOP;
	RETURN true;
EXCEPTION WHEN duplicate_object OR duplicate_function THEN
	GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT;
	PERFORM set_config('client_min_messages', 'notice', true);
	RAISE NOTICE '%, skipping bm25', problem USING ERRCODE = 'duplicate_object',
		DETAIL = format('It is not that of the extension vector, which cannot have its own in the schema %s: the access method bm25, the type bm25query and the operators <@> are not created.', vector.schema),
		HINT = 'When nothing needs the other one any more, drop it, and call vector_create_bm25().';
	RETURN false;
END
$words$;
COMMENT ON FUNCTION vector_create_words() IS 'creates the type bm25query and the operators <@>, unless the schema has others; returns whether they exist';

CREATE FUNCTION vector_drop_words() RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
	AS $words$
DECLARE
	vector oid := (SELECT oid FROM pg_extension WHERE extname = 'vector');
	query oid := (SELECT t.oid FROM pg_depend d JOIN pg_type t ON t.oid = objid AND classid = 'pg_type'::regclass
		WHERE refclassid = 'pg_extension'::regclass AND refobjid = vector AND deptype = 'e' AND typname = 'bm25query');
	dependent text;
	member record;
BEGIN
	IF query IS NULL THEN
		RETURN false;
	END IF;
	-- a type goes with the functions that read and write it by CASCADE only, by which nothing else is to go
	SELECT string_agg(pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on type bm25query', E'\n') INTO dependent
		FROM pg_depend d
		WHERE refclassid = 'pg_type'::regclass AND refobjid IN (SELECT oid FROM pg_type WHERE oid = query OR typelem = query) AND deptype IN ('n', 'a')
			AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid AND e.refobjid = vector AND e.deptype = 'e');
	IF dependent IS NOT NULL THEN
		RAISE 'cannot drop type bm25query because other objects depend on it' USING ERRCODE = 'dependent_objects_still_exist', DETAIL = dependent;
	END IF;
	FOR member IN
		SELECT o.type, o.identity, step
			FROM (SELECT CASE WHEN proname = 'bm25_score_support' THEN 3 WHEN proname ~ '^bm25query_(in|out|recv|send)$' THEN 4 ELSE 2 END AS step,
					'pg_proc'::regclass AS classid, oid
					FROM pg_proc WHERE proname ~ '^(to_bm25query|bm25_score|bm25query_)'
				UNION ALL SELECT 1, 'pg_operator'::regclass, p.oid FROM pg_operator p JOIN pg_proc f ON f.oid = oprcode
					WHERE proname IN ('bm25_score', 'bm25query_eq')
				UNION ALL SELECT 5, 'pg_type'::regclass, query) m
				JOIN pg_depend d ON d.classid = m.classid AND d.objid = m.oid AND refobjid = vector AND deptype = 'e',
				pg_identify_object(m.classid, m.oid, 0) o
			ORDER BY step
	LOOP
		EXECUTE format('ALTER EXTENSION vector DROP %s %s', member.type, member.identity);
		IF member.step <> 4 THEN
			EXECUTE format('DROP %s %s %s', member.type, member.identity, CASE member.step WHEN 5 THEN 'CASCADE' END);
		END IF;
	END LOOP;
	RETURN true;
END
$words$;
COMMENT ON FUNCTION vector_drop_words() IS 'drops the type bm25query and the operators <@> of this extension; returns whether it did';

-- object stores

CREATE FUNCTION vector_store_validator(options text[], catalog oid) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION vector_store_validator(text[], oid) IS 'checks the options of object stores';

CREATE FOREIGN DATA WRAPPER vector_store VALIDATOR vector_store_validator;
COMMENT ON FOREIGN DATA WRAPPER vector_store IS 'object stores: a folder, or a bucket of a server that speaks S3';

CREATE FUNCTION vector_store_check(server name, OUT step text, OUT passed boolean, OUT milliseconds double precision,
		OUT detail text, OUT hint text) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vector_store_check(name) IS 'tries what an object store is asked to do, and says what fails; writes some objects, and deletes them';

-- other extensions have access methods of these names, too: these functions take a name and give it away

CREATE FUNCTION vector_create_method(method name) RETURNS boolean
	-- a script of an extension would report no notice
	LANGUAGE plpgsql STRICT VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = notice
	AS $create$
DECLARE
	vector record;
	words boolean;
	class record;
	member record;
BEGIN
	IF method NOT IN ('diskann', 'sparse', 'bm25') THEN
		RAISE 'access method "%" cannot be created by this function', method USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Valid names are diskann, sparse and bm25.';
	ELSIF EXISTS (SELECT FROM pg_am JOIN pg_proc p ON p.oid = amhandler WHERE amname = method AND prosrc = method || 'handler') THEN
		RETURN false;
	ELSIF EXISTS (SELECT FROM pg_am WHERE amname = method) THEN
		RAISE NOTICE 'access method "%" already exists, skipping', method
			USING ERRCODE = 'duplicate_object',
			DETAIL = 'It is not that of the extension vector, which is not created.',
			HINT = format('When no index needs the other one any more, drop it, and call vector_create_%s().', method);
		RETURN false;
	END IF;
	SELECT e.oid, quote_ident(nspname) AS schema INTO vector
		FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'vector';
	-- what the operator classes of bm25 are of
	IF method = 'bm25' THEN
		EXECUTE format('SELECT %s.vector_create_words()', vector.schema) INTO words;
		IF NOT words THEN
			RETURN false;
		END IF;
	END IF;
	PERFORM set_config('search_path', vector.schema || ', pg_temp', true);
	EXECUTE format('CREATE ACCESS METHOD %I TYPE INDEX HANDLER %I', method, method || 'handler');
	EXECUTE format('COMMENT ON ACCESS METHOD %I IS %L', method, CASE method
		WHEN 'diskann' THEN 'nearest neighbours by a graph of codes'
		WHEN 'sparse' THEN 'nearest sparse vectors by inverted lists'
		WHEN 'bm25' THEN 'best texts for the words of a query by inverted lists' END);
	-- for diskann, CREATE INDEX refuses the classes of what only hnsw has, and says so
	FOR class IN
		SELECT opcname AS name, opcintype::regtype AS type, obj_description(c.oid, 'pg_opclass') AS description,
				method = 'sparse' OR (opcname ~ '_(l2|ip|cosine)_ops$' AND opcname !~ '^sparsevec') AS served,
				(SELECT amopopr::regoperator FROM pg_amop WHERE amopfamily = opcfamily) AS operator,
				(SELECT string_agg(format('FUNCTION %s %s', amprocnum, amproc::regprocedure), ', ' ORDER BY amprocnum)
					FROM pg_amproc WHERE amprocfamily = opcfamily AND amprocnum < 3) AS functions
			FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
				JOIN pg_depend d ON d.classid = 'pg_opclass'::regclass AND d.objid = c.oid AND d.refobjid = vector.oid
			WHERE amname = 'hnsw' AND opcname ~ CASE method
				WHEN 'diskann' THEN '^(vector|halfvec|bf16vec|int8vec|sparsevec|bit)_' WHEN 'sparse' THEN '^sparsevec_(ip|cosine)_' END
			ORDER BY opcname
	LOOP
		EXECUTE format('CREATE OPERATOR CLASS %I %s FOR TYPE %s USING %I AS OPERATOR 1 %s FOR ORDER BY float_ops, %s', class.name,
			CASE class.name WHEN CASE method WHEN 'diskann' THEN 'vector_cosine_ops' ELSE 'sparsevec_ip_ops' END THEN 'DEFAULT' END, class.type,
			method, class.operator, class.functions);
		EXECUTE format('COMMENT ON OPERATOR CLASS %I USING %I IS %L', class.name, method,
			CASE WHEN class.served THEN class.description ELSE 'not supported, only by hnsw' END);
	END LOOP;
	IF method = 'bm25' THEN
		CREATE OPERATOR CLASS bm25_ops DEFAULT FOR TYPE text USING bm25 AS
			OPERATOR 1 <@> (text, bm25query) FOR ORDER BY float_ops,
			FUNCTION 1 bm25_score(text, bm25query);
		COMMENT ON OPERATOR CLASS bm25_ops USING bm25 IS 'best texts for the words of a query';
		CREATE OPERATOR CLASS bm25_array_ops DEFAULT FOR TYPE text[] USING bm25 AS
			OPERATOR 1 <@> (text[], bm25query) FOR ORDER BY float_ops,
			FUNCTION 1 bm25_score(text[], bm25query);
		COMMENT ON OPERATOR CLASS bm25_array_ops USING bm25 IS 'best arrays of texts for the words of a query';
	END IF;
	EXECUTE format('SELECT %s.vector_create_attribute_classes(%L)', vector.schema, method);
	-- a script of the extension has made them its members
	FOR member IN
		SELECT o.type, o.identity
			FROM (SELECT 'pg_am'::regclass AS classid, a.oid FROM pg_am a WHERE amname = method
				UNION ALL SELECT 'pg_opfamily'::regclass, f.oid FROM pg_opfamily f JOIN pg_am a ON a.oid = opfmethod WHERE amname = method
				UNION ALL SELECT 'pg_opclass'::regclass, c.oid FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod WHERE amname = method) m,
				pg_identify_object(m.classid, m.oid, 0) o
			WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = m.classid AND d.objid = m.oid AND refobjid = vector.oid AND deptype = 'e')
	LOOP
		EXECUTE format('ALTER EXTENSION vector ADD %s %s', member.type, member.identity);
	END LOOP;
	RETURN true;
END
$create$;
COMMENT ON FUNCTION vector_create_method(name) IS 'creates the access method diskann, sparse or bm25, unless one has this name; returns whether it did';

CREATE FUNCTION vector_drop_method(method name) RETURNS boolean
	LANGUAGE plpgsql STRICT VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS $drop$
DECLARE
	vector oid := (SELECT oid FROM pg_extension WHERE extname = 'vector');
	member record;
BEGIN
	IF method NOT IN ('diskann', 'sparse', 'bm25') OR
		NOT EXISTS (SELECT FROM pg_am JOIN pg_proc p ON p.oid = amhandler WHERE amname = method AND prosrc = method || 'handler') THEN
		RETURN false;
	END IF;
	-- to drop the access method with them by CASCADE would drop the extension
	FOR member IN
		SELECT o.type, o.identity
			FROM (SELECT 1 AS step, 'pg_opclass'::regclass AS classid, c.oid FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod WHERE amname = method
				UNION ALL SELECT 2, 'pg_opfamily'::regclass, f.oid FROM pg_opfamily f JOIN pg_am a ON a.oid = opfmethod WHERE amname = method
				UNION ALL SELECT 3, 'pg_am'::regclass, a.oid FROM pg_am a WHERE amname = method) m
				JOIN pg_depend d ON d.classid = m.classid AND d.objid = m.oid AND refobjid = vector AND deptype = 'e',
				pg_identify_object(m.classid, m.oid, 0) o
			ORDER BY step
	LOOP
		EXECUTE format('ALTER EXTENSION vector DROP %s %s', member.type, member.identity);
		EXECUTE format('DROP %s %s', member.type, member.identity);
	END LOOP;
	IF method = 'bm25' THEN
		EXECUTE format('SELECT %s.vector_drop_words()', (SELECT quote_ident(nspname) FROM pg_namespace JOIN pg_extension ON extnamespace = pg_namespace.oid
			WHERE extname = 'vector'));
	END IF;
	RETURN true;
END
$drop$;
COMMENT ON FUNCTION vector_drop_method(name) IS 'drops the access method diskann, sparse or bm25 of this extension, for another to have the name; returns whether it did';

CREATE FUNCTION vector_create_diskann() RETURNS boolean LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT vector_create_method('diskann');
END;
COMMENT ON FUNCTION vector_create_diskann() IS 'creates the access method diskann, unless one has this name; returns whether it did';
CREATE FUNCTION vector_drop_diskann() RETURNS boolean LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT vector_drop_method('diskann');
END;
COMMENT ON FUNCTION vector_drop_diskann() IS 'drops the access method diskann of this extension, for another to have the name; returns whether it did';
CREATE FUNCTION vector_create_sparse() RETURNS boolean LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT vector_create_method('sparse');
END;
COMMENT ON FUNCTION vector_create_sparse() IS 'creates the access method sparse, unless one has this name; returns whether it did';
CREATE FUNCTION vector_drop_sparse() RETURNS boolean LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT vector_drop_method('sparse');
END;
COMMENT ON FUNCTION vector_drop_sparse() IS 'drops the access method sparse of this extension, for another to have the name; returns whether it did';

SELECT vector_create_diskann();
CREATE FUNCTION vector_create_bm25() RETURNS boolean LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT vector_create_method('bm25');
END;
COMMENT ON FUNCTION vector_create_bm25() IS 'creates the access method bm25, with its type and operators, unless others have these names; returns whether it did';
CREATE FUNCTION vector_drop_bm25() RETURNS boolean LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT vector_drop_method('bm25');
END;
COMMENT ON FUNCTION vector_drop_bm25() IS 'drops the access method bm25 of this extension, with its type and operators, for another to have the names; returns whether it did';
SELECT vector_create_sparse();
SELECT vector_create_bm25();
