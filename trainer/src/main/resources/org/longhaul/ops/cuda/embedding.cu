// Rows of a table by id. Ids outside [first, first + tableRows) belong to another rank: zeros forward, nothing backward.

// x[t,:] = table[ids[t] - first,:]; one thread, one chunk of `width` elements (8 or 1).
extern "C" __global__ void embedding(elem *x, const elem *table, const int *ids, i64 first, i64 tableRows, u32 chunksPerRow, u32 chunks,
        int width) {
    u32 c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= chunks) return;
    u32 t = c / chunksPerRow, column = (c - t * chunksPerRow) * width;
    i64 row = ids[t] - first;
    bool here = row >= 0 && row < tableRows;
    i64 dim = (i64)chunksPerRow * width;
    if (width == 8) {
        float zero[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f};
        Raw8 r = pack8(zero, table);
        if (here) r = load8(table + row * dim + column);
        store8(x + (i64)t * dim + column, r);
    } else {
        put(x + (i64)t * dim + column, here ? toFloat(table[row * dim + column]) : 0.f);
    }
}

// dtable (float) += dx by rows, without atomics on values. Block b owns the table rows that are b modulo the grid (frequent ids are
// neighbours, so neighbours go to different blocks). It reads all ids, lists the tokens of its rows in token order (ordered
// compaction by ballots), then takes one row after the other and adds its tokens in that order. A full list is worked off and
// begun again, so any number of repeats is handled.
#define LH_LIST 2048
#define LH_IDS 4

// Position of this thread's match among the block's, in thread order; `total` gets their number. Two barriers.
LH_INLINE int ordered(bool match, int *warpCount, int &total) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    u32 votes = __ballot_sync(0xffffffffu, match);
    if (lane == 0) warpCount[warp] = __popc(votes);
    __syncthreads();
    int at = __popc(votes & ((1u << lane) - 1));
    total = 0;
    for (int w = 0; w < 8; w++) {
        if (w < warp) at += warpCount[w];
        total += warpCount[w];
    }
    __syncthreads();
    return at;
}

extern "C" __global__ void __launch_bounds__(256) embedding_backward(
        float *dtable, const elem *dx, const int *ids, i64 first, i64 tableRows, int tokens, int dim, int vector) {
    __shared__ int token[LH_LIST];
    __shared__ int where[LH_LIST];
    __shared__ int mine[LH_LIST];
    __shared__ int warpCount[8];
    int listed = 0;
    for (int t0 = 0; t0 < tokens; t0 += 256 * LH_IDS) {
        int row[LH_IDS];
        bool any = false;
#pragma unroll
        for (int u = 0; u < LH_IDS; u++) {
            int t = t0 + u * 256 + threadIdx.x;
            i64 r = t < tokens ? ids[t] - first : -1;
            bool match = r >= 0 && r < tableRows && (u32)r % gridDim.x == blockIdx.x;
            row[u] = match ? (int)r : -1;
            any |= match;
        }
        if (__syncthreads_count(any) > 0) {
#pragma unroll
            for (int u = 0; u < LH_IDS; u++) {
                int total, at = listed + ordered(row[u] >= 0, warpCount, total);
                if (row[u] >= 0) {
                    token[at] = t0 + u * 256 + threadIdx.x;
                    where[at] = row[u];
                }
                listed += total;
            }
        }
        if (listed + 256 * LH_IDS <= LH_LIST && t0 + 256 * LH_IDS < tokens) continue;
        __syncthreads();
        for (int i = 0; i < listed; i++) {
            const int r = where[i];
            if (r < 0) continue;
            __syncthreads();
            int count = 0;
            for (int j0 = i; j0 < listed; j0 += 256) {
                int j = j0 + threadIdx.x, total;
                bool match = j < listed && where[j] == r;
                int at = count + ordered(match, warpCount, total);
                if (match) {
                    mine[at] = token[j];
                    where[j] = -1;
                }
                count += total;
            }
            __syncthreads();
            float *out = dtable + (i64)r * dim;
            if (vector) {
                for (int c = threadIdx.x * 8; c < dim; c += 256 * 8) {
                    float sum[8];
                    get8(out + c, sum);
                    for (int m0 = 0; m0 < count; m0 += 8) {
                        Raw8 raw[8];
#pragma unroll
                        for (int m = 0; m < 8; m++) {
                            if (m0 + m < count) raw[m] = load8(dx + (i64)mine[m0 + m] * dim + c);
                        }
#pragma unroll
                        for (int m = 0; m < 8; m++) {
                            if (m0 + m < count) {
                                float f[8];
                                unpack(raw[m], f);
#pragma unroll
                                for (int k = 0; k < 8; k++) sum[k] += f[k];
                            }
                        }
                    }
                    put8(out + c, sum);
                }
            } else {
                for (int c = threadIdx.x; c < dim; c += 256) {
                    float sum = out[c];
                    for (int m = 0; m < count; m++) sum += toFloat(dx[(i64)mine[m] * dim + c]);
                    out[c] = sum;
                }
            }
            __syncthreads();
        }
        listed = 0;
        __syncthreads();
    }
}
