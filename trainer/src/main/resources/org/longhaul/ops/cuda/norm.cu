// RMSNorm: y = x * rstd * w with rstd = 1 / sqrt(mean(x^2) + eps) (Zhang & Sennrich 2019). A row belongs to the threads that share
// threadIdx.y: one warp (blockDim.x 32, several rows per block), or a whole block. V is the number of eight-element vectors of a
// row each thread has; V = 0 walks the row element by element and reads it twice (any width, any alignment).

template <int V, bool ADD>
LH_INLINE void forwardBody(elem *sum, elem *y, float *rstd, const elem *x, const elem *delta, const elem *w, float eps, i64 rows,
        int width) {
    __shared__ float scratch[32];
    i64 row = (i64)fromTheEnd() * blockDim.y + threadIdx.y;
    if (blockDim.x <= 32 && row >= rows) return;
    x += row * width;
    y += row * width;
    if (ADD) {
        sum += row * width;
        delta += row * width;
    }
    float squares = 0.f;
    if constexpr (V > 0) {
        // The row stays packed, and the weights are on their way before the sum is waited for.
        const int vectors = width >> 3;
        Raw8 a[V], b[V], g[V];
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) {
                a[v] = load8(x + c * 8);
                if (ADD) b[v] = load8(delta + c * 8);
            }
        }
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) g[v] = load8(w + c * 8);
        }
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) {
                float f[8];
                unpack(a[v], f);
                if (ADD) {
                    float d[8];
                    unpack(b[v], d);
#pragma unroll
                    for (int k = 0; k < 8; k++) f[k] += d[k];
                    a[v] = pack8(f, x);
                    store8(sum + c * 8, a[v]);
                    unpack(a[v], f);
                }
#pragma unroll
                for (int k = 0; k < 8; k++) squares += f[k] * f[k];
            }
        }
        float r = rsqrtf(rowSum(squares, scratch) / width + eps);
        if (threadIdx.x == 0) rstd[row] = r;
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) {
                float f[8], fw[8];
                unpack(a[v], f);
                unpack(g[v], fw);
#pragma unroll
                for (int k = 0; k < 8; k++) f[k] *= r * fw[k];
                put8(y + c * 8, f);
            }
        }
    } else {
        // x may be sum: the value is written before any thread reads it again, and each element has one thread.
        for (int i = threadIdx.x; i < width; i += blockDim.x) {
            float f = toFloat(x[i]);
            if (ADD) {
                f = rounded(f + toFloat(delta[i]), x);
                put(sum + i, f);
            }
            squares += f * f;
        }
        float r = rsqrtf(rowSum(squares, scratch) / width + eps);
        if (threadIdx.x == 0) rstd[row] = r;
        const elem *from = ADD ? sum : x;
        for (int i = threadIdx.x; i < width; i += blockDim.x) put(y + i, toFloat(from[i]) * r * toFloat(w[i]));
    }
}

#define LH_NORM(V)                                                                                                                 \
    extern "C" __global__ void __launch_bounds__(512)                                                                              \
            rms_norm_##V(elem *sum, elem *y, float *rstd, const elem *x, const elem *delta, const elem *w, float eps, i64 rows,    \
                    int width) {                                                                                                   \
        forwardBody<V, false>(sum, y, rstd, x, delta, w, eps, rows, width);                                                        \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(512)                                                                              \
            add_rms_norm_##V(elem *sum, elem *y, float *rstd, const elem *x, const elem *delta, const elem *w, float eps, i64 rows, \
                    int width) {                                                                                                   \
        forwardBody<V, true>(sum, y, rstd, x, delta, w, eps, rows, width);                                                         \
    }
LH_NORM(0)
LH_NORM(1)
LH_NORM(2)
LH_NORM(3)
LH_NORM(4)

// dx = rstd * (w*dy - x * rstd^2 * mean(w*dy*x)) + residual. Blocks stay and walk rows from the end, rows - 1 - (blockIdx.x*blockDim.y +
// threadIdx.y), - gridDim.x*blockDim.y, ...; the operands of the next rows are copied into shared memory while this one is worked on, each
// thread its own. A block's share of dw = sum of dy*x*rstd goes to partial[blockIdx.x, width] (summed by norm_weight_sum in a fixed order).
// dx may be dy or residual. Shared memory: 3 * AHEAD * V vectors for each thread, at least blockDim.y * width floats when blockDim.y > 1.
#define AHEAD 2

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

template <int V, bool RESIDUAL>
LH_INLINE void backwardBody(elem *dx, float *partial, const elem *dy, const elem *x, const elem *w, const float *rstd,
        const elem *residual, i64 rows, int width, unsigned char *shared) {
    __shared__ float scratch[64];
    const int vectors = width >> 3, threads = blockDim.x * blockDim.y, thread = threadIdx.y * blockDim.x + threadIdx.x;
    const i64 stride = (i64)gridDim.x * blockDim.y;
    i64 row = rows - 1 - ((i64)blockIdx.x * blockDim.y + threadIdx.y);
    Raw8 *ring = (Raw8 *)shared + thread;
    Raw8 weight[V];
    float dw[V][8];
#pragma unroll
    for (int s = 0; s < AHEAD; s++) {
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
        awaitCopies<AHEAD - 1>();
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
        const float m = rowSum(dot, scratch, turn) / width * r * r;
        const i64 base = row * width, ahead = (row - AHEAD * stride) * width;
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
        at = at + 1 == AHEAD ? 0 : at + 1;
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

#define LH_NORM_BACKWARD(V)                                                                                                        \
    extern "C" __global__ void __launch_bounds__(512)                                                                              \
            rms_norm_backward_##V(elem *dx, float *partial, const elem *dy, const elem *x, const elem *w, const float *rstd,       \
                    const elem *residual, i64 rows, int width) {                                                                   \
        LH_DYNAMIC_SHARED(shared);                                                                                                 \
        if (residual) {                                                                                                            \
            backwardBody<V, true>(dx, partial, dy, x, w, rstd, residual, rows, width, shared);                                     \
        } else {                                                                                                                   \
            backwardBody<V, false>(dx, partial, dy, x, w, rstd, residual, rows, width, shared);                                    \
        }                                                                                                                          \
    }
LH_NORM_BACKWARD(1)
LH_NORM_BACKWARD(2)
LH_NORM_BACKWARD(3)
LH_NORM_BACKWARD(4)

// Any width and alignment, and rows whose ring is larger than the shared memory: one block per row at a time, dw summed in partial itself.
extern "C" __global__ void __launch_bounds__(512)
        rms_norm_backward_0(elem *dx, float *partial, const elem *dy, const elem *x, const elem *w, const float *rstd,
                const elem *residual, i64 rows, int width) {
    __shared__ float scratch[64];
    float *out = partial + (i64)blockIdx.x * width;
    for (int i = threadIdx.x; i < width; i += blockDim.x) out[i] = 0.f;
    int turn = 0;
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x, turn++) {
        i64 base = row * width;
        float r = rstd[row], dot = 0.f;
        for (int i = threadIdx.x; i < width; i += blockDim.x) {
            float p = toFloat(dy[base + i]) * toFloat(x[base + i]);
            out[i] += p * r;
            dot += p * toFloat(w[i]);
        }
        float m = rowSum(dot, scratch, turn) / width * r * r;
        for (int i = threadIdx.x; i < width; i += blockDim.x) {
            float g = r * (toFloat(w[i]) * toFloat(dy[base + i]) - toFloat(x[base + i]) * m);
            put(dx + base + i, residual ? g + toFloat(residual[base + i]) : g);
        }
    }
}

// dw[width] += sum over the partial rows, in a fixed order. Block of 32 x 32 threads: 32 columns.
extern "C" __global__ void __launch_bounds__(1024) norm_weight_sum(float *dw, const float *partial, int partials, int width) {
    __shared__ float tile[32][33];
    int column = blockIdx.x * 32 + threadIdx.x;
    float s = 0.f;
    if (column < width) {
#pragma unroll 4
        for (int p = threadIdx.y; p < partials; p += 32) s += partial[(i64)p * width + column];
    }
    tile[threadIdx.y][threadIdx.x] = s;
    __syncthreads();
    s = warpSum(tile[threadIdx.x][threadIdx.y]);
    column = blockIdx.x * 32 + threadIdx.y;
    if (threadIdx.x == 0 && column < width) dw[column] += s;
}
