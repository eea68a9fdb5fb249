/*
 * method.h - the access methods of the library: one table of what is different between them
 *
 * PostgreSQL calls the same functions for all of them (index.h).  Each looks up the method of its
 * index here, and calls what the method has for the purpose.  So nothing outside of a method's own
 * files names it.  README.md tells how to add one.
 */
#ifndef VECTOR_AM_METHOD_H
#define VECTOR_AM_METHOD_H

#include "pg_compat.h"

#include "access/amapi.h"
#include "nodes/pathnodes.h"
#include "utils/rel.h"

#include "am/cost.h"
#include "am/table_build.h"
#include "segment/method.h"

/* The purpose of an operator class's support function, by its number. */
typedef enum IndexSupport
{
	SUPPORT_DISTANCE,			/* of two vectors */
	SUPPORT_NORM,
	SUPPORT_TYPE				/* tells pgvector the type */
} IndexSupport;

typedef struct VectorAm
{
	const char *name;
	const SegmentMethod *segments;	/* sealed segments: how they are made and read */

	/* Defines the settings and the relation options, when the library is loaded. */
	void		(*init) (void);

	/* The support functions that operator classes have; the first is the distance. */
	const IndexSupport *support;
	int			support_count;

	/*
	 * Parses relation options into a struct that begins with IndexOptions.  Each method needs a
	 * function of its own, because the method of an index is recognized by it.
	 */
	amoptions_function options;

	/*
	 * The properties of a new index, from its column, operator class and options; raises an error
	 * if they do not go together.
	 */
	DirectoryOptions (*directory_options) (Relation index);

	/*
	 * Builds the segments of a new index from its table, in a memory context that is deleted
	 * afterwards.
	 */
	void		(*build) (TableBuild *table, const Directory *directory);
	ambuildphasename_function phase_name;	/* of pg_stat_progress_create_index */

	/*
	 * Counts the work of a scan of an index with this many rows, whose live segments have this many
	 * blocks; *work is zero before.
	 */
	void		(*count_work) (Relation index, const Directory *directory, double rows,
							   double blocks, ScanWork *work);

	ambeginscan_function begin_scan;
	amrescan_function rescan;
	amgettuple_function next_row;
	amendscan_function end_scan;

	/* what participants of a parallel scan share; NULL: scans are not parallel */
	amestimateparallelscan_function parallel_size;
	aminitparallelscan_function parallel_init;
	amparallelrescan_function parallel_rescan;
} VectorAm;

/*
 * The table, with one line for each method.  For each name there is a VectorAm, name_am, in the
 * method's own file; its handler, namehandler, is made here.
 */
#define VECTOR_AMS(method) \
	method(hnsw) \
	method(ivfflat) \
	method(ivf)

#define DECLARE_VECTOR_AM(method) extern const VectorAm method##_am;
VECTOR_AMS(DECLARE_VECTOR_AM)

/* Defines settings and relation options of all methods, and the hooks that their scans need. */
extern void vector_am_init(void);

/* The method of an index; NULL if the relation is no index, or not of this library. */
extern const VectorAm *vector_am_of(Relation index);

/* Likewise by the OID of an access method, as in pg_class; loads no other library. */
extern const VectorAm *vector_am_by_oid(Oid am);

/* Whether the index that the planner considers is of this library; costs nothing. */
extern bool vector_am_plans(const IndexOptInfo *index);

#endif							/* VECTOR_AM_METHOD_H */
