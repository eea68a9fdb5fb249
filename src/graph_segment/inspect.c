/*
 * inspect.c - shows what a segment that is a graph consists of
 */
#include "graph_segment/inspect.h"

#include <math.h>

#include "miscadmin.h"

#include "graph_segment/check.h"
#include "graph_segment/disk.h"
#include "segment/code_groups.h"

/* The error of codes is measured with so many nodes as queries, each with a group of others. */
#define ERROR_QUERIES	32

/* How many neighbours a node has. */
static uint32
degree_of(SealedScan *scan, DiskScan *disk, uint32 node)
{
	if (disk && disk_has_links(&scan->segment->header))
		return ((const DiskNode *) disk_reader_get(&disk->links, node))->links;
	return sealed_read_node(scan, 0, node)->links;
}

static void
show_degrees(SealedScan *scan, SegmentShow show, void *arg)
{
	const SealedHeader *header = &scan->segment->header;
	uint64		nodes[GRAPH_MAX_DEGREE + 1] = {0};
	DiskScan   *disk = NULL;

	if (disk_is(header))
	{
		disk = palloc0(sizeof(DiskScan));
		disk_scan_begin(disk, scan);
	}
	for (uint32 number = 0; number < header->nodes; number++)
	{
		SealedRow	row;

		CHECK_FOR_INTERRUPTS();
		sealed_read_row(scan, number, &row);
		nodes[Min(degree_of(scan, disk, row.node), GRAPH_MAX_DEGREE)]++;
	}
	if (disk)
		disk_scan_close(disk);
	for (int degree = 0; degree <= GRAPH_MAX_DEGREE; degree++)
		if (nodes[degree] > 0)
			show(arg, "nodes with so many neighbours", degree, (double) nodes[degree]);
}

/* Adds how far the estimates of a group of nodes are from their distances to a node's vector. */
static void
add_errors(SealedScan *scan, CodeReader *reader, uint32 number, double *error, double *distance)
{
	const SealedHeader *header = &scan->segment->header;
	const Space *space = scan->space;
	uint32		group = (uint32) ((uint64) number * 7 % header->nodes) / CODE_GROUP;
	char	   *payload = palloc(space_payload_size(space));
	float	   *centred = palloc(sizeof(float) * header->padded);
	float		estimates[CODE_GROUP];
	SpaceQuery	query;
	SealedRow	row;

	sealed_read_row(scan, number, &row);
	check_prepare_node(scan, sealed_read_node(scan, 0, row.node), payload, &query, centred);
	(void) check_estimate_group(scan, reader, group, centred, estimates);
	for (uint32 i = 0; i < CODE_GROUP && group * CODE_GROUP + i < header->nodes; i++)
	{
		const SealedNode *node;
		float		exact;

		sealed_read_row(scan, group * CODE_GROUP + i, &row);
		node = sealed_read_node(scan, 0, row.node);
		exact = space_node_distance(space, &query, node,
									(const char *) node + header->layout.vector);
		if (!isfinite(exact) || !isfinite(estimates[i]))
			continue;
		*error += fabs((double) estimates[i] - exact);
		*distance += fabs((double) exact);
	}
	pfree(centred);
	pfree(payload);
	check_forget_node(&query);
}

/* The mean error of estimates by nodes' own codes, as a part of the mean distance. */
static void
show_code_error(SealedScan *scan, SegmentShow show, void *arg)
{
	const SealedHeader *header = &scan->segment->header;
	double		error = 0;
	double		distance = 0;
	CodeReader	reader;

	code_reader_begin(&reader, scan, sealed_codes(header));
	for (int i = 0; i < ERROR_QUERIES; i++)
		add_errors(scan, &reader, (uint32) ((uint64) header->nodes * i / ERROR_QUERIES), &error,
				   &distance);
	code_reader_end(&reader);
	if (distance > 0)
		show(arg, "code error", -1, error / distance);
}

void
graph_inspect(SealedScan *scan, SegmentShow show, void *arg)
{
	const SealedHeader *header = &scan->segment->header;

	for (uint32 level = 0; level < header->levels; level++)
		show(arg, "nodes of level", level, header->level[level].nodes);
	show(arg, "entries", -1, header->entry_count);
	show_degrees(scan, show, arg);
	if (scan->space->coded && !disk_is(header) && header->codes > 0 && header->nodes > 0)
		show_code_error(scan, show, arg);
}
