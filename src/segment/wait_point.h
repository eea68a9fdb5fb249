/*
 * wait_point.h - places where tests stop a process, or let it fail, to make races repeatable
 *
 * Compiled with -DVECTOR_WAIT_POINTS only.  A process that comes to a place which the setting
 * vector.wait_point names waits until it can have the advisory lock (0, 4711); with an exclamation
 * mark behind the name a worker waits until the setting changes.  It gives way and is cancelled
 * there as elsewhere.  With an asterisk behind the name, and a number, it fails there at the pass
 * of that number, as if it had no memory.
 */
#ifndef VECTOR_SEGMENT_WAIT_POINT_H
#define VECTOR_SEGMENT_WAIT_POINT_H

#include "graph/search.h"

#ifdef VECTOR_WAIT_POINTS
/* Rows of a segment at most: a setting, so that tests need not have that many. */
extern int	segment_max_rows;

extern void wait_point_init(void);
extern void wait_point(const char *name);
#define WAIT_POINT(name)	wait_point(name)
#else
#define segment_max_rows	GRAPH_MAX_ID
#define wait_point_init()	((void) 0)
#define WAIT_POINT(name)	((void) 0)
#endif

#endif							/* VECTOR_SEGMENT_WAIT_POINT_H */
