/*
 * participants.c - the table of reports of participants of parallel scans
 */
#include "am/participants.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/timestamp.h"

#include "shared/table.h"

#define MAX_REPORTS		128

/* Bits of an id for the process. */
#define PID_BITS		22

typedef struct ReportTable
{
	int			tranche;
	LWLock		lock;
	uint32		next;			/* the oldest report */
	ParticipantReport reports[MAX_REPORTS];
} ReportTable;

static SharedTable shared_reports = {
	.name = "vector_participants",
	SHARED_TABLE_OF(ReportTable),
	.missing = "what workers of parallel scans of vector indexes did is not known"
};

uint64
participants_new_id(void)
{
	static TimestampTz last;

	last = Max(GetCurrentTimestamp(), last + 1);
	return (uint64) last << PID_BITS | ((uint64) MyProcPid & ((1 << PID_BITS) - 1));
}

/* The place of a participant's report, or the oldest one; the caller holds the lock. */
static ParticipantReport *
place_of(ReportTable *table, const ParticipantReport *report)
{
	ParticipantReport *place;

	for (int i = 0; i < MAX_REPORTS; i++)
		if (table->reports[i].scan == report->scan && table->reports[i].worker == report->worker)
			return &table->reports[i];
	place = &table->reports[table->next++ % MAX_REPORTS];
	*place = (ParticipantReport) {.scan = report->scan, .worker = report->worker};
	return place;
}

void
participants_report(const ParticipantReport *report)
{
	ReportTable *table = shared_table(&shared_reports);
	ParticipantReport *place;

	if (table == NULL)
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	place = place_of(table, report);
	place->rows += report->rows;
	place->runs += report->runs;
	place->distances += report->distances;
	LWLockRelease(&table->lock);
}

static int
compare_workers(const void *a, const void *b)
{
	return ((const ParticipantReport *) a)->worker - ((const ParticipantReport *) b)->worker;
}

int
participants_read(uint64 scan, bool forget, ParticipantReport **reports)
{
	ReportTable *table = shared_table(&shared_reports);
	int			count = 0;

	*reports = palloc(sizeof(ParticipantReport) * MAX_REPORTS);
	if (table == NULL)
		return 0;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_REPORTS; i++)
	{
		if (table->reports[i].scan != scan)
			continue;
		(*reports)[count++] = table->reports[i];
		if (forget)
			table->reports[i].scan = 0;
	}
	LWLockRelease(&table->lock);
	qsort(*reports, count, sizeof(ParticipantReport), compare_workers);
	return count;
}

void
participants_preload(void)
{
	shared_table_request(&shared_reports);
}
