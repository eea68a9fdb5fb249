/*
 * space_class.c - element type and metric of an index, by the functions of its operator class
 */
#include "segment/space.h"

#include "access/genam.h"
#include "utils/rel.h"

/* The distance functions of the operator classes, which determine element type and metric. */
#define DISTANCE_FUNCTION(symbol)	extern Datum symbol(PG_FUNCTION_ARGS)

DISTANCE_FUNCTION(vector_l2_squared_distance);
DISTANCE_FUNCTION(vector_negative_inner_product);
DISTANCE_FUNCTION(l1_distance);
DISTANCE_FUNCTION(halfvec_l2_squared_distance);
DISTANCE_FUNCTION(halfvec_negative_inner_product);
DISTANCE_FUNCTION(halfvec_l1_distance);
DISTANCE_FUNCTION(bf16vec_l2_squared_distance);
DISTANCE_FUNCTION(bf16vec_negative_inner_product);
DISTANCE_FUNCTION(bf16vec_l1_distance);
DISTANCE_FUNCTION(int8vec_l2_squared_distance);
DISTANCE_FUNCTION(int8vec_negative_inner_product);
DISTANCE_FUNCTION(int8vec_l1_distance);
DISTANCE_FUNCTION(sparsevec_l2_squared_distance);
DISTANCE_FUNCTION(sparsevec_negative_inner_product);
DISTANCE_FUNCTION(sparsevec_l1_distance);
DISTANCE_FUNCTION(hamming_distance);
DISTANCE_FUNCTION(jaccard_distance);
DISTANCE_FUNCTION(bm25_text_query);
DISTANCE_FUNCTION(bm25_array_query);

/* The functions of operators that are others. */
DISTANCE_FUNCTION(l2_distance);
DISTANCE_FUNCTION(cosine_distance);
DISTANCE_FUNCTION(halfvec_l2_distance);
DISTANCE_FUNCTION(halfvec_cosine_distance);
DISTANCE_FUNCTION(bf16vec_l2_distance);
DISTANCE_FUNCTION(bf16vec_cosine_distance);
DISTANCE_FUNCTION(int8vec_l2_distance);
DISTANCE_FUNCTION(int8vec_cosine_distance);
DISTANCE_FUNCTION(sparsevec_l2_distance);
DISTANCE_FUNCTION(sparsevec_cosine_distance);

static const struct
{
	PGFunction	function;
	SpaceElement element;
	SpaceMetric metric;			/* SPACE_IP with a norm function: SPACE_COSINE */
}			distance_functions[] = {
	{vector_l2_squared_distance, SPACE_F32, SPACE_L2},
	{vector_negative_inner_product, SPACE_F32, SPACE_IP},
	{l1_distance, SPACE_F32, SPACE_L1},
	{halfvec_l2_squared_distance, SPACE_F16, SPACE_L2},
	{halfvec_negative_inner_product, SPACE_F16, SPACE_IP},
	{halfvec_l1_distance, SPACE_F16, SPACE_L1},
	{bf16vec_l2_squared_distance, SPACE_BF16, SPACE_L2},
	{bf16vec_negative_inner_product, SPACE_BF16, SPACE_IP},
	{bf16vec_l1_distance, SPACE_BF16, SPACE_L1},
	{int8vec_l2_squared_distance, SPACE_I8, SPACE_L2},
	{int8vec_negative_inner_product, SPACE_I8, SPACE_IP},
	{int8vec_l1_distance, SPACE_I8, SPACE_L1},
	{sparsevec_l2_squared_distance, SPACE_SPARSE, SPACE_L2},
	{sparsevec_negative_inner_product, SPACE_SPARSE, SPACE_IP},
	{sparsevec_l1_distance, SPACE_SPARSE, SPACE_L1},
	{hamming_distance, SPACE_BIT, SPACE_HAMMING},
	{jaccard_distance, SPACE_BIT, SPACE_JACCARD},
	{bm25_text_query, SPACE_WORDS, SPACE_IP},
	{bm25_array_query, SPACE_WORDS, SPACE_IP},
};

static const PGFunction l2_operators[] = {
	[SPACE_F32] = l2_distance,
	[SPACE_F16] = halfvec_l2_distance,
	[SPACE_BF16] = bf16vec_l2_distance,
	[SPACE_I8] = int8vec_l2_distance,
	[SPACE_SPARSE] = sparsevec_l2_distance
};

static const PGFunction cosine_operators[] = {
	[SPACE_F32] = cosine_distance,
	[SPACE_F16] = halfvec_cosine_distance,
	[SPACE_BF16] = bf16vec_cosine_distance,
	[SPACE_I8] = int8vec_cosine_distance,
	[SPACE_SPARSE] = sparsevec_cosine_distance
};

#define DISTANCE_PROC	1
#define NORM_PROC		2

void
space_of_index(Relation index, SpaceElement *element, SpaceMetric *metric)
{
	PGFunction	function = index_getprocinfo(index, 1, DISTANCE_PROC)->fn_addr;

	for (int i = 0; i < lengthof(distance_functions); i++)
		if (distance_functions[i].function == function)
		{
			*element = distance_functions[i].element;
			*metric = distance_functions[i].metric;
			if (*metric == SPACE_IP && OidIsValid(index_getprocid(index, 1, NORM_PROC)))
				*metric = SPACE_COSINE;
			return;
		}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("operator class of index \"%s\" has an unknown distance function",
					RelationGetRelationName(index)),
			 errhint("Use an operator class of the extension vector.")));
}

int
space_dims_of_index(Relation index, SpaceElement element)
{
	return element == SPACE_WORDS ? 0 : TupleDescAttr(RelationGetDescr(index), 0)->atttypmod;
}

bool
space_is_operator(const Space *space, PGFunction function)
{
	if (space->metric == SPACE_L2)
		return function == l2_operators[space->element];
	if (space->metric == SPACE_COSINE)
		return function == cosine_operators[space->element];
	for (int i = 0; i < lengthof(distance_functions); i++)
		if (distance_functions[i].function == function)
			return distance_functions[i].element == space->element &&
				distance_functions[i].metric == space->metric;
	return false;
}
