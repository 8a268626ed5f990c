export { tf } from "./tf.js";
export { activeBackend, describeBackend, selectBackend, type BackendInfo } from "./select-backend.js";
export { backendOrder, type BackendName, type Candidate, type Opened, type PassedOver, type Unavailable } from "./candidates/candidate.js";
export { memorySnapshot, type MemorySnapshot } from "./memory-snapshot.js";
export { cacheFolder, isComplete, nativeFolder } from "./native/native-cache.js";
export { TENSORFLOW_VERSION, type NativeKind } from "./native/releases.js";
export { doctor, type DoctorReport } from "./doctor.js";
export { setupNative, type SetupOptions, type SetupResult } from "./setup/setup-native.js";
export * from "./ops/index.js";
