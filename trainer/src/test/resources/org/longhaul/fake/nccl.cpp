// NCCL among processes of this host, as strict as its manual. A group's operations follow each other in the order of the calls, on whatever
// streams; a send ends when its receive has taken the bytes; a group's first operation waits for the device; groups end only together, and
// only after the graphs that hold their work. Two ranks on one GPU are refused unless NCCL_HOSTID tells their hosts apart. What ranks call must agree, captured or not, else LH_FAKE_REPORT says so.
#include "machine.h"
#include "queues.h"
#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <random>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace {
using namespace fake;
enum { OK = 0, INTERNAL = 3, INVALID = 4, USAGE = 5, INT8 = 0, INT32 = 2, INT64 = 4, F32 = 7, BF16 = 9, SUM = 0, MAX = 2 };
const int RANKS = 8;
const long SHARE = 16L << 20, LETTER = 4L << 20;

struct Mail {
    std::atomic<long> sent, taken;
    long bytes;
};
struct Shared {
    std::atomic<int> joined, left;
    // What each rank calls its host, and which GPU of it it uses: no two may be alike.
    char host[RANKS][96];
    int gpu[RANKS];
    // How many operations each rank has shown its bytes for, and has read the others' of.
    std::atomic<long> shown[RANKS], read[RANKS];
    char words[RANKS][96];
    Mail mail[RANKS][RANKS];
    // Of a split: color and key of each rank, how often one was asked for, and the name of each color's group.
    std::atomic<int> asked[RANKS];
    int color[RANKS], key[RANKS];
    char name[RANKS][128];
};
struct Comm {
    std::string name;
    Shared *shared;
    char *data;
    int ranks, rank;
    bool aborted = false, used = false;
    // What it was given last, and how many graphs and executable graphs hold its work.
    long lastStream = 0;
    int graphs = 0, splits = 0;
};
struct Id {
    char text[128];
};
const long LETTERS = RANKS * SHARE;
const long SIZE = LETTERS + (long)RANKS * RANKS * LETTER;
const long HEAD = 1L << 20;
std::set<Comm *> comms;
thread_local int grouped;
std::string lastError;
struct Part {
    Comm *comm;
    std::string words;
    Begin begin;
    long stream;
};
thread_local std::vector<Part> parts;

long width(int type) { return type == F32 || type == INT32 ? 4 : type == INT64 ? 8 : type == BF16 ? 2 : 1; }
char *share(Comm *c, int rank) { return c->data + rank * SHARE; }
char *letter(Comm *c, int from, int to) { return c->data + LETTERS + ((long)from * RANKS + to) * LETTER; }
int wrong(int status, const std::string &what) { return report("NCCL: " + what), status; }

// Other processes wait for what this one has queued, whatever its host is doing.
void keepGoing() {
    static std::once_flag once;
    std::call_once(once, [] {
        std::thread([] {
            while (true) {
                usleep(3000);
                if (lock.try_lock()) {
                    if (!comms.empty()) nudge();
                    lock.unlock();
                }
            }
        }).detach();
    });
}

int enqueue(Comm *c, const std::string &words, Begin begin, long stream) {
    Stream *s = (Stream *)stream;
    if (!streams.count(s)) return INVALID;
    if (s->capture) {
        if (!c->used) return wrong(USAGE, words + " is a group's first operation, and captured");
        Graph *g = s->capture;
        auto last = g->last.find(c);
        if (last != g->last.end()) s->frontier.push_back(last->second);
        if (!g->keeps.count(c)) {
            c->graphs++;
            g->keeps[c] = std::shared_ptr<void>(c, [](void *held) { ((Comm *)held)->graphs--; });
        }
        int status = submitWait(stream, words, begin);
        if (!status) g->last[c] = (int)g->nodes.size() - 1;
        return status ? INTERNAL : OK;
    }
    // Connecting takes memory, which may wait for everything.
    if (!c->used && drainAll()) return INTERNAL;
    c->used = true;
    turn(c, stream);
    return submitWait(stream, words, begin) ? INTERNAL : OK;
}
int submitted(Comm *c, const std::string &words, Begin begin, long stream) {
    if (grouped) return parts.push_back({c, words, begin, stream}), OK;
    return enqueue(c, words, begin, stream);
}

// Shows this rank's bytes to all, combines what all have shown.
int meet(Comm *c, const char *op, long send, long count, int type, int reduction, long stream, std::function<void()> combine) {
    long bytes = count * width(type);
    if (bytes > SHARE || count <= 0) return INVALID;
    std::string words = std::string(op) + " " + std::to_string(count) + " of " + std::to_string(type) + " by " + std::to_string(reduction)
        + (streams.count((Stream *)stream) && capturing(stream) ? " captured" : "");
    return submitted(c, words, [=]() -> Poll {
        auto showing = std::make_shared<bool>(true);
        return [=] {
            if (c->aborted) return true;
            Shared *s = c->shared;
            long n = s->read[c->rank];
            if (*showing) {
                for (int r = 0; r < c->ranks; r++) {
                    if (s->read[r] < n) return false;
                }
                needDevice(send, bytes, "what a collective reads");
                memcpy(share(c, c->rank), (void *)send, bytes);
                snprintf(s->words[c->rank], 96, "%s", words.c_str());
                s->shown[c->rank] = n + 1;
                *showing = false;
            }
            for (int r = 0; r < c->ranks; r++) {
                if (s->shown[r] <= n) return false;
            }
            for (int r = 0; r < c->ranks; r++) {
                if (words != s->words[r]) throw Fault{LAUNCH_FAILED, words + " here, " + s->words[r] + " on rank " + std::to_string(r)};
            }
            combine();
            s->read[c->rank] = n + 1;
            return true;
        };
    }, stream);
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
// In place means one exact address; any other overlap is a mistake.
bool apart(long small, long smallBytes, long large, long largeBytes, int rank) {
    bool overlap = small < large + largeBytes && large < small + smallBytes;
    return !overlap || small == large + rank * smallBytes;
}

int open(Comm **out, const std::string &name, int ranks, int rank) {
    int file = shm_open(name.c_str(), O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, HEAD + SIZE)) return INTERNAL;
    char *at = (char *)mmap(nullptr, HEAD + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    close(file);
    if (at == MAP_FAILED) return INTERNAL;
    Comm *c = new Comm{name, (Shared *)at, at + HEAD, ranks, rank};
    snprintf(c->shared->host[rank], 96, "%s", setting("NCCL_HOSTID", "").c_str());
    c->shared->gpu[rank] = ordinal();
    c->shared->joined++;
    while (c->shared->joined < ranks) rest();
    // Only the mappings hold it from now on.
    shm_unlink(name.c_str());
    for (int r = 0; r < ranks; r++) {
        if (r != rank && c->shared->gpu[r] == c->shared->gpu[rank] && !strcmp(c->shared->host[r], c->shared->host[rank])) {
            lastError = "Duplicate GPU detected : rank " + std::to_string(rank) + " and rank " + std::to_string(r) + " both on CUDA device "
                + std::to_string(ordinal());
            return USAGE;
        }
    }
    comms.insert(c);
    keepGoing();
    *out = c;
    return OK;
}
// Frees a group: its graphs must have ended, its memory waits for the device, and the others must come.
int end(Comm *c) {
    while (c->graphs > 0) rest();
    drainAll();
    c->shared->left++;
    while (c->shared->left < c->ranks) rest();
    comms.erase(c);
    munmap((char *)c->shared, HEAD + SIZE);
    delete c;
    return OK;
}
void fresh(char *text) {
    snprintf(text, 128, "/lh-fake-nccl-%d-%08x%08x", getpid(), std::random_device{}(), std::random_device{}());
}
}  // namespace

void fake::turn(void *group, long stream) {
    Comm *c = (Comm *)group;
    if (c->lastStream && c->lastStream != stream && streams.count((Stream *)c->lastStream)) follow((Stream *)stream, (Stream *)c->lastStream);
    c->lastStream = stream;
}

#define GROUP(c)         \
    Locked l(lock);      \
    if (!comms.count(c)) return wrong(INVALID, "a call with a group that was destroyed or aborted")

EXPORT int ncclGetVersion(int *version) { return *version = atoi(setting("LH_FAKE_NCCL", "22703").c_str()), OK; }
EXPORT int ncclGetUniqueId(Id *id) {
    memset(id, 0, sizeof *id);
    fresh(id->text);
    return OK;
}
EXPORT const char *ncclGetErrorString(int status) {
    return status == OK ? "no error" : status == INVALID ? "invalid argument" : status == USAGE ? "invalid usage" : "internal error";
}
EXPORT const char *ncclGetLastError(Comm *) { return lastError.c_str(); }
EXPORT int ncclCommInitRank(Comm **out, int ranks, Id id, int rank) {
    Locked l(lock);
    if (ready()) return INTERNAL;
    if (ranks > RANKS || rank < 0 || rank >= ranks) return INVALID;
    return open(out, id.text, ranks, rank);
}
// The ranks of a color, by their keys; -1 is in no group. All ranks of the parent call it.
EXPORT int ncclCommSplit(Comm *c, int color, int key, Comm **out, void *config) {
    GROUP(c);
    if (ready()) return INTERNAL;
    if (config) return wrong(INVALID, "this stand-in splits with the parent's configuration only");
    if (drainAll()) return INTERNAL;
    Shared *s = c->shared;
    int round = ++c->splits;
    // Three rounds of counting: said, read, named.
    auto all = [&](int step) {
        s->asked[c->rank] = 3 * (round - 1) + step;
        for (int r = 0; r < c->ranks; r++) {
            while (s->asked[r] < 3 * (round - 1) + step) rest();
        }
    };
    s->color[c->rank] = color;
    s->key[c->rank] = key;
    all(1);
    int size = 0, rank = 0, first = c->rank;
    for (int r = 0; r < c->ranks; r++) {
        if (s->color[r] != color) continue;
        size++;
        if (s->key[r] < key || (s->key[r] == key && r < c->rank)) rank++;
        if (r < first) first = r;
    }
    if (first == c->rank) fresh(s->name[c->rank]);
    all(2);
    std::string name = s->name[first];
    all(3);
    *out = nullptr;
    return color < 0 ? OK : open(out, name, size, rank);
}
EXPORT int ncclCommDestroy(Comm *c) {
    GROUP(c);
    return end(c);
}
EXPORT int ncclCommAbort(Comm *c) {
    GROUP(c);
    c->aborted = true;
    return end(c);
}
EXPORT int ncclCommGetAsyncError(Comm *c, int *status) {
    GROUP(c);
    return *status = OK;
}

EXPORT int ncclAllReduce(long send, long receive, long count, int type, int reduction, Comm *c, long stream) {
    GROUP(c);
    if (!adds(type, reduction)) return INVALID;
    if (!apart(receive, count * width(type), send, count * width(type), 0)) return wrong(INVALID, "an all-reduce that overlaps itself");
    return meet(c, "all-reduce", send, count, type, reduction, stream, [=] { combined(c, receive, 0, count, type, reduction); });
}
EXPORT int ncclReduceScatter(long send, long receive, long count, int type, int reduction, Comm *c, long stream) {
    GROUP(c);
    if (!adds(type, reduction)) return INVALID;
    long bytes = count * width(type);
    if (!apart(receive, bytes, send, bytes * c->ranks, c->rank)) return wrong(INVALID, "a reduce-scatter that is neither in place nor apart");
    return meet(c, "reduce-scatter", send, count * c->ranks, type, reduction, stream, [=] {
        combined(c, receive, c->rank * count, count, type, reduction);
    });
}
EXPORT int ncclAllGather(long send, long receive, long count, int type, Comm *c, long stream) {
    GROUP(c);
    long bytes = count * width(type);
    if (!apart(send, bytes, receive, bytes * c->ranks, c->rank)) return wrong(INVALID, "an all-gather that is neither in place nor apart");
    return meet(c, "all-gather", send, count, type, 0, stream, [=] {
        needDevice(receive, bytes * c->ranks, "what an all-gather writes");
        for (int r = 0; r < c->ranks; r++) memcpy((char *)receive + r * bytes, share(c, r), bytes);
    });
}
EXPORT int ncclBroadcast(long send, long receive, long count, int type, int root, Comm *c, long stream) {
    GROUP(c);
    return meet(c, "broadcast", send, count, type, root, stream, [=] {
        needDevice(receive, count * width(type), "what a broadcast writes");
        memcpy((void *)receive, share(c, root), count * width(type));
    });
}
EXPORT int ncclSend(long send, long count, int type, int peer, Comm *c, long stream) {
    GROUP(c);
    long bytes = count * width(type);
    if (bytes > LETTER || peer == c->rank || peer < 0 || peer >= c->ranks) return INVALID;
    return submitted(c, "send", [=]() -> Poll {
        auto number = std::make_shared<long>(-1);
        return [=] {
            if (c->aborted) return true;
            Mail &m = c->shared->mail[c->rank][peer];
            if (*number < 0) {
                if (m.sent != m.taken) return false;
                needDevice(send, bytes, "what is sent");
                memcpy(letter(c, c->rank, peer), (void *)send, bytes);
                m.bytes = bytes;
                *number = m.sent++;
            }
            return m.taken > *number;
        };
    }, stream);
}
EXPORT int ncclRecv(long receive, long count, int type, int peer, Comm *c, long stream) {
    GROUP(c);
    long bytes = count * width(type);
    if (peer == c->rank || peer < 0 || peer >= c->ranks) return INVALID;
    return submitted(c, "receive", [=]() -> Poll {
        return [=] {
            if (c->aborted) return true;
            Mail &m = c->shared->mail[peer][c->rank];
            if (m.sent == m.taken) return false;
            needDevice(receive, bytes, "what is received");
            if (m.bytes != bytes) throw Fault{LAUNCH_FAILED, "a receive of another size than its send"};
            memcpy((void *)receive, letter(c, peer, c->rank), bytes);
            m.taken++;
            return true;
        };
    }, stream);
}
EXPORT int ncclGroupStart() { return grouped++, OK; }
// What was collected for a group and stream becomes one operation, whose parts wait for nothing of each other.
EXPORT int ncclGroupEnd() {
    Locked l(lock);
    if (grouped == 0) return USAGE;
    if (--grouped > 0) return OK;
    std::vector<Part> all;
    all.swap(parts);
    int status = OK;
    while (!all.empty() && status == OK) {
        Comm *c = all[0].comm;
        long stream = all[0].stream;
        std::vector<Begin> mine;
        std::string words = "group of";
        for (size_t i = 0; i < all.size();) {
            if (all[i].comm == c && all[i].stream == stream) {
                mine.push_back(all[i].begin);
                words += " " + all[i].words;
                all.erase(all.begin() + i);
            } else {
                i++;
            }
        }
        status = enqueue(c, words, [=]() -> Poll {
            auto open = std::make_shared<std::vector<Poll>>();
            for (const Begin &b : mine) open->push_back(b());
            return [=] {
                for (size_t i = 0; i < open->size();) {
                    if ((*open)[i]()) open->erase(open->begin() + i);
                    else i++;
                }
                return open->empty();
            };
        }, stream);
    }
    return status;
}
