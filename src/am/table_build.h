/*
 * table_build.h - CREATE INDEX: the scan of the table, by one process or by a leader and workers
 */
#ifndef VECTOR_AM_TABLE_BUILD_H
#define VECTOR_AM_TABLE_BUILD_H

#include "pg_compat.h"

#include "access/genam.h"
#include "access/parallel.h"
#include "access/relscan.h"
#include "nodes/execnodes.h"
#include "storage/dsm.h"

#include "am/table_attributes.h"
#include "segment/row.h"
#include "segment/space.h"

typedef struct TableBuildShared TableBuildShared;

/* One participant's part. */
typedef struct TableBuild
{
	Relation	heap;
	Relation	index;
	IndexInfo  *info;
	Space		space;			/* of the index */
	TableAttributes *attributes;	/* NULL: the index has none */
	bool		leader;

	/* set by the access method: called with each row to be indexed */
	void		(*add) (void *arg, const SegmentRow *row);
	void	   *arg;

	/* of a parallel build */
	ParallelContext *context;	/* the leader's */
	TableBuildShared *shared;
	ParallelTableScanDesc scan;
	Snapshot	snapshot;
	dsm_segment *segment;
	void	   *method_shared;	/* shared memory of the access method */
	dsm_segment *memory;		/* the leader's: for the access method to use; or NULL */

	MemoryContext temporary;
	double		rows;			/* scanned; in the end, by all participants */
	double		indexed;
} TableBuild;

/* The number of workers to use. */
extern int	table_build_workers(const TableBuild *build);

/* Scans the table, or this participant's part of it. */
extern void table_build_scan(TableBuild *build);

/* In the leader, when all participants have scanned: see AttributeSource. */
extern const AttributeSource *table_build_attributes(TableBuild *build);

/* Bytes of the table, including values out of line. */
extern uint64 table_build_bytes(const TableBuild *build);

/*
 * Enters a parallel build in the leader: creates method_shared, method_size zero bytes, which the
 * caller may fill before workers are launched, and takes half of the memory wanted, in bytes, which
 * the caller owns.  Returns false, with nothing done, if no worker could be started or, with a
 * notice, if the shared memory is not available.
 */
extern bool table_build_enter(TableBuild *build, const char *worker_main, int workers,
							  Size method_size, Size wanted);

/* Launches the workers; returns how many. */
extern int	table_build_launch(TableBuild *build);

/* Waits until all workers are done, and adds what they counted. */
extern void table_build_wait(TableBuild *build);

/* Leaves the parallel build: what was shared is gone. */
extern void table_build_leave(TableBuild *build);

/* Likewise in a worker: opens the relations; and reports its counts and closes them. */
extern void table_build_open(TableBuild *build, dsm_segment *segment, shm_toc *toc);
extern void table_build_close(TableBuild *build);

#endif							/* VECTOR_AM_TABLE_BUILD_H */
