/*
 * space.h - what is indexed: element type, metric, and how a distance is computed
 *
 * Inside an index a vector is its payload: the elements of a dense vector, the bytes of a bit
 * string, nnz, indices and values of a sparse vector.  Distances inside an index are squared for
 * l2 and twice 1 - cosine for cosine (the squared distance of unit vectors); space_order_by
 * converts them to the operator's values.  Dense l2, ip and cosine are "coded", unless lists have
 * no codes: distances are estimated from codes before they are computed.
 *
 * A document of words is a vector, too, whose dimensions are terms.  Its distance from a query is
 * the negative score by BM25; rows at the distance 0 do not match.
 */
#ifndef VECTOR_SEGMENT_SPACE_H
#define VECTOR_SEGMENT_SPACE_H

#include "pg_compat.h"

#include <math.h>

#include "utils/relcache.h"

#include "quantize/rotation.h"
#include "segment/format.h"
#include "text/match.h"

typedef struct Space
{
	SpaceElement element;
	SpaceMetric metric;
	SpaceStorage storage;
	SpaceMethod method;
	SpaceQuantizer quantizer;	/* lists */
	int			bits;			/* lists, METHOD_DISK */
	int			pq_m;
	float		k1;				/* words: by which weights in lists are computed */
	float		b;
	int			dims;
	bool		coded;
	uint64		seed;
	float		rounding;		/* error of sums of float32 products, relative to their terms */
	Rotation	rotation;		/* if coded, after space_init_rotation */
} Space;

/* A vector, prepared for comparing other vectors with it. */
typedef struct SpaceQuery
{
	const char *payload;
	Size		size;
	float	   *floats;			/* coded: the elements */
	float	   *rotated;		/* coded: rotated, for cosine of unit length; not centred */
	double		norm;			/* coded: of the elements */
	float		scale;			/* cosine: 1 / norm */
	Match	   *match;			/* words: what is sought, in place of a payload */
} SpaceQuery;

/* The payload of a sparse vector. */
#define SPARSE_NNZ(payload)		(*(const int32 *) (payload))
#define SPARSE_INDICES(payload)	((const int32 *) (payload) + 1)
#define SPARSE_VALUES(payload)	((const float *) (SPARSE_INDICES(payload) + SPARSE_NNZ(payload)))

/* The payload of a document (text/document.h): its size with these 4 bytes, and its bytes. */
#define WORDS_SIZE(payload)		(*(const uint32 *) (payload))
#define WORDS_DOCUMENT(payload)	((payload) + sizeof(uint32))
#define WORDS_DOCUMENT_SIZE(payload)	(WORDS_SIZE(payload) - sizeof(uint32))
#define WORDS_MAX_SIZE			((Size) 1024 * 1024 * 1024)

/* The most elements of a sparse vector that are not zero, as SPARSEVEC_MAX_NNZ. */
#define SPACE_MAX_NNZ		16000

#define SPACE_SPARSE_SIZE(nnz) \
	(sizeof(int32) + (Size) (nnz) * (sizeof(int32) + sizeof(float)))

/* Whether payloads differ in size, which then follows from their first 4 bytes. */
static inline bool
space_varies(const Space *space)
{
	return space->element == SPACE_SPARSE || space->element == SPACE_WORDS;
}

/* The element type of a column and the metric of an operator class, or an error. */
extern void space_of_index(Relation index, SpaceElement *element, SpaceMetric *metric);

/* The dimensions of an index's column with elements of a type; negative if it does not say. */
extern int	space_dims_of_index(Relation index, SpaceElement element);

extern void space_init(Space *space, SpaceElement element, SpaceMetric metric,
					   SpaceStorage storage, int dims, uint64 seed);
/* Makes it a space of lists. */
extern void space_use_lists(Space *space, SpaceQuantizer quantizer, int bits, int pq_m,
							SpaceStorage storage);
/* Computes the rotation, in the current memory context, if coded. */
extern void space_init_rotation(Space *space);

/* Bytes of a payload, unless they differ. */
extern Size space_payload_size(const Space *space);
/* Bytes of this payload. */
extern Size space_size_of(const Space *space, const char *payload);
/* Bytes of a vector as it is stored, or 0 if they differ or no vectors are stored. */
extern Size space_stored_size(const Space *space, SpaceStorage storage);

/*
 * The payload of a datum (detoasted, maybe a copy); raises an error if its dimensions are not the
 * index's.  Sets *size.  For cosine the vector may have been scaled.
 */
extern const char *space_payload(const Space *space, Datum value, Size *size);

/* Whether a vector with this payload is indexed; for cosine, zero vectors are not. */
extern bool space_indexable(const Space *space, const char *payload);

/* The elements of a dense payload as floats. */
extern void space_floats(const Space *space, const char *payload, float *out);

/* The norm of a dense or sparse vector. */
extern double space_norm(const Space *space, const char *payload);

/* The exact distance of two payloads. */
extern float space_distance(const Space *space, const char *a, const char *b);

/* Prepares a query, in the current memory context; the payload must stay in place. */
extern void space_prepare(const Space *space, SpaceQuery *query, const char *payload, Size size);

/* The distance of the query and a node's own vector, as stored. */
extern float space_node_distance(const Space *space, const SpaceQuery *query,
								 const SealedNode *node, const char *vector);

/* The distance of the query and a payload; sets *scale to what a node would have. */
extern float space_query_distance(const Space *space, const SpaceQuery *query,
								  const char *payload, float *scale);

/* Whether STORAGE_BYTES stores this vector exactly, and in fewer bytes than STORAGE_FULL. */
extern bool space_fits_bytes(const Space *space, const char *payload);

/* Stores a vector: fills the node's error, low, step and scale. */
extern void space_store(const Space *space, SpaceStorage storage, const char *payload,
						SealedNode *node, char *vector);

/*
 * The payload that a node's stored vector stands for; returns an upper bound of its distance from
 * the vector that was indexed.
 */
extern float space_restore(const Space *space, const SealedNode *node, const char *vector,
						   char *payload);

/*
 * A lower bound of the operator's value for a row at this distance, however both were rounded;
 * `error` and `scale` are the node's, or zero and what space_query_distance returned.
 */
extern double space_order_by(const Space *space, const SpaceQuery *query, float distance,
							 float error, float scale);

/* The operator's value for a distance; space_order_by gives a bound of it. */
static inline double
space_value(const Space *space, float distance)
{
	return space->metric == SPACE_L2 ? sqrt(distance) :
		space->metric == SPACE_COSINE ? (double) distance / 2 : distance;
}

/*
 * Whether a row at this distance is a result: of documents, those that do not match the query have
 * the distance 0.
 */
static inline bool
space_is_result(const Space *space, float distance)
{
	return space->element != SPACE_WORDS || distance < 0;
}

/* A lower bound for an estimate that is a sum of terms as large as `part`, after rounding. */
static inline float
space_below(const Space *space, float estimate, float part)
{
	const float lost = 1e-37f;

	return estimate - (space->rounding * (fabsf(part) + fabsf(estimate)) + lost);
}

/* Whether a function is that of the operator whose values space_order_by gives. */
extern bool space_is_operator(const Space *space, PGFunction function);

/* Memory for graphs from a memory context: errors are raised, nothing returns NULL. */
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
