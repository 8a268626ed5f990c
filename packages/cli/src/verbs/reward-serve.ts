import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { loadBuiltins, loadPlugins } from "@verlet/config";
import type { JsonFlag } from "../options.js";
import { note, print, printJson } from "../output.js";
import { createRewardServer } from "../reward-server.js";
import { configureRewards, parseWeightedRewards } from "../rewards.js";

export interface RewardServeFlags extends JsonFlag {
  reward: string[];
  plugins?: string[];
  host: string;
  port: number;
  maxBody: number;
}

const MEBIBYTE = 2 ** 20;

/** Serves until Ctrl+C or SIGTERM, which end requests under way. */
export async function rewardServe({ reward, plugins = [], host, port, maxBody, json }: RewardServeFlags): Promise<void> {
  await loadBuiltins();
  await loadPlugins(plugins, process.cwd());
  const rewards = configureRewards(parseWeightedRewards(reward));
  const server = createRewardServer(rewards, { maxBody: maxBody * MEBIBYTE });
  server.listen(port, host);
  await once(server, "listening"); // an error event, such as a port in use, is thrown here
  const url = urlOf(server.address() as AddressInfo);
  if (!isLoopback(host)) note(`anyone who reaches ${host} can send samples to these rewards`);
  if (json) printJson({ event: "listening", url, rewards: rewards.map(({ name, weight }) => ({ name, weight })) });
  else print(`serving ${rewards.map(({ name, weight }) => (weight === 1 ? name : `${name} (${weight})`)).join(", ")} at ${url}; Ctrl+C ends`);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  server.close();
  server.closeAllConnections();
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}/`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
