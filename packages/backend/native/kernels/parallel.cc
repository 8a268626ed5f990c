#include "parallel.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <sched.h>
#include <thread>
#include <vector>

namespace verlet {
namespace {

// Below so many numbers the work is done sooner than another thread has woken up.
constexpr int64_t kLittle = 32768;

struct Task {
  int64_t blocks = 0;
  std::function<void(int64_t)> work;
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> done{0};

  void Run() {
    for (int64_t i = next++; i < blocks; i = next++) {
      work(i);
      done++;
    }
  }
};

// Threads that sleep until there is a task, as many as TensorFlow has for one op, less the one that asks.
class Helpers {
 public:
  Helpers() {
    for (int i = 1; i < ThreadCount(); i++) std::thread([this] { Serve(); }).detach();
  }

  void Run(Task *task) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      task_ = task;
      round_++;
    }
    wake_.notify_all();
    task->Run();
    std::unique_lock<std::mutex> lock(mutex_);
    if (task_ == task) task_ = nullptr;
    idle_.wait(lock, [&] { return task->done == task->blocks && busy_ == 0; });
  }

 private:
  void Serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (uint64_t seen = 0;;) {
      wake_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      Task *task = task_;
      if (task == nullptr) continue;
      busy_++;
      lock.unlock();
      task->Run();
      lock.lock();
      if (--busy_ == 0) idle_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  Task *task_ = nullptr;
  uint64_t round_ = 0;
  int busy_ = 0;
};

}  // namespace

int ThreadCount() {
  const char *wanted = std::getenv("TF_NUM_INTRAOP_THREADS");
  if (wanted != nullptr && std::atoi(wanted) > 0) return std::atoi(wanted);
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return CPU_COUNT(&allowed);
  return static_cast<int>(std::thread::hardware_concurrency());
}

void ForBlocks(int64_t rows, int64_t block, int64_t numbers, const std::function<void(int64_t, int64_t)> &work) {
  static Helpers *helpers = new Helpers();  // never ended: its threads live as long as the process
  static std::mutex one;
  if (numbers < kLittle || rows <= block || !one.try_lock()) {  // ops run side by side share the processor as they are
    for (int64_t first = 0; first < rows; first += block) work(first, first + block < rows ? first + block : rows);
    return;
  }
  std::lock_guard<std::mutex> held(one, std::adopt_lock);
  Task task;
  task.blocks = (rows + block - 1) / block;
  task.work = [&](int64_t i) { work(i * block, (i + 1) * block < rows ? (i + 1) * block : rows); };
  helpers->Run(&task);
}

}  // namespace verlet
