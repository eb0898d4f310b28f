// RMSNorm: y = x * rstd * w with rstd = 1 / sqrt(mean(x^2) + eps) (Zhang & Sennrich 2019). A row belongs to the threads that share
// threadIdx.y: one warp (blockDim.x 32, several rows per block), or a whole block. V is the number of eight-element vectors of a
// row each thread keeps in registers; V = 0 walks the row element by element and reads it twice (any width, any alignment).

template <int V>
LH_INLINE void forwardBody(elem *sum, elem *y, float *rstd, const elem *x, const elem *delta, const elem *w, float eps, i64 rows,
        int width) {
    __shared__ float scratch[32];
    i64 row = (i64)fromTheEnd() * blockDim.y + threadIdx.y;
    bool live = row < rows;
    if (blockDim.x <= 32 && !live) return;
    x += row * width;
    y += row * width;
    if (sum) {
        sum += row * width;
        delta += row * width;
    }
    float squares = 0.f;
    if constexpr (V > 0) {
        int vectors = width >> 3;
        Raw8 a[V], b[V];
        float f[V][8];
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) {
                a[v] = load8(x + c * 8);
                if (sum) b[v] = load8(delta + c * 8);
            }
        }
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) {
                unpack(a[v], f[v]);
                if (sum) {
                    float g[8];
                    unpack(b[v], g);
#pragma unroll
                    for (int k = 0; k < 8; k++) f[v][k] += g[k];
                    a[v] = pack8(f[v], x);
                    store8(sum + c * 8, a[v]);
                    unpack(a[v], f[v]);
                }
#pragma unroll
                for (int k = 0; k < 8; k++) squares += f[v][k] * f[v][k];
            }
        }
        float r = rsqrtf(rowSum(squares, scratch) / width + eps);
        if (threadIdx.x == 0) rstd[row] = r;
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) {
                float g[8];
                get8(w + c * 8, g);
#pragma unroll
                for (int k = 0; k < 8; k++) f[v][k] *= r * g[k];
                put8(y + c * 8, f[v]);
            }
        }
    } else {
        // x may be sum: the value is written before any thread reads it again, and each element has one thread.
        for (int i = threadIdx.x; i < width; i += blockDim.x) {
            float f = toFloat(x[i]);
            if (sum) {
                f = rounded(f + toFloat(delta[i]), x);
                put(sum + i, f);
            }
            squares += f * f;
        }
        float r = rsqrtf(rowSum(squares, scratch) / width + eps);
        if (threadIdx.x == 0) rstd[row] = r;
        const elem *from = sum ? sum : x;
        for (int i = threadIdx.x; i < width; i += blockDim.x) put(y + i, toFloat(from[i]) * r * toFloat(w[i]));
    }
}

#define LH_NORM(V)                                                                                                                 \
    extern "C" __global__ void __launch_bounds__(512)                                                                              \
            rms_norm_##V(elem *sum, elem *y, float *rstd, const elem *x, const elem *delta, const elem *w, float eps, i64 rows,    \
                    int width) {                                                                                                   \
        forwardBody<V>(nullptr, y, rstd, x, nullptr, w, eps, rows, width);                                                         \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(512)                                                                              \
            add_rms_norm_##V(elem *sum, elem *y, float *rstd, const elem *x, const elem *delta, const elem *w, float eps, i64 rows, \
                    int width) {                                                                                                   \
        forwardBody<V>(sum, y, rstd, x, delta, w, eps, rows, width);                                                               \
    }
LH_NORM(0)
LH_NORM(1)
LH_NORM(2)
LH_NORM(3)
LH_NORM(4)

// dx = rstd * (w*dy - x * rstd^2 * mean(w*dy*x)) + residual. The block walks rows blockIdx.x*blockDim.y + threadIdx.y,
// + gridDim.x*blockDim.y, ...; its share of dw = sum of dy*x*rstd goes to partial[blockIdx.x, width] (summed by norm_weight_sum
// in a fixed order). dx may be dy or residual. Shared memory: blockDim.y * width floats when blockDim.y > 1.
template <int V, bool RESIDUAL>
LH_INLINE void backwardBody(elem *dx, float *partial, const elem *dy, const elem *x, const elem *w, const float *rstd,
        const elem *residual, i64 rows, int width, float *shared) {
    __shared__ float scratch[32];
    int vectors = width >> 3;
    Raw8 weight[V];
    float dw[V][8];
#pragma unroll
    for (int v = 0; v < V; v++) {
        int c = threadIdx.x + v * blockDim.x;
        if (c < vectors) weight[v] = load8(w + c * 8);
#pragma unroll
        for (int k = 0; k < 8; k++) dw[v][k] = 0.f;
    }
    for (i64 row = (i64)blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += (i64)gridDim.x * blockDim.y) {
        i64 base = row * width;
        Raw8 rx[V], rdy[V], rr[V];
        float r = rstd[row];
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) {
                rx[v] = load8(x + base + c * 8);
                rdy[v] = load8(dy + base + c * 8);
                if (RESIDUAL) rr[v] = load8(residual + base + c * 8);
            }
        }
        float dot = 0.f;
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) {
                float fx[8], fd[8], fw[8];
                unpack(rx[v], fx);
                unpack(rdy[v], fd);
                unpack(weight[v], fw);
#pragma unroll
                for (int k = 0; k < 8; k++) {
                    float p = fd[k] * fx[k];
                    dw[v][k] += p * r;
                    dot += p * fw[k];
                }
            }
        }
        float m = rowSum(dot, scratch) / width * r * r;
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) {
                float fx[8], fd[8], fw[8], fr[8];
                unpack(rx[v], fx);
                unpack(rdy[v], fd);
                unpack(weight[v], fw);
                if (RESIDUAL) unpack(rr[v], fr);
#pragma unroll
                for (int k = 0; k < 8; k++) {
                    float g = r * (fw[k] * fd[k] - fx[k] * m);
                    fd[k] = RESIDUAL ? g + fr[k] : g;
                }
                put8(dx + base + c * 8, fd);
            }
        }
    }
    float *out = partial + (i64)blockIdx.x * width;
    if (blockDim.y > 1) {
#pragma unroll
        for (int v = 0; v < V; v++) {
            int c = threadIdx.x + v * blockDim.x;
            if (c < vectors) put8(shared + threadIdx.y * width + c * 8, dw[v]);
        }
        __syncthreads();
        for (int i = threadIdx.y * blockDim.x + threadIdx.x; i < width; i += blockDim.x * blockDim.y) {
            float s = 0.f;
            for (int j = 0; j < blockDim.y; j++) s += shared[j * width + i];
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
            backwardBody<V, true>(dx, partial, dy, x, w, rstd, residual, rows, width, (float *)shared);                            \
        } else {                                                                                                                   \
            backwardBody<V, false>(dx, partial, dy, x, w, rstd, residual, rows, width, (float *)shared);                           \
        }                                                                                                                          \
    }
LH_NORM_BACKWARD(1)
LH_NORM_BACKWARD(2)
LH_NORM_BACKWARD(3)
LH_NORM_BACKWARD(4)

// Any width and alignment: one block per row at a time, dw summed in partial itself.
extern "C" __global__ void __launch_bounds__(512)
        rms_norm_backward_0(elem *dx, float *partial, const elem *dy, const elem *x, const elem *w, const float *rstd,
                const elem *residual, i64 rows, int width) {
    __shared__ float scratch[32];
    float *out = partial + (i64)blockIdx.x * width;
    for (int i = threadIdx.x; i < width; i += blockDim.x) out[i] = 0.f;
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        i64 base = row * width;
        float r = rstd[row], dot = 0.f;
        for (int i = threadIdx.x; i < width; i += blockDim.x) {
            float p = toFloat(dy[base + i]) * toFloat(x[base + i]);
            out[i] += p * r;
            dot += p * toFloat(w[i]);
        }
        float m = rowSum(dot, scratch) / width * r * r;
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
