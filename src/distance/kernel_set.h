/*
 * kernel_set.h - all kernels of an instruction set, from its primitives
 *
 * KERNEL_SET(name), in a file that has defined what float_kernels.h, integer_kernels.h,
 * rotate_kernels.h, code_kernels.h and level_kernels.h require, defines the kernels and the table
 * name_kernels.
 */
#ifndef VECTOR_KERNEL_SET_H
#define VECTOR_KERNEL_SET_H

#include "distance/code_kernels.h"
#include "distance/float_kernels.h"
#include "distance/integer_kernels.h"
#include "distance/level_kernels.h"
#include "distance/rotate_kernels.h"

#define KERNEL_SET(set) \
FLOAT_KERNELS(f32, float, load_f32, load_tail_f32) \
FLOAT_KERNELS(f16, uint16_t, load_f16, load_tail_f16) \
FLOAT_KERNELS(bf16, uint16_t, load_bf16, load_tail_bf16) \
STORED_KERNELS \
I8_KERNELS(i8) \
BIT_KERNELS(bit) \
CODE_KERNELS(set) \
LEVEL_KERNELS \
\
const DistanceKernels set ## _kernels = { \
	.name = #set, \
	FLOAT_ENTRIES(f32), \
	FLOAT_ENTRIES(f16), \
	FLOAT_ENTRIES(bf16), \
	STORED_ENTRIES, \
	I8_ENTRIES(i8), \
	BIT_ENTRIES(bit), \
	CODE_ENTRIES(set), \
	LEVEL_ENTRIES, \
	.rotate_round = rotate_round, \
	.f32_to_f16 = f32_to_f16 \
};

#endif							/* VECTOR_KERNEL_SET_H */
