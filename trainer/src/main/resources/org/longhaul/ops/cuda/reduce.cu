// Reductions in two stages with a grid that depends only on the size: the same bits every time.

struct Square {
    LH_INLINE_MEMBER float operator()(float s, float x) const { return s + x * x; }
};
struct Plain {
    LH_INLINE_MEMBER float operator()(float s, float x) const { return s + x; }
};
struct Largest {
    LH_INLINE_MEMBER float operator()(float s, float x) const { return fmaxf(s, fabsf(x)); }
};

template <typename T, typename F>
LH_INLINE float threadReduce(const T *x, i64 n, int vector, F fold) {
    const i64 stride = (i64)gridDim.x * blockDim.x, me = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    float s[4] = {0.f, 0.f, 0.f, 0.f};
    i64 vectors = vector ? n >> 2 : 0;
    for (i64 v = me; v < vectors; v += 8 * stride) {
        float f[8][4];
#pragma unroll
        for (int u = 0; u < 8; u++) {
            if (v + u * stride < vectors) {
                get4(x + (v + u * stride) * 4, f[u]);
            } else {
#pragma unroll
                for (int k = 0; k < 4; k++) f[u][k] = 0.f;
            }
        }
#pragma unroll
        for (int u = 0; u < 8; u++) {
#pragma unroll
            for (int k = 0; k < 4; k++) s[k] = fold(s[k], f[u][k]);
        }
    }
    for (i64 i = vectors * 4 + me; i < n; i += stride) s[0] = fold(s[0], toFloat(x[i]));
    return fold.combine(fold.combine(s[0], s[1]), fold.combine(s[2], s[3]));
}

struct SquareFold : Square {
    LH_INLINE_MEMBER float combine(float a, float b) const { return a + b; }
};
struct PlainFold : Plain {
    LH_INLINE_MEMBER float combine(float a, float b) const { return a + b; }
};
struct LargestFold : Largest {
    LH_INLINE_MEMBER float combine(float a, float b) const { return fmaxf(a, b); }
};

extern "C" __global__ void __launch_bounds__(256) sum_squares_partial(float *partial, const float *x, i64 n, int vector) {
    __shared__ float scratch[32];
    float s = rowSum(threadReduce(x, n, vector, SquareFold()), scratch);
    if (threadIdx.x == 0) partial[blockIdx.x] = s;
}
extern "C" __global__ void __launch_bounds__(256) sum_partial(float *partial, const float *x, i64 n, int vector) {
    __shared__ float scratch[32];
    float s = rowSum(threadReduce(x, n, vector, PlainFold()), scratch);
    if (threadIdx.x == 0) partial[blockIdx.x] = s;
}

// out[0] += sum of the partials; one block.
extern "C" __global__ void __launch_bounds__(256) sum_final(float *out, const float *partial, int count) {
    __shared__ double scratch[256];
    double s = 0.0;
    for (int i = threadIdx.x; i < count; i += 256) s += (double)partial[i];
    scratch[threadIdx.x] = s;
    for (int o = 128; o > 0; o >>= 1) {
        __syncthreads();
        if (threadIdx.x < o) scratch[threadIdx.x] += scratch[threadIdx.x + o];
    }
    if (threadIdx.x == 0) out[0] = (float)((double)out[0] + scratch[0]);
}

// clip = {min(1, maxNorm / (norm + 1e-6)), norm, 1 if norm is finite else 0}
extern "C" __global__ void clip_factor(float *clip, const float *sumSquares, float maxNorm) {
    float norm = sqrtf(*sumSquares);
    bool finite = norm <= 3.402823466e38f;
    clip[0] = maxNorm > 0.f && finite ? fminf(1.f, maxNorm / (norm + 1e-6f)) : 1.f;
    clip[1] = norm;
    clip[2] = finite ? 1.f : 0.f;
}

template <typename T>
LH_INLINE void amaxBody(float *partial, const T *x, i64 n, int vector) {
    __shared__ float scratch[32];
    float m = warpMax(threadReduce(x, n, vector, LargestFold()));
    int lane = threadIdx.x & 31;
    if (lane == 0) scratch[threadIdx.x >> 5] = m;
    __syncthreads();
    m = warpMax(lane < (blockDim.x >> 5) ? scratch[lane] : 0.f);
    if (threadIdx.x == 0) partial[blockIdx.x] = m;
}
extern "C" __global__ void __launch_bounds__(256) amax_partial(float *partial, const elem *x, i64 n, int vector) {
    amaxBody(partial, x, n, vector);
}

// scale = largest / amax, inverse = amax / largest (ones when all elements are zero): the factor of quantisation and what undoes it.
extern "C" __global__ void __launch_bounds__(256) fp8_scale(float *scale, float *inverse, const float *partial, int count, float largest) {
    __shared__ float scratch[32];
    float m = 0.f;
    for (int i = threadIdx.x; i < count; i += blockDim.x) m = fmaxf(m, partial[i]);
    m = warpMax(m);
    int lane = threadIdx.x & 31;
    if (lane == 0) scratch[threadIdx.x >> 5] = m;
    __syncthreads();
    m = warpMax(lane < (blockDim.x >> 5) ? scratch[lane] : 0.f);
    if (threadIdx.x == 0) {
        bool usable = m > 0.f && largest / m <= 3.402823466e38f;
        scale[0] = usable ? largest / m : 1.f;
        inverse[0] = usable ? m / largest : 1.f;
    }
}
