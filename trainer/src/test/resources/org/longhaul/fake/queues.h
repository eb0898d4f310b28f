#pragma once
#include "machine.h"
#include <deque>
#include <map>
#include <memory>
#include <set>

namespace fake {
struct Stream;
// Work, or a wait for another stream to have done a number of items.
struct Item {
    std::string name;
    Work work;
    Stream *after;
    uint64_t number;
    Begin begin;
    Poll poll;
};
struct Node {
    Item item;
    std::vector<int> after;
};
struct Graph {
    std::vector<Node> nodes;
    Stream *origin;
    std::set<Stream *> members;
    bool broken = false;
    // Groups of ranks whose work is in it: held until the last copy ends; and the last node of each.
    std::map<void *, std::shared_ptr<void>> keeps;
    std::map<void *, int> last;
    bool waits = false;
};
struct GraphExec {
    Graph graph;
};
struct Stream {
    std::deque<Item> queue;
    uint64_t queued = 0, done = 0;
    Graph *capture = nullptr;
    std::vector<int> frontier;
};
struct Event {
    bool timing;
    Stream *stream = nullptr;
    uint64_t number = 0;
    double passedAt = 0;
    Graph *captured = nullptr;
    std::vector<int> frontier;
};
extern std::set<Stream *> streams;
extern std::set<Event *> events;
extern std::set<Graph *> graphs;
extern std::set<GraphExec *> execs;
extern int sticky;

void advance(Stream *s, uint64_t until);
void pass(Stream *s);
int drainAll();
// One execution of a graph, bit by bit.
Poll perform(Graph *g);
// The stream continues after what the group of ranks was given last.
void turn(void *group, long stream);
// The stream continues after what another has now.
void follow(Stream *s, Stream *other);
// Whether its queue holds work that other processes may wait for; and some progress of such streams, without waiting.
bool speaks(Stream *s);
void nudge();
int allocate(long *address, long bytes);
int release(long address);
int allocateHost(long *address, long bytes);
int releaseHost(long address);
size_t liveBlocks();
long memoryLimit();
long memoryHeld();
// Ends what lh_fake_enter opened for this thread.
void leave();
}  // namespace fake
