// Shared by every kernel source; put in front of it before NVRTC compiles it. No header is needed: bf16 is handled by its bits.
// Elements of activations are "elem": bf16, or float when LH_F32 is defined. Arithmetic is float.

typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#ifdef LH_EMULATION
#define LH_INLINE static inline
#define LH_INLINE_MEMBER inline
#else
#define LH_INLINE static __device__ __forceinline__
#define LH_INLINE_MEMBER __device__ __forceinline__
#define LH_DYNAMIC_SHARED(name) extern __shared__ __align__(16) unsigned char name[]
#endif

#define LH_LOG2E 1.4426950408889634f
#define LH_LN2 0.6931471805599453f
#define LH_NEGATIVE_INFINITY __int_as_float(0xff800000)

struct bf16 {
    unsigned short bits;
};

LH_INLINE float toFloat(bf16 v) { return __uint_as_float((u32)v.bits << 16); }
LH_INLINE float toFloat(float v) { return v; }

// Two floats to two bf16, round to nearest even; `low` lands in the lower half.
LH_INLINE u32 packBf16(float low, float high) {
#ifdef LH_EMULATION
    return emulatedBf16(low) | emulatedBf16(high) << 16;
#else
    u32 r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
#endif
}

LH_INLINE void put(bf16 *p, float v) { p->bits = (unsigned short)packBf16(v, 0.f); }
LH_INLINE void put(float *p, float v) { *p = v; }

// What a value becomes by being stored as T and read again.
LH_INLINE float rounded(float v, const bf16 *) { return __uint_as_float(packBf16(v, 0.f) << 16); }
LH_INLINE float rounded(float v, const float *) { return v; }

#ifdef LH_F32
typedef float elem;
#else
typedef bf16 elem;
#endif

// Eight neighbouring elements as they lie in memory; the address must be a multiple of 16 bytes.
struct Raw8Bf16 {
    uint4 a;
};
struct Raw8Float {
    float4 a, b;
};
#ifdef LH_F32
typedef Raw8Float Raw8;
#else
typedef Raw8Bf16 Raw8;
#endif

LH_INLINE Raw8Bf16 load8(const bf16 *p) {
    Raw8Bf16 r;
    r.a = *reinterpret_cast<const uint4 *>(p);
    return r;
}
LH_INLINE Raw8Float load8(const float *p) {
    Raw8Float r;
    r.a = reinterpret_cast<const float4 *>(p)[0];
    r.b = reinterpret_cast<const float4 *>(p)[1];
    return r;
}
LH_INLINE void unpack(const Raw8Bf16 &r, float f[8]) {
    u32 w[4] = {r.a.x, r.a.y, r.a.z, r.a.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        f[2 * i] = __uint_as_float(w[i] << 16);
        f[2 * i + 1] = __uint_as_float(w[i] & 0xffff0000u);
    }
}
LH_INLINE void unpack(const Raw8Float &r, float f[8]) {
    f[0] = r.a.x;
    f[1] = r.a.y;
    f[2] = r.a.z;
    f[3] = r.a.w;
    f[4] = r.b.x;
    f[5] = r.b.y;
    f[6] = r.b.z;
    f[7] = r.b.w;
}
LH_INLINE Raw8Bf16 pack8(const float f[8], const bf16 *) {
    Raw8Bf16 r;
    r.a = make_uint4(packBf16(f[0], f[1]), packBf16(f[2], f[3]), packBf16(f[4], f[5]), packBf16(f[6], f[7]));
    return r;
}
LH_INLINE Raw8Float pack8(const float f[8], const float *) {
    Raw8Float r;
    r.a = make_float4(f[0], f[1], f[2], f[3]);
    r.b = make_float4(f[4], f[5], f[6], f[7]);
    return r;
}
LH_INLINE void store8(bf16 *p, const Raw8Bf16 &r) { *reinterpret_cast<uint4 *>(p) = r.a; }
LH_INLINE void store8(float *p, const Raw8Float &r) {
    reinterpret_cast<float4 *>(p)[0] = r.a;
    reinterpret_cast<float4 *>(p)[1] = r.b;
}
LH_INLINE void get8(const bf16 *p, float f[8]) { unpack(load8(p), f); }
LH_INLINE void get8(const float *p, float f[8]) { unpack(load8(p), f); }
LH_INLINE void put8(bf16 *p, const float f[8]) { store8(p, pack8(f, p)); }
LH_INLINE void put8(float *p, const float f[8]) { store8(p, pack8(f, p)); }

// Four neighbouring elements: sixteen bytes of floats, eight of bf16. For passes over floats this keeps a warp's accesses dense.
LH_INLINE void get4(const float *p, float f[4]) {
    float4 r = *reinterpret_cast<const float4 *>(p);
    f[0] = r.x;
    f[1] = r.y;
    f[2] = r.z;
    f[3] = r.w;
}
LH_INLINE void get4(const bf16 *p, float f[4]) {
    uint2 r = *reinterpret_cast<const uint2 *>(p);
    f[0] = __uint_as_float(r.x << 16);
    f[1] = __uint_as_float(r.x & 0xffff0000u);
    f[2] = __uint_as_float(r.y << 16);
    f[3] = __uint_as_float(r.y & 0xffff0000u);
}
LH_INLINE void put4(float *p, const float f[4]) { *reinterpret_cast<float4 *>(p) = make_float4(f[0], f[1], f[2], f[3]); }
LH_INLINE void put4(bf16 *p, const float f[4]) {
    uint2 r;
    r.x = packBf16(f[0], f[1]);
    r.y = packBf16(f[2], f[3]);
    *reinterpret_cast<uint2 *>(p) = r;
}

// Blocks begin in the order of their numbers. A pass that walks its tensor from the end meets in the L2 what the product before it wrote
// last, and leaves there what the product after it reads first.
LH_INLINE u32 fromTheEnd() { return gridDim.x - 1 - blockIdx.x; }

// Butterfly sums: every lane ends with the same value, in the same order each time.
LH_INLINE float warpSum(float v) {
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(0xffffffffu, v, o);
    return v;
}
LH_INLINE float warpMax(float v) {
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, o));
    return v;
}

// Sum over the threads that share threadIdx.y. blockDim.x is a multiple of 32; where it is more than 32, blockDim.y is 1.
// One barrier: calls that follow one another say turn 0, 1, 2, … and each writes the half of `scratch` (64 floats; 32 for a single call)
// that the call before does not read.
LH_INLINE float rowSum(float v, float *scratch, int turn = 0) {
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

LH_INLINE float fastExp2(float x) {
#ifdef LH_EMULATION
    return exp2f(x);
#else
    float r;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
    return r;
#endif
}
LH_INLINE float sigmoid(float x) {
#ifdef LH_F32
    return 1.f / (1.f + expf(-x));
#else
    return __fdividef(1.f, 1.f + fastExp2(-x * LH_LOG2E));
#endif
}
