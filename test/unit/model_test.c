/*
 * model_test.c - from two samples to the whole, and what is chosen
 */
#include "recall/model.h"

#include <math.h>

#include "check.h"

#define NEAR(a, b)	(fabs((double) (a) - (double) (b)) < 1e-9 * fmax(fabs((double) (b)), 1))

static void
test_growth(void)
{
	TwoSizes	line = {{1000, 3000}, {50, 90}};
	TwoSizes	power = {{1000, 4000}, {10, 20}};
	TwoSizes	less = {{1000, 4000}, {20, 10}};

	CHECK(NEAR(model_linear(line, 10000), 230), "model");
	CHECK(NEAR(model_linear(line, 3000), 90), "model");
	CHECK(model_linear((TwoSizes) {{1000, 3000}, {90, 0}}, 10000) == 0, "below 0");
	CHECK(NEAR(model_linear((TwoSizes) {{3000, 3000}, {7, 7}}, 10000), 7), "model");
	/* n to the power of 1/2, within and without limits */
	CHECK(NEAR(model_power(power, 16000, 0, 1), 40), "model");
	CHECK(NEAR(model_power(power, 16000, 0, 0.25), 20 * sqrt(2)), "model");
	CHECK(NEAR(model_power(power, 16000, 1, 1.5), 80), "model");
	CHECK(NEAR(model_power(less, 16000, 0, 1), 10), "model");
	/* of nothing the least is known */
	power.figure[0] = 0;
	CHECK(NEAR(model_power(power, 16000, 1, 2), 80), "of no figure");
	CHECK(NEAR(model_power((TwoSizes) {{0, 0}, {0, 3}}, 9, 1, 2), 3), "of no rows");
}

static void
test_recall(void)
{
	/* four times the rows, and twice as many missed; then as many, fewer, none, ever more */
	CHECK(NEAR(model_recall((TwoSizes) {{1000, 4000}, {0.98, 0.96}}, 16000), 0.92), "model");
	CHECK(NEAR(model_recall((TwoSizes) {{1000, 4000}, {0.98, 0.96}}, 4000), 0.96), "model");
	CHECK(NEAR(model_recall((TwoSizes) {{1000, 4000}, {0.96, 0.98}}, 16000), 0.98), "model");
	CHECK(model_recall((TwoSizes) {{1000, 4000}, {1, 1}}, 16000) == 1, "nothing is missed");
	CHECK(NEAR(model_recall((TwoSizes) {{1000, 4000}, {0.99, 0.9}}, 16000), 0.8), "at most");
	CHECK(model_recall((TwoSizes) {{1000, 4000}, {0.9, 0.5}}, 1e6) == 0, "below 0");
}

static void
test_choice(void)
{
	ModelCost	costs[] = {
		{.bytes = 200, .read_bytes = 200, .ms = 1, .cold_ms = 11, .reaches = true, .recall = 0.95},
		{.bytes = 100, .read_bytes = 100, .ms = 1.05, .cold_ms = 31, .reaches = true, .recall = 1},
		{.bytes = 10, .read_bytes = 50, .ms = 3, .cold_ms = 5, .reaches = true, .recall = 0.95},
		{.bytes = 1, .read_bytes = 1, .ms = 0.1, .cold_ms = 0.1, .recall = 0.9},
		{.bytes = 2, .read_bytes = 2, .ms = 0.5, .cold_ms = 0.6, .recall = 0.94}
	};

	CHECK(NEAR(model_expected_ms(&costs[0], 200), 1), "model");
	CHECK(NEAR(model_expected_ms(&costs[0], 1e9), 1), "model");
	CHECK(NEAR(model_expected_ms(&costs[0], 100), 6), "model");
	CHECK(NEAR(model_expected_ms(&costs[0], 0), 11), "cold");
	/* the smaller of those that are nearly as fast; the fastest; where memory is short, another */
	CHECK(model_choose(costs, 5, 1000) == 1, "model");
	costs[1].ms = 1.2;
	CHECK(model_choose(costs, 5, 1000) == 0, "model");
	CHECK(model_choose(costs, 5, 50) == 2, "model");
	/* without one that has the recall, that with the greatest */
	CHECK(model_choose(costs + 3, 2, 1000) == 1, "model");
	CHECK(model_choose(costs + 3, 1, 1000) == 0, "model");
}

int
main(void)
{
	test_growth();
	test_recall();
	test_choice();
	return check_end("model_test");
}
