/*
 * graph_limit.c - how far a search of a graph goes if it is known how many rows are wanted
 *
 * About twice `size` vectors, but at least LEAST_CROWD times those wanted, are within reach if
 * squared distances are distributed as in REACH_DIMS dimensions, or in all that the vectors have if
 * these are fewer.  The intrinsic dimension of most data is lower.  In some data the way to near
 * vectors leads over far ones.  So a search goes on beyond its reach as long as that brings a gain
 * now and then: with a smaller size than PATIENCE_SIZE for a part of the hops that it took to the
 * last gain, because reach alone serves most data best; with a larger size for many times as many
 * hops.  Plain nodes, whose graphs have fewer neighbours and whose distances are often whole
 * numbers, need this at smaller sizes.
 */
#include "am/graph_limit.h"

#include <math.h>

/* A LIMIT of fewer rows is treated as one of this many: a few distances vary too much. */
#define LEAST_WANTED	10

/* See above. */
#define LEAST_CROWD		1.1f
#define REACH_DIMS		32.0f
#define PATIENCE_SIZE	200.0f
#define PLAIN_PATIENCE_SIZE	60.0f

void
graph_limit(SearchEffort *effort, const Space *space, uint64 rows, uint32 size,
			uint32 list)
{
	float		dims = Min(space->dims, REACH_DIMS);

	effort->wanted = (uint32) Min(Max(rows, LEAST_WANTED), list);
	effort->crowd = Max(2.0f * size / effort->wanted, LEAST_CROWD);
	effort->reach = powf(effort->crowd, 2 / dims);
	effort->patience = space->coded ? powf(size / PATIENCE_SIZE, 3) :
		powf(size / PLAIN_PATIENCE_SIZE, 2);
}
