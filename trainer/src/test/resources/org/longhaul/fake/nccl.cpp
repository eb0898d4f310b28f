// NCCL among processes of this host. Collectives meet in shared memory when their stream reaches them; a send's bytes are taken as soon as
// it is called, so that one process's laziness cannot keep another waiting. What ranks call must agree, else LH_FAKE_REPORT says so.
#include "machine.h"
#include "queues.h"
#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <random>
#include <sys/mman.h>
#include <unistd.h>

namespace {
using namespace fake;
enum { OK = 0, INTERNAL = 3, INVALID = 4, INT8 = 0, INT32 = 2, INT64 = 4, F32 = 7, BF16 = 9, SUM = 0, MAX = 2 };
const int RANKS = 8, SLOTS = 16;
const long SHARE = 16L << 20, LETTER = 4L << 20;
const int PATIENCE_SECONDS = 120;

struct Mail {
    std::atomic<long> sent, taken;
    long bytes[SLOTS];
};
struct Shared {
    std::atomic<int> joined, left, arrived, phase;
    char words[RANKS][96];
    Mail mail[RANKS][RANKS];
};
struct Comm {
    std::string name;
    Shared *shared;
    char *data;
    int ranks, rank;
    std::atomic<bool> aborted;
    std::string error;
};
struct Id {
    char text[128];
};
const long LETTERS = RANKS * SHARE;
const long SIZE = LETTERS + (long)RANKS * RANKS * SLOTS * LETTER;
const long HEAD = 1L << 20;

long width(int type) { return type == F32 || type == INT32 ? 4 : type == INT64 ? 8 : type == BF16 ? 2 : 1; }

template <class Done> void await(Comm *c, Done done, const std::string &what) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(PATIENCE_SECONDS);
    while (!done()) {
        if (c->aborted) throw Fault{LAUNCH_FAILED, what + " was aborted"};
        if (std::chrono::steady_clock::now() > end) throw Fault{LAUNCH_FAILED, what + " waits for other ranks without end"};
        usleep(20);
    }
}
void barrier(Comm *c, const std::string &what) {
    Shared *s = c->shared;
    int phase = s->phase;
    if (s->arrived.fetch_add(1) + 1 == c->ranks) {
        s->arrived = 0;
        s->phase++;
    } else {
        await(c, [=] { return s->phase != phase; }, what);
    }
}
char *share(Comm *c, int rank) { return c->data + rank * SHARE; }
char *letter(Comm *c, int from, int to, long n) { return c->data + LETTERS + (((long)from * RANKS + to) * SLOTS + n % SLOTS) * LETTER; }

// Shows this rank's bytes to all, combines, and lets go when all have read.
int meet(Comm *c, const char *op, long send, long count, int type, int reduction, long stream, std::function<void()> combine) {
    long bytes = count * width(type);
    if (bytes > SHARE || count <= 0) return INVALID;
    std::string words = std::string(op) + " " + std::to_string(count) + " of " + std::to_string(type) + " by " + std::to_string(reduction);
    return submit(stream, words, [=] {
        needDevice(send, bytes, "what a collective reads");
        memcpy(share(c, c->rank), (void *)send, bytes);
        snprintf(c->shared->words[c->rank], 96, "%s", words.c_str());
        barrier(c, words);
        for (int r = 0; r < c->ranks; r++) {
            if (words != c->shared->words[r]) throw Fault{LAUNCH_FAILED, words + " here, " + c->shared->words[r] + " on rank " + std::to_string(r)};
        }
        combine();
        barrier(c, words);
    });
}
void combined(Comm *c, long to, long from, long count, int type, int reduction) {
    needDevice(to, count * width(type), "what a collective writes");
    for (long i = 0; i < count; i++) {
        float x = 0;
        for (int r = 0; r < c->ranks; r++) {
            char *at = share(c, r) + (from + i) * width(type);
            float y = type == F32 ? *(float *)at : fromBf16(*(uint16_t *)at);
            x = r == 0 ? y : reduction == SUM ? x + y : x > y ? x : y;
        }
        if (type == F32) ((float *)to)[i] = x;
        else ((uint16_t *)to)[i] = toBf16(x);
    }
}
bool adds(int type, int reduction) { return (type == F32 || type == BF16) && (reduction == SUM || reduction == MAX); }
}  // namespace

EXPORT int ncclGetVersion(int *version) { return *version = 22703, OK; }
EXPORT int ncclGetUniqueId(Id *id) {
    memset(id, 0, sizeof *id);
    snprintf(id->text, 128, "/lh-fake-nccl-%d-%08x%08x", getpid(), std::random_device{}(), std::random_device{}());
    return OK;
}
EXPORT const char *ncclGetErrorString(int status) { return status == OK ? "no error" : status == INVALID ? "invalid argument" : "internal error"; }
EXPORT const char *ncclGetLastError(Comm *c) { return c ? c->error.c_str() : ""; }
EXPORT int ncclCommInitRank(Comm **out, int ranks, Id id, int rank) {
    if (ready()) return INTERNAL;
    if (ranks > RANKS || rank < 0 || rank >= ranks) return INVALID;
    int file = shm_open(id.text, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, HEAD + SIZE)) return INTERNAL;
    char *at = (char *)mmap(nullptr, HEAD + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    close(file);
    if (at == MAP_FAILED) return INTERNAL;
    Comm *c = new Comm{id.text, (Shared *)at, at + HEAD, ranks, rank};
    c->shared->joined++;
    try {
        await(c, [=] { return c->shared->joined >= ranks; }, "joining");
    } catch (Fault &f) {
        return INTERNAL;
    }
    // Only the mappings hold it from now on.
    shm_unlink(id.text);
    *out = c;
    return OK;
}
EXPORT int ncclCommDestroy(Comm *c) { return munmap((char *)c->shared, HEAD + SIZE), delete c, OK; }
EXPORT int ncclCommAbort(Comm *c) { return c->aborted = true, OK; }
EXPORT int ncclCommGetAsyncError(Comm *, int *status) { return *status = OK; }

EXPORT int ncclAllReduce(long send, long receive, long count, int type, int reduction, Comm *c, long stream) {
    Locked l(lock);
    if (!adds(type, reduction)) return INVALID;
    return meet(c, "all-reduce", send, count, type, reduction, stream, [=] { combined(c, receive, 0, count, type, reduction); });
}
EXPORT int ncclReduceScatter(long send, long receive, long count, int type, int reduction, Comm *c, long stream) {
    Locked l(lock);
    if (!adds(type, reduction)) return INVALID;
    return meet(c, "reduce-scatter", send, count * c->ranks, type, reduction, stream, [=] {
        combined(c, receive, c->rank * count, count, type, reduction);
    });
}
EXPORT int ncclAllGather(long send, long receive, long count, int type, Comm *c, long stream) {
    Locked l(lock);
    return meet(c, "all-gather", send, count, type, 0, stream, [=] {
        long bytes = count * width(type);
        needDevice(receive, bytes * c->ranks, "what an all-gather writes");
        for (int r = 0; r < c->ranks; r++) memcpy((char *)receive + r * bytes, share(c, r), bytes);
    });
}
EXPORT int ncclBroadcast(long send, long receive, long count, int type, int root, Comm *c, long stream) {
    Locked l(lock);
    return meet(c, "broadcast", send, count, type, root, stream, [=] {
        needDevice(receive, count * width(type), "what a broadcast writes");
        memcpy((void *)receive, share(c, root), count * width(type));
    });
}
EXPORT int ncclSend(long send, long count, int type, int peer, Comm *c, long stream) {
    Locked l(lock);
    long bytes = count * width(type);
    if (bytes > LETTER || peer == c->rank || peer >= c->ranks) return INVALID;
    int status = submit(stream, "send", [=] {
        needDevice(send, bytes, "what is sent");
        Mail &m = c->shared->mail[c->rank][peer];
        await(c, [&] { return m.sent - m.taken < SLOTS; }, "a send");
        memcpy(letter(c, c->rank, peer, m.sent), (void *)send, bytes);
        m.bytes[m.sent % SLOTS] = bytes;
        m.sent++;
    });
    if (!status && !capturing(stream)) advance((Stream *)stream, ((Stream *)stream)->queued);
    return status;
}
EXPORT int ncclRecv(long receive, long count, int type, int peer, Comm *c, long stream) {
    Locked l(lock);
    long bytes = count * width(type);
    if (peer == c->rank || peer >= c->ranks) return INVALID;
    return submit(stream, "receive", [=] {
        needDevice(receive, bytes, "what is received");
        Mail &m = c->shared->mail[peer][c->rank];
        await(c, [&] { return m.sent > m.taken; }, "a receive");
        if (m.bytes[m.taken % SLOTS] != bytes) throw Fault{LAUNCH_FAILED, "a receive of another size than its send"};
        memcpy((void *)receive, letter(c, peer, c->rank, m.taken), bytes);
        m.taken++;
    });
}
EXPORT int ncclGroupStart() { return OK; }
EXPORT int ncclGroupEnd() { return OK; }
