// Memory and queues of the machine.
#include "machine.h"
#include "queues.h"
#include <csetjmp>
#include <csignal>
#include <dlfcn.h>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

namespace fake {
Lock lock;
int sticky = 0;
std::set<Stream *> streams;
std::set<Event *> events;
std::set<Graph *> graphs;
std::set<GraphExec *> execs;

struct Block {
    long bytes;
    char *base;
    size_t mapped;
};
static const size_t PAGE = 4096;
static std::map<long, Block> device;
static std::map<long, long> host;
static long held;
// Threads that use device memory by libtorch's CPU operations in place of CUDA ones.
static std::set<pthread_t> guests;
static bool running, open;
static std::mt19937 dice;

void report(const std::string &line) {
    std::string file = setting("LH_FAKE_REPORT", "");
    fprintf(stderr, "fake CUDA: %s\n", line.c_str());
    if (!file.empty()) std::ofstream(file, std::ios::app) << line << "\n";
}

std::string folder() {
    Dl_info info;
    dladdr((void *)&folder, &info);
    std::string file = info.dli_fname;
    char *real = realpath(file.c_str(), nullptr);
    std::string path = real ? real : file;
    free(real);
    return path.substr(0, path.rfind('/'));
}

static void protect(const Block &b, bool access) {
    size_t inner = b.mapped - 2 * PAGE;
    mprotect(b.base + PAGE, inner, access ? PROT_READ | PROT_WRITE : PROT_NONE);
}
// The host reads device memory only by copies: outside of queued work it is closed.
static void settle() {
    bool want = running || !guests.empty();
    if (want != open) {
        for (auto &d : device) protect(d.second, want);
        open = want;
    }
}
long memoryLimit() { return atol(setting("LH_FAKE_MEMORY", "4294967296").c_str()); }
long memoryHeld() { return held; }

int allocate(long *address, long bytes) {
    long size = (bytes + 255) / 256 * 256;
    if (held + size > memoryLimit()) return OUT_OF_MEMORY;
    size_t inner = (size + PAGE - 1) / PAGE * PAGE;
    char *base = (char *)mmap(nullptr, inner + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return OUT_OF_MEMORY;
    Block b{size, base, inner + 2 * PAGE};
    protect(b, true);
    // The end of the block touches the closed page behind it.
    long at = (long)(base + PAGE + inner - size);
    memset((void *)at, 0xff, size);
    if (!open) protect(b, false);
    device[at] = b;
    held += size;
    *address = at;
    return SUCCESS;
}
int release(long address) {
    auto it = device.find(address);
    if (it == device.end()) return INVALID_VALUE;
    int status = drainAll();
    // Stays closed and is never given out again, so that a late use is found.
    protect(it->second, false);
    madvise(it->second.base, it->second.mapped, MADV_DONTNEED);
    held -= it->second.bytes;
    device.erase(it);
    return status;
}
int allocateHost(long *address, long bytes) {
    void *p;
    if (bytes > atol(setting("LH_FAKE_PINNED", "9000000000000000000").c_str())) return OUT_OF_MEMORY;
    if (posix_memalign(&p, PAGE, bytes + 64)) return OUT_OF_MEMORY;
    memset(p, 0xff, bytes + 64);
    host[(long)p] = bytes;
    *address = (long)p;
    return SUCCESS;
}
int releaseHost(long address) {
    auto it = host.find(address);
    if (it == host.end()) return INVALID_VALUE;
    int status = drainAll();
    for (int i = 0; i < 64; i++) {
        if (((unsigned char *)address)[it->second + i] != 0xff) {
            report("written behind page-locked memory of " + std::to_string(it->second) + " bytes");
            break;
        }
    }
    memset((void *)address, 0xdd, it->second);
    free((void *)address);
    host.erase(it);
    return status;
}
size_t liveBlocks() { return device.size() + host.size(); }

static const Block *blockOf(long address) {
    auto it = device.upper_bound(address);
    if (it == device.begin()) return nullptr;
    --it;
    return address < it->first + it->second.bytes ? &it->second : nullptr;
}
void needDevice(long address, long bytes, const char *what) {
    const Block *b = blockOf(address);
    long end = b ? (long)(b->base + b->mapped - PAGE) : 0;
    if (!b || address + bytes > end) {
        char text[200];
        snprintf(text, sizeof text, "%s: %ld bytes at %#lx are not within one allocation", what, bytes, address);
        throw Fault{ILLEGAL_ADDRESS, text};
    }
}
bool pinned(long address, long bytes) {
    auto it = host.upper_bound(address);
    if (it == host.begin()) return false;
    --it;
    return address + bytes <= it->first + it->second;
}

// A kernel that leaves its memory ends as on a GPU: with a status, not with the process.
static sigjmp_buf escape;
static pthread_t runner;
static volatile long badAddress;
static struct sigaction previous;
static void onFault(int signal, siginfo_t *info, void *context) {
    if (running && pthread_equal(pthread_self(), runner)) {
        badAddress = (long)info->si_addr;
        siglongjmp(escape, 1);
    }
    if (previous.sa_flags & SA_SIGINFO) previous.sa_sigaction(signal, info, context);
    else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) previous.sa_handler(signal);
    else abort();
}
static int depth;
static void guarded(const std::string &name, const Work &work) {
    if (sticky) return;
    static std::string now;
    now = name;
    bool outer = depth++ == 0;
    try {
        if (outer && sigsetjmp(escape, 1)) {
            char text[120];
            snprintf(text, sizeof text, " touched address %#lx, which is no device memory", (long)badAddress);
            depth = 1;
            throw Fault{ILLEGAL_ADDRESS, now + text};
        }
        work();
    } catch (const Fault &f) {
        sticky = f.status;
        report("fault " + std::to_string(f.status) + ": " + f.text);
    }
    depth--;
}
// Whether the item is over.
static bool attempt(Item &item) {
    if (!item.begin) {
        guarded(item.name, item.work);
        return true;
    }
    bool over = false;
    guarded(item.name, [&] {
        if (!item.poll) item.poll = item.begin();
        over = item.poll();
    });
    return over || sticky;
}

static bool enter() {
    if (running) return false;
    running = true;
    runner = pthread_self();
    settle();
    struct sigaction action = {};
    action.sa_sigaction = onFault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &previous);
    return true;
}
static void leaveRun() {
    sigaction(SIGSEGV, &previous, nullptr);
    running = false;
    settle();
}
void rest(bool briefly) {
    bool was = running;
    int levels = lock.depth, inner = depth;
    // Memory stays open for the moment: opening it again and again would take most of the time.
    if (was) sigaction(SIGSEGV, &previous, nullptr);
    running = false;
    depth = 0;
    for (int i = 0; i < levels; i++) lock.unlock();
    if (briefly) sched_yield();
    else usleep(200);
    for (int i = 0; i < levels; i++) lock.lock();
    depth = inner;
    if (was) enter();
}
static void pop(Stream *s) {
    s->queue.pop_front();
    s->done++;
}
// One item if it need not wait for anybody.
static bool tryStep(Stream *s) {
    if (s->done == s->queued) return false;
    Item &item = s->queue.front();
    if (item.after) {
        if (streams.count(item.after) && item.after->done < item.number) return tryStep(item.after);
    } else if (!attempt(item)) {
        return false;
    }
    pop(s);
    return true;
}
bool speaks(Stream *s) {
    for (Item &item : s->queue) {
        if (item.begin) return true;
    }
    return false;
}
void nudge() {
    bool any = false;
    for (Stream *s : streams) any = any || speaks(s);
    if (!any) return;
    bool outer = enter();
    for (Stream *s : std::vector<Stream *>(streams.begin(), streams.end())) {
        if (speaks(s)) tryStep(s);
    }
    if (outer) leaveRun();
}
void advance(Stream *s, uint64_t until) {
    bool outer = false;
    int waited = 0;
    while (streams.count(s) && s->done < until) {
        outer = enter() || outer;
        Item &item = s->queue.front();
        if (item.after) {
            if (streams.count(item.after) && item.after->done < item.number) {
                advance(item.after, item.number);
                continue;
            }
        } else if (!attempt(item)) {
            // What this process still owes the others may be what they wait for.
            if (++waited > 100) nudge();
            rest(waited < 200);
            continue;
        }
        waited = 0;
        pop(s);
    }
    if (outer) leaveRun();
}
int drainAll() {
    for (Stream *s : std::vector<Stream *>(streams.begin(), streams.end())) {
        if (streams.count(s)) advance(s, s->queued);
    }
    return sticky;
}
// Lets time pass a little, for code that asks again and again.
void pass(Stream *s) {
    bool outer = enter();
    tryStep(s);
    if (outer) leaveRun();
}
static void afterSubmit(Stream *s) {
    static std::string order = setting("LH_FAKE_ORDER", "late");
    static bool seeded = (dice.seed(order.rfind("random:", 0) == 0 ? atol(order.c_str() + 7) : 1), true);
    (void)seeded;
    if (order == "eager") {
        bool outer = enter();
        while (tryStep(s)) {}
        if (outer) leaveRun();
    } else if (order[0] == 'r') {
        for (int n = dice() % 4; n > 0; n--) {
            auto it = streams.begin();
            std::advance(it, dice() % streams.size());
            pass(*it);
        }
    }
}

static void node(Stream *s, Item item) {
    Graph *g = s->capture;
    g->waits = g->waits || item.begin;
    g->nodes.push_back({std::move(item), s->frontier});
    s->frontier = {(int)g->nodes.size() - 1};
}
static int submit(long stream, Item item) {
    Stream *s = (Stream *)stream;
    if (!streams.count(s)) return INVALID_HANDLE;
    if (sticky) return sticky;
    if (s->capture) {
        if (s->capture->broken) return CAPTURE_INVALIDATED;
        node(s, std::move(item));
        return SUCCESS;
    }
    s->queue.push_back(std::move(item));
    s->queued++;
    afterSubmit(s);
    return SUCCESS;
}
int submit(long stream, std::string name, Work work) { return submit(stream, Item{std::move(name), std::move(work), nullptr, 0}); }
int submitWait(long stream, std::string name, Begin begin) {
    return submit(stream, Item{std::move(name), nullptr, nullptr, 0, std::move(begin)});
}
void follow(Stream *s, Stream *other) {
    s->queue.push_back({"wait", nullptr, other, other->queued});
    s->queued++;
}
bool capturing(long stream) {
    Stream *s = (Stream *)stream;
    return streams.count(s) && s->capture;
}
// Work without an order between it may run in any: the newest branch goes first.
Poll perform(Graph *g) {
    struct State {
        std::vector<bool> done;
        std::vector<Item> items;
        size_t left;
    };
    auto state = std::make_shared<State>();
    state->done.resize(g->nodes.size());
    state->left = g->nodes.size();
    for (Node &n : g->nodes) state->items.push_back(n.item);
    return [=] {
        for (size_t i = g->nodes.size(); state->left && i-- > 0;) {
            bool free = !state->done[i];
            for (int d : g->nodes[i].after) free = free && state->done[d];
            if (free && attempt(state->items[i])) {
                state->done[i] = true;
                state->left--;
                i = g->nodes.size();
            }
        }
        return state->left == 0;
    };
}
}  // namespace fake

// For the CPU operations of libtorch that stand in for CUDA ones: the queue of the stream is worked off, then memory opens for the thread.
static thread_local long torchStream;
EXPORT int aoti_torch_create_cuda_stream_guard(long stream, int, long *guard) {
    fake::Locked l(fake::lock);
    if (!fake::streams.count((fake::Stream *)stream)) return 1;
    *guard = (long)new long(torchStream);
    torchStream = stream;
    return 0;
}
EXPORT int aoti_torch_delete_cuda_stream_guard(long guard) {
    torchStream = *(long *)guard;
    delete (long *)guard;
    return 0;
}
EXPORT int aoti_torch_get_current_cuda_stream(int, long *stream) {
    *stream = torchStream;
    return 0;
}
EXPORT int lh_fake_enter() {
    fake::Locked l(fake::lock);
    auto *s = (fake::Stream *)torchStream;
    if (!fake::streams.count(s)) {
        fake::report("libtorch works on no stream of ours");
        return 1;
    }
    if (s->capture) {
        fake::report("an operation of libtorch's within a capture, which this machine cannot record");
        return 1;
    }
    fake::advance(s, s->queued);
    fake::guests.insert(pthread_self());
    fake::settle();
    return 0;
}
// Attention of libtorch's: not to be had here.
EXPORT int aoti_torch_cuda__scaled_dot_product_cudnn_attention() { return 1; }
EXPORT int aoti_torch_cuda__scaled_dot_product_cudnn_attention_backward() { return 1; }
EXPORT int aoti_torch_cuda__scaled_dot_product_flash_attention() { return 1; }
EXPORT int aoti_torch_cuda__scaled_dot_product_flash_attention_backward() { return 1; }
void fake::leave() {
    if (guests.erase(pthread_self())) settle();
}
