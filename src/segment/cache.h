/*
 * cache.h - what a backend remembers of indexes that it has scanned
 *
 * The directory as of one of its changes; the headers and means of sealed segments, which never
 * change; their tombstones as of a count; and codes of centroids if there are many.  Everything is
 * either checked when it is used, or immutable.  Entries that nothing holds are dropped, the least
 * recently used first, while all together take more than CACHE_SIZE.
 */
#ifndef VECTOR_SEGMENT_CACHE_H
#define VECTOR_SEGMENT_CACHE_H

#include "segment/directory.h"
#include "segment/row.h"

#define CACHE_SIZE			((Size) 32 * 1024 * 1024)

typedef struct CachedIndex CachedIndex;

/* What is kept of an extent; the structs of segments, and of what they share, begin with it. */
typedef struct CachedPart
{
	struct CachedPart *next;
	CachedIndex *index;
	MemoryContext context;		/* holds the part */
	int			users;
	bool		dropped;		/* freed by its last user */
	const struct CachedKind *kind;
	uint32		uid;
	BlockNumber first;
	uint32		blocks;
	ExtentWhere where;
	StoredObject *object;		/* of sealed segments that are stored, else NULL */
} CachedPart;

static inline Extent
cached_extent(const CachedPart *part, Relation index)
{
	return (Extent) {index, part->uid, part->first, part->blocks, part->where, part->object,
		NULL};
}

/* A kind of parts: of the extents of a kind. */
typedef struct CachedKind
{
	SegmentKind kind;
	const char *context;		/* name of the memory contexts */
	Size		size;			/* of the struct */
	/* Fills in a part, zeros but for its CachedPart, in the part's memory context. */
	void		(*load) (CachedPart *part, Relation index, const SegmentEntry *entry);
	/* Releases the other parts that a part uses; or NULL. */
	void		(*unload) (CachedPart *part);
} CachedKind;

typedef struct CachedSegment
{
	CachedPart	part;
	const struct SegmentMethod *method;	/* see method.h */
	SealedHeader header;
	float	   *mean;			/* rotated, of header.padded dimensions; NULL without */
	void	   *loaded;			/* what the segment's method has loaded */
	uint32		dead;			/* bits set in tombstones */
	uint8	   *tombstones;		/* NULL if no row is dead */
	uint8	   *known_dead;		/* the same, and rows noted by cache_note_dead; NULL: none */
	uint32		known_count;	/* bits set in it */
	struct TidOrder *by_tid;	/* see tid_order.h; NULL until it is made */
	bool		by_tid_wanted;	/* it has been asked for once */
	bool		by_tid_refused; /* it would be too large */
} CachedSegment;

/* Whether the index's file has an entry. */
extern bool cache_has(Relation index);

/* The index's entry with a fresh directory; valid until the next call, or as long as it is held. */
extern CachedIndex *cache_index(Relation index);

/* Holds an entry until the current memory context is deleted, also by an error. */
extern void cache_hold(CachedIndex *cached);

/* The directory, until the next call of cache_index; and a palloc'd copy, which stays as it is. */
extern const Directory *cache_directory(const CachedIndex *cached);
extern Directory *cache_copy_directory(const CachedIndex *cached);

extern const Space *cache_space(const CachedIndex *cached);

/*
 * For each row that a LIMIT takes, so many have lately been found that might be visible.  Whoever
 * searches an index changes it; it is 1 at first.
 */
extern float *cache_found_times(CachedIndex *cached);

/* A sealed segment with fresh tombstones; held together with its index (see cache_hold). */
extern CachedSegment *cache_acquire(CachedIndex *cached, Relation index,
									const SegmentEntry *entry);

/* Counts what has been added to a part's memory since it was loaded. */
extern void cache_count(CachedPart *part);

/*
 * Notes that no transaction can see a row of a sealed segment any more.  It stays so: the entry of
 * the index is of that row only, whatever row of the table gets its TID after a VACUUM, which sets
 * a tombstone before.  Scans that this backend begins from now on leave it out.
 */
extern void cache_note_dead(CachedSegment *segment, uint32 row);

/*
 * What methods keep of extents that segments share.  Finds the part of an entry; if there is none,
 * makes one.  cache_use_part counts a user, until cache_release_part; cache_acquire_part holds the
 * part and its index, as cache_hold does.
 */
extern CachedPart *cache_use_part(CachedIndex *cached, Relation index, const SegmentEntry *entry,
								  const CachedKind *kind);
extern void cache_release_part(CachedPart *part);
extern CachedPart *cache_acquire_part(CachedIndex *cached, Relation index,
									  const SegmentEntry *entry, const CachedKind *kind);

/* The mean that the codes of a growing segment are relative to; NULL if there is none. */
extern const float *cache_growing_mean(CachedIndex *cached, Relation index,
									   const SegmentEntry *entry);

/* The mean of the largest sealed segment, palloc'd; NULL if there is none. */
extern float *cache_largest_mean(CachedIndex *cached, Relation index);

/* The dead rows of a segment. */
static inline ExcludedRows
cached_tombstones(const CachedSegment *segment)
{
	return (ExcludedRows) {segment->tombstones, segment->dead};
}

/* The same, and those that are known to be dead without a tombstone. */
static inline ExcludedRows
cached_known_dead(const CachedSegment *segment)
{
	return segment->known_dead ? (ExcludedRows) {segment->known_dead, segment->known_count} :
		cached_tombstones(segment);
}

static inline bool
cached_row_is_dead(const CachedSegment *segment, uint32 row)
{
	ExcludedRows dead = cached_tombstones(segment);

	return row_is_excluded(&dead, row);
}

#endif							/* VECTOR_SEGMENT_CACHE_H */
