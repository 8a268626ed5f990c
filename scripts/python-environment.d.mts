export const NO_PYTHON: string;
export function cacheFolder(): string;
/**
 * @param name start of the folder's name in the cache
 * @param requirements a path; torch is its first line
 * @returns the interpreter, or undefined where there is no Python to make the environment with
 * @throws Error when an installation that was begun fails
 */
export function pythonEnvironment(name: string, requirements: string): Promise<string | undefined>;
