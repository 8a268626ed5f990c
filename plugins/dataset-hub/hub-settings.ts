/** What the environment says of the hub, by the names that Python's huggingface_hub has for it. */
export interface HubSettings {
  /** HF_ENDPOINT. */
  endpoint: string;
  /** HF_TOKEN. */
  token?: string;
  /** HF_HUB_OFFLINE or HF_DATASETS_OFFLINE: only the cache is read. */
  offline: boolean;
}

export function hubSettings(env: NodeJS.ProcessEnv = process.env): HubSettings {
  const { HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE = "", HF_DATASETS_OFFLINE = "" } = env;
  const token = HF_TOKEN?.trim();
  return {
    endpoint: (HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, ""),
    ...(token && { token }),
    offline: [HF_HUB_OFFLINE, HF_DATASETS_OFFLINE].some((value) => /^(1|on|yes|true)$/i.test(value)),
  };
}
