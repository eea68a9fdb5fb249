/*
 * manifest.h - extents whose cold blocks are in an object store: where, and writing them
 *
 * The cold blocks are one object, which is written before the segment is published, and never
 * again.  The manifest, which is in the file, says where it is.  Its pages have the uid of the
 * extent that it was written for: a segment that is moved keeps its object.
 *
 * Keys are /system identifier/database/index/segment.version.timeline.random, all but the first two
 * in hexadecimal digits; the index is Directory.seed.  The last part makes a key that no other
 * cluster has, such as one restored from a backup of this one.
 */
#ifndef VECTOR_SEGMENT_MANIFEST_H
#define VECTOR_SEGMENT_MANIFEST_H

#include "segment/directory.h"
#include "store/store.h"

/* Reads the manifest of a stored extent; the result is in the current memory context. */
extern StoredManifest *stored_manifest(Extent extent, const SealedHeader *header);

/* Makes a handle of its object, in the current memory context. */
extern StoredObject *stored_load(Extent extent, const SealedHeader *header);

/* The number of blocks of a manifest. */
extern uint32 stored_manifest_blocks(uint32 cold_blocks);

/* Writes the object of an extent: its blocks from `header->cold` on come from a callback. */
typedef void (*StoredSource) (void *arg, BlockNumber place, Page page);
extern void stored_write(Extent extent, const SealedHeader *header, Oid server,
						 StoredSource source, void *arg);

/*
 * Calls back for each key that an index needs: those of its stored segments and, while snapshots
 * may read them, of retired ones.  Of a segment that is being written only what its key begins with
 * is known (`begins`).  An object that was listed before this is called, and is none of these, is
 * needed by no version of the directory from now on.
 */
typedef void (*StoredVisit) (void *arg, const char *key, bool begins);
extern void stored_each_key(Relation index, StoredVisit visit, void *arg);

/* What the keys of all objects of this database begin with, palloc'd. */
extern char *stored_key_prefix(void);

/*
 * Why the object of an extent is lost, palloc'd; NULL if the store has it, with all the bytes that
 * it was written with, which are read there.  If the store cannot tell, raises an error.
 */
extern char *stored_lost(Extent extent, const SealedHeader *header);

/*
 * Raises an error unless a hash of all pages of the object of an extent, in order, is that which
 * was kept when it was written.
 */
extern void stored_compare(Extent extent, const SealedHeader *header, StoreHash *hash);

/* The store of an extent; InvalidOid if there is no such server any more. */
extern Oid	stored_server(const StoredManifest *manifest);

#endif							/* VECTOR_SEGMENT_MANIFEST_H */
