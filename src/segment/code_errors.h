/*
 * code_errors.h - how far distances that are estimated from codes are from the distances
 */
#ifndef VECTOR_SEGMENT_CODE_ERRORS_H
#define VECTOR_SEGMENT_CODE_ERRORS_H

#include "segment/code_groups.h"
#include "segment/method.h"

/* So many nodes of a segment are queries, each with a run of others. */
#define CODE_ERROR_QUERIES	32

typedef struct CodeErrors
{
	int			count;
	double		distance;		/* the sum */
	double		errors[CODE_ERROR_QUERIES * CODE_GROUP];
} CodeErrors;

/* The number of the i-th query among so many nodes; and where its run begins. */
static inline uint32
code_errors_query(uint32 nodes, int i)
{
	return (uint32) ((uint64) nodes * i / CODE_ERROR_QUERIES);
}

static inline uint32
code_errors_run(uint32 nodes, uint32 query)
{
	return (uint32) ((uint64) query * 7 % nodes);
}

extern void code_errors_add(CodeErrors *errors, float estimate, float distance);

/* Shows their mean and the 95th percentile, as a part of the mean distance. */
extern void code_errors_show(CodeErrors *errors, SegmentShow show, void *arg);

#endif							/* VECTOR_SEGMENT_CODE_ERRORS_H */
