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

// dtable (float) += dx by rows, without atomics on values: every sum has an order that depends on sizes and ids only.
//
// embedding_backward: block b owns the table rows that are b modulo the grid (frequent ids are neighbours, so neighbours go to different
// blocks). It reads all ids and lists the tokens of its rows in token order (ordered compaction by ballots); then each warp takes the
// listed rows that are its own and adds their tokens in that order. A row with LH_HOT or more listed tokens would hold its warp up, so its
// tokens are only written down, in pieces of LH_PIECE. A full list is worked off and begun again, so any number of repeats is handled.
// embedding_pieces: one block a piece sums its tokens. embedding_pieces_sum: block b adds the pieces of b's rows in order.
// Places of pieces are given out by an atomic counter; what is added, and in which order, does not depend on them.
#define LH_LIST 2048
#define LH_IDS 4
#define LH_WARPS 8
#define LH_HOT 32
#define LH_PIECE 64
#define LH_FULL 0xffffffffu

struct Hot {
    int *pieces;   // [1] pieces given out so far
    int *count;    // [grid] hot rows of each block, a row once for every list in which it was hot
    int *firsts;   // [grid, perBlock] their first pieces
    int *row;      // [pieces] of a first piece: its row
    int *length;   // [pieces] of a first piece: how many follow each other
    int *token;    // [pieces, LH_PIECE], -1 behind the last
    float *sum;    // [pieces, dim]
};
LH_INLINE Hot hotOf(unsigned char *scratch, int grid, int perBlock, int pieces) {
    Hot h;
    h.pieces = reinterpret_cast<int *>(scratch);
    h.count = h.pieces + 64;
    h.firsts = h.count + (grid + 63) / 64 * 64;
    h.row = h.firsts + ((i64)grid * perBlock + 63) / 64 * 64;
    h.length = h.row + (pieces + 63) / 64 * 64;
    h.token = h.length + (pieces + 63) / 64 * 64;
    h.sum = reinterpret_cast<float *>(h.token + (i64)pieces * LH_PIECE);
    return h;
}

// out = from (zeros when null) + the tokens' rows of dx in order; `threads` threads, this one is `me`. Eight rows are read at a time.
LH_INLINE void addTokens(float *out, const float *from, const elem *dx, const int *token, int n, int dim, int vector, int me, int threads) {
    if (vector) {
        for (int c = me * 8; c < dim; c += threads * 8) {
            float sum[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f};
            if (from) get8(from + c, sum);
            for (int m0 = 0; m0 < n; m0 += 8) {
                Raw8 raw[8];
#pragma unroll
                for (int m = 0; m < 8; m++) {
                    if (m0 + m < n) raw[m] = load8(dx + (i64)token[m0 + m] * dim + c);
                }
#pragma unroll
                for (int m = 0; m < 8; m++) {
                    if (m0 + m < n) {
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
        for (int c = me; c < dim; c += threads) {
            float sum = from ? from[c] : 0.f;
            for (int m = 0; m < n; m++) sum += toFloat(dx[(i64)token[m] * dim + c]);
            out[c] = sum;
        }
    }
}

extern "C" __global__ void __launch_bounds__(256) embedding_backward(
        float *dtable, const elem *dx, const int *ids, i64 first, i64 tableRows, int tokens, int dim, int vector, unsigned char *scratch,
        int perBlock, int pieces) {
    __shared__ int token[LH_LIST];
    __shared__ int where[LH_LIST];
    __shared__ int mine[LH_WARPS][LH_HOT];
    __shared__ u32 done[LH_WARPS][LH_LIST / 32];
    __shared__ int place[LH_WARPS];
    __shared__ int warpCount[LH_WARPS];
    __shared__ int hotRows;
    const Hot hot = hotOf(scratch, gridDim.x, perBlock, pieces);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const u32 below = (1u << lane) - 1;
    int listed = 0;
    if (threadIdx.x == 0) hotRows = 0;
    int next[LH_IDS];
#pragma unroll
    for (int u = 0; u < LH_IDS; u++) {
        int t = threadIdx.x * LH_IDS + u;
        next[u] = t < tokens ? ids[t] : -1;
    }
    for (int t0 = 0; t0 < tokens; t0 += 256 * LH_IDS) {
        int row[LH_IDS];
        int at = 0, inWarp = 0;
#pragma unroll
        for (int u = 0; u < LH_IDS; u++) {
            int t = t0 + threadIdx.x * LH_IDS + u;
            i64 r = t < tokens ? next[u] - first : -1;
            row[u] = r >= 0 && r < tableRows && (u32)r % gridDim.x == blockIdx.x ? (int)r : -1;
            t += 256 * LH_IDS;
            next[u] = t < tokens ? ids[t] : -1;
        }
        // A thread's ids are neighbours: the lanes below come first, whichever of their ids match.
#pragma unroll
        for (int u = 0; u < LH_IDS; u++) {
            u32 votes = __ballot_sync(LH_FULL, row[u] >= 0);
            at += __popc(votes & below);
            inWarp += __popc(votes);
        }
        if (lane == 0) warpCount[warp] = inWarp;
        __syncthreads();
        int total = 0;
#pragma unroll
        for (int w = 0; w < LH_WARPS; w++) {
            if (w < warp) at += warpCount[w];
            total += warpCount[w];
        }
        at += listed;
#pragma unroll
        for (int u = 0; u < LH_IDS; u++) {
            if (row[u] >= 0) {
                token[at] = t0 + threadIdx.x * LH_IDS + u;
                where[at++] = row[u];
            }
        }
        listed += total;
        __syncthreads();
        if (listed + 256 * LH_IDS <= LH_LIST && t0 + 256 * LH_IDS < tokens) continue;

        for (int i = lane; i < LH_LIST / 32; i += 32) done[warp][i] = 0;
        __syncwarp();
        for (int i0 = 0; i0 < listed; i0 += 32) {
            const u32 all = __ballot_sync(LH_FULL, i0 + lane < listed && (u32)where[i0 + lane] / gridDim.x % LH_WARPS == warp);
            for (;;) {
                const u32 own = all & ~done[warp][i0 >> 5];
                if (!own) break;
                __syncwarp();
                const int taken = where[i0 + __ffs(own) - 1];
                int n = 0;
                for (int j0 = i0; j0 < listed; j0 += 32) {
                    bool match = j0 + lane < listed && where[j0 + lane] == taken;
                    u32 votes = __ballot_sync(LH_FULL, match);
                    int to = n + __popc(votes & below);
                    if (match && to < LH_HOT) mine[warp][to] = token[j0 + lane];
                    n += __popc(votes);
                }
                int *list = nullptr;
                if (n >= LH_HOT) {
                    const int length = (n + LH_PIECE - 1) / LH_PIECE;
                    if (lane == 0) {
                        int p = atomicAdd(hot.pieces, length);
                        hot.firsts[(i64)blockIdx.x * perBlock + atomicAdd(&hotRows, 1)] = p;
                        hot.row[p] = taken;
                        hot.length[p] = length;
                        place[warp] = p;
                    }
                    __syncwarp();
                    list = hot.token + (i64)place[warp] * LH_PIECE;
                    for (int m = n + lane; m < length * LH_PIECE; m += 32) list[m] = -1;
                }
                // Taken off the list, in this warp's own notes: other warps read the list meanwhile.
                int to = 0;
                for (int j0 = i0; j0 < listed; j0 += 32) {
                    bool match = j0 + lane < listed && where[j0 + lane] == taken;
                    u32 votes = __ballot_sync(LH_FULL, match);
                    if (match && list) list[to + __popc(votes & below)] = token[j0 + lane];
                    if (lane == 0) done[warp][j0 >> 5] |= votes;
                    to += __popc(votes);
                }
                __syncwarp();
                if (!list) {
                    float *out = dtable + (i64)taken * dim;
                    addTokens(out, out, dx, mine[warp], n, dim, vector, lane, 32);
                }
                __syncwarp();
            }
        }
        listed = 0;
        __syncthreads();
    }
    if (threadIdx.x == 0) hot.count[blockIdx.x] = hotRows;
}

extern "C" __global__ void __launch_bounds__(256) embedding_pieces(
        unsigned char *scratch, int grid, int perBlock, int pieces, const elem *dx, int dim, int vector) {
    __shared__ int token[LH_PIECE];
    __shared__ int n;
    const Hot hot = hotOf(scratch, grid, perBlock, pieces);
    if ((int)blockIdx.x >= *hot.pieces) return;
    if (threadIdx.x < LH_PIECE) token[threadIdx.x] = hot.token[(i64)blockIdx.x * LH_PIECE + threadIdx.x];
    __syncthreads();
    if (threadIdx.x < LH_PIECE && token[threadIdx.x] >= 0 && (threadIdx.x == LH_PIECE - 1 || token[threadIdx.x + 1] < 0)) n = threadIdx.x + 1;
    __syncthreads();
    addTokens(hot.sum + (i64)blockIdx.x * dim, nullptr, dx, token, n, dim, vector, threadIdx.x, 256);
}

extern "C" __global__ void __launch_bounds__(256) embedding_pieces_sum(
        float *dtable, unsigned char *scratch, int grid, int perBlock, int pieces, int dim) {
    const Hot hot = hotOf(scratch, grid, perBlock, pieces);
    const int rows = hot.count[blockIdx.x];
    for (int k = 0; k < rows; k++) {
        const int p = hot.firsts[(i64)blockIdx.x * perBlock + k], length = hot.length[p];
        float *out = dtable + (i64)hot.row[p] * dim;
        const float *from = hot.sum + (i64)p * dim;
        // A row that was hot in several lists is added by the same threads in the order of the lists.
        for (int c = threadIdx.x; c < dim; c += 256) {
            float sum = out[c];
            for (int m0 = 0; m0 < length; m0 += 8) {
                float f[8];
#pragma unroll
                for (int m = 0; m < 8; m++) f[m] = m0 + m < length ? from[(i64)(m0 + m) * dim + c] : 0.f;
#pragma unroll
                for (int m = 0; m < 8; m++) sum += f[m];
            }
            out[c] = sum;
        }
    }
}
