/*
 * disk_source.c - a METHOD_DISK segment as a source for the search
 *
 * With vectors, nodes are read as those of other graphs are, some at a time, but neighbours are
 * estimated by their own codes.  Without vectors, links are read in their place.
 */
#include "graph_segment/scan.h"

#include "miscadmin.h"

/*
 * If a block has so many nodes, all are compared when one is: with 128 dimensions that saves a
 * tenth of the hops, with 384 and more nothing.
 */
#define BLOCK_COMPARED		20

int
disk_unpack_ids(const SealedHeader *header, const char *packed, uint32 links, uint32 *ids)
{
	const uint8 *from = (const uint8 *) packed;
	int			count = (int) Min(links, Min(header->disk.degree, GRAPH_MAX_DEGREE));
	uint16		size = header->disk.id_size;

	for (int i = 0; i < count; i++, from += size)
	{
		ids[i] = from[0] | (uint32) from[1] << 8;
		if (size > 2)
			ids[i] |= (uint32) from[2] << 16;
		if (size > 3)
			ids[i] |= (uint32) from[3] << 24;
	}
	return count;
}

void
disk_pack_ids(const SealedDisk *disk, const uint32 *ids, uint32 links, char *packed)
{
	uint8	   *to = (uint8 *) packed;

	for (uint32 i = 0; i < links; i++)
		for (int byte = 0; byte < disk->id_size; byte++)
			*to++ = (uint8) (ids[i] >> 8 * byte);
}

static int
expand_links(void *arg, uint32_t id, GraphFound *found, uint32_t *ids, float *estimates)
{
	GraphScan  *scan = arg;

	CHECK_FOR_INTERRUPTS();
	if (ItemPointerIsValid(&sealed_absent))
	{
		SealedRow	row;

		sealed_read_row(&scan->sealed, id, &row);
		if (sealed_is_absent(&row.tid) && scan->search.hops > 1)
			return 0;
	}
	return disk_copy_links(&scan->sealed.segment->header,
						   (const DiskNode *) disk_reader_get(&scan->disk->links, id), ids);
}

static void
prefetch_links(void *arg, uint32_t id)
{
	disk_reader_prefetch(&((GraphScan *) arg)->disk->links, id, NULL);
}

static bool
fetch_nodes(void *arg, const uint32_t *ids, int n)
{
	GraphScan  *scan = arg;
	BlockBatch	batch;

	/* a search that passes many rows by comes back to a block after many others */
	block_batch_begin(&batch, !scan->disk->once ? 0 : scan->left ? RECENT_RINGS : 1);
	for (int i = 0; i < n; i++)
		sealed_prefetch_node(&scan->sealed, ids[i], &batch);
	block_batch_read(scan->sealed.index, &batch);
	return true;
}

/* Compares all nodes in the block of one, unless that has been done lately. */
static int
compare_block(void *arg, uint32_t id, uint32_t *ids, float *distances)
{
	GraphScan  *scan = arg;
	const SealedHeader *header = &scan->sealed.segment->header;
	const NodeLayout *layout = &header->layout;
	uint32		block = id / layout->per;
	uint32		first = block * layout->per;
	uint32	   *before = &scan->disk->compared[block % DISK_COMPARED];
	const char *nodes;
	uint32		n;

	if (*before == block + 1)
		return 0;
	*before = block + 1;
	n = sealed_visit_nodes(&scan->sealed, first, Min(layout->per, header->nodes - first), &nodes);
	if (sealed_is_absent(&((const SealedNode *) (nodes + (id - first) * layout->size))->tid))
		n = 0;
	for (uint32 i = 0; i < n; i++, nodes += layout->size)
	{
		ids[i] = first + i;
		distances[i] = space_node_distance(scan->sealed.space, scan->sealed.query,
										   (const SealedNode *) nodes, nodes + layout->vector);
	}
	sealed_leave_node(&scan->sealed);
	return (int) n;
}

void
disk_set_source(GraphScan *scan, GraphSource *source)
{
	source->coded = false;
	source->once = source->dead == NULL;
	source->near = graph_scan_begins_near(scan);
	memset(scan->disk->compared, 0, sizeof(scan->disk->compared));
	if (graph_scan_estimates(scan))
	{
		source->expand = expand_links;
		source->prefetch = prefetch_links;
		source->exact = false;
		return;
	}
	source->prefetch = NULL;
	source->fetch = fetch_nodes;
	if (scan->sealed.segment->header.layout.per >= BLOCK_COMPARED)
		source->beside = compare_block;
}
