#include "stages.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <sched.h>
#include <thread>

namespace verlet {
namespace {

// Looks at the other threads between two turns of the processor's clock before it is given up to whoever needs it.
constexpr int kSpins = 4096;

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

template <typename Holds>
void WaitUntil(const Holds &holds) {
  for (int spins = 0; !holds(); spins++) {
    if (spins < kSpins) Pause();
    else sched_yield();
  }
}

struct alignas(64) Progress {
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> done{0};
};

struct Plan {
  explicit Plan(const std::vector<Stage> &stages) : stages(stages), progress(new Progress[stages.size()]) {}

  const std::vector<Stage> &stages;
  std::unique_ptr<Progress[]> progress;
  std::atomic<size_t> current{0};
  std::atomic<int> inside{0};

  // Blocks of a stage as long as there are any, and as nobody else needs this thread's core.
  template <typename Stay>
  bool Work(size_t stage, const Stay &stay) {
    const int64_t blocks = stages[stage].blocks;
    Progress &own = progress[stage];
    for (int64_t i = own.next++; i < blocks; i = own.next++) {
      stages[stage].work(i);
      own.done++;
      if (!stay()) return false;
    }
    return true;
  }

  // The thread that asks goes from stage to stage, and waits for no one who has not begun a block.
  void Lead() {
    for (size_t stage = 0; stage < stages.size(); stage++) {
      current = stage;
      Work(stage, [] { return true; });
      WaitUntil([&] { return progress[stage].done == stages[stage].blocks; });
    }
    current = stages.size();
  }

  template <typename Stay>
  void Help(const Stay &stay) {
    for (size_t stage = current; stage < stages.size(); stage = current) {
      if (!Work(stage, stay) || stage + 1 == stages.size()) return;
      bool leaves = false;
      WaitUntil([&] { return current != stage || (leaves = !stay()); });
      if (leaves) return;
    }
  }

  bool WantsHelp() const {
    const size_t stage = current;
    return stage < stages.size() && (stage + 1 < stages.size() || progress[stage].next < stages[stage].blocks);
  }
};

// As many as TensorFlow has for one op.
int ThreadCount() {
  const char *wanted = std::getenv("TF_NUM_INTRAOP_THREADS");
  if (wanted != nullptr && std::atoi(wanted) > 0) return std::atoi(wanted);
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return CPU_COUNT(&allowed);
  return static_cast<int>(std::thread::hardware_concurrency());
}

// Threads that sleep until a plan has need of them. Ops that run side by side lead a plan each; together with their helpers
// they are never more than there are cores for, and helpers go from where there is no work left to where there is.
class Team {
 public:
  Team() : cores_(ThreadCount()) {
    for (int i = 1; i < cores_; i++) std::thread([this] { Serve(); }).detach();
  }

  void Run(Plan *plan) {
    Change([&] { plans_.push_back(plan), leads_++; });
    plan->Lead();
    Change([&] { plans_.erase(std::find(plans_.begin(), plans_.end(), plan)), leads_--; });
    WaitUntil([&] { return plan->inside == 0; });
  }

 private:
  template <typename Apply>
  void Change(const Apply &apply) {
    bool wanted = false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      apply();
      wanted = Next() != nullptr;
    }
    if (wanted) wake_.notify_all();
  }

  // The plan with the fewest helpers, if there is a core to spare.
  Plan *Next() const {
    if (leads_ + helpers_ >= cores_) return nullptr;
    Plan *next = nullptr;
    for (Plan *plan : plans_) {
      if (plan->WantsHelp() && (next == nullptr || plan->inside < next->inside)) next = plan;
    }
    return next;
  }

  // Takes a helper off where there are too many threads; it was this one if false.
  bool Stays() {
    int helpers = helpers_;
    while (leads_ + helpers > cores_) {
      if (helpers_.compare_exchange_weak(helpers, helpers - 1)) return false;
    }
    return true;
  }

  void Serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      Plan *plan = nullptr;
      wake_.wait(lock, [&] { return (plan = Next()) != nullptr; });
      plan->inside++;
      helpers_++;
      lock.unlock();
      bool counted = true;
      plan->Help([&] { return counted = Stays(); });
      plan->inside--;
      lock.lock();
      if (counted) helpers_--;
    }
  }

  const int cores_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Plan *> plans_;
  std::atomic<int> leads_{0}, helpers_{0};
};

}  // namespace

void RunStages(const std::vector<Stage> &stages) {
  static Team *team = new Team();  // never ended: its threads live as long as the process
  Plan plan(stages);
  team->Run(&plan);
}

}  // namespace verlet
