/*
 * observe.h - what the searches of one statement do, by index, for whoever shows it
 */
#ifndef VECTOR_AM_OBSERVE_H
#define VECTOR_AM_OBSERVE_H

#include "am/scan.h"

#define MOST_EFFORTS	8

typedef struct ObservedIndex
{
	Oid			index;
	uint64		searches;
	ScanStatistics statistics;
	List	   *participants;	/* of ParticipantReport, of parallel scans */
	List	   *efforts;		/* texts of scan_effort_line that differ, up to MOST_EFFORTS */
} ObservedIndex;

typedef struct ScanObserver
{
	MemoryContext context;		/* of the list */
	List	   *indexes;		/* of ObservedIndex, in the order of their first search */
} ScanObserver;

/* Is told of each search of this process that ends; NULL: nobody is. */
extern ScanObserver *scan_observer;

/* The lines in which statistics are shown; in the current memory context. */
typedef struct StatisticsLines
{
	int			count;
	char	   *lines[3];
} StatisticsLines;

extern StatisticsLines statistics_lines(const ScanStatistics *statistics);

/* Likewise of one participant. */
extern char *participant_line(const ParticipantReport *report);

#endif							/* VECTOR_AM_OBSERVE_H */
