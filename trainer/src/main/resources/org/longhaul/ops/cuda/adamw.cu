// AdamW with decoupled decay (Loshchilov & Hutter 2019) over a flat range: clip, update, master, and the rounded working copy in one
// pass. g = gradient * clip[0]; nothing changes when clip[2] is 0. Scalars are prepared on the host in double:
// decay = 1 - lr*wd, step = lr / (1 - beta1^t), correction = 1 / sqrt(1 - beta2^t).

struct Adam {
    float beta1, oneMinusBeta1, beta2, oneMinusBeta2, epsilon, decay, step, correction;
};

LH_INLINE float update(const Adam &a, float p, float g, float &m, float &v) {
    m = a.beta1 * m + a.oneMinusBeta1 * g;
    v = a.beta2 * v + a.oneMinusBeta2 * g * g;
    return p * a.decay - a.step * m / (sqrtf(v) * a.correction + a.epsilon);
}

// Counter-based random bits (lowbias32 mixing): the same for the same element, step and salt.
LH_INLINE u32 randomBits(u64 element, u32 key) {
    u32 x = (u32)element ^ (u32)(element >> 32) * 0x9e3779b9u ^ key;
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return x;
}

// How a moment goes back to memory: float as it is; bf16 rounded up or down at random, right on average, so that small
// changes are not lost.
LH_INLINE float settle(float v, u32, const float *) { return v; }
LH_INLINE float settle(float v, u32 random, const bf16 *) {
    u32 bits = __float_as_uint(v);
    if ((bits & 0x7f800000u) == 0x7f800000u) return v;
    return __uint_as_float((bits + (random & 0xffffu)) & 0xffff0000u);
}

// A block of 256 threads owns 1024 elements: a vector of four for each thread.
template <typename M>
LH_INLINE void adamBody(float *master, const float *gradient, M *first, M *second, elem *weights, const float *clip, const Adam &a,
        u32 key, i64 n, int vector) {
    const i64 start = (i64)blockIdx.x * 1024;
    if (clip[2] == 0.f) return;
    const float c = clip[0];
    if (vector && start + 1024 <= n) {
        const i64 at = start + threadIdx.x * 4;
        float p[4], g[4], m[4], v[4];
        get4(master + at, p);
        get4(gradient + at, g);
        get4(first + at, m);
        get4(second + at, v);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            p[k] = update(a, p[k], g[k] * c, m[k], v[k]);
            if (sizeof(M) == 2) {
                u32 r = randomBits(at + k, key);
                m[k] = settle(m[k], r, first);
                v[k] = settle(v[k], r >> 16, second);
            }
        }
        put4(master + at, p);
        put4(first + at, m);
        put4(second + at, v);
        if (weights) put4(weights + at, p);
    } else {
        i64 end = start + 1024 < n ? start + 1024 : n;
        for (i64 i = start + threadIdx.x; i < end; i += 256) {
            float m = toFloat(first[i]), v = toFloat(second[i]);
            float p = update(a, master[i], gradient[i] * c, m, v);
            u32 r = randomBits(i, key);
            master[i] = p;
            put(first + i, settle(m, r, first));
            put(second + i, settle(v, r >> 16, second));
            if (weights) put(weights + i, p);
        }
    }
}

#define LH_ADAMW(NAME, M)                                                                                                          \
    extern "C" __global__ void __launch_bounds__(256) NAME(float *master, const float *gradient, M *first, M *second,              \
            elem *weights, const float *clip, float beta1, float oneMinusBeta1, float beta2, float oneMinusBeta2, float epsilon,   \
            float decay, float step, float correction, u32 key, i64 n, int vector) {                                               \
        Adam a = {beta1, oneMinusBeta1, beta2, oneMinusBeta2, epsilon, decay, step, correction};                                   \
        adamBody(master, gradient, first, second, weights, clip, a, key, n, vector);                                               \
    }
LH_ADAMW(adamw, float)
LH_ADAMW(adamw_bf16_moments, bf16)
