/*
 * inverted.h - what the access methods of inverted lists share
 */
#ifndef VECTOR_AM_INVERTED_H
#define VECTOR_AM_INVERTED_H

#include "pg_compat.h"

#include "am/index.h"
#include "am/method.h"

/* Of VectorAm. */
extern void inverted_table_build(TableBuild *table, const Directory *directory);
extern char *inverted_phase_name(int64 phase);
extern bool inverted_is_auto(Relation index);
extern const struct ScanMethod inverted_scan_method;

#endif							/* VECTOR_AM_INVERTED_H */
