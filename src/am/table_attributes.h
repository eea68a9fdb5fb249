/*
 * table_attributes.h - CREATE INDEX: the attributes of the rows that are indexed
 *
 * Each participant of a build writes the attributes of its rows to a file, from which the leader
 * makes columns when the segment is written.  A row is known by its TID.
 */
#ifndef VECTOR_AM_TABLE_ATTRIBUTES_H
#define VECTOR_AM_TABLE_ATTRIBUTES_H

#include "pg_compat.h"

#include "storage/sharedfileset.h"

#include "segment/attributes.h"
#include "segment/row.h"

typedef struct TableAttributes TableAttributes;

/* One participant's attributes; NULL if the index has none. */
extern TableAttributes *table_attributes(Relation index);
extern const IndexAttributes *table_attributes_of(const TableAttributes *state);

/* To be called before a scan: the files of a parallel build; NULL if the leader is alone. */
extern void table_attributes_begin(TableAttributes *state, SharedFileSet *files);
extern void table_attributes_put(TableAttributes *state, const SegmentRow *row);
/* To be called after it. */
extern void table_attributes_end(TableAttributes *state);

/* To be called by the leader in the end. */
extern void table_attributes_close(TableAttributes *state);

/* In the leader, when this many other participants have ended: the source; NULL without state. */
extern const AttributeSource *table_attributes_source(TableAttributes *state, int others);

#endif							/* VECTOR_AM_TABLE_ATTRIBUTES_H */
