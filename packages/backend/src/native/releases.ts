/** Everything the native backend downloads, pinned: the one table to edit for another TensorFlow version. */

export type NativeKind = "cpu" | "gpu";

export interface PinnedFile {
  /** The registry's name of it. */
  readonly requirement: string;
  readonly sha256: string;
  readonly bytes: number;
}

export const TENSORFLOW_VERSION = "2.21.0";

/**
 * Any CPython wheel serves: only its C++ libraries are used, never its Python code. One tag is chosen so that every
 * machine gets the same file, whichever Python runs pip.
 */
export const WHEEL_TAGS = ["--python-version", "3.12", "--implementation", "cp", "--platform", "manylinux_2_27_x86_64"] as const;

/** `process.platform`-`process.arch` that the wheels below are for. */
export const NATIVE_PLATFORM = "linux-x64";

export const wheels: Readonly<Record<NativeKind, PinnedFile>> = {
  cpu: {
    requirement: `tensorflow-cpu==${TENSORFLOW_VERSION}`,
    sha256: "dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb",
    bytes: 274_000_871,
  },
  gpu: {
    requirement: `tensorflow==${TENSORFLOW_VERSION}`,
    sha256: "b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0",
    bytes: 572_611_111,
  },
};

/** Free disk that setting up takes at its peak: the wheels and what is unpacked from them. */
export const diskBytes: Readonly<Record<NativeKind, number>> = { cpu: 1.5e9, gpu: 12e9 };

/** The addon's sources and its JavaScript kernels. Last release; taken without its install script and dependencies. */
export const addonPackage: PinnedFile = {
  requirement: "@tensorflow/tfjs-node@4.22.0",
  sha256: "d38a448a705efc6e655a080f896b3af646ae39dffbfe9c90b06cb9fc3a2b9358",
  bytes: 228_166,
};

/** What the addon's kernels need besides TensorFlow.js itself. */
export const protobufPackage: PinnedFile = {
  requirement: "google-protobuf@3.21.4",
  sha256: "38299bb1802ce06900ea2e43650aded8393cd6a00012ed97ffc716eeab1e1091",
  bytes: 68_046,
};
