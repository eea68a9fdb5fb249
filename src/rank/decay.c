/*
 * decay.c - scores that decay with the distance from an origin
 *
 * The score is 1 up to a distance of offset from the origin, and decay at one of offset + scale.
 * Between and beyond it follows one of three curves, as in Elasticsearch's function_score.
 */
#include "pg_compat.h"

#include <math.h>

#include "utils/date.h"
#include "utils/float.h"
#include "utils/timestamp.h"

/* x: the distance beyond the offset, in scales; at 1 a curve is at decay. */
typedef double (*DecayCurve) (double x, double decay);

static double
gauss(double x, double decay)
{
	return exp(log(decay) * x * x);
}

static double
exponential(double x, double decay)
{
	return exp(log(decay) * x);
}

static double
linear(double x, double decay)
{
	double		score = 1 - (1 - decay) * x;

	return score < 0 ? 0 : score;
}

/* The score at a distance from the origin; all lengths are in one unit. */
static Datum
decay_of(DecayCurve curve, double distance, double scale, double offset, double decay)
{
	double		beyond = distance - offset;

	if (!(scale > 0) || isinf(scale))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("scale of a decay must be greater than 0 and finite")));
	if (!(offset >= 0) || isinf(offset))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("offset of a decay must be at least 0 and finite")));
	if (!(decay > 0 && decay < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("decay must be between 0 and 1"),
				 errdetail("It is the score at a distance of offset + scale from the origin.")));
	/* a distance of NaN stays one */
	return Float8GetDatum(beyond <= 0 ? 1 : curve(beyond / scale, decay));
}

static void
check_origin(bool finite)
{
	if (!finite)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("origin of a decay must be finite")));
}

/* Microseconds of an interval: as when intervals are compared, a month has 30 days of 24 hours. */
static double
interval_length(const Interval *interval)
{
	if (INTERVAL_NOT_FINITE(interval))
		return get_float8_infinity();
	return (double) interval->time +
		((double) interval->month * DAYS_PER_MONTH + interval->day) * USECS_PER_DAY;
}

static double
date_distance(DateADT value, DateADT origin)
{
	check_origin(!DATE_NOT_FINITE(origin));
	return DATE_NOT_FINITE(value) ? get_float8_infinity() : fabs((double) value - origin);
}

/* Numbers. */
static Datum
decay_number(FunctionCallInfo fcinfo, DecayCurve curve)
{
	double		origin = PG_GETARG_FLOAT8(1);

	check_origin(isfinite(origin));
	return decay_of(curve, fabs(PG_GETARG_FLOAT8(0) - origin), PG_GETARG_FLOAT8(2),
					PG_GETARG_FLOAT8(3), PG_GETARG_FLOAT8(4));
}

/* Dates, with lengths in days. */
static Datum
decay_days(FunctionCallInfo fcinfo, DecayCurve curve)
{
	return decay_of(curve, date_distance(PG_GETARG_DATEADT(0), PG_GETARG_DATEADT(1)),
					PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3), PG_GETARG_FLOAT8(4));
}

/* Dates, with lengths as intervals. */
static Datum
decay_date(FunctionCallInfo fcinfo, DecayCurve curve)
{
	double		days = date_distance(PG_GETARG_DATEADT(0), PG_GETARG_DATEADT(1));

	return decay_of(curve, days * USECS_PER_DAY, interval_length(PG_GETARG_INTERVAL_P(2)),
					interval_length(PG_GETARG_INTERVAL_P(3)), PG_GETARG_FLOAT8(4));
}

/* Timestamps, with or without a time zone. */
static Datum
decay_timestamp(FunctionCallInfo fcinfo, DecayCurve curve)
{
	Timestamp	value = PG_GETARG_TIMESTAMP(0);
	Timestamp	origin = PG_GETARG_TIMESTAMP(1);
	double		distance = get_float8_infinity();

	check_origin(!TIMESTAMP_NOT_FINITE(origin));
	/* in unsigned arithmetic, which does not overflow for the earliest and the last time */
	if (!TIMESTAMP_NOT_FINITE(value))
		distance = value > origin ? (double) ((uint64) value - (uint64) origin) :
			(double) ((uint64) origin - (uint64) value);
	return decay_of(curve, distance, interval_length(PG_GETARG_INTERVAL_P(2)),
					interval_length(PG_GETARG_INTERVAL_P(3)), PG_GETARG_FLOAT8(4));
}

#define DECAY_FUNCTION(symbol, values, curve) \
PG_FUNCTION_INFO_V1(symbol); \
Datum \
symbol(PG_FUNCTION_ARGS) \
{ \
	return values(fcinfo, curve); \
}

DECAY_FUNCTION(decay_gauss_number, decay_number, gauss)
DECAY_FUNCTION(decay_gauss_days, decay_days, gauss)
DECAY_FUNCTION(decay_gauss_date, decay_date, gauss)
DECAY_FUNCTION(decay_gauss_timestamp, decay_timestamp, gauss)
DECAY_FUNCTION(decay_exp_number, decay_number, exponential)
DECAY_FUNCTION(decay_exp_days, decay_days, exponential)
DECAY_FUNCTION(decay_exp_date, decay_date, exponential)
DECAY_FUNCTION(decay_exp_timestamp, decay_timestamp, exponential)
DECAY_FUNCTION(decay_linear_number, decay_number, linear)
DECAY_FUNCTION(decay_linear_days, decay_days, linear)
DECAY_FUNCTION(decay_linear_date, decay_date, linear)
DECAY_FUNCTION(decay_linear_timestamp, decay_timestamp, linear)
