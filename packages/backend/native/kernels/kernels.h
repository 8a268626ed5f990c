// Ops that verlet adds to TensorFlow: passes over memory that would be many ops otherwise. For processors; their JavaScript
// sides (packages/backend/src/ops) hold the formulas in plain ops, which other backends use and tests compare with.

#pragma once

namespace verlet {

void RegisterAdam();
void RegisterAdaptedLinears();
void RegisterAttention();
void RegisterChoice();
void RegisterDecodeStep();
void RegisterLogits();
void RegisterLowRank();
void RegisterPack();
void RegisterProduct();
void RegisterRmsNorm();
void RegisterRotary();
void RegisterSoftmax();
void RegisterSwiglu();

// Once in a process.
inline void RegisterKernels() {
  RegisterAdam();
  RegisterAdaptedLinears();
  RegisterAttention();
  RegisterChoice();
  RegisterDecodeStep();
  RegisterLogits();
  RegisterLowRank();
  RegisterPack();
  RegisterProduct();
  RegisterRmsNorm();
  RegisterRotary();
  RegisterSoftmax();
  RegisterSwiglu();
}

}  // namespace verlet
