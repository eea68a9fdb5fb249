/*
 * document_test.c - documents of terms, and what queries make of them, compared with the
 * definitions applied to the words themselves
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "guard.h"
#include "random.h"
#include "text/match.h"

#ifndef TRIALS
#define TRIALS	4000
#endif

#define MAX_OCCURRENCES	60
#define MAX_INPUTS		12
#define MAX_FIELDS		3

static const char *const vocabulary[] = {
	"a", "ab", "abc", "abd", "b", "ba", "bab", "c", "caaaaaaaaaaaaaaaaaaaaa", "\xff", "\xff\x01"
};

#define VOCABULARY	(sizeof(vocabulary) / sizeof(vocabulary[0]))

typedef struct World
{
	DocumentOccurrence occurrences[MAX_OCCURRENCES];
	DocumentField fields[MAX_FIELDS];
	DocumentText text;
	MatchInput	inputs[MAX_INPUTS];
	size_t		input_count;
} World;

static void
random_document(World *world)
{
	uint32_t	position = 0;

	world->text = (DocumentText) {
		.occurrences = world->occurrences,
		.fields = world->fields,
		.field_count = 1 + random_u32() % MAX_FIELDS,
		.scale = random_u32() % 2 ? 1 : 100,
		.positions = random_u32() % 4 != 0
	};
	for (uint32_t f = 0; f < world->text.field_count; f++)
	{
		uint32_t	words = random_u32() % (MAX_OCCURRENCES / MAX_FIELDS);

		if (f > 0)
			position += DOCUMENT_FIELD_GAP;
		for (uint32_t i = 0; i < words; i++)
		{
			const char *term = vocabulary[random_u32() % VOCABULARY];

			/* now and then several terms of a word, or a word without a term */
			position += random_u32() % 8 == 0 && i > 0 ? 0 : 1 + (random_u32() % 8 == 0);
			world->occurrences[world->text.count++] = (DocumentOccurrence) {
				.term = term,
				.length = (uint32_t) strlen(term),
				.position = position,
				.field = f
			};
		}
		world->fields[f] = (DocumentField) {.weight = 1 + random_u32() % 300, .last = position};
	}
}

static void
random_query(World *world)
{
	QueryOccur	occur = QUERY_OPTIONAL;
	uint32_t	clause = 0;
	uint32_t	position = 1;

	world->input_count = random_u32() % MAX_INPUTS;
	for (size_t i = 0; i < world->input_count; i++)
	{
		const char *term = vocabulary[random_u32() % VOCABULARY];

		if (i == 0 || random_u32() % 2)
		{
			clause++;
			position = 1 + random_u32() % 2;
			occur = random_u32() % 4 == 0 ? QUERY_EXCLUDED :
				random_u32() % 4 == 0 ? QUERY_REQUIRED : QUERY_OPTIONAL;
		}
		else if (random_u32() % 4)
			position += 1 + (random_u32() % 8 == 0);
		world->inputs[i] = (MatchInput) {
			.term = term,
			.length = (uint32_t) strlen(term),
			.clause = clause,
			.position = position,
			.occur = occur,
			.prefix = random_u32() % 4 == 0
		};
	}
}

/* The definition: whether an occurrence is one of the term of a query. */
static bool
is_term(const DocumentOccurrence *occurrence, const MatchInput *input)
{
	return input->prefix ? strncmp(occurrence->term, input->term, input->length) == 0 :
		strcmp(occurrence->term, input->term) == 0;
}

static uint64_t
frequency_of(const World *world, const MatchInput *input)
{
	uint64_t	frequency = 0;

	for (size_t i = 0; i < world->text.count; i++)
		if (is_term(&world->occurrences[i], input))
			frequency += world->fields[world->occurrences[i].field].weight;
	return frequency;
}

/* Whether one of the terms first to end - 1 of a query is at a position. */
static bool
is_word_at(const World *world, size_t first, size_t end, uint32_t position)
{
	for (size_t i = 0; i < world->text.count; i++)
		for (size_t t = first; t < end; t++)
			if (world->occurrences[i].position == position &&
				is_term(&world->occurrences[i], &world->inputs[t]))
				return true;
	return false;
}

/* The end of the terms of the word, or of the clause, that begins with an input. */
static size_t
end_of(const World *world, size_t first, bool word)
{
	size_t		end = first;

	while (end < world->input_count && world->inputs[end].clause == world->inputs[first].clause &&
		   (!word || world->inputs[end].position == world->inputs[first].position))
		end++;
	return end;
}

/* How often the words first to end - 1 follow each other. */
static uint64_t
phrase_frequency(const World *world, size_t first, size_t end)
{
	const DocumentField *fields = world->fields;
	uint32_t	from = world->inputs[first].position;
	uint64_t	frequency = 0;

	for (uint32_t f = 0; f < world->text.field_count; f++)
		for (uint32_t at = f > 0 ? fields[f - 1].last + 1 : 1; at <= fields[f].last; at++)
		{
			bool		all = true;

			for (size_t i = first; i < end && all; i = end_of(world, i, true))
				all = is_word_at(world, i, end_of(world, i, true),
								 at + world->inputs[i].position - from);
			frequency += all ? fields[f].weight : 0;
		}
	return frequency;
}

static double
idf_of(const MatchInput *input, double documents)
{
	/* any number that depends on the term alone */
	double		n = 1 + (double) ((input->length * 7 + (unsigned char) input->term[0] +
								   (input->prefix ? 13 : 0)) % 50);

	return log(1 + (documents - n + 0.5) / (n + 0.5));
}

static double
expected_score(const World *world, const BM25Formula *formula, double documents)
{
	double		scale = world->text.scale;
	double		length = 0;
	double		score = 0;

	for (size_t i = 0; i < world->text.count; i++)
		length += (double) world->fields[world->occurrences[i].field].weight / scale;
	for (size_t i = 0, end; i < world->input_count; i = end)
	{
		size_t		words = 0;
		uint64_t	rarest = UINT64_MAX;
		double		idf = 0;
		double		tf;

		end = end_of(world, i, false);
		for (size_t w = i, word_end; w < end; w = word_end)
		{
			double		least = INFINITY;
			uint64_t	most = 0;

			word_end = end_of(world, w, true);
			for (size_t t = w; t < word_end; t++)
			{
				uint64_t	frequency = frequency_of(world, &world->inputs[t]);

				least = fmin(least, idf_of(&world->inputs[t], documents));
				most = frequency > most ? frequency : most;
			}
			rarest = most < rarest ? most : rarest;
			idf += least;
			words++;
		}
		if (words > 1 && world->text.positions)
			rarest = phrase_frequency(world, i, end);
		tf = (double) rarest / scale;
		if (world->inputs[i].occur == QUERY_EXCLUDED)
		{
			if (tf > 0)
				return 0;
		}
		else if (tf > 0)
			score += idf * (formula->k1 + 1) * tf /
				(tf + formula->k1 * (1 - formula->b + formula->b * length / formula->mean_length));
		else if (world->inputs[i].occur == QUERY_REQUIRED)
			return 0;
	}
	return score;
}

static void *
resize(void *arg, void *p, size_t size)
{
	(void) arg;
	return realloc(p, size);
}

static void
check_frequencies(const World *world, Match *match, const DocumentReader *document, double score)
{
	if (match->phrases && world->text.positions)
		return;
	CHECK(match_frequencies(match, document->length, document->scale) == score, "%g", score);
}

static void
check_bound(const Match *match, const DocumentReader *document, double score)
{
	double		bound = 0;

	for (uint32_t i = 0; i < match->term_count; i++)
		if (match->terms[i].frequency > 0)
			bound += match->terms[i].weight *
				bm25_part(&match->formula, (double) match->terms[i].frequency / document->scale,
						  (double) document->length / document->scale);
	CHECK(score <= bound * (1 + 1e-12), "%g above its bound %g", score, bound);
}

static void
check_match(const World *world, const unsigned char *bytes, size_t size)
{
	static const double documents = 100;
	BM25Formula formula = {.k1 = 0.1 + random_u32() % 20 * 0.1, .b = random_u32() % 5 * 0.25,
		.mean_length = 1 + random_u32() % 20};
	void	   *place = malloc(match_size(world->input_count));
	Match	   *match = match_make(place, world->inputs, world->input_count,
								   (MatchMemory) {.resize = resize});
	double		expected = expected_score(world, &formula, documents);
	double		score;
	DocumentReader reader;

	CHECK(document_open(&reader, bytes, size), "open");
	for (uint32_t i = 0; i < match->term_count; i++)
	{
		MatchInput	input = {.term = match->terms[i].term, .length = match->terms[i].length,
			.prefix = match->terms[i].prefix};

		match->terms[i].documents = 1 + (input.length * 7 + (unsigned char) input.term[0] +
										 (input.prefix ? 13 : 0)) % 50;
	}
	match_weigh(match, documents, &formula);
	CHECK(match_document(match, bytes, size, &score), "matched");
	CHECK(fabs(score - expected) <= 1e-9 * expected && (score > 0) == (expected > 0),
		  "%.12g, expected %.12g", score, expected);
	if (score > 0)
		check_bound(match, &reader, score);
	check_frequencies(world, match, &reader, score);
	free(match->found.positions);
	free(match->word.positions);
	free(place);
}

/* Reads all of a document, damaged as it may be. */
static void
read_all(const World *world, const unsigned char *bytes, size_t size)
{
	void	   *place = malloc(match_size(world->input_count));
	Match	   *match = match_make(place, world->inputs, world->input_count,
								   (MatchMemory) {.resize = resize});
	double		score;

	match_weigh(match, 100, &(BM25Formula) {.k1 = 1.2, .b = 0.75, .mean_length = 10});
	match_document(match, bytes, size, &score);
	free(match->found.positions);
	free(match->word.positions);
	free(place);
}

static void
check_damage(const World *world, const unsigned char *bytes, size_t size)
{
	static unsigned char *end;
	size_t		cut = random_u32() % (size + 1);

	if (!end)
		end = guarded_end(16384);
	memcpy(end - cut, bytes, cut);
	CHECK(cut == size || !document_check(end - cut, cut), "cut to %zu of %zu", cut, size);
	read_all(world, end - cut, cut);
	memcpy(end - size, bytes, size);
	for (int i = 0; i < 3; i++)
		(end - size)[random_u32() % size] = (unsigned char) random_u32();
	document_check(end - size, size);
	read_all(world, end - size, size);
}

int
main(void)
{
	static World world;
	static unsigned char bytes[16384];

	for (int trial = 0; trial < TRIALS; trial++)
	{
		size_t		size;

		random_document(&world);
		random_query(&world);
		document_sort(&world.text);
		size = document_write(&world.text, NULL);
		CHECK(document_write(&world.text, bytes) == size, "size");
		CHECK(document_check(bytes, size), "a document that was written");
		check_match(&world, bytes, size);
		check_damage(&world, bytes, size);
	}
	CHECK(document_compare("", 0, "a", 1) < 0 && document_compare("b", 1, "ab", 2) > 0 &&
		  document_compare("\xff", 1, "a", 1) > 0 && document_compare("a", 1, "a", 1) == 0,
		  "order");
	return check_end("document_test");
}
