/*
 * ivf_scan.h - scans of the access methods ivfflat and ivf
 */
#ifndef VECTOR_AM_IVF_SCAN_H
#define VECTOR_AM_IVF_SCAN_H

#include "am/scan.h"

extern IndexScanDesc ivfbeginscan(Relation index, int nkeys, int norderbys);
extern void ivfrescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys,
					  int norderbys);
extern bool ivfgettuple(IndexScanDesc scan, ScanDirection dir);
extern void ivfendscan(IndexScanDesc scan);

/* The shared state of a parallel scan. */
extern Size ivf_shared_size(void);
extern void ivfinitparallelscan(void *target);
extern void ivfparallelrescan(IndexScanDesc scan);

/* The largest number of lists of any live segment. */
extern uint32 ivf_count_lists(const Directory *directory);

/* The number of lists that a search scans, by the settings, if the index has `lists`. */
extern uint32 ivf_probes_of(Relation index, uint32 lists);

#endif							/* VECTOR_AM_IVF_SCAN_H */
