// tfjs-node's addon with two things more: a traced computation as a TensorFlow function, and ops of verlet's own (kernels/).
//
// A function lives in the addon's eager context and is called by its name through executeOp, like any op: its inputs and
// outputs stay where they are (on a GPU as well), and TensorFlow runs its body as one optimised graph. The graph is built op
// by op while JavaScript traces; an op's attributes are taken from TensorFlow's own eager op, which infers those that
// tfjs-node leaves out.

#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#define private public  // the package keeps the eager context and its handles to itself
#include "binding/tfjs_backend.h"
#undef private

#include <node_api.h>
#undef NAPI_MODULE
#define NAPI_MODULE(name, init)  // Init below wraps the package's own
#include "binding/tfjs_backend.cc"
#include "binding/tfjs_binding.cc"

#include "kernels/kernels.h"
#include "kernels/product_loops.h"
#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api_experimental.h"

namespace tfnodejs {
namespace {

struct TracedGraph {
  TF_Graph *graph = TF_NewGraph();
  std::vector<TF_Operation *> nodes;
  ~TracedGraph() { TF_DeleteGraph(graph); }

  // From [node, output] pairs, flat.
  std::vector<TF_Output> outputs(const std::vector<int32_t> &pairs) const {
    std::vector<TF_Output> found;
    for (size_t i = 0; i < pairs.size(); i += 2) found.push_back({nodes.at(pairs[i]), pairs[i + 1]});
    return found;
  }
};

struct Buffer {
  TF_Buffer *buffer = TF_NewBuffer();
  ~Buffer() { TF_DeleteBuffer(buffer); }
};

struct Arguments {
  napi_env env;
  napi_value at[6];
  Arguments(napi_env env, napi_callback_info info) : env(env) {
    size_t count = 6;
    napi_get_cb_info(env, info, &count, at, nullptr, nullptr);
  }
  std::string text(int i) const {
    std::string value;
    GetStringParam(env, at[i], value);
    return value;
  }
  int32_t number(int i) const {
    int32_t value = 0;
    napi_get_value_int32(env, at[i], &value);
    return value;
  }
  std::vector<int32_t> numbers(int i) const {
    uint32_t length = 0;
    napi_get_array_length(env, at[i], &length);
    std::vector<int32_t> values(length);
    for (uint32_t k = 0; k < length; k++) {
      napi_value item;
      napi_get_element(env, at[i], k, &item);
      napi_get_value_int32(env, item, &values[k]);
    }
    return values;
  }
  TracedGraph *graph() const {
    void *data = nullptr;
    napi_get_value_external(env, at[0], &data);
    return static_cast<TracedGraph *>(data);
  }
};

bool Failed(napi_env env, const TF_AutoStatus &status) {
  if (TF_GetCode(status.status) == TF_OK) return false;
  napi_throw_error(env, nullptr, TF_Message(status.status));
  return true;
}

// Finishes a node and returns its index.
napi_value AddNode(napi_env env, TracedGraph *traced, TF_OperationDescription *description) {
  TF_AutoStatus status;
  TF_Operation *operation = TF_FinishOperation(description, status.status);
  if (Failed(env, status)) return nullptr;
  traced->nodes.push_back(operation);
  napi_value index;
  napi_create_int32(env, static_cast<int32_t>(traced->nodes.size()) - 1, &index);
  return index;
}

TF_OperationDescription *NewNode(TracedGraph *traced, const std::string &op) {
  const std::string name = "n" + std::to_string(traced->nodes.size());
  return TF_NewOperation(traced->graph, op.c_str(), name.c_str());
}

uint64_t Varint(const char *&at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = *at++;
    value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return value;
  }
}

// A length-delimited field of a protocol buffer message: text, bytes or a message of its own.
struct Field {
  uint64_t number;
  const char *data;
  size_t length;
  std::string text() const { return std::string(data, length); }
};

std::vector<Field> Fields(const char *at, size_t length) {
  std::vector<Field> fields;
  const char *end = at + length;
  while (at < end) {
    const uint64_t tag = Varint(at);
    if ((tag & 7) == 0) {
      Varint(at);  // a number: none is read here
    } else if ((tag & 7) == 2) {
      const size_t size = Varint(at);
      fields.push_back({tag >> 3, at, size});
      at += size;
    } else {
      at += (tag & 7) == 1 ? 8 : 4;
    }
  }
  return fields;
}

std::vector<Field> Fields(const Field &message) { return Fields(message.data, message.length); }

std::vector<Field> Fields(const TF_Buffer *message) { return Fields(static_cast<const char *>(message->data), message->length); }

// Copies the attributes of an eager op: message NameAttrList { string name = 1; map<string, AttrValue> attr = 2; }
void CopyAttributes(TFE_Op *op, TF_OperationDescription *description, TF_Status *status) {
  Buffer serialized;
  TFE_OpAttrsSerialize(TFE_OpGetAttrs(op), serialized.buffer, status);
  if (TF_GetCode(status) != TF_OK) return;
  for (const Field &entry : Fields(serialized.buffer)) {
    if (entry.number != 2) continue;
    std::string key;
    Field value{0, nullptr, 0};
    for (const Field &part : Fields(entry)) {
      if (part.number == 1) key = part.text();
      else value = part;
    }
    TF_SetAttrValueProto(description, key.c_str(), value.data, value.length, status);
    if (TF_GetCode(status) != TF_OK) return;
  }
}

// Adds a node's inputs, those of a list together: message OpDef { repeated ArgDef input_arg = 2; },
// message ArgDef { string name = 1; string number_attr = 5; string type_list_attr = 6; }
void AddInputs(TFE_Op *op, TracedGraph *traced, const std::string &name, const std::vector<TF_Output> &inputs, TF_OperationDescription *description, TF_Status *status) {
  Buffer definition;
  TF_GraphGetOpDef(traced->graph, name.c_str(), definition.buffer, status);
  if (TF_GetCode(status) != TF_OK) return;
  size_t next = 0;
  for (const Field &argument : Fields(definition.buffer)) {
    if (argument.number != 2) continue;
    std::string key;
    bool list = false;
    for (const Field &part : Fields(argument)) {
      if (part.number == 1) key = part.text();
      list = list || part.number == 5 || part.number == 6;
    }
    const size_t count = list ? TFE_OpGetInputLength(op, key.c_str(), status) : 1;
    if (TF_GetCode(status) != TF_OK) return;
    if (list) TF_AddInputList(description, inputs.data() + next, static_cast<int>(count));
    else TF_AddInput(description, inputs.at(next));
    next += count;
  }
}

// newGraph(): Graph
napi_value NewGraph(napi_env env, napi_callback_info) {
  napi_value graph;
  napi_create_external(env, new TracedGraph(), [](napi_env, void *data, void *) { delete static_cast<TracedGraph *>(data); }, nullptr, &graph);
  return graph;
}

// graphInput(graph, dtype): index; its shape is not fixed
napi_value GraphInput(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  TF_OperationDescription *description = NewNode(given.graph(), "Placeholder");
  TF_SetAttrType(description, "dtype", static_cast<TF_DataType>(given.number(1)));
  return AddNode(env, given.graph(), description);
}

// graphConstant(graph, tensorId): index
napi_value GraphConstant(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  TF_AutoStatus status;
  TFE_TensorHandle *handle = GetTFJSBackend(env)->tfe_handle_map_.at(given.number(1));
  TF_AutoTensor tensor(TFE_TensorHandleResolve(handle, status.status));
  if (Failed(env, status)) return nullptr;
  TF_OperationDescription *description = NewNode(given.graph(), "Const");
  TF_SetAttrType(description, "dtype", TF_TensorType(tensor.tensor));
  TF_SetAttrTensor(description, "value", tensor.tensor, status.status);
  if (Failed(env, status)) return nullptr;
  return AddNode(env, given.graph(), description);
}

// graphOp(graph, name, attributes, tensorIds, sources): index; sources holds [node, output] for each input
napi_value GraphOp(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  const std::string name = given.text(1);
  TFJSBackend *backend = GetTFJSBackend(env);
  TF_AutoStatus status;
  TFE_AutoOp eager(TFE_NewOp(backend->tfe_context_, name.c_str(), status.status));
  if (Failed(env, status)) return nullptr;
  for (const int32_t id : given.numbers(3)) {
    TFE_OpAddInput(eager.op, backend->tfe_handle_map_.at(id), status.status);
    if (Failed(env, status)) return nullptr;
  }
  uint32_t attributes = 0;
  napi_get_array_length(env, given.at[2], &attributes);
  for (uint32_t i = 0; i < attributes; i++) {
    napi_value attribute;
    napi_get_element(env, given.at[2], i, &attribute);
    AssignOpAttr(env, eager.op, attribute);
    if (IsExceptionPending(env)) return nullptr;
  }

  TracedGraph *traced = given.graph();
  TF_OperationDescription *description = NewNode(traced, name);
  const std::vector<TF_Output> inputs = traced->outputs(given.numbers(4));
  AddInputs(eager.op, traced, name, inputs, description, status.status);
  if (Failed(env, status)) return nullptr;
  CopyAttributes(eager.op, description, status.status);
  if (Failed(env, status)) return nullptr;
  return AddNode(env, traced, description);
}

// addFunction(graph, name, inputs, outputs): outputs holds [node, output] for each result
napi_value AddFunction(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  TracedGraph *traced = given.graph();
  const std::string name = given.text(1);
  std::vector<TF_Output> inputs;
  for (const int32_t index : given.numbers(2)) inputs.push_back({traced->nodes.at(index), 0});
  const std::vector<TF_Output> outputs = traced->outputs(given.numbers(3));
  TF_AutoStatus status;
  TF_Function *function = TF_GraphToFunction(traced->graph, name.c_str(), 0, -1, nullptr, static_cast<int>(inputs.size()), inputs.data(),
                                             static_cast<int>(outputs.size()), outputs.data(), nullptr, nullptr, nullptr, status.status);
  if (Failed(env, status)) return nullptr;
  TFE_ContextAddFunction(GetTFJSBackend(env)->tfe_context_, function, status.status);
  TF_DeleteFunction(function);
  Failed(env, status);
  return nullptr;
}

// removeFunction(name)
napi_value RemoveFunction(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  TF_AutoStatus status;
  TFE_ContextRemoveFunction(GetTFJSBackend(env)->tfe_context_, given.text(0).c_str(), status.status);
  Failed(env, status);
  return nullptr;
}

napi_value Init(napi_env env, napi_value exports) {
  exports = InitTFNodeJSBinding(env, exports);
  const std::pair<const char *, napi_callback> functions[] = {
      {"newGraph", NewGraph}, {"graphInput", GraphInput}, {"graphConstant", GraphConstant},
      {"graphOp", GraphOp},   {"addFunction", AddFunction}, {"removeFunction", RemoveFunction},
  };
  for (const auto &[name, callback] : functions) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  }
  static std::once_flag registered;
  std::call_once(registered, verlet::RegisterKernels);
  const std::pair<const char *, bool> facts[] = {
      {"verletKernels", true}, {"verletProducts", verlet::fast_products}, {"verletBfloat16Products", verlet::bfloat16_products != nullptr},
  };
  for (const auto &[name, holds] : facts) {
    napi_value value;
    napi_get_boolean(env, holds, &value);
    napi_set_named_property(env, exports, name, value);
  }
  return exports;
}

}  // namespace
}  // namespace tfnodejs

NAPI_MODULE_INIT() { return tfnodejs::Init(env, exports); }
