// Runs CUDA kernel sources on the CPU, for tests: every thread of a block is a fiber; barriers and warp exchanges switch fibers.
// Divergent barriers, exchanges with finished lanes and deadlocks are errors. Put in front of the kernel sources, then compile
// with g++ -DLH_EMULATION.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)
#define LH_DYNAMIC_SHARED(name) unsigned char *name = emulatedShared

struct Dim3 {
    int x, y, z;
};
struct uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
static inline uint4 make_uint4(unsigned a, unsigned b, unsigned c, unsigned d) { return {a, b, c, d}; }
static inline float4 make_float4(float a, float b, float c, float d) { return {a, b, c, d}; }

static Dim3 threadIdx, blockIdx, blockDim, gridDim;
static unsigned char *emulatedShared;

static inline float __uint_as_float(unsigned u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}
static inline float __int_as_float(int i) { return __uint_as_float((unsigned)i); }
static inline unsigned __float_as_uint(float f) {
    unsigned u;
    memcpy(&u, &f, 4);
    return u;
}
static inline float rsqrtf(float x) { return 1.f / sqrtf(x); }
static inline float __fdividef(float a, float b) { return a / b; }
static inline int __popc(unsigned u) { return __builtin_popcount(u); }

static inline unsigned emulatedBf16(float f) {
    unsigned u = __float_as_uint(f);
    if ((u & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
    return (u + 0x7fff + ((u >> 16) & 1)) >> 16;
}

// Nearest even with saturation to the largest finite value; `exponent` bits 4 (e4m3, largest 448) or 5 (e5m2, largest 57344).
static inline unsigned emulatedFp8(float f, int exponent) {
    int mantissa = 7 - exponent, bias = (1 << (exponent - 1)) - 1;
    unsigned sign = std::signbit(f) ? 0x80u : 0u;
    unsigned top = exponent == 4 ? 0x7eu : 0x7bu;
    if (std::isnan(f)) return 0x7fu;
    double a = std::fabs((double)f);
    if (a == 0) return sign;
    int e;
    std::frexp(a, &e);
    e = std::max(e - 1, 1 - bias);
    double step = std::ldexp(1.0, e - mantissa), q = std::nearbyint(a / step);
    double value = q * step, largest = exponent == 4 ? 448.0 : 57344.0;
    if (value > largest) return sign | top;
    std::frexp(value == 0 ? 1.0 : value, &e);
    e -= 1;
    if (value < std::ldexp(1.0, 1 - bias)) return sign | (unsigned)(value / std::ldexp(1.0, 1 - bias - mantissa));
    unsigned m = (unsigned)((value / std::ldexp(1.0, e) - 1.0) * (1 << mantissa));
    return sign | (unsigned)(e + bias) << mantissa | m;
}

namespace emulation {
enum State { READY, BARRIER, EXCHANGE, DONE };
struct Copy {
    void *to;
    const void *from;
    size_t bytes;
};
struct Fiber {
    void *stack;
    State state;
    unsigned value;
    int predicate;
    std::vector<std::vector<Copy>> copies;  // groups on their way, the last one still open
};
static const size_t STACK = 64 * 1024;
static std::vector<Fiber> fibers;
static std::vector<unsigned char> stacks;
static void *scheduler;
static int current;

// Saves the callee-saved registers and the stack pointer, goes on with another stack. (x86-64, System V)
extern "C" void lh_switch(void **save, void *load);
asm(".local lh_switch\nlh_switch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp, (%rdi)\nmov %rsi, %rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n");
static void (*entry)(void **);
static void **arguments;
static char error[256];
static bool failed;

static void select(int i) {
    current = i;
    threadIdx.x = i % blockDim.x;
    threadIdx.y = i / blockDim.x;
    threadIdx.z = 0;
}
static void wait(State s) {
    int me = current;
    fibers[me].state = s;
    lh_switch(&fibers[me].stack, scheduler);
    select(me);
}
static void body() {
    entry(arguments);
    for (auto &group : fibers[current].copies) {
        if (!group.empty() && !failed) {
            failed = true;
            snprintf(error, sizeof error, "block %d: thread %d ends with copies on their way", blockIdx.x, current);
        }
    }
    fibers[current].state = DONE;
    lh_switch(&fibers[current].stack, scheduler);
}
static bool runBlock() {
    int n = blockDim.x * blockDim.y;
    fibers.resize(n);
    if (stacks.size() < n * STACK) stacks.resize(n * STACK);
    for (int i = 0; i < n; i++) {
        // A first switch pops six registers and returns into body, with the stack aligned as after a call.
        void **top = (void **)(((uintptr_t)(stacks.data() + (i + 1) * STACK)) & ~(uintptr_t)15) - 2;
        top[0] = (void *)body;
        fibers[i].stack = top - 6;
        fibers[i].state = READY;
        fibers[i].copies.assign(1, {});
    }
    failed = false;
    for (;;) {
        bool ran = false;
        for (int i = 0; i < n; i++) {
            if (fibers[i].state == READY) {
                select(i);
                lh_switch(&scheduler, fibers[i].stack);
                ran = true;
            }
        }
        if (ran) {
            // Warps whose 32 lanes have all come to an exchange go on.
            for (int w = 0; w < n; w += 32) {
                int waiting = 0, done = 0;
                for (int l = w; l < w + 32 && l < n; l++) {
                    waiting += fibers[l].state == EXCHANGE;
                    done += fibers[l].state == DONE;
                }
                if (waiting > 0 && done > 0) {
                    snprintf(error, sizeof error, "block %d: warp %d exchanges while %d of its lanes have ended", blockIdx.x, w / 32, done);
                    return false;
                }
                if (waiting == 32) {
                    for (int l = w; l < w + 32; l++) fibers[l].state = READY;
                }
            }
            int blocked = 0, live = 0;
            for (int i = 0; i < n; i++) {
                live += fibers[i].state != DONE;
                blocked += fibers[i].state == BARRIER;
            }
            if (failed) return false;
            if (live == 0) return true;
            if (blocked == live) {
                for (int i = 0; i < n; i++) {
                    if (fibers[i].state == BARRIER) fibers[i].state = READY;
                }
            }
            continue;
        }
        snprintf(error, sizeof error, "block %d: divergent barrier or exchange, no thread can go on", blockIdx.x);
        return false;
    }
}
template <typename... A, size_t... I>
static void invoke(void (*f)(A...), void **slots, std::index_sequence<I...>) {
    f(*reinterpret_cast<A *>(slots[I])...);
}
template <typename... A>
static void invoke(void (*f)(A...), void **slots) {
    invoke(f, slots, std::index_sequence_for<A...>());
}
}  // namespace emulation

// Asynchronous copies of a thread: done at once in odd blocks and as late as allowed in even ones, so that both a value used before it
// was waited for and a place overwritten before it was read show.
static inline void emulatedCopyAhead(void *to, const void *from, size_t bytes) {
    using namespace emulation;
    if (((uintptr_t)to | (uintptr_t)from) % bytes && !failed) {
        failed = true;
        snprintf(error, sizeof error, "block %d: a copy of %d bytes from or to another alignment", blockIdx.x, (int)bytes);
    }
    memset(to, 0xff, bytes);
    if (blockIdx.x & 1) {
        memcpy(to, from, bytes);
    } else {
        fibers[current].copies.back().push_back({to, from, bytes});
    }
}
static inline void emulatedEndOfCopies() { emulation::fibers[emulation::current].copies.push_back({}); }
static inline void emulatedAwaitCopies(int left) {
    auto &groups = emulation::fibers[emulation::current].copies;
    while ((int)groups.size() - 1 > left) {
        for (auto &c : groups.front()) memcpy(c.to, c.from, c.bytes);
        groups.erase(groups.begin());
    }
}

static inline void __syncthreads() { emulation::wait(emulation::BARRIER); }
static inline int __syncthreads_count(int predicate) {
    using namespace emulation;
    fibers[current].predicate = predicate != 0;
    wait(BARRIER);
    int count = 0;
    for (auto &f : fibers) count += f.state != DONE && f.predicate;
    wait(BARRIER);
    return count;
}
static inline unsigned exchanged(unsigned value, int lane) {
    using namespace emulation;
    fibers[current].value = value;
    wait(EXCHANGE);
    unsigned got = fibers[(current & ~31) | lane].value;
    wait(EXCHANGE);
    return got;
}
static inline float __shfl_xor_sync(unsigned, float v, int mask) {
    return __uint_as_float(exchanged(__float_as_uint(v), (emulation::current & 31) ^ mask));
}
static inline unsigned __ballot_sync(unsigned, int predicate) {
    using namespace emulation;
    fibers[current].value = predicate != 0;
    wait(EXCHANGE);
    unsigned votes = 0;
    for (int l = 0; l < 32; l++) votes |= fibers[(current & ~31) | l].value << l;
    wait(EXCHANGE);
    return votes;
}
static inline void __syncwarp() { exchanged(0, 0); }
static inline int __ffs(unsigned v) { return __builtin_ffs(v); }
// Blocks and threads run in turn.
static inline int atomicAdd(int *to, int v) {
    int before = *to;
    *to += v;
    return before;
}
static inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
