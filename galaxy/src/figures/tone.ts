/** How something is meant: colours say it again, words say it first. */
export type Tone = "good" | "warn" | "bad" | "dim" | "plain";
