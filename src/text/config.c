/*
 * config.c - terms by a text search configuration
 *
 * Does what to_tsvector does, with three differences.  Positions do not end at 16,383.  Terms come
 * one by one, as many as a text has.  And a token that is a number with a sign also yields what the
 * number without the sign does, at the same position: PostgreSQL's parser takes the hyphen of
 * COVID-19 or 2026-11-28 for one.
 *
 * Tokens are read ahead only for dictionaries that replace several words, such as a thesaurus.
 */
#include "text/text.h"

#include <ctype.h>

#include "miscadmin.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_public.h"
#include "utils/memutils.h"

typedef struct Token
{
	int			type;
	char	   *text;			/* in the memory of the parser */
	int			length;
} Token;

typedef struct ConfigRun
{
	TSConfigCacheEntry *config;
	TSParserCacheEntry *parser;
	void	   *parser_state;
	bool		ended;			/* the parser has no more tokens */

	/* Tokens that were read: those of types without dictionaries are not among them. */
	Token	   *tokens;
	int			count;
	int			capacity;

	MemoryContext caller;		/* of the parser */
	MemoryContext scratch;		/* answers of dictionaries, for one token */
	uint32		position;		/* of the last word */
	TermCallback emit;
	void	   *state;
} ConfigRun;

/* The dictionaries of a type of tokens, or NULL. */
static ListDictionary *
dictionaries_of(const ConfigRun *run, int type)
{
	if (type <= 0 || type >= run->config->lenmap || run->config->map[type].len == 0)
		return NULL;
	return &run->config->map[type];
}

/* The token that is n after the next one, or NULL at the end. */
static const Token *
peek(ConfigRun *run, int n)
{
	MemoryContext context = MemoryContextSwitchTo(run->caller);

	while (run->count <= n && !run->ended)
	{
		Token		token = {0};

		CHECK_FOR_INTERRUPTS();
		token.type = DatumGetInt32(FunctionCall3(&run->parser->prstoken,
												 PointerGetDatum(run->parser_state),
												 PointerGetDatum(&token.text),
												 PointerGetDatum(&token.length)));
		if (token.type <= 0)
			run->ended = true;
		else if (dictionaries_of(run, token.type) && token.length <= TEXT_MAX_TERM)
		{
			if (run->count == run->capacity)
			{
				run->capacity *= 2;
				run->tokens = repalloc_array(run->tokens, Token, run->capacity);
			}
			run->tokens[run->count++] = token;
		}
	}
	MemoryContextSwitchTo(context);
	return n < run->count ? &run->tokens[n] : NULL;
}

static void
drop_tokens(ConfigRun *run, int n)
{
	run->count -= n;
	memmove(run->tokens, run->tokens + n, sizeof(Token) * run->count);
}

static TSLexeme *
lexize(TSDictionaryCacheEntry *dictionary, const char *text, int length, DictSubState *state)
{
	return (TSLexeme *) DatumGetPointer(FunctionCall4(&dictionary->lexize,
													  PointerGetDatum(dictionary->dictData),
													  PointerGetDatum(text),
													  Int32GetDatum(length),
													  PointerGetDatum(state)));
}

static bool
reads_type(const ConfigRun *run, Oid dictionary, int type)
{
	ListDictionary *dictionaries = dictionaries_of(run, type);

	for (int i = 0; i < dictionaries->len; i++)
		if (dictionaries->dictIds[i] == dictionary)
			return true;
	return false;
}

/*
 * Shows further tokens to a dictionary that asks for them.  Returns its longest answer, and in
 * *used of how many tokens; answer is what it said of the first.
 */
static TSLexeme *
lexize_phrase(ConfigRun *run, Oid id, DictSubState *state, TSLexeme *answer, int *used)
{
	TSDictionaryCacheEntry *dictionary = lookup_ts_dictionary_cache(id);
	TSLexeme   *best = answer;

	for (int n = 1; state->getnext; n++)
	{
		const Token *token = peek(run, n);

		if (token && !reads_type(run, id, token->type))
			break;
		state->isend = token == NULL;
		state->getnext = false;
		answer = lexize(dictionary, token ? token->text : "", token ? token->length : 0, state);
		if (answer)
		{
			best = answer;
			*used = Min(n + 1, run->count);
		}
		if (!token)
			break;
	}
	return best;
}

/*
 * What the dictionaries make of a token: NULL if none knows it, no lexeme if it is a stop word.  Of
 * the next token, sets in *used for how many tokens the answer stands; else used is NULL.
 */
static TSLexeme *
lexize_token(ConfigRun *run, Token token, int *used)
{
	ListDictionary *dictionaries = dictionaries_of(run, token.type);

	for (int i = 0; i < dictionaries->len; i++)
	{
		Oid			id = dictionaries->dictIds[i];
		DictSubState state = {0};
		TSLexeme   *answer = lexize(lookup_ts_dictionary_cache(id), token.text, token.length,
									&state);

		if (state.getnext && used)
			answer = lexize_phrase(run, id, &state, answer, used);
		if (!answer)
			continue;
		if (!(answer->flags & TSL_FILTER))
			return answer;
		/* a filter: its answer is for the next dictionary */
		token.text = answer->lexeme;
		token.length = strlen(answer->lexeme);
	}
	return NULL;
}

static bool
has_lexeme(const TSLexeme *lexemes, const char *lexeme)
{
	for (; lexemes && lexemes->lexeme; lexemes++)
		if (strcmp(lexemes->lexeme, lexeme) == 0)
			return true;
	return false;
}

/* Hands out lexemes, those that are not among said before. */
static void
emit_lexemes(ConfigRun *run, const TSLexeme *lexemes, const TSLexeme *said)
{
	for (; lexemes->lexeme; lexemes++)
	{
		int			length = strlen(lexemes->lexeme);

		if (lexemes->flags & TSL_ADDPOS)
			run->position++;
		if (length <= TEXT_MAX_TERM && !has_lexeme(said, lexemes->lexeme))
			run->emit(run->state, lexemes->lexeme, length, run->position);
	}
}

/* The terms of the next word, or of several that a dictionary takes for one. */
static void
take_word(ConfigRun *run)
{
	Token		token = *peek(run, 0);
	bool		has_sign = token.length > 1 && (token.text[0] == '-' || token.text[0] == '+') &&
		isdigit((unsigned char) token.text[1]);
	int			used = 1;
	TSLexeme   *lexemes;
	TSLexeme   *unsigned_lexemes = NULL;

	MemoryContextSwitchTo(run->scratch);
	lexemes = lexize_token(run, token, &used);
	if (has_sign && used == 1)
	{
		token.text++;
		token.length--;
		unsigned_lexemes = lexize_token(run, token, NULL);
	}
	if (lexemes || unsigned_lexemes)
		run->position++;
	MemoryContextSwitchTo(run->caller);
	if (lexemes)
		emit_lexemes(run, lexemes, NULL);
	if (unsigned_lexemes)
		emit_lexemes(run, unsigned_lexemes, lexemes);
	MemoryContextReset(run->scratch);
	drop_tokens(run, used);
}

void
tokenize_config(Oid config, const char *text, int length, TermCallback emit, void *state)
{
	ConfigRun	run = {
		.capacity = 8,
		.caller = CurrentMemoryContext,
		.emit = emit,
		.state = state
	};

	run.config = lookup_ts_config_cache(config);
	run.parser = lookup_ts_parser_cache(run.config->prsId);
	run.tokens = palloc_array(Token, run.capacity);
	run.scratch = AllocSetContextCreate(CurrentMemoryContext, "vector dictionaries",
										ALLOCSET_DEFAULT_SIZES);
	run.parser_state = DatumGetPointer(FunctionCall2(&run.parser->prsstart, PointerGetDatum(text),
													 Int32GetDatum(length)));
	while (peek(&run, 0))
		take_word(&run);
	FunctionCall1(&run.parser->prsend, PointerGetDatum(run.parser_state));
	MemoryContextDelete(run.scratch);
	pfree(run.tokens);
}
