/** What became of the rows. */

export interface PromptReport {
  /** Rows there were. */
  read: number;
  kept: number;
  /** Rows left out, by reason. */
  dropped: Record<string, number>;
  /** Tokens of the rows kept. */
  tokens: number;
  /** Rows that went through the chat template. */
  templated: number;
}

export interface PrepareReport extends PromptReport {
  /** Rows cut at the end. */
  truncated: number;
  /** Tokens that carry loss. */
  trainedTokens: number;
  /** Rows whose prompt and completion would have shared a token and were tokenised apart. */
  split: number;
}

/** One line for the screen. */
export function describeReport(report: PromptReport | PrepareReport): string {
  const { read, kept, dropped, tokens, templated } = report;
  const reasons = Object.entries(dropped).map(([reason, count]) => `${count} dropped (${reason})`);
  const sft = "trainedTokens" in report ? report : undefined;
  return [
    `${read} rows read`,
    `${kept} kept`,
    ...(reasons.length > 0 ? reasons : ["none dropped"]),
    ...(sft ? [`${sft.truncated} truncated`] : []),
    `${tokens} tokens`,
    ...(sft ? [`${sft.trainedTokens} of them trained`] : []),
    templated === 0 ? "no chat template" : templated === read ? "through the chat template" : `${templated} through the chat template`,
    ...(sft?.split ? [`${sft.split} with prompt and completion tokenised apart`] : []),
  ].join(", ");
}
