/** The Python environment of the peers, at the versions of peers/requirements.txt. */
import { fileURLToPath } from "node:url";
import { SetupError } from "../scripts/ensure-installed.mjs";
import { NO_PYTHON, pythonEnvironment } from "../scripts/python-environment.mjs";

export { cacheFolder } from "../scripts/python-environment.mjs";

const REQUIREMENTS = fileURLToPath(new URL("./peers/requirements.txt", import.meta.url));

/**
 * The interpreter to run the peers with.
 * @returns {Promise<string>}
 */
export async function peerPython() {
  const python = await pythonEnvironment("bench", REQUIREMENTS).catch((error) => {
    throw new SetupError(`[bench] ${error.message}`);
  });
  if (python === undefined) throw new SetupError(`[bench] ${NO_PYTHON}.`);
  return python;
}
