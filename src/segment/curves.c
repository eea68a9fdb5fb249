/*
 * curves.c - keeping and reading the curves of recall
 */
#include "segment/curves.h"

#include <math.h>

#include "segment/extent.h"
#include "segment/places.h"

StaticAssertDecl(sizeof(RecallCurve) == 12 + 8 * CURVE_MAX_POINTS, "layout of a curve");
StaticAssertDecl(offsetof(RecallCurves, curves) == 16, "layout of curves");
StaticAssertDecl(sizeof(RecallCurves) <= PAYLOAD_SIZE, "curves take one block");

/* Efforts miss no less than the least one if they miss at least this part of it: it is chance. */
#define MISSED_ALIKE		0.95

/* Of queries whose rows were all found, so much of one row may have been missed. */
#define MISSED_AT_MOST		0.5

typedef struct CachedCurves
{
	CachedPart	part;
	RecallCurves curves;
} CachedCurves;

/* Curves come from a file, and are used as they are only if they are in order. */
static void
check_curves(Relation index, uint32 uid, const RecallCurves *curves)
{
	bool		good = curves->count > 0 && curves->count <= CURVES_MAX && curves->sampled <= 1;

	for (uint32 i = 0; good && i < curves->count; i++)
	{
		const RecallCurve *curve = &curves->curves[i];

		good = curve->count > 0 && curve->count <= CURVE_MAX_POINTS && curve->queries > 0 &&
			curve->wanted > (i > 0 ? curves->curves[i - 1].wanted : 0);
		for (uint32 k = 0; good && k < curve->count; k++)
			good = curve->points[k].effort > (k > 0 ? curve->points[k - 1].effort : 0) &&
				isfinite(curve->points[k].effort) &&
				curve->points[k].recall >= 0 && curve->points[k].recall <= 1;
	}
	if (!good)
		sealed_wrong_header(index, uid, "curve of recall");
}

static void
load_curves(CachedPart *part, Relation index, const SegmentEntry *entry)
{
	CachedCurves *cached = (CachedCurves *) part;

	extent_read_header(extent_of(index, entry), BLOCK_CURVES, &cached->curves,
					   sizeof(cached->curves));
	check_curves(index, entry->uid, &cached->curves);
}

static const CachedKind curves_kind = {
	SEGMENT_CURVES, "vector curves", sizeof(CachedCurves), load_curves, NULL
};

const RecallCurves *
curves_acquire(CachedIndex *cached, Relation index)
{
	const SegmentEntry *entry = directory_newest(cache_directory(cached), SEGMENT_CURVES);

	if (entry == NULL)
		return NULL;
	return &((CachedCurves *) cache_acquire_part(cached, index, entry, &curves_kind))->curves;
}

double
curves_changed_part(CachedIndex *cached)
{
	const Directory *directory = cache_directory(cached);
	const SegmentEntry *curves = directory_newest(directory, SEGMENT_CURVES);
	double		rows = directory_rows(directory, SEGMENT_SEALED);
	double		changed = 0;

	for (uint32 i = 0; curves && i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (entry->kind == SEGMENT_SEALED && entry->created >= curves->created)
			changed += entry->rows;
	}
	return rows > 0 ? changed / rows : 0;
}

void
curves_write(Relation index, const RecallCurves *curves, TimestampTz since)
{
	SegmentEntry entry;
	ExtentWriter writer;

	if (!directory_reserve(index, NULL, SEGMENT_CURVES, 1, &entry))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" has too many segments", RelationGetRelationName(index)),
				 errhint("End old transactions, and VACUUM the table.")));
	entry.created = since;
	extent_writer_begin(&writer, extent_of(index, &entry));
	extent_writer_seek(&writer, 0, BLOCK_CURVES);
	extent_writer_put(&writer, curves, sizeof(*curves));
	extent_writer_end(&writer);
	directory_publish(index, &entry, SEGMENT_CURVES);
	claim_release(extent_of(index, &entry), ExclusiveLock);
	directory_retire_older(index, SEGMENT_CURVES, NULL);
}

/* The logarithm of the part of the wanted rows that is missed. */
static double
log_missed(const RecallCurve *curve, double recall)
{
	return log(Max(1 - recall, MISSED_AT_MOST / ((double) curve->queries * curve->wanted)));
}

/*
 * The effort of one curve.  Recall rises with the effort but for chance, so what an effort has is
 * what it or a lesser one has.
 *
 * Up to some effort, searches go as far as the number of rows demands, and all have one recall,
 * or nearly.
 * The greatest such effort is given, which for fewer rows is not nothing.
 */
static double
effort_of(const RecallCurve *curve, double recall)
{
	CurvePoint	below = curve->points[0];

	for (uint32 i = 1; i < curve->count &&
		 1 - curve->points[i].recall >= MISSED_ALIKE * (1 - curve->points[0].recall); i++)
		below = (CurvePoint) {
			curve->points[i].effort, Max(below.recall, curve->points[i].recall)
		};
	if (below.recall >= recall)
		return below.effort;
	for (uint32 i = 1; i < curve->count; i++)
	{
		CurvePoint	point = curve->points[i];

		if (point.recall >= recall)
		{
			double		low = log_missed(curve, below.recall);
			double		high = log_missed(curve, point.recall);
			double		part = low > high ? (low - log_missed(curve, recall)) / (low - high) : 1;

			return below.effort * pow(point.effort / below.effort, Min(Max(part, 0), 1));
		}
		if (point.recall >= below.recall)
			below = point;
	}
	return curve->points[curve->count - 1].effort;
}

/* The power of the number of rows by which the effort grows from one curve to the next. */
static double
growth(const RecallCurve *curve, double recall)
{
	return log(effort_of(curve + 1, recall) / effort_of(curve, recall)) /
		log((double) curve[1].wanted / curve->wanted);
}

/*
 * How many times the effort of the last curve is needed for more rows: by a power that grows as it
 * has grown (so the logarithm is a parabola through those of the last three), but is at most one.
 */
static double
beyond(const RecallCurves *curves, double wanted, double recall)
{
	const RecallCurve *last = &curves->curves[curves->count - 1];
	double		power = 0;

	if (curves->count > 1)
		power = growth(last - 1, recall);
	if (curves->count > 2)
		power += (power - growth(last - 2, recall)) * log(wanted / last[-1].wanted) /
			log((double) last->wanted / last[-2].wanted);
	return pow(wanted / last->wanted, Min(Max(power, 0), 1));
}

/*
 * The two curves between whose numbers of rows a number is, and how far, by the logarithms; beyond
 * the ends both are the same.
 */
static double
neighbours(const RecallCurves *curves, double wanted, const RecallCurve **less,
		   const RecallCurve **more)
{
	uint32		i = 0;

	while (i < curves->count - 1 && curves->curves[i].wanted < wanted)
		i++;
	*less = *more = &curves->curves[i];
	if (i == 0 || curves->curves[i].wanted < wanted)
		return 0;
	*less = &curves->curves[i - 1];
	return log(wanted / (*less)->wanted) / log((double) (*more)->wanted / (*less)->wanted);
}

double
curves_effort(const RecallCurves *curves, double wanted, double recall)
{
	const RecallCurve *less;
	const RecallCurve *more;
	double		part = neighbours(curves, wanted, &less, &more);
	double		low = effort_of(less, recall);

	if (wanted > more->wanted)
		return low * beyond(curves, wanted, recall);
	return low * pow(effort_of(more, recall) / low, part);
}
