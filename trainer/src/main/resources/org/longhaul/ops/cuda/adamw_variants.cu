// The same update as in adamw.cu, in front of this, with other hints to the caches, until a GPU has decided (KernelCheck variants):
// nothing that an update touches is touched again before a step has gone by.

#ifdef LH_EMULATION
LH_INLINE float4 loadOnce(const float *p) { return *reinterpret_cast<const float4 *>(p); }
LH_INLINE void storeOnce(float *p, float4 v) { *reinterpret_cast<float4 *>(p) = v; }
#else
LH_INLINE float4 loadOnce(const float *p) { return __ldcs(reinterpret_cast<const float4 *>(p)); }
LH_INLINE void storeOnce(float *p, float4 v) { __stcs(reinterpret_cast<float4 *>(p), v); }
#endif

template <bool ONCE>
LH_INLINE void take4(const float *p, float f[4]) {
    float4 r = ONCE ? loadOnce(p) : *reinterpret_cast<const float4 *>(p);
    f[0] = r.x;
    f[1] = r.y;
    f[2] = r.z;
    f[3] = r.w;
}
template <bool ONCE>
LH_INLINE void leave4(float *p, const float f[4]) {
    if (ONCE) {
        storeOnce(p, make_float4(f[0], f[1], f[2], f[3]));
    } else {
        put4(p, f);
    }
}

// A block of 256 threads owns J * 1024 elements, aligned; the range's rest goes the ordinary way, element by element.
template <int J, bool LOADS, bool STORES>
LH_INLINE void adamOnceBody(float *master, const float *gradient, float *first, float *second, elem *weights, const float *clip,
        const Adam &a, i64 n) {
    const i64 start = (i64)blockIdx.x * (J * 1024);
    if (clip[2] == 0.f) return;
    const float c = clip[0];
    if (start + J * 1024 <= n) {
        float p[J][4], g[J][4], m[J][4], v[J][4];
#pragma unroll
        for (int j = 0; j < J; j++) {
            i64 at = start + j * 1024 + threadIdx.x * 4;
            take4<LOADS>(master + at, p[j]);
            take4<LOADS>(gradient + at, g[j]);
            take4<LOADS>(first + at, m[j]);
            take4<LOADS>(second + at, v[j]);
        }
#pragma unroll
        for (int j = 0; j < J; j++) {
            i64 at = start + j * 1024 + threadIdx.x * 4;
#pragma unroll
            for (int k = 0; k < 4; k++) p[j][k] = update(a, p[j][k], g[j][k] * c, m[j][k], v[j][k]);
            leave4<STORES>(master + at, p[j]);
            leave4<STORES>(first + at, m[j]);
            leave4<STORES>(second + at, v[j]);
            if (weights) put4(weights + at, p[j]);
        }
    } else {
        i64 end = start + J * 1024 < n ? start + J * 1024 : n;
        for (i64 i = start + threadIdx.x; i < end; i += 256) {
            float m = first[i], v = second[i];
            float p = update(a, master[i], gradient[i] * c, m, v);
            master[i] = p;
            first[i] = m;
            second[i] = v;
            if (weights) put(weights + i, p);
        }
    }
}

#define LH_ADAMW_ONCE(NAME, J, LOADS, STORES)                                                                                      \
    extern "C" __global__ void __launch_bounds__(256) NAME(float *master, const float *gradient, float *first, float *second,      \
            elem *weights, const float *clip, float beta1, float oneMinusBeta1, float beta2, float oneMinusBeta2, float epsilon,   \
            float decay, float step, float correction, u32 key, i64 n, int vector) {                                               \
        Adam a = {beta1, oneMinusBeta1, beta2, oneMinusBeta2, epsilon, decay, step, correction};                                   \
        adamOnceBody<J, LOADS, STORES>(master, gradient, first, second, weights, clip, a, n);                                      \
    }
LH_ADAMW_ONCE(adamw_2_loads, 2, true, false)
LH_ADAMW_ONCE(adamw_2_stores, 2, false, true)
LH_ADAMW_ONCE(adamw_2_both, 2, true, true)
LH_ADAMW_ONCE(adamw_1_both, 1, true, true)
LH_ADAMW_ONCE(adamw_1, 1, false, false)
