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

// dtable (float) += dx by rows, without atomics on values: block b owns table rows [b*span, (b+1)*span), reads all ids, lists the
// tokens of its rows in token order (ordered compaction by ballots), and adds each row's tokens in that order. A full list is
// worked off and begun again, so any number of repeats is handled.
#define LH_LIST 1024

extern "C" __global__ void __launch_bounds__(256) embedding_backward(float *dtable, const elem *dx, const int *ids, i64 first,
        i64 tableRows, int span, int tokens, int dim, int vector) {
    __shared__ int token[LH_LIST];
    __shared__ int where[LH_LIST];
    __shared__ int warpCount[8];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const i64 low = (i64)blockIdx.x * span;
    const int mine = (int)(low + span < tableRows ? span : tableRows - low);
    int listed = 0;
    for (int t0 = 0; t0 < tokens; t0 += 256) {
        int t = t0 + threadIdx.x;
        i64 row = t < tokens ? ids[t] - first - low : -1;
        bool match = row >= 0 && row < mine;
        if (__syncthreads_count(match) > 0) {
            u32 votes = __ballot_sync(0xffffffffu, match);
            if (lane == 0) warpCount[warp] = __popc(votes);
            __syncthreads();
            int at = listed, total = 0;
            for (int w = 0; w < 8; w++) {
                if (w < warp) at += warpCount[w];
                total += warpCount[w];
            }
            at += __popc(votes & ((1u << lane) - 1));
            if (match) {
                token[at] = t;
                where[at] = (int)row;
            }
            listed += total;
        }
        if (listed + 256 <= LH_LIST && t0 + 256 < tokens) continue;
        __syncthreads();
        // Work the list off: for every entry that is the first of its row, add the row's entries in order.
        for (int i = 0; i < listed; i++) {
            int r = where[i];
            if (r < 0) continue;
            bool earlier = false;
            for (int j0 = 0; j0 < i && !earlier; j0 += 32) earlier = __any_sync(0xffffffffu, j0 + lane < i && where[j0 + lane] == r);
            if (earlier) continue;
            float *out = dtable + (low + r) * (i64)dim;
            if (vector) {
                for (int c = threadIdx.x * 8; c < dim; c += 256 * 8) {
                    float sum[8];
                    get8(out + c, sum);
                    for (int j = i; j < listed; j++) {
                        if (where[j] != r) continue;
                        float f[8];
                        get8(dx + (i64)token[j] * dim + c, f);
#pragma unroll
                        for (int k = 0; k < 8; k++) sum[k] += f[k];
                    }
                    put8(out + c, sum);
                }
            } else {
                for (int c = threadIdx.x; c < dim; c += 256) {
                    float sum = out[c];
                    for (int j = i; j < listed; j++) {
                        if (where[j] == r) sum += toFloat(dx[(i64)token[j] * dim + c]);
                    }
                    out[c] = sum;
                }
            }
        }
        __syncthreads();
        listed = 0;
    }
}
