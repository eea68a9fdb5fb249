/*
 * entries.c - where the search of a coded graph begins
 */
#include "graph/entries.h"

uint32_t
graph_entries_count(uint32_t n)
{
	uint32_t	count = n / 16 / CODE_GROUP * CODE_GROUP;

	if (n < 2 * CODE_GROUP)
		return 0;
	if (count < CODE_GROUP)
		return CODE_GROUP;
	return count < GRAPH_MAX_ENTRIES ? count : GRAPH_MAX_ENTRIES;
}

uint32_t
graph_entries_dims(uint32_t padded)
{
	return padded < GRAPH_ENTRY_DIMS ? padded : GRAPH_ENTRY_DIMS;
}

size_t
graph_entries_size(uint32_t count, uint32_t dims)
{
	return count / CODE_GROUP * (sizeof(GraphEntryGroup) + rabitq_group_size(dims));
}

static float
norm2_of(const float *rotated, uint32_t padded)
{
	return distance_kernels->f32_dot(rotated, rotated, padded);
}

void
graph_entries_put(GraphEntries *entries, uint32_t i, uint32_t id, RabitqMetric metric,
				  const float *rotated, uint32_t padded)
{
	GraphEntryGroup *group = graph_entries_group(entries, i / CODE_GROUP);
	uint8_t		signs[GRAPH_ENTRY_DIMS / 8];
	RabitqFactors factors = rabitq_encode_vector(metric, rotated, entries->dims, padded,
												 norm2_of(rotated, padded), signs);

	group->ids[i % CODE_GROUP] = id;
	group->a[i % CODE_GROUP] = factors.a;
	group->b[i % CODE_GROUP] = factors.b;
	rabitq_pack(group->codes, i % CODE_GROUP, signs, entries->dims);
}

/* Puts a candidate in its place among the nearest ones, at most n; returns how many there are. */
static inline int
keep_nearest(GraphCandidate *nearest, int count, int n, GraphCandidate candidate)
{
	int			i = count < n ? count++ : n - 1;

	for (; i > 0 && nearest[i - 1].distance > candidate.distance; i--)
		nearest[i] = nearest[i - 1];
	nearest[i] = candidate;
	return count;
}

int
graph_entries_find(const GraphEntries *entries, const GraphEntryQuery *query,
				   GraphCandidate *nearest, int n)
{
	float		base = query->metric == RABITQ_L2 ? norm2_of(query->rotated, query->padded) : 0;
	int			count = 0;
	CodeQuery	code;

	rabitq_prepare(&code, query->rotated, entries->dims, query->lut);
	for (uint32_t g = 0; g < entries->count / CODE_GROUP; g++)
	{
		const GraphEntryGroup *group = graph_entries_group(entries, g);
		float		estimates[CODE_GROUP];

		distance_kernels->code_estimates(&code, group->codes, group->a, group->b, base,
										 estimates);
		for (uint32_t i = 0; i < CODE_GROUP; i++)
			if (estimates[i] < (count < n ? FLT_MAX : nearest[n - 1].distance))
				count = keep_nearest(nearest, count, n,
									 (GraphCandidate) {estimates[i], group->ids[i]});
	}
	return count;
}
