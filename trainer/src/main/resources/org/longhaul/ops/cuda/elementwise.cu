// Flat element-wise passes: one thread, eight elements, in sixteen-byte vectors when `vector` is set (all bases aligned), with
// a scalar tail.

template <typename V, typename S>
LH_INLINE void eight(i64 n, int vector, V whole, S single) {
    i64 first = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * 8;
    if (first >= n) return;
    if (vector && first + 8 <= n) {
        whole(first);
    } else {
        i64 end = first + 8 < n ? first + 8 : n;
        for (i64 i = first; i < end; i++) single(i);
    }
}

// y = x + delta
extern "C" __global__ void add_elements(elem *y, const elem *x, const elem *delta, i64 n, int vector) {
    eight(n, vector, [&](i64 at) {
        Raw8 ra = load8(x + at), rb = load8(delta + at);
        float a[8], b[8];
        unpack(ra, a);
        unpack(rb, b);
#pragma unroll
        for (int k = 0; k < 8; k++) a[k] += b[k];
        put8(y + at, a);
    }, [&](i64 i) { put(y + i, toFloat(x[i]) + toFloat(delta[i])); });
}

// Passes with floats on one side: a block of 256 threads owns 2048 elements, each thread two vectors of four, 1024 apart.
template <typename V, typename S>
LH_INLINE void fours(i64 n, int vector, V whole, S single) {
    const i64 start = (i64)blockIdx.x * 2048;
    if (vector && start + 2048 <= n) {
#pragma unroll
        for (int j = 0; j < 2; j++) whole(start + j * 1024 + threadIdx.x * 4);
    } else {
        i64 end = start + 2048 < n ? start + 2048 : n;
        for (i64 i = start + threadIdx.x; i < end; i += 256) single(i);
    }
}

template <typename D>
LH_INLINE void castBody(D *d, const float *s, i64 n, int vector) {
    fours(n, vector, [&](i64 at) {
        float a[4];
        get4(s + at, a);
        put4(d + at, a);
    }, [&](i64 i) { put(d + i, s[i]); });
}
extern "C" __global__ void cast_f32_bf16(bf16 *d, const float *s, i64 n, int vector) { castBody(d, s, n, vector); }
extern "C" __global__ void cast_f32_f32(float *d, const float *s, i64 n, int vector) { castBody(d, s, n, vector); }
