/** What `verlet setup` needs on the machine, and the words when it is not there. */
import { BackendError } from "@verlet/core";
import type { RunCommand } from "./command.js";

export interface Tools {
  /** Python 3 with pip. */
  readonly python: string;
  /** A C++17 compiler. */
  readonly compiler: string;
  readonly npm: string;
}

interface Missing {
  readonly what: string;
  readonly apt: string;
  readonly dnf: string;
  readonly brew: string;
}

const missingPython: Missing = { what: "Python 3 (python3 or python)", apt: "python3 python3-pip", dnf: "python3 python3-pip", brew: "python" };
const missingPip: Missing = { what: "pip (python3 -m pip)", apt: "python3-pip", dnf: "python3-pip", brew: "python" };
const missingCompiler: Missing = { what: "C++ compiler (g++, c++ or clang++)", apt: "g++", dnf: "gcc-c++", brew: "gcc" };
const missingNpm: Missing = { what: "npm", apt: "npm", dnf: "npm", brew: "node" };

/** @throws BackendError that names everything missing at once, with the lines that install it */
export async function findTools(run: RunCommand): Promise<Tools> {
  const works = async (program: string, ...args: string[]): Promise<boolean> => (await run(program, args)).code === 0;
  const first = async (programs: readonly string[], ...args: string[]): Promise<string | undefined> => {
    for (const program of programs) if (await works(program, ...args)) return program;
    return undefined;
  };

  const isPython3 = "import sys; sys.exit(sys.version_info[0] != 3)";
  const python = await first(["python3", "python"], "-c", isPython3);
  const pythonWithPip = await first(["python3", "python"], "-c", `import pip; ${isPython3}`);
  const chosenCompiler = process.env["CXX"];
  const compiler = await first([...(chosenCompiler ? [chosenCompiler] : []), "g++", "c++", "clang++"], "--version");
  const npm = await first(["npm"], "--version");

  const missing = [
    ...(python ? (pythonWithPip ? [] : [missingPip]) : [missingPython]),
    ...(compiler ? [] : [missingCompiler]),
    ...(npm ? [] : [missingNpm]),
  ];
  if (missing.length > 0) throw describeMissing(missing);
  return { python: pythonWithPip!, compiler: compiler!, npm: npm! };
}

function describeMissing(missing: readonly Missing[]): BackendError {
  const packages = (manager: "apt" | "dnf" | "brew"): string => missing.map((each) => each[manager]).join(" ");
  return new BackendError({
    where: "verlet setup",
    what: "the native backend cannot be built here",
    got: `no ${missing.map(({ what }) => what).join(" and no ")}`,
    expected: "Python 3 with pip, a C++ compiler and npm",
    fix:
      `Install what is missing (Debian, Ubuntu: apt-get install -y ${packages("apt")}; Fedora, RHEL: dnf install -y ${packages("dnf")}; ` +
      `Homebrew: brew install ${packages("brew")}) and run npx verlet setup again, or train without it on wasm`,
  });
}
