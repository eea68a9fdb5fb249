/*
 * scan.c - the graph on disk as a source for the search
 */
#include "graph_segment/scan.h"

#include <math.h>

#include "utils/memutils.h"

#include "segment/code_groups.h"
#include "segment/layout.h"

#define ROWS_AHEAD			4		/* number of nodes to prefetch when nodes are read in order */

/* Nodes met as expected, which steady the share of those that were met. */
#define EXPECTED_MET		8

/* See candidates_for. */
#define MAX_EXCLUDED_FACTOR	2

static void
tell_found(const GraphScan *scan, const SealedNode *node, GraphFound *found)
{
	sealed_check_named(&scan->sealed, node->row);
	found->tag = tag_from_tid((ItemPointer) &node->tid);
	if (node->extras > 0)
		found->tag |= FOUND_EXTRAS;
	if (row_is_excluded(&scan->sealed.excluded, node->row))
		found->tag |= FOUND_FIRST_EXCLUDED;
	found_set_bound(found, scan->sealed.space, scan->sealed.query, node->error, node->scale);
}

/* Whether the ids of nodes are their numbers, which are also those of their first rows. */
static inline bool
is_numbered(const GraphScan *scan)
{
	return !node_layout_differs(&scan->sealed.segment->header.layout);
}

/* The number of a node's first row, the first of its other rows, and how many these are. */
static void
find_extras(GraphScan *scan, uint32 id, uint32 *row, uint32 *extra, uint32 *extras)
{
	if (graph_scan_estimates(scan))
	{
		const DiskNode *node = (const DiskNode *) disk_reader_get(&scan->disk->links, id);

		*row = id;
		*extra = node->extra;
		*extras = node->extras;
	}
	else
	{
		const SealedNode *node = sealed_visit_node(&scan->sealed, id);

		*row = node->row;
		*extra = node->extra;
		*extras = node->extras;
		sealed_leave_node(&scan->sealed);
	}
	sealed_check_named(&scan->sealed, *row);
	if (*extras > 0)
		sealed_check_named(&scan->sealed,
						   Max(*extra, *extra + Min(*extras, PG_UINT32_MAX - *extra) - 1));
}

static int
expand_node(void *arg, uint32_t id, GraphFound *found, uint32_t *ids, float *estimates)
{
	GraphScan  *scan = arg;
	const NodeLayout *layout = &scan->sealed.segment->header.layout;
	const char *bytes;
	const SealedNode *node;
	int			links;

	/* on a standby, the block of a visited node is locked, which holds interrupts off */
	CHECK_FOR_INTERRUPTS();
	bytes = (const char *) sealed_visit_node(&scan->sealed, id);
	node = (const SealedNode *) bytes;
	if (scan->disk)
		links = disk_unpack_ids(&scan->sealed.segment->header, bytes + layout->ids, node->links,
								ids);
	else
	{
		links = Min(node->links, layout->degree);
		memcpy(ids, bytes + layout->ids, links * sizeof(uint32));
	}
	if (scan->sealed.space->coded)
		found->distance = space_node_distance(scan->sealed.space, scan->sealed.query, node,
											  bytes + layout->vector);
	if (scan->search.source.coded)
	{
		Size		group = rabitq_group_size(scan->sealed.segment->header.padded);
		float		factors[CODE_GROUP];

		for (int i = 0; i < links; i += CODE_GROUP)
			distance_kernels->code_estimates(
				&scan->code, (const uint8 *) bytes + layout->codes + i / CODE_GROUP * group,
				rabitq_factors_for(space_rabitq_metric(scan->sealed.space), found->distance,
								   node->scale * node->scale,
								   (const float *) (bytes + layout->a) + i, factors),
				(const uint16 *) (bytes + layout->b) + i, found->distance, estimates + i);
	}
	if (scan->sealed.level == 0)
		tell_found(scan, node, found);
	/* what began with it must go on; another row may have the same node */
	if (sealed_is_absent(&node->tid) && node->extras == 0 && scan->search.hops > 1)
	{
		found->distance = INFINITY;
		links = 0;
	}
	/* the largest possible product with vectors as long as the longest one met */
	if (scan->sealed.space->metric == SPACE_IP)
		scan->search.base = Max(scan->search.base, scan->sealed.query->norm * node->scale);
	sealed_leave_node(&scan->sealed);
	return links;
}

static void
prefetch_node(void *arg, uint32_t id)
{
	GraphScan  *scan = arg;

	sealed_prefetch_node(&scan->sealed, id, NULL);
}

static void
score_nodes(void *arg, const uint32_t *ids, int n, float *distances)
{
	GraphScan  *scan = arg;
	Size		vector = scan->sealed.segment->header.layout.vector;

	if (scan->disk)
	{
		disk_estimate(scan->disk, ids, n, distances);
		return;
	}
	if (graph_scan_is_stored(scan))
		stored_fetch_nodes(scan, ids, n, 0);
	for (int i = 0; i < Min(n, 4); i++)
		sealed_prefetch_node(&scan->sealed, ids[i], NULL);
	for (int i = 0; i < n; i++)
	{
		const SealedNode *node;

		if (i + 4 < n)
			sealed_prefetch_node(&scan->sealed, ids[i + 4], NULL);
		node = sealed_visit_node(&scan->sealed, ids[i]);
		distances[i] = space_node_distance(scan->sealed.space, scan->sealed.query, node,
										   (const char *) node + vector);
		sealed_leave_node(&scan->sealed);
	}
}

/* Whether all rows of a node are excluded. */
static bool
node_is_excluded(void *arg, uint32_t id)
{
	GraphScan  *scan = arg;
	const ExcludedRows *rows = &scan->sealed.excluded;
	uint32		row;
	uint32		extra;
	uint32		extras;
	bool		excluded;

	if (is_numbered(scan))
	{
		const SealedHeader *header = &scan->sealed.segment->header;

		/* what reads a neighbour that does not exist says so */
		if (id >= header->nodes)
			return false;
		if (scan->left)
			return !bits_has(scan->left, id);
		if (!row_is_excluded(rows, id))
			return false;
		/* where each node has one row, it need not be read */
		if (header->rows == header->nodes)
			return true;
	}
	find_extras(scan, id, &row, &extra, &extras);
	excluded = scan->left ? !bits_has(scan->left, row) : row_is_excluded(rows, row);
	for (uint32 i = 0; i < extras && excluded && scan->left == NULL; i++)
		excluded = row_is_excluded(rows, extra + i);
	return excluded;
}

/* The number of a node's first row. */
static uint32
first_row_of(GraphScan *scan, uint32 id)
{
	uint32		row;

	if (is_numbered(scan))
		return id;
	row = sealed_visit_node(&scan->sealed, id)->row;
	sealed_leave_node(&scan->sealed);
	sealed_check_named(&scan->sealed, row);
	return row;
}

/* Adds the nodes of rows other than their first ones that are not excluded. */
static void
add_nodes_of_others(GraphScan *scan)
{
	const SealedHeader *header = &scan->sealed.segment->header;
	const ExcludedRows *excluded = &scan->sealed.excluded;
	SealedRow  *rows = palloc(SEALED_ROWS * sizeof(SealedRow));
	uint32		before = PG_UINT32_MAX;

	for (uint32 row = header->nodes; row < header->rows; row++)
	{
		if (row_is_excluded(excluded, row))
			continue;
		CHECK_FOR_INTERRUPTS();
		if (row / SEALED_ROWS != before)
		{
			before = row / SEALED_ROWS;
			(void) sealed_read_rows(scan->sealed.reader.extent, header, before * SEALED_ROWS,
									rows);
		}
		bits_set(scan->left, first_row_of(scan, rows[row % SEALED_ROWS].node));
	}
	pfree(rows);
}

/*
 * Makes the set of nodes with rows that are not excluded, so that others need not be visited to
 * find out.
 */
static void
find_left(GraphScan *scan)
{
	const SealedHeader *header = &scan->sealed.segment->header;
	const ExcludedRows *excluded = &scan->sealed.excluded;

	scan->left = MemoryContextAllocHuge(CurrentMemoryContext, Max(BITS_BYTES(header->nodes), 8));
	bits_fill(scan->left, header->nodes);
	scan->left_count = header->nodes;
	if (excluded->bits == NULL)
		return;
	bits_and_not(scan->left, excluded->bits, header->nodes);
	add_nodes_of_others(scan);
	scan->left_count = bits_count(scan->left, header->nodes);
}

/* Prepares the query of a coded segment for estimates. */
static void
prepare_codes(GraphScan *scan)
{
	const SpaceQuery *query = scan->sealed.query;
	uint32		padded = scan->sealed.segment->header.padded;

	if (scan->centred)
		return;
	scan->centred = palloc(sizeof(float) * padded);
	for (uint32 i = 0; i < padded; i++)
		scan->centred[i] = query->rotated[i] - scan->sealed.segment->mean[i];
	if (scan->disk)
	{
		disk_prepare(scan->disk, scan->centred);
		return;
	}
	rabitq_prepare(&scan->code, scan->centred, padded, palloc(rabitq_lut_size(padded)));
}

/* Descends a plain segment to the nearest node of level 1; returns its id at level 0. */
static GraphCandidate
descend(GraphScan *scan, const GraphSource *source)
{
	const SealedHeader *header = &scan->sealed.segment->header;
	GraphCandidate entry = {INFINITY, header->entry};

	for (scan->sealed.level = header->levels - 1; scan->sealed.level > 0; scan->sealed.level--)
	{
		entry = graph_descend(source, entry, &scan->search.hops);
		entry.id = sealed_visit_node(&scan->sealed, entry.id)->extra;
		sealed_leave_node(&scan->sealed);
	}
	score_nodes(scan, &entry.id, 1, &entry.distance);
	return entry;
}

uint32
graph_read_links(SealedScan *sealed, DiskScan *disk, uint32 id, uint32 *ids)
{
	const SealedHeader *header = &sealed->segment->header;
	const SealedNode *node;
	uint32		count;

	if (disk && disk_has_links(header))
		return disk_copy_links(header, (const DiskNode *) disk_reader_get(&disk->links, id), ids);
	node = sealed_read_node(sealed, 0, id);
	if (disk)
		return disk_unpack_ids(header, (const char *) node + header->layout.ids, node->links, ids);
	count = Min(node->links, header->layout.degree);
	memcpy(ids, (const char *) node + header->layout.ids, sizeof(uint32) * count);
	return count;
}

void
graph_scan_begin(GraphScan *scan, Relation index, const Space *space, CachedSegment *segment,
				 ScanStatistics *statistics)
{
	memset(scan, 0, sizeof(*scan));
	sealed_scan_begin(&scan->sealed, index, space, segment, statistics);
	if (!disk_is(&segment->header))
		return;
	scan->disk = palloc(sizeof(DiskScan));
	disk_scan_begin(scan->disk, &scan->sealed);
	scan->disk->once = index->rd_rel->relpages > NBuffers;
	/* the blocks of nodes with vectors; those of codes and links are used by every search */
	if (scan->disk->once && !graph_scan_estimates(scan))
		scan->sealed.reader.once = segment->header.cold;
}

void
graph_scan_keep_memory(GraphScan *scan, MemoryContext context)
{
	graph_search_init(&scan->search, space_graph_memory(context));
	scan->keeps_memory = true;
}

void
graph_scan_close(GraphScan *scan)
{
	if (scan->disk)
		disk_scan_close(scan->disk);
}

void
graph_scan_exclude(GraphScan *scan, const ExcludedRows *excluded)
{
	if (excluded->bits == scan->sealed.excluded.bits)
		return;
	scan->sealed.excluded = *excluded;
	if (excluded->bits)
		find_left(scan);
}

uint32
graph_scan_nodes_left(const GraphScan *scan)
{
	uint32		nodes = scan->sealed.segment->header.nodes;
	uint32		left = nodes - (uint32) Min(scan->search.hops, nodes);

	return scan->left ? Min(left, scan->left_count) : left;
}

double
graph_scan_share(const GraphScan *scan)
{
	const SealedHeader *header = &scan->sealed.segment->header;
	double		left = header->rows - Min(scan->sealed.excluded.count, header->rows);

	return scan->left ? (double) scan->left_count / Max(header->nodes, 1) :
		left / Max(header->rows, 1);
}

double
graph_scan_share_met(const GraphScan *scan)
{
	const GraphSearch *search = &scan->search;

	return (search->met_live + EXPECTED_MET * graph_scan_share(scan)) /
		(search->met_live + search->met_dead + EXPECTED_MET);
}

/* Adds what the search has done since it was counted last to the statistics. */
static void
count_work(GraphScan *scan)
{
	const GraphSearch *search = &scan->search;
	ScanStatistics *statistics = scan->sealed.statistics;

	statistics->hops += search->hops - scan->counted_hops;
	statistics->distances += search->distances - scan->counted_distances;
	statistics->rejected += search->met_dead - scan->counted_rejected;
	scan->counted_hops = search->hops;
	scan->counted_distances = search->distances;
	scan->counted_rejected = search->met_dead;
}

uint32
graph_scan_node_of_row(GraphScan *scan, uint32 number)
{
	const SealedHeader *header = &scan->sealed.segment->header;
	SealedRow	row;

	if (number >= header->nodes || is_numbered(scan))
		return number;
	sealed_read_row(&scan->sealed, number, &row);
	return row.node;
}

/*
 * The number of candidates that a search keeps at first.  Excluded nodes are expanded, but edges
 * lead to the nearest nodes of all, of which few may be left.  So a search keeps more candidates,
 * by the ratio of all nodes to those left, up to a limit.
 */
static uint32
candidates_for(double share, const SearchEffort *effort)
{
	return (uint32) (effort->candidates * (share * MAX_EXCLUDED_FACTOR > 1 ? 1 / share :
										   MAX_EXCLUDED_FACTOR));
}

void
graph_scan_search(GraphScan *scan, const SpaceQuery *query, const SearchEffort *effort)
{
	GraphSearch *search = &scan->search;
	double		share = graph_scan_share(scan);
	GraphCandidate entry;
	GraphCandidate root = {INFINITY, 0};	/* every node of level 0 can be reached from it */
	GraphSource source = {
		.expand = expand_node,
		.score = score_nodes,
		.prefetch = prefetch_node,
		.dead = scan->sealed.excluded.count > 0 ? node_is_excluded : NULL,
		.arg = scan,
		.degree = segment_degree(&scan->sealed.segment->header),
		.exact = scan->sealed.space->coded,
		.coded = scan->sealed.space->coded
	};

	if (scan->disk)
		disk_set_source(scan, &source);
	else if (graph_scan_is_stored(scan))
		stored_set_source(&source);
	/* neighbours are compared as in a graph without codes */
	if (scan->sealed.segment->header.exact)
		source.coded = false;
	scan->sealed.query = query;
	if (!scan->keeps_memory)
		graph_search_init(search, space_graph_memory(CurrentMemoryContext));
	scan->counted_hops = search->hops;
	scan->counted_distances = search->distances;
	scan->counted_rejected = 0;
	/* what a search before this one prepared was of another query, and may be freed */
	scan->centred = NULL;
	if (scan->sealed.space->coded)
	{
		prepare_codes(scan);
		entry = graph_scan_entry(scan);
		if (!source.coded)
			score_nodes(scan, &entry.id, 1, &entry.distance);
	}
	else
		entry = descend(scan, &source);
	if (!source.coded)
		score_nodes(scan, &root.id, 1, &root.distance);
	if (!graph_search_begin(search, source, candidates_for(share, effort), effort->keep, entry))
		elog(ERROR, "out of memory");
	graph_search_limit(search, effort->wanted, effort->reach, effort->known,
					   effort->patience);
	graph_search_expect(search, (float) share, effort->crowd);
	if (!graph_scan_add_entries(scan) || !graph_search_add(search, root))
		elog(ERROR, "out of memory");
}

bool
graph_scan_walk(GraphScan *scan, uint32 hops)
{
	GraphSearch *search = &scan->search;
	uint64		begun = search->hops;

	if (!graph_search_run(search, hops))
		elog(ERROR, "out of memory");
	count_work(scan);
	return search->hops - begun == hops;
}

bool
graph_scan_more(GraphScan *scan)
{
	BlockBatch *together = scan->together;
	bool		more;

	/* nodes that have been expanded are read again at once */
	scan->together = NULL;
	more = graph_search_more(&scan->search);
	scan->together = together;
	if (!more)
		return false;
	(void) graph_scan_walk(scan, PG_UINT32_MAX);
	return true;
}

void
graph_scan_extend(GraphScan *scan, const SearchEffort *effort)
{
	if (!graph_search_extend(&scan->search, effort->wanted, effort->reach))
		elog(ERROR, "out of memory");
	(void) graph_scan_walk(scan, PG_UINT32_MAX);
}

/* The first node from the i-th on in the order of rows that may have rows left. */
static uint32
next_left(const GraphScan *scan, uint32 i)
{
	uint32		nodes = scan->sealed.segment->header.nodes;

	return scan->left ? Min(bits_next(scan->left, nodes, i), nodes) : i;
}

void
graph_scan_compare(GraphScan *scan, uint32 id, GraphFound *found)
{
	const SealedNode *node = sealed_visit_node(&scan->sealed, id);

	*found = (GraphFound) {0, id, 0, 0};
	found->distance = space_node_distance(scan->sealed.space, scan->sealed.query, node,
										  (const char *) node +
										  scan->sealed.segment->header.layout.vector);
	tell_found(scan, node, found);
	sealed_leave_node(&scan->sealed);
}

/* Reads the nodes of a run. */
static void
read_run(GraphScan *scan, uint32 first, uint32 end, SealedFound callback, void *arg)
{
	const CachedSegment *segment = scan->sealed.segment;
	uint32		ahead = next_left(scan, first);
	uint32		prefetched = 0;

	for (uint32 i = ahead; i < end; i = next_left(scan, i + 1))
	{
		uint32		id = graph_scan_node_of_row(scan, i);
		GraphFound	found;

		CHECK_FOR_INTERRUPTS();
		for (prefetched -= prefetched > 0;
			 segment->header.layout.size > 0 && ahead < end && prefetched < ROWS_AHEAD;
			 prefetched++)
		{
			sealed_prefetch_node(&scan->sealed, ahead, NULL);
			ahead = next_left(scan, ahead + 1);
		}
		if (graph_search_expanded(&scan->search, id) ||
			(scan->left == NULL && scan->sealed.excluded.count > 0 && node_is_excluded(scan, id)))
			continue;
		graph_scan_compare(scan, id, &found);
		scan->sealed.statistics->distances++;
		callback(arg, &found);
	}
}

bool
graph_scan_take(GraphScan *scan, uint32 *first, uint32 *end)
{
	uint32		nodes = scan->sealed.segment->header.nodes;
	uint32		before = *end;
	bool		taken = scan->share ? scan->share->search->take_run(scan->share, first, end) :
		before < nodes;

	if (scan->share == NULL)
	{
		*first = 0;
		*end = nodes;
		return taken;
	}
	/*
	 * Once all are taken, what it has is its own.  Runs begin where a byte of the set does.  Only
	 * the last run may end within a byte, whose nodes are then all of this run.
	 */
	if (!taken)
	{
		*first = nodes;
		scan->share = NULL;
	}
	memset(scan->left + (before + 7) / 8, 0, (*first + 7) / 8 - (before + 7) / 8);
	return taken;
}

void
graph_scan_rest(GraphScan *scan, const SpaceQuery *query, SealedFound callback, void *arg)
{
	scan->sealed.query = query;
	if (scan->share && scan->left == NULL)
		find_left(scan);
	for (uint32 first, end = 0; graph_scan_take(scan, &first, &end);)
		read_run(scan, first, end, callback, arg);
}

bool
graph_scan_has_codes(const GraphScan *scan)
{
	return scan->disk || scan->sealed.segment->header.codes > 0;
}

/* BoundedNodes.take. */
static bool
take_run(void *scan, uint32 *first, uint32 *end)
{
	return graph_scan_take(scan, first, end);
}

/* Has the nodes that are left wait for their turn; add: see BoundedNodes. */
static void
wait_rest(GraphScan *scan, uint32 wanted, float within, float sigmas,
		  void (*add) (void *arg, uint32 first, uint32 end))
{
	if (scan->left == NULL)
		find_left(scan);
	scan->bounded = (BoundedNodes) {
		.sealed = &scan->sealed, .left = scan->left, .left_count = scan->left_count,
		.search = &scan->search, .centred = scan->centred, .code = scan->code, .disk = scan->disk,
		.sigmas = sigmas, .take = take_run, .add = add, .arg = scan
	};
	bounded_begin(&scan->bounded, wanted, within);
}

void
graph_scan_bound_rest(GraphScan *scan, const SpaceQuery *query, uint32 wanted, float within,
					  float sigmas)
{
	scan->sealed.query = query;
	prepare_codes(scan);
	wait_rest(scan, wanted, within, sigmas, NULL);
}

/* SealedFound: a node waits, whose vector has been compared. */
static void
wait_found(void *arg, const GraphFound *found)
{
	bounded_add(&((GraphScan *) arg)->bounded, found->id,
				isnan(found->distance) ? INFINITY : found->distance);
}

/* BoundedNodes.add. */
static void
add_compared(void *scan, uint32 first, uint32 end)
{
	read_run(scan, first, end, wait_found, scan);
}

void
graph_scan_order_rest(GraphScan *scan, const SpaceQuery *query, uint32 wanted)
{
	scan->sealed.query = query;
	wait_rest(scan, wanted, INFINITY, CODE_SIGMAS, add_compared);
}

int
graph_scan_rows(GraphScan *scan, const GraphFound *found, FoundRow *single, FoundRow **rows)
{
	bool		numbered = is_numbered(scan);
	FoundRow	first = {.number = found->id};
	uint32		extra;
	uint32		extras;
	int			n = 0;

	tag_get_tid(found->tag, &first.tid);
	*rows = single;
	/* nodes of one size have the numbers of their first rows */
	if (numbered && !(found->tag & FOUND_FIRST_EXCLUDED))
		single[n++] = first;
	if (numbered && !(found->tag & FOUND_EXTRAS))
		return n;
	find_extras(scan, found->id, &first.number, &extra, &extras);
	if (!numbered && !(found->tag & FOUND_FIRST_EXCLUDED))
		single[n++] = first;
	if (extras == 0)
		return n;
	*rows = palloc(sizeof(FoundRow) * (extras + 1));
	(*rows)[0] = *single;
	for (uint32 i = 0; i < extras; i++)
	{
		SealedRow	row;

		if (row_is_excluded(&scan->sealed.excluded, extra + i))
			continue;
		sealed_read_row(&scan->sealed, extra + i, &row);
		(*rows)[n++] = (FoundRow) {row.tid, extra + i};
	}
	return n;
}
