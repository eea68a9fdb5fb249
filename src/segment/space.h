/*
 * space.h - what is indexed: elements, metric, and how a distance is computed
 *
 * Inside an index a vector is its payload: the elements of a dense vector, the bytes of a bit
 * string, or nnz, indices and values of a sparse one.  Distances inside an index are squared for l2
 * and twice 1 - cosine for cosine (the squared distance of unit vectors); space_order_by leads to
 * the operator's values.  Dense l2, ip and cosine are "coded", unless lists are to have no codes:
 * distances are estimated from them before they are computed.
 */
#ifndef VECTOR_SEGMENT_SPACE_H
#define VECTOR_SEGMENT_SPACE_H

#include "pg_compat.h"

#include <math.h>

#include "utils/relcache.h"

#include "quantize/rotation.h"
#include "segment/format.h"

typedef struct Space
{
	SpaceElement element;
	SpaceMetric metric;
	SpaceStorage storage;
	SpaceMethod method;
	SpaceQuantizer quantizer;	/* lists */
	int			bits;
	int			pq_m;
	int			dims;
	bool		coded;
	uint64		seed;
	float		rounding;		/* of sums of float32 products, as a part of their sizes */
	Rotation	rotation;		/* if coded, after space_init_rotation */
} Space;

/* A vector, prepared for comparing others with it. */
typedef struct SpaceQuery
{
	const char *payload;
	Size		size;
	float	   *floats;			/* coded: the elements */
	float	   *rotated;		/* coded: rotated, for cosine of unit length; not centred */
	double		norm;			/* coded: of the elements */
	float		scale;			/* cosine: 1 / norm */
} SpaceQuery;

#define SPACE_MAX_PAYLOAD(space) \
	((space)->element == SPACE_SPARSE ? 4 + 8 * (Size) 16000 : space_payload_size(space))

/* The element type of a column and the metric of an operator class, or an error. */
extern void space_of_index(Relation index, SpaceElement *element, SpaceMetric *metric);

extern void space_init(Space *space, SpaceElement element, SpaceMetric metric,
					   SpaceStorage storage, int dims, uint64 seed);
/* Makes it one of lists. */
extern void space_use_lists(Space *space, SpaceQuantizer quantizer, int bits, int pq_m,
							SpaceStorage storage);
/* Makes the rotation, in the current memory context, if coded. */
extern void space_init_rotation(Space *space);

/* Bytes of a payload; not for sparse vectors. */
extern Size space_payload_size(const Space *space);
/* Bytes of this one. */
extern Size space_size_of(const Space *space, const char *payload);
/* Bytes of a vector as a node keeps it, or 0 where they differ or it keeps none. */
extern Size space_stored_size(const Space *space);

/*
 * The payload of a datum (detoasted, maybe a copy); an error where its dimensions are not the
 * index's.  *size gets its length.  For cosine the vector may have been multiplied by a number.
 */
extern const char *space_payload(const Space *space, Datum value, Size *size);

/* Whether a vector of this payload is indexed: not where cosine has no meaning. */
extern bool space_indexable(const Space *space, const char *payload);

/* The elements of a dense payload as floats. */
extern void space_floats(const Space *space, const char *payload, float *out);

/* The norm of a dense or sparse vector. */
extern double space_norm(const Space *space, const char *payload);

/* Exact, of two payloads. */
extern float space_distance(const Space *space, const char *a, const char *b);

/* Prepares a query; memory is from the current context, the payload must live on. */
extern void space_prepare(const Space *space, SpaceQuery *query, const char *payload, Size size);

/* Of the query and a node's own vector, as stored. */
extern float space_node_distance(const Space *space, const SpaceQuery *query,
								 const SealedNode *node, const char *vector);

/* Of the query and a payload; *scale gets what a node's is. */
extern float space_query_distance(const Space *space, const SpaceQuery *query,
								  const char *payload, float *scale);

/* Stores a vector as nodes keep it: fills node's error, low, step and scale. */
extern void space_store(const Space *space, const char *payload, SealedNode *node, char *vector);

/*
 * The payload that a node's stored vector stands for; returns at most how far it is from the vector
 * that was indexed.
 */
extern float space_restore(const Space *space, const SealedNode *node, const char *vector,
						   char *payload);

/*
 * A value that the operator's is not below, of a row at this distance, however either was rounded;
 * `error` and `scale` are the node's, or zero and what space_query_distance gave.
 */
extern double space_order_by(const Space *space, const SpaceQuery *query, float distance,
							 float error, float scale);

/* A bound by an estimate that is a sum of parts as large as `part`, whatever these lost. */
static inline float
space_below(const Space *space, float estimate, float part)
{
	const float lost = 1e-37f;

	return estimate - (space->rounding * (fabsf(part) + fabsf(estimate)) + lost);
}

/* Whether a function is the operator's that space_order_by means. */
extern bool space_is_operator(const Space *space, PGFunction function);

/* Memory for graphs from a context: errors are thrown, nothing returns NULL. */
extern GraphMemory space_graph_memory(MemoryContext context);

static inline bool
space_is_lossy(const Space *space)
{
	return space->storage == STORAGE_HALF || space->storage == STORAGE_SQ8;
}

static inline RabitqMetric
space_rabitq_metric(const Space *space)
{
	return space->metric == SPACE_IP ? RABITQ_IP : RABITQ_L2;
}

#endif							/* VECTOR_SEGMENT_SPACE_H */
