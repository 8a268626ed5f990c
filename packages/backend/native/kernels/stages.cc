#include "stages.h"

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

  void Work(size_t stage) {
    const int64_t blocks = stages[stage].blocks;
    Progress &own = progress[stage];
    for (int64_t i = own.next++; i < blocks; i = own.next++) {
      stages[stage].work(i);
      own.done++;
    }
  }

  // The thread that asks goes from stage to stage, and waits for no one who has not begun a block.
  void Lead() {
    for (size_t stage = 0; stage < stages.size(); stage++) {
      current = stage;
      Work(stage);
      WaitUntil([&] { return progress[stage].done == stages[stage].blocks; });
    }
    current = stages.size();
  }

  void Help() {
    for (size_t stage = current; stage < stages.size(); stage = current) {
      Work(stage);
      WaitUntil([&] { return current != stage; });
    }
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

// Threads that sleep until there is a plan, less the one that asks.
class Team {
 public:
  Team() {
    for (int i = 1; i < ThreadCount(); i++) std::thread([this] { Serve(); }).detach();
  }

  void Run(Plan *plan) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      plan_ = plan;
      round_++;
    }
    wake_.notify_all();
    plan->Lead();
    {
      std::lock_guard<std::mutex> lock(mutex_);
      plan_ = nullptr;
    }
    WaitUntil([&] { return plan->inside == 0; });
  }

 private:
  void Serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (uint64_t seen = 0;;) {
      wake_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      Plan *plan = plan_;
      if (plan == nullptr) continue;
      plan->inside++;
      lock.unlock();
      plan->Help();
      plan->inside--;
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  Plan *plan_ = nullptr;
  uint64_t round_ = 0;
};

}  // namespace

void RunStages(const std::vector<Stage> &stages) {
  static Team *team = new Team();  // never ended: its threads live as long as the process
  static std::mutex one;
  if (!one.try_lock()) {  // ops run side by side share the processor as they are
    for (const Stage &stage : stages) {
      for (int64_t i = 0; i < stage.blocks; i++) stage.work(i);
    }
    return;
  }
  std::lock_guard<std::mutex> held(one, std::adopt_lock);
  Plan plan(stages);
  team->Run(&plan);
}

}  // namespace verlet
