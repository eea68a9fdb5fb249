/*
 * wait_point.h - points where tests stop a process, or make it fail, so that races are repeatable
 *
 * Compiled with -DVECTOR_WAIT_POINTS only.  A process that reaches a point named by the setting
 * vector.wait_point waits until the advisory lock (0, 4711) is free; with an exclamation mark after
 * the name a worker waits until the setting changes.  It gives way and can be cancelled there as
 * anywhere else.  With an asterisk and a number n after the name, the process fails at its n-th
 * pass of the point, as if there were no memory.
 */
#ifndef VECTOR_SEGMENT_WAIT_POINT_H
#define VECTOR_SEGMENT_WAIT_POINT_H

#include "graph/search.h"

#ifdef VECTOR_WAIT_POINTS
/* The maximum number of rows of a segment, and id of a node; settings: tests do with fewer. */
extern int	segment_max_rows;
extern int	segment_max_id;

extern void wait_point_init(void);
extern void wait_point(const char *name);
#define WAIT_POINT(name)	wait_point(name)
#else
#define segment_max_rows	GRAPH_MAX_ID
#define segment_max_id		GRAPH_MAX_ID
#define wait_point_init()	((void) 0)
#define WAIT_POINT(name)	((void) 0)
#endif

#endif							/* VECTOR_SEGMENT_WAIT_POINT_H */
