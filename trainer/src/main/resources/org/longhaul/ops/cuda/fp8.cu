// Quantisation to 8-bit floats with one scale for the tensor: e4m3 (activations, weights) and e5m2 (gradients), saturating, round
// to nearest even. x is [rows, columns]; both are multiples of 16.

struct E4m3 {
    static LH_INLINE_MEMBER u32 pair(float low, float high) {
#ifdef LH_EMULATION
        return emulatedFp8(low, 4) | emulatedFp8(high, 4) << 8;
#else
        unsigned short r;
        asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(r) : "f"(high), "f"(low));
        return r;
#endif
    }
};
struct E5m2 {
    static LH_INLINE_MEMBER u32 pair(float low, float high) {
#ifdef LH_EMULATION
        return emulatedFp8(low, 5) | emulatedFp8(high, 5) << 8;
#else
        unsigned short r;
        asm("cvt.rn.satfinite.e5m2x2.f32 %0, %1, %2;" : "=h"(r) : "f"(high), "f"(low));
        return r;
#endif
    }
};

template <typename F>
LH_INLINE uint2 quantise8(const float f[8], float scale) {
    uint2 r;
    r.x = F::pair(f[0] * scale, f[1] * scale) | F::pair(f[2] * scale, f[3] * scale) << 16;
    r.y = F::pair(f[4] * scale, f[5] * scale) | F::pair(f[6] * scale, f[7] * scale) << 16;
    return r;
}

// A tile of 128 rows by 64 columns per block of 256 threads: read once, written as it lies (out, may be null) and transposed
// (transposed[columns, rows], may be null). From the end, because the search for the largest value came from the beginning.
template <typename F>
LH_INLINE void quantiseTile(unsigned char *out, unsigned char *transposed, const elem *x, const float *scale, int rows, int columns) {
    __shared__ __align__(16) unsigned char tile[128][68];
    float s = scale[0];
    i64 row0 = (i64)(gridDim.y - 1 - blockIdx.y) * 128, column0 = (i64)blockIdx.x * 64;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int r = (threadIdx.x >> 3) + i * 32, c = (threadIdx.x & 7) * 8;
        if (row0 + r < rows && column0 + c < columns) {
            float f[8];
            get8(x + (row0 + r) * columns + column0 + c, f);
            uint2 q = quantise8<F>(f, s);
            if (out) *reinterpret_cast<uint2 *>(out + (row0 + r) * columns + column0 + c) = q;
            *reinterpret_cast<u32 *>(&tile[r][c]) = q.x;
            *reinterpret_cast<u32 *>(&tile[r][c + 4]) = q.y;
        }
    }
    if (!transposed) return;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 2; i++) {
        int c = (threadIdx.x >> 3) + i * 32, r = (threadIdx.x & 7) * 16;
        if (column0 + c < columns && row0 + r < rows) {
            u32 w[4];
#pragma unroll
            for (int k = 0; k < 4; k++) {
                w[k] = tile[r + 4 * k][c] | (u32)tile[r + 4 * k + 1][c] << 8 | (u32)tile[r + 4 * k + 2][c] << 16
                        | (u32)tile[r + 4 * k + 3][c] << 24;
            }
            *reinterpret_cast<uint4 *>(transposed + (column0 + c) * rows + row0 + r) = make_uint4(w[0], w[1], w[2], w[3]);
        }
    }
}
extern "C" __global__ void __launch_bounds__(256) quantise_e4m3(unsigned char *out, unsigned char *transposed, const elem *x,
        const float *scale, int rows, int columns) {
    quantiseTile<E4m3>(out, transposed, x, scale, rows, columns);
}
extern "C" __global__ void __launch_bounds__(256) quantise_e5m2(unsigned char *out, unsigned char *transposed, const elem *x,
        const float *scale, int rows, int columns) {
    quantiseTile<E5m2>(out, transposed, x, scale, rows, columns);
}
