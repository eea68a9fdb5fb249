/*
 * inspect.c - shows what a segment that is a graph consists of
 */
#include "graph_segment/inspect.h"

#include "miscadmin.h"

#include "graph_segment/check.h"
#include "graph_segment/scan.h"
#include "segment/code_errors.h"

/* Shows how many neighbours nodes have, and how many nodes have them as a neighbour. */
static void
show_degrees(SealedScan *scan, SegmentShow show, void *arg)
{
	const SealedHeader *header = &scan->segment->header;
	uint64		nodes[GRAPH_MAX_DEGREE + 1] = {0};
	uint64		led_to[GRAPH_LEAST_WAYS + 1] = {0};
	uint8	   *ways = MemoryContextAllocExtended(CurrentMemoryContext, Max(header->nodes, 1),
												  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint32		ids[GRAPH_MAX_DEGREE];
	DiskScan   *disk = NULL;

	if (disk_is(header))
	{
		disk = palloc0(sizeof(DiskScan));
		disk_scan_begin(disk, scan);
	}
	for (uint32 number = 0; number < header->nodes; number++)
	{
		SealedRow	row;
		uint32		links;

		CHECK_FOR_INTERRUPTS();
		sealed_read_row(scan, number, &row);
		links = graph_read_links(scan, disk, row.node, ids);
		nodes[links]++;
		for (uint32 i = 0; i < links; i++)
			if (ids[i] < header->nodes && ways[ids[i]] < GRAPH_LEAST_WAYS)
				ways[ids[i]]++;
	}
	if (disk)
		disk_scan_close(disk);
	for (uint32 id = 0; id < header->nodes; id++)
		led_to[ways[id]]++;
	pfree(ways);
	for (int degree = 0; degree <= GRAPH_MAX_DEGREE; degree++)
		if (nodes[degree] > 0)
			show(arg, "nodes with so many neighbours", degree, (double) nodes[degree]);
	for (int count = 0; count <= GRAPH_LEAST_WAYS; count++)
		if (led_to[count] > 0)
			show(arg, "nodes to which so many lead", count, (double) led_to[count]);
}

/* The distance of a query and a node, which is read. */
static float
distance_of(SealedScan *scan, const SpaceQuery *query, uint32 number)
{
	const SealedNode *node;
	SealedRow	row;

	sealed_read_row(scan, number, &row);
	node = sealed_read_node(scan, 0, row.node);
	return space_node_distance(scan->space, query, node,
							   (const char *) node + scan->segment->header.layout.vector);
}

/* Estimates the distances of a run of nodes by their codes in groups; returns its first node. */
static uint32
estimate_group(SealedScan *scan, uint32 number, const float *centred, float *estimates)
{
	uint32		group = number / CODE_GROUP;
	CodeReader	reader;

	code_reader_begin(&reader, scan, sealed_codes(&scan->segment->header));
	(void) check_estimate_group(scan, &reader, group, centred, estimates);
	code_reader_end(&reader);
	return group * CODE_GROUP;
}

/* Likewise by the codes of METHOD_DISK, so many of them from a node on. */
static void
estimate_disk(SealedScan *scan, uint32 first, uint32 n, const float *centred, float *estimates)
{
	DiskScan   *disk = palloc0(sizeof(DiskScan));
	uint32		numbers[CODE_GROUP];

	for (uint32 i = 0; i < n; i++)
		numbers[i] = first + i;
	disk_scan_begin(disk, scan);
	disk_prepare(disk, centred);
	disk_estimate(disk, numbers, (int) n, estimates);
	disk_scan_close(disk);
	pfree(disk);
}

/* Compares estimates with the distances of nodes from the vector of one. */
static void
add_errors(SealedScan *scan, uint32 number, CodeErrors *errors)
{
	const SealedHeader *header = &scan->segment->header;
	char	   *payload = palloc(space_payload_size(scan->space));
	float	   *centred = palloc(sizeof(float) * header->padded);
	float		estimates[CODE_GROUP];
	uint32		first = code_errors_run(header->nodes, number);
	uint32		n;
	SpaceQuery	query;
	SealedRow	row;

	sealed_read_row(scan, number, &row);
	check_prepare_node(scan, sealed_read_node(scan, 0, row.node), payload, &query, centred);
	if (!disk_is(header))
		first = estimate_group(scan, first, centred, estimates);
	n = Min(CODE_GROUP, header->nodes - first);
	if (disk_is(header))
		estimate_disk(scan, first, n, centred, estimates);
	for (uint32 i = 0; i < n; i++)
		code_errors_add(errors, estimates[i], distance_of(scan, &query, first + i));
	pfree(centred);
	pfree(payload);
	check_forget_node(&query);
}

static void
show_code_errors(SealedScan *scan, SegmentShow show, void *arg)
{
	CodeErrors *errors = palloc0(sizeof(CodeErrors));

	for (int i = 0; i < CODE_ERROR_QUERIES; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_errors(scan, code_errors_query(scan->segment->header.nodes, i), errors);
	}
	code_errors_show(errors, show, arg);
	pfree(errors);
}

void
graph_inspect(SealedScan *scan, SegmentShow show, void *arg)
{
	const SealedHeader *header = &scan->segment->header;

	for (uint32 level = 0; level < header->levels; level++)
		show(arg, "nodes of level", level, header->level[level].nodes);
	show(arg, "entries", -1, header->entry_count);
	show_degrees(scan, show, arg);
	/* without vectors there is nothing to compare with */
	if (scan->space->coded && header->nodes > 0 && header->layout.size > 0 &&
		(disk_is(header) || header->codes > 0))
		show_code_errors(scan, show, arg);
}
