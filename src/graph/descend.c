/*
 * descend.c - the way down a plain graph
 */
#include "graph/search.h"

GraphCandidate
graph_descend(const GraphSource *source, GraphCandidate entry, uint64_t *hops)
{
	GraphCandidate best = entry;
	uint32_t	from;

	source->score(source->arg, &best.id, 1, &best.distance);
	do
	{
		uint32_t	ids[GRAPH_MAX_DEGREE];
		float		distances[GRAPH_MAX_DEGREE];
		GraphFound	found = {best.distance, best.id, 0, 0};
		int			n = source->expand(source->arg, best.id, &found, ids, distances);

		(*hops)++;
		source->score(source->arg, ids, n, distances);
		from = best.id;
		for (int i = 0; i < n; i++)
			if (distances[i] < best.distance)
				best = (GraphCandidate) {distances[i], ids[i]};
	}
	while (best.id != from);
	return best;
}
