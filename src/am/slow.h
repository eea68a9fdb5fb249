/*
 * slow.h - searches that take long
 */
#ifndef VECTOR_AM_SLOW_H
#define VECTOR_AM_SLOW_H

#include "am/scan.h"

/* Defines the settings. */
extern void slow_init(void);

/* Logs a search that has ended, if it took as long as vector.log_min_duration. */
extern void slow_report(const VectorScan *scan);

#endif							/* VECTOR_AM_SLOW_H */
