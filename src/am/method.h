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

#include "segment/method.h"

typedef struct TableBuild TableBuild;	/* see table_build.h */

/*
 * The work of a scan: before the first row, and after it for all rows but the first ones.  Pages
 * are those that are read, operators what is computed, in units of cpu_operator_cost; to sort the
 * rows is not included.
 */
typedef struct ScanWork
{
	double		share;			/* of the rows that meet the conditions on attributes; given */
	double		wanted;			/* rows, by the LIMIT; 0: not known; given */
	double		parts;			/* scans that are merged for these, of which this is one; given */
	double		first_rows;		/* that are returned without further work */
	double		operators;
	double		random_pages;
	double		sequential_pages;
	double		rest_operators;
	double		rest_random_pages;
	double		rest_sequential_pages;
	double		shared_pages;	/* that a parallel scan would read at most; set by cost.c */
} ScanWork;

/* A parallel scan. */
typedef struct SharedScan
{
	double		rows;			/* of the index, */
	double		share;			/* of which this share meets the conditions on attributes */
	double		wanted;			/* as in ScanWork */
	double		participants;
	double		index_blocks;
	double		table_blocks;
} SharedScan;

/* The purpose of an operator class's support function, by its number. */
typedef enum IndexSupport
{
	SUPPORT_DISTANCE,			/* of two vectors */
	SUPPORT_SCORE,				/* of a document and a query, in its place */
	SUPPORT_NORM,
	SUPPORT_TYPE,				/* tells pgvector the type */
	SUPPORT_NONE,
	SUPPORT_COMPARE				/* of two attributes; in classes of its own: ATTRIBUTE_COMPARE */
} IndexSupport;

/* The number of the distance function. */
#define DISTANCE_NUMBER		1

typedef struct VectorAm
{
	const char *name;
	const SegmentMethod *segments;	/* sealed segments: how they are made and read */

	/*
	 * Define the relation options, and the settings, when the library is loaded.  The settings are
	 * not defined where another library has an access method of this name: it may have settings of
	 * these names, and what the user gives them is not ours to convert or to refuse.
	 */
	void		(*init) (void);
	void		(*settings) (void);
	const char *setting;		/* one that another library may define, too; NULL: none */
	const char *effort;			/* the setting by which searches find more rows; NULL: none */

	/*
	 * Its least value that searches of an index can have, and the greatest; NULL: searches do not
	 * follow vector.target_recall.
	 */
	void		(*effort_range) (Relation index, int *least, int *most);

	/*
	 * The effort with which searches find so many rows at all, or NULL.  How effort grows to more
	 * rows than those of the last curve is not measured; and a search that has found too few goes
	 * on by itself, unless rows of growing segments make up for these.
	 */
	double		(*effort_demanded) (const Directory *directory, double rows);

	/*
	 * What a part of the effort suffices where conditions on attributes leave this share of the
	 * rows, as a search counts by it only, or mostly, rows that meet these.
	 */
	double		(*effort_part) (Relation index, double share);
	int			effort_present; /* of so many rows one is not left out; see GRAPH_PRESENT */
	double		effort_caution; /* recall is taken to be so many standard errors less */

	/*
	 * The support functions that operator classes have; the first is the distance, that of
	 * ATTRIBUTE_COMPARE compares attributes.
	 */
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

	/* Makes a new index depend on what its options name.  NULL: they name no objects. */
	void		(*depend) (Relation index);

	/* Whether an index was built by what makes other values of the same rows; NULL: never. */
	bool		(*is_outdated) (Relation index);

	/*
	 * What is indexed of a row, made of the value of its first column, in the current memory
	 * context; false: the row is not indexed.  NULL: the value itself.
	 */
	bool		(*make_value) (Relation index, Datum value, Datum *made);

	/* Prepares the query of a scan, in the current memory context.  NULL: it is a vector. */
	void		(*prepare_query) (Relation index, Datum query, SpaceQuery *prepared);

	/* Whether scans can order by what this expression will be.  NULL: by every query. */
	bool		(*can_order) (Relation index, Node *query);

	/*
	 * Builds the segments of a new index from its table, in a memory context that is deleted
	 * afterwards.
	 */
	void		(*build) (TableBuild *table, const Directory *directory);
	ambuildphasename_function phase_name;	/* of pg_stat_progress_create_index */

	/*
	 * Counts the work of a scan of an index with this many rows, whose live segments have this many
	 * blocks; *work is zero before but for what is given.
	 */
	void		(*count_work) (Relation index, const Directory *directory, double rows,
							   double blocks, ScanWork *work);

	const struct ScanMethod *scan;	/* see scan.h */

	/* Whether scans go on until the query has its rows: the mode auto. */
	bool		(*is_auto) (Relation index);

	/*
	 * Counts what sketch.h compares of an index with so many rows, before its scan begins if it has
	 * to; *work likewise.  NULL: it has no sketch.
	 */
	void		(*count_sketch) (double rows, double blocks, ScanWork *work);

	bool		parallel;		/* participants of a scan may divide its work (scan.h) */

	/*
	 * The time that a parallel scan takes on idle cores, as a part of that of one process, with all
	 * in memory.  NULL: participants divide the same work.
	 */
	double		(*shared_time) (Relation index, const Directory *directory,
								const SharedScan *scan);
} VectorAm;

/*
 * The table, with one line for each method.  For each name there is a VectorAm, name_am, in the
 * method's own file; its handler, namehandler, is made in handler.c.
 */
#define VECTOR_AMS(method) \
	method(hnsw) \
	method(diskann) \
	method(ivfflat) \
	method(ivf) \
	method(sparse) \
	method(bm25)

#define DECLARE_VECTOR_AM(method) extern const VectorAm method##_am;
VECTOR_AMS(DECLARE_VECTOR_AM)

extern const VectorAm *const vector_ams[];	/* ends with NULL */

/* The method of an index; NULL if the relation is no index, or not of this library. */
extern const VectorAm *vector_am_of(Relation index);

/* Likewise by the OID of an access method, as in pg_class; loads no other library. */
extern const VectorAm *vector_am_by_oid(Oid am);

/*
 * Finds out which names of access methods are those of other libraries: as far as the catalog can
 * be read now, or by a setting that is already defined.  May raise an error.
 */
extern void vector_am_find_foreign(void);

/* Whether this is true of the method with this place in vector_ams. */
extern bool vector_am_is_foreign(int i);

#endif							/* VECTOR_AM_METHOD_H */
