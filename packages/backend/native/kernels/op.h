// TensorFlow's C interface for ops of one's own, in fewer words.

#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

namespace verlet {

using Shape = std::vector<int64_t>;

inline int64_t Size(const Shape &shape) { return std::accumulate(shape.begin(), shape.end(), int64_t{1}, [](int64_t a, int64_t b) { return a * b; }); }

// The length of the last axis, and how many such rows there are.
inline int64_t Width(const Shape &shape) { return shape.empty() ? 1 : shape.back(); }
inline int64_t Rows(const Shape &shape) { return Width(shape) == 0 ? 0 : Size(shape) / Width(shape); }

struct FreeTensor {
  void operator()(TF_Tensor *tensor) const { TF_DeleteTensor(tensor); }
};

// A tensor of float32 (or int32) that is held for the time of a computation.
class Numbers {
 public:
  explicit Numbers(TF_Tensor *tensor) : tensor_(tensor) {
    if (tensor == nullptr) return;
    for (int i = 0; i < TF_NumDims(tensor); i++) shape.push_back(TF_Dim(tensor, i));
    data = static_cast<float *>(TF_TensorData(tensor));
  }
  Shape shape;
  float *data = nullptr;
  const int32_t *integers() const { return reinterpret_cast<const int32_t *>(data); }

 private:
  std::unique_ptr<TF_Tensor, FreeTensor> tensor_;
};

// One execution of an op. After a failure `ok` is false, and everything else does nothing.
class Call {
 public:
  explicit Call(TF_OpKernelContext *context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() { TF_DeleteStatus(status_); }

  bool ok = true;

  int Inputs() const { return TF_NumInputs(context_); }
  int Outputs() const { return TF_NumOutputs(context_); }

  Numbers Input(int i) {
    TF_Tensor *tensor = nullptr;
    if (ok) TF_GetInput(context_, i, &tensor, status_);
    return Finish(tensor);
  }

  Numbers Output(int i, const Shape &shape) {
    TF_Tensor *tensor = nullptr;
    if (ok) tensor = TF_AllocateOutput(context_, i, TF_FLOAT, shape.data(), static_cast<int>(shape.size()), sizeof(float) * Size(shape), status_);
    return Finish(tensor);
  }

  // In the memory of an input where nothing else needs that, else in memory of its own. The input must not have been asked for.
  Numbers OutputOver(int input, int i, const Shape &shape, bool *over) {
    TF_Tensor *tensor = nullptr;
    int taken = -1;
    if (ok) tensor = TF_ForwardInputOrAllocateOutput(context_, &input, 1, i, shape.data(), static_cast<int>(shape.size()), &taken, status_);
    *over = taken >= 0;
    return Finish(tensor);
  }

  void Expect(bool holds, const std::string &what) {
    if (!ok || holds) return;
    TF_SetStatus(status_, TF_INVALID_ARGUMENT, what.c_str());
    Finish(nullptr);
  }

 private:
  Numbers Finish(TF_Tensor *tensor) {
    if (ok && TF_GetCode(status_) != TF_OK) {
      TF_OpKernelContext_Failure(context_, status_);
      ok = false;
    }
    return Numbers(tensor);
  }

  TF_OpKernelContext *context_;
  TF_Status *status_;
};

// The op's first output where a gradient is wanted, added to its first input where there is a sum so far.
class Sum {
 public:
  Sum(Call &call, int sums, int wanted, const Shape &shape)
      : sum_(sums > 0 ? call.OutputOver(0, 0, shape, &over_) : wanted > 0 ? call.Output(0, shape) : Numbers(nullptr)), before_(sums > 0 && !over_ ? call.Input(0) : Numbers(nullptr)) {
    call.Expect(before_.data == nullptr || before_.shape == shape, "the sum so far has the result's shape");
  }

  float *data() const { return sum_.data; }
  // Null, the result's own memory or another.
  const float *before() const { return over_ ? sum_.data : before_.data; }

 private:
  bool over_ = false;
  Numbers sum_, before_;
};

constexpr int kFlags = 4;

// The attributes of an op: at most one number, and some flags in the order of its definition.
struct Attributes {
  float number = 0;
  bool flags[kFlags] = {};
};

struct OpDefinition {
  const char *name;
  std::vector<const char *> inputs;  // float, unless they say ": int32" or, of as many as an attribute says, ": count * float"
  std::vector<const char *> outputs;
  const char *number = nullptr;     // the name of the float attribute
  std::vector<const char *> flags;  // the names of the bool attributes
  std::vector<const char *> counts;  // the names of the attributes that count the tensors of an input or output
};

// Tells TensorFlow of an op on the processor. `compute` is void(Call &, const Attributes &).
template <void (*compute)(Call &, const Attributes &)>
void Register(const OpDefinition &op) {
  static const OpDefinition definition = op;
  TF_OpDefinitionBuilder *builder = TF_NewOpDefinitionBuilder(op.name);
  const auto typed = [](const char *name) { return std::string(name) + (std::strchr(name, ':') ? "" : ": float"); };
  for (const char *input : op.inputs) TF_OpDefinitionBuilderAddInput(builder, typed(input).c_str());
  for (const char *output : op.outputs) TF_OpDefinitionBuilderAddOutput(builder, typed(output).c_str());
  if (op.number) TF_OpDefinitionBuilderAddAttr(builder, (std::string(op.number) + ": float").c_str());
  for (const char *flag : op.flags) TF_OpDefinitionBuilderAddAttr(builder, (std::string(flag) + ": bool").c_str());
  for (const char *count : op.counts) TF_OpDefinitionBuilderAddAttr(builder, (std::string(count) + ": int >= 0").c_str());
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, [](TF_ShapeInferenceContext *context, TF_Status *status) { TF_ShapeInferenceContextSetUnknownShape(context, status); });
  std::unique_ptr<TF_Status, void (*)(TF_Status *)> status(TF_NewStatus(), TF_DeleteStatus);
  TF_RegisterOpDefinition(builder, status.get());

  auto create = [](TF_OpKernelConstruction *construction) -> void * {
    auto *attributes = new Attributes();
    std::unique_ptr<TF_Status, void (*)(TF_Status *)> status(TF_NewStatus(), TF_DeleteStatus);
    if (definition.number) TF_OpKernelConstruction_GetAttrFloat(construction, definition.number, &attributes->number, status.get());
    for (size_t i = 0; i < definition.flags.size(); i++) {
      unsigned char flag = 0;
      TF_OpKernelConstruction_GetAttrBool(construction, definition.flags[i], &flag, status.get());
      attributes->flags[i] = flag != 0;
    }
    return attributes;
  };
  auto run = [](void *kernel, TF_OpKernelContext *context) {
    Call call(context);
    compute(call, *static_cast<Attributes *>(kernel));
  };
  auto destroy = [](void *kernel) { delete static_cast<Attributes *>(kernel); };
  TF_RegisterKernelBuilder(op.name, TF_NewKernelBuilder(op.name, "CPU", create, run, destroy), status.get());
}

}  // namespace verlet
