/*
 * scan_entries.c - where the search of a segment begins
 */
#include "graph_segment/scan.h"

/*
 * Of the cells of nodes along principal axes, which follow each other where they are near each
 * other, those are compared that are in the same run as an entry near the query; and all nodes of
 * the nearest ones.
 */
#define RUN_CELLS			64
#define RUNS				4
#define RUN_ENTRIES			8
#define NEAR_CELLS			8

/*
 * Rows that a search with conditions looks at before it begins, if no more than this share of the
 * nodes is left.
 */
#define SAMPLED_ROWS		32
#define SAMPLED_SHARE		0.5

/* The search begins from so many of the nodes that are looked at. */
#define NEAR_ENTRIES		8
#define SAMPLED_ENTRIES		4

/* Entries that are compared where estimates are not exact enough. */
#define EXACT_ENTRIES		32

#define LOOKED_AT			Max(SAMPLED_ROWS, NEAR_CELLS * DISK_CELL_NODES)

/* Finds the entries that are nearest to the query, at most n; returns how many. */
static int
nearest_entries(const GraphScan *scan, GraphCandidate *nearest, int n)
{
	const GraphEntries *entries = &graph_loaded(scan->sealed.segment)->entries;
	uint32		padded = scan->sealed.segment->header.padded;
	GraphEntryQuery query = {space_rabitq_metric(scan->sealed.space), scan->centred, padded, NULL};
	int			count;

	if (entries->count == 0)
		return 0;
	query.lut = palloc(rabitq_lut_size(padded));
	count = graph_entries_find(entries, &query, nearest, n);
	pfree(query.lut);
	return count;
}

GraphCandidate
graph_scan_entry(const GraphScan *scan)
{
	GraphCandidate entry = {INFINITY, scan->sealed.segment->header.entry};

	if (!graph_scan_begins_near(scan))
		(void) nearest_entries(scan, &entry, 1);
	return entry;
}

/* Begins from the nearest of some nodes, too. */
static bool
add_nearest(GraphScan *scan, const uint32 *ids, int count, int most)
{
	GraphSearch *search = &scan->search;
	float		distances[LOOKED_AT];
	GraphFound	found[LOOKED_AT];

	search->source.score(scan, ids, count, distances);
	search->distances += count;
	for (int i = 0; i < count; i++)
		found[i] = (GraphFound) {distances[i], ids[i], 0, 0};
	graph_sort_found(found, count);
	for (int i = 0; i < Min(count, most); i++)
		if (!graph_search_add(search, (GraphCandidate) {found[i].distance, found[i].id}))
			return false;
	return true;
}

/* Begins from the nearest of several entries, whose estimates may be of the wrong group of rows. */
static bool
add_entries(GraphScan *scan)
{
	GraphCandidate entries[EXACT_ENTRIES];
	uint32		ids[EXACT_ENTRIES];
	int			count = 0;
	int			n = nearest_entries(scan, entries, EXACT_ENTRIES);

	for (int i = 0; i < n; i++)
		if (entries[i].id < scan->sealed.segment->header.nodes)
			ids[count++] = entries[i].id;
	return count == 0 || add_nearest(scan, ids, count, NEAR_ENTRIES);
}

/* Adds the cells of a run to the nearest ones, of which there are `count`; returns how many. */
static int
add_run(GraphScan *scan, uint32 run, GraphCandidate *nearest, int count)
{
	uint32		first = run * RUN_CELLS;
	uint32		n = Min(RUN_CELLS, scan->sealed.segment->header.disk.cell_count - first);
	float		distances[RUN_CELLS];

	disk_compare_cells(scan->disk, first, n, distances);
	for (uint32 i = 0; i < n; i++)
	{
		int			k = count < NEAR_CELLS ? count++ : NEAR_CELLS;

		for (; k > 0 && nearest[k - 1].distance > distances[i]; k--)
			if (k < NEAR_CELLS)
				nearest[k] = nearest[k - 1];
		if (k < NEAR_CELLS)
			nearest[k] = (GraphCandidate) {distances[i], first + i};
	}
	return count;
}

/* Begins from nodes in the cells near the query. */
static bool
add_near(GraphScan *scan)
{
	const SealedHeader *header = &scan->sealed.segment->header;
	GraphCandidate entries[RUN_ENTRIES];
	GraphCandidate cells[NEAR_CELLS];
	uint32		runs[RUN_ENTRIES];
	uint32		ids[NEAR_CELLS * DISK_CELL_NODES];
	int			entry_count = nearest_entries(scan, entries, RUN_ENTRIES);
	int			run_count = 0;
	int			cell_count = 0;
	int			count = 0;

	for (int i = 0; i < entry_count && run_count < RUNS; i++)
	{
		uint32		run = entries[i].id / DISK_CELL_NODES / RUN_CELLS;
		int			k = 0;

		while (k < run_count && runs[k] != run)
			k++;
		/* an entry that does not exist leads nowhere */
		if (k < run_count || entries[i].id >= header->nodes)
			continue;
		runs[run_count++] = run;
		cell_count = add_run(scan, run, cells, cell_count);
	}
	for (int i = 0; i < cell_count; i++)
		for (uint32 id = cells[i].id * DISK_CELL_NODES;
			 id < Min(header->nodes, (cells[i].id + 1) * DISK_CELL_NODES); id++)
			ids[count++] = id;
	return add_nearest(scan, ids, count, NEAR_ENTRIES);
}

/*
 * Begins from the nearest of some rows that are left, too, in case that these are far from the
 * query, and rows that are excluded are around it.
 */
static bool
add_sampled(GraphScan *scan)
{
	uint64		nodes = scan->sealed.segment->header.nodes;
	uint32		ids[SAMPLED_ROWS];
	uint32		row = 0;
	int			count = 0;

	for (int i = 0; i < SAMPLED_ROWS; i++, row++)
	{
		row = bits_next(scan->left, (uint32) nodes,
						Max(row, (uint32) (nodes * i / SAMPLED_ROWS)));
		if (row == BITS_NONE)
			break;
		ids[count++] = graph_scan_node_of_row(scan, row);
	}
	return add_nearest(scan, ids, count, SAMPLED_ENTRIES);
}

bool
graph_scan_add_entries(GraphScan *scan)
{
	if (graph_scan_begins_near(scan) && !add_near(scan))
		return false;
	if (scan->sealed.segment->header.exact && !add_entries(scan))
		return false;
	return !scan->left || graph_scan_share(scan) > SAMPLED_SHARE || add_sampled(scan);
}
