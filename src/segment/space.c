/*
 * space.c - payloads and distances of every element type and metric
 */
#include "segment/space.h"

#include <float.h>
#include <math.h>

#include "utils/varbit.h"

#include "distance/distance.h"
#include "distance/half.h"
#include "segment/wait_point.h"
#include "types/dense.h"
#include "types/detoast.h"
#include "types/sparsevec.h"

void
space_init(Space *space, SpaceElement element, SpaceMetric metric, SpaceStorage storage, int dims,
		   uint64 seed)
{
	memset(space, 0, sizeof(*space));
	space->element = element;
	space->metric = metric;
	space->dims = dims;
	space->seed = seed;
	/* kernels compute at least eight partial sums, sparse vectors one */
	space->rounding = FLT_EPSILON *
		(16 + (element == SPACE_SPARSE ? SPARSEVEC_MAX_NNZ : dims / 8));
	space->coded = element <= SPACE_I8 && metric <= SPACE_COSINE;
	/* other storage gains nothing if an element has no more bits than would be stored */
	if (space->coded && element != SPACE_I8 && (storage == STORAGE_SQ8 || element == SPACE_F32))
		space->storage = storage;
}

void
space_use_lists(Space *space, SpaceQuantizer quantizer, int bits, int pq_m, SpaceStorage storage)
{
	space->quantizer = quantizer;
	space->bits = bits;
	space->pq_m = pq_m;
	space->coded = quantizer != QUANTIZER_NONE;
	if (storage == STORAGE_NONE)
		space->storage = STORAGE_NONE;
	else if (!space->coded)
		space->storage = STORAGE_FULL;
}

void
space_init_rotation(Space *space)
{
	if (space->coded)
		rotation_init(&space->rotation, space->dims, space->seed,
					  palloc(rotation_memory(space->dims)));
}

static Size
element_size(const Space *space)
{
	return space->element == SPACE_F32 ? 4 : space->element == SPACE_I8 ? 1 : 2;
}

Size
space_payload_size(const Space *space)
{
	Assert(!space_varies(space));
	if (space->element == SPACE_BIT)
		return ((Size) space->dims + 7) / 8;
	return element_size(space) * space->dims;
}

/* The parts of a sparse payload. */
#define SPARSE_ARGS(p)			SPARSE_INDICES(p), SPARSE_VALUES(p), (size_t) SPARSE_NNZ(p)

Size
space_size_of(const Space *space, const char *payload)
{
	if (space->element == SPACE_SPARSE)
		return SPACE_SPARSE_SIZE(SPARSE_NNZ(payload));
	if (space->element == SPACE_WORDS)
		return WORDS_SIZE(payload);
	return space_payload_size(space);
}

Size
space_stored_size(const Space *space, SpaceStorage storage)
{
	if (space_varies(space))
		return 0;
	switch (storage)
	{
		case STORAGE_NONE:
			return 0;
		case STORAGE_HALF:
			return sizeof(uint16) * space->dims;
		case STORAGE_SQ8:
		case STORAGE_BYTES:
			return space->dims;
		default:
			return space_payload_size(space);
	}
}

static void
check_dims(const char *message, int dims, int expected)
{
	if (unlikely(dims != expected))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION), errmsg(message, dims, expected)));
}

/* The payload of a datum, unscaled. */
static const char *
payload_of(const Space *space, Datum value, Size *size)
{
	if (space->element == SPACE_BIT)
	{
		VarBit	   *bits = vector_detoast(value);

		check_dims("different bit lengths %u and %u", VARBITLEN(bits), space->dims);
		*size = VARBITBYTES(bits);
		return (const char *) VARBITS(bits);
	}
	if (space->element == SPACE_SPARSE)
	{
		SparseVector *sparse = vector_detoast(value);
		char	   *payload;

		check_dims("different sparsevec dimensions %d and %d", sparse->dim, space->dims);
		*size = SPACE_SPARSE_SIZE(sparse->nnz);
		payload = palloc(*size);
		memcpy(payload, &sparse->nnz, sizeof(int32));
		memcpy(payload + sizeof(int32), sparse->indices, *size - sizeof(int32));
		return payload;
	}
	if (space->element == SPACE_WORDS)
	{
		/* a document that has been made of the row */
		const char *document = (const char *) DatumGetPointer(value);

		*size = space_size_of(space, document);
		return document;
	}
	else
	{
		Dense	   *dense = vector_detoast(value);
		static const char *const messages[] = {
			"different vector dimensions %d and %d",
			"different halfvec dimensions %d and %d",
			"different bf16vec dimensions %d and %d",
			"different int8vec dimensions %d and %d"
		};

		check_dims(messages[space->element], dense->dim, space->dims);
		*size = space_payload_size(space);
		return dense->x;
	}
}

static void
scale_floats(float *x, int n, int exponent)
{
	for (int i = 0; i < n; i++)
		x[i] = ldexpf(x[i], exponent);
}

/*
 * For cosine the length of a vector does not matter.  If a vector is so short or so long that
 * products of its elements may leave float32, it is multiplied by a power of two that makes its
 * length about 1, so that nothing else in an index has to consider that; elements that underflow
 * would contribute nothing anyway.  Vectors of halves or int8 never have such a length.
 */
static const char *
with_moderate_length(const Space *space, const char *payload, Size size)
{
	double		norm = space_norm(space, payload);
	int			exponent;
	char	   *scaled;

	if (norm == 0 || (norm >= 0x1p-40 && norm <= 0x1p50))
		return payload;
	exponent = -ilogb(norm);
	scaled = palloc(size);
	memcpy(scaled, payload, size);
	if (space->element == SPACE_SPARSE)
		scale_floats((float *) SPARSE_VALUES(scaled), SPARSE_NNZ(scaled), exponent);
	else if (space->element == SPACE_F32)
		scale_floats((float *) scaled, space->dims, exponent);
	else
		for (int i = 0; i < space->dims; i++)
			((uint16 *) scaled)[i] = float_to_bf16(
				ldexpf(bf16_to_float(((uint16 *) scaled)[i]), exponent));
	return scaled;
}

const char *
space_payload(const Space *space, Datum value, Size *size)
{
	const char *payload = payload_of(space, value, size);

	return space->metric == SPACE_COSINE ? with_moderate_length(space, payload, *size) : payload;
}

bool
space_indexable(const Space *space, const char *payload)
{
	return space->metric != SPACE_COSINE || space_norm(space, payload) > 0;
}

void
space_floats(const Space *space, const char *payload, float *out)
{
	switch (space->element)
	{
		case SPACE_F32:
			memcpy(out, payload, sizeof(float) * space->dims);
			break;
		case SPACE_F16:
			for (int i = 0; i < space->dims; i++)
				out[i] = half_to_float(((const uint16 *) payload)[i]);
			break;
		case SPACE_BF16:
			for (int i = 0; i < space->dims; i++)
				out[i] = bf16_to_float(((const uint16 *) payload)[i]);
			break;
		case SPACE_I8:
			for (int i = 0; i < space->dims; i++)
				out[i] = ((const int8 *) payload)[i];
			break;
		default:
			elog(ERROR, "not a dense vector");
	}
}

static float
dot(const Space *space, const char *a, const char *b)
{
	const DistanceKernels *k = distance_kernels;
	size_t		n = space->dims;

	switch (space->element)
	{
		case SPACE_F32:
			return k->f32_dot((const float *) a, (const float *) b, n);
		case SPACE_F16:
			return k->f16_dot((const uint16 *) a, (const uint16 *) b, n);
		case SPACE_BF16:
			return k->bf16_dot((const uint16 *) a, (const uint16 *) b, n);
		case SPACE_I8:
			return (float) k->i8_dot((const int8 *) a, (const int8 *) b, n);
		case SPACE_SPARSE:
			return sparse_dot(SPARSE_ARGS(a), SPARSE_ARGS(b));
		default:
			pg_unreachable();
	}
}

static float
l2sq(const Space *space, const char *a, const char *b)
{
	const DistanceKernels *k = distance_kernels;
	size_t		n = space->dims;

	switch (space->element)
	{
		case SPACE_F32:
			return k->f32_l2sq((const float *) a, (const float *) b, n);
		case SPACE_F16:
			return k->f16_l2sq((const uint16 *) a, (const uint16 *) b, n);
		case SPACE_BF16:
			return k->bf16_l2sq((const uint16 *) a, (const uint16 *) b, n);
		case SPACE_I8:
			return (float) k->i8_l2sq((const int8 *) a, (const int8 *) b, n);
		case SPACE_SPARSE:
			return sparse_l2sq(SPARSE_ARGS(a), SPARSE_ARGS(b));
		default:
			pg_unreachable();
	}
}

static float
l1(const Space *space, const char *a, const char *b)
{
	const DistanceKernels *k = distance_kernels;
	size_t		n = space->dims;

	switch (space->element)
	{
		case SPACE_F32:
			return k->f32_l1((const float *) a, (const float *) b, n);
		case SPACE_F16:
			return k->f16_l1((const uint16 *) a, (const uint16 *) b, n);
		case SPACE_BF16:
			return k->bf16_l1((const uint16 *) a, (const uint16 *) b, n);
		case SPACE_I8:
			return (float) k->i8_l1((const int8 *) a, (const int8 *) b, n);
		case SPACE_SPARSE:
			return sparse_l1(SPARSE_ARGS(a), SPARSE_ARGS(b));
		default:
			pg_unreachable();
	}
}

static float
jaccard(const Space *space, const char *a, const char *b)
{
	BitParts	parts = distance_kernels->bit_jaccard((const uint8 *) a, (const uint8 *) b,
													  space_payload_size(space));

	return parts.both == 0 ? 1 :
		(float) (1 - (double) parts.both / (double) (parts.a + parts.b - parts.both));
}

/* Twice 1 - cosine, from the dot product and the reciprocal of the product of the norms. */
static inline float
cosine_from_dot(float product, float scale)
{
	float		cosine = product * scale;

	return cosine < 1 ? 2 - 2 * cosine : 0;
}

double
space_norm(const Space *space, const char *payload)
{
	size_t		n = space->dims;

	switch (space->element)
	{
		case SPACE_F32:
			return f32_norm((const float *) payload, n);
		case SPACE_F16:
			return f16_norm((const uint16 *) payload, n);
		case SPACE_BF16:
			return bf16_norm((const uint16 *) payload, n);
		case SPACE_I8:
			return i8_norm((const int8 *) payload, n);
		case SPACE_SPARSE:
			return sparse_norm(SPARSE_VALUES(payload), (size_t) SPARSE_NNZ(payload));
		default:
			pg_unreachable();
	}
}

float
space_distance(const Space *space, const char *a, const char *b)
{
	switch (space->metric)
	{
		case SPACE_L2:
			return l2sq(space, a, b);
		case SPACE_IP:
			return -dot(space, a, b);
		case SPACE_COSINE:
			return cosine_from_dot(
				dot(space, a, b),
				(float) (1 / (space_norm(space, a) * space_norm(space, b))));
		case SPACE_L1:
			return l1(space, a, b);
		case SPACE_HAMMING:
			return (float) distance_kernels->bit_hamming((const uint8 *) a, (const uint8 *) b,
														 space_payload_size(space));
		default:
			return jaccard(space, a, b);
	}
}

void
space_prepare(const Space *space, SpaceQuery *query, const char *payload, Size size)
{
	memset(query, 0, sizeof(*query));
	query->payload = payload;
	query->size = size;
	query->scale = 1;
	if (space->metric == SPACE_COSINE)
		query->scale = (float) (1 / space_norm(space, payload));
	if (!space->coded)
		return;
	query->floats = palloc(sizeof(float) * space->dims);
	query->rotated = palloc(sizeof(float) * space->rotation.padded);
	space_floats(space, payload, query->floats);
	query->norm = space_norm(space, payload);
	rotation_apply(&space->rotation, query->floats, query->rotated);
	for (uint32 i = 0; i < space->rotation.padded && space->metric == SPACE_COSINE; i++)
		query->rotated[i] *= query->scale;
}

/* For cosine the reciprocal of the norm, for a coded inner product the norm, else zero. */
static float
scale_of(const Space *space, const char *payload)
{
	if (space->metric == SPACE_COSINE)
		return (float) (1 / space_norm(space, payload));
	return space->coded && space->metric == SPACE_IP ? (float) space_norm(space, payload) : 0;
}

/* The score of a document. */
static double
words_score(Match *match, const char *payload)
{
	double		score;

	if (!match_document(match, WORDS_DOCUMENT(payload), WORDS_DOCUMENT_SIZE(payload), &score))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED), errmsg("a document in an index is damaged"),
				 errhint("Please REINDEX it.")));
	return score;
}

float
space_query_distance(const Space *space, const SpaceQuery *query, const char *payload,
					 float *scale)
{
	if (space->element == SPACE_WORDS)
	{
		*scale = 0;
		return -(float) words_score(query->match, payload);
	}
	*scale = scale_of(space, payload);
	if (space->metric == SPACE_COSINE)
		return cosine_from_dot(dot(space, query->payload, payload), query->scale * *scale);
	return space_distance(space, query->payload, payload);
}

/* How the vector of a node is stored. */
static inline SpaceStorage
node_storage(const Space *space, const SealedNode *node)
{
	return node->step < 0 ? STORAGE_FULL :
		space->storage == STORAGE_FULL && node->step > 0 ? STORAGE_BYTES : space->storage;
}

float
space_node_distance(const Space *space, const SpaceQuery *query, const SealedNode *node,
					const char *vector)
{
	const DistanceKernels *k = distance_kernels;
	size_t		n = space->dims;
	float		product;
	float		scale;

	if (space->element == SPACE_WORDS)
		return space_query_distance(space, query, vector, &scale);
	switch (node_storage(space, node))
	{
		case STORAGE_FULL:
			if (space->metric == SPACE_COSINE)
				return cosine_from_dot(dot(space, query->payload, vector),
									   query->scale * node->scale);
			return space_distance(space, query->payload, vector);
		case STORAGE_HALF:
			if (space->metric == SPACE_L2)
				return k->stored_f16_l2sq(query->floats, (const uint16 *) vector, n, 0, node->step);
			product = k->stored_f16_dot(query->floats, (const uint16 *) vector, n, 0, node->step);
			break;
		default:
			if (space->metric == SPACE_L2)
				return k->stored_u8_l2sq(query->floats, (const uint8 *) vector, n, node->low,
										 node->step);
			product = k->stored_u8_dot(query->floats, (const uint8 *) vector, n, node->low,
									   node->step);
			break;
	}
	return space->metric == SPACE_IP ? -product :
		cosine_from_dot(product, query->scale * node->scale);
}

/* Stores halves, scaled by a power of two so that none overflows. */
static void
store_half(const float *x, int n, SealedNode *node, uint16 *out)
{
	float		largest = 0;

	for (int i = 0; i < n; i++)
		largest = Max(largest, fabsf(x[i]));
	node->step = largest > 0 ? ldexpf(1, Max(ilogbf(largest) - 14, -120)) : 1;
	for (int i = 0; i < n; i++)
		out[i] = float_to_half(x[i] / node->step);
}

static void
store_sq8(const float *x, int n, SealedNode *node, uint8 *out)
{
	float		low = x[0];
	float		high = x[0];

	for (int i = 1; i < n; i++)
	{
		low = Min(low, x[i]);
		high = Max(high, x[i]);
	}
	node->low = low;
	node->step = high / 255 - low / 255;
	for (int i = 0; i < n; i++)
		out[i] = node->step > 0 ? (uint8) Min(255, rintf((x[i] - low) / node->step)) : 0;
}

/*
 * Stores the elements exactly: each is the least of them plus a multiple, from 0 to 255, of a power
 * of two.  Returns false if there is no such power; if there is one, then the least power of which
 * 255 multiples reach the largest element is one as well.  The products are exact, so a reader gets
 * the same sums from fused and from separate operations.  `out` may be NULL.
 */
static bool
store_bytes(const float *x, int n, SealedNode *node, uint8 *out)
{
	float		low = x[0];
	float		high = x[0];
	float		range;
	int			exponent = 0;

	for (int i = 1; i < n; i++)
	{
		low = Min(low, x[i]);
		high = Max(high, x[i]);
	}
	range = high - low;
	/* outside, products might overflow or lose bits */
	if (range > 0 && !(range > 0x1p-80f && range < 0x1p80f))
		return false;
	node->low = low;
	node->step = 1;
	if (range > 0)
	{
		(void) frexpf(range / 255, &exponent);
		/* the quotient may be a power of two */
		if (ldexpf(255, exponent - 1) >= range)
			exponent--;
		node->step = ldexpf(1, exponent);
	}
	for (int i = 0; i < n; i++)
	{
		float		multiple = rintf((x[i] - low) / node->step);

		if (low + node->step * multiple != x[i])
			return false;
		if (out)
			out[i] = (uint8) multiple;
	}
	return true;
}

bool
space_fits_bytes(const Space *space, const char *payload)
{
	SealedNode	node;
	float	   *x;
	bool		fits;

	if (!space->coded || space->storage != STORAGE_FULL || space->element == SPACE_I8)
		return false;
	if (space->element == SPACE_F32)
		return store_bytes((const float *) payload, space->dims, &node, NULL);
	x = palloc(sizeof(float) * space->dims);
	space_floats(space, payload, x);
	fits = store_bytes(x, space->dims, &node, NULL);
	pfree(x);
	return fits;
}

/* Computes the elements that a node's stored vector stands for. */
static void
stored_floats(const Space *space, SpaceStorage storage, const SealedNode *node, const char *vector,
			  float *out)
{
	for (int i = 0; i < space->dims; i++)
		out[i] = node->low + node->step * (storage == STORAGE_HALF ?
										   half_to_float(((const uint16 *) vector)[i]) :
										   (float) ((const uint8 *) vector)[i]);
}

/* An upper bound of the distance of two float vectors whose elements are off by `rounding` each. */
static float
distance_bound(const float *x, const float *y, int n, double rounding)
{
	double		sum = 0;
	double		bound;

	for (int i = 0; i < n; i++)
		sum += ((double) x[i] - y[i]) * ((double) x[i] - y[i]);
	bound = (sqrt(sum) + rounding * sqrt(n)) * (1 + 1e-5);
	return bound > 0 ? nextafterf((float) bound, INFINITY) : 0;
}

void
space_store(const Space *space, SpaceStorage storage, const char *payload, SealedNode *node,
			char *vector)
{
	int			n = space->dims;

	node->error = 0;
	node->low = 0;
	node->step = 0;
	node->scale = scale_of(space, payload);
	if (storage == STORAGE_FULL)
	{
		node->step = space_is_lossy(space) ? -1 : 0;
		memcpy(vector, payload, space_size_of(space, payload));
	}
	else if (storage == STORAGE_BYTES)
	{
		float	   *x = palloc(sizeof(float) * n);

		space_floats(space, payload, x);
		if (!store_bytes(x, n, node, (uint8 *) vector))
			elog(ERROR, "vector is not one of bytes");
		pfree(x);
	}
	else
	{
		float	   *x = palloc(sizeof(float) * n);
		float	   *stored = palloc(sizeof(float) * n);
		double		rounding = 0;

		space_floats(space, payload, x);
		/* limit elements, so that no step of the conversion back overflows */
		for (int i = 0; i < n; i++)
			stored[i] = Min(Max(x[i], -FLT_MAX / 4), FLT_MAX / 4);
		if (storage == STORAGE_HALF)
			store_half(stored, n, node, (uint16 *) vector);
		else if (!store_bytes(x, n, node, (uint8 *) vector))
		{
			store_sq8(stored, n, node, (uint8 *) vector);
			/* kernels may round low + step * element once or twice */
			rounding = 2.0 * FLT_EPSILON * ((double) fabsf(node->low) + 255.0 * node->step);
		}
		stored_floats(space, storage, node, vector, stored);
		node->error = distance_bound(x, stored, n, rounding);
		pfree(stored);
		pfree(x);
	}
}

float
space_restore(const Space *space, const SealedNode *node, const char *vector, char *payload)
{
	SpaceStorage storage = node_storage(space, node);
	int			n = space->dims;
	float	   *x;
	float	   *rounded;
	float		loss;

	if (storage == STORAGE_FULL)
	{
		memcpy(payload, vector, space_size_of(space, vector));
		return 0;
	}
	x = palloc(sizeof(float) * n);
	rounded = palloc(sizeof(float) * n);
	stored_floats(space, storage, node, vector, x);
	for (int i = 0; i < n; i++)
	{
		if (space->element == SPACE_F32)
			((float *) payload)[i] = x[i];
		else if (space->element == SPACE_F16)
			((uint16 *) payload)[i] = float_to_half(x[i]);
		else
			((uint16 *) payload)[i] = float_to_bf16(x[i]);
	}
	space_floats(space, payload, rounded);
	loss = distance_bound(x, rounded, n, 0);
	pfree(rounded);
	pfree(x);
	return node->error + loss;
}

double
space_order_by(const Space *space, const SpaceQuery *query, float distance, float error,
			   float scale)
{
	const double slack = space->rounding;

	/* upper bounds of what underflow removes from sums of products, and of the root of that */
	const double lost = 1e-40;
	const double lost_root = 1e-19;

	/* a distance that overflowed may be only slightly larger than FLT_MAX */
	const double finite = Min(distance, FLT_MAX);
	double		lengths;

	switch (space->metric)
	{
		case SPACE_L2:
			return Max(0, sqrt(finite) * (1 - slack) - error * (1 + slack) - lost_root);
		case SPACE_IP:
			/* with longer vectors partial sums may overflow, depending on their order */
			lengths = query->norm * ((double) scale + error);
			if (!(lengths < 1e37))
				return -INFINITY;
			return distance - query->norm * error - (fabs((double) distance) + lengths) * slack -
				lost;
		case SPACE_COSINE:
			return (double) distance / 2 - (double) error * scale - slack;
		case SPACE_HAMMING:
			return distance;
		default:
			return finite * (1 - slack);
	}
}

static void *
resize_in_context(void *context, void *p, size_t size)
{
	if (size == 0)
	{
		pfree(p);
		return NULL;
	}
	WAIT_POINT("allocate");
	return p ? repalloc_huge(p, size) : MemoryContextAllocHuge(context, size);
}

GraphMemory
space_graph_memory(MemoryContext context)
{
	return (GraphMemory) {resize_in_context, context};
}
