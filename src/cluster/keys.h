/*
 * keys.h - pairs of a value and a number as integers, which sort by value, then by number
 */
#ifndef VECTOR_CLUSTER_KEYS_H
#define VECTOR_CLUSTER_KEYS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* NaN comes last. */
static inline uint64_t
cluster_key(float value, uint32_t number)
{
	uint32_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	bits ^= bits >> 31 ? UINT32_MAX : UINT32_C(1) << 31;
	bits = value != value ? UINT32_MAX : bits;
	return (uint64_t) bits << 32 | number;
}

static inline float
cluster_key_value(uint64_t key)
{
	uint32_t	bits = (uint32_t) (key >> 32);
	float		value;

	bits ^= bits >> 31 ? UINT32_C(1) << 31 : UINT32_MAX;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline uint32_t
cluster_key_number(uint64_t key)
{
	return (uint32_t) key;
}

/* Brings the first `wanted` of n different keys to the front, or to their places. */
extern void cluster_select_first(uint64_t *keys, size_t n, size_t wanted);
extern void cluster_sort_first(uint64_t *keys, size_t n, size_t wanted);

#endif							/* VECTOR_CLUSTER_KEYS_H */
