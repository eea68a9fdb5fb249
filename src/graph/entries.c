/*
 * entries.c - where the search of a coded graph begins
 */
#include "graph/entries.h"

#include <float.h>

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

GraphCandidate
graph_entries_nearest(const GraphEntries *entries, RabitqMetric metric, const float *rotated,
					  uint32_t padded, uint8_t *lut)
{
	GraphCandidate nearest = {FLT_MAX, graph_entries_group(entries, 0)->ids[0]};
	float		base = metric == RABITQ_L2 ? norm2_of(rotated, padded) : 0;
	CodeQuery	query;

	rabitq_prepare(&query, rotated, entries->dims, lut);
	for (uint32_t g = 0; g < entries->count / CODE_GROUP; g++)
	{
		const GraphEntryGroup *group = graph_entries_group(entries, g);
		float		estimates[CODE_GROUP];

		distance_kernels->code_estimates(&query, group->codes, group->a, group->b, base,
										 estimates);
		for (uint32_t i = 0; i < CODE_GROUP; i++)
			if (estimates[i] < nearest.distance)
				nearest = (GraphCandidate) {estimates[i], group->ids[i]};
	}
	return nearest;
}
