/*
 * inverted_test.c - impacts, sorted postings, and the rows of the best scores, compared with sums
 * over all rows
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "inverted/lengths.h"
#include "inverted/packed.h"
#include "inverted/postings.h"
#include "inverted/score.h"
#include "inverted/words.h"
#include "random.h"

/* Rows in a piece: lists come in several. */
#define PIECE		37

static float
random_weight(bool positive)
{
	float		size = ldexpf(1 + (float) (random_u32() % 1000) / 1000,
							  (int) (random_u32() % 7) - 3);

	return positive || random_u32() % 2 ? size : -size;
}

static void
check_range(float least, float most)
{
	ImpactRange range = impact_range(least, most);
	double		scale = impact_scale(impact_largest(range) * 3 + 1e-300);

	for (int i = 0; i < 200; i++)
	{
		double		t = (double) (random_u32() % 1001) / 1000;
		float		weight = (float) (least * (1 - t) + most * t);
		uint8_t		code;
		double		low;
		double		high;

		if (weight < least || weight > most)
			continue;
		code = impact_code(range, weight);
		low = (double) range.low + (double) range.step * code;
		high = low + range.step;
		CHECK(low <= weight && weight <= high, "%g from %g to %g: %g to %g", weight, least, most,
			  low, high);
		CHECK(fabs(weight) <= impact_largest(range), "%g from %g to %g", weight, least, most);
		for (int sign = -1; sign <= 1; sign += 2)
		{
			double		query = sign * (double) (1 + random_u32() % 100) / 100;
			ImpactPart	part = impact_part(range, query * scale);
			double		bound = part.base + (double) part.slope * code;
			double		score = query * weight * scale;

			CHECK(score <= bound + 1e-6 && bound - score <= part.error && bound <= part.most,
				  "%g: bound %g, at most %d, error %d", score, bound, part.most, part.error);
			CHECK(query < 0 || least <= 0 || bound >= 1, "%g", bound);
		}
	}
}

static void
check_ranges(void)
{
	const float sizes[] = {1, 1e-44f, 1e-38f, 1e-6f, 1e30f, 3.4e38f};

	for (int i = 0; i < 6; i++)
	{
		float		x = sizes[i];

		check_range(x, x);
		check_range(-x, -x);
		check_range(-x, x);
		check_range(x / 2, x);
		check_range(0, x);
		check_range(x * 0.999f, x);
	}
}

static void
check_sort(size_t count, uint32_t dims)
{
	Posting    *postings = malloc(sizeof(Posting) * (count + 1));
	Posting    *other = malloc(sizeof(Posting) * (count + 1));
	Posting    *sorted;
	uint64_t	sum = 0;

	for (size_t i = 0; i < count; i++)
	{
		postings[i] = (Posting) {.dim = random_u32() % dims, .row = (uint32_t) i};
		sum += postings[i].dim;
	}
	sorted = postings_sort(postings, other, count);
	for (size_t i = 0; i < count; i++)
	{
		sum -= sorted[i].dim;
		CHECK(i == 0 || sorted[i].dim > sorted[i - 1].dim ||
			  (sorted[i].dim == sorted[i - 1].dim && sorted[i].row > sorted[i - 1].row),
			  "posting %zu of %zu", i, count);
	}
	CHECK(sum == 0, "%zu postings", count);
	free(postings);
	free(other);
}

/* Lists of a window in memory of exactly their size. */
typedef struct World
{
	uint32_t	rows;
	uint32_t	lists;
	uint32_t	windows;
	float	   *weights;		/* of a row and a list; 0: none */
	double	   *query;
	uint8_t    *excluded;
	InvertedList *list;			/* windows one after the other */
	uint16_t  **list_rows;
	uint8_t   **codes;
	int32_t		(**tables)[LENGTH_CLASSES];	/* of some lists, */
	uint8_t   **classes;		/* with the classes of the window's rows */
	uint16_t   *open_rows;		/* copies of the piece that is open */
	uint8_t    *open_codes;
	int32_t    *open_parts;		/* or these, */
	uint32_t   *open_frequencies;	/* or for tables */
} World;

static void
open_piece(void *arg, const InvertedList *list, uint32_t done, uint16_t from,
		   InvertedPiece *piece)
{
	World	   *world = arg;
	const uint16_t *rows = world->list_rows[list->first];
	uint32_t	passed = 0;
	uint32_t	n;

	/* some of the rows that may be left out */
	while (done + passed < list->count && rows[done + passed] < from && random_u32() % 8 > 0)
		passed++;
	done += passed;
	n = list->count - done < PIECE ? list->count - done : 1 + random_u32() % PIECE;

	world->open_rows = malloc(sizeof(uint16_t) * n);
	world->open_codes = malloc(n);
	world->open_parts = list->first % 3 == 1 ? malloc(sizeof(int32_t) * n) : NULL;
	memcpy(world->open_rows, rows + done, sizeof(uint16_t) * n);
	memcpy(world->open_codes, world->codes[list->first] + done, n);
	for (uint32_t i = 0; world->open_parts && i < n; i++)
		world->open_parts[i] = list->part.base + list->part.slope * world->open_codes[i];
	*piece = (InvertedPiece) {
		.rows = world->open_rows, .codes = world->open_parts ? NULL : world->open_codes,
		.parts = world->open_parts, .count = n, .passed = passed
	};
	if (world->tables[list->first])
	{
		world->open_frequencies = malloc(sizeof(uint32_t) * n);
		for (uint32_t i = 0; i < n; i++)
			world->open_frequencies[i] = 1 + world->open_codes[i] % 2;
		piece->codes = NULL;
		piece->table = (const int32_t (*)[LENGTH_CLASSES]) world->tables[list->first];
		piece->frequencies = world->open_frequencies;
		piece->classes = world->classes[list->first];
	}
}

static void
close_piece(void *arg)
{
	World	   *world = arg;

	free(world->open_rows);
	free(world->open_codes);
	free(world->open_parts);
	free(world->open_frequencies);
	world->open_frequencies = NULL;
}

static void
grow_found(InvertedTop *top)
{
	top->room += 1 + top->room / 2;
	top->found = realloc(top->found, sizeof(InvertedFound) * top->room);
}

/*
 * What a list adds, by a table: rows of two frequencies, each of which has a half of the codes.
 * The largest entries are only said to be more than `most`.
 */
static void
make_table(World *world, const InvertedList *list, uint32_t rows)
{
	int32_t		(*table)[LENGTH_CLASSES] = malloc(2 * sizeof(*table));
	uint8_t    *classes = calloc(rows, 1);

	for (int32_t i = 0; i < IMPACT_CODES; i++)
	{
		int32_t		part = list->part.base + list->part.slope * i;

		table[i % 2][i / 2] = part == list->part.most ? INT32_MAX : part;
	}
	for (uint32_t i = 0; i < list->count; i++)
		classes[world->list_rows[list->first][i]] = world->codes[list->first][i] / 2;
	world->tables[list->first] = table;
	world->classes[list->first] = classes;
}

static void
make_list(World *world, uint32_t window, uint32_t l, double scale)
{
	uint32_t	number = window * world->lists + l;
	uint32_t	first = window * INVERTED_WINDOW;
	uint32_t	end = first + INVERTED_WINDOW < world->rows ? first + INVERTED_WINDOW :
		world->rows;
	InvertedList *list = &world->list[number];
	float		least = INFINITY;
	float		most = -INFINITY;
	ImpactRange range;

	world->list_rows[number] = malloc(sizeof(uint16_t) * (end - first));
	world->codes[number] = malloc(end - first);
	for (uint32_t row = first; row < end; row++)
	{
		float		weight = world->weights[(size_t) row * world->lists + l];

		if (weight == 0)
			continue;
		least = fminf(least, weight);
		most = fmaxf(most, weight);
	}
	if (least > most)
		return;
	range = impact_range(least, most);
	*list = (InvertedList) {impact_part(range, world->query[l] * scale), 0, number};
	for (uint32_t row = first; row < end; row++)
	{
		float		weight = world->weights[(size_t) row * world->lists + l];

		if (weight == 0)
			continue;
		world->list_rows[number][list->count] = (uint16_t) (row - first);
		world->codes[number][list->count++] = impact_code(range, weight);
	}
	if (number % 3 == 2)
		make_table(world, list, end - first);
}

static double
score_of(const World *world, uint32_t row)
{
	double		score = 0;

	for (uint32_t l = 0; l < world->lists; l++)
		score += world->query[l] * world->weights[(size_t) row * world->lists + l];
	return score;
}

static int
compare_scores(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static bool
is_excluded(const World *world, uint32_t row)
{
	return world->excluded && (world->excluded[row / 8] >> row % 8 & 1);
}

/* The windows' lists that are not empty, searched for the rows below a bound. */
static void
search(World *world, InvertedTop *top)
{
	InvertedSource source = {open_piece, close_piece, world};
	InvertedScores scores = {
		malloc(sizeof(int32_t) * INVERTED_WINDOW), malloc(sizeof(uint16_t) * INVERTED_WINDOW)
	};
	InvertedList *lists = malloc(sizeof(InvertedList) * (world->lists + 1));

	for (uint32_t w = 0; w < world->windows; w++)
	{
		uint32_t	left = world->rows - w * INVERTED_WINDOW;
		InvertedWindow window = {
			lists, 0, w * INVERTED_WINDOW, left < INVERTED_WINDOW ? left : INVERTED_WINDOW,
			world->excluded, random_u32() % 2 * INVERTED_WINDOW
		};

		for (uint32_t l = 0; l < world->lists; l++)
			if (world->list[w * world->lists + l].count > 0)
				lists[window.count++] = world->list[w * world->lists + l];
		(void) inverted_score(&window, &source, &scores, top);
	}
	inverted_finish(top);
	free(lists);
	free(scores.bounds);
	free(scores.left);
}

/* Rounds that go on where the one before ended find each row once, the best ones first. */
static void
check_rounds(World *world, double scale, uint32_t wanted, bool positive)
{
	double	   *scores = malloc(sizeof(double) * (world->rows + 1));
	uint8_t    *seen = calloc(world->rows + 1, 1);
	int64_t		below = INT64_MAX;
	int32_t		error = 0;
	uint32_t	live = 0;
	uint32_t	total = 0;

	/* where every list adds something, rows of no list may be left out */
	const int64_t lowest = positive && random_u32() % 2 ? 1 : INT64_MIN;

	for (uint32_t row = 0; row < world->rows; row++)
		if (!is_excluded(world, row) && (lowest < 1 || score_of(world, row) > 0))
			scores[live++] = score_of(world, row);
	qsort(scores, live, sizeof(double), compare_scores);
	for (uint32_t l = 0; l < world->lists; l++)
	{
		int32_t		most = 0;

		for (uint32_t w = 0; w < world->windows; w++)
			if (world->list[w * world->lists + l].part.error > most)
				most = world->list[w * world->lists + l].part.error;
		error += most;
	}
	while (below > lowest)
	{
		InvertedTop top = {
			.wanted = wanted < live ? wanted : 0, .error = error, .below = below,
			.least = lowest
		};
		int64_t		least;

		top.best = malloc(sizeof(int32_t) * (top.wanted + 1));
		top.room = 1 + random_u32() % 20;
		top.found = malloc(sizeof(InvertedFound) * top.room);
		top.grow = grow_found;
		search(world, &top);
		least = inverted_least(&top);
		for (size_t i = 0; i < top.count; i++)
		{
			double		score = score_of(world, top.found[i].row) * scale;
			int32_t		bound = top.found[i].bound;

			CHECK(!seen[top.found[i].row] && !is_excluded(world, top.found[i].row), "row %u",
				  top.found[i].row);
			seen[top.found[i].row] = 1;
			CHECK(score <= bound + 1e-3 && bound - score <= error, "score %g, bound %d", score,
				  bound);
			CHECK(!positive || (bound == 0) == (score == 0), "score %g, bound %d", score, bound);
			CHECK(bound < below && bound >= least, "bound %d", bound);
		}
		total += (uint32_t) top.count;
		/* rows that are not found have lesser scores than those that were wanted */
		if (top.wanted > 0)
			CHECK(least <= lowest || least <= scores[top.wanted - 1] * scale + 1e-3,
				  "%u wanted", top.wanted);
		for (uint32_t row = 0; row < world->rows; row++)
			if (!seen[row] && !is_excluded(world, row) &&
				score_of(world, row) * scale > (double) least)
				CHECK(false, "row %u is missing", row);
		below = least;
		wanted = wanted * 3 + 1;
		free(top.best);
		free(top.found);
	}
	CHECK(total == live, "%u of %u rows", total, live);
	free(scores);
	free(seen);
}

static void
check_world(uint32_t rows, uint32_t lists, uint32_t one_in, bool positive)
{
	World		world = {.rows = rows, .lists = lists};
	uint32_t	count;
	double		scale;
	double		largest = 0;

	world.windows = rows / INVERTED_WINDOW + (rows % INVERTED_WINDOW > 0);
	count = world.windows * lists;
	world.weights = calloc((size_t) rows * lists + 1, sizeof(float));
	world.query = malloc(sizeof(double) * (lists + 1));
	world.list = calloc(count + 1, sizeof(InvertedList));
	world.list_rows = calloc(count + 1, sizeof(uint16_t *));
	world.codes = calloc(count + 1, sizeof(uint8_t *));
	world.tables = calloc(count + 1, sizeof(*world.tables));
	world.classes = calloc(count + 1, sizeof(uint8_t *));
	for (uint32_t l = 0; l < lists; l++)
	{
		/* frequent ones have small weights, as words have */
		uint32_t	rare = 1 + random_u32() % one_in;
		float		most = 0;

		world.query[l] = random_weight(positive) * (rare > 3 ? 4 : 1);
		for (uint32_t row = 0; row < rows; row++)
			if (random_u32() % rare == 0)
			{
				float		weight = random_weight(positive);

				world.weights[(size_t) row * lists + l] = weight;
				most = fmaxf(most, fabsf(weight));
			}
		largest += fabs(world.query[l]) * most * 2;
	}
	scale = impact_scale(largest > 0 ? largest : 1);
	for (uint32_t w = 0; w < world.windows; w++)
		for (uint32_t l = 0; l < lists; l++)
			make_list(&world, w, l, scale);
	for (uint32_t one = 0; one < 4; one++)
	{
		if (one > 0)
		{
			world.excluded = malloc((rows + 7) / 8);
			memset(world.excluded, 0, (rows + 7) / 8);
			for (uint32_t row = 0; row < rows; row++)
				if (one == 1 ? random_u32() % 10 == 0 : one == 2 ? random_u32() % 50 > 0 :
					row / 300 % 2 == 0)
					world.excluded[row / 8] |= (uint8_t) (1 << row % 8);
		}
		check_rounds(&world, scale, 1 + random_u32() % 10, positive);
		free(world.excluded);
		world.excluded = NULL;
	}
	for (uint32_t i = 0; i < count; i++)
	{
		free(world.list_rows[i]);
		free(world.codes[i]);
		free(world.tables[i]);
		free(world.classes[i]);
	}
	free(world.weights);
	free(world.query);
	free(world.list);
	free(world.list_rows);
	free(world.codes);
	free(world.tables);
	free(world.classes);
}

static double
random_double(void)
{
	return random_u32() * 0x1p-32;
}

static BM25Formula
random_formula(void)
{
	return (BM25Formula) {
		random_u32() % 8 ? random_double() * 4 : 0,
		random_u32() % 4 ? random_double() : random_u32() % 2,
		random_u32() % 8 ? 1 + random_double() * 200 : 0
	};
}

/* A part by another formula is at most the stretch times the part in a list. */
static void
check_stretch(void)
{
	for (int trial = 0; trial < 20000; trial++)
	{
		WordsFormula built = {random_formula(), 1 + random_double() * 100, 0};
		BM25Formula formula = random_formula();
		float		parts[8];
		double		wanted[8];
		float		least = INFINITY;
		float		most = 0;
		double		stretch;
		ImpactRange range;

		built.greatest = built.least + random_double() * 1000;
		for (int i = 0; i < 8; i++)
		{
			double		tf = 1 + random_u32() % 50;
			double		length = i == 0 ? built.least : i == 1 ? built.greatest :
				built.least + random_double() * (built.greatest - built.least);

			parts[i] = (float) bm25_part(&built.formula, tf, length);
			wanted[i] = bm25_part(&formula, tf, length);
			least = fminf(least, parts[i]);
			most = fmaxf(most, parts[i]);
		}
		for (int i = 0; i < 8; i++)
		{
			uint8_t		code = words_code(parts[i] / (built.formula.k1 + 1));

			CHECK(wanted[i] <= words_largest(&built, &formula, code) * (1 + 1e-7),
				  "%g, more than %g", wanted[i], words_largest(&built, &formula, code));
		}
		range = impact_range(least, most);
		if (!words_stretch(&built, &formula, range, &stretch))
		{
			CHECK(built.formula.k1 == 0 || built.formula.b == 1, "k1 %g, b %g",
				  built.formula.k1, built.formula.b);
			continue;
		}
		for (int i = 0; i < 8; i++)
			CHECK(wanted[i] <= stretch * parts[i], "%g, more than %g times %g", wanted[i],
				  stretch, parts[i]);
	}
}

/* Reads a list as a segment does; false if it is damaged. */
static bool
read_packed(const unsigned char *bytes, size_t size, uint32_t count, uint16_t *rows,
			uint32_t *frequencies)
{
	uint32_t	blocks = count / PACKED_BLOCK;
	size_t		place = blocks * sizeof(PackedEntry);
	uint32_t	next = 0;

	for (uint32_t i = 0; i < blocks; i++)
	{
		PackedEntry entry;

		memcpy(&entry, bytes + i * sizeof(entry), sizeof(entry));
		if (place + packed_block_size(&entry) > size ||
			!packed_read_block(&entry, bytes + place, next, rows + i * PACKED_BLOCK,
							   frequencies + i * PACKED_BLOCK))
			return false;
		place += packed_block_size(&entry);
		next = (uint32_t) entry.last + 1;
	}
	return packed_read_rest(bytes + place, size - place, next, count % PACKED_BLOCK,
							rows + blocks * PACKED_BLOCK, frequencies + blocks * PACKED_BLOCK);
}

/* Lists of one in so many rows come back as they were; others end in memory of their size. */
static void
check_packed(uint32_t one_in, int frequency_bits)
{
	uint16_t   *rows = malloc(sizeof(uint16_t) * INVERTED_WINDOW * 2);
	uint32_t   *frequencies = malloc(sizeof(uint32_t) * INVERTED_WINDOW * 2);
	uint16_t   *read_rows = rows + INVERTED_WINDOW;
	uint32_t   *read_frequencies = frequencies + INVERTED_WINDOW;
	unsigned char *bytes;
	uint32_t	count = 0;
	size_t		size;

	for (uint32_t row = random_u32() % one_in; row < INVERTED_WINDOW;
		 row += 1 + random_u32() % (2 * one_in - 1))
	{
		uint32_t	most = frequency_bits == 0 ? 0 : UINT32_MAX >> (32 - frequency_bits);

		rows[count] = (uint16_t) row;
		frequencies[count++] = 1 + (random_u32() % 3 ? 0 : random_u32() & most & (UINT32_MAX - 1));
	}
	bytes = malloc(packed_room(count));
	size = packed_write(rows, frequencies, count, bytes);
	CHECK(size <= packed_room(count), "%zu bytes of %u rows", size, count);
	bytes = realloc(bytes, size + 1);
	CHECK(read_packed(bytes, size, count, read_rows, read_frequencies), "%u rows", count);
	CHECK(memcmp(rows, read_rows, sizeof(uint16_t) * count) == 0 &&
		  memcmp(frequencies, read_frequencies, sizeof(uint32_t) * count) == 0, "%u rows", count);
	for (int i = 0; i < 200 && size > 0; i++)
	{
		size_t		left = i % 2 ? size : random_u32() % size;
		unsigned char *damaged = malloc(left + 1);

		memcpy(damaged, bytes, left);
		for (int j = 0; j < 1 + i % 4 && left > 0; j++)
			damaged[random_u32() % left] ^= 1 << random_u32() % 8;
		if (count / PACKED_BLOCK * sizeof(PackedEntry) <= left &&
			read_packed(damaged, left, count, read_rows, read_frequencies))
			for (uint32_t j = 1; j < count; j++)
				CHECK(read_rows[j] > read_rows[j - 1], "row %u after %u", read_rows[j],
					  read_rows[j - 1]);
		free(damaged);
	}
	free(bytes);
	free(rows);
	free(frequencies);
}

static int
compare_lengths(const void *a, const void *b)
{
	uint64_t	x = *(const uint64_t *) a;
	uint64_t	y = *(const uint64_t *) b;

	return x < y ? -1 : x > y;
}

/* Each length is in its class; classes are exact if there are few lengths, and else as narrow. */
static void
check_lengths(size_t count, int bits)
{
	uint64_t   *lengths = malloc(sizeof(uint64_t) * (count + 1));
	LengthClass classes[LENGTH_CLASSES];
	uint32_t	n;
	uint32_t	distinct = 0;
	double		widest = 0;

	for (size_t i = 0; i < count; i++)
		lengths[i] = ((uint64_t) random_u32() << 16 | random_u32() % 65536) >>
			(48 - bits + random_u32() % (bits / 2 + 1));
	qsort(lengths, count, sizeof(uint64_t), compare_lengths);
	for (size_t i = 0; i < count; i++)
		distinct += i == 0 || lengths[i] != lengths[i - 1];
	n = lengths_classify(lengths, count, classes);
	CHECK(n <= LENGTH_CLASSES && (distinct > LENGTH_CLASSES || n == distinct), "%u classes", n);
	for (size_t i = 0; i < count; i++)
	{
		const LengthClass *class = &classes[lengths_class(classes, n, lengths[i])];

		CHECK(class->least <= lengths[i] && lengths[i] <= class->greatest, "%llu",
			  (unsigned long long) lengths[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		if (classes[i].least > 0)
			widest = fmax(widest, (double) classes[i].greatest / classes[i].least);
	CHECK(bits > 32 || widest < 1.2, "%d bits: %g", bits, widest);
	free(lengths);
}

int
main(void)
{
	check_ranges();
	check_stretch();
	for (uint32_t one_in = 1; one_in <= 40000; one_in = one_in * 3 + one_in % 2)
		for (int bits = 0; bits <= 32; bits += bits < 4 ? 1 : 7)
			check_packed(one_in, bits);
	check_lengths(0, 8);
	for (int bits = 1; bits <= 48; bits += 3)
		check_lengths(1 + random_u32() % 5000, bits);
	check_sort(0, 1);
	check_sort(1, 1);
	check_sort(1000, 1);
	check_sort(5000, 100);
	check_sort(5000, 100000);
	check_sort(5000, 1000000000);
	for (int positive = 0; positive < 2; positive++)
	{
		for (uint32_t lists = 0; lists < 8; lists++)
		{
			check_world(1, lists, 1, positive);
			check_world(63, lists, 2, positive);
			check_world(500, lists, 10, positive);
			check_world(3001, lists, 40, positive);
		}
		check_world(2000, 40, 100, positive);
		check_world(2 * INVERTED_WINDOW + 77, 5, 300, positive);
	}
	return check_end("inverted_test");
}
