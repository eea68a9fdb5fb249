/*
 * dictionary_build.h - writes the dictionary of a segment: terms with the places of their lists
 *
 * It is written while terms come, in the order of their bytes, and takes memory for one of each
 * block.
 */
#ifndef VECTOR_INVERTED_SEGMENT_DICTIONARY_BUILD_H
#define VECTOR_INVERTED_SEGMENT_DICTIONARY_BUILD_H

#include "pg_compat.h"

#include "storage/buffile.h"

typedef struct DictionaryBuild DictionaryBuild;

/* Begins to write blocks of PAYLOAD_SIZE bytes to a file. */
extern DictionaryBuild *dictionary_build_begin(BufFile *file);

/* Adds the next term, with the place of its list. */
extern void dictionary_build_add(DictionaryBuild *build, const char *text, uint32 length,
								 uint64 place);

/* After the last term: writes what is left, and returns the number of blocks. */
extern uint32 dictionary_build_end(DictionaryBuild *build);

#endif							/* VECTOR_INVERTED_SEGMENT_DICTIONARY_BUILD_H */
