/*
 * check.c - checks of a sealed segment that is a graph
 *
 * Every row names a node that names the row.  Neighbours exist, are not the node itself, and their
 * codes are those of their vectors: the estimated distance of a neighbour from itself is zero (or
 * its negative squared norm), but for what rounding loses; so is that of a node's own code.  A
 * build rotates vectors in float32, and keeps halves of them meanwhile, whose range is chosen by
 * the vectors' usual size.
 */
#include "graph_segment/check.h"

#include <math.h>

#include "miscadmin.h"

#include "graph_segment/disk.h"
#include "order.h"
#include "segment/code_groups.h"
#include "segment/places.h"

/* Of this many nodes of a segment, one has its neighbours' codes checked. */
#define CODES_CHECKED_EVERY	8

/* What rounding loses counts so many times. */
#define LOST_TIMES	10

/*
 * Vectors CODED_TIMES times as far from the mean as the median of MEDIAN_SAMPLE vectors may be
 * beyond the range of halves, and so may those that are no farther than this part of it.
 */
#define CODED_TIMES		1e5
#define CODED_PART		1e-3
#define MEDIAN_SAMPLE	101

/* What the nodes of a segment say of the precision of codes. */
typedef struct Sizes
{
	double		longest;		/* for inner products: the greatest norm */
	double		nearest;		/* squared distances from the mean at which codes are checked */
	double		farthest;
} Sizes;

bool
check_own_estimate(const Space *space, const SpaceQuery *query, float estimate, double size)
{
	double		expected = space->metric == SPACE_IP ? -query->norm * query->norm : 0;

	return !(size <= 1e30) || fabs(estimate - expected) <= ESTIMATE_TOLERANCE * size + 1e-6;
}

void
check_prepare_node(SealedScan *scan, const SealedNode *node, char *payload, SpaceQuery *query,
			 float *centred)
{
	space_restore(scan->space, node,
				  (const char *) node + scan->segment->header.layout.vector, payload);
	check_prepare_vector(scan, payload, query, centred);
}

void
check_prepare_vector(SealedScan *scan, const char *payload, SpaceQuery *query, float *centred)
{
	space_prepare(scan->space, query, payload, space_payload_size(scan->space));
	for (uint32 i = 0; i < scan->segment->header.padded; i++)
		centred[i] = query->rotated[i] - scan->segment->mean[i];
}

void
check_forget_node(SpaceQuery *query)
{
	pfree(query->floats);
	pfree(query->rotated);
}

double
check_length_squared(const float *x, uint32 n)
{
	double		sum = 0;

	for (uint32 i = 0; i < n; i++)
		sum += (double) x[i] * x[i];
	return sum;
}

/* Measures the nodes of a coded segment. */
static Sizes
measure_nodes(SealedScan *scan)
{
	const SealedHeader *header = &scan->segment->header;
	uint32		sample = Min(header->nodes, MEDIAN_SAMPLE);
	double		lengths[MEDIAN_SAMPLE] = {0};
	char	   *payload = palloc(space_payload_size(scan->space));
	float	   *centred = palloc(sizeof(float) * header->padded);
	Sizes		sizes = {0};

	for (uint32 i = 0; i < sample; i++)
	{
		uint32		id = (uint32) ((uint64) header->nodes * i / sample);
		SpaceQuery	query;

		check_prepare_node(scan, sealed_read_node(scan, 0, id), payload, &query, centred);
		lengths[i] = check_length_squared(centred, header->padded);
		check_forget_node(&query);
	}
	qsort(lengths, sample, sizeof(double), order_doubles);
	sizes.nearest = lengths[sample / 2] * CODED_PART * CODED_PART;
	sizes.farthest = lengths[sample / 2] * CODED_TIMES * CODED_TIMES;
	for (uint32 id = 0; id < header->nodes && scan->space->metric == SPACE_IP; id++)
		sizes.longest = Max(sizes.longest, sealed_read_node(scan, 0, id)->scale);
	pfree(payload);
	pfree(centred);
	return sizes;
}

/* Checks the code that a node has of a neighbour. */
static void
check_code(SealedScan *scan, const char *bytes, uint32 place, const Sizes *sizes)
{
	const SealedHeader *header = &scan->segment->header;
	const NodeLayout *layout = &header->layout;
	const SealedNode *node = (const SealedNode *) bytes;
	uint32		id = ((const uint32 *) (bytes + layout->ids))[place];
	char	   *payload = palloc(space_payload_size(scan->space));
	float	   *centred = palloc(sizeof(float) * header->padded);
	uint8	   *lut = palloc(rabitq_lut_size(header->padded));
	float		estimates[CODE_GROUP];
	uint32		group = place / CODE_GROUP;
	SpaceQuery	query;
	CodeQuery	code;
	float		distance;
	float		own;
	float		scale;
	double		length;
	double		lost;
	double		parts;

	check_prepare_node(scan, sealed_read_node(scan, 0, id), payload, &query, centred);
	distance = space_node_distance(scan->space, &query, node, bytes + layout->vector);
	own = space_query_distance(scan->space, &query, payload, &scale);
	rabitq_prepare(&code, centred, header->padded, lut);
	distance_kernels->code_estimates(
		&code, (const uint8 *) bytes + layout->codes + group * rabitq_group_size(header->padded),
		(const float *) (bytes + layout->a) + group * CODE_GROUP,
		(const uint16 *) (bytes + layout->b) + group * CODE_GROUP, distance, estimates);
	length = check_length_squared(centred, header->padded);
	lost = CHECK_CODED_PART * query.norm;
	parts = 0.05 * length;
	if (scan->space->metric == SPACE_IP)
		parts += 2 * (query.norm * query.norm + (double) node->scale * node->scale) +
			CHECK_CODED_PART * sizes->longest * sizes->longest;
	else
		parts += fabsf(distance) + fabsf(own) + LOST_TIMES * lost * (lost + sqrt(fabsf(distance))) +
			(space_is_lossy(scan->space) ? query.norm * query.norm : 0);
	if (length >= sizes->nearest && length <= sizes->farthest &&
		fabsf(distance) <= sizes->farthest &&
		!check_own_estimate(scan->space, &query, estimates[place % CODE_GROUP], parts))
		sealed_damaged(scan->index, "In segment %u, node %u has a code of its neighbour %u that "
					   "does not fit its vector: the distance is estimated as %g.",
					   scan->segment->part.uid, node->row, id, estimates[place % CODE_GROUP]);
	pfree(lut);
	pfree(centred);
	pfree(payload);
	check_forget_node(&query);
}

double
check_estimate_group(SealedScan *scan, CodeReader *reader, uint32 number, const float *centred,
					 float *estimates)
{
	uint32		padded = scan->segment->header.padded;
	double		length = check_length_squared(centred, padded);
	uint8	   *lut = palloc(rabitq_lut_size(padded));
	const ListGroup *group;
	CodeQuery	code;

	rabitq_prepare(&code, centred, padded, lut);
	group = code_reader_get(reader, number);
	distance_kernels->code_estimates(&code, (const uint8 *) (group + 1), group->a, group->b,
									 scan->space->metric == SPACE_IP ? 0 : (float) length,
									 estimates);
	pfree(lut);
	return length;
}

/* Checks a node's own code, whose estimates are relative to the mean. */
static void
check_own_code(SealedScan *scan, const char *bytes, const Sizes *sizes)
{
	const SealedHeader *header = &scan->segment->header;
	const SealedNode *node = (const SealedNode *) bytes;
	char	   *payload = palloc(space_payload_size(scan->space));
	float	   *centred = palloc(sizeof(float) * header->padded);
	float		estimates[CODE_GROUP];
	CodeReader	reader;
	SpaceQuery	query;
	double		length;

	check_prepare_node(scan, node, payload, &query, centred);
	code_reader_begin(&reader, scan, sealed_codes(header));
	length = check_estimate_group(scan, &reader, node->row / CODE_GROUP, centred, estimates);
	code_reader_end(&reader);
	if (length <= sizes->farthest &&
		!check_own_estimate(scan->space, &query, estimates[node->row % CODE_GROUP],
						 length + query.norm * query.norm *
						 (space_is_lossy(scan->space) ? 1 : CHECK_CODED_PART)))
		sealed_damaged(scan->index, "In segment %u, node %u has a code that does not fit its "
					   "vector: the distance is estimated as %g.",
					   scan->segment->part.uid, node->row, estimates[node->row % CODE_GROUP]);
	pfree(centred);
	pfree(payload);
	check_forget_node(&query);
}

static void
check_node(SealedScan *scan, uint32 id, uint32 row, const Sizes *sizes)
{
	const NodeLayout *layout = &scan->segment->header.layout;
	const SealedNode *node = sealed_read_node(scan, 0, id);
	const uint32 *ids = (const uint32 *) ((const char *) node + layout->ids);
	char	   *copy;

	if (node->row != row)
		sealed_damaged(scan->index, "In segment %u, row %u names a node of row %u.",
					   scan->segment->part.uid, row, node->row);
	if (node->links > layout->degree)
		sealed_damaged(scan->index, "In segment %u, node %u has %u neighbours.",
					   scan->segment->part.uid, id, node->links);
	for (uint32 i = 0; i < node->links; i++)
		if (ids[i] == id || (layout->size > 0 && ids[i] >= scan->segment->header.nodes))
			sealed_damaged(scan->index, "In segment %u, node %u has %u as a neighbour.",
						   scan->segment->part.uid, id, ids[i]);
	if (!scan->space->coded || row % CODES_CHECKED_EVERY != 0)
		return;
	copy = palloc(layout->size);
	memcpy(copy, node, layout->size);
	for (uint32 i = 0; i < ((SealedNode *) copy)->links; i++)
		check_code(scan, copy, i, sizes);
	if (scan->segment->header.codes > 0)
		check_own_code(scan, copy, sizes);
	pfree(copy);
}

void
graph_check_header(Relation index, const CachedSegment *segment)
{
	const SealedHeader *header = &segment->header;
	const NodeLayout *layout = &header->layout;
	Extent		extent = cached_extent(&segment->part, index);
	uint32		dims = graph_entries_dims(header->padded);
	uint32		groups = (header->nodes + CODE_GROUP - 1) / CODE_GROUP;
	bool		coded = cache_space(segment->part.index)->coded;
	const ArrayPlace places[] = {
		{"place of entries", header->entries, 1, graph_entries_size(header->entry_count, dims), 0},
		{"place of codes", header->codes, groups, header->code_size,
		elements_per_block(header->code_size)}
	};

	if (coded != (header->padded > 0))
		sealed_wrong_header(index, segment->part.uid, "number of dimensions");
	if (header->nodes > GRAPH_MAX_ID || header->levels < 1)
		sealed_wrong_header(index, segment->part.uid, "number of nodes");
	if (header->entry_count % CODE_GROUP != 0 || header->entry_count > header->nodes)
		sealed_wrong_header(index, segment->part.uid, "number of entries");
	if (header->entry_count > 0)
		sealed_check_place(extent, header, &places[0]);
	if (disk_is(header))
	{
		disk_check_header(index, segment);
		return;
	}
	if (header->codes > 0)
	{
		if (header->code_size != code_group_size(header->padded / 8))
			sealed_wrong_header(index, segment->part.uid, "size of codes");
		sealed_check_place(extent, header, &places[1]);
	}
	if (layout->degree > GRAPH_MAX_DEGREE || (coded && layout->degree % CODE_GROUP != 0) ||
		layout->ids < sizeof(SealedNode) ||
		layout->a < layout->ids + layout->degree * sizeof(uint32) ||
		layout->b < layout->a + (coded ? layout->degree * sizeof(float) : 0) ||
		layout->codes < layout->b + (coded ? layout->degree * sizeof(uint16) : 0) ||
		layout->vector < layout->codes +
		(coded ? layout->degree / CODE_GROUP * rabitq_group_size(header->padded) : 0))
		sealed_wrong_header(index, segment->part.uid, "layout of nodes");
}

void
check_entries(Relation index, const CachedSegment *segment)
{
	const GraphEntries *entries = &graph_loaded(segment)->entries;

	for (uint32 i = 0; i < entries->count; i++)
		if (graph_entries_group(entries, i / CODE_GROUP)->ids[i % CODE_GROUP] >=
			segment->header.nodes)
			sealed_damaged(index, "In segment %u, entry %u names no node.",
						   segment->part.uid, i);
}

void *
graph_check(SealedScan *scan)
{
	const CachedSegment *segment = scan->segment;
	const SealedHeader *header = &segment->header;
	Sizes		sizes = {0};

	if (scan->space->coded)
		sizes = measure_nodes(scan);
	for (uint32 number = 0; number < header->rows; number++)
	{
		SealedRow	row;

		CHECK_FOR_INTERRUPTS();
		sealed_read_row(scan, number, &row);
		if (number < header->nodes)
			check_node(scan, row.node, number, &sizes);
		else
		{
			const SealedNode *node = sealed_read_node(scan, 0, row.node);

			if (number < node->extra || number - node->extra >= node->extras)
				sealed_damaged(scan->index, "In segment %u, row %u is not one of its node's.",
							   segment->part.uid, number);
		}
	}
	return NULL;
}
