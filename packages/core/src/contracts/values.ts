/** Metrics of one step: only what was measured, named `phase/name` as verl and TRL do. */
export type Metrics = Record<string, number>;

/** What may be stored in a checkpoint as JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
