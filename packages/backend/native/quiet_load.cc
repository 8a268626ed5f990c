// Loads a shared library with standard error turned away.
//
// libtensorflow writes notes about itself while it is being loaded, before it reads TF_CPP_MIN_LOG_LEVEL. They are no news
// to somebody who trains a model. The library stays loaded, so the addon that needs it finds it in place.

#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdio.h>
#include <unistd.h>

// load(path: string): boolean. False where it could not be loaded: loading the addon then tells why.
static napi_value Load(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  char path[4096];
  size_t length = 0;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok ||
      napi_get_value_string_utf8(env, argument, path, sizeof(path), &length) != napi_ok) {
    napi_throw_type_error(env, nullptr, "load(path: string)");
    return nullptr;
  }

  fflush(stderr);
  const int original = dup(STDERR_FILENO);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (original >= 0 && nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  const bool loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL) != nullptr;
  fflush(stderr);
  if (original >= 0) dup2(original, STDERR_FILENO);
  if (original >= 0) close(original);
  if (nowhere >= 0) close(nowhere);

  napi_value result;
  napi_get_boolean(env, loaded, &result);
  return result;
}

static napi_value Init(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "load", NAPI_AUTO_LENGTH, Load, nullptr, &function);
  napi_set_named_property(env, exports, "load", function);
  return exports;
}

NAPI_MODULE(quiet_load, Init)
