/*
 * disk_check.c - checks of a METHOD_DISK segment
 *
 * Every row names a node that names the row.  Neighbours exist and are not the node itself.  Codes
 * have cells and the factors of codes, and fit the vectors, which the segment or the table has: the
 * estimated distance of a vector from itself is zero, or its negative squared norm.
 */
#include "graph_segment/check.h"

#include <math.h>

#include "miscadmin.h"

#include "distance/half.h"
#include "graph_segment/disk.h"

/* No estimate is off by so many standard deviations. */
#define SURE_SIGMAS		8

/* The readers of a check, and room for what it computes. */
typedef struct DiskCheck
{
	SealedScan *scan;
	DiskScan	disk;
	char	   *payload;
	float	   *centred;
} DiskCheck;

/*
 * Reads what a node has of its rows and neighbours, and copies the neighbours, as far as it may
 * have them, to ids; returns how many.  Sets *vector to the node with its vector, which stays until
 * another is read, if it has all that; else to NULL.
 */
static int
read_node(DiskCheck *check, uint32 number, DiskNode *node, uint32 *ids,
		  const SealedNode **vector)
{
	const SealedHeader *header = &check->scan->segment->header;
	const SealedNode *record;

	*vector = NULL;
	if (disk_has_links(header))
	{
		const DiskNode *links = (const DiskNode *) disk_reader_get(&check->disk.links, number);

		*node = *links;
		return disk_copy_links(header, links, ids);
	}
	*vector = record = sealed_read_node(check->scan, 0, number);
	if (record->row != number)
		sealed_damaged(check->scan->index, "In segment %u, row %u has the vector of row %u.",
					   check->scan->segment->part.uid, number, record->row);
	*node = (DiskNode) {record->tid, record->links, record->extra, record->extras};
	return disk_unpack_ids(header, (const char *) record + header->layout.ids, record->links, ids);
}

/* Checks a node's neighbours. */
static void
check_links(DiskCheck *check, uint32 number, const DiskNode *node, const uint32 *ids, int links)
{
	const SealedHeader *header = &check->scan->segment->header;
	uint32		uid = check->scan->segment->part.uid;

	if (node->links > header->disk.degree)
		sealed_damaged(check->scan->index, "In segment %u, node %u has %u neighbours.", uid,
					   number, node->links);
	for (int i = 0; i < links; i++)
		if (ids[i] == number || ids[i] >= header->nodes)
			sealed_damaged(check->scan->index, "In segment %u, node %u has %u as a neighbour.",
						   uid, number, ids[i]);
}

/* A node's factors; raises an error if it names a cell that does not exist. */
static DiskFactors
factors_of(DiskCheck *check, uint32 number)
{
	SealedScan *scan = check->scan;
	DiskFactors factors = disk_factors(check->disk.axes,
									   disk_reader_get(&check->disk.codes, number), number);

	if (factors.cell >= scan->segment->header.disk.cell_count)
		sealed_damaged(scan->index, "In segment %u, node %u is in cell %u.",
					   scan->segment->part.uid, number, factors.cell);
	return factors;
}

/*
 * Checks a node's code against its vector, which check->centred is.  What rounding loses depends on
 * the vector and the centroid; and the product of a residual with its own vector is an estimate.
 */
static void
check_estimate(DiskCheck *check, uint32 number, const SpaceQuery *query)
{
	SealedScan *scan = check->scan;
	double		size = check_length_squared(check->centred, scan->segment->header.padded);
	DiskFactors factors = factors_of(check, number);
	double		error = scan->space->metric == SPACE_IP ?
		SURE_SIGMAS * factors.error * sqrt(size) : 0;
	DiskCell	cell;
	float		estimate;

	disk_prepare(&check->disk, check->centred);
	disk_estimate(&check->disk, &number, 1, &estimate);
	memcpy(&cell, disk_reader_get(&check->disk.cells, factors.cell), sizeof(cell));
	if (!check_own_estimate(scan->space, query, estimate,
							size + cell.norm + error / ESTIMATE_TOLERANCE +
							query->norm * query->norm *
							(space_is_lossy(scan->space) ? 1 : CHECK_CODED_PART)))
		sealed_damaged(scan->index, "In segment %u, node %u has a code that does not fit its "
					   "vector: the distance is estimated as %g.", scan->segment->part.uid,
					   number, estimate);
}

/* Compares what a stored segment has of a node in the file with the node. */
static void
check_copy(DiskCheck *check, uint32 number, const SealedNode *node)
{
	SealedScan *scan = check->scan;
	const SealedHeader *header = &scan->segment->header;
	const DiskNode *links = (const DiskNode *) disk_reader_get(&check->disk.links, number);
	ItemPointerData tid = node->tid;

	if (node->row != number || !ItemPointerEquals(&tid, (ItemPointer) &links->tid) ||
		node->links != links->links || node->extra != links->extra ||
		node->extras != links->extras ||
		memcmp((const char *) node + header->layout.ids, links + 1,
			   (Size) Min(node->links, header->disk.degree) * header->disk.id_size) != 0)
		sealed_damaged(scan->index, "In segment %u, node %u differs from what is in the object "
					   "store.", scan->segment->part.uid, number);
}

/* Checks a node's code, against its vector if that is kept. */
static void
check_code(DiskCheck *check, uint32 number, const SealedNode *vector)
{
	SealedScan *scan = check->scan;
	DiskFactors factors = factors_of(check, number);
	SpaceQuery	query;

	if (!(factors.b <= 0) || !(factors.error >= 0 || isnan(factors.error)))
		sealed_damaged(scan->index, "In segment %u, node %u has no valid code.",
					   scan->segment->part.uid, number);
	if (scan->segment->header.layout.size == 0)
		return;
	if (vector == NULL)
	{
		/* a page of an object may have to be waited for */
		disk_scan_close(&check->disk);
		vector = sealed_read_node(scan, 0, number);
		check_copy(check, number, vector);
	}
	check_prepare_node(scan, vector, check->payload, &query, check->centred);
	check_estimate(check, number, &query);
	check_forget_node(&query);
}

/* Checks a row that is the first of its node, with the node, or another row. */
static void
check_row(DiskCheck *check, uint32 number, const SealedRow *row)
{
	SealedScan *scan = check->scan;
	const SealedHeader *header = &scan->segment->header;
	uint32		uid = scan->segment->part.uid;
	ItemPointerData tid = row->tid;
	uint32		ids[GRAPH_MAX_DEGREE];
	DiskNode	node;
	const SealedNode *vector;
	int			links;

	if (row->node >= header->nodes || (number < header->nodes && row->node != number))
		sealed_damaged(scan->index, "In segment %u, row %u names node %u.", uid, number,
					   row->node);
	links = read_node(check, row->node, &node, ids, &vector);
	if (number >= header->nodes)
	{
		if (number < node.extra || number - node.extra >= node.extras)
			sealed_damaged(scan->index, "In segment %u, row %u is not one of its node's.", uid,
						   number);
		return;
	}
	if (!ItemPointerEquals(&node.tid, &tid))
		sealed_damaged(scan->index, "In segment %u, node %u has another TID than its row.", uid,
					   number);
	check_links(check, number, &node, ids, links);
	check_code(check, number, vector);
}

/* A check, in the current memory context. */
static DiskCheck *
begin(SealedScan *scan)
{
	DiskCheck  *check = palloc0(sizeof(DiskCheck));

	check->scan = scan;
	check->payload = palloc(space_payload_size(scan->space));
	check->centred = palloc(sizeof(float) * scan->segment->header.padded);
	disk_scan_begin(&check->disk, scan);
	return check;
}

void
disk_check_vector(SealedScan *scan, const void *checked, uint32 number, const char *payload)
{
	DiskCheck  *check;
	SealedRow	row;
	SpaceQuery	query;

	/* otherwise the code has been compared with the vector that is kept */
	if (scan->segment->header.layout.size > 0)
		return;
	check = begin(scan);
	sealed_read_row(scan, number, &row);
	check_prepare_vector(scan, payload, &query, check->centred);
	check_estimate(check, row.node, &query);
	disk_scan_close(&check->disk);
}

void *
disk_check(SealedScan *scan)
{
	const SealedHeader *header = &scan->segment->header;
	DiskCheck  *check = begin(scan);

	for (uint32 number = 0; number < header->rows; number++)
	{
		SealedRow	row;

		CHECK_FOR_INTERRUPTS();
		sealed_read_row(scan, number, &row);
		check_row(check, number, &row);
	}
	disk_scan_close(&check->disk);
	return NULL;
}
