// Other ways through RMSNorm, behind norm.cu, until a GPU has decided (KernelCheck variants). What differs is how many bytes a
// multiprocessor has on their way: several vectors of a row to a thread and fewer threads to a row ("lean"), or the rows to come
// copied into shared memory while this one is worked on ("ahead"), where a thread waits for nothing but its own copies.

#ifdef LH_EMULATION
LH_INLINE void copyAhead16(void *to, const void *from) { emulatedCopyAhead(to, from, 16); }
LH_INLINE void endOfCopies() { emulatedEndOfCopies(); }
template <int LEFT>
LH_INLINE void awaitCopies() { emulatedAwaitCopies(LEFT); }
#else
LH_INLINE void copyAhead16(void *to, const void *from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"((u32)__cvta_generic_to_shared(to)), "l"(from) : "memory");
}
LH_INLINE void endOfCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most LEFT groups of this thread's copies are on their way.
template <int LEFT>
LH_INLINE void awaitCopies() { asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory"); }
#endif
LH_INLINE void copyAhead8(Raw8 *to, const elem *from) {
#pragma unroll
    for (int i = 0; i < (int)sizeof(Raw8); i += 16) copyAhead16((char *)to + i, (const char *)from + i);
}

// rowSum with one barrier: `scratch` has 64 floats, and a call writes the half that the call before does not read.
LH_INLINE float rowSumInTurn(float v, float *scratch, int turn) {
    v = warpSum(v);
    if (blockDim.x > 32) {
        int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, warps = blockDim.x >> 5;
        scratch += (turn & 1) * 32;
        if (lane == 0) scratch[warp] = v;
        __syncthreads();
        v = warpSum(lane < warps ? scratch[lane] : 0.f);
    }
    return v;
}

// As forwardBody without delta; the row stays packed in registers.
template <int V, bool ONCE>
LH_INLINE void leanBody(elem *y, float *rstd, const elem *x, const elem *w, float eps, i64 rows, int width) {
    __shared__ float scratch[64];
    i64 row = (i64)fromTheEnd() * blockDim.y + threadIdx.y;
    if (blockDim.x <= 32 && row >= rows) return;
    x += row * width;
    y += row * width;
    const int vectors = width >> 3;
    Raw8 a[V], g[V];
#pragma unroll
    for (int v = 0; v < V; v++) {
        int c = threadIdx.x + v * blockDim.x;
        if (c < vectors) a[v] = ONCE ? load8Once(x + c * 8) : load8(x + c * 8);
    }
    if constexpr (V <= 4) {
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) g[v] = load8(w + c * 8);
        }
    }
    float squares = 0.f;
#pragma unroll
    for (int v = 0; v < V; v++) {
        if (threadIdx.x + v * blockDim.x < vectors) {
            float f[8];
            unpack(a[v], f);
#pragma unroll
            for (int k = 0; k < 8; k++) squares += f[k] * f[k];
        }
    }
    float r = rsqrtf(rowSumInTurn(squares, scratch, 0) / width + eps);
    if (threadIdx.x == 0) rstd[row] = r;
#pragma unroll
    for (int v = 0; v < V; v++) {
        int c = threadIdx.x + v * blockDim.x;
        if (c < vectors) {
            float f[8], fw[8];
            unpack(a[v], f);
            unpack(V <= 4 ? g[v] : load8(w + c * 8), fw);
#pragma unroll
            for (int k = 0; k < 8; k++) f[k] *= r * fw[k];
            put8(y + c * 8, f);
        }
    }
}

// Blocks stay and walk rows from the end; two rows of each are on their way. Shared memory: 2 * V vectors for each thread.
template <int V>
LH_INLINE void aheadBody(elem *y, float *rstd, const elem *x, const elem *w, float eps, i64 rows, int width, Raw8 *ring) {
    __shared__ float scratch[64];
    const int vectors = width >> 3, threads = blockDim.x * blockDim.y;
    const i64 stride = (i64)gridDim.x * blockDim.y;
    i64 row = rows - 1 - ((i64)blockIdx.x * blockDim.y + threadIdx.y);
    ring += threadIdx.y * blockDim.x + threadIdx.x;
    Raw8 weight[V];
#pragma unroll
    for (int s = 0; s < 2; s++) {
        if (row - s * stride >= 0) {
            const elem *from = x + (row - s * stride) * width;
#pragma unroll
            for (int v = 0; v < V; v++) {
                int c = threadIdx.x + v * blockDim.x;
                if (c < vectors) copyAhead8(ring + (s * V + v) * threads, from + c * 8);
            }
        }
        endOfCopies();
    }
#pragma unroll
    for (int v = 0; v < V; v++) {
        int c = threadIdx.x + v * blockDim.x;
        if (c < vectors) weight[v] = load8(w + c * 8);
    }
    for (int turn = 0; row >= 0; row -= stride, turn++) {
        Raw8 *slot = ring + (turn & 1) * V * threads;
        Raw8 a[V];
        float squares = 0.f;
        awaitCopies<1>();
#pragma unroll
        for (int v = 0; v < V; v++) {
            if (threadIdx.x + v * blockDim.x < vectors) {
                float f[8];
                a[v] = slot[v * threads];
                unpack(a[v], f);
#pragma unroll
                for (int k = 0; k < 8; k++) squares += f[k] * f[k];
            }
        }
        if (row - 2 * stride >= 0) {
            const elem *from = x + (row - 2 * stride) * width;
#pragma unroll
            for (int v = 0; v < V; v++) {
                int c = threadIdx.x + v * blockDim.x;
                if (c < vectors) copyAhead8(slot + v * threads, from + c * 8);
            }
        }
        endOfCopies();
        float r = rsqrtf(rowSumInTurn(squares, scratch, turn) / width + eps);
        if (threadIdx.x == 0) rstd[row] = r;
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) {
                float f[8], fw[8];
                unpack(a[v], f);
                unpack(weight[v], fw);
#pragma unroll
                for (int k = 0; k < 8; k++) f[k] *= r * fw[k];
                put8(y + row * width + c * 8, f);
            }
        }
    }
}

#define LH_NORM_VARIANTS(V)                                                                                                        \
    extern "C" __global__ void __launch_bounds__(512)                                                                              \
            rms_norm_lean_##V(elem *y, float *rstd, const elem *x, const elem *w, float eps, i64 rows, int width) {                \
        leanBody<V, false>(y, rstd, x, w, eps, rows, width);                                                                       \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(512)                                                                              \
            rms_norm_once_##V(elem *y, float *rstd, const elem *x, const elem *w, float eps, i64 rows, int width) {                \
        leanBody<V, true>(y, rstd, x, w, eps, rows, width);                                                                        \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(512)                                                                              \
            rms_norm_ahead_##V(elem *y, float *rstd, const elem *x, const elem *w, float eps, i64 rows, int width) {               \
        LH_DYNAMIC_SHARED(shared);                                                                                                 \
        aheadBody<V>(y, rstd, x, w, eps, rows, width, (Raw8 *)shared);                                                             \
    }
LH_NORM_VARIANTS(1)
LH_NORM_VARIANTS(2)
LH_NORM_VARIANTS(3)
LH_NORM_VARIANTS(4)
LH_NORM_VARIANTS(6)
LH_NORM_VARIANTS(8)

// As backwardBody, from the end; the operands of DEPTH rows are on their way into shared memory. Shared memory: DEPTH * 3 * V vectors
// for each thread, at least blockDim.y * width floats.
template <int V, int DEPTH, bool RESIDUAL>
LH_INLINE void backwardAheadBody(elem *dx, float *partial, const elem *dy, const elem *x, const elem *w, const float *rstd,
        const elem *residual, i64 rows, int width, unsigned char *shared) {
    __shared__ float scratch[64];
    const int vectors = width >> 3, threads = blockDim.x * blockDim.y, thread = threadIdx.y * blockDim.x + threadIdx.x;
    const i64 stride = (i64)gridDim.x * blockDim.y;
    i64 row = rows - 1 - ((i64)blockIdx.x * blockDim.y + threadIdx.y);
    Raw8 *ring = (Raw8 *)shared + thread;
    Raw8 weight[V];
    float dw[V][8];
#pragma unroll
    for (int s = 0; s < DEPTH; s++) {
        i64 base = (row - s * stride) * width;
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            Raw8 *slot = ring + (s * 3 * V + v) * threads;
            if (base >= 0 && c < vectors) {
                copyAhead8(slot, x + base + c * 8);
                copyAhead8(slot + V * threads, dy + base + c * 8);
                if (RESIDUAL) copyAhead8(slot + 2 * V * threads, residual + base + c * 8);
            }
        }
        endOfCopies();
    }
    float r = row >= 0 ? rstd[row] : 0.f;
#pragma unroll
    for (int v = 0; v < V; v++) {
        int c = threadIdx.x + v * blockDim.x;
        if (c < vectors) weight[v] = load8(w + c * 8);
#pragma unroll
        for (int k = 0; k < 8; k++) dw[v][k] = 0.f;
    }
    int at = 0;
    for (int turn = 0; row >= 0; row -= stride, turn++) {
        Raw8 *slot = ring + at * 3 * V * threads;
        const float next = row >= stride ? rstd[row - stride] : 0.f;
        float dot = 0.f;
        awaitCopies<DEPTH - 1>();
#pragma unroll
        for (int v = 0; v < V; v++) {
            if (threadIdx.x + v * blockDim.x < vectors) {
                float fx[8], fd[8], fw[8];
                unpack(slot[v * threads], fx);
                unpack(slot[(V + v) * threads], fd);
                unpack(weight[v], fw);
#pragma unroll
                for (int k = 0; k < 8; k++) {
                    float p = fd[k] * fx[k];
                    dw[v][k] += p * r;
                    dot += p * fw[k];
                }
            }
        }
        const float m = rowSumInTurn(dot, scratch, turn) / width * r * r;
        const i64 base = row * width, ahead = (row - DEPTH * stride) * width;
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) {
                float fx[8], fd[8], fw[8], fr[8];
                unpack(slot[v * threads], fx);
                unpack(slot[(V + v) * threads], fd);
                unpack(weight[v], fw);
                if (RESIDUAL) unpack(slot[(2 * V + v) * threads], fr);
#pragma unroll
                for (int k = 0; k < 8; k++) {
                    float g = r * (fw[k] * fd[k] - fx[k] * m);
                    fd[k] = RESIDUAL ? g + fr[k] : g;
                }
                put8(dx + base + c * 8, fd);
                if (ahead >= 0) {
                    copyAhead8(slot + v * threads, x + ahead + c * 8);
                    copyAhead8(slot + (V + v) * threads, dy + ahead + c * 8);
                    if (RESIDUAL) copyAhead8(slot + (2 * V + v) * threads, residual + ahead + c * 8);
                }
            }
        }
        endOfCopies();
        r = next;
        at = at + 1 == DEPTH ? 0 : at + 1;
    }
    float *out = partial + (i64)blockIdx.x * width;
    if (blockDim.y > 1) {
        float *sums = (float *)shared;
        awaitCopies<0>();
        __syncthreads();
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) put8(sums + threadIdx.y * width + c * 8, dw[v]);
        }
        __syncthreads();
        for (int i = thread; i < width; i += threads) {
            float s = 0.f;
            for (int j = 0; j < blockDim.y; j++) s += sums[j * width + i];
            out[i] = s;
        }
    } else {
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) put8(out + c * 8, dw[v]);
        }
    }
}

#define LH_NORM_BACKWARD_AHEAD(V)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(512)                                                                              \
            rms_norm_backward_ahead2_##V(elem *dx, float *partial, const elem *dy, const elem *x, const elem *w,                   \
                    const float *rstd, const elem *residual, i64 rows, int width) {                                                \
        LH_DYNAMIC_SHARED(shared);                                                                                                 \
        if (residual) {                                                                                                            \
            backwardAheadBody<V, 2, true>(dx, partial, dy, x, w, rstd, residual, rows, width, shared);                             \
        } else {                                                                                                                   \
            backwardAheadBody<V, 2, false>(dx, partial, dy, x, w, rstd, residual, rows, width, shared);                            \
        }                                                                                                                          \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(512)                                                                              \
            rms_norm_backward_ahead3_##V(elem *dx, float *partial, const elem *dy, const elem *x, const elem *w,                   \
                    const float *rstd, const elem *residual, i64 rows, int width) {                                                \
        LH_DYNAMIC_SHARED(shared);                                                                                                 \
        if (residual) {                                                                                                            \
            backwardAheadBody<V, 3, true>(dx, partial, dy, x, w, rstd, residual, rows, width, shared);                             \
        } else {                                                                                                                   \
            backwardAheadBody<V, 3, false>(dx, partial, dy, x, w, rstd, residual, rows, width, shared);                            \
        }                                                                                                                          \
    }
LH_NORM_BACKWARD_AHEAD(1)
LH_NORM_BACKWARD_AHEAD(2)
LH_NORM_BACKWARD_AHEAD(3)
LH_NORM_BACKWARD_AHEAD(4)
