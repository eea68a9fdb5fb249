/*
 * distance_internal.h - the tables of the instruction sets, for distance.c, and what the sets share
 */
#ifndef VECTOR_DISTANCE_INTERNAL_H
#define VECTOR_DISTANCE_INTERNAL_H

#include "distance/distance.h"

/* Fraction bits with which entries of a query's table are added up: 255.5 then fits an int16. */
#define ENTRY_BITS	7

/* The largest finite half. */
#define MAX_F16		65504.0f

extern const DistanceKernels portable_kernels;

#if defined(__x86_64__)
extern const DistanceKernels avx2_kernels;
extern const DistanceKernels avx512_kernels;

/* Replace kernels of the table by faster ones that use VNNI, VPOPCNTDQ, or VBMI and VNNI. */
extern void avx512_use_vnni(DistanceKernels *kernels);
extern void avx512_use_vpopcntdq(DistanceKernels *kernels);
extern void avx512_use_vbmi(DistanceKernels *kernels);
#elif defined(__aarch64__)
extern const DistanceKernels neon_kernels;
#endif

#endif							/* VECTOR_DISTANCE_INTERNAL_H */
